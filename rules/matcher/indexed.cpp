#include "rules/matcher/indexed.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "rules/matcher/payload_readings.h"
#include "rules/matcher/same_condition.h"

namespace rules {
namespace {

/// A change beyond a share of the rules makes a new index of all: a second one is read for every event too.
constexpr std::size_t apart_min = 64;
constexpr std::size_t apart_share = 16;

class IndexedCursor final : public MatchCursor {
public:
    IndexedCursor(const IndexedMatcher& matcher, std::string_view event_type, const Scope& scope,
                  const PayloadReadings* payload)
        : matcher_(matcher), scope_(scope), readings_(matcher.parts().size()) {
        for (std::size_t i = 0; i < readings_.size(); ++i) {
            const auto& index = matcher_.parts()[i].index;
            if (const auto* said = payload == nullptr ? nullptr : part_of(*payload, *index))
                index->slots().read(event_type, scope_, said->readings, said->said, readings_[i]);
            else
                index->slots().read(event_type, scope_, readings_[i]);
        }
    }

    std::optional<std::size_t> next(std::size_t from) override {
        if (stale_) match();
        auto hit = std::lower_bound(hits_.begin(), hits_.end(), from,
                                    [](const Hit& one, std::size_t rule) { return one.rule < rule; });
        for (; hit != hits_.end(); ++hit)
            if (hit->exact || holds(matcher_.rules()[hit->rule].when, scope_)) return hit->rule;
        return std::nullopt;
    }

    void field_changed(std::string_view field) override {
        for (std::size_t i = 0; i < readings_.size(); ++i)
            stale_ = matcher_.parts()[i].index->slots().read_changed(field, scope_, readings_[i]) || stale_;
    }

private:
    static const PayloadReadings::OfPart* part_of(const PayloadReadings& payload, const IndexPart& index) {
        for (const auto& part : payload.parts)
            if (part.index.get() == &index) return &part;
        return nullptr;
    }

    void match() {
        stale_ = false;
        hits_.clear();
        for (std::size_t i = 0; i < readings_.size(); ++i) {
            const auto& part = matcher_.parts()[i];
            part.index->match(readings_[i], matching_);
            for (const auto& [number, exact] : matching_.hits)
                if (part.rule[number] != IndexedMatcher::no_rule) hits_.push_back({part.rule[number], exact});
        }
        std::sort(hits_.begin(), hits_.end());
    }

    const IndexedMatcher& matcher_;
    const Scope& scope_;
    std::vector<Readings> readings_;  ///< of each part
    BlockIndex::Matching matching_;
    std::vector<Hit> hits_;  ///< by rule
    bool stale_ = true;
};

}  // namespace

IndexedMatcher::IndexedMatcher(const std::vector<Rule>& rules) : rules_(rules) {
    index_rest(std::vector<bool>(rules.size()));
}

IndexedMatcher::IndexedMatcher(const std::vector<Rule>& rules, const IndexedMatcher& previous)
    : rules_(rules) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < rules.size(); ++number) numbers.emplace(rules[number].id, number);
    std::vector<bool> known(rules.size());
    std::size_t stayed = 0;
    // Only the first part is taken over: the small ones are made anew, so that there are never more than two.
    auto part = previous.parts_.empty() ? Part() : previous.parts_.front();
    for (auto& place : part.rule) {
        if (place == no_rule) continue;
        const auto& before = previous.rules_[place];
        const auto now = numbers.find(before.id);
        const bool same = now != numbers.end() && same_match(before, rules[now->second]);
        place = same ? now->second : no_rule;
        if (same) known[place] = true, ++stayed;
    }
    const auto apart_max = std::max(apart_min, rules.size() / apart_share);
    const auto gone = part.rule.size() - stayed;
    if (part.index && gone <= apart_max && rules.size() - stayed <= apart_max)
        parts_.push_back(std::move(part));
    else
        known.assign(rules.size(), false);
    index_rest(known);
}

void IndexedMatcher::index_rest(const std::vector<bool>& known) {
    std::vector<const Rule*> rest;
    Part part;
    for (std::uint32_t number = 0; number < rules_.size(); ++number) {
        if (known[number]) continue;
        rest.push_back(&rules_[number]);
        part.rule.push_back(number);
    }
    if (rest.empty()) return;
    part.index = std::make_shared<const IndexPart>(rest);
    parts_.push_back(std::move(part));
}

std::unique_ptr<MatchCursor> IndexedMatcher::open(std::string_view event_type, const Scope& scope,
                                                  const PayloadReadings* payload) const {
    // The index lets `*` in with every type; clocks are for the few rules that name them.
    if (is_clock_type(event_type)) return naive_cursor(rules_, event_type, scope);
    return std::make_unique<IndexedCursor>(*this, event_type, scope, payload);
}

std::shared_ptr<const PayloadReadings> IndexedMatcher::read_payload(std::string_view bytes) const {
    if (bytes.size() > engine::JsonBytes::kept_bytes_max) return nullptr;
    // Room only: what is read never depends on what was read with it before.
    thread_local RawReader::Scratch scratch;
    auto payload = std::make_shared<PayloadReadings>();
    payload->parts.reserve(parts_.size());
    for (const auto& part : parts_) {
        auto& of_part = payload->parts.emplace_back();
        of_part.index = part.index;
        // What depends on the type or the time is read when it is the event's turn.
        const auto read =
            part.index->reader().read("", bytes, engine::Instant{}, scratch, of_part.readings, &of_part.said);
        if (!read) return nullptr;
    }
    return payload;
}

/// A rule that is gone may still count here: it costs an event that nobody decides upon.
bool IndexedMatcher::listens_to(std::string_view event_type) const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&](const Part& part) { return part.index->slots().knows_type(event_type); });
}

std::size_t IndexedMatcher::bytes() const {
    std::size_t sum = 0;
    for (const auto& part : parts_) sum += part.index->bytes() + part.rule.capacity() * sizeof(std::uint32_t);
    return sum;
}

std::unique_ptr<const Matcher> indexed_matcher(const RuleSet& rule_set, const Matcher* previous) {
    if (const auto* indexed = dynamic_cast<const IndexedMatcher*>(previous))
        return std::make_unique<IndexedMatcher>(rule_set.rules, *indexed);
    return std::make_unique<IndexedMatcher>(rule_set.rules);
}

}  // namespace rules
