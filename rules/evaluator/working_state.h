#pragma once
/// WorkingState: the entity while rules write to it, and everything else a rule can ask for, with the way
/// back.

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/model/decision.h"
#include "rules/evaluator/document.h"
#include "rules/evaluator/ledger.h"
#include "rules/evaluator/router.h"
#include "rules/evaluator/timer_room.h"
#include "rules/matcher/matcher.h"
#include "rules/rule_set.h"

namespace rules {

/// One decision's. Field paths and rule names given to it are borrowed for its life. One thread.
class WorkingState {
public:
    WorkingState(engine::Json document, const RuleSetOptions& options)
        : readable_(std::move(document)),
          ledger_(options.on_conflict),
          isolated_(options.chaining == Chaining::none) {}

    /// What rules read. Under chaining `none` these are the merged fields and the running rule's own writes.
    /// The address never changes.
    const engine::Json& readable() const { return readable_.fields(); }

    /// Writes a value that fits; null unsets. A refused write is no failure.
    Ledger::Verdict set(const FieldPath& field, engine::Json value, std::string_view rule);
    Ledger::Verdict change_tags(const FieldPath& field, const std::vector<std::string>& tags, bool add,
                                std::string_view rule);

    /// Writes where a route led. Nothing where it led nowhere, or where another queue stands.
    Ledger::Verdict write(RoutedTo& to, std::string_view rule);

    /// Keeps a field path for the state's life.
    const FieldPath& kept(FieldPath field) { return kept_fields_.emplace_back(std::move(field)); }

    /// Is told of every field that gets another value while rules look for their turn; may be null.
    void tell(MatchCursor* cursor) { cursor_ = cursor; }

    struct Mark {
        std::size_t readable = 0;
        std::size_t result = 0;
        Ledger::Mark ledger;
        std::size_t actions = 0;
        std::size_t emitted = 0;
        std::size_t timers = 0;
        std::size_t continuations = 0;
        std::size_t gifts = 0;
        std::size_t wishes = 0;
        std::size_t routed = 0;
    };
    Mark mark() const;
    void undo_to(const Mark& mark);
    /// What was written so far belongs to what every rule sees, whatever the chaining.
    void keep() { kept_ = readable_.mark(); }
    /// The rule is through: under `none` the next one does not see its writes.
    void end_rule();

    const Ledger& ledger() const { return ledger_; }
    /// For an event more. Fails with exhausted, naming the limit.
    engine::Result<void> check_room_for_event(const RuleSetOptions& options) const;
    /// For a timer more, set or cancelled. Fails with exhausted, naming the limit.
    engine::Result<void> check_room_for_timer(std::string_view name, bool is_set,
                                              const RuleSetOptions& options);
    engine::Result<void> check_breadth(const RuleSetOptions& options) const;
    /// Moves what came of it all into the decision.
    void finish(engine::Decision& decision);

    std::vector<engine::Action> actions;
    int breadth = 1;                 ///< of the event
    std::size_t rendered_bytes = 0;  ///< taken by templates, also of rules that were undone
    std::vector<engine::Emitted> emitted;
    std::vector<engine::TimerChange> timers;  ///< of one name the last counts
    std::vector<engine::Continuation> continuations;
    std::vector<ScoreStep::Gift> gifts;  ///< points that rules gave
    std::vector<EscalationWish> wishes;
    std::vector<RoutedTo> routed;     ///< the last counts
    Router* router = nullptr;         ///< null = there are no queues
    TimerRoom* timer_room = nullptr;  ///< null = there always is some

private:
    Document& result() { return apart_ ? *apart_ : readable_; }
    const Document& result() const { return apart_ ? *apart_ : readable_; }
    void write(const FieldPath& field, engine::Json before, engine::Json after, std::string_view rule,
               std::size_t claims);
    void show(const FieldPath& field, engine::Json value);

    Document readable_;
    /// Under `none`, what all rules together made of the entity; made at the first write.
    std::optional<Document> apart_;
    Ledger ledger_;
    std::deque<FieldPath> kept_fields_;
    MatchCursor* cursor_ = nullptr;
    std::size_t kept_ = 0;
    std::size_t asked_for_room_ = 0;
    engine::Json timers_refused_;  ///< which times there was none
    bool isolated_ = false;
};

}  // namespace rules
