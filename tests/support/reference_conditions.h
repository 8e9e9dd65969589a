#pragma once
/// A second, deliberately simple reading of conditions, straight from their JSON: what the evaluator is held
/// against. Slow and obvious: values are plain JSON, texts ASCII, every path is looked up by its text.

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/model/change.h"

namespace reference {

using engine::Change;
using engine::Json;

/// What can be read: `{"ticket": {…}, "event": {…}}`.
struct World {
    Json roots;
    std::vector<Change> changes;
    std::string now;  ///< RFC 3339, UTC, whole seconds: such texts sort by time
};

inline std::optional<Json> value_at(const Json& roots, const std::string& path) {
    Json at = roots;
    std::istringstream keys(path);
    for (std::string key; std::getline(keys, key, '.');) {
        if (!at.is_object() || !at.contains(key)) return std::nullopt;
        at = Json(at[key]);
    }
    if (at.is_null()) return std::nullopt;
    return at;
}

inline char type_letter(const Json& value) {
    if (value.is_string()) return 't';
    if (value.is_number()) return 'n';
    if (value.is_boolean()) return 'b';
    if (value.is_array()) return 'l';
    return value.is_object() ? 'o' : '0';
}

inline bool is_tags_field(const std::string& path) {
    return path == "ticket.tags";
}

inline std::set<std::string> set_of(const Json& tags) {
    std::set<std::string> set;
    if (tags.is_string()) set.insert(tags.dump());
    if (tags.is_array())
        for (const auto& tag : tags)
            set.insert(tag.is_number() ? std::to_string(tag.get<double>()) : tag.dump());
    return set;
}

inline Json as_list(const Json& value) {
    return value.is_array() ? value : Json::array({value});
}

inline std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

inline std::set<std::string> words_of(const std::string& text) {
    std::set<std::string> words;
    std::string word;
    for (const char c : text + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)))
            word += c;
        else if (!word.empty())
            words.insert(std::exchange(word, ""));
    }
    return words;
}

inline bool is_time(const Json& value) {
    static const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
    return value.is_string() && std::regex_match(value.get<std::string>(), form);
}

/// -1, 0 or 1; nothing when the two have no order.
inline std::optional<int> order_of(const Json& left, const Json& right) {
    if (left.is_number() && right.is_number()) {
        const double difference = left.get<double>() - right.get<double>();
        return difference < 0 ? -1 : difference > 0 ? 1 : 0;
    }
    if (!is_time(left) || !is_time(right)) return std::nullopt;
    const int order = left.get<std::string>().compare(right.get<std::string>());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}

inline bool text_operator(const std::string& op, const std::string& text, const std::string& word) {
    if (op == "starts_with") return text.substr(0, word.size()) == word;
    if (op == "ends_with")
        return text.size() >= word.size() && text.substr(text.size() - word.size()) == word;
    if (op == "any_word") return words_of(text).count(word) > 0;
    return text.find(word) != std::string::npos;
}

/// nothing = a clash of types
inline std::optional<bool> text_truth(const std::string& op, const Json& value, const Json& operand,
                                      bool keep_case) {
    if (!value.is_string()) return std::nullopt;
    const auto text = value.get<std::string>();
    for (const auto& item : as_list(operand)) {
        const auto word = item.get<std::string>();
        if (op == "matches") {
            const auto flags =
                keep_case ? std::regex::ECMAScript : std::regex::ECMAScript | std::regex::icase;
            if (std::regex_search(text, std::regex(word, flags))) return true;
        } else if (text_operator(op, keep_case ? text : lower(text), keep_case ? word : lower(word))) {
            return true;
        }
    }
    return false;
}

inline std::optional<bool> list_truth(const std::string& op, const std::string& path, const Json& value,
                                      const Json& operand) {
    if (!value.is_array() && !(value.is_string() && is_tags_field(path))) return std::nullopt;
    const auto there = set_of(as_list(value));
    const auto wanted = set_of(as_list(operand));
    std::size_t found = 0;
    for (const auto& item : wanted) found += there.count(item);
    if (op == "has_any") return found > 0;
    if (op == "has_none") return found == 0;
    return found == wanted.size();
}

inline std::optional<bool> equality(const std::string& path, const Json& value, const Json& operand) {
    if (is_tags_field(path) && operand.is_array()) {
        if (!value.is_array() && !value.is_string()) return std::nullopt;
        return set_of(as_list(value)) == set_of(operand);
    }
    if (type_letter(value) != type_letter(operand)) return std::nullopt;
    return value == operand;
}

inline std::optional<bool> membership(const Json& value, const Json& operand) {
    bool comparable = false;
    for (const auto& item : as_list(operand)) {
        if (type_letter(item) == type_letter(value)) comparable = true;
        if (item == value) return true;
    }
    if (!comparable) return std::nullopt;
    return false;
}

/// The time `hours` before now; times in these tests stay within one day.
inline std::string hours_before(const std::string& now, int hours) {
    auto text = now;
    const int hour = std::stoi(now.substr(11, 2)) - hours;
    text.replace(11, 2, (hour < 10 ? "0" : "") + std::to_string(hour));
    return text;
}

inline std::optional<bool> age_truth(const std::string& op, const Json& value, const Json& operand,
                                     const std::string& now) {
    if (!is_time(value)) return std::nullopt;
    const auto limit = hours_before(now, std::stoi(operand.get<std::string>()));  // "3h"
    return op == "older_than" ? value.get<std::string>() < limit : value.get<std::string>() > limit;
}

inline bool negative(const std::string& op) {
    return op == "ne" || op == "not_in" || op == "has_none" || op == "not_contains";
}

inline std::optional<bool> present_truth(const std::string& path, const std::string& op, const Json& value,
                                         const Json& operand, bool keep_case, const std::string& now) {
    if (op == "eq") return equality(path, value, operand);
    if (op == "in") return membership(value, operand);
    if (op == "ne" || op == "not_in") {
        const auto positive = op == "ne" ? equality(path, value, operand) : membership(value, operand);
        if (!positive) return std::nullopt;
        return !*positive;
    }
    if (op == "not_contains") {
        const auto positive = text_truth("contains", value, operand, keep_case);
        if (!positive) return std::nullopt;
        return !*positive;
    }
    if (op == "between") {
        const auto low = order_of(value, operand[0]);
        const auto high = order_of(value, operand[1]);
        if (!low || !high) return std::nullopt;
        return *low >= 0 && *high <= 0;
    }
    if (op == "gt" || op == "gte" || op == "lt" || op == "lte") {
        const auto order = order_of(value, operand);
        if (!order) return std::nullopt;
        return op == "gt" ? *order > 0 : op == "gte" ? *order >= 0 : op == "lt" ? *order < 0 : *order <= 0;
    }
    if (op.substr(0, 3) == "has") return list_truth(op, path, value, operand);
    if (op == "older_than" || op == "newer_than") return age_truth(op, value, operand, now);
    return text_truth(op, value, operand, keep_case);
}

// ---- changes ----

/// What the changes say of one field, one `from → to` after another; a change below it has no values.
struct Seen {
    std::vector<std::pair<std::optional<Json>, std::optional<Json>>> steps;
    bool below = false;
};

inline Seen seen_changes(const std::string& path, const std::vector<Change>& changes) {
    Seen seen;
    for (const auto& change : changes) {
        if (change.field.rfind(path + ".", 0) == 0) seen.below = true;
        const bool at = change.field == path;
        const bool above = path.rfind(change.field + ".", 0) == 0;
        if (!at && !above) continue;
        const auto rest = at ? "v" : "v." + path.substr(change.field.size() + 1);
        const auto from = value_at({{"v", change.from}}, rest);
        const auto to = value_at({{"v", change.to}}, rest);
        if (at || from != to) seen.steps.emplace_back(from, to);
    }
    return seen;
}

inline bool change_truth(const std::string& path, const std::string& op, const Json& operand,
                         const std::vector<Change>& changes) {
    const auto seen = seen_changes(path, changes);
    if (op == "changed") return (seen.below || !seen.steps.empty()) == operand.get<bool>();
    if (seen.steps.empty()) return false;
    const auto value = op == "changed_from" ? seen.steps.front().first : seen.steps.back().second;
    if (!value) return false;
    if (value->is_array() && operand.is_array())
        return is_tags_field(path) ? set_of(*value) == set_of(operand) : *value == operand;
    for (const auto& item : as_list(operand))
        if (item == *value) return true;
    return false;
}

// ---- conditions ----

inline bool comparison_truth(const std::string& path, const std::string& op, const Json& operand,
                             bool keep_case, const World& world) {
    if (op.substr(0, 7) == "changed") return change_truth(path, op, operand, world.changes);
    const auto value = value_at(world.roots, path);
    if (op == "exists") return value.has_value() == operand.get<bool>();
    if (!value) return negative(op);
    return present_truth(path, op, *value, operand, keep_case, world.now).value_or(false);
}

inline bool truth(const Json& condition, const World& world);

inline int count_true(const Json& conditions, const World& world) {
    int count = 0;
    for (const auto& condition : as_list(conditions)) count += truth(condition, world) ? 1 : 0;
    return count;
}

inline bool entry_truth(const std::string& key, const Json& value, const World& world) {
    const auto size = static_cast<int>(as_list(value).size());
    if (key == "all") return count_true(value, world) == size;
    if (key == "any") return count_true(value, world) > 0;
    if (key == "none") return count_true(value, world) == 0;
    if (key == "not") return count_true(value, world) < size;
    if (value.is_array()) return comparison_truth(key, "in", value, false, world);
    if (!value.is_object()) return comparison_truth(key, "eq", value, false, world);
    bool result = true;
    for (const auto& [op, operand] : value.items())
        if (op != "case")
            result = comparison_truth(key, op, operand, value.contains("case"), world) && result;
    return result;
}

inline bool truth(const Json& condition, const World& world) {
    bool result = true;
    for (const auto& [key, value] : condition.items()) result = entry_truth(key, value, world) && result;
    return result;
}

}  // namespace reference
