#include "rules/matcher/slots.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/text.h"
#include "rules/evaluator/change_condition.h"
#include "rules/evaluator/compare.h"
#include "rules/evaluator/comparison.h"

namespace rules {
namespace {

using engine::Json;
using Source = CodeSlot::Source;
using Coding = CodeSlot::Coding;

constexpr std::size_t types_slot = 0;

bool is_probed(Operator op) {
    return op == Operator::contains || op == Operator::not_contains || op == Operator::ends_with ||
           op == Operator::any_word || op == Operator::matches;
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

std::optional<Coding> equality_of(const Json& operand) {
    if (operand.is_string()) return Coding::text;
    if (operand.is_number()) return Coding::number;
    if (operand.is_boolean()) return Coding::boolean;
    return std::nullopt;
}

/// Nothing for what no code slot can say.
std::optional<std::pair<Source, Coding>> code_slot_for(const Comparison& comparison) {
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
        case Operator::starts_with:
            return std::pair(Source::value,
                             comparison.case_sensitive ? Coding::exact_prefix : Coding::prefix);
        default:
            return std::nullopt;
    }
}

}  // namespace

// ---- learning

CodeSlot& Slots::slot_of(const FieldPath& field, Source source, Coding coding) {
    const auto [place, added] = code_places_.try_emplace({field.text, source, coding}, code_slots_.size());
    if (added) {
        auto& slot = code_slots_.emplace_back();
        slot.field = field;
        slot.source = source;
        slot.coding = coding;
    }
    return code_slots_[place->second];
}

SetSlot& Slots::slot_of(const FieldPath& field, Listing listing) {
    const auto [place, added] = set_places_.try_emplace({field.text, listing}, set_slots());
    if (added) {
        auto& slot = set_slots_.emplace_back();
        slot.listing = listing;
        slot.field = field;
    }
    return set_slots_[place->second - 1];
}

void Slots::learn_type(const std::string& pattern) {
    types_.learn(pattern);
}

void Slots::learn(const Comparison& comparison) {
    const auto& field = comparison.field;
    if (comparison.op == Operator::exists) presences_.try_emplace(field.text, field);
    if (is_probed(comparison.op)) return slot_of(field, Listing::probes).learn(comparison);
    if (is_item_search(comparison.op)) return slot_of(field, Listing::items).learn(comparison);
    if (const auto which = code_slot_for(comparison))
        slot_of(field, which->first, which->second).learn(comparison);
}

void Slots::freeze() {
    types_.freeze();
    for (auto& slot : code_slots_) slot.freeze();
    for (auto& slot : set_slots_) slot.freeze();
    for (const auto& [name, field] : presences_) {
        const auto known =
            std::find_if(code_slots_.begin(), code_slots_.end(), [&wanted = name](const CodeSlot& slot) {
                return slot.source == Source::value && slot.field.text == wanted;
            });
        if (known != code_slots_.end()) {
            presence_places_[name] = static_cast<std::size_t>(known - code_slots_.begin());
            continue;
        }
        slot_of(field, Source::value, Coding::presence);
        presence_places_[name] = code_slots_.size() - 1;
    }
    list_value_fields();
}

void Slots::list_value_fields() {
    std::map<std::string, std::size_t> places;
    const auto field_of = [&](const FieldPath& path) -> Field& {
        const auto [place, added] = places.try_emplace(path.text, value_fields_.size());
        if (added) value_fields_.emplace_back().path = path;
        return value_fields_[place->second];
    };
    for (std::size_t i = 0; i < code_slots_.size(); ++i) {
        if (code_slots_[i].source != Source::value) continue;
        auto& field = field_of(code_slots_[i].field);
        field.code_slots.push_back(i);
        field.asks_for_age = field.asks_for_age || code_slots_[i].coding == Coding::age;
    }
    for (std::size_t i = 0; i < set_slots_.size(); ++i) {
        auto& field = field_of(set_slots_[i].field);
        field.set_slots.push_back(1 + i);
        field.asks_for_items = field.asks_for_items || set_slots_[i].listing == Listing::items;
    }
}

std::size_t Slots::bytes() const {
    auto sum = types_.bytes();
    for (const auto& slot : code_slots_) sum += slot.bytes();
    for (const auto& slot : set_slots_) sum += slot.bytes();
    return sum;
}

// ---- demands

Demand Slots::type_demand(const std::vector<std::string>& patterns) const {
    return {Demand::Kind::found, types_slot, {}, types_.ids_of(patterns)};
}

Demands Slots::demands_of(const Comparison& comparison, bool negated) const {
    if (is_probed(comparison.op) || is_item_search(comparison.op)) return set_demands(comparison, negated);
    if (comparison.op == Operator::exists) {
        const auto absent = CodeSet::of(CodeSlot::absent_code, CodeSlot::absent_code);
        const bool wants_absent = flag_of(comparison.operand) == negated;
        return on_codes(presence_places_.at(comparison.field.text),
                        wants_absent ? absent : absent.complement());
    }
    const auto which = code_slot_for(comparison);
    if (!which) return unknown();
    const auto place = code_places_.find({comparison.field.text, which->first, which->second});
    ENSURE(place != code_places_.end());
    return code_demands(comparison, place->second, negated);
}

Demands Slots::code_demands(const Comparison& comparison, std::size_t place, bool negated) const {
    const auto& slot = code_slots_[place];
    const auto signed_codes = [&](const CodeSet& holds) {
        return on_codes(place, negated ? holds.complement() : holds);
    };
    const auto operands = operands_of(comparison.operand);
    if (comparison.op == Operator::changed) {
        const auto code = flag_of(comparison.operand) ? CodeSlot::changed_code : CodeSlot::unchanged_code;
        return signed_codes(CodeSet::of(code, code));
    }
    if (slot.coding == Coding::age) return signed_codes(slot.aged(comparison));
    if (comparison.op == Operator::starts_with) return signed_codes(slot.beginning_with(comparison));
    if (comparison.op == Operator::between)
        return signed_codes(
            slot.ordered(Operator::gte, operands[0]).intersected(slot.ordered(Operator::lte, operands[1])));
    if (slot.coding == Coding::order || slot.coding == Coding::instants)
        return signed_codes(slot.ordered(comparison.op, operands[0]));

    std::vector<Code> codes;
    for (const auto& operand : operands) codes.push_back(slot.listed(operand));
    if (slot.source != Source::value && comparison.operand.is_array()) {
        // A list of operands may also stand for the field's list as a whole.
        if (negated) return on_codes(place, CodeSet::of(codes).complement(), false);
        codes.push_back(CodeSlot::clash_code);
        return on_codes(place, CodeSet::of(codes), false);
    }
    if (comparison.op == Operator::ne || comparison.op == Operator::not_in) {
        codes.push_back(CodeSlot::clash_code);  // a clash stays false
        return signed_codes(CodeSet::of(codes).complement());
    }
    return signed_codes(CodeSet::of(codes));
}

Demands Slots::set_demands(const Comparison& comparison, bool negated) const {
    const auto listing = is_probed(comparison.op) ? Listing::probes : Listing::items;
    const auto place = set_places_.at({comparison.field.text, listing});
    auto found = set_slots_[place - 1].ids_of(comparison);
    if (!found) return unknown();
    auto ids = std::move(*found);
    const bool wants_none = comparison.op == Operator::has_none || comparison.op == Operator::not_contains;
    if (wants_none) ids.push_back(SetSlot::clash_id);  // a clash stays false
    if (comparison.op != Operator::has_all && comparison.op != Operator::has)
        return on_found(place, std::move(ids), wants_none == negated);
    if (ids.size() == 1) return on_found(place, std::move(ids), !negated);
    if (negated || ids.empty()) return unknown();
    Demands demands;
    for (const auto id : ids) demands.all.push_back({Demand::Kind::found, place, {}, {id}});
    return demands;
}

// ---- reading

void Slots::read(std::string_view event_type, const Scope& scope, Readings& readings) const {
    readings.codes.resize(code_slots_.size());
    readings.found.resize(set_slots());
    read_type(event_type, readings);
    read_changes(scope, readings);
    for (const auto& field : value_fields_) read(field, scope, readings);
}

void Slots::read(std::string_view event_type, const Scope& scope, const Readings& payload,
                 const std::vector<std::uint8_t>& said, Readings& readings) const {
    readings.codes.resize(code_slots_.size());
    readings.found.resize(set_slots());
    read_type(event_type, readings);
    read_changes(scope, readings);
    for (std::size_t i = 0; i < value_fields_.size(); ++i) {
        const auto& field = value_fields_[i];
        // A root that is no object is nobody's state.
        if (said[i] != 0 && !field.asks_for_age && !field.path.keys.empty() && scope.has(field.path.root))
            copy(field, payload, readings);
        else
            read(field, scope, readings);
    }
}

void Slots::read_changes(const Scope& scope, Readings& readings) const {
    for (std::size_t i = 0; i < code_slots_.size(); ++i)
        if (code_slots_[i].source != Source::value) readings.codes[i] = code_of(code_slots_[i], scope);
}

void Slots::read(const Field& field, const Scope& scope, Readings& readings) const {
    const auto* json = scope.find(field.path);
    const auto value = raw(json);
    for (const auto slot : field.code_slots)
        readings.codes[slot] = code_slots_[slot].code_of(value, scope.now);
    for (const auto slot : field.set_slots) {
        readings.found[slot].clear();
        set_slots_[slot - 1].find(json, readings.found[slot]);
    }
}

void Slots::copy(const Field& field, const Readings& from, Readings& to) {
    for (const auto slot : field.code_slots) to.codes[slot] = from.codes[slot];
    for (const auto slot : field.set_slots) to.found[slot] = from.found[slot];
}

void Slots::read_type(std::string_view event_type, Readings& readings) const {
    auto& found = readings.found.data()[types_slot];
    found.clear();
    if (types_.asks()) types_.find(event_type, found);
}

bool Slots::knows_type(std::string_view event_type) const {
    if (types_.fits_all()) return true;
    std::vector<Code> found;
    types_.find(event_type, found);
    return !found.empty();
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
    for (std::size_t i = 0; i < set_slots_.size(); ++i) {
        if (!touches(set_slots_[i].field.text, field)) continue;
        found.clear();
        set_slots_[i].find(scope.find(set_slots_[i].field), found);
        another = another || found != readings.found[1 + i];
        std::swap(readings.found[1 + i], found);
    }
    return another;
}

Code Slots::code_of(const CodeSlot& slot, const Scope& scope) {
    if (slot.source == Source::value) return slot.code_of(raw(scope.find(slot.field)), scope.now);
    const auto change = change_of(slot.field, scope.changes);
    if (slot.source == Source::changed)
        return change.changed ? CodeSlot::changed_code : CodeSlot::unchanged_code;
    return slot.code_of(raw(slot.source == Source::from ? change.from : change.to), scope.now);
}

}  // namespace rules
