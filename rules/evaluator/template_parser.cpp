#include "rules/evaluator/template_parser.h"

#include <optional>
#include <utility>

#include "engine/base/diagnostic.h"
#include "rules/evaluator/filters.h"

namespace rules {
namespace {

using engine::Json;
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_key_character(char c) {
    constexpr std::string_view ends = "{}|:,.'\"()[]";
    return static_cast<unsigned char>(c) > ' ' && ends.find(c) == std::string_view::npos;
}

class ExpressionParser {
public:
    ExpressionParser(std::string_view text, std::size_t open) : text_(text), open_(open), at_(open + 2) {}

    std::variant<Expression, TemplateError> parse() {
        Expression expression;
        if (!parse_path(expression.path)) return *error_;
        while (accept("|")) {
            FilterCall call;
            if (!parse_filter(call)) return *error_;
            expression.filters.push_back(std::move(call));
        }
        if (!accept("}}")) return unfinished();
        return expression;
    }

    std::size_t position() const { return at_; }

private:
    TemplateError unfinished() {
        fail(at_, TemplateError::Kind::syntax, "expected | or }} before this");
        return *error_;
    }

    /// Where the text ends too early, what is wrong is that nothing closes the braces.
    bool fail(std::size_t offset, TemplateError::Kind kind, std::string message) {
        if (offset >= text_.size())
            error_ = TemplateError{open_, TemplateError::Kind::syntax, "{{ is not closed by }}"};
        else
            error_ = TemplateError{offset, kind, std::move(message)};
        return false;
    }

    void skip_space() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }

    bool accept(std::string_view token) {
        skip_space();
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }

    std::string_view word() {
        const auto start = at_;
        while (at_ < text_.size() && is_key_character(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }

    bool parse_path(engine::Path& path) {
        skip_space();
        const auto start = at_;
        do {
            const auto key = word();
            if (key.empty())
                return fail(at_ < text_.size() ? start : at_, TemplateError::Kind::syntax,
                            "expected a field such as ticket.subject");
            path.emplace_back(key);
        } while (at_ < text_.size() && text_[at_] == '.' && ++at_ < text_.size());
        return true;
    }

    bool parse_filter(FilterCall& call) {
        skip_space();
        const auto start = at_;
        call.name = std::string(word());
        if (call.name.empty())
            return fail(start, TemplateError::Kind::syntax, "expected the name of a filter after |");
        if (!is_filter(call.name)) return unknown_filter(start, call.name);
        if (accept(":") && !parse_arguments(call)) return false;
        if (const auto problem = argument_problem(call))
            return fail(start, TemplateError::Kind::filter_arguments,
                        "the filter " + call.name + " " + *problem);
        return true;
    }

    bool unknown_filter(std::size_t start, const std::string& name) {
        return fail(start, TemplateError::Kind::unknown_filter,
                    "unknown filter \"" + name + "\"" + engine::hint(name, filter_names()));
    }

    bool parse_arguments(FilterCall& call) {
        do {
            Json argument;
            if (!parse_argument(argument)) return false;
            call.arguments.push_back(std::move(argument));
        } while (accept(","));
        return true;
    }

    bool parse_argument(Json& argument) {
        skip_space();
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return parse_quoted(argument);
        return parse_bare(argument);
    }

    /// Everything up to the same quote; the other quote may stand inside.
    bool parse_quoted(Json& argument) {
        const auto close = text_.find(text_[at_], at_ + 1);
        if (close == std::string_view::npos)
            return fail(at_, TemplateError::Kind::syntax, "a quote without its end");
        argument = std::string(text_.substr(at_ + 1, close - at_ - 1));
        at_ = close + 1;
        return true;
    }

    bool parse_bare(Json& argument) {
        const auto start = at_;
        while (at_ < text_.size() && (is_key_character(text_[at_]) || text_[at_] == '.')) ++at_;
        const auto bare = text_.substr(start, at_ - start);
        const auto value = engine::parse_json(bare);
        if (!value || !(value->is_number() || value->is_boolean()))
            return fail(start, TemplateError::Kind::filter_arguments,
                        "an argument is a quoted text, a number, true or false");
        argument = *value;
        return true;
    }

    std::string_view text_;
    std::size_t open_;
    std::size_t at_;
    std::optional<TemplateError> error_;
};

}  // namespace

std::variant<Expression, TemplateError> parse_expression(std::string_view text, std::size_t& open) {
    ExpressionParser parser(text, open);
    auto result = parser.parse();
    open = parser.position();
    return result;
}

}  // namespace rules
