/// Two rules that write different values to one field and can both match: shown by an event that is decided.

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "rules/checker/checks.h"
#include "rules/checker/example.h"
#include "rules/checker/meetings.h"
#include "rules/checker/supposition.h"
#include "rules/checker/wording.h"
#include "rules/evaluator/compare.h"

namespace rules {
namespace {

/// One write of one rule, with the ways in which it comes to it.
struct Writing {
    const RuleFacts* rule = nullptr;
    const WriteFact* write = nullptr;
    std::vector<Term> ways;
};

using Pair = std::pair<std::size_t, std::size_t>;

class ConflictCheck {
public:
    ConflictCheck(const Facts& facts, const Triggers& triggers, const CheckLimits& limits, Report& report)
        : facts_(facts), triggers_(triggers), rule_set_(facts.rule_set()), limits_(limits), report_(report) {}

    void run() {
        collect();
        bool done = true;
        for (const auto& [field, writings] : values_) done = compare(writings) && done;
        for (const auto& [tag, writings] : tags_added_) {
            const auto removed = tags_removed_.find(tag);
            if (removed != tags_removed_.end()) done = compare(writings, removed->second) && done;
        }
        done = follow_triggers() && triggers_.complete && done;
        for (const auto& [pair, conflict] : conflicts_) report_conflict(conflict);
        if (!done)
            report_.not_looked_at(
                "not every two rules that write one field were tested for conflicts: there are too many "
                "(--findings-max, --pairs-max, --proofs-max, --trials-max)");
    }

private:
    /// The tag, under the field that holds it.
    using Tag = std::pair<std::string, std::string>;

    struct Conflict {
        const Rule* first_rule = nullptr;
        const Rule* second_rule = nullptr;
        const WriteFact* first = nullptr;
        const WriteFact* second = nullptr;
        std::set<std::string> fields;
        engine::Json example;
    };

    void collect() {
        for (const auto& rule : facts_.rules()) {
            if (rule.ways.empty()) continue;
            for (const auto& write : rule.writes) {
                const auto add = [&](std::vector<Writing>& into) {
                    into.push_back({&rule, &write, crossed(rule.ways, write.ways, limits_.terms_max)});
                };
                if (write.what == WriteFact::What::value) {
                    add(values_[write.field->text]);
                } else if (write.is_constant) {
                    const Tag tag{write.field->text, write.value.get<std::string>()};
                    add(write.what == WriteFact::What::tag_added ? tags_added_[tag] : tags_removed_[tag]);
                }
            }
        }
    }

    // ---- pairs ----

    std::vector<Needs> needs_of(const std::vector<Writing>& writings, std::size_t first,
                                NeedsReader& reader) {
        std::vector<Needs> needs;
        for (std::size_t i = 0; i < writings.size(); ++i)
            for (std::size_t way = 0; way < writings[i].ways.size(); ++way)
                needs.push_back(
                    reader.needs_of(first + i, way, writings[i].ways[way], writings[i].rule->rule->on));
        return needs;
    }

    static std::vector<const Needs*> pointers(const std::vector<Needs>& needs) {
        std::vector<const Needs*> all;
        for (const auto& one : needs) all.push_back(&one);
        return all;
    }

    bool compare(const std::vector<Writing>& writings) {
        if (writings.size() < 2) return true;
        NeedsReader reader;
        const auto needs = needs_of(writings, 0, reader);
        return for_meetings(pointers(needs), pairs_left_, [&](const Needs& one, const Needs& other) {
            return look_at(writings[one.owner], one.way, writings[other.owner], other.way);
        });
    }

    bool compare(const std::vector<Writing>& some, const std::vector<Writing>& others) {
        NeedsReader reader;
        const auto left = needs_of(some, 0, reader);
        const auto right = needs_of(others, some.size(), reader);
        return for_meetings(
            pointers(left), pointers(right), pairs_left_, [&](const Needs& one, const Needs& other) {
                return look_at(some[one.owner], one.way, others[other.owner - some.size()], other.way);
            });
    }

    bool look_at(const Writing& one, std::size_t one_way, const Writing& other, std::size_t other_way) {
        if (is_spent()) return false;
        if (one.rule == other.rule || !differ(*one.write, *other.write)) return true;
        if (share_one_turn(*one.rule, *other.rule)) return true;
        if (one.rule->index < other.rule->index)
            try_pair(one, one.ways[one_way], other, other.ways[other_way]);
        else
            try_pair(other, other.ways[other_way], one, one.ways[one_way]);
        return true;
    }

    /// One rule's write makes the other match, which then writes the same field: on the event they would not
    /// meet.
    bool follow_triggers() {
        for (const auto& trigger : triggers_.all) {
            if (trigger.by_event || trigger.from == trigger.to) continue;
            const auto& first = facts_.rules()[trigger.from];
            const auto& second = facts_.rules()[trigger.to];
            for (const auto& one : first.writes)
                for (const auto& other : second.writes)
                    if (are_rivals(one, other) && !follow(first, one, second, other)) return false;
        }
        return true;
    }

    static bool are_rivals(const WriteFact& one, const WriteFact& other) {
        if (one.field->text != other.field->text) return false;
        if (one.what == WriteFact::What::value || other.what == WriteFact::What::value)
            return one.what == other.what && differ(one, other);
        return one.what != other.what && one.is_constant && other.is_constant && one.value == other.value;
    }

    bool follow(const RuleFacts& first, const WriteFact& one, const RuleFacts& second,
                const WriteFact& other) {
        const Writing earlier{&first, &one, crossed(first.ways, one.ways, limits_.terms_max)};
        const Writing later{&second, &other, crossed(second.ways, other.ways, limits_.terms_max)};
        follows_ = true;
        for (const auto& way : earlier.ways)
            for (const auto& next : later.ways) {
                if (is_spent()) return false;
                try_pair(earlier, way, later, next);
            }
        follows_ = false;
        return true;
    }

    bool is_spent() const {
        return proofs_ > limits_.proofs_max || trials_ > limits_.trials_max ||
               conflicts_.size() >= limits_.findings_max;
    }

    static bool differ(const WriteFact& one, const WriteFact& other) {
        if (one.what != WriteFact::What::value) return true;
        if (!one.is_constant || !other.is_constant) return one.is_constant != other.is_constant;
        return !same_value(&one.value, &other.value);
    }

    /// Of a first_match group one rule fires in a pass, and there is one pass only in which they could.
    bool share_one_turn(const RuleFacts& one, const RuleFacts& other) const {
        if (one.rule->group != other.rule->group || !is_first_match(rule_set_, *one.rule)) return false;
        const auto chaining = rule_set_.options.chaining;
        if (chaining == Chaining::restart) return false;
        return chaining != Chaining::cascade ||
               (!fits_derived(one.rule->on) && !fits_derived(other.rule->on));
    }

    // ---- examples ----

    static Pair pair_of(const RuleFacts& one, const RuleFacts& other) {
        return {std::min(one.index, other.index), std::max(one.index, other.index)};
    }

    void try_pair(const Writing& first, const Term& first_way, const Writing& second,
                  const Term& second_way) {
        const auto pair = pair_of(*first.rule, *second.rule);
        if (conflicts_.contains(pair)) return;  // the decision that showed one field showed the others, too
        auto& tries = tried_[{first.write, second.write}];
        if (tries >= tries_max) return;
        ++proofs_;
        auto literals = first_way.literals;
        if (!add_later(*first.rule, second_way, literals)) return;
        const auto types = types_in_both(first.rule->rule->on, second.rule->rule->on);
        for (std::size_t i = 0; i < std::min(types.size(), types_tried_max); ++i) {
            const TypePatterns type{types[i]};
            if (!can_hold(literals, type)) continue;
            const auto world = suppose(literals, type, rule_set_.catalogue);
            if (!world) continue;
            ++tries;
            if (show(*world, first, second)) return;
        }
    }

    /// What the later rule asks of the event; of what the earlier one has written it sees that instead. False
    /// when that is not what it asks for.
    bool add_later(const RuleFacts& earlier, const Term& way, std::vector<Literal>& literals) const {
        const auto chaining = rule_set_.options.chaining;
        const bool sees_writes = chaining == Chaining::cascade || chaining == Chaining::restart;
        for (const auto& literal : way.literals) {
            const auto* written = sees_writes ? written_by(earlier, literal) : nullptr;
            if (is_change_condition(literal)) {
                // In the pass that the write begins it is the change.
                const bool is_met = follows_ && written != nullptr && holds_after_change(literal, *written);
                if (!is_met) literals.push_back(literal);
            } else if (written == nullptr)
                literals.push_back(literal);
            else if (!holds_for(literal, *written))
                return false;
        }
        return true;
    }

    static const engine::Json* written_by(const RuleFacts& rule, const Literal& literal) {
        const engine::Json* value = nullptr;
        for (const auto& write : rule.writes) {
            const bool is_certain = write.what == WriteFact::What::value && write.is_constant &&
                                    write.ways.size() == 1 && write.ways.front().literals.empty();
            if (is_certain && write.field->text == literal.comparison->field.text) value = &write.value;
        }
        return value;
    }

    /// Decides what is supposed; a conflict that does not come about is none.
    bool show(const Supposition& world, const Writing& first, const Writing& second) {
        const auto example = example_of(world, first.write->field->root);
        if (!example) return false;
        if (!matcher_) matcher_ = indexed_matcher(rule_set_);
        ++trials_;
        const auto decision = decide(rule_set_, *matcher_, *example);
        const auto& one = first.rule->rule->id;
        const auto& other = second.rule->rule->id;
        Conflict found{first.rule->rule, second.rule->rule, first.write, second.write, {}, to_json(*example)};
        for (const auto& conflict : decision.conflicts) {
            const bool is_this = (conflict.first_rule == one && conflict.second_rule == other) ||
                                 (conflict.first_rule == other && conflict.second_rule == one);
            if (is_this) found.fields.insert(conflict.field);
        }
        if (!found.fields.contains(first.write->field->text)) return false;
        conflicts_.emplace(pair_of(*first.rule, *second.rule), std::move(found));
        return true;
    }

    // ---- words ----

    std::string outcome() const {
        switch (rule_set_.options.on_conflict) {
            case OnConflict::first:
                return "the first one's value stands (on_conflict: first)";
            case OnConflict::fail:
                return "the decision fails (on_conflict: fail)";
            default:
                return "the later one's value stands (on_conflict: last)";
        }
    }

    void report_conflict(const Conflict& conflict) {
        const auto& first = *conflict.first_rule;
        const auto& second = *conflict.second_rule;
        Finding finding;
        finding.kind = "write-conflict";
        finding.place = conflict.second->place;
        finding.rules = {second.id, first.id};
        finding.message = rule_named(first) + " " + words_of(*conflict.first) + ", " + rule_named(second) +
                          " " + words_of(*conflict.second) +
                          ", and one event can make both fire: " + outcome();
        auto others = conflict.fields;
        others.erase(conflict.first->field->text);
        if (!others.empty()) {
            const std::vector<std::string> names(others.begin(), others.end());
            finding.message += "; they also disagree on " + listed(names);
        }
        finding.related.push_back({conflict.first->place, rule_named(first)});
        finding.example = conflict.example;
        report_.add(std::move(finding));
    }

    static constexpr std::size_t tries_max = 12;
    static constexpr std::size_t types_tried_max = 3;

    const Facts& facts_;
    const Triggers& triggers_;
    const RuleSet& rule_set_;
    const CheckLimits& limits_;
    Report& report_;
    std::unique_ptr<const Matcher> matcher_;
    std::map<std::string, std::vector<Writing>> values_;
    std::map<Tag, std::vector<Writing>> tags_added_, tags_removed_;
    std::map<Pair, Conflict> conflicts_;
    std::map<std::pair<const WriteFact*, const WriteFact*>, std::size_t> tried_;
    std::size_t pairs_left_ = limits_.pairs_max;
    bool follows_ = false;  ///< the later rule matches because of what the earlier one wrote
    std::size_t proofs_ = 0;
    std::size_t trials_ = 0;
};

}  // namespace

void check_conflicts(const Facts& facts, const Triggers& triggers, const CheckLimits& limits,
                     Report& report) {
    ConflictCheck(facts, triggers, limits, report).run();
}

}  // namespace rules
