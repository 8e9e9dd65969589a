#include "rules/language/steps.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_steps {

using engine::Json;
using rules::load_text;
using rules::load_then;

namespace {

std::vector<rules::Step> steps_of(const std::string& text) {
    const auto loaded = load_then(text);
    INFO(text << "\n" << loaded.text());
    REQUIRE(loaded.rule_set);
    return loaded.rule_set->rules.at(0).then;
}

template <class Kind>
Kind step_of(const std::string& text) {
    return std::get<Kind>(steps_of("[ " + text + " ]").at(0).what);
}

std::string problem_of(const std::string& text) {
    const auto found = load_then("[ " + text + " ]").diagnostics.sorted();
    INFO(text);
    REQUIRE(found.size() == 1);
    return found[0].kind;
}

Json constant(const rules::ValueTemplate& value) {
    return std::get<Json>(value.value);
}

}  // namespace

TEST_CASE("steps: set reads values by the type of their field", "[language]") {
    const auto step = step_of<rules::SetStep>(
        "{ set: { ticket.subject: 012, ticket.message_count: 012, ticket.escalated: true, ticket.tags: [a, "
        "1], "
        "ticket.custom.x: 012, ticket.assignee: null, ticket.due_at: 2026-05-04T08:00:00Z, ticket.custom.y: "
        "[1, b] } "
        "}");
    REQUIRE(step.fields.size() == 8);
    CHECK(constant(step.fields[0].second) == "012");
    CHECK(constant(step.fields[1].second) == 12);
    CHECK(constant(step.fields[2].second) == true);
    CHECK(constant(step.fields[3].second) == Json({"a", "1"}));
    CHECK(constant(step.fields[4].second) == 12);
    CHECK(constant(step.fields[5].second).is_null());
    CHECK(constant(step.fields[6].second) == "2026-05-04T08:00:00Z");
    CHECK(constant(step.fields[7].second) == Json({1, "b"}));
}

TEST_CASE("steps: templates are compiled wherever they stand in a value", "[language]") {
    const auto step = step_of<rules::SetStep>(
        "{ set: { ticket.subject: '{{ ticket.type }}: x', ticket.custom.x: { a: ['{{ contact.name }}', 5], "
        "b: 1 } } }");
    CHECK(std::holds_alternative<rules::Template>(step.fields[0].second.value));
    CHECK(step.fields[1].second.expressions().size() == 1);
    CHECK(step.fields[1].second.expressions()[0].path == engine::Path{"contact", "name"});
}

TEST_CASE("steps: an object with declared fields is written field by field", "[language]") {
    CHECK(step_of<rules::SetStep>("{ set: { ticket.requester: { email: a@example.com, name: Ana } } }")
              .fields.size() == 1);
    CHECK(problem_of("{ set: { ticket.requester: { emial: a@example.com } } }") == "unknown-field");
    CHECK(problem_of("{ set: { ticket.requester: { email: [a] } } }") == "wrong-type");
}

TEST_CASE("steps: a template's known type must fit what it is written to", "[language]") {
    CHECK(problem_of("{ set: { ticket.message_count: '{{ ticket.subject }}' } }") == "wrong-type");
    CHECK(problem_of("{ set: { ticket.message_count: '{{ ticket.custom.n }} pieces' } }") == "wrong-type");
    CHECK(problem_of("{ set: { ticket.subject: '{{ ticket.message_count }}' } }") == "wrong-type");
    CHECK(problem_of("{ set: { ticket.tags: '{{ ticket.subject }}' } }") == "wrong-type");
    CHECK(problem_of("{ set: { ticket.escalated: '{{ ticket.tags | size }}' } }") == "wrong-type");
    for (const char* good : {"{ set: { ticket.message_count: '{{ ticket.tags | size }}' } }",
                             "{ set: { ticket.message_count: '{{ ticket.custom.n }}' } }",
                             "{ set: { ticket.subject: '{{ ticket.message_count | json }}' } }",
                             "{ set: { ticket.subject: 'n = {{ ticket.message_count }}' } }",
                             "{ set: { ticket.subject: '{{ ticket.created_at }}' } }",
                             "{ set: { ticket.tags: '{{ conversation.topics }}' } }",
                             "{ set: { ticket.custom.x: '{{ ticket.tags }}' } }",
                             "{ set: { ticket.assignee: '{{ contact.owner | default: duty }}' } }"}) {
        INFO(good);
        CHECK(load_then(std::string("[ ") + good + " ]").text().find("wrong-type") == std::string::npos);
    }
}

TEST_CASE("steps: tags go to the rule's own entity or to a named field", "[language]") {
    const auto own = step_of<rules::TagsStep>("{ add_tags: [a, '{{ ticket.type }}'] }");
    CHECK((own.add && own.field.text == "ticket.tags" && own.tags.size() == 2));
    const auto one = step_of<rules::TagsStep>("{ remove_tags: a }");
    CHECK((!one.add && one.tags.size() == 1));
    const auto named = step_of<rules::TagsStep>("{ add_tags: { ticket.custom.labels: [a] } }");
    CHECK(named.field.text == "ticket.custom.labels");
    CHECK(problem_of("{ add_tags: { ticket.subject: [a] } }") == "wrong-type");
    CHECK(problem_of("{ add_tags: { ticket.tags: [a], ticket.cc: [b] } }") == "bad-value");
    CHECK(problem_of("{ add_tags: [[a]] }") == "wrong-type");
}

TEST_CASE("steps: where several kinds are possible, the subject chooses whose field is meant", "[language]") {
    const auto loaded = load_text(
        "rules:\n- id: r\n  on: [ticket.created, conversation.started]\n  then: [ { assign: { queue: q } } "
        "]\n");
    REQUIRE(loaded.rule_set);
    const auto& choice = std::get<rules::IfStep>(loaded.rule_set->rules[0].then.at(0).what);
    CHECK(choice.condition.comparison.operand == "conversation/");
    const auto& chat = std::get<rules::AssignStep>(choice.then.at(0).what);
    CHECK(chat.fields.at(0).first.text == "conversation.queue");
    const auto& ticket = std::get<rules::AssignStep>(choice.otherwise.at(0).what);
    CHECK(ticket.fields.at(0).first.text == "ticket.queue");

    const auto open =
        load_text("rules: [ { id: r, on: satisfaction.received, then: [ { add_tags: [a] } ] } ]\n");
    REQUIRE(open.rule_set);
    CHECK(std::holds_alternative<rules::IfStep>(open.rule_set->rules[0].then.at(0).what));
}

TEST_CASE("steps: assign takes a name, or assignee, group and queue", "[language]") {
    const auto name = step_of<rules::AssignStep>("{ assign: ana }");
    CHECK((name.fields.size() == 1 && name.fields[0].first.text == "ticket.assignee"));
    const auto map =
        step_of<rules::AssignStep>("{ assign: { group: '{{ ticket.queue }}', assignee: null } }");
    CHECK((map.fields.size() == 2 && map.fields[0].first.text == "ticket.group"));
    CHECK(problem_of("{ assign: {} }") == "bad-value");
    CHECK(problem_of("{ assign: }") == "wrong-type");
    CHECK(problem_of("{ assign: { team: x } }") == "unknown-key");
}

TEST_CASE("steps: emit takes a type, or type, subject and data", "[language]") {
    CHECK(step_of<rules::EmitStep>("{ emit: ticket.seen }").type.source() == "ticket.seen");
    const auto full = step_of<rules::EmitStep>(
        "{ emit: { type: 'ticket.{{ ticket.status }}', subject: 'contact/{{ contact.id }}', data: { a: '{{ "
        "ticket.id }}' } } }");
    CHECK(full.subject.has_value());
    CHECK(full.data.expressions().size() == 1);
    CHECK(problem_of("{ emit: { type: a.b, data: [1] } }") == "wrong-type");
    CHECK(problem_of("{ emit: { type: a.b, subject: 'no subject' } }") == "bad-value");
    CHECK(problem_of("{ emit: }") == "wrong-type");
}

TEST_CASE("steps: wait takes a span, or a map with a time or a calendar", "[language]") {
    CHECK(step_of<rules::WaitStep>("{ wait: 30m }").until.after->source() == "30m");
    const auto full =
        step_of<rules::WaitStep>("{ wait: { for: 4h, calendar: support }, recheck: true, expires: 1d }");
    CHECK(full.until.calendar != nullptr);
    CHECK(full.recheck);
    CHECK(full.expires == std::chrono::hours(24));
    const auto until = step_of<rules::WaitStep>("{ wait: { until: '{{ ticket.due_at }}' } }");
    CHECK((until.until.at && !until.until.after));
    CHECK_FALSE(step_of<rules::WaitStep>("{ wait: '{{ ticket.custom.pause }}' }").until.after->is_constant());
    CHECK(problem_of("{ wait: soon }") == "bad-value");
    CHECK(problem_of("{ wait: [1h] }") == "wrong-type");
    CHECK(problem_of("{ wait: {} }") == "missing-key");
    CHECK(problem_of("{ wait: { for: 1h, until: '2026-05-04T08:00:00Z' } }") == "bad-value");
    CHECK(problem_of("{ wait: { until: tomorrow } }") == "bad-value");
    CHECK(problem_of("{ wait: { for: 1h, calendar: suport } }") == "dangling-calendar");
    CHECK(problem_of("{ wait: { for: 1h, zone: UTC } }") == "unknown-key");
    CHECK(problem_of("{ wait: 1h, expires: never }") == "bad-value");
    CHECK(problem_of("{ wait: 1h, recheck: perhaps }") == "wrong-type");
    CHECK(problem_of("{ stop: true, recheck: true }") == "unknown-key");
}

TEST_CASE("steps: wait_for takes events, conditions and a time-out", "[language]") {
    const auto full = step_of<rules::WaitForStep>(
        "{ wait_for: { on: [ticket.updated, message.*], when: { ticket.status: open }, timeout: 2h, "
        "calendar: "
        "support }, else: [ { add_tags: [late] }, stop ], recheck: true }");
    CHECK(full.on == std::vector<std::string>{"ticket.updated", "message.*"});
    CHECK(full.when.children.size() + (full.when.kind == rules::Condition::Kind::comparison ? 1 : 0) == 1);
    CHECK(full.until.calendar != nullptr);
    CHECK(full.otherwise.size() == 2);
    CHECK(full.recheck);
    CHECK(step_of<rules::WaitForStep>("{ wait_for: { on: '*', until: '{{ ticket.due_at }}' } }").until.at);
    CHECK(problem_of("{ wait_for: ticket.updated }") == "wrong-type");
    CHECK(problem_of("{ wait_for: { timeout: 2h } }") == "missing-key");
    CHECK(problem_of("{ wait_for: { on: ticket.updated } }") == "missing-key");
    CHECK(problem_of("{ wait_for: { on: 'no type', timeout: 2h } }") == "bad-value");
    CHECK(problem_of("{ wait_for: { on: tickt.updated, timeout: 2h } }") == "unlikely-event");
    CHECK(problem_of("{ wait_for: { on: ticket.updated, timeout: 2h, zone: UTC } }") == "unknown-key");
    CHECK(problem_of("{ wait_for: { on: ticket.updated, timeout: 2h }, expires: 1d }") == "unknown-key");
    CHECK(problem_of("{ wait_for: { on: ticket.updated, when: { ticket.statu: open }, timeout: 2h } }") ==
          "unknown-field");
}

TEST_CASE("steps: emit may be for later, and cancel ends that", "[language]") {
    const auto later = step_of<rules::EmitStep>(
        "{ emit: { type: ticket.reminder, after: 3d, calendar: support, name: 'r-{{ ticket.id }}' } }");
    REQUIRE(later.when);
    CHECK(later.when->calendar_name == "support");
    CHECK(later.name->source() == "r-{{ ticket.id }}");
    CHECK(step_of<rules::EmitStep>("{ emit: { type: a.b, at: '{{ ticket.due_at }}' } }").when->at);
    CHECK(step_of<rules::CancelStep>("{ cancel: reminder }").timers.size() == 1);
    CHECK(step_of<rules::CancelStep>("{ cancel: [a, '{{ ticket.id }}'] }").timers.size() == 2);
    CHECK(problem_of("{ emit: { type: a.b, after: 3 days } }") == "bad-value");
    CHECK(problem_of("{ emit: { type: a.b, name: x } }") == "unknown-key");
    CHECK(problem_of("{ emit: { type: a.b, after: 1h, subject: contact/1 } }") == "bad-value");
    CHECK(problem_of("{ cancel: [] }") == "bad-value");
    CHECK(problem_of("{ cancel: }") == "wrong-type");
}

TEST_CASE("steps: stop is written alone or as a key", "[language]") {
    CHECK(std::holds_alternative<rules::StopStep>(steps_of("[ stop ]").at(0).what));
    CHECK(std::holds_alternative<rules::StopStep>(steps_of("[ { stop: true } ]").at(0).what));
}

TEST_CASE("steps: a call's parameters are checked against the connection", "[language]") {
    const auto call = step_of<rules::CallStep>(
        "{ zendesk.create_ticket: { subject: 12, weight: 2, tags: [a, '{{ ticket.type }}'], custom: { a: 1 "
        "}, extra: "
        "true, priority: low } }");
    const auto& members =
        std::get<std::vector<std::pair<std::string, rules::ValueTemplate>>>(call.params.value);
    REQUIRE(members.size() == 6);
    CHECK((members[0].first == "subject" && constant(members[0].second) == "12"));
    CHECK(constant(members[1].second) == 2);
    CHECK(constant(members[4].second) == true);
    for (const char* wrong :
         {"{ zendesk.create_ticket: { subject: s, weight: x } }",
          "{ zendesk.create_ticket: { subject: s, weight: '{{ ticket.subject }}' } }",
          "{ zendesk.create_ticket: { subject: [s] } }",
          "{ zendesk.create_ticket: { subject: s, custom: [1] } }", "{ zendesk.create_ticket: text }"}) {
        INFO(wrong);
        CHECK(problem_of(wrong) == "wrong-type");
    }
    // A connector prints numbers where a parameter is a text.
    CHECK(load_then("[ { zendesk.create_ticket: { subject: '{{ ticket.message_count }}' } } ]").rule_set);
    CHECK(problem_of("{ zendesk.create_ticket: { subject: s, priority: hih } }") == "unknown-enum-value");
    CHECK(problem_of("{ zendesk.create_ticket: { comment: s } }") == "missing-parameter");
    CHECK(problem_of("{ slack.post_message: { channel: c } }") == "missing-parameter");
    CHECK(load_then("[ { slack.post_message: { channel: c, blocks: [ { type: '{{ ticket.type }}' } ] } } ]")
              .rule_set);
    CHECK(load_then("[ { crm.upsert: { email: e, whatever: { deep: [1] } } } ]").rule_set);
    CHECK(load_then("[ { slack.post_webhook: { text: t } } ]").diagnostics.sorted().at(0).message ==
          "connection \"slack\" (slack) cannot do \"post_webhook\" without the setting webhook_url");
}

TEST_CASE("steps: a step knows which results it reads, in conditions and branches too", "[language]") {
    const auto steps = steps_of(
        "[ { zendesk.create_ticket: { subject: s }, as: copy }, { crm.upsert: { email: e }, as: person }, "
        "{ set: { ticket.custom.copy: '{{ steps.copy.result.id }}' } }, "
        "{ if: { steps.person.result.is_new: true }, then: [ { set: { ticket.subject: '{{ "
        "steps.copy.result.id }}' } } ] "
        "}, { add_tags: [done] } ]");
    using Names = std::vector<std::string>;
    CHECK(steps[0].reads_results.empty());
    CHECK(steps[2].reads_results == Names{"copy"});
    CHECK(steps[3].reads_results == Names{"copy", "person"});
    CHECK(steps[4].reads_results.empty());
}

TEST_CASE("steps: two branches may name their result alike, and the name lives on", "[language]") {
    CHECK(load_then(
              "[ { if: { ticket.priority: low }, then: [ { crm.upsert: { email: a }, as: who } ], else: [ { "
              "zendesk.create_ticket: { subject: b }, as: who } ] }, { set: { ticket.custom.who: '{{ "
              "steps.who.result.id }}' } } ]")
              .text()
              .empty());
}

TEST_CASE("steps: writing another entity is an error where it can be known", "[language]") {
    const auto on = [](const std::string& events, const std::string& step) {
        return load_text("rules:\n- id: r\n  on: " + events + "\n  then: [ " + step + " ]\n");
    };
    CHECK(on("conversation.escalated", "{ set: { ticket.priority: low } }").says("[wrong-entity]"));
    CHECK(on("conversation.*", "{ unset: [ticket.priority] }").says("[wrong-entity]"));
    CHECK(on("ticket.created", "{ add_tags: { contact.tags: [a] } }").says("[wrong-entity]"));
    CHECK(on("ticket.created", "{ set: { event.type: x } }").says("[wrong-entity]"));
    CHECK(on("[ticket.created, conversation.created]", "{ set: { ticket.priority: low } }").rule_set);
    CHECK(on("'*'", "{ set: { ticket.priority: low } }").rule_set);
    CHECK(on("message.sent", "{ set: { conversation.priority: low } }").rule_set);
    CHECK(on("sla.breached", "{ set: { ticket.priority: low } }").rule_set);
}

TEST_CASE("steps: problems inside branches are found at their place", "[language]") {
    const auto loaded = load_text(
        "rules:\n- id: r\n  on: ticket.created\n  then:\n  - if: { ticket.priority: low }\n    then:\n"
        "    - set: { ticket.staus: x }\n    else:\n    - if: { ticket.status: opn }\n      then: []\n");
    CHECK(loaded.text() ==
          "rules.yaml:7:14: error: unknown field \"ticket.staus\", did you mean \"ticket.status\"? "
          "[unknown-field]\n"
          "rules.yaml:9:28: error: \"opn\" is no value of ticket.status, did you mean \"open\"? (new, open, "
          "pending, "
          "on_hold, solved, closed) [unknown-enum-value]\n");
}

TEST_CASE("steps: lists of steps are checked where they are run, and where nobody runs them", "[language]") {
    const auto problems_of = [](const std::string& files) {
        const auto loaded = rules::load_text(files);
        std::vector<std::string> kinds;
        for (const auto& one : loaded.diagnostics.sorted()) kinds.push_back(one.kind);
        INFO(loaded.text());
        return kinds;
    };
    using Kinds = std::vector<std::string>;
    const std::string rule = "rules:\n  - { id: a, on: ticket.created, then: [ { run: mark } ] }\n";
    CHECK(problems_of(rule + "steps: { mark: [ { add_tags: [a] } ] }\n").empty());
    CHECK(problems_of(rule) == Kinds{"dangling-steps"});
    CHECK(problems_of(rule + "steps: { mrk: [ { add_tags: [a] } ] }\n") ==
          Kinds{"dangling-steps", "unused-steps"});
    CHECK(problems_of(rule + "steps: { mark: [ { set: { ticket.statu: a } } ] }\n") ==
          Kinds{"unknown-field"});
    CHECK(problems_of(rule + "steps: { mark: [ { run: other } ], other: [ { run: mark } ] }\n") ==
          Kinds{"bad-value"});
    CHECK(problems_of(rule + "steps: { mark: [ stop ], other: [ { set: { ticket.statu: a } } ] }\n") ==
          Kinds{"unused-steps", "unknown-field"});
    std::string grows = rule + "steps:\n  mark: [ { run: l1 }, { run: l1 } ]\n";
    for (int i = 1; i < 12; ++i)
        grows += "  l" + std::to_string(i) + ": [ { run: l" + std::to_string(i + 1) + " }, { run: l" +
                 std::to_string(i + 1) + " } ]\n";
    CHECK(problems_of(grows + "  l12: [ { add_tags: [a] } ]\n") == Kinds{"limit"});
    CHECK(problems_of("rules:\n  - { id: a, on: ticket.created, then: [ { run: mark, as: x } ] }\n"
                      "steps: { mark: [ stop ] }\n") == Kinds{"unknown-key"});
}

TEST_CASE("rules: a schedule is checked, and stands for the events of its rule", "[language]") {
    const auto load = [](const std::string& schedule, const std::string& more = "") {
        return rules::load_text("rules:\n  - id: tick\n    on: schedule\n" + schedule +
                                "    then: [ { emit: a.b } ]\n" + more);
    };
    const auto problem = [&](const std::string& schedule) {
        const auto found = load(schedule).diagnostics.sorted();
        return found.empty() ? "" : found[0].kind;
    };
    const auto good = load("    schedule: { every: 1h, for: ticket }\n");
    INFO(good.text());
    REQUIRE(good.rule_set);
    CHECK(good.rule_set->rules[0].on == std::vector<std::string>{"schedule.tick"});
    CHECK(good.rule_set->rules[0].sweeps == "ticket");
    CHECK(problem("    schedule: { cron: \"0 9 * * *\", zone: Europe/Berlin }\n").empty());
    CHECK(problem("") == "missing-key");
    CHECK(problem("    schedule: { cron: \"0 9 * * *\" }\n") == "missing-key");
    CHECK(problem("    schedule: { cron: \"0 9 * * *\", zone: Europe/Berln }\n") == "unknown-zone");
    CHECK(problem("    schedule: { cron: \"0 25 * * *\", zone: UTC }\n") == "bad-value");
    CHECK(problem("    schedule: { cron: \"0 0 31 feb *\", zone: UTC }\n") == "bad-value");
    CHECK(problem("    schedule: { every: 30s }\n") == "bad-value");
    CHECK(problem("    schedule: { every: 1h, zone: UTC }\n") == "unknown-key");
    CHECK(problem("    schedule: { every: 1h, cron: x }\n") == "bad-value");
    CHECK(problem("    schedule: {}\n") == "missing-key");
    CHECK(problem("    schedule: { every: 1h, for: tickt }\n") == "unknown-kind");
    CHECK(load_text("rules:\n  - { id: a, on: ticket.created, schedule: { every: 1h }, then: [ stop ] }\n")
              .diagnostics.sorted()[0]
              .kind == "unknown-key");
    CHECK(load_text("rules:\n  - { id: a, on: [schedule, ticket.created], schedule: { every: 1h }, then: [ "
                    "stop ] }\n")
              .diagnostics.sorted()[0]
              .kind == "bad-value");
    CHECK(load_text("rules:\n  - { id: \"a b\", on: schedule, schedule: { every: 1h }, then: [ stop ] }\n")
              .diagnostics.sorted()[0]
              .kind == "bad-value");
}

}  // namespace language_steps
