// Rule sets going live: what is journaled, what a start takes up, and what happens to those who wait.

#include "engine/pipeline/activation.h"

#include "engine/pipeline/rule_changes.h"
#include "engine/pipeline/rule_set_cache.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace activation_test {

using namespace engine;
using namespace engine::test;

namespace {

const TenantName acme("acme");

rules::Files files_with(const std::string& rules) {
    return {{"tenant.yaml", "name: acme\n"},
            {"connections.yaml", sandbox_connections},
            {"rules.yaml", "rules:\n" + rules}};
}

std::shared_ptr<const Tenant> setting(const std::string& status) {
    return tenant_of(files_with(
        "  - id: set-status\n    on: ticket.updated\n    then:\n      - set: { ticket.status: " + status +
        " }\n"));
}

std::unique_ptr<Store> owned_store() {
    auto opened = open_sqlite(":memory:");
    ENSURE(opened);
    ENSURE((*opened)->own());
    return std::move(*opened);
}

Event update(const std::string& id) {
    return event(id, "ticket.updated", "ticket/1", Json{{"ticket", {{"subject", id}}}});
}

ActivatedBy pushed(const std::string& message) {
    return {activated_via::push, "operator:anna", message};
}

}  // namespace

TEST_CASE("activation: author, way, reason and what changed are on record, once a version", "[activation]") {
    const auto store = owned_store();
    const auto open = setting("open");
    const auto solved = setting("solved");
    CHECK(*activate(*store, *open, {}, noon));
    CHECK(*activate(*store, *solved, pushed("it is better"), noon));
    CHECK_FALSE(*activate(*store, *solved, pushed("again"), noon));
    const auto known = activations(*store, acme);
    REQUIRE(known);
    REQUIRE(known->size() == 2);
    CHECK(known->front().by.via == "folder");
    CHECK(known->front().by.actor == "engine");
    CHECK(known->front().changed ==
          Json{{"files", {{"added", {"connections.yaml", "rules.yaml", "tenant.yaml"}}}},
               {"rules", {{"added", {"set-status"}}}}});
    const auto& last = known->back();
    CHECK(last.version == solved->rule_set->version);
    CHECK(last.previous == open->rule_set->version);
    CHECK(last.by.actor == "operator:anna");
    CHECK(last.by.message == "it is better");
    CHECK(last.rules == 1);
    CHECK(last.changed ==
          Json{{"files", {{"changed", {"rules.yaml"}}}}, {"rules", {{"changed", {"set-status"}}}}});
    CHECK(*active_version(*store, acme) == solved->rule_set->version);
}

TEST_CASE("activation: cases and layout are no change of a rule", "[activation]") {
    const rules::Files before{
        {"rules.yaml", "rules:\n  - { id: a, on: ticket.created }\n  - id: b\n    on: x.y\n"},
        {"tests/a.yaml", "cases: []"}};
    const rules::Files after{{"rules/c.yaml", "rules:\n  - id: c\n    on: x.y\n"},
                             {"rules.yaml", "rules:\n  - id: a   # the first\n    on: ticket.created\n"}};
    const auto changes = rule_changes(before, after);
    CHECK(changes.rules.added == std::set<std::string>{"c"});
    CHECK(changes.rules.removed == std::set<std::string>{"b"});
    CHECK(changes.rules.changed.empty());
    CHECK(changes.files.added == std::set<std::string>{"rules/c.yaml"});
    CHECK(changes.files.changed == std::set<std::string>{"rules.yaml"});
    CHECK(changes.files.removed.empty());
}

TEST_CASE("activation: a rule in Lua changes with its words", "[activation]") {
    const std::string rule = "local rule = { id = 'a', on = 'x.y' }\nfunction rule.run(ctx) end return rule";
    const rules::Files before{{"rules/a.lua", rule}};
    const auto changed = [&](const std::string& after) {
        return rule_changes(before, {{"rules/b.lua", after}}).rules;
    };
    CHECK(changed("-- The first\n" + rule).empty());
    CHECK(changed(rule + ";").changed == std::set<std::string>{"a"});
    CHECK(changed("local rule = { id = 'b' } return rule").removed == std::set<std::string>{"a"});
}

TEST_CASE("activation: a start keeps what was pushed until the folder says something new", "[activation]") {
    const auto store = owned_store();
    const auto in_folder = setting("open");
    const auto better = setting("pending");
    const auto served = [&](const std::shared_ptr<const Tenant>& folder) {
        const auto tenants = take_up(*store, {{acme, folder}}, {}, noon);
        REQUIRE(tenants);
        return tenants->at(acme)->rule_set->version;
    };
    CHECK(served(in_folder) == in_folder->rule_set->version);
    REQUIRE(activate(*store, *better, pushed(""), noon));
    CHECK(served(in_folder) == better->rule_set->version);
    CHECK(served(better) == better->rule_set->version);
    const auto newer = setting("solved");
    CHECK(served(newer) == newer->rule_set->version);
    CHECK(activations(*store, acme)->back().by.via == "folder");
    REQUIRE(activate(*store, *in_folder, {activated_via::rollback, "operator:anna", ""}, noon));
    CHECK(served(newer) == in_folder->rule_set->version);
}

TEST_CASE("activation: who was pushed is served without a folder, who only had one is not", "[activation]") {
    const auto store = owned_store();
    REQUIRE(activate(*store, *setting("open"), {}, noon));
    CHECK(take_up(*store, {}, {}, noon)->empty());
    const auto solved = setting("solved");
    REQUIRE(activate(*store, *solved, pushed(""), noon));
    const auto served = take_up(*store, {}, {}, noon);
    REQUIRE(served);
    CHECK(served->at(acme)->rule_set->version == solved->rule_set->version);
}

TEST_CASE("activation: a pushed rule set that lacks a secret here stops the start, by name", "[activation]") {
    const auto store = owned_store();
    auto files = files_with("  - { id: a, on: ticket.created, then: [ { stop: true } ] }\n");
    files["connections.yaml"] =
        "connections:\n  slack: { connector: slack, token: \"${env:NOBODY_SETS_THIS}\" }\n";
    REQUIRE(activate(*store, *tenant_of(files), pushed(""), noon));
    LoadOptions load;
    load.secrets_required = true;
    load.secrets = [](const std::string&, const std::string&) -> std::optional<std::string> { return {}; };
    const auto served = take_up(*store, {}, load, noon);
    REQUIRE_FALSE(served);
    CHECK(served.error().code == Code::invalid_input);
    CHECK(served.error().message.find("connections.yaml") != std::string::npos);
}

TEST_CASE("worker: what came before an activation is decided before it, what comes after under it",
          "[activation]") {
    World world(setting("open"));
    REQUIRE(world.submit(update("e1")).kind == Ack::Kind::accepted);
    const auto solved = setting("solved");
    REQUIRE(*world.worker->activate(solved, pushed(""), noon));
    CHECK(world.entity("ticket/1").fields["status"] == "open");
    REQUIRE(world.submit(update("e2")).kind == Ack::Kind::accepted);
    CHECK(world.entity("ticket/1").fields["status"] == "solved");
    REQUIRE(world.decisions.size() == 2);
    CHECK(world.decisions[0].ruleset == world.tenant->rule_set->version);
    CHECK(world.decisions[1].ruleset == solved->rule_set->version);
}

TEST_CASE("worker: activating what is active serves new connections and journals nothing", "[activation]") {
    World world(setting("open"));
    const auto again = setting("open");
    CHECK_FALSE(*world.worker->activate(again, {}, noon));
    CHECK(world.worker->tenant(acme) == again);
    CHECK(activations(*world.store, acme)->size() == 1);
}

TEST_CASE("worker: a tenant that comes later finds its waiting events and deliveries", "[activation]") {
    const auto asking = tenant_with(
        "  - id: ask\n"
        "    on: ticket.updated\n"
        "    then:\n"
        "      - slack.post_message: { channel: C1, text: \"{{ event.id }}\" }\n"
        "      - emit: { type: ticket.noted, data: {} }\n");
    World world(asking);
    // The batch's own emitted event is left undecided, as a death after the first commit would.
    world.worker->submit({update("e1")}, [](const std::vector<Ack>&) {});
    REQUIRE(world.worker->turn_intake(noon));
    REQUIRE(world.worker->settle_commits());
    const auto other = std::make_shared<Tenant>(*asking);
    other->name = TenantName("other");
    world.worker = std::make_unique<Worker>(
        *world.store, Tenants{{other->name, other}}, WorkerOptions(),
        [&](const Event& event, const Decision&) { world.decided.push_back(event.type); });
    REQUIRE(world.worker->start(noon));
    world.run();
    CHECK(world.worker->take_due(noon, 10).empty());
    world.decided.clear();
    REQUIRE(world.worker->activate(asking, pushed(""), noon));
    world.run();
    CHECK(world.decided == std::vector<std::string>{"ticket.noted"});
    const auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    CHECK(due.front().event == EventId("e1"));
    CHECK(world.worker->take_due(noon, 10).empty());
}

TEST_CASE("rule set cache: what is asked again is not compiled again, and few are kept", "[activation]") {
    const auto store = owned_store();
    const auto open = setting("open");
    const auto solved = setting("solved");
    REQUIRE(activate(*store, *open, {}, noon));
    REQUIRE(activate(*store, *solved, {}, noon));
    RuleSetCache cache(1);
    const auto first = cache.get(*store, acme, open->rule_set->version);
    REQUIRE(first);
    REQUIRE(*first != nullptr);
    CHECK(*cache.get(*store, acme, open->rule_set->version) == *first);
    REQUIRE(*cache.get(*store, acme, solved->rule_set->version) != nullptr);
    CHECK(*cache.get(*store, acme, open->rule_set->version) != *first);
    CHECK(cache.get(*store, acme, "sha256:00").error().code == Code::not_found);
    REQUIRE(store->put_rule_set(acme, "sha256:01", Json{{"rules.yaml", "rules: 7"}}));
    CHECK(cache.get(*store, acme, "sha256:01").error().code == Code::corrupt);
}

}  // namespace activation_test
