// The journal by time in PostgreSQL: partitions made ahead, and old ones taken away.

#include <pqxx/pqxx>

#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/transfer.h"
#include "tests/conformance/store/support.h"
#include "tests/support/postgres.h"

namespace retention_test {

using namespace engine;
using namespace store_tests;

namespace {

constexpr int day = 24 * 60 * 60;

/// Days after the first one that has a partition of its own.
Instant on(int days, int seconds = 0) {
    return need(parse_instant("2099-01-01T00:00:00Z")) + std::chrono::seconds(days * day + seconds);
}

/// A store whose journal has a partition a day from 2099-01-01 on.
struct Days {
    Folder folder;
    std::unique_ptr<Store> store;

    explicit Days(int ahead = 4) {
        OpenOptions options;
        options.journal_span = JournalSpan::day;
        options.journal_ahead = ahead;
        store = need(open_postgres(database_of(folder), options));
        need(store->own());
        need(store->tend(on(0)));
    }
    ~Days() {
        store.reset();
        drop_database(folder);
    }
    std::string ask(const std::string& statements) const { return run_in_database(folder, statements); }
    std::string refusal(const std::string& statements) const {
        try {
            ask(statements);
        } catch (const pqxx::failure& problem) {
            return problem.what();
        }
        return "";
    }
    void decide(const std::string& id, Instant when, const std::string& about = "ticket/1") const {
        auto step = decided_step(id, about, 1);
        step.time = when;
        need(commit(*store, step));
    }
    Result<void> take_away(const RetentionPlan& plan, Instant when) const {
        auto step = step_at(1);
        step.time = when;
        step.records = {record_of("retention", "", "{}", control_stream)};
        for (const auto& partition : plan.partitions) step.journal_detached.push_back(partition.name);
        return commit(*store, step);
    }
};

std::vector<std::string> names_of(const RetentionPlan& plan) {
    std::vector<std::string> names;
    for (const auto& partition : plan.partitions) names.push_back(partition.name);
    return names;
}

bool no_server() {
    if (has_postgres()) return false;
    WARN("skipped: SIGNALBOX_TEST_POSTGRES names no server");
    return true;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("PostgreSQL: partitions of the journal stand ready before their time, and none is made twice",
          "[store]") {
    if (no_server()) return;
    const Days days(2);
    const auto made = [&] {
        return days.ask(
            "SELECT string_agg(name, ' ' ORDER BY lower) FROM signalbox.journal_partitions"
            " WHERE name LIKE 'journal_2099%'");
    };
    CHECK(made() == "journal_20990101 journal_20990102 journal_20990103");
    need(days.store->tend(on(0)));
    CHECK(made() == "journal_20990101 journal_20990102 journal_20990103");
    need(days.store->tend(on(1, 5)));
    CHECK(made() == "journal_20990101 journal_20990102 journal_20990103 journal_20990104");
    days.decide("e1", on(1));
    CHECK(days.ask("SELECT count(*) FROM signalbox.journal_20990102") == "2");
    OpenOptions by_month;
    const auto months = need(open_postgres(database_of(days.folder), by_month));
    days.ask("UPDATE signalbox.owners SET fenced = true");
    need(months->own());
    need(months->tend(on(3)));
    // The rest of January, then whole months.
    CHECK(made() ==
          "journal_20990101 journal_20990102 journal_20990103 journal_20990104 journal_20990105 "
          "journal_20990201 journal_20990301");
}

TEST_CASE("PostgreSQL: rows that came before their partition stay where they are, and it begins after them",
          "[store]") {
    if (no_server()) return;
    const Days days(2);
    days.decide("late", on(4, 60));
    CHECK(days.ask("SELECT count(*) FROM signalbox.journal_default") == "2");
    need(days.store->tend(on(4, 120)));
    CHECK(days.ask("SELECT min(lower) FROM signalbox.journal_partitions WHERE lower > '2099-01-04'") ==
          "2099-01-06 00:00:00+00");
    days.decide("again", on(4, 180));
    days.decide("next", on(5));
    CHECK(days.ask("SELECT count(*) FROM signalbox.journal_default") == "4");
    CHECK(rows_of(*days.store, acme, "p3").size() == 6);
    CHECK(faults_of(*days.store).empty());
}

TEST_CASE("PostgreSQL: a partition that is being read is made later, and nobody waits for long", "[store]") {
    if (no_server()) return;
    const Days days(2);
    pqxx::connection reader(database_of(days.folder));
    pqxx::nontransaction reading(reader);
    reading.exec("BEGIN; SELECT count(*) FROM signalbox.journal_default");
    const auto refused = days.store->tend(on(1));
    CHECK(refused.error().code == Code::unavailable);
    CHECK_THAT(refused.error().message, Catch::Contains("is made later"));
    days.decide("e1", on(1));
    reading.exec("COMMIT");
    need(days.store->tend(on(1)));
}

TEST_CASE("PostgreSQL: a partition protects its rows as the journal does, attached or taken away",
          "[store]") {
    if (no_server()) return;
    const Days days;
    days.decide("e1", on(0));
    days.decide("late", on(10));
    const std::string as_program =
        "BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '*', true); ";
    const auto is_protected = [&](const std::string& table) {
        for (const auto& change : {"UPDATE signalbox." + table + " SET kind = 'x'",
                                   "DELETE FROM signalbox." + table, "TRUNCATE signalbox." + table}) {
            INFO(change);
            CHECK_THAT(days.refusal(as_program + change), Catch::Contains("permission denied"));
            CHECK_THAT(days.refusal(change), Catch::Contains("the journal is only added to"));
        }
        CHECK_THAT(days.refusal(as_program + "SELECT FROM signalbox." + table),
                   Catch::Contains("permission denied"));
        CHECK_THAT(
            days.refusal(as_program + "INSERT INTO signalbox." + table + " SELECT * FROM signalbox." + table),
            Catch::Contains("permission denied"));
        // Not even for those who may read: the policy is there, and forced for the tables' owner.
        days.ask(
            "DO $$ BEGIN CREATE ROLE onlooker; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
            "GRANT USAGE ON SCHEMA signalbox TO onlooker; GRANT SELECT ON signalbox." +
            table + " TO onlooker");
        CHECK(days.ask("BEGIN; SET LOCAL ROLE onlooker; SELECT count(*) FROM signalbox." + table) == "0");
        days.ask("REVOKE ALL ON signalbox." + table +
                 " FROM onlooker; REVOKE USAGE ON SCHEMA signalbox FROM onlooker");
        CHECK(days.ask("SELECT relforcerowsecurity FROM pg_class WHERE oid = 'signalbox." + table +
                       "'::regclass") == "t");
    };
    is_protected("journal_20990101");
    is_protected("journal_default");
    need(days.take_away(need(days.store->plan_retention(on(1))), on(1)));
    is_protected("journal_20990101_detached");
}

TEST_CASE("PostgreSQL: the program's role makes and takes away partitions by functions alone", "[store]") {
    if (no_server()) return;
    const Days days;
    const std::string as_program = "BEGIN; SET LOCAL ROLE signalbox_app; ";
    CHECK_THAT(days.refusal(as_program +
                            "ALTER TABLE signalbox.journal DETACH PARTITION signalbox.journal_20990101"),
               Catch::Contains("must be owner"));
    CHECK_THAT(days.refusal(as_program + "SELECT signalbox.attach_journal_partition('journal_20990101')"),
               Catch::Contains("permission denied"));
    CHECK_THAT(days.refusal(as_program + "UPDATE signalbox.journal_partitions SET detached = now()"),
               Catch::Contains("permission denied"));
    CHECK(days.ask(
              "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
              " WHERE n.nspname = 'signalbox' AND p.prosecdef"
              " AND NOT coalesce(array_to_string(p.proconfig, ','), '') LIKE '%search_path=pg_catalog%'") ==
          "0");
}

TEST_CASE("PostgreSQL: retention takes away whole partitions that are old, and the rest verifies",
          "[store]") {
    if (no_server()) return;
    const Days days;
    for (int i = 0; i < 4; ++i) days.decide("e" + std::to_string(i), on(i, 60));
    const auto plan = need(days.store->plan_retention(on(2, 30)));
    CHECK(names_of(plan).size() == 3);
    CHECK(names_of(plan)[1] == "journal_20990101");
    CHECK(plan.kept_back.empty());
    REQUIRE(plan.streams.size() == 1);
    CHECK(plan.streams.front().rows == 4);

    need(days.take_away(plan, on(4)));

    const auto heads = need(days.store->streams(acme));
    const auto& p3 = heads.back();
    CHECK(p3.stream == "p3");
    CHECK(p3.seq == 8);
    CHECK(p3.detached_seq == 4);
    CHECK(p3.detached_hash == plan.streams.front().hash);
    CHECK(rows_of(*days.store, acme, "p3").front().seq == 5);
    CHECK(faults_of(*days.store).empty());
    CHECK_FALSE(need(days.store->record(acme, "p3", 4)));
    const auto history = need(days.store->history(acme, subject("ticket/1"), 100));
    CHECK(history.size() == 4);
    CHECK(history.back().previous == 4);
    CHECK(need(days.store->seen(key_of("e0"))));
    CHECK(commit(*days.store, decided_step("e0", "ticket/1", 9)).error().code == Code::conflict);
    days.decide("e5", on(4, 1));
    CHECK(faults_of(*days.store).empty());
    CHECK(names_of(need(days.store->plan_retention(on(2, 30)))).empty());
}

TEST_CASE("moving: a journal without its beginning is moved as it is, and goes on", "[store]") {
    if (no_server()) return;
    const auto backend = GENERATE(from_range(all_backends()));
    INFO("to " << backend.name);
    const Days days;
    days.decide("old", on(0), "ticket/old");
    for (int i = 0; i < 4; ++i) days.decide("e" + std::to_string(i), on(i, 60));
    need(days.take_away(need(days.store->plan_retention(on(2, 30))), on(4)));
    OpenStore there(backend), further(backend);

    for (auto [from, to] : {std::pair(&*days.store, &*there), std::pair(&*there, &*further)}) {
        const auto census = need(transfer(*from, *to));
        need(to->finish_load());
        CHECK(census.count("past subjects") == 1);
        CHECK(need(census_of(*to)).difference_to(census).empty());
        const auto p3 = need(to->streams(acme)).back();
        CHECK(p3.detached_seq == 6);
        CHECK(rows_of(*to, acme, "p3").front().seq == 7);
        CHECK(faults_of(*to).empty());
        CHECK(need(verify(*to, acme, true)).faults.empty());
        CHECK(need(to->history(acme, subject("ticket/1"), 100)).size() == 4);
        CHECK(need(to->history(acme, subject("ticket/old"), 100)).empty());
        CHECK(need(to->trail(acme, subject("ticket/1"), 100)).size() == 4);
        CHECK(need(to->trail(acme, subject("ticket/old"), 100)).empty());
        CHECK(need(to->seen(key_of("old"))));
        CHECK_FALSE(need(to->record(acme, "p3", 6)));
    }
    for (auto* store : {&*days.store, &*there, &*further}) {
        need(commit(*store, decided_step("again", "ticket/old", 9)));
        need(commit(*store, decided_step("e5", "ticket/1", 10)));
    }
    for (auto* store : {&*there, &*further}) {
        REQUIRE(rows_of(*store, acme, "p3").size() == 8);
        CHECK(rows_of(*store, acme, "p3")[4].previous == 2);
        CHECK(rows_of(*store, acme, "p3")[4].previous == rows_of(*days.store, acme, "p3")[4].previous);
        CHECK(need(store->history(acme, subject("ticket/old"), 100)).size() == 2);
        CHECK(need(verify(*store, acme, true)).faults.empty());
    }
}

TEST_CASE("PostgreSQL: what was taken away can be put back, the newest first", "[store]") {
    if (no_server()) return;
    const Days days;
    for (int i = 0; i < 4; ++i) days.decide("e" + std::to_string(i), on(i));
    need(days.take_away(need(days.store->plan_retention(on(2))), on(3, 1)));
    CHECK_THAT(days.refusal("SELECT signalbox.attach_journal_partition('journal_20990101')"),
               Catch::Contains("that is journal_20990102"));
    days.ask("SELECT signalbox.attach_journal_partition('journal_20990102')");
    CHECK(rows_of(*days.store, acme, "p3").front().seq == 3);
    CHECK(faults_of(*days.store).empty());
    days.ask("SELECT signalbox.attach_journal_partition('journal_20990101')");
    CHECK(rows_of(*days.store, acme, "p3").size() == 8);
    CHECK(faults_of(*days.store).empty());
    need(days.take_away(need(days.store->plan_retention(on(1))), on(3, 2)));
    CHECK(rows_of(*days.store, acme, "p3").front().seq == 3);
}

TEST_CASE("PostgreSQL: a partition stays while a row of it stands behind one that would stay", "[store]") {
    if (no_server()) return;
    const Days days;
    days.decide("e0", on(0));
    days.decide("e1", on(2));
    days.decide("e2", on(1));  // the clock went back
    const auto plan = need(days.store->plan_retention(on(2)));
    CHECK(names_of(plan).back() == "journal_20990101");
    CHECK_THAT(plan.kept_back,
               Catch::Contains("journal_20990102 stays: row 6 of stream p3 is older than row 3"));
    RetentionPlan forced;
    forced.partitions = {{"journal_20990102", {}}};
    CHECK_THAT(days.take_away(forced, on(3)).error().message, Catch::Contains("the clock has gone back"));
    CHECK(rows_of(*days.store, acme, "p3").size() == 6);
    CHECK(names_of(need(days.store->plan_retention(on(3)))).size() == 4);
}

TEST_CASE("PostgreSQL: rows whose event waits for its decision are not taken away", "[store]") {
    if (no_server()) return;
    const Days days;
    auto step = step_at(1);
    step.time = on(0);
    step.records = {record_of("event", "ticket/1", "{}")};
    step.seen = key_of("waits");
    auto pending = pending_of(3, 5, "waits", "ticket/1");
    pending.event_seq = 0;
    step.pending_added = {pending};
    need(commit(*days.store, step));
    days.decide("e1", on(1), "ticket/2");
    const auto plan = need(days.store->plan_retention(on(2)));
    CHECK_THAT(plan.kept_back, Catch::Contains("the event in row 1 of stream p3 waits for its decision"));
    CHECK(names_of(plan).size() == 1);  // before the first day there is nothing
}

TEST_CASE("SQLite: retention is refused with the reason", "[store]") {
    const auto store = need(open_sqlite(":memory:"));
    const auto refused = store->plan_retention(at(1));
    CHECK(refused.error().code == Code::invalid_input);
    CHECK_THAT(refused.error().message, Catch::Contains("retention is for PostgreSQL"));
}

}  // namespace retention_test
