// Bytes as what a script worker and the daemon send each other. Whatever comes, it is read or refused; what
// was read is written as it was meant, and it does not matter in which pieces frames arrive.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "rules/lua/worker_frame.h"
#include "rules/lua/worker_wire.h"
#include "tests/fuzz/finding.h"

using namespace rules;

namespace {

constexpr std::size_t body_bytes_max = 2048;

struct Stream {
    std::vector<std::tuple<FrameKind, std::uint64_t, std::string>> frames;
    bool is_broken = false;
    bool has_more = false;
    friend bool operator==(const Stream&, const Stream&) = default;
};

Stream read_in_pieces(std::string_view bytes, std::size_t piece) {
    FrameReader reader(body_bytes_max);
    Stream stream;
    while (!bytes.empty()) {
        const auto next = bytes.substr(0, piece);
        bytes.remove_prefix(next.size());
        reader.append(next);
        while (const auto frame = reader.next())
            stream.frames.emplace_back(frame->kind, frame->id, std::string(frame->body));
    }
    stream.is_broken = reader.is_broken();
    stream.has_more = reader.has_more();
    return stream;
}

/// What is read without a fault has one form in bytes, and reads as the same again.
template <class Read>
bool check_message(const char* what, std::string_view body, const Read& read) {
    WireReader reader(body);
    const auto message = read(reader);
    if (!reader.is_done()) return false;
    WireWriter writer;
    write(writer, message);
    const auto bytes = writer.take();
    WireReader again_reader(bytes);
    const auto again = read(again_reader);
    if (!again_reader.is_done()) fuzz::finding(std::string(what) + " is refused as we write it");
    WireWriter again_writer;
    write(again_writer, again);
    if (again_writer.take() != bytes) fuzz::finding(std::string(what) + " changes when it is read again");
    return true;
}

void check_outcome(std::string_view body) {
    const bool is_good = check_message("an outcome", body, read_outcome);
    if (!is_good) return;
    WireReader reader(body);
    const auto outcome = read_outcome(reader);
    if (!outcome.effects.is_array()) fuzz::finding("effects that are no list");
    if (outcome.need && outcome.failure) fuzz::finding("a need beside a failure");
    if ((outcome.need || outcome.failure) && !outcome.effects.empty())
        fuzz::finding("effects of a run that did not end well");
    if (outcome.need && outcome.need->key.empty()) fuzz::finding("a need without a key");
    if (outcome.failure && outcome.failure->lost) fuzz::finding("a worker that says it was lost");
    (void)outcome.result.dump();  // throws at what is not UTF-8
    (void)outcome.effects.dump();
}

void check_body(FrameKind kind, std::string_view body) {
    WireReader numbered(body);
    switch (kind) {
        case FrameKind::hello:
            numbered.text();
            return;
        case FrameKind::drop:
            numbered.number();
            return;
        case FrameKind::load:
            check_message("a set", body, read_set);
            return;
        case FrameKind::loaded:
            check_message("diagnostics", body, read_diagnostics);
            check_message("code", body, read_code);
            return;
        case FrameKind::run:
            check_message("a call", body, read_call);
            return;
        case FrameKind::outcome:
            return check_outcome(body);
        case FrameKind::check:
            check_message("a check", body, read_check);
            return;
        case FrameKind::found:
            check_message("diagnostics", body, read_diagnostics);
            return;
        case FrameKind::cover:
            numbered.number();
            return;
        case FrameKind::covered:
            check_message("covered lines", body, read_coverage);
            return;
    }
    fuzz::finding("a frame of no kind");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    // The body alone, as whatever it may be: heads are hard to guess.
    if (data[0] < 0x80) {
        check_body(static_cast<FrameKind>(data[0] % 10 + 1), bytes);
        return 0;
    }
    const auto whole = read_in_pieces(bytes, bytes.size());
    for (const auto& [kind, id, body] : whole.frames) {
        if (body.size() > body_bytes_max) fuzz::finding("a longer body than may come");
        check_body(kind, body);
        std::string frame;
        append_frame(frame, kind, id, body);
        if (bytes.find(frame) == std::string_view::npos) fuzz::finding("a frame that nobody sent");
    }
    const std::size_t piece = std::max<std::size_t>(data[0] & 0x7FU, 1);
    if (!(read_in_pieces(bytes, piece) == whole)) fuzz::finding("other frames when they come in pieces");
    return 0;
}
