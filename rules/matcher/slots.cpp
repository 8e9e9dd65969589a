#include "rules/matcher/slots.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/text.h"
#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/comparison.h"
#include "rules/evaluator/words.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

using engine::Json;

// Codes that every code slot has.
constexpr Code absent_code = 0;
constexpr Code clash_code = 1;  ///< a value of another type than the slot's
constexpr Code other_code = 2;  ///< of the type, and none of those listed; in an order, below the first bound
constexpr Code first_listed =
    3;  ///< the listed ones by their place; of an order, at a bound and then above it

constexpr Code unchanged_code = 2;
constexpr Code changed_code = 3;
constexpr Code false_code = 3;
constexpr Code true_code = 4;

/// Of every set slot: the value is there and nothing can be found in it.
constexpr Code clash_id = 0;

constexpr std::size_t types_slot = 0;

template <class Number>
void add_sorted(std::vector<Number>& numbers, Number number) {
    const auto place = std::lower_bound(numbers.begin(), numbers.end(), number);
    if (place == numbers.end() || *place != number) numbers.insert(place, number);
}

/// Below the first bound, at it, between it and the next, and so on.
template <class Number>
Code rank_of(const std::vector<Number>& bounds, Number number) {
    const auto place = std::lower_bound(bounds.begin(), bounds.end(), number);
    const auto rank = static_cast<Code>(place - bounds.begin()) * 2;
    const bool at_bound = place != bounds.end() && *place == number;
    return other_code + rank + (at_bound ? 1 : 0);
}

/// The place of what is listed.
template <class Number>
std::optional<std::size_t> place_in(const std::vector<Number>& numbers, Number number) {
    const auto place = std::lower_bound(numbers.begin(), numbers.end(), number);
    if (place == numbers.end() || *place != number) return std::nullopt;
    return static_cast<std::size_t>(place - numbers.begin());
}

RawValue raw(const Json* value) {
    RawValue raw;
    if (is_absent(value)) return raw;
    if (value->is_string()) {
        raw.kind = RawValue::Kind::text;
        raw.text = value->get_ref<const std::string&>();
    } else if (value->is_number()) {
        raw.kind = RawValue::Kind::number;
        raw.number = exact_number(*value);
    } else if (value->is_boolean()) {
        raw.kind = RawValue::Kind::boolean;
        raw.flag = value->get<bool>();
    } else {
        raw.kind = value->is_array() ? RawValue::Kind::list : RawValue::Kind::object;
    }
    return raw;
}

std::optional<std::int64_t> ticks_of(const RawValue& value) {
    if (value.kind != RawValue::Kind::text) return std::nullopt;
    const auto instant = engine::parse_instant(value.text);
    if (!instant) return std::nullopt;
    return engine::microseconds_of(*instant);
}
std::optional<std::int64_t> ticks_of(const Json& value) {
    return ticks_of(raw(&value));
}

bool is_text_search(Operator op) {
    return op == Operator::contains || op == Operator::not_contains || op == Operator::starts_with ||
           op == Operator::ends_with || op == Operator::any_word || op == Operator::matches;
}

bool is_item_search(Operator op) {
    return op == Operator::has || op == Operator::has_any || op == Operator::has_all ||
           op == Operator::has_none;
}

/// What nothing is known of: it may hold.
Demands unknown() {
    return {{}, false};
}

Demands on_codes(std::size_t slot, CodeSet codes, bool exact = true) {
    return {{{Demand::Kind::codes, slot, std::move(codes), {}}}, exact};
}

Demands on_found(std::size_t slot, std::vector<Code> ids, bool wanted) {
    return {{{wanted ? Demand::Kind::found : Demand::Kind::not_found, slot, {}, std::move(ids)}}, true};
}

bool touches(std::string_view one, std::string_view other) {
    return one == other || is_below(one, other) || is_below(other, one);
}

}  // namespace

// ---- texts

Code TextProbes::add(Operator op, bool case_sensitive, const std::string& word) {
    if (op == Operator::not_contains) op = Operator::contains;
    const auto [known, added] = known_.try_emplace({op, case_sensitive, word}, count_);
    if (added) words_.push_back({count_++, {op, case_sensitive, word}});
    return known->second;
}

Code TextProbes::at(Operator op, bool case_sensitive, const std::string& text) const {
    if (op == Operator::not_contains) op = Operator::contains;
    return known_.at({op, case_sensitive, text});
}

Code TextProbes::add(const Regex& pattern, bool case_sensitive) {
    const auto [known, added] =
        known_.try_emplace({Operator::matches, case_sensitive, pattern.pattern()}, count_);
    if (added) patterns_.emplace_back(count_++, pattern);
    return known->second;
}

void TextProbes::find(std::string_view text, Code first_id, std::vector<Code>& found) const {
    const FoldedText folded(text, false);
    for (const auto& [id, word] : words_)
        if (word_found(word.op, word.case_sensitive ? text : folded.view(), word.text))
            found.push_back(first_id + id);
    for (const auto& [id, pattern] : patterns_)
        if (pattern.found_in(text)) found.push_back(first_id + id);
}

// ---- learning

std::optional<Slots::Coding> Slots::equality_of(const Json& operand) {
    if (operand.is_string()) return Coding::text;
    if (operand.is_number()) return Coding::number;
    if (operand.is_boolean()) return Coding::boolean;
    return std::nullopt;
}

/// Nothing for what no code slot can say.
std::optional<std::pair<Slots::Source, Slots::Coding>> Slots::code_slot_for(
    const Comparison& comparison) const {
    const auto& operand = comparison.operand;
    const auto of_all = [&](Source source) -> std::optional<std::pair<Source, Coding>> {
        const auto operands = operands_of(operand);
        if (operands.empty()) return std::nullopt;
        const auto coding = equality_of(operands.front());
        for (const auto& one : operands)
            if (!coding || equality_of(one) != coding) return std::nullopt;
        return std::pair(source, *coding);
    };
    const auto of_bounds = [&]() -> std::optional<std::pair<Source, Coding>> {
        const auto bounds = operands_of(operand);
        const auto are = [&](auto test) { return std::all_of(bounds.begin(), bounds.end(), test); };
        if (are([](const Json& bound) { return bound.is_number(); }))
            return std::pair(Source::value, Coding::order);
        if (are([](const Json& bound) { return ticks_of(bound).has_value(); }))
            return std::pair(Source::value, Coding::instants);
        return std::nullopt;
    };
    switch (comparison.op) {
        case Operator::eq:
        case Operator::ne:
            return !operand.is_array() ? of_all(Source::value) : std::nullopt;
        case Operator::in:
        case Operator::not_in:
            return of_all(Source::value);
        case Operator::changed_from:
            return of_all(Source::from);
        case Operator::changed_to:
            return of_all(Source::to);
        case Operator::changed:
            return std::pair(Source::changed, Coding::presence);
        case Operator::gt:
        case Operator::gte:
        case Operator::lt:
        case Operator::lte:
            return operand.is_array() ? std::nullopt : of_bounds();
        case Operator::between:
            return operands_of(operand).size() == 2 ? of_bounds() : std::nullopt;
        case Operator::older_than:
        case Operator::newer_than:
            return std::pair(Source::value, Coding::age);
        default:
            return std::nullopt;
    }
}

Slots::CodeSlot& Slots::code_slot(const FieldPath& field, Source source, Coding coding) {
    const auto [place, added] = code_places_.try_emplace({field.text, source, coding}, code_slots_.size());
    if (added) code_slots_.push_back({field, source, coding, {}, {}, {}});
    return code_slots_[place->second];
}

Slots::SetSlot& Slots::set_slot(const FieldPath& field, Listing listing) {
    const auto [place, added] = set_places_.try_emplace({field.text, listing}, set_slots_.size());
    if (added) {
        auto& slot = set_slots_.emplace_back();
        slot.listing = listing;
        slot.field = field;
    }
    return set_slots_[place->second];
}

std::size_t Slots::place_of(const FieldPath& field, Source source, Coding coding) const {
    const auto place = code_places_.find({field.text, source, coding});
    ENSURE(place != code_places_.end());
    return place->second;
}

void Slots::learn_type(const std::string& pattern) {
    if (type_ids_.try_emplace(pattern, clash_id + 1 + types_.size()).second) types_.push_back(pattern);
}

void Slots::learn(const Comparison& comparison) {
    if (comparison.op == Operator::exists) presences_.try_emplace(comparison.field.text, comparison.field);
    if (is_text_search(comparison.op)) return learn_words(comparison);
    if (is_item_search(comparison.op)) return learn_items(comparison);
    const auto which = code_slot_for(comparison);
    if (!which) return;
    auto& slot = code_slot(comparison.field, which->first, which->second);
    if (slot.coding == Coding::age) return add_sorted(slot.ticks, comparison.span.count());
    for (const auto& operand : operands_of(comparison.operand)) learn_operand(slot, operand);
}

void Slots::learn_operand(CodeSlot& slot, const Json& operand) {
    switch (slot.coding) {
        case Coding::text:
            slot.texts.try_emplace(operand.get<std::string>(), first_listed + slot.texts.size());
            return;
        case Coding::number:
        case Coding::order:
            return add_sorted(slot.numbers, exact_number(operand));
        case Coding::instants:
            return add_sorted(slot.ticks, *ticks_of(operand));
        default:
            return;
    }
}

void Slots::learn_items(const Comparison& comparison) {
    auto& slot = set_slot(comparison.field, Listing::items);
    for (const auto& operand : operands_of(comparison.operand)) {
        if (operand.is_string())
            slot.texts.try_emplace(operand.get<std::string>(), 0);  // numbered when all are known
        else if (operand.is_number())
            add_sorted(slot.numbers, exact_number(operand));
    }
}

void Slots::learn_words(const Comparison& comparison) {
    auto& probes = set_slot(comparison.field, Listing::probes).probes;
    for (const auto& word : comparison.words) probes.add(comparison.op, comparison.case_sensitive, word);
    for (const auto& pattern : comparison.patterns) probes.add(pattern, comparison.case_sensitive);
}

void Slots::freeze() {
    for (auto& slot : set_slots_) {
        if (slot.listing != Listing::items) continue;
        // False and true, then numbers, then texts.
        Code id = clash_id + 3 + static_cast<Code>(slot.numbers.size());
        for (auto& [text, place] : slot.texts) place = id++;
    }
    for (const auto& [name, field] : presences_) {
        const auto known = std::find_if(code_slots_.begin(), code_slots_.end(), [&](const CodeSlot& slot) {
            return slot.source == Source::value && slot.field.text == name;
        });
        if (known != code_slots_.end()) {
            presence_places_[name] = static_cast<std::size_t>(known - code_slots_.begin());
            continue;
        }
        code_slot(field, Source::value, Coding::presence);
        presence_places_[name] = code_slots_.size() - 1;
    }
    list_value_fields();
    auto& types = set_slots_[types_slot];
    for (const auto& pattern : types_) {
        if (pattern.find('*') != std::string::npos) continue;
        std::vector<Code> found;
        for (const auto& [other, id] : type_ids_)
            if (type_fits(other, pattern)) found.push_back(id);
        types.known_types.emplace(pattern, std::move(found));
    }
}

void Slots::list_value_fields() {
    std::map<std::string, std::size_t> places;
    const auto field_of = [&](const FieldPath& path) -> Field& {
        const auto [place, added] = places.try_emplace(path.text, value_fields_.size());
        if (added) value_fields_.push_back({path, false, {}, {}});
        return value_fields_[place->second];
    };
    for (std::size_t i = 0; i < code_slots_.size(); ++i)
        if (code_slots_[i].source == Source::value) field_of(code_slots_[i].field).code_slots.push_back(i);
    for (std::size_t i = types_slot + 1; i < set_slots_.size(); ++i) {
        auto& field = field_of(set_slots_[i].field);
        field.set_slots.push_back(i);
        field.asks_for_items = field.asks_for_items || set_slots_[i].listing == Listing::items;
    }
}

Code Slots::codes_of(std::size_t place) const {
    const auto& slot = code_slots_[place];
    switch (slot.coding) {
        case Coding::text:
            return first_listed + static_cast<Code>(slot.texts.size());
        case Coding::number:
            return first_listed + static_cast<Code>(slot.numbers.size());
        case Coding::order:
            return first_listed + 2 * static_cast<Code>(slot.numbers.size());
        case Coding::instants:
        case Coding::age:
            return first_listed + 2 * static_cast<Code>(slot.ticks.size());
        default:
            return true_code + 1;
    }
}

// ---- demands

Demand Slots::type_demand(const std::vector<std::string>& patterns) const {
    Demand demand{Demand::Kind::found, types_slot, {}, {}};
    for (const auto& pattern : patterns) demand.ids.push_back(type_ids_.at(pattern));
    return demand;
}

Demands Slots::demands_of(const Comparison& comparison, bool negated) const {
    if (is_text_search(comparison.op) || is_item_search(comparison.op))
        return set_demands(comparison, negated);
    if (comparison.op == Operator::exists) {
        const auto absent = CodeSet::of(absent_code, absent_code);
        const bool wants_absent = flag_of(comparison.operand) == negated;
        return on_codes(presence_places_.at(comparison.field.text),
                        wants_absent ? absent : absent.complement());
    }
    const auto which = code_slot_for(comparison);
    if (!which) return unknown();
    return code_demands(comparison, place_of(comparison.field, which->first, which->second), negated);
}

Demands Slots::code_demands(const Comparison& comparison, std::size_t place, bool negated) const {
    const auto& slot = code_slots_[place];
    const auto signed_codes = [&](const CodeSet& holds) {
        return on_codes(place, negated ? holds.complement() : holds);
    };
    if (comparison.op == Operator::changed) {
        const auto code = flag_of(comparison.operand) ? changed_code : unchanged_code;
        return signed_codes(CodeSet::of(code, code));
    }
    if (slot.coding == Coding::age || slot.coding == Coding::order || slot.coding == Coding::instants) {
        const auto bound = [&](const Json& operand) {
            const auto found = slot.coding == Coding::order ? place_in(slot.numbers, exact_number(operand))
                                                            : place_in(slot.ticks, *ticks_of(operand));
            ENSURE(found);
            return *found;
        };
        if (slot.coding == Coding::age) {
            const auto span = place_in(slot.ticks, comparison.span.count());
            ENSURE(span);
            const auto op = comparison.op == Operator::older_than ? Operator::gt : Operator::lt;
            return signed_codes(ordered(slot, op, *span));
        }
        const auto bounds = operands_of(comparison.operand);
        if (comparison.op != Operator::between)
            return signed_codes(ordered(slot, comparison.op, bound(bounds[0])));
        return signed_codes(ordered(slot, Operator::gte, bound(bounds[0]))
                                .intersected(ordered(slot, Operator::lte, bound(bounds[1]))));
    }
    std::vector<Code> codes;
    for (const auto& operand : operands_of(comparison.operand)) codes.push_back(listed(slot, operand));
    const bool is_change = slot.source != Source::value;
    if (is_change && comparison.operand.is_array()) {
        // A list of operands may also stand for the field's list as a whole.
        if (negated) return on_codes(place, CodeSet::of(codes).complement(), false);
        codes.push_back(clash_code);
        return on_codes(place, CodeSet::of(codes), false);
    }
    if (comparison.op == Operator::ne || comparison.op == Operator::not_in) {
        codes.push_back(clash_code);  // a clash stays false
        return signed_codes(CodeSet::of(codes).complement());
    }
    return signed_codes(CodeSet::of(codes));
}

Code Slots::listed(const CodeSlot& slot, const Json& operand) {
    if (slot.coding == Coding::boolean) return operand.get<bool>() ? true_code : false_code;
    if (slot.coding == Coding::text) return slot.texts.at(operand.get_ref<const std::string&>());
    const auto place = place_in(slot.numbers, exact_number(operand));
    ENSURE(place);
    return first_listed + static_cast<Code>(*place);
}

CodeSet Slots::ordered(const CodeSlot& slot, Operator op, std::size_t bound) {
    const auto at = first_listed + 2 * static_cast<Code>(bound);
    const auto bounds = std::max(slot.numbers.size(), slot.ticks.size());
    const auto above_all = other_code + 2 * static_cast<Code>(bounds);
    switch (op) {
        case Operator::gt:
            return CodeSet::of(at + 1, above_all);
        case Operator::gte:
            return CodeSet::of(at, above_all);
        case Operator::lt:
            return CodeSet::of(other_code, at - 1);
        default:
            return CodeSet::of(other_code, at);
    }
}

/// The id of an item or of an operand that may be one; nothing when nobody looks for it.
std::optional<Code> Slots::item(const SetSlot& slot, const RawValue& value) {
    if (value.kind == RawValue::Kind::boolean) return clash_id + (value.flag ? 2 : 1);
    if (value.kind == RawValue::Kind::number) {
        const auto place = place_in(slot.numbers, value.number);
        return place ? std::optional<Code>(clash_id + 3 + static_cast<Code>(*place)) : std::nullopt;
    }
    if (value.kind != RawValue::Kind::text) return std::nullopt;
    const auto place = slot.texts.find(value.text);
    return place == slot.texts.end() ? std::nullopt : std::optional(place->second);
}

Demands Slots::set_demands(const Comparison& comparison, bool negated) const {
    const bool in_text = is_text_search(comparison.op);
    const auto place = set_places_.at({comparison.field.text, in_text ? Listing::probes : Listing::items});
    const auto& slot = set_slots_[place];
    std::vector<Code> ids;
    if (in_text) {
        for (const auto& word : comparison.words)
            ids.push_back(clash_id + 1 + slot.probes.at(comparison.op, comparison.case_sensitive, word));
        for (const auto& pattern : comparison.patterns)
            ids.push_back(clash_id + 1 +
                          slot.probes.at(Operator::matches, comparison.case_sensitive, pattern.pattern()));
    } else {
        for (const auto& operand : operands_of(comparison.operand)) {
            const auto id = item(slot, raw(&operand));
            if (!id) return unknown();
            ids.push_back(*id);
        }
    }
    const bool wants_none = comparison.op == Operator::has_none || comparison.op == Operator::not_contains;
    if (wants_none) ids.push_back(clash_id);  // a clash stays false
    if (comparison.op != Operator::has_all && comparison.op != Operator::has)
        return on_found(place, std::move(ids), wants_none == negated);
    if (ids.size() == 1) return on_found(place, std::move(ids), !negated);
    if (negated || ids.empty()) return unknown();
    Demands demands;
    for (const auto id : ids) demands.all.push_back({Demand::Kind::found, place, {}, {id}});
    return demands;
}

Code Slots::ids_of(std::size_t place) const {
    const auto& slot = set_slots_[place];
    switch (slot.listing) {
        case Listing::types:
            return clash_id + 1 + static_cast<Code>(types_.size());
        case Listing::items:
            return clash_id + 3 + static_cast<Code>(slot.numbers.size() + slot.texts.size());
        default:
            return clash_id + 1 + slot.probes.count();
    }
}

// ---- reading

void Slots::read(std::string_view event_type, const Scope& scope, Readings& readings) const {
    readings.codes.resize(code_slots_.size());
    readings.found.resize(set_slots_.size());
    for (std::size_t i = 0; i < code_slots_.size(); ++i) readings.codes[i] = code_of(code_slots_[i], scope);
    read_type(event_type, readings);
    for (std::size_t i = types_slot + 1; i < set_slots_.size(); ++i) {
        readings.found[i].clear();
        find(set_slots_[i], scope, readings.found[i]);
    }
}

void Slots::read_type(std::string_view event_type, Readings& readings) const {
    readings.found[types_slot].clear();
    find_types(event_type, readings.found[types_slot]);
}

void Slots::read(const Field& field, const RawValue& value, engine::Instant now, Readings& readings) const {
    for (const auto slot : field.code_slots)
        readings.codes[slot] = code_of_value(code_slots_[slot], value, now);
    for (const auto slot : field.set_slots) {
        readings.found[slot].clear();
        find(set_slots_[slot], value, readings.found[slot]);
    }
}

bool Slots::read_changed(std::string_view field, const Scope& scope, Readings& readings) const {
    bool another = false;
    for (std::size_t i = 0; i < code_slots_.size(); ++i) {
        if (!touches(code_slots_[i].field.text, field)) continue;
        const auto code = code_of(code_slots_[i], scope);
        another = another || code != readings.codes[i];
        readings.codes[i] = code;
    }
    std::vector<Code> found;
    for (std::size_t i = types_slot + 1; i < set_slots_.size(); ++i) {
        if (!touches(set_slots_[i].field.text, field)) continue;
        found.clear();
        find(set_slots_[i], scope, found);
        another = another || found != readings.found[i];
        std::swap(readings.found[i], found);
    }
    return another;
}

Code Slots::code_of(const CodeSlot& slot, const Scope& scope) const {
    if (slot.source == Source::value) return code_of_value(slot, raw(scope.find(slot.field)), scope.now);
    const auto change = change_of(slot.field, scope.changes);
    if (slot.source == Source::changed) return change.changed ? changed_code : unchanged_code;
    return code_of_value(slot, raw(slot.source == Source::from ? change.from : change.to), scope.now);
}

Code Slots::code_of_value(const CodeSlot& slot, const RawValue& value, engine::Instant now) {
    if (value.kind == RawValue::Kind::absent) return absent_code;
    switch (slot.coding) {
        case Coding::presence:
            return other_code;
        case Coding::boolean:
            if (value.kind != RawValue::Kind::boolean) return clash_code;
            return value.flag ? true_code : false_code;
        case Coding::text: {
            if (value.kind != RawValue::Kind::text) return clash_code;
            const auto known = slot.texts.find(value.text);
            return known == slot.texts.end() ? other_code : known->second;
        }
        case Coding::number: {
            if (value.kind != RawValue::Kind::number) return clash_code;
            const auto place = place_in(slot.numbers, value.number);
            return place ? first_listed + static_cast<Code>(*place) : other_code;
        }
        case Coding::order:
            return value.kind == RawValue::Kind::number ? rank_of(slot.numbers, value.number) : clash_code;
        default: {
            const auto ticks = ticks_of(value);
            if (!ticks) return clash_code;
            const bool is_age = slot.coding == Coding::age;
            return rank_of(slot.ticks, is_age ? engine::microseconds_of(now) - *ticks : *ticks);
        }
    }
}

void Slots::find(const SetSlot& slot, const RawValue& value, std::vector<Code>& found) {
    if (value.kind == RawValue::Kind::absent) return;
    const bool is_text = value.kind == RawValue::Kind::text;
    if (slot.listing == Listing::probes)
        return is_text ? slot.probes.find(value.text, clash_id + 1, found) : found.push_back(clash_id);
    const auto add = [&](const RawValue& one) {
        if (const auto id = item(slot, one)) found.push_back(*id);
    };
    if (is_text && slot.field.type == FieldType::tags) return add(value);
    if (value.kind != RawValue::Kind::list) return found.push_back(clash_id);
    for (const auto& one : value.items) add(one);
}

void Slots::find(const SetSlot& slot, const Scope& scope, std::vector<Code>& found) {
    const auto* value = scope.find(slot.field);
    auto whole = raw(value);
    std::vector<RawValue> items;
    if (whole.kind == RawValue::Kind::list && slot.listing == Listing::items) {
        for (const auto& one : *value) items.push_back(raw(&one));
        whole.items = items;
    }
    find(slot, whole, found);
}

void Slots::find_types(std::string_view event_type, std::vector<Code>& found) const {
    const auto& known = set_slots_[types_slot].known_types;
    if (const auto entry = known.find(event_type); entry != known.end()) {
        found = entry->second;
        return;
    }
    for (const auto& [pattern, id] : type_ids_)
        if (type_fits(pattern, event_type)) found.push_back(id);
}

}  // namespace rules
