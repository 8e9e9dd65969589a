#include "rules/checker/triggers.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/checker/event_types.h"
#include "rules/checker/meetings.h"
#include "rules/checker/supposition.h"
#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/comparison.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

using engine::Json;

/// A comparison that no file has.
Comparison asked(const FieldPath& field, Operator op, Json operand) {
    Comparison comparison;
    comparison.field = field;
    comparison.op = op;
    comparison.operand = std::move(operand);
    return comparison;
}

/// The literal may become true by the tag coming or going.
bool turned_by_tag(const Literal& literal, const Json& tag, bool added) {
    const auto items = operands_of(literal.comparison->operand);
    Json with(Json::array_t(items.begin(), items.end()));
    if (std::find(with.begin(), with.end(), tag) == with.end()) return false;
    Json without = with;
    without.erase(std::remove(without.begin(), without.end(), tag), without.end());
    return holds_for(literal, added ? with : without) && !holds_for(literal, added ? without : with);
}

class TriggerSearch {
public:
    TriggerSearch(const Facts& facts, const CheckLimits& limits)
        : facts_(facts),
          chaining_(facts.rule_set().options.chaining),
          limits_(limits),
          pairs_left_(limits.pairs_max) {}

    Triggers run() {
        const bool sees_writes = chaining_ == Chaining::cascade || chaining_ == Chaining::restart;
        if (sees_writes) follow_writes();
        follow_events();
        return std::move(result_);
    }

private:
    /// A write of a rule, and one way in which it came to it.
    struct Wrote {
        const RuleFacts* rule = nullptr;
        const WriteFact* write = nullptr;
        Term left;  ///< what still holds of what made the rule fire
    };
    struct Reads {
        const RuleFacts* rule = nullptr;
        const Term* way = nullptr;
    };

    // ---- writes ----

    void follow_writes() {
        std::map<std::string, std::vector<Wrote>> wrote;
        std::map<std::string, std::vector<Reads>> reads;
        for (const auto& rule : facts_.rules()) {
            for (const auto& write : rule.writes)
                for (auto& way : crossed(rule.ways, write.ways, limits_.terms_max))
                    if (is_news(way, write, rule))
                        wrote[write.field->text].push_back({&rule, &write, left_of(way, rule)});
            for (const auto& way : rule.ways) {
                std::set<std::string_view> fields;
                for (const auto& literal : way.literals) fields.insert(literal.comparison->field.text);
                for (const auto& field : fields) reads[std::string(field)].push_back({&rule, &way});
            }
        }
        for (const auto& [field, writes] : wrote) {
            std::vector<Reads> readers;
            for (const auto& [read, rules] : reads)
                if (touches(field, read)) readers.insert(readers.end(), rules.begin(), rules.end());
            if (!readers.empty()) result_.complete = meet(writes, readers) && result_.complete;
        }
    }

    bool meet(const std::vector<Wrote>& writes, const std::vector<Reads>& readers) {
        NeedsReader reader;
        std::vector<Needs> after, before;
        for (std::size_t i = 0; i < writes.size(); ++i) {
            auto& needs = after.emplace_back(reader.needs_of(i, 0, writes[i].left, {}));
            for (const auto& write : writes[i].rule->writes)
                if (is_certain(write)) reader.add_value(needs, write.field->text, write.value);
        }
        for (std::size_t i = 0; i < readers.size(); ++i) {
            Term values;
            for (const auto& literal : readers[i].way->literals)
                if (!is_change_condition(literal)) values.literals.push_back(literal);
            before.push_back(reader.needs_of(writes.size() + i, 0, values, {}));
        }
        std::vector<const Needs*> left, right;
        for (const auto& needs : after) left.push_back(&needs);
        for (const auto& needs : before) right.push_back(&needs);
        return for_meetings(left, right, pairs_left_, [&](const Needs& one, const Needs& other) {
            return look_at(writes[one.owner], readers[other.owner - writes.size()]);
        });
    }

    static bool is_certain(const WriteFact& write) {
        return write.what == WriteFact::What::value && write.is_constant && write.ways.size() == 1 &&
               write.ways.front().literals.empty();
    }

    /// A write of what the rule asked for changes nothing.
    static bool is_news(const Term& way, const WriteFact& write, const RuleFacts& rule) {
        if (!write.is_constant) return true;
        Comparison comparison;
        bool negated = false;
        if (write.what == WriteFact::What::value) {
            comparison = write.value.is_null() ? asked(*write.field, Operator::exists, false)
                                               : asked(*write.field, Operator::eq, write.value);
        } else {
            comparison = asked(*write.field, Operator::has, write.value);
            negated = write.what == WriteFact::What::tag_removed;
        }
        return !implies(way.literals, {&comparison, negated}, rule.rule->on);
    }

    /// A question for tags of which the write is none.
    static bool is_about_others(const Literal& literal, const WriteFact& write) {
        const auto op = literal.comparison->op;
        const bool asks_for_tags = op == Operator::has || op == Operator::has_any ||
                                   op == Operator::has_all || op == Operator::has_none;
        if (!asks_for_tags || write.what == WriteFact::What::value || !write.is_constant) return false;
        const auto tags = operands_of(literal.comparison->operand);
        return std::find(tags.begin(), tags.end(), write.value) == tags.end();
    }

    /// What fired the rule and still holds: values it has not written itself.
    static Term left_of(const Term& way, const RuleFacts& rule) {
        Term left;
        for (const auto& literal : way.literals) {
            const auto& field = literal.comparison->field.text;
            const bool is_written =
                std::any_of(rule.writes.begin(), rule.writes.end(), [&](const WriteFact& write) {
                    return touches(write.field->text, field) && !is_about_others(literal, write);
                });
            if (!is_written && !is_change_condition(literal) && field != "event.type")
                left.literals.push_back(literal);
        }
        return left;
    }

    bool look_at(const Wrote& wrote, const Reads& reads) {
        const auto& from = *wrote.rule;
        const auto& to = *reads.rule;
        const std::pair pair{from.index, to.index};
        if (known_.contains(pair)) return true;
        const bool may_again = chaining_ == Chaining::cascade && from.rule->repeat;
        if (&from == &to && !may_again) return true;
        const auto types = types_after(from, to, *wrote.write);
        if (types.empty()) return true;
        if (++proofs_ > limits_.proofs_max) return false;
        if (!turns(wrote, *reads.way, types) || !can_follow(wrote, *reads.way, types)) return true;
        known_.insert(pair);
        result_.all.push_back({from.index, to.index, wrote.write->field->text, false, words_of(*wrote.write),
                               wrote.write->place});
        return true;
    }

    /// The types of events on which the other rule has a turn after the write: of the same pass, and the
    /// derived one of the next.
    TypePatterns types_after(const RuleFacts& from, const RuleFacts& to, const WriteFact& write) const {
        TypePatterns types;
        const bool same_type = !types_apart(from.rule->on, to.rule->on);
        if (same_type && (chaining_ == Chaining::restart || to.index > from.index)) types = to.rule->on;
        const auto derived = write.field->root + ".updated";
        if (chaining_ == Chaining::cascade && type_fits(*to.rule, derived)) types.push_back(derived);
        return types;
    }

    /// Some condition on the field is true by the write that need not have been before, and none is false.
    bool turns(const Wrote& wrote, const Term& way, const TypePatterns& types) const {
        const auto& write = *wrote.write;
        bool turned = false;
        for (const auto& literal : way.literals) {
            const auto& field = literal.comparison->field.text;
            // What is counted by is what stood there before anybody wrote.
            if (is_of_other_events(literal) || !touches(field, write.field->text)) continue;
            const bool is_whole = write.what == WriteFact::What::value && write.is_constant;
            if (is_change_condition(literal)) {
                if (is_whole && field == write.field->text && !holds_after_change(literal, write.value))
                    return false;
                turned = true;
            } else if (write.what != WriteFact::What::value) {
                turned = turned || !write.is_constant ||
                         turned_by_tag(literal, write.value, write.what == WriteFact::What::tag_added);
            } else if (is_whole && field == write.field->text) {
                if (!holds_for(literal, write.value)) return false;
                turned = turned || can_hold({{literal.comparison, !literal.negated}}, types);
            } else {
                turned = true;
            }
        }
        return turned;
    }

    /// What is left of the one rule's conditions goes together with the other's, and so do its other writes.
    bool can_follow(const Wrote& wrote, const Term& way, const TypePatterns& types) const {
        auto literals = wrote.left.literals;
        for (const auto& literal : way.literals) {
            if (is_change_condition(literal)) continue;
            const auto& field = literal.comparison->field.text;
            const WriteFact* last = nullptr;
            for (const auto& write : wrote.rule->writes)
                if (is_certain(write) && write.field->text == field) last = &write;
            if (last != nullptr && !holds_for(literal, last->value)) return false;
            if (last == nullptr) literals.push_back(literal);
        }
        // Its tags are there now, or gone.
        std::vector<Comparison> tags;
        tags.reserve(wrote.rule->writes.size());
        for (const auto& write : wrote.rule->writes) {
            const bool always = write.ways.size() == 1 && write.ways.front().literals.empty();
            if (write.what == WriteFact::What::value || !write.is_constant || !always) continue;
            tags.push_back(asked(*write.field, Operator::has, write.value));
            literals.push_back({&tags.back(), write.what == WriteFact::What::tag_removed});
        }
        return can_hold(literals, types);
    }

    // ---- events ----

    void follow_events() {
        std::map<std::string, std::vector<const RuleFacts*>> handlers;
        for (const auto& rule : facts_.rules())
            for (const auto& emit : rule.emits) {
                // What comes by a timer goes round no faster than that.
                if (emit.type.empty() || emit.later || rule.ways.empty()) continue;
                const auto [known, is_new] = handlers.try_emplace(emit.type);
                if (is_new)
                    for (const auto& other : facts_.rules())
                        if (type_fits(*other.rule, emit.type) && !other.ways.empty())
                            known->second.push_back(&other);
                for (const auto* to : known->second) add_event(rule, *to, emit);
            }
    }

    void add_event(const RuleFacts& from, const RuleFacts& to, const EmitFact& emit) {
        if (pairs_left_ == 0) {
            result_.complete = false;
            return;
        }
        --pairs_left_;
        const bool possible = std::any_of(to.ways.begin(), to.ways.end(), [&](const Term& way) {
            return can_hold(way.literals, {emit.type});
        });
        // An event goes further than a write: it is told of even where there is a write, too.
        if (possible)
            result_.all.push_back({from.index, to.index, emit.type, true, "emits " + emit.type, emit.place});
    }

    const Facts& facts_;
    Chaining chaining_;
    const CheckLimits& limits_;
    std::size_t pairs_left_;
    std::size_t proofs_ = 0;
    std::set<std::pair<std::size_t, std::size_t>> known_;
    Triggers result_;
};

/// Finds rounds: a walk from each rule that no round has been found for.
class CycleSearch {
public:
    CycleSearch(const std::vector<Trigger>& triggers, std::size_t rules)
        : triggers_(triggers), out_(rules), part_(rules, none), order_(rules, none), low_(rules) {
        for (std::size_t i = 0; i < triggers.size(); ++i) out_[triggers[i].from].push_back(i);
    }

    std::vector<std::vector<std::size_t>> run() {
        for (std::size_t rule = 0; rule < out_.size(); ++rule)
            if (order_[rule] == none) divide(rule);
        std::vector<bool> covered(out_.size());
        std::vector<std::vector<std::size_t>> cycles;
        for (std::size_t rule = 0; rule < out_.size(); ++rule) {
            if (covered[rule]) continue;
            auto cycle = shortest_through(rule);
            if (cycle.empty()) continue;
            for (const auto trigger : cycle) covered[triggers_[trigger].from] = true;
            cycles.push_back(std::move(cycle));
        }
        return cycles;
    }

private:
    static constexpr std::size_t none = SIZE_MAX;

    /// Tarjan's: rules of one part can set each other off, directly or not. Without recursion: chains are
    /// as long as rule sets.
    void divide(std::size_t start) {
        struct Visit {
            std::size_t rule;
            std::size_t next;
        };
        std::vector<Visit> visits{{start, 0}};
        enter(start);
        while (!visits.empty()) {
            auto& [rule, next] = visits.back();
            if (next < out_[rule].size()) {
                const auto to = triggers_[out_[rule][next++]].to;
                if (order_[to] == none) {
                    enter(to);
                    visits.push_back({to, 0});
                } else if (part_[to] == none) {
                    low_[rule] = std::min(low_[rule], order_[to]);
                }
                continue;
            }
            leave(rule);
            const auto done = rule;
            visits.pop_back();
            if (!visits.empty()) low_[visits.back().rule] = std::min(low_[visits.back().rule], low_[done]);
        }
    }

    void enter(std::size_t rule) {
        order_[rule] = low_[rule] = entered_++;
        open_.push_back(rule);
    }

    void leave(std::size_t rule) {
        if (low_[rule] != order_[rule]) return;
        while (true) {
            const auto member = open_.back();
            open_.pop_back();
            part_[member] = rule;
            if (member == rule) return;
        }
    }

    std::vector<std::size_t> shortest_through(std::size_t rule) const {
        std::map<std::size_t, std::size_t> came_by;  // rule → the trigger that led there
        std::vector<std::size_t> reached{rule};
        for (std::size_t i = 0; i < reached.size(); ++i)
            for (const auto trigger : out_[reached[i]]) {
                const auto to = triggers_[trigger].to;
                if (part_[to] != part_[rule] || !came_by.try_emplace(to, trigger).second) continue;
                if (to == rule) return way_back(rule, came_by);
                reached.push_back(to);
            }
        return {};
    }

    std::vector<std::size_t> way_back(std::size_t rule,
                                      const std::map<std::size_t, std::size_t>& came_by) const {
        std::vector<std::size_t> cycle;
        auto at = rule;
        do {
            cycle.push_back(came_by.at(at));
            at = triggers_[cycle.back()].from;
        } while (at != rule);
        std::reverse(cycle.begin(), cycle.end());
        return cycle;
    }

    const std::vector<Trigger>& triggers_;
    std::vector<std::vector<std::size_t>> out_;
    std::vector<std::size_t> part_;   ///< some rule of the part
    std::vector<std::size_t> order_;  ///< in which they were entered
    std::vector<std::size_t> low_;
    std::vector<std::size_t> open_;
    std::size_t entered_ = 0;
};

}  // namespace

Triggers triggers_of(const Facts& facts, const CheckLimits& limits) {
    return TriggerSearch(facts, limits).run();
}

std::vector<std::vector<std::size_t>> cycles_in(const std::vector<Trigger>& triggers, std::size_t rules) {
    return CycleSearch(triggers, rules).run();
}

}  // namespace rules
