// Raw SQL against the journal: what `verify` must find, and must not.

#include <sqlite3.h>

#include <functional>
#include <random>

#include "engine/store/sqlite/sqlite_store.h"
#include "tests/conformance/store/support.h"

namespace tamper_test {

using namespace engine;
using namespace store_tests;

namespace {

/// The database behind the store's back.
class RawDatabase {
public:
    explicit RawDatabase(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK);
        REQUIRE(run("PRAGMA synchronous = OFF") >= 0);
    }
    ~RawDatabase() { sqlite3_close(handle_); }
    RawDatabase(const RawDatabase&) = delete;
    RawDatabase& operator=(const RawDatabase&) = delete;

    /// The number of rows changed; -1 when the database refused.
    int run(const std::string& sql) {
        if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return -1;
        return sqlite3_changes(handle_);
    }
    std::string text(const std::string& sql) {
        std::string found;
        sqlite3_exec(
            handle_, sql.c_str(),
            [](void* out, int, char** values, char**) {
                *static_cast<std::string*>(out) = values[0] == nullptr ? "" : values[0];
                return 0;
            },
            &found, nullptr);
        return found;
    }
    std::int64_t number(const std::string& sql) { return std::strtoll(text(sql).c_str(), nullptr, 10); }

private:
    sqlite3* handle_ = nullptr;
};

struct Place {
    TenantName tenant;
    std::string stream;
    std::uint64_t seq = 0;
};

/// Where a row stands, as the mutations name rows by their key in the table.
struct Row {
    std::string where;  ///< SQL that selects it
    Place place;
};

class Forger {
public:
    Forger(RawDatabase& database, std::vector<Row> rows, unsigned seed)
        : database_(database), rows_(std::move(rows)), random_(seed) {}

    /// Changes the journal inside an open transaction and says where the first bad row must be found.
    std::optional<Place> change();
    const std::string& what() const { return what_; }

private:
    using Change = std::optional<Place> (Forger::*)();
    const Row& any_row() { return rows_[below(rows_.size())]; }
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }
    std::optional<Place> applied(const std::string& sql, const Place& place);

    std::optional<Place> edit_number();
    std::optional<Place> edit_text();
    std::optional<Place> edit_blob();
    std::optional<Place> drop_body();
    std::optional<Place> erase_row();
    std::optional<Place> swap_bodies();
    std::optional<Place> swap_rows();
    std::optional<Place> cut_tail();
    std::optional<Place> add_row();
    std::optional<Place> move_head();

    RawDatabase& database_;
    std::vector<Row> rows_;
    std::mt19937 random_;
    std::string what_;
};

std::optional<Place> Forger::applied(const std::string& sql, const Place& place) {
    what_ = sql;
    if (database_.run(sql) <= 0) return std::nullopt;
    return place;
}

std::optional<Place> Forger::edit_number() {
    static const char* columns[] = {"time", "kind", "entity_version", "cause_rule", "ruleset", "previous"};
    const auto& row = any_row();
    const std::string column = columns[below(std::size(columns))];
    return applied("UPDATE journal SET " + column + " = " + column + " + " + std::to_string(1 + below(5)) +
                       " WHERE " + row.where,
                   row.place);
}

std::optional<Place> Forger::edit_text() {
    static const char* columns[] = {"subject", "cause_event", "actor", "body"};
    const auto& row = any_row();
    const std::string column = columns[below(std::size(columns))];
    return applied("UPDATE journal SET " + column + " = " + column + " || ' ' WHERE " + row.where, row.place);
}

std::optional<Place> Forger::edit_blob() {
    static const char* columns[] = {"salt", "body_digest", "hash"};
    const auto& row = any_row();
    const std::string column = columns[below(std::size(columns))];
    static const char* values[] = {"randomblob(32)", "randomblob(16)", "zeroblob(0)", "randomblob(31)"};
    return applied(
        "UPDATE journal SET " + column + " = " + values[below(std::size(values))] + " WHERE " + row.where,
        row.place);
}

std::optional<Place> Forger::drop_body() {
    const auto& row = any_row();
    return applied("UPDATE journal SET body = NULL WHERE " + row.where, row.place);
}

std::optional<Place> Forger::erase_row() {
    const auto& row = any_row();
    return applied("DELETE FROM journal WHERE " + row.where, row.place);
}

std::optional<Place> Forger::swap_bodies() {
    const auto index = below(rows_.size() - 1);
    const Row& first = rows_[index];
    const Row& second = rows_[index + 1];
    if (first.place.stream != second.place.stream) return std::nullopt;
    const auto body = database_.text("SELECT quote(body) FROM journal WHERE " + second.where);
    database_.run("UPDATE journal SET body = (SELECT body FROM journal WHERE " + first.where + ") WHERE " +
                  second.where);
    return applied("UPDATE journal SET body = " + body + " WHERE " + first.where, first.place);
}

std::optional<Place> Forger::swap_rows() {
    const auto index = below(rows_.size() - 1);
    const Row& first = rows_[index];
    const Row& second = rows_[index + 1];
    if (first.place.stream != second.place.stream) return std::nullopt;
    const auto a = database_.text("SELECT position FROM journal WHERE " + first.where);
    const auto b = database_.text("SELECT position FROM journal WHERE " + second.where);
    database_.run("UPDATE journal SET position = -9 WHERE position = " + a);
    database_.run("UPDATE journal SET position = " + a + " WHERE position = " + b);
    return applied("UPDATE journal SET position = " + b + " WHERE position = -9", first.place);
}

std::optional<Place> Forger::cut_tail() {
    const auto& row = any_row();
    const auto position = database_.text("SELECT position FROM journal WHERE " + row.where);
    return applied(
        "DELETE FROM journal WHERE position >= " + position + " AND position >> 40 = " + position + " >> 40",
        row.place);
}

std::optional<Place> Forger::add_row() {
    const auto& row = any_row();
    const auto last = database_.text(
        "SELECT max(position) FROM journal WHERE position >> 40 = (SELECT position >> 40 FROM journal "
        "WHERE " +
        row.where + ")");
    const Row& end = *std::find_if(rows_.rbegin(), rows_.rend(), [&](const Row& candidate) {
        return candidate.place.stream == row.place.stream && candidate.place.tenant == row.place.tenant;
    });
    const std::string columns =
        "time, kind, subject, entity_version, cause_event, cause_rule, ruleset, actor, previous, "
        "body_digest, hash, salt, body";
    return applied("INSERT INTO journal (position, " + columns + ") SELECT " + last + " + 1, " + columns +
                       " FROM journal WHERE " + row.where,
                   {end.place.tenant, end.place.stream, end.place.seq + 1});
}

std::optional<Place> Forger::move_head() {
    const auto& row = any_row();
    const auto stream = "id = (SELECT position >> 40 FROM journal WHERE " + row.where + ")";
    const auto seq = static_cast<std::uint64_t>(database_.number("SELECT seq FROM streams WHERE " + stream));
    switch (below(3)) {
        case 0:
            return applied("UPDATE streams SET seq = seq + 1 WHERE " + stream,
                           {row.place.tenant, row.place.stream, seq + 1});
        case 1:
            return applied("UPDATE streams SET seq = seq - 1 WHERE " + stream,
                           {row.place.tenant, row.place.stream, seq - 1});
        default:
            return applied("UPDATE streams SET hash = randomblob(32) WHERE " + stream,
                           {row.place.tenant, row.place.stream, seq});
    }
}

std::optional<Place> Forger::change() {
    static const Change changes[] = {
        &Forger::edit_number, &Forger::edit_text, &Forger::edit_blob, &Forger::drop_body, &Forger::erase_row,
        &Forger::swap_bodies, &Forger::swap_rows, &Forger::cut_tail,  &Forger::add_row,   &Forger::move_head};
    return (this->*changes[below(std::size(changes))])();
}

/// Two tenants, three streams each, bodies of all sizes.
std::vector<Row> fill(Store& store, RawDatabase& database) {
    std::mt19937 random(7);
    std::vector<Step> steps;
    for (int i = 0; i < 240; ++i) {
        Step step = step_at(i);
        step.tenant = i % 3 == 0 ? other_tenant : acme;
        const auto about = "ticket/" + std::to_string(random() % 9);
        step.records = {record_of("event", about, "{\"n\":" + std::to_string(i) + "}",
                                  "p" + std::to_string(random() % 3)),
                        record_of("decision", about, std::string(random() % 2000, 'd'),
                                  "p" + std::to_string(random() % 3))};
        step.records[1].cause_rule = "rule-" + std::to_string(random() % 4);
        steps.push_back(std::move(step));
        if (steps.size() < 30) continue;
        need(commit(store, steps));
        steps.clear();
    }
    std::vector<Row> rows;
    for (const auto& tenant : {acme, other_tenant})
        for (const auto& head : need(store.streams(tenant)))
            for (std::uint64_t seq = 1; seq <= head.seq; ++seq) {
                const auto stream = database.number("SELECT id FROM streams WHERE name = '" + head.stream +
                                                    "' AND tenant = (SELECT id FROM tenants WHERE name = '" +
                                                    tenant.text() + "')");
                rows.push_back(
                    {"position = " + std::to_string((stream << 40) + static_cast<std::int64_t>(seq)),
                     {tenant, head.stream, seq}});
            }
    return rows;
}

}  // namespace

TEST_CASE("tamper: every change of the journal behind the store's back is found, at its first row",
          "[store][random]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    const unsigned seed = 41;
    Forger forger(database, fill(*store, database), seed);
    REQUIRE(faults_of(*store).empty());
    database.run("CREATE TABLE saved_journal AS SELECT * FROM journal");
    database.run("CREATE TABLE saved_streams AS SELECT * FROM streams");

    int found = 0;
    while (found < 250) {
        const auto bad = forger.change();
        if (bad) {
            ++found;
            INFO("seed " << seed << ", change " << found << ": " << forger.what());
            const auto report = need(verify(*store, TenantName()));
            REQUIRE(report.faults.size() == 1);
            CHECK(report.faults[0].tenant == bad->tenant);
            CHECK(report.faults[0].stream == bad->stream);
            CHECK(report.faults[0].seq == bad->seq);
        }
        REQUIRE(database.run(
                    "BEGIN; DELETE FROM journal; INSERT INTO journal SELECT * FROM saved_journal;"
                    "DELETE FROM streams; INSERT INTO streams SELECT * FROM saved_streams; COMMIT") >= 0);
    }
    CHECK(faults_of(*store).empty());
}

TEST_CASE("tamper: rows of no stream are found", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    fill(*store, database);
    const std::string columns =
        "time, kind, subject, entity_version, cause_event, cause_rule, ruleset, actor, previous, "
        "body_digest, hash, salt, body";
    const auto* position = GENERATE("(999 << 40) + 1", "1 << 40", "-5", "0", "9223372036854775807");
    INFO(position);
    REQUIRE(database.run("INSERT INTO journal (position, " + columns + ") SELECT " + position + ", " +
                         columns + " FROM journal LIMIT 1") == 1);
    CHECK_FALSE(faults_of(*store).empty());
}

TEST_CASE("tamper: a stream taken away whole is found", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    fill(*store, database);
    const auto* sql = GENERATE("DELETE FROM streams WHERE name = 'p1'",
                               "UPDATE streams SET tenant = 9 WHERE name = 'p1' AND tenant = 1",
                               "UPDATE streams SET tenant = -tenant WHERE name = 'p1';"
                               "UPDATE streams SET tenant = 3 + tenant WHERE tenant < 0",
                               "UPDATE streams SET name = 'p9' WHERE name = 'p1'",
                               "UPDATE tenants SET name = 'mallory' WHERE name = 'acme'");
    INFO(sql);
    REQUIRE(database.run(sql) > 0);
    const auto fresh = need(open_sqlite(path));
    CHECK_FALSE(faults_of(*fresh).empty());
}

TEST_CASE("tamper: a tail written anew is found up to the stored head, not beyond", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    fill(*store, database);
    auto rows = rows_of(*store, acme, "p1");
    const auto stream = database.number(
        "SELECT s.id FROM streams s JOIN tenants t ON t.id = s.tenant WHERE s.name = 'p1' AND t.name = "
        "'acme'");
    Digest hash = rows[rows.size() - 3].hash;
    for (std::size_t i = rows.size() - 2; i < rows.size(); ++i) {
        rows[i].actor = "mallory";
        rows[i].hash = chain(hash, rows[i]);
        hash = rows[i].hash;
        REQUIRE(database.run("UPDATE journal SET actor = 'mallory', hash = x'" + to_hex(bytes_of(hash)) +
                             "' WHERE position = " +
                             std::to_string((stream << 40) + static_cast<std::int64_t>(rows[i].seq))) == 1);
    }
    const auto report = need(verify(*store, acme));
    REQUIRE(report.faults.size() == 1);
    CHECK(report.faults[0].seq == rows.back().seq);
    // Whoever rewrites the head too is found only by a checkpoint kept elsewhere.
    REQUIRE(database.run("UPDATE streams SET hash = x'" + to_hex(bytes_of(hash)) +
                         "' WHERE id = " + std::to_string(stream)) == 1);
    CHECK(need(verify(*store, acme)).faults.empty());
}

TEST_CASE("tamper: a body that no erasure accounts for is found, and the chain is whole all the same",
          "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    fill(*store, database);
    REQUIRE(database.run("UPDATE journal SET body = NULL, salt = NULL WHERE position IN (SELECT position "
                         "FROM journal LIMIT 7)") == 7);
    const auto report = need(verify(*store, TenantName()));
    REQUIRE(report.faults.size() == 1);
    CHECK(report.faults[0].seq == 1);
    CHECK(report.faults[0].what == "the body is gone, and no erasure of its subject accounts for it");
    CHECK(report.erased_bodies == 7);
    CHECK(report.rows == 480);
}

TEST_CASE("tamper: a subject whose head was changed has no history rather than a wrong one", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    RawDatabase database(path);
    fill(*store, database);
    // So many rows that the table of subjects is written.
    Step many = step_at(1000);
    many.records.assign(7000, record_of("attempt", "ticket/1", "{}", "p1"));
    need(commit(*store, many));
    REQUIRE(database.run("UPDATE subjects SET seq = 1") > 0);
    int corrupt = 0;
    for (int i = 0; i < 9; ++i) {
        const auto history = store->history(acme, subject("ticket/" + std::to_string(i)), 1000);
        if (!history) {
            CHECK(history.error().code == Code::corrupt);
            ++corrupt;
        }
    }
    CHECK(corrupt > 0);
}

}  // namespace tamper_test
