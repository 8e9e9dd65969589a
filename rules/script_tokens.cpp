#include "rules/script_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>

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
            LuaToken token{LuaToken::Kind::end, {}, line_, column()};
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
    int column() const { return static_cast<int>(at_ - line_start_) + 1; }
    void step(std::size_t bytes = 1) {
        for (; bytes > 0 && at_ < source_.size(); --bytes)
            if (source_[at_++] == '\n') {
                ++line_;
                line_start_ = at_;
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
        } else if (std::isdigit(static_cast<unsigned char>(here())) != 0) {
            token.kind = LuaToken::Kind::number;
            while (goes_on_name(here()) || here() == '.') step();
        } else if (here() == '"' || here() == '\'') {
            return read_quoted(token);
        } else if (long_bracket() >= 0) {
            token.kind = LuaToken::Kind::text;
            token.words = long_text(long_bracket());
            return;
        } else {
            token.kind = LuaToken::Kind::mark;
            step(mark_size());
        }
        token.words = source_.substr(start, at_ - start);
    }
    void read_quoted(LuaToken& token) {
        token.kind = LuaToken::Kind::text;
        const char quote = here();
        step();
        const auto start = at_;
        while (at_ < source_.size() && here() != quote && here() != '\n') step(here() == '\\' ? 2 : 1);
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
    std::size_t line_start_ = 0;
    int line_ = 1;
    std::vector<LuaToken> tokens_;
};

}  // namespace

std::vector<LuaToken> tokens_of(std::string_view source) {
    return Scanner(source).all();
}

}  // namespace rules
