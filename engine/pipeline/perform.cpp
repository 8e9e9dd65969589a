/// Operators' commands: each is one step, journaled with who gave it.

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/key_json.h"
#include "engine/pipeline/pages.h"
#include "engine/pipeline/retention.h"
#include "engine/pipeline/timers.h"

namespace engine {
namespace {

Result<std::string> argument(const Request& request, const char* name) {
    const auto* value = find(request.arguments, name);
    if (value == nullptr || !value->is_string() || value->get_ref<const std::string&>().empty())
        return invalid(request.command + " needs \"" + name + "\"");
    return value->get<std::string>();
}

}  // namespace

Result<Json> Batch::perform(const Request& request) {
    // The store's, not a tenant's.
    if (request.command == "retention") return retain(request);
    if (!tenants_.contains(request.tenant)) return not_found("no tenant " + request.tenant.text());
    if (request.command == "dead-letters.retry") return retry_dead_letter(request);
    if (request.command == "dead-letters.discard") return discard_dead_letter(request);
    if (request.command == "lanes.release") return release_lane(request);
    if (request.command == "keys.create") return create_key(request);
    if (request.command == "keys.revoke") return revoke_key(request);
    if (request.command == "erase") return erase(request);
    return invalid("unknown command " + request.command);
}

void Batch::add_operator_record(Step& step, const Request& request, const std::string& stream,
                                const std::string& subject, Json did) const {
    NewRecord record;
    record.stream = stream;
    record.kind = record_kind::operator_act;
    record.subject = subject;
    record.actor = request.actor;
    Json arguments = request.arguments;
    // A digest is no secret, but what cannot be read cannot be tried against.
    if (arguments.is_object()) arguments.erase("secret_digest");
    did["command"] = request.command;
    did["arguments"] = std::move(arguments);
    record.body = canonical_json(did);
    step.records.push_back(std::move(record));
}

Result<DeadLetter> Batch::named_dead_letter(const Request& request) {
    const auto key = argument(request, "key");
    if (!key) return key.error();
    auto found = store_.dead_letter(request.tenant, DeliveryKey(*key));
    if (!found) return found.error();
    if (!*found) return not_found("no dead letter " + *key);
    return std::move(**found);
}

Result<Json> Batch::retry_dead_letter(const Request& request) {
    auto letter = named_dead_letter(request);
    if (!letter) return letter.error();
    auto step = new_step(request.tenant);
    step.dead_letters_removed.emplace_back(letter->delivery.partition, letter->delivery.number);
    auto delivery = letter->delivery;
    delivery.number = ++lanes_.numbers[delivery.partition];
    delivery.attempts = 0;
    delivery.next_attempt = options_.now;
    add_operator_record(step, request, partition_stream(delivery.partition), delivery.lane.text(),
                        Json{{"number", delivery.number}});
    const Json answer{{"key", delivery.key.text()}, {"state", "queued"}};
    step.outbox_added.push_back(std::move(delivery));
    steps_.push_back(std::move(step));
    return answer;
}

void Batch::end_wait(Step& step, const StoredContinuation& stored) {
    Timer timer;
    timer.tenant = stored.tenant;
    timer.subject = stored.subject;
    timer.name = wait_name(stored.id);
    timers_[key_of(timer)] = std::nullopt;
    step.timers_removed.push_back(std::move(timer));
}

Result<Json> Batch::discard_dead_letter(const Request& request) {
    auto letter = named_dead_letter(request);
    if (!letter) return letter.error();
    const auto& delivery = letter->delivery;
    auto step = new_step(request.tenant);
    step.dead_letters_removed.emplace_back(delivery.partition, delivery.number);
    add_operator_record(step, request, partition_stream(delivery.partition), delivery.lane.text());
    if (delivery.action.rule.empty())
        if (auto confirmed = confirm_own_writes(step, delivery); !confirmed) return confirmed.error();
    auto waiting = continuations_of(request.tenant, delivery.lane);
    if (!waiting) return waiting.error();
    for (auto& stored : *waiting) {
        if (!waits_for(stored, delivery)) continue;
        continuations_[stored.id] = std::nullopt;
        if (stored.continuation.timed) end_wait(step, stored);
        step.continuations_removed.push_back(std::move(stored));
    }
    steps_.push_back(std::move(step));
    return Json{{"key", delivery.key.text()}, {"state", "discarded"}};
}

/// The events the lane stumbled over, wherever they wait in the partition.
Result<void> Batch::remove_retries(Step& step, const BlockedLane& lane) {
    return for_each_pending(store_, lane.partition, [&](const PendingEvent& pending) {
        if (pending.kind == pending_kind::retry && is_of(lane, pending.event))
            step.pending_removed.emplace_back(pending.partition, pending.place);
    });
}

Result<Json> Batch::release_lane(const Request& request) {
    const auto text = argument(request, "subject");
    if (!text) return text.error();
    const auto subject = Subject::parse(*text);
    if (!subject) return subject.error();
    const auto blocked = lanes_.blocked.find({request.tenant.text(), *text});
    if (blocked == lanes_.blocked.end()) return not_found("lane " + *text + " is not blocked");
    const auto mode = text_or(request.arguments, "mode", "");
    if (mode != "retry" && mode != "discard")
        return invalid("lanes.release needs \"mode\": retry or discard");
    auto step = new_step(request.tenant);
    if (mode == "discard")
        if (auto removed = remove_retries(step, blocked->second); !removed) return removed.error();
    step.lanes_released.push_back(blocked->second);
    if (const auto board = watched_.find(request.tenant); board != watched_.end())
        board->second.released(*subject);
    add_operator_record(step, request, partition_stream(blocked->second.partition), *text);
    NewRecord record;
    record.stream = partition_stream(blocked->second.partition);
    record.kind = record_kind::lane_released;
    record.subject = *text;
    record.cause_event = blocked->second.event.text();
    record.actor = request.actor;
    record.body = canonical_json(Json{{"mode", mode}});
    step.records.push_back(std::move(record));
    steps_.push_back(std::move(step));
    return Json{{"subject", *text}, {"state", "released"}, {"mode", mode}};
}

Result<Json> Batch::create_key(const Request& request) {
    auto key = key_from_json(request.tenant, request.arguments);
    if (!key) return key.error();
    Json answer{{"id", key->id}, {"state", "created"}};
    auto step = new_step(request.tenant);
    step.keys_set.push_back(*std::move(key));
    add_operator_record(step, request, control_stream, "");
    steps_.push_back(std::move(step));
    return answer;
}

Result<Json> Batch::revoke_key(const Request& request) {
    const auto id = argument(request, "id");
    if (!id) return id.error();
    auto key = store_.key(*id);
    if (!key) return key.error();
    if (!*key || (*key)->tenant != request.tenant) return not_found("no key " + *id);
    if (!(*key)->revoked) (*key)->revoked = options_.now;
    auto step = new_step(request.tenant);
    step.keys_set.push_back(**std::move(key));
    add_operator_record(step, request, control_stream, "");
    steps_.push_back(std::move(step));
    return Json{{"id", *id}, {"state", "revoked"}};
}

/// One step a tenant, so that each finds in its own journal what is gone; the first takes it away.
Result<Json> Batch::retain(const Request& request) {
    const auto keep = argument(request, "keep");
    if (!keep) return keep.error();
    const auto span = parse_duration(*keep);
    if (!span) return span.error();
    const auto before = options_.now - *span;
    const auto plan = store_.plan_retention(before);
    if (!plan) return plan.error();
    if (plan->partitions.empty()) return retention_json(*plan, before);
    const auto tenants = store_.tenants();
    if (!tenants) return tenants.error();
    for (const auto& name : *tenants) {
        auto carried = carried_activations(store_, name, last_gone(*plan, name, control_stream));
        if (!carried) return carried.error();
        auto step = new_step(name);
        NewRecord record;
        record.stream = control_stream;
        record.kind = record_kind::retention;
        record.actor = request.actor;
        record.body = canonical_json(retention_json(*plan, before, name));
        step.records.push_back(std::move(record));
        for (auto& activation : *carried) step.records.push_back(std::move(activation));
        if (name == tenants->front())
            for (const auto& partition : plan->partitions) step.journal_detached.push_back(partition.name);
        steps_.push_back(std::move(step));
    }
    return retention_json(*plan, before);
}

/// What is under way about the subject would be journaled after the erasure, with what was to be erased.
Result<void> Batch::check_lane_is_quiet(const TenantName& tenant, const Subject& subject) {
    const int partition = lanes_.partition_of(tenant, subject);
    const auto busy = [&](const std::string& what) {
        return Error{Code::conflict, "subject " + subject.text() + " cannot be erased while " + what +
                                         "; try again when that is over"};
    };
    if (lanes_.blocked.contains({tenant.text(), subject.text()}))
        return busy("its lane is blocked: release it with signalbox lanes release");
    std::uint64_t waiting = 0;
    const auto read = for_each_pending(store_, partition, [&](const PendingEvent& pending) {
        waiting += pending.event.tenant == tenant && pending.event.subject == subject ? 1 : 0;
    });
    if (!read) return read;
    if (waiting > 0) return busy(std::to_string(waiting) + " of its events wait to be decided");
    std::uint64_t deliveries = 0;
    std::uint64_t after = 0;
    while (true) {
        const auto page = store_.outbox(partition, after, page_rows);
        if (!page) return page.error();
        for (const auto& delivery : *page) {
            after = delivery.number;
            deliveries += delivery.tenant == tenant && delivery.lane == subject ? 1 : 0;
        }
        if (page->size() < page_rows) break;
    }
    if (deliveries > 0) return busy(std::to_string(deliveries) + " of its deliveries are under way");
    return {};
}

/// Newest first, more than a step may erase when there are more. A request that goes on with another one says
/// before which row; any number may have come since then.
Result<std::vector<JournalPlace>> Batch::rows_to_erase(const Request& request, const Subject& subject) {
    const auto* before = find(request.arguments, "before");
    if (before != nullptr && !before->is_number_unsigned())
        return invalid("argument before is the number of a row");
    for (std::size_t limit = options_.erased_rows_max + 1;; limit *= 2) {
        auto rows = store_.trail(request.tenant, subject, limit);
        if (!rows || before == nullptr) return rows;
        const bool is_all = rows->size() < limit;
        std::erase_if(*rows,
                      [&](const JournalPlace& place) { return place.seq >= before->get<std::uint64_t>(); });
        if (is_all || rows->size() > options_.erased_rows_max) return rows;
    }
}

/// Whose open work it was has room now, and no decision says so. What is lost when the process ends here is
/// looked at again in its own time.
void Batch::offer_room_of(const Entity& erased) {
    const auto board = watched_.find(erased.tenant);
    const auto& routing = tenants_.at(erased.tenant)->rule_set->routing;
    const auto agent = rules::placement_from(erased.routing.value("place", Json())).agent;
    if (board == watched_.end() || !routing || agent.empty()) return;
    const auto seen = board->second.desk().seen_by(erased.subject, *routing);
    for (const auto& next : seen->next_for(agent, std::nullopt, options_.now, {})) {
        const auto subject = Subject::parse(next.subject);
        if (!subject) continue;
        offers_.push_back(offer_event(erased.tenant, *subject, agent, options_.now));
        offers_.back().hops = next.hops + 1;
        board->second.offered(*subject, agent);
    }
}

/// Bodies, entity, timers, continuations and dead letters in one step. The tombstone's version goes on, so
/// that versions of a subject never come twice.
Result<Json> Batch::erase(const Request& request) {
    const auto text = argument(request, "subject");
    if (!text) return text.error();
    const auto subject = Subject::parse(*text);
    if (!subject) return subject.error();
    // What came since the first part is kept, so that it may be under way.
    const bool goes_on = request.arguments.contains("before");
    if (!goes_on)
        if (auto quiet = check_lane_is_quiet(request.tenant, *subject); !quiet) return quiet.error();
    auto rows = rows_to_erase(request, *subject);
    if (!rows) return rows.error();
    auto known = entity(request.tenant, *subject);
    if (!known) return known.error();
    const bool is_erased = known->deleted && known->fields.empty() && known->own_writes.empty();
    if (rows->empty() && (goes_on || is_erased || !known->known()))
        return not_found("nothing is known of " + *text);
    const bool more = rows->size() > options_.erased_rows_max;
    if (more) rows->resize(options_.erased_rows_max);

    auto step = new_step(request.tenant);
    if (known->known() && !is_erased && !goes_on) {
        Entity tombstone;
        tombstone.tenant = request.tenant;
        tombstone.subject = *subject;
        tombstone.version = known->version + 1;
        tombstone.deleted = true;
        offer_room_of(*known);
        add_entity(step, tombstone);
        known = tombstone;
    }
    NewRecord record;
    record.stream = partition_stream(lanes_.partition_of(request.tenant, *subject));
    record.kind = record_kind::erasure;
    record.subject = *text;
    record.entity_version = known->version;
    record.actor = request.actor;
    record.body = canonical_json(Json{{"subject", *text},
                                      {"version", known->version},
                                      {"rows", rows->size()},
                                      {"more", more},
                                      {"goes_on", goes_on},
                                      {"reason", text_or(request.arguments, "reason", "")}});
    step.records.push_back(std::move(record));
    Json answer{{"subject", *text}, {"state", "erased"}, {"rows", rows->size()}, {"version", known->version}};
    // The rest is older than this; what has come since is kept.
    if (more) answer["before"] = rows->back().seq;
    step.erasures.push_back({*subject, std::move(*rows), goes_on});
    steps_.push_back(std::move(step));
    return answer;
}

}  // namespace engine
