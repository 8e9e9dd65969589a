/// Fields that rules read and nothing writes.

#include <algorithm>
#include <set>
#include <string_view>

#include "rules/checker/checks.h"
#include "rules/checker/wording.h"
#include "rules/evaluator/change_condition.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

/// Each field that a rule reads in a condition, with the place of the condition.
class FieldCheck {
public:
    FieldCheck(const Facts& facts, Report& report) : facts_(facts), report_(report) {}

    void run() {
        for (const auto& rule : facts_.rules()) {
            for (const auto& write : rule.writes) written_.insert(write.field->text);
            for (const auto* field : rule.saved) written_.insert(field->text);
            for (const auto* field : rule.written_later) written_.insert(field->text);
            for (const auto& emit : rule.emits) written_.insert(emit.brings.begin(), emit.brings.end());
        }
        for (const auto& [name, connection] : facts_.rule_set().connections)
            written_.insert(connection.fields.begin(), connection.fields.end());
        if (facts_.rule_set().scores != nullptr)
            for (const auto& score : *facts_.rule_set().scores) {
                written_.insert(score.field.text);
                if (score.band_field) written_.insert(score.band_field->text);
            }
        for (const auto& rule : facts_.rules()) {
            rule_ = rule.rule;
            look_at(rule.rule->when);
            look_at(rule.rule->then);
        }
    }

private:
    void look_at(const Condition& condition) {
        if (condition.kind == Condition::Kind::comparison)
            look_at(condition.comparison.field.text, condition.place);
        for (const auto& child : condition.children) look_at(child);
    }

    void look_at(const std::vector<Step>& steps) {
        for (const auto& step : steps) {
            if (const auto* wait = std::get_if<WaitForStep>(&step.what)) {
                look_at(wait->when);
                look_at(wait->otherwise);
            }
            const auto* choice = std::get_if<IfStep>(&step.what);
            if (choice == nullptr) continue;
            look_at(choice->condition);
            look_at(choice->then);
            look_at(choice->otherwise);
        }
    }

    void look_at(const std::string& field, const engine::Place& place) {
        if (!is_undeclared(field) || is_written(field) || !reported_.insert(field).second) return;
        Finding finding;
        finding.kind = "unwritten-field";
        finding.place = place;
        finding.rules = {rule_->id};
        finding.message = rule_named(*rule_) + " reads " + field +
                          ", which no rule and no connection writes and fields.yaml does not declare";
        report_.add(std::move(finding));
    }

    /// A field of the tenant's own that only this rule speaks of: its name may be a slip.
    bool is_undeclared(const std::string& field) const {
        const auto* declared = facts_.rule_set().catalogue.find(field);
        return declared != nullptr && declared->path.ends_with(".custom.*");
    }

    bool is_written(std::string_view field) const {
        return std::any_of(written_.begin(), written_.end(),
                           [&](const std::string& written) { return touches(written, field); });
    }

    const Facts& facts_;
    Report& report_;
    const Rule* rule_ = nullptr;
    std::set<std::string> written_;
    std::set<std::string> reported_;
};

}  // namespace

void check_fields(const Facts& facts, Report& report) {
    FieldCheck(facts, report).run();
}

}  // namespace rules
