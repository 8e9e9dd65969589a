#include "engine/model/subject.h"

#include <algorithm>

namespace engine {
namespace {

constexpr std::size_t subject_bytes_max = 512;

bool is_kind(std::string_view kind) {
    if (kind.empty() || kind.front() < 'a' || kind.front() > 'z') return false;
    return std::all_of(kind.begin(), kind.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_connection_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

}  // namespace

Result<Subject> Subject::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || slash + 1 == text.size() || !is_kind(text.substr(0, slash)))
        return invalid("subject \"" + std::string(text.substr(0, 80)) + "\" is not <kind>/<id>");
    if (text.size() > subject_bytes_max)
        return invalid("subject is longer than " + std::to_string(subject_bytes_max) + " bytes");
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
        return invalid("subject holds control characters");
    return Subject(std::string(text));
}

Subject Subject::of(std::string_view kind, std::string_view connection, std::string_view id) {
    std::string text(kind);
    text += '/';
    if (!connection.empty()) {
        text += connection;
        text += ':';
    }
    text += id;
    return Subject(std::move(text));
}

std::string_view Subject::kind() const {
    return std::string_view(text_).substr(0, text_.find('/'));
}

std::string_view Subject::connection() const {
    const auto slash = text_.find('/');
    if (slash == std::string::npos) return {};
    const auto colon = text_.find(':', slash);
    if (colon == std::string::npos) return {};
    const auto name = std::string_view(text_).substr(slash + 1, colon - slash - 1);
    return is_connection_name(name) ? name : std::string_view{};
}

std::string_view Subject::id() const {
    const auto name = connection();
    const auto start = text_.find('/') + 1;
    return std::string_view(text_).substr(start + (name.empty() ? 0 : name.size() + 1));
}

}  // namespace engine
