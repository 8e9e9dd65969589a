#include "rules/matcher/joint_keys.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace rules {
namespace {

/// Fewer are taken from their blocks as soon as looked up.
constexpr std::size_t terms_min = 1'024;
/// Every table is a look-up in every event, so each has to hold a share of the terms.
constexpr std::size_t terms_share = 16;
constexpr std::size_t digits_min = 2;
/// Terms of a key are looked at one by one.
constexpr std::size_t terms_per_key_max = 2;

std::optional<Code> only_code(const CodeSet& codes) {
    const auto& ranges = codes.ranges();
    if (ranges.size() != 1 || ranges[0].first != ranges[0].last) return std::nullopt;
    return ranges[0].first;
}

/// Of keys that are sorted.
std::size_t different(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& keys) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (i == 0 || keys[i].first != keys[i - 1].first) ++count;
    return count;
}

bool is_found(const Constraints::Ids& wanted, const Readings& readings) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
        const auto& found = readings.found[one.first];
        return std::find_first_of(found.begin(), found.end(), one.second.begin(), one.second.end()) !=
               found.end();
    });
}

}  // namespace

JointKeys::JointKeys(std::vector<Constraints>& terms, const Slots& slots) {
    const auto members_min = std::max(terms_min, terms.size() / terms_share);
    if (terms.size() < members_min) return;
    std::map<std::pair<std::vector<std::uint32_t>, Constraints::Ids>, std::vector<std::uint32_t>> alike;
    for (std::uint32_t number = 0; number < terms.size(); ++number) {
        const auto digits = digits_of(terms[number], slots);
        if (digits.size() < digits_min || !terms[number].unwanted.empty()) continue;
        std::vector<std::uint32_t> places;
        for (const auto& digit : digits) places.push_back(digit.slot);
        alike[{std::move(places), terms[number].wanted}].push_back(number);
    }
    std::vector<bool> taken(terms.size());
    for (const auto& [what, members] : alike) {
        if (members.size() < members_min) continue;
        auto digits = digits_of(terms[members[0]], slots);
        const auto keys = keyed(digits, members, terms);
        if (keys.size() > terms_per_key_max * different(keys)) continue;
        for (const auto member : members) taken[member] = true;
        add_table(std::move(digits), keys, terms);
    }
    if (tables_.empty()) return;
    terms_.close();
    std::size_t kept = 0;
    for (std::size_t number = 0; number < terms.size(); ++number)
        if (!taken[number] && kept++ != number) terms[kept - 1] = std::move(terms[number]);
    terms.resize(kept);
}

/// Slots whose codes do not fit into the key any more are left to the checks.
std::vector<JointKeys::Digit> JointKeys::digits_of(const Constraints& term, const Slots& slots) {
    std::vector<Digit> digits;
    std::uint64_t weight = 1;
    for (const auto& [slot, codes] : term.codes) {
        const std::uint64_t domain = slots.codes_of(slot);
        if (!only_code(codes) || weight > std::numeric_limits<std::uint64_t>::max() / domain) continue;
        digits.push_back({static_cast<std::uint32_t>(slot), weight});
        weight *= domain;
    }
    return digits;
}

std::uint64_t JointKeys::key_of(const std::vector<Digit>& digits, const Constraints& term) {
    std::uint64_t key = 0;
    auto asked = term.codes.begin();
    for (const auto& digit : digits) {
        while (asked->first != digit.slot) ++asked;
        key += digit.weight * *only_code(asked->second);
    }
    return key;
}

JointKeys::Keyed JointKeys::keyed(const std::vector<Digit>& digits, const std::vector<std::uint32_t>& members,
                                  const std::vector<Constraints>& terms) {
    Keyed keys;
    keys.reserve(members.size());
    for (const auto member : members) keys.emplace_back(key_of(digits, terms[member]), member);
    std::sort(keys.begin(), keys.end());
    return keys;
}

void JointKeys::add_table(std::vector<Digit> digits, const Keyed& keys,
                          const std::vector<Constraints>& terms) {
    Table table;
    table.wanted = terms[keys[0].second].wanted;
    table.first_place = static_cast<std::uint32_t>(places_.size());
    table.last_place = static_cast<std::uint32_t>(std::bit_ceil(2 * different(keys))) - 1;
    places_.resize(places_.size() + table.last_place + 1);
    auto* places = places_.data() + table.first_place;
    for (auto from = keys.begin(); from != keys.end();) {
        const auto to =
            std::find_if(from, keys.end(), [&](const auto& one) { return one.first != from->first; });
        auto& place = places[place_of(from->first, places, table.last_place)];
        place.key = from->first;
        place.first = static_cast<std::uint32_t>(terms_.size());
        place.terms = static_cast<std::uint32_t>(to - from) & 0x3FFFFFFF;
        const auto& only = terms[from->second];
        if (place.terms == 1 && only.codes.size() == digits.size()) {
            place.first = only.rule;
            place.is_rule = 1;
            place.exact = only.exact ? 1 : 0;
        } else {
            for (auto one = from; one != to; ++one) add_term(terms[one->second], digits);
        }
        from = to;
    }
    table.digits = std::move(digits);
    tables_.push_back(std::move(table));
}

void JointKeys::add_term(const Constraints& term, const std::vector<Digit>& digits) {
    std::vector<CheckedTerms::Asked> checks;
    for (const auto& [slot, codes] : term.codes)
        if (std::none_of(digits.begin(), digits.end(),
                         [slot = slot](const Digit& digit) { return digit.slot == slot; }))
            checks.emplace_back(slot, &codes);
    terms_.add(term.rule, term.exact, checks);
}

void JointKeys::match(const Readings& readings, std::vector<Hit>& hits) const {
    const auto* codes = readings.codes.data();
    for (const auto& table : tables_) {
        if (!is_found(table.wanted, readings)) continue;
        std::uint64_t key = 0;
        for (const auto& digit : table.digits) key += digit.weight * codes[digit.slot];
        const auto* places = places_.data() + table.first_place;
        const auto& place = places[place_of(key, places, table.last_place)];
        if (place.is_rule != 0) {
            hits.push_back({place.first, place.exact != 0});
            continue;
        }
        for (auto term = place.first; term < place.first + place.terms; ++term)
            if (terms_.passes(term, codes)) hits.push_back(terms_.hit(term));
    }
}

std::size_t JointKeys::bytes() const {
    return places_.capacity() * sizeof(Place) + terms_.bytes();
}

}  // namespace rules
