#include "rules/language/reading.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/base/time.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::Json;
using engine::YamlNode;

std::nullopt_t wrong(const YamlNode& node, const std::string& what, const std::string& wanted,
                     Problems& problems) {
    problems.error("wrong-type", node.place, what + " takes " + wanted + ", found " + description_of(node));
    return std::nullopt;
}

std::string listed(const std::vector<std::string>& names) {
    constexpr std::size_t shown = 12;
    if (names.size() <= shown) return "(" + engine::join(names, ", ") + ")";
    return "(" + engine::join({names.begin(), names.begin() + shown}, ", ") + ", …)";
}

/// Whether the value is one of an enum's.
bool is_listed(const YamlNode& node, const std::string& text, const Expected& expected, Problems& problems) {
    const auto& values = expected.values;
    if (values.empty() || std::find(values.begin(), values.end(), text) != values.end()) return true;
    problems.error("unknown-enum-value", node.place,
                   in_quotes(text) + " is no value of " + expected.what + problems.hint(text, values) + " " +
                       listed(values));
    return false;
}

std::optional<Json> read_number(const YamlNode& node, const Expected& expected, Problems& problems) {
    const Json value = engine::to_json(node);
    if (!value.is_number()) return wrong(node, expected.what, "a number", problems);
    if (!is_listed(node, engine::number_text(value), expected, problems)) return std::nullopt;
    return value;
}

std::optional<Json> read_text_constant(const YamlNode& node, const Expected& expected, Problems& problems) {
    if (!node.is_scalar()) return wrong(node, expected.what, "a text", problems);
    if (!is_listed(node, node.text, expected, problems)) return std::nullopt;
    return Json(node.text);
}

std::optional<Json> read_instant(const YamlNode& node, const Expected& expected, Problems& problems) {
    if (!node.is_scalar()) return wrong(node, expected.what, "a time", problems);
    if (engine::parse_instant(node.text)) return Json(node.text);
    problems.error(
        "bad-value", node.place,
        in_quotes(node.text) + " is no time for " + expected.what + ": write it as 2026-05-04T08:00:00Z");
    return std::nullopt;
}

std::optional<Json> read_list(const YamlNode& node, const Expected& expected, Problems& problems) {
    if (!node.is_list()) return wrong(node, expected.what, "a list", problems);
    const bool texts = expected.type == FieldType::tags;
    const Expected element{"an element of " + expected.what, texts ? FieldType::text : FieldType::any,
                           expected.values};
    Json list = Json::array();
    bool good = true;
    for (const auto& item : node.items) {
        auto value = read_constant(item, element, problems);
        good = good && value;
        if (value) list.push_back(std::move(*value));
    }
    if (!good) return std::nullopt;
    return list;
}

}  // namespace

Expected element_of(const Expected& list) {
    const auto type = list.type == FieldType::tags ? FieldType::text : FieldType::any;
    return {"an element of " + list.what, type, list.values};
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string description_of(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::null:
            return "nothing";
        case YamlNode::Kind::list:
            return "a list";
        case YamlNode::Kind::map:
            return "a map";
        case YamlNode::Kind::scalar:
            return (node.quoted ? "the text " : "") + in_quotes(node.text);
    }
    return "nothing";
}

std::string article_of(FieldType type) {
    switch (type) {
        case FieldType::text:
            return "a text";
        case FieldType::number:
            return "a number";
        case FieldType::boolean:
            return "true or false";
        case FieldType::instant:
            return "a time";
        case FieldType::tags:
            return "a list of texts";
        case FieldType::list:
            return "a list";
        case FieldType::object:
            return "a map";
        case FieldType::any:
            return "any value";
    }
    return "any value";
}

bool expect_map(const YamlNode& node, const std::string& what, Problems& problems) {
    if (!node.is_map()) wrong(node, what, "a map", problems);
    return node.is_map();
}

bool expect_list(const YamlNode& node, const std::string& what, Problems& problems) {
    if (!node.is_list()) wrong(node, what, "a list", problems);
    return node.is_list();
}

void check_keys(const YamlNode& map, const std::vector<std::string>& known, const std::string& where,
                Problems& problems) {
    for (const auto& entry : map.entries)
        if (std::find(known.begin(), known.end(), entry.key) == known.end())
            problems.error(
                "unknown-key", entry.place,
                "unknown key " + in_quotes(entry.key) + " in " + where + problems.hint(entry.key, known));
}

std::pair<const YamlNode*, const YamlNode*> need_both(const YamlNode& map, const std::string& one,
                                                      const std::string& other, const std::string& where,
                                                      const std::string& example, Problems& problems) {
    const auto* first = map.find(one);
    const auto* second = map.find(other);
    if (first != nullptr && second != nullptr) return {first, second};
    problems.error("missing-key", map.place, where + " needs both: " + example);
    return {nullptr, nullptr};
}

std::optional<std::string> read_text(const YamlNode& node, const std::string& what, Problems& problems) {
    if (!node.is_scalar()) return wrong(node, what, "a text", problems);
    if (!node.text.empty()) return node.text;
    problems.error("bad-value", node.place, what + " is empty");
    return std::nullopt;
}

std::optional<bool> read_flag(const YamlNode& node, const std::string& what, Problems& problems) {
    const Json value = engine::to_json(node);
    if (!value.is_boolean()) return wrong(node, what, "true or false", problems);
    return value.get<bool>();
}

std::optional<int> read_integer(const YamlNode& node, const std::string& what, int least, int most,
                                Problems& problems) {
    const Json value = engine::to_json(node);
    if (!value.is_number_integer()) return wrong(node, what, "a whole number", problems);
    if (value >= Json(least) && value <= Json(most)) return value.get<int>();
    problems.error("bad-value", node.place,
                   what + " is " + node.text + ", it must be from " + std::to_string(least) + " to " +
                       std::to_string(most));
    return std::nullopt;
}

std::optional<std::size_t> read_choice(const YamlNode& node, const std::string& what,
                                       const std::vector<std::string>& names, Problems& problems) {
    const auto text = read_text_constant(node, {what, FieldType::text, names}, problems);
    if (!text) return std::nullopt;
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), node.text) - names.begin());
}

std::optional<std::vector<std::string>> read_texts(const YamlNode& node, const std::string& what,
                                                   Problems& problems) {
    std::vector<std::string> texts;
    bool good = true;
    const auto take = [&](const YamlNode& item) {
        auto text = read_text(item, what, problems);
        good = good && text;
        if (text) texts.push_back(std::move(*text));
    };
    if (node.is_list())
        for (const auto& item : node.items) take(item);
    else
        take(node);
    if (node.is_list() && node.items.empty()) {
        problems.error("bad-value", node.place, what + " is empty");
        return std::nullopt;
    }
    if (!good) return std::nullopt;
    return texts;
}

bool is_event_type(const std::string& text) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-*:/").find(c) != std::string_view::npos;
    };
    return std::all_of(text.begin(), text.end(), good);
}

std::optional<std::vector<std::string>> read_event_types(const YamlNode& node, const std::string& what,
                                                         std::vector<AwaitedType>& awaited,
                                                         Problems& problems) {
    auto types = read_texts(node, what, problems);
    if (!types) return types;
    for (std::size_t i = 0; i < types->size(); ++i) {
        const auto& place = node.is_list() ? node.items[i].place : node.place;
        const auto& type = (*types)[i];
        if (!is_event_type(type))
            problems.error("bad-value", place,
                           in_quotes(type) + " is no event type such as ticket.created, nor a glob of one");
        else
            awaited.push_back({type, place});
    }
    return types;
}

std::optional<Json> read_constant(const YamlNode& node, const Expected& expected, Problems& problems) {
    if (node.is_null()) {
        problems.error("bad-value", node.place, expected.what + " has no value here");
        return std::nullopt;
    }
    switch (expected.type) {
        case FieldType::text:
            return read_text_constant(node, expected, problems);
        case FieldType::number:
            return read_number(node, expected, problems);
        case FieldType::instant:
            return read_instant(node, expected, problems);
        case FieldType::boolean: {
            const auto flag = read_flag(node, expected.what, problems);
            if (!flag) return std::nullopt;
            return Json(*flag);
        }
        case FieldType::tags:
        case FieldType::list:
            return read_list(node, expected, problems);
        case FieldType::object:
            if (!node.is_map()) return wrong(node, expected.what, "a map", problems);
            return engine::to_json(node);
        case FieldType::any:
            return engine::to_json(node);
    }
    return std::nullopt;
}

}  // namespace rules
