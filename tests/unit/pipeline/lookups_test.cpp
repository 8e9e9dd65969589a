// What scripts ask connections for: the event waits in its lane, whatever happens meanwhile.

#include <map>
#include <random>

#include "engine/pipeline/explain.h"
#include "rules/lua/in_process_host.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace lookups_test {

using namespace engine;
using namespace engine::test;
using namespace std::chrono_literals;
using testing_random::Random;

namespace {

constexpr auto crm =
    "name: crm\n"
    "title: CRM\n"
    "description: Knows contacts.\n"
    "settings:\n"
    "  url: { type: url, description: Where it is. }\n"
    "auth: [ { none: true } ]\n"
    "lookups:\n"
    "  find_contact:\n"
    "    description: The contact with this address.\n"
    "    params: { email: { required: true, description: The address. } }\n"
    "    request: { method: GET, url: \"{settings.url}/contacts\", query: { email: \"{params.email}\" } }\n"
    "    idempotency: none\n"
    "    result: { tier: \"{response.body.tier}\" }\n"
    "    sandbox_result: { tier: \"of {params.email}\" }\n";

constexpr auto script =
    "local function tier(ctx, options)\n"
    "  local found, problem = ctx.call('crm.find_contact', { email = ctx.ticket.custom.email }, options)\n"
    "  return problem and problem.code or found.tier\n"
    "end\n"
    "return {\n"
    "  run = function(ctx) ctx.set('ticket.custom.tier', tier(ctx)) end,\n"
    "  cached = function(ctx) ctx.set('ticket.custom.tier', tier(ctx, { cache = '10m' })) end,\n"
    "  is_gold = function(ctx) return tier(ctx) == 'gold' end,\n"
    "  both = function(ctx)\n"
    "    local one = ctx.call('crm.find_contact', { email = 'one' })\n"
    "    local two = ctx.call('crm.find_contact', { email = 'two of ' .. one.tier })\n"
    "    ctx.set('ticket.custom.tier', two.tier)\n"
    "  end,\n"
    "  always_new = function(ctx)\n"
    "    local n = #(ctx.ticket.custom.email)\n"
    "    while true do\n"
    "      n = n + 1\n"
    "      local found, problem = ctx.call('crm.find_contact', { email = 'a' .. n })\n"
    "      if problem then ctx.set('ticket.custom.tier', problem.code) return end\n"
    "    end\n"
    "  end,\n"
    "}\n";

std::shared_ptr<const Tenant> tenant_asking(const std::string& rules,
                                            const std::string& connection = "url: \"http://127.0.0.1:1\"") {
    return tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"fields.yaml",
          "fields:\n  ticket.custom.email: { type: text }\n  ticket.custom.tier: { type: text }\n"},
         {"connectors/crm/connector.yaml", crm},
         {"connections.yaml", "connections:\n  crm: { connector: crm, " + connection +
                                  " }\n  slack: { connector: slack, sandbox: true }\n"},
         {"scripts/a.lua", script},
         {"rules.yaml", "rules:\n" + rules}},
        std::make_shared<rules::InProcessHost>());
}

constexpr auto run_it =
    "  - { id: look, on: [ticket.created, ticket.updated], then: [ { lua: 'scripts/a.lua#run' } ] }\n";

std::string rule_with(const std::string& function) {
    return "  - { id: look, on: [ticket.created, ticket.updated], then: [ { lua: 'scripts/a.lua#" + function +
           "' } ] }\n";
}

WorkerOptions asking_options() {
    WorkerOptions options;
    options.answers = std::make_shared<LiveAnswers>(100);
    return options;
}

Event ticket(const std::string& id, const std::string& subject, const std::string& email = "a@b.c") {
    return event(id, "ticket.created", subject, Json{{"ticket", {{"custom", {{"email", email}}}}}});
}

Json tier(const std::string& name) {
    return {{"ok", {{"tier", name}}}};
}

/// What is to be asked for; at most one.
PendingLookup taken(World& world) {
    auto lookups = world.worker->take_lookups(10);
    REQUIRE(lookups.size() == 1);
    return lookups.front();
}

void answer(World& world, const Json& answer, Instant now = noon) {
    world.worker->answered(taken(world), answer, now);
    world.run(now);
}

std::string tier_of(World& world, const std::string& subject) {
    return text_or(world.entity(subject).fields, "custom.tier", "-");
}

}  // namespace

TEST_CASE("lookups: an event that waits for an answer is acknowledged and decided with it",
          "[lookups][lua]") {
    World world(tenant_asking(run_it), asking_options());
    const auto ack = world.submit(ticket("e1", "ticket/1"));
    CHECK(ack.kind == Ack::Kind::accepted);
    CHECK(ack.pending);
    CHECK(world.decided.empty());
    CHECK(differences_in(world) == "");
    const auto lookup = taken(world);
    CHECK(lookup.need.what == "crm.find_contact");
    CHECK(lookup.need.params == Json{{"email", "a@b.c"}});
    world.worker->answered(lookup, tier("gold"), noon);
    // Said twice, it is told once.
    world.worker->answered(lookup, tier("silver"), noon);
    world.run();
    CHECK(tier_of(world, "ticket/1") == "gold");
    CHECK(world.decided == std::vector<std::string>{"e1"});
    CHECK(world.worker->asking_lanes() == 0);
    CHECK(world.submit(ticket("e1", "ticket/1")).kind == Ack::Kind::duplicate);
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: events of the lane wait behind it in order, other lanes go on", "[lookups][lua]") {
    World world(tenant_asking(run_it), asking_options());
    const auto acks =
        world.submit({ticket("e1", "ticket/1", "one"), ticket("e2", "ticket/1", "two"),
                      event("e3", "ticket.noted", "ticket/2", Json{{"ticket", Json::object()}})});
    CHECK((acks[0].pending && acks[1].pending && !acks[2].pending));
    CHECK(world.submit(event("e4", "ticket.noted", "ticket/1", Json{{"ticket", Json::object()}})).pending);
    CHECK(world.decided == std::vector<std::string>{"e3"});
    CHECK(differences_in(world) == "");
    answer(world, tier("gold"));
    CHECK(world.decided == std::vector<std::string>{"e3", "e1"});
    answer(world, tier("silver"));
    CHECK(world.decided == std::vector<std::string>{"e3", "e1", "e2", "e4"});
    CHECK(tier_of(world, "ticket/1") == "silver");
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: a restart asks again and keeps the order", "[lookups][lua]") {
    World world(tenant_asking(run_it), asking_options());
    world.submit({ticket("e1", "ticket/1", "one"), ticket("e2", "ticket/1", "two")});
    CHECK(taken(world).need.params["email"] == "one");
    world.worker.reset();
    world.start(asking_options());
    world.run();
    CHECK(world.decided.empty());
    answer(world, tier("gold"));
    answer(world, tier("silver"));
    CHECK(world.decided == std::vector<std::string>{"e1", "e2"});
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: one after another, as often as an event may wait", "[lookups][lua]") {
    World world(tenant_asking(rule_with("both")), asking_options());
    world.submit(ticket("e1", "ticket/1"));
    answer(world, tier("gold"));
    const auto second = taken(world);
    CHECK(second.need.params["email"] == "two of gold");
    world.worker->answered(second, tier("black"), noon);
    world.run();
    CHECK(tier_of(world, "ticket/1") == "black");
    CHECK(found_in(world) == "");
    const auto explained = explain(*world.store, world.tenant->name, EventId("e1"), "",
                                   std::make_shared<rules::InProcessHost>());
    REQUIRE(explained);
    CHECK((*explained)["reproduced"] == true);
    CHECK((*explained)["trace"]["lookups"] ==
          Json{{{"asked", "crm.find_contact"}, {"params", {{"email", "one"}}}, {"answer", tier("gold")}},
               {{"asked", "crm.find_contact"},
                {"params", {{"email", "two of gold"}}},
                {"answer", tier("black")}}});

    auto options = asking_options();
    options.lookups_per_event_max = 3;
    World greedy(tenant_asking(rule_with("always_new")), options);
    greedy.submit(ticket("e1", "ticket/1"));
    for (int i = 0; i < 3; ++i) answer(greedy, tier("gold"));
    CHECK(greedy.worker->take_lookups(10).empty());
    CHECK(tier_of(greedy, "ticket/1") == "exhausted");
    CHECK(found_in(greedy) == "");
    const auto told = explain(*greedy.store, greedy.tenant->name, EventId("e1"), "",
                              std::make_shared<rules::InProcessHost>());
    REQUIRE(told);
    CHECK((*told)["reproduced"] == true);
    CHECK((*told)["trace"]["lookups"][3]["answer"]["error"]["code"] == "exhausted");
}

TEST_CASE("lookups: an answer is used again for as long as the script allows", "[lookups][lua]") {
    World world(tenant_asking(rule_with("cached")), asking_options());
    world.submit(ticket("e1", "ticket/1"));
    answer(world, tier("gold"));
    CHECK_FALSE(world.submit(ticket("e2", "ticket/2"), noon + 9min).pending);
    CHECK(tier_of(world, "ticket/2") == "gold");
    CHECK(world.submit(ticket("e3", "ticket/3", "other"), noon + 9min).pending);
    CHECK(world.submit(ticket("e4", "ticket/4"), noon + 10min).pending);
    CHECK(world.worker->take_lookups(10).size() == 2);
    // What was not found is asked for again.
    World lost(tenant_asking(rule_with("cached")), asking_options());
    lost.submit(ticket("e1", "ticket/1"));
    answer(lost, unanswered("not_found", "HTTP 404"));
    CHECK(tier_of(lost, "ticket/1") == "not_found");
    CHECK(lost.submit(ticket("e2", "ticket/2")).pending);
}

TEST_CASE("lookups: what cannot be asked is answered at once", "[lookups][lua]") {
    World sandbox(tenant_asking(run_it, "sandbox: true"), asking_options());
    CHECK_FALSE(sandbox.submit(ticket("e1", "ticket/1")).pending);
    CHECK(tier_of(sandbox, "ticket/1") == "of a@b.c");
    World nobody(tenant_asking(run_it));
    CHECK_FALSE(nobody.submit(ticket("e1", "ticket/1")).pending);
    CHECK(tier_of(nobody, "ticket/1") == "unavailable");
    CHECK(found_in(nobody) == "");
}

TEST_CASE("lookups: conditions wait as steps do", "[lookups][lua]") {
    World world(tenant_asking("  - { id: gold, on: ticket.created, when: { lua: 'scripts/a.lua#is_gold' }, "
                              "then: [ { add_tags: [gold] } ] }\n"),
                asking_options());
    CHECK(world.submit(ticket("e1", "ticket/1")).pending);
    answer(world, tier("gold"));
    CHECK(world.entity("ticket/1").fields["tags"] == Json{"gold"});
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: timers and rests of rules wait as events do", "[lookups][lua]") {
    World world(tenant_asking("  - id: later\n"
                              "    on: ticket.created\n"
                              "    then:\n"
                              "      - wait: 5m\n"
                              "      - lua: scripts/a.lua#run\n"
                              "      - add_tags: [done]\n"
                              "      - slack.post_message: { channel: C, text: hi }\n"
                              "        as: told\n"
                              "      - set: { ticket.custom.email: \"{{ steps.told.result.ts }}\" }\n"
                              "      - lua: scripts/a.lua#both\n"),
                asking_options());
    world.submit(ticket("e1", "ticket/1"));
    CHECK(world.decided.size() == 1);
    world.run(noon + 5min);
    CHECK(world.decided.size() == 1);
    CHECK(timers_in(world).empty());
    CHECK(differences_in(world) == "");
    world.worker.reset();
    world.start(asking_options());
    world.run(noon + 6min);
    answer(world, tier("gold"), noon + 6min);
    CHECK(tier_of(world, "ticket/1") == "gold");
    CHECK(differences_in(world) == "");
    // The result of the message comes, and its decision waits again.
    auto due = world.worker->take_due(noon + 7min, 10);
    REQUIRE(due.size() == 1);
    world.worker->settled(due[0].partition, due[0].number, done_with({{"ts", "t"}}));
    world.run(noon + 7min);
    CHECK(differences_in(world) == "");
    world.worker.reset();
    world.start(asking_options());
    world.run(noon + 8min);
    answer(world, tier("x"), noon + 8min);
    answer(world, tier("black"), noon + 8min);
    CHECK(tier_of(world, "ticket/1") == "black");
    CHECK(world.entity("ticket/1").fields["tags"] == Json{"done"});
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: an event that stumbles when it is answered blocks its lane in its place",
          "[lookups][lua]") {
    World world(tenant_asking("  - { id: look, on: ticket.created, on_error: lane, then: [ { lua: "
                              "'scripts/a.lua#both' } ] }\n"),
                asking_options());
    world.submit({ticket("e1", "ticket/1"), ticket("e2", "ticket/1")});
    // No value: what the script makes of it fails.
    answer(world, unanswered("unavailable", "HTTP 503"));
    CHECK(world.worker->blocked_lanes() == 1);
    CHECK(differences_in(world) == "");
    const auto blocked = *world.store->blocked_lanes(world.tenant->name);
    REQUIRE(blocked.size() == 1);
    CHECK(blocked[0].waiting == 2);
    REQUIRE(world.command("lanes.release", {{"subject", "ticket/1"}, {"mode", "retry"}}));
    for (const auto* name : {"a", "b", "c", "d"}) answer(world, tier(name));
    CHECK(world.worker->blocked_lanes() == 0);
    CHECK(world.decided.size() == 3);
    CHECK(world.decided.back() == "e2");
    CHECK(found_in(world) == "");
}

TEST_CASE("lookups: whatever fails in between, each event is decided once and in order", "[lookups][lua]") {
    const auto rules = std::string(run_it) +
                       "  - { id: note, on: ticket.created, then: [ { emit: { type: ticket.noted } } ] }\n"
                       "  - { id: noted, on: ticket.noted, then: [ { lua: 'scripts/a.lua#cached' } ] }\n"
                       "  - { id: wait, on: ticket.updated, then: [ { wait: 1m }, { lua: "
                       "'scripts/a.lua#is_gold' } ] }\n";
    const auto seed = testing_random::seed_or(2028);
    for (std::uint32_t round = 0; round < 20; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        World world(tenant_asking(rules), asking_options());
        auto gated = std::make_unique<GatedStore>(std::move(world.store));
        auto* store = gated.get();
        world.store = std::move(gated);
        store->before_commit = [&](std::span<const Step>) -> Result<void> {
            return random.chance(10) ? Result<void>(unavailable("not now")) : Result<void>();
        };
        const auto restart = [&] {
            world.worker.reset();
            while (true) {
                world.worker = std::make_unique<Worker>(
                    *world.store, Tenants{{world.tenant->name, world.tenant}}, asking_options(),
                    [&](const Event& event, const Decision& decision) {
                        world.decided.push_back(event.id.text());
                        world.decisions.push_back(decision);
                    });
                if (world.worker->start(noon)) return;
            }
        };
        restart();
        std::map<std::string, std::vector<std::string>> accepted;
        std::vector<PendingLookup> asked;
        auto now = noon;
        for (int number = 0; number < 60; ++number) {
            now += 10s;
            const auto subject = "ticket/" + std::to_string(random.below(4));
            auto made = ticket("in" + std::to_string(number), subject, "m" + std::to_string(random.below(3)));
            if (random.chance(40)) made.type = "ticket.updated";
            const auto id = made.id.text();
            world.worker->submit({std::move(made)}, [&](const std::vector<Ack>& acks) {
                if (acks[0].kind == Ack::Kind::accepted) accepted[subject].push_back(id);
            });
            for (int turn = 0; turn < 4; ++turn)
                if (world.worker->has_work() || world.worker->has_timers(now)) world.worker->turn(now);
            for (auto& lookup : world.worker->take_lookups(10)) asked.push_back(std::move(lookup));
            while (!asked.empty() && random.chance(60)) {
                const auto at = random.below(asked.size());
                world.worker->answered(asked[at], random.chance(80) ? tier("gold") : unanswered("x", "y"),
                                       now);
                asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(at));
            }
            if (random.chance(5)) {
                world.worker->give_up_intake();
                asked.clear();
                restart();
            }
        }
        now += 10min;
        store->before_commit = nullptr;
        do {
            world.run(now);
            for (auto& lookup : world.worker->take_lookups(100)) asked.push_back(std::move(lookup));
            for (const auto& lookup : std::exchange(asked, {}))
                world.worker->answered(lookup, tier("gold"), now);
        } while (world.worker->has_work() || world.worker->asking_lanes() > 0);
        std::map<std::string, std::vector<std::string>> decided;
        for (std::size_t i = 0; i < world.decided.size(); ++i)
            if (world.decided[i].starts_with("in") && world.decided[i].find('~') == std::string::npos)
                decided[world.decisions[i].subject.text()].push_back(world.decided[i]);
        for (const auto& [subject, ids] : accepted) {
            INFO(subject);
            CHECK(decided[subject] == ids);
        }
        CHECK(found_in(world) == "");
    }
}

}  // namespace lookups_test
