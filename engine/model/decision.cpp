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

Json event_part(const Decision& decision) {
    return {{"id", decision.event_id.text()},
            {"type", decision.event_type},
            {"subject", decision.subject.text()},
            {"time", to_text(decision.event_time)}};
}

Json failures_part(const std::vector<RuleFailure>& failures) {
    Json list = Json::array();
    for (const auto& failure : failures)
        list.push_back({{"rule", failure.rule},
                        {"message", failure.message},
                        {"file", failure.place.file},
                        {"line", failure.place.line}});
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
    if (!decision.linked.empty()) json["linked"] = linked_part(decision.linked);
    if (!decision.continuations.empty()) json["waiting"] = list_of(decision.continuations);
    if (decision.blocks_lane) json["blocks_lane"] = true;
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

Json to_json(const Continuation& continuation) {
    return {{"rule", continuation.rule},           {"ruleset", continuation.ruleset},
            {"firing", continuation.firing},       {"awaits", continuation.awaits},
            {"resume_at", continuation.resume_at}, {"results", continuation.results}};
}

Result<Continuation> continuation_from_json(const Json& json) {
    try {
        return Continuation{
            json.at("rule").get<std::string>(),           json.at("ruleset").get<std::string>(),
            json.at("firing").get<std::string>(),         json.at("awaits").get<std::vector<std::string>>(),
            json.at("resume_at").get<std::vector<int>>(), json.at("results")};
    } catch (const Json::exception& error) {
        return Error{Code::corrupt, std::string("stored continuation: ") + error.what()};
    }
}

Json to_json(const Decision& decision, bool detail) {
    Json json{{"event", event_part(decision)},
              {"ruleset", decision.ruleset},
              {"outcome", name_of(decision.outcome)},
              {"fired", decision.fired},
              {"merged", list_of(decision.merged)},
              {"changes", list_of(decision.changes)},
              {"conflicts", list_of(decision.conflicts)},
              {"actions", list_of(decision.actions)},
              {"emitted", list_of(decision.emitted)},
              {"timers", Json::array()}};
    if (decision.write_back) json["write_back"] = to_json(*decision.write_back);
    if (!decision.failures.empty()) json["failures"] = failures_part(decision.failures);
    if (!decision.cycle.empty()) json["cycle"] = decision.cycle;
    if (!decision.notes.empty()) json["notes"] = decision.notes;
    if (!decision.trace.is_null()) json["trace"] = decision.trace;
    if (detail) add_detail(json, decision);
    return json;
}

}  // namespace engine
