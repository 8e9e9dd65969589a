#pragma once
/// Frames between the daemon and a script worker: a head of fixed length, which says how long the body is,
/// and the body.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rules {

enum class FrameKind : std::uint8_t {
    hello = 1,    ///< worker: it is confined; the body says what kept it from that, or nothing
    load = 2,     ///< daemon: a set to compile and keep, under the number that begins the body
    loaded = 3,   ///< worker: what is wrong with it
    run = 4,      ///< daemon: the number of a set, and a call
    outcome = 5,  ///< worker: what came of it
    drop = 6,     ///< daemon: forget a set; not answered
    check = 7,    ///< daemon: files to be looked at; they are not kept
    found = 8,    ///< worker: what is wrong with them
    cover = 9,    ///< daemon: the number of a set; which of its lines were run
    covered = 10  ///< worker: those lines
};

struct Frame {
    FrameKind kind{};
    std::uint64_t id = 0;   ///< of the request; its answer has the same
    std::string_view body;  ///< until the next call of FrameReader::append
};

void append_frame(std::string& to, FrameKind kind, std::uint64_t id, std::string_view body);

/// Puts frames together from what comes in.
class FrameReader {
public:
    explicit FrameReader(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

    void append(std::string_view bytes);
    void set_body_bytes_max(std::size_t body_bytes_max) { body_bytes_max_ = body_bytes_max; }
    /// The next whole frame. Nothing when more must come or, and then `is_broken`, when what came is no frame
    /// of this version or a longer one than may come.
    std::optional<Frame> next();
    bool is_broken() const { return broken_; }
    /// Something came that is no part of a frame that was taken.
    bool has_more() const { return begin_ < bytes_.size(); }

private:
    std::size_t body_bytes_max_;
    std::string bytes_;
    std::size_t begin_ = 0;
    bool broken_ = false;
};

}  // namespace rules
