// wait_for: rules that wait for an event of their lane, and lists of steps that rules share.

#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace waiting_test {

using namespace engine;
using namespace engine::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

using Names = std::vector<std::string>;

constexpr auto asking =
    "  - id: ask\n"
    "    on: ticket.created\n"
    "    then:\n"
    "      - add_tags: [asked]\n"
    "      - wait_for: { on: ticket.updated, when: { ticket.status: open }, timeout: 2h }\n"
    "        else: [ { add_tags: [silent] } ]\n"
    "      - add_tags: [answered]\n";

Json status(const std::string& text) {
    return {{"ticket", {{"status", text}}}};
}

Json tags_of(World& world) {
    return world.entity("ticket/1").fields["tags"];
}

void take(World& world, const std::string& id, const std::string& type, const Json& data,
          Instant now = noon) {
    world.submit(event(id, type, "ticket/1", data), now);
    world.run(now);
}

void make_live(World& world, const std::string& rules) {
    world.tenant = tenant_with(rules);
    ENSURE(world.worker->activate(world.tenant, {}, noon));
}

}  // namespace

TEST_CASE("wait_for: the steps behind it run when the event comes and its conditions hold", "[wait_for]") {
    World world(tenant_with(asking));
    take(world, "e1", "ticket.created", status("pending"));
    CHECK(tags_of(world) == Json({"asked"}));
    REQUIRE(timers_in(world).size() == 1);
    CHECK(timers_in(world)[0].due == noon + hours(2));
    // Of the type, but not what is waited for; and what is, but of another entity.
    take(world, "e2", "ticket.updated", {{"ticket", {{"subject", "still"}}}}, noon + minutes(1));
    world.submit(event("other", "ticket.updated", "ticket/2", status("open")), noon + minutes(1));
    CHECK(tags_of(world) == Json({"asked"}));

    take(world, "e3", "ticket.updated", status("open"), noon + minutes(2));
    CHECK(tags_of(world) == Json({"asked", "answered"}));
    CHECK(world.decisions.back().event_type == "wait.over");
    CHECK(world.decisions.back().fired == Names{"ask"});
    CHECK(timers_in(world).empty());
    CHECK(world.store->continuations(world.tenant->name, *Subject::parse("ticket/1"))->empty());
    take(world, "e4", "ticket.updated", {{"ticket", {{"subject", "more"}}}}, noon + minutes(3));
    CHECK(world.decisions.back().event_type == "ticket.updated");
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: else runs in place of the rest when nothing came in time", "[wait_for]") {
    World world(tenant_with(asking));
    take(world, "e1", "ticket.created", status("pending"));
    world.run(noon + hours(2) - Duration(1));
    CHECK(world.decisions.size() == 1);
    world.run(noon + hours(2));
    CHECK(tags_of(world) == Json({"asked", "silent"}));
    REQUIRE(world.decisions.back().skipped.size() == 1);
    CHECK(world.decisions.back().skipped[0].reason == skip_reason::expired);
    // It is over: what comes now is too late.
    take(world, "e2", "ticket.updated", status("open"), noon + hours(3));
    CHECK(tags_of(world) == Json({"asked", "silent"}));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: without else the rest is dropped, and says so", "[wait_for]") {
    World world(
        tenant_with("  - id: ask\n    on: ticket.created\n    then:\n"
                    "      - wait_for: { on: [ticket.touched, message.*], until: '2026-03-02T13:00:00Z' }\n"
                    "      - add_tags: [answered]\n"));
    take(world, "e1", "ticket.created", status("open"));
    world.run(noon + hours(1));
    CHECK(world.decisions.back().fired.empty());
    REQUIRE(world.decisions.back().skipped.size() == 1);
    CHECK_THAT(world.decisions.back().notes.back(), Catch::Contains("did not come in time"));
    take(world, "e2", "ticket.created", status("open"), noon);
    take(world, "e3", "message.created", {{"message", {{"text", "hi"}}}}, noon);
    CHECK(tags_of(world) == Json({"answered"}));
}

TEST_CASE("wait_for: what a rule writes is an update that was awaited too", "[wait_for]") {
    World world(tenant_with(
        std::string(asking) +
        "  - id: reopen\n    on: ticket.poked\n    then: [ { set: { ticket.status: open } } ]\n"));
    take(world, "e1", "ticket.created", status("pending"));
    take(world, "e2", "ticket.poked", Json::object(), noon + minutes(1));
    CHECK(tags_of(world) == Json({"asked", "answered"}));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: change conditions are about the event that comes", "[wait_for]") {
    World world(tenant_with(
        "  - id: ask\n    on: ticket.created\n    then:\n"
        "      - wait_for: { on: '*', when: { ticket.status: { changed_to: solved } }, timeout: 1d }\n"
        "      - add_tags: [done]\n"));
    take(world, "e1", "ticket.created", status("solved"));
    take(world, "e2", "ticket.updated", {{"ticket", {{"subject", "s"}}}});
    CHECK(tags_of(world).is_null());
    take(world, "e3", "ticket.updated", status("open"));
    take(world, "e4", "ticket.updated", status("solved"));
    CHECK(tags_of(world) == Json({"done"}));
}

TEST_CASE("wait_for: a rest goes on under the rules it began with, after a restart too", "[wait_for]") {
    World world(tenant_with(asking));
    take(world, "e1", "ticket.created", status("pending"));
    auto changed = std::string(asking);
    changed.replace(changed.find("ticket.status: open"), 19, "ticket.status: solved");
    make_live(world, changed);
    world.worker.reset();
    world.start();
    take(world, "e2", "ticket.updated", status("solved"), noon + minutes(1));
    CHECK(tags_of(world) == Json({"asked"}));
    take(world, "e3", "ticket.updated", status("open"), noon + minutes(2));
    CHECK(tags_of(world) == Json({"asked", "answered"}));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: a rule that is gone, or whose conditions are rechecked, says why it does not go on",
          "[wait_for]") {
    World world(
        tenant_with("  - id: ask\n    on: ticket.created\n    when: { ticket.priority: high }\n    then:\n"
                    "      - wait_for: { on: ticket.updated, timeout: 1d }\n        recheck: true\n"
                    "      - add_tags: [done]\n"));
    const Json high{{"ticket", {{"priority", "high"}}}};
    take(world, "e1", "ticket.created", high);
    take(world, "e2", "ticket.updated", {{"ticket", {{"priority", "low"}}}});
    REQUIRE(world.decisions.back().skipped.size() == 1);
    CHECK(world.decisions.back().skipped[0].reason == skip_reason::conditions_changed);
    take(world, "e3", "ticket.created", high);
    make_live(world, "  - id: other\n    on: ticket.created\n    then: [ { add_tags: [x] } ]\n");
    take(world, "e4", "ticket.updated", high);
    REQUIRE(world.decisions.back().skipped.size() == 1);
    CHECK(world.decisions.back().skipped[0].reason == skip_reason::rule_inactive);
    CHECK(tags_of(world).is_null());
}

TEST_CASE("wait_for: what is deleted is waited for no more", "[wait_for]") {
    World world(tenant_with(asking));
    take(world, "e1", "ticket.created", status("pending"));
    take(world, "e2", "ticket.deleted", Json::object(), noon + minutes(1));
    CHECK(timers_in(world).empty());
    CHECK(world.entity("ticket/1").awaited.empty());
    CHECK(world.decisions.back().skipped.size() == 1);
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: inside else, inside if, one after another, and of an entity nobody knows",
          "[wait_for]") {
    World world(
        tenant_with("  - id: ask\n    on: call.ringing\n    then:\n"
                    "      - if: { event.type: call.ringing }\n"
                    "        then:\n"
                    "          - wait_for: { on: call.answered, timeout: 1m }\n"
                    "            else:\n"
                    "              - wait_for: { on: call.again, timeout: 1h }\n"
                    "              - add_tags: [second]\n"
                    "          - wait_for: { on: call.ended, timeout: 1h }\n"
                    "          - add_tags: [talked]\n"
                    "      - add_tags: [through]\n"));
    const auto call = [&](const std::string& id, const std::string& type, const std::string& subject,
                          Instant now) {
        world.submit(event(id, type, subject, Json::object()), now);
        world.run(now);
    };
    call("a1", "call.ringing", "call/a", noon);
    call("a2", "call.answered", "call/a", noon + Duration(1));
    call("a3", "call.ended", "call/a", noon + Duration(2));
    CHECK(world.entity("call/a").fields["tags"] == Json({"talked", "through"}));
    call("b1", "call.ringing", "call/b", noon);
    world.run(noon + minutes(1));
    call("b2", "call.again", "call/b", noon + minutes(2));
    CHECK(world.entity("call/b").fields["tags"] == Json({"second"}));
    world.worker.reset();
    CHECK(found_in(world) == "");
}

TEST_CASE("wait_for: results that were asked for before are waited for as well", "[wait_for]") {
    World world(
        tenant_with("  - id: ask\n    on: ticket.created\n    then:\n"
                    "      - slack.post_message: { channel: c, text: t }\n        as: post\n"
                    "      - wait_for: { on: ticket.updated, timeout: 1h }\n"
                    "      - set: { ticket.custom.ts: '{{ steps.post.result.ts }}' }\n"));
    take(world, "e1", "ticket.created", status("open"));
    take(world, "e2", "ticket.updated", status("pending"), noon + minutes(1));
    CHECK_FALSE(world.entity("ticket/1").fields.contains("custom"));
    for (auto& delivery : world.worker->take_due(noon + minutes(2), 10))
        if (delivery.action.connection == "slack")
            world.worker->settled(delivery.partition, delivery.number, done_with({{"ts", "17.4"}}));
    world.run(noon + minutes(2));
    CHECK(world.entity("ticket/1").fields["custom"]["ts"] == "17.4");
}

TEST_CASE("steps: a list that rules share is as if it were written in each", "[wait_for]") {
    World world(tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"connections.yaml", sandbox_connections},
         {"rules/a.yaml",
          "rules:\n  - id: a\n    on: ticket.created\n    then: [ { run: mark }, { add_tags: [a] } ]\n"
          "  - id: b\n    on: ticket.closed\n    then: [ { run: mark } ]\n"},
         {"rules/b.yaml",
          "steps:\n  mark:\n    - add_tags: [marked]\n    - run: later\n"
          "  later:\n    - wait: 10m\n    - add_tags: [later]\n"}}));
    take(world, "e1", "ticket.created", status("open"));
    CHECK(tags_of(world) == Json({"marked"}));
    world.run(noon + minutes(10));
    CHECK(tags_of(world) == Json({"marked", "later", "a"}));
    take(world, "e2", "ticket.closed", status("solved"), noon + minutes(11));
    world.run(noon + minutes(30));
    CHECK(world.decisions.back().fired == Names{"b"});
}

}  // namespace waiting_test
