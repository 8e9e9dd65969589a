/// Who is told, who is on call, and who has what to do: escalations, on-call schedules, the desk.

#include "rules/policies/routing.h"

#include <algorithm>
#include <utility>

#include "engine/http/handlers.h"
#include "engine/http/page.h"
#include "engine/http/problem.h"
#include "engine/pipeline/desk_view.h"
#include "engine/pipeline/escalation_audit.h"
#include "rules/rule_set.h"

namespace engine::http {
namespace {

Response no_such(const std::string& what) {
    return to_response(Problem{404, "not-found", "there is no " + what});
}

// ---- escalations

std::string cursor_of(const EscalationStand& stand) {
    return stand.subject.text() + ' ' + stand.escalation;
}

/// The page begins behind the cursor.
Result<void> go_on_after(const std::string& cursor, EscalationQuery& query) {
    if (cursor.empty()) return {};
    const auto space = cursor.rfind(' ');
    auto subject = Subject::parse(cursor.substr(0, space));
    if (space == std::string::npos || !subject)
        return invalid("the parameter \"after\" is no cursor of this list");
    query.after_subject = *std::move(subject);
    query.after_escalation = cursor.substr(space + 1);
    return {};
}

Result<EscalationQuery> escalation_query(const PageRequest& page) {
    EscalationQuery query;
    query.kind = page.query.get("kind").value_or("");
    query.escalation = page.query.get("escalation").value_or("");
    // One more says that there is another page.
    query.max = page.limit + 1;
    if (const auto text = page.query.get("state")) {
        const auto state = parse_escalation_state(*text);
        if (!state) return invalid("the parameter \"state\": " + state.error().message);
        query.state = *state;
    }
    if (auto begun = go_on_after(page.after, query); !begun) return begun.error();
    return query;
}

Response escalation_page(Store& store, const TenantName& tenant, Instant now, const EscalationQuery& query,
                         PageRequest page) {
    auto stands = escalations_of(store, tenant, now, query);
    if (!stands) return to_response(stands.error());
    const bool more = stands->size() > page.limit;
    if (more) stands->pop_back();
    Json list = Json::array();
    for (const auto& stand : *stands) list.push_back(describe(stand));
    return page_response(std::move(page), Json{{"escalations", std::move(list)}},
                         more ? cursor_of(stands->back()) : "");
}

void answer_escalations(Context& context, const Request& request, const Visit& visit, bool only_faults,
                        Respond respond) {
    const auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    auto query = escalation_query(*page);
    if (!query) return respond(to_response(query.error()));
    query->only_faults = only_faults;
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, now = context.clock.now(), query = *std::move(query),
         page = *page](Store& store) { return escalation_page(store, tenant, now, query, page); });
}

Response escalations_of_one(Store& store, const TenantName& tenant, Instant now, const Subject& subject) {
    const auto entity = store.entity(tenant, subject);
    if (!entity) return to_response(entity.error());
    if (!*entity || !(*entity)->known()) return no_such("entity " + subject.text());
    EscalationQuery query;
    query.subject = subject;
    const auto stands = escalations_of(store, tenant, now, query);
    if (!stands) return to_response(stands.error());
    Json list = Json::array();
    for (const auto& stand : *stands) list.push_back(describe(stand));
    return json_response(200, Json{{"escalations", std::move(list)}});
}

// ---- who is on call

struct OnCallQuestion {
    Instant from{};
    std::optional<Duration> span;  ///< every shift in it; nothing = who is on call then
    std::string schedule;          ///< empty = every one
};

Result<OnCallQuestion> on_call_question(const Query& query, Instant now) {
    OnCallQuestion question{now, {}, query.get("schedule").value_or("")};
    if (const auto at = query.get("at")) {
        const auto from = parse_instant(*at);
        if (!from) return invalid("the parameter \"at\": " + from.error().message);
        question.from = *from;
    }
    if (const auto text = query.get("for")) {
        const auto span = parse_duration(*text);
        if (!span) return invalid("the parameter \"for\": " + span.error().message);
        if (*span > rules::on_call_listed)
            return invalid("the parameter \"for\": five years are the most that is listed");
        question.span = *span;
    }
    return question;
}

std::vector<rules::OnCallShift> shifts_of(const rules::OnCallSchedule& schedule,
                                          const OnCallQuestion& question) {
    if (!question.span) return {on_call_at(schedule, question.from)};
    return shifts_between(schedule, question.from, question.from + *question.span, list_items_max);
}

/// In the order of routing.yaml, then of time.
std::vector<ListItem> shifts_asked_for(const rules::Routing& routing, const OnCallQuestion& question) {
    std::vector<ListItem> items;
    for (std::size_t number = 0; number < routing.on_call.size(); ++number) {
        const auto& schedule = routing.on_call[number];
        if (!question.schedule.empty() && schedule.id != question.schedule) continue;
        for (const auto& shift : shifts_of(schedule, question)) {
            if (items.size() >= list_items_max) return items;
            items.push_back(
                {sortable(number) + ' ' + sortable(microseconds_of(shift.from)), describe(schedule, shift)});
        }
    }
    return items;
}

bool has_schedule(const rules::Routing* routing, const std::string& id) {
    return routing != nullptr && std::any_of(routing->on_call.begin(), routing->on_call.end(),
                                             [&](const auto& schedule) { return schedule.id == id; });
}

// ---- the desk

using DeskList = std::function<Response(const DeskView&, PageRequest)>;

void answer_desk(Context& context, const Request& request, const Visit& visit, DeskList list,
                 Respond respond) {
    const auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant, now = context.clock.now(), page = *page,
         list = std::move(list)](Store& store) {
            const auto desk = desk_of(store, tenant->name, tenant->rule_set->routing.get(), now);
            return desk ? list(*desk, page) : to_response(desk.error());
        });
}

template <class Part>
const Part* part_named(const std::vector<Part>& parts, const std::string& id) {
    const auto found =
        std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.id == id; });
    return found == parts.end() ? nullptr : &*found;
}

Response open_work_of(const DeskView& desk, const std::string& id, PageRequest page) {
    const auto* agent = part_named(desk.agents, id);
    if (agent == nullptr) return no_such("agent " + id);
    std::vector<ListItem> items;
    for (const auto& item : agent->open) items.push_back({item.subject, describe_open(item)});
    return list_response(std::move(page), "open", std::move(items));
}

Response waiting_in(const DeskView& desk, const std::string& id, PageRequest page) {
    const auto* queue = part_named(desk.queues, id);
    if (queue == nullptr) return no_such("queue " + id);
    std::vector<ListItem> items;
    for (const auto& item : queue->waiting) {
        const auto& place = item.place;
        items.push_back({(place.held ? "1 " : "0 ") + sortable(place.rank) + ' ' +
                             sortable(microseconds_of(*place.waits)) + ' ' + item.subject,
                         describe_waiting(item)});
    }
    return list_response(std::move(page), "waiting", std::move(items));
}

}  // namespace

void get_escalations(Context& context, const Request& request, const Visit& visit, Respond respond) {
    answer_escalations(context, request, visit, false, std::move(respond));
}

void get_escalation_audit(Context& context, const Request& request, const Visit& visit, Respond respond) {
    answer_escalations(context, request, visit, true, std::move(respond));
}

void get_escalations_of_entity(Context& context, const Request&, const Visit& visit, Respond respond) {
    const auto subject = Subject::parse(visit.parameters.at(1) + "/" + visit.parameters.at(2));
    if (!subject) return respond(to_response(subject.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, now = context.clock.now(), subject = *subject](Store& store) {
            return escalations_of_one(store, tenant, now, subject);
        });
}

void get_on_call(Context& context, const Request& request, const Visit& visit, Respond respond) {
    auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    const auto question = on_call_question(page->query, context.clock.now());
    if (!question) return respond(to_response(question.error()));
    const auto* routing = visit.tenant->rule_set->routing.get();
    if (!question->schedule.empty() && !has_schedule(routing, question->schedule))
        return respond(no_such("on-call schedule " + question->schedule));
    // The pages after this one are of the same instant.
    page->query.set("at", to_text(question->from));
    respond(
        list_response(*std::move(page), "on_call",
                      routing == nullptr ? std::vector<ListItem>() : shifts_asked_for(*routing, *question)));
}

void get_desk(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto whole = [](const DeskView& desk, const PageRequest& page) {
        return json_response(200, describe(desk, page.limit));
    };
    answer_desk(context, request, visit, whole, std::move(respond));
}

void get_desk_agent(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto list = [id = visit.parameters.at(1)](const DeskView& desk, PageRequest page) {
        return open_work_of(desk, id, std::move(page));
    };
    answer_desk(context, request, visit, list, std::move(respond));
}

void get_desk_queue(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto list = [id = visit.parameters.at(1)](const DeskView& desk, PageRequest page) {
        return waiting_in(desk, id, std::move(page));
    };
    answer_desk(context, request, visit, list, std::move(respond));
}

}  // namespace engine::http
