#pragma once
/// How values are written into columns, the same way in every backend.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/store/store.h"

namespace engine {

/// JSON text that reads back equal, large integers included (canonical bytes would make them texts).
std::string stored_text(const Json& value);
/// Reads what stored_text wrote; `what` names it in the message. Fails with corrupt.
Result<Json> parse_stored(std::string_view text, std::string_view what);

/// stored_text(to_json(delivery)), without making the JSON value: one is written for every action.
std::string stored_delivery(const Delivery& delivery);

/// 16 bytes of SHA-256(tenant NUL id). No two ids are known, or can be made, that share them by less than
/// 2^64 tries.
std::string id_key(const TenantName& tenant, const EventId& id);
/// id_key, then 16 bytes of SHA-256(source).
std::string event_key(const EventKey& key);

/// Trimmed and lower case.
std::string normal_email(std::string_view email);
/// The normalised `email` of a living entity's fields; empty when it has none.
std::string email_of(const Entity& entity);
/// What `watched_until` says, in microseconds.
std::optional<std::int64_t> watched_microseconds(const Entity& entity);

/// Fails with corrupt unless the bytes are a digest.
Result<Digest> digest_from(std::string_view bytes, std::string_view what);

/// The entity as stored. Fails with corrupt.
Result<Entity> entity_from(const TenantName& tenant, std::string_view subject, std::uint64_t version,
                           std::string_view fields, std::string_view meta);
Result<Subject> subject_from(std::string_view text);

/// The event that a conflict of the step is said to be of.
std::string event_named_by(const Step& step);
/// Subjects of a kind are those from `kind/` to before `kind0`: '0' follows '/'. No kind is all of them.
std::string first_subject(std::string_view kind);
std::string end_of_subjects(std::string_view kind);

// ---- rows, as every backend has them: the values of the columns, texts as they were before a backend's own
// escaping. All fail with corrupt.

struct DeliveryRow {
    int partition;
    std::uint64_t number;
    TenantName tenant;
    std::string_view lane;
    std::int64_t attempts;
    std::int64_t created;  ///< microseconds, as all times here
    std::int64_t next_attempt;
    std::string_view body;
};
Result<Delivery> delivery_from(DeliveryRow row);

struct PendingRow {
    int partition;
    std::uint64_t place;
    TenantName tenant;
    std::string_view kind;
    std::string_view event;
    std::string_view context;
    std::uint64_t event_seq;
};
Result<PendingEvent> pending_from(const PendingRow& row);

struct TimerRow {
    TenantName tenant;
    std::string_view subject;
    std::string_view name;
    std::int64_t partition;
    std::int64_t due;
    std::string_view body;
};
Result<Timer> timer_from(TimerRow row);

struct BlockedLaneRow {
    TenantName tenant;
    std::string_view subject;
    std::int64_t partition;
    std::string reason;
    std::string event;
    std::int64_t since;
};
/// How many events wait is asked otherwise.
Result<BlockedLane> blocked_lane_from(BlockedLaneRow row);

struct ContinuationRow {
    TenantName tenant;
    std::string_view id;
    std::int64_t partition;
    std::string_view subject;
    std::string_view continuation;
    std::string_view context;
};
Result<StoredContinuation> continuation_from(ContinuationRow row);

struct KeyRow {
    std::string_view id;
    TenantName tenant;
    std::string name;
    std::string_view secret_digest;
    std::string_view scopes;
    std::int64_t created;
    std::optional<std::int64_t> expires;
    std::optional<std::int64_t> revoked;
};
Result<ApiKey> key_from(KeyRow row);

struct RequestRow {
    std::uint64_t number;
    std::string_view tenant;
    std::string_view command;
    std::string_view arguments;
    std::string_view actor;
    std::int64_t made;
    std::optional<std::string_view> answer;
};
Result<Request> request_from(const RequestRow& row);

}  // namespace engine
