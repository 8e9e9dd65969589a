#pragma once
/// Evaluates conditions on what a rule can read.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/change.h"
#include "rules/evaluator/event_view.h"
#include "rules/rule_set.h"

namespace rules {

class RateCounts;
class Scripting;

/// What a rule can read at one moment. Borrowed; lives as long as the evaluation. One thread.
class Scope {
public:
    /// Makes the value readable under that root: the entity's kind, another kind, `steps`. Null takes it
    /// away.
    void set(std::string_view root, const engine::Json* value);
    /// The root was set, to something.
    bool has(std::string_view root) const;

    const EventView* event = nullptr;                      ///< below `event`
    const engine::Json* sla = nullptr;                     ///< below `sla`
    const engine::Json* escalations = nullptr;             ///< below `escalations`
    const std::vector<engine::Change>* changes = nullptr;  ///< what change conditions look at; also `changes`
    engine::Instant now{};                                 ///< also `now`, as text
    const RateCounts* rates = nullptr;                     ///< what `count_over` finds; null = nothing
    Scripting* scripts = nullptr;                          ///< who is asked by `lua`; null = nobody says yes

    /// Null when there is nothing. What `now` and `changes` give lasts until the next call.
    const engine::Json* find(const FieldPath& path) const { return find(path.root, path.keys); }
    const engine::Json* find(const engine::Path& path) const;

    /// Calls with the name and the value of every root that is set to something.
    template <class Take>
    void each_root(Take&& take) const {
        for (const auto& entry : roots_)
            if (entry.value != nullptr) take(entry.name, *entry.value);
    }

private:
    struct Root {
        std::string_view name;
        const engine::Json* value;
    };

    const engine::Json* find(std::string_view root, std::span<const std::string> keys) const;
    const engine::Json* computed(std::string_view root) const;

    std::vector<Root> roots_;
    mutable engine::Json computed_;
};

/// The value below `root`, or null.
const engine::Json* find_below(const engine::Json& root, std::span<const std::string> keys);

bool holds(const Condition& condition, const Scope& scope);
bool holds(const Comparison& comparison, const Scope& scope);

/// Without its conditions on changes and on the event, as if they were not written: whether it holds long
/// after both. Nothing when it has no others.
std::optional<bool> holds_still(const Condition& condition, const Scope& scope);

/// Nothing when that depends on what is not known: changes, the event, counted events, roots that are not
/// set.
std::optional<bool> holds_if_known(const Condition& condition, const Scope& scope);

/// `holds`, with nothing left out:
/// `{"all":[{"field","op","operand","value","result","note"?},…],"result"}`.
engine::Json explain(const Condition& condition, const Scope& scope);

}  // namespace rules
