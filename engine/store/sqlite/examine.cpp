// What doctor asks of a SQLite store: whether it keeps what it is given, room, damage.

#include <sys/statvfs.h>

#include <filesystem>

#include "engine/store/sqlite/backend.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
/// Below this the next hours may fill the disk; below the other the next minutes.
constexpr std::uint64_t free_bytes_low = 1024 * mebibyte;
constexpr std::uint64_t free_bytes_out = 64 * mebibyte;
/// The log is cut to 64 MB whenever it begins anew.
constexpr std::uint64_t log_bytes_long = 512 * mebibyte;
constexpr int damages_named_max = 5;

std::string mebibytes(std::uint64_t bytes) {
    return std::to_string(bytes / mebibyte) + " MiB";
}

Result<std::string> one_text(Database& database, const char* statement) {
    auto rows = database.query(statement);
    if (!rows) return rows.error();
    const auto row = rows->next();
    if (!row) return row.error();
    return *row ? std::string(rows->text(0)) : std::string();
}

Finding room_at(const std::string& path) {
    struct statvfs system {};
    if (statvfs(path.c_str(), &system) != 0)
        return {Finding::Level::warning, "sqlite.free_space", "the free space is not known", path, ""};
    const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
    const auto level = free < free_bytes_out   ? Finding::Level::error
                       : free < free_bytes_low ? Finding::Level::warning
                                               : Finding::Level::ok;
    return {level, "sqlite.free_space", mebibytes(free) + " free", path,
            level == Finding::Level::ok ? "" : "make room on the file system: without it commits fail"};
}

Finding log_of(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + "-wal", error);
    const std::uint64_t bytes = error ? 0 : size;
    const bool longer = bytes > log_bytes_long;
    return {longer ? Finding::Level::warning : Finding::Level::ok, "sqlite.log_size",
            "the write-ahead log has " + mebibytes(bytes), path + "-wal",
            longer ? "look for a reader that does not end, such as a backup or an open sqlite3: the log "
                     "begins anew when no reader needs it"
                   : ""};
}

}  // namespace

Result<std::vector<Finding>> SqliteStore::examine() {
    std::vector<Finding> found;
    if (!database_->in_memory()) {
        const auto mode = one_text(*database_, sql::journal_mode);
        if (!mode) return mode.error();
        const bool wal = *mode == "wal";
        found.push_back({wal ? Finding::Level::ok : Finding::Level::error, "sqlite.journal_mode",
                         "the journal mode is " + *mode, database_->path(),
                         wal ? "" : "open the store once with signalbox serve: it sets wal"});
        const auto level = one_text(*database_, sql::synchronous_level);
        if (!level) return level.error();
        const bool full = *level == "2";
        found.push_back({full ? Finding::Level::ok : Finding::Level::error, "sqlite.synchronous",
                         "synchronous is " + std::string(full ? "FULL" : *level), database_->path(),
                         full ? "" : "a commit may be lost with the power: report this"});
        found.push_back(room_at(database_->path()));
        found.push_back(log_of(database_->path()));
    }
    auto rows = database_->query(sql::quick_check);
    if (!rows) return rows.error();
    for (int named = 0; named < damages_named_max; ++named) {
        const auto row = rows->next();
        if (!row) return row.error();
        if (!*row) break;
        const std::string text(rows->text(0));
        const bool fine = text == "ok";
        found.push_back({fine ? Finding::Level::ok : Finding::Level::error, "sqlite.quick_check", text,
                         database_->path(),
                         fine ? ""
                              : "the file is damaged: stop the daemon, keep the file, and restore a backup "
                                "(signalbox restore)"});
    }
    return found;
}

}  // namespace engine
