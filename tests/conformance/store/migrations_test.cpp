// Stores whose schema is not this program's: older ones are refused and taken up, others are refused.

#include <sqlite3.h>

#include <fstream>
#include <sstream>

#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "tests/conformance/store/support.h"
#include "tests/support/postgres.h"

namespace migrations_test {

using namespace engine;
using namespace store_tests;

namespace {

/// The first column of the last row.
std::string run_sql(const std::string& path, const std::string& statements) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    std::string last;
    const auto keep = [](void* text, int, char** values, char**) {
        *static_cast<std::string*>(text) = values[0] == nullptr ? "" : values[0];
        return 0;
    };
    CHECK(sqlite3_exec(handle, statements.c_str(), keep, &last, nullptr) == SQLITE_OK);
    sqlite3_close(handle);
    return last;
}

std::string text_of_file(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A file as the first version of the program made it.
std::string first_version(const Folder& folder) {
    const auto path = folder.file("store.db");
    run_sql(path, "PRAGMA journal_mode = WAL; BEGIN;" + text_of_file("schema/sql/sqlite/0001_initial.sql") +
                      "INSERT INTO store (id, partitions) VALUES (1, 4);"
                      "INSERT INTO tenants (name) VALUES ('acme');"
                      "INSERT INTO entities (tenant, subject, version, fields, meta)"
                      " VALUES (1, 'ticket/1', 1, '{}', '{}');"
                      "PRAGMA application_id = 1396862840; PRAGMA user_version = 1; COMMIT");
    return path;
}

/// A database as the first version of the program made it, with a row in its journal.
std::string first_database(const Folder& folder) {
    const auto url = database_of(folder);
    run_in_database(
        folder,
        "CREATE SCHEMA signalbox; CREATE TABLE signalbox.migrations (number bigint PRIMARY KEY, name text "
        "NOT NULL,"
        " checksum bytea NOT NULL, applied timestamptz NOT NULL DEFAULT now(), program text NOT NULL);" +
            text_of_file("schema/sql/postgres/0001_initial.sql") +
            "INSERT INTO signalbox.store (partitions) VALUES (4);"
            "INSERT INTO signalbox.migrations SELECT 1, 'initial', '\\x" +
            migration(1, "initial", text_of_file("schema/sql/postgres/0001_initial.sql").c_str()).checksum +
            "', now(), '0.1.0';"
            "INSERT INTO signalbox.tenants (name) VALUES ('acme');"
            "INSERT INTO signalbox.entities (tenant, subject, version, fields, meta)"
            " VALUES (1, 'ticket/1', 1, '{}', '{}');"
            "INSERT INTO signalbox.streams (tenant, name, seq) VALUES (1, 'p3', 1);"
            "INSERT INTO signalbox.journal VALUES (1, 1, 1, now(), 'event', 'ticket/1', 0, 'e1', '', '', "
            "'engine', 0,"
            " '', '', NULL, NULL)");
    return url;
}

/// Nobody looked at the entity of the older store; from now on somebody can.
void check_watched(Store& store) {
    CHECK(need(store.entity(acme, subject("ticket/1")))->version == 1);
    CHECK(need(store.watched(acme, at(0), "", 9)).empty());
    Step step = step_at(1);
    step.entities = {entity_of("ticket/1", 2, Json::object())};
    step.entities[0].routing = {{"queue", "billing"}};
    need(commit(store, step));
    CHECK(need(store.watched(acme, at(0), "", 9)) == step.entities);
}

}  // namespace

TEST_CASE("PostgreSQL: an older schema is refused, taken up by a migration, and has its content then",
          "[store]") {
    if (!has_postgres()) {
        WARN("skipped: SIGNALBOX_TEST_POSTGRES names no server");
        return;
    }
    const Folder folder;
    const auto url = first_database(folder);
    const auto refused = open_postgres(url);
    CHECK(refused.error().code == Code::invalid_input);
    CHECK_THAT(refused.error().message, Catch::Contains("signalbox migrate up"));
    run_in_database(
        folder,
        "INSERT INTO signalbox.owners (name, backend, backend_start, until) SELECT 'an old one', pid,"
        " backend_start, now() + interval '1 hour' FROM pg_stat_activity"
        " WHERE backend_type = 'checkpointer'");
    CHECK(migrate_postgres(url, std::nullopt).error().code == Code::conflict);
    run_in_database(folder, "UPDATE signalbox.owners SET until = now() - interval '1 second'");

    CHECK(need(migrate_postgres(url, std::nullopt)).front().number == 2);

    CHECK(run_in_database(folder, "SELECT fenced FROM signalbox.owners") == "t");
    CHECK(need(migrate_postgres(url, std::nullopt)).empty());
    CHECK(need(postgres_migrations(url)).partitions == 4);
    CHECK(run_in_database(folder, "SELECT count(*) FROM ONLY signalbox.journal_default") == "0");
    CHECK(run_in_database(folder, "SELECT count(*) FROM signalbox.journal") == "1");
    CHECK_THAT(migrate_postgres(url, 9).error().message, Catch::Contains("the store has 4 partitions"));
    {
        const auto store = need(open_postgres(url));
        need(store->own());
        check_watched(*store);
        run_in_database(folder, "DELETE FROM signalbox.migrations WHERE number >= 2");
        const auto owned = migrate_postgres(url, std::nullopt);
        CHECK(owned.error().code == Code::conflict);
        CHECK_THAT(owned.error().message, Catch::Contains("stop it"));
    }
    drop_database(folder);
}

TEST_CASE("SQLite: an older schema is refused, taken up by a migration, and has its content then",
          "[store]") {
    const Folder folder;
    const auto path = first_version(folder);
    const auto refused = open_sqlite(path);
    CHECK(refused.error().code == Code::invalid_input);
    CHECK_THAT(refused.error().message, Catch::Contains("signalbox migrate up"));
    CHECK(need(sqlite_migrations(path)).applied.size() == 1);

    const auto applied = need(migrate_sqlite(path, std::nullopt));

    CHECK(applied.front().number == 2);
    CHECK(need(migrate_sqlite(path, std::nullopt)).empty());
    const auto status = need(sqlite_migrations(path));
    CHECK(status.missing.empty());
    CHECK(status.partitions == 4);
    CHECK(status.applied.front().applied.empty());
    CHECK_FALSE(status.applied.back().applied.empty());
    const auto store = need(open_sqlite(path));
    CHECK(store->info().partitions == 4);
    need(store->own());
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    check_watched(*store);
}

TEST_CASE("SQLite: a migration that fails leaves the store as it was", "[store]") {
    const Folder folder;
    const auto path = first_version(folder);
    run_sql(path, "CREATE TABLE migrations (already)");
    CHECK_FALSE(migrate_sqlite(path, std::nullopt));
    CHECK(run_sql(path, "PRAGMA user_version") == "1");
    CHECK(run_sql(path, "SELECT count(*) FROM migrations") == "0");
}

TEST_CASE("SQLite: a store is not migrated while a process owns it, and nobody owns it unawares after",
          "[store]") {
    const Folder folder;
    const auto path = folder.file("store.db");
    auto owner = need(open_sqlite(path));
    const auto late = need(open_sqlite(path));
    need(owner->own());
    run_sql(path,
            "DROP INDEX entities_watched; ALTER TABLE entities DROP COLUMN watched_until;"
            "DELETE FROM migrations WHERE number = 4; PRAGMA user_version = 3");
    const auto refused = migrate_sqlite(path, std::nullopt);
    CHECK(refused.error().code == Code::conflict);
    CHECK_THAT(refused.error().message, Catch::Contains("stop it"));

    owner.reset();
    CHECK(late->own().error().code == Code::invalid_input);
    need(migrate_sqlite(path, std::nullopt));
    need(late->own());
}

TEST_CASE("SQLite: a changed script and another number of partitions are refused", "[store]") {
    const Folder folder;
    const auto path = folder.file("store.db");
    need(migrate_sqlite(path, 8));
    CHECK(need(open_sqlite(path))->info().partitions == 8);
    CHECK_THAT(migrate_sqlite(path, 9).error().message, Catch::Contains("the store has 8 partitions"));
    CHECK(migrate_sqlite(path, 0).error().code == Code::invalid_input);
    run_sql(path, "UPDATE migrations SET checksum = x'00' WHERE number = 2");
    for (const auto& message : {open_sqlite(path).error().message, sqlite_migrations(path).error().message,
                                migrate_sqlite(path, std::nullopt).error().message})
        CHECK_THAT(message, Catch::Contains("migration 2 (migrations) is not this program's"));
}

TEST_CASE("SQLite: asking for the migrations of a file that is not there does not make it", "[store]") {
    const Folder folder;
    CHECK(need(sqlite_migrations(folder.file("none.db"))).empty());
    CHECK_FALSE(std::ifstream(folder.file("none.db")));
}

}  // namespace migrations_test
