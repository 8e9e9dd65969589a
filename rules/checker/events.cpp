/// Events that no rule looks at.

#include <algorithm>
#include <set>

#include "rules/checker/checks.h"
#include "rules/checker/wording.h"
#include "rules/matcher/matcher.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

class EventCheck {
public:
    EventCheck(const Facts& facts, Report& report) : facts_(facts), report_(report) {}

    void run() {
        for (const auto& rule : facts_.rules())
            for (const auto& emit : rule.emits)
                if (!emit.type.empty() && emit.brings.empty() && !is_handled(emit.type))
                    report_emitted(rule, emit);
        if (facts_.rule_set().scores != nullptr)
            for (const auto& score : *facts_.rule_set().scores)
                for (const auto& band : score.bands) look_at(score, band);
        for (const auto& [name, connection] : facts_.rule_set().connections)
            if (is_unheard(connection)) report_unheard(connection);
    }

private:
    bool is_handled(const std::string& type) {
        const auto [known, is_new] = handled_.try_emplace(type, false);
        if (is_new)
            known->second =
                counts(type) || std::any_of(facts_.rules().begin(), facts_.rules().end(),
                                            [&](const RuleFacts& rule) { return takes(rule, type); });
        return known->second;
    }

    /// A score does.
    bool counts(const std::string& type) const {
        const auto& scores = facts_.rule_set().scores;
        return scores != nullptr && listens_to(*scores, type.substr(0, type.find('.')), type);
    }

    static bool takes(const RuleFacts& rule, const std::string& type) {
        return type_fits(*rule.rule, type) || any_type_fits(rule.awaits, type);
    }

    /// Types that are worked out when they come may be any; then nothing is certain.
    bool is_unheard(const engine::ConnectionSignature& connection) {
        if (facts_.rules().empty() || connection.other_event_types || connection.event_types.empty())
            return false;
        const bool is_called = std::any_of(
            facts_.rules().begin(), facts_.rules().end(),
            [&](const RuleFacts& rule) { return rule.connections_called.contains(connection.connection); });
        return !is_called && !tells_people(connection.connection) &&
               std::none_of(connection.event_types.begin(), connection.event_types.end(),
                            [&](const std::string& type) { return is_handled(type); });
    }

    /// By what reaches the people of escalations.
    bool tells_people(const std::string& connection) const {
        const auto* routing = facts_.rule_set().routing.get();
        if (routing == nullptr) return false;
        const auto calls = [&](const Recipient& one) { return calls_connection(one.notify, connection); };
        return std::any_of(routing->agents.begin(), routing->agents.end(), calls) ||
               std::any_of(routing->teams.begin(), routing->teams.end(), calls) ||
               std::any_of(routing->channels.begin(), routing->channels.end(), calls);
    }

    static bool calls_connection(const std::vector<Step>& steps, const std::string& connection) {
        return std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
            if (const auto* call = std::get_if<CallStep>(&step.what)) return call->connection == connection;
            const auto* choice = std::get_if<IfStep>(&step.what);
            return choice != nullptr && (calls_connection(choice->then, connection) ||
                                         calls_connection(choice->otherwise, connection));
        });
    }

    void report_emitted(const RuleFacts& rule, const EmitFact& emit) {
        Finding finding;
        finding.kind = "unhandled-event";
        finding.place = emit.place;
        finding.rules = {rule.rule->id};
        finding.message = rule_named(*rule.rule) + " emits " + emit.type + ", and no rule handles it";
        report_.add(std::move(finding));
    }

    /// Without a type of its own nobody asked for the event.
    void look_at(const Score& score, const ScoreBand& band) {
        for (const auto* type : {&band.enter, &band.leave}) {
            if (type->empty() || is_handled(*type)) continue;
            Finding finding;
            finding.kind = "unhandled-event";
            finding.place = band.place;
            finding.message = "the band " + engine::in_quotes(band.id) + " of the score " +
                              engine::in_quotes(score.id) + " emits " + *type + ", and no rule handles it";
            report_.add(std::move(finding));
        }
    }

    void report_unheard(const engine::ConnectionSignature& connection) {
        Finding finding;
        finding.kind = "unhandled-event";
        finding.place.file = "connections.yaml";
        finding.message = "no rule calls connection " + engine::in_quotes(connection.connection) +
                          " or handles what it brings: " +
                          listed({connection.event_types.begin(), connection.event_types.end()});
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    Report& report_;
    std::map<std::string, bool> handled_;
};

}  // namespace

void check_events(const Facts& facts, Report& report) {
    EventCheck(facts, report).run();
}

}  // namespace rules
