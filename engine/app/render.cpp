#include "engine/app/render.h"

#include "engine/base/text.h"
#include "engine/model/failure_text.h"
#include "engine/model/journal_record.h"

namespace engine::app {
namespace {

constexpr std::size_t params_length_max = 2'000;  // what is sent is what people look at

std::string by(const Json& change) {
    const auto rule = text_or(change, "rule", "");
    return rule.empty() ? "" : "  (" + rule + ")";
}

void add_changes(std::string& out, const Json& decision, const char* member, const char* label) {
    const auto* list = find(decision, member);
    if (list == nullptr) return;
    for (const auto& change : *list)
        out += "  " + std::string(label) + " " + text_or(change, "field", "") + ": " +
               render_value(change["from"]) + " → " + render_value(change["to"]) + by(change) + "\n";
}

std::string data_of(const Json& event) {
    const auto* data = find(event, "data");
    return data == nullptr || data->empty() ? "" : " " + render_value(*data);
}

void add_actions(std::string& out, const Json& decision) {
    if (const auto* write_back = find(decision, "write_back"))
        out += "  write-back " + text_or(*write_back, "connection", "") + "." +
               text_or(*write_back, "action", "") + " " +
               render_value((*write_back)["params"], params_length_max) + "\n";
    if (const auto* actions = find(decision, "actions"))
        for (const auto& action : *actions)
            out += "  action   " + text_or(action, "connection", "") + "." + text_or(action, "action", "") +
                   " " + render_value(action["params"], params_length_max) + by(action) + "\n";
    if (const auto* emitted = find(decision, "emitted"))
        for (const auto& event : *emitted)
            out += "  emitted  " + text_or(event, "type", "") + " on " + text_or(event, "subject", "") +
                   data_of(event) + by(event) + "\n";
}

/// `score    lead-fit: 35 → 65, warm → hot`
std::string score_line(const Json& change) {
    const auto from = text_or(change, "band_from", "");
    const auto band = text_or(change, "band", "");
    const auto in_words = [](const std::string& name) { return name.empty() ? "no band" : name; };
    auto line = "  score    " + text_or(change, "score", "") + ": " +
                render_value(change.value("from", Json())) + " → " + render_value(change["to"]);
    if (from != band) line += std::string(", ") + in_words(from) + " → " + in_words(band);
    return line + "\n";
}

/// `routed   general: ana`, and why nobody else.
std::string routed_lines(const Json& routed) {
    const auto queue = text_or(routed, "queue", "");
    if (queue.empty()) return "  routed   no queue fits\n";
    const auto agent = text_or(routed, "agent", "");
    auto lines = "  routed   " + queue + ": " + (agent.empty() ? "it waits" : agent) + "\n";
    for (const auto& one : routed["considered"]) {
        const auto reason = text_or(one, "reason", "");
        if (reason.empty()) continue;
        auto who = text_or(one, "agent", "");
        if (who.empty()) who = text_or(one, "team", text_or(one, "queue", ""));
        lines += "           not " + who + ": " + reason + "\n";
    }
    return lines;
}

/// `escalation retention-leads: stepped to level 2, told person ana`
std::string escalation_line(const Json& change) {
    auto line = "  escalation " + text_or(change, "escalation", "") + ": " + text_or(change, "change", "");
    if (text_or(change, "change", "") == "stepped") line += " to level " + render_value(change["level"]);
    if (const auto* notified = find(change, "notified")) {
        std::vector<std::string> names;
        for (const auto& name : *notified) names.push_back(name.get<std::string>());
        line += ", told " + join(names, ", ");
    }
    const auto due = text_or(change, "due_at", "");
    return line + (due.empty() ? "" : ", goes on at " + due) + "\n";
}

/// What a score is made of.
void add_score(std::string& out, const Json& score) {
    out += "  score " + text_or(score, "id", "") + ": " + render_value(score["points"]);
    const auto band = text_or(score, "band", "");
    out += (band.empty() ? "" : " (" + band + ")") + "\n";
    for (const auto& part : score["parts"]) {
        const auto id = text_or(part, "id", "");
        const auto group = text_or(part, "group", "");
        const auto* limited = find(part, "limited_from");
        const auto* times = find(part, "times");
        if (part.contains("given"))
            out += "    " + render_value(part["given"]) + "  given by rules, " + render_value(part["times"]) +
                   " times\n";
        else if (limited != nullptr)
            out += "    " + (group.empty() ? std::string("in all") : "group " + group) + " limited from " +
                   render_value(*limited) +
                   (part.contains("points") ? " to " + render_value(part["points"]) : std::string()) + "\n";
        else
            out += "    " + render_value(part["points"]) + "  " + id +
                   (times != nullptr ? ", " + render_value(*times) + " times" : std::string()) +
                   (group.empty() ? std::string() : "  (" + group + ")") + "\n";
    }
}

void add_timers(std::string& out, const Json& decision) {
    if (const auto* timers = find(decision, "timers"))
        for (const auto& timer : *timers)
            out += "  timer    " + text_or(timer, "name", "") +
                   (timer.contains("due")
                        ? ": " + text_or(timer, "event", "") + " at " + text_or(timer, "due", "")
                        : std::string(" ended")) +
                   by(timer) + "\n";
    if (const auto* sla = find(decision, "sla"))
        for (const auto& change : *sla)
            out += "  sla      " + text_or(change, "metric", "") + " " + text_or(change, "change", "") +
                   (change.contains("due_at") ? ", due " + text_or(change, "due_at", "") : std::string()) +
                   "  (" + text_or(change, "policy", "") + ")\n";
    if (const auto* all = find(decision, "routed"))
        for (const auto& routed : *all) out += routed_lines(routed);
    if (const auto* all = find(decision, "escalations"))
        for (const auto& change : *all) out += escalation_line(change);
    if (const auto* scores = find(decision, "scores"))
        for (const auto& change : *scores) out += score_line(change);
    if (const auto* skipped = find(decision, "skipped"))
        for (const auto& rest : *skipped)
            out += "  skipped  the rest of " + text_or(rest, "rule", "") + ": " +
                   text_or(rest, "reason", "") + "\n";
}

void add_trouble(std::string& out, const Json& decision) {
    if (const auto* failures = find(decision, "failures"))
        for (const auto& failure : *failures) {
            out += "  failed   " + failure_text(failure) + "\n";
            const auto* traceback = find(failure, "traceback");
            // One line is the place itself.
            if (traceback == nullptr || traceback->size() < 2) continue;
            for (const auto& line : *traceback) out += "             " + line.get<std::string>() + "\n";
        }
    if (const auto* conflicts = find(decision, "conflicts"))
        for (const auto& conflict : *conflicts)
            out += "  conflict " + text_or(conflict, "field", "") + ": " + render_value(conflict["rules"]) +
                   " wanted " + render_value(conflict["values"]) + ", kept " +
                   render_value(conflict["kept"]) + "\n";
    if (const auto* cycle = find(decision, "cycle")) out += "  cycle    " + render_value(*cycle) + "\n";
    if (const auto* notes = find(decision, "notes"))
        for (const auto& note : *notes) out += "  note     " + note.get<std::string>() + "\n";
}

std::string names_of(const Json& list) {
    std::vector<std::string> names;
    for (const auto& name : list) names.push_back(name.get<std::string>());
    return names.empty() ? "no rule" : join(names, ", ");
}

void add_condition(std::string& out, const Json& condition, int depth);

void add_children(std::string& out, const Json& children, const std::string& name, const Json& condition,
                  int depth) {
    const auto indent = std::string(static_cast<std::size_t>(depth) * 2, ' ');
    const bool result = condition.value("result", false);
    out += "      " + indent + (result ? "✓ " : "✗ ") + name + "\n";
    if (children.is_array())
        for (const auto& child : children) add_condition(out, child, depth + 1);
    else
        add_condition(out, children, depth + 1);
}

void add_condition(std::string& out, const Json& condition, int depth) {
    for (const char* name : {"all", "any", "none", "not"})
        if (const auto found = condition.find(name); found != condition.end())
            return add_children(out, *found, name, condition, depth);
    const auto indent = std::string(static_cast<std::size_t>(depth) * 2, ' ');
    const bool result = condition.value("result", false);
    const auto value = condition.find("value");
    out += "      " + indent + (result ? "✓ " : "✗ ");
    if (const auto op = text_or(condition, "op", ""); op == "lua")
        out += "lua " + text_or(condition, "operand", "");
    else
        out += text_or(condition, "field", "") + " " + op + " " +
               render_value(condition.contains("operand") ? condition["operand"] : Json()) + ", saw " +
               (value == condition.end() ? "nothing" : render_value(*value));
    const auto note = text_or(condition, "note", "");
    out += (note.empty() ? "" : " (" + note + ")") + "\n";
}

void add_rule(std::string& out, const Json& rule) {
    const auto status = text_or(rule, "status", "");
    if (status == "type_not_matched") return;
    const bool fired = status == "fired" || status == "suspended";
    out += "    " + std::string(fired ? "✓ " : "✗ ") + text_or(rule, "id", "") + ": " + status;
    const auto error = text_or(rule, "error", "");
    if (!error.empty()) out += " (" + error + ")";
    out += "  " + text_or(rule, "file", "") + ":" + std::to_string(rule.value("line", 0)) + "\n";
    const auto when = rule.find("when");
    if (when != rule.end() && when->is_object() && !(when->contains("all") && (*when)["all"].empty()))
        add_condition(out, *when, 0);
}

void add_tag_entry(std::string& out, const Json& entry) {
    const auto status = text_or(entry, "status", "");
    const auto list = text_or(entry, "list", "");
    out += "    " + std::string(status == "matched" ? "✓ " : "✗ ") + (list.empty() ? "" : list + "/") +
           text_or(entry, "id", "") + ": " + status;
    const auto* found = find(entry, "found");
    if (found != nullptr && !found->empty()) {
        std::vector<std::string> patterns;
        for (const auto& pattern : *found) patterns.push_back(pattern.get<std::string>());
        out += ", found " + join(patterns, ", ");
    }
    out += "  " + text_or(entry, "file", "") + ":" + std::to_string(entry.value("line", 0)) + "\n";
    if (const auto* when = find(entry, "when")) add_condition(out, *when, 0);
}

/// Entries of which something was found; the others are counted.
void add_tagging(std::string& out, const Json& entries) {
    out += "  tagging\n";
    std::size_t not_looked_at = 0;
    std::size_t not_found = 0;
    for (const auto& entry : entries) {
        const auto status = text_or(entry, "status", "");
        const auto* found = find(entry, "found");
        const bool is_bare = status == "not_matched" && (found == nullptr || found->empty());
        not_looked_at += status == "not_looked_at" ? 1 : 0;
        not_found += is_bare ? 1 : 0;
        if (status != "not_looked_at" && !is_bare) add_tag_entry(out, entry);
    }
    if (not_found > 0) out += "    " + std::to_string(not_found) + " entries found nothing\n";
    if (not_looked_at > 0)
        out += "    " + std::to_string(not_looked_at) + " entries had no news to look at\n";
}

/// What scripts asked connections and the tenant's own values for, and what they were told.
void add_lookups(std::string& out, const Json& lookups) {
    out += "  looked up\n";
    for (const auto& one : lookups) {
        out += "    " + text_or(one, "asked", "") + " " + render_value(one["params"]) + " → ";
        const auto* error = find(one, "answer.error");
        out += error == nullptr ? render_value(one["answer"]["ok"])
                                : text_or(*error, "code", "") + ": " + text_or(*error, "message", "");
        out += "\n";
    }
}

}  // namespace

std::string render_value(const Json& value, std::size_t length_max) {
    if (value.is_null()) return "nothing";
    auto text = value.is_string() ? "\"" + value.get<std::string>() + "\"" : canonical_json(value);
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    if (length_of(text) > length_max) text = std::string(first_of(text, length_max - 1)) + "…";
    return text;
}

std::string render_decision(const Json& decision) {
    std::string out = text_or(decision, "event.type", "") + " on " + text_or(decision, "event.subject", "") +
                      "  [" + text_or(decision, "event.id", "") + "]";
    if (decision.contains("pending")) return out + "\n  pending: not decided yet\n";
    out += " → " + text_or(decision, "outcome", "") + "\n";
    if (const auto* fired = find(decision, "fired")) out += "  fired    " + names_of(*fired) + "\n";
    add_changes(out, decision, "merged", "came    ");
    add_changes(out, decision, "changes", "changed ");
    add_actions(out, decision);
    add_timers(out, decision);
    add_trouble(out, decision);
    return out;
}

namespace {

/// What an attempt at a delivery came to.
std::string render_attempt(const Json& body) {
    const auto* delivery = find(body, "delivery");
    if (delivery == nullptr) return render_value(body);
    auto out = text_or(*delivery, "connection", "") + "." + text_or(*delivery, "action", "") + "  attempt " +
               std::to_string(delivery->value("attempts", 0));
    if (body.value("simulated", false)) out += ", in sandbox mode";
    if (const auto status = body.value("status", 0); status != 0) out += ", status " + std::to_string(status);
    if (body.contains("reason")) out += ": " + text_or(body, "reason", "");
    if (body.contains("next_attempt")) out += ", again at " + text_or(body, "next_attempt", "");
    if (const auto* result = find(body, "result"); result != nullptr && !result->empty())
        out += " → " + render_value(*result);
    return out + by(*delivery);
}

}  // namespace

std::string render_body(std::string_view kind, const Json& body) {
    if (kind == record_kind::decision) return render_decision(body);
    if (kind == record_kind::event)
        return text_or(body, "type", "") + " from " + text_or(body, "source", "") + "  [" +
               text_or(body, "id", "") + "]\n";
    if (kind == record_kind::delivered || kind == record_kind::attempt || kind == record_kind::dead_letter)
        return render_attempt(body) + "\n";
    return render_value(body) + "\n";
}

std::string render_trace(const Json& trace) {
    std::string out;
    if (const auto* lookups = find(trace, "lookups")) add_lookups(out, *lookups);
    if (const auto* tagging = find(trace, "tagging")) add_tagging(out, *tagging);
    if (const auto* scores = find(trace, "scoring"))
        for (const auto& score : *scores) add_score(out, score);
    const auto* passes = find(trace, "passes");
    if (passes == nullptr) return out;
    int number = 0;
    for (const auto& pass : *passes) {
        out += "  pass " + std::to_string(++number) + ", " + text_or(pass, "event_type", "") + "\n";
        std::size_t other_types = 0;
        for (const auto& rule : pass["rules"]) {
            other_types += text_or(rule, "status", "") == "type_not_matched" ? 1 : 0;
            add_rule(out, rule);
        }
        if (other_types > 0)
            out += "    " + std::to_string(other_types) + " rules are for other types of events\n";
    }
    return out;
}

std::string rounded(double value, int digits) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
    return buffer;
}

}  // namespace engine::app
