#include "rules/script_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "engine/base/text.h"

namespace rules {

namespace {

bool starts_name(char c) {
    return c == '_' || std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool goes_on_name(char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

class Scanner {
public:
    explicit Scanner(std::string_view source) : source_(source) {}

    std::vector<LuaToken> all() {
        for (;;) {
            skip_blank();
            LuaToken token{LuaToken::Kind::end, {}, line_, column_};
            if (at_ >= source_.size()) {
                tokens_.push_back(token);
                return std::move(tokens_);
            }
            read(token);
            tokens_.push_back(token);
        }
    }

private:
    char here(std::size_t ahead = 0) const {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }
    void step(std::size_t bytes = 1) {
        for (; bytes > 0 && at_ < source_.size(); --bytes) {
            const auto byte = static_cast<unsigned char>(source_[at_++]);
            const bool goes_on = (byte & 0xC0U) == 0x80U;  // a character that began before
            if (!goes_on) ++column_;
            if (byte != '\n') continue;
            ++line_;
            column_ = 1;
        }
    }

    /// The level of `[==[` here, -1 = there is none.
    int long_bracket() const {
        if (here() != '[') return -1;
        std::size_t ahead = 1;
        while (here(ahead) == '=') ++ahead;
        return here(ahead) == '[' ? static_cast<int>(ahead) - 1 : -1;
    }
    std::string_view long_text(int level) {
        const auto closing = "]" + std::string(static_cast<std::size_t>(level), '=') + "]";
        const auto first = at_ + static_cast<std::size_t>(level) + 2;
        const auto end = std::min(source_.find(closing, first), source_.size());
        step(std::min(end + closing.size(), source_.size()) - at_);
        return source_.substr(std::min(first, source_.size()), end - std::min(first, end));
    }

    void skip_blank() {
        for (;;) {
            if (std::isspace(static_cast<unsigned char>(here())) != 0) {
                step();
            } else if (here() == '-' && here(1) == '-') {
                step(2);
                const int level = long_bracket();
                if (level >= 0)
                    long_text(level);
                else
                    while (at_ < source_.size() && here() != '\n') step();
            } else {
                return;
            }
        }
    }

    void read(LuaToken& token) {
        const auto start = at_;
        if (starts_name(here())) {
            token.kind = LuaToken::Kind::name;
            while (goes_on_name(here())) step();
        } else if (is_digit_at(0) || (here() == '.' && is_digit_at(1))) {
            token.kind = LuaToken::Kind::number;
            step_number();
        } else if (here() == '"' || here() == '\'') {
            return read_quoted(token);
        } else if (long_bracket() >= 0) {
            token.kind = LuaToken::Kind::text;
            token.is_long = true;
            token.words = long_text(long_bracket());
            return;
        } else {
            token.kind = LuaToken::Kind::mark;
            step(mark_size());
        }
        token.words = source_.substr(start, at_ - start);
    }
    bool is_digit_at(std::size_t ahead) const {
        return std::isdigit(static_cast<unsigned char>(here(ahead))) != 0;
    }
    void step_number() {
        const bool is_hex = here() == '0' && (here(1) == 'x' || here(1) == 'X');
        while (goes_on_name(here()) || here() == '.') {
            const char c = here();
            step();
            const bool is_exponent = is_hex ? c == 'p' || c == 'P' : c == 'e' || c == 'E';
            if (is_exponent && (here() == '+' || here() == '-')) step();
        }
    }
    void read_quoted(LuaToken& token) {
        token.kind = LuaToken::Kind::text;
        const char quote = here();
        step();
        const auto start = at_;
        while (at_ < source_.size() && here() != quote && here() != '\n') {
            const bool skips_blank = here() == '\\' && here(1) == 'z';
            step(here() == '\\' ? 2 : 1);
            while (skips_blank && std::isspace(static_cast<unsigned char>(here())) != 0) step();
        }
        token.words = source_.substr(start, at_ - start);
        step();
    }
    std::size_t mark_size() const {
        if (here() == '.' && here(1) == '.') return here(2) == '.' ? 3 : 2;
        constexpr std::array<std::string_view, 8> doubles{"==", "~=", "<=", ">=", "//", "::", "<<", ">>"};
        const auto two = source_.substr(at_, 2);
        return std::find(doubles.begin(), doubles.end(), two) != doubles.end() ? 2 : 1;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    int line_ = 1;
    int column_ = 1;
    std::vector<LuaToken> tokens_;
};

/// Reads the escapes of a quoted text.
class EscapeReader {
public:
    explicit EscapeReader(std::string_view words) : rest_(words) {}

    std::optional<std::string> all() {
        while (!rest_.empty() && is_good_) {
            const char c = take();
            if (c == '\\')
                read_escape();
            else
                text_ += c;
        }
        return is_good_ ? std::optional(std::move(text_)) : std::nullopt;
    }

private:
    char take() {
        if (rest_.empty()) {
            is_good_ = false;
            return '\0';
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void read_escape() {
        constexpr std::string_view names = "abfnrtv\\\"'\n";
        constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\\"'\n";
        const char c = take();
        const auto known = names.find(c);
        if (known != std::string_view::npos)
            text_ += meanings[known];
        else if (c == 'x')
            read_hexadecimal();
        else if (std::isdigit(static_cast<unsigned char>(c)) != 0)
            read_decimal(c);
        else if (c == 'u')
            read_point();
        else if (c == 'z')
            while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) take();
        else
            is_good_ = false;
    }

    /// Up to three digits, of which one has been taken.
    void read_decimal(char first) {
        std::string digits(1, first);
        while (digits.size() < 3 && !rest_.empty() &&
               std::isdigit(static_cast<unsigned char>(rest_.front())) != 0)
            digits += take();
        add_byte(digits, 10);
    }
    void read_hexadecimal() {
        const char first = take();
        add_byte({first, take()}, 16);
    }
    void add_byte(const std::string& digits, int base) {
        unsigned value = 0;
        const auto* const last = digits.data() + digits.size();
        const auto [end, error] = std::from_chars(digits.data(), last, value, base);
        is_good_ = is_good_ && error == std::errc() && end == last && value < 256;
        text_ += static_cast<char>(value);
    }
    void read_point() {
        const auto end = rest_.find('}');
        if (!rest_.starts_with('{') || end == std::string_view::npos) {
            is_good_ = false;
            return;
        }
        const auto digits = rest_.substr(1, end - 1);
        std::uint32_t point = 0;
        const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
        is_good_ = error == std::errc() && last == digits.data() + digits.size() && point < 0x110000;
        if (is_good_) engine::append_utf8(text_, point);
        rest_.remove_prefix(end + 1);
    }

    std::string_view rest_;
    std::string text_;
    bool is_good_ = true;
};

}  // namespace

std::vector<LuaToken> tokens_of(std::string_view source) {
    return Scanner(source).all();
}

std::optional<std::string> value_of(const LuaToken& text) {
    if (!text.is_long) return EscapeReader(text.words).all();
    auto words = text.words;
    // The end of the line behind the brackets is not part of it.
    if (words.starts_with("\r")) words.remove_prefix(1);
    if (words.starts_with("\n")) words.remove_prefix(1);
    return std::string(words);
}

bool is_kept_word(std::string_view name) {
    constexpr std::array<std::string_view, 22> words{
        "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
        "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"};
    return std::find(words.begin(), words.end(), name) != words.end();
}

}  // namespace rules
