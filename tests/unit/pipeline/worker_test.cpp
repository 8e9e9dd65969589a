#include "engine/pipeline/worker.h"

#include <random>

#include "engine/pipeline/explain.h"
#include "engine/pipeline/fold.h"
#include "engine/pipeline/recorded.h"
#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace worker_test {

using namespace engine;
using namespace engine::test;
using namespace std::chrono_literals;

namespace {

constexpr auto greet =
    "  - id: greet\n"
    "    on: ticket.created\n"
    "    then:\n"
    "      - set: { ticket.queue: support }\n"
    "      - slack.post_message: { channel: C1, text: \"New: {{ ticket.subject }}\" }\n";

Event ticket(const std::string& id, const std::string& subject, const Json& fields,
             const std::string& time = "") {
    return event(id, "ticket.created", subject, Json{{"ticket", fields}}, time);
}
Event updated(const std::string& id, const std::string& subject, const Json& fields,
              const std::string& time = "") {
    return event(id, "ticket.updated", subject, Json{{"ticket", fields}}, time);
}

/// Settles whatever is due, until nothing is.
void deliver_all(World& world, const Attempt& attempt, Instant now = noon) {
    while (true) {
        const auto due = world.worker->take_due(now, 100);
        if (due.empty()) return;
        for (const auto& one : due) world.worker->settled(one.partition, one.number, attempt);
        world.run(now);
    }
}

std::vector<std::string> kinds_of(World& world, const std::string& subject) {
    auto rows = world.store->history(world.tenant->name, *Subject::parse(subject), 1000);
    REQUIRE(rows);
    std::vector<std::string> kinds;
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) kinds.push_back(row->kind);
    return kinds;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("worker: an event is decided once, its entity stored, its action queued, all of it journaled",
          "[worker]") {
    World world(tenant_with(greet));
    CHECK(world.submit(ticket("e1", "ticket/T1", {{"subject", "Help"}})).kind == Ack::Kind::accepted);
    CHECK(world.entity("ticket/T1").fields == Json{{"subject", "Help"}, {"queue", "support"}});
    CHECK(world.entity("ticket/T1").version == 1);
    CHECK(world.worker->outbox().whole() == 1);  // what leaves at once is not read from the store again
    const auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    CHECK(due[0].action.params == Json{{"channel", "C1"}, {"text", "New: Help"}});
    CHECK(kinds_of(world, "ticket/T1") == Names{"event", "decision"});
    world.worker->settled(due[0].partition, due[0].number, done_with({{"ts", "1"}}));
    world.run();
    CHECK(kinds_of(world, "ticket/T1") == Names{"event", "decision", "delivered"});
    CHECK(world.worker->outbox_rows() == 0);
    const auto report = verify(*world.store, TenantName());
    REQUIRE(report);
    CHECK(report->faults.empty());
}

TEST_CASE("worker: a redelivery is recognised, in the same batch and after a restart", "[worker]") {
    World world(tenant_with(greet));
    const auto first = ticket("e1", "ticket/T1", {{"subject", "Help"}});
    const auto acks = world.submit(std::vector<Event>{first, first});
    CHECK(acks[0].kind == Ack::Kind::accepted);
    CHECK(acks[1].kind == Ack::Kind::duplicate);
    world.start();
    CHECK(world.submit(first).kind == Ack::Kind::duplicate);
    CHECK(world.decided == Names{"e1"});
}

TEST_CASE(
    "worker: a known id with another content is a clash; the first one stands and the clash is journaled",
    "[worker]") {
    World world(tenant_with(greet));
    world.submit(ticket("e1", "ticket/T1", {{"subject", "Help"}}));
    CHECK(world.submit(ticket("e1", "ticket/T1", {{"subject", "Other"}})).kind == Ack::Kind::clash);
    CHECK(world.entity("ticket/T1").fields["subject"] == "Help");
    CHECK(kinds_of(world, "ticket/T1") == Names{"event", "decision", "clash"});
}

TEST_CASE("worker: the same id from another source is another event", "[worker]") {
    World world(tenant_with(greet));
    auto other = ticket("e1", "ticket/T2", {{"subject", "B"}});
    other.source = "elsewhere";
    CHECK(world.submit(ticket("e1", "ticket/T1", {{"subject", "A"}})).kind == Ack::Kind::accepted);
    CHECK(world.submit(other).kind == Ack::Kind::accepted);
}

TEST_CASE("worker: a stale payload is decided as stale and changes nothing", "[worker]") {
    World world(tenant_with(greet));
    world.submit(ticket("e1", "ticket/T1", {{"status", "open"}}, "2026-01-01T10:00:00Z"));
    world.submit(updated("e2", "ticket/T1", {{"status", "closed"}}, "2026-01-01T09:00:00Z"));
    CHECK(world.decisions.back().outcome == Outcome::stale);
    CHECK(world.entity("ticket/T1").fields["status"] == "open");
    CHECK(world.entity("ticket/T1").version == 1);
}

TEST_CASE("worker: events of a batch see what the ones before them left", "[worker]") {
    World world(
        tenant_with("  - id: count\n"
                    "    on: ticket.updated\n"
                    "    when: { ticket.status: { changed_from: open } }\n"
                    "    then: [ { add_tags: [reopened] } ]\n"));
    world.submit(std::vector<Event>{ticket("e1", "ticket/T1", {{"status", "open"}}),
                                    updated("e2", "ticket/T1", {{"status", "pending"}})});
    CHECK(world.entity("ticket/T1").fields["tags"] == Json::array({"reopened"}));
    CHECK(world.entity("ticket/T1").version == 2);
}

TEST_CASE("worker: an emitted event enters its lane after what stood there and carries its cause",
          "[worker]") {
    World world(
        tenant_with("  - id: tell\n"
                    "    on: ticket.created\n"
                    "    then: [ { emit: { type: ticket.noticed, data: { note: { text: hello } } } } ]\n"
                    "  - id: hear\n"
                    "    on: ticket.noticed\n"
                    "    then: [ { set: { ticket.queue: heard } } ]\n"));
    world.submit(std::vector<Event>{ticket("e1", "ticket/T1", {{"status", "new"}}),
                                    updated("e2", "ticket/T1", {{"status", "open"}})});
    CHECK(world.decided == Names{"e1", "e2", "e1~0"});
    CHECK(world.entity("ticket/T1").fields["queue"] == "heard");
    const auto explained = explain(*world.store, world.tenant->name, EventId("e1~0"), "");
    REQUIRE(explained);
    CHECK((*explained)["event"]["cause"] == "e1");
    CHECK((*explained)["event"]["hops"] == 1);
}

TEST_CASE("worker: a chain of events ends as a loop after the limit of hops", "[worker]") {
    World world(
        tenant_with("  - id: again\n"
                    "    on: ticket.*\n"
                    "    then: [ { emit: { type: ticket.again } } ]\n"));
    world.submit(ticket("e1", "ticket/T1", {{"status", "new"}}));
    CHECK(world.decisions.size() == 18);
    CHECK(world.decisions.back().outcome == Outcome::loop);
    CHECK_FALSE(world.worker->has_pending());
}

TEST_CASE("worker: another entity of the payload enters its own lane, and only when it says something new",
          "[worker]") {
    World world(tenant_with(greet));
    auto first = ticket("e1", "ticket/T1", {{"subject", "A"}});
    first.data["contact"] = Json{{"id", "7"}, {"name", "Ana"}};
    world.submit(first);
    CHECK(world.entity("contact/7").fields["name"] == "Ana");
    auto second = updated("e2", "ticket/T1", {{"subject", "B"}});
    second.data["contact"] = first.data["contact"];
    world.submit(second);
    CHECK(world.decided == Names{"e1", "e1~contact", "e2"});
}

TEST_CASE("worker: a linked contact is read as its committed snapshot and its version recorded", "[worker]") {
    World world(
        tenant_with("  - id: vip\n"
                    "    on: ticket.created\n"
                    "    when: { contact.tier: enterprise }\n"
                    "    then: [ { set: { ticket.priority: urgent } } ]\n"));
    world.submit(event("c1", "contact.created", "contact/7",
                       Json{{"contact", {{"email", "Ana@Example.com"}, {"tier", "enterprise"}}}}));
    world.submit(ticket("e1", "ticket/T1", {{"requester", {{"email", " ana@example.com"}}}}));
    CHECK(world.entity("ticket/T1").fields["priority"] == "urgent");
    REQUIRE(world.decisions.back().linked.size() == 1);
    CHECK(world.decisions.back().linked[0].subject.text() == "contact/7");
    CHECK(world.decisions.back().linked[0].version == 1);
}

TEST_CASE("worker: all changes to an owned entity leave as one write-back before the actions", "[worker]") {
    World world(
        tenant_with("  - id: raise\n"
                    "    on: ticket.created\n"
                    "    then:\n"
                    "      - slack.post_message: { channel: C1, text: hi }\n"
                    "      - set: { ticket.priority: urgent, ticket.status: open }\n"
                    "      - add_tags: [vip]\n"));
    world.submit(
        ticket("e1", "ticket/zendesk:5", {{"status", "new"}, {"priority", "low"}}, "2026-01-01T10:00:00Z"));
    const auto& decision = world.decisions.back();
    REQUIRE(decision.write_back);
    CHECK(decision.write_back->connection == "zendesk");
    CHECK(decision.actions.size() == 1);
    const auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 2);
    SECTION("until it is delivered the old value is an echo") {
        world.submit(updated("e2", "ticket/zendesk:5", {{"priority", "low"}}, "2026-01-01T10:05:00Z"));
        CHECK(world.entity("ticket/zendesk:5").fields["priority"] == "urgent");
    }
    SECTION("once it is delivered the old value is news") {
        for (const auto& one : due)
            world.worker->settled(one.partition, one.number, done_with(Json::object()));
        world.run();
        CHECK(world.entity("ticket/zendesk:5").own_writes.empty());
        world.submit(updated("e2", "ticket/zendesk:5", {{"priority", "low"}}, "2026-01-01T10:05:00Z"));
        CHECK(world.decisions.back().merged.size() == 1);
    }
}

TEST_CASE("worker: a saved result becomes a change of the entity and starts an update pass", "[worker]") {
    World world(
        tenant_with("  - id: open-ticket\n"
                    "    on: conversation.escalated\n"
                    "    then:\n"
                    "      - zendesk.create_ticket: { subject: Chat, description: Hello }\n"
                    "        as: ticket\n"
                    "        save: { conversation.custom.ticket_id: result.id }\n"
                    "  - id: linked\n"
                    "    on: conversation.updated\n"
                    "    when: { conversation.custom.ticket_id: { changed: true } }\n"
                    "    then: [ { add_tags: [has-ticket] } ]\n"));
    world.submit(event("e1", "conversation.escalated", "conversation/C1",
                       Json{{"conversation", {{"status", "open"}}}}));
    deliver_all(world, done_with({{"id", "35436"}}));
    const auto conversation = world.entity("conversation/C1");
    CHECK(conversation.fields["custom"]["ticket_id"] == "35436");
    CHECK(conversation.fields["tags"] == Json::array({"has-ticket"}));
    CHECK(world.decisions.back().event_type == "delivery.done");
}

namespace {

constexpr auto waiting_rule =
    "  - id: ticket-then-tell\n"
    "    on: conversation.escalated\n"
    "    then:\n"
    "      - zendesk.create_ticket: { subject: Chat, description: Hello }\n"
    "        as: ticket\n"
    "      - slack.post_message: { channel: C1, text: \"Ticket {{ steps.ticket.result.id }} for {{ "
    "contact.name }}\" }\n"
    "      - set: { conversation.queue: told }\n";

Event escalated() {
    return event("e1", "conversation.escalated", "conversation/C1",
                 Json{{"conversation", {{"status", "open"}}}, {"contact", {{"name", "Ana"}}}});
}

}  // namespace

TEST_CASE("worker: a step that reads a result waits for it, over a restart too", "[worker]") {
    World world(tenant_with(waiting_rule));
    world.submit(escalated());
    auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    CHECK(world.entity("conversation/C1").fields.count("queue") == 0);
    world.start();
    due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    world.worker->settled(due[0].partition, due[0].number, done_with({{"id", "99"}}));
    world.run();
    due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    CHECK(due[0].action.params["text"] == "Ticket 99 for Ana");
    CHECK(world.entity("conversation/C1").fields["queue"] == "told");
    const auto left = world.store->continuations(world.tenant->name, *Subject::parse("conversation/C1"));
    REQUIRE(left);
    CHECK(left->empty());
}

TEST_CASE("worker: the rest of a rule runs as it began, what follows from it under the rules of today",
          "[worker]") {
    World world(tenant_with(waiting_rule));
    world.submit(escalated());
    const auto began = world.tenant->rule_set->version;
    auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    std::string today = waiting_rule;
    today.replace(today.find("queue: told"), 11, "queue: else");
    world.tenant = tenant_with(today +
                               "  - id: followed\n"
                               "    on: conversation.updated\n"
                               "    when: { conversation.queue: told }\n"
                               "    then: [ { add_tags: [followed] } ]\n");
    REQUIRE(activate(*world.store, *world.tenant, {}, noon));
    world.start();
    due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    world.worker->settled(due[0].partition, due[0].number, done_with({{"id", "99"}}));
    world.run();
    CHECK(world.entity("conversation/C1").fields["queue"] == "told");
    CHECK(world.entity("conversation/C1").fields["tags"] == Json::array({"followed"}));
    const auto& decision = world.decisions.back();
    CHECK(decision.ruleset == world.tenant->rule_set->version);
    CHECK(decision.ruleset != began);
    const auto explained = explain(*world.store, world.tenant->name, decision.event_id, "");
    REQUIRE(explained);
    CHECK((*explained)["reproduced"] == true);
}

TEST_CASE("worker: a dead letter's retry goes on where the rule waits, its discard ends the rule",
          "[worker]") {
    World world(tenant_with(waiting_rule));
    world.submit(escalated());
    deliver_all(world, failed_with("no such brand"));
    const auto letters = world.store->dead_letters(world.tenant->name, 10);
    REQUIRE(letters);
    REQUIRE(letters->size() == 1);
    const auto key = letters->front().delivery.key.text();
    SECTION("retry") {
        REQUIRE(world.command("dead-letters.retry", {{"key", key}}));
        const auto due = world.worker->take_due(noon, 10);
        REQUIRE(due.size() == 1);
        CHECK(due[0].key.text() == key);
        world.worker->settled(due[0].partition, due[0].number, done_with({{"id", "5"}}));
        world.run();
        CHECK(world.entity("conversation/C1").fields["queue"] == "told");
    }
    SECTION("discard") {
        REQUIRE(world.command("dead-letters.discard", {{"key", key}}));
        CHECK(world.store->continuations(world.tenant->name, *Subject::parse("conversation/C1"))->empty());
        CHECK(world.store->dead_letters(world.tenant->name, 10)->empty());
        CHECK_FALSE(world.command("dead-letters.discard", {{"key", key}}));
    }
}

namespace {

constexpr auto stumbling_rule =
    "  - id: stumble\n"
    "    on: ticket.updated\n"
    "    when: { ticket.custom.note: { changed: true } }\n"
    "    on_error: lane\n"
    "    then: [ { set: { ticket.priority: \"{{ ticket.custom.note }}\" } } ]\n";

}  // namespace

TEST_CASE("worker: a lane that stumbles waits for an operator while others go on", "[worker]") {
    World world(tenant_with(stumbling_rule));
    world.submit(ticket("e1", "ticket/T1", {{"status", "new"}}));
    world.submit(updated("e2", "ticket/T1", {{"custom", {{"note", "nonsense"}}}}));
    CHECK(world.decisions.back().outcome == Outcome::error);
    CHECK(world.entity("ticket/T1").fields["custom"]["note"] == "nonsense");
    const auto ack = world.submit(updated("e3", "ticket/T1", {{"status", "open"}}));
    CHECK(ack.kind == Ack::Kind::accepted);
    CHECK(ack.pending);
    CHECK(world.submit(ticket("x1", "ticket/T2", {{"status", "new"}})).pending == false);
    CHECK(world.entity("ticket/T1").fields["status"] == "new");
    const auto lanes = world.store->blocked_lanes(world.tenant->name);
    REQUIRE(lanes);
    REQUIRE(lanes->size() == 1);
    CHECK(lanes->front().waiting == 2);

    SECTION("the waiting survive a restart and a redelivery is still recognised") {
        world.start();
        CHECK(world.worker->blocked_lanes() == 1);
        CHECK(world.submit(updated("e3", "ticket/T1", {{"status", "open"}})).kind == Ack::Kind::duplicate);
    }
    SECTION("discard leaves the event as it was decided and lets the rest go on in order") {
        REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "discard"}}));
        world.run();
        CHECK(world.entity("ticket/T1").fields["status"] == "open");
        CHECK(world.worker->blocked_lanes() == 0);
        CHECK(world.decided.back() == "e3");
    }
    SECTION("retry decides the event again, with the changes it brought, and may stumble again") {
        REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "retry"}}));
        world.run();
        CHECK(world.worker->blocked_lanes() == 1);
        CHECK(world.decided.back() == "e2~retry");
        REQUIRE(world.command("lanes.release", {{"subject", "ticket/T1"}, {"mode", "discard"}}));
        world.run();
        CHECK(world.decided.back() == "e3");
    }
    const auto report = verify(*world.store, TenantName());
    REQUIRE(report);
    CHECK(report->faults.empty());
}

TEST_CASE("worker: urgent lanes go first, eight times running, without a change inside a lane", "[worker]") {
    WorkerOptions options;
    options.batch_events_max = 2;
    World world(tenant_with(greet), options);
    std::vector<Event> events;
    for (int i = 0; i < 4; ++i)
        events.push_back(updated("slow" + std::to_string(i), "ticket/S" + std::to_string(i), {}));
    for (int i = 0; i < 20; ++i) {
        auto fast = updated("fast" + std::to_string(i), "ticket/F", {{"description", i}});
        fast.urgent = i % 2 == 1;
        events.push_back(fast);
    }
    world.submit(events);
    REQUIRE(world.decided.size() == 24);
    CHECK(world.decided[0] == "fast0");
    CHECK(world.decided[15] == "fast15");
    CHECK(world.decided[16] == "slow0");
    std::vector<std::string> fast;
    for (const auto& id : world.decided)
        if (id.starts_with("fast")) fast.push_back(id);
    for (std::size_t i = 0; i < fast.size(); ++i) CHECK(fast[i] == "fast" + std::to_string(i));
}

TEST_CASE("worker: a full queue is overload, and nothing of it is kept", "[worker]") {
    WorkerOptions options;
    options.intake_events_max = 1;
    World world(tenant_with(greet), options);
    const auto acks =
        world.submit(std::vector<Event>{ticket("a", "ticket/A", {}), ticket("b", "ticket/B", {})});
    CHECK(acks[0].kind == Ack::Kind::overloaded);
    CHECK(acks[1].kind == Ack::Kind::overloaded);
    CHECK(world.decided.empty());
}

TEST_CASE("worker: what a decision saw can be explained from the journal and comes out the same",
          "[worker]") {
    World world(
        tenant_with("  - id: vip\n"
                    "    on: [ticket.created, ticket.updated]\n"
                    "    when: { all: [ { contact.tier: enterprise }, { ticket.status: { ne: solved } } ] }\n"
                    "    then:\n"
                    "      - set: { ticket.priority: urgent }\n"
                    "      - slack.post_message: { channel: C1, text: \"{{ contact.name }}\" }\n"
                    "  - id: late\n"
                    "    on: ticket.updated\n"
                    "    when: { ticket.status: { changed_to: closed } }\n"
                    "    then: [ { unset: [ticket.priority] } ]\n"));
    world.submit(event("c1", "contact.created", "contact/7",
                       Json{{"contact", {{"email", "a@x.org"}, {"tier", "enterprise"}}}}));
    world.submit(ticket("e1", "ticket/T1", {{"requester", {{"email", "a@x.org"}}}, {"status", "new"}}));
    world.submit(event("c2", "contact.updated", "contact/7", Json{{"contact", {{"tier", "free"}}}}));
    world.submit(updated("e2", "ticket/T1", {{"status", "closed"}}));
    for (const char* id : {"c1", "e1", "c2", "e2"}) {
        const auto explained = explain(*world.store, world.tenant->name, EventId(id), "");
        REQUIRE(explained);
        INFO(id << " " << canonical_json(*explained));
        CHECK((*explained)["reproduced"] == true);
    }
    const auto explained = explain(*world.store, world.tenant->name, EventId("e2"), "");
    CHECK(canonical_json((*explained)["trace"]).find("\"free\"") != std::string::npos);
}

TEST_CASE("worker: folding the journal gives the stored entities back", "[worker][random]") {
    World world(
        tenant_with("  - id: flip\n"
                    "    on: ticket.*\n"
                    "    when: { ticket.status: { changed: true } }\n"
                    "    then: [ { set: { ticket.custom.last: \"{{ ticket.status }}\" } }, { add_tags: "
                    "[\"s-{{ ticket.status }}\"] } ]\n"));
    std::mt19937 random(11);
    const std::vector<std::string> statuses{"new", "open", "pending", "solved", "closed"};
    for (int i = 0; i < 120; ++i) {
        const auto subject = "ticket/zendesk:" + std::to_string(random() % 5);
        const auto time = "2026-01-01T10:" + std::to_string(10 + random() % 50) + ":00Z";
        world.submit(updated("e" + std::to_string(i), subject,
                             {{"status", statuses[random() % 5]}, {"n", random() % 3}}, time));
        if (random() % 3 == 0) deliver_all(world, done_with(Json::object()));
    }
    const auto tenant_at = tenants_of(*world.store, world.tenant->name);
    for (int i = 0; i < 5; ++i) {
        const auto subject = *Subject::parse("ticket/zendesk:" + std::to_string(i));
        const auto folded = entity_before(*world.store, world.tenant->name, subject, UINT64_MAX, tenant_at);
        REQUIRE(folded);
        const auto stored = world.entity(subject.text());
        CHECK(folded->fields == stored.fields);
        CHECK(folded->version == stored.version);
        CHECK(meta_to_json(*folded) == meta_to_json(stored));
    }
}

TEST_CASE("worker: rules see what the merge left of a payload, not what was read of it ahead", "[worker]") {
    World world(
        tenant_with("  - id: opened\n"
                    "    on: ticket.updated\n"
                    "    when: { ticket.status: open }\n"
                    "    then: [ { add_tags: [opened] } ]\n"
                    "  - id: urgent\n"
                    "    on: ticket.updated\n"
                    "    when: { ticket.priority: urgent }\n"
                    "    then: [ { add_tags: [urgent] } ]\n"));
    world.submit(ticket("e1", "ticket/T1", {{"status", "solved"}}, "2026-03-02T11:00:00Z"));
    // Its status is older than what is known, its priority is not.
    world.submit(
        updated("e2", "ticket/T1", {{"status", "open"}, {"priority", "urgent"}}, "2026-03-02T10:00:00Z"));
    CHECK(world.entity("ticket/T1").fields["status"] == "solved");
    CHECK(world.entity("ticket/T1").fields["tags"] == Json{"urgent"});
    world.submit(updated("e3", "ticket/T1", {{"status", "open"}}, "2026-03-02T11:30:00Z"));
    CHECK(world.entity("ticket/T1").fields["tags"] == Json{"urgent", "opened"});
}

TEST_CASE("worker: what is read ahead of one rule set does not decide under another", "[worker]") {
    const auto rule = [](const std::string& status) {
        return tenant_with("  - id: only\n    on: ticket.created\n    when: { ticket.status: " + status +
                           " }\n    then: [ { add_tags: [hit] } ]\n");
    };
    World world(rule("open"));
    const auto after = rule("new");
    std::vector<Arrival> arrivals;
    arrivals.push_back(arrival_of(ticket("e1", "ticket/T1", {{"status", "new"}}), world.tenant.get()));
    arrivals.push_back(arrival_of(ticket("e2", "ticket/T2", {{"status", "open"}}), world.tenant.get()));
    REQUIRE(arrivals.front().payload);
    REQUIRE(world.worker->activate(after, {}, noon));
    world.worker->submit(std::move(arrivals), [](std::vector<Ack>) {});
    world.run();
    CHECK(world.entity("ticket/T1").fields["tags"] == Json{"hit"});
    CHECK_FALSE(world.entity("ticket/T2").fields.contains("tags"));
}

TEST_CASE("worker: a deletion that comes late says nothing of what rules see", "[worker]") {
    World world(
        tenant_with("  - id: was-open\n"
                    "    on: ticket.deleted\n"
                    "    when: { ticket.status: open }\n"
                    "    then: [ { add_tags: [was-open] } ]\n"
                    "  - id: was-closed\n"
                    "    on: ticket.deleted\n"
                    "    when: { ticket.status: closed }\n"
                    "    then: [ { add_tags: [was-closed] } ]\n"));
    world.submit(ticket("e1", "ticket/T1", {{"status", "closed"}}, "2026-03-02T11:00:00Z"));
    world.submit(event("e2", "ticket.deleted", "ticket/T1", Json{{"ticket", {{"status", "open"}}}},
                       "2026-03-02T10:00:00Z"));
    REQUIRE(world.decisions.size() == 2);
    CHECK(world.decisions.back().fired.size() == 1);
    CHECK(world.entity("ticket/T1").fields["tags"] == Json{"was-closed"});
}

TEST_CASE("worker: a payload cannot pass for the event, its changes or the time", "[worker]") {
    World world(
        tenant_with("  - id: trusted\n"
                    "    on: ticket.created\n"
                    "    when: { event.source: trusted }\n"
                    "    then: [ { add_tags: [trusted] } ]\n"
                    "  - id: told\n"
                    "    on: ticket.created\n"
                    "    when: { event.source: test }\n"
                    "    then: [ { add_tags: [\"{{ changes | size | json }}\"] } ]\n"));
    world.submit(
        event("e1", "ticket.created", "ticket/T1",
              Json{{"ticket", {{"subject", "x"}}},
                   {"event", {{"source", "trusted"}}},
                   {"changes",
                    {{"a", Json::array({1, 2})}, {"b", Json::array({1, 2})}, {"c", Json::array({1, 2})}}}}));
    CHECK(world.entity("ticket/T1").fields["tags"] == Json{"1"});
}

}  // namespace worker_test
