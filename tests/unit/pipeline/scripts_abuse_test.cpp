// Scripts that mean harm, through decisions: what they would do to those that come after them.

#include "rules/lua/in_process_host.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace scripts_abuse_test {

using namespace engine;
using namespace engine::test;
using rules::ScriptCall;
using rules::ScriptOutcome;
using rules::ScriptSet;

namespace {

/// Runs Lua in this process, and counts.
class Counted final : public rules::ScriptHost {
public:
    std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override {
        return host_.load(scripts);
    }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override {
        ++runs;
        return host_.run(scripts, call);
    }
    int runs = 0;

private:
    rules::InProcessHost host_{4};
};

std::shared_ptr<const Tenant> tenant_running(const std::string& script, const std::string& rules,
                                             const std::shared_ptr<rules::ScriptHost>& host,
                                             const std::string& settings = "name: acme\n") {
    return tenant_of({{"tenant.yaml", settings},
                      {"connections.yaml", sandbox_connections},
                      {"scripts/a.lua", "return { run = function(ctx)\n" + script + "\nend }\n"},
                      {"rules.yaml", "rules:\n" + rules}},
                     host);
}

constexpr auto run_it = "  - { id: r, on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";

Event ticket(const std::string& id = "e1") {
    return event(id, "ticket.created", "ticket/1", Json{{"ticket", {{"subject", "Help"}}}});
}

/// The failure of the one rule, in a world that was proven.
std::string failure_of(const std::string& script, const std::string& settings = "name: acme\n") {
    World world(tenant_running(script, run_it, std::make_shared<Counted>(), settings));
    world.submit(ticket());
    CHECK(found_in(world) == "");
    const auto& failures = world.decisions.at(0).failures;
    return failures.size() == 1 ? failures.front().message : std::to_string(failures.size()) + " failures";
}

/// Asks for ever for what it was told, as only a worker would that somebody has taken over.
class Deaf final : public rules::ScriptHost {
public:
    std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>&) override { return {}; }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>&, const ScriptCall&) override {
        ScriptOutcome outcome;
        outcome.need = Need{"k", "crm.find", Json::object(), {}, {}};
        return outcome;
    }
};

}  // namespace

TEST_CASE("script abuse: who asks again for what he was told fails", "[scripts]") {
    World world(tenant_running("", run_it, std::make_shared<Deaf>()));
    world.submit(ticket());
    REQUIRE(world.decisions.size() == 1);
    CHECK(world.decisions[0].failures.at(0).message ==
          "script_crashed: its worker asks for what it was told");
    CHECK(found_in(world) == "");
}

TEST_CASE("script abuse: names that are no text, or that nobody could read, are none", "[scripts][lua]") {
    CHECK(failure_of("ctx.call('a.\\xff', {})").starts_with("ctx.call: lookup: got \"a."));
    CHECK(failure_of("ctx.emit('a.\\n', {})").starts_with("ctx.emit: type: got \"a."));
    CHECK(failure_of("ctx.action('a.\\0', {})").starts_with("ctx.action: action: got \"a."));
}

TEST_CASE("script abuse: a tenant's own values are written by ctx.kv alone", "[scripts][lua]") {
    const std::string said = "the tenant's own values are written by ctx.kv alone";
    CHECK(failure_of("ctx.emit('kv.set', { kv = { json = '{{{' } }, { subject = 'kv/a' })") == said);
    CHECK(failure_of("ctx.emit('ticket.seen', {}, { subject = 'kv/a' })") == said);
    CHECK(failure_of("ctx.kv.set('a', 1)") == "0 failures");
}

TEST_CASE("script abuse: events that make events branch so far and no further", "[scripts]") {
    // Each makes three others, each of another entity.
    std::string rules;
    for (const std::string id : {"a", "b", "c"})
        rules += "  - { id: " + id +
                 ", on: ticket.fan, then: [ { emit: { type: ticket.fan, subject: 'ticket/{{event.data.p}}" +
                 id + "', data: { p: '{{event.data.p}}" + id + "' } } } ] }\n";
    World world(tenant_of({{"tenant.yaml", "name: acme\nlimits: { descendants_max: 30 }\n"},
                           {"rules.yaml", "rules:\n" + rules}}));
    world.submit(event("e1", "ticket.fan", "ticket/x", Json{{"p", "x"}}));
    // 1 + 3 + 9 + 27, which fail when they would branch, but for one each.
    CHECK(world.decisions.size() > 40);
    CHECK(world.decisions.size() < 30 * 16);
    std::size_t refused = 0;
    for (const auto& decision : world.decisions)
        for (const auto& failure : decision.failures)
            refused += failure.message ==
                       "the events that the first one has led to have branched into descendants_max (30), "
                       "which `limits` in tenant.yaml raises";
    CHECK(refused >= 2 * 27);
    CHECK(found_in(world) == "");

    // A chain that does not branch goes as far as ever.
    World chain(tenant_of({{"tenant.yaml", "name: acme\nlimits: { descendants_max: 1, hops_max: 12 }\n"},
                           {"rules.yaml", "rules:\n" + rules.substr(0, rules.find('\n') + 1)}}));
    chain.submit(event("e1", "ticket.fan", "ticket/x", Json{{"p", "x"}}));
    CHECK(chain.decisions.size() == 14);
    CHECK(chain.decisions[11].failures.empty());
}

TEST_CASE("script abuse: timers branch as events do", "[scripts][lua]") {
    const std::string settings = "name: acme\nlimits: { descendants_max: 20 }\n";
    CHECK(failure_of("for i = 1, 20 do ctx.after('1s', 't' .. i, {}) end", settings) == "0 failures");
    CHECK(failure_of("for i = 1, 10 do ctx.after('1s', 't' .. i, {}) ctx.emit('ticket.seen', {}) end",
                     settings) == "0 failures");
    CHECK(failure_of("for i = 1, 20 do ctx.after('1s', 't' .. i, {}) end ctx.emit('ticket.seen', {})",
                     settings) ==
          "the events that the first one has led to have branched into descendants_max (20), which `limits` "
          "in tenant.yaml raises");
}

TEST_CASE("script abuse: an answer makes only the script run again that asked for it", "[scripts][lua]") {
    const auto host = std::make_shared<Counted>();
    std::string rules;
    for (int i = 0; i < 8; ++i)
        rules += "  - { id: r" + std::to_string(i) +
                 ", on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
    World world(
        tenant_running("local n = 0 for i = 1, 10 do n = n + (ctx.kv.get('k' .. i) or 1) end "
                       "ctx.set('ticket.custom.n', n)",
                       rules, host));
    world.submit(ticket());
    CHECK(world.decisions.at(0).failures.empty());
    CHECK(world.entity("ticket/1").fields["custom"]["n"] == 10);
    // Ten answers for the first, which the others know, and what the first attempt has not kept.
    CHECK(host->runs <= 10 + 8 + 2);
    CHECK(found_in(world) == "");
}

TEST_CASE("script abuse: what a script is shown is made in the time of the decision's scripts", "[scripts]") {
    /// Has nothing to do, and no time for it.
    class Short final : public rules::ScriptHost {
    public:
        std::vector<Diagnostic> load(const std::shared_ptr<const ScriptSet>&) override { return {}; }
        ScriptOutcome run(const std::shared_ptr<const ScriptSet>&, const ScriptCall&) override {
            ++runs;
            return {};
        }
        std::chrono::milliseconds decision_time_max() const override { return std::chrono::milliseconds(1); }
        int runs = 0;
    };
    std::string rules;
    for (int i = 0; i < 50; ++i)
        rules += "  - { id: r" + std::to_string(i) +
                 ", on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
    const auto host = std::make_shared<Short>();
    World world(tenant_running("", rules, host));
    auto data = Json{{"ticket", {{"subject", "Help"}}}, {"blob", Json::array()}};
    for (int i = 0; i < 50'000; ++i) data["blob"].push_back({{"a", Json::object()}});
    world.submit(event("e1", "ticket.created", "ticket/1", data));
    CHECK(host->runs >= 1);
    CHECK(host->runs < 5);
    const auto& failures = world.decisions.at(0).failures;
    REQUIRE_FALSE(failures.empty());
    CHECK(failures.back().message.ends_with("--script-decision-time of the daemon raises"));
    CHECK(found_in(world) == "");
}

TEST_CASE("script abuse: all scripts of a decision have so much to spend", "[scripts][lua]") {
    std::string rules;
    for (int i = 0; i < 8; ++i)
        rules += "  - { id: r" + std::to_string(i) +
                 ", on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
    const auto host = std::make_shared<Counted>();
    World world(tenant_running("local n = 0 for i = 1, 50000 do n = n + 1 end ctx.kv.get(ctx.event.id .. n)",
                               rules, host, "name: acme\nlimits: { script_fuel_max: 300000 }\n"));
    world.submit(ticket());
    const auto& failures = world.decisions.at(0).failures;
    REQUIRE_FALSE(failures.empty());
    CHECK(failures.back().message ==
          "the scripts of the decision, and those that ran again for each answer, have used "
          "script_fuel_max (300000), which `limits` in tenant.yaml raises");
    CHECK(host->runs < 8);
    // Made again with all answers at hand it would use less; it ends as it did.
    CHECK(found_in(world) == "");
}

TEST_CASE("script abuse: what is written can be read again", "[scripts][lua]") {
    CHECK(failure_of("ctx.set('ticket.custom' .. ('.a'):rep(400), 1)")
              .ends_with("is nested deeper than 64 levels"));
    CHECK(failure_of("ctx.set('ticket.custom' .. ('.a'):rep(50), { b = { c = 1 } })") == "0 failures");
    CHECK(failure_of(
              "local t = {} for i = 1, 20 do t = { t } end ctx.set('ticket.custom' .. ('.a'):rep(50), t)")
              .ends_with("is nested deeper than 64 levels"));
    // As YAML may do: each time one level more.
    World world(
        tenant_with("  - id: nest\n    on: ticket.created\n    then: [ { set: { ticket.custom.a: "
                    "'{{ticket.custom}}' } } ]\n"));
    for (int i = 0; i < 70; ++i) {
        auto one = event("e" + std::to_string(i), "ticket.created", "ticket/1",
                         Json{{"ticket", {{"custom", {{"n", i}}}}}});
        world.submit(std::move(one));
    }
    CHECK(world.decisions.at(40).failures.empty());
    REQUIRE_FALSE(world.decisions.back().failures.empty());
    CHECK(world.decisions.back().failures[0].message == "ticket.custom.a is nested deeper than 64 levels");
    CHECK(found_in(world) == "");
}

TEST_CASE("script abuse: a decision keeps so much of what scripts log", "[scripts][lua]") {
    std::string rules;
    for (int i = 0; i < 20; ++i)
        rules += "  - { id: r" + std::to_string(i) +
                 ", on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
    World world(
        tenant_running("for i = 1, 32 do ctx.log(('x'):rep(1000)) end", rules, std::make_shared<Counted>()));
    world.submit(ticket());
    const auto& notes = world.decisions.at(0).notes;
    std::size_t bytes = 0;
    for (const auto& note : notes) bytes += note.size();
    CHECK(bytes < 300'000);
    CHECK(notes.back() == "more lines of scripts were left out");
}

}  // namespace scripts_abuse_test
