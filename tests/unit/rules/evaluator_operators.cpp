// Every operator against: absent, null, wrong type, empty, match, no match.
#include <map>
#include <string>
#include <vector>

#include "tests/support/rules.h"

namespace evaluator_operators {

using namespace rules;
using namespace rules::testing;

namespace {

struct Row {
    Operator op;
    const char* field;  ///< says the type
    const char* operand;
    const char* value;  ///< of the field, as JSON; "absent" = not there
    bool expected;
};

bool judged(const Row& row, bool case_sensitive = false) {
    const auto compared = comparison(row.field, row.op, json(row.operand), case_sensitive);
    Json document = Json::object();
    if (std::string(row.value) != "absent")
        engine::put(document, compared.comparison.field.keys, json(row.value));
    Scope scope;
    scope.set("ticket", &document);
    scope.now = noon;
    const bool result = holds(compared, scope);
    CHECK(explain(compared, scope)["result"] == result);
    return result;
}

void check(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        INFO(row.field << " " << name_of(row.op) << " " << row.operand << " on " << row.value);
        CHECK(judged(row) == row.expected);
    }
}

constexpr auto subject = "ticket.subject";           // text
constexpr auto score = "ticket.satisfaction_score";  // number
constexpr auto escalated = "ticket.escalated";       // boolean
constexpr auto due = "ticket.due_at";                // instant
constexpr auto tags = "ticket.tags";                 // tags
constexpr auto custom = "ticket.custom.x";           // any

}  // namespace

TEST_CASE("operators: names read back", "[operators]") {
    for (const auto& name : operator_names()) {
        const auto op = parse_operator(name);
        REQUIRE(op);
        CHECK(name_of(*op) == name);
    }
    CHECK(operator_names().size() == 28);
    CHECK_FALSE(parse_operator("equals"));
    CHECK_FALSE(parse_operator(""));
}

TEST_CASE("operators: all but the negative ones are false on an absent or null field", "[operators]") {
    const std::map<Operator, const char*> operands = {
        {Operator::eq, "\"a\""},
        {Operator::in, "[\"a\"]"},
        {Operator::gt, "1"},
        {Operator::gte, "1"},
        {Operator::lt, "1"},
        {Operator::lte, "1"},
        {Operator::between, "[1,2]"},
        {Operator::contains, "\"a\""},
        {Operator::starts_with, "\"a\""},
        {Operator::ends_with, "\"a\""},
        {Operator::matches, "\"a\""},
        {Operator::any_word, "\"a\""},
        {Operator::has, "\"a\""},
        {Operator::has_any, "[\"a\"]"},
        {Operator::has_all, "[\"a\"]"},
        {Operator::exists, "true"},
        {Operator::changed, "true"},
        {Operator::changed_from, "\"a\""},
        {Operator::changed_to, "\"a\""},
        {Operator::older_than, "\"1h\""},
        {Operator::newer_than, "\"1h\""},
        {Operator::cidr, "\"10.0.0.0/8\""},
        {Operator::within_hours, "\"office\""},
        {Operator::count_over, "{\"at_least\":1,\"within\":\"1h\",\"on\":[\"ticket.created\"]}"},
    };
    for (const auto& [op, operand] : operands)
        for (const auto* value : {"absent", "null"}) {
            INFO(name_of(op) << " on " << value);
            CHECK_FALSE(judged({op, custom, operand, value, false}));
        }
    check({
        {Operator::ne, custom, "\"a\"", "absent", true},
        {Operator::ne, custom, "\"a\"", "null", true},
        {Operator::not_in, custom, "[\"a\"]", "absent", true},
        {Operator::not_in, custom, "[\"a\"]", "null", true},
        {Operator::has_none, tags, "[\"a\"]", "absent", true},
        {Operator::has_none, tags, "[\"a\"]", "null", true},
        {Operator::not_contains, subject, "\"a\"", "absent", true},
        {Operator::not_contains, subject, "\"a\"", "null", true},
        {Operator::exists, subject, "false", "absent", true},
        {Operator::exists, subject, "false", "null", true},
    });
}

TEST_CASE("operators: eq and ne compare by value, text exactly", "[operators]") {
    check({
        {Operator::eq, subject, "\"a\"", "\"a\"", true},
        {Operator::eq, subject, "\"a\"", "\"A\"", false},
        {Operator::eq, subject, "\"a\"", "\"\"", false},
        {Operator::eq, subject, "\"\"", "\"\"", true},
        {Operator::eq, subject, "\"5\"", "5", false},
        {Operator::eq, score, "5", "5", true},
        {Operator::eq, score, "5", "5.0", true},
        {Operator::eq, score, "5.5", "5", false},
        {Operator::eq, score, "5", "\"5\"", false},
        {Operator::eq, score, "9007199254740993", "9007199254740992.0", false},
        {Operator::eq, score, "9007199254740992", "9007199254740992.0", true},
        {Operator::eq, score, "-1", "18446744073709551615", false},
        {Operator::eq, escalated, "true", "true", true},
        {Operator::eq, escalated, "true", "false", false},
        {Operator::eq, escalated, "true", "1", false},
        {Operator::eq, custom, "{\"a\":1}", "{\"a\":1.0,\"b\":null}", true},
        {Operator::eq, custom, "{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {Operator::eq, custom, "[1,2]", "[1,2]", true},
        {Operator::eq, custom, "[1,2]", "[2,1]", false},
        {Operator::ne, subject, "\"a\"", "\"a\"", false},
        {Operator::ne, subject, "\"a\"", "\"b\"", true},
        {Operator::ne, subject, "\"a\"", "\"\"", true},
        {Operator::ne, subject, "\"a\"", "5", false},
        {Operator::ne, score, "5", "\"5\"", false},
        {Operator::ne, score, "5", "6", true},
        {Operator::ne, score, "5", "5.0", false},
    });
}

TEST_CASE("operators: eq compares tags as sets", "[operators]") {
    check({
        {Operator::eq, tags, "[\"a\",\"b\"]", "[\"b\",\"a\"]", true},
        {Operator::eq, tags, "[\"a\",\"b\"]", "[\"b\",\"a\",\"a\"]", true},
        {Operator::eq, tags, "[\"a\",\"b\"]", "[\"a\"]", false},
        {Operator::eq, tags, "[\"a\"]", "\"a\"", true},
        {Operator::eq, tags, "[]", "[]", true},
        {Operator::eq, tags, "[\"a\"]", "[]", false},
        {Operator::eq, tags, "[\"a\"]", "5", false},
        {Operator::ne, tags, "[\"a\"]", "[\"b\"]", true},
        {Operator::ne, tags, "[\"a\",\"b\"]", "[\"b\",\"a\"]", false},
        {Operator::ne, tags, "[\"a\"]", "5", false},
    });
}

TEST_CASE("operators: in and not_in look for one equal value", "[operators]") {
    check({
        {Operator::in, subject, "[\"a\",\"b\"]", "\"b\"", true},
        {Operator::in, subject, "[\"a\",\"b\"]", "\"c\"", false},
        {Operator::in, subject, "[\"a\",\"b\"]", "\"\"", false},
        {Operator::in, subject, "[\"a\",\"b\"]", "1", false},
        {Operator::in, score, "[1,2]", "2.0", true},
        {Operator::in, custom, "[1,\"a\"]", "\"a\"", true},
        {Operator::in, custom, "[1,\"a\"]", "1", true},
        {Operator::not_in, subject, "[\"a\",\"b\"]", "\"c\"", true},
        {Operator::not_in, subject, "[\"a\",\"b\"]", "\"a\"", false},
        {Operator::not_in, subject, "[\"a\",\"b\"]", "\"\"", true},
        {Operator::not_in, subject, "[\"a\",\"b\"]", "1", false},
        {Operator::not_in, custom, "[1,\"a\"]", "2", true},
    });
}

TEST_CASE("operators: order is of numbers and of instants", "[operators]") {
    check({
        {Operator::gt, score, "5", "6", true},
        {Operator::gt, score, "5", "5", false},
        {Operator::gt, score, "5", "4", false},
        {Operator::gt, score, "5", "\"6\"", false},
        {Operator::gt, score, "5", "true", false},
        {Operator::gt, score, "5", "[6]", false},
        {Operator::gt, score, "9007199254740992.0", "9007199254740993", true},
        {Operator::gte, score, "5", "5.0", true},
        {Operator::gte, score, "5", "4.9", false},
        {Operator::lt, score, "5", "4.9", true},
        {Operator::lt, score, "5", "5", false},
        {Operator::lt, score, "5", "\"\"", false},
        {Operator::lte, score, "5", "5", true},
        {Operator::lte, score, "5", "5.1", false},
        {Operator::between, score, "[1,2]", "1", true},
        {Operator::between, score, "[1,2]", "2.0", true},
        {Operator::between, score, "[1,2]", "1.5", true},
        {Operator::between, score, "[1,2]", "0.9", false},
        {Operator::between, score, "[1,2]", "2.1", false},
        {Operator::between, score, "[1,2]", "\"1\"", false},
        {Operator::gt, due, "\"2026-05-04T10:00:00Z\"", "\"2026-05-04T13:00:00+02:00\"", true},
        {Operator::gt, due, "\"2026-05-04T10:00:00Z\"", "\"2026-05-04T12:00:00+02:00\"", false},
        {Operator::gte, due, "\"2026-05-04T10:00:00Z\"", "\"2026-05-04T12:00:00+02:00\"", true},
        {Operator::lt, due, "\"2026-05-04T10:00:00Z\"", "\"2026-05-04T09:59:59.999Z\"", true},
        {Operator::lt, due, "\"2026-05-04T10:00:00Z\"", "\"soon\"", false},
        {Operator::lt, due, "\"2026-05-04T10:00:00Z\"", "5", false},
        {Operator::gt, due, "\"a\"", "\"b\"", false},
        {Operator::between, due, "[\"2026-05-04T10:00:00Z\",\"2026-05-04T11:00:00Z\"]",
         "\"2026-05-04T11:00:00Z\"", true},
        {Operator::between, due, "[\"2026-05-04T10:00:00Z\",\"2026-05-04T11:00:00Z\"]",
         "\"2026-05-04T11:00:01Z\"", false},
    });
}

TEST_CASE("operators: text operators fold case and take one text or several", "[operators]") {
    check({
        {Operator::contains, subject, "\"REFUND\"", "\"my refund please\"", true},
        {Operator::contains, subject, "\"refund\"", "\"MY REFUNDS\"", true},
        {Operator::contains, subject, "[\"x\",\"fund\"]", "\"refund\"", true},
        {Operator::contains, subject, "\"refund\"", "\"re fund\"", false},
        {Operator::contains, subject, "\"refund\"", "\"\"", false},
        {Operator::contains, subject, "\"5\"", "5", false},
        {Operator::contains, tags, "\"a\"", "[\"a\"]", false},
        {Operator::contains, subject, "\"ÄRGER\"", "\"viel ärger\"", true},
        {Operator::contains, subject, "\"ПРИВЕТ\"", "\"скажи привет\"", true},
        {Operator::not_contains, subject, "\"refund\"", "\"hello\"", true},
        {Operator::not_contains, subject, "\"refund\"", "\"Refund\"", false},
        {Operator::not_contains, subject, "[\"x\",\"y\"]", "\"has Y\"", false},
        {Operator::not_contains, subject, "\"refund\"", "\"\"", true},
        {Operator::not_contains, subject, "\"refund\"", "5", false},
        {Operator::not_contains, tags, "\"a\"", "[\"b\"]", false},
        {Operator::starts_with, subject, "\"re:\"", "\"RE: hello\"", true},
        {Operator::starts_with, subject, "[\"fw\",\"re\"]", "\"Re: hello\"", true},
        {Operator::starts_with, subject, "\"hello\"", "\"Re: hello\"", false},
        {Operator::starts_with, subject, "\"a\"", "\"\"", false},
        {Operator::starts_with, subject, "\"5\"", "5", false},
        {Operator::ends_with, subject, "\"?\"", "\"why?\"", true},
        {Operator::ends_with, subject, "\"WHY?\"", "\"why?\"", true},
        {Operator::ends_with, subject, "\"why\"", "\"why?\"", false},
        {Operator::ends_with, subject, "\"a\"", "\"\"", false},
        {Operator::ends_with, subject, "\"5\"", "5", false},
        {Operator::matches, subject, "\"ref[0-9]+\"", "\"see REF42\"", true},
        {Operator::matches, subject, "[\"^no\",\"yes$\"]", "\"say Yes\"", true},
        {Operator::matches, subject, "\"^ref\"", "\"see ref\"", false},
        {Operator::matches, subject, "\"a\"", "\"\"", false},
        {Operator::matches, subject, "\"5\"", "5", false},
    });
}

TEST_CASE("operators: long and non-ASCII texts fold as short ones do", "[operators]") {
    const std::string filler(2000, 'X');
    const auto value = Json(filler + " Needle " + filler).dump();
    const auto accented = Json("É " + filler + " Needle").dump();
    check({
        {Operator::contains, subject, "\"needle\"", value.c_str(), true},
        {Operator::contains, subject, "\"noodle\"", value.c_str(), false},
        {Operator::any_word, subject, "\"needle\"", value.c_str(), true},
        {Operator::starts_with, subject, "\"é xxx\"", accented.c_str(), true},
        {Operator::ends_with, subject, "\"NEEDLE\"", accented.c_str(), true},
    });
}

TEST_CASE("operators: case: true compares text as it stands", "[operators]") {
    CHECK(judged({Operator::contains, subject, "\"VIP\"", "\"a VIP\"", true}, true));
    CHECK_FALSE(judged({Operator::contains, subject, "\"VIP\"", "\"a vip\"", true}, true));
    CHECK_FALSE(judged({Operator::starts_with, subject, "\"Re\"", "\"re: x\"", true}, true));
    CHECK_FALSE(judged({Operator::ends_with, subject, "\"X\"", "\"re: x\"", true}, true));
    CHECK_FALSE(judged({Operator::any_word, subject, "\"VIP\"", "\"vip\"", true}, true));
    CHECK(judged({Operator::any_word, subject, "\"VIP\"", "\"VIP\"", true}, true));
    CHECK_FALSE(judged({Operator::matches, subject, "\"^V\"", "\"vip\"", true}, true));
    CHECK(judged({Operator::not_contains, subject, "\"VIP\"", "\"vip\"", true}, true));
}

TEST_CASE("operators: any_word finds whole words of letters and digits", "[operators]") {
    check({
        {Operator::any_word, subject, "\"cancel\"", "\"please Cancel!\"", true},
        {Operator::any_word, subject, "\"cancel\"", "\"cancel\"", true},
        {Operator::any_word, subject, "\"cancel\"", "\"(cancel)\"", true},
        {Operator::any_word, subject, "\"cancel\"", "\"cancel_it\"", true},
        {Operator::any_word, subject, "\"cancel\"", "\"cancelled\"", false},
        {Operator::any_word, subject, "\"cancel\"", "\"uncancel\"", false},
        {Operator::any_word, subject, "\"cancel\"", "\"cancel2\"", false},
        {Operator::any_word, subject, "\"cancel\"", "\"cancelled, then cancel\"", true},
        {Operator::any_word, subject, "[\"stop\",\"quit\"]", "\"I quit.\"", true},
        {Operator::any_word, subject, "\"credit card\"", "\"my Credit Card, please\"", true},
        {Operator::any_word, subject, "\"credit card\"", "\"credit cards\"", false},
        {Operator::any_word, subject, "\"é\"", "\"café\"", false},
        {Operator::any_word, subject, "\"caf\"", "\"café\"", false},
        {Operator::any_word, subject, "\"café\"", "\"un café…\"", true},
        {Operator::any_word, subject, "\"hello\"", "\"“hello”😀\"", true},
        {Operator::any_word, subject, "\"привет\"", "\"ПРИВЕТ!\"", true},
        {Operator::any_word, subject, "\"c++\"", "\"I like C++!\"", true},
        {Operator::any_word, subject, "\"\"", "\"text\"", false},
        {Operator::any_word, subject, "\"a\"", "\"\"", false},
        {Operator::any_word, subject, "\"5\"", "5", false},
        {Operator::any_word, tags, "\"a\"", "[\"a\"]", false},
    });
}

TEST_CASE("operators: has looks into lists, exactly", "[operators]") {
    check({
        {Operator::has, tags, "\"vip\"", "[\"a\",\"vip\"]", true},
        {Operator::has, tags, "\"vip\"", "[\"VIP\"]", false},
        {Operator::has, tags, "\"vip\"", "[]", false},
        {Operator::has, tags, "\"vip\"", "\"vip\"", true},
        {Operator::has, tags, "\"vip\"", "5", false},
        {Operator::has, custom, "\"vip\"", "\"vip\"", false},
        {Operator::has, custom, "2", "[1,2.0]", true},
        {Operator::has_any, tags, "[\"a\",\"b\"]", "[\"b\",\"c\"]", true},
        {Operator::has_any, tags, "[\"a\",\"b\"]", "[\"c\"]", false},
        {Operator::has_any, tags, "[\"a\",\"b\"]", "[]", false},
        {Operator::has_any, tags, "[\"a\",\"b\"]", "\"b\"", true},
        {Operator::has_any, tags, "[\"a\",\"b\"]", "{}", false},
        {Operator::has_all, tags, "[\"a\",\"b\"]", "[\"c\",\"b\",\"a\"]", true},
        {Operator::has_all, tags, "[\"a\",\"b\"]", "[\"a\"]", false},
        {Operator::has_all, tags, "[\"a\",\"b\"]", "[]", false},
        {Operator::has_all, tags, "[\"a\"]", "true", false},
        {Operator::has_none, tags, "[\"a\",\"b\"]", "[\"c\"]", true},
        {Operator::has_none, tags, "[\"a\",\"b\"]", "[\"a\"]", false},
        {Operator::has_none, tags, "[\"a\",\"b\"]", "[]", true},
        {Operator::has_none, tags, "[\"a\",\"b\"]", "\"c\"", true},
        {Operator::has_none, tags, "[\"a\",\"b\"]", "5", false},
    });
}

TEST_CASE("operators: exists asks whether there is a value, however empty", "[operators]") {
    check({
        {Operator::exists, subject, "true", "\"\"", true},
        {Operator::exists, tags, "true", "[]", true},
        {Operator::exists, escalated, "true", "false", true},
        {Operator::exists, subject, "false", "\"\"", false},
        {Operator::exists, subject, "false", "\"a\"", false},
        {Operator::exists, subject, "true", "5", true},
    });
}

TEST_CASE("operators: age is measured at the decision's clock", "[operators]") {
    check({
        {Operator::older_than, due, "\"1h\"", "\"2026-05-04T10:59:59Z\"", true},
        {Operator::older_than, due, "\"1h\"", "\"2026-05-04T11:00:00Z\"", false},
        {Operator::older_than, due, "\"1h\"", "\"2026-05-04T11:30:00Z\"", false},
        {Operator::older_than, due, "\"1h\"", "\"2026-05-05T12:00:00Z\"", false},
        {Operator::older_than, due, "\"1h\"", "\"yesterday\"", false},
        {Operator::older_than, due, "\"1h\"", "\"\"", false},
        {Operator::older_than, due, "\"1h\"", "5", false},
        {Operator::newer_than, due, "\"1h\"", "\"2026-05-04T11:00:01Z\"", true},
        {Operator::newer_than, due, "\"1h\"", "\"2026-05-04T11:00:00Z\"", false},
        {Operator::newer_than, due, "\"1h\"", "\"2026-05-05T12:00:00Z\"", true},
        {Operator::newer_than, due, "\"1h\"", "\"2026-05-01T12:00:00Z\"", false},
        {Operator::newer_than, due, "\"1h\"", "\"yesterday\"", false},
        {Operator::newer_than, due, "\"1h\"", "5", false},
    });
}

TEST_CASE("operators: within_hours asks whether a calendar is open at that time", "[operators]") {
    check({
        {Operator::within_hours, due, "\"office\"", "\"2026-05-04T07:00:00Z\"", true},
        {Operator::within_hours, due, "\"office\"", "\"2026-05-04T06:59:59Z\"", false},
        {Operator::within_hours, due, "\"office\"", "\"2026-05-04T16:59:59+02:00\"", true},
        {Operator::within_hours, due, "\"office\"", "\"2026-05-04T17:00:00+02:00\"", false},
        {Operator::within_hours, due, "\"office\"", "\"2026-05-03T12:00:00Z\"", false},
        {Operator::within_hours, due, "\"office\"", "\"yesterday\"", false},
        {Operator::within_hours, due, "\"office\"", "\"\"", false},
        {Operator::within_hours, due, "\"office\"", "5", false},
    });
    Scope scope;
    scope.now = noon;
    CHECK(holds(comparison("now", Operator::within_hours, "office"), scope));
    scope.now = noon + std::chrono::hours(6);
    CHECK_FALSE(holds(comparison("now", Operator::within_hours, "office"), scope));
}

TEST_CASE("operators: cidr asks whether an address is in a network", "[operators]") {
    check({
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "\"10.255.1.2\"", true},
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "\"11.0.0.0\"", false},
        {Operator::cidr, subject, "\"10.20.30.0/23\"", "\"10.20.31.255\"", true},
        {Operator::cidr, subject, "\"10.20.30.0/23\"", "\"10.20.32.0\"", false},
        {Operator::cidr, subject, "\"192.0.2.7\"", "\"192.0.2.7\"", true},
        {Operator::cidr, subject, "\"192.0.2.7\"", "\"192.0.2.8\"", false},
        {Operator::cidr, subject, "\"0.0.0.0/0\"", "\"203.0.113.9\"", true},
        {Operator::cidr, subject, "\"0.0.0.0/0\"", "\"2001:db8::1\"", false},
        {Operator::cidr, subject, "[\"10.0.0.0/8\",\"2001:db8::/32\"]", "\"2001:db8:1::5\"", true},
        {Operator::cidr, subject, "\"2001:db8::/32\"", "\"2001:db9::1\"", false},
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "\"::ffff:10.1.1.1\"", true},
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "\"10.1\"", false},
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "\"\"", false},
        {Operator::cidr, subject, "\"10.0.0.0/8\"", "167772161", false},
    });
}

TEST_CASE("operators: operands that cannot be used are refused", "[operators]") {
    struct Wrong {
        Operator op;
        const char* operand;
    };
    const auto wrong = GENERATE(values<Wrong>({
        {Operator::contains, "5"},
        {Operator::contains, "[\"a\", 5]"},
        {Operator::any_word, "{}"},
        {Operator::matches, "\"(\""},
        {Operator::matches, "[\"ok\", 1]"},
        {Operator::cidr, "\"10.0.0.0/33\""},
        {Operator::cidr, "\"10.0.0/8\""},
        {Operator::cidr, "\"::/129\""},
        {Operator::cidr, "\"10.0.0.0/\""},
        {Operator::cidr, "\"10.0.0.0/8x\""},
        {Operator::cidr, "\"\""},
        {Operator::older_than, "\"soon\""},
        {Operator::older_than, "5"},
    }));
    Comparison comparison;
    comparison.op = wrong.op;
    comparison.operand = json(wrong.operand);
    INFO(name_of(wrong.op) << " " << wrong.operand);
    const auto compiled = compile(comparison);
    REQUIRE_FALSE(compiled);
    CHECK_FALSE(compiled.error().message.empty());
}

}  // namespace evaluator_operators
