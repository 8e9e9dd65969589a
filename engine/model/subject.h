#pragma once
/// Subject: the key of an entity inside a tenant, `kind/<connection>:<id>` or `kind/<id>`.

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

class Subject {
public:
    Subject() = default;
    /// Fails with invalid_input unless the text is `kind/rest` with a lower-case kind, at most 512 bytes and
    /// no control characters.
    static Result<Subject> parse(std::string_view text);
    static Subject of(std::string_view kind, std::string_view connection, std::string_view id);

    const std::string& text() const { return text_; }
    std::string_view kind() const;
    /// The connection that owns the entity; empty when the subject was given without one.
    std::string_view connection() const;
    /// The vendor's id: what follows the connection, or the kind.
    std::string_view id() const;

    friend auto operator<=>(const Subject&, const Subject&) = default;

private:
    explicit Subject(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace engine

template <>
struct std::hash<engine::Subject> {
    std::size_t operator()(const engine::Subject& subject) const noexcept {
        return std::hash<std::string>{}(subject.text());
    }
};
