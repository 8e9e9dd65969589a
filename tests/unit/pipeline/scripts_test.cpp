// Scripts in decisions, whoever runs them: what they are asked, and what becomes of what they ask for.

#include <functional>
#include <map>

#include "engine/pipeline/explain.h"
#include "rules/script.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace scripts_test {

using namespace engine;
using namespace engine::test;
using rules::ScriptCall;
using rules::ScriptOutcome;

namespace {

/// Does in C++ what a script would do, by `file#function`.
class Written final : public rules::ScriptHost {
public:
    using Body = std::function<ScriptOutcome(const ScriptCall&)>;

    explicit Written(std::map<std::string, Body> bodies) : bodies_(std::move(bodies)) {}

    std::vector<Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>& scripts) override {
        loaded = scripts;
        return problems;
    }
    ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>&, const ScriptCall& call) override {
        calls.push_back(call);
        return bodies_.at(call.file + "#" + call.function)(call);
    }

    std::shared_ptr<const rules::ScriptSet> loaded;
    std::vector<Diagnostic> problems;
    std::vector<ScriptCall> calls;

private:
    std::map<std::string, Body> bodies_;
};

ScriptOutcome returns(Json value) {
    ScriptOutcome outcome;
    outcome.result = std::move(value);
    return outcome;
}

ScriptOutcome asks(Json effects) {
    ScriptOutcome outcome;
    for (auto& effect : effects) effect.update({{"file", "scripts/a.lua"}, {"line", 7}});
    outcome.effects = std::move(effects);
    return outcome;
}

ScriptOutcome fails(const std::string& message) {
    ScriptOutcome outcome;
    outcome.failure =
        rules::ScriptFailure{message,
                             {"scripts/a.lua", 3, 0},
                             {"scripts/a.lua:3: in function 'score'", "scripts/a.lua:9: in function 'run'"},
                             ""};
    return outcome;
}

std::shared_ptr<const Tenant> tenant_asking(const std::string& rules, const std::shared_ptr<Written>& host,
                                            const std::string& settings = "name: acme\n") {
    return tenant_of({{"tenant.yaml", settings},
                      {"connections.yaml", sandbox_connections},
                      {"scripts/a.lua", "return {}\n"},
                      {"rules.yaml", "rules:\n" + rules}},
                     host);
}

/// The decision about one new ticket, of a world that was proven.
Decision decided(const std::string& rules, Written::Body body, const std::string& settings = "name: acme\n") {
    const auto host = std::make_shared<Written>(
        std::map<std::string, Written::Body>{{"scripts/a.lua#run", std::move(body)}});
    World world(tenant_asking(rules, host, settings));
    world.submit(event("e1", "ticket.created", "ticket/1",
                       Json{{"ticket", {{"subject", "Help"}, {"tags", {"old"}}}}}));
    CHECK(found_in(world) == "");
    return world.decisions.at(0);
}

constexpr auto run_it = "  - { id: r, on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
constexpr auto ask_it =
    "  - { id: r, on: ticket.created, when: { lua: 'scripts/a.lua#run' }, then: [ { add_tags: [yes] } ] }\n";

std::string failure_of(const Decision& decision) {
    if (decision.failures.size() != 1) return std::to_string(decision.failures.size()) + " failures";
    const auto& failure = decision.failures.front();
    return failure.place.file + ":" + std::to_string(failure.place.line) + ": " + failure.message;
}

}  // namespace

TEST_CASE("scripts: what a script asks for is done as if steps had said so", "[scripts]") {
    const auto decision = decided(run_it, [](const ScriptCall&) {
        return asks({{{"do", "set"}, {"field", "ticket.priority"}, {"value", "high"}},
                     {{"do", "unset"}, {"field", "ticket.subject"}},
                     {{"do", "add_tags"}, {"tags", {"vip"}}},
                     {{"do", "remove_tags"}, {"tags", {"old"}}},
                     {{"do", "action"},
                      {"action", "slack.post_message"},
                      {"params", {{"channel", "#desk"}, {"text", "Hi"}}}},
                     {{"do", "emit"}, {"type", "ticket.seen"}, {"data", {{"n", 1}}}},
                     {{"do", "after"}, {"delay", "30m"}, {"name", "look-again"}, {"data", Json::array()}},
                     {{"do", "cancel"}, {"name", "other"}}});
    });
    CHECK(failure_of(decision) == "0 failures");
    REQUIRE(decision.changes.size() == 4);
    CHECK(decision.document["priority"] == "high");
    CHECK(find(decision.document, "subject") == nullptr);
    CHECK(decision.document["tags"] == Json{"vip"});
    REQUIRE(decision.actions.size() == 1);
    CHECK(decision.actions[0].connection == "slack");
    CHECK(decision.actions[0].rule == "r");
    REQUIRE(decision.emitted.size() == 1);
    CHECK(decision.emitted[0].subject.text() == "ticket/1");
    REQUIRE(decision.timers.size() == 2);
    CHECK(decision.timers[0].due == noon + std::chrono::minutes(30));
    CHECK(decision.timers[0].type == "timer.look-again");
}

TEST_CASE("scripts: what cannot be done undoes the rule and names the line that asked", "[scripts]") {
    const auto problem = [](Json effect) {
        const auto decision = decided(run_it, [&](const ScriptCall&) {
            return asks({{{"do", "set"}, {"field", "ticket.priority"}, {"value", "high"}}, effect});
        });
        CHECK(decision.changes.empty());
        return failure_of(decision);
    };
    CHECK(problem({{"do", "set"}, {"field", "ticket.staus"}, {"value", "open"}}) ==
          "scripts/a.lua:7: unknown field \"ticket.staus\", did you mean \"ticket.status\"?");
    CHECK(problem({{"do", "set"}, {"field", "ticket." + std::string(2000, 'a')}, {"value", 1}}) ==
          "scripts/a.lua:7: the name of a field has at most 1024 bytes");
    CHECK(problem({{"do", "set"}, {"field", "ticket.status"}, {"value", 5}})
              .starts_with("scripts/a.lua:7: ticket.status"));
    CHECK(problem({{"do", "set"}, {"field", "contact.name"}, {"value", "x"}}) ==
          "scripts/a.lua:7: the decision is about ticket/1 and cannot write contact.name");
    CHECK(problem({{"do", "action"}, {"action", "slak.post_message"}}) ==
          "scripts/a.lua:7: no connection is named \"slak\" in connections.yaml, did you mean \"slack\"?");
    CHECK(problem({{"do", "action"}, {"action", "slack.post_mesage"}}) ==
          "scripts/a.lua:7: connection \"slack\" has no action \"post_mesage\", did you mean "
          "\"post_message\"?");
    CHECK(problem({{"do", "action"},
                   {"action", "slack.post_message"},
                   {"params", {{"chanel", "#a"}, {"text", "x"}}}}) ==
          "scripts/a.lua:7: slack.post_message has no parameter \"chanel\", did you mean \"channel\"?");
    CHECK(problem({{"do", "add_tags"}, {"tags", {1}}}) == "scripts/a.lua:7: ticket.tags takes texts as tags");
    CHECK(
        problem({{"do", "after"}, {"delay", "soon"}, {"name", "x"}}).starts_with("scripts/a.lua:7: after: "));
    CHECK(problem({{"do", "after"}, {"delay", "1h"}, {"name", "wait:r#1"}}).find("is no name for a timer") !=
          std::string::npos);
    CHECK(problem({{"do", "emit"}, {"type", "x"}, {"subject", "nowhere"}}).starts_with("scripts/a.lua:7: "));
    CHECK(problem({{"do", "dance"}}) == "scripts/a.lua:7: scripts cannot ask for \"dance\"");
}

TEST_CASE("scripts: a failing script is its rule's failure, with a traceback", "[scripts]") {
    const auto decision = decided(run_it, [](const ScriptCall&) { return fails("no such agent"); });
    CHECK(decision.outcome == Outcome::ok);
    CHECK(decision.fired.empty());
    CHECK(failure_of(decision) == "scripts/a.lua:3: no such agent");
    CHECK(to_json(decision)["failures"][0]["traceback"].size() == 2);
    const auto strict = decided(
        run_it, [](const ScriptCall&) { return fails("no such agent"); }, "name: acme\non_error: event\n");
    CHECK(strict.outcome == Outcome::error);
}

TEST_CASE("scripts: a condition is a script that says yes or no", "[scripts]") {
    CHECK(decided(ask_it, [](const ScriptCall&) { return returns(true); }).fired.size() == 1);
    CHECK(decided(ask_it, [](const ScriptCall&) { return returns(false); }).fired.empty());
    const auto failed = decided(ask_it, [](const ScriptCall&) { return fails("oh"); });
    CHECK(failed.fired.empty());
    CHECK(failure_of(failed) == "scripts/a.lua:3: oh");
    const auto silent = decided(ask_it, [](const ScriptCall&) { return returns(nullptr); });
    CHECK(failure_of(silent) ==
          "rules.yaml:2: scripts/a.lua#run is a condition: it returns true or false, not nothing");
    const auto acting = decided(ask_it, [](const ScriptCall&) {
        return asks({{{"do", "set"}, {"field", "ticket.priority"}, {"value", "high"}}});
    });
    CHECK(failure_of(acting).ends_with("scripts/a.lua#run is a condition: it may ask for nothing"));
    const auto strict = decided(
        ask_it, [](const ScriptCall&) { return fails("oh"); }, "name: acme\non_error: event\n");
    CHECK(strict.outcome == Outcome::error);
}

TEST_CASE("scripts: a condition is asked when it is the rule's turn, on what rules before it left",
          "[scripts]") {
    const auto decision = decided(
        "  - { id: first, on: ticket.created, order: 1, then: [ { set: { ticket.priority: urgent } } ] }\n"
        "  - id: second\n"
        "    on: ticket.created\n"
        "    when: { lua: 'scripts/a.lua#run', ticket.subject: Help }\n"
        "    then: [ { add_tags: [seen] } ]\n"
        "  - id: never\n"
        "    on: ticket.created\n"
        "    when: { any: [ { ticket.subject: Other }, { all: [ { ticket.subject: Nope }, { lua: "
        "'scripts/a.lua#gone' } ] } ] }\n"
        "    then: [ { add_tags: [never] } ]\n",
        [](const ScriptCall& call) {
            const auto& ticket = call.context["ticket"];
            return returns(ticket["priority"] == "urgent" && call.context["changes"].is_array());
        });
    CHECK(decision.fired == std::vector<std::string>{"first", "second"});
}

TEST_CASE("scripts: a decision is made again with each answer, and the journal keeps them", "[scripts]") {
    const auto host = std::make_shared<Written>(std::map<std::string, Written::Body>{
        {"scripts/a.lua#run", [](const ScriptCall& call) {
             if (!call.answers.contains("k")) {
                 ScriptOutcome outcome;
                 outcome.need = Need{"k", "crm.find_contact", Json{{"email", "a@b.c"}}, {}, {}};
                 return outcome;
             }
             return asks({{{"do", "set"},
                           {"field", "ticket.custom.found"},
                           {"value", call.answers["k"]["error"]["code"]}}});
         }}});
    World world(tenant_asking(run_it, host));
    world.submit(event("e1", "ticket.created", "ticket/1", Json{{"ticket", {{"subject", "Help"}}}}));
    CHECK(world.entity("ticket/1").fields["custom"]["found"] == "unavailable");
    CHECK(world.decisions.at(0).consulted["answers"]["k"]["error"]["code"] == "unavailable");
    CHECK(host->calls.size() == 2);
    CHECK(found_in(world) == "");
}

TEST_CASE("scripts: a tenant's own values have lanes and versions", "[scripts]") {
    // Counts tickets; the second script writes with the version it has read, once with a wrong one.
    int offset = 0;
    const auto host = std::make_shared<Written>(std::map<std::string, Written::Body>{
        {"scripts/a.lua#run", [&](const ScriptCall& call) {
             if (call.answers.empty()) {
                 ScriptOutcome outcome;
                 outcome.need = Need{"k", "kv", Json{{"key", "tickets"}}, {}, {}};
                 return outcome;
             }
             const auto& known = call.answers["k"]["ok"];
             const auto count = known.contains("value") ? known["value"]["n"].get<int>() : 0;
             return asks({{{"do", "kv_set"},
                           {"key", "tickets"},
                           {"value", {{"n", count + 1}}},
                           {"version", known["version"].get<int>() + offset}}});
         }}});
    World world(tenant_asking(run_it, host));
    for (int i = 1; i <= 3; ++i)
        world.submit(event("e" + std::to_string(i), "ticket.created", "ticket/" + std::to_string(i),
                           Json{{"ticket", {{"subject", "Help"}}}}));
    CHECK(world.entity("kv/tickets").fields["json"] == R"({"n":3})");
    CHECK(world.entity("kv/tickets").version == 3);
    offset = 1;
    world.submit(event("e4", "ticket.created", "ticket/4", Json{{"ticket", {{"subject", "Help"}}}}));
    CHECK(world.entity("kv/tickets").version == 3);
    CHECK(world.decisions.back().outcome == Outcome::stale);
    offset = 0;
    CHECK(differences_in(world) == "");
}

TEST_CASE("scripts: explaining asks again and changes nothing", "[scripts]") {
    const auto host = std::make_shared<Written>(
        std::map<std::string, Written::Body>{{"scripts/a.lua#run", [](const ScriptCall& call) {
                                                  return returns(call.context["ticket"]["subject"] == "Help");
                                              }}});
    World world(tenant_asking(ask_it, host, "name: acme\nlimits: { script_runs_max: 1 }\n"));
    world.submit(event("e1", "ticket.created", "ticket/1", Json{{"ticket", {{"subject", "Help"}}}}));
    const auto explained = explain(*world.store, world.tenant->name, EventId("e1"), "", host);
    REQUIRE(explained);
    CHECK((*explained)["reproduced"] == true);
    const auto& rule = (*explained)["trace"]["passes"][0]["rules"][0];
    CHECK(rule["status"] == "fired");
    CHECK(rule["when"]["op"] == "lua");
    CHECK(rule["when"]["result"] == true);
}

TEST_CASE("scripts: a decision runs so many and no more", "[scripts]") {
    std::string rules;
    for (int i = 0; i < 3; ++i)
        rules += "  - { id: r" + std::to_string(i) +
                 ", on: ticket.created, then: [ { lua: 'scripts/a.lua#run' } ] }\n";
    const auto decision = decided(
        rules, [](const ScriptCall&) { return returns(nullptr); },
        "name: acme\nlimits: { script_runs_max: 2 }\n");
    CHECK(decision.fired.size() == 2);
    CHECK(failure_of(decision).ends_with(
        "the decision has reached script_runs_max (2), which `limits` in tenant.yaml raises"));
}

TEST_CASE("scripts: arguments are rendered, and seeds differ by event and rule alone", "[scripts]") {
    const auto host = std::make_shared<Written>(std::map<std::string, Written::Body>{
        {"scripts/a.lua#run", [](const ScriptCall&) { return returns(nullptr); }}});
    World world(
        tenant_asking("  - id: r\n"
                      "    on: ticket.created\n"
                      "    then: [ { lua: { script: 'scripts/a.lua#run', with: { text: 'Re: {{ "
                      "ticket.subject }}', n: 5 } } } ]\n",
                      host));
    world.submit(event("e1", "ticket.created", "ticket/1", Json{{"ticket", {{"subject", "Help"}}}}));
    world.submit(event("e2", "ticket.created", "ticket/2", Json{{"ticket", {{"subject", "Help"}}}}));
    REQUIRE(host->calls.size() == 2);
    CHECK(host->calls[0].context["args"] == Json{{"text", "Re: Help"}, {"n", 5}});
    CHECK(host->calls[0].now == noon);
    CHECK(host->calls[0].seed != host->calls[1].seed);
    CHECK(found_in(world) == "");
    CHECK(host->calls[2].seed == host->calls[0].seed);
}

TEST_CASE("scripts: a rule set whose scripts do not compile is no rule set", "[scripts]") {
    const auto host = std::make_shared<Written>(std::map<std::string, Written::Body>{});
    host->problems = {{Severity::error, "script-syntax", {"scripts/a.lua", 4, 0}, "'end' expected"}};
    Diagnostics diagnostics;
    LoadOptions options;
    options.scripts = host;
    const auto tenant = load_tenant(TenantName("acme"),
                                    {{"scripts/a.lua", "x"}, {"tenant.yaml", "scripts: { fuel_max: 9 }\n"}},
                                    options, diagnostics);
    CHECK(tenant == nullptr);
    CHECK(to_text(diagnostics.sorted().at(0)) == "scripts/a.lua:4: error: 'end' expected [script-syntax]");
    REQUIRE(host->loaded);
    CHECK(host->loaded->limits.fuel_max == 9);
    CHECK(host->loaded->tenant == "acme");
}

}  // namespace scripts_test
