#pragma once
/// Just enough HTTP to measure with: whole messages with a length, one after another on one connection.

#include <optional>
#include <string>
#include <string_view>

namespace engine::app {

/// Views into the bytes it was found in.
struct WireMessage {
    std::string_view head;  ///< with the empty line
    std::string_view body;
    std::size_t size() const { return head.size() + body.size(); }
};

/// The first whole message of the bytes; nothing while it is not all there. A message without a length has no
/// body.
std::optional<WireMessage> first_message(std::string_view bytes);

/// Of an answer's first line; 0 when it is none.
int status_of(const WireMessage& message);

/// A POST of JSON with these headers, each `Name: value`.
std::string post_request(const std::string& target, const std::string& header, const std::string& body);

}  // namespace engine::app
