#include "rules/lua/worker_frame.h"

#include <cstring>
#include <limits>

#include "engine/base/ensure.h"

namespace rules {
namespace {

constexpr std::uint16_t frame_mark = 0x5342;  // `BS`, as this machine writes it
constexpr std::uint8_t frame_version = 1;

struct FrameHead {
    std::uint16_t mark = frame_mark;
    std::uint8_t version = frame_version;
    std::uint8_t kind = 0;
    std::uint32_t body_bytes = 0;
    std::uint64_t id = 0;
};
static_assert(sizeof(FrameHead) == 16);

bool is_known(const FrameHead& head) {
    return head.mark == frame_mark && head.version == frame_version &&
           head.kind >= static_cast<std::uint8_t>(FrameKind::hello) &&
           head.kind <= static_cast<std::uint8_t>(FrameKind::covered);
}

}  // namespace

void append_frame(std::string& to, FrameKind kind, std::uint64_t id, std::string_view body) {
    ENSURE(body.size() <= std::numeric_limits<std::uint32_t>::max());
    FrameHead head;
    head.kind = static_cast<std::uint8_t>(kind);
    head.body_bytes = static_cast<std::uint32_t>(body.size());
    head.id = id;
    to.append(reinterpret_cast<const char*>(&head), sizeof head);
    to.append(body);
}

void FrameReader::append(std::string_view bytes) {
    bytes_.erase(0, begin_);
    begin_ = 0;
    bytes_.append(bytes);
}

std::optional<Frame> FrameReader::next() {
    FrameHead head;
    if (broken_ || bytes_.size() - begin_ < sizeof head) return std::nullopt;
    std::memcpy(&head, bytes_.data() + begin_, sizeof head);
    broken_ = !is_known(head) || head.body_bytes > body_bytes_max_;
    if (broken_ || bytes_.size() - begin_ - sizeof head < head.body_bytes) return std::nullopt;
    const auto body = std::string_view(bytes_).substr(begin_ + sizeof head, head.body_bytes);
    begin_ += sizeof head + head.body_bytes;
    return Frame{static_cast<FrameKind>(head.kind), head.id, body};
}

}  // namespace rules
