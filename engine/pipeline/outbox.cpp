#include "engine/pipeline/outbox.h"

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"

namespace engine {
namespace {

constexpr Duration retry_after_min = std::chrono::seconds(1);
constexpr Duration retry_after_max = std::chrono::hours(24);

/// A number in [0.8, 1.2) that is the same for the same attempt, so that runs can be repeated.
double jitter_of(const DeliveryKey& key, int attempts) {
    const auto digest = sha256({key.text(), std::to_string(attempts)});
    const unsigned value = digest[0] * 256u + digest[1];
    return 0.8 + 0.4 * value / 65536.0;
}

template <class Items>
auto item_at(Items& items, DeliveryPlace place) {
    return std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.place == place; });
}

}  // namespace

std::optional<Duration> retry_wait(const std::vector<Duration>& schedule, int attempts,
                                   const DeliveryKey& key, Duration retry_after) {
    const auto index = static_cast<std::size_t>(attempts - 1);
    if (index >= schedule.size()) return std::nullopt;
    const auto wait = Duration(
        static_cast<std::int64_t>(static_cast<double>(schedule[index].count()) * jitter_of(key, attempts)));
    if (retry_after <= Duration(0)) return wait;
    return std::max(wait, std::clamp(retry_after, retry_after_min, retry_after_max));
}

void Outbox::add(Delivery delivery, const ChannelOptions& options, Instant now) {
    auto& channel = channels_[{delivery.tenant.text(), delivery.action.connection}];
    channel.options = options;
    const std::string subject = delivery.lane.text();
    auto& lane = channel.lanes[subject];
    auto& item = lane.items.emplace_back();
    item.place = {delivery.partition, delivery.number};
    item.relaxed = delivery.action.relaxed;
    item.attempts = delivery.attempts;
    item.next_attempt = delivery.next_attempt;
    if (whole_ < memory_max_ && delivery.next_attempt <= now) keep(item, std::move(delivery));
    ++size_;
    queue(channel, subject, lane);
}

void Outbox::keep(Item& item, Delivery delivery) {
    item.whole = std::make_unique<Delivery>(std::move(delivery));
    ++whole_;
}

void Outbox::drop(Item& item) {
    if (!item.whole) return;
    item.whole.reset();
    --whole_;
}

void Outbox::queue(Channel& channel, const std::string& subject, Lane& lane) {
    if (lane.queued) return;
    lane.queued = true;
    channel.ready.push_back(subject);
    next_due_ = Instant::min();
}

void Outbox::stay(Channel& channel, const std::string& subject, Lane& lane) {
    lane.queued = true;
    channel.ready.push_front(subject);
}

void Outbox::want(Instant instant) {
    if (!next_due_ || instant < *next_due_) next_due_ = instant;
}

std::vector<Delivery> Outbox::take_due(Instant now, std::size_t limit) {
    std::vector<Delivery> out;
    next_due_.reset();
    for (auto& [key, channel] : channels_) {
        wake(channel, now);
        take_from(key, channel, now, limit, out);
        if (!channel.later.empty()) want(channel.later.begin()->first);
    }
    return out;
}

void Outbox::wake(Channel& channel, Instant now) {
    while (!channel.later.empty() && channel.later.begin()->first <= now) {
        const auto subject = channel.later.begin()->second;
        channel.later.erase(channel.later.begin());
        const auto lane = channel.lanes.find(subject);
        if (lane != channel.lanes.end()) queue(channel, subject, lane->second);
    }
}

bool Outbox::may_send(Channel& channel, Instant now) {
    if (channel.in_flight >= channel.options.concurrency) return false;
    if (channel.paused_until > now) {
        want(channel.paused_until);
        return false;
    }
    if (!channel.breaker.opened) return true;
    if (channel.in_flight > 0) return false;
    if (channel.breaker.next_probe > now) {
        want(channel.breaker.next_probe);
        return false;
    }
    channel.breaker.next_probe = now + channel.options.breaker_probe;
    return true;
}

void Outbox::take_from(const ChannelKey& key, Channel& channel, Instant now, std::size_t limit,
                       std::vector<Delivery>& out) {
    // Each lane is looked at once: one that has nothing to send now comes back by an answer or a due time.
    while (!channel.ready.empty() && out.size() + wanted_.size() < limit && may_send(channel, now)) {
        const auto subject = channel.ready.front();
        channel.ready.pop_front();
        const auto before = channel.in_flight;
        take_lane(key, channel, subject, now, limit, out);
        // A probe that found nothing to send was none.
        if (channel.breaker.opened && channel.in_flight == before) channel.breaker.next_probe = now;
    }
    if (!channel.ready.empty() && out.size() + wanted_.size() >= limit) next_due_ = Instant::min();
}

void Outbox::take_lane(const ChannelKey& key, Channel& channel, const std::string& subject, Instant now,
                       std::size_t limit, std::vector<Delivery>& out) {
    auto& lane = channel.lanes[subject];
    lane.queued = false;
    if (lane.items.empty()) {
        channel.lanes.erase(subject);
        return;
    }
    for (auto& item : lane.items) {
        const bool waits = item.state == State::waiting;
        if (waits && item.next_attempt > now) {
            if (std::exchange(item.timed, item.next_attempt) != item.next_attempt)
                channel.later.emplace(item.next_attempt, subject);
        } else if (waits) {
            if (out.size() + wanted_.size() >= limit || channel.in_flight >= channel.options.concurrency)
                return stay(channel, subject, lane);
            item.state = State::in_flight;
            ++channel.in_flight;
            in_flight_[item.place] = {key, subject};
            if (item.whole)
                out.push_back(*item.whole);
            else
                wanted_.push_back(item.place);
        }
        if (!item.relaxed) return;
    }
}

Outbox::Item* Outbox::in_flight_at(DeliveryPlace place) {
    const auto flight = in_flight_.find(place);
    if (flight == in_flight_.end()) return nullptr;
    auto& lane = channels_[flight->second.channel].lanes[flight->second.subject];
    const auto item = item_at(lane.items, place);
    return item == lane.items.end() ? nullptr : &*item;
}

std::optional<Delivery> Outbox::provide(Delivery row) {
    auto* item = in_flight_at({row.partition, row.number});
    if (item == nullptr || item->whole) return std::nullopt;
    // The row may say less than we know: what the last attempt led to may not be committed yet.
    row.attempts = item->attempts;
    row.next_attempt = item->next_attempt;
    keep(*item, std::move(row));
    return *item->whole;
}

void Outbox::postpone(DeliveryPlace place, Instant until) {
    auto* item = in_flight_at(place);
    if (item == nullptr) return;
    const auto flight = in_flight_.extract(place).mapped();
    auto& channel = channels_[flight.channel];
    --channel.in_flight;
    item->state = State::waiting;
    item->next_attempt = until;
    queue(channel, flight.subject, channel.lanes[flight.subject]);
}

void Outbox::lost(DeliveryPlace place) {
    if (in_flight_at(place) == nullptr) return;
    const auto flight = in_flight_.extract(place).mapped();
    --channels_[flight.channel].in_flight;
    remove(flight.channel, flight.subject, place);
}

std::optional<Settlement> Outbox::settle(int partition, std::uint64_t number, const Attempt& attempt,
                                         Instant now) {
    auto* item = in_flight_at({partition, number});
    if (item == nullptr || !item->whole) return std::nullopt;
    const auto flight = in_flight_.extract(item->place).mapped();
    auto& channel = channels_[flight.channel];
    --channel.in_flight;
    note(channel, attempt.kind == Attempt::Kind::retry, now);
    item->whole->attempts = ++item->attempts;
    const auto wait = attempt.kind == Attempt::Kind::retry ? retry_wait(channel.options.retry, item->attempts,
                                                                        item->whole->key, attempt.retry_after)
                                                           : std::nullopt;
    Settlement settlement;
    settlement.reason = attempt.reason;
    if (wait) {
        // A receiver that names a time wants rest from all of us.
        if (attempt.retry_after > Duration(0))
            channel.paused_until = now + std::clamp(attempt.retry_after, retry_after_min, retry_after_max);
        item->whole->next_attempt = item->next_attempt = now + *wait;
        item->state = State::waiting;
        settlement.kind = Settlement::Kind::retry;
        settlement.delivery = *item->whole;
        // Half of the room is for those that may leave at once.
        if (whole_ > memory_max_ / 2) drop(*item);
        queue(channel, flight.subject, channel.lanes[flight.subject]);
    } else {
        settlement.kind =
            attempt.kind == Attempt::Kind::done ? Settlement::Kind::done : Settlement::Kind::dead;
        item->state = State::over;
        settlement.delivery = std::move(*item->whole);
        drop(*item);
    }
    if (!channel.ready.empty()) next_due_ = Instant::min();
    return settlement;
}

void Outbox::forget(const Delivery& delivery) {
    const DeliveryPlace place{delivery.partition, delivery.number};
    const ChannelKey key{delivery.tenant.text(), delivery.action.connection};
    const auto channel = channels_.find(key);
    if (channel == channels_.end()) return;
    const auto lane = channel->second.lanes.find(delivery.lane.text());
    if (lane == channel->second.lanes.end()) return;
    const auto item = item_at(lane->second.items, place);
    if (item == lane->second.items.end() || item->state != State::over) return;
    remove(key, lane->first, place);
}

/// What stood behind it in its lane may leave.
void Outbox::remove(const ChannelKey& key, const std::string& subject, DeliveryPlace place) {
    auto& channel = channels_[key];
    const auto lane = channel.lanes.find(subject);
    auto& items = lane->second.items;
    const auto item = item_at(items, place);
    drop(*item);
    items.erase(item);
    --size_;
    if (!items.empty())
        queue(channel, lane->first, lane->second);
    else if (!lane->second.queued)
        channel.lanes.erase(lane);
}

void Outbox::note(Channel& channel, bool failed, Instant now) {
    auto& breaker = channel.breaker;
    if (breaker.opened) {
        if (failed) return;
        breaker = Breaker{};
        return;
    }
    breaker.attempts.emplace_back(now, failed);
    breaker.failures += failed ? 1 : 0;
    while (breaker.attempts.front().first + channel.options.breaker_window < now) {
        breaker.failures -= breaker.attempts.front().second ? 1 : 0;
        breaker.attempts.pop_front();
    }
    const auto count = static_cast<int>(breaker.attempts.size());
    if (count < channel.options.breaker_attempts_min ||
        breaker.failures < channel.options.breaker_failures * count)
        return;
    breaker.opened = now;
    breaker.next_probe = now + channel.options.breaker_probe;
}

std::vector<std::string> Outbox::open_breakers() const {
    std::vector<std::string> names;
    for (const auto& [key, channel] : channels_)
        if (channel.breaker.opened) names.push_back(key.first + "/" + key.second);
    return names;
}

}  // namespace engine
