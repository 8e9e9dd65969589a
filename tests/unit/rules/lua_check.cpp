// What is said of scripts without running them.
#include "rules/lua/check.h"
#include "rules/script_tokens.h"
#include "tests/unit/rules/lua_support.h"

namespace lua_check {

using namespace lua_testing;

namespace {

std::vector<std::string> problems(const std::string& source, bool is_function = true) {
    std::vector<std::string> found;
    const auto set = set_of({{"a.lua", source, is_function}});
    for (const auto& problem : rules::check_scripts(*set, {"ticket", "contact"}))
        found.push_back(engine::to_text(problem));
    return found;
}
using Problems = std::vector<std::string>;

}  // namespace

TEST_CASE("lua check: names that nothing knows are told of, with the nearest", "[lua]") {
    CHECK(problems("local n = tonumer('1')\nreturn n") ==
          Problems{
              R"(a.lua:1:11: error: unknown global "tonumer", did you mean "tonumber"? [unknown-global])"});
    CHECK(
        problems("if x then\n  print(x)\nend") ==
        Problems{
            R"(a.lua:1:4: error: unknown global "x" [unknown-global])",
            R"(a.lua:2:3: error: unknown global "print": ctx.log writes into the decision's log [unknown-global])",
            R"(a.lua:2:9: error: unknown global "x" [unknown-global])"});
    CHECK(problems("count = 1 local function f(a, ...) local b = a for i, v in ipairs { b } do count = count "
                   "+ i + v end end f(...)") == Problems{});
    CHECK(problems("local function f()\n  local g = function()\n    return nme\n  end\n  return "
                   "g\nend\nlocal nme = f") ==
          Problems{R"(a.lua:3:12: error: unknown global "nme" [unknown-global])"});
    CHECK(problems("return { run = function() return ctx.now end }", false) ==
          Problems{R"(a.lua:1:34: error: unknown global "ctx" [unknown-global])"});
    CHECK(problems("return { run = function(ctx) return ctx.now end }", false) == Problems{});
}

TEST_CASE("lua check: members that ctx and the libraries do not have are told of", "[lua]") {
    CHECK(
        problems("ctx.add_tag('x')") ==
        Problems{
            R"(a.lua:1:5: error: ctx has no "add_tag", did you mean "ctx.add_tags"? [unknown-script-function])"});
    CHECK(
        problems("return ctx.tickt.subject, ctx.ticket.subject, ctx.contact.name, ctx.kv.get('x')") ==
        Problems{
            R"(a.lua:1:12: error: ctx has no "tickt", did you mean "ctx.ticket"? [unknown-script-function])"});
    CHECK(problems("ctx.kv.put('a', 1) return string.dump, text.trim('x'), json.null, date.now(), math.pi") ==
          Problems{R"(a.lua:1:8: error: ctx.kv has no "put" [unknown-script-function])",
                   R"(a.lua:1:34: error: string has no "dump" [unknown-script-function])",
                   R"(a.lua:1:72: error: date has no "now" [unknown-script-function])"});
    CHECK(problems("local text = { a = 1 } return text.a, { text = 1 }.text") ==
          Problems{"a.lua:1:1: error: <eof> expected near '.' [script-syntax]"});
    CHECK(problems("local text = { a = 1 } return text.a") == Problems{});
    CHECK(problems("local function f(a, text) return text.a end for i, date in f, json do f(date.a, { json = "
                   "1 }) end") == Problems{});
    CHECK(
        problems("ctx.action('a.b', { text = text.trm('x') })") ==
        Problems{
            R"(a.lua:1:33: error: text has no "trm", did you mean "text.trim"? [unknown-script-function])"});
}

TEST_CASE("lua check: arguments that are missing or too many are told of", "[lua]") {
    CHECK(problems("ctx.set('ticket.a')\nctx.unset('ticket.a', 1)\nctx.set(f())\nlocal function f() end") ==
          Problems{R"(a.lua:1:5: error: ctx.set: "value" is missing [script-arguments])",
                   R"(a.lua:2:5: error: ctx.unset takes 1 arguments at most, here are 2 [script-arguments])",
                   R"(a.lua:3:9: error: unknown global "f" [unknown-global])"});
    CHECK(problems("ctx.action('a.b', { x = function(a, b) if a then return a, b end end, y = { 1, 2 } "
                   "})\nctx.log(1, 2, 3)\nctx.get()") ==
          Problems{R"(a.lua:3:5: error: ctx.get: "field" is missing [script-arguments])"});
}

TEST_CASE("lua check: a file that does not compile is told of once", "[lua]") {
    CHECK(problems("local x =\nreturn 1") ==
          Problems{"a.lua:2:1: error: unexpected symbol near 'return' [script-syntax]"});
}

TEST_CASE("lua check: functions that rules name have to be there", "[lua]") {
    const auto set = set_of({{"scripts/a.lua", "return { run = error, n = 1, people = { choose = error } }"},
                             {"scripts/b.lua", "return 5"},
                             {"scripts/c.lua", "ctx.log('x')", true},
                             {"rules/d.lua", "local rule = { when = { lua = error } } return rule"}});
    const auto said_of = [&](const std::string& file, const std::string& function) {
        const rules::ScriptRef reference{set, file, function, {"rules.yaml", 3, 7}, "r"};
        const auto found = rules::check_functions(set, {&reference});
        return found.empty() ? "" : engine::to_text(found[0]);
    };
    for (const auto* function : {"run", "people.choose"}) CHECK(said_of("scripts/a.lua", function).empty());
    CHECK(said_of("scripts/c.lua", "").empty());
    CHECK(said_of("rules/d.lua", "when.lua").empty());
    CHECK(
        said_of("scripts/a.lua", "runn") ==
        "rules.yaml:3:7: error: scripts/a.lua has no function \"runn\" in the table that it returns, did you "
        "mean \"run\"? [dangling-script]");
    for (const auto* function : {"n", "people.chose", "people", "run.run"})
        CHECK(said_of("scripts/a.lua", function).find("[dangling-script]") != std::string::npos);
    CHECK(said_of("scripts/b.lua", "run").find("has no function \"run\"") != std::string::npos);
}

TEST_CASE("lua check: the calls of connections are listed", "[lua]") {
    const auto uses = rules::uses_of({"a.lua",
                                      "ctx.action('slack.post', { channel = '#a', blocks = { { type = 'x' } "
                                      "}, text = f(1, { z = 2 }) }, { as = 'm' })\n"
                                      "-- ctx.action('no.comment')\nlocal x = ctx.call "
                                      "\"crm.find\"\nctx.call('crm.get', params)\nctx.emit(kind, {})"});
    REQUIRE(uses.size() == 3);
    CHECK(uses[0].name == "slack.post");
    CHECK(uses[0].has_all_params);
    REQUIRE(uses[0].params.size() == 3);
    CHECK(uses[0].params[2].first == "text");
    CHECK(uses[0].place == engine::Place{"a.lua", 1, 12});
    CHECK(uses[1].name == "crm.find");
    CHECK(uses[1].has_all_params);
    CHECK_FALSE(uses[2].has_all_params);
}

TEST_CASE("lua check: tokens are those of Lua", "[lua]") {
    std::string words;
    for (const auto& token : rules::tokens_of("a --[==[ x\n]] ]==] .. [[t\n]] 'q\\'' ~= 0x1F --end\n::b::"))
        words += std::string(token.words) + "|";
    CHECK(words == "a|..|t\n|q\\'|~=|0x1F|::|b|::||");
    words.clear();
    for (const auto& token : rules::tokens_of("1e-5 .5 0x1p+4 3..x 'é' y"))
        words += std::string(token.words) + "@" + std::to_string(token.column) + "|";
    CHECK(words == "1e-5@1|.5@6|0x1p+4@9|3..x@16|é@21|y@25|@26|");
}

TEST_CASE("lua check: a text means what Lua reads in it", "[lua]") {
    const auto value = [](const std::string& source) { return rules::value_of(rules::tokens_of(source)[0]); };
    CHECK(value(R"('a\n\t\\\'\"\x41\65\0651\u{20AC}\z   b')") == "a\n\t\\'\"AAA1€b");
    CHECK(value("[==[\n\\n]]]==]") == "\\n]]");
    for (const auto* bad : {R"('\q')", R"('\x4')", R"('\300')", R"('\u{110000}')", R"('\u20')", R"('\xg0')"})
        CHECK_FALSE(value(bad));
}

}  // namespace lua_check
