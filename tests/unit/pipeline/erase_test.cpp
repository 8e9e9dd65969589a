// Erasing a subject: refused while it is at work, done in one step, and the next event begins anew.

#include "engine/pipeline/explain.h"
#include "engine/pipeline/fold.h"
#include "engine/pipeline/recorded.h"
#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace erase_test {

using namespace engine;
using namespace engine::test;

namespace {

constexpr auto tagging =
    "  - id: tag-vip\n"
    "    on: ticket.*\n"
    "    when: { ticket.priority: urgent }\n"
    "    then:\n"
    "      - add_tags: [vip]\n";
constexpr auto ticket = "ticket/INC1";

Event changed(const std::string& id, const Json& fields) {
    return event(id, "ticket.updated", ticket, {{"ticket", fields}});
}

Json erase(World& world, Json more = Json::object()) {
    more["subject"] = ticket;
    more["reason"] = "request 12";
    auto answer = world.command("erase", std::move(more));
    INFO((answer ? "" : answer.error().message));
    REQUIRE(answer);
    return *answer;
}

std::vector<JournalRecord> history_of(World& world) {
    auto rows = world.store->history(world.tenant->name, *Subject::parse(ticket), 1000);
    REQUIRE(rows);
    return *rows;
}

}  // namespace

TEST_CASE("erase: bodies and entity go, the journal proves itself, and the next event works", "[pipeline]") {
    World world(tenant_with(tagging));
    world.submit(changed("e1", {{"subject", "secret"}, {"priority", "urgent"}}));
    world.submit(changed("e2", {{"subject", "more"}}));
    REQUIRE(world.entity(ticket).version == 2);

    const auto answer = erase(world);
    CHECK(answer["rows"] == 4);
    CHECK(answer["version"] == 3);
    const auto tombstone = world.entity(ticket);
    CHECK(tombstone.deleted);
    CHECK(tombstone.version == 3);
    CHECK(tombstone.fields.empty());
    const auto row = history_of(world).front();
    CHECK(row.kind == record_kind::erasure);
    CHECK(row.entity_version == 3);
    CHECK(row.actor == "operator:test");
    CHECK(
        row.body ==
        R"({"goes_on":false,"more":false,"reason":"request 12","rows":4,"subject":"ticket/INC1","version":3})");

    world.submit(changed("e3", {{"priority", "urgent"}}));
    CHECK(world.entity(ticket).version == 4);
    CHECK(world.decisions.back().fired == std::vector<std::string>{"tag-vip"});
    const auto report = verify(*world.store, TenantName(), true);
    REQUIRE(report);
    for (const auto& fault : report->faults) FAIL(fault.what);
    CHECK(report->erased_bodies == 4);
}

TEST_CASE("erase: what is erased is said to be erased, and what came after is explained", "[pipeline]") {
    World world(tenant_with(tagging));
    world.submit(changed("e1", {{"subject", "secret"}}));
    erase(world);
    world.submit(changed("e2", {{"priority", "urgent"}}));
    world.submit(changed("e3", {{"status", "open"}}));

    const auto gone = explain(*world.store, world.tenant->name, EventId("e1"), "");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Code::not_found);
    CHECK_THAT(gone.error().message, Catch::Contains("erased"));
    for (const auto* id : {"e2", "e3"}) {
        const auto explained = explain(*world.store, world.tenant->name, EventId(id), "test");
        REQUIRE(explained);
        CHECK((*explained)["reproduced"] == true);
    }
    const auto tenant_at = tenants_of(*world.store, world.tenant->name);
    const auto at_version = [&](std::uint64_t version) {
        return entity_at(*world.store, world.tenant->name, *Subject::parse(ticket), version, tenant_at);
    };
    CHECK_THAT(at_version(1).error().message, Catch::Contains("erased"));
    CHECK(at_version(2)->deleted);
    CHECK(at_version(4)->fields["status"] == "open");
}

TEST_CASE("erase: it is refused while deliveries or events of the subject are under way", "[pipeline]") {
    World world(
        tenant_with("  - id: tell\n"
                    "    on: ticket.*\n"
                    "    then:\n"
                    "      - slack.post_message: { channel: c, text: t }\n"));
    world.submit(changed("e1", {{"subject", "secret"}}));
    const auto refused = world.command("erase", {{"subject", ticket}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::conflict);
    CHECK_THAT(refused.error().message, Catch::Contains("1 of its deliveries are under way"));
    for (auto& delivery : world.worker->take_due(noon, 10))
        world.worker->settled(delivery.partition, delivery.number, done_with(Json::object()));
    world.run();
    CHECK(erase(world)["rows"] == 3);
}

TEST_CASE("erase: what is unknown or no subject is an error", "[pipeline]") {
    World world(tenant_with(tagging));
    CHECK(world.command("erase", {{"subject", ticket}}).error().code == Code::not_found);
    CHECK(world.command("erase", {{"subject", "nonsense"}}).error().code == Code::invalid_input);
    CHECK(world.command("erase", Json::object()).error().code == Code::invalid_input);
    world.submit(changed("e1", {{"subject", "secret"}}));
    erase(world);
    CHECK(world.command("erase", {{"subject", ticket}}).error().code == Code::not_found);
}

TEST_CASE("erase: more rows than one step takes are erased by those that go on, without what came since",
          "[pipeline]") {
    WorkerOptions options;
    options.erased_rows_max = 3;
    World world(tenant_with(tagging), options);
    for (int i = 0; i < 4; ++i) world.submit(changed("e" + std::to_string(i), {{"subject", i}}));
    const auto first = erase(world);
    CHECK(first["rows"] == 3);
    REQUIRE(first.contains("before"));
    world.submit(changed("new", {{"priority", "urgent"}}));
    const auto second = erase(world, {{"before", first["before"]}});
    CHECK(second["rows"] == 3);
    const auto third = erase(world, {{"before", second["before"]}});
    CHECK(third["rows"] == 2);
    CHECK_FALSE(third.contains("before"));
    CHECK(world.entity(ticket).fields["priority"] == "urgent");
    const auto report = verify(*world.store, TenantName(), true);
    REQUIRE(report);
    CHECK(report->faults.empty());
    CHECK(report->erased_bodies == 8);
    CHECK(explain(*world.store, world.tenant->name, EventId("new"), "test"));
}

TEST_CASE("erase: one that goes on keeps what has come since the first, and the journal says the same",
          "[pipeline]") {
    WorkerOptions options;
    options.erased_rows_max = 3;
    World world(tenant_with("  - id: patient\n"
                            "    on: ticket.created\n"
                            "    then:\n"
                            "      - emit: { type: ticket.reminder, after: 10m }\n"
                            "      - slack.post_message: { channel: c, text: t }\n"
                            "      - wait: 20m\n"
                            "      - add_tags: [over]\n"),
                options);
    for (int i = 0; i < 4; ++i) world.submit(changed("e" + std::to_string(i), {{"subject", i}}));
    const auto first = erase(world);
    REQUIRE(first.contains("before"));
    world.submit(event("new", "ticket.created", ticket, {{"ticket", {{"priority", "urgent"}}}}));
    for (auto& delivery : world.worker->take_due(noon, 10))
        world.worker->settled(delivery.partition, delivery.number, failed_with("no such channel"));
    world.run();
    const auto waiting = [&world] {
        return world.store->continuations(world.tenant->name, *Subject::parse(ticket));
    };
    const auto timers = [&world] { return world.store->timers(world.tenant->name, 100); };
    const auto failed = [&world] { return world.store->dead_letters(world.tenant->name, 100); };
    REQUIRE(timers()->size() == 2);
    REQUIRE(waiting()->size() == 1);
    REQUIRE(failed()->size() == 1);
    const auto version = world.entity(ticket).version;

    const auto second = erase(world, {{"before", first["before"]}});
    CHECK(second["version"] == version);
    CHECK(erase(world, {{"before", second["before"]}})["rows"] == 2);
    CHECK(timers()->size() == 2);
    CHECK(waiting()->size() == 1);
    CHECK(failed()->size() == 1);
    CHECK(world.entity(ticket).version == version);

    CHECK(differences_in(world) == "");
    world.run(noon + std::chrono::minutes(30));
    CHECK(world.entity(ticket).fields["tags"] == Json{"over"});
}

TEST_CASE("erase: one that goes on accounts for nothing that is gone since the first", "[pipeline]") {
    WorkerOptions options;
    options.erased_rows_max = 3;
    World world(tenant_with(tagging), options);
    for (int i = 0; i < 2; ++i) world.submit(changed("e" + std::to_string(i), {{"subject", i}}));
    const auto first = erase(world);
    world.submit(changed("new", {{"priority", "urgent"}}));
    const auto stolen = world.store->trail(world.tenant->name, *Subject::parse(ticket), 1);
    REQUIRE(stolen);
    Step theft;
    theft.tenant = world.tenant->name;
    theft.time = noon;
    theft.erasures.push_back({*Subject::parse(ticket), *stolen, true});
    world.worker.reset();
    REQUIRE(world.store->commit({&theft, 1}));
    world.start(options);
    erase(world, {{"before", first["before"]}});
    const auto report = verify(*world.store, TenantName(), true);
    REQUIRE(report);
    REQUIRE(report->faults.size() == 1);
    CHECK(report->faults.front().seq == stolen->front().seq);
}

}  // namespace erase_test
