#include "tests/conformance/store/support.h"

namespace journal_test {

using namespace engine;
using namespace store_tests;

namespace {

constexpr auto everyone = std::numeric_limits<std::size_t>::max();

std::vector<std::uint64_t> seqs_of(const std::vector<JournalRecord>& records) {
    std::vector<std::uint64_t> seqs;
    for (const auto& record : records) seqs.push_back(record.seq);
    return seqs;
}

}  // namespace

TEST_CASE("journal: a row keeps every column it was given", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(42);
    NewRecord added =
        record_of(record_kind::decision, "ticket/desk:\"9\\\xC3\xA9", R"({"é":"\u0001"})", "p12");
    added.entity_version = 17;
    added.cause_event = "evt \xF0\x9F\x8E\x89";
    added.cause_rule = "escalate";
    added.ruleset = "sha256:ab";
    added.actor = std::string("key:\0nul", 8);
    step.records = {added};
    need(commit(*store, step));

    const auto row = need(store->record(acme, "p12", 1));

    REQUIRE(row);
    CHECK(row->tenant == acme);
    CHECK(row->stream == "p12");
    CHECK(row->seq == 1);
    CHECK(row->time == at(42));
    CHECK(row->kind == "decision");
    CHECK(row->subject == added.subject);
    CHECK(row->entity_version == 17);
    CHECK(row->cause_event == added.cause_event);
    CHECK(row->cause_rule == "escalate");
    CHECK(row->ruleset == "sha256:ab");
    CHECK(row->actor == added.actor);
    CHECK(row->previous == 0);
    CHECK(row->body == added.body);
    CHECK(row->salt.size() == 16);
    CHECK(row->body_digest == digest_of_body(row->salt, added.body));
    CHECK(row->hash == chain(Digest{}, *row));
    CHECK(faults_of(*store).empty());
}

TEST_CASE("journal: each stream of each tenant counts from one without a gap", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (int i = 0; i < 30; ++i) {
        Step step = step_at(i);
        step.tenant = i % 2 == 0 ? acme : other_tenant;
        for (int j = 0; j <= i % 4; ++j)
            step.records.push_back(
                record_of("event", "ticket/" + std::to_string(j), "{}", "p" + std::to_string(i % 3)));
        step.records.push_back(record_of("activation", "", "{}", control_stream));
        need(commit(*store, step));
    }

    for (const auto& tenant : {acme, other_tenant})
        for (const auto& head : need(store->streams(tenant))) {
            INFO(tenant.text() << " " << head.stream);
            const auto rows = rows_of(*store, tenant, head.stream);
            REQUIRE(rows.size() == head.seq);
            Digest hash{};
            for (std::size_t i = 0; i < rows.size(); ++i) {
                CHECK(rows[i].seq == i + 1);
                CHECK(rows[i].hash == chain(hash, rows[i]));
                hash = rows[i].hash;
            }
            CHECK(hash == head.hash);
        }
    CHECK(need(verify(*store, TenantName())).streams == 8);
    CHECK(need(verify(*store, acme)).streams == 4);
    CHECK(need(verify(*store, acme)).faults.empty());
}

TEST_CASE("journal: equal records get different salts and digests", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.records = {record_of("event", "ticket/1", "{}"), record_of("event", "ticket/1", "{}")};
    need(commit(*store, step));
    const auto rows = rows_of(*store, acme, "p3");
    CHECK(rows[0].salt != rows[1].salt);
    CHECK(rows[0].body_digest != rows[1].body_digest);
}

TEST_CASE("journal: a subject's history is its rows, newest first", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (int i = 0; i < 20; ++i)
        need(commit(*store, decided_step("e" + std::to_string(i), "ticket/" + std::to_string(i % 3), i)));

    const auto history = need(store->history(acme, subject("ticket/1"), everyone));

    REQUIRE(history.size() == 14);
    for (std::size_t i = 0; i < history.size(); ++i) {
        CHECK(history[i].subject == "ticket/1");
        CHECK(history[i].previous == (i + 1 < history.size() ? history[i + 1].seq : 0));
    }
    CHECK(seqs_of(need(store->history(acme, subject("ticket/1"), 3))) ==
          std::vector<std::uint64_t>{history[0].seq, history[1].seq, history[2].seq});
    CHECK(need(store->history(acme, subject("ticket/none"), everyone)).empty());
    CHECK(need(store->history(other_tenant, subject("ticket/1"), everyone)).empty());
}

TEST_CASE("journal: a history is whole however many rows were written and whoever wrote them", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    constexpr int subjects = 7;
    std::vector<std::uint64_t> expected(subjects);
    for (int batch = 0; batch < 30; ++batch) {
        Step step = step_at(batch);
        for (int i = 0; i < 500; ++i) {
            // The first subject has nearly all rows, the last one hardly any.
            const auto about = i % 100 == 0 ? static_cast<std::size_t>(i / 100 + batch % 3) : 0;
            step.records.push_back(record_of("attempt", "ticket/" + std::to_string(about), "{}",
                                             "p" + std::to_string(about % 3)));
            ++expected[about];
        }
        need(commit(*store, step));
        if (backend.lasting && batch % 9 == 8) store.reopen();
        if (batch % 7 != 6) continue;
        for (std::size_t about = 0; about < expected.size(); ++about)
            CHECK(need(store->history(acme, subject("ticket/" + std::to_string(about)), everyone)).size() ==
                  expected[about]);
    }
    CHECK(faults_of(*store).empty());
}

TEST_CASE("journal: a history over two streams is in the order of time", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (int i = 0; i < 6; ++i) {
        Step step = step_at(i);
        step.records = {record_of("event", "ticket/1", "{}", i % 2 == 0 ? "p3" : control_stream)};
        need(commit(*store, step));
    }
    const auto history = need(store->history(acme, subject("ticket/1"), 5));
    REQUIRE(history.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(history[i].time == at(5 - static_cast<int>(i)));
    CHECK(history[0].previous == 2);
}

TEST_CASE("journal: a scan begins after a row and ends when told", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    std::vector<Step> steps;
    for (int i = 0; i < 400; ++i) steps.push_back(decided_step("e" + std::to_string(i), "ticket/1", i));
    need(commit(*store, steps));
    std::vector<std::uint64_t> seqs;
    const auto take = [&seqs](const JournalRecord& record) {
        seqs.push_back(record.seq);
        return seqs.size() < 300;
    };

    need(store->scan(acme, "p3", 490, take));
    REQUIRE(seqs.size() == 300);
    CHECK(seqs.front() == 491);
    CHECK(seqs.back() == 790);

    seqs.clear();
    need(store->scan(acme, "p3", 800, take));
    need(store->scan(acme, "p3", std::numeric_limits<std::uint64_t>::max(), take));
    need(store->scan(acme, "nowhere", 0, take));
    need(store->scan(other_tenant, "p3", 0, take));
    CHECK(seqs.empty());
}

TEST_CASE("journal: a scan's callback may ask the store", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (int i = 0; i < 5; ++i) need(commit(*store, decided_step("e" + std::to_string(i), "ticket/1", i)));
    std::size_t inner = 0;
    need(store->scan(acme, "p3", 0, [&](const JournalRecord& record) {
        inner += rows_of(*store, acme, "p3").size();
        CHECK(need(store->record(acme, "p3", record.seq))->hash == record.hash);
        return true;
    }));
    CHECK(inner == 100);
}

TEST_CASE("journal: a row that does not exist is nothing", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    CHECK(need(store->record(acme, "p3", 2)));
    CHECK_FALSE(need(store->record(acme, "p3", 0)));
    CHECK_FALSE(need(store->record(acme, "p3", 3)));
    CHECK_FALSE(need(store->record(acme, "p4", 1)));
    CHECK_FALSE(need(store->record(other_tenant, "p3", 1)));
    CHECK_FALSE(need(store->record(acme, "p3", std::numeric_limits<std::uint64_t>::max())));
}

TEST_CASE("journal: a body of a megabyte and an empty one come back as they were", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    std::vector<std::string> bodies{"", std::string(1024 * 1024, 'x'), "\"\"", std::string(5000, 'y')};
    Step step = step_at(1);
    for (const auto& body : bodies) step.records.push_back(record_of("event", "ticket/1", body));
    need(commit(*store, step));
    const auto rows = rows_of(*store, acme, "p3");
    for (std::size_t i = 0; i < bodies.size(); ++i) CHECK(*rows[i].body == bodies[i]);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("journal: the hashed row is the RFC 8785 form of its columns", "[store]") {
    JournalRecord record;
    record.tenant = TenantName("acme \"x\"");
    record.stream = "p1";
    record.seq = 12;
    record.time = at(3);
    record.kind = "event";
    record.subject = "ticket/\xC3\xA9\x01\xFF";
    record.entity_version = (std::uint64_t{1} << 53) + 1;
    record.actor = "back\\slash\ttab\x7F";
    record.previous = std::uint64_t{1} << 53;
    record.body = "{}";
    record.salt = std::string(16, 's');
    record.body_digest = digest_of_body(record.salt, *record.body);

    Json columns = export_line(record);
    for (const auto* name : {"salt", "hash", "body"}) columns.erase(name);

    CHECK(canonical_row(record) == canonical_json(columns));
    CHECK(columns["entity_version"] == "9007199254740993");
    CHECK(columns["previous"] == 9007199254740992);
    CHECK(columns["time"] == 1777881603000000);
    CHECK(export_line(record)["salt"] == "73737373737373737373737373737373");
    record.body.reset();
    CHECK(export_line(record)["body"].is_null());
}

}  // namespace journal_test
