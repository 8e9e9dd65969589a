/// Timers that rules end and nobody sets, and waits behind which nothing comes.

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "engine/base/text.h"
#include "rules/checker/checks.h"
#include "rules/checker/wording.h"
#include "rules/evaluator/step_checks.h"
#include "rules/script_timers.h"

namespace rules {
namespace {

/// The text with a star for whatever is rendered into it.
std::string glob_of(const Template& text) {
    auto glob = text.source();
    for (auto from = glob.find("{{"); from != std::string::npos; from = glob.find("{{", from + 1)) {
        const auto until = glob.find("}}", from);
        if (until == std::string::npos) break;
        glob.replace(from, until + 2 - from, "*");
    }
    return glob;
}

class TimerCheck {
public:
    TimerCheck(const Facts& facts, Report& report) : facts_(facts), report_(report) {}

    void run() {
        for (const auto& rule : facts_.rules()) note(rule.rule->then);
        if (const auto& scripts = facts_.rule_set().scripts)
            for (const auto& file : scripts->files) note(timers_set_by(file));
        for (const auto& rule : facts_.rules()) {
            rule_ = rule.rule;
            walk(rule_->then, false);
        }
    }

private:
    void note(const std::vector<Step>& steps) {
        for (const auto& step : steps) {
            if (const auto* emit = std::get_if<EmitStep>(&step.what); emit != nullptr && emit->when) {
                const auto& name = emit->name ? *emit->name : emit->type;
                (name.is_constant() ? names_ : globs_).insert(glob_of(name));
            } else if (const auto* choice = std::get_if<IfStep>(&step.what)) {
                note(choice->then);
                note(choice->otherwise);
            } else if (const auto* wait = std::get_if<WaitForStep>(&step.what)) {
                note(wait->otherwise);
            }
        }
    }

    void note(const ScriptTimers& timers) {
        names_.insert(timers.names.begin(), timers.names.end());
        if (timers.has_others) globs_.insert("*");
    }

    /// `comes_more`: steps of the rule stand behind these.
    void walk(const std::vector<Step>& steps, bool comes_more) {
        for (auto step = steps.begin(); step != steps.end(); ++step) {
            const bool has_rest =
                comes_more || std::any_of(std::next(step), steps.end(), [](const Step& other) {
                    return !std::holds_alternative<StopStep>(other.what);
                });
            if (const auto* cancel = std::get_if<CancelStep>(&step->what)) {
                for (const auto& name : cancel->timers)
                    if (name.is_constant() && !is_set(name.source())) report_unset(*step, name.source());
            } else if (const auto* choice = std::get_if<IfStep>(&step->what)) {
                walk(choice->then, has_rest);
                walk(choice->otherwise, has_rest);
            } else if (const auto* wait = std::get_if<WaitForStep>(&step->what)) {
                if (!has_rest && wait->otherwise.empty()) report_idle(*step, "wait_for");
                walk(wait->otherwise, false);
            } else if (std::holds_alternative<WaitStep>(step->what) && !has_rest) {
                report_idle(*step, "wait");
            }
        }
    }

    bool is_set(const std::string& name) const {
        return names_.contains(name) ||
               std::any_of(globs_.begin(), globs_.end(),
                           [&](const std::string& glob) { return engine::glob_matches(glob, name); });
    }

    void report_unset(const Step& step, const std::string& name) {
        Finding finding;
        finding.kind = "unset-timer";
        finding.place = step.place;
        finding.rules = {rule_->id};
        finding.message = rule_named(*rule_) + " cancels the timer " + engine::in_quotes(name) +
                          ", and neither a rule nor a script sets one of that name" +
                          engine::hint(name, {names_.begin(), names_.end()});
        report_.add(std::move(finding));
    }

    void report_idle(const Step& step, const std::string& what) {
        Finding finding;
        finding.kind = "idle-wait";
        finding.place = step.place;
        finding.rules = {rule_->id};
        finding.message = rule_named(*rule_) + " ends with " + what + ": nothing comes behind it";
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    Report& report_;
    const Rule* rule_ = nullptr;
    std::set<std::string> names_;  ///< of timers that rules and scripts set
    std::set<std::string> globs_;  ///< of those whose names are known only when they are set
};

}  // namespace

void check_timers(const Facts& facts, Report& report) {
    TimerCheck(facts, report).run();
}

}  // namespace rules
