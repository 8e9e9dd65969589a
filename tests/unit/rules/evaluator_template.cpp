#include <string>

#include "rules/evaluator/template.h"
#include "tests/support/rules.h"

namespace evaluator_template {

using namespace rules;
using namespace rules::testing;

namespace {

const Json document = json(R"({
    "ticket": {"subject": "Hi <b>", "priority": "high", "tags": ["a", "b"], "count": 3, "ratio": 2.5, "big": 1e21,
               "whole": 5.0, "open": true, "nothing": null, "empty": "", "custom": {"seats": 12}}})");

Lookup lookup() {
    return [](const engine::Path& path) { return engine::find(document, path); };
}

constexpr std::size_t plenty = 1024;

Json rendered(const std::string& text) {
    const auto value = text_template(text).render(lookup(), plenty);
    INFO(text);
    REQUIRE(value);
    return *value;
}

TemplateError error_of(const std::string& text) {
    auto parsed = Template::parse(text);
    INFO(text);
    REQUIRE(std::holds_alternative<TemplateError>(parsed));
    return std::get<TemplateError>(parsed);
}

}  // namespace

TEST_CASE("template: text without expressions is itself", "[template]") {
    CHECK(rendered("") == "");
    CHECK(rendered("plain text") == "plain text");
    CHECK(rendered("a { brace } and a {single") == "a { brace } and a {single");
    CHECK(text_template("plain").is_constant());
    CHECK_FALSE(text_template("{{ ticket.subject }}").is_constant());
}

TEST_CASE("template: a text that is exactly one expression keeps the value's type", "[template]") {
    CHECK(rendered("{{ ticket.count }}") == 3);
    CHECK(rendered("{{ticket.count}}").is_number_integer());
    CHECK(rendered("{{ ticket.tags }}") == json(R"(["a","b"])"));
    CHECK(rendered("{{ ticket.custom }}") == json(R"({"seats":12})"));
    CHECK(rendered("{{ ticket.open }}") == true);
    CHECK(rendered("{{ ticket.nothing }}").is_null());
    CHECK(rendered("{{ ticket.missing.deeper }}").is_null());
}

TEST_CASE("template: inside text every value becomes text and numbers print shortest", "[template]") {
    CHECK(rendered("<{{ ticket.count }}>") == "<3>");
    CHECK(rendered("<{{ ticket.whole }}>") == "<5>");
    CHECK(rendered("<{{ ticket.ratio }}>") == "<2.5>");
    CHECK(rendered("<{{ ticket.big }}>") == "<1e+21>");
    CHECK(rendered("<{{ ticket.open }}>") == "<true>");
    CHECK(rendered("<{{ ticket.nothing }}>") == "<>");
    CHECK(rendered("<{{ ticket.missing }}>") == "<>");
    CHECK(rendered("<{{ ticket.tags }}>") == R"(<["a","b"]>)");
    CHECK(rendered("<{{ ticket.custom }}>") == R"(<{"seats":12}>)");
    CHECK(rendered("{{ ticket.count }}{{ ticket.count }}") == "33");
    CHECK(rendered(" {{ ticket.count }}") == " 3");
}

TEST_CASE("template: filters run from left to right", "[template]") {
    CHECK(rendered("{{ ticket.priority | upper | first }}") == "H");
    CHECK(rendered("{{ ticket.missing | default: 'abc' | truncate: 2 | upper }}") == "A…");
    CHECK(rendered("{{ ticket.tags|join:'+'|size }}") == 3);
}

TEST_CASE("template: arguments are quoted either way, numbers, true or false", "[template]") {
    CHECK(rendered(R"({{ ticket.missing | default: "it's" }})") == "it's");
    CHECK(rendered(R"({{ ticket.missing | default: 'say "hi"' }})") == R"(say "hi")");
    CHECK(rendered("{{ ticket.missing | default: 'a }} b | c: d' }}") == "a }} b | c: d");
    CHECK(rendered("{{ ticket.missing | default: 5 }}") == 5);
    CHECK(rendered("{{ ticket.missing | default: -0.5 }}") == -0.5);
    CHECK(rendered("{{ ticket.missing | default: true }}") == true);
    CHECK(rendered("{{ ticket.missing | default: '' }}") == "");
}

TEST_CASE("template: what cannot be read is an error at its byte", "[template]") {
    using Kind = TemplateError::Kind;
    struct Bad {
        std::string text;
        std::size_t offset;
        Kind kind;
    };
    const auto bad = GENERATE(values<Bad>({
        {"a {{ ticket.subject", 2, Kind::syntax},
        {"a {{", 2, Kind::syntax},
        {"{{ ticket.", 0, Kind::syntax},
        {"{{ ticket.subject | default:", 0, Kind::syntax},
        {"a }} b", 2, Kind::syntax},
        {"{{ ticket.subject }} }}", 21, Kind::syntax},
        {"{{ }}", 3, Kind::syntax},
        {"{{ ticket..subject }}", 3, Kind::syntax},
        {"{{ ticket.subject } }}", 18, Kind::syntax},
        {"{{ ticket subject }}", 10, Kind::syntax},
        {"{{{ ticket.subject }}}", 2, Kind::syntax},
        {"{{ 'text' }}", 3, Kind::syntax},
        {"{{ ticket.subject | }}", 20, Kind::syntax},
        {"{{ ticket.subject | default: 'x }}", 29, Kind::syntax},
        {"{{ ticket.subject | uper }}", 20, Kind::unknown_filter},
        {"é {{ ticket.subject | uper }}", 23, Kind::unknown_filter},
        {"{{ ticket.subject | default }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | upper: 1 }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | truncate: 0 }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | truncate: -1 }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | truncate: 'x' }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | truncate: 1, 2 }}", 20, Kind::filter_arguments},
        {"{{ ticket.count | round: 99 }}", 18, Kind::filter_arguments},
        {"{{ ticket.subject | date: '%Q' }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | date: 'x%' }}", 20, Kind::filter_arguments},
        {"{{ ticket.subject | default: contact.name }}", 29, Kind::filter_arguments},
    }));
    const auto error = error_of(bad.text);
    INFO(bad.text << ": " << error.message);
    CHECK(error.offset == bad.offset);
    CHECK(error.kind == bad.kind);
    CHECK_FALSE(error.message.empty());
}

TEST_CASE("template: an unknown filter is answered with the nearest name", "[template]") {
    CHECK(error_of("{{ ticket.subject | uper }}").message ==
          "unknown filter \"uper\", did you mean \"upper\"?");
    CHECK(error_of("{{ ticket.subject | zzzzzzzz }}").message == "unknown filter \"zzzzzzzz\"");
}

TEST_CASE("template: text that grows over the limit is refused", "[template]") {
    const auto grown = text_template("{{ ticket.subject }}{{ ticket.subject }}").render(lookup(), 10);
    REQUIRE_FALSE(grown);
    CHECK(grown.error().code == engine::Code::exhausted);
    CHECK(text_template("{{ ticket.subject }}{{ ticket.subject }}").render(lookup(), 12));
    CHECK_FALSE(text_template("{{ ticket.subject }}").render(lookup(), 5));
    CHECK_FALSE(text_template("{{ ticket.subject | url_encode | size }}").render(lookup(), 8));
}

TEST_CASE("template: a filter that cannot take the value names the expression", "[template]") {
    const auto failed = text_template("x {{ ticket.count | upper }}").render(lookup(), plenty);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == engine::Code::invalid_input);
    CHECK(failed.error().message == "{{ ticket.count }}: the filter upper takes a text, not 3");
}

TEST_CASE("template: its expressions can be listed", "[template]") {
    const auto all = text_template("{{ a.b }} and {{ c | upper | default: 'x' }}").expressions();
    REQUIRE(all.size() == 2);
    CHECK(all[0].path == engine::Path{"a", "b"});
    CHECK(all[1].path == engine::Path{"c"});
    CHECK(all[1].filters.size() == 2);
    CHECK(all[1].filters[1].arguments == std::vector<Json>{"x"});
    CHECK(text_template("{{ a }}!").source() == "{{ a }}!");
}

TEST_CASE("value template: leaves render, keys and types stay", "[template]") {
    const auto value =
        value_template(json(R"({"text": "# {{ ticket.subject }}", "n": "{{ ticket.count }}", "list":
        ["x", "{{ ticket.open }}", 7, {"deep": "{{ ticket.ratio }}"}], "flag": false})"));
    const auto result = value.render(lookup(), plenty);
    REQUIRE(result);
    CHECK(*result ==
          json(R"({"text": "# Hi <b>", "n": 3, "list": ["x", true, 7, {"deep": 2.5}], "flag": false})"));
    CHECK(value.expressions().size() == 4);
}

TEST_CASE("value template: a member that renders to nothing is left out, a constant null stays",
          "[template]") {
    const auto value =
        value_template(json(R"({"gone": "{{ ticket.missing }}", "null": null, "empty": "{{ ticket.empty }}",
        "list": ["{{ ticket.missing }}"]})"));
    const auto result = value.render(lookup(), plenty);
    REQUIRE(result);
    CHECK(*result == json(R"({"null": null, "empty": "", "list": [null]})"));
}

TEST_CASE("value template: an error inside is the value's error", "[template]") {
    for (const auto* source : {R"({"a": ["{{ ticket.tags | upper }}"]})", R"(["{{ ticket.count | trim }}"])"})
        CHECK_FALSE(value_template(json(source)).render(lookup(), plenty));
}

}  // namespace evaluator_template
