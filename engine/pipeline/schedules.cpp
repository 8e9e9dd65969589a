#include "engine/pipeline/schedules.h"

#include <algorithm>

#include "engine/pipeline/timers.h"
#include "rules/evaluator/condition.h"
#include "rules/language/schedules.h"
#include "rules/policies/queues.h"

namespace engine {
namespace {

constexpr auto schedule_source = "signalbox:schedule";
constexpr auto begun_type = "schedule.begun";
constexpr std::string_view sweep_prefix = "sweep.";
constexpr auto next_name = "schedule:next";
constexpr auto rest_name = "schedule:rest";

const rules::Rule* scheduled_rule(const Tenant& tenant, const std::string& id) {
    const auto& all = tenant.rule_set->rules;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const rules::Rule& rule) { return rule.schedule && rule.id == id; });
    return found == all.end() ? nullptr : &*found;
}

std::string id_below(const Subject& subject) {
    return subject.text().substr(subject.kind().size() + 1);
}

std::string type_of(const rules::Rule& rule) {
    return rule.sweeps.empty() ? rules::schedule_type(rule.id) : std::string(sweep_prefix) + rule.id;
}

/// A time that is over is yet to fire, and what it becomes sets the next.
bool has_begun(const rules::Rule& rule, const std::vector<Timer>& timers, Instant now) {
    return std::any_of(timers.begin(), timers.end(), [&](const Timer& timer) {
        if (timer.subject.kind() != rules::on_schedule || id_below(timer.subject) != rule.id) return false;
        return timer.name == rest_name || timer.due <= now ||
               (timer.due == rules::next_time(rule, now) &&
                text_or(timer.body, "event", "") == type_of(rule));
    });
}

Event begun(const Tenant& tenant, const Subject& subject, Instant now) {
    Event event;
    event.tenant = tenant.name;
    event.id = EventId(subject.text() + "@" + to_text(now) + " " + tenant.rule_set->version);
    event.source = schedule_source;
    event.type = begun_type;
    event.subject = subject;
    event.data = Json::object();
    event.received = now;
    event.actor = "engine";
    return event;
}

void set(Decision& decision, const char* name, Instant due, const rules::Rule& rule, Json data) {
    decision.timers.push_back({name, due, rule.id, type_of(rule), std::move(data), ""});
}

}  // namespace

std::vector<Event> schedules_to_begin(const Tenant& tenant, const std::vector<Timer>& timers, Instant now) {
    std::vector<Event> events;
    for (const auto& rule : tenant.rule_set->rules) {
        if (!rule.schedule || has_begun(rule, timers, now)) continue;
        if (const auto subject = schedule_lane(rule)) events.push_back(begun(tenant, *subject, now));
    }
    return events;
}

std::optional<Subject> schedule_lane(const rules::Rule& rule) {
    const auto subject = Subject::parse(std::string(rules::on_schedule) + "/" + rule.id);
    return subject ? std::optional(*subject) : std::nullopt;
}

bool begins_schedule(const Event& event) {
    return event.source == schedule_source;
}

bool is_of_schedule(const Timer& timer) {
    return timer.name == next_name || timer.name == rest_name;
}

bool recurs(const Timer& timer) {
    const auto* again = find(timer.body, "data.routing.again");
    return is_of_schedule(timer) || (timer.name == rules::routing_timer_name && again != nullptr);
}

bool is_only_for_schedule(const Event& event) {
    return begins_schedule(event) || (was_timer(event) && event.type.starts_with(sweep_prefix) &&
                                      event.subject.kind() == rules::on_schedule);
}

void follow_schedule(const Tenant& tenant, const Event& event, Decision& decision) {
    if (event.subject.kind() != rules::on_schedule) return;
    const auto name = was_timer(event) ? name_of_timer(event) : "";
    if (!begins_schedule(event) && name != next_name && name != rest_name) return;
    const auto* rule = scheduled_rule(tenant, id_below(event.subject));
    if (rule == nullptr) return;
    if (const auto* found = find(event.data, "sweep.found"); found != nullptr && found->is_array())
        for (const auto& one : *found)
            if (const auto subject = Subject::parse(one.get<std::string>()))
                decision.emitted.push_back(
                    {rule->id, rules::schedule_type(rule->id), *subject, Json::object()});
    const auto after = text_or(event.data, "sweep.after", "");
    if (!after.empty() && !rule->sweeps.empty())
        return set(decision, rest_name, decision.now, *rule, Json{{"sweep", {{"after", after}}}});
    // However many times are over, one comes for all of them.
    if (const auto next = rules::next_time(*rule, decision.now))
        set(decision, next_name, *next, *rule, Json::object());
}

bool is_sweep(const Timer& timer) {
    return is_of_schedule(timer) && text_or(timer.body, "event", "").starts_with(sweep_prefix);
}

Result<void> sweep(const Tenant& tenant, Store& store, std::size_t entities_max, Event& event) {
    const auto* rule = scheduled_rule(tenant, id_below(event.subject));
    if (rule == nullptr || rule->sweeps.empty()) return {};
    const auto after = text_or(event.data, "sweep.after", "");
    const auto entities = store.entities(tenant.name, rule->sweeps, after, entities_max);
    if (!entities) return entities.error();
    Json found = Json::array();
    for (const auto& entity : *entities) {
        if (entity.deleted) continue;
        rules::Scope scope;
        scope.now = event.received;
        scope.set(entity.subject.kind(), &entity.fields);
        if (rules::holds_if_known(rule->when, scope).value_or(true)) found.push_back(entity.subject.text());
    }
    event.data["sweep"] = Json{{"found", std::move(found)}};
    if (entities->size() == entities_max) event.data["sweep"]["after"] = entities->back().subject.text();
    return {};
}

}  // namespace engine
