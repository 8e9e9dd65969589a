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

/// What is left of a delivery that is over.
Delivery place_of(const Delivery& delivery) {
    Delivery place;
    place.partition = delivery.partition;
    place.number = delivery.number;
    place.action.relaxed = delivery.action.relaxed;
    return place;
}

template <class Items>
auto find(Items& items, int partition, std::uint64_t number) {
    return std::find_if(items.begin(), items.end(), [&](const auto& item) {
        return item.delivery.partition == partition && item.delivery.number == number;
    });
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

bool Outbox::add(Delivery delivery, const ChannelOptions& options) {
    const Number number{delivery.partition, delivery.number};
    if (in_flight_.contains(number)) return true;
    if (const auto waiting = waiting_in_store_.find(number.first); waiting != waiting_in_store_.end())
        return false;
    if (size_ >= memory_max_) {
        waiting_in_store_[number.first] = last_added_[number.first];
        return false;
    }
    last_added_[number.first] = number.second;
    put(std::move(delivery), options);
    return true;
}

void Outbox::put(Delivery delivery, const ChannelOptions& options) {
    auto& channel = channels_[{delivery.tenant.text(), delivery.action.connection}];
    channel.options = options;
    const std::string subject = delivery.lane.text();
    auto& lane = channel.lanes[subject];
    lane.items.push_back({std::move(delivery), State::waiting, {}});
    ++size_;
    queue(channel, subject, lane);
}

bool Outbox::is_read(int partition, std::uint64_t number) const {
    const auto waiting = waiting_in_store_.find(partition);
    return waiting == waiting_in_store_.end() || number <= waiting->second;
}

std::optional<std::pair<int, std::uint64_t>> Outbox::wants_more() const {
    if (waiting_in_store_.empty() || size_ > memory_max_ / 2) return std::nullopt;
    return *waiting_in_store_.begin();
}

void Outbox::loaded(int partition, bool complete) {
    // A row that found no room has left its mark already.
    if (!complete) waiting_in_store_.try_emplace(partition, last_added_[partition]);
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
    while (!channel.ready.empty() && out.size() < limit && may_send(channel, now)) {
        const auto subject = channel.ready.front();
        channel.ready.pop_front();
        const auto before = out.size();
        take_lane(key, channel, subject, now, limit, out);
        // A probe that found nothing to send was none.
        if (channel.breaker.opened && out.size() == before) channel.breaker.next_probe = now;
    }
    if (!channel.ready.empty() && out.size() >= limit) next_due_ = Instant::min();
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
        if (waits && item.delivery.next_attempt > now) {
            if (std::exchange(item.timed, item.delivery.next_attempt) != item.delivery.next_attempt)
                channel.later.emplace(item.delivery.next_attempt, subject);
        } else if (waits) {
            if (out.size() >= limit || channel.in_flight >= channel.options.concurrency)
                return stay(channel, subject, lane);
            item.state = State::in_flight;
            ++channel.in_flight;
            in_flight_[{item.delivery.partition, item.delivery.number}] = {key, subject};
            out.push_back(item.delivery);
        }
        if (!item.delivery.action.relaxed) return;
    }
}

std::optional<Settlement> Outbox::settle(int partition, std::uint64_t number, const Attempt& attempt,
                                         Instant now) {
    const auto flight = in_flight_.find({partition, number});
    if (flight == in_flight_.end()) return std::nullopt;
    auto& channel = channels_[flight->second.channel];
    const std::string subject = flight->second.subject;
    in_flight_.erase(flight);
    --channel.in_flight;
    note(channel, attempt.kind == Attempt::Kind::retry, now);
    auto& lane = channel.lanes[subject];
    const auto item = find(lane.items, partition, number);
    ++item->delivery.attempts;
    const auto wait = attempt.kind == Attempt::Kind::retry
                          ? retry_wait(channel.options.retry, item->delivery.attempts, item->delivery.key,
                                       attempt.retry_after)
                          : std::nullopt;
    Settlement settlement;
    settlement.reason = attempt.reason;
    if (wait) {
        // A receiver that names a time wants rest from all of us.
        if (attempt.retry_after > Duration(0))
            channel.paused_until = now + std::clamp(attempt.retry_after, retry_after_min, retry_after_max);
        item->delivery.next_attempt = now + *wait;
        item->state = State::waiting;
        settlement.kind = Settlement::Kind::retry;
        settlement.delivery = item->delivery;
        queue(channel, subject, lane);
    } else {
        settlement.kind =
            attempt.kind == Attempt::Kind::done ? Settlement::Kind::done : Settlement::Kind::dead;
        settlement.delivery = std::exchange(item->delivery, place_of(item->delivery));
        item->state = State::over;
    }
    if (!channel.ready.empty()) next_due_ = Instant::min();
    return settlement;
}

void Outbox::forget(const Delivery& delivery) {
    const auto channel = channels_.find({delivery.tenant.text(), delivery.action.connection});
    if (channel == channels_.end()) return;
    const auto lane = channel->second.lanes.find(delivery.lane.text());
    if (lane == channel->second.lanes.end()) return;
    auto& items = lane->second.items;
    const auto item = find(items, delivery.partition, delivery.number);
    if (item == items.end() || item->state != State::over) return;
    items.erase(item);
    --size_;
    if (!items.empty())
        queue(channel->second, lane->first, lane->second);
    else if (!lane->second.queued)
        channel->second.lanes.erase(lane);
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
