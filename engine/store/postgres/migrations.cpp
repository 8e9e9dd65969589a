#include "engine/store/postgres/migrations.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/postgres_store.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// Held while migrations are applied, so that two programs do not do so at once. The number is ours alone:
/// "SBoxMigr".
constexpr auto take_turn = "SELECT pg_advisory_xact_lock(6003110293936613234)";

constexpr auto make_table =
    "CREATE SCHEMA IF NOT EXISTS signalbox;"
    "CREATE TABLE IF NOT EXISTS signalbox.migrations ("
    " number bigint PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,"
    " applied timestamptz NOT NULL DEFAULT now(), program text NOT NULL);";

Result<void> apply(Connection& connection, const Migration& migration, int partitions) {
    if (auto done = connection.run(migration.script); !done)
        return Error{done.error().code, "migration " + std::to_string(migration.number) + " (" +
                                            migration.name + "): " + done.error().message};
    const auto noted = connection.run(
        sql::add_migration,
        values(migration.number, migration.name, bytes_of(sha256(migration.script)), SIGNALBOX_VERSION));
    if (!noted) return noted.error();
    if (migration.number > 1) return {};
    const auto made = connection.run(sql::add_store, values(partitions));
    return made ? Result<void>() : made.error();
}

/// Whoever owns the store, or is about to, waits or ends.
Result<void> send_owners_away(Connection& connection) {
    if (const auto locked = connection.run(take_owners_turn); !locked) return locked.error();
    const auto live = connection.run(sql::find_live_owner, {});
    if (!live) return live.error();
    if (!live->empty() && live->boolean(0, 2))
        return Error{Code::conflict, "the store is owned by " + std::string(live->text(0, 1)) +
                                         "; stop it, run signalbox migrate up, then start the new program"};
    const auto fenced = connection.run(sql::fence_owners, {});
    return fenced ? Result<void>() : fenced.error();
}

/// Inside a transaction.
Result<std::vector<Migration>> apply_missing(Connection& connection, int partitions) {
    if (const auto locked = connection.run(take_turn); !locked) return locked.error();
    const auto status = migration_status(connection);
    if (!status) return status.error();
    if (status->missing.empty()) return std::vector<Migration>();
    if (!status->empty())
        if (auto gone = send_owners_away(connection); !gone) return gone.error();
    if (const auto made = connection.run(make_table); !made) return made.error();
    for (const auto& missing : status->missing)
        if (auto applied = apply(connection, missing, partitions); !applied) return applied.error();
    return status->missing;
}

Result<AppliedMigration> applied_from(const Rows& rows, std::size_t row) {
    return AppliedMigration{static_cast<int>(rows.integer(row, 0)), std::string(rows.text(row, 1)),
                            std::string(rows.text(row, 2)), to_text(instant_of(rows.integer(row, 3))),
                            std::string(rows.text(row, 4))};
}

/// A migration of a large store takes as long as it takes.
Result<std::unique_ptr<Connection>> connect(const std::string& url) {
    SessionLimits limits;
    limits.statement = Duration(0);
    return Connection::open(url, limits);
}

}  // namespace

const std::vector<Migration>& migrations() {
    static const std::vector<Migration> all{
        migration(1, "initial", sql::migration_0001_initial),
        migration(2, "journal_partitions", sql::migration_0002_journal_partitions),
        migration(3, "erasure", sql::migration_0003_erasure),
        migration(4, "watched", sql::migration_0004_watched)};
    return all;
}

Result<MigrationStatus> migration_status(Connection& connection) {
    const auto table = connection.run("SELECT to_regclass('signalbox.migrations') IS NOT NULL");
    if (!table) return table.error();
    if (!table->boolean(0, 0)) return compare_migrations(migrations(), {});
    auto applied = all_of<AppliedMigration>(connection.run(sql::find_migrations, {}), applied_from);
    if (!applied) return applied.error();
    auto status = compare_migrations(migrations(), *std::move(applied));
    if (!status || status->empty()) return status;
    const auto info = connection.run(sql::read_info, {});
    if (!info) return info.error();
    if (info->empty()) return Error{Code::corrupt, "the store does not say how many partitions it has"};
    status->partitions = static_cast<int>(info->integer(0, 0));
    return status;
}

Result<std::vector<Migration>> migrate(Connection& connection, int partitions) {
    if (const auto begun = connection.begin("BEGIN"); !begun) return begun.error();
    auto applied = apply_missing(connection, partitions);
    if (!applied) {
        connection.rollback();
        return applied;
    }
    if (const auto done = connection.commit(); !done) return done.error();
    return applied;
}

}  // namespace engine::postgres

namespace engine {

Result<MigrationStatus> postgres_migrations(const std::string& url) {
    const auto connection = postgres::connect(url);
    if (!connection) return connection.error();
    return postgres::migration_status(**connection);
}

Result<std::vector<Migration>> migrate_postgres(const std::string& url, std::optional<int> partitions) {
    const auto connection = postgres::connect(url);
    if (!connection) return connection.error();
    const auto status = postgres::migration_status(**connection);
    if (!status) return status.error();
    if (auto fits = check_wanted_partitions(*status, partitions); !fits) return fits.error();
    return postgres::migrate(**connection, partitions.value_or(OpenOptions().partitions));
}

}  // namespace engine
