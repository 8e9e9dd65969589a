#pragma once
/// What a function returns when input, network, database or script can make it fail.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace engine {

/// Says what the caller may do next, not where the failure came from.
enum class Code {
    invalid_input,    ///< the caller's data is wrong; the same call will fail again
    not_found,        ///< the named thing does not exist
    conflict,         ///< it exists already, or somebody else changed it first
    unavailable,      ///< nothing was done; the same call may work later
    outcome_unknown,  ///< it may or may not have been done; look before doing it again
    exhausted,        ///< a limit was reached; the message names the setting
    denied,           ///< the caller may not do this
    corrupt,          ///< stored data contradicts itself; a person must look
};

std::string_view name_of(Code code);

struct Error {
    Code code;
    std::string message;  ///< names the thing and the reason; never a secret
};

/// A value or an Error. Check it on the next line; reading the wrong side aborts.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T& operator*() & { return std::get<0>(state_); }
    const T& operator*() const& { return std::get<0>(state_); }
    T&& operator*() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &std::get<0>(state_); }
    const T* operator->() const { return &std::get<0>(state_); }
    const Error& error() const { return std::get<1>(state_); }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const { return !error_.has_value(); }
    const Error& error() const { return error_.value(); }

private:
    std::optional<Error> error_;
};

inline Error invalid(std::string message) {
    return {Code::invalid_input, std::move(message)};
}
inline Error not_found(std::string message) {
    return {Code::not_found, std::move(message)};
}
inline Error unavailable(std::string message) {
    return {Code::unavailable, std::move(message)};
}
inline Error exhausted(std::string message) {
    return {Code::exhausted, std::move(message)};
}
inline Error denied(std::string message) {
    return {Code::denied, std::move(message)};
}

}  // namespace engine
