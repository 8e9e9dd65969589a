#include "rules/evaluator/template.h"

#include <algorithm>
#include <utility>

#include "rules/evaluator/filters.h"
#include "rules/evaluator/step_checks.h"
#include "rules/evaluator/template_parser.h"

namespace rules {
namespace {

using engine::Json;
using engine::Result;

engine::Error too_long(std::size_t bytes_max) {
    return engine::exhausted("a rendered text is longer than " + named_limit("text_bytes_max", bytes_max));
}

bool is_longer(const Json& value, std::size_t bytes_max) {
    const auto* text = value.get_ptr<const Json::string_t*>();
    return text && text->size() > bytes_max;
}

engine::Error at(const Expression& expression, const engine::Error& error) {
    return {error.code, "{{ " + engine::dotted(expression.path) + " }}: " + error.message};
}

Result<Json> evaluate(const Expression& expression, const Lookup& lookup, std::size_t bytes_max) {
    const auto* found = lookup(expression.path);
    Json value = found ? *found : Json();
    for (const auto& filter : expression.filters) {
        auto filtered = apply_filter(filter, std::move(value));
        if (!filtered) return at(expression, filtered.error());
        value = std::move(*filtered);
        if (is_longer(value, bytes_max)) return at(expression, too_long(bytes_max));
    }
    if (is_longer(value, bytes_max)) return at(expression, too_long(bytes_max));
    return value;
}

void append(std::vector<Expression>& all, std::vector<Expression> more) {
    for (auto& expression : more) all.push_back(std::move(expression));
}

}  // namespace

std::variant<Template, TemplateError> Template::parse(std::string_view text) {
    Template result;
    result.source_ = std::string(text);
    std::size_t at = 0;
    while (at < text.size()) {
        const auto open = std::min(text.find("{{", at), text.size());
        const auto stray = text.substr(at, open - at).find("}}");
        if (stray != std::string_view::npos)
            return TemplateError{at + stray, TemplateError::Kind::syntax, "}} without {{"};
        if (open > at) result.parts_.emplace_back(std::string(text.substr(at, open - at)));
        at = open;
        if (at == text.size()) break;
        auto expression = parse_expression(text, at);
        if (auto* error = std::get_if<TemplateError>(&expression)) return std::move(*error);
        result.parts_.emplace_back(std::get<Expression>(std::move(expression)));
    }
    return result;
}

Result<Json> Template::render(const Lookup& lookup, std::size_t bytes_max) const {
    if (parts_.size() == 1 && std::holds_alternative<Expression>(parts_[0]))
        return evaluate(std::get<Expression>(parts_[0]), lookup, bytes_max);
    std::string text;
    for (const auto& part : parts_) {
        if (const auto* constant = std::get_if<std::string>(&part)) {
            text += *constant;
        } else {
            const auto value = evaluate(std::get<Expression>(part), lookup, bytes_max);
            if (!value) return value.error();
            text += text_of(*value);
        }
        if (text.size() > bytes_max) return too_long(bytes_max);
    }
    return Json(std::move(text));
}

bool Template::is_constant() const {
    for (const auto& part : parts_)
        if (std::holds_alternative<Expression>(part)) return false;
    return true;
}

std::vector<Expression> Template::expressions() const {
    std::vector<Expression> all;
    for (const auto& part : parts_)
        if (const auto* expression = std::get_if<Expression>(&part)) all.push_back(*expression);
    return all;
}

namespace {

using List = std::vector<ValueTemplate>;
using Object = std::vector<std::pair<std::string, ValueTemplate>>;

Result<Json> render_list(const List& items, const Lookup& lookup, std::size_t bytes_max) {
    Json list = Json::array();
    for (const auto& item : items) {
        auto value = item.render(lookup, bytes_max);
        if (!value) return value.error();
        list.push_back(std::move(*value));
    }
    return list;
}

Result<Json> render_object(const Object& members, const Lookup& lookup, std::size_t bytes_max) {
    Json object = Json::object();
    for (const auto& [key, member] : members) {
        auto value = member.render(lookup, bytes_max);
        if (!value) return value.error();
        const bool is_left_out = value->is_null() && std::holds_alternative<Template>(member.value);
        if (!is_left_out) object.emplace(key, std::move(*value));
    }
    return object;
}

}  // namespace

Result<Json> ValueTemplate::render(const Lookup& lookup, std::size_t bytes_max) const {
    if (const auto* constant = std::get_if<Json>(&value)) return *constant;
    if (const auto* text = std::get_if<Template>(&value)) return text->render(lookup, bytes_max);
    if (const auto* list = std::get_if<List>(&value)) return render_list(*list, lookup, bytes_max);
    return render_object(std::get<Object>(value), lookup, bytes_max);
}

std::vector<Expression> ValueTemplate::expressions() const {
    std::vector<Expression> all;
    if (const auto* text = std::get_if<Template>(&value)) return text->expressions();
    if (const auto* list = std::get_if<List>(&value))
        for (const auto& item : *list) append(all, item.expressions());
    if (const auto* object = std::get_if<Object>(&value))
        for (const auto& [key, member] : *object) append(all, member.expressions());
    return all;
}

}  // namespace rules
