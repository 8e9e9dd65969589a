#include "rules/matcher/constraints.h"

#include <algorithm>

namespace rules {
namespace {

/// Where the slot's entry is, made when it was not there.
template <class Entry>
std::pair<Entry*, bool> entry_of(std::vector<std::pair<std::size_t, Entry>>& entries, std::size_t slot) {
    const auto place =
        std::lower_bound(entries.begin(), entries.end(), slot,
                         [](const auto& one, std::size_t wanted) { return one.first < wanted; });
    if (place != entries.end() && place->first == slot) return {&place->second, false};
    return {&entries.insert(place, {slot, Entry()})->second, true};
}

bool merge_codes(Constraints& into, Demand& demand) {
    const auto [known, added] = entry_of(into.codes, demand.slot);
    *known = added ? std::move(demand.codes) : known->intersected(demand.codes);
    return !known->empty();
}

bool merge_wanted(Constraints& into, Demand& demand) {
    if (demand.ids.empty()) return false;
    const auto [known, added] = entry_of(into.wanted, demand.slot);
    if (added) {
        *known = std::move(demand.ids);
        return true;
    }
    // One of the two goes into the index; the other is looked at when it leads here.
    into.exact = false;
    if (demand.ids.size() < known->size()) *known = std::move(demand.ids);
    return true;
}

void merge_unwanted(Constraints& into, const Demand& demand) {
    const auto known = entry_of(into.unwanted, demand.slot).first;
    known->insert(known->end(), demand.ids.begin(), demand.ids.end());
}

bool merge(Constraints& into, Demand& demand) {
    if (demand.kind == Demand::Kind::codes) return merge_codes(into, demand);
    if (demand.kind == Demand::Kind::found) return merge_wanted(into, demand);
    merge_unwanted(into, demand);
    return true;
}

/// Terms that ask the same of what rules out most come to stand together.
void rank(Constraints& term, const Slots& slots) {
    struct Ranked {
        double share;
        std::uint64_t key;
    };
    std::vector<Ranked> ranked;
    const auto key = [](bool is_set, std::size_t slot, Code code) {
        return std::uint64_t{is_set} << 63 | std::uint64_t{slot} << 32 | code;
    };
    for (const auto& [slot, codes] : term.codes)
        ranked.push_back({share_of(codes, slots.codes_of(slot)), key(false, slot, codes.ranges()[0].first)});
    for (const auto& [slot, ids] : term.wanted)
        ranked.push_back({static_cast<double>(ids.size()) / slots.ids_of(slot),
                          key(true, slot, *std::min_element(ids.begin(), ids.end()))});
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const Ranked& left, const Ranked& right) { return left.share < right.share; });
    constexpr std::size_t clustered_by = 3;
    for (std::size_t i = 0; i < std::min(clustered_by, ranked.size()); ++i)
        term.order.push_back(ranked[i].key);
}

}  // namespace

double share_of(const CodeSet& codes, Code domain) {
    double count = 0;
    for (const auto& range : codes.ranges()) count += range.last - range.first + 1.0;
    return count / domain;
}

std::optional<Constraints> constraints_of(IndexedTerm term, const Slots& slots) {
    Constraints constraints;
    constraints.rule = term.rule;
    constraints.exact = term.exact;
    for (auto& demand : term.demands)
        if (!merge(constraints, demand)) return std::nullopt;
    for (auto& [slot, codes] : constraints.codes) {
        codes = codes.intersected(CodeSet::of(0, slots.codes_of(slot) - 1));
        if (codes.empty()) return std::nullopt;
    }
    std::erase_if(constraints.codes, [&](const auto& one) {
        return one.second == CodeSet::of(0, slots.codes_of(one.first) - 1);
    });
    rank(constraints, slots);
    return constraints;
}

}  // namespace rules
