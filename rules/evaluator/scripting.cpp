#include "rules/evaluator/scripting.h"

#include <utility>

#include "rules/evaluator/step_checks.h"

namespace rules {
namespace {

using engine::Json;

/// What `ctx` shows, as schema/signalbox.d.lua says.
Json context_of(const engine::Event& event, const Json& args, const Scope& scope) {
    Json context = Json::object();
    context["kind"] = std::string(event.subject.kind());
    context["subject"] = event.subject.text();
    if (scope.event != nullptr) context["event"] = scope.event->made();
    // The entity and what can be read beside it, by kind; and the results of steps.
    scope.each_root([&](std::string_view name, const Json& value) { context[std::string(name)] = value; });
    auto& changes = context["changes"] = Json::array();
    if (scope.changes != nullptr)
        for (const auto& change : *scope.changes) changes.push_back(engine::to_json(change));
    if (scope.sla != nullptr) context["sla"] = *scope.sla;
    if (scope.escalations != nullptr) context["escalations"] = *scope.escalations;
    if (!args.is_null()) context["args"] = args;
    return context;
}

/// Of the scripts of one decision; more is left out.
constexpr std::size_t log_bytes_max = 256U << 10U;

ScriptOutcome failed_outcome(std::string message, const ScriptRef& script) {
    ScriptOutcome outcome;
    outcome.failure = ScriptFailure{std::move(message), script.place, {}, "", false};
    return outcome;
}

/// The machine ended it, or a limit that it may just not reach when it is made again elsewhere.
bool is_by_chance(const ScriptOutcome& outcome) {
    return outcome.failure && (outcome.failure->lost || !outcome.failure->limit.empty());
}

/// Of a run that failed, as far as a decision shows it.
Json recorded(const ScriptOutcome& outcome) {
    const auto& failure = *outcome.failure;
    return {{"error",
             {{"message", failure.message},
              {"file", failure.place.file},
              {"line", failure.place.line},
              {"column", failure.place.column},
              {"traceback", failure.traceback}}},
            {"log", outcome.log}};
}

ScriptOutcome outcome_from(const Json& recorded) {
    const auto& error = recorded.at("error");
    ScriptOutcome outcome;
    auto& failure = outcome.failure.emplace();
    failure.lost = true;
    error.at("message").get_to(failure.message);
    error.at("file").get_to(failure.place.file);
    error.at("line").get_to(failure.place.line);
    error.at("column").get_to(failure.place.column);
    error.at("traceback").get_to(failure.traceback);
    recorded.at("log").get_to(outcome.log);
    return outcome;
}

engine::RuleFailure failure_of(const ScriptRef& script, const ScriptFailure& found) {
    return {script.rule, found.message, found.place.file.empty() ? script.place : found.place,
            found.traceback};
}

ScriptOutcome refused(const ScriptRef& script, const std::string& used_up) {
    auto outcome = failed_outcome(
        "the scripts of the decision, and those that ran again for each answer, have used " + used_up,
        script);
    // Made again with all answers at hand it would use less.
    outcome.failure->lost = true;
    return outcome;
}

/// What a condition's answer is, when it is one.
std::optional<std::string> no_answer(const ScriptRef& script, const ScriptOutcome& outcome) {
    if (!outcome.effects.empty()) return to_text(script) + " is a condition: it may ask for nothing";
    if (outcome.result.is_boolean()) return std::nullopt;
    return to_text(script) + " is a condition: it returns true or false, not " +
           (outcome.result.is_null() ? "nothing" : std::string("a ") + outcome.result.type_name());
}

}  // namespace

Scripting::Scripting(ScriptHost* host, const engine::Event& event, Limits limits, Json answers,
                     ScriptMemory* memory)
    : host_(host), event_(event), limits_(limits), answers_(std::move(answers)), memory_(memory) {}

ScriptOutcome Scripting::outcome_of(const ScriptRef& script, const Json& args, const Scope& scope) const {
    if (host_ == nullptr || script.scripts == nullptr)
        return failed_outcome("there is nothing here that runs scripts", script);
    // What the script is shown is made for it, and sent to it: that is time that the others wait, too.
    const auto begin = std::chrono::steady_clock::now();
    // The same numbers for the same rule and event, whoever decides it, whenever, and however often.
    const auto seed = event_.id.text() + "\n" + script.rule + "\n" + to_text(script);
    if (auto refused = refusal_of(script, seed)) return *std::move(refused);
    ScriptCall call;
    call.file = script.file;
    call.function = script.function;
    call.context = context_of(event_, args, scope);
    call.now = scope.now;
    call.seed = seed;
    if (!answers_.is_null()) call.answers = answers_;
    auto outcome = run_of(script, call);
    if (memory_ != nullptr) memory_->spend(std::chrono::steady_clock::now() - begin);
    return outcome;
}

/// The limits that keep one decision from keeping all others; empty = there is some left.
std::string Scripting::what_is_used_up() const {
    if (memory_->fuel_used() >= limits_.fuel_max) return named_limit("script_fuel_max", limits_.fuel_max);
    // The greatest number of milliseconds is none of nanoseconds.
    const auto used = std::chrono::duration_cast<std::chrono::milliseconds>(memory_->time_used());
    if (used < host_->decision_time_max()) return "";
    return engine::to_text(engine::Duration(host_->decision_time_max())) +
           ", which --script-decision-time of the daemon raises";
}

/// Said before anything is made for the run, unless its outcome may be known.
std::optional<ScriptOutcome> Scripting::refusal_of(const ScriptRef& script, const std::string& seed) const {
    if (memory_ == nullptr || memory_->may_know(seed)) return std::nullopt;
    const auto used_up = what_is_used_up();
    if (used_up.empty()) return std::nullopt;
    return refused(script, used_up);
}

ScriptOutcome Scripting::run_of(const ScriptRef& script, const ScriptCall& call) const {
    if (memory_ != nullptr) {
        if (const auto* known = memory_->find(call)) return *known;
        if (const auto used_up = what_is_used_up(); !used_up.empty()) return refused(script, used_up);
    }
    auto outcome = host_->run(script.scripts, call);
    if (memory_ != nullptr) memory_->keep(call, outcome);
    // Nobody in his right mind asks again for what he was told: it would go on for ever.
    if (!outcome.need || answers_.find(outcome.need->key) == answers_.end()) return outcome;
    outcome = failed_outcome("script_crashed: its worker asks for what it was told", script);
    outcome.failure->lost = true;
    return outcome;
}

void Scripting::take_log_of(const ScriptRef& script, const ScriptOutcome& outcome) {
    for (const auto& line : outcome.log) {
        if (log_bytes_ >= log_bytes_max) return;
        log_bytes_ += line.size();
        log_.push_back("log of rule " + script.rule + ": " + line);
        if (log_bytes_ >= log_bytes_max) log_.emplace_back("more lines of scripts were left out");
    }
}

/// By its number: the runs of a decision come in the same order whenever it is made.
ScriptOutcome Scripting::recorded_outcome_of(const ScriptRef& script, const Json& args, const Scope& scope) {
    const auto key = "run:" + std::to_string(runs_);
    const auto before = answers_.find(key);
    auto outcome = before == answers_.end() ? outcome_of(script, args, scope) : outcome_from(*before);
    if (is_by_chance(outcome)) chances_[key] = recorded(outcome);
    return outcome;
}

std::optional<ScriptOutcome> Scripting::counted(const ScriptRef& script, const Json& args, const Scope& scope,
                                                std::optional<engine::RuleFailure>& failure) {
    if (need_) return std::nullopt;
    if (runs_ == limits_.runs_max) {
        failure = {script.rule, limit_reached("script_runs_max", limits_.runs_max).message, script.place};
        return std::nullopt;
    }
    ++runs_;
    auto outcome = recorded_outcome_of(script, args, scope);
    if (outcome.need) {
        need_ = std::move(outcome.need);
        return std::nullopt;
    }
    take_log_of(script, outcome);
    if (outcome.failure) failure = failure_of(script, *outcome.failure);
    return failure ? std::nullopt : std::optional(std::move(outcome));
}

bool Scripting::says_yes(const ScriptRef& script, const Scope& scope) {
    std::optional<engine::RuleFailure> failure;
    const auto outcome = counted(script, Json(), scope, failure);
    if (outcome)
        if (const auto wrong = no_answer(script, *outcome)) failure = {script.rule, *wrong, script.place};
    if (!failure) return outcome && outcome->result.get<bool>();
    failures_.push_back(std::move(*failure));
    return false;
}

Scripting::Said Scripting::would_say(const ScriptRef& script, const Scope& scope) const {
    const auto outcome = outcome_of(script, Json(), scope);
    if (outcome.need) return {false, "it waits for " + outcome.need->what};
    if (outcome.failure) return {false, outcome.failure->message};
    const auto wrong = no_answer(script, outcome);
    return wrong ? Said{false, *wrong} : Said{outcome.result.get<bool>(), ""};
}

Scripting::Run Scripting::run(const ScriptRef& script, const Json& args, const Scope& scope) {
    Run run;
    if (auto outcome = counted(script, args, scope, run.failure)) run.effects = std::move(outcome->effects);
    return run;
}

std::vector<engine::RuleFailure> Scripting::take_failures() {
    return std::exchange(failures_, {});
}

std::vector<std::string> Scripting::take_log() {
    return std::exchange(log_, {});
}

}  // namespace rules
