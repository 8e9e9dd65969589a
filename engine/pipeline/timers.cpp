#include "engine/pipeline/timers.h"

#include "engine/base/hash.h"
#include "engine/pipeline/derived.h"
#include "engine/pipeline/schedules.h"

namespace engine {
namespace {

constexpr auto timer_source = "signalbox:timer";
constexpr std::string_view wait_prefix = "wait:";
/// A timer that took that long is no part of a loop that has to be stopped.
constexpr Duration hops_forgotten_after = std::chrono::minutes(1);

Timer row_of(const Event& event, const TimerChange& change, int partition) {
    Timer timer;
    timer.tenant = event.tenant;
    timer.partition = partition;
    timer.subject = event.subject;
    timer.name = change.name;
    return timer;
}

Json body_of(const Event& event, const TimerChange& change, int breadth, Instant now) {
    Json body{{"event", change.type},  {"data", change.data},    {"set", to_text(now)},
              {"by", event.id.text()}, {"source", event.source}, {"hops", event.hops}};
    if (breadth > 1) body["breadth"] = breadth;
    if (!change.rule.empty()) body["rule"] = change.rule;
    if (!event.connection.empty()) body["connection"] = event.connection;
    return body;
}

/// Of one timer always the same, of two never.
std::string id_of(const Timer& timer) {
    const std::string_view nul("\0", 1);
    const auto due = std::to_string(microseconds_of(timer.due));
    const auto by = text_or(timer.body, "by", ""), source = text_or(timer.body, "source", "");
    const auto digest = sha256(
        {timer.tenant.text(), nul, timer.subject.text(), nul, timer.name, nul, due, nul, source, nul, by});
    return to_hex(bytes_of(digest).substr(0, 16));
}

int hops_of(const Timer& timer) {
    // Those of scores go on in time by themselves, and come to an end.
    if (is_of_schedule(timer) || timer.name.starts_with("score:") || timer.name.starts_with("escalation:") ||
        timer.name.starts_with("routing:"))
        return 0;
    const auto set = parse_instant(text_or(timer.body, "set", ""));
    if (set && timer.due - *set >= hops_forgotten_after) return 0;
    const auto* hops = find(timer.body, "hops");
    return hops != nullptr && hops->is_number_integer() ? hops->get<int>() + 1 : 1;
}

/// A chain that is no loop any more is none that branches either.
int breadth_of(const Timer& timer, int hops) {
    const auto* breadth = find(timer.body, "breadth");
    return hops > 0 && breadth != nullptr && breadth->is_number_integer() ? breadth->get<int>() : 1;
}

}  // namespace

std::string wait_name(std::string_view continuation_id) {
    return std::string(wait_prefix) + std::string(continuation_id);
}

std::string_view continuation_of_wait(std::string_view timer_name) {
    return timer_name.starts_with(wait_prefix) ? timer_name.substr(wait_prefix.size()) : "";
}

void name_waits(const Event& event, Decision& decision) {
    for (auto& timer : decision.timers)
        if (!timer.firing.empty()) timer.name = wait_name(continuation_id(event, timer.firing));
}

TimerRows timer_rows(const Event& event, const Decision& decision, int partition) {
    TimerRows rows;
    const auto breadth = breadth_after(event, decision);
    for (const auto& change : decision.timers) {
        auto timer = row_of(event, change, partition);
        if (!change.due) {
            rows.removed.push_back(std::move(timer));
            continue;
        }
        timer.due = *change.due;
        timer.body = body_of(event, change, breadth, decision.now);
        rows.set.push_back(std::move(timer));
    }
    return rows;
}

Event fired_event(const Timer& timer, Instant now) {
    Event event;
    event.tenant = timer.tenant;
    event.id = EventId(id_of(timer));
    event.source = timer_source;
    event.type = text_or(timer.body, "event", "timer.fired");
    event.subject = timer.subject;
    event.received = now;
    event.connection = text_or(timer.body, "connection", "");
    event.actor = "timer:" + timer.name;
    event.hops = hops_of(timer);
    event.breadth = breadth_of(timer, event.hops);
    event.cause = EventId(text_or(timer.body, "by", ""));
    if (const auto* data = find(timer.body, "data"); data != nullptr && data->is_object()) event.data = *data;
    auto& about = event.data["timer"] = Json{{"name", timer.name}, {"due", to_text(timer.due)}};
    const auto late = std::chrono::floor<std::chrono::seconds>(now - timer.due).count();
    if (late > 0) about["late_seconds"] = late;
    return event;
}

bool was_timer(const Event& event) {
    return event.source == timer_source && event.id.text().find('~') == std::string::npos;
}

bool is_rest_of_wait(const Event& event) {
    return event.source == timer_source && !continuation_of_wait(name_of_timer(event)).empty();
}

std::string name_of_timer(const Event& event) {
    return text_or(event.data, "timer.name", "");
}

bool awaited_event_came(const Event& event) {
    return event.data.contains("came");
}

std::string rule_of(const Timer& timer) {
    return text_or(timer.body, "rule", "");
}

Json describe(const Timer& timer) {
    return {{"subject", timer.subject.text()},
            {"name", timer.name},
            {"due", to_text(timer.due)},
            {"event", text_or(timer.body, "event", "")},
            {"rule", rule_of(timer)}};
}

}  // namespace engine
