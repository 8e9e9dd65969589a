#include "rules/checker/pattern_text.h"

#include <algorithm>
#include <charconv>

namespace rules {
namespace {

/// Walks the pattern once and takes the first way at every fork.
class Reader {
public:
    explicit Reader(std::string_view pattern) : rest_(pattern) {}

    std::string alternatives() {
        auto first = sequence();
        while (take('|')) sequence();
        return first;
    }

private:
    static constexpr std::size_t repeats_max = 40;

    bool at_end() const { return rest_.empty(); }
    bool take(char c) {
        if (at_end() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    char next() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    std::string sequence() {
        std::string text;
        while (!at_end() && rest_.front() != '|' && rest_.front() != ')') text += repeated(atom());
        return text;
    }

    std::string atom() {
        switch (const char c = next()) {
            case '^':
            case '$':
                return "";
            case '.':
                return "a";
            case '(':
                return group();
            case '[':
                return one_of_class();
            case '\\':
                return at_end() ? "" : escaped(next());
            default:
                return std::string(1, c);
        }
    }

    std::string group() {
        if (take('?')) skip_flags();
        auto text = alternatives();
        take(')');
        return text;
    }

    /// `(?:`, `(?i)`, `(?P<name>`.
    void skip_flags() {
        while (!at_end() && rest_.front() != ')') {
            const char c = next();
            if (c == ':' || c == '>') return;
        }
    }

    static std::string escaped(char c) {
        switch (c) {
            case 'd':
                return "1";
            case 'w':
                return "a";
            case 's':
                return " ";
            case 'D':
            case 'S':
                return "a";
            case 'W':
                return "-";
            case 'n':
                return "\n";
            case 't':
                return "\t";
            case 'b':
            case 'B':
            case 'A':
            case 'z':
                return "";
            default:
                return std::string(1, c);
        }
    }

    std::string one_of_class() {
        const bool negated = take('^');
        std::string all;
        while (!at_end()) {
            if (rest_.front() == ']' && !all.empty()) break;
            const char c = next();
            all += c == '\\' && !at_end() ? escaped(next()) : std::string(1, c);
        }
        take(']');
        if (!negated) return all.substr(0, 1);
        for (const char c : std::string_view("xyz019-_ "))
            if (all.find(c) == std::string::npos) return std::string(1, c);
        return "";
    }

    std::string repeated(const std::string& text) {
        if (take('*') || take('?')) {
            take('?');
            return "";
        }
        if (take('+')) {
            take('?');
            return text;
        }
        if (at_end() || rest_.front() != '{') return text;
        std::size_t count = 1;
        const auto end = rest_.find('}');
        const auto digits = rest_.substr(1, end == std::string_view::npos ? rest_.size() : end);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), count).ec != std::errc())
            return text;
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        std::string all;
        for (std::size_t i = 0; i < std::min(count, repeats_max); ++i) all += text;
        return all;
    }

    std::string_view rest_;
};

}  // namespace

std::string text_for_pattern(std::string_view pattern) {
    return Reader(pattern).alternatives();
}

}  // namespace rules
