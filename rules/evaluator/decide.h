#pragma once
/// Decides what a rule set makes of one event. Pure: the same input gives the same decision, always.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/decision.h"
#include "engine/model/entity.h"
#include "engine/model/event.h"
#include "rules/policies/rates.h"
#include "rules/rule_set.h"

namespace rules {

class Matcher;
class RoutingBoard;
class ScriptHost;
class ScriptMemory;
class TimerRoom;
struct PayloadReadings;

/// Where a suspended rule goes on, with what is known by now.
struct Resume {
    engine::Continuation continuation;
    /// The rule set it began under, whose steps it ends with; borrowed, null = the active one. What the steps
    /// change is cascaded under the active one, and a rule that is gone from there does not go on.
    const RuleSet* began_under = nullptr;
};

/// A write to make before any rule runs, in a rule's name: the `save` of a delivered action.
struct PresetWrite {
    std::string field;
    engine::Json value;
    std::string rule;
};

/// By kind.
using LinkedObjects = std::map<std::string, engine::Json>;

struct DecisionInput {
    const engine::Event* event = nullptr;
    std::string kind;                    ///< of the subject's entity
    engine::Json document;               ///< the entity's fields after the merge
    std::vector<engine::Change> merged;  ///< what the merge changed
    /// Other readable objects: `data.contact` over the linked snapshot. Borrowed; null = none.
    const LinkedObjects* linked = nullptr;
    std::vector<engine::LinkedVersion> linked_versions;
    /// What the matcher read from the payload's bytes ahead, if anything; borrowed. Only where the document
    /// and the linked objects hold every value that the payload has for them.
    const PayloadReadings* payload = nullptr;
    engine::Json scores;           ///< what the entity keeps of its scores; null = nothing
    engine::Json sla;              ///< what can be read below `sla`; null = nothing
    RoutingBoard* desk = nullptr;  ///< borrowed; null = nobody has anything to do
    engine::Json desk_said;        ///< what it said when this was decided before; null = it was not
    engine::Json routing;          ///< what the entity keeps of its escalations and its queue; null = nothing
    /// Rule sets that its escalations began under, when they are not the active one.
    std::vector<std::shared_ptr<const RuleSet>> older;
    bool is_deleted = false;  ///< the entity is a tombstone now
    engine::Json rates;       ///< what the entity keeps of its counted events; null = nothing
    /// What the rates_for the entity's kind found of other entities.
    CountedElsewhere counted_elsewhere;
    TimerRoom* timer_room = nullptr;  ///< borrowed; null = there is always room for one more
    ScriptHost* scripts = nullptr;    ///< borrowed; null = rules with scripts fail
    /// What scripts of this decision were told before, or need to be: key → answer; null = nothing.
    engine::Json script_answers;
    ScriptMemory* script_memory = nullptr;  ///< borrowed; null = this is the only attempt
    engine::Instant now{};
    std::vector<PresetWrite> presets;
    std::optional<Resume> resume;  ///< runs the rest of that rule instead of matching the event first
    bool is_silent = false;  ///< no rule hears of the event: it only lets one go on, which is not due yet
    bool trace = false;      ///< record every rule and condition, whether it mattered or not
};

/// Every field of Decision but write_back is filled. Never fails: what goes wrong is part of the decision.
/// One with a need is void: decide again, with the answer among script_answers. Move the input in: its
/// document becomes the decision's.
engine::Decision decide(const RuleSet& rule_set, DecisionInput input);
/// The same with a matcher made for this rule set.
engine::Decision decide(const RuleSet& rule_set, const Matcher& matcher, DecisionInput input);

}  // namespace rules
