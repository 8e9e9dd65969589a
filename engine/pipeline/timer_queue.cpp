#include "engine/pipeline/timer_queue.h"

#include <algorithm>

namespace engine {
namespace {

constexpr std::size_t page_timers = 1'000;

}  // namespace

TimerQueue::Place TimerQueue::place_of(const Timer& timer) {
    return {timer.due, timer.subject.text(), timer.name, timer.tenant.text()};
}

Result<void> TimerQueue::read(Store& store, const std::function<bool(const Timer&)>& may_fire) {
    TimerQueue found(memory_max_);
    auto last = needs_read() ? until_ : std::nullopt;
    while (true) {
        auto page = store.next_timers(last ? &*last : nullptr, page_timers);
        if (!page) return page.error();
        const bool is_last = page->size() < page_timers;
        if (!page->empty()) last = page->back();
        for (const auto& timer : *page)
            if (may_fire(timer)) found.insert(timer);
        if (is_last) break;
        if (found.size() < memory_max_) continue;
        found.until_ = last;
        break;
    }
    *this = std::move(found);
    return {};
}

void TimerQueue::apply(const Step& step) {
    for (const auto& erasure : step.erasures)
        if (!erasure.goes_on) forget({step.tenant.text(), erasure.subject.text()});
    for (const auto& timer : step.timers_removed) remove(timer);
    for (const auto& timer : step.timers_set) set(timer);
    if (by_due_.size() > 2 * memory_max_) let_go();
}

// Beyond what memory holds it is found in the store.
void TimerQueue::set(const Timer& timer) {
    remove(timer);
    if (!until_ || place_of(timer) <= place_of(*until_)) insert(timer);
}

void TimerQueue::insert(const Timer& timer) {
    by_lane_[lane_of(timer)][timer.name] = timer.due;
    by_due_[place_of(timer)] = timer;
}

void TimerQueue::remove(const Timer& timer) {
    const auto lane = by_lane_.find(lane_of(timer));
    if (lane == by_lane_.end()) return;
    const auto named = lane->second.find(timer.name);
    if (named == lane->second.end()) return;
    by_due_.erase({named->second, timer.subject.text(), timer.name, timer.tenant.text()});
    lane->second.erase(named);
    if (lane->second.empty()) by_lane_.erase(lane);
}

void TimerQueue::forget(const Lane& lane) {
    const auto found = by_lane_.find(lane);
    if (found == by_lane_.end()) return;
    for (const auto& [name, due] : found->second) by_due_.erase({due, lane.second, name, lane.first});
    by_lane_.erase(found);
}

/// The last ones are read again when it is their turn.
void TimerQueue::let_go() {
    while (by_due_.size() > memory_max_) {
        const auto last = std::prev(by_due_.end());
        remove(Timer(last->second));
    }
    until_ = by_due_.rbegin()->second;
}

std::optional<Instant> TimerQueue::next_due() const {
    if (by_due_.empty()) return std::nullopt;
    return std::get<Instant>(by_due_.begin()->first);
}

std::vector<Timer> TimerQueue::take_due(Instant now, std::size_t limit,
                                        const std::function<bool(const Timer&)>& may_fire) {
    std::vector<Timer> due;
    auto at = by_due_.begin();
    while (at != by_due_.end() && due.size() < limit && std::get<Instant>(at->first) <= now) {
        const auto here = at++;
        if (!may_fire(here->second)) continue;
        due.push_back(here->second);
        remove(due.back());
    }
    return due;
}

std::size_t TimerQueue::count_due(Instant now) const {
    std::size_t count = 0;
    for (auto at = by_due_.begin(); at != by_due_.end() && std::get<Instant>(at->first) <= now; ++at) ++count;
    return count;
}

}  // namespace engine
