// What scripts see and ask for: ctx, the helpers, the errors they get, and how a run is told of.
#include "engine/base/hash.h"
#include "rules/lua/api.h"
#include "rules/lua/in_process_host.h"
#include "tests/unit/rules/lua_support.h"

namespace lua_api {

using namespace lua_testing;

namespace {

Json result_of(const std::string& source) {
    const auto outcome = run_body(source);
    INFO(source + "\n" + told(outcome));
    CHECK_FALSE(outcome.failure);
    return outcome.result;
}

Json effects_of(const std::string& source) {
    const auto outcome = run_body(source);
    INFO(source + "\n" + told(outcome));
    CHECK_FALSE(outcome.failure);
    return outcome.effects;
}

std::string failure_of(const std::string& source) {
    const auto outcome = run_body(source);
    INFO(source + "\n" + told(outcome));
    REQUIRE(outcome.failure);
    return outcome.failure->message;
}

}  // namespace

TEST_CASE("lua: ctx shows the context, the entity by its kind, and the time", "[lua]") {
    CHECK(result_of("return { ctx.event.type, ctx.ticket.subject, ctx.entity == ctx.ticket, "
                    "ctx.contact.name, ctx.now, "
                    "ctx.changes[1].field, tostring(ctx.contact.tier), ctx.kind, #ctx.ticket.tags }") ==
          Json({"ticket.updated", "Refund", true, "Ada", "2026-05-04T12:00:00Z", "ticket.subject", "nil",
                "ticket", 1}));
    CHECK(result_of("return { ctx.get('ticket.custom.seats'), ctx.get('contact.name'), "
                    "tostring(ctx.get('ticket.no.such')) }") == Json({3, "Ada", "nil"}));
    CHECK(result_of("local names = {} for k in pairs(ctx) do names[#names + 1] = k end return "
                    "table.concat(names, ' ')") ==
          "action add_tags after call changes contact emit entity event fail get kind kv log now remove_tags "
          "set ticket unset");
}

TEST_CASE("lua: a script sees what it has written", "[lua]") {
    CHECK(result_of("local t = ctx.ticket ctx.set('ticket.custom.plan.name', 'gold') "
                    "ctx.set('ticket.subject', 'x') ctx.unset('ticket.id') "
                    "ctx.add_tags('new') ctx.remove_tags { 'vip' } "
                    "return { ctx.get('ticket.custom.plan.name'), t.custom.plan.name, t.subject, "
                    "ctx.entity.subject, t.custom.seats, "
                    "tostring(t.id), tostring(ctx.get('ticket.id')), t.tags, ctx.get('ticket.tags') }") ==
          Json::parse(R"(["gold", "gold", "x", "x", 3, "nil", "nil", ["new"], ["new"]])"));
}

TEST_CASE("lua: what a script asks for comes in its order, with the place", "[lua]") {
    CHECK(
        effects_of(
            "ctx.set('ticket.priority', "
            "'high')\nctx.unset('ticket.group')\nctx.add_tags('a')\nctx.remove_tags { 'b', 'c' }\n"
            "ctx.action('slack.post_message', { text = 'hi', list = {}, none = json.list() }, { as = 'm' })\n"
            "ctx.emit('ticket.reviewed', { by = 'me' }, { subject = 'ticket:9' })\nctx.after('30m', 'look', "
            "{ type = 'look.again', data = { n = 1 } })\n"
            "ctx.kv.set('k', { 1, 2 }, { version = 3 "
            "})\nctx.kv.delete('k')\nctx.action('slack.post_message')") == Json::parse(R"([
  {"do": "set", "field": "ticket.priority", "value": "high", "file": "scripts/a.lua", "line": 1},
  {"do": "unset", "field": "ticket.group", "file": "scripts/a.lua", "line": 2},
  {"do": "add_tags", "tags": ["a"], "file": "scripts/a.lua", "line": 3},
  {"do": "remove_tags", "tags": ["b", "c"], "file": "scripts/a.lua", "line": 4},
  {"do": "action", "action": "slack.post_message", "params": {"text": "hi", "list": {}, "none": []}, "as": "m", "file": "scripts/a.lua", "line": 5},
  {"do": "emit", "type": "ticket.reviewed", "data": {"by": "me"}, "subject": "ticket:9", "file": "scripts/a.lua", "line": 6},
  {"do": "after", "delay": "30m", "name": "look", "type": "look.again", "data": {"n": 1}, "file": "scripts/a.lua", "line": 7},
  {"do": "kv_set", "key": "k", "value": [1, 2], "version": 3, "file": "scripts/a.lua", "line": 8},
  {"do": "kv_delete", "key": "k", "file": "scripts/a.lua", "line": 9},
  {"do": "action", "action": "slack.post_message", "params": {}, "file": "scripts/a.lua", "line": 10}])"));
}

TEST_CASE("lua: a mistake with an argument names function, parameter, what came and what was expected",
          "[lua]") {
    CHECK(failure_of("ctx.set(nil, 1)") == "ctx.set: field: got nil, expected string");
    CHECK(failure_of("ctx.set('ticket.a')") ==
          "ctx.set: value: got nil, expected any: ctx.unset removes a field");
    CHECK(failure_of("ctx.set('priority', 1)") ==
          "ctx.set: field: got \"priority\", expected a field of the entity, as in \"ticket.subject\"");
    CHECK(failure_of("ctx.set('ticket.a', 0/0)") == "ctx.set: value: nan is no number that JSON has");
    CHECK(failure_of("ctx.set('ticket.a', json.null)") ==
          "ctx.set: value: got json.null, expected a value; ctx.unset removes one");
    CHECK(failure_of("ctx.action('slack.post', { a = { b = { 1, function() end } } })") ==
          "ctx.action: params.a.b[2]: a function is no value that can leave a script");
    CHECK(failure_of("ctx.action('slack.post', {}, { ass = 'x' })") ==
          "ctx.action: options: \"ass\" is not known, did you mean \"as\"?");
    CHECK(failure_of("ctx.action('slack.post', {}, { as = 1 })") ==
          "ctx.action: options.as: got number, expected string");
    CHECK(failure_of("ctx.action('post')") ==
          "ctx.action: action: got \"post\", expected a name as in \"slack.post_message\"");
    CHECK(failure_of("ctx.after('soon', 'x')") ==
          "ctx.after: delay: got \"soon\", expected a span up to ten years, as in \"30m\" or \"2d\"");
    CHECK(failure_of("ctx.unset('ticket.a', 1)") == "ctx.unset: got 2 arguments, expected 1");
    CHECK(failure_of("ctx.add_tags { 1 }") ==
          "ctx.add_tags: tags: got other values in the table, expected a list of texts");
    CHECK(failure_of("date.add('tomorrow', '1d')") ==
          "date.add: instant: got \"tomorrow\", expected an instant, as in \"2026-05-04T08:00:00Z\"");
}

TEST_CASE("lua: a mistake that many make is told with what to write", "[lua]") {
    const auto said = [](const std::string& source) { return run_body(source).failure->message; };
    CHECK(said("ctx:set('ticket.priority', 'high')") ==
          "ctx.set takes no self: write ctx.set(...) with a dot");
    CHECK(
        said("ctx.set('ticket.subject', nil)").ends_with("got nil, expected any: ctx.unset removes a field"));
    CHECK(said("ctx.kv.set('a', nil)").ends_with("got nil, expected any: ctx.kv.delete removes a value"));
    CHECK(said("ctx.after(600, 'a')").ends_with("got number, expected string such as \"30m\""));
    const auto set =
        set_of({{"scripts/a.lua", "require('scripts/matirx')", true}, {"scripts/matrix.lua", "return {}"}});
    CHECK(opened(set)->run(call_of("scripts/a.lua")).failure->message ==
          "require: there is no file \"scripts/matirx\" among the tenant's scripts, did you mean "
          "\"scripts/matrix\"?");
}

TEST_CASE("lua: what was wrong is not asked for", "[lua]") {
    CHECK(effects_of("pcall(ctx.action, 'slack.post', { f = print or error }) ctx.add_tags('a')").size() ==
          1);
}

TEST_CASE("lua: a failure tells where, how it came there, and which setting raises the limit", "[lua]") {
    const auto sandbox = opened(set_of({{"scripts/a.lua",
                                         "local lib = require 'lib'\nlocal M = {}\nfunction M.run(ctx)\n  "
                                         "lib.work(ctx.get('event.id'))\nend\n"
                                         "function M.spin()\n  while true do end\nend\nreturn M"},
                                        {"scripts/lib.lua",
                                         "local function deeper(id)\n  error('no ' .. id)\nend\nreturn { "
                                         "work = function(id)\n  deeper(id)\nend }"}}));
    const auto outcome = sandbox->run(call_of("scripts/a.lua", "run"));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->message == "no e1");
    CHECK(outcome.failure->place == engine::Place{"scripts/lib.lua", 2, 0});
    CHECK(outcome.failure->traceback ==
          std::vector<std::string>{"scripts/lib.lua:2: in function 'deeper'",
                                   "scripts/lib.lua:5: in function 'work'",
                                   "scripts/a.lua:4: in the function of line 3"});
    CHECK(outcome.failure->limit.empty());
    const auto spun = sandbox->run(call_of("scripts/a.lua", "spin"));
    REQUIRE(spun.failure);
    CHECK(spun.failure->limit == "fuel_max");
    CHECK(spun.failure->place == engine::Place{"scripts/a.lua", 7, 0});
    CHECK(spun.failure->message.find("2000000") != std::string::npos);
    CHECK(sandbox->run(call_of("scripts/a.lua", "walk")).failure->message ==
          "scripts/a.lua has no function walk in the table that it returns");
}

TEST_CASE("lua: a place is where a call stands, not what a script has written", "[lua]") {
    for (const auto* written :
         {"scripts/a.lua:7: not me", "scripts/b.lua:1: not me", "scripts/b.lua:-5: not me",
          "scripts/b.lua:: not me", "scripts/b.lua: +1: not me", "scripts/b.lua:4294967297: not me",
          "scripts/b.lua:99999999999999999999: not me", "no.lua:1: not me"}) {
        CAPTURE(written);
        const auto sandbox =
            opened(set_of({{"scripts/a.lua", std::string("\nerror('") + written + "', 0)", true},
                           {"scripts/b.lua", "return 1"}}));
        const auto failure = sandbox->run(call_of("scripts/a.lua")).failure;
        REQUIRE(failure);
        CHECK(failure->place == engine::Place{"scripts/a.lua", 2, 0});
        CHECK(failure->message == written);
    }
    const auto caught = run_body("local _, e = pcall(function()\n error('no') end)\nerror(e, 0)").failure;
    REQUIRE(caught);
    CHECK(caught->place.line == 3);
    CHECK(caught->message == "scripts/a.lua:2: no");
    const auto of_caller = run_body("local function f()\n error('no', 2) end\nf()").failure;
    REQUIRE(of_caller);
    CHECK(of_caller->place.line == 3);
    CHECK(of_caller->message == "no");
}

TEST_CASE("lua: what a function returns and cannot is told with its name and line", "[lua]") {
    const auto sandbox =
        opened(set_of({{"scripts/a.lua",
                        "local M = { in_table = {} }\nfunction M.in_table.run()\n  return { a = 1/0 "
                        "}\nend\nfunction M.deep()\n  local t = {}\n  t.t = t\n  return "
                        "t\nend\nM.ours = error\nreturn M"}}));
    const auto infinite = sandbox->run(call_of("scripts/a.lua", "in_table.run")).failure;
    REQUIRE(infinite);
    CHECK(infinite->message == "return of in_table.run: result.a: infinity is no number that JSON has");
    CHECK(infinite->place == engine::Place{"scripts/a.lua", 2, 0});
    const auto deep = sandbox->run(call_of("scripts/a.lua", "deep")).failure;
    REQUIRE(deep);
    CHECK(deep->message.find("return of deep: result.t.t.") == 0);
    CHECK(deep->place == engine::Place{"scripts/a.lua", 5, 0});
    CHECK(run_body("\nreturn error").failure->place == engine::Place{"scripts/a.lua", 1, 0});
}

TEST_CASE("lua: an error without a text is told by what it is", "[lua]") {
    const std::string told_as = "an error without a message was raised: ";
    CHECK(failure_of("error()") == told_as + "nil");
    CHECK(failure_of("error(json.null)") == told_as + "json.null");
    CHECK(failure_of("error({})") == told_as + "a table without a text `message`");
    CHECK(failure_of("error(true)") == told_as + "a boolean");
    CHECK(failure_of("error({ message = 'no' })") == "no");
    CHECK(opened(set_of({{"scripts/a.lua", ""}}))->run(call_of("scripts/a.lua", "run")).failure->message ==
          "scripts/a.lua returns nothing, not a table with the function run");
}

TEST_CASE("lua: nothing in a message steers what shows it", "[lua]") {
    CHECK(failure_of("error('a\\n\\27[2Jb\\127c', 0)") == "a  [2Jb c");
    CHECK(failure_of("error('\\u{80}\\u{9b}2J\\u{9f}\\u{a0}', 0)") == "  2J \u00a0");
    CHECK(failure_of("error('\\u{202a}a\\u{202e}b\\u{2066}c\\u{2069}d\\u{2028}\\u{2029}', 0)") ==
          " a b c d  ");
    CHECK(failure_of("error('ä\\u{2027}\\u{202f}\\u{2065}\\u{206a}€', 0)") ==
          "ä\u2027\u202f\xE2\x81\xA5\u206a€");
}

TEST_CASE("lua: what is a list does not depend on how a table came to be", "[lua]") {
    const std::string list =
        "json.encode: value: a list has the keys 1 to n, without a hole and without other keys "
        "(json.null stands for nothing)";
    const std::string object =
        "json.encode: value: a key has to be a text, or all of them have to be the numbers 1 to n";
    for (const auto* source : {"{ 1, nil, 3 }", "{ 1, a = 2 }", "{ [1] = 1, [3] = 1 }", "{ 1, [true] = 1 }"})
        CHECK(failure_of(std::string("json.encode(") + source + ")") == list);
    for (const auto* source :
         {"{ nil, 2 }", "{ [2] = 1, a = 1 }", "{ [0] = 1 }", "{ [1.5] = 1 }", "{ [{}] = 1 }"})
        CHECK(failure_of(std::string("json.encode(") + source + ")") == object);
    CHECK(result_of("local t = {} for i = 9, 1, -1 do t[i] = i end for i = 9, 3, -1 do t[i] = nil end "
                    "return { t, { [2] = 2, [1] = 1 }, { n = 1 } }") ==
          Json::parse(R"([[1, 2], [1, 2], {"n": 1}])"));
}

TEST_CASE("lua: a file is the function when none is named", "[lua]") {
    const auto sandbox = opened(
        set_of({{"scripts/a.lua", "local given = ... return given and { given == ctx, given.kind }"}}));
    CHECK(sandbox->run(call_of("scripts/a.lua")).result == Json({true, "ticket"}));
}

TEST_CASE("lua: ctx.fail ends the run, and nobody catches it", "[lua]") {
    const auto outcome =
        run_body("ctx.add_tags('a')\nctx.log('so far')\npcall(ctx.fail, 'no budget') ctx.log('after')");
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->message == "no budget");
    CHECK(outcome.failure->place.line == 3);
    CHECK(outcome.effects.empty());
    CHECK(outcome.log == std::vector<std::string>{"so far"});
}

TEST_CASE("lua: a look-up ends the run, and the next run has its answer", "[lua]") {
    const auto sandbox = opened(body(
        "ctx.log('asking')\nlocal who, problem = ctx.call('crm.find', { email = 'a@b.c' }, { cache = '10m' "
        "})\n"
        "local n, version = ctx.kv.get('count')\nctx.kv.set('count', (n or 0) + 1, { version = version })\n"
        "return { who = who or problem.code, n = ctx.kv.get('count') }"));
    auto call = call_of("scripts/a.lua");
    const auto first = sandbox->run(call);
    REQUIRE(first.need);
    CHECK(first.need->what == "crm.find");
    CHECK(first.need->params == Json({{"email", "a@b.c"}}));
    CHECK(first.need->cache == std::chrono::minutes(10));
    CHECK(first.need->place == engine::Place{"scripts/a.lua", 2, 0});
    CHECK_FALSE(first.failure);

    call.answers[first.need->key] = {{"ok", {{"name", "Ada"}}}};
    const auto second = sandbox->run(call);
    REQUIRE(second.need);
    CHECK(second.need->what == "kv");
    CHECK(second.need->params == Json({{"key", "count"}}));

    call.answers[second.need->key] = {{"ok", {{"value", 4}, {"version", 9}}}};
    const auto third = sandbox->run(call);
    CHECK_FALSE(third.need);
    CHECK(third.result == Json({{"who", {{"name", "Ada"}}}, {"n", 5}}));
    CHECK(third.effects[0]["version"] == 9);

    call.answers[first.need->key] = {{"error", {{"code", "not_found"}, {"message", "nobody"}}}};
    CHECK(sandbox->run(call).result["who"] == "not_found");
}

TEST_CASE("lua: look-ups are counted", "[lua]") {
    auto call = call_of("scripts/a.lua");
    const auto sandbox = opened(body("for i = 1, 100 do ctx.call('crm.find', { id = i }) end"));
    for (int round = 0; round < 100; ++round) {
        const auto outcome = sandbox->run(call);
        if (!outcome.need) {
            REQUIRE(outcome.failure);
            CHECK(outcome.failure->limit == "calls_max");
            CHECK(round == 16);
            return;
        }
        call.answers[outcome.need->key] = {{"ok", 1}};
    }
    FAIL("no end of look-ups");
}

TEST_CASE("lua: JSON survives the way through a script", "[lua]") {
    auto call = call_of("scripts/a.lua");
    call.context["event"]["data"] = Json::parse(
        R"({"a": [], "o": {}, "l": [1, null, [], {}], "n": 9007199254740993, "f": 1.5, "i": 2.0, "s": "ü"})");
    CHECK(
        opened(body("return ctx.event.data"))->run(call).result ==
        Json::parse(
            R"({"a": [], "o": {}, "l": [1, null, [], {}], "n": "9007199254740993", "f": 1.5, "i": 2, "s": "ü"})"));
    CHECK(
        result_of("return json.encode { b = 1, a = { 1, 2.5, json.null, {}, json.list {} }, c = 'x\\n' }") ==
        R"({"a":[1,2.5,null,{},[]],"b":1,"c":"x\n"})");
    CHECK(result_of("local v = json.decode('{\"a\":null,\"b\":[null]}') return { v.a == json.null, v.b[1] == "
                    "json.null }") == Json({true, true}));
    CHECK(result_of("local v, problem = json.decode('{') return { tostring(v), type(problem) }") ==
          Json({"nil", "string"}));
    CHECK(result_of("return ('ä'):sub(1, 1)") == "\xEF\xBF\xBD");
}

TEST_CASE("lua: texts and instants have helpers", "[lua]") {
    CHECK(run_body("return { text.slack_escape('<!here> a & b'), text.url_encode('a b&c/ä-._~') }").result ==
          Json({"&lt;!here&gt; a &amp; b", "a%20b%26c%2F%C3%A4-._~"}));
    CHECK(
        result_of("return { text.trim('  a b\\n'), text.split('a,b,,c', ','), text.starts_with('abc', 'ab'), "
                  "text.ends_with('abc', 'bc'), "
                  "text.contains('A Größe', 'GRÖSSE'), text.contains('Ärger', 'äRG'), text.fold('ÄB'), "
                  "text.upper('äb'), text.words('Re: it (2) fails!'), "
                  "text.truncate('äöü', 2) }") ==
        Json::parse(
            R"(["a b", ["a", "b", "", "c"], true, true, false, true, "äb", "ÄB", ["re", "it", "2", "fails"], "äö"])"));
    CHECK(
        result_of(
            "return { text.fingerprint('ab', 'c') == text.fingerprint('a', 'bc'), text.fingerprint('a') }") ==
        Json({false, engine::to_hex(engine::bytes_of(engine::sha256("1:a"))).substr(0, 32)}));
    CHECK(result_of("return { date.add(ctx.now, '3d'), date.add(ctx.now, '-90m'), date.diff(ctx.now, "
                    "'2026-05-05T12:00:00+02:00'), date.parse(ctx.now).weekday, "
                    "date.format(ctx.now, '%A %d.%m.%Y %H:%M %j'), date.text(0), "
                    "date.text('2026-05-04T14:00:00+02:00') }") ==
          Json({"2026-05-07T12:00:00Z", "2026-05-04T10:30:00Z", 79200, 1, "Monday 04.05.2026 12:00 124",
                "1970-01-01T00:00:00Z", "2026-05-04T12:00:00Z"}));
}

TEST_CASE("lua: pairs has one order, and random numbers follow from the seed", "[lua]") {
    CHECK(result_of("local t = { z = 1, a = 1, [3] = 1, [1] = 1, [2.5] = 1, [true] = 1, [false] = 1, [-7] = "
                    "1 } local s = '' "
                    "for k in pairs(t) do s = s .. tostring(k) .. ' ' end for k in next, t do s = s .. "
                    "tostring(k) .. ' ' end return s") ==
          "-7 1 2.5 3 a z false true -7 1 2.5 3 a z false true ");
    auto call = call_of("scripts/a.lua");
    const auto sandbox =
        opened(body("return { math.random(1, 1000000), math.random(1, 1000000), math.random() < 1 }"));
    const auto first = sandbox->run(call).result;
    CHECK(first == sandbox->run(call).result);
    CHECK(first == Json::parse("[831473, 535446, true]"));
    call.seed = "another";
    CHECK(first != sandbox->run(call).result);
}

TEST_CASE("lua: files need one another by name, once in a run, and not in a circle", "[lua]") {
    const auto sandbox = opened(
        set_of({{"scripts/a.lua",
                 "local w = require 'lib.words' return { run = function() w.n = w.n + 1 return { w.n, "
                 "require('scripts/lib/words.lua').n, w == require 'lib/words.lua' } end }"},
                {"scripts/lib/words.lua", "return { n = 0 }"},
                {"rules/96-vip.lua",
                 "local w = require 'scripts/lib/words' local rule = {} function rule.run() return w == "
                 "require 'scripts.lib.words' and w == require 'lib/words' end return rule"}}));
    for (int round = 0; round < 2; ++round)
        CHECK(sandbox->run(call_of("scripts/a.lua", "run")).result == Json({1, 1, true}));
    CHECK(sandbox->run(call_of("rules/96-vip.lua", "run")).result == true);
    const auto circle =
        Sandbox::open(set_of({{"scripts/a.lua", "require 'b'"}, {"scripts/b.lua", "\nrequire 'a'"}}));
    REQUIRE(circle.diagnostics.size() == 2);
    CHECK(circle.diagnostics[0].message ==
          "require: scripts/b.lua needs itself: scripts/b.lua → scripts/a.lua → scripts/b.lua");
}

TEST_CASE("lua: a function may stand in a table of the file's table", "[lua]") {
    const auto sandbox =
        opened(set_of({{"rules/a.lua",
                        "local rule = { when = { lua = function(ctx) return ctx.kind end }, id = 'a' "
                        "}\nreturn rule"}}));
    CHECK(sandbox->run(call_of("rules/a.lua", "when.lua")).result == "ticket");
    for (const auto* function : {"run", "when.run", "id.lua", "when.lua.lua", "when"})
        CHECK(sandbox->run(call_of("rules/a.lua", function)).failure->message ==
              std::string("rules/a.lua has no function ") + function + " in the table that it returns");
}

TEST_CASE("lua: a file that cannot be compiled or whose statements fail is told of with its place", "[lua]") {
    const auto problems =
        Sandbox::open(set_of({{"scripts/a.lua", "local x = 1\nlocal = 2"}, {"scripts/b.lua", "return {"}}))
            .diagnostics;
    REQUIRE(problems.size() == 2);
    CHECK(engine::to_text(problems[0]) ==
          "scripts/a.lua:2:1: error: <name> expected near '=' [script-syntax]");
    CHECK(problems[1].place == engine::Place{"scripts/b.lua", 1, 1});
    const auto failing = Sandbox::open(set_of({{"scripts/a.lua", "local x\nx.y = 1"}})).diagnostics;
    REQUIRE(failing.size() == 1);
    CHECK(failing[0].place == engine::Place{"scripts/a.lua", 2, 1});
    // What editors and chats make of quotes and spaces.
    const auto foreign = [](const std::string& source) {
        const auto found = Sandbox::open(set_of({{"scripts/a.lua", source}})).diagnostics;
        REQUIRE(found.size() == 1);
        return engine::to_text(found[0]);
    };
    constexpr auto remedy =
        " stands outside of a text: texts are written between \" or ', and names of the letters a to z, "
        "digits "
        "and _ [script-syntax]";
    CHECK(foreign("local a = 1\nlocal x = '\\'\u2013' .. \u201chigh\u201d") ==
          "scripts/a.lua:2:1: error: \u201c (U+201C)" + std::string(remedy));
    CHECK(foreign("local gr\u00f6\u00dfe = 1") ==
          "scripts/a.lua:1:1: error: \u00f6 (U+00F6)" + std::string(remedy));
    CHECK(foreign("local x\u00a0= 1") ==
          "scripts/a.lua:1:1: error: U+00A0, which looks like a space," + std::string(remedy));
    CHECK(foreign("local x = \U0001F600") ==
          "scripts/a.lua:1:1: error: \U0001F600 (U+1F600)" + std::string(remedy));
    CHECK(foreign("\ufefflocal x = 1").find("byte order mark (U+FEFF)") != std::string::npos);
    CHECK(foreign("local x = \xFF").find("near '<\\255>'") != std::string::npos);
    std::string joined = "'a'";
    std::string negated;
    for (int i = 0; i < 250; ++i) joined += "..'a'", negated += "not ";
    for (const auto& deep : {std::string(250, '(') + "1" + std::string(250, ')'), joined, negated + "1"}) {
        const auto source = "local x\r\nlocal y\n\r\nx = " + deep + "\nreturn x";
        const auto found = Sandbox::open(set_of({{"scripts/a.lua", source}})).diagnostics;
        REQUIRE(found.size() == 1);
        CHECK(
            engine::to_text(found[0]) ==
            "scripts/a.lua:4:1: error: more expressions or blocks in one another than Lua compiles (C stack "
            "overflow): put parts of them into variables or functions [script-syntax]");
    }
    CHECK(Sandbox::open(set_of({{"scripts/a.lua", "--" + std::string(40000, 'x')}})).diagnostics.size() == 1);
    CHECK(Sandbox::open(set_of({{"scripts/a.lua", "\x1bLua"}})).diagnostics.size() == 1);
}

TEST_CASE("lua: the same input gives the same effects, bit for bit", "[lua]") {
    const auto sandbox = opened(body(R"lua(
local t = {}
for i = 1, 50 do t["k" .. math.random(1, 1000)] = math.random() end
ctx.set("ticket.custom.all", t)
for k, v in pairs(t) do ctx.emit("ticket." .. k, { v = v, s = tostring(v), f = ("%.3f"):format(v * 100) }) end
table.sort(t)
ctx.action("slack.post", { text = text.fingerprint(json.encode(t)), n = #t, at = date.add(ctx.now, "1h") })
return t
)lua"));
    const auto hash = [&] {
        const auto outcome = sandbox->run(call_of("scripts/a.lua"));
        CHECK_FALSE(outcome.failure);
        return engine::to_hex(engine::bytes_of(engine::sha256(engine::canonical_json(outcome.effects))))
                   .substr(0, 16) +
               " " + std::to_string(outcome.fuel_used);
    };
    const auto first = hash();
    CHECK(first == hash());
    CHECK(first == "3a6688edb335237d 15160");
}

TEST_CASE("lua: a host keeps the states of the sets that were used last", "[lua]") {
    rules::InProcessHost host(2);
    const auto one = body("return 1");
    CHECK(host.load(one).empty());
    CHECK(host.run(one, call_of("scripts/a.lua")).result == 1);
    for (const auto* source : {"return 2", "return 3", "return 4"})
        CHECK_FALSE(host.run(body(source), call_of("scripts/a.lua")).failure);
    CHECK(host.run(one, call_of("scripts/a.lua")).result == 1);
    CHECK(host.load(body("return")).empty());
    CHECK(host.run(body("return +"), call_of("scripts/a.lua")).failure->place.line == 1);
    CHECK(host.run(one, call_of("scripts/none.lua")).failure->message ==
          "there is no file \"scripts/none.lua\" among the tenant's scripts");
}

TEST_CASE("lua: a host gives runs the time that the installation gives", "[lua]") {
    const auto set = body("local n = 0 for i = 1, 100000 do n = n + 1 end return 1");
    rules::InProcessHost hasty(2, std::chrono::milliseconds(0));
    CHECK(hasty.load(set).empty());
    for (int round = 0; round < 2; ++round)
        CHECK(hasty.run(set, call_of("scripts/a.lua")).failure->limit == "deadline");
    rules::InProcessHost patient(2, std::chrono::seconds(60));
    CHECK(patient.run(set, call_of("scripts/a.lua")).result == 1);
}

TEST_CASE("lua: the stub describes every function and nothing else", "[lua]") {
    const auto& api = rules::script_api();
    CHECK(api.functions.size() == 34);
    REQUIRE(api.function("ctx.kv.set"));
    CHECK(api.function("ctx.kv.set")->params.size() == 3);
    CHECK(api.function("ctx.kv.set")->params[2].is_optional);
    for (const auto& function : api.functions)
        CHECK(run_body("return type(" + function.name + ")").result == "function");
    for (const auto* table : {"ctx.kv", "json", "text", "date"}) {
        const auto names = run_body(std::string("local n = {} for k, v in pairs(") + table +
                                    ") do if type(v) == 'function' then n[#n + 1] = k end end return n")
                               .result;
        for (const auto& name : names) CHECK(api.function(table + ("." + name.get<std::string>())));
    }
}

}  // namespace lua_api
