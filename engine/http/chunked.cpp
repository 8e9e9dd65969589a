#include "engine/http/chunked.h"

#include <algorithm>
#include <charconv>

namespace engine::http {
namespace {

constexpr std::size_t size_digits_max = 8;

/// Cuts the CRLF off; false when the line ends otherwise or holds a control character.
bool chop(std::string& line) {
    if (line.size() < 2 || line[line.size() - 2] != '\r') return false;
    line.resize(line.size() - 2);
    return std::none_of(line.begin(), line.end(), is_control);
}

Refusal bad_chunk(std::string_view detail) {
    return {400, "bad-chunk", detail};
}

}  // namespace

std::size_t ChunkedReader::line_bytes_max() const {
    switch (state_) {
        case State::size:
            return size_digits_max + limits_.extension_bytes_max + 2;
        case State::data_end:
            return 2;
        default:
            return limits_.trailer_bytes_max;
    }
}

bool ChunkedReader::take_line(std::string_view& bytes) {
    const auto newline = bytes.find('\n');
    const auto count = newline == std::string_view::npos ? bytes.size() : newline + 1;
    // One byte over the limit is kept, so that the caller sees that the line is too long.
    const auto room = line_bytes_max() + 1 - line_.size();
    line_.append(bytes.substr(0, std::min(count, room)));
    bytes.remove_prefix(std::min(count, room));
    return line_.back() == '\n' || line_.size() > line_bytes_max();
}

std::variant<std::monostate, Refusal> ChunkedReader::read_size(std::size_t body_size) {
    const auto digits = std::min(line_.find(';'), line_.size());
    if (digits == 0 || digits > size_digits_max)
        return bad_chunk("a chunk's size is no hexadecimal number of 1 to 8 digits");
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + digits, remaining_, 16);
    if (error != std::errc{} || end != line_.data() + digits)
        return bad_chunk("a chunk's size is no hexadecimal number of 1 to 8 digits");
    if (remaining_ > limits_.body_bytes_max - body_size)
        return Refusal{413, "body-too-large", "the body is larger than this resource takes"};
    state_ = remaining_ == 0 ? State::trailer : State::data;
    return std::monostate{};
}

std::variant<std::monostate, Refusal> ChunkedReader::read_trailer() {
    trailer_bytes_ += line_.size() + 2;
    if (trailer_bytes_ > limits_.trailer_bytes_max)
        return Refusal{431, "trailer-too-long", "the trailer is longer than the server takes"};
    if (line_.empty())
        state_ = State::done;
    else if (line_.front() == ' ' || line_.front() == '\t' || line_.find(':') == std::string::npos)
        return bad_chunk("a trailer line is no header");
    return std::monostate{};
}

std::variant<std::monostate, Refusal> ChunkedReader::read_line(std::size_t body_size) {
    if (line_.size() > line_bytes_max()) return bad_chunk("a chunk's line is longer than the server takes");
    if (!chop(line_)) return bad_chunk("a chunk's line does not end in CRLF or holds a control character");
    if (state_ == State::size) return read_size(body_size);
    if (state_ == State::trailer) return read_trailer();
    if (!line_.empty()) return bad_chunk("a chunk is longer than its size says");
    state_ = State::size;
    return std::monostate{};
}

void ChunkedReader::take_data(std::string_view& bytes, std::string& body) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
    body.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    remaining_ -= count;
    if (remaining_ == 0) state_ = State::data_end;
}

std::variant<std::size_t, Refusal> ChunkedReader::take(std::string_view bytes, std::string& body) {
    const auto size = bytes.size();
    while (!bytes.empty() && state_ != State::done) {
        if (state_ == State::data) {
            take_data(bytes, body);
        } else if (take_line(bytes)) {
            const auto read = read_line(body.size());
            if (const auto* refusal = std::get_if<Refusal>(&read)) return *refusal;
            line_.clear();
        }
    }
    return size - bytes.size();
}

}  // namespace engine::http
