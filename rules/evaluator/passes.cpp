#include "rules/evaluator/passes.h"

#include <iterator>
#include <utility>

namespace rules {
namespace {

using Changes = std::vector<engine::Change>;

enum class Until { last_rule, first_change };

/// Gives each rule its turn, on the state as the rules before it left it. True when something was written.
bool run_pass(Evaluation& evaluation, Until until) {
    const auto writes = [&] { return evaluation.ledger().write_count(); };
    const auto written_before = writes();
    const auto count = evaluation.rules().size();
    auto& cursor = evaluation.open_cursor();
    std::size_t from = 0;
    while (!evaluation.ended()) {
        const auto found = cursor.next(from);
        evaluation.passed_over(from, found.value_or(count));
        if (!found) return writes() != written_before;
        from = *found + 1;
        if (!evaluation.may_run(*found)) {
            evaluation.passed_over(*found, from);
            continue;
        }
        evaluation.select(*found);
        evaluation.fire(*found);
        if (until == Until::first_change && writes() != written_before) return true;
    }
    evaluation.passed_over(from, count);
    return writes() != written_before;
}

/// Each pass that wrote something starts another one, on what it wrote.
void cascade(Evaluation& evaluation) {
    bool derived = evaluation.resumes();
    // What a clock changed is heard by rules that do not name it, too.
    std::size_t seen = evaluation.is_by_clock() ? 0 : evaluation.writes_among_news();
    Changes changes;
    const auto take_writes = [&] {
        changes = evaluation.ledger().writes_since(seen);
        seen = evaluation.ledger().write_count();
        return !changes.empty();
    };
    if (derived && !take_writes()) return;
    do {
        if (!evaluation.may_begin_pass()) return;
        evaluation.begin_pass(derived, derived ? changes : evaluation.news());
        run_pass(evaluation, Until::last_rule);
        derived = true;
    } while (!evaluation.ended() && take_writes());
}

Changes all_changes(const Evaluation& evaluation) {
    Changes changes = evaluation.merged();
    auto written = evaluation.ledger().writes_since(0);
    std::move(written.begin(), written.end(), std::back_inserter(changes));
    return changes;
}

/// A rule that wrote something sends the walk back to the first rule.
void restart(Evaluation& evaluation) {
    bool derived = evaluation.resumes();
    if (derived && evaluation.ledger().write_count() == 0) return;
    Changes changes;
    const auto walk = [&] {
        do {
            if (!evaluation.may_begin_pass()) return;
            changes = all_changes(evaluation);
            evaluation.begin_pass(derived, changes);
        } while (run_pass(evaluation, Until::first_change) && !evaluation.ended());
    };
    walk();
    // What a clock changed is heard by rules that do not name it, too.
    derived = evaluation.is_by_clock() && evaluation.writes_among_news() > 0;
    if (derived && !evaluation.ended()) walk();
}

/// The rules whose conditions hold before any of them has run.
std::vector<std::size_t> matching(Evaluation& evaluation) {
    std::vector<std::size_t> matched;
    const auto count = evaluation.rules().size();
    auto& cursor = evaluation.open_cursor();
    std::size_t from = 0;
    while (const auto found = cursor.next(from)) {
        evaluation.passed_over(from, *found);
        from = *found + 1;
        if (!evaluation.may_run(*found)) {
            evaluation.passed_over(*found, from);
            continue;
        }
        evaluation.select(*found);
        matched.push_back(*found);
        if (evaluation.rules()[*found].stop) {
            evaluation.passed_over(from, count, "stopped");
            return matched;
        }
    }
    evaluation.passed_over(from, count);
    return matched;
}

void snapshot(Evaluation& evaluation) {
    if (evaluation.resumes()) return;
    evaluation.begin_pass(false, evaluation.news());
    for (const auto rule : matching(evaluation)) {
        if (evaluation.ended()) return;
        evaluation.fire(rule);
    }
}

/// The state itself keeps the rules apart.
void none(Evaluation& evaluation) {
    if (evaluation.resumes()) return;
    evaluation.begin_pass(false, evaluation.news());
    run_pass(evaluation, Until::last_rule);
}

}  // namespace

void run_passes(Evaluation& evaluation) {
    if (evaluation.resumes() && !evaluation.ended()) evaluation.resume_rule();
    if (evaluation.ended() || evaluation.is_silent()) return;
    switch (evaluation.chaining()) {
        case Chaining::cascade:
            return cascade(evaluation);
        case Chaining::restart:
            return restart(evaluation);
        case Chaining::snapshot:
            return snapshot(evaluation);
        case Chaining::none:
            return none(evaluation);
    }
}

}  // namespace rules
