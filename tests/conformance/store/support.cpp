#include "tests/conformance/store/support.h"

#include <algorithm>

#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "tests/support/postgres.h"

namespace store_tests {

using namespace engine;

namespace {

Json action_json(const Action& action) {
    Json json = to_json(action);
    json["as"] = action.as;
    json["save"] = action.save;
    json["relaxed"] = action.relaxed;
    json["firing"] = action.firing;
    return json;
}

Json delivery_json(const Delivery& delivery) {
    return {{"partition", delivery.partition},
            {"number", delivery.number},
            {"key", delivery.key.text()},
            {"tenant", delivery.tenant.text()},
            {"lane", delivery.lane.text()},
            {"event", delivery.event.text()},
            {"ruleset", delivery.ruleset},
            {"action", action_json(delivery.action)},
            {"hops", delivery.hops},
            {"attempts", delivery.attempts},
            {"created", to_text(delivery.created)},
            {"next_attempt", to_text(delivery.next_attempt)}};
}

Json optional_time(const std::optional<Instant>& time) {
    return time ? Json(to_text(*time)) : Json(nullptr);
}

template <class Value>
void add_all(std::string& out, const std::string& title, const std::vector<Value>& values) {
    out += "== " + title + "\n";
    for (const auto& value : values) out += text_of(value) + "\n";
}

}  // namespace

const std::vector<Backend>& all_backends() {
    static std::vector<Backend> backends{
        {"SQLite file", true,
         [](const Folder& folder, const OpenOptions& options) {
             return open_sqlite(folder.file("store.db"), options);
         }},
        {"SQLite memory", false,
         [](const Folder&, const OpenOptions& options) { return open_sqlite(":memory:", options); }}};
    if (backends.size() == 2 && has_postgres())
        backends.push_back({"PostgreSQL", true,
                            [](const Folder& folder, const OpenOptions& options) {
                                return open_postgres(database_of(folder), options);
                            },
                            drop_database});
    return backends;
}

std::vector<Backend> lasting_backends() {
    std::vector<Backend> lasting;
    for (const auto& backend : all_backends())
        if (backend.lasting) lasting.push_back(backend);
    return lasting;
}

OpenStore::~OpenStore() {
    close();
    backend_.remove(folder_);
}

OpenStore::OpenStore(const Backend& backend, OpenOptions options) : backend_(backend), options_(options) {
    store_ = need(backend_.open(folder_, options_));
    need(store_->own());
}

void OpenStore::reopen() {
    close();
    store_ = need(backend_.open(folder_, options_));
    need(store_->own());
}

std::unique_ptr<Store> OpenStore::another(OpenOptions options) {
    return need(try_another(options));
}

Result<std::unique_ptr<Store>> OpenStore::try_another(OpenOptions options) {
    return backend_.open(folder_, options);
}

Instant at(int seconds) {
    return instant_of(1'777'881'600'000'000) + std::chrono::seconds(seconds);
}

Subject subject(const std::string& text) {
    return need(Subject::parse(text));
}

EventKey key_of(const std::string& id, const std::string& source) {
    return {acme, source, EventId(id)};
}

NewRecord record_of(const std::string& kind, const std::string& about, const std::string& body,
                    const std::string& stream) {
    NewRecord record;
    record.stream = stream;
    record.kind = kind;
    record.subject = about;
    record.actor = "engine";
    record.body = body;
    return record;
}

Step step_at(int seconds) {
    Step step;
    step.tenant = acme;
    step.time = at(seconds);
    return step;
}

Step decided_step(const std::string& id, const std::string& about, int seconds) {
    Step step = step_at(seconds);
    step.records = {record_of(record_kind::event, about, R"({"id":")" + id + "\"}"),
                    record_of(record_kind::decision, about, R"({"outcome":"ok"})")};
    step.records[1].cause_event = id;
    step.records[1].ruleset = "sha256:0001";
    step.seen = key_of(id);
    step.seen_digest = sha256(id);
    return step;
}

Entity entity_of(const std::string& about, std::uint64_t version, Json fields) {
    Entity entity;
    entity.tenant = acme;
    entity.subject = subject(about);
    entity.version = version;
    entity.fields = std::move(fields);
    return entity;
}

Event event_of(const std::string& id, const std::string& about) {
    Event event;
    event.tenant = acme;
    event.id = EventId(id);
    event.source = "desk/main";
    event.type = "ticket.updated";
    event.subject = subject(about);
    event.time = at(1);
    event.received = at(2);
    event.connection = "main";
    event.data = {{"ticket", {{"status", "open"}, {"n", 9007199254740993}}}};
    event.hops = 2;
    return event;
}

PendingEvent pending_of(int partition, std::uint64_t place, const std::string& id, const std::string& about) {
    PendingEvent pending;
    pending.partition = partition;
    pending.place = place;
    pending.event = event_of(id, about);
    pending.kind = "event";
    pending.context = {{"look", place}};
    return pending;
}

Delivery delivery_of(int partition, std::uint64_t number, const std::string& key, const std::string& lane) {
    Delivery delivery;
    delivery.partition = partition;
    delivery.number = number;
    delivery.key = DeliveryKey(key);
    delivery.tenant = acme;
    delivery.lane = subject(lane);
    delivery.event = EventId("e-" + key);
    delivery.ruleset = "sha256:0001";
    delivery.action = {"greet",    "slack",        "post_message", {{"text", "hello"}, {"n", 1.5}},
                       "greeting", Json::object(), false,          "greet#1"};
    delivery.hops = 1;
    delivery.created = at(10);
    delivery.next_attempt = at(11);
    return delivery;
}

Timer timer_of(const std::string& about, const std::string& name, int due) {
    Timer timer;
    timer.tenant = acme;
    timer.partition = 3;
    timer.subject = subject(about);
    timer.name = name;
    timer.due = at(due);
    timer.body = {{"name", name}};
    return timer;
}

BlockedLane blocked_of(int partition, const std::string& about, const std::string& id) {
    BlockedLane lane;
    lane.tenant = acme;
    lane.subject = subject(about);
    lane.partition = partition;
    lane.reason = "rule greet: no such field";
    lane.event = EventId(id);
    lane.since = at(5);
    return lane;
}

StoredContinuation continuation_of(const std::string& id, const std::string& about) {
    StoredContinuation stored;
    stored.tenant = acme;
    stored.partition = 3;
    stored.subject = subject(about);
    stored.id = id;
    stored.continuation = {"greet", "sha256:0001", "greet#1", {"ticket"},         {1, 0, 2}, Json::object(),
                           true,    true,          at(90),    {"ticket.updated"}, true};
    stored.context = {{"event", id}};
    return stored;
}

Result<void> commit(Store& store, const Step& step) {
    return store.commit(std::span(&step, 1));
}
Result<void> commit(Store& store, const std::vector<Step>& steps) {
    return store.commit(steps);
}

std::string text_of(const Entity& entity) {
    return entity.tenant.text() + " " + entity.subject.text() + " v" + std::to_string(entity.version) + " " +
           entity.fields.dump() + " " + meta_to_json(entity).dump();
}

std::string text_of(const SeenEvent& seen) {
    return seen.key.tenant.text() + " [" + seen.key.source + "] " + seen.key.id.text() + " " + seen.stream +
           " " + std::to_string(seen.event_seq) + " " + std::to_string(seen.decision_seq) + " " +
           to_hex(bytes_of(seen.content_digest));
}

std::string text_of(const PendingEvent& pending) {
    return std::to_string(pending.partition) + "/" + std::to_string(pending.place) + " " +
           pending.event.tenant.text() + " " + envelope_of(pending.event).dump() + " " + pending.kind + " " +
           pending.context.dump() + " " + std::to_string(pending.event_seq);
}

std::string text_of(const Delivery& delivery) {
    return delivery_json(delivery).dump();
}

std::string text_of(const DeadLetter& letter) {
    return text_of(letter.delivery) + " " + letter.reason + " " + std::to_string(letter.status) + " " +
           to_text(letter.since);
}

std::string text_of(const Timer& timer) {
    return timer.tenant.text() + " " + std::to_string(timer.partition) + " " + timer.subject.text() + " " +
           timer.name + " " + to_text(timer.due) + " " + timer.body.dump();
}

std::string text_of(const BlockedLane& lane) {
    return lane.tenant.text() + " " + lane.subject.text() + " " + std::to_string(lane.partition) + " " +
           lane.reason + " " + lane.event.text() + " " + to_text(lane.since) + " waiting " +
           std::to_string(lane.waiting);
}

std::string text_of(const StoredContinuation& stored) {
    return stored.tenant.text() + " " + std::to_string(stored.partition) + " " + stored.subject.text() + " " +
           stored.id + " " + to_json(stored.continuation).dump() + " " + stored.context.dump();
}

std::string text_of(const JournalRecord& record) {
    return export_line(record).dump();
}

std::string text_of(const ApiKey& key) {
    return Json{{"id", key.id},
                {"tenant", key.tenant.text()},
                {"name", key.name},
                {"secret", to_hex(bytes_of(key.secret_digest))},
                {"scopes", key.scopes},
                {"created", to_text(key.created)},
                {"expires", optional_time(key.expires)},
                {"revoked", optional_time(key.revoked)}}
        .dump();
}

std::string text_of(const Request& request) {
    return Json{{"number", request.number},
                {"tenant", request.tenant.text()},
                {"command", request.command},
                {"arguments", request.arguments},
                {"actor", request.actor},
                {"made", to_text(request.made)},
                {"answer", request.answer ? *request.answer : Json("none")}}
        .dump();
}

std::string everything(Store& store, const std::vector<std::string>& subjects) {
    std::string out;
    const auto all = std::numeric_limits<std::size_t>::max();
    for (const auto& tenant : need(store.tenants())) {
        out += "== tenant " + tenant.text() + "\n";
        for (const auto& head : need(store.streams(tenant))) {
            out += "= " + head.stream + " " + std::to_string(head.seq) + " " + to_hex(bytes_of(head.hash)) +
                   "\n";
            add_all(out, "rows", rows_of(store, tenant, head.stream));
        }
        for (const auto& about : subjects) {
            out += about + ": " + text_of(need(store.entity(tenant, subject(about)))) + "\n";
            add_all(out, "history", need(store.history(tenant, subject(about), all)));
            add_all(out, "continuations", need(store.continuations(tenant, subject(about))));
        }
        add_all(out, "watched", need(store.watched(tenant, at(0), "", all)));
        add_all(out, "timers", need(store.timers(tenant, all)));
        add_all(out, "dead letters", need(store.dead_letters(tenant, all)));
        add_all(out, "keys", need(store.keys(tenant)));
    }
    for (int partition = 0; partition < store.info().partitions; ++partition) {
        add_all(out, "pending", need(store.pending(partition, 0, all)));
        add_all(out, "outbox", need(store.outbox(partition, 0, all)));
        const auto counters = need(store.counters(partition));
        out += std::to_string(counters.first) + " " + std::to_string(counters.second) + "\n";
    }
    add_all(out, "blocked", need(store.blocked_lanes(TenantName())));
    add_all(out, "due", need(store.next_timers(nullptr, all)));
    add_all(out, "unanswered", need(store.unanswered(all)));
    out += "outbox " + std::to_string(need(store.outbox_size())) + "\n";
    return out;
}

std::vector<JournalRecord> rows_of(Store& store, const TenantName& tenant, const std::string& stream) {
    std::vector<JournalRecord> rows;
    need(store.scan(tenant, stream, 0, [&rows](const JournalRecord& record) {
        rows.push_back(record);
        return true;
    }));
    return rows;
}

std::string faults_of(Store& store) {
    const auto report = need(verify(store, TenantName()));
    std::string text;
    for (const auto& fault : report.faults)
        text += fault.tenant.text() + " " + fault.stream + " " + std::to_string(fault.seq) + ": " +
                fault.what + "\n";
    return text;
}

}  // namespace store_tests
