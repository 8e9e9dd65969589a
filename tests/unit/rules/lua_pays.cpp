// What loops in C pays by its turns, whoever loops: so that a run ends at its fuel or by a look at the clock.
#include "tests/unit/rules/lua_support.h"

namespace lua_pays {

using namespace lua_testing;

namespace {

constexpr std::uint64_t bytes = 160'000;

/// Fuel of the statement, beyond what it takes to make the text `s` of so many bytes and the table `t`.
std::uint64_t paid(const std::string& made, const std::string& statement) {
    const auto fuel = [&](const std::string& source) {
        const auto outcome = run_body(source);
        INFO(source + "\n" + told(outcome));
        CHECK_FALSE(outcome.failure);
        return outcome.fuel_used;
    };
    return fuel(made + statement) - fuel(made);
}

}  // namespace

TEST_CASE("lua: a text that is read as a number pays by its length", "[lua]") {
    const auto made = "local s = (' '):rep(" + std::to_string(bytes - 1) + ") .. '1' ";
    for (const auto* statement : {"math.max(s)",
                                  "math.min(1, s)",
                                  "math.floor(s)",
                                  "math.abs(s)",
                                  "math.sin(s)",
                                  "math.atan(1, s)",
                                  "math.fmod(s, 1)",
                                  "math.fmod(1, s)",
                                  "math.modf(s)",
                                  "math.log(s)",
                                  "math.log(2, s)",
                                  "math.tointeger(s)",
                                  "math.ult(1, s)",
                                  "math.random(s)",
                                  "math.random(0, s)",
                                  "string.char(s)",
                                  "string.sub('a', s)",
                                  "string.sub('a', 1, s)",
                                  "string.rep('a', s)",
                                  "string.byte('a', s)",
                                  "string.find('a', 'b', s)",
                                  "string.gmatch('a', 'b', s)",
                                  "string.gsub('a', 'b', 'c', s)",
                                  "string.format('%d', s)",
                                  "string.format('%c', s)",
                                  "string.format('%g', s)",
                                  "utf8.char(s)",
                                  "utf8.codepoint('a', s)",
                                  "utf8.len('a', s)",
                                  "utf8.offset('a', s)",
                                  "utf8.codes('a')('a', s)",
                                  "table.concat({}, '', s)",
                                  "table.insert({}, s, 1)",
                                  "table.remove({ 1 }, s)",
                                  "table.unpack({}, s)",
                                  "table.unpack({}, 1, s)",
                                  "table.move({}, s, 1, 1)",
                                  "select(s, 1)",
                                  "tonumber(s)",
                                  "tonumber('1', s)",
                                  "pcall(error, 'x', s)",
                                  "ipairs({})({}, s)"}) {
        CAPTURE(statement);
        CHECK(paid(made, std::string("pcall(function() ") + statement + " end)") >= bytes / 16);
    }
}

TEST_CASE("lua: a number that is shown pays more than the text that it becomes", "[lua]") {
    for (const std::string call :
         {"string.rep(", "string.len(", "tostring(", "table.concat({ 1, ", "string.gsub('a', 'a', { a = "}) {
        CAPTURE(call);
        const auto closing = call.find('{') == call.npos ? (call == "string.rep(" ? ", 1)" : ")") : " })";
        const auto thousand = [&](const char* shown) {
            return paid("", "for i = 1, 1000 do local s = " + call + shown + closing + " end");
        };
        CHECK(thousand("1e300") >= thousand("'1e+300'") + 16'000);
    }
}

TEST_CASE("lua: bytes that a loop goes over are paid", "[lua]") {
    const auto continued = "local s = 'a' .. ('\\x80'):rep(" + std::to_string(bytes) + ") ";
    CHECK(paid(continued, "utf8.offset(s, 2)") >= bytes / 16);
    CHECK(paid(continued, "utf8.offset(s, -1)") >= bytes / 16);
    const auto open = "local s = '[' .. ('x'):rep(" + std::to_string(bytes) + ") ";
    for (const auto* statement : {"pcall(string.gsub, 'a', s, '')", "pcall(string.gmatch('a', s))"})
        CHECK(paid(open, statement) >= bytes / 16);
    const auto flags = "local s = '%' .. ('-'):rep(" + std::to_string(bytes) + ") ";
    CHECK(paid(flags, "pcall(string.format, s, 1)") >= bytes / 16);
    const auto zero = "local s = ('x'):rep(" + std::to_string(bytes) + ") .. '\\0' ";
    CHECK(paid(zero, "pcall(string.format, '%5s', s)") >= bytes / 16);
    CHECK(run_body("string.format('%' .. ('-'):rep(1000), 1)").failure->message ==
          "invalid conversion '%" + std::string(20, '-') + "' to 'format'");
    const auto digits = "local s = ('1'):rep(" + std::to_string(bytes) + ") ";
    CHECK(paid(digits, "math.max(s, s)") >= 3 * bytes / 16);
}

TEST_CASE("lua: what goes through a table pays by its keys, in every order the same", "[lua]") {
    const std::string colliding = "local t = {} for i = 1, 500 do t[i * 511] = 1 end ";
    const std::string texts = "local t = {} for i = 1, 500 do t['k' .. i] = 1 end ";
    for (const auto& made : {colliding, texts, texts + "t[{}] = 1 ", texts + "t[1] = 1 "})
        for (const auto* statement : {"pcall(pairs, t)", "pcall(next, t)", "pcall(json.encode, t)"}) {
            CAPTURE(made, statement);
            CHECK(paid(made, statement) >= 500);
        }
}

TEST_CASE("lua: the peak of memory is that of the run, whatever the state has kept of an earlier one",
          "[lua]") {
    ScriptLimits limits;
    limits.fuel_max = 100'000;
    limits.memory_bytes_max = 2U << 20U;
    limits.text_bytes_max = 64U << 10U;
    // Its stack grows, then nothing is made until it has shrunk again: in the state's first run only the
    // frames.
    auto source = read_file("tests/fuzz/corpus/lua_sandbox/stack-grows-last");
    source.erase(0, source.find('\n'));
    const auto sandbox = opened(body(source, limits));
    const auto first = sandbox->run(call_of("scripts/a.lua"));
    for (int round = 0; round < 3; ++round) {
        const auto again = sandbox->run(call_of("scripts/a.lua"));
        CHECK(again.memory_bytes_peak == first.memory_bytes_peak);
        CHECK(again.fuel_used == first.fuel_used);
    }
}

TEST_CASE("lua: calls cost what they do, however deep the stack is", "[lua]") {
    const auto fuel_of = [](int depth) {
        const auto outcome =
            run_body("local function f(n) if n == 0 then return 0 end return (f(n - 1)) end return f(" +
                     std::to_string(depth) + ")");
        CHECK_FALSE(outcome.failure);
        return static_cast<double>(outcome.fuel_used) / depth;
    };
    CHECK(fuel_of(40'000) < 2 * fuel_of(10'000));
}

TEST_CASE("lua: a run is not ended for what it holds no longer", "[lua]") {
    for (int dead = 0; dead <= 20'000; dead += 2'000) {
        const auto outcome = run_body(
            "local kept = {} for i = 1, 22000 do kept[i] = { i } end for i = 1, " + std::to_string(dead) +
            " do local gone = { i } end "
            "local function f(n) if n == 0 then return 0 end return (f(n - 1)) end return f(15000)");
        INFO(dead);
        CHECK_FALSE(outcome.failure);
    }
}

TEST_CASE("lua: values of a run do not weigh on the next one, wherever the stack still has them", "[lua]") {
    ScriptLimits limits;
    limits.memory_bytes_max = 380'000;
    const auto set =
        set_of({{"scripts/leaves.lua",
                 "local T, U = {}, {} for i = 1, 5000 do T[i], U[i] = i, i end "
                 "local function f(n) local a, b, c, d = T, T, T, U if n == 0 then error('x') end "
                 "return (f(n - 1)) end f(8)",
                 true},
                {"scripts/next.lua",
                 "local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z "
                 "local list = {} for i = 1, 8192 do list[i] = i end return #list",
                 true}},
               limits);
    const auto fresh = opened(set)->run(call_of("scripts/next.lua"));
    const auto sandbox = opened(set);
    for (int round = 0; round < 3; ++round) {
        CHECK(sandbox->run(call_of("scripts/leaves.lua")).failure);
        const auto after = sandbox->run(call_of("scripts/next.lua"));
        CHECK(told(after) == told(fresh));
        CHECK(after.fuel_used == fresh.fuel_used);
        CHECK(after.memory_bytes_peak == fresh.memory_bytes_peak);
    }
}

TEST_CASE("lua: names of files cost a run nothing, however long they are", "[lua]") {
    const auto name = "scripts/" + std::string(100, 'n') + ".lua";
    const auto set = set_of({{name, "return 1", true}, {"scripts/next.lua", "return { 1, {} }", true}});
    const auto sandbox = opened(set);
    const auto fresh = opened(set)->run(call_of("scripts/next.lua"));
    CHECK(sandbox->run(call_of(name)).result == 1);
    const auto after = sandbox->run(call_of("scripts/next.lua"));
    CHECK(after.fuel_used == fresh.fuel_used);
    CHECK(after.memory_bytes_peak == fresh.memory_bytes_peak);
}

TEST_CASE("lua: what a table is like inside is the same in every state", "[lua]") {
    // Texts among the keys decide when the table grows, and that what is the end of one with holes.
    const std::string source =
        "local t, ends = {}, {} for i = 1, 3000 do t[i] = i t['k' .. i * 7] = i if i % 3 == 0 then t[i // 2] "
        "= nil end "
        "ends[#ends + 1] = #t end return { #t, table.concat(ends, ' '):len(), "
        "text.fingerprint(table.concat(ends, ' ')) }";
    const auto first = run_body(source);
    REQUIRE_FALSE(first.failure);
    for (int round = 0; round < 8; ++round) {
        const auto again = run_body(source);
        CHECK(again.result == first.result);
        CHECK(again.fuel_used == first.fuel_used);
    }
}

TEST_CASE("lua: a span or an instant is no longer than any there is", "[lua]") {
    const auto failure = run_body("date.add(ctx.now, ('0d'):rep(1000))").failure;
    REQUIRE(failure);
    CHECK(failure->message ==
          "date.add: span: got a text of 2000 bytes, more than 64, expected a span, as in \"3d\" or "
          "\"-1h30m\"");
    CHECK(run_body("date.text(('2026'):rep(20))").failure->message ==
          "date.text: instant: got a text of 80 bytes, more than 64, expected an instant, as in "
          "\"2026-05-04T08:00:00Z\"");
    CHECK(run_body("return { date.parse((' '):rep(65)) == nil, date.add(ctx.now, ('0d'):rep(30) .. '1d') }")
              .result == Json({true, "2026-05-05T12:00:00Z"}));
}

TEST_CASE("lua: a run that ends past its deadline has ended there, whenever the clock was looked at",
          "[lua]") {
    ScriptLimits limits;
    limits.deadline = std::chrono::milliseconds(0);
    for (const auto* source : {"return 1", "ctx.call('crm.find')"}) {
        const auto outcome = run_body(source, limits);
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->limit == "deadline");
        CHECK(outcome.failure->message ==
              "the run took longer than 0 ms of processor time: let one run do less, or raise "
              "--script-deadline for "
              "all tenants");
        CHECK(outcome.failure->place == engine::Place{"scripts/a.lua", 1, 0});
        CHECK(outcome.result.is_null());
        CHECK_FALSE(outcome.need);
    }
}

}  // namespace lua_pays
