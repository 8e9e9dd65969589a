/// The way back: what attempts led to, and the events their results become.

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/tenant.h"
#include "rules/matcher/matcher.h"

namespace engine {
namespace {

/// canonical_json(describe(delivery)).
void write_delivery(CanonicalWriter& out, const Delivery& delivery) {
    out.name("delivery");
    out.begin_object();
    out.text("action", delivery.action.action);
    out.text("as", delivery.action.as);
    out.integer("attempts", static_cast<std::uint64_t>(delivery.attempts));
    out.text("connection", delivery.action.connection);
    out.text("event", delivery.event.text());
    out.text("key", delivery.key.text());
    out.text("rule", delivery.action.rule);
    out.end_object();
}

/// `place`: of the result's event, 0 when there is none.
std::string canonical_body(const Settlement& settlement, const Attempt& attempt, std::uint64_t place) {
    const bool done = settlement.kind == Settlement::Kind::done;
    CanonicalWriter out;
    out.begin_object();
    write_delivery(out, settlement.delivery);
    if (settlement.kind == Settlement::Kind::retry)
        out.text("next_attempt", to_text(settlement.delivery.next_attempt));
    if (place > 0) out.integer("place", place);
    if (!done) out.text("reason", attempt.reason);
    if (done) out.value("result", attempt.result);
    if (attempt.simulated) out.boolean("simulated", true);
    out.value("status", attempt.status);
    out.end_object();
    return out.take();
}

const char* kind_of(Settlement::Kind kind) {
    if (kind == Settlement::Kind::done) return record_kind::delivered;
    return kind == Settlement::Kind::retry ? record_kind::attempt : record_kind::dead_letter;
}

NewRecord record_of(const Settlement& settlement, const Attempt& attempt, std::uint64_t place) {
    const auto& delivery = settlement.delivery;
    NewRecord record;
    record.stream = partition_stream(delivery.partition);
    record.kind = kind_of(settlement.kind);
    record.subject = delivery.lane.text();
    record.cause_event = delivery.event.text();
    record.cause_rule = delivery.action.rule;
    record.ruleset = delivery.ruleset;
    record.actor = "engine";
    record.body = canonical_body(settlement, attempt, place);
    return record;
}

/// `save` as writes: each field takes what its path finds in `{"result": …}`.
std::vector<rules::PresetWrite> presets_of(const Json& context) {
    std::vector<rules::PresetWrite> presets;
    const auto* save = find(context, "save");
    if (save == nullptr || !save->is_object()) return presets;
    for (const auto& [field, path] : save->items()) {
        const auto* value = path.is_string() ? find(context, path.get_ref<const std::string&>()) : nullptr;
        if (value != nullptr) presets.push_back({field, *value, text_or(context, "rule", "")});
    }
    return presets;
}

}  // namespace

Result<void> Batch::settle(const Settlement& settlement, const Attempt& attempt) {
    const auto& delivery = settlement.delivery;
    auto step = new_step(delivery.tenant);
    if (settlement.kind == Settlement::Kind::retry) {
        step.records.push_back(record_of(settlement, attempt, 0));
        step.outbox_updated.push_back(delivery);
        steps_.push_back(std::move(step));
        return {};
    }
    step.outbox_removed.emplace_back(delivery.partition, delivery.number);
    const bool done = settlement.kind == Settlement::Kind::done;
    if (!done) step.dead_letters_added.push_back({delivery, attempt.reason, attempt.status, options_.now});
    if (done && delivery.action.rule.empty())
        if (auto confirmed = confirm_own_writes(step, delivery); !confirmed) return confirmed.error();
    const auto place = add_result_event(step, delivery, attempt, done);
    step.records.push_back(record_of(settlement, attempt, place));
    steps_.push_back(std::move(step));
    return {};
}

Result<void> Batch::confirm_own_writes(Step& step, const Delivery& delivery) {
    auto owned = entity(delivery.tenant, delivery.lane);
    if (!owned) return owned.error();
    const auto removed = std::erase_if(
        owned->own_writes, [&](const auto& entry) { return entry.second.delivery == delivery.key; });
    if (removed == 0) return {};
    add_entity(step, std::move(*owned));
    return {};
}

/// A result nobody waits for stays in the journal and goes nowhere else.
std::uint64_t Batch::add_result_event(Step& step, const Delivery& delivery, const Attempt& attempt,
                                      bool done) {
    const auto tenant = tenants_.find(delivery.tenant);
    if (tenant == tenants_.end()) return 0;
    const std::string type = done ? "delivery.done" : "delivery.failed";
    const bool wanted = done && (!delivery.action.save.empty() || !delivery.action.as.empty());
    if (!wanted && !tenant->second->matcher->listens_to(type)) return 0;
    auto pending =
        result_event(delivery, {done, attempt.status, attempt.result, attempt.reason}, options_.now);
    pending.place = ++lanes_.places[pending.partition];
    step.pending_added.push_back(std::move(pending));
    return step.pending_added.back().place;
}

Result<std::vector<StoredContinuation>> Batch::continuations_of(const TenantName& tenant,
                                                                const Subject& subject) {
    auto stored = store_.continuations(tenant, subject);
    if (!stored) return stored.error();
    if (before_ != nullptr) before_->change_continuations(tenant, subject, *stored);
    change_continuations(tenant, subject, *stored);
    return stored;
}

void Batch::change_continuations(const TenantName& tenant, const Subject& subject,
                                 std::vector<StoredContinuation>& all) const {
    std::erase_if(all, [&](const auto& one) { return continuations_.contains(one.id); });
    for (const auto& [id, one] : continuations_)
        if (one && one->tenant == tenant && one->subject == subject) all.push_back(*one);
}

Result<Work> Batch::work_of_delivery(const PendingEvent& pending, Step& extra) {
    Work work;
    auto event = pending.event;
    const auto& context = pending.context;
    const auto* done = find(context, "done");
    if (done == nullptr || *done != Json(true)) {
        work.event = std::make_shared<const Event>(std::move(event));
        return work;
    }
    work.presets = presets_of(context);
    auto waiting = continuations_of(pending.event.tenant, pending.event.subject);
    if (!waiting) return waiting.error();
    auto resumes = resumed(std::move(event), take_result(std::move(*waiting), context), extra);
    if (!resumes) return resumes;
    resumes->presets = std::move(work.presets);
    return resumes;
}

/// What goes on now with that event, and the rests of rules that go on waiting.
Result<Work> Batch::resumed(Event event, Taken taken, Step& extra) {
    Work work;
    for (const auto& stored : taken.still_waiting) continuations_[stored.id] = stored;
    extra.continuations_set = std::move(taken.still_waiting);
    for (auto& stored : taken.complete) {
        continuations_[stored.id] = std::nullopt;
        auto began_under = older_tenant(event.tenant, stored.continuation.ruleset);
        if (!began_under) return began_under.error();
        work.began_under = std::move(*began_under);
        work.resume = rules::Resume{stored.continuation};
        // The rest of the rule goes on reading what the event said that began it.
        if (const auto* data = find(stored.context, "event.data"); data != nullptr)
            for (const auto& [name, value] : data->items())
                if (name != event.subject.kind() && !event.data.contains(name)) event.data[name] = value;
        extra.continuations_removed.push_back(std::move(stored));
    }
    work.event = std::make_shared<const Event>(std::move(event));
    return work;
}

/// The tenant under an older rule set; null when that is the active one, or cannot be read any more: what
/// began under it ends under the active one.
Result<std::shared_ptr<const Tenant>> Batch::older_tenant(const TenantName& name,
                                                          const std::string& version) {
    const auto active = tenants_.find(name);
    ENSURE(active != tenants_.end());
    if (version == active->second->rule_set->version) return std::shared_ptr<const Tenant>();
    auto older = older_.get(store_, name, version, active->second->scripts);
    const bool gone =
        !older && (older.error().code == Code::not_found || older.error().code == Code::corrupt);
    return gone ? std::shared_ptr<const Tenant>() : older;
}

}  // namespace engine
