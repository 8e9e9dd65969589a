#include "connectors/kit/expression.h"

#include "tests/unit/connectors/support.h"

namespace expression_test {

using namespace connectors;
using connectors::testing::json;

namespace {

const Json& item() {
    static const Json value = json(R"({
        "id": 7, "name": " Ana Maria ", "empty": "", "none": null, "ratio": 0.5, "on": true,
        "tags": [{"name": "a"}, {"name": "b"}, {"label": "c"}],
        "fields": [{"id": 1, "value": "x"}, {"id": 2, "value": "y"}],
        "odd name": "odd", "deep": {"list": [[1, 2], [3]]}, "at": 1777881600.0002, "ts": "1777881600.000200",
        "ms": 1777881600123, "csv": "a, b,,c ", "url": "https://Shop.Example.com:8443/x?y", "status": "HOLD"})");
    return value;
}

Tables tables() {
    Table status{{"hold", "on_hold"}, {"gone", nullptr}};
    Table any{{"a", 1}, {"*", "else"}};
    return {{"status", std::make_shared<const Table>(status)}, {"any", std::make_shared<const Table>(any)}};
}

Value evaluate(const std::string& text) {
    const auto known = tables();
    const auto compiled = Expression::compile(text, {{"item", "header"}, &known});
    INFO(text);
    if (!compiled) INFO(compiled.error().message);
    REQUIRE(compiled);
    const std::string host = "h1";
    Scope scope;
    scope.with("item", item()).with("header", [&](std::string_view name) {
        return name == "x-host" ? &host : nullptr;
    });
    return compiled->evaluate(scope);
}

std::string problem(const std::string& text) {
    const auto known = tables();
    const auto compiled = Expression::compile(text, {{"item", "header"}, &known});
    INFO(text);
    REQUIRE_FALSE(compiled);
    return compiled.error().message;
}

std::optional<std::string> rendered(const std::string& text) {
    const auto compiled = Template::compile(text, {{"item", "settings"}, nullptr});
    INFO(text);
    REQUIRE(compiled);
    Scope scope;
    scope.with("item", item());
    return compiled->render_text(scope);
}

}  // namespace

TEST_CASE("expression: a path reads members, elements, and elements by a member", "[connectors]") {
    CHECK(evaluate("item.id") == Value(7));
    CHECK(evaluate("item['odd name']") == Value("odd"));
    CHECK(evaluate("item.deep.list[0][1]") == Value(2));
    CHECK(evaluate("item.deep.list[-1][0]") == Value(3));
    CHECK(evaluate("item.fields[id='2'].value") == Value("y"));
    CHECK(evaluate("item.tags[*].name") == Value(Json{"a", "b"}));
    CHECK(evaluate("header.x-host") == Value("h1"));
}

TEST_CASE("expression: what is not there differs from null", "[connectors]") {
    CHECK_FALSE(evaluate("item.missing.further").has_value());
    CHECK_FALSE(evaluate("item.deep.list[9]").has_value());
    CHECK_FALSE(evaluate("item.name.length").has_value());
    CHECK_FALSE(evaluate("header.y").has_value());
    CHECK(evaluate("item.none") == Value(Json()));
    CHECK(evaluate("item.none ?? item.missing") == Value(Json()));
    CHECK_FALSE(evaluate("item.missing ?? item.other").has_value());
}

TEST_CASE("expression: the first value that is there counts, and filters come after it", "[connectors]") {
    CHECK(evaluate("item.missing ?? item.none ?? item.name | trim | lower") == Value("ana maria"));
    CHECK(evaluate("(item.empty | filled) ?? 'general'") == Value("general"));
    CHECK(evaluate("item.missing ?? 3.5") == Value(3.5));
    CHECK(evaluate("item.missing ?? -2") == Value(-2));
    CHECK(evaluate("item.missing ?? 'it''s'") == Value("it's"));
    CHECK(evaluate("item.missing ?? true") == Value(true));
    CHECK(evaluate("`{item.id}-{item.status | lower}` ?? item.id") == Value("7-hold"));
    CHECK(evaluate("`{item.id}-{item.missing}` ?? item.id") == Value(7));
}

TEST_CASE("expression: filters change values, or give nothing when they cannot", "[connectors]") {
    CHECK(evaluate("item.id | text") == Value("7"));
    CHECK(evaluate("item.ratio | text") == Value("0.5"));
    CHECK(evaluate("'12' | number") == Value(12));
    CHECK_FALSE(evaluate("'12a' | number").has_value());
    CHECK(evaluate("'Yes' | boolean") == Value(true));
    CHECK(evaluate("item.on | not") == Value(false));
    CHECK(evaluate("item.csv | split: ','") == Value(Json{"a", "b", "c"}));
    CHECK(evaluate("item.tags[*].name | join: '+'") == Value("a+b"));
    CHECK(evaluate("item.id | list") == Value(Json::array({7})));
    CHECK(evaluate("item.tags[*].name | first") == Value("a"));
    CHECK(evaluate("item.tags[*].name | last") == Value("b"));
    CHECK(evaluate("item.tags | size") == Value(3));
    CHECK(evaluate("'zen:ticket:35' | after: ':'") == Value("35"));
    CHECK(evaluate("'a@b' | before: '@'") == Value("a"));
    CHECK(evaluate("'abcdef' | truncate: 4") == Value("abc…"));
    CHECK(evaluate("item.url | host") == Value("shop.example.com"));
    CHECK(evaluate("'shop.example.com/x' | host") == Value("shop.example.com"));
    CHECK_FALSE(evaluate("'ftp://x' | host").has_value());
    CHECK(evaluate("'Ana Maria Lopes' | first_name") == Value("Ana Maria"));
    CHECK(evaluate("'Ana Maria Lopes' | last_name") == Value("Lopes"));
    CHECK(evaluate("'Ana' | first_name") == Value("Ana"));
    CHECK_FALSE(evaluate("'Ana' | last_name").has_value());
    CHECK(evaluate("'a b' | url_encode") == Value("a%20b"));
    CHECK(evaluate("'hi' | base64") == Value("aGk="));
    CHECK(evaluate("item.deep | json") == Value(R"({"list":[[1,2],[3]]})"));
    CHECK_FALSE(evaluate("item.deep | lower").has_value());
    CHECK(evaluate("item.none | lower | trim") == Value(Json()));
}

TEST_CASE("expression: epochs become times without losing digits", "[connectors]") {
    CHECK(evaluate("item.ts | epoch_s") == Value("2026-05-04T08:00:00.000200Z"));
    CHECK(evaluate("item.at | epoch_s") == Value("2026-05-04T08:00:00.000200Z"));
    CHECK(evaluate("item.ms | epoch_ms") == Value("2026-05-04T08:00:00.123Z"));
    CHECK(evaluate("0 | epoch_s") == Value("1970-01-01T00:00:00Z"));
    CHECK_FALSE(evaluate("'soon' | epoch_s").has_value());
    CHECK_FALSE(evaluate("-1 | epoch_s").has_value());
    CHECK_FALSE(evaluate("'253402300800' | epoch_s").has_value());
    CHECK_FALSE(evaluate("'99999999999999999999' | epoch_ms").has_value());
}

TEST_CASE("expression: tables translate, and know what to do with the rest", "[connectors]") {
    CHECK(evaluate("item.status | lower | table: status") == Value("on_hold"));
    CHECK(evaluate("'open' | table:status") == Value("open"));
    CHECK(evaluate("'gone' | table:status") == Value(Json()));
    CHECK(evaluate("'a' | table: any") == Value(1));
    CHECK(evaluate("'b' | table: any") == Value("else"));
}

TEST_CASE("expression: a setting's map turns names into ids and back", "[connectors]") {
    const auto evaluated = [](const std::string& text, const Json& settings) {
        const auto compiled = Expression::compile(text, {{"item", "settings"}, nullptr});
        INFO(text);
        REQUIRE(compiled);
        CHECK(compiled->names_under("settings") == std::vector<std::string>{"groups"});
        Scope scope;
        scope.with("item", item()).with("settings", settings);
        return compiled->evaluate(scope);
    };
    const auto settings = json(R"({"groups": {"billing": 360001, "duty": "77"}})");
    CHECK(evaluated("'billing' | id_of:groups", settings) == Value(360001));
    CHECK(evaluated("'77' | name_of: groups", settings) == Value("duty"));
    CHECK(evaluated("'360001' | name_of:groups", settings) == Value("billing"));
    CHECK(evaluated("item.id | name_of:groups", settings) == Value(7));
    CHECK(evaluated("'nobody' | id_of:groups", settings) == Value("nobody"));
    CHECK(evaluated("'billing' | id_of:groups", Json::object()) == Value("billing"));
    CHECK_FALSE(evaluated("item.gone | id_of:groups", settings).has_value());
    CHECK_THAT(problem("item.id | id_of"), Catch::Contains("needs an argument"));
    CHECK_THAT(problem("item.id | id_of: 'x'"), Catch::Contains("is a setting"));
}

TEST_CASE("expression: a mistake is named with its place and what may have been meant", "[connectors]") {
    CHECK_THAT(problem("itm.id"),
               Catch::Contains("at character 1") && Catch::Contains("did you mean \"item\"?"));
    CHECK_THAT(problem("item.id | lowr"), Catch::Contains("at character 11") && Catch::Contains("\"lower\""));
    CHECK_THAT(problem("item.id | table: statu"), Catch::Contains("\"status\""));
    CHECK_THAT(problem("item.id | truncate: 'x'"), Catch::Contains("a number"));
    CHECK_THAT(problem("item.id | split"), Catch::Contains("needs an argument"));
    CHECK_THAT(problem("item.id |"), Catch::Contains("unknown filter"));
    CHECK_THAT(problem("item."), Catch::Contains("a name is expected"));
    CHECK_THAT(problem("item[1.5]"), Catch::Contains("whole number"));
    CHECK_THAT(problem("item[0"), Catch::Contains("\"]\""));
    CHECK_THAT(problem("'open"), Catch::Contains("closing '"));
    CHECK_THAT(problem("(item.id"), Catch::Contains("\")\""));
    CHECK_THAT(problem("item.id item"), Catch::Contains("unexpected"));
    CHECK_THAT(problem(""), Catch::Contains("expected"));
    CHECK_THAT(problem(std::string(20, '(') + "1"), Catch::Contains("too deep"));
    CHECK_THAT(problem("'" + std::string(2000, 'x') + "'"), Catch::Contains("longer than"));
}

TEST_CASE("expression: whatever bytes come, compiling ends with a value or a message", "[connectors]") {
    const auto known = tables();
    const Names names{{"item"}, &known};
    const std::string alphabet = "item.a[0]*'`{}()|?:?? table ,=-\\\"\n\t9";
    std::uint32_t state = 1;
    const auto next = [&] { return state = state * 1664525U + 1013904223U; };
    INFO("seed 1");
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (auto length = next() % 24; length > 0; --length)
            text += alphabet[(next() >> 8) % alphabet.size()];
        const auto expression = Expression::compile(text, names);
        const auto other = Template::compile(text, names);
        Scope scope;
        scope.with("item", item());
        if (expression) static_cast<void>(expression->evaluate(scope));
        if (other) static_cast<void>(other->render(scope));
    }
}

TEST_CASE("template: braces hold expressions, doubled braces are braces", "[connectors]") {
    CHECK(rendered("n {item.id}, {{x}}") == "n 7, {x}");
    CHECK(rendered("{item.missing ?? '}'}") == "}");
    CHECK_FALSE(rendered("id {item.missing}").has_value());
    CHECK_FALSE(rendered("id {item.deep}").has_value());
    CHECK_FALSE(Template::compile("open {item.id", {{"item"}, nullptr}));
    CHECK_FALSE(Template::compile("lone } brace", {{"item"}, nullptr}));
}

TEST_CASE("template: in a URL, what comes from outside cannot leave its segment", "[connectors]") {
    const auto compiled =
        Template::compile("{settings.base}/t/{params.id}/x", {{"settings", "params"}, nullptr});
    REQUIRE(compiled);
    const Json settings{{"base", "http://h/a"}};
    const auto url = [&](Json id) {
        const Json params{{"id", std::move(id)}};
        Scope scope;
        scope.with("settings", settings).with("params", params);
        return compiled->render_url(scope);
    };
    CHECK(url("7") == "http://h/a/t/7/x");
    CHECK(url("../admin?x=1#y") == "http://h/a/t/..%2Fadmin%3Fx%3D1%23y/x");
    CHECK_FALSE(url("..").has_value());
    CHECK_FALSE(url(".").has_value());
    CHECK_FALSE(url("").has_value());
    CHECK_FALSE(url(nullptr).has_value());
}

TEST_CASE("shape: members that are not there are left out, nulls stay, types are kept", "[connectors]") {
    engine::Diagnostics diagnostics;
    const auto yaml = engine::parse_yaml(R"(
a: "{item.id}"
b: "{item.missing}"
c: { d: "{item.missing}", e: ["{item.missing}"] }
f: "{item.none}"
g: [1, "{item.on}", "{item.missing}", plain]
h: "7"
i: {}
)",
                                         "x.yaml", diagnostics);
    const auto shape = Shape::compile(yaml, {{"item"}, nullptr}, diagnostics);
    REQUIRE(diagnostics.empty());
    Scope scope;
    scope.with("item", item());
    CHECK(shape.render(scope) ==
          Value(json(R"({"a": 7, "f": null, "g": [1, true, "plain"], "h": "7", "i": {}})")));
}

TEST_CASE("condition: all tests must hold; texts are globs", "[connectors]") {
    const auto holds = [](const std::string& text) {
        engine::Diagnostics diagnostics;
        const auto yaml = engine::parse_yaml(text, "x.yaml", diagnostics);
        const auto condition = Condition::compile(yaml, {{"item"}, nullptr}, diagnostics);
        INFO(text << connectors::testing::all_of(diagnostics));
        REQUIRE(diagnostics.empty());
        Scope scope;
        scope.with("item", item());
        return condition.holds(scope);
    };
    CHECK(holds("{}"));
    CHECK(holds("{item.id: 7, item.status: HO*}"));
    CHECK_FALSE(holds("{item.id: 7, item.status: hold}"));
    CHECK(holds("{item.id: [1, 7]}"));
    CHECK_FALSE(holds("{item.id: '8*'}"));
    CHECK(holds("{item.id: '7*'}"));
    CHECK(holds("{item.on: true}"));
    CHECK(holds("{item.missing: {exists: false}, item.none: {exists: false}, item.id: {exists: true}}"));
    CHECK(holds("{item.id: {not: 8}, item.missing: {not: 8}}"));
    CHECK_FALSE(holds("{item.id: {not: [7, 8]}}"));
    CHECK(holds("{item.id: {same_as: item.id}}"));
    CHECK_FALSE(holds("{item.missing: {same_as: item.other}}"));
}

TEST_CASE("condition: mistakes are reported with their place", "[connectors]") {
    engine::Diagnostics diagnostics;
    const auto yaml =
        engine::parse_yaml("itm.id: 7\nitem.id: {like: x}\nitem.on: []\n", "x.yaml", diagnostics);
    static_cast<void>(Condition::compile(yaml, {{"item"}, nullptr}, diagnostics));
    const auto text = connectors::testing::all_of(diagnostics);
    CHECK_THAT(text, Catch::Contains("x.yaml:1:1") && Catch::Contains("bad-expression"));
    CHECK_THAT(text, Catch::Contains("x.yaml:2:11") && Catch::Contains("unknown test"));
    CHECK_THAT(text, Catch::Contains("x.yaml:3:10"));
}

}  // namespace expression_test
