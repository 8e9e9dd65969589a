// What only PostgreSQL has: its roles, its sessions, its migrations.

#include "tests/support/postgres.h"

#include <pqxx/pqxx>

#include "engine/store/postgres/postgres_store.h"
#include "tests/conformance/store/support.h"

namespace postgres_test {

using namespace engine;
using namespace store_tests;

namespace {

/// A store of its own with two tenants' rows, and its database.
struct Database {
    Folder folder;
    std::unique_ptr<Store> store;

    Database() : store(need(open_postgres(database_of(folder)))) {
        need(store->own());
        need(commit(*store, decided_step("e1", "ticket/1", 1)));
        Step other = decided_step("e1", "ticket/1", 2);
        other.tenant = other_tenant;
        other.seen->tenant = other_tenant;
        need(commit(*store, other));
    }
    ~Database() {
        store.reset();
        drop_database(folder);
    }
    std::string ask(const std::string& statements) const { return run_in_database(folder, statements); }
    /// What the server says of statements that it refuses.
    std::string refusal(const std::string& statements) const {
        try {
            run_in_database(folder, statements);
        } catch (const pqxx::failure& problem) {
            return problem.what();
        }
        return "";
    }
    void end_sessions() const {
        ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    }
};

constexpr auto as_program =
    "BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '*', true); ";

bool no_server() {
    if (has_postgres()) return false;
    WARN("skipped: SIGNALBOX_TEST_POSTGRES names no server");
    return true;
}

}  // namespace

TEST_CASE("PostgreSQL: nobody changes the journal, neither the program's role nor its superuser", "[store]") {
    if (no_server()) return;
    const Database database;
    for (const std::string change :
         {"UPDATE signalbox.journal SET kind = 'x'", "DELETE FROM signalbox.journal",
          "TRUNCATE signalbox.journal", "TRUNCATE signalbox.journal_default"}) {
        INFO(change);
        CHECK_THAT(database.refusal(as_program + change), Catch::Contains("permission denied"));
        CHECK_THAT(database.refusal(change), Catch::Contains("the journal is only added to"));
    }
    CHECK(faults_of(*database.store).empty());
}

TEST_CASE("PostgreSQL: a transaction sees the rows of the tenants it names and no others", "[store]") {
    if (no_server()) return;
    const Database database;
    const auto count = [&](const std::string& tenants) {
        return database.ask("BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '" +
                            tenants + "', true); SELECT count(*) FROM signalbox.journal");
    };
    const auto mine = database.ask("SELECT id FROM signalbox.tenants WHERE name = 'acme'");
    CHECK(count("*") == "4");
    CHECK(count(mine) == "2");
    CHECK(count("") == "0");
    CHECK(count("999") == "0");
    CHECK(database.ask("BEGIN; SET LOCAL ROLE signalbox_app; SELECT count(*) FROM signalbox.seen") == "0");
    CHECK_THAT(
        database.refusal("BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '" +
                         mine + "', true); UPDATE signalbox.streams SET tenant = 999"),
        Catch::Contains("row-level security"));
}

TEST_CASE("PostgreSQL: a lost connection is opened again, and the ownership moves along", "[store]") {
    if (no_server()) return;
    const Database database;
    for (int i = 0; i < 5; ++i) {
        database.end_sessions();
        if (i % 2 == 0) CHECK(need(database.store->seen(key_of("e1"))));
        need(commit(*database.store, decided_step("n" + std::to_string(i), "ticket/1", 10 + i)));
    }
    CHECK(rows_of(*database.store, acme, "p3").size() == 12);
    CHECK(faults_of(*database.store).empty());
    const auto other = need(open_postgres(database_of(database.folder)));
    CHECK(other->own().error().code == Code::conflict);
}

TEST_CASE("PostgreSQL: who lost the ownership commits nothing, and another takes it once the lease is over",
          "[store]") {
    if (no_server()) return;
    const Database database;
    const auto other = need(open_postgres(database_of(database.folder)));
    CHECK(other->own().error().code == Code::conflict);
    database.ask("UPDATE signalbox.owners SET until = clock_timestamp() - interval '1 second'");
    need(other->own());
    need(commit(*other, decided_step("e2", "ticket/1", 3)));
    CHECK(commit(*database.store, decided_step("e3", "ticket/1", 4)).error().code == Code::denied);
    CHECK(database.store->probe().error().code == Code::denied);
    CHECK(rows_of(*other, acme, "p3").size() == 4);
    CHECK(faults_of(*other).empty());
}

TEST_CASE("PostgreSQL: an owner whose session is gone is replaced at once", "[store]") {
    if (no_server()) return;
    const Database database;
    database.end_sessions();
    const auto other = need(open_postgres(database_of(database.folder)));
    need(other->own());
    CHECK(commit(*database.store, decided_step("e3", "ticket/1", 4)).error().code == Code::denied);
}

TEST_CASE("PostgreSQL: a commit in doubt is found to be done, or not done", "[store]") {
    if (no_server()) return;
    const Database database;
    // The session ends itself while it commits: before anything is durable.
    database.ask(
        "CREATE FUNCTION signalbox.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(0.1); RETURN NULL; END "
        "$$;"
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON signalbox.seen DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION signalbox.die()");
    CHECK(commit(*database.store, decided_step("e2", "ticket/1", 3)).error().code == Code::unavailable);
    database.ask("DROP TRIGGER die ON signalbox.seen");
    CHECK_FALSE(need(database.store->seen(key_of("e2"))));
    need(commit(*database.store, decided_step("e2", "ticket/1", 3)));
    CHECK(rows_of(*database.store, acme, "p3").size() == 4);
    CHECK(faults_of(*database.store).empty());
}

TEST_CASE("PostgreSQL: a schema of another program is refused", "[store]") {
    if (no_server()) return;
    const Database database;
    database.ask(
        "INSERT INTO signalbox.migrations (number, name, checksum, program) VALUES (999, 'later', '', 'x')");
    const auto newer = open_postgres(database_of(database.folder));
    REQUIRE_FALSE(newer);
    CHECK_THAT(newer.error().message, Catch::Contains("the store has migration 999 (later)"));
    database.ask(
        "DELETE FROM signalbox.migrations WHERE number = 999;"
        "UPDATE signalbox.migrations SET checksum = '\\x00' WHERE number = 1");
    const auto changed = open_postgres(database_of(database.folder));
    REQUIRE_FALSE(changed);
    CHECK_THAT(changed.error().message, Catch::Contains("is not this program's 1 (initial)"));
}

TEST_CASE("PostgreSQL: a server that cannot be reached is unavailable, and no password is said", "[store]") {
    const auto store = open_postgres("postgresql://somebody:secret@127.0.0.1:1/none");
    REQUIRE_FALSE(store);
    CHECK(store.error().code == Code::unavailable);
    CHECK(store.error().message.find("secret") == std::string::npos);
}

}  // namespace postgres_test
