#include "engine/app/bench_match_set.h"

#include <algorithm>
#include <filesystem>

#include "engine/app/lines.h"
#include "engine/app/support.h"
#include "engine/base/ensure.h"

namespace engine::app {
namespace {

using rules::Condition;
using rules::Operator;

const std::string rules_prefix = "rules-";
const std::string lines_suffix = ".jsonl";

/// Calls `each` with every line as JSON; fails where the line or `each` does.
template <class Each>
Result<void> each_line(const std::string& file, Each&& each) {
    auto lines = LineReader::open(file);
    if (!lines) return lines.error();
    while (true) {
        auto line = lines->next();
        if (!line) return line.error();
        if (!*line) return {};
        if ((*line)->empty()) continue;
        auto json = parse_json(**line);
        auto done = json ? each(std::move(*json), **line) : Result<void>(json.error());
        if (!done)
            return Error{done.error().code,
                         file + ":" + std::to_string(lines->number()) + ": " + done.error().message};
    }
}

Result<Condition> range(const std::string& field, const Json& json) {
    std::vector<Condition> bounds;
    for (const auto op : {Operator::gt, Operator::gte, Operator::lt, Operator::lte}) {
        const auto* bound = find(json, std::string(name_of(op)));
        if (bound == nullptr) continue;
        if (!bound->is_number()) return invalid("the bounds of a range are numbers");
        bounds.push_back(compared(field, op, *bound));
    }
    return all_of(std::move(bounds));
}

/// A condition of the engine-neutral form. There `not_in` wants the field to be there, and texts keep their
/// case.
Result<Condition> neutral_condition(const Json& json) {
    const auto field = text_or(json, "field", "");
    const auto op = text_or(json, "op", "");
    if (field.empty()) return invalid("a condition without its field");
    if (op == "exists" || op == "absent") return compared(field, Operator::exists, op == "exists");
    if (op == "range") return range(field, json);
    const bool is_list = op == "in" || op == "not_in";
    const auto* operand = find(json, is_list ? "values" : "value");
    if (operand == nullptr || (is_list ? !operand->is_array() : !operand->is_string()))
        return invalid(op + " needs " + (is_list ? "a list under values" : "a text under value"));
    if (op == "eq") return compared(field, Operator::eq, *operand);
    if (op == "in") return compared(field, Operator::in, *operand);
    if (op == "not_in")
        return all_of({compared(field, Operator::exists, true), compared(field, Operator::not_in, *operand)});
    if (op == "prefix") return compared(field, Operator::starts_with, *operand, true);
    if (op == "contains") return compared(field, Operator::contains, *operand, true);
    return invalid("unknown operator \"" + op + "\"");
}

Result<rules::Rule> neutral_rule(const Json& json) {
    rules::Rule rule;
    const auto* id = find(json, "id");
    const auto* all = find(json, "all");
    if (id == nullptr || all == nullptr || !all->is_array()) return invalid("a rule needs id and all");
    rule.id = id->dump();
    rule.on = {"*"};
    std::vector<Condition> conditions;
    for (const auto& one : *all) {
        auto condition = neutral_condition(one);
        if (!condition) return condition.error();
        conditions.push_back(std::move(*condition));
    }
    rule.when = all_of(std::move(conditions));
    return rule;
}

Result<MatchedIds> ids_of(const Json& json) {
    MatchedIds ids;
    for (const auto& id : json) {
        if (!id.is_number_unsigned()) return invalid("an id that is no number");
        ids.push_back(id.get<std::uint32_t>());
    }
    return ids;
}

std::uintmax_t size_of(const std::string& file) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file, error);
    return error ? 0 : bytes;
}

}  // namespace

void EventBytes::add(std::string_view document) {
    all_.insert(bytes(), document);
    ends_.push_back(bytes() + document.size());
}

std::string_view EventBytes::at(std::size_t number) const {
    const auto begin = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(all_).substr(begin, ends_[number] - begin);
}

Condition compared(const std::string& field, Operator op, Json operand, bool case_sensitive) {
    Condition condition;
    condition.kind = Condition::Kind::comparison;
    auto& comparison = condition.comparison;
    comparison.field.text = field;
    comparison.field.keys = path_of(field);
    comparison.field.root = comparison.field.keys.front();
    comparison.field.keys.erase(comparison.field.keys.begin());
    comparison.op = op;
    comparison.operand = std::move(operand);
    comparison.case_sensitive = case_sensitive;
    ENSURE(rules::compile(comparison));
    return condition;
}

Condition all_of(std::vector<Condition> conditions) {
    Condition all;
    all.children = std::move(conditions);
    return all;
}

Result<std::vector<std::string>> workload_names(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(rules_prefix) && name.ends_with(lines_suffix))
            names.push_back(
                name.substr(rules_prefix.size(), name.size() - rules_prefix.size() - lines_suffix.size()));
    }
    if (names.empty()) return invalid(folder + ": no rules-<name>.jsonl here");
    const auto size = [&](const std::string& name) {
        return size_of(folder + "/" + rules_prefix + name + lines_suffix);
    };
    std::sort(names.begin(), names.end(), [&](const std::string& left, const std::string& right) {
        return std::pair(size(left), left) < std::pair(size(right), right);
    });
    return names;
}

Result<MatchSet> read_workload(const std::string& folder, const std::string& name) {
    MatchSet set;
    set.profile = name;
    auto read = each_line(folder + "/" + rules_prefix + name + lines_suffix,
                          [&](const Json& json, const std::string&) -> Result<void> {
                              auto rule = neutral_rule(json);
                              if (!rule) return rule.error();
                              set.rule_set.rules.push_back(std::move(*rule));
                              return {};
                          });
    if (!read) return read.error();
    read = each_line(folder + "/events.jsonl", [&](const Json&, const std::string& line) -> Result<void> {
        set.events.add(line);
        return {};
    });
    if (!read) return read.error();
    set.expected.emplace();
    read = each_line(folder + "/oracle-" + name + lines_suffix,
                     [&](const Json& json, const std::string&) -> Result<void> {
                         auto ids = ids_of(json);
                         if (!ids) return ids.error();
                         set.expected->push_back(std::move(*ids));
                         return {};
                     });
    if (!read) return read.error();
    if (set.expected->size() != set.events.size())
        return invalid(name + ": as many expected answers as events are needed");
    return set;
}

Result<MatchSet> read_match_set(const std::string& tenant_folder, const std::string& events_file) {
    const auto loaded = load_folder(tenant_folder);
    if (loaded.error) return *loaded.error;
    print_diagnostics(loaded.diagnostics, tenant_folder);
    if (!loaded.tenant) return invalid(tenant_folder + ": the rules cannot be loaded");
    MatchSet set;
    set.profile = tenant_folder;
    set.rule_set = *loaded.tenant->rule_set;
    set.layout = rules::RawReader::Layout::envelope;
    auto read = each_line(events_file, [&](const Json&, const std::string& line) -> Result<void> {
        set.events.add(line);
        return {};
    });
    if (!read) return read.error();
    if (set.events.size() == 0) return invalid(events_file + ": no events");
    return set;
}

}  // namespace engine::app
