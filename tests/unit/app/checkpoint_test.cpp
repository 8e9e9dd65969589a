// The sink of checkpoints: what it keeps, what it refuses, and what is found to be wrong with it.

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "engine/app/checkpoint_sink.h"
#include "engine/app/checkpoints.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace checkpoint_test {

using namespace engine;
using namespace engine::app;
using testing_folder::Folder;

namespace {

const TenantName acme(std::string("acme"));
const Instant noon = *parse_instant("2026-03-02T12:00:00Z");

StreamHead head(const std::string& stream, std::uint64_t seq) {
    return {stream, seq, sha256(stream + std::to_string(seq))};
}

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> lines_of(const std::string& path) {
    std::istringstream text(text_of(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

/// What is wrong with the lines; empty when all is right.
std::string check(const std::vector<std::string>& lines, std::vector<VerifyingKey> keys) {
    SinkCheck check(std::move(keys));
    for (const auto& line : lines)
        if (const auto taken = check.take(line); !taken) return taken.error().message;
    return "";
}

struct Sink {
    Folder folder;
    std::string path = folder.file("sink");
    SigningKey key = SigningKey::generate();
    CheckpointSink sink = *CheckpointSink::open(path);

    bool append(const std::vector<StreamHead>& heads, bool rollback = false) {
        const auto appended = sink.append(acme, heads, rollback, noon, key);
        REQUIRE(appended);
        return *appended;
    }
};

}  // namespace

TEST_CASE("checkpoint: each holds the streams that grew, and follows the one before", "[app]") {
    Sink sink;
    CHECK(sink.append({head("control", 1), head("p0", 5)}));
    CHECK_FALSE(sink.append({head("control", 1), head("p0", 5)}));
    CHECK(sink.append({head("control", 1), head("p0", 6)}));
    const auto lines = lines_of(sink.path);
    REQUIRE(lines.size() == 2);
    const auto second = parse_signed_line(lines[1]);
    REQUIRE(second);
    CHECK(second->checkpoint.number == 2);
    CHECK(second->checkpoint.heads.size() == 1);
    CHECK(second->checkpoint.previous == line_digest(lines[0]));
    CHECK(check(lines, {sink.key.verifying_key()}).empty());
}

TEST_CASE("checkpoint: whatever is changed in the sink is found", "[app]") {
    Sink sink;
    for (std::uint64_t i = 1; i <= 4; ++i) sink.append({head("p0", i)});
    const auto good = lines_of(sink.path);
    const auto key = sink.key.verifying_key();
    const auto with = [&](std::size_t place, const std::string& line) {
        auto lines = good;
        lines[place] = line;
        return check(lines, {key});
    };
    auto edited = good[1];
    edited.replace(edited.find("acme"), 4, "evil");
    CHECK(with(1, edited) == "the signature does not fit");
    CHECK(with(1, good[1] + " ") == "it is no canonical JSON object");
    CHECK_FALSE(with(1, "").empty());
    CHECK(check({good[0], good[2]}, {key}) == "it does not follow the line before");
    CHECK(check({good[1], good[0]}, {key}) == "it does not follow the line before");
    CHECK_THAT(check(good, {SigningKey::generate().verifying_key()}), Catch::Contains("was not given"));
    // A sink that was begun anew goes on from one that is kept elsewhere.
    CHECK(check({good[2], good[3]}, {key}).empty());
}

TEST_CASE("checkpoint: the key may change", "[app]") {
    Sink sink;
    sink.append({head("p0", 1)});
    const auto old = sink.key.verifying_key();
    sink.key = SigningKey::generate();
    sink.append({head("p0", 2)});
    CHECK(check(lines_of(sink.path), {old, sink.key.verifying_key()}).empty());
    CHECK_FALSE(check(lines_of(sink.path), {old}).empty());
}

TEST_CASE("checkpoint: a line that a power cut tore is cut off by the next", "[app]") {
    Sink sink;
    sink.append({head("p0", 1)});
    const auto whole = text_of(sink.path);
    sink.append({head("p0", 2)});
    const auto torn_at = GENERATE(std::size_t{1}, std::size_t{100}, std::size_t{0});
    const auto second = text_of(sink.path).substr(whole.size());
    std::ofstream(sink.path, std::ios::binary)
        << whole << second.substr(0, torn_at == 0 ? second.size() - 1 : torn_at);

    sink.sink = *CheckpointSink::open(sink.path);
    CHECK(sink.sink.lines() == 1);
    CHECK(sink.append({head("p0", 3)}));
    CHECK(lines_of(sink.path).size() == 2);
    CHECK(check(lines_of(sink.path), {sink.key.verifying_key()}).empty());
}

TEST_CASE("checkpoint: a file that was moved away is followed by a new one", "[app]") {
    Sink sink;
    sink.append({head("p0", 1), head("p1", 1)});
    const auto old = sink.path + ".old";
    REQUIRE(std::rename(sink.path.c_str(), old.c_str()) == 0);
    const bool restarted = GENERATE(false, true);
    if (restarted) sink.sink = *CheckpointSink::open(sink.path);
    sink.append({head("p0", 2), head("p1", 1)});
    SinkCheck check({sink.key.verifying_key()});
    for (const auto& path : {old, sink.path}) {
        check.begin_file();
        for (const auto& line : lines_of(path)) REQUIRE(check.take(line));
    }
    CHECK(check.lines() == 2);
}

TEST_CASE("checkpoint: two writers take turns", "[app]") {
    Sink one;
    auto other = *CheckpointSink::open(one.path);
    for (std::uint64_t i = 1; i <= 6; ++i) {
        auto& sink = i % 2 == 0 ? one.sink : other;
        REQUIRE(sink.append(acme, {head("p0", i)}, false, noon, one.key));
    }
    CHECK(lines_of(one.path).size() == 6);
    CHECK(check(lines_of(one.path), {one.key.verifying_key()}).empty());
}

TEST_CASE("checkpoint: a head that has gone back is not signed, unless that was accepted", "[app]") {
    Sink sink;
    sink.append({head("p0", 9), head("p1", 3)});
    const auto refused = sink.sink.append(acme, {head("p0", 8)}, false, noon, sink.key);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::corrupt);
    CHECK(sink.append({head("p0", 8)}, true));
    SinkCheck check({sink.key.verifying_key()});
    for (const auto& line : lines_of(sink.path)) REQUIRE(check.take(line));
    CHECK(check.rollbacks() == 1);
    CHECK(check.heads().size() == 1);
}

TEST_CASE("checkpoint: a sink that is no sink, or cannot be written, is an error", "[app]") {
    Folder folder;
    std::ofstream(folder.file("text")) << "hello\n";
    CHECK(CheckpointSink::open(folder.file("text")).error().code == Code::corrupt);
    auto sink = *CheckpointSink::open(folder.file("missing/sink"));
    const auto key = SigningKey::generate();
    CHECK(sink.append(acme, {head("p0", 1)}, false, noon, key).error().code == Code::unavailable);
}

TEST_CASE("checkpoint: the private key is its user's alone", "[app]") {
    Folder folder;
    const auto path = folder.file("sink.key");
    const auto made = load_or_make_key(path);
    REQUIRE(made);
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(load_or_make_key(path)->verifying_key().id() == made->verifying_key().id());
    CHECK(load_public_key(path + ".pub")->id() == made->verifying_key().id());
    std::ofstream(path) << "nonsense";
    CHECK(load_or_make_key(path).error().code == Code::invalid_input);
}

TEST_CASE("checkpoint: a store that is behind its sink is found, and may be accepted on record", "[app]") {
    Folder folder;
    const auto store = *open_sqlite(folder.file("store.db"));
    REQUIRE(store->own());
    const auto add = [&](int rows) {
        Step step;
        step.tenant = acme;
        step.time = noon;
        NewRecord record;
        record.stream = "p0";
        record.kind = record_kind::attempt;
        record.body = "{}";
        step.records.assign(static_cast<std::size_t>(rows), record);
        REQUIRE(store->commit(std::span(&step, 1)));
    };
    add(5);
    Sink sink;
    REQUIRE(make_checkpoints(*store, sink.sink, sink.key, noon));
    CHECK(find_rollbacks(*store, sink.sink)->empty());
    add(5);
    CHECK(find_rollbacks(*store, sink.sink)->empty());
    sink.append({head("p0", 20)});

    const auto rollbacks = *find_rollbacks(*store, sink.sink);
    REQUIRE(rollbacks.size() == 1);
    CHECK(rollbacks[0].signed_seq == 20);
    CHECK(rollbacks[0].stored_seq == 10);
    CHECK(make_checkpoints(*store, sink.sink, sink.key, noon).error().code == Code::corrupt);
    REQUIRE(accept_rollbacks(*store, rollbacks, sink.sink, sink.key, "operator:test", noon));
    CHECK(find_rollbacks(*store, sink.sink)->empty());
    const auto row = *store->record(acme, control_stream, 1);
    REQUIRE(row);
    CHECK(row->kind == record_kind::operator_act);
    CHECK_THAT(*row->body, Catch::Contains("accept-rollback"));

    SinkCheck check({sink.key.verifying_key()});
    for (const auto& line : lines_of(sink.path)) REQUIRE(check.take(line));
    VerifyOptions options;
    options.signed_heads = &check.heads();
    OpenOptions reading;
    reading.read_only = true;
    const auto report = verify([&] { return open_sqlite(folder.file("store.db"), reading); }, options);
    REQUIRE(report);
    CHECK(report->faults.empty());
    CHECK(report->signed_heads == 2);
}

}  // namespace checkpoint_test
