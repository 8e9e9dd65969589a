#pragma once
/// Database: one SQLite connection, its prepared statements, and its failures as errors that say what to do
/// next.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "engine/base/result.h"
#include "engine/base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace engine {

/// Bound as bytes rather than as text. Empty `bytes` are an empty blob, not NULL.
struct Blob {
    std::string_view bytes;
};

class Database;

/// The rows of one running query. The statement is free again when this goes; one run of a statement at a
/// time.
class Rows {
public:
    Rows(Rows&& other) noexcept : database_(other.database_), statement_(other.statement_) {
        other.statement_ = nullptr;
    }
    Rows& operator=(Rows&&) = delete;
    ~Rows();

    /// True when there is a further row.
    Result<bool> next();

    std::int64_t integer(int column) const;
    std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    /// Of a text or a blob; valid until the next row.
    std::string_view text(int column) const;
    bool is_null(int column) const;

private:
    friend class Database;
    Rows(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
    Database* database_;
    sqlite3_stmt* statement_;
};

struct DatabaseOptions {
    bool read_only = false;
    bool create = false;
    std::size_t cache_bytes = 0;
    Duration busy_timeout{};
};

/// One thread at a time. After a failed fsync nobody knows what the disk holds: every later call fails with
/// unavailable until the database is opened again.
class Database {
public:
    /// WAL and synchronous=FULL, each read back; a database in memory needs neither. Fails with unavailable,
    /// with corrupt, or with not_found when it may not be made.
    static Result<std::unique_ptr<Database>> open(const std::string& path, const DatabaseOptions& options);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// Runs a statement that returns no rows; the number of rows it changed. Values are not copied.
    template <class... Values>
    Result<int> run(const char* sql, const Values&... values) {
        auto statement = prepared(sql);
        if (!statement) return statement.error();
        int index = 0;
        (bind(*statement, ++index, values, false), ...);
        return run_prepared(*statement);
    }

    /// Values are copied. `sql` is a constant of sql.inc: statements are remembered by its address.
    template <class... Values>
    Result<Rows> query(const char* sql, const Values&... values) {
        auto statement = prepared(sql);
        if (!statement) return statement.error();
        int index = 0;
        (bind(*statement, ++index, values, true), ...);
        return Rows(*this, *statement);
    }

    /// Runs several statements; rows are not looked at.
    Result<void> execute(const char* script);

    std::int64_t last_row() const;  ///< the key of the row last inserted

    Result<void> begin();
    /// Everything asked until `end_reading` sees one state of the database.
    Result<void> begin_reading();
    void end_reading() { rollback(); }
    /// Fails with unavailable when nothing was kept, else with outcome_unknown.
    Result<void> commit();
    void rollback();

    /// How long the write-ahead log is, and how much of it is in the database file too.
    struct Log {
        int pages = 0;
        int written_back = 0;
    };
    /// Moves the log into the database file and makes it durable there, as far as no reader needs it where it
    /// is. Commits of other connections go on meanwhile. Fails with unavailable.
    Result<Log> write_back_log();
    /// write_back_log, when the log has grown by that many pages. A failure is not the last commit's, which
    /// is durable; it is tried again when the log has grown by as much.
    void checkpoint_if_due(int pages = 4'000);
    /// Writes the whole log back, makes its file empty, and overwrites what pages hold besides their rows:
    /// what was deleted is nowhere any more. False when a reader needs the log. Reads the whole file.
    Result<bool> clear_traces();
    /// Whether pages that a change frees are overwritten with zeros. Deleted rows always are.
    Result<void> overwrite_freed_pages(bool wanted);
    int log_pages() const { return log_pages_; }  ///< after the last commit of this connection
    /// As after a failed fsync of its own.
    void stop() { failed_ = true; }

    const std::string& path() const { return path_; }  ///< absolute, links followed; empty in memory
    bool in_memory() const { return path_.empty(); }
    bool failed() const { return failed_; }
    bool in_transaction() const;

private:
    friend class Rows;
    Database(sqlite3* handle, std::string path);

    Result<void> configure(const DatabaseOptions& options);
    Result<void> use_log(bool read_only);
    Result<std::string> pragma(const char* sql);
    Result<bool> clear_log();
    bool log_is_empty() const;
    Result<sqlite3_stmt*> prepared(const char* sql);
    Result<int> run_prepared(sqlite3_stmt* statement);
    Error error_of(int code);

    template <class Integer>
    std::enable_if_t<std::is_integral_v<Integer>> bind(sqlite3_stmt* statement, int index, Integer value,
                                                       bool) {
        bind_integer(statement, index, static_cast<std::int64_t>(value));
    }
    template <class Value>
    void bind(sqlite3_stmt* statement, int index, const std::optional<Value>& value, bool copy) {
        if (value)
            bind(statement, index, *value, copy);
        else
            bind_null(statement, index);
    }
    void bind(sqlite3_stmt* statement, int index, std::string_view text, bool copy);
    void bind(sqlite3_stmt* statement, int index, const Blob& blob, bool copy);
    static void bind_integer(sqlite3_stmt* statement, int index, std::int64_t value);
    static void bind_null(sqlite3_stmt* statement, int index);

    sqlite3* handle_;
    std::string path_;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;
    bool failed_ = false;
    bool overwrites_freed_pages_ = false;
    int log_pages_ = 0;
    int pages_at_checkpoint_ = 0;
};

}  // namespace engine
