#include "rules/calendar/calendar.h"
#include "rules/language/conditions.h"
#include "rules/language/operands.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_conditions {

using engine::Json;
using rules::Condition;
using rules::load_when;
using rules::Operator;

namespace {

Condition condition_of(const std::string& text) {
    const auto loaded = load_when(text);
    INFO(text << "\n" << loaded.text());
    REQUIRE(loaded.rule_set);
    return loaded.rule_set->rules.at(0).when;
}

rules::Comparison comparison_of(const std::string& text) {
    const auto condition = condition_of(text);
    REQUIRE(condition.kind == Condition::Kind::comparison);
    return condition.comparison;
}

/// The class of the only problem of the condition.
std::string problem_of(const std::string& text) {
    const auto found = load_when(text).diagnostics.sorted();
    INFO(text);
    REQUIRE(found.size() == 1);
    CHECK(found[0].place.line == 4);
    return found[0].kind;
}

}  // namespace

TEST_CASE("conditions: a scalar is eq, a list is in", "[language]") {
    const auto one = comparison_of("{ ticket.priority: high }");
    CHECK((one.op == Operator::eq && one.operand == "high" && one.field.text == "ticket.priority"));
    CHECK((one.field.root == "ticket" && one.field.keys == engine::Path{"priority"}));
    CHECK(one.field.type == rules::FieldType::text);
    const auto many = comparison_of("{ ticket.priority: [high, urgent] }");
    CHECK((many.op == Operator::in && many.operand == Json({"high", "urgent"})));
}

TEST_CASE("conditions: several keys and several operators in one map must all hold", "[language]") {
    const auto both = condition_of("{ ticket.priority: high, ticket.status: open }");
    CHECK((both.kind == Condition::Kind::all && both.children.size() == 2));
    const auto range = condition_of("{ conversation.confidence: { gte: 0.2, lt: 0.5 } }");
    CHECK((range.kind == Condition::Kind::all && range.children.size() == 2));
    CHECK(range.children[1].comparison.op == Operator::lt);
}

TEST_CASE("conditions: groups nest, and not takes one condition", "[language]") {
    const auto tree = condition_of(
        "{ any: [ { all: [ { ticket.priority: low } ] }, { none: [ { ticket.status: open }, { ticket.type: "
        "task } ] "
        "}, { not: { ticket.group: a, ticket.queue: b } } ] }");
    CHECK(tree.kind == Condition::Kind::any);
    REQUIRE(tree.children.size() == 3);
    CHECK(tree.children[0].kind == Condition::Kind::all);
    CHECK((tree.children[1].kind == Condition::Kind::none && tree.children[1].children.size() == 2));
    CHECK((tree.children[2].kind == Condition::Kind::negation && tree.children[2].children.size() == 1));
    CHECK(tree.children[2].children[0].kind == Condition::Kind::all);
    CHECK(condition_of("{ any: { ticket.priority: low } }").children.size() == 1);
}

TEST_CASE("conditions: a rule without when always fits", "[language]") {
    const auto loaded = rules::load_text("rules: [ { id: r, on: '*', then: [] } ]\n");
    REQUIRE(loaded.rule_set);
    const auto& when = loaded.rule_set->rules.at(0).when;
    CHECK((when.kind == Condition::Kind::all && when.children.empty()));
}

TEST_CASE("conditions: a when without anything is an error, not a rule that always fits", "[language]") {
    CHECK(problem_of("") == "wrong-type");
    CHECK(problem_of("{ all: }") == "wrong-type");
    CHECK(problem_of("{ ticket.priority: }") == "bad-value");
    CHECK(problem_of("{ ticket.priority: {} }") == "bad-value");
    CHECK(problem_of("true") == "wrong-type");
    CHECK(problem_of("[ { ticket.priority: high } ]") == "wrong-type");
}

TEST_CASE("conditions: scalars are read by the type of their field", "[language]") {
    CHECK(comparison_of("{ ticket.subject: 012 }").operand == "012");
    CHECK(comparison_of("{ ticket.subject: true }").operand == "true");
    CHECK(comparison_of("{ ticket.subject: 1.50 }").operand == "1.50");
    CHECK(comparison_of("{ conversation.confidence: 0.50 }").operand == 0.5);
    CHECK(comparison_of("{ ticket.escalated: true }").operand == true);
    CHECK(comparison_of("{ ticket.custom.x: 12 }").operand == 12);
    CHECK(comparison_of("{ ticket.custom.x: '12' }").operand == "12");
    CHECK(comparison_of("{ ticket.custom.x: yes }").operand == "yes");
    CHECK(comparison_of("{ ticket.subject: [1, no] }").operand == Json({"1", "no"}));
    CHECK(comparison_of("{ ticket.due_at: 2026-05-04T08:00:00Z }").operand == "2026-05-04T08:00:00Z");
    CHECK(comparison_of("{ ticket.tags: { eq: [a, 5] } }").operand == Json({"a", "5"}));
}

TEST_CASE("conditions: every operator is read on a field it fits", "[language]") {
    const std::vector<std::pair<Operator, std::string>> samples{
        {Operator::eq, "ticket.subject: { eq: a }"},
        {Operator::ne, "ticket.subject: { ne: a }"},
        {Operator::in, "ticket.subject: { in: [a] }"},
        {Operator::not_in, "ticket.subject: { not_in: [a] }"},
        {Operator::gt, "ticket.message_count: { gt: 1 }"},
        {Operator::gte, "ticket.due_at: { gte: '2026-01-01T00:00:00Z' }"},
        {Operator::lt, "ticket.custom.x: { lt: 1.5 }"},
        {Operator::lte, "ticket.custom.x: { lte: 2026-01-01T00:00:00+02:00 }"},
        {Operator::between, "ticket.message_count: { between: [1, 2] }"},
        {Operator::contains, "ticket.subject: { contains: Refund }"},
        {Operator::not_contains, "ticket.subject: { not_contains: [a, b] }"},
        {Operator::starts_with, "ticket.subject: { starts_with: re }"},
        {Operator::ends_with, "ticket.subject: { ends_with: '!' }"},
        {Operator::matches, "ticket.subject: { matches: 'a+b' }"},
        {Operator::any_word, "ticket.subject: { any_word: [a, b] }"},
        {Operator::has, "ticket.tags: { has: vip }"},
        {Operator::has_any, "ticket.tags: { has_any: [vip] }"},
        {Operator::has_all, "ticket.tags: { has_all: [vip] }"},
        {Operator::has_none, "ticket.tags: { has_none: [vip] }"},
        {Operator::exists, "ticket.assignee: { exists: false }"},
        {Operator::changed, "ticket.assignee: { changed: true }"},
        {Operator::changed_from, "ticket.status: { changed_from: open }"},
        {Operator::changed_to, "ticket.status: { changed_to: [solved, closed] }"},
        {Operator::older_than, "ticket.created_at: { older_than: 2d }"},
        {Operator::newer_than, "ticket.custom.seen: { newer_than: 1h30m }"},
        {Operator::cidr, "conversation.ip_address: { cidr: [10.0.0.0/8, '2001:db8::/32'] }"},
        {Operator::within_hours, "now: { within_hours: support }"},
        {Operator::count_over,
         "ticket.subject: { count_over: { at_least: 2, within: 1h, on: ticket.created } }"},
    };
    CHECK(samples.size() == rules::operator_names().size());
    for (const auto& [op, text] : samples) CHECK(comparison_of("{ " + text + " }").op == op);
}

TEST_CASE("conditions: what operators need at run time is prepared", "[language]") {
    const auto folded = comparison_of("{ ticket.subject: { contains: [REFUND, Ärger] } }");
    CHECK(folded.words == std::vector<std::string>{"refund", "ärger"});
    const auto exact = comparison_of("{ ticket.subject: { contains: Refund, case: true } }");
    CHECK((exact.case_sensitive && exact.words == std::vector<std::string>{"Refund"}));
    CHECK(comparison_of("{ ticket.subject: { matches: 'A.c' } }").patterns.at(0).found_in("xabc"));
    CHECK_FALSE(
        comparison_of("{ ticket.subject: { case: true, matches: 'A.c' } }").patterns.at(0).found_in("xabc"));
    CHECK(comparison_of("{ ticket.created_at: { older_than: 90m } }").span == std::chrono::minutes(90));
    CHECK(comparison_of("{ conversation.ip_address: { cidr: 10.0.0.0/8 } }").networks.size() == 1);
    CHECK(comparison_of("{ event.time: { within_hours: support } }").calendar->times().zone.name() ==
          "Europe/Berlin");
}

TEST_CASE("conditions: operators on fields they do not fit are errors", "[language]") {
    for (const char* text :
         {"{ ticket.subject: { gt: 5 } }", "{ ticket.subject: { between: [1, 2] } }",
          "{ ticket.message_count: { contains: '5' } }", "{ ticket.tags: { matches: a } }",
          "{ ticket.subject: { has: a } }", "{ ticket.message_count: { has_none: [1] } }",
          "{ ticket.subject: { older_than: 2h } }", "{ ticket.message_count: { newer_than: 2h } }",
          "{ ticket.tags: { cidr: 10.0.0.0/8 } }", "{ ticket.escalated: { lt: 1 } }"}) {
        INFO(text);
        CHECK(problem_of(text) == "wrong-type");
    }
}

TEST_CASE("conditions: operands of the wrong type are errors", "[language]") {
    for (const char* text : {"{ conversation.confidence: { eq: high } }",
                             "{ conversation.confidence: { lt: '0.3' } }",
                             "{ ticket.escalated: 1 }",
                             "{ ticket.escalated: 'true' }",
                             "{ ticket.escalated: yes }",
                             "{ ticket.subject: { eq: [a] } }",
                             "{ ticket.subject: { eq: { a: 1 } } }",
                             "{ ticket.tags: vip }",
                             "{ ticket.tags: { eq: vip } }",
                             "{ ticket.tags: [vip] }",
                             "{ ticket.tags: { has: [vip] } }",
                             "{ ticket.tags: { has_any: vip } }",
                             "{ ticket.subject: { in: a } }",
                             "{ ticket.subject: { contains: { a: 1 } } }",
                             "{ ticket.assignee: { exists: 1 } }",
                             "{ ticket.custom.x: { gt: abc } }",
                             "{ ticket.custom.x: { gt: true } }",
                             "{ ticket.message_count: { between: [1] } }",
                             "{ ticket.message_count: { between: 1 } }",
                             "{ ticket.created_at: { older_than: { h: 2 } } }",
                             "{ ticket.requester.email: { eq: { a: b } } }"}) {
        INFO(text);
        CHECK(problem_of(text) == "wrong-type");
    }
}

TEST_CASE("conditions: operands that can never be meant are errors", "[language]") {
    for (const char* text :
         {"{ ticket.subject: { contains: '' } }", "{ ticket.subject: { any_word: [] } }",
          "{ ticket.subject: { in: [] } }", "{ ticket.tags: { has_none: [] } }",
          "{ ticket.message_count: { between: [2, 1] } }", "{ ticket.created_at: { older_than: soon } }",
          "{ ticket.created_at: { older_than: 90 } }", "{ ticket.due_at: 2026-13-01T00:00:00Z }",
          "{ ticket.due_at: { gt: 5 } }", "{ conversation.ip_address: { cidr: 10.0.0.0/33 } }",
          "{ conversation.ip_address: { cidr: localhost } }", "{ ticket.status: { changed_from: null } }",
          "{ ticket.subject: { eq: a, case: true } }",
          "{ ticket.due_at: { between: ['2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z'] } }"}) {
        INFO(text);
        CHECK(problem_of(text) == "bad-value");
    }
}

TEST_CASE("conditions: enum values are checked wherever a value stands", "[language]") {
    for (const char* text : {"{ ticket.priority: urgnt }", "{ ticket.priority: [low, hihg] }",
                             "{ ticket.status: { ne: slved } }", "{ ticket.status: { changed_to: Open } }",
                             "{ ticket.status: { not_in: [open, pendng] } }"}) {
        INFO(text);
        CHECK(problem_of(text) == "unknown-enum-value");
    }
    CHECK(load_when("{ ticket.queue: anything }").rule_set);
}

TEST_CASE("conditions: event, changes, linked kinds and whole objects can be read", "[language]") {
    for (const char* text :
         {"{ event.type: ticket.created }", "{ event.connection: forms }", "{ event.actor: { ne: bot } }",
          "{ event.time: { newer_than: 1h } }", "{ event.data.deep.down: 5 }", "{ contact.tier: gold }",
          "{ company.custom.x: 1 }", "{ message.body: { contains: hi } }",
          "{ ticket.custom: { exists: true } }", "{ ticket.custom: { changed: true } }",
          "{ ticket: { exists: true } }", "{ changes: { exists: true } }"})
        CHECK(load_when(text).text().empty());
    CHECK(problem_of("{ steps.x.result.id: 5 }") == "dangling-step-result");
    CHECK(problem_of("{ nothing.here: 5 }") == "unknown-field");
    CHECK(problem_of("{ event.nothing: 5 }") == "unknown-field");
}

TEST_CASE("conditions: scripts are asked by rules alone", "[language]") {
    CHECK(problem_of("{ lua: scripts/a.lua#run }") == "dangling-script");
}

TEST_CASE("scripts: what is no UTF-8 is told of with its line", "[language]") {
    engine::Diagnostics diagnostics;
    CHECK_FALSE(rules::load_rule_set(
        {{"rules.yaml", "rules: []\n"}, {"scripts/a.lua", "local a = 1\n-- caf\xE9\nreturn { run = a }\n"}},
        {}, diagnostics));
    REQUIRE(diagnostics.sorted().size() == 1);
    CHECK(
        engine::to_text(diagnostics.sorted()[0]) ==
        "scripts/a.lua:2: error: there are bytes on this line that are no UTF-8: save the file as UTF-8, and "
        "write such bytes of texts as \"\\xE9\" [script-syntax]");
}

TEST_CASE("conditions: both problems of one condition are found", "[language]") {
    const auto loaded = load_when("{ ticket.staus: { containz: x, gt: 5 }, ticket.priority: { eq: hgh } }");
    CHECK(loaded.says("[unknown-field]"));
    CHECK(loaded.says("[unknown-operator]"));
    CHECK(loaded.says("[unknown-enum-value]"));
}

}  // namespace language_conditions
