#include "engine/store/sqlite/schema.h"

#include "engine/base/hash.h"
#include "engine/store/sqlite/owner_lock.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

constexpr std::int64_t application_id = 0x53426F78;  // "SBox"
/// The first one that notes migrations; the one before it is taken up as it is.
constexpr int noting_migration = 2;

const std::vector<Migration>& migrations() {
    static const std::vector<Migration> all{migration(1, "initial", sql::migration_0001_initial),
                                            migration(2, "migrations", sql::migration_0002_migrations),
                                            migration(3, "detached", sql::migration_0003_detached),
                                            migration(4, "watched", sql::migration_0004_watched)};
    return all;
}

Result<std::int64_t> number(Database& database, const char* sql) {
    auto rows = database.query(sql);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    return *found ? rows->integer(0) : std::int64_t{0};
}

/// The number of the newest migration, 0 when there is nothing yet; another program's database is an error.
Result<int> version_of(Database& database) {
    const auto application = number(database, "PRAGMA application_id");
    if (!application) return application.error();
    const auto version = number(database, "PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = number(database, "SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    if (*application == 0 && *version == 0 && *tables == 0) return 0;
    if (*application != application_id) return invalid("this database is not a Signalbox store");
    if (*version > migrations().back().number)
        return invalid("the store has schema " + std::to_string(*version) + "; this program knows up to " +
                       std::to_string(migrations().back().number) +
                       ": use the program that made it, or a newer one");
    return static_cast<int>(*version);
}

AppliedMigration applied_from(const Rows& row) {
    return {static_cast<int>(row.integer(0)), std::string(row.text(1)), to_hex(row.text(2)),
            row.is_null(3) ? "" : to_text(instant_of(row.integer(3))), std::string(row.text(4))};
}

Result<std::vector<AppliedMigration>> applied_migrations(Database& database, int version) {
    std::vector<AppliedMigration> applied;
    if (version > 0 && version < noting_migration) {
        const auto& first = migrations().front();
        applied.push_back({first.number, first.name, first.checksum, "", ""});
        return applied;
    }
    if (version == 0) return applied;
    auto rows = database.query(sql::find_migrations);
    if (!rows) return rows.error();
    auto next = rows->next();
    for (; next && *next; next = rows->next()) applied.push_back(applied_from(*rows));
    if (!next) return next.error();
    return applied;
}

Result<MigrationStatus> migration_status(Database& database) {
    const auto version = version_of(database);
    if (!version) return version.error();
    auto applied = applied_migrations(database, *version);
    if (!applied) return applied.error();
    auto status = compare_migrations(migrations(), *std::move(applied));
    if (!status || status->empty()) return status;
    const auto info = read_info(database);
    if (!info) return info.error();
    status->partitions = info->partitions;
    return status;
}

/// `when` is nothing for what was applied before that was noted.
Result<void> note(Database& database, const Migration& migration, std::optional<std::int64_t> when) {
    const auto checksum = sha256(migration.script);
    const auto noted =
        database.run(sql::add_migration, migration.number, std::string_view(migration.name),
                     Blob{bytes_of(checksum)}, when, std::string_view(when ? SIGNALBOX_VERSION : ""));
    return noted ? Result<void>() : noted.error();
}

/// What is applied now, and what was before there was a table to note it in.
Result<void> note_all(Database& database, int applied_before) {
    const auto now = microseconds_of(SystemClock().now());
    for (const auto& migration : migrations()) {
        const bool is_new = migration.number > applied_before;
        if (!is_new && applied_before >= noting_migration) continue;
        const auto when = is_new ? std::optional(now) : std::nullopt;
        if (auto noted = note(database, migration, when); !noted) return noted;
    }
    return {};
}

/// Inside a transaction. A store made to be loaded is none before that is done.
Result<std::vector<Migration>> apply_missing(Database& database, int partitions, bool to_be_loaded) {
    const auto status = migration_status(database);
    if (!status) return status.error();
    if (status->missing.empty()) return std::vector<Migration>();
    for (const auto& missing : status->missing)
        if (auto done = database.execute(missing.script.c_str()); !done)
            return Error{done.error().code, "migration " + std::to_string(missing.number) + " (" +
                                                missing.name + "): " + done.error().message};
    const int before = status->empty() ? 0 : status->applied.back().number;
    if (auto noted = note_all(database, before); !noted) return noted.error();
    const std::string mark = "PRAGMA application_id=" + std::to_string(application_id) +
                             ";PRAGMA user_version=" + std::to_string(migrations().back().number);
    if (auto marked = database.execute(mark.c_str()); !marked) return marked.error();
    if (!status->empty()) return status->missing;
    const auto made = database.run(sql::add_store, partitions);
    if (!made) return made.error();
    if (to_be_loaded)
        if (const auto told = database.run(sql::mark_loading); !told) return told.error();
    return status->missing;
}

/// Two processes may open a new store at once: the second finds it made.
Result<std::vector<Migration>> migrate(Database& database, int partitions, bool to_be_loaded = false) {
    if (const auto begun = database.begin(); !begun) return begun.error();
    auto applied = apply_missing(database, partitions, to_be_loaded);
    if (applied) {
        if (auto done = database.commit(); !done) applied = done.error();
    }
    if (!applied) database.rollback();
    return applied;
}

}  // namespace

Result<StoreInfo> prepare_schema(Database& database, const OpenOptions& options) {
    if (const auto checked = check_partitions(options.partitions); !checked) return checked.error();
    auto status = migration_status(database);
    if (!status) return status.error();
    if (const auto complete = check_complete(*status); !complete) return complete.error();
    if (status->empty() && options.read_only) return not_found("the store is empty");
    // Whoever made it meanwhile has said how many partitions it has.
    if (status->empty())
        if (const auto made = migrate(database, options.partitions, options.also_loading); !made)
            return made.error();
    return read_info(database);
}

Result<void> check_schema(Database& database, int schema) {
    const auto version = version_of(database);
    if (!version) return version.error();
    if (*version == schema) return {};
    return invalid("the store's schema has changed meanwhile: it is at migration " +
                   std::to_string(*version));
}

Result<MigrationStatus> sqlite_migrations(const std::string& path) {
    const auto database =
        Database::open(path, {true, false, OpenOptions().cache_bytes, OpenOptions().busy_timeout});
    if (!database && database.error().code == Code::not_found) return compare_migrations(migrations(), {});
    if (!database) return database.error();
    return migration_status(**database);
}

Result<std::vector<Migration>> migrate_sqlite(const std::string& path, std::optional<int> partitions) {
    const auto database =
        Database::open(path, {false, true, OpenOptions().cache_bytes, OpenOptions().busy_timeout});
    if (!database) return database.error();
    const auto status = migration_status(**database);
    if (!status) return status.error();
    if (auto fits = check_wanted_partitions(*status, partitions); !fits) return fits.error();
    if (status->missing.empty()) return std::vector<Migration>();
    // An owner would go on with a schema that it does not know.
    OwnerLock lock((*database)->path() + ".lock");
    if (const auto taken = lock.take(); !taken)
        return Error{
            taken.error().code,
            taken.error().message + "; stop it, run signalbox migrate up, then start the new program"};
    return migrate(**database, partitions.value_or(OpenOptions().partitions));
}

Result<StoreInfo> read_info(Database& database) {
    auto rows = database.query(sql::read_info);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (!*found) return Error{Code::corrupt, "the store does not say how many partitions it has"};
    StoreInfo info;
    info.partitions = static_cast<int>(rows->integer(0));
    info.simulated = rows->integer(1) != 0;
    info.schema = migrations().back().number;
    info.loading = rows->integer(2) != 0;
    return info;
}

}  // namespace engine
