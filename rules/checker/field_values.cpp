#include "rules/checker/field_values.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>

#include "rules/calendar/calendar.h"
#include "rules/checker/text_searches.h"
#include "rules/evaluator/comparison.h"
#include "rules/evaluator/condition.h"

namespace rules {
namespace {

using engine::Json;

bool asks_for_order(Operator op) {
    return op == Operator::gt || op == Operator::gte || op == Operator::lt || op == Operator::lte ||
           op == Operator::between;
}

bool asks_for_items(Operator op) {
    return op == Operator::has || op == Operator::has_any || op == Operator::has_all ||
           op == Operator::has_none;
}

bool asks_for_age(Operator op) {
    return op == Operator::older_than || op == Operator::newer_than;
}

/// One field in a world of its own, whose value is replaced again and again.
class Stage {
public:
    explicit Stage(const FieldPath& field) {
        leaf_ = &root_;
        for (const auto& key : field.keys) {
            *leaf_ = Json::object();
            leaf_ = &(*leaf_)[key];
        }
        scope_.set(field.root, &root_);
        scope_.now = supposed_now();
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    bool holds(const Literal& literal, const Json& value) {
        *leaf_ = value;
        return rules::holds(*literal.comparison, scope_) != literal.negated;
    }

private:
    Json root_;
    Json* leaf_;
    Scope scope_;
};

/// What the operands name, lists taken apart.
class Constants {
public:
    explicit Constants(const std::vector<Literal>& literals) {
        for (const auto& literal : literals) {
            const auto& comparison = *literal.comparison;
            if (is_change_condition(literal) || is_of_other_events(literal) ||
                is_text_search(comparison.op) || asks_for_age(comparison.op) ||
                comparison.op == Operator::cidr || comparison.op == Operator::within_hours ||
                comparison.op == Operator::exists)
                continue;
            add(comparison.operand);
        }
    }

    std::vector<double> numbers;  ///< sorted
    std::set<std::string> texts;
    std::vector<Json> lists;
    std::vector<Json> objects;
    bool exact = true;  ///< each number can be told from its neighbours

private:
    void add(const Json& operand) {
        if (operand.is_string()) {
            texts.insert(operand.get<std::string>());
        } else if (operand.is_number()) {
            const auto number = operand.get<double>();
            exact = exact && std::abs(number) <= exact_number_max;
            numbers.insert(std::lower_bound(numbers.begin(), numbers.end(), number), number);
        } else if (operand.is_array()) {
            lists.push_back(operand);
            for (const auto& item : operand) add(item);
        } else if (operand.is_object()) {
            objects.push_back(operand);
        }
    }
};

/// At each bound, between two of them, and beyond the first and the last.
std::vector<double> around(const std::vector<double>& bounds) {
    if (bounds.empty()) return {7};
    std::vector<double> numbers(bounds);
    numbers.push_back(0);  // reads better in an example than some number far below the bounds
    for (std::size_t i = 0; i + 1 < bounds.size(); ++i) numbers.push_back((bounds[i] + bounds[i + 1]) / 2);
    numbers.push_back(bounds.front() - 1);
    numbers.push_back(bounds.back() + 1);
    return numbers;
}

Json number_of(double number) {
    // Whole numbers read better in examples.
    if (number == std::floor(number) && std::abs(number) <= exact_number_max)
        return static_cast<std::int64_t>(number);
    return number;
}

class Search {
public:
    explicit Search(const std::vector<Literal>& literals)
        : constants_(literals), stage_(literals.front().comparison->field) {
        for (const auto& literal : literals)
            if (!is_change_condition(literal) && !is_of_other_events(literal)) literals_.push_back(literal);
    }

    FieldValues run() {
        for (const auto& text : constants_.texts) try_value(text);
        try_other_texts();
        try_numbers();
        try_value(true);
        try_value(false);
        try_lists();
        try_objects();
        try_value(Json());
        return std::move(values_);
    }

private:
    bool all_hold(const Json& value) {
        return std::all_of(literals_.begin(), literals_.end(),
                           [&](const Literal& literal) { return stage_.holds(literal, value); });
    }

    bool all_hold(const Json& value, const std::function<bool(const Literal&)>& which) {
        return std::all_of(literals_.begin(), literals_.end(), [&](const Literal& literal) {
            return !which(literal) || stage_.holds(literal, value);
        });
    }

    bool try_value(const Json& value) {
        if (!all_hold(value)) return false;
        values_.found.push_back(value);
        return true;
    }

    /// Between two neighbouring constants all numbers are alike to every operator.
    void try_numbers() {
        for (const auto number : around(constants_.numbers)) try_value(number_of(number));
        values_.open = values_.open || !constants_.exact;
    }

    void try_objects() {
        try_value(Json::object());
        try_value(Json{{"other", true}});
        for (const auto& object : constants_.objects) try_value(object);
    }

    // ---- lists ----

    /// A list with all that may be in it answers every question for items; one with nothing but what must be
    /// in it answers every question for gaps. Where both kinds are asked, neither may be the right one.
    void try_lists() {
        std::vector<Json> required, allowed;
        bool wants_items = false, wants_gaps = false;
        sort_items(required, allowed, wants_items, wants_gaps);
        const std::string other = unlisted_text();
        bool found = false;
        for (const auto* items : {&required, &allowed}) {
            Json list(*items);
            found = try_value(list) || found;
            list.push_back(other);
            found = try_value(list) || found;
        }
        for (const auto& list : constants_.lists) found = try_value(list) || found;
        if (!found && wants_items && wants_gaps) values_.open = true;
    }

    void sort_items(std::vector<Json>& required, std::vector<Json>& allowed, bool& wants_items,
                    bool& wants_gaps) {
        std::vector<Json> forbidden, named;
        for (const auto& [comparison, negated] : literals_) {
            if (!asks_for_items(comparison->op)) continue;
            const auto items = operands_of(comparison->operand);
            const bool is_all = comparison->op == Operator::has_all || comparison->op == Operator::has;
            const bool wants = (comparison->op == Operator::has_none) == negated;
            named.insert(named.end(), items.begin(), items.end());
            if (wants && (is_all || items.size() == 1))
                required.insert(required.end(), items.begin(), items.end());
            else if (!wants && (!is_all || items.size() == 1))
                forbidden.insert(forbidden.end(), items.begin(), items.end());
            else
                (wants ? wants_items : wants_gaps) = true;
        }
        for (const auto& item : named)
            if (std::find(forbidden.begin(), forbidden.end(), item) == forbidden.end())
                allowed.push_back(item);
    }

    // ---- texts that no operand names ----

    std::string unlisted_text() const {
        std::string text = "other";
        for (int i = 2; constants_.texts.contains(text); ++i) text = "other " + std::to_string(i);
        return text;
    }

    bool is_order_of_times(const Literal& literal) const {
        const auto operands = operands_of(literal.comparison->operand);
        return asks_for_order(literal.comparison->op) &&
               std::any_of(operands.begin(), operands.end(), [](const Json& one) { return one.is_string(); });
    }
    static bool is_age(const Literal& literal) { return asks_for_age(literal.comparison->op); }
    static bool is_network(const Literal& literal) { return literal.comparison->op == Operator::cidr; }
    static bool is_hours(const Literal& literal) { return literal.comparison->op == Operator::within_hours; }
    static bool is_search(const Literal& literal) { return is_text_search(literal.comparison->op); }

    void try_other_texts() {
        const auto plain = unlisted_text();
        const auto is_plain = [&](const Literal& literal) {
            return !is_search(literal) && !is_order_of_times(literal) && !is_age(literal) &&
                   !is_network(literal) && !is_hours(literal);
        };
        if (!all_hold(plain, is_plain)) return;  // no text that is not named fits
        const bool no_time = all_hold(
            plain, [&](const auto& one) { return is_order_of_times(one) || is_age(one) || is_hours(one); });
        const bool no_address = all_hold(plain, is_network);
        const auto instants = no_time ? std::vector<Json>() : instants_that_fit();
        const bool texts_left =
            (no_time && no_address) || (!instants.empty() && no_address) || (no_time && addresses_left());
        if (!texts_left || searches_exclude_each_other(literals_)) return;
        const auto before = values_.found.size();
        for (const auto& text : texts_for(literals_)) {
            try_value(text);
            if (values_.found.size() > before + 2) return;
        }
        if (values_.found.size() == before) try_value(plain);
        for (const auto& instant : instants) try_value(instant);
        if (!no_address)
            for (const auto& address : addresses()) try_value(address);
        values_.open = values_.open || values_.found.size() == before;
    }

    /// Instants at, between and beyond the bounds that satisfy the order, when there are also ages that
    /// satisfy the rest: the clock may stand anywhere.
    std::vector<Json> instants_that_fit() {
        std::vector<std::int64_t> bounds, ages;
        for (const auto& literal : literals_) {
            if (is_age(literal)) ages.push_back(literal.comparison->span.count());
            if (!is_order_of_times(literal)) continue;
            for (const auto& operand : operands_of(literal.comparison->operand))
                if (operand.is_string())
                    if (const auto instant = engine::parse_instant(operand.get_ref<const std::string&>()))
                        bounds.push_back(engine::microseconds_of(*instant));
        }
        const auto now = engine::microseconds_of(supposed_now());
        for (auto& age : ages) age = now - age;
        if (bounds.empty()) bounds.push_back(now);
        if (ages.empty()) ages.push_back(now);
        if (!writable(bounds) || !writable(ages)) {
            values_.open = true;
            return {};
        }
        const auto of_order =
            fitting(bounds, [&](const Literal& literal) { return is_order_of_times(literal); });
        const auto of_age = fitting(ages, is_age);
        if (of_order.empty() || of_age.empty()) return {};
        auto all = of_order;
        all.insert(all.end(), of_age.begin(), of_age.end());
        const auto of_hours = edges_of_hours(bounds);
        all.insert(all.end(), of_hours.begin(), of_hours.end());
        return all;
    }

    /// What calendars open and close next: whether one fits, trying it tells.
    std::vector<Json> edges_of_hours(const std::vector<std::int64_t>& after) const {
        std::vector<Json> found;
        const auto add = [&](engine::Instant instant) { found.push_back(Json(engine::to_text(instant))); };
        for (const auto& literal : literals_) {
            if (!is_hours(literal) || !literal.comparison->calendar) continue;
            const auto& calendar = *literal.comparison->calendar;
            for (const auto tick : after) {
                const auto from = engine::instant_of(tick);
                const auto opens = calendar.next_opening(from);
                if (!opens) continue;
                add(*opens);
                const auto open = calendar.periods(*opens, *opens + std::chrono::days(8));
                if (!open.empty()) add(open.front().closes);
            }
        }
        return found;
    }

    /// Whether times around them have a text.
    static bool writable(const std::vector<std::int64_t>& ticks) {
        constexpr std::int64_t year = 31'557'600'000'000;
        return std::all_of(ticks.begin(), ticks.end(),
                           [](std::int64_t tick) { return tick > -1900 * year && tick < 7900 * year; });
    }

    std::vector<Json> fitting(std::vector<std::int64_t> ticks,
                              const std::function<bool(const Literal&)>& which) {
        constexpr std::int64_t hour = 3'600'000'000;
        std::sort(ticks.begin(), ticks.end());
        auto tried = ticks;
        for (std::size_t i = 0; i + 1 < ticks.size(); ++i)
            tried.push_back(ticks[i] + (ticks[i + 1] - ticks[i]) / 2);
        tried.push_back(ticks.front() - hour);
        tried.push_back(ticks.back() + hour);
        std::vector<Json> found;
        for (const auto tick : tried) {
            const Json text = engine::to_text(engine::instant_of(tick));
            if (all_hold(text, which)) found.push_back(text);
        }
        return found;
    }

    /// False only when what must be an address of one network must not be one of a wider one.
    bool addresses_left() const {
        return std::none_of(literals_.begin(), literals_.end(), [&](const Literal& wanted) {
            return is_network(wanted) && !wanted.negated && networks_excluded(*wanted.comparison, literals_);
        });
    }

    std::vector<std::string> addresses() const {
        std::vector<std::string> found;
        for (const auto& literal : literals_)
            if (is_network(literal))
                for (const auto& operand : operands_of(literal.comparison->operand))
                    if (operand.is_string()) {
                        const auto& text = operand.get_ref<const std::string&>();
                        found.push_back(text.substr(0, text.find('/')));
                    }
        found.emplace_back("192.0.2.1");
        return found;
    }

    Constants constants_;
    Stage stage_;
    std::vector<Literal> literals_;
    FieldValues values_;
};

/// What change conditions can tell apart of a value before or after.
std::vector<Json> sides_of(const std::vector<Literal>& literals) {
    std::vector<Json> values;
    for (const auto& literal : literals) {
        const auto& operand = literal.comparison->operand;
        if (literal.comparison->op == Operator::changed) continue;
        for (const auto& one : operands_of(operand)) values.push_back(one);
        if (operand.is_array()) values.push_back(operand);
    }
    Json other = "other";
    for (int i = 2; std::find(values.begin(), values.end(), other) != values.end(); ++i)
        other = "other " + std::to_string(i);
    values.push_back(other);
    values.push_back(Json::array({other}));
    values.emplace_back();
    return values;
}

}  // namespace

engine::Instant supposed_now() {
    return engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z
}

bool is_change_condition(const Literal& literal) {
    return looks_at_changes(literal.comparison->op);
}

bool is_of_other_events(const Literal& literal) {
    return literal.comparison->op == Operator::count_over || literal.comparison->op == Operator::lua;
}

bool holds_for(const Literal& literal, const Json& value) {
    return is_of_other_events(literal) || Stage(literal.comparison->field).holds(literal, value);
}

bool holds_after_change(const Literal& literal, const Json& to) {
    switch (literal.comparison->op) {
        case Operator::changed:
            return flag_of(literal.comparison->operand) != literal.negated;
        case Operator::changed_to: {
            const std::vector<engine::Change> changes{{literal.comparison->field.text, Json(), to, "", ""}};
            Scope scope;
            scope.changes = &changes;
            return holds(*literal.comparison, scope) != literal.negated;
        }
        default:
            return true;
    }
}

FieldValues values_of(const std::vector<Literal>& literals) {
    return Search(literals).run();
}

FieldChanges changes_of(const std::vector<Literal>& literals) {
    std::vector<Literal> asked;
    std::copy_if(literals.begin(), literals.end(), std::back_inserter(asked), is_change_condition);
    std::vector<engine::Change> changes;
    Scope scope;
    scope.changes = &changes;
    const auto all_hold = [&](Operator op) {
        return std::all_of(asked.begin(), asked.end(), [&](const Literal& literal) {
            return literal.comparison->op != op || holds(*literal.comparison, scope) != literal.negated;
        });
    };
    FieldChanges result;
    result.unchanged =
        all_hold(Operator::changed) && all_hold(Operator::changed_from) && all_hold(Operator::changed_to);
    if (asked.empty()) return {true, true, {}, {}};
    changes.push_back({asked.front().comparison->field.text, Json(), Json(), "", ""});
    for (const auto& value : sides_of(asked)) {
        changes.front().from = changes.front().to = value;
        if (all_hold(Operator::changed_from)) result.from.push_back(value);
        if (all_hold(Operator::changed_to)) result.to.push_back(value);
    }
    result.changed = all_hold(Operator::changed) && !result.from.empty() && !result.to.empty();
    return result;
}

}  // namespace rules
