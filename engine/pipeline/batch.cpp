#include "engine/pipeline/batch.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/pipeline/envelope.h"
#include "engine/pipeline/schedules.h"
#include "engine/pipeline/timers.h"
#include "engine/pipeline/work.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

std::pair<std::string, std::string> seen_key(const Event& event) {
    return {event.tenant.text(), event.source + '\0' + event.id.text()};
}

Json failure_reasons(const Decision& decision) {
    Json reasons = Json::array();
    for (const auto& failure : decision.failures) reasons.push_back(failure.rule + ": " + failure.message);
    return reasons;
}

void add_continuations_of(const Step& extra, Step& step) {
    step.continuations_set.insert(step.continuations_set.end(), extra.continuations_set.begin(),
                                  extra.continuations_set.end());
    step.continuations_removed.insert(step.continuations_removed.end(), extra.continuations_removed.begin(),
                                      extra.continuations_removed.end());
}

std::string first_reason(const Decision& decision) {
    if (!decision.failures.empty())
        return "rule " + decision.failures.front().rule + ": " + decision.failures.front().message;
    return decision.conflicts.empty() ? "the decision failed"
                                      : "rules disagree on " + decision.conflicts.front().field;
}

}  // namespace

Step Batch::new_step(const TenantName& tenant) const {
    Step step;
    step.tenant = tenant;
    step.time = options_.now;
    return step;
}

const Entity* Batch::planned(const Lanes::Key& key) const {
    const auto found = entities_.find(key);
    if (found != entities_.end()) return &steps_[found->second].entities.back();
    return before_ == nullptr ? nullptr : before_->planned(key);
}

Result<Entity> Batch::entity(const TenantName& tenant, const Subject& subject) {
    if (const auto* left = planned(Lanes::key_of(tenant, subject))) return *left;
    auto stored = store_.entity(tenant, subject);
    if (!stored) return stored.error();
    if (*stored) return std::move(**stored);
    Entity unknown;
    unknown.tenant = tenant;
    unknown.subject = subject;
    return unknown;
}

const Entity* Batch::planned_by_email(const TenantName& tenant, std::string_view kind,
                                      std::string_view email) const {
    const Entity* first = nullptr;
    for (const auto* batch = this; batch != nullptr; batch = batch->before_) {
        const auto subjects = batch->emails_.find({tenant.text(), std::string(email)});
        if (subjects == batch->emails_.end()) continue;
        for (const auto& subject : subjects->second) {
            const auto* left = planned({tenant.text(), subject});
            ENSURE(left != nullptr);
            const bool fits = left->subject.kind() == kind && email_of(*left) == email;
            if (fits && (first == nullptr || subject < first->subject.text())) first = left;
        }
    }
    return first;
}

/// The same answer whether the batches under way are committed already or not.
Result<std::optional<Entity>> Batch::by_email(const TenantName& tenant, std::string_view kind,
                                              std::string_view email) {
    const auto normal = normal_email(email);
    const auto* left = planned_by_email(tenant, kind, normal);
    std::string after;
    while (true) {
        auto stored = store_.entity_by_email(tenant, kind, normal, after);
        if (!stored) return stored.error();
        if (left != nullptr && (!*stored || left->subject.text() < (*stored)->subject.text()))
            return std::optional<Entity>(*left);
        if (!*stored) return stored;
        const auto* now = planned(Lanes::key_of(tenant, (*stored)->subject));
        if (now == nullptr) return stored;
        if (email_of(*now) == normal) return std::optional<Entity>(*now);
        after = (*stored)->subject.text();
    }
}

rules::ScriptHost* Batch::host_of(const Tenant& tenant) const {
    const bool is_ahead = options_.ahead != nullptr && options_.ahead->stands_for(tenant.scripts.get());
    return is_ahead ? options_.ahead : tenant.scripts.get();
}

Result<void> Batch::foresee(Work work) {
    const Event& event = *work.event;
    const auto& tenant = *tenants_.at(event.tenant);
    const bool has_turn = answered_lane(event) != nullptr || !is_blocked(event);
    if (!tenant.rule_set->scripts || host_of(tenant) != options_.ahead || !has_turn) return {};
    deciding_ = &event;
    const auto decided = decide_event(tenant, work, *this, {options_.now, false, options_.ahead});
    return decided ? Result<void>() : decided.error();
}

Result<void> Batch::foresee(const Arrival& arrival) {
    Work work;
    work.event = arrival.event;
    work.payload = arrival.payload;
    return foresee(std::move(work));
}

Result<void> Batch::foresee(const PendingEvent& pending) {
    if (pending.kind == pending_kind::delivery) return {};
    auto work = work_of(std::make_shared<const Event>(pending.event));
    return context_of(work).empty() ? foresee(std::move(work)) : Result<void>();
}

Result<void> Batch::foresee(const Timer& timer) {
    if (is_sweep(timer) || !continuation_of_wait(timer.name).empty()) return {};
    Work work;
    work.event = std::make_shared<const Event>(fired_event(timer, options_.now));
    return foresee(std::move(work));
}

Result<Ack> Batch::admit(const Arrival& arrival) {
    const Event& event = *arrival.event;
    auto known = recognise(event, arrival.digest);
    if (!known) return known.error();
    if (*known) return std::move(**known);
    if (is_blocked(event)) return let_wait(event, arrival.data);
    const auto tenant = tenants_.find(event.tenant);
    ENSURE(tenant != tenants_.end());
    Work work;
    work.event = arrival.event;
    work.payload = arrival.payload;
    const Origin outside{{}, true, &arrival, nullptr};
    if (auto decided = decide(*tenant->second, std::move(work), outside); !decided) return decided.error();
    return Ack{Ack::Kind::accepted, event.id, lanes_.asking.contains(Lanes::key_of(event)), ""};
}

/// The content under which the event's key is known: here, in the batch before, or in the store.
Result<std::optional<Digest>> Batch::known_digest(const Event& event) {
    const auto key = seen_key(event);
    for (const auto* batch = this; batch != nullptr; batch = batch->before_)
        if (const auto here = batch->seen_.find(key); here != batch->seen_.end())
            return std::optional<Digest>(here->second);
    auto stored = store_.seen({event.tenant, event.source, event.id});
    if (!stored) return stored.error();
    return *stored ? std::optional<Digest>((*stored)->content_digest) : std::nullopt;
}

Result<std::optional<Ack>> Batch::recognise(const Event& event, const Digest& digest) {
    const auto known = known_digest(event);
    if (!known) return known.error();
    const auto& first = *known;
    if (!first) {
        seen_[seen_key(event)] = digest;
        return std::optional<Ack>();
    }
    if (*first == digest) return std::optional<Ack>(Ack{Ack::Kind::duplicate, event.id, false, ""});
    return std::optional<Ack>(note_clash(event));
}

Ack Batch::note_clash(const Event& event) {
    auto step = new_step(event.tenant);
    NewRecord record;
    record.stream = partition_stream(lanes_.partition_of(event.tenant, event.subject));
    record.kind = record_kind::clash;
    record.subject = event.subject.text();
    record.cause_event = event.id.text();
    record.actor = "engine";
    record.body = canonical_json(envelope_of(event));
    step.records.push_back(std::move(record));
    steps_.push_back(std::move(step));
    return {Ack::Kind::clash, event.id, false, "event " + event.id.text() + " is known with another content"};
}

void Batch::count_no_waiting() {
    for (auto& [lane, count] : waiting_) count = 0;
}

bool Batch::is_blocked(const Event& event) const {
    const auto key = Lanes::key_of(event);
    return lanes_.blocked.contains(key) || waiting_.contains(key) || lanes_.asking.contains(key);
}

bool Batch::has_turn(const Event& event) {
    if (answered_lane(event) != nullptr) return true;
    if (const auto asking = lanes_.asking.find(Lanes::key_of(event)); asking != lanes_.asking.end())
        asking->second.has_more = true;
    return !is_blocked(event);
}

/// The lane, when it is this event that it asked for and all it asked for is known.
const AskingLane* Batch::answered_lane(const Event& event) const {
    const auto found = lanes_.asking.find(Lanes::key_of(event));
    if (found == lanes_.asking.end()) return nullptr;
    const auto& [key, lane] = *found;
    const bool is_its_own = lane.pending.event.id == event.id && lane.pending.event.source == event.source;
    return lane.is_answered && is_its_own ? &lane : nullptr;
}

Json Batch::answers_said() {
    const auto* lane = answered_lane(*deciding_);
    return lane == nullptr ? Json(Json::object()) : lane->answers;
}

Result<std::optional<Json>> Batch::look_up(const Tenant& tenant, const Need& need) {
    if (options_.answers == nullptr) return Snapshot::look_up(tenant, need);
    if (auto known = options_.answers->answer(tenant, need, options_.now)) return known;
    const auto* lane = answered_lane(*deciding_);
    if (lane == nullptr || lane->asked < options_.lookups_per_event_max) return std::optional<Json>();
    return std::optional<Json>(unanswered("exhausted", "the event has waited for lookups_per_event_max (" +
                                                           std::to_string(lane->asked) + ") answers"));
}

void Batch::undo_asking() {
    for (auto& [key, before] : std::exchange(asking_before_, {})) {
        auto now = lanes_.asking.extract(key);
        if (!before) continue;
        before->has_more = now.mapped().has_more;
        before->waiting = now.mapped().waiting;
        now.mapped() = *std::move(before);
        lanes_.asking.insert(std::move(now));
    }
    asked_.clear();
    answered_.clear();
}

Result<Ack> Batch::let_wait(const Event& event, std::string_view canonical_data) {
    const auto key = Lanes::key_of(event);
    const auto blocked = lanes_.blocked.find(key);
    const auto asking = lanes_.asking.find(key);
    const auto waiting = (blocked == lanes_.blocked.end() ? 0 : blocked->second.waiting) +
                         (asking == lanes_.asking.end() ? 0 : asking->second.waiting) + waiting_[key];
    if (waiting >= options_.lane_waiting_max) {
        seen_.erase(seen_key(event));
        return Ack{Ack::Kind::overloaded, event.id, false,
                   "lane " + event.subject.text() + " " +
                       (asking == lanes_.asking.end() ? "is blocked" : "waits for a look-up") +
                       " and lane_waiting_max is reached"};
    }
    ++waiting_[key];
    auto step = new_step(event.tenant);
    add_event_record(step, event, canonical_data);
    step.seen = EventKey{event.tenant, event.source, event.id};
    step.seen_digest = seen_.at(seen_key(event));
    step.pending_added.push_back(next_pending(event, pending_kind::event));
    add_waiting_record(step, event, step.pending_added.back().place);
    steps_.push_back(std::move(step));
    return Ack{Ack::Kind::accepted, event.id, true, ""};
}

PendingEvent Batch::next_pending(Event event, const char* kind) {
    PendingEvent pending;
    pending.partition = lanes_.partition_of(event.tenant, event.subject);
    pending.place = ++lanes_.places[pending.partition];
    pending.kind = kind;
    pending.event = std::move(event);
    return pending;
}

Result<void> Batch::decide(const PendingEvent& pending) {
    const auto& event = pending.event;
    if (!has_turn(event)) return {};
    const auto tenant = tenants_.find(event.tenant);
    ENSURE(tenant != tenants_.end());
    const bool is_new = pending.kind != pending_kind::event;
    if (is_new) {
        const auto known = known_digest(event);
        if (!known) return known.error();
        // Ids from outside may be any, those of events of ours too.
        if (*known) {
            note_clash(event);
            steps_.back().pending_removed.emplace_back(pending.partition, pending.place);
            return {};
        }
    }
    const Origin origin{pending, is_new, nullptr, nullptr};
    if (pending.kind == pending_kind::delivery) return decide_result(*tenant->second, pending, origin);
    auto work = work_of(std::make_shared<const Event>(event));
    if (work.resume) {
        auto began_under = older_tenant(event.tenant, work.resume->continuation.ruleset);
        if (!began_under) return began_under.error();
        work.began_under = std::move(*began_under);
    }
    return decide(*tenant->second, std::move(work), origin);
}

Result<void> Batch::fire(const Timer& timer) {
    const auto* planned = planned_timer(key_of(timer));
    const bool is_there =
        planned == nullptr || (*planned && (*planned)->due == timer.due && (*planned)->body == timer.body);
    if (!is_there) return {};
    auto event = fired_event(timer, options_.now);
    if (!has_turn(event)) return {};
    const auto known = known_digest(event);
    if (!known) return known.error();
    // No timer fires twice, whatever a store says that was put together from others.
    if (*known) {
        note_clash(event);
        steps_.back().timers_removed.push_back(timer);
        timers_[key_of(timer)] = std::nullopt;
        return {};
    }
    const auto tenant = tenants_.find(event.tenant);
    ENSURE(tenant != tenants_.end());
    if (is_sweep(timer))
        if (auto swept = sweep(*tenant->second, store_, options_.swept_entities_max, event); !swept)
            return swept;
    auto extra = new_step(event.tenant);
    auto waiting = continuation_of_wait(timer.name).empty()
                       ? Result<std::vector<StoredContinuation>>(std::vector<StoredContinuation>())
                       : continuations_of(event.tenant, event.subject);
    if (!waiting) return waiting.error();
    auto taken = take_timer(std::move(*waiting), event);
    auto work = resumed(std::move(event), std::move(taken), extra);
    if (!work) return work.error();
    const Origin origin{{}, true, nullptr, &timer};
    if (auto decided = decide(*tenant->second, std::move(*work), origin); !decided) return decided.error();
    add_continuations_of(extra, steps_.back());
    return {};
}

const std::optional<Timer>* Batch::planned_timer(const TimerKey& key) const {
    const auto found = timers_.find(key);
    if (found != timers_.end()) return &found->second;
    return before_ == nullptr ? nullptr : before_->planned_timer(key);
}

Result<std::vector<Timer>> Batch::timers(const TenantName& tenant, const Subject& subject) {
    auto stored = store_.timers_of(tenant, subject);
    if (!stored) return stored.error();
    std::map<std::string, Timer> all;
    for (auto& timer : *stored) all[timer.name] = std::move(timer);
    if (before_ != nullptr) before_->change_timers(tenant, subject, all);
    change_timers(tenant, subject, all);
    std::vector<Timer> timers;
    for (auto& [name, timer] : all) timers.push_back(std::move(timer));
    return timers;
}

void Batch::change_timers(const TenantName& tenant, const Subject& subject,
                          std::map<std::string, Timer>& all) const {
    auto at = timers_.lower_bound({tenant.text(), subject.text(), ""});
    for (; at != timers_.end() && std::get<0>(at->first) == tenant.text() &&
           std::get<1>(at->first) == subject.text();
         ++at) {
        const auto& name = std::get<2>(at->first);
        if (at->second)
            all[name] = *at->second;
        else
            all.erase(name);
    }
}

/// A timer that fired is gone; the decision may set one of the same name again.
void Batch::add_timers(Step& step, const Event& event, const Decided& decided, const Timer* fired) {
    if (fired == nullptr && decided.decision.timers.empty()) return;
    auto rows = timer_rows(event, decided.decision, lanes_.partition_of(event.tenant, event.subject));
    for (const auto& timer : rows.removed) {
        // Who waited for it waits no more.
        const std::string id(continuation_of_wait(timer.name));
        if (id.empty()) continue;
        continuations_[id] = std::nullopt;
        StoredContinuation ended;
        ended.tenant = event.tenant;
        ended.id = id;
        step.continuations_removed.push_back(std::move(ended));
    }
    if (fired != nullptr) rows.removed.push_back(*fired);
    for (const auto& timer : rows.removed) timers_[key_of(timer)] = std::nullopt;
    for (const auto& timer : rows.set) timers_[key_of(timer)] = timer;
    step.timers_removed = std::move(rows.removed);
    step.timers_set = std::move(rows.set);
}

Result<void> Batch::decide_result(const Tenant& tenant, const PendingEvent& pending, const Origin& origin) {
    auto extra = new_step(pending.event.tenant);
    auto work = work_of_delivery(pending, extra);
    if (!work) return work.error();
    if (auto decided = decide(tenant, std::move(*work), origin); !decided) return decided.error();
    add_continuations_of(extra, steps_.back());
    return {};
}

Result<void> Batch::decide(const Tenant& tenant, Work work, const Origin& origin) {
    // What besides the payload made the decision has to be journaled with the event.
    if (auto context = context_of(work); !context.empty()) {
        auto with_context = *work.event;
        with_context.extensions[context_extension] = std::move(context);
        work.event = std::make_shared<const Event>(std::move(with_context));
    }
    const Event& event = *work.event;
    deciding_ = &event;
    auto decided = decide_event(tenant, work, *this, {options_.now, false, host_of(tenant)});
    if (!decided) return decided.error();
    if (decided->need) {
        ask(work, origin, *std::move(decided->need));
        return {};
    }
    if (answered_lane(event) != nullptr) answered_.push_back(Lanes::key_of(event));
    auto step = new_step(event.tenant);
    if (origin.journal_event)
        journal_event(step, event, origin);
    else
        step.decided = EventKey{event.tenant, event.source, event.id};
    if (origin.pending) step.pending_removed.emplace_back(origin.pending->partition, origin.pending->place);
    if (options_.deliver) add_deliveries(step, event, *decided);
    add_derived(step, *decided);
    // After those, because it says where they stand.
    add_decision_record(step, event, *decided);
    add_timers(step, event, *decided, origin.timer);
    add_continuations(step, event, *decided);
    if (decided->decision.blocks_lane) block_lane(step, event, *decided, origin);
    if (decided->store_entity) add_entity(step, std::move(decided->after));
    steps_.push_back(std::move(step));
    made_.push_back({std::move(work.event), std::move(decided->decision)});
    return {};
}

/// The event waits in the store, in its place in the lane, and is acknowledged; its decision is a later step.
void Batch::ask(const Work& work, const Origin& origin, Need need) {
    const Event& event = *work.event;
    const auto key = Lanes::key_of(event);
    const auto known = lanes_.asking.find(key);
    asking_before_.emplace_back(
        key, known == lanes_.asking.end() ? std::nullopt : std::optional<AskingLane>(known->second));
    auto& lane = lanes_.asking[key];
    lane.need = std::move(need);
    lane.is_answered = false;
    asked_.push_back(key);
    if (!origin.journal_event) {
        lane.pending = *origin.pending;
        return;
    }
    auto step = new_step(event.tenant);
    journal_event(step, event, origin);
    lane.pending = next_pending(event, pending_kind::event);
    if (origin.pending) {
        // It keeps its place: others of the lane may stand behind it.
        lane.pending.place = origin.pending->place;
        step.pending_removed.emplace_back(lane.pending.partition, lane.pending.place);
    }
    step.pending_added.push_back(lane.pending);
    add_waiting_record(step, event, lane.pending.place);
    if (origin.timer != nullptr) {
        timers_[key_of(*origin.timer)] = std::nullopt;
        step.timers_removed.push_back(*origin.timer);
    }
    steps_.push_back(std::move(step));
}

void Batch::journal_event(Step& step, const Event& event, const Origin& origin) {
    const auto* arrival = origin.arrival;
    const auto data = arrival == nullptr ? canonical_json(event.data) : std::string();
    add_event_record(step, event, arrival == nullptr ? data : arrival->data);
    step.seen = EventKey{event.tenant, event.source, event.id};
    step.seen_digest = arrival == nullptr ? content_digest(event, data) : arrival->digest;
    seen_[seen_key(event)] = step.seen_digest;
}

/// The step must be the next one that is added.
void Batch::add_entity(Step& step, Entity entity) {
    entities_[Lanes::key_of(entity.tenant, entity.subject)] = steps_.size();
    if (const auto board = watched_.find(entity.tenant); board != watched_.end())
        board->second.changed(entity);
    if (const auto email = email_of(entity); !email.empty())
        emails_[{entity.tenant.text(), email}].insert(entity.subject.text());
    step.entities.push_back(std::move(entity));
}

void Batch::add_event_record(Step& step, const Event& event, std::string_view canonical_data) const {
    NewRecord record;
    record.stream = partition_stream(lanes_.partition_of(event.tenant, event.subject));
    record.kind = record_kind::event;
    record.subject = event.subject.text();
    record.cause_event = event.cause.empty() ? event.id.text() : event.cause.text();
    record.actor = event.actor.empty() ? "source" : event.actor;
    record.body = canonical_envelope(event, canonical_data);
    step.records.push_back(std::move(record));
}

void Batch::add_waiting_record(Step& step, const Event& event, std::uint64_t place) const {
    NewRecord record;
    record.stream = partition_stream(lanes_.partition_of(event.tenant, event.subject));
    record.kind = record_kind::waiting;
    record.subject = event.subject.text();
    record.cause_event = event.id.text();
    record.actor = "engine";
    record.body = canonical_json(Json{{"source", event.source}, {"place", place}});
    step.records.push_back(std::move(record));
}

void Batch::add_decision_record(Step& step, const Event& event, const Decided& decided) const {
    NewRecord record;
    record.stream = partition_stream(lanes_.partition_of(event.tenant, event.subject));
    record.kind = record_kind::decision;
    record.subject = event.subject.text();
    record.entity_version = decided.after.version;
    record.cause_event = event.id.text();
    record.ruleset = decided.decision.ruleset;
    record.actor = "engine";
    record.body = canonical_text(decided.decision);
    step.records.push_back(std::move(record));
}

void Batch::add_deliveries(Step& step, const Event& event, Decided& decided) {
    auto& decision = decided.decision;
    const auto count = decision.actions.size() + (decision.write_back ? 1 : 0);
    if (count == 0) return;
    const auto partition = lanes_.partition_of(event.tenant, event.subject);
    auto& last = lanes_.numbers[partition];
    decision.placed.first_delivery = last + 1;
    last += count;
    step.outbox_added = deliveries_of(event, decision, partition);
}

void Batch::add_derived(Step& step, Decided& decided) {
    if (const auto board = watched_.find(step.tenant); board != watched_.end())
        board->second.decided(decided.decision);
    for (const auto& event : decided.derived) {
        step.pending_added.push_back(next_pending(event, pending_kind::derived));
        decided.decision.placed.events.push_back(step.pending_added.back().place);
    }
}

void Batch::add_continuations(Step& step, const Event& event, const Decided& decided) {
    const auto partition = lanes_.partition_of(event.tenant, event.subject);
    step.continuations_set = engine::continuations_of(event, decided.decision, partition);
    for (const auto& stored : step.continuations_set) continuations_[stored.id] = stored;
}

void Batch::block_lane(Step& step, const Event& event, const Decided& decided, const Origin& origin) {
    BlockedLane lane;
    lane.tenant = event.tenant;
    lane.subject = event.subject;
    lane.partition = lanes_.partition_of(event.tenant, event.subject);
    lane.reason = first_reason(decided.decision);
    lane.event = event.id;
    lane.since = options_.now;
    // The retry waits at the head of the lane from now on; an operator lets it run or takes it away.
    auto pending = next_pending(retry_of(event, decided.decision.merged), pending_kind::retry);
    // One that has waited stays before what came behind it.
    if (origin.pending) pending.place = origin.pending->place;
    const auto place = pending.place;
    step.pending_added.push_back(std::move(pending));
    NewRecord record;
    record.stream = partition_stream(lane.partition);
    record.kind = record_kind::lane_blocked;
    record.subject = event.subject.text();
    record.entity_version = decided.after.version;
    record.cause_event = event.id.text();
    record.ruleset = decided.decision.ruleset;
    record.actor = "engine";
    record.body = canonical_json(
        Json{{"reason", lane.reason}, {"failures", failure_reasons(decided.decision)}, {"place", place}});
    step.records.push_back(std::move(record));
    step.lanes_blocked.push_back(lane);
    waiting_[Lanes::key_of(event)] += 1;
    if (const auto board = watched_.find(event.tenant); board != watched_.end())
        board->second.held_up(event.subject);
}

}  // namespace engine
