// Turns that are decided while the commit before them is under way.

#include <chrono>
#include <mutex>
#include <thread>

#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/random.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/world.h"

namespace overlap_test {

using namespace engine;
using namespace engine::test;
using testing_random::Random;

namespace {

/// Changes conditions, tags, a link by e-mail, an emitted event, a saved result and a lane that stops.
constexpr auto rules_of_all_kinds =
    "  - id: reopened\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: { changed_from: solved } }\n"
    "    then: [ { add_tags: [reopened] } ]\n"
    "  - id: vip\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { contact.vip: true }\n"
    "    then: [ { add_tags: [\"vip_{{ contact.name }}\"] } ]\n"
    "  - id: notice\n"
    "    on: ticket.created\n"
    "    then: [ { emit: { type: ticket.noticed, data: { note: { text: hello } } } } ]\n"
    "  - id: noticed\n"
    "    on: ticket.noticed\n"
    "    then: [ { add_tags: [noticed] } ]\n"
    "  - id: call\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.priority: urgent }\n"
    "    then:\n"
    "      - slack.post_message: { channel: C1, text: \"{{ ticket.id }}\" }\n"
    "        save: { ticket.custom.ts: result.ts }\n"
    "  - id: strict\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.subject: broken }\n"
    "    on_error: lane\n"
    "    then: [ { set: { ticket.priority: \"{{ ticket.subject }}\" } } ]\n";

/// A file with two handles; commits of the one are held back or spoilt at will.
struct Overlapped {
    explicit Overlapped(std::shared_ptr<const Tenant> given) : tenant(std::move(given)) {
        auto opened = open_sqlite(folder.file("store.db"));
        ENSURE(opened);
        writer = std::make_unique<GatedStore>(std::move(*opened));
        ENSURE(writer->own());
        ENSURE(activate(*writer, *tenant, {}, noon));
        auto second = open_sqlite(folder.file("store.db"), {.read_only = true});
        ENSURE(second);
        view = std::move(*second);
        start();
    }
    ~Overlapped() { writer->open(); }

    void start() {
        worker.reset();
        worker = std::make_unique<Worker>(
            *writer, Tenants{{tenant->name, tenant}}, WorkerOptions{},
            [this](const Event& event, const Decision&) { decided.push_back(event.id.text()); },
            Worker::Overlap{view.get(), [] {}});
        ENSURE(worker->start(noon));
    }

    void run() {
        while (!worker->fatal() && !worker->idle())
            if (worker->has_work())
                worker->turn(noon);
            else
                std::this_thread::yield();
    }

    testing_folder::Folder folder;
    std::shared_ptr<const Tenant> tenant;
    std::unique_ptr<GatedStore> writer;
    std::unique_ptr<Store> view;
    std::unique_ptr<Worker> worker;
    std::vector<std::string> decided;
};

Event ticket(const std::string& id, const std::string& subject, Json fields) {
    return event(id, "ticket.updated", subject, Json{{"ticket", std::move(fields)}});
}

Event random_event(Random& random, int number) {
    static const std::vector<std::string> statuses{"open", "solved", "pending"};
    static const std::vector<std::string> priorities{"low", "urgent", "normal"};
    static const std::vector<std::string> emails{"a@x.org", "b@x.org", "c@x.org"};
    const auto id = "e" + std::to_string(random.chance(10) && number > 0 ? number - 1 : number);
    if (random.chance(25)) {
        const auto subject = "contact/" + std::to_string(random.below(4));
        return event(id, "contact.updated", subject,
                     Json{{"contact",
                           {{"email", random.of(emails)},
                            {"name", "n" + std::to_string(random.below(3))},
                            {"vip", random.chance(50)}}}});
    }
    Json fields{{"status", random.of(statuses)}, {"requester", {{"email", random.of(emails)}}}};
    if (random.chance(30)) fields["priority"] = random.of(priorities);
    if (random.chance(2)) fields["subject"] = "broken";
    auto made = ticket(id, "ticket/" + std::to_string(random.below(6)), std::move(fields));
    if (random.chance(20)) made.type = "ticket.created";
    return made;
}

/// Everything the journal says, but for salts and the hashes over them.
std::string journal_of(Store& store, const TenantName& tenant) {
    std::string text;
    auto streams = store.streams(tenant);
    REQUIRE(streams);
    for (const auto& head : *streams) {
        text += "== " + head.stream + "\n";
        REQUIRE(store.scan(tenant, head.stream, 0, [&](const JournalRecord& row) {
            text += row.kind + " " + row.subject + " " + std::to_string(row.entity_version) + " " +
                    row.body.value_or("") + "\n";
            return true;
        }));
    }
    return text;
}

void must_verify(Store& store) {
    const auto report = verify(store, TenantName());
    REQUIRE(report);
    CHECK(report->faults.empty());
}

Attempt answered(int number) {
    return done_with(Json{{"ts", std::to_string(number)}});
}

/// The attempts that are due, settled in an order that does not depend on when they became due.
template <class AnyWorld>
void deliver_all(AnyWorld& world) {
    for (int round = 0;; ++round) {
        auto due = world.worker->take_due(noon, 1'000);
        if (due.empty()) return;
        std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
            return std::tie(a.partition, a.number) < std::tie(b.partition, b.number);
        });
        for (const auto& one : due) world.worker->settled(one.partition, one.number, answered(round));
        world.run();
    }
}

}  // namespace

TEST_CASE("overlap: whether commits are waited for or not, the journal says the same", "[overlap]") {
    const auto seed = testing_random::seed_or(20261121);
    const auto tenant = tenant_with(rules_of_all_kinds);
    for (std::uint32_t round = 0; round < 20; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        World plain(tenant);
        Overlapped overlapped(tenant);
        std::size_t together = 0;
        overlapped.writer->before_commit = [&](std::span<const Step> steps) -> Result<void> {
            together = std::max(together, steps.size());
            return {};
        };
        int number = 0;
        while (number < 200) {
            std::vector<Event> events;
            for (std::size_t i = random.below(12) + 1; i > 0; --i)
                events.push_back(random_event(random, number++));
            plain.worker->submit(events, [](std::vector<Ack>) {});
            overlapped.worker->submit(events, [](std::vector<Ack>) {});
            if (random.chance(50)) overlapped.writer->close();
            for (std::size_t turns = random.below(3); turns > 0; --turns) {
                if (plain.worker->has_work()) plain.worker->turn(noon);
                // A lane that stops must be known before more is decided: then a turn waits.
                overlapped.writer->open();
                if (overlapped.worker->has_work()) overlapped.worker->turn(noon);
            }
            overlapped.writer->open();
            plain.run();
            overlapped.run();
            if (random.chance(30)) {
                deliver_all(plain);
                deliver_all(overlapped);
            }
        }
        CHECK(journal_of(*plain.store, tenant->name) == journal_of(*overlapped.writer, tenant->name));
        CHECK(together > 1);
        must_verify(*overlapped.writer);
    }
}

TEST_CASE("overlap: nobody hears of a decision before its commit, and what comes meanwhile is decided on top",
          "[overlap]") {
    Overlapped world(tenant_with(rules_of_all_kinds));
    world.writer->close();
    std::vector<Ack> first;
    std::vector<Ack> second;
    world.worker->submit({ticket("e1", "ticket/1", {{"status", "solved"}}),
                          ticket("e2", "ticket/2", {{"priority", "urgent"}})},
                         [&](std::vector<Ack> acks) { first = std::move(acks); });
    world.worker->turn(noon);
    world.worker->submit(
        {ticket("e1", "ticket/1", {{"status", "solved"}}), ticket("e3", "ticket/1", {{"status", "open"}})},
        [&](std::vector<Ack> acks) { second = std::move(acks); });
    world.worker->turn(noon);
    CHECK_FALSE(world.worker->has_work());
    CHECK_FALSE(world.worker->idle());
    CHECK(first.empty());
    CHECK(second.empty());
    CHECK(world.decided.empty());
    CHECK(world.worker->take_due(noon, 10).empty());
    world.writer->open();
    world.run();
    REQUIRE(first.size() == 2);
    REQUIRE(second.size() == 2);
    CHECK(second[0].kind == Ack::Kind::duplicate);
    CHECK(second[1].kind == Ack::Kind::accepted);
    CHECK(world.decided == std::vector<std::string>{"e1", "e2", "e3"});
    const auto entity = world.view->entity(world.tenant->name, *Subject::parse("ticket/1"));
    REQUIRE((entity && *entity));
    CHECK((*entity)->fields["tags"] == Json::array({"reopened"}));
    CHECK(world.worker->take_due(noon, 10).size() == 1);
}

TEST_CASE("overlap: a delivery waits until the end of the one before it is committed", "[overlap]") {
    Overlapped world(tenant_with(rules_of_all_kinds));
    world.worker->submit(
        {ticket("e1", "ticket/1", {{"priority", "urgent"}}), ticket("e2", "ticket/1", {{"status", "open"}})},
        [](std::vector<Ack>) {});
    world.run();
    auto due = world.worker->take_due(noon, 10);
    REQUIRE(due.size() == 1);
    SECTION("while the commit is under way") {
        world.writer->close();
        world.worker->submit({ticket("e3", "ticket/2", {})}, [](std::vector<Ack>) {});
        world.worker->settled(due[0].partition, due[0].number, answered(1));
        world.worker->turn(noon);
        CHECK(world.worker->take_due(noon, 10).empty());
        world.writer->open();
    }
    SECTION("while the store refuses it") {
        world.writer->before_commit = [](std::span<const Step>) -> Result<void> {
            return unavailable("full");
        };
        world.worker->settled(due[0].partition, due[0].number, answered(1));
        while (world.worker->turn(noon)) std::this_thread::yield();
        CHECK(world.worker->take_due(noon, 10).empty());
        world.writer->before_commit = nullptr;
    }
    world.run();
    const auto next = world.worker->take_due(noon, 10);
    REQUIRE(next.size() == 1);
    CHECK(next[0].number > due[0].number);
}

TEST_CASE("overlap: an e-mail address is found in what is not committed yet", "[overlap]") {
    const auto contact = [](const std::string& id, const std::string& number, const std::string& email) {
        return event(id, "contact.updated", "contact/" + number,
                     Json{{"contact", {{"email", email}, {"vip", true}, {"name", number}}}});
    };
    const auto tags_of = [](const std::vector<std::vector<Event>>& turns) {
        Overlapped world(tenant_with(rules_of_all_kinds));
        world.writer->close();
        for (const auto& events : turns) {
            world.worker->submit(events, [](std::vector<Ack>) {});
            world.worker->turn(noon);
        }
        world.writer->open();
        world.run();
        const auto entity = world.view->entity(world.tenant->name, *Subject::parse("ticket/1"));
        REQUIRE((entity && *entity));
        return (*entity)->fields.value("tags", Json::array()).dump();
    };
    const auto asked = ticket("e9", "ticket/1", {{"requester", {{"email", "Jo@x.org"}}}});
    const auto other = ticket("e8", "ticket/2", {{"status", "open"}});
    CHECK(tags_of({{contact("e1", "1", "jo@x.org"), asked}}) == R"(["vip_1"])");
    CHECK(tags_of({{contact("e1", "1", "jo@x.org"), other}, {asked}}) == R"(["vip_1"])");
    // The address moved on: only who has it now counts, and the first of several by subject.
    CHECK(tags_of({{contact("e1", "1", "jo@x.org"), other}, {contact("e2", "1", "no@x.org"), asked}}) ==
          "[]");
    CHECK(tags_of({{contact("e1", "3", "jo@x.org"), other},
                   {contact("e2", "2", "jo@x.org"), contact("e3", "5", "jo@x.org"), asked}}) ==
          R"(["vip_2"])");
}

TEST_CASE("overlap: commits that fail at random lose, double and reorder nothing", "[overlap]") {
    const auto seed = testing_random::seed_or(4711);
    const auto tenant = tenant_with(rules_of_all_kinds);
    for (std::uint32_t round = 0; round < 20; ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " round " << round);
        Random random(seed + round);
        Overlapped world(tenant);
        Random faults(seed ^ round);
        std::mutex mutex;
        bool spoil = true;
        world.writer->before_commit = [&](std::span<const Step> steps) -> Result<void> {
            const std::lock_guard lock(mutex);
            if (!spoil || !faults.chance(30)) return {};
            // A contradiction is some step's: alone, the others are fine.
            if (steps.size() > 1 && faults.chance(50)) return Error{Code::conflict, "spoilt"};
            return unavailable("spoilt");
        };
        std::vector<Event> events;
        for (int i = 0; i < 150; ++i) {
            auto made = random_event(random, i);
            made.id = EventId("e" + std::to_string(i));
            made.data.erase("note");
            if (made.data.contains("ticket")) made.data["ticket"].erase("subject");
            events.push_back(std::move(made));
        }
        // Like a careful sender: one event of a lane at a time, again until it is taken.
        std::map<std::string, std::deque<Event>> lanes;
        for (const auto& one : events) lanes[one.subject.text()].push_back(one);
        std::map<std::string, bool> sent;
        std::size_t left = events.size();
        const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        for (int turns = 0; left > 0; ++turns) {
            INFO(left << " events left, " << world.worker->intake_size() << " in intake, "
                      << world.worker->pending_size() << " pending, idle " << world.worker->idle() << ", "
                      << world.worker->blocked_lanes() << " lanes blocked, outbox "
                      << world.worker->outbox_rows());
            REQUIRE_FALSE(world.worker->fatal());
            REQUIRE(std::chrono::steady_clock::now() < patience);
            for (auto& [subject, lane] : lanes) {
                if (lane.empty() || sent[subject] || !random.chance(60)) continue;
                sent[subject] = true;
                world.worker->submit({lane.front()}, [&, key = subject](const std::vector<Ack>& acks) {
                    sent[key] = false;
                    const auto kind = acks.front().kind;
                    if (kind != Ack::Kind::accepted && kind != Ack::Kind::duplicate) return;
                    lanes[key].pop_front();
                    --left;
                });
            }
            if (world.worker->has_work())
                world.worker->turn(noon);
            else
                std::this_thread::yield();
            for (const auto& due : world.worker->take_due(noon, 3))
                world.worker->settled(due.partition, due.number, answered(turns));
        }
        {
            const std::lock_guard lock(mutex);
            spoil = false;
        }
        world.run();
        deliver_all(world);
        CHECK(world.worker->outbox_rows() == 0);
        CHECK(world.worker->pending_size() == 0);
        must_verify(*world.writer);
        // Each once, and each lane's in the order they were sent.
        std::map<std::string, std::vector<std::string>> expected;
        for (const auto& one : events) expected[one.subject.text()].push_back(one.id.text());
        for (const auto& [subject, ids] : expected) {
            auto rows = world.writer->history(tenant->name, *Subject::parse(subject), 10'000);
            REQUIRE(rows);
            std::vector<std::string> found;
            std::map<std::string, int> decisions;
            for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
                if (row->kind != record_kind::decision) continue;
                CHECK(++decisions[row->cause_event] == 1);
                if (row->cause_event.find('~') == std::string::npos) found.push_back(row->cause_event);
            }
            CHECK(found == ids);
        }
        // What a start reads is what the worker had.
        world.start();
        CHECK(world.worker->idle());
        CHECK(world.worker->outbox_rows() == 0);
    }
}

TEST_CASE("overlap: a commit in doubt stops the worker, and all who wait hear of it", "[overlap]") {
    Overlapped world(tenant_with(rules_of_all_kinds));
    world.writer->close();
    world.writer->before_commit = [](std::span<const Step>) -> Result<void> {
        return Error{Code::outcome_unknown, "the disk is gone"};
    };
    std::vector<Ack::Kind> kinds;
    const auto note = [&kinds](const std::vector<Ack>& acks) {
        for (const auto& ack : acks) kinds.push_back(ack.kind);
    };
    world.worker->submit({ticket("e1", "ticket/1", {}), ticket("e2", "ticket/2", {})}, note);
    world.worker->turn(noon);
    world.worker->submit({ticket("e3", "ticket/1", {})}, note);
    world.worker->turn(noon);
    world.writer->open();
    while (!world.worker->fatal()) world.worker->turn(noon);
    world.worker->turn(noon);
    CHECK(kinds == std::vector<Ack::Kind>(3, Ack::Kind::unavailable));
    CHECK(world.decided.empty());
    CHECK(world.worker->fatal()->code == Code::outcome_unknown);
}

TEST_CASE("overlap: a command waits for what is under way and is answered from it", "[overlap]") {
    Overlapped world(tenant_with(rules_of_all_kinds));
    world.worker->submit({ticket("e1", "ticket/1", {{"subject", "broken"}}), ticket("e2", "ticket/2", {})},
                         [](std::vector<Ack>) {});
    world.worker->turn(noon);
    Request request;
    request.tenant = world.tenant->name;
    request.command = "lanes.release";
    request.arguments = Json{{"subject", "ticket/1"}, {"mode", "discard"}};
    request.actor = "operator:test";
    std::optional<Result<Json>> answer;
    world.worker->command(request, [&answer](Result<Json> result) { answer = std::move(result); });
    world.worker->turn(noon);
    REQUIRE(answer);
    REQUIRE(*answer);
    CHECK((**answer)["state"] == "released");
    world.run();
    CHECK(world.worker->blocked_lanes() == 0);
    must_verify(*world.writer);
}

}  // namespace overlap_test
