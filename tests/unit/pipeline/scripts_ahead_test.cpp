// Scripts that run ahead, together: what is decided is what would be decided without.

#include "engine/pipeline/scripts_ahead.h"

#include <algorithm>
#include <thread>

#include "rules/lua/in_process_host.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace scripts_ahead_test {

using namespace engine;
using namespace engine::test;
using rules::ScriptCall;
using rules::ScriptOutcome;
using rules::ScriptSet;

namespace {

/// Says what it was asked, in groups as they came.
class Grouped final : public rules::ScriptHost {
public:
    explicit Grouped(std::size_t together) : together_(together) {}

    std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>&) override { return {}; }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>&, const ScriptCall& call) override {
        if (!is_in_group_) groups.push_back({call.seed});
        if (!is_in_group_) now += way;
        ScriptOutcome outcome;
        outcome.result = "of " + call.seed + " " + call.context.dump();
        return outcome;
    }
    std::size_t together_max() const override { return together_; }
    std::vector<ScriptOutcome> run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                       std::span<const ScriptCall> calls,
                                       const std::function<void()>& meanwhile) override {
        auto& group = groups.emplace_back();
        for (const auto& call : calls) group.push_back(call.seed);
        if (meanwhile) meanwhile();
        is_in_group_ = true;
        std::vector<ScriptOutcome> outcomes;
        for (const auto& call : calls) outcomes.push_back(run(scripts, call));
        is_in_group_ = false;
        return outcomes;
    }

    std::vector<std::vector<std::string>> groups;
    ScriptsAhead::Clock::time_point now{};
    std::chrono::microseconds way{100};

private:
    std::size_t together_;
    bool is_in_group_ = false;
};

/// Events whose decisions are calls of scripts and nothing else.
struct Desk {
    explicit Desk(std::size_t together = 4) : host(together) {}

    /// `subjects` of the events; each asks so many scripts, one after another.
    void decide(const std::vector<std::string>& subjects, int scripts = 1) {
        std::vector<Event> events;
        for (std::size_t i = 0; i < subjects.size(); ++i)
            events.push_back(event("e" + std::to_string(i), "ticket.created", subjects[i], Json::object()));
        std::vector<const Event*> pointers;
        for (const auto& one : events) pointers.push_back(&one);
        host.groups.clear();
        decided.clear();
        foreseen.clear();
        const auto make = [&](std::size_t i, std::string& said) {
            for (int script = 0; script < scripts; ++script) {
                ScriptCall call;
                call.seed = events[i].id.text() + "#" + std::to_string(script);
                call.context = Json{{"sees", sees}};
                const auto outcome = ahead.run(set, call);
                if (outcome.need) return;
                said += outcome.result.get<std::string>() + ";";
            }
        };
        const auto done = ahead.decide_all(
            host, pointers,
            [&](std::size_t i) {
                std::string thrown_away;
                foreseen.push_back(i);
                host.now += look;
                make(i, thrown_away);
                return Result<void>();
            },
            [&](std::size_t i) -> Result<void> {
                if (fails_at && *fails_at == i) return unavailable("no store");
                if (changes_at == i) sees = "changed";
                std::string said;
                make(i, said);
                decided.push_back(said);
                return {};
            });
        CHECK(bool(done) == !fails_at.has_value());
    }
    /// As often as it takes until events of the type are looked at.
    void learn(int scripts = 1) {
        for (int i = 0; i < 8; ++i) decide({"ticket/1"}, scripts);
    }

    Grouped host;
    std::chrono::microseconds look{10};
    ScriptsAhead ahead{[this] { return host.now; }};
    std::shared_ptr<const ScriptSet> set = std::make_shared<const ScriptSet>();
    std::string sees = "this";
    std::optional<std::size_t> fails_at;
    std::size_t changes_at = 1'000'000;
    std::vector<std::string> decided;
    std::vector<std::size_t> foreseen;
};

std::vector<std::string> tickets(std::size_t count) {
    std::vector<std::string> subjects;
    for (std::size_t i = 0; i < count; ++i) subjects.push_back("ticket/" + std::to_string(i));
    return subjects;
}

std::vector<std::string> expected(std::size_t count, int scripts = 1) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) {
        auto& said = all.emplace_back();
        for (int script = 0; script < scripts; ++script)
            said += "of e" + std::to_string(i) + "#" + std::to_string(script) + " {\"sees\":\"this\"};";
    }
    return all;
}

using Groups = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("scripts ahead: what comes next is asked together, and decided in its order", "[scripts-ahead]") {
    Desk desk;
    desk.learn();
    desk.decide(tickets(10));
    CHECK(desk.decided == expected(10));
    CHECK(desk.host.groups ==
          Groups{{"e0#0", "e1#0", "e2#0", "e3#0"}, {"e4#0", "e5#0", "e6#0", "e7#0"}, {"e8#0", "e9#0"}});
    CHECK(desk.ahead.counts().runs == 10);
    CHECK(desk.ahead.counts().used == 10);
}

TEST_CASE("scripts ahead: each look finds the next script of an event, up to a fourth", "[scripts-ahead]") {
    Desk desk;
    desk.learn(6);
    desk.decide(tickets(3), 6);
    CHECK(desk.decided == expected(3, 6));
    REQUIRE(desk.host.groups.size() == 4 + 3 * 2);
    CHECK(desk.host.groups[3] == std::vector<std::string>{"e0#3", "e1#3", "e2#3"});
    CHECK(desk.host.groups[4] == std::vector<std::string>{"e0#4"});
}

TEST_CASE("scripts ahead: one alone, or a host without a way, is asked when it comes", "[scripts-ahead]") {
    Desk desk(1);
    desk.learn();
    desk.decide(tickets(3));
    CHECK(desk.decided == expected(3));
    CHECK(desk.host.groups == Groups{{"e0#0"}, {"e1#0"}, {"e2#0"}});
    CHECK(desk.foreseen.empty());

    Desk single;
    single.learn();
    single.decide(tickets(1));
    CHECK(single.foreseen.empty());
    CHECK(single.decided == expected(1));
}

TEST_CASE("scripts ahead: who finds something else by then has a run of its own", "[scripts-ahead]") {
    Desk desk;
    desk.learn();
    desk.changes_at = 2;
    desk.decide(tickets(4));
    REQUIRE(desk.decided.size() == 4);
    CHECK(desk.decided[1] == expected(4)[1]);
    CHECK(desk.decided[2] == "of e2#0 {\"sees\":\"changed\"};");
    CHECK(desk.decided[3] == "of e3#0 {\"sees\":\"changed\"};");
    CHECK(desk.ahead.counts().used == 2);
}

TEST_CASE("scripts ahead: only the first event of a lane is looked at before the others are decided",
          "[scripts-ahead]") {
    Desk desk;
    desk.learn();
    desk.decide({"ticket/1", "ticket/1", "ticket/2", "ticket/1", "ticket/1", "ticket/3", "ticket/2",
                 "ticket/4", "ticket/1", "ticket/2"});
    CHECK(desk.decided == expected(10));
    // Of four each; the last part is looked at when the first one is decided.
    CHECK(desk.foreseen == std::vector<std::size_t>{0, 2, 5, 7});
}

TEST_CASE("scripts ahead: events that run no scripts are not looked at, nor those seen in vain",
          "[scripts-ahead]") {
    Desk desk;
    desk.decide(tickets(8));
    CHECK(desk.foreseen.empty());
    desk.decide(tickets(8));
    CHECK(desk.foreseen.size() == 8);
    // Each sees something else when it is decided.
    for (int i = 0; i < 4; ++i) {
        desk.sees = "this";
        desk.changes_at = 0;
        desk.decide(tickets(8));
    }
    const auto looked = desk.ahead.counts().runs;
    CHECK(desk.ahead.counts().used == 8);
    CHECK(looked < 8 + 4 * 8);
    for (int i = 0; i < 4; ++i) desk.decide(tickets(8), 0);
    desk.foreseen.clear();
    desk.decide(tickets(8), 0);
    CHECK(desk.foreseen.empty());
}

TEST_CASE("scripts ahead: nothing is looked at when that takes longer than to wait", "[scripts-ahead]") {
    Desk desk;
    desk.look = std::chrono::microseconds(70);
    desk.learn();
    // What it takes is seen by doing it.
    desk.decide(tickets(8));
    CHECK(desk.foreseen.size() == 8);
    desk.decide(tickets(8));
    CHECK(desk.foreseen.empty());
    CHECK(desk.decided == expected(8));
    // It may change, and so it is tried again now and then.
    desk.look = std::chrono::microseconds(10);
    std::size_t looked = 0;
    for (int i = 0; i < 20; ++i) {
        desk.decide(tickets(8));
        looked += desk.foreseen.size();
    }
    CHECK(looked > 80);
    // What is never waited for any more may have become quick.
    desk.host.way = std::chrono::microseconds(1);
    for (int i = 0; i < 250; ++i) desk.decide(tickets(8));
    CHECK(desk.foreseen.empty());
}

TEST_CASE("scripts ahead: the first that fails ends it", "[scripts-ahead]") {
    Desk desk;
    desk.learn();
    desk.fails_at = 5;
    desk.decide(tickets(10));
    CHECK(desk.decided.size() == 5);
    desk.fails_at.reset();
    desk.decide(tickets(10));
    CHECK(desk.decided == expected(10));
}

namespace {

/// Runs scripts in this process, and says that it had a way to go.
class FarAway final : public rules::ScriptHost {
public:
    explicit FarAway(std::size_t together) : together_(together) {}

    std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override {
        return host_.load(scripts);
    }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override {
        if (together_ > 1 && !is_in_group_) std::this_thread::sleep_for(way);
        return host_.run(scripts, call);
    }
    std::size_t together_max() const override { return together_; }
    std::vector<ScriptOutcome> run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                       std::span<const ScriptCall> calls,
                                       const std::function<void()>& meanwhile) override {
        if (meanwhile) meanwhile();
        is_in_group_ = true;
        auto outcomes = ScriptHost::run_all(scripts, calls, {});
        is_in_group_ = false;
        return outcomes;
    }

private:
    static constexpr std::chrono::milliseconds way{2};
    std::size_t together_;
    bool is_in_group_ = false;
    rules::InProcessHost host_{4};
};

// Reads what other lanes write: the tenant's own values, and the contact that other tickets change.
constexpr auto lua = R"lua(
return {
  count = function(ctx)
    local counted = ctx.kv.get("counted") or 0
    ctx.kv.set("counted", counted + 1)
    ctx.set("ticket.custom.n", counted)
    if counted % 5 == 0 then ctx.emit("ticket.fifth", { n = counted }) end
    if counted % 7 == 0 then ctx.after("1m", "look", { n = counted }) end
  end,
  is_vip = function(ctx)
    return ctx.contact ~= nil and (ctx.contact.custom or {}).tier == "gold"
  end,
  greet = function(ctx)
    ctx.add_tags({ "seen-" .. math.random(1000) })
    if ctx.ticket.priority == "high" then ctx.fail("too high") end
  end,
}
)lua";

std::shared_ptr<const Tenant> reading_tenant(std::size_t together) {
    return tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"fields.yaml",
          "fields:\n  ticket.custom.n: { type: number }\n  contact.custom.tier: { type: text }\n"},
         {"connections.yaml", sandbox_connections},
         {"scripts/a.lua", lua},
         {"rules.yaml",
          "rules:\n"
          "  - { id: count, on: ticket.created, then: [ { lua: 'scripts/a.lua#count' } ] }\n"
          "  - { id: vip, on: [ticket.created, ticket.updated, timer.look], when: { lua: "
          "'scripts/a.lua#is_vip' "
          "}, then: [ { add_tags: [vip] } ] }\n"
          "  - { id: greet, on: [ticket.updated, ticket.fifth, timer.look], then: [ { lua: "
          "'scripts/a.lua#greet' } ] }\n"}},
        std::make_shared<FarAway>(together));
}

std::vector<std::vector<Event>> some_turns(std::uint32_t seed) {
    testing_random::Random random(seed);
    std::vector<std::vector<Event>> turns;
    int id = 0;
    for (int turn = 0; turn < 12; ++turn) {
        auto& events = turns.emplace_back();
        for (auto left = 1 + random.below(60); left > 0; --left) {
            const auto ticket = std::to_string(random.below(40));
            const auto contact = std::to_string(random.below(6));
            Json data{{"ticket", {{"subject", "s" + std::to_string(id)}, {"contact", contact}}}};
            if (random.chance(15)) data["ticket"]["priority"] = "high";
            if (random.chance(30))
                data["contact"] = {{"id", contact},
                                   {"custom", {{"tier", random.chance(50) ? "gold" : "tin"}}}};
            events.push_back(event("e" + std::to_string(++id),
                                   random.chance(70) ? "ticket.created" : "ticket.updated",
                                   "ticket/" + ticket, data));
        }
    }
    return turns;
}

std::vector<std::string> decisions_of(World& world) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < world.decisions.size(); ++i)
        texts.push_back(world.decided[i] + " " + canonical_text(world.decisions[i]));
    return texts;
}

}  // namespace

TEST_CASE("scripts ahead: decisions are those of scripts that run when they are asked",
          "[scripts-ahead][lua]") {
    const auto seed = testing_random::seed_or(411);
    std::uint64_t used = 0;
    for (std::uint32_t round = 0; round < 6; ++round) {
        CAPTURE(seed, round);
        World plain(reading_tenant(1)), ahead(reading_tenant(8));
        auto now = noon;
        for (const auto& turn : some_turns(seed + round)) {
            plain.submit(turn, now);
            ahead.submit(turn, now);
            now += std::chrono::seconds(40);
        }
        CHECK(decisions_of(ahead) == decisions_of(plain));
        CHECK(ahead.entity("kv/counted").fields == plain.entity("kv/counted").fields);
        CHECK(plain.worker->scripts_ahead().runs == 0);
        used += ahead.worker->scripts_ahead().used;
        CHECK(found_in(ahead) == "");
    }
    CHECK(used > 100);
}

}  // namespace scripts_ahead_test
