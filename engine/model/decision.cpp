#include "engine/model/decision.h"

#include <array>

#include "engine/base/ensure.h"

namespace engine {
namespace {

constexpr std::array<std::pair<Outcome, std::string_view>, 5> outcome_names{
    {{Outcome::ok, "ok"},
     {Outcome::loop, "loop"},
     {Outcome::error, "error"},
     {Outcome::stale, "stale"},
     {Outcome::duplicate, "duplicate"}}};

template <class List>
Json list_of(const List& items) {
    Json list = Json::array();
    for (const auto& item : items) list.push_back(to_json(item));
    return list;
}

Json event_part(const Decision& decision, bool detail) {
    Json part{{"id", decision.event_id.text()},
              {"type", decision.event_type},
              {"subject", decision.subject.text()},
              {"time", to_text(decision.event_time)}};
    if (detail) part["source"] = decision.event_source;
    return part;
}

/// With what its delivery needs.
Json action_part(const Action& action) {
    Json json = to_json(action);
    if (!action.as.empty()) json["as"] = action.as;
    if (!action.firing.empty()) json["firing"] = action.firing;
    if (action.relaxed) json["relaxed"] = true;
    if (!action.save.empty()) json["save"] = action.save;
    return json;
}

Json placed_part(const Placed& placed) {
    Json json = Json::object();
    if (placed.first_delivery > 0) json["delivery"] = placed.first_delivery;
    if (!placed.events.empty()) json["events"] = placed.events;
    return json;
}

/// With what its event carries.
Json timer_part(const TimerChange& timer) {
    Json json = to_json(timer);
    if (timer.due) json["data"] = timer.data;
    if (!timer.firing.empty()) json["firing"] = timer.firing;
    return json;
}

Json timers_part(const std::vector<TimerChange>& timers) {
    Json list = Json::array();
    for (const auto& timer : timers) list.push_back(timer_part(timer));
    return list;
}

Json sla_part(const std::vector<SlaChange>& changes, bool detail) {
    Json list = Json::array();
    for (const auto& change : changes) {
        list.push_back(to_json(change));
        if (detail && change.emitted) list.back()["emitted"] = true;
    }
    return list;
}

Json scores_part(const std::vector<ScoreChange>& changes) {
    Json list = Json::array();
    for (const auto& change : changes) list.push_back(to_json(change));
    return list;
}

Json skipped_part(const std::vector<Skipped>& skipped) {
    Json list = Json::array();
    for (const auto& one : skipped) list.push_back({{"rule", one.rule}, {"reason", one.reason}});
    return list;
}

Json failures_part(const std::vector<RuleFailure>& failures) {
    Json list = Json::array();
    for (const auto& failure : failures) {
        list.push_back({{"rule", failure.rule},
                        {"message", failure.message},
                        {"file", failure.place.file},
                        {"line", failure.place.line}});
        if (!failure.traceback.empty()) list.back()["traceback"] = failure.traceback;
    }
    return list;
}

Json linked_part(const std::vector<LinkedVersion>& linked) {
    Json list = Json::array();
    for (const auto& link : linked)
        list.push_back({{"subject", link.subject.text()}, {"version", link.version}});
    return list;
}

void add_detail(Json& json, const Decision& decision) {
    json["now"] = to_text(decision.now);
    json["event"] = event_part(decision, true);
    for (std::size_t i = 0; i < decision.actions.size(); ++i)
        json["actions"][i] = action_part(decision.actions[i]);
    if (decision.write_back) json["write_back"] = action_part(*decision.write_back);
    json["timers"] = timers_part(decision.timers);
    if (!decision.sla.empty()) json["sla"] = sla_part(decision.sla, true);
    if (decision.sla_state) json["sla_state"] = *decision.sla_state;
    if (decision.score_state) json["score_state"] = *decision.score_state;
    if (decision.routing_state) json["routing_state"] = *decision.routing_state;
    if (decision.rate_state) json["rate_state"] = *decision.rate_state;
    if (!decision.consulted.is_null()) json["consulted"] = decision.consulted;
    if (decision.awaited) json["awaited"] = *decision.awaited;
    if (!decision.entered.empty()) json["entered"] = decision.entered;
    if (!decision.placed.empty()) json["placed"] = placed_part(decision.placed);
    if (!decision.linked.empty()) json["linked"] = linked_part(decision.linked);
    if (!decision.continuations.empty()) json["waiting"] = list_of(decision.continuations);
    if (decision.blocks_lane) json["blocks_lane"] = true;
}

template <class Items, class Write>
void write_list(CanonicalWriter& out, std::string_view name, const Items& items, Write write) {
    out.name(name);
    out.begin_list();
    for (const auto& item : items) write(item);
    out.end_list();
}

void write_texts(CanonicalWriter& out, std::string_view name, const std::vector<std::string>& texts) {
    write_list(out, name, texts, [&out](const std::string& text) { out.text(text); });
}

void write_changes(CanonicalWriter& out, std::string_view name, const std::vector<Change>& changes) {
    write_list(out, name, changes, [&out](const Change& change) {
        out.begin_object();
        out.text("field", change.field);
        out.value("from", change.from);
        if (!change.rule.empty()) out.text("rule", change.rule);
        out.value("to", change.to);
        out.end_object();
    });
}

void write_action(CanonicalWriter& out, const Action& action) {
    out.begin_object();
    out.text("action", action.action);
    if (!action.as.empty()) out.text("as", action.as);
    out.text("connection", action.connection);
    if (!action.firing.empty()) out.text("firing", action.firing);
    out.value("params", action.params);
    if (action.relaxed) out.boolean("relaxed", true);
    if (!action.rule.empty()) out.text("rule", action.rule);
    if (!action.save.empty()) out.value("save", action.save);
    out.end_object();
}

void write_event(CanonicalWriter& out, const Decision& decision) {
    out.name("event");
    out.begin_object();
    out.text("id", decision.event_id.text());
    out.text("source", decision.event_source);
    out.text("subject", decision.subject.text());
    out.text("time", to_text(decision.event_time));
    out.text("type", decision.event_type);
    out.end_object();
}

void write_linked(CanonicalWriter& out, const std::vector<LinkedVersion>& linked) {
    write_list(out, "linked", linked, [&out](const LinkedVersion& link) {
        out.begin_object();
        out.text("subject", link.subject.text());
        out.integer("version", link.version);
        out.end_object();
    });
}

// Reading back; a value that cannot be read ends it as a missing one does.

struct Unreadable {
    std::string reason;
};

template <class Value>
Value read(Result<Value> result) {
    if (!result) throw Unreadable{result.error().message};
    return *std::move(result);
}

Change change_from(const Json& json) {
    return {json.at("field").get<std::string>(), json.at("from"), json.at("to"), json.value("rule", ""), ""};
}

Action action_from(const Json& json) {
    Action action;
    action.rule = json.value("rule", "");
    action.connection = json.at("connection").get<std::string>();
    action.action = json.at("action").get<std::string>();
    action.params = json.at("params");
    action.as = json.value("as", "");
    action.save = json.value("save", Json::object());
    action.relaxed = json.value("relaxed", false);
    action.firing = json.value("firing", "");
    return action;
}

Emitted emitted_from(const Json& json) {
    return {json.at("rule").get<std::string>(), json.at("type").get<std::string>(),
            read(Subject::parse(json.at("subject").get<std::string>())), json.at("data")};
}

TimerChange timer_from(const Json& json) {
    TimerChange timer;
    timer.name = json.at("name").get<std::string>();
    timer.rule = json.value("rule", "");
    timer.firing = json.value("firing", "");
    if (!json.contains("due")) return timer;
    timer.due = read(parse_instant(json.at("due").get<std::string>()));
    timer.type = json.at("event").get<std::string>();
    timer.data = json.at("data");
    return timer;
}

SlaChange sla_change_from(const Json& json) {
    SlaChange change;
    json.at("metric").get_to(change.metric);
    json.at("policy").get_to(change.policy);
    json.at("change").get_to(change.change);
    change.at = read(parse_instant(json.at("at").get<std::string>()));
    change.used = std::chrono::seconds(json.at("used_seconds").get<std::int64_t>());
    change.target = std::chrono::seconds(json.at("target_seconds").get<std::int64_t>());
    if (json.contains("due_at")) change.due = read(parse_instant(json.at("due_at").get<std::string>()));
    change.emitted = json.value("emitted", false);
    return change;
}

ScoreChange score_change_from(const Json& json) {
    ScoreChange change;
    json.at("score").get_to(change.score);
    if (json.contains("from")) change.from = json.at("from");
    change.to = json.at("to");
    change.band_from = json.value("band_from", "");
    change.band = json.value("band", "");
    change.parts = json.at("parts");
    return change;
}

EscalationChange escalation_change_from(const Json& json) {
    EscalationChange change;
    json.at("escalation").get_to(change.escalation);
    json.at("change").get_to(change.change);
    json.at("level").get_to(change.level);
    json.at("round").get_to(change.round);
    change.at = read(parse_instant(json.at("at").get<std::string>()));
    if (json.contains("due_at")) change.due = read(parse_instant(json.at("due_at").get<std::string>()));
    change.reason = json.value("reason", "");
    if (json.contains("notified")) json.at("notified").get_to(change.notified);
    return change;
}

Routed routed_from(const Json& json) {
    Routed routed;
    json.at("rule").get_to(routed.rule);
    json.at("queue").get_to(routed.queue);
    routed.team = json.value("team", "");
    routed.agent = json.value("agent", "");
    routed.considered = json.at("considered");
    return routed;
}

Placed placed_from(const Json& json) {
    Placed placed;
    placed.first_delivery = json.value("delivery", std::uint64_t{0});
    if (json.contains("events")) json.at("events").get_to(placed.events);
    return placed;
}

}  // namespace

std::string_view name_of(Outcome outcome) {
    for (const auto& [value, name] : outcome_names)
        if (value == outcome) return name;
    ensure_failed("a known Outcome", __FILE__, __LINE__);
}

Result<Outcome> parse_outcome(std::string_view name) {
    for (const auto& [value, known] : outcome_names)
        if (known == name) return value;
    return invalid("\"" + std::string(name) + "\" is no outcome");
}

Json to_json(const Action& action) {
    Json json{{"connection", action.connection}, {"action", action.action}, {"params", action.params}};
    if (!action.rule.empty()) json["rule"] = action.rule;
    return json;
}

Json to_json(const Conflict& conflict) {
    Json json{{"field", conflict.field},
              {"rules", {conflict.first_rule, conflict.second_rule}},
              {"values", {conflict.first_value, conflict.second_value}},
              {"kept", conflict.kept.empty() ? Json(nullptr) : Json(conflict.kept)}};
    if (!conflict.tag.empty()) json["tag"] = conflict.tag;
    return json;
}

Json to_json(const Emitted& emitted) {
    return {{"rule", emitted.rule},
            {"type", emitted.type},
            {"subject", emitted.subject.text()},
            {"data", emitted.data}};
}

Json to_json(const TimerChange& timer) {
    Json json{{"name", timer.name}};
    if (timer.due)
        json.update({{"due", to_text(*timer.due)}, {"event", timer.type}});
    else
        json["cancelled"] = true;
    if (!timer.rule.empty()) json["rule"] = timer.rule;
    return json;
}

Json to_json(const SlaChange& change) {
    const auto seconds = [](Duration span) { return std::chrono::floor<std::chrono::seconds>(span).count(); };
    Json json{{"metric", change.metric},
              {"policy", change.policy},
              {"change", change.change},
              {"at", to_text(change.at)},
              {"used_seconds", seconds(change.used)},
              {"target_seconds", seconds(change.target)}};
    if (change.due) json["due_at"] = to_text(*change.due);
    return json;
}

Json to_json(const Continuation& continuation) {
    Json json{{"rule", continuation.rule},           {"ruleset", continuation.ruleset},
              {"firing", continuation.firing},       {"awaits", continuation.awaits},
              {"resume_at", continuation.resume_at}, {"results", continuation.results}};
    if (continuation.timed) json["timed"] = true;
    if (continuation.recheck) json["recheck"] = true;
    if (continuation.expires) json["expires"] = to_text(*continuation.expires);
    if (!continuation.events.empty()) json["events"] = continuation.events;
    if (continuation.came) json["came"] = true;
    return json;
}

Result<Continuation> continuation_from_json(const Json& json) {
    try {
        Continuation continuation;
        json.at("rule").get_to(continuation.rule);
        json.at("ruleset").get_to(continuation.ruleset);
        json.at("firing").get_to(continuation.firing);
        json.at("awaits").get_to(continuation.awaits);
        json.at("resume_at").get_to(continuation.resume_at);
        continuation.results = json.at("results");
        continuation.timed = json.value("timed", false);
        continuation.recheck = json.value("recheck", false);
        if (json.contains("expires"))
            continuation.expires = read(parse_instant(json.at("expires").get<std::string>()));
        if (json.contains("events")) json.at("events").get_to(continuation.events);
        continuation.came = json.value("came", false);
        return continuation;
    } catch (const Json::exception& error) {
        return Error{Code::corrupt, std::string("stored continuation: ") + error.what()};
    } catch (const Unreadable& error) {
        return Error{Code::corrupt, "stored continuation: " + error.reason};
    }
}

Json to_json(const ScoreChange& change) {
    Json json{{"score", change.score}, {"to", change.to}, {"parts", change.parts}};
    if (!change.from.is_null()) json["from"] = change.from;
    if (!change.band_from.empty()) json["band_from"] = change.band_from;
    if (!change.band.empty()) json["band"] = change.band;
    return json;
}

Json to_json(const EscalationChange& change) {
    Json json{{"escalation", change.escalation},
              {"change", change.change},
              {"level", change.level},
              {"round", change.round},
              {"at", to_text(change.at)}};
    if (change.due) json["due_at"] = to_text(*change.due);
    if (!change.reason.empty()) json["reason"] = change.reason;
    if (!change.notified.empty()) json["notified"] = change.notified;
    return json;
}

Json to_json(const Routed& routed) {
    Json json{{"rule", routed.rule}, {"queue", routed.queue}, {"considered", routed.considered}};
    if (!routed.team.empty()) json["team"] = routed.team;
    if (!routed.agent.empty()) json["agent"] = routed.agent;
    return json;
}

Json to_json(const Decision& decision, bool detail) {
    Json json{{"event", event_part(decision, false)},     {"ruleset", decision.ruleset},
              {"outcome", name_of(decision.outcome)},     {"fired", decision.fired},
              {"merged", list_of(decision.merged)},       {"changes", list_of(decision.changes)},
              {"conflicts", list_of(decision.conflicts)}, {"actions", list_of(decision.actions)},
              {"emitted", list_of(decision.emitted)},     {"timers", list_of(decision.timers)}};
    if (decision.write_back) json["write_back"] = to_json(*decision.write_back);
    if (!decision.sla.empty()) json["sla"] = sla_part(decision.sla, false);
    if (!decision.scores.empty()) json["scores"] = scores_part(decision.scores);
    if (!decision.escalations.empty()) json["escalations"] = list_of(decision.escalations);
    if (!decision.routed.empty()) json["routed"] = list_of(decision.routed);
    if (!decision.skipped.empty()) json["skipped"] = skipped_part(decision.skipped);
    if (!decision.failures.empty()) json["failures"] = failures_part(decision.failures);
    if (!decision.cycle.empty()) json["cycle"] = decision.cycle;
    if (!decision.notes.empty()) json["notes"] = decision.notes;
    if (!decision.trace.is_null()) json["trace"] = decision.trace;
    if (detail) add_detail(json, decision);
    return json;
}

Result<Decision> decision_from_json(const Json& json) {
    try {
        const auto& event = json.at("event");
        Decision decision;
        decision.event_id = EventId(event.at("id").get<std::string>());
        decision.event_source = event.at("source").get<std::string>();
        decision.event_type = event.at("type").get<std::string>();
        decision.subject = read(Subject::parse(event.at("subject").get<std::string>()));
        decision.event_time = read(parse_instant(event.at("time").get<std::string>()));
        decision.ruleset = json.at("ruleset").get<std::string>();
        decision.outcome = read(parse_outcome(json.at("outcome").get<std::string>()));
        decision.now = read(parse_instant(json.at("now").get<std::string>()));
        for (const auto& one : json.at("merged")) decision.merged.push_back(change_from(one));
        for (const auto& one : json.at("changes")) decision.changes.push_back(change_from(one));
        for (const auto& one : json.at("actions")) decision.actions.push_back(action_from(one));
        if (json.contains("write_back")) decision.write_back = action_from(json.at("write_back"));
        for (const auto& one : json.at("emitted")) decision.emitted.push_back(emitted_from(one));
        if (json.contains("sla"))
            for (const auto& one : json.at("sla")) decision.sla.push_back(sla_change_from(one));
        if (json.contains("sla_state")) decision.sla_state = json.at("sla_state");
        if (json.contains("scores"))
            for (const auto& one : json.at("scores")) decision.scores.push_back(score_change_from(one));
        if (json.contains("score_state")) decision.score_state = json.at("score_state");
        if (json.contains("escalations"))
            for (const auto& one : json.at("escalations"))
                decision.escalations.push_back(escalation_change_from(one));
        if (json.contains("routed"))
            for (const auto& one : json.at("routed")) decision.routed.push_back(routed_from(one));
        if (json.contains("routing_state")) decision.routing_state = json.at("routing_state");
        if (json.contains("rate_state")) decision.rate_state = json.at("rate_state");
        if (json.contains("consulted")) decision.consulted = json.at("consulted");
        if (json.contains("awaited")) decision.awaited = json.at("awaited");
        if (json.contains("skipped"))
            for (const auto& one : json.at("skipped"))
                decision.skipped.push_back(
                    {one.at("rule").get<std::string>(), one.at("reason").get<std::string>()});
        for (const auto& one : json.at("timers")) decision.timers.push_back(timer_from(one));
        if (json.contains("entered")) json.at("entered").get_to(decision.entered);
        if (json.contains("placed")) decision.placed = placed_from(json.at("placed"));
        if (json.contains("linked"))
            for (const auto& one : json.at("linked"))
                decision.linked.push_back({read(Subject::parse(one.at("subject").get<std::string>())),
                                           one.at("version").get<std::uint64_t>()});
        if (json.contains("waiting"))
            for (const auto& one : json.at("waiting"))
                decision.continuations.push_back(read(continuation_from_json(one)));
        decision.blocks_lane = json.contains("blocks_lane");
        return decision;
    } catch (const Json::exception& error) {
        return Error{Code::corrupt, std::string("journaled decision: ") + error.what()};
    } catch (const Unreadable& error) {
        return Error{Code::corrupt, "journaled decision: " + error.reason};
    }
}

std::string canonical_text(const Decision& decision) {
    CanonicalWriter out;
    out.begin_object();
    write_list(out, "actions", decision.actions, [&out](const Action& one) { write_action(out, one); });
    if (decision.awaited) out.value("awaited", *decision.awaited);
    if (decision.blocks_lane) out.boolean("blocks_lane", true);
    write_changes(out, "changes", decision.changes);
    // What is rare is written by way of its value.
    out.value("conflicts", list_of(decision.conflicts));
    if (!decision.consulted.is_null()) out.value("consulted", decision.consulted);
    if (!decision.cycle.empty()) write_texts(out, "cycle", decision.cycle);
    out.value("emitted", list_of(decision.emitted));
    if (!decision.entered.empty()) write_texts(out, "entered", decision.entered);
    if (!decision.escalations.empty()) out.value("escalations", list_of(decision.escalations));
    write_event(out, decision);
    if (!decision.failures.empty()) out.value("failures", failures_part(decision.failures));
    write_texts(out, "fired", decision.fired);
    if (!decision.linked.empty()) write_linked(out, decision.linked);
    write_changes(out, "merged", decision.merged);
    if (!decision.notes.empty()) write_texts(out, "notes", decision.notes);
    out.text("now", to_text(decision.now));
    out.text("outcome", name_of(decision.outcome));
    if (!decision.placed.empty()) out.value("placed", placed_part(decision.placed));
    if (decision.rate_state) out.value("rate_state", *decision.rate_state);
    if (!decision.routed.empty()) out.value("routed", list_of(decision.routed));
    if (decision.routing_state) out.value("routing_state", *decision.routing_state);
    out.text("ruleset", decision.ruleset);
    if (decision.score_state) out.value("score_state", *decision.score_state);
    if (!decision.scores.empty()) out.value("scores", scores_part(decision.scores));
    if (!decision.skipped.empty()) out.value("skipped", skipped_part(decision.skipped));
    if (!decision.sla.empty()) out.value("sla", sla_part(decision.sla, true));
    if (decision.sla_state) out.value("sla_state", *decision.sla_state);
    out.value("timers", timers_part(decision.timers));
    if (!decision.trace.is_null()) out.value("trace", decision.trace);
    if (!decision.continuations.empty()) out.value("waiting", list_of(decision.continuations));
    if (decision.write_back) {
        out.name("write_back");
        write_action(out, *decision.write_back);
    }
    out.end_object();
    return out.take();
}

}  // namespace engine
