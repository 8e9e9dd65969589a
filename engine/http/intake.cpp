/// The ways in for events: vendors' webhooks and the events API. Both answer after the commit.

#include <algorithm>
#include <utility>

#include "connectors/kit/definition.h"
#include "engine/base/log.h"
#include "engine/http/cloud_events.h"
#include "engine/http/handlers.h"
#include "engine/http/problem.h"
#include "engine/pipeline/connector_functions.h"

namespace engine::http {
namespace {

using connectors::Intake;
using connectors::RefusedItem;

connectors::InboundMessage message_of(const Request& request, Instant received) {
    connectors::InboundMessage message;
    message.method = request.head.method;
    message.target = request.head.target;
    message.headers.reserve(request.head.headers.size());
    for (const auto& [name, value] : request.head.headers) message.headers.emplace_back(name, value);
    message.body = request.body;
    message.peer = request.peer;
    message.received = received;
    return message;
}

Response refusal_of(const Error& error) {
    if (error.code != Code::denied) return to_response(error);
    auto response = to_response(Problem{401, "unverified", error.message});
    response.headers.emplace_back("WWW-Authenticate", "Signature");
    return response;
}

/// The answer when nothing could be kept; nothing when every event is in the journal.
std::optional<Response> not_kept(const std::vector<Ack>& acks) {
    for (const auto& ack : acks) {
        if (ack.kind == Ack::Kind::overloaded)
            return to_response(Problem{503, "overloaded", "too many events wait; send the same again"});
        if (ack.kind == Ack::Kind::unavailable)
            return to_response(Problem{503, "unavailable", "the store is away; send the same again"});
    }
    return {};
}

Response challenge_answer(std::string text) {
    Response response;
    response.content_type = text.starts_with('{') ? "application/json" : "text/plain; charset=utf-8";
    response.body = std::move(text);
    return response;
}

struct BatchCount {
    std::size_t created = 0;
    std::vector<RefusedItem> failed;
};

/// 400 when nothing of a batch could be taken, so that nobody takes it for delivered.
Response batch_answer(BatchCount count) {
    std::sort(count.failed.begin(), count.failed.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    Json body{
        {"created_count", count.created}, {"failed_count", count.failed.size()}, {"failed", Json::array()}};
    Problem problem{400, "invalid-input", "no item of the batch could be taken"};
    for (const auto& item : count.failed) {
        body["failed"].push_back({{"index", item.index}, {"reason", item.reason}});
        problem.errors.push_back({"/" + std::to_string(item.index), item.reason});
    }
    if (count.created > 0 || count.failed.empty()) return json_response(200, body);
    problem.members = std::move(body);
    return to_response(problem);
}

/// The same for an event that is new, known or clashing: a vendor that got an error would only send it again.
/// Items of the body that were refused are named, if there are any.
Response hook_answer(const std::vector<Ack>& acks, const std::vector<RefusedItem>& refused) {
    Json body{{"status", "accepted"}, {"ids", Json::array()}};
    for (const auto& ack : acks) body["ids"].push_back(ack.id.text());
    for (const auto& item : refused)
        body["failed"].push_back({{"index", item.index}, {"reason", item.reason}});
    return json_response(200, body);
}

Response hook_batch_answer(const std::vector<Ack>& acks, const std::vector<std::size_t>& items,
                           std::vector<RefusedItem> refused) {
    BatchCount count{0, std::move(refused)};
    for (std::size_t i = 0; i < acks.size(); ++i) {
        const auto index = i < items.size() ? items[i] : i;
        if (acks[i].kind == Ack::Kind::clash)
            count.failed.push_back({index, "the id is known with another content: " + acks[i].detail});
        else
            ++count.created;
    }
    return batch_answer(std::move(count));
}

Response no_event_answer(Intake intake) {
    if (intake.challenge) return challenge_answer(std::move(*intake.challenge));
    if (intake.batch) return batch_answer({0, std::move(intake.refused)});
    if (!intake.refused.empty()) return to_response(invalid(intake.refused.front().reason));
    return json_response(200, Json{{"ignored", intake.ignored}});
}

void submit_hook(EngineDoor& door, Intake intake, Respond respond) {
    auto done = [batch = intake.batch, items = std::move(intake.items), refused = std::move(intake.refused),
                 respond = std::move(respond)](const std::vector<Ack>& acks) {
        if (auto failure = not_kept(acks)) return respond(std::move(*failure));
        respond(batch ? hook_batch_answer(acks, items, refused) : hook_answer(acks, refused));
    };
    door.submit(std::move(intake.events), std::move(done));
}

/// `pointer` is where the event stands in the body.
Problem problem_of(const Error& error, std::string pointer) {
    Problem problem{400, "invalid-event", error.message};
    problem.errors.push_back({std::move(pointer), error.message});
    return problem;
}

Response single_answer(const Ack& ack) {
    switch (ack.kind) {
        case Ack::Kind::accepted:
            return json_response(202, Json{{"id", ack.id.text()}, {"status", "accepted"}});
        case Ack::Kind::clash:
            return to_response(Problem{
                409, "clash",
                "the event " + ack.id.text() + " is known with another content; the first one stands"});
        default:
            return json_response(200, Json{{"id", ack.id.text()}, {"status", "duplicate"}});
    }
}

std::string_view status_of(Ack::Kind kind) {
    if (kind == Ack::Kind::accepted) return "accepted";
    return kind == Ack::Kind::clash ? "clash" : "duplicate";
}

/// What is said about each item of a batch, in its order; items that wait for their Ack are null.
struct BatchResults {
    Json items = Json::array();
    bool refused = false;  ///< at least one item was
};

Response events_answer(BatchResults results, const std::vector<Ack>& acks) {
    bool accepted = false;
    auto ack = acks.begin();
    for (auto& item : results.items) {
        if (!item.is_null() || ack == acks.end()) continue;
        item = Json{{"id", ack->id.text()}, {"status", status_of(ack->kind)}};
        accepted = accepted || ack->kind == Ack::Kind::accepted;
        results.refused = results.refused || ack->kind == Ack::Kind::clash;
        ++ack;
    }
    const int status = results.refused ? 207 : accepted ? 202 : 200;
    return json_response(status, Json{{"results", std::move(results.items)}});
}

Response nothing_valid(const std::vector<EventItem>& items) {
    Problem problem{400, "invalid-event", "no event of the batch can be read"};
    for (std::size_t i = 0; i < items.size(); ++i)
        problem.errors.push_back({"/" + std::to_string(i), items[i].event.error().message});
    return to_response(problem);
}

void submit_batch(EngineDoor& door, std::vector<EventItem> items, Respond respond) {
    std::vector<Event> events;
    BatchResults results;
    for (auto& item : items) {
        results.items.push_back(nullptr);
        if (item.event) {
            events.push_back(*std::move(item.event));
            continue;
        }
        results.items.back() =
            Json{{"id", item.id}, {"status", "invalid"}, {"detail", item.event.error().message}};
        results.refused = true;
    }
    if (events.empty()) return respond(items.empty() ? events_answer({}, {}) : nothing_valid(items));
    door.submit(std::move(events),
                [results = std::move(results), respond = std::move(respond)](const std::vector<Ack>& acks) {
                    if (auto failure = not_kept(acks)) return respond(std::move(*failure));
                    respond(events_answer(results, acks));
                });
}

void submit_single(EngineDoor& door, EventItem item, Respond respond) {
    if (!item.event) return respond(to_response(problem_of(item.event.error(), "")));
    std::vector<Event> events;
    events.push_back(*std::move(item.event));
    door.submit(std::move(events), [respond = std::move(respond)](const std::vector<Ack>& acks) {
        if (auto failure = not_kept(acks)) return respond(std::move(*failure));
        respond(single_answer(acks.at(0)));
    });
}

void take_hook(EngineDoor& door, const Tenant& tenant, const connectors::Connection& connection,
               const connectors::InboundMessage& message, connectors::Functions* functions, Respond respond) {
    auto intake = connectors::receive(connection, message, functions);
    if (!intake) return respond(refusal_of(intake.error()));
    if (intake->events.empty()) return respond(no_event_answer(*std::move(intake)));
    for (auto& event : intake->events) {
        event.tenant = tenant.name;
        event.received = message.received;
    }
    submit_hook(door, *std::move(intake), std::move(respond));
}

}  // namespace

void post_hook(Context& context, const Request& request, const Visit& visit, Respond respond) {
    auto message = message_of(request, context.clock.now());
    if (connectors::functions_of(*visit.connection->connector).empty())
        return take_hook(context.door, *visit.tenant, *visit.connection, message, nullptr,
                         std::move(respond));
    // Only those who may send webhooks get so far that scripts run for them.
    if (const auto proved = connectors::prove(*visit.connection, message); !proved)
        return respond(refusal_of(proved.error()));
    IntakeWork work{visit.tenant->name, {}, respond, request.given_up};
    work.read = [&door = context.door, deadline = context.intake_script_deadline, tenant = visit.tenant,
                 connection = visit.connection, message = std::move(message), respond = std::move(respond)] {
        ConnectorFunctions functions(tenant, deadline);
        take_hook(door, *tenant, *connection, message, &functions, respond);
        if (functions.refused() > 0)
            log_warn("functions of a webhook took too long: some were not called",
                     {{"tenant", tenant->name.text()},
                      {"connection", connection->name},
                      {"not_called", functions.refused()}});
    };
    context.intake_threads.post(std::move(work), context.door.serves_several());
}

void get_hook(Context&, const Request&, const Visit& visit, Respond respond) {
    const auto& connection = *visit.connection;
    Json document{{"connection", connection.name}, {"status", "ready"}, {"sandbox", connection.sandbox}};
    Json events = Json::array();
    if (connection.connector) {
        document["connector"] = connection.connector->name;
        document["title"] = connection.connector->title;
        if (connection.connector->webhook)
            for (const auto& event : connection.connector->webhook->events)
                events.push_back(
                    {{"type", event.type ? event.type->text() : ""}, {"description", event.description}});
    }
    document["events"] = std::move(events);
    respond(json_response(200, document));
}

void post_events(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto mode = event_mode(request.head);
    if (!mode)
        return respond(
            to_response(Problem{415, "unsupported-media-type",
                                "send application/cloudevents+json, application/cloudevents-batch+json, or "
                                "JSON with ce- headers"}));
    auto items =
        read_events(*mode, request, visit.tenant->name, context.clock.now(), context.batch_events_max);
    if (!items) return respond(to_response(items.error()));
    if (*mode == EventMode::batch) return submit_batch(context.door, *std::move(items), std::move(respond));
    submit_single(context.door, std::move(items->front()), std::move(respond));
}

}  // namespace engine::http
