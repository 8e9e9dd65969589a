/// Bytes between daemon and worker: what is written is read, and nothing else is.

#include "rules/lua/worker_frame.h"
#include "rules/lua/worker_wire.h"
#include "tests/support/catch.h"

namespace tests::lua_worker_wire {
namespace {

using rules::FrameKind;
using rules::WireReader;
using rules::WireWriter;

std::string rich_outcome() {
    rules::ScriptOutcome outcome;
    outcome.result = {{"a", {1, -1, 0.25, "ä", nullptr, true}}, {"b", engine::Json::object()}};
    outcome.log = {"one", "two"};
    outcome.failure = rules::ScriptFailure{"m", {"f", 1, 2}, {"t"}, "fuel_max"};
    outcome.fuel_used = 1'000'000;
    WireWriter writer;
    write(writer, outcome);
    return writer.take();
}

bool reads_outcome(std::string_view bytes) {
    WireReader reader(bytes);
    const auto outcome = read_outcome(reader);
    // What was read can be printed, whatever it is.
    return !outcome.result.dump().empty() && !outcome.effects.dump().empty() && reader.is_done();
}

}  // namespace

TEST_CASE("lua worker wire: a message that is cut anywhere is no message", "[lua-worker]") {
    const auto bytes = rich_outcome();
    CHECK(reads_outcome(bytes));
    CHECK_FALSE(reads_outcome(bytes + "x"));
    for (std::size_t i = 0; i < bytes.size(); ++i) CHECK_FALSE(reads_outcome(bytes.substr(0, i)));
}

TEST_CASE("lua worker wire: a need says what it needs", "[lua-worker]") {
    const auto reads = [](const std::string& key) {
        rules::ScriptOutcome outcome;
        outcome.need = rules::ScriptNeed{key, "crm.find", engine::Json::object(), {}, {}};
        WireWriter writer;
        write(writer, outcome);
        return reads_outcome(writer.take());
    };
    CHECK(reads("k"));
    // Without a key it would be asked for ever: that is how decisions ahead end.
    CHECK_FALSE(reads(""));
}

TEST_CASE("lua worker wire: no byte that is changed does harm", "[lua-worker]") {
    auto bytes = rich_outcome();
    std::size_t read = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        for (int value = 0; value < 256; ++value) {
            const char before = std::exchange(bytes[i], static_cast<char>(value));
            read += reads_outcome(bytes) ? 1 : 0;
            bytes[i] = before;
        }
    CHECK(read > bytes.size());  // other texts and numbers
}

TEST_CASE("lua worker wire: frames come whole, in whatever pieces", "[lua-worker]") {
    std::string bytes;
    for (std::uint64_t id = 1; id <= 5; ++id)
        rules::append_frame(bytes, FrameKind::outcome, id, std::string(id * 10, 'x'));
    for (const std::size_t piece : {1U, 7U, 16U, 1'000U}) {
        rules::FrameReader reader(50);
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < bytes.size(); i += piece) {
            reader.append(std::string_view(bytes).substr(i, piece));
            while (const auto frame = reader.next()) {
                CHECK(frame->id == ++last);
                CHECK(frame->body == std::string(last * 10, 'x'));
            }
        }
        CHECK(last == 5);
        CHECK_FALSE(reader.is_broken());
        CHECK_FALSE(reader.has_more());
    }
    rules::FrameReader narrow(49);
    narrow.append(bytes);
    while (narrow.next()) continue;
    CHECK(narrow.is_broken());
}

TEST_CASE("lua worker wire: a set comes as it is, also when it is not UTF-8", "[lua-worker]") {
    rules::ScriptSet set{"acme", "7", {{"scripts/a.lua", "return '\xFF\0'"}, {"b", ""}}, {}};
    set.limits.fuel_max = 1;
    set.limits.deadline = std::chrono::milliseconds(7);
    set.limits.calls_max = 3;
    WireWriter writer;
    write(writer, set);
    const auto bytes = writer.take();

    WireReader reader(bytes);
    const auto read = read_set(reader);

    CHECK(reader.is_done());
    CHECK(read.tenant == set.tenant);
    CHECK(read.version == set.version);
    CHECK(read.limits == set.limits);
    REQUIRE(read.files.size() == 2);
    CHECK(read.files[0].source == set.files[0].source);
}

}  // namespace tests::lua_worker_wire
