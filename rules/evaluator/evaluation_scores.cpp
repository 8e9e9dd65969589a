/// The scores of an evaluation: written before the rules, and settled on what they left.

#include <algorithm>
#include <iterator>
#include <utility>

#include "rules/evaluator/evaluation.h"
#include "rules/policies/scoring.h"

namespace rules {

using engine::Decision;
using engine::Outcome;

engine::Instant Evaluation::moment() const {
    return std::min(input_.event->occurred(), input_.now);
}

ScoreMoment Evaluation::score_moment(const Scope& scope) const {
    return {input_.kind, input_.event->type, moment(), input_.now, scope};
}

void Evaluation::apply_scoring() {
    const bool are_there = rule_set_.scores != nullptr || !input_.scores.empty();
    if (!are_there || is_silent() || ended()) return;
    memory_ = score_memory_from(input_.scores);
    // What goes on is nothing that has happened.
    if (rule_set_.scores == nullptr || resumes()) return;
    const auto moment = score_moment(scope_);
    count_event(*rule_set_.scores, moment, *memory_);
    const auto written = ledger().write_count();
    for (const auto& score : *rule_set_.scores) {
        if (score.kind != input_.kind) continue;
        const auto kept = memory_->find(score.id);
        const auto scored = score_of(score, moment, kept == memory_->end() ? nullptr : &kept->second);
        if (write_score(score, scored)) continue;
        fatal_conflict_ = ledger().conflicts().back();
        outcome_ = Outcome::error;
        return;
    }
    state_.keep();
    add_news(written);
}

namespace {

/// What stands in the band's field; null = in none.
engine::Json band_of(const Scored& scored) {
    return scored.band == nullptr ? engine::Json() : engine::Json(scored.band->id);
}

}  // namespace

bool Evaluation::write_score(const Score& score, const Scored& scored) {
    if (state_.set(score.field, json_of(scored.points), score.writer) == Ledger::Verdict::fails) return false;
    if (!score.band_field) return true;
    return state_.set(*score.band_field, band_of(scored), score.writer) != Ledger::Verdict::fails;
}

void Evaluation::settle_scores(Decision& decision) {
    if (!memory_ || outcome_ != Outcome::ok) return;
    static const Scores none;
    Scope scope = scope_;
    scope.changes = &decision.merged;
    scope.set(input_.kind, &decision.document);
    for (const auto& gift : state_.gifts) give(*memory_, gift.score, gift.points);
    auto outcome = settle(rule_set_.scores ? *rule_set_.scores : none, score_moment(scope), *memory_);
    for (const auto& [score, scored] : outcome.scored) {
        settle_field(score->field, json_of(scored.points), *score, decision);
        if (score->band_field) settle_field(*score->band_field, band_of(scored), *score, decision);
        for (const auto& change : outcome.changes)
            if (change.score == score->id) tell_of(*score, change, decision);
    }
    trace_.scored(outcome.scored);
    decision.scores = std::move(outcome.changes);
    std::move(outcome.timers.begin(), outcome.timers.end(), std::back_inserter(decision.timers));
    auto state = to_json(*memory_);
    const bool is_as_before = state.empty() ? input_.scores.empty() : state == input_.scores;
    if (!is_as_before) decision.score_state = std::move(state);
}

void Evaluation::settle_field(const FieldPath& field, engine::Json value, const Score& score,
                              Decision& decision) {
    const auto* now = engine::find(decision.document, field.keys);
    if (engine::value_or_null(now) == value) return;
    decision.changes.push_back({field.text, engine::value_or_null(now), value, score.writer, ""});
    if (value.is_null())
        engine::remove(decision.document, field.keys);
    else
        engine::put(decision.document, field.keys, std::move(value));
}

/// The events of a band that was entered or left, where somebody listens. A first score comes into its band;
/// nothing has changed there.
void Evaluation::tell_of(const Score& score, const engine::ScoreChange& change, Decision& decision) {
    if (change.band == change.band_from) return;
    const auto emit = [&](const std::string& type) {
        if (type.empty() || !is_heard(type)) return;
        decision.emitted.push_back(
            {score.writer, type, decision.subject, engine::Json{{"scoring", engine::to_json(change)}}});
    };
    const auto band_named = [&](const std::string& id) {
        return std::find_if(score.bands.begin(), score.bands.end(),
                            [&](const ScoreBand& band) { return band.id == id; });
    };
    if (const auto left = band_named(change.band_from); left != score.bands.end()) emit(left->leave);
    if (const auto entered = band_named(change.band); entered != score.bands.end()) emit(entered->enter);
    if (!change.from.is_null()) emit(band_changed_type(score.kind));
}

}  // namespace rules
