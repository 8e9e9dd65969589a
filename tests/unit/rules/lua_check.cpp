// What is said of scripts without running them.
#include "rules/lua/calls.h"
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
    CHECK(
        problems(
            "local count = 1 local function f(a, ...) local b = a for i, v in ipairs { b } do count = count "
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
                   "})\nctx.log(1, 2, 3)\nreturn ctx.get()") ==
          Problems{R"(a.lua:3:12: error: ctx.get: "field" is missing [script-arguments])"});
}

TEST_CASE("lua check: a file that does not compile is told of once", "[lua]") {
    CHECK(problems("local x =\nreturn 1") ==
          Problems{"a.lua:2:1: error: unexpected symbol near 'return' [script-syntax]"});
}

TEST_CASE("lua check: functions that rules name have to be there", "[lua]") {
    const auto set = set_of({{"scripts/a.lua", "return { run = error, n = 1, people = { choose = error } }"},
                             {"scripts/b.lua", "return 5"},
                             {"scripts/c.lua", "ctx.log('x')", true},
                             {"rules/d.lua", "local rule = { when = { lua = error } } return rule"},
                             {"scripts/e.lua", "local e = {} function e.run() return 1 end"}});
    const auto said_of = [&](const std::string& file, const std::string& function) {
        const rules::ScriptRef reference{set, file, function, {"rules.yaml", 3, 7}, "r"};
        const auto found = rules::check_functions(set, {reference});
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
    CHECK(said_of("scripts/e.lua", "run") ==
          "rules.yaml:3:7: error: scripts/e.lua returns nothing: end it with return and the table that holds "
          "\"run\" [dangling-script]");
}

TEST_CASE("lua check: a file that is run whole and returns functions is told of", "[lua]") {
    const auto said_of = [](const std::string& source) {
        const auto set = set_of({{"scripts/s.lua", source, true}});
        const rules::ScriptRef reference{set, "scripts/s.lua", "", {"rules.yaml", 3, 7}, "r"};
        const auto found = rules::check_functions(set, {reference});
        return found.empty() ? "" : engine::to_text(found[0]);
    };
    const auto expected =
        "rules.yaml:3:7: error: scripts/s.lua returns functions: say which, as in scripts/s.lua#run "
        "[dangling-script]";
    for (const auto* source : {"return { run = function(ctx) ctx.log('x') end }",
                               "local s = {}\nfunction s.run(ctx) end\nreturn s",
                               "local s = {} s.run = function(ctx) end return s;",
                               "local s = { n = 1, run = function() end } return s"})
        CHECK(said_of(source) == expected);
    for (const auto* source :
         {"return ctx.ticket.subject == 'x'", "ctx.log('x')", "local s = {} function s.run() end s.run()",
          "return { run = 1 }", "local function f() return { run = function() end } end return f().x"})
        CHECK(said_of(source).empty());
}

TEST_CASE("lua check: a variable made without local is told of, with the remedy", "[lua]") {
    CHECK(problems("counter = 0\ncounter = counter + 1\nfunction helper(a)\n  return a\nend\nreturn "
                   "helper(counter)") ==
          Problems{"a.lua:1:1: warning: \"counter\" is a global variable, which no other file sees and which "
                   "is gone "
                   "when the run ends: write local counter [global-variable]",
                   "a.lua:3:10: warning: \"helper\" is a global variable, which no other file sees and which "
                   "is gone "
                   "when the run ends: write local function helper [global-variable]"});
    CHECK(problems("local t = {}\nfunction t.run() end\nt.x = 1\nlocal function f() t = nil end\nf()") ==
          Problems{});
    CHECK(problems("_ENV.shared = 1\nother = 2") == Problems{});
}

TEST_CASE("lua check: what is assigned below ctx is lost", "[lua]") {
    CHECK(problems("ctx.ticket.priority = 'high'\nctx.ticket['custom'].seats = 3\nctx.entity.tags = "
                   "{}\nctx.priority "
                   "= 1\nctx.ticket[ctx.args.name] = 1") ==
          Problems{
              "a.lua:1:12: warning: ctx.ticket.priority is a copy, and what is assigned to it is lost: "
              "ctx.set(\"ticket.priority\", …) writes it [lost-write]",
              "a.lua:2:22: warning: ctx.ticket.custom.seats is a copy, and what is assigned to it is lost: "
              "ctx.set(\"ticket.custom.seats\", …) writes it [lost-write]",
              "a.lua:3:12: warning: ctx.entity.tags is a copy, and what is assigned to it is lost: "
              "ctx.set(\"kind.field\", …) writes it [lost-write]",
              "a.lua:4:5: warning: what is assigned to ctx.priority is lost: ctx.set writes a field, and a "
              "local "
              "variable keeps what the script needs [lost-write]",
              "a.lua:5:5: warning: ctx.ticket is a copy, and what is assigned to it is lost: "
              "ctx.set(\"kind.field\", …) writes it [lost-write]"});
    CHECK(problems("ctx.args.memo = 1\nlocal a = ctx.ticket.subject == ctx.args.memo\nlocal t = { ctx = 1 "
                   "}\nt.ctx.x = a") == Problems{});
}

TEST_CASE("lua check: what gives nothing back is told of where it is read", "[lua]") {
    CHECK(
        problems("local r = ctx.action('a.b', {})\nif ctx.set('ticket.x', 1) then return r end\nctx.log(r)"
                 "\nlocal n = ctx.emit('a.b').id") ==
        Problems{
            "a.lua:1:15: warning: ctx.action gives nothing back: it is done when the script has ended, and a "
            "later step of the rule reads its answer by { as = \"name\" }; ctx.call asks and waits "
            "[no-result]",
            "a.lua:2:8: warning: ctx.set gives nothing back: call it for itself [no-result]",
            "a.lua:4:15: warning: ctx.emit gives nothing back: call it for itself [no-result]"});
    CHECK(problems("local v = ctx.get('ticket.x') local w, e = ctx.call('a.b') if not v then return "
                   "ctx.fail('x') end "
                   "ctx.log(v, w, e)\nlocal _ = v and ctx.log('x')") == Problems{});
}

TEST_CASE("lua check: what only gives something back is of no use for itself", "[lua]") {
    CHECK(problems("ctx.call('crm.find', {})\n"
                   "if ctx.get('ticket.subject') then text.trim('a') end\n"
                   "local a = ctx.get('ticket.subject') ctx.kv.get('k')\n"
                   "return text.upper('a')") ==
          Problems{"a.lua:1:5: warning: ctx.call only gives something "
                   "back, and nothing is made of it: put it into a "
                   "variable, or leave it out [unused-result]",
                   "a.lua:2:40: warning: text.trim only gives something "
                   "back, and nothing is made of it: put it into a "
                   "variable, or leave it out [unused-result]",
                   "a.lua:3:44: warning: ctx.kv.get only gives something "
                   "back, and nothing is made of it: put it into a "
                   "variable, or leave it out [unused-result]"});
    CHECK(problems(
              "local t = { ctx.get('ticket.subject') } t[#t + 1] = text.trim('a') ctx.set('ticket.subject', "
              "text.trim('b')) local function f() return ctx.get('a.b') end return f() and not "
              "ctx.get('c.d')") == Problems{});
}

TEST_CASE("lua check: a colon where a dot belongs is told of", "[lua]") {
    CHECK(problems(
              "ctx:set('ticket.a', 1)\nlocal a = text:trim(' x')\nctx.kv:get('k')\nreturn string:upper(a)") ==
          Problems{
              "a.lua:1:5: error: ctx.set takes no self: write ctx.set(…) with a dot [script-arguments]",
              "a.lua:2:16: error: text.trim takes no self: write text.trim(…) with a dot [script-arguments]",
              "a.lua:3:8: error: ctx.kv.get takes no self: write ctx.kv.get(…) with a dot [script-arguments]",
              "a.lua:4:15: error: string.upper takes no self: write string.upper(…) with a dot "
              "[script-arguments]"});
    CHECK(problems(
              "local function f(text) return text:upper(), ctx.ticket.subject:lower() end return f('x')") ==
          Problems{});
}

TEST_CASE("lua check: spans that are none and constants of a wrong type are told of", "[lua]") {
    CHECK(problems("ctx.after('10 min', 'a')\nlocal v = ctx.call('a.b', {}, { cache = '1 hour' })\nlocal d = "
                   "date.add(ctx.now, "
                   "'-2 days')\nreturn d") ==
          Problems{
              "a.lua:1:11: error: ctx.after: \"10 min\" is not a span of time such as 30s, 15m, 1h30m or 2d "
              "[bad-value]",
              "a.lua:2:33: error: cache: \"1 hour\" is not a span of time such as 30s, 15m, 1h30m or 2d "
              "[bad-value]",
              "a.lua:3:29: error: date.add: \"2 days\" is not a span of time such as 30s, 15m, 1h30m or 2d "
              "[bad-value]"});
    CHECK(
        problems("ctx.after(30, 'a')\nctx.set('ticket.x', nil)\nctx.action('a.b', 'x')\nlocal v = "
                 "ctx.call('a.b', {}, "
                 "{ cach "
                 "= '1h' })\nctx.after('1h', 'a', { data = 'x' })") ==
        Problems{
            "a.lua:1:11: error: ctx.after: delay takes string, found 30 [wrong-type]",
            "a.lua:2:21: error: ctx.set: value takes any, found nil: ctx.unset removes a value [wrong-type]",
            "a.lua:3:19: error: ctx.action: params takes table, found the text \"x\" [wrong-type]",
            "a.lua:4:33: error: unknown key \"cach\" in the options of ctx.call, did you mean \"cache\"? "
            "[unknown-key]",
            "a.lua:5:24: error: ctx.after: data takes table, found the text \"x\" [wrong-type]"});
    CHECK(problems("local d = '10 ' ctx.after(d .. 'm', 'a') ctx.after('1' .. 'h', 'a', nil) "
                   "ctx.set('ticket.x', nil or "
                   "1) return date.add(ctx.now, '-1h30m'), date.add(ctx.now, '0')") == Problems{});
}

TEST_CASE("lua check: files that are required and not there are told of, with the nearest", "[lua]") {
    const auto set = set_of({{"scripts/lib/words.lua", "return {}"},
                             {"scripts/a.lua",
                              "return { run = function()\n  local w = require('scripts/lib/wrods')\n  "
                              "local v = require \"lib/word\"\n  local u = require('other')\n  return w, "
                              "v, u, require('lib.words'), require('lib' .. w), pcall(require, 'x')\nend "
                              "}"}});
    Problems found;
    for (const auto& problem : rules::check_scripts(*set, {"ticket"}))
        found.push_back(engine::to_text(problem));
    CHECK(found ==
          Problems{"scripts/a.lua:2:21: error: there is no script \"scripts/lib/wrods\" to require, did you "
                   "mean \"scripts/lib/words\"? [dangling-script]",
                   "scripts/a.lua:3:21: error: there is no script \"lib/word\" to require, did you mean "
                   "\"lib/words\"? [dangling-script]",
                   "scripts/a.lua:4:21: error: there is no script \"other\" to require: it counts from the "
                   "tenant's folder, such as scripts/words [dangling-script]"});
}

TEST_CASE("lua check: calls are listed with what is written there", "[lua]") {
    const auto uses = rules::uses_of({"a.lua",
                                      "ctx.action('slack.post', { channel = '#a', blocks = { { type = 'x' } "
                                      "}, text = f(1, { z = 2 }) }, { as = 'm' })\n"
                                      "-- ctx.action('no.comment')\nlocal x = ctx.call "
                                      "\"crm.find\"\nctx.call('crm.get', params)\nctx.emit(kind, {}, -3)"});
    const auto& calls = uses.calls;
    REQUIRE(calls.size() == 4);
    CHECK(*calls[0].text(0) == "slack.post");
    CHECK(calls[0].arguments[0].place == engine::Place{"a.lua", 1, 12});
    const auto& params = calls[0].arguments[1];
    CHECK(params.has_all);
    REQUIRE(params.members.size() == 3);
    CHECK(*params.members[0].second.text() == "#a");
    CHECK(params.member("blocks")->items.size() == 1);
    CHECK(params.member("text")->kind == rules::WrittenValue::Kind::computed);
    CHECK(calls[1].function == "ctx.call");
    CHECK(calls[1].arguments.size() == 1);
    CHECK(calls[2].arguments[1].kind == rules::WrittenValue::Kind::computed);
    CHECK(calls[3].text(0) == nullptr);
    CHECK(calls[3].arguments[2].constant == -3);
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
