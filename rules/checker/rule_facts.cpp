#include "rules/checker/rule_facts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "rules/checker/step_text.h"
#include "rules/checker/wording.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/step_checks.h"
#include "rules/policies/routing.h"
#include "rules/script.h"

namespace rules {
namespace {

using engine::Json;

/// The value when nothing has to be looked up; nothing when something has, or when it cannot be rendered.
std::optional<Json> constant_of(const ValueTemplate& source, std::size_t bytes_max) {
    if (!source.expressions().empty()) return std::nullopt;
    auto value = source.render([](const engine::Path&) { return nullptr; }, bytes_max);
    if (!value) return std::nullopt;
    return *std::move(value);
}

std::optional<std::string> constant_of(const Template& source) {
    if (!source.is_constant()) return std::nullopt;
    return source.source();
}

bool is_write(const Step& step) {
    return std::holds_alternative<SetStep>(step.what) || std::holds_alternative<AssignStep>(step.what) ||
           std::holds_alternative<UnsetStep>(step.what) || std::holds_alternative<TagsStep>(step.what);
}

/// The texts in the script's file, each once.
std::set<std::string> names_in(const ScriptRef& script) {
    for (const auto& file : script.scripts->files) {
        if (file.name != script.file) continue;
        const auto texts = texts_in(file);
        return {texts.begin(), texts.end()};
    }
    return {};
}

}  // namespace

std::string words_of(const WriteFact& write) {
    const auto& field = write.field->text;
    const auto tag = write.is_constant ? "the tag " + words_of(write.value) : "a tag of a template";
    if (write.what == WriteFact::What::tag_added) return "adds " + tag;
    if (write.what == WriteFact::What::tag_removed) return "removes " + tag;
    if (!write.chosen.empty()) return "sets " + field + " to " + write.chosen + " that the route chooses";
    if (!write.is_constant) return "sets " + field + " to what its template gives";
    return write.value.is_null() ? "removes " + field : "sets " + field + " to " + words_of(write.value);
}

std::vector<Term> crossed(const std::vector<Term>& some, const std::vector<Term>& others,
                          std::size_t terms_max) {
    std::vector<Term> all;
    for (const auto& one : some)
        for (const auto& other : others) {
            if (all.size() >= terms_max) return all;
            all.push_back(one);
            all.back().literals.insert(all.back().literals.end(), other.literals.begin(),
                                       other.literals.end());
        }
    return all;
}

/// Collects what the steps of one rule do.
class Facts::StepReader {
public:
    StepReader(Facts& facts, RuleFacts& rule) : facts_(facts), rule_(rule) {}

    void read(const std::vector<Step>& steps, const std::vector<Term>& ways) {
        for (const auto& step : steps) {
            place_ = &step.place;
            ways_ = &ways;
            std::visit([&](const auto& what) { take(what); }, step.what);
        }
    }

    /// Whether the first thing that any firing does, but for what cannot end it, is a write.
    static bool writes_at_once(const std::vector<Step>& steps) {
        for (const auto& step : steps) {
            if (!step.reads_results.empty()) return false;
            if (is_write(step)) return true;
            const bool goes_on = std::holds_alternative<CallStep>(step.what) ||
                                 std::holds_alternative<EmitStep>(step.what) ||
                                 std::holds_alternative<CancelStep>(step.what);
            if (!goes_on) return false;
        }
        return false;
    }

private:
    void take(const SetStep& step) { write(step.fields); }
    void take(const AssignStep& step) { write(step.fields); }

    void take(const UnsetStep& step) {
        for (const auto& field : step.fields) add(WriteFact::What::value, field, Json());
    }

    void take(const TagsStep& step) {
        const auto what = step.add ? WriteFact::What::tag_added : WriteFact::What::tag_removed;
        for (const auto& tag : step.tags) {
            const auto constant = constant_of(tag);
            add(what, step.field, constant ? std::optional<Json>(*constant) : std::nullopt);
        }
    }

    void take(const EmitStep& step) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        rule_.emits.push_back({constant_of(step.type).value_or(""), kinds_brought(step.data),
                               is_later_ || step.when.has_value(), *place_, *ways_});
    }

    void take(const WaitStep&) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        is_later_ = true;
    }

    void take(const WaitForStep& step) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        is_later_ = true;
        rule_.awaits.insert(rule_.awaits.end(), step.on.begin(), step.on.end());
        read(step.otherwise, std::vector<Term>(*ways_));
    }

    void take(const CancelStep&) { rule_.acts = true; }

    /// What a script does is known when it runs; a field that it names it may write.
    void take(const LuaStep& step) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        for (const auto& name : names_in(step.script)) {
            if (facts_.rule_set_.catalogue.find(name) != nullptr)
                add(WriteFact::What::value,
                    facts_.fields_.emplace_back(field_named(facts_.rule_set_.catalogue, name)), std::nullopt);
            else if (const auto dot = name.find('.'); dot != std::string::npos)
                rule_.connections_called.insert(name.substr(0, dot));
        }
    }

    void take(const ScoreStep&) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
    }

    void take(const RouteStep& step) {
        rule_.routes.push_back(&step);
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        const auto* routing = facts_.rule_set_.routing.get();
        if (routing == nullptr || routing->queues.empty())
            return add(WriteFact::What::value, step.queue_field, Json(step.queues.front()));
        for (const auto& queue : routing->queues) {
            const bool is_meant = step.queues.empty() || std::find(step.queues.begin(), step.queues.end(),
                                                                   queue.id) != step.queues.end();
            if (!is_meant) continue;
            add_chosen(queue.queue_field, "the queue");
            add_chosen(queue.assignee_field, "the agent");
            if (queue.group_field) add_chosen(*queue.group_field, "the group");
        }
    }

    void take(const EscalateStep& step) {
        const bool begins =
            step.wish == EscalateStep::Wish::start || step.wish == EscalateStep::Wish::restart;
        if (begins) rule_.escalations_begun.insert(step.escalation);
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
    }

    void take(const CallStep& step) {
        rule_.acts = rule_.may_fail = true;
        rule_.repeats_well = false;
        rule_.connections_called.insert(step.connection);
        for (const auto& [field, path] : step.save) rule_.saved.push_back(&field);
    }

    std::set<std::string> kinds_brought(const ValueTemplate& data) const {
        std::set<std::string> kinds;
        const auto take = [&](const std::string& name) {
            if (facts_.rule_set_.catalogue.is_entity(name)) kinds.insert(name);
        };
        if (const auto* constant = std::get_if<Json>(&data.value))
            for (const auto& [name, value] : constant->items()) take(name);
        using Members = std::vector<std::pair<std::string, ValueTemplate>>;
        if (const auto* members = std::get_if<Members>(&data.value))
            for (const auto& [name, value] : *members) take(name);
        return kinds;
    }

    void take(const StopStep&) {}

    void take(const IfStep& step) {
        rule_.repeats_well = false;
        const auto* outer = ways_;
        const auto when = terms_of(step.condition, facts_.terms_max_);
        read(step.then, crossed(*outer, when.any, facts_.terms_max_));
        if (step.otherwise.empty()) return;
        const auto unless = facts_.conditions_.opposite_of(step.condition);
        read(step.otherwise, crossed(*outer, unless, facts_.terms_max_));
    }

    void write(const std::vector<std::pair<FieldPath, ValueTemplate>>& fields) {
        for (const auto& [field, value] : fields) {
            auto constant = constant_of(value, facts_.rule_set_.options.text_bytes_max);
            if (constant) {
                auto fitting = fit(facts_.rule_set_.catalogue, field, *constant);
                rule_.may_fail = rule_.may_fail || !fitting;
                constant = fitting ? std::optional<Json>(*fitting) : std::nullopt;
            }
            add(WriteFact::What::value, field, std::move(constant));
        }
    }

    void add(WriteFact::What what, const FieldPath& field, std::optional<Json> value) {
        rule_.acts = true;
        if (is_later_) return rule_.written_later.push_back(&field);
        if (!value) {
            rule_.may_fail = true;
            rule_.repeats_well = false;
        }
        if (rule_.writes.empty()) rule_.written_kind = field.root;
        if (rule_.written_kind != field.root) rule_.written_kind.clear();
        WriteFact fact;
        fact.what = what;
        fact.field = &field;
        fact.is_constant = value.has_value();
        if (value) fact.value = std::move(*value);
        fact.place = *place_;
        fact.ways = *ways_;
        rule_.writes.push_back(std::move(fact));
    }

    void add_chosen(const FieldPath& field, const char* chosen) {
        add(WriteFact::What::value, field, std::nullopt);
        if (!is_later_) rule_.writes.back().chosen = chosen;
    }

    Facts& facts_;
    RuleFacts& rule_;
    const engine::Place* place_ = nullptr;
    const std::vector<Term>* ways_ = nullptr;
    bool is_later_ = false;  ///< a wait may have come before
};

Facts::Facts(const RuleSet& rule_set, std::size_t terms_max)
    : rule_set_(rule_set), terms_max_(terms_max), conditions_(terms_max) {
    rules_.reserve(rule_set.rules.size());
    for (const auto& rule : rule_set.rules) {
        auto& facts = rules_.emplace_back();
        static_cast<ConditionFacts&>(facts) = conditions_.facts_of(rule.when, rule.on);
        facts.rule = &rule;
        facts.index = rules_.size() - 1;
        facts.repeats_well = true;
        StepReader(*this, facts).read(rule.then, {Term()});
        facts.writes_at_once = StepReader::writes_at_once(rule.then);
        facts.steps = text_of(rule.then);
    }
}

}  // namespace rules
