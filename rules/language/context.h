#pragma once
/// RuleContext: what one rule may speak of while it is read, and the paths it names.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/yaml.h"
#include "engine/model/action_signature.h"
#include "rules/language/problems.h"
#include "rules/language/reading.h"
#include "rules/rule_set.h"

namespace rules {

/// Named lists of steps as they stand in their files.
using StepLists = std::map<std::string, const engine::YamlNode*>;

/// Borrows everything; lives as long as one rule is read.
struct RuleContext {
    const Catalogue& catalogue;
    const engine::ConnectionSignatures& connections;
    const Calendars& calendars;
    Problems& problems;
    /// The kinds of entity its events can be about; empty = not known.
    std::set<std::string> subject_kinds = {};
    /// Who runs here, for messages: the rule's `on`.
    std::string events = {};
    /// `as` names of actions asked for before this point; their results can be read.
    std::set<std::string> results = {};
    /// The results read since this was last emptied.
    std::set<std::string> reads = {};
    /// The event types that steps wait for.
    std::vector<AwaitedType> awaited = {};
    const Scores* scores = nullptr;    ///< null = none
    const Routing* routing = nullptr;  ///< null = none
    /// What can be read here besides fields; nothing is known of what is below.
    std::set<std::string> further_roots = {};
    bool hears_changes = true;  ///< what an event changes is at hand
    /// What events count_over counts where it does not say: the rule's own. Empty = it has to say.
    std::vector<std::string> counted = {};
    bool counts = false;  ///< count_over may stand here
    /// Lists of steps by name, `steps:` of the rule files; borrowed.
    const StepLists* step_lists = nullptr;
    /// Those that are being read, from the outside in.
    std::vector<std::string> running = {};
    std::set<std::string> lists_run = {};
    int steps_read = 0;
};

/// The kinds of entity that events of these types and globs are about; empty when one of them leaves it open.
/// An event's type begins with its subject's kind, except a message's.
std::set<std::string> subject_kinds_of(const std::vector<std::string>& on, const Catalogue& catalogue);

/// A field that can be read: of an entity, `event.*`, `changes`, `steps.<as>.result.*`.
std::optional<FieldPath> read_path(const std::string& text, const engine::Place& place, RuleContext& context);

/// A field that this rule can write: of its own entity.
std::optional<FieldPath> read_target(const std::string& text, const engine::Place& place,
                                     RuleContext& context);

/// The kinds of entity whose fields of these names a step may mean that names no kind: the rule's own, or
/// every kind that has them when that is not known before an event comes. Reports unknown-field when an own
/// kind lacks one.
std::vector<std::string> kinds_with(const std::vector<std::string>& names, const engine::Place& place,
                                    RuleContext& context);

}  // namespace rules
