#include "engine/store/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "engine/base/ensure.h"
#include "engine/store/sqlite/scrub.h"

namespace engine {
namespace {

constexpr std::int64_t log_bytes_kept = 64ll * 1024 * 1024;

bool is_failed_sync(int code) {
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

bool is_damage(int code) {
    return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
}

/// A commit that failed in one of these ways left nothing behind, and the next one may succeed.
bool leaves_nothing(int code) {
    switch (code & 0xFF) {
        case SQLITE_BUSY:
        case SQLITE_FULL:
        case SQLITE_NOMEM:
        case SQLITE_INTERRUPT:
            return true;
        default:
            return code == SQLITE_IOERR_WRITE;
    }
}

/// Makes the file so that only its user reads it; the log's files take its rights over.
void make_private_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) ::close(file);
}

/// A new file's name must be as durable as its content; SQLite ignores a failure of this.
Result<void> sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return unavailable("cannot open folder " + folder + ": " + std::strerror(errno));
    const int synced = ::fsync(file);
    const int why = errno;
    ::close(file);
    if (synced != 0) return unavailable("cannot make folder " + folder + " durable: " + std::strerror(why));
    return {};
}

/// `file:` would be read as a URI.
std::string plain_path(const std::string& path) {
    return path.compare(0, 5, "file:") == 0 ? "./" + path : path;
}

}  // namespace

Rows::~Rows() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

Result<bool> Rows::next() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->error_of(code);
}

std::int64_t Rows::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Rows::text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return bytes == nullptr ? std::string_view{} : std::string_view(bytes, size);
}

bool Rows::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Database::Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

Database::~Database() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const DatabaseOptions& options) {
    // Its own count of memory takes a lock for every allocation.
    [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    const bool in_memory = path == ":memory:";
    const std::string file = in_memory ? path : plain_path(path);
    if (!in_memory && ::access(file.c_str(), F_OK) != 0) {
        if (!options.create || options.read_only) return not_found("there is no store at " + path);
        make_private_file(file);
    }
    const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                      (in_memory ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    const char* full = code == SQLITE_OK && !in_memory ? sqlite3_db_filename(handle, "main") : "";
    std::unique_ptr<Database> database(new Database(handle, full));
    if (code != SQLITE_OK) return unavailable("cannot open store " + path + ": " + sqlite3_errmsg(handle));
    if (const auto configured = database->configure(options); !configured)
        return Error{configured.error().code, "store " + path + ": " + configured.error().message};
    return database;
}

Result<void> Database::configure(const DatabaseOptions& options) {
    sqlite3_busy_timeout(
        handle_,
        static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.busy_timeout).count()));
    const std::string settings =
        "PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024) +
        ";PRAGMA mmap_size=0;PRAGMA foreign_keys=OFF;PRAGMA trusted_schema=OFF;PRAGMA temp_store=MEMORY;"
        "PRAGMA cell_size_check=ON;PRAGMA secure_delete=FAST;PRAGMA journal_size_limit=" +
        std::to_string(log_bytes_kept) + ";";
    if (const auto set = execute(settings.c_str()); !set) return set;
    if (!in_memory()) return use_log(options.read_only);
    return execute("PRAGMA synchronous=OFF;");
}

/// A failure inside the switch to WAL can go unreported, so what counts is what the database says afterwards.
Result<void> Database::use_log(bool read_only) {
    const auto mode = pragma(read_only ? "PRAGMA journal_mode" : "PRAGMA journal_mode=WAL");
    if (!mode) return mode.error();
    if (*mode != "wal") return unavailable("the journal mode is " + *mode + ", not wal");
    if (const auto set = execute("PRAGMA synchronous=FULL"); !set) return set;
    const auto level = pragma("PRAGMA synchronous");
    if (!level) return level.error();
    if (*level != "2") return unavailable("synchronous is " + *level + ", not FULL");
    if (read_only) return {};
    sqlite3_wal_hook(
        handle_,
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<Database*>(self)->log_pages_ = pages;
            return SQLITE_OK;
        },
        this);
    return sync_folder_of(path_);
}

Result<std::string> Database::pragma(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr);
    if (code != SQLITE_OK) return error_of(code);
    std::string value;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (const auto* text = sqlite3_column_text(statement, 0)) value = reinterpret_cast<const char*>(text);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) return error_of(code);
    return value;
}

Result<sqlite3_stmt*> Database::prepared(const char* sql) {
    // What is on the disk is unknown until the log is read again: waiting would not help.
    if (failed_)
        return Error{Code::outcome_unknown,
                     "the store stopped after a failed fsync; it must be opened again"};
    auto& statement = statements_[sql];
    if (statement != nullptr) return statement;
    const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return error_of(code);
    return statement;
}

Result<int> Database::run_prepared(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    std::optional<Error> error;
    if (code != SQLITE_DONE) error = error_of(code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (error) return *std::move(error);
    return sqlite3_changes(handle_);
}

Result<void> Database::execute(const char* script) {
    const int code = sqlite3_exec(handle_, script, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return error_of(code);
    return {};
}

Result<void> Database::begin() {
    if (const auto begun = run("BEGIN IMMEDIATE"); !begun) return begun.error();
    return {};
}

Result<void> Database::begin_reading() {
    if (const auto begun = run("BEGIN"); !begun) return begun.error();
    return {};
}

std::int64_t Database::last_row() const {
    return sqlite3_last_insert_rowid(handle_);
}

Result<void> Database::commit() {
    const auto statement = prepared("COMMIT");
    if (!statement) return statement.error();
    const int code = sqlite3_step(*statement);
    Error error = code == SQLITE_DONE ? Error{} : error_of(code);
    sqlite3_reset(*statement);
    if (code == SQLITE_DONE) return {};
    if (leaves_nothing(code)) {
        rollback();
        return error;
    }
    failed_ = true;
    return Error{Code::outcome_unknown, "commit in doubt: " + error.message};
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

void Database::rollback() {
    // SQLite has rolled back by itself after some failures.
    if (in_transaction()) (void)execute("ROLLBACK");
}

Result<Database::Log> Database::write_back_log() {
    Log log;
    const int code =
        sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_PASSIVE, &log.pages, &log.written_back);
    // Busy: another connection is doing the same.
    if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) return error_of(code);
    return log;
}

Result<bool> Database::clear_traces() {
    if (in_memory()) return true;
    const auto cleared = clear_log();
    if (!cleared || !*cleared) return cleared;
    // With the right to write and an empty log, nobody else writes the file.
    if (const auto begun = begin(); !begun) return begun.error();
    const bool still_empty = log_is_empty();
    const auto scrubbed = still_empty ? scrub_free_space(handle_) : Result<std::uint64_t>(0);
    rollback();
    if (!scrubbed) return scrubbed.error();
    // Pages in memory are as they were before: written back they would bring the traces again.
    if (const auto forgotten = execute("PRAGMA shrink_memory"); !forgotten) return forgotten.error();
    return still_empty;
}

bool Database::log_is_empty() const {
    struct stat about {};
    return ::stat((path_ + "-wal").c_str(), &about) != 0 || about.st_size == 0;
}

Result<bool> Database::clear_log() {
    const int code = sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if ((code & 0xFF) == SQLITE_BUSY) return false;
    if (code != SQLITE_OK) return error_of(code);
    return true;
}

Result<void> Database::overwrite_freed_pages(bool wanted) {
    if (wanted == overwrites_freed_pages_) return {};
    auto set = execute(wanted ? "PRAGMA secure_delete=ON" : "PRAGMA secure_delete=FAST");
    if (set) overwrites_freed_pages_ = wanted;
    return set;
}

void Database::checkpoint_if_due(int pages) {
    if (log_pages_ < pages_at_checkpoint_) pages_at_checkpoint_ = 0;  // the log has begun anew
    if (log_pages_ < pages_at_checkpoint_ + pages) return;
    pages_at_checkpoint_ = log_pages_;
    (void)write_back_log();
}

void Database::bind(sqlite3_stmt* statement, int index, std::string_view text, bool copy) {
    const char* bytes = text.empty() ? "" : text.data();
    ENSURE(sqlite3_bind_text64(statement, index, bytes, text.size(), copy ? SQLITE_TRANSIENT : SQLITE_STATIC,
                               SQLITE_UTF8) == SQLITE_OK);
}

void Database::bind(sqlite3_stmt* statement, int index, const Blob& blob, bool copy) {
    const char* bytes = blob.bytes.empty() ? "" : blob.bytes.data();
    ENSURE(sqlite3_bind_blob64(statement, index, bytes, blob.bytes.size(),
                               copy ? SQLITE_TRANSIENT : SQLITE_STATIC) == SQLITE_OK);
}

void Database::bind_integer(sqlite3_stmt* statement, int index, std::int64_t value) {
    ENSURE(sqlite3_bind_int64(statement, index, value) == SQLITE_OK);
}

void Database::bind_null(sqlite3_stmt* statement, int index) {
    ENSURE(sqlite3_bind_null(statement, index) == SQLITE_OK);
}

Error Database::error_of(int code) {
    if (is_failed_sync(code)) failed_ = true;
    const std::string message = std::string("SQLite: ") + sqlite3_errmsg(handle_) + " (" +
                                std::to_string(sqlite3_extended_errcode(handle_)) + ")";
    if (is_damage(code)) return {Code::corrupt, message};
    if ((code & 0xFF) == SQLITE_CONSTRAINT) return {Code::conflict, message};
    if ((code & 0xFF) == SQLITE_READONLY) return denied(message);
    return unavailable(message);
}

}  // namespace engine
