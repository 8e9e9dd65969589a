// What compiled scripts may be: a worker that takes another one's place has to be ready soon.

#include <map>
#include <string>
#include <vector>

#include "rules/lua/code_limits.h"
#include "rules/lua/hash_seed.h"
#include "tests/unit/rules/lua_support.h"

namespace lua_code_limits {

using namespace lua_testing;

namespace {

/// Each of the functions has each of the names in its code.
std::string functions_in_functions(int depth, int names) {
    std::string declared;
    for (int i = 0; i < names; ++i)
        declared += (i > 0 ? "," : "") + std::string("n") + std::to_string(i) + std::string(150, 'x');
    std::string source = "local " + declared + "\n";
    for (int i = 0; i < depth; ++i) source += "local function f()\n";
    source += "return " + declared + "\n";
    for (int i = 0; i < depth; ++i) source += "end\n";
    return source;
}

/// Texts that stand in one of 4096 places of Lua's table of texts.
std::string texts_that_meet(std::size_t count) {
    std::string source = "return {";
    const auto place = rules::hash_of("0") & 4095U;
    for (std::size_t i = 0, found = 0; found < count; ++i) {
        const auto text = std::to_string(i);
        if ((rules::hash_of(text) & 4095U) != place) continue;
        source += "'" + text + "',";
        ++found;
    }
    for (int i = 0; i < 2000; ++i) source += "'other" + std::to_string(i) + "',";
    return source + "}";
}

std::string problem_of(const std::vector<rules::ScriptFile>& files, ScriptLimits limits = {}) {
    const auto found = Sandbox::open(set_of(files, limits)).diagnostics;
    return found.empty() ? "" : found[0].message;
}

}  // namespace

TEST_CASE("lua: the hash of a text is that of Lua's table", "[lua]") {
    // Else what follows would look for other texts than Lua has together.
    std::map<unsigned, int> places;
    for (int i = 0; i < 4096; ++i) ++places[rules::hash_of("text " + std::to_string(i)) & 1023U];
    CHECK(places.size() > 900);
    CHECK(rules::hash_of("a") != rules::hash_of("b"));
    CHECK(rules::hash_of("a") == rules::hash_of(std::string("a")));
}

TEST_CASE("lua: scripts whose code is many times their source are refused", "[lua]") {
    ScriptLimits limits;
    limits.sources_bytes_max = 100'000;
    CHECK(problem_of({{"scripts/a.lua", functions_in_functions(20, 20)}}, limits) == "");
    const auto source = functions_in_functions(180, 50);
    CHECK(source.size() < 32'768);
    CHECK(problem_of({{"scripts/a.lua", source}}, limits)
              .find("more than 400000 (four times sources_bytes_max") != std::string::npos);
    // Of all files together.
    const auto half = functions_in_functions(70, 20);
    CHECK(problem_of({{"scripts/a.lua", half}}, limits) == "");
    CHECK(problem_of({{"scripts/a.lua", half}, {"scripts/b.lua", half}}, limits) != "");
}

TEST_CASE("lua: texts whose hashes meet are refused", "[lua]") {
    CHECK(problem_of({{"scripts/a.lua", texts_that_meet(20)}}) == "");
    CHECK(problem_of({{"scripts/a.lua", texts_that_meet(60)}})
              .find("of the texts and names in scripts have hashes that meet, more than 32") !=
          std::string::npos);
}

TEST_CASE("lua: what stands outside of functions is bounded for all files together", "[lua]") {
    ScriptLimits limits;
    limits.fuel_max = 20'000;
    std::vector<rules::ScriptFile> files;
    for (int i = 0; i < 40; ++i)
        files.push_back({"scripts/a" + std::to_string(i) + ".lua", "for i = 1, 8000 do end return {}"});
    CHECK(problem_of({files[0], files[1]}, limits) == "");
    CHECK(problem_of(files, limits)
              .starts_with("what stands outside of functions took more than 200000 steps"));
}

TEST_CASE("lua: a state that a run has worn out is opened anew while nobody waits", "[lua]") {
    ScriptLimits limits;
    limits.memory_bytes_max = 1U << 20U;
    auto sandbox = opened(set_of({{"scripts/a.lua",
                                   "return { fill = function() local t = {} while true do t[#t + 1] = "
                                   "('x'):rep(1000) .. #t end end, run = function() return 7 end }"}},
                                 limits));
    const auto fresh = sandbox->run(call_of("scripts/a.lua", "run"));
    REQUIRE(sandbox->run(call_of("scripts/a.lua", "fill")).failure);
    sandbox->settle();
    const auto again = sandbox->run(call_of("scripts/a.lua", "run"));
    CHECK(again.result == 7);
    CHECK(again.fuel_used == fresh.fuel_used);
}

TEST_CASE("lua: a small fuel_max is kept to", "[lua]") {
    ScriptLimits limits;
    limits.fuel_max = 300;
    const auto outcome = run_body("for i = 1, 1500 do end return 5", limits);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->limit == "fuel_max");
}

TEST_CASE("lua: the ends of numbers and of years", "[lua]") {
    CHECK(run_body(
              "local f = ipairs({}) return f({ [math.mininteger] = 3 }, math.maxinteger) == math.mininteger")
              .result == true);
    CHECK(run_body("local t = {} t[math.maxinteger] = 1 table.insert(t, 2) return 1").failure ==
          std::nullopt);
    CHECK(run_body("return date.add('9999-12-31T00:00:00Z', '23h')").result == "9999-12-31T23:00:00Z");
    CHECK(run_body("return date.add('9999-12-31T00:00:00Z', '24h')").failure);
}

}  // namespace lua_code_limits
