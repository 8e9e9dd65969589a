/// Templates and shapes: text and JSON with expressions in them.

#include <algorithm>

#include "connectors/kit/expression.h"
#include "connectors/kit/form.h"

namespace connectors {
namespace {

using engine::Result;

/// Where the expression that starts at `at` ends: quotes may hold braces.
std::size_t closing_brace(std::string_view text, std::size_t at) {
    bool in_quotes = false;
    for (; at < text.size(); ++at) {
        if (text[at] == '\'') in_quotes = !in_quotes;
        if (text[at] == '}' && !in_quotes) return at;
    }
    return std::string_view::npos;
}

template <class Names>
void append(Names& names, const Names& more) {
    names.insert(names.end(), more.begin(), more.end());
}

}  // namespace

Result<Template> Template::compile(std::string_view text, const Names& names) {
    Template result;
    result.text_ = text;
    std::string literal;
    const auto finish_literal = [&] {
        if (!literal.empty()) result.parts_.emplace_back(std::move(literal));
        literal.clear();
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool doubled = at + 1 < text.size() && text[at + 1] == text[at];
        if (text[at] != '{' && text[at] != '}') {
            literal += text[at];
        } else if (doubled) {
            literal += text[at++];
        } else if (text[at] == '}') {
            return engine::invalid("a lone \"}\" at character " + std::to_string(at + 1) + "; write }}");
        } else {
            const auto close = closing_brace(text, at);
            if (close == std::string_view::npos)
                return engine::invalid("the \"{\" at character " + std::to_string(at + 1) + " is not closed");
            auto expression = Expression::compile(text.substr(at + 1, close - at - 1), names);
            if (!expression) return expression.error();
            finish_literal();
            result.parts_.emplace_back(std::move(*expression));
            at = close;
        }
    }
    finish_literal();
    return result;
}

Value Template::render(const Scope& scope) const {
    if (parts_.size() == 1 && std::holds_alternative<Expression>(parts_.front()))
        return std::get<Expression>(parts_.front()).evaluate(scope);
    auto text = render_text(scope);
    return text ? Value(std::move(*text)) : std::nullopt;
}

std::optional<std::string> Template::render_text(const Scope& scope) const {
    std::string text;
    for (const auto& part : parts_) {
        if (const auto* literal = std::get_if<std::string>(&part)) {
            text += *literal;
            continue;
        }
        const auto value = std::get<Expression>(part).evaluate(scope);
        const auto piece = value ? as_text(*value) : std::nullopt;
        if (!piece) return std::nullopt;
        text += *piece;
    }
    return text;
}

std::optional<std::string> Template::render_url(const Scope& scope) const {
    std::string url;
    for (const auto& part : parts_) {
        if (const auto* literal = std::get_if<std::string>(&part)) {
            url += *literal;
            continue;
        }
        const auto& expression = std::get<Expression>(part);
        const auto value = expression.evaluate(scope);
        const auto piece = value ? as_text(*value) : std::nullopt;
        if (!piece || piece->empty() || *piece == "." || *piece == "..") return std::nullopt;
        url += expression.reads_only("settings") ? *piece : percent_encode(*piece);
    }
    return url;
}

std::vector<std::string> Template::names_under(std::string_view root) const {
    std::vector<std::string> names;
    for (const auto& part : parts_)
        if (const auto* expression = std::get_if<Expression>(&part))
            append(names, expression->names_under(root));
    return names;
}

Shape Shape::compile(const engine::YamlNode& node, const Names& names, engine::Diagnostics& diagnostics) {
    Shape shape;
    if (node.is_map()) {
        shape.kind_ = Kind::object;
        for (const auto& entry : node.entries)
            shape.members_.emplace_back(entry.key, compile(entry.value, names, diagnostics));
    } else if (node.is_list()) {
        shape.kind_ = Kind::list;
        for (const auto& item : node.items)
            shape.members_.emplace_back("", compile(item, names, diagnostics));
    } else if (node.is_scalar() && node.text.find_first_of("{}") != std::string::npos) {
        auto compiled = Template::compile(node.text, names);
        if (!compiled) diagnostics.error("bad-expression", node.place, compiled.error().message);
        shape.kind_ = Kind::text;
        if (compiled) shape.template_ = std::move(*compiled);
    } else {
        shape.constant_ = engine::to_json(node);
    }
    return shape;
}

Value Shape::render(const Scope& scope) const {
    if (kind_ == Kind::constant) return constant_;
    if (kind_ == Kind::text) return template_ ? template_->render(scope) : std::nullopt;
    Json out = kind_ == Kind::object ? Json::object() : Json::array();
    for (const auto& [name, member] : members_) {
        auto value = member.render(scope);
        if (!value) continue;
        if (kind_ == Kind::object)
            out[name] = std::move(*value);
        else
            out.push_back(std::move(*value));
    }
    if (out.empty() && !members_.empty()) return std::nullopt;
    return out;
}

std::vector<std::string> Shape::names_under(std::string_view root) const {
    std::vector<std::string> names;
    if (template_) append(names, template_->names_under(root));
    for (const auto& [name, member] : members_) append(names, member.names_under(root));
    return names;
}

std::vector<std::string> Shape::member_names() const {
    std::vector<std::string> names;
    if (kind_ == Kind::object)
        for (const auto& [name, member] : members_) names.push_back(name);
    return names;
}

}  // namespace connectors
