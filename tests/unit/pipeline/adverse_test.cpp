// What unlucky senders, operators and stores must not be able to do to a worker.

#include "engine/pipeline/explain.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace adverse_test {

using namespace engine;
using namespace engine::test;

namespace {

Event created(const std::string& id, const std::string& subject, Json fields = Json::object()) {
    return event(id, "ticket.created", subject, Json{{"ticket", std::move(fields)}});
}

Event updated(const std::string& id, const std::string& subject, Json fields = Json::object()) {
    return event(id, "ticket.updated", subject, Json{{"ticket", std::move(fields)}});
}

void settle_all(World& world, const Attempt& attempt) {
    for (const auto& due : world.worker->take_due(noon, 100))
        world.worker->settled(due.partition, due.number, attempt);
    world.run();
}

Request command(const World& world, const std::string& name, Json arguments) {
    Request request;
    request.tenant = world.tenant->name;
    request.command = name;
    request.arguments = std::move(arguments);
    request.actor = "operator:test";
    return request;
}

/// Whether what the store holds can be read by a new start.
bool starts_again(World& world) {
    Worker worker(*world.store, Tenants{{world.tenant->name, world.tenant}}, WorkerOptions());
    const auto started = worker.start(noon);
    if (!started) UNSCOPED_INFO(started.error().message);
    return bool(started);
}

constexpr auto stumbling =
    "  - id: stumble\n"
    "    on: ticket.updated\n"
    "    when: { ticket.custom.note: { changed: true } }\n"
    "    on_error: lane\n"
    "    then: [ { set: { ticket.priority: \"{{ ticket.custom.note }}\" } } ]\n";

const Json nonsense{{"custom", {{"note", "nonsense"}}}};

std::string name_of_length(std::size_t length) {
    return std::string(length, 'x');
}

/// Two lanes of one partition.
std::pair<std::string, std::string> neighbours(const TenantName& tenant) {
    const std::string first = "ticket/0";
    const auto partition = partition_of(tenant, *Subject::parse(first), 16);
    for (int number = 1;; ++number) {
        const auto other = "ticket/" + std::to_string(number);
        if (partition_of(tenant, *Subject::parse(other), 16) == partition) return {first, other};
    }
}

}  // namespace

TEST_CASE("adverse: a dead letter that fails again after a retry is a dead letter again", "[adverse]") {
    World world(
        tenant_with("  - id: post\n"
                    "    on: ticket.created\n"
                    "    then: [ { slack.post_message: { channel: C1, text: hello } } ]\n"
                    "  - id: alarm\n"
                    "    on: delivery.failed\n"
                    "    then: [ { add_tags: [alarm] } ]\n"));
    world.submit(created("e1", "ticket/T1"));
    for (int round = 1; round <= 3; ++round) {
        settle_all(world, failed_with("no"));
        REQUIRE_FALSE(world.worker->fatal());
        const auto letters = *world.store->dead_letters(world.tenant->name, 10);
        REQUIRE(letters.size() == 1);
        CHECK(world.decisions.size() == std::size_t(round) + 1);
        REQUIRE(world.command("dead-letters.retry", {{"key", letters[0].delivery.key.text()}}));
    }
    CHECK(starts_again(world));
}

TEST_CASE("adverse: names as long as they may be are read back with what we add to them", "[adverse]") {
    World world(tenant_with(std::string(stumbling) + "  - id: note\n"
                                                     "    on: ticket.created\n"
                                                     "    then: [ { emit: ticket.noted } ]\n"));
    world.submit(updated("e1", "ticket/T1", {{"status", "open"}}));
    auto long_one = updated(name_of_length(1024), "ticket/T1", nonsense);
    long_one.source = name_of_length(1024);
    world.submit(long_one);
    CHECK(world.worker->blocked_lanes() == 1);
    CHECK(starts_again(world));
    REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "retry"}}));
    CHECK_FALSE(world.worker->fatal());
    auto other = created(name_of_length(1024), "ticket/T2");
    other.source = long_one.source;
    // The emitted event waits in the store: no turn is made for it.
    world.worker->submit({other}, [](std::vector<Ack>) {});
    world.worker->turn(noon);
    CHECK(starts_again(world));
}

TEST_CASE("adverse: an embedded object whose id cannot be a subject is left out and said so", "[adverse]") {
    World world(tenant_with(stumbling));
    for (const auto& id : {std::string("a\u0001"), std::string(600, 'y')})
        for (int i = 0; i < 2; ++i) {
            auto one = created(id.substr(0, 1) + std::to_string(i), "ticket/" + std::to_string(i));
            one.data["contact"] = Json{{"id", id}, {"name", "n" + std::to_string(i)}};
            CHECK(world.submit(one).kind == Ack::Kind::accepted);
            REQUIRE_FALSE(world.worker->fatal());
            REQUIRE(world.decisions.back().notes.size() == 1);
            CHECK_THAT(world.decisions.back().notes[0], Catch::Contains("contact"));
        }
    CHECK(starts_again(world));
}

TEST_CASE("adverse: what a payload says in another shape is kept, and said so", "[adverse]") {
    World world(tenant_with(stumbling));
    auto odd = created(
        "e1", "ticket/1",
        {{"priority", "asap"}, {"subject", 5}, {"nosuch", 1}, {"status", "open"}, {"custom", {{"x", 1}}}});
    odd.data["description"] = "beside the ticket";
    odd.data["of"] = "nothing of ours";
    CHECK(world.submit(odd).kind == Ack::Kind::accepted);
    const auto& notes = world.decisions.back().notes;
    REQUIRE(notes.size() == 4);
    CHECK_THAT(notes[0], Catch::Contains("ticket.priority takes one of low, normal"));
    CHECK_THAT(notes[1], Catch::Contains("ticket.subject takes a text, not the number 5"));
    CHECK_THAT(notes[2], Catch::Contains("no field that a rule can read: ticket.nosuch"));
    CHECK_THAT(notes[3], Catch::Contains("not read: description;"));
    CHECK(world.entity("ticket/1").fields["priority"] == "asap");
}

TEST_CASE("adverse: tags of a field with values to choose from are not odd", "[adverse]") {
    const auto tenant =
        tenant_of({{"tenant.yaml", "name: acme\n"},
                   {"fields.yaml", "fields: { ticket.custom.labels: { type: tags, values: [a, b] } }\n"},
                   {"rules.yaml", "rules: []\n"}});
    World world(tenant);
    world.submit(created("e1", "ticket/1", {{"custom", {{"labels", {"a", "b"}}}}}));
    CHECK(world.decisions.back().notes.empty());
}

TEST_CASE("adverse: a number of those to choose from is taken, another is not", "[adverse]") {
    const auto tenant =
        tenant_of({{"tenant.yaml", "name: acme\n"},
                   {"fields.yaml", "fields: { ticket.custom.tier: { type: number, values: [1, 2.5] } }\n"},
                   {"rules.yaml",
                    "rules:\n"
                    "  - id: half\n"
                    "    on: ticket.created\n"
                    "    then: [ { set: { ticket.custom.tier: 2.5 } } ]\n"
                    "  - id: copied\n"
                    "    on: ticket.created\n"
                    "    then: [ { set: { ticket.custom.tier: \"{{ ticket.custom.other }}\" } } ]\n"}});
    World world(tenant);
    world.submit(created("e1", "ticket/1", {{"custom", {{"tier", 1}, {"other", 3}}}}));
    const auto& decision = world.decisions.back();
    CHECK(decision.notes.empty());
    REQUIRE(decision.failures.size() == 1);
    CHECK(decision.failures[0].rule == "copied");
    CHECK(decision.failures[0].message == "ticket.custom.tier takes one of 1, 2.5, not the number 3");
    CHECK(decision.document["custom"]["tier"] == 2.5);
}

TEST_CASE("adverse: an id from outside that is one of ours already ends as a clash", "[adverse]") {
    World world(
        tenant_with("  - id: note\n"
                    "    on: [ticket.created, ticket.noted]\n"
                    "    then: [ { emit: ticket.noted } ]\n",
                    "name: acme\nlimits: { hops_max: 3 }\n"));
    world.submit(created("a", "ticket/T1"));
    world.submit(created("a~0", "ticket/T1"));
    CHECK_FALSE(world.worker->fatal());
    CHECK(world.worker->pending_size() == 0);
    CHECK(starts_again(world));
    const auto rows = *world.store->history(world.tenant->name, *Subject::parse("ticket/T1"), 100);
    CHECK(std::any_of(rows.begin(), rows.end(),
                      [](const JournalRecord& row) { return row.kind == record_kind::clash; }));
}

TEST_CASE("adverse: one command given twice at once is done once", "[adverse]") {
    World world(tenant_with(std::string(stumbling) +
                            "  - id: post\n"
                            "    on: ticket.created\n"
                            "    then: [ { slack.post_message: { channel: C1, text: hello } } ]\n"));
    std::vector<bool> done;
    const auto note = [&done](const Result<Json>& result) { done.push_back(bool(result)); };
    SECTION("a lane released") {
        world.submit(created("e1", "ticket/T1", {{"status", "new"}}));
        world.submit(updated("e2", "ticket/T1", nonsense));
        world.submit(updated("e3", "ticket/T1", {{"status", "open"}}));
        world.decided.clear();
        const auto release = command(world, "lanes.release", {{"subject", "ticket/T1"}, {"mode", "discard"}});
        world.worker->command(release, note);
        world.worker->command(release, note);
        world.run();
        CHECK(world.decided == std::vector<std::string>{"e3"});
    }
    SECTION("a dead letter retried") {
        world.submit(created("e1", "ticket/T1"));
        settle_all(world, failed_with("no"));
        const auto letters = *world.store->dead_letters(world.tenant->name, 10);
        REQUIRE(letters.size() == 1);
        const auto retry = command(world, "dead-letters.retry", {{"key", letters[0].delivery.key.text()}});
        world.worker->command(retry, note);
        world.worker->command(retry, note);
        world.run();
        CHECK(world.worker->take_due(noon, 10).size() == 1);
        CHECK(world.worker->outbox_rows() == 1);
    }
    CHECK(done == std::vector<bool>{true, false});
    CHECK_FALSE(world.worker->fatal());
}

TEST_CASE("adverse: deliveries of tenants that are not served do not keep a start busy", "[adverse]") {
    World world(tenant_with(stumbling));
    Step step;
    step.tenant = TenantName("other");
    step.time = noon;
    for (std::uint64_t number = 1; number <= 2'500; ++number) {
        Delivery delivery;
        delivery.number = number;
        delivery.key = DeliveryKey("k" + std::to_string(number));
        delivery.tenant = step.tenant;
        delivery.lane = *Subject::parse("ticket/T1");
        delivery.event = EventId("e" + std::to_string(number));
        delivery.action.connection = "slack";
        delivery.action.action = "post_message";
        step.outbox_added.push_back(std::move(delivery));
    }
    REQUIRE(world.store->commit(std::vector<Step>{step}));
    CHECK(starts_again(world));
}

TEST_CASE("adverse: more deliveries than memory holds leave from the store, before and after a start",
          "[adverse]") {
    WorkerOptions options;
    options.outbox_memory_max = 1;
    World world(tenant_with("  - id: tell\n"
                            "    on: ticket.updated\n"
                            "    then:\n"
                            "      - slack.post_message: { channel: C1, text: \"{{ event.id }}\" }\n"),
                options);
    std::vector<Event> events;
    for (int i = 0; i < 6; ++i)
        events.push_back(event("e" + std::to_string(i), "ticket.updated", "ticket/" + std::to_string(i % 3),
                               Json{{"ticket", {{"subject", std::to_string(i)}}}}));
    world.submit(std::move(events));
    const auto leave = [&world] {
        std::vector<std::string> left;
        for (const auto& due : world.worker->take_due(noon, 10)) {
            left.push_back(due.event.text());
            world.worker->settled(due.partition, due.number, done_with(Json::object()));
        }
        std::sort(left.begin(), left.end());
        world.run();
        return left;
    };
    CHECK(leave() == std::vector<std::string>{"e0", "e1", "e2"});
    world.start(options);
    CHECK(leave() == std::vector<std::string>{"e3", "e4", "e5"});
    CHECK(world.worker->outbox_rows() == 0);
}

TEST_CASE("adverse: a lane released while part of it is still in memory keeps its order", "[adverse]") {
    WorkerOptions options;
    options.batch_events_max = 2;
    World world(tenant_with(stumbling), options);
    world.submit(updated("e1", "ticket/T1", {{"status", "open"}}));
    world.submit(updated("e2", "ticket/T1", nonsense));
    for (int i = 3; i <= 8; ++i)
        world.submit(updated("e" + std::to_string(i), "ticket/T1", {{"subject", std::to_string(i)}}));
    world.decided.clear();
    const auto release = [&](const char* mode) {
        world.worker->command(command(world, "lanes.release", {{"subject", "ticket/T1"}, {"mode", mode}}),
                              [](const Result<Json>&) {});
    };
    release("retry");
    world.worker->turn(noon);
    world.worker->turn(noon);  // stumbles again, the rest of the lane is in memory
    release("discard");
    world.run();
    CHECK_FALSE(world.worker->fatal());
    std::vector<std::string> outside;
    for (const auto& id : world.decided)
        if (id.find('~') == std::string::npos) outside.push_back(id);
    CHECK(outside == std::vector<std::string>{"e3", "e4", "e5", "e6", "e7", "e8"});
}

TEST_CASE("adverse: an event that stumbles again and again stays before those that wait behind it",
          "[adverse]") {
    World world(tenant_with(stumbling));
    world.submit(updated("e1", "ticket/T1", {{"status", "open"}}));
    world.submit(updated("e2", "ticket/T1", nonsense));
    world.submit(updated("e3", "ticket/T1", {{"status", "pending"}}));
    world.submit(updated("e4", "ticket/T1", {{"status", "solved"}}));
    world.decided.clear();
    for (int round = 0; round < 3; ++round) {
        REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "retry"}}));
        CHECK(world.worker->blocked_lanes() == 1);
    }
    CHECK(world.decided == std::vector<std::string>{"e2~retry", "e2~retry~retry", "e2~retry~retry~retry"});
    CHECK(starts_again(world));
    REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "discard"}}));
    CHECK(std::vector<std::string>(world.decided.begin() + 3, world.decided.end()) ==
          std::vector<std::string>{"e3", "e4"});
    CHECK(world.entity("ticket/T1").fields["status"] == "solved");
}

TEST_CASE("adverse: results go to the rule that asked, though two sources use one id", "[adverse]") {
    World world(
        tenant_with("  - id: copy\n"
                    "    on: ticket.created\n"
                    "    then:\n"
                    "      - zendesk.create_ticket: { subject: \"{{ event.source }}\" }\n"
                    "        as: copy\n"
                    "      - add_tags: [\"{{ event.source }}_{{ steps.copy.result.id }}\"]\n"));
    auto one = created("e1", "ticket/T1");
    auto other = one;
    other.source = "else";
    world.submit({one, other});
    std::map<std::string, std::string> number_of{{"test", "1"}, {"else", "2"}};
    // Deliveries of one lane leave one after another.
    for (int i = 0; i < 2; ++i) {
        const auto due = world.worker->take_due(noon, 10);
        REQUIRE(due.size() == 1);
        const auto id = number_of.at(due[0].action.params["subject"].get<std::string>());
        world.worker->settled(due[0].partition, due[0].number, done_with({{"id", id}}));
        world.run();
    }
    auto tags = world.entity("ticket/T1").fields["tags"];
    std::sort(tags.begin(), tags.end());
    CHECK(tags.size() == 2);
    CHECK(tags[0].get<std::string>().ends_with("_1"));
    CHECK(tags[1].get<std::string>().ends_with("_2"));
    CHECK(world.store->continuations(world.tenant->name, *Subject::parse("ticket/T1"))->empty());
}

TEST_CASE("adverse: what is discarded is found behind any number of others", "[adverse]") {
    WorkerOptions options;
    options.lane_waiting_max = 2;
    World world(tenant_with(stumbling), options);
    const auto [first, second] = neighbours(world.tenant->name);
    for (const auto& lane : {first, second}) {
        world.submit(updated("a" + lane, lane, {{"status", "open"}}));
        world.submit(updated("b" + lane, lane, nonsense));
        world.submit(updated("c" + lane, lane, {{"status", "solved"}}));
    }
    world.decided.clear();
    REQUIRE(world.command("lanes.release", {{"subject", second}, {"mode", "discard"}}));
    CHECK(world.decided == std::vector<std::string>{"c" + second});
}

TEST_CASE("adverse: the limit of a blocked lane counts each waiting event once", "[adverse]") {
    WorkerOptions options;
    options.lane_waiting_max = 4;
    World world(tenant_with(stumbling), options);
    world.submit(updated("e1", "ticket/T1", {{"status", "open"}}));
    const auto acks =
        world.submit({updated("e2", "ticket/T1", nonsense), updated("e3", "ticket/T1"),
                      updated("e4", "ticket/T1"), updated("e5", "ticket/T1"), updated("e6", "ticket/T1")});
    CHECK(acks[3].kind == Ack::Kind::accepted);
    CHECK(acks[4].kind == Ack::Kind::overloaded);
}

}  // namespace adverse_test
