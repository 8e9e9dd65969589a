#include <chrono>
#include <functional>
#include <random>

#include "engine/base/yaml.h"
#include "tests/support/catch.h"

namespace yaml_tests {

namespace {

using engine::Diagnostics;
using engine::Json;
using engine::YamlNode;

struct Parsed {
    YamlNode root;
    Diagnostics diagnostics;
    std::string text() const {
        std::string lines;
        for (const auto& diagnostic : diagnostics.sorted()) lines += engine::to_text(diagnostic) + "\n";
        return lines;
    }
    bool says(const std::string& kind) const { return text().find("[" + kind + "]") != std::string::npos; }
};

Parsed parse(const std::string& text, const engine::YamlLimits& limits = {}) {
    Parsed parsed;
    parsed.root = engine::parse_yaml(text, "f.yaml", parsed.diagnostics, limits);
    return parsed;
}

Json json(const std::string& text) {
    return engine::to_json(parse(text).root);
}

std::string repeated(const std::string& part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
}

double milliseconds(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::string where(const engine::Place& place) {
    return std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

TEST_CASE("yaml: keys and values remember where they stood", "[base]") {
    const auto parsed = parse("a: 1\nlist:\n  - b: 'q'\n    c: [x, y]\n");
    REQUIRE(parsed.diagnostics.empty());
    const auto& list = parsed.root.entries[1];
    CHECK(where(list.place) == "2:1");
    const auto& item = list.value.items[0];
    CHECK(where(item.place) == "3:5");
    CHECK(where(item.entries[0].value.place) == "3:8");
    CHECK(where(item.entries[1].value.items[1].place) == "4:12");
    CHECK(item.place.file == "f.yaml");
}

TEST_CASE("yaml: columns count letters, not bytes", "[base]") {
    const auto parsed = parse("ключ: { ü: é, x: y }\n");
    REQUIRE(parsed.root.find("ключ") != nullptr);
    CHECK(where(parsed.root.entries[0].value.entries[1].place) == "1:15");
}

TEST_CASE("yaml: a byte order mark and Windows line ends change nothing", "[base]") {
    const auto parsed = parse(
        "\xEF\xBB\xBF"
        "a: 1\r\nb: two\r\n");
    REQUIRE(parsed.diagnostics.empty());
    CHECK(engine::to_json(parsed.root) == Json({{"a", 1}, {"b", "two"}}));
    CHECK(where(parsed.root.entries[1].place) == "2:1");
}

TEST_CASE("yaml: scalars keep their text, and quotes are remembered", "[base]") {
    const auto parsed = parse("- 012\n- '012'\n- |\n  block\n- >-\n  folded\n  text\n- ~\n- \"~\"\n-\n");
    REQUIRE(parsed.diagnostics.empty());
    const auto& items = parsed.root.items;
    CHECK((items[0].text == "012" && !items[0].quoted));
    CHECK((items[1].text == "012" && items[1].quoted));
    CHECK((items[2].text == "block\n" && items[2].quoted));
    CHECK((items[3].text == "folded text" && items[3].quoted));
    CHECK(items[4].is_null());
    CHECK((items[5].is_scalar() && items[5].text == "~"));
    CHECK(items[6].is_null());
}

TEST_CASE("yaml: the core schema reads nulls, booleans, numbers and texts", "[base]") {
    CHECK(json("[null, Null, NULL, ~, ]") == Json({nullptr, nullptr, nullptr, nullptr}));
    CHECK(json("[true, True, TRUE, false, False, FALSE]") == Json({true, true, true, false, false, false}));
    CHECK(json("[yes, no, on, off, y, n, tRUE]") == Json({"yes", "no", "on", "off", "y", "n", "tRUE"}));
    CHECK(json("[0, -7, +12, 0123, 0o17, 0x1F, 0o8, 0b1]") == Json({0, -7, 12, 123, 15, 31, "0o8", "0b1"}));
    CHECK(json("[1.5, -.5, 1., 1e3, 2.5E-1, '1.5', 1_000, 1.2.3]") ==
          Json({1.5, -0.5, 1.0, 1000.0, 0.25, "1.5", "1_000", "1.2.3"}));
    CHECK(json("[., +, -, e3, 1e, '']") == Json({".", "+", "-", "e3", "1e", ""}));
}

TEST_CASE("yaml: what JSON has no number for stays text", "[base]") {
    CHECK(json("[.inf, -.inf, .nan, 1e999, 99999999999999999999]") ==
          Json({".inf", "-.inf", ".nan", "1e999", "99999999999999999999"}));
    CHECK(json("[9223372036854775807, -9223372036854775807, 18446744073709551615]").dump() ==
          "[9223372036854775807,-9223372036854775807,18446744073709551615]");
}

TEST_CASE("yaml: maps and lists become objects and arrays", "[base]") {
    CHECK(json("a: { b: [1, { c: x }] }\nd:\n") == Json({{"a", {{"b", {1, {{"c", "x"}}}}}}, {"d", nullptr}}));
    CHECK(parse("").root.is_null());
    CHECK(parse("# only a comment\n").root.is_null());
    CHECK(parse("# only a comment\n").diagnostics.empty());
}

TEST_CASE("yaml: anchors, aliases and merge keys are refused by name", "[base]") {
    const auto parsed = parse("a: &base { x: 1 }\nb: *base\nc:\n  <<: *base\nd: *unknown\n");
    CHECK(parsed.text() ==
          "f.yaml:1:4: error: anchors are not read: write \"&base\" out where it is used [anchor]\n"
          "f.yaml:2:4: error: aliases are not read: write out what \"*base\" stands for [anchor]\n"
          "f.yaml:4:3: error: merge keys are not read: write out what \"<<\" brings in [anchor]\n"
          "f.yaml:4:7: error: aliases are not read: write out what \"*base\" stands for [anchor]\n"
          "f.yaml:5:4: error: aliases are not read: write out what \"*unknown\" stands for [anchor]\n");
}

TEST_CASE("yaml: a quoted << is a key like others", "[base]") {
    CHECK(parse("'<<': 1\n").diagnostics.empty());
}

TEST_CASE("yaml: tags of the core schema are obeyed, others refused", "[base]") {
    CHECK(json("[!!str 12, !!int 5, !!float 1.5, !!bool true, !!null null, ! 7]") ==
          Json({"12", 5, 1.5, true, nullptr, "7"}));
    CHECK(json("!!map { a: !!seq [1] }") == Json({{"a", {1}}}));
    CHECK(parse("!!int \"5\"").diagnostics.empty());
    for (const char* wrong :
         {"!!python/object:os.system x", "!local x", "!<tag:example.com,2000:x> y",
          "!!binary aGk=", "!!timestamp 2001-01-01", "!!int x", "!!map [a]", "!!str {a: 1}"}) {
        INFO(wrong);
        CHECK(parse(wrong).says("tag"));
    }
}

TEST_CASE("yaml: a repeated key is refused with both places and the first value stays", "[base]") {
    const auto parsed = parse("a: 1\nb: { x: 1, x: 2 }\na: 3\n");
    CHECK(parsed.text() ==
          "f.yaml:2:12: error: key \"x\" is given twice, first in line 2 [duplicate-key]\n"
          "f.yaml:3:1: error: key \"a\" is given twice, first in line 1 [duplicate-key]\n");
    CHECK(engine::to_json(parsed.root) == Json({{"a", 1}, {"b", {{"x", 1}}}}));
}

TEST_CASE("yaml: a key must be a text", "[base]") {
    CHECK(parse("? [a, b]\n: c\n").says("yaml-syntax"));
    CHECK(parse("{ {a: 1}: b }").says("yaml-syntax"));
    CHECK(parse(": x\n").says("yaml-syntax"));
    CHECK(parse("? a\n: b\n").diagnostics.empty());
}

TEST_CASE("yaml: a second document is refused, an end mark is not", "[base]") {
    CHECK(parse("---\na: 1\n...\n").diagnostics.empty());
    CHECK(parse("%YAML 1.2\n---\na: 1\n").diagnostics.empty());
    CHECK(parse("a: 1\n---\nb: 2\n").says("yaml-syntax"));
    CHECK(parse("\"a\" \"b\"").says("yaml-syntax"));
}

TEST_CASE("yaml: broken files give a place and words that help", "[base]") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a: [1, 2\n", "f.yaml:2:1: error: \"[\" is not closed by \"]\" [yaml-syntax]\n"},
        {"a: { b: 1\n", "f.yaml:2:1: error: \"{\" is not closed by \"}\" [yaml-syntax]\n"},
        {"a: b: c\n",
         "f.yaml:1:5: error: a key cannot stand here: put a text that holds \": \" in quotes "
         "[yaml-syntax]\n"},
        {"a: \"open\nb: 1\n", "f.yaml:1:4: error: the quote is not closed [yaml-syntax]\n"},
        {"a: 'it''s\n", "f.yaml:1:4: error: the quote is not closed [yaml-syntax]\n"},
        {"a:\n\t- b\n", "f.yaml:2:2: error: the line is indented with a tab: use spaces [yaml-syntax]\n"},
        {"a: @x\n", "f.yaml:1:4: error: a text cannot begin like this: put it in quotes [yaml-syntax]\n"},
        {"a: 1\n} \n", "f.yaml:2:1: error: nothing is open that this bracket could close [yaml-syntax]\n"},
    };
    for (const auto& [text, output] : cases) CHECK(parse(text).text() == output);
}

TEST_CASE("yaml: what stands before a syntax error can still be used", "[base]") {
    const auto parsed = parse("a: 1\nb: [x, y]\nc: d: e\n");
    CHECK(parsed.says("yaml-syntax"));
    CHECK(engine::to_json(*parsed.root.find("b")) == Json({"x", "y"}));
}

TEST_CASE("yaml: bytes that are no text are refused with their place", "[base]") {
    CHECK(parse("a: \xC3\x28\n").text() == "f.yaml:1:4: error: the text is not UTF-8 here [yaml-syntax]\n");
    CHECK(parse(std::string("a: b\nc: d\0e\n", 12)).text() ==
          "f.yaml:2:5: error: a control character stands here [yaml-syntax]\n");
    CHECK(parse("a: \x1b[31m\n").says("yaml-syntax"));
    CHECK(parse(std::string("\xFF\xFE"
                            "a\0:\0",
                            6))
              .says("yaml-syntax"));
    CHECK(parse("a: b\x7f\n").says("yaml-syntax"));
}

TEST_CASE("yaml: limits on bytes, depth and values name themselves", "[base]") {
    CHECK(parse("a: 123456789\n", {.bytes_max = 5}).text() ==
          "f.yaml: error: the file has 13 bytes, at most 5 are read: spread it over several files [limit]\n");
    CHECK(parse("[[[1]]]", {.depth_max = 3}).diagnostics.empty());
    CHECK(parse("[[[1]]]", {.depth_max = 2}).text() ==
          "f.yaml:1:3: error: nested deeper than 2 levels [limit]\n");
    CHECK(parse("[1, 2]", {.nodes_max = 3}).diagnostics.empty());
    CHECK(parse("[1, 2, 3]", {.nodes_max = 3}).says("limit"));
    CHECK(parse(repeated("[", 32) + repeated("]", 32)).diagnostics.empty());
    CHECK(parse(repeated("[", 33) + repeated("]", 33)).says("limit"));
}

TEST_CASE("yaml: a hundred thousand opening brackets end at once", "[base]") {
    for (const char* part : {"[", "{", "{a: ", "[a,", "- ", "? ", "[[a]: ", "-\n", "[\n", "{ ? "}) {
        const auto text = repeated(part, 100'000 / static_cast<int>(std::string(part).size()));
        Parsed parsed;
        const auto took = milliseconds([&] { parsed = parse(text); });
        INFO(part << " took " << took << " ms");
        CHECK(parsed.diagnostics.has_errors());
        CHECK(took < 500);  // far over what is promised: the machine may be busy
    }
}

TEST_CASE("yaml: alias bombs and cycles stay as small as they are written", "[base]") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto name = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + name +
                repeated(", " + name, 8) + "]\n";
    }
    for (const auto& text : {bomb, std::string("&x [*x]"), std::string("a: &x { b: *x }"),
                             std::string("&a { <<: *a }"), std::string("- &a [*b]\n- &b [*a]\n")}) {
        Parsed parsed;
        const auto took = milliseconds([&] { parsed = parse(text); });
        INFO(text.substr(0, 40) << " took " << took << " ms");
        CHECK(parsed.says("anchor"));
        CHECK(took < 200);  // about 1 ms on an idle machine
    }
}

TEST_CASE("yaml: a large map is read in a time that grows with it", "[base]") {
    std::string text;
    for (int i = 0; i < 9000; ++i) text += "k" + std::to_string(i) + ": 1\n";
    CHECK(parse(text).root.entries.size() == 9000);
}

TEST_CASE("yaml: any bytes give a tree or an error, never a crash", "[base]") {
    const unsigned seed = 20'260'504;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::string alphabet = "ab: -\n\n  [{}],&*!|>'\"%@`#?~<0.e\t\\\xC3\xA9";
    for (int round = 0; round < 4000; ++round) {
        std::string text;
        const auto length = random() % 60;
        for (unsigned i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
        const auto parsed = parse(text);
        engine::to_json(parsed.root);
        for (const auto& diagnostic : parsed.diagnostics.sorted()) CHECK(diagnostic.place.file == "f.yaml");
    }
}

}  // namespace yaml_tests
