#include "engine/pipeline/journal_walk.h"

namespace engine {
namespace {

constexpr std::size_t walked_rows = 256;

}  // namespace

Result<void> JournalWalk::start() {
    const auto heads = store_.streams(tenant_);
    if (!heads) return heads.error();
    for (const auto& head : *heads) {
        streams_.push_back({head.stream, head.seq, head.detached_seq, {}});
        if (head.detached_seq > 0) detached_[head.stream] = head.detached_seq;
    }
    return {};
}

std::optional<std::size_t> JournalWalk::stream_named(const std::string& name) const {
    for (std::size_t i = 0; i < streams_.size(); ++i)
        if (streams_[i].name == name) return i;
    return std::nullopt;
}

Result<void> JournalWalk::fill(Stream& stream) {
    if (!stream.page.empty() || stream.read >= stream.head) return {};
    const auto before = stream.read;
    const auto scanned = store_.scan(tenant_, stream.name, before, [&](const JournalRecord& record) {
        if (record.seq > stream.head) return false;
        stream.read = record.seq;
        stream.page.push_back(record);
        return stream.page.size() < walked_rows;
    });
    if (!scanned) return scanned.error();
    const bool whole = !stream.page.empty() && stream.page.front().seq == before + 1 &&
                       stream.read - before == stream.page.size();
    if (!whole)
        return Error{Code::corrupt, "stream " + stream.name + " lacks rows after " + std::to_string(before) +
                                        ": see `signalbox audit verify`"};
    return {};
}

Result<const JournalRecord*> JournalWalk::next(std::size_t index) {
    auto& stream = streams_[index];
    if (auto filled = fill(stream); !filled) return filled.error();
    return stream.page.empty() ? nullptr : &stream.page.front();
}

void JournalWalk::move_on(std::size_t index) {
    streams_[index].page.pop_front();
    ++rows_;
}

Result<std::optional<std::size_t>> JournalWalk::earliest() {
    std::optional<std::size_t> found;
    Instant time{};
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const auto row = next(i);
        if (!row) return row.error();
        if (*row == nullptr || (found && (*row)->time >= time)) continue;
        found = i;
        time = (*row)->time;
    }
    return found;
}

}  // namespace engine
