#include "engine/store/postgres/migrations.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/store/store.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

/// Held while a migration is applied, so that two programs do not do so at once. The number is ours alone:
/// "SBoxMigr".
constexpr auto take_turn = "SELECT pg_advisory_xact_lock(6003110293936613234)";

constexpr auto make_table =
    "CREATE SCHEMA IF NOT EXISTS signalbox;"
    "CREATE TABLE IF NOT EXISTS signalbox.migrations ("
    " number bigint PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,"
    " applied timestamptz NOT NULL DEFAULT now(), program text NOT NULL);";

Migration migration(int number, const char* name, const char* script) {
    return {number, name, script, to_hex(bytes_of(sha256(script)))};
}

std::string name_of(const Migration& migration) {
    return std::to_string(migration.number) + " (" + migration.name + ")";
}

Result<void> apply(Connection& connection, const Migration& migration, int partitions) {
    if (auto done = connection.run(migration.script); !done)
        return Error{done.error().code, "migration " + name_of(migration) + ": " + done.error().message};
    const auto noted = connection.run(
        sql::add_migration,
        values(migration.number, migration.name, bytes_of(sha256(migration.script)), SIGNALBOX_VERSION));
    if (!noted) return noted.error();
    if (migration.number > 1) return {};
    const auto made = connection.run(sql::add_store, values(partitions));
    return made ? Result<void>() : made.error();
}

/// One of those that are missing; false when none is.
Result<bool> apply_next(Connection& connection, int partitions) {
    if (const auto locked = connection.run(take_turn); !locked) return locked.error();
    if (const auto made = connection.run(make_table); !made) return made.error();
    const auto status = migration_status(connection);
    if (!status) return status.error();
    if (status->missing.empty()) return false;
    if (auto applied = apply(connection, status->missing.front(), partitions); !applied)
        return applied.error();
    return true;
}

}  // namespace

const std::vector<Migration>& migrations() {
    static const std::vector<Migration> all{migration(1, "initial", sql::migration_0001_initial),
                                            migration(3, "erasure", sql::migration_0003_erasure)};
    return all;
}

Result<MigrationStatus> migration_status(Connection& connection) {
    const auto& known = migrations();
    MigrationStatus status;
    const auto table = connection.run("SELECT to_regclass('signalbox.migrations') IS NOT NULL");
    if (!table) return table.error();
    if (!table->boolean(0, 0)) {
        status.missing = known;
        return status;
    }
    const auto rows = connection.run(sql::find_migrations, {});
    if (!rows) return rows.error();
    for (std::size_t row = 0; row < rows->size(); ++row) {
        const Migration applied{static_cast<int>(rows->integer(row, 0)), std::string(rows->text(row, 1)), "",
                                std::string(rows->text(row, 2))};
        if (row >= known.size())
            return invalid("the store has migration " + name_of(applied) + "; this program knows up to " +
                           name_of(known.back()));
        if (applied.number != known[row].number || applied.checksum != known[row].checksum)
            return invalid("the store's migration " + name_of(applied) + " is not this program's " +
                           name_of(known[row]));
        status.applied.push_back(applied);
    }
    status.missing.assign(known.begin() + static_cast<std::ptrdiff_t>(rows->size()), known.end());
    return status;
}

Result<void> migrate(Connection& connection, int partitions) {
    while (true) {
        if (const auto begun = connection.begin("BEGIN"); !begun) return begun;
        const auto applied = apply_next(connection, partitions);
        if (!applied) {
            connection.rollback();
            return applied.error();
        }
        if (const auto done = connection.commit(); !done) return done;
        if (!*applied) return {};
    }
}

}  // namespace engine::postgres
