#include "rules/language/options.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

const std::vector<std::string> chaining_names{"cascade", "restart", "snapshot", "none"};
const std::vector<std::string> on_conflict_names{"last", "first", "fail"};
const std::vector<std::string> on_error_names{"rule", "event", "lane"};

/// Reads a choice whose names stand in the order of the enum.
template <class Enum>
std::optional<Enum> read_enum(const YamlNode& node, const std::string& what,
                              const std::vector<std::string>& names, Problems& problems) {
    const auto index = read_choice(node, what, names, problems);
    if (!index) return std::nullopt;
    return static_cast<Enum>(*index);
}

struct Limit {
    const char* name;
    int RuleSetOptions::*value;
    int most;
};

const std::vector<Limit>& limits() {
    static const std::vector<Limit> all{
        {"passes_max", &RuleSetOptions::passes_max, 64},
        {"hops_max", &RuleSetOptions::hops_max, 64},
        {"actions_max", &RuleSetOptions::actions_max, 1000},
        {"emits_max", &RuleSetOptions::emits_max, 1000},
        {"descendants_max", &RuleSetOptions::descendants_max, 1'000'000},
        {"timers_max", &RuleSetOptions::timers_max, 1000},
        {"lane_timers_max", &RuleSetOptions::lane_timers_max, 100'000},
        {"script_runs_max", &RuleSetOptions::script_runs_max, 1000},
        {"script_fuel_max", &RuleSetOptions::script_fuel_max, 1'000'000'000},
        {"rendered_bytes_max", &RuleSetOptions::rendered_bytes_max, 64 * 1024 * 1024},
    };
    return all;
}

}  // namespace

std::optional<OnError> read_on_error(const YamlNode& node, Problems& problems) {
    return read_enum<OnError>(node, "on_error", on_error_names, problems);
}

std::vector<std::string> OptionsReader::mode_names() {
    return {"chaining", "on_conflict", "on_error", "limits"};
}

std::vector<std::string> OptionsReader::limit_names() {
    std::vector<std::string> names;
    for (const auto& limit : limits()) names.emplace_back(limit.name);
    names.emplace_back("text_bytes_max");
    return names;
}

void OptionsReader::read_modes(const YamlNode& map) {
    const auto names = mode_names();
    for (const auto& entry : map.entries) {
        const bool mode = std::find(names.begin(), names.end(), entry.key) != names.end();
        if (mode && is_first(modes_seen_, entry, "mode")) read_mode(entry);
    }
}

void OptionsReader::read_mode(const YamlNode::Entry& entry) {
    if (entry.key == "chaining")
        options_.chaining = read_enum<Chaining>(entry.value, entry.key, chaining_names, problems_)
                                .value_or(options_.chaining);
    else if (entry.key == "on_conflict")
        options_.on_conflict = read_enum<OnConflict>(entry.value, entry.key, on_conflict_names, problems_)
                                   .value_or(options_.on_conflict);
    else if (entry.key == "on_error")
        options_.on_error = read_on_error(entry.value, problems_).value_or(options_.on_error);
    else
        read_limits(entry.value);
}

void OptionsReader::read_limits(const YamlNode& node) {
    if (!expect_map(node, "limits", problems_)) return;
    check_keys(node, limit_names(), "limits", problems_);
    for (const auto& limit : limits())
        if (const auto* value = node.find(limit.name))
            options_.*limit.value =
                read_integer(*value, limit.name, 1, limit.most, problems_).value_or(options_.*limit.value);
    if (const auto* value = node.find("text_bytes_max"))
        if (const auto bytes = read_integer(*value, "text_bytes_max", 1, text_bytes_most, problems_))
            options_.text_bytes_max = static_cast<std::size_t>(*bytes);
}

void OptionsReader::read_groups(const YamlNode& groups) {
    if (!expect_map(groups, "groups", problems_)) return;
    for (const auto& entry : groups.entries) read_group(entry);
}

void OptionsReader::read_group(const YamlNode::Entry& entry) {
    if (!is_first(groups_seen_, entry, "group")) return;
    Group& group = options_.groups[entry.key];
    if (entry.value.is_null() || !expect_map(entry.value, "a group", problems_)) return;
    check_keys(entry.value, {"first_match", "description"}, "a group", problems_);
    if (const auto* flag = entry.value.find("first_match"))
        group.first_match = read_flag(*flag, "first_match", problems_).value_or(false);
}

bool OptionsReader::is_first(std::map<std::string, engine::Place>& seen, const YamlNode::Entry& entry,
                             const std::string& what) {
    const auto [known, is_new] = seen.emplace(entry.key, entry.place);
    if (is_new) return true;
    problems_.error("duplicate-id", entry.place,
                    what + " " + in_quotes(entry.key) + " is given already in " + known->second.file + ":" +
                        std::to_string(known->second.line));
    return false;
}

}  // namespace rules
