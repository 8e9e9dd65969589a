#include "engine/store/codec.h"

#include <algorithm>

#include "engine/base/text.h"

namespace engine {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    if (is_plain(value))
        out.append(1, '"').append(value).append(1, '"');
    else
        out += stored_text(Json(value));
}

void append_json(std::string& out, std::string_view name, const Json& value) {
    out += name;
    out += value.is_object() && value.empty() ? "{}" : stored_text(value);
}

std::string_view half(const Digest& digest) {
    return bytes_of(digest).substr(0, 16);
}

Result<std::vector<std::string>> scopes_from(std::string_view text) {
    const auto json = parse_stored(text, "scopes of a key");
    if (!json) return json.error();
    std::vector<std::string> scopes;
    for (const auto& scope : *json)
        if (scope.is_string()) scopes.push_back(scope.get<std::string>());
    return scopes;
}

std::optional<Instant> optional_instant(const std::optional<std::int64_t>& microseconds) {
    if (!microseconds) return std::nullopt;
    return instant_of(*microseconds);
}

}  // namespace

std::string stored_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_stored(std::string_view text, std::string_view what) {
    auto value = parse_json(text, stored_json_limits);
    if (!value) return Error{Code::corrupt, "stored " + std::string(what) + ": " + value.error().message};
    return value;
}

std::string stored_delivery(const Delivery& delivery) {
    const auto& action = delivery.action;
    std::string out;
    out.reserve(512);
    append_member(out, "{\"action\":", action.action);
    append_member(out, ",\"as\":", action.as);
    append_member(out, ",\"connection\":", action.connection);
    append_member(out, ",\"event\":", delivery.event.text());
    append_member(out, ",\"firing\":", action.firing);
    out += ",\"hops\":" + std::to_string(delivery.hops);
    append_member(out, ",\"key\":", delivery.key.text());
    append_json(out, ",\"params\":", action.params);
    out += action.relaxed ? ",\"relaxed\":true" : ",\"relaxed\":false";
    append_member(out, ",\"rule\":", action.rule);
    append_member(out, ",\"ruleset\":", delivery.ruleset);
    append_json(out, ",\"save\":", action.save);
    append_member(out, ",\"source\":", delivery.source);
    out += '}';
    return out;
}

std::string id_key(const TenantName& tenant, const EventId& id) {
    return std::string(half(sha256({tenant.text(), std::string_view("\0", 1), id.text()})));
}

std::string event_key(const EventKey& key) {
    std::string bytes = id_key(key.tenant, key.id);
    return bytes.append(half(sha256(key.source)));
}

std::string normal_email(std::string_view email) {
    return fold_case(trim(email));
}

std::string email_of(const Entity& entity) {
    if (entity.deleted || !entity.fields.is_object()) return {};
    const auto field = entity.fields.find("email");
    if (field == entity.fields.end() || !field->is_string()) return {};
    return normal_email(field->get_ref<const std::string&>());
}

std::optional<std::int64_t> watched_microseconds(const Entity& entity) {
    const auto until = watched_until(entity);
    if (!until) return std::nullopt;
    return microseconds_of(*until);
}

Result<Digest> digest_from(std::string_view bytes, std::string_view what) {
    Digest digest;
    if (bytes.size() != digest.size())
        return Error{Code::corrupt, std::string(what) + " is no SHA-256 digest"};
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

Result<Entity> entity_from(const TenantName& tenant, std::string_view subject, std::uint64_t version,
                           std::string_view fields, std::string_view meta) {
    Entity entity;
    auto parsed_subject = subject_from(subject);
    if (!parsed_subject) return parsed_subject.error();
    entity.tenant = tenant;
    entity.subject = *std::move(parsed_subject);
    entity.version = version;
    auto parsed = parse_stored(fields, "entity " + entity.subject.text());
    if (!parsed) return parsed.error();
    entity.fields = *std::move(parsed);
    const auto parsed_meta = parse_stored(meta, "meta of entity " + entity.subject.text());
    if (!parsed_meta) return parsed_meta.error();
    if (const auto read = meta_from_json(entity, *parsed_meta); !read) return read.error();
    return entity;
}

Result<Subject> subject_from(std::string_view text) {
    auto subject = Subject::parse(text);
    if (!subject) return Error{Code::corrupt, "stored subject: " + subject.error().message};
    return subject;
}

std::string event_named_by(const Step& step) {
    if (step.seen) return step.seen->id.text();
    if (step.decided) return step.decided->id.text();
    return step.records.empty() ? std::string() : step.records.front().cause_event;
}

std::string first_subject(std::string_view kind) {
    return kind.empty() ? std::string() : std::string(kind) + "/";
}
std::string end_of_subjects(std::string_view kind) {
    return kind.empty() ? std::string("\x7F") : std::string(kind) + "0";
}

// ---- rows

Result<Delivery> delivery_from(DeliveryRow row) {
    auto lane = subject_from(row.lane);
    if (!lane) return lane.error();
    const auto body = parse_stored(row.body, "delivery");
    if (!body) return body.error();
    auto delivery = delivery_from_json(*body);
    if (!delivery) return delivery;
    delivery->partition = row.partition;
    delivery->number = row.number;
    delivery->tenant = std::move(row.tenant);
    delivery->lane = *std::move(lane);
    delivery->attempts = static_cast<int>(row.attempts);
    delivery->created = instant_of(row.created);
    delivery->next_attempt = instant_of(row.next_attempt);
    return delivery;
}

Result<PendingEvent> pending_from(const PendingRow& row) {
    const auto envelope = parse_stored(row.event, "pending event");
    if (!envelope) return envelope.error();
    auto event = event_from_envelope(row.tenant, *envelope, true);
    if (!event) return Error{Code::corrupt, "stored pending event: " + event.error().message};
    auto context = parse_stored(row.context, "context of a pending event");
    if (!context) return context.error();
    return PendingEvent{row.partition,         row.place,           *std::move(event),
                        std::string(row.kind), *std::move(context), row.event_seq};
}

Result<Timer> timer_from(TimerRow row) {
    auto subject = subject_from(row.subject);
    if (!subject) return subject.error();
    auto body = parse_stored(row.body, "timer");
    if (!body) return body.error();
    return Timer{std::move(row.tenant), static_cast<int>(row.partition),
                 *std::move(subject),   std::string(row.name),
                 instant_of(row.due),   *std::move(body)};
}

Result<BlockedLane> blocked_lane_from(BlockedLaneRow row) {
    auto subject = subject_from(row.subject);
    if (!subject) return subject.error();
    return BlockedLane{std::move(row.tenant),
                       *std::move(subject),
                       static_cast<int>(row.partition),
                       std::move(row.reason),
                       EventId(std::move(row.event)),
                       instant_of(row.since),
                       0};
}

Result<StoredContinuation> continuation_from(ContinuationRow row) {
    auto subject = subject_from(row.subject);
    if (!subject) return subject.error();
    const auto json = parse_stored(row.continuation, "continuation");
    if (!json) return json.error();
    auto continuation = continuation_from_json(*json);
    if (!continuation) return continuation.error();
    auto context = parse_stored(row.context, "context of a continuation");
    if (!context) return context.error();
    return StoredContinuation{std::move(row.tenant), static_cast<int>(row.partition), *std::move(subject),
                              std::string(row.id),   *std::move(continuation),        *std::move(context)};
}

Result<ApiKey> key_from(KeyRow row) {
    const auto digest = digest_from(row.secret_digest, "the secret of a key");
    if (!digest) return digest.error();
    auto scopes = scopes_from(row.scopes);
    if (!scopes) return scopes.error();
    return ApiKey{std::string(row.id),
                  std::move(row.tenant),
                  std::move(row.name),
                  *digest,
                  *std::move(scopes),
                  instant_of(row.created),
                  optional_instant(row.expires),
                  optional_instant(row.revoked)};
}

Result<Request> request_from(const RequestRow& row) {
    auto arguments = parse_stored(row.arguments, "arguments of a request");
    if (!arguments) return arguments.error();
    Request request{row.number,
                    TenantName(std::string(row.tenant)),
                    std::string(row.command),
                    *std::move(arguments),
                    std::string(row.actor),
                    instant_of(row.made),
                    {}};
    if (!row.answer) return request;
    auto answer = parse_stored(*row.answer, "answer to a request");
    if (!answer) return answer.error();
    request.answer = *std::move(answer);
    return request;
}

}  // namespace engine
