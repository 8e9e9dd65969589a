#include "engine/pipeline/watched.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/pipeline/pages.h"

namespace engine {

bool looks_at_others(const rules::RuleSet& rule_set) {
    return !rule_set.rates.empty() || (rule_set.routing && !rule_set.routing->queues.empty());
}

Result<Watched> Watched::read(Store& store, const TenantName& tenant, Instant now, std::size_t events_max) {
    Watched board(events_max);
    std::string after;
    while (true) {
        const auto page = store.watched(tenant, now - watched_late_max, after, page_rows);
        if (!page) return page.error();
        for (const auto& entity : *page) {
            after = entity.subject.text();
            board.changed(entity);
        }
        if (page->size() < page_rows) return board;
    }
}

Watched::CountKey Watched::count_key(const std::string& rate, const Json& key) {
    return rate + '\n' + canonical_json(key);
}

void Watched::changed(const Entity& after) {
    desk_.changed(after);
    const auto subject = after.subject.text();
    if (const auto known = entities_.find(subject); known != entities_.end()) take_away(known);
    const auto until = watched_until(after);
    if (!until || after.rates.empty()) return;
    auto& [name, brought] = *entities_.try_emplace(subject).first;
    brought.until = *until;
    for (const auto& [rate, events] : rules::rated_events_from(after.rates))
        for (const auto& event : events) {
            const auto& [key, at] = brought.events.emplace_back(count_key(rate, event.key), event.at);
            counted_[key].emplace(at, &name);
        }
    events_ += brought.events.size();
    ends_.emplace(brought.until, name);
    if (events_ > events_max_) forget_oldest();
}

void Watched::decided(const Decision& decision) {
    desk_.decided(decision.subject);
    for (const auto& emitted : decision.emitted)
        if (emitted.type == rules::routing_due_type(emitted.subject.kind()))
            desk_.offered(emitted.subject, text_or(emitted.data, "routing.agent", ""));
}

void Watched::take_away(Entities::iterator entity) {
    const auto& [name, brought] = *entity;
    for (const auto& [key, at] : brought.events) {
        const auto place = counted_.find(key);
        place->second.erase(place->second.find({at, &name}));
        if (place->second.empty()) counted_.erase(place);
    }
    events_ -= brought.events.size();
    ends_.erase({brought.until, name});
    entities_.erase(entity);
}

void Watched::forget_before(Instant instant) {
    desk_.forget_before(instant);
    while (!ends_.empty() && ends_.begin()->first < instant) take_away(entities_.find(ends_.begin()->second));
}

void Watched::forget_oldest() {
    if (!std::exchange(warned_, true))
        log_warn("more events are counted than there is room for: the oldest are forgotten",
                 {{"watched_max", std::uint64_t(events_max_)}});
    while (events_ > events_max_) take_away(entities_.find(ends_.begin()->second));
}

std::vector<Instant> Watched::counted(const rules::RateQuestion& question, const Subject& except) const {
    std::vector<Instant> found;
    const auto events = counted_.find(count_key(question.rate, question.key));
    if (events == counted_.end()) return found;
    const auto own = except.text();
    const auto& all = events->second;
    const auto end = std::partition_point(all.begin(), all.end(),
                                          [&](const auto& one) { return one.first <= question.until; });
    for (auto one = std::make_reverse_iterator(end); one != all.rend(); ++one) {
        if (one->first <= question.since || found.size() >= question.most) break;
        if (*one->second != own) found.push_back(one->first);
    }
    return found;
}

}  // namespace engine
