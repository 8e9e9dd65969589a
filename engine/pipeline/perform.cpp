/// Operators' commands: each is one step, journaled with who gave it.

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/key_json.h"
#include "engine/pipeline/pages.h"

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
    if (!tenants_.contains(request.tenant)) return not_found("no tenant " + request.tenant.text());
    if (request.command == "dead-letters.retry") return retry_dead_letter(request);
    if (request.command == "dead-letters.discard") return discard_dead_letter(request);
    if (request.command == "lanes.release") return release_lane(request);
    if (request.command == "keys.create") return create_key(request);
    if (request.command == "keys.revoke") return revoke_key(request);
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

}  // namespace engine
