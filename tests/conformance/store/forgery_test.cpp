// A thousand forgeries of both kinds of journal, each to be found, and at the right row.
// SIGNALBOX_FORGERIES says how many (100 unless told); SIGNALBOX_SEED repeats a run.

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/conformance/store/raw_journal.h"

namespace forgery_test {

using namespace engine;
using namespace store_tests;

namespace {

unsigned long number_from(const char* name, unsigned long fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoul(text, nullptr, 10);
}

constexpr auto erased_subject = "ticket/erased";

Step random_step(std::mt19937& random, int i) {
    Step step = step_at(i);
    step.tenant = i % 3 == 0 ? other_tenant : acme;
    const auto about = i % 10 == 9 ? std::string(erased_subject) : "ticket/" + std::to_string(random() % 9);
    const auto stream = "p" + std::to_string(random() % 3);
    step.records = {record_of("event", about, "{\"n\":" + std::to_string(i) + "}", stream),
                    record_of("decision", about, '"' + std::string(random() % 2000, 'd') + '"', stream)};
    step.records[1].cause_rule = "rule-" + std::to_string(random() % 4);
    return step;
}

/// Takes one subject's bodies away as an erasure does.
Step erasing_step(Store& store, const TenantName& tenant) {
    Step step = step_at(1000);
    step.tenant = tenant;
    step.erasures.push_back(
        {subject(erased_subject), need(store.trail(tenant, subject(erased_subject), 1000))});
    for (const std::string stream : {"p0", "p1", "p2"})
        step.records.push_back(record_of(record_kind::erasure, erased_subject, "{}", stream));
    return step;
}

/// A journal with some signed heads, and everything that can be done to it.
class Forger {
public:
    Forger(const Backend& backend, unsigned long seed) : backend_(backend), random_(seed) {
        auto store = need(backend.open(folder_, {}));
        need(store->own());
        fill(*store);
        store.reset();
        raw_ = raw_journal(backend, folder_);
        raw_->save();
    }
    ~Forger() {
        raw_.reset();
        backend_.remove(folder_);
    }

    /// Forges once; `what()` says how, `expected()` where it has to be found.
    void forge() {
        using Forgery = void (Forger::*)();
        static const Forgery all[] = {
            &Forger::edit_column,  &Forger::edit_blob,    &Forger::remove_row,         &Forger::insert_row,
            &Forger::swap_rows,    &Forger::cut_tail,     &Forger::cut_tail_well,      &Forger::rewrite_tail,
            &Forger::replace_body, &Forger::drop_body,    &Forger::drop_body_and_salt, &Forger::swap_streams,
            &Forger::swap_tenants, &Forger::remove_stream};
        expected_.clear();
        (this->*all[below(std::size(all))])();
    }
    void undo() { raw_->restore(); }

    ChainReport report(bool with_signatures = true) {
        VerifyOptions options;
        options.signed_heads = with_signatures ? &signed_ : nullptr;
        options.threads = 2;
        return need(verify(
            [this] {
                OpenOptions reading;
                reading.read_only = true;
                return backend_.open(folder_, reading);
            },
            options));
    }
    const std::string& what() const { return what_; }
    const std::vector<RowPlace>& expected() const { return expected_; }
    std::size_t rows() const { return rows_.size(); }

private:
    struct Row {
        RowPlace place;
        JournalRecord record;
    };

    void fill(Store& store) {
        for (int i = 0; i < 160; ++i) {
            need(commit(store, random_step(random_, i)));
            if (i == 50 || i == 100) sign(store);
        }
        for (const auto& tenant : {acme, other_tenant}) need(commit(store, erasing_step(store, tenant)));
        for (int i = 160; i < 180; ++i) need(commit(store, random_step(random_, i * 10)));
        sign(store);
        for (const auto& tenant : {acme, other_tenant})
            for (const auto& head : need(store.streams(tenant)))
                for (auto& record : rows_of(store, tenant, head.stream))
                    rows_.push_back({{tenant, head.stream, record.seq}, record});
    }
    void sign(Store& store) {
        ++signed_times_;
        for (const auto& tenant : {acme, other_tenant})
            for (const auto& head : need(store.streams(tenant)))
                signed_[{tenant.text(), head.stream}].push_back({signed_times_, head.seq, head.hash});
    }

    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }
    std::size_t any() { return below(rows_.size()); }
    bool same_stream(std::size_t left, std::size_t right) const {
        return right < rows_.size() && rows_[left].place.stream == rows_[right].place.stream &&
               rows_[left].place.tenant == rows_[right].place.tenant;
    }
    std::size_t end_of(std::size_t index) const {
        while (same_stream(index, index + 1)) ++index;
        return index;
    }
    std::string journal() const { return raw_->schema() + "journal"; }
    void expect(const RowPlace& place) { expected_.push_back(place); }
    /// The first row that nobody can say is as signed.
    void expect_since_signed(const RowPlace& place) {
        std::uint64_t good = 0;
        for (const auto& head : signed_[{place.tenant.text(), place.stream}])
            if (head.seq < place.seq) good = head.seq;
        expect({place.tenant, place.stream, good + 1});
    }
    void update(const RowPlace& place, const std::string& change) {
        what_ += "UPDATE " + change + " OF " + place.stream + "#" + std::to_string(place.seq) + "; ";
        REQUIRE(raw_->run("UPDATE " + journal() + " SET " + change + " WHERE " + raw_->row(place)) == 1);
    }
    void set_head(const RowPlace& place, const Digest& hash) {
        REQUIRE(raw_->run("UPDATE " + raw_->schema() + "streams SET seq = " + std::to_string(place.seq) +
                          ", hash = " + raw_->blob(bytes_of(hash)) + " WHERE " + raw_->stream_row(place)) ==
                1);
    }
    /// From there to the end every row gets the hash that fits, and the stream the head.
    void rehash(std::size_t from, std::vector<Row>& rows) {
        Digest hash = rows[from].record.seq == 1 ? Digest{} : rows[from - 1].record.hash;
        const auto end = end_of(from);
        for (auto i = from; i <= end; ++i) {
            hash = rows[i].record.hash = chain(hash, rows[i].record);
            update(rows[i].place, "hash = " + raw_->blob(bytes_of(hash)));
        }
        set_head(rows[end].place, hash);
    }

    void edit_column() {
        what_ = "edit: ";
        const auto& place = rows_[any()].place;
        static const char* words[] = {"kind", "cause_rule", "ruleset"};
        static const char* numbers[] = {"entity_version", "previous"};
        static const char* texts[] = {"subject", "cause_event", "actor"};
        std::string change;
        switch (below(4)) {
            case 0: {
                const std::string column = words[below(3)];
                change = column + " = " + raw_->other_word(column);
                break;
            }
            case 1: {
                const std::string column = numbers[below(2)];
                change = column + " = " + column + " + 1";
                break;
            }
            case 2: {
                const std::string column = texts[below(3)];
                change = column + " = " + column + " || ' '";
                break;
            }
            default:
                change =
                    raw_->schema().empty() ? "time = time + 1" : "time = time + interval '1 microsecond'";
        }
        update(place, change);
        expect(place);
    }
    void edit_blob() {
        what_ = "edit: ";
        const auto& row = rows_[any()];
        static const char* columns[] = {"body_digest", "hash", "salt"};
        const std::string column = columns[below(3)];
        static const std::size_t sizes[] = {32, 16, 0, 31};
        if (column == "salt" && !row.record.body) return edit_column();
        update(row.place, column + " = " + raw_->blob(random_bytes(sizes[below(4)])));
        expect(row.place);
    }
    void remove_row() {
        const auto& place = rows_[any()].place;
        what_ = "remove " + place.stream + "#" + std::to_string(place.seq);
        REQUIRE(raw_->run("DELETE FROM " + journal() + " WHERE " + raw_->row(place)) == 1);
        expect(place);
    }
    void insert_row() {
        const auto index = any();
        auto place = rows_[end_of(index)].place;
        const auto from = rows_[index].place;
        ++place.seq;
        what_ = "insert a copy of " + from.stream + "#" + std::to_string(from.seq) + " at the end";
        raw_->run("CREATE TABLE " + raw_->schema() + "copied AS SELECT * FROM " + journal() + " WHERE " +
                  raw_->row(from));
        raw_->run("UPDATE " + raw_->schema() + "copied SET " + raw_->seq_set_to(place));
        raw_->run("INSERT INTO " + journal() + " SELECT * FROM " + raw_->schema() + "copied");
        raw_->run("DROP TABLE " + raw_->schema() + "copied");
        expect(place);
    }
    void swap_rows() {
        const auto first = any();
        if (!same_stream(first, first + 1)) return remove_row();
        what_ = "swap: ";
        const auto& one = rows_[first].place;
        const auto& two = rows_[first + 1].place;
        RowPlace aside = one;
        aside.seq = 1'000'000;
        update(one, raw_->seq_set_to(aside));
        update(two, raw_->seq_set_to(one));
        update(aside, raw_->seq_set_to(two));
        expect(one);
    }
    void cut(std::size_t from) {
        for (auto i = from; i <= end_of(from); ++i)
            raw_->run("DELETE FROM " + journal() + " WHERE " + raw_->row(rows_[i].place));
    }
    void cut_tail() { cut_tail_from(any()); }
    void cut_tail_from(std::size_t from) {
        what_ = "cut from " + rows_[from].place.stream + "#" + std::to_string(rows_[from].place.seq);
        cut(from);
        expect(rows_[from].place);
    }
    void cut_tail_well() {
        const auto from = any();
        if (rows_[from].place.seq == 1) return remove_stream();
        cut_tail_from(from);
        what_ += " with the head moved";
        set_head(rows_[from - 1].place, rows_[from - 1].record.hash);
        expected_.clear();
        expect_since_signed(rows_[from].place);
    }
    void rewrite_tail() {
        const auto from = any();
        what_ = "rewrite: ";
        auto rows = rows_;
        rows[from].record.actor = "mallory";
        update(rows[from].place, "actor = 'mallory'");
        rehash(from, rows);
        expect_since_signed(rows[from].place);
    }
    void replace_body() {
        const auto from = any();
        if (!rows_[from].record.body) return rewrite_tail();
        what_ = "replace: ";
        auto rows = rows_;
        auto& record = rows[from].record;
        record.body_digest = digest_of_body(record.salt, R"({"forged":true})");
        update(rows[from].place,
               "body = '{\"forged\":true}', body_digest = " + raw_->blob(bytes_of(record.body_digest)));
        rehash(from, rows);
        expect_since_signed(rows[from].place);
    }
    void drop_body() {
        const auto& row = rows_[any()];
        if (!row.record.body) return edit_column();
        what_ = "drop: ";
        update(row.place, "body = NULL");
        expect(row.place);
    }
    void drop_body_and_salt() {
        const auto& row = rows_[any()];
        if (!row.record.body || row.record.subject == erased_subject) return drop_body();
        what_ = "erase in secret: ";
        update(row.place, "body = NULL, salt = NULL");
        expect(row.place);
    }
    void swap_streams() {
        what_ = "exchange streams p0 and p1";
        const auto where = [&](const char* name) { return raw_->stream_row({acme, name, 0}); };
        const auto set = [&](const char* to, const char* from) {
            raw_->run("UPDATE " + raw_->schema() + "streams SET name = '" + to + "' WHERE " + where(from));
        };
        set("aside", "p0");
        set("p0", "p1");
        set("p1", "aside");
        expect({acme, "p0", 1});
        expect({acme, "p1", 1});
    }
    void swap_tenants() {
        what_ = "exchange tenants";
        const auto set = [&](const std::string& to, const std::string& from) {
            raw_->run("UPDATE " + raw_->schema() + "tenants SET name = '" + to + "' WHERE name = '" + from +
                      "'");
        };
        set("aside", acme.text());
        set(acme.text(), other_tenant.text());
        set(other_tenant.text(), "aside");
        for (const auto& tenant : {acme, other_tenant})
            for (const auto* stream : {"p0", "p1", "p2"}) expect({tenant, stream, 1});
    }
    void remove_stream() {
        what_ = "remove a stream whole";
        const auto index = end_of(any());
        const auto last = rows_[index].place;
        for (std::uint64_t seq = 1; seq <= last.seq; ++seq)
            raw_->run("DELETE FROM " + journal() + " WHERE " + raw_->row({last.tenant, last.stream, seq}));
        raw_->run("DELETE FROM " + raw_->schema() + "streams WHERE " + raw_->stream_row(last));
        expect({last.tenant, last.stream, 1});
    }

    Backend backend_;
    Folder folder_;
    std::mt19937 random_;
    std::unique_ptr<RawJournal> raw_;
    std::vector<Row> rows_;
    SignedHeads signed_;
    std::uint64_t signed_times_ = 0;
    std::vector<RowPlace> expected_;
    std::string what_;
};

std::string text_of(const std::vector<RowPlace>& places) {
    std::vector<std::string> texts;
    for (const auto& place : places)
        texts.push_back(place.tenant.text() + " " + place.stream + "#" + std::to_string(place.seq) + "\n");
    std::sort(texts.begin(), texts.end());
    std::string text;
    for (const auto& one : texts) text += one;
    return text;
}

std::vector<RowPlace> places_of(const ChainReport& report) {
    std::vector<RowPlace> places;
    for (const auto& fault : report.faults) places.push_back({fault.tenant, fault.stream, fault.seq});
    return places;
}

}  // namespace

TEST_CASE("forgery: every one is found at the first row that can be wrong", "[store][random]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    const auto seed = number_from("SIGNALBOX_SEED", 41);
    const auto count = number_from("SIGNALBOX_FORGERIES", 100);
    INFO(backend.name << ", seed " << seed);
    Forger forger(backend, seed);
    REQUIRE(text_of(places_of(forger.report())).empty());
    for (unsigned long i = 0; i < count; ++i) {
        forger.forge();
        INFO("forgery " << i << ": " << forger.what().substr(0, 400));
        const auto report = forger.report();
        REQUIRE(text_of(places_of(report)) == text_of(forger.expected()));
        forger.undo();
    }
    CHECK(forger.report().faults.empty());
    CHECK(forger.report().rows == forger.rows());
}

}  // namespace forgery_test
