/// Rules that an earlier rule keeps from ever firing.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/checker/checks.h"
#include "rules/checker/event_types.h"
#include "rules/checker/field_values.h"
#include "rules/checker/meetings.h"
#include "rules/checker/wording.h"
#include "rules/evaluator/change_condition.h"

namespace rules {
namespace {

/// Which rules write which fields, for the question what may change between two of them.
class Writers {
public:
    explicit Writers(const Facts& facts) : facts_(facts) {
        for (const auto& rule : facts.rules())
            for (const auto& write : rule.writes) {
                auto& writers = by_field_[write.field->text];
                if (writers.empty() || writers.back() != rule.index) writers.push_back(rule.index);
            }
    }

    /// A rule in between, which may run on the later one's events, may write what the earlier one reads.
    bool come_between(const RuleFacts& earlier, const RuleFacts& later) const {
        for (const auto& way : earlier.ways)
            for (const auto& literal : way.literals)
                // Changes are those of the pass: what is written in it comes with the next one.
                if (!is_change_condition(literal) &&
                    is_written(literal.comparison->field.text, earlier, later))
                    return true;
        return false;
    }

private:
    bool is_written(std::string_view field, const RuleFacts& earlier, const RuleFacts& later) const {
        for (const auto& [written, writers] : by_field_) {
            if (!touches(written, field)) continue;
            auto writer = std::upper_bound(writers.begin(), writers.end(), earlier.index);
            for (; writer != writers.end() && *writer < later.index; ++writer)
                if (!types_apart(facts_.rules()[*writer].rule->on, later.rule->on)) return true;
        }
        return false;
    }

    const Facts& facts_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_field_;
};

class ShadowCheck {
public:
    ShadowCheck(const Facts& facts, const CheckLimits& limits, Report& report)
        : facts_(facts),
          chaining_(facts.rule_set().options.chaining),
          limits_(limits),
          report_(report),
          writers_(facts) {}

    void run() {
        std::vector<const Needs*> stopping, all;
        std::map<std::string, std::vector<const Needs*>> by_group;
        for (const auto& rule : facts_.rules())
            for (std::size_t way = 0; way < rule.ways.size(); ++way)
                needs_.push_back(reader_.needs_of(rule.index, way, rule.ways[way], rule.rule->on));
        for (const auto& needs : needs_) {
            const auto& rule = *facts_.rules()[needs.owner].rule;
            all.push_back(&needs);
            if (rule.stop) stopping.push_back(&needs);
            if (is_first_match(facts_.rule_set(), rule)) by_group[rule.group].push_back(&needs);
        }
        const auto look = [this](const Needs& one, const Needs& other) {
            return look_at(one.owner, other.owner);
        };
        bool done = for_meetings(stopping, all, pairs_left_, look);
        for (const auto& [group, members] : by_group) done = done && for_meetings(members, pairs_left_, look);
        if (!done)
            report_.not_looked_at(
                "too many rules stop others: not all were tested for keeping later ones from firing "
                "(--pairs-max, --proofs-max)");
    }

private:
    bool look_at(std::size_t one, std::size_t other) {
        if (proofs_ > limits_.proofs_max) return false;
        const auto& earlier = facts_.rules()[std::min(one, other)];
        const auto& later = facts_.rules()[std::max(one, other)];
        const bool stops = stops_before(earlier, later);
        const bool takes_turn = shares_turn(earlier, later);
        if ((!stops && !takes_turn) || shadowed_.contains(later.index)) return true;
        if (!seen_.insert({earlier.index, later.index}).second) return true;
        ++proofs_;
        if (!types_within(later.rule->on, earlier.rule->on) || !implies(later, earlier)) return true;
        if (chaining_ == Chaining::cascade && writers_.come_between(earlier, later)) return true;
        shadowed_.insert(later.index);
        report_shadow(earlier, later, stops);
        return true;
    }

    /// Whether the earlier rule has its turn, and then the last one, whenever the later one could have its
    /// own.
    bool stops_before(const RuleFacts& earlier, const RuleFacts& later) const {
        // Another rule may have taken the turn of its group.
        return earlier.rule->stop && (!is_first_match(facts_.rule_set(), *earlier.rule) ||
                                      earlier.rule->group == later.rule->group);
    }

    /// Whether the earlier rule has the group's turn in every pass in which the later one could have it.
    bool shares_turn(const RuleFacts& earlier, const RuleFacts& later) const {
        if (earlier.rule->group != later.rule->group || !is_first_match(facts_.rule_set(), *earlier.rule))
            return false;
        switch (chaining_) {
            case Chaining::snapshot:
            case Chaining::none:
                return true;
            case Chaining::cascade:
                // What has fired leaves the group's turn of a later pass to others.
                return earlier.rule->repeat || !fits_derived(later.rule->on);
            case Chaining::restart:
                return false;
        }
        return false;
    }

    /// A rule that fails does not stop the others; under `snapshot` its turn alone does.
    bool only_if_it_fails(const RuleFacts& earlier, const RuleFacts& later) const {
        if (chaining_ == Chaining::snapshot) return false;
        if (earlier.may_fail) return true;
        if (earlier.writes.empty()) return false;
        // On an entity of another kind its writes fail, and so do those of the later rule.
        const bool fails_too =
            later.writes_at_once && !later.written_kind.empty() && later.written_kind == earlier.written_kind;
        return !fails_too;
    }

    void report_shadow(const RuleFacts& earlier, const RuleFacts& later, bool stops) {
        Finding finding;
        finding.kind = "shadowed-rule";
        finding.place = later.rule->place;
        finding.rules = {later.rule->id, earlier.rule->id};
        const bool certain = !stops || shares_turn(earlier, later) || !only_if_it_fails(earlier, later);
        finding.message =
            rule_named(*later.rule) + (certain ? " can never fire: " : " can hardly fire: ") +
            "whenever its conditions hold, " + rule_named(*earlier.rule) + " comes before it and " +
            (stops ? "stops" : "takes the turn of the group " + engine::in_quotes(later.rule->group)) +
            (certain ? "" : ", unless that one fails");
        finding.related.push_back({earlier.rule->place, rule_named(*earlier.rule)});
        report_.add(std::move(finding));
    }

    const Facts& facts_;
    Chaining chaining_;
    const CheckLimits& limits_;
    Report& report_;
    Writers writers_;
    NeedsReader reader_;
    std::vector<Needs> needs_;
    std::set<std::pair<std::size_t, std::size_t>> seen_;
    std::set<std::size_t> shadowed_;
    std::size_t pairs_left_ = limits_.pairs_max;
    std::size_t proofs_ = 0;
};

}  // namespace

void check_shadows(const Facts& facts, const CheckLimits& limits, Report& report) {
    ShadowCheck(facts, limits, report).run();
}

}  // namespace rules
