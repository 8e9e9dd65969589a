#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_load {

using engine::Json;
using rules::load_files;
using rules::load_text;

namespace {

std::vector<std::string> ids(const rules::RuleSet& rule_set) {
    std::vector<std::string> names;
    for (const auto& rule : rule_set.rules) names.push_back(rule.id);
    return names;
}

std::string rule(const std::string& id, const std::string& more = "") {
    return "- { id: " + id + ", on: ticket.created, then: []" + more + " }\n";
}

}  // namespace

TEST_CASE("load: a full rule becomes what it says", "[language]") {
    const auto loaded = load_text(R"(# a comment
groups: { desk: { first_match: true } }
rules:
  - id: escalate-cancellation
    description: Low-confidence cancellation chats go to the retention desk at once
    on: conversation.escalated
    order: 100
    group: desk
    stop: true
    repeat: true
    on_error: event
    when:
      all:
        - conversation.confidence: { lt: 0.3 }
        - conversation.triggers: { has_any: [cancellation_request, billing_related] }
        - any:
            - contact.tier: enterprise
            - contact.custom.arr: { gte: 50000 }
    then:
      - set: { conversation.priority: urgent }
      - add_tags: [retention]
      - zendesk.create_ticket: { subject: "Chat escalation: {{ conversation.subject }}", tags: [chat-escalation] }
        as: ticket
        save: { conversation.custom.ticket_id: result.id }
      - slack.post_message:
          channel: "#support-alerts"
          text: "{{ contact.name | default: 'A customer' }} wants to cancel: {{ conversation.last_message | truncate: 120 }}"
        order: relaxed
      - if: { conversation.status: { ne: solved } }
        then: [ { unset: conversation.custom.note } ]
        else: [ stop ]
)");
    REQUIRE(loaded.text().empty());
    REQUIRE(loaded.rule_set);
    const auto& rule = loaded.rule_set->rules.at(0);
    CHECK(rule.on == std::vector<std::string>{"conversation.escalated"});
    CHECK((rule.order == 100 && rule.group == "desk" && rule.stop && rule.repeat));
    CHECK(rule.on_error == rules::OnError::event);
    CHECK((rule.place.file == "rules.yaml" && rule.place.line == 4));
    CHECK(rule.when.kind == rules::Condition::Kind::all);
    REQUIRE(rule.when.children.size() == 3);
    CHECK(rule.when.children[2].kind == rules::Condition::Kind::any);
    REQUIRE(rule.then.size() == 5);
    const auto& call = std::get<rules::CallStep>(rule.then[2].what);
    CHECK((call.connection == "zendesk" && call.action == "create_ticket" && call.as == "ticket"));
    CHECK(call.save.at(0).first.text == "conversation.custom.ticket_id");
    CHECK(call.save.at(0).second.text == "result.id");
    CHECK(std::get<rules::CallStep>(rule.then[3].what).relaxed);
    const auto& choice = std::get<rules::IfStep>(rule.then[4].what);
    CHECK(std::holds_alternative<rules::UnsetStep>(choice.then.at(0).what));
    CHECK(std::holds_alternative<rules::StopStep>(choice.otherwise.at(0).what));
    CHECK(loaded.rule_set->options.groups.at("desk").first_match);
}

TEST_CASE("load: rules run by order, then file, then position; disabled ones are left out", "[language]") {
    const auto loaded = load_files({{"rules.yaml", "rules:\n" + rule("c") + rule("late", ", order: 900") +
                                                       rule("off", ", enabled: false")},
                                    {"rules/b.yaml", "rules:\n" + rule("e") + rule("first", ", order: -5")},
                                    {"rules/a/deep.yaml", "rules:\n" + rule("d")},
                                    {"rules/a.txt", "no rules"}});
    REQUIRE(loaded.rule_set);
    CHECK(ids(*loaded.rule_set) == std::vector<std::string>{"first", "c", "d", "e", "late"});
}

TEST_CASE("load: modes and limits come from tenant.yaml or rules.yaml, once", "[language]") {
    const auto loaded = load_files({{"tenant.yaml",
                                     "name: acme\nchaining: restart\nlimits: { passes_max: 5, "
                                     "hops_max: 6, actions_max: 7, emits_max: 8, "
                                     "text_bytes_max: 9 }\n"},
                                    {"rules.yaml", "on_conflict: fail\non_error: lane\nrules:\n"}});
    REQUIRE(loaded.rule_set);
    const auto& options = loaded.rule_set->options;
    CHECK(options.chaining == rules::Chaining::restart);
    CHECK(options.on_conflict == rules::OnConflict::fail);
    CHECK(options.on_error == rules::OnError::lane);
    CHECK((options.passes_max == 5 && options.hops_max == 6 && options.actions_max == 7));
    CHECK((options.emits_max == 8 && options.text_bytes_max == 9));

    const auto twice = load_files({{"tenant.yaml", "chaining: none\n"}, {"rules.yaml", "chaining: none\n"}});
    CHECK(twice.text() ==
          "rules.yaml:1:1: error: mode \"chaining\" is given already in tenant.yaml:1 [duplicate-id]\n");
}

TEST_CASE("load: without files, or with empty ones, there is an empty rule set", "[language]") {
    for (const auto& files : {rules::Files{}, rules::Files{{"rules.yaml", ""}},
                              rules::Files{{"rules.yaml", "# nothing yet\nrules:\n"},
                                           {"tenant.yaml", "\n"},
                                           {"fields.yaml", "fields:\n"}}}) {
        const auto loaded = load_files(files);
        CHECK(loaded.text().empty());
        REQUIRE(loaded.rule_set);
        CHECK(loaded.rule_set->rules.empty());
    }
}

TEST_CASE("load: all problems of all files come at once, in order", "[language]") {
    const auto loaded =
        load_files({{"tenant.yaml", "chaining: casacde\n"},
                    {"fields.yaml", "fields: { ticket.custom.x: numbr }\n"},
                    {"rules.yaml",
                     "rules:\n- id: a\n  on: ticket.created\n  when: { ticket.staus: open }\n  then:\n"
                     "  - set: { ticket.priority: hgh }\n  - slack.post_mesage: {}\n"},
                    {"rules/z.yaml", "rules:\n- id: a\n  on: ticket.created\n  then: [\n"}});
    CHECK_FALSE(loaded.rule_set);
    std::string kinds;
    for (const auto& diagnostic : loaded.diagnostics.sorted()) kinds += diagnostic.kind + " ";
    CHECK(
        kinds ==
        "unknown-enum-value unknown-field unknown-enum-value unknown-action yaml-syntax unknown-enum-value ");
}

TEST_CASE("load: an earlier problem of the folder keeps the rules from going live", "[language]") {
    engine::Diagnostics diagnostics;
    diagnostics.error("missing-secret", {"connections.yaml", 1, 1}, "no secret");
    CHECK_FALSE(rules::load_rule_set({}, {}, diagnostics));
}

TEST_CASE("load: five hundred problems are enough", "[language]") {
    std::string text = "rules:\n";
    for (int i = 0; i < 600; ++i)
        text += "- { id: r" + std::to_string(i) + ", on: ticket.created, thn: [] }\n";
    const auto loaded = load_text(text);
    CHECK_FALSE(loaded.rule_set);
    CHECK(loaded.diagnostics.sorted().size() == 501);
    CHECK(loaded.says("more than 500 problems: the rest is not listed [limit]"));
}

TEST_CASE("version: it names the bytes and names of everything but tests", "[language]") {
    const rules::Files files{{"rules.yaml", "rules: []\n"}, {"scripts/a.lua", "return {}"}};
    const auto version = rules::version_of(files);
    CHECK(version.starts_with("sha256:"));
    CHECK(version.size() == 7 + 64);

    auto with_tests = files;
    with_tests["tests/a.yaml"] = "cases: []\n";
    CHECK(rules::version_of(with_tests) == version);

    auto changed = files;
    changed["rules.yaml"] += "#";
    CHECK(rules::version_of(changed) != version);

    auto renamed = files;
    renamed.erase("scripts/a.lua");
    renamed["scripts/b.lua"] = "return {}";
    CHECK(rules::version_of(renamed) != version);
}

TEST_CASE("version: bytes of one file cannot pass for another file", "[language]") {
    CHECK(rules::version_of({{"a", "b1:c"}}) != rules::version_of({{"a", "b"}, {"c", ""}}));
    CHECK(rules::version_of({{"ab", "c"}}) != rules::version_of({{"a", "bc"}}));
    CHECK(rules::version_of({}) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("load: a condition alone can be read for tools", "[language]") {
    engine::Diagnostics diagnostics;
    const auto catalogue = rules::Catalogue::shipped();
    const auto condition = rules::load_condition("ticket.priority: [high, urgent]", catalogue, diagnostics);
    REQUIRE(condition);
    CHECK(condition->comparison.op == rules::Operator::in);
    CHECK_FALSE(rules::load_condition("ticket.prio: high", catalogue, diagnostics));
    CHECK(diagnostics.has_errors());
}

TEST_CASE("load: rules see the tenant's own fields", "[language]") {
    const auto loaded = load_files(
        {{"fields.yaml", "kinds: [order]\nfields: { order.total: number, ticket.custom.seats: number }\n"},
         {"rules.yaml",
          "rules:\n- id: r\n  on: order.paid\n  when: { order.total: { gt: 5 } }\n"
          "  then:\n  - set: { order.status: '12', order.custom.x: 12 }\n"
          "  - assign: ana\n  - add_tags: paid\n"}});
    CHECK(loaded.text().empty());
    const auto wrong = load_files({{"fields.yaml", "fields: { ticket.custom.seats: number }\n"},
                                   {"rules.yaml",
                                    "rules:\n- id: r\n  on: ticket.created\n  then:\n"
                                    "  - set: { ticket.custom.seats: many }\n"}});
    CHECK(wrong.text() ==
          "rules.yaml:5:33: error: ticket.custom.seats takes a number, found \"many\" [wrong-type]\n");
}

}  // namespace language_load
