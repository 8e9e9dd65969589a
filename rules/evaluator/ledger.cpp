#include "rules/evaluator/ledger.h"

#include <algorithm>
#include <map>
#include <optional>

#include "rules/evaluator/compare.h"

namespace rules {
namespace {

using engine::Change;
using engine::Conflict;
using engine::Json;

std::string slot_of(const Claim& claim) {
    std::string slot(claim.field);
    if (claim.on == Claim::On::tag) slot.append(1, '\n').append(claim.tag);
    return slot;
}

/// No list is a list of none.
std::span<const Json> tags_in(const Json& value) {
    return items_of(value, FieldType::tags).value_or(std::span<const Json>());
}

bool disagree(const Claim& one, const Claim& other) {
    if (one.on == Claim::On::tag) {
        // Two whole lists are compared as lists.
        return one.adds != other.adds && !(one.by_value && other.by_value);
    }
    if (one.of_tags) return !same_set(tags_in(one.value), tags_in(other.value));
    return !same_value(&one.value, &other.value);
}

Json wish_of(const Claim& claim) {
    if (claim.on == Claim::On::value) return claim.value;
    return claim.adds ? "add" : "remove";
}

}  // namespace

Ledger::Verdict Ledger::claim(std::vector<Claim> claims) {
    const auto first = claims_.size();
    bool refused = false;
    for (const auto& claim : claims) {
        for (const auto rival : rivals_of(claim)) {
            const auto& other = claims_[rival].claim;
            if (on_conflict_ == OnConflict::fail) {
                record(other, claim, "");
                return Verdict::fails;
            }
            refused = on_conflict_ == OnConflict::first;
            record(other, claim, refused ? other.rule : claim.rule);
            if (!refused) overrule(rival, first);
        }
    }
    if (refused) return Verdict::refused;
    for (auto& claim : claims) add(std::move(claim), first);
    return Verdict::stands;
}

/// The last standing claim of every other rule on the same thing, if it differs.
std::vector<std::size_t> Ledger::rivals_of(const Claim& claim) const {
    std::vector<std::size_t> rivals;
    const auto slot = by_slot_.find(slot_of(claim));
    if (slot == by_slot_.end()) return rivals;
    std::set<std::string_view> heard{claim.rule};
    for (auto index = slot->second.rbegin(); index != slot->second.rend(); ++index) {
        const auto& entry = claims_[*index];
        if (!entry.stands() || !heard.insert(entry.claim.rule).second) continue;
        if (disagree(entry.claim, claim)) rivals.push_back(*index);
    }
    std::reverse(rivals.begin(), rivals.end());
    return rivals;
}

void Ledger::record(const Claim& first, const Claim& second, std::string_view kept) {
    Conflict conflict{
        std::string(first.field), std::string(first.rule), wish_of(first), std::string(second.rule),
        wish_of(second),          std::string(kept),       first.tag};
    const bool is_known = std::find(conflicts_.begin(), conflicts_.end(), conflict) != conflicts_.end();
    if (!is_known) conflicts_.push_back(std::move(conflict));
}

/// Nothing that the rival's rule wanted of this thing stands any more.
void Ledger::overrule(std::size_t rival, std::size_t by) {
    const auto rule = claims_[rival].claim.rule;
    for (const auto index : by_slot_[slot_of(claims_[rival].claim)]) {
        auto& entry = claims_[index];
        if (entry.claim.rule != rule || !entry.stands()) continue;
        entry.overruled_by = by;
        if (entry.claim.on != Claim::On::value) continue;
        // A whole list goes with what it said of each tag.
        for (auto next = index + 1; next < claims_.size() && claims_[next].first == entry.first; ++next)
            if (claims_[next].stands()) claims_[next].overruled_by = by;
    }
}

void Ledger::add(Claim claim, std::size_t first) {
    by_slot_[slot_of(claim)].push_back(claims_.size());
    claims_.push_back({std::move(claim), first});
}

void Ledger::wrote(std::string_view field, std::string_view rule, Json from, Json to, std::size_t claims) {
    writes_.push_back({field, rule, std::move(from), std::move(to), claims_.size() - claims, claims_.size()});
}

std::vector<Change> Ledger::writes_since(std::size_t count) const {
    std::vector<Change> changes;
    for (auto i = count; i < writes_.size(); ++i)
        changes.push_back({std::string(writes_[i].field), writes_[i].from, writes_[i].to,
                           std::string(writes_[i].rule), ""});
    return changes;
}

void Ledger::undo_to(const Mark& mark) {
    for (auto i = claims_.size(); i > mark.claims; --i) {
        const auto slot = by_slot_.find(slot_of(claims_[i - 1].claim));
        slot->second.pop_back();
        if (slot->second.empty()) by_slot_.erase(slot);
    }
    claims_.resize(mark.claims);
    for (auto& entry : claims_)
        if (!entry.stands() && entry.overruled_by >= mark.claims) entry.overruled_by = nobody;
    writes_.resize(mark.writes);
    conflicts_.resize(mark.conflicts);
}

/// Makes the standing writes once more, as if the overruled ones had never been.
class Ledger::Replay {
public:
    explicit Replay(const Ledger& ledger) : ledger_(ledger), disputed_(ledger.disputed_tags()) {}

    std::vector<Change> run() {
        std::vector<Change> changes;
        for (const auto& write : ledger_.writes_)
            if (auto change = disputed_.contains(write.field) ? tags_change(write) : value_change(write))
                changes.push_back(std::move(*change));
        return changes;
    }

private:
    static std::optional<Change> made(const Write& write, Json from, Json to) {
        if (same_value(&from, &to)) return std::nullopt;
        return Change{std::string(write.field), std::move(from), std::move(to), std::string(write.rule), ""};
    }

    std::optional<Change> value_change(const Write& write) {
        if (!ledger_.claims_[write.first_claim].stands()) {
            before_overruled_.try_emplace(write.field, write.from);
            return std::nullopt;
        }
        auto before = before_overruled_.extract(write.field);
        return made(write, before ? std::move(before.mapped()) : write.from, write.to);
    }

    std::optional<Change> tags_change(const Write& write) {
        auto& tags = tags_.try_emplace(write.field, write.from).first->second;
        auto next = replayed(write, tags);
        const bool is_same = same_set(tags_in(next), tags_in(tags));
        if (is_same) return std::nullopt;
        auto change = made(write, tags, next);
        tags = std::move(next);
        return change;
    }

    Json replayed(const Write& write, const Json& tags) const {
        const auto& first = ledger_.claims_[write.first_claim];
        const bool sets_all = first.claim.on == Claim::On::value;
        const auto& start = sets_all && first.stands() ? first.claim.value : tags;
        const auto items = tags_in(start);
        Json::array_t next(items.begin(), items.end());
        for (auto i = write.first_claim; i < write.last_claim; ++i) {
            const auto& entry = ledger_.claims_[i];
            if (entry.claim.on == Claim::On::value) continue;
            // A tag step does what stands of it; a whole list is taken without what does not stand of it.
            if (sets_all && first.stands() && !entry.stands())
                apply(next, entry.claim.tag, was_there(tags, entry.claim));
            if (!sets_all && entry.stands()) apply(next, entry.claim.tag, entry.claim.adds);
        }
        const bool unsets = start.is_null() && next.empty();
        return unsets ? Json() : Json(std::move(next));
    }

    static bool was_there(const Json& tags, const Claim& claim) { return has_item(tags_in(tags), claim.tag); }

    static void apply(Json::array_t& tags, const std::string& tag, bool add) {
        const auto found = std::find(tags.begin(), tags.end(), Json(tag));
        if (add && found == tags.end()) tags.emplace_back(tag);
        if (!add && found != tags.end()) tags.erase(found);
    }

    const Ledger& ledger_;
    std::set<std::string_view> disputed_;
    std::map<std::string_view, Json> before_overruled_;
    std::map<std::string_view, Json> tags_;
};

std::set<std::string_view> Ledger::disputed_tags() const {
    std::set<std::string_view> fields;
    for (const auto& entry : claims_)
        if (!entry.stands() && entry.claim.of_tags) fields.insert(entry.claim.field);
    return fields;
}

bool Ledger::is_disputed() const {
    return std::any_of(claims_.begin(), claims_.end(), [](const Entry& entry) { return !entry.stands(); });
}

std::vector<Change> Ledger::standing() const {
    return is_disputed() ? Replay(*this).run() : writes_since(0);
}

}  // namespace rules
