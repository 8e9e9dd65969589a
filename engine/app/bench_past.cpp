#include "engine/app/bench_past.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/app/bench_workload.h"
#include "engine/app/progress.h"

namespace engine::app {
namespace {

constexpr std::uint64_t rows_of_event = 3;
constexpr std::uint64_t events_per_commit = 500;
/// Sizes of the bodies as a run leaves them.
constexpr std::size_t event_text = 420;
constexpr std::size_t decision_text = 500;
constexpr auto a_year = std::chrono::hours(24 * 365);
constexpr auto between_events = std::chrono::milliseconds(20);

class Past {
public:
    Past(Store& store, const PastOptions& options)
        : store_(store), options_(options), progress_("rows of the past") {}

    Result<void> write() {
        if (auto owned = store_.own(); !owned) return owned;
        partitions_ = store_.info().partitions;
        if (auto counted = read_counters(); !counted) return counted;
        const auto events = options_.rows / rows_of_event;
        for (std::uint64_t event = 0; event < events; ++event) {
            add_event(event);
            if (steps_.size() >= events_per_commit || event + 1 == events)
                if (auto done = commit(); !done) return done;
        }
        return write_waiting();
    }

private:
    Result<void> read_counters() {
        for (int partition = 0; partition < partitions_; ++partition) {
            const auto counters = store_.counters(partition);
            if (!counters) return counters.error();
            numbers_[partition] = counters->second;
        }
        return {};
    }

    NewRecord record_of(const char* kind, const Subject& subject, int partition, const std::string& event) {
        NewRecord record;
        record.stream = partition_stream(partition);
        record.kind = kind;
        record.subject = subject.text();
        record.cause_event = event;
        record.actor = "engine";
        progress_.step();
        return record;
    }

    void add_event(std::uint64_t number) {
        const auto lane = number * 7919 % options_.lanes;
        const auto subject = Subject::of("conversation", "chat", "past" + std::to_string(lane));
        const int partition = partition_of(tenant_, subject, partitions_);
        const auto id = "past-" + std::to_string(number);
        Step step;
        step.tenant = tenant_;
        step.time = begin_ + number * between_events;
        step.seen = EventKey{tenant_, "/bench/past", EventId(id)};
        step.seen_digest = sha256(id);
        auto event = record_of(record_kind::event, subject, partition, id);
        event.body = canonical_json(
            Json{{"id", id}, {"source", "/bench/past"}, {"data", {{"text", std::string(event_text, 'm')}}}});
        step.records.push_back(std::move(event));
        auto decision = record_of(record_kind::decision, subject, partition, id);
        decision.entity_version = ++versions_[lane];
        decision.ruleset = "sha256:" + std::string(64, 'a');
        decision.body =
            canonical_json(Json{{"event", {{"id", id}}}, {"notes", {std::string(decision_text, 'd')}}});
        step.records.push_back(std::move(decision));
        auto delivered = record_of(record_kind::delivered, subject, partition, id);
        delivered.cause_rule = "pass-it-on";
        delivered.body = canonical_json(Json{{"delivery", {{"key", id}}}, {"status", 200}});
        step.records.push_back(std::move(delivered));
        step.entities.push_back(entity_of(subject, versions_[lane]));
        step.outbox_added.push_back(delivery_of(subject, partition, id));
        if (const auto before = last_number_.find(partition); before != last_number_.end())
            step.outbox_removed.emplace_back(partition, before->second);
        last_number_[partition] = numbers_[partition];
        steps_.push_back(std::move(step));
    }

    Entity entity_of(const Subject& subject, std::uint64_t version) const {
        Entity entity;
        entity.tenant = tenant_;
        entity.subject = subject;
        entity.version = version;
        entity.fields = Json{{"channel", "chat"}, {"subject", "an old conversation"}, {"version", version}};
        return entity;
    }

    Delivery delivery_of(const Subject& lane, int partition, const std::string& event) {
        Delivery delivery;
        delivery.partition = partition;
        delivery.number = ++numbers_[partition];
        delivery.key = DeliveryKey(to_hex(bytes_of(sha256(event))).substr(0, 32));
        delivery.tenant = tenant_;
        delivery.lane = lane;
        delivery.event = EventId(event);
        delivery.action.rule = "pass-it-on";
        delivery.action.connection = "destination";
        delivery.action.action = "post";
        delivery.action.params = Json{{"body", {{"text", std::string(event_text / 4, 'p')}}}};
        delivery.created = begin_;
        delivery.next_attempt = begin_;
        return delivery;
    }

    /// The last deliveries of the past are over too.
    Result<void> write_waiting() {
        Step end;
        end.tenant = tenant_;
        end.time = SystemClock().now();
        for (const auto& [partition, number] : last_number_)
            end.outbox_removed.emplace_back(partition, number);
        steps_.push_back(std::move(end));
        for (std::uint64_t number = 0; number < options_.waiting; ++number) {
            const auto lane = Subject::of("conversation", "chat", "waiting" + std::to_string(number));
            Step step;
            step.tenant = tenant_;
            step.time = SystemClock().now();
            auto delivery = delivery_of(lane, partition_of(tenant_, lane, partitions_),
                                        "waiting-" + std::to_string(number));
            delivery.attempts = 3;
            delivery.next_attempt = step.time + a_year;
            step.outbox_added.push_back(std::move(delivery));
            steps_.push_back(std::move(step));
            if (steps_.size() >= events_per_commit)
                if (auto done = commit(); !done) return done;
        }
        return commit();
    }

    Result<void> commit() {
        auto done = store_.commit(steps_);
        steps_.clear();
        return done;
    }

    Store& store_;
    const PastOptions& options_;
    Progress progress_;
    const TenantName tenant_{std::string(bench_tenant)};
    const Instant begin_ = SystemClock().now() - a_year;
    int partitions_ = 0;
    std::map<int, std::uint64_t> numbers_;      ///< the last one given, by partition
    std::map<int, std::uint64_t> last_number_;  ///< of a delivery that is not over yet
    std::unordered_map<std::uint64_t, std::uint64_t> versions_;
    std::vector<Step> steps_;
};

}  // namespace

Result<void> write_past(Store& store, const PastOptions& options) {
    return Past(store, options).write();
}

}  // namespace engine::app
