#include "rules/checker/meetings.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "engine/base/text.h"
#include "rules/checker/field_values.h"
#include "rules/evaluator/comparison.h"

namespace rules {
namespace {

using engine::Json;
using Group = std::vector<const Needs*>;

const std::vector<int>* values_for(const Needs& needs, int field) {
    const auto found = std::lower_bound(needs.fields.begin(), needs.fields.end(), field,
                                        [](const auto& entry, int wanted) { return entry.first < wanted; });
    return found == needs.fields.end() || found->first != field ? nullptr : &found->second;
}

bool have_common(const std::vector<int>& left, const std::vector<int>& right) {
    auto one = left.begin(), other = right.begin();
    while (one != left.end() && other != right.end()) {
        if (*one == *other) return true;
        *one < *other ? ++one : ++other;
    }
    return false;
}

bool apart(const Needs::Stretch& left, const Needs::Stretch& right) {
    const auto below = [](const Needs::Stretch& one, const Needs::Stretch& other) {
        return one.high < other.low || (one.high == other.low && (one.open_above || other.open_below));
    };
    return left.field == right.field && (below(left, right) || below(right, left));
}

bool apart(const Needs::Edge& left, const Needs::Edge& right) {
    if (left.field != right.field || left.at_begin != right.at_begin) return false;
    const auto& longer = left.text.size() > right.text.size() ? left.text : right.text;
    const auto& shorter = left.text.size() > right.text.size() ? right.text : left.text;
    return left.at_begin ? !longer.starts_with(shorter) : !longer.ends_with(shorter);
}

template <class Need>
bool any_apart(const std::vector<Need>& some, const std::vector<Need>& others) {
    for (const auto& one : some)
        for (const auto& other : others)
            if (apart(one, other)) return true;
    return false;
}

bool may_meet(const Needs& left, const Needs& right) {
    if (any_apart(left.stretches, right.stretches) || any_apart(left.edges, right.edges)) return false;
    auto one = left.fields.begin(), other = right.fields.begin();
    while (one != left.fields.end() && other != right.fields.end()) {
        if (one->first < other->first)
            ++one;
        else if (other->first < one->first)
            ++other;
        else if (!have_common((one++)->second, (other++)->second))
            return false;
    }
    return true;
}

/// Below it, looking at every pair costs less than dividing further.
constexpr std::size_t small = 24;

/// The field that most of them need one of several values of; nothing when none divides them.
std::optional<int> dividing_field(const Group& some, const Group& others, const std::vector<int>& used) {
    struct Count {
        std::size_t needing = 0;
        std::size_t most = 0;
        std::unordered_map<int, std::size_t> values;
    };
    std::map<int, Count> counts;
    for (const auto* group : {&some, &others})
        for (const auto* needs : *group)
            for (const auto& [field, values] : needs->fields) {
                auto& count = counts[field];
                ++count.needing;
                for (const auto value : values) count.most = std::max(count.most, ++count.values[value]);
            }
    std::optional<int> best;
    std::size_t gain = 0;
    for (const auto& [field, count] : counts) {
        const bool is_used = std::find(used.begin(), used.end(), field) != used.end();
        if (is_used || count.values.size() < 2) continue;
        const auto saved = count.needing - std::min(count.most, count.needing);
        if (saved <= gain) continue;
        gain = saved;
        best = field;
    }
    return best;
}

struct Division {
    std::map<int, Group> by_value;
    Group rest;  ///< those that need no value of the field
};

Division divide(const Group& all, int field) {
    Division division;
    for (const auto* needs : all) {
        const auto* values = values_for(*needs, field);
        if (values == nullptr) {
            division.rest.push_back(needs);
            continue;
        }
        for (const auto value : *values) division.by_value[value].push_back(needs);
    }
    return division;
}

class Walk {
public:
    Walk(std::size_t& pairs_left, const OnPair& on_pair) : pairs_left_(pairs_left), on_pair_(on_pair) {}

    bool within(const Group& all) {
        const auto field = all.size() <= small ? std::nullopt : dividing_field(all, {}, used_);
        if (!field) return each_pair(all);
        const auto division = divide(all, *field);
        used_.push_back(*field);
        bool goes_on = true;
        for (const auto& [value, group] : division.by_value)
            goes_on = goes_on && within(group) && between(group, division.rest);
        goes_on = goes_on && within(division.rest);
        used_.pop_back();
        return goes_on;
    }

    bool between(const Group& some, const Group& others) {
        if (some.empty() || others.empty()) return true;
        const auto field =
            some.size() * others.size() <= small * small ? std::nullopt : dividing_field(some, others, used_);
        if (!field) return each_pair(some, others);
        auto left = divide(some, *field);
        auto right = divide(others, *field);
        used_.push_back(*field);
        bool goes_on = between(left.rest, right.rest);
        for (const auto& [value, group] : left.by_value) {
            const auto same = right.by_value.find(value);
            if (same != right.by_value.end()) goes_on = goes_on && between(group, same->second);
            goes_on = goes_on && between(group, right.rest);
        }
        for (const auto& [value, group] : right.by_value) goes_on = goes_on && between(left.rest, group);
        used_.pop_back();
        return goes_on;
    }

private:
    bool meet(const Needs& one, const Needs& other) {
        if (pairs_left_ == 0) return false;
        --pairs_left_;
        return one.owner == other.owner || !may_meet(one, other) || on_pair_(one, other);
    }

    bool each_pair(const Group& all) {
        for (std::size_t i = 0; i < all.size(); ++i)
            for (std::size_t j = i + 1; j < all.size(); ++j)
                if (!meet(*all[i], *all[j])) return false;
        return true;
    }

    bool each_pair(const Group& some, const Group& others) {
        for (const auto* one : some)
            for (const auto* other : others)
                if (!meet(*one, *other)) return false;
        return true;
    }

    std::size_t& pairs_left_;
    const OnPair& on_pair_;
    std::vector<int> used_;  ///< fields that divided what is looked at
};

/// What the literal needs its field to be, when that is one of a few plain values.
std::optional<std::vector<Json>> needed(const Literal& literal) {
    const auto op = literal.comparison->op;
    const bool is_positive = !literal.negated && (op == Operator::eq || op == Operator::in ||
                                                  op == Operator::changed_to || op == Operator::changed_from);
    if (!is_positive) return std::nullopt;
    std::vector<Json> values;
    for (const auto& one : operands_of(literal.comparison->operand)) {
        if (one.is_structured() || one.is_null()) return std::nullopt;
        values.push_back(one);
    }
    // A list of a tags field is a value of its own.
    const bool is_whole = op == Operator::eq && literal.comparison->operand.is_array();
    return is_whole ? std::nullopt : std::optional(std::move(values));
}

std::optional<Needs::Stretch> stretch_of(const Literal& literal) {
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    const auto op = literal.comparison->op;
    if (literal.negated) return std::nullopt;
    if (op == Operator::older_than || op == Operator::newer_than) {
        const auto span = static_cast<double>(literal.comparison->span.count());
        return op == Operator::older_than ? Needs::Stretch{0, span, infinity, true, false}
                                          : Needs::Stretch{0, -infinity, span, false, true};
    }
    const auto bounds = operands_of(literal.comparison->operand);
    if (bounds.empty() || !std::all_of(bounds.begin(), bounds.end(), [](const Json& bound) {
            return bound.is_number() && std::abs(bound.get<double>()) < exact_number_max;
        }))
        return std::nullopt;
    const auto first = bounds.front().get<double>();
    switch (op) {
        case Operator::gt:
            return Needs::Stretch{0, first, infinity, true, false};
        case Operator::gte:
            return Needs::Stretch{0, first, infinity, false, false};
        case Operator::lt:
            return Needs::Stretch{0, -infinity, first, false, true};
        case Operator::lte:
            return Needs::Stretch{0, -infinity, first, false, false};
        case Operator::between:
            if (bounds.size() != 2) return std::nullopt;
            return Needs::Stretch{0, first, bounds[1].get<double>(), false, false};
        default:
            return std::nullopt;
    }
}

std::optional<Needs::Edge> edge_of(const Literal& literal) {
    const auto& comparison = *literal.comparison;
    const bool at_begin = comparison.op == Operator::starts_with;
    if (literal.negated || (!at_begin && comparison.op != Operator::ends_with) ||
        comparison.words.size() != 1)
        return std::nullopt;
    return Needs::Edge{0, at_begin, engine::fold_case(comparison.words.front())};
}

std::string name_of_side(const Literal& literal) {
    const auto& field = literal.comparison->field.text;
    if (literal.comparison->op == Operator::changed_to) return field + " to";
    return literal.comparison->op == Operator::changed_from ? field + " from" : field;
}

}  // namespace

int NeedsReader::number_of(const std::string& name) {
    return numbers_.try_emplace(name, static_cast<int>(numbers_.size())).first->second;
}

Needs NeedsReader::needs_of(std::size_t owner, std::size_t way, const Term& term,
                            const std::vector<std::string>& on) {
    Needs needs{owner, way, {}, {}, {}};
    std::map<int, std::vector<int>> fields;
    const auto need = [&](const std::string& name, std::vector<int> values) {
        std::sort(values.begin(), values.end());
        fields.try_emplace(number_of("field " + name), std::move(values));
    };
    for (const auto& literal : term.literals) {
        const auto& field = literal.comparison->field.text;
        if (auto stretch = stretch_of(literal)) {
            const auto op = literal.comparison->op;
            const bool is_age = op == Operator::older_than || op == Operator::newer_than;
            stretch->field = number_of((is_age ? "age " : "number ") + field);
            needs.stretches.push_back(*stretch);
        }
        if (auto edge = edge_of(literal)) {
            edge->field = number_of("edge " + field);
            needs.edges.push_back(std::move(*edge));
        }
        const auto values = needed(literal);
        if (!values) continue;
        std::vector<int> numbers;
        for (const auto& value : *values) numbers.push_back(number_of(engine::canonical_json(value)));
        need(name_of_side(literal), std::move(numbers));
    }
    const bool any_glob = std::any_of(on.begin(), on.end(), [](const std::string& pattern) {
        return pattern.find('*') != std::string::npos;
    });
    if (!any_glob && !on.empty()) {
        std::vector<int> numbers;
        for (const auto& type : on) numbers.push_back(number_of(type));
        need("on", std::move(numbers));
    }
    needs.fields.assign(fields.begin(), fields.end());
    return needs;
}

void NeedsReader::add_value(Needs& needs, const std::string& field, const Json& value) {
    if (value.is_structured() || value.is_null()) return;
    const auto number = number_of("field " + field);
    const auto place = std::lower_bound(needs.fields.begin(), needs.fields.end(), number,
                                        [](const auto& entry, int wanted) { return entry.first < wanted; });
    if (place != needs.fields.end() && place->first == number) return;
    needs.fields.insert(place, {number, {number_of(engine::canonical_json(value))}});
}

bool for_meetings(const std::vector<const Needs*>& all, std::size_t& pairs_left, const OnPair& on_pair) {
    return Walk(pairs_left, on_pair).within(all);
}

bool for_meetings(const std::vector<const Needs*>& some, const std::vector<const Needs*>& others,
                  std::size_t& pairs_left, const OnPair& on_pair) {
    return Walk(pairs_left, on_pair).between(some, others);
}

}  // namespace rules
