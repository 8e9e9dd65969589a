#include "connectors/kit/expression.h"

#include <algorithm>
#include <charconv>

#include "connectors/kit/words.h"
#include "engine/base/text.h"

namespace connectors {

using engine::in_quotes;
using engine::Result;

namespace {

constexpr std::size_t expression_bytes_max = 1000;
constexpr int group_depth_max = 8;

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '@';
}

bool is_name_part(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-';
}

const Json* element_of(const Json& list, long index) {
    if (!list.is_array()) return nullptr;
    const auto size = static_cast<long>(list.size());
    const auto at = index < 0 ? size + index : index;
    return at >= 0 && at < size ? &list[static_cast<std::size_t>(at)] : nullptr;
}

const Json* first_where(const Json& list, const std::string& key, const std::string& wanted) {
    if (!list.is_array()) return nullptr;
    for (const auto& element : list) {
        if (!element.is_object()) continue;
        const auto member = element.find(key);
        if (member != element.end() && as_text(*member) == wanted) return &element;
    }
    return nullptr;
}

const Json* step_into(const Json& from, const PathStep& step) {
    switch (step.kind) {
        case PathStep::Kind::name: {
            if (!from.is_object()) return nullptr;
            const auto member = from.find(step.name);
            return member == from.end() ? nullptr : &*member;
        }
        case PathStep::Kind::index:
            return element_of(from, step.index);
        case PathStep::Kind::where:
            return first_where(from, step.name, step.equals);
        case PathStep::Kind::each:
            return nullptr;
    }
    return nullptr;
}

using Steps = std::vector<PathStep>;

Value walk(const Json& from, Steps::const_iterator step, Steps::const_iterator end);

/// `[*]`: the rest of the path for every element; elements without it are left out.
Value walk_each(const Json& list, Steps::const_iterator rest, Steps::const_iterator end) {
    if (!list.is_array()) return std::nullopt;
    Json found = Json::array();
    for (const auto& element : list)
        if (auto value = walk(element, rest, end); value && !value->is_null())
            found.push_back(std::move(*value));
    return found;
}

Value walk(const Json& from, Steps::const_iterator step, Steps::const_iterator end) {
    const Json* at = &from;
    for (; step != end; ++step) {
        if (step->kind == PathStep::Kind::each) return walk_each(*at, step + 1, end);
        at = step_into(*at, *step);
        if (at == nullptr) return std::nullopt;
    }
    return *at;
}

}  // namespace

/// Recursive descent over `choice { "|" filter }`, where a choice is operands joined by `??`.
class ExpressionParser {
public:
    ExpressionParser(std::string_view text, const Names& names) : text_(text), names_(names) {}

    Result<Expression> parse() {
        auto expression = parse_expression(0);
        if (!expression) return expression;
        skip_space();
        if (at_ < text_.size()) return wrong("unexpected " + in_quotes(text_.substr(at_, 12)));
        return expression;
    }

private:
    Result<Expression> parse_expression(int depth) {
        const auto start = at_;
        if (depth > group_depth_max) return wrong("parentheses nested too deep");
        Expression expression;
        do {
            auto operand = parse_operand(depth);
            if (!operand) return operand.error();
            expression.operands_.push_back(std::move(*operand));
        } while (take("??"));
        while (take("|")) {
            auto filter = parse_filter();
            if (!filter) return filter.error();
            expression.filters_.push_back(std::move(*filter));
        }
        expression.text_ = engine::trim(text_.substr(start, at_ - start));
        return expression;
    }

    Result<Expression::Operand> parse_operand(int depth) {
        skip_space();
        Expression::Operand operand;
        if (take("(")) {
            auto group = parse_expression(depth + 1);
            if (!group) return group.error();
            if (!take(")")) return wrong("a \")\" is missing");
            operand.group = std::make_shared<const Expression>(std::move(*group));
            return operand;
        }
        if (peek() == '`') return parse_template();
        if (peek() == '\'' || peek() == '-' || (peek() >= '0' && peek() <= '9')) {
            auto literal = parse_literal();
            if (!literal) return literal.error();
            operand.literal = std::move(*literal);
            return operand;
        }
        return parse_path();
    }

    Result<Expression::Operand> parse_template() {
        const auto close = text_.find('`', at_ + 1);
        if (close == std::string_view::npos) return wrong("the closing ` is missing");
        auto compiled = Template::compile(text_.substr(at_ + 1, close - at_ - 1), names_);
        if (!compiled) return compiled.error();
        at_ = close + 1;
        Expression::Operand operand;
        operand.text = std::make_shared<const Template>(std::move(*compiled));
        return operand;
    }

    Result<Expression::Operand> parse_path() {
        Expression::Operand operand;
        const auto start = at_;
        operand.root = take_name();
        if (operand.root.empty()) return wrong("a path such as item.id, a number or a 'text' is expected");
        if (operand.root == "true" || operand.root == "false" || operand.root == "null") {
            operand.literal = operand.root == "null" ? Json() : Json(operand.root == "true");
            operand.root.clear();
            return operand;
        }
        if (std::find(names_.roots.begin(), names_.roots.end(), operand.root) == names_.roots.end()) {
            at_ = start;
            return wrong("unknown name " + in_quotes(operand.root) + hint(operand.root, names_.roots));
        }
        while (peek() == '.' || peek() == '[') {
            auto step = parse_step();
            if (!step) return step.error();
            operand.steps.push_back(std::move(*step));
        }
        if (names_.reads != nullptr && (operand.root == "item" || operand.root == "body"))
            note_read(operand.steps, *names_.reads);
        return operand;
    }

    /// Steps into lists are no members.
    static void note_read(const std::vector<PathStep>& steps, engine::JsonMask& reads) {
        auto* at = &reads;
        for (const auto& step : steps) {
            if (step.kind == PathStep::Kind::where) at->members[step.name].whole = true;
            if (step.kind == PathStep::Kind::name) at = &at->members[step.name];
        }
        at->whole = true;
    }

    Result<PathStep> parse_step() {
        PathStep step;
        if (take_here('.')) {
            step.name = take_name();
            if (step.name.empty()) return wrong("a name is expected after \".\"; others are written ['…']");
            return step;
        }
        ++at_;
        auto inside = parse_bracket();
        if (!inside) return inside;
        if (!take("]")) return wrong("a \"]\" is missing");
        return inside;
    }

    Result<PathStep> parse_bracket() {
        PathStep step;
        if (take("*")) {
            step.kind = PathStep::Kind::each;
            return step;
        }
        if (is_name_start(peek())) {
            step.kind = PathStep::Kind::where;
            step.name = take_name();
            if (!take("=")) return wrong("[name='text'] needs its \"=\"");
            skip_space();
        }
        auto literal = parse_literal();
        if (!literal) return literal.error();
        if (step.kind == PathStep::Kind::where) {
            step.equals = as_text(*literal).value_or("");
        } else if (literal->is_string()) {
            step.name = literal->get<std::string>();
        } else if (literal->is_number_integer()) {
            step.kind = PathStep::Kind::index;
            step.index = literal->get<long>();
        } else {
            return wrong("an index is a whole number");
        }
        return step;
    }

    Result<Json> parse_literal() {
        skip_space();
        if (peek() == '\'') return parse_in_quotes();
        const auto start = at_;
        if (peek() == '-') ++at_;
        while ((peek() >= '0' && peek() <= '9') || peek() == '.') ++at_;
        auto number = engine::parse_json(text_.substr(start, at_ - start));
        if (number && number->is_number()) return number;
        at_ = start;
        return wrong("a number or a 'text' is expected");
    }

    /// `'it''s'`: a quote is written twice.
    Result<Json> parse_in_quotes() {
        std::string value;
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] != '\'') {
                value += text_[at_];
            } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
                value += text_[at_++];
            } else {
                ++at_;
                return Json(value);
            }
        }
        return wrong("the closing ' is missing");
    }

    Result<Expression::Filter> parse_filter() {
        skip_space();
        const auto start = at_;
        const auto name = take_name();
        const auto& known = filters();
        const auto spec =
            std::find_if(known.begin(), known.end(), [&](const auto& filter) { return filter.name == name; });
        if (spec == known.end()) {
            std::vector<std::string> candidates;
            for (const auto& filter : known) candidates.push_back(filter.name);
            at_ = start;
            return wrong("unknown filter " + in_quotes(name) + hint(name, candidates));
        }
        Expression::Filter filter;
        filter.spec = &*spec;
        if (spec->argument == FilterSpec::Argument::none) return filter;
        if (!take(":")) return wrong("the filter " + name + " needs an argument: " + name + ": …");
        if (spec->argument == FilterSpec::Argument::table) return parse_table(std::move(filter));
        if (spec->argument == FilterSpec::Argument::setting) return parse_setting(std::move(filter));
        if (spec->argument == FilterSpec::Argument::function) return parse_function(std::move(filter));
        return parse_argument(std::move(filter));
    }

    Result<Expression::Filter> parse_argument(Expression::Filter filter) {
        auto argument = parse_literal();
        if (!argument) return argument.error();
        const bool wants_text = filter.spec->argument == FilterSpec::Argument::text;
        if (wants_text != argument->is_string())
            return wrong("the argument of " + filter.spec->name + " is " +
                         (wants_text ? "a 'text'" : "a number"));
        filter.argument = std::move(*argument);
        return filter;
    }

    Result<Expression::Filter> parse_table(Expression::Filter filter) {
        skip_space();
        const auto start = at_;
        const auto name = take_name();
        std::vector<std::string> known;
        if (names_.tables != nullptr)
            for (const auto& [table, entries] : *names_.tables) known.push_back(table);
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            at_ = start;
            return wrong("unknown table " + in_quotes(name) + hint(name, known));
        }
        filter.table = names_.tables->at(name);
        return filter;
    }

    Result<Expression::Filter> parse_setting(Expression::Filter filter) {
        skip_space();
        const auto name = take_name();
        if (name.empty()) return wrong("the argument of " + filter.spec->name + " is a setting");
        filter.argument = name;
        return filter;
    }

    Result<Expression::Filter> parse_function(Expression::Filter filter) {
        skip_space();
        const auto name = take_name();
        if (names_.functions == nullptr)
            return wrong("functions are for what webhooks become; here nobody runs them");
        if (name.empty()) return wrong("the argument of lua is a function of the connector's script");
        names_.functions->emplace(name, engine::Place());
        filter.argument = name;
        return filter;
    }

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
    }

    bool take(std::string_view token) {
        skip_space();
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }

    bool take_here(char token) {
        if (peek() != token) return false;
        ++at_;
        return true;
    }

    std::string take_name() {
        const auto start = at_;
        if (is_name_start(peek()))
            while (is_name_part(peek())) ++at_;
        return std::string(text_.substr(start, at_ - start));
    }

    engine::Error wrong(const std::string& reason) const {
        return engine::invalid("at character " + std::to_string(at_ + 1) + " of \"" + std::string(text_) +
                               "\": " + reason);
    }

    std::string_view text_;
    const Names& names_;
    std::size_t at_ = 0;
};

Scope& Scope::with(std::string_view root, const Json& value) {
    values_.emplace_back(root, &value);
    return *this;
}

Scope& Scope::with_functions(const RunFunction* functions) {
    functions_ = functions;
    return *this;
}

Scope& Scope::with(std::string_view root, Lookup lookup) {
    lookups_.emplace_back(root, std::move(lookup));
    return *this;
}

const Json* Scope::find(std::string_view root) const {
    for (const auto& [name, value] : values_)
        if (name == root) return value;
    return nullptr;
}

const std::string* Scope::find(std::string_view root, std::string_view name) const {
    for (const auto& [known, lookup] : lookups_)
        if (known == root) return lookup(name);
    return nullptr;
}

Result<Expression> Expression::compile(std::string_view text, const Names& names) {
    if (text.size() > expression_bytes_max)
        return engine::invalid("longer than " + std::to_string(expression_bytes_max) + " bytes");
    return ExpressionParser(text, names).parse();
}

Expression Expression::literal(Json value) {
    Expression expression;
    expression.text_ = engine::canonical_json(value);
    Operand operand;
    operand.literal = std::move(value);
    expression.operands_.push_back(std::move(operand));
    return expression;
}

Value Expression::read(const Operand& operand, const Scope& scope) {
    if (operand.literal) return operand.literal;
    if (operand.group) return operand.group->evaluate(scope);
    if (operand.text) return operand.text->render(scope);
    if (const Json* root = scope.find(operand.root))
        return walk(*root, operand.steps.begin(), operand.steps.end());
    if (operand.steps.size() != 1) return std::nullopt;
    const auto* found = scope.find(operand.root, operand.steps.front().name);
    return found == nullptr ? Value() : Value(*found);
}

const Json& Expression::setting(const Json& name, const Scope& scope) {
    static const Json none;
    const Json* settings = scope.find("settings");
    const Json* found =
        settings == nullptr ? nullptr : engine::find(*settings, engine::Path{name.get<std::string>()});
    return found == nullptr ? none : *found;
}

Value Expression::evaluate(const Scope& scope) const {
    Value value;
    for (const auto& operand : operands_) {
        auto read_value = read(operand, scope);
        if (!read_value) continue;
        value = std::move(read_value);
        if (!value->is_null()) break;
    }
    for (const auto& filter : filters_) {
        if (!value || (value->is_null() && filter.spec->name != "json")) return value;
        if (filter.spec->argument == FilterSpec::Argument::function) {
            const auto* functions = scope.functions();
            value = functions == nullptr
                        ? std::nullopt
                        : (*functions)(filter.argument.get_ref<const std::string&>(), *value);
            continue;
        }
        if (!filter.table) {
            const bool named = filter.spec->argument == FilterSpec::Argument::setting;
            value = filter.spec->apply(*value, named ? setting(filter.argument, scope) : filter.argument);
            continue;
        }
        const auto key = as_text(*value);
        auto entry = key ? filter.table->find(*key) : filter.table->end();
        if (entry == filter.table->end()) entry = filter.table->find("*");
        if (entry != filter.table->end()) value = entry->second;
    }
    return value;
}

const Json* Expression::view(const Scope& scope) const {
    if (operands_.size() != 1 || !filters_.empty() || operands_.front().root.empty()) return nullptr;
    const auto& operand = operands_.front();
    const Json* at = operand.literal ? nullptr : scope.find(operand.root);
    for (const auto& step : operand.steps) {
        if (at == nullptr) return nullptr;
        at = step_into(*at, step);
    }
    return at;
}

bool Expression::reads_only(std::string_view root) const {
    return std::all_of(operands_.begin(), operands_.end(), [&](const Operand& operand) {
        return operand.group ? operand.group->reads_only(root) : operand.root == root;
    });
}

std::vector<std::string> Expression::names_under(std::string_view root) const {
    std::vector<std::string> names;
    for (const auto& filter : filters_)
        if (root == "settings" && filter.spec->argument == FilterSpec::Argument::setting)
            names.push_back(filter.argument.get<std::string>());
    for (const auto& operand : operands_) {
        if (operand.group || operand.text) {
            const auto inner =
                operand.group ? operand.group->names_under(root) : operand.text->names_under(root);
            names.insert(names.end(), inner.begin(), inner.end());
        } else if (operand.root == root && !operand.steps.empty()) {
            names.push_back(operand.steps.front().name);
        }
    }
    return names;
}

}  // namespace connectors
