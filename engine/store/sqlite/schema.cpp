#include "engine/store/sqlite/schema.h"

#include "sqlite/sql.inc"

namespace engine {
namespace {

constexpr std::int64_t schema_version = 1;
constexpr std::int64_t application_id = 0x53426F78;  // "SBox"

Result<std::int64_t> number(Database& database, const char* sql) {
    auto rows = database.query(sql);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    return *found ? rows->integer(0) : std::int64_t{0};
}

/// Whether there is nothing yet; another program's or a newer schema is an error.
Result<bool> is_empty(Database& database) {
    const auto application = number(database, "PRAGMA application_id");
    if (!application) return application.error();
    const auto version = number(database, "PRAGMA user_version");
    if (!version) return version.error();
    const auto tables = number(database, "SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    if (*application == 0 && *version == 0 && *tables == 0) return true;
    if (*application != application_id) return invalid("this database is not a Signalbox store");
    if (*version > schema_version)
        return invalid("the store has schema " + std::to_string(*version) + "; this program knows up to " +
                       std::to_string(schema_version));
    return false;
}

/// Made to be loaded, it is no store before that is done.
Result<void> make_schema(Database& database, int partitions, bool to_be_loaded) {
    if (const auto made = database.execute(sql::migration_0001_initial); !made) return made;
    const std::string rest = "PRAGMA application_id=" + std::to_string(application_id) +
                             ";PRAGMA user_version=" + std::to_string(schema_version) +
                             ";INSERT INTO store (id, partitions) VALUES (1, " + std::to_string(partitions) +
                             ");";
    if (const auto told = database.execute(rest.c_str()); !told || !to_be_loaded) return told;
    const auto marked = database.run(sql::mark_loading);
    return marked ? Result<void>() : marked.error();
}

/// Two processes may open a new store at once: the second finds it made.
Result<void> make_if_empty(Database& database, int partitions, bool to_be_loaded) {
    if (const auto begun = database.begin(); !begun) return begun;
    const auto empty = is_empty(database);
    Result<void> made = empty ? Result<void>() : Result<void>(empty.error());
    if (empty && *empty) made = make_schema(database, partitions, to_be_loaded);
    if (made) made = database.commit();
    if (!made) database.rollback();
    return made;
}

}  // namespace

Result<StoreInfo> prepare_schema(Database& database, const OpenOptions& options) {
    if (const auto checked = check_partitions(options.partitions); !checked) return checked.error();
    const auto empty = is_empty(database);
    if (!empty) return empty.error();
    if (*empty && options.read_only) return not_found("the store is empty");
    if (*empty)
        if (const auto made = make_if_empty(database, options.partitions, options.also_loading); !made)
            return made.error();
    return read_info(database);
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
    info.schema = schema_version;
    info.loading = rows->integer(2) != 0;
    return info;
}

}  // namespace engine
