#include "engine/app/bench_tally.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace engine::app {

void BenchTally::acknowledged(std::size_t event, Time now) {
    events_[event].acked = now;
    ++acks_;
}

void BenchTally::delivered(std::size_t event, Time now) {
    if (event >= events_.size()) {
        ++strangers_;
    } else if (is_set(events_[event].delivered)) {
        ++duplicates_;
    } else {
        events_[event].delivered = now;
        ++deliveries_;
    }
}

std::size_t BenchTally::lost() const {
    return static_cast<std::size_t>(std::count_if(events_.begin(), events_.end(), [](const Event& event) {
        return is_set(event.acked) && !is_set(event.delivered);
    }));
}

std::size_t BenchTally::out_of_order() const {
    std::map<std::uint32_t, std::vector<const Event*>> lanes;
    for (std::size_t i = 0; i < events_.size(); ++i)
        if (is_set(events_[i].acked) && is_set(events_[i].delivered))
            lanes[lane_of_[i]].push_back(&events_[i]);
    std::size_t count = 0;
    for (auto& [lane, by_sending] : lanes) {
        auto by_ack = by_sending;
        std::sort(by_sending.begin(), by_sending.end(), [](auto* a, auto* b) { return a->sent < b->sent; });
        std::sort(by_ack.begin(), by_ack.end(), [](auto* a, auto* b) { return a->acked < b->acked; });
        // The latest delivery among those that were acknowledged before the one looked at was sent.
        Time latest{};
        auto earlier = by_ack.begin();
        for (const auto* event : by_sending) {
            for (; earlier != by_ack.end() && (*earlier)->acked < event->sent; ++earlier)
                latest = std::max(latest, (*earlier)->delivered);
            count += event->delivered < latest ? 1 : 0;
        }
    }
    return count;
}

double BenchTally::seconds_to_last_delivery(const EventRange& range) const {
    Time first = Time::max();
    Time last{};
    for (auto i = range.first; i < range.end; ++i) {
        if (is_set(events_[i].sent)) first = std::min(first, events_[i].sent);
        last = std::max(last, events_[i].delivered);
    }
    return is_set(last) ? std::chrono::duration<double>(last - first).count() : 0;
}

std::vector<double> BenchTally::times(const EventRange& range, Time Event::*what) const {
    std::vector<double> times;
    for (auto i = range.first; i < range.end; ++i)
        if (is_set(events_[i].*what))
            times.push_back(
                std::chrono::duration<double, std::milli>(events_[i].*what - events_[i].due).count());
    std::sort(times.begin(), times.end());
    return times;
}

std::vector<double> BenchTally::ack_times(const EventRange& range) const {
    return times(range, &Event::acked);
}

std::vector<double> BenchTally::action_times(const EventRange& range) const {
    return times(range, &Event::delivered);
}

double quantile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace engine::app
