#include "tests/conformance/store/raw_journal.h"

#include <sqlite3.h>

#include <pqxx/pqxx>

#include "tests/support/postgres.h"

namespace store_tests {

using namespace engine;

namespace {

class RawSqlite final : public RawJournal {
public:
    explicit RawSqlite(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK);
        sqlite3_busy_timeout(handle_, 5'000);
        run("PRAGMA synchronous = OFF");
    }
    ~RawSqlite() override { sqlite3_close(handle_); }

    std::uint64_t run(const std::string& sql) override {
        INFO(sql);
        INFO(sqlite3_errmsg(handle_));
        REQUIRE(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        return static_cast<std::uint64_t>(sqlite3_changes(handle_));
    }
    std::string text(const std::string& sql) override {
        std::string found;
        const auto keep = [](void* out, int, char** values, char**) {
            *static_cast<std::string*>(out) = values[0] == nullptr ? "" : values[0];
            return 0;
        };
        REQUIRE(sqlite3_exec(handle_, sql.c_str(), keep, &found, nullptr) == SQLITE_OK);
        return found;
    }
    std::string schema() const override { return ""; }
    std::string blob(std::string_view bytes) const override { return "x'" + to_hex(bytes) + "'"; }
    std::string row(const RowPlace& place) override { return "position = " + position(place); }
    std::string seq_set_to(const RowPlace& place) override { return "position = " + position(place); }
    std::string other_word(const std::string& column) const override { return column + " + 1"; }

private:
    std::string position(const RowPlace& place) {
        const auto stream = text("SELECT id FROM streams WHERE " + stream_row(place));
        return std::to_string((std::stoll(stream) << 40) + static_cast<std::int64_t>(place.seq));
    }
    sqlite3* handle_ = nullptr;
};

class RawPostgres final : public RawJournal {
public:
    explicit RawPostgres(const std::string& url) : connection_(url), work_(connection_) {
        // A superuser's way past triggers and policies.
        work_.exec("SET session_replication_role = replica");
    }
    std::uint64_t run(const std::string& sql) override { return work_.exec(sql).affected_rows(); }
    std::string text(const std::string& sql) override {
        const auto rows = work_.exec(sql);
        return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].c_str();
    }
    std::string schema() const override { return "signalbox."; }
    std::string blob(std::string_view bytes) const override { return "'\\x" + to_hex(bytes) + "'::bytea"; }
    std::string row(const RowPlace& place) override {
        return "stream = " + stream(place) + " AND seq = " + std::to_string(place.seq);
    }
    std::string seq_set_to(const RowPlace& place) override { return "seq = " + std::to_string(place.seq); }
    std::string other_word(const std::string& column) const override { return column + " || 'x'"; }

private:
    std::string stream(const RowPlace& place) {
        return text("SELECT id FROM signalbox.streams WHERE " + stream_row(place));
    }
    pqxx::connection connection_;
    pqxx::nontransaction work_;
};

}  // namespace

std::string RawJournal::stream_row(const RowPlace& place) {
    return "name = '" + place.stream + "' AND tenant = (SELECT id FROM " + schema() +
           "tenants WHERE name = '" + place.tenant.text() + "')";
}

void RawJournal::save() {
    for (const std::string table : {"journal", "streams", "tenants"})
        run("CREATE TABLE " + schema() + "saved_" + table + " AS SELECT * FROM " + schema() + table);
}

void RawJournal::restore() {
    for (const std::string table : {"journal", "streams", "tenants"}) {
        const bool counts = table != "journal" && !schema().empty();
        run("DELETE FROM " + schema() + table);
        run("INSERT INTO " + schema() + table + (counts ? " OVERRIDING SYSTEM VALUE" : "") +
            " SELECT * FROM " + schema() + "saved_" + table);
    }
}

std::unique_ptr<RawJournal> raw_journal(const Backend& backend, const Folder& folder) {
    if (backend.name == "PostgreSQL") return std::make_unique<RawPostgres>(database_of(folder));
    return std::make_unique<RawSqlite>(folder.file("store.db"));
}

}  // namespace store_tests
