#pragma once
/// Evaluation: one decision while it is being made. passes.cpp walks it through its chaining mode.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/evaluator/decide.h"
#include "rules/evaluator/event_view.h"
#include "rules/evaluator/run_rule.h"
#include "rules/evaluator/trace.h"
#include "rules/evaluator/working_state.h"
#include "rules/matcher/matcher.h"
#include "rules/policies/rates.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"
#include "rules/rule_set.h"

namespace rules {

/// Borrows the rule set and the matcher. One thread.
class Evaluation {
public:
    Evaluation(const RuleSet& rule_set, const Matcher& matcher, DecisionInput input);
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

    // ---- before the passes ----

    /// Writes what deliveries gave back. Stays whatever becomes of the rules.
    void apply_presets();
    /// Writes the tags that the texts call for; for rules they are news like what the payload brought.
    void apply_tagging();
    /// Counts the event and writes the scores that follow; news like the tags.
    void apply_scoring();
    /// Routes again what waits in a queue and is due; news like the tags.
    void apply_routing();
    bool is_silent() const { return input_.is_silent; }
    bool resumes() const { return input_.resume.has_value(); }
    /// Runs the rest of the suspended rule; when it is gone, notes that.
    void resume_rule();

    // ---- passes ----

    /// Ends the decision with outcome loop when one more pass is more than the limit.
    bool may_begin_pass();
    /// On the event as it came, or on the derived `<kind>.updated`. The changes are borrowed for the pass.
    void begin_pass(bool derived, const std::vector<engine::Change>& changes);
    /// A walk over the rules for this pass; it hears of every write.
    MatchCursor& open_cursor();
    /// The rule's conditions hold; false when something else is in its way.
    bool may_run(std::size_t rule) const { return obstacle(rule).empty(); }
    /// For the trace: the turn of the rules in [from, until) passed. `because` stands in for the reason
    /// found.
    void passed_over(std::size_t from, std::size_t until, std::string_view because = {});
    /// It is the rule's turn: it takes the place in its group.
    void select(std::size_t rule);
    /// Runs a selected rule; takes everything back when it fails.
    void fire(std::size_t rule);
    /// No further rule may run.
    bool ended() const { return stopped_ || outcome_ != engine::Outcome::ok; }

    const std::vector<Rule>& rules() const { return rule_set_.rules; }
    bool is_by_clock() const { return is_clock_type(input_.event->type); }
    Chaining chaining() const { return rule_set_.options.chaining; }
    /// What the first pass is about: what the payload brought, and the tags and scores that followed from it.
    const std::vector<engine::Change>& news() const { return given_.empty() ? input_.merged : news_; }
    /// So many writes are among the news.
    std::size_t writes_among_news() const { return given_.size(); }
    const std::vector<engine::Change>& merged() const { return input_.merged; }
    const Ledger& ledger() const { return state_.ledger(); }

    engine::Decision finish();

private:
    std::string_view obstacle(std::size_t rule) const;
    std::string_view fate_of(std::size_t rule) const;
    RunEnd run(const RuleRun& run);
    std::string next_firing(const std::string& rule) const;
    void fail(const Rule& rule, engine::RuleFailure failure);
    void end_in_loop();

    /// When the event happened; what says that it is still to come has come.
    engine::Instant moment() const;
    void begin_rates();
    void settle_rates(engine::Decision& decision) const;
    ScoreMoment score_moment(const Scope& scope) const;
    /// Rules may have changed what scores follow from: on what they left, all scores are looked at again.
    void settle_scores(engine::Decision& decision);
    bool write_score(const Score& score, const Scored& scored);
    void settle_field(const FieldPath& field, engine::Json value, const Score& score,
                      engine::Decision& decision);
    void tell_of(const Score& score, const engine::ScoreChange& change, engine::Decision& decision);
    void begin_routing();
    /// The event is that what waits is to be routed again.
    bool is_due() const;
    /// On what the rules and scores left: its place at the desk, what becomes of its escalations, and who is
    /// told.
    void follow_routing(engine::Decision& decision);
    Placement placement_after(const Scope& scope, engine::Decision& decision);
    Placement placement_without_queues(engine::Decision& decision) const;
    void place(const RoutedTo& to, Placement& placement);
    void set_routing_timer(const Placement& after, engine::Decision& decision) const;
    void wake_the_next(const Placement& after, engine::Decision& decision);
    /// By agent: who was passed over for them just now.
    void offer(const std::map<std::string, std::set<std::string>>& free, const Placement& after,
               engine::Decision& decision);
    void follow_escalations(Scope& scope, engine::Decision& decision);
    void tell_people(const LevelReached& reached, Scope& scope, engine::Decision& decision);
    void tell(const Told& told, const Escalation& escalation, Scope& scope, engine::Decision& decision);
    const RuleSet* rule_set_of(const std::string& version) const;
    bool is_heard(const std::string& type) const;
    void add_news(std::size_t written);
    void write_preset(const PresetWrite& preset, const FieldPath& field);
    void resume(const Rule& rule, const RuleSet& rule_set, const engine::Continuation& continuation);
    void time_out(const Rule& rule, const RuleSet& rule_set);
    void drop_rest(const engine::Continuation& continuation, const char* reason, const std::string& why);
    void mark_tried(std::size_t rule);
    engine::Decision described();

    const RuleSet& rule_set_;
    const Matcher& matcher_;
    DecisionInput input_;
    EventView event_;
    Scope scope_;
    WorkingState state_;
    Trace trace_;

    std::optional<RateCounts> rates_;  ///< nothing where no rate is about the entity's kind

    std::vector<FieldPath> preset_fields_;
    WorkingState::Mark base_;            ///< the state before any rule ran, and before tagging
    std::vector<engine::Change> given_;  ///< what tagging and scoring wrote
    std::optional<ScoreMemory> memory_;  ///< nothing where there are no scores
    EscalationRuns escalations_;
    Placement placement_;                  ///< as it was
    std::optional<RecordingBoard> board_;  ///< nothing where there are no queues
    std::optional<Router> router_;
    engine::Json escalation_view_;
    std::vector<engine::Change> news_;  ///< empty when nothing was

    std::unique_ptr<MatchCursor> cursor_;
    std::vector<std::size_t> fired_before_pass_;  ///< for each pass: how many firings came before it
    std::vector<std::string_view> groups_taken_;  ///< in this pass
    std::vector<bool> tried_;                     ///< the rules that fired or failed; empty when none has

    std::vector<std::string> fired_;
    std::vector<engine::RuleFailure> failures_;
    std::vector<std::string> cycle_;
    std::vector<std::string> notes_;
    std::vector<engine::Skipped> skipped_;
    std::optional<engine::Conflict> fatal_conflict_;
    engine::Outcome outcome_ = engine::Outcome::ok;
    bool stopped_ = false;
    bool blocks_lane_ = false;
};

}  // namespace rules
