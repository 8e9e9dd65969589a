/// Writes to fields that are a score's.

#include <map>
#include <string_view>

#include "rules/checker/checks.h"
#include "rules/checker/wording.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

class ScoreCheck {
public:
    ScoreCheck(const Facts& facts, Report& report) : facts_(facts), report_(report) {}

    void run() {
        if (facts_.rule_set().scores == nullptr) return;
        for (const auto& score : *facts_.rule_set().scores) {
            owners_.emplace(score.field.text, &score);
            if (score.band_field) owners_.emplace(score.band_field->text, &score);
        }
        for (const auto& rule : facts_.rules()) {
            for (const auto& write : rule.writes) look_at(rule, *write.field, write.place);
            for (const auto* field : rule.written_later) look_at(rule, *field, rule.rule->place);
            for (const auto* field : rule.saved) look_at(rule, *field, rule.rule->place);
        }
    }

private:
    void look_at(const RuleFacts& rule, const FieldPath& field, const engine::Place& place) {
        const auto owner = owners_.find(field.text);
        if (owner == owners_.end()) return;
        Finding finding;
        finding.kind = "overruled-write";
        finding.place = place;
        finding.rules = {rule.rule->id};
        finding.message = rule_named(*rule.rule) + " writes " + field.text + ", which the score " +
                          engine::in_quotes(owner->second->id) + " sets anew in the same decision";
        finding.related.push_back({owner->second->place, "the score"});
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    Report& report_;
    std::map<std::string_view, const Score*> owners_;
};

}  // namespace

void check_scores(const Facts& facts, Report& report) {
    ScoreCheck(facts, report).run();
}

}  // namespace rules
