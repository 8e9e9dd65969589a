/// What operators see and do: dead letters, blocked lanes, timers, rules, and trying an event out.

#include <utility>

#include "engine/http/handlers.h"
#include "engine/http/page.h"
#include "engine/http/problem.h"
#include "engine/pipeline/timers.h"
#include "rules/rule_set.h"

namespace engine::http {
namespace {

ListItem item_of(const DeadLetter& letter) {
    const auto& delivery = letter.delivery;
    return {sortable(microseconds_of(letter.since)) + ' ' + delivery.key.text(),
            Json{{"key", delivery.key.text()},
                 {"subject", delivery.lane.text()},
                 {"event", delivery.event.text()},
                 {"ruleset", delivery.ruleset},
                 {"action", to_json(delivery.action)},
                 {"attempts", delivery.attempts},
                 {"status", letter.status},
                 {"reason", letter.reason},
                 {"created", to_text(delivery.created)},
                 {"since", to_text(letter.since)}}};
}

ListItem item_of(const BlockedLane& lane) {
    return {lane.subject.text(), Json{{"subject", lane.subject.text()},
                                      {"event", lane.event.text()},
                                      {"reason", lane.reason},
                                      {"since", to_text(lane.since)},
                                      {"waiting", lane.waiting}}};
}

ListItem item_of(const Timer& timer) {
    return {sortable(microseconds_of(timer.due)) + ' ' + timer.subject.text() + ' ' + timer.name,
            describe(timer)};
}

template <class Values>
Response list_of(const Result<Values>& values, const std::string& name, PageRequest page) {
    if (!values) return to_response(values.error());
    std::vector<ListItem> items;
    for (const auto& value : *values) items.push_back(item_of(value));
    return list_response(std::move(page), name, std::move(items));
}

/// Answers a list that `read` takes from the store.
template <class Read>
void answer_list(Context& context, const Request& request, const Visit& visit, const std::string& name,
                 Read read, Respond respond) {
    const auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, page = *page, name, read](Store& store) {
            return list_of(read(store, tenant), name, page);
        });
}

void perform(Context& context, const Visit& visit, const std::string& command, Json arguments,
             Respond respond) {
    engine::Request request;
    request.tenant = visit.tenant->name;
    request.command = command;
    request.arguments = std::move(arguments);
    request.actor = "key:" + visit.key_id;
    request.made = context.clock.now();
    context.door.perform(std::move(request), [respond = std::move(respond)](const Result<Json>& answer) {
        respond(answer ? json_response(200, *answer) : to_response(answer.error()));
    });
}

std::string_view name_of(rules::OnError on_error) {
    switch (on_error) {
        case rules::OnError::rule:
            return "rule";
        case rules::OnError::event:
            return "event";
        case rules::OnError::lane:
            return "lane";
    }
    return "";
}

Json json_of(const rules::Rule& rule) {
    Json json{{"id", rule.id},           {"description", rule.description},
              {"on", rule.on},           {"order", rule.order},
              {"stop", rule.stop},       {"repeat", rule.repeat},
              {"file", rule.place.file}, {"line", rule.place.line}};
    if (!rule.group.empty()) json["group"] = rule.group;
    if (rule.on_error) json["on_error"] = name_of(*rule.on_error);
    return json;
}

/// The body of a release: `{"mode": "retry" | "discard"}`.
Result<std::string> release_mode(std::string_view body) {
    const auto json = parse_json(body);
    if (!json) return json.error();
    const auto mode = text_or(*json, "mode", "");
    if (mode != "retry" && mode != "discard") return invalid("\"mode\" is \"retry\" or \"discard\"");
    return mode;
}

}  // namespace

void get_dead_letters(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto read = [](Store& store, const TenantName& tenant) {
        return store.dead_letters(tenant, list_items_max);
    };
    answer_list(context, request, visit, "dead_letters", read, std::move(respond));
}

void post_dead_letter_retry(Context& context, const Request&, const Visit& visit, Respond respond) {
    perform(context, visit, "dead-letters.retry", Json{{"key", visit.parameters.at(1)}}, std::move(respond));
}

void post_dead_letter_discard(Context& context, const Request&, const Visit& visit, Respond respond) {
    perform(context, visit, "dead-letters.discard", Json{{"key", visit.parameters.at(1)}},
            std::move(respond));
}

void get_lanes(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto read = [](Store& store, const TenantName& tenant) { return store.blocked_lanes(tenant); };
    answer_list(context, request, visit, "lanes", read, std::move(respond));
}

void post_lane_release(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto mode = release_mode(request.body);
    if (!mode) return respond(to_response(mode.error()));
    const auto subject = visit.parameters.at(1) + "/" + visit.parameters.at(2);
    perform(context, visit, "lanes.release", Json{{"subject", subject}, {"mode", *mode}}, std::move(respond));
}

void get_timers(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto read = [](Store& store, const TenantName& tenant) {
        return store.timers(tenant, list_items_max);
    };
    answer_list(context, request, visit, "timers", read, std::move(respond));
}

void get_rules(Context&, const Request&, const Visit& visit, Respond respond) {
    Json list = Json::array();
    for (const auto& rule : visit.tenant->rule_set->rules) list.push_back(json_of(rule));
    respond(
        json_response(200, Json{{"version", visit.tenant->rule_set->version}, {"rules", std::move(list)}}));
}

void post_dry_run(Context& context, const Request& request, const Visit& visit, Respond respond) {
    auto body = parse_json(request.body);
    if (!body) return respond(to_response(body.error()));
    if (!body->is_object() || !body->contains("event"))
        return respond(to_response(invalid("the body is an object with an \"event\"")));
    // Rules may take a while: on the reading thread they hold nobody up who brings events.
    ask(context.door, std::move(respond),
        [&door = context.door, tenant = visit.tenant, body = *std::move(body)](Store& store) {
            const auto decision = door.dry_run(*tenant, body, store);
            return decision ? json_response(200, *decision) : to_response(decision.error());
        });
}

}  // namespace engine::http
