#pragma once
/// What `bench match` measures with: rules, and events as bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "rules/matcher/raw_reader.h"
#include "rules/rule_set.h"

namespace engine::app {

/// Numbers of rules, sorted.
using MatchedIds = std::vector<std::uint32_t>;

/// Documents behind each other, as a socket brings them; behind the last there is padding.
class EventBytes {
public:
    void add(std::string_view document);
    std::size_t size() const { return ends_.size(); }
    std::size_t bytes() const { return ends_.empty() ? 0 : ends_.back(); }
    std::string_view at(std::size_t number) const;

private:
    std::string all_ = std::string(rules::RawReader::padding(), ' ');
    std::vector<std::size_t> ends_;
};

struct MatchSet {
    std::string profile;
    rules::RuleSet rule_set;
    rules::RawReader::Layout layout = rules::RawReader::Layout::roots;
    EventBytes events;
    std::optional<std::vector<MatchedIds>> expected;  ///< of each event, where the set itself says them
};

/// The comparison of the field with the operator; its operand has to fit.
rules::Condition compared(const std::string& field, rules::Operator op, Json operand,
                          bool case_sensitive = false);
rules::Condition all_of(std::vector<rules::Condition> conditions);

/// Rules and events of a helpdesk, always the same for the same numbers. Profiles: mixed (about three rules
/// fit an event, however many there are), equality (the same four fields in every rule), text (a phrase in
/// the description), selective (every thousandth rule fits).
const std::vector<std::string>& match_profiles();
MatchSet generated_match_set(const std::string& profile, std::size_t rules, std::size_t events,
                             std::uint32_t seed);

/// A folder of engine-neutral sets: `events.jsonl`, and for each set `rules-<name>.jsonl` and
/// `oracle-<name>.jsonl`. Names, those with the fewest rules first; fails with invalid_input when there are
/// none.
Result<std::vector<std::string>> workload_names(const std::string& folder);
Result<MatchSet> read_workload(const std::string& folder, const std::string& name);

/// A tenant's folder and CloudEvents as JSON lines.
Result<MatchSet> read_match_set(const std::string& tenant_folder, const std::string& events_file);

}  // namespace engine::app
