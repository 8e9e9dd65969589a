// Which lines of scripts were run, and which could have been.
#include "rules/lua/coverage.h"
#include "tests/unit/rules/lua_support.h"

namespace lua_coverage {

using namespace lua_testing;

namespace {

constexpr auto source =
    "local lib = {}\n"                       // 1
    "\n"                                     // 2
    "-- A comment.\n"                        // 3
    "local function inner(n)\n"              // 4
    "  if n > 1 then\n"                      // 5
    "    return 'many'\n"                    // 6
    "  end\n"                                // 7
    "  return 'one'\n"                       // 8
    "end\n"                                  // 9
    "\n"                                     // 10
    "function lib.run(ctx)\n"                // 11
    "  ctx.set('ticket.priority',\n"         // 12
    "          inner(1))\n"                  // 13
    "end\n"                                  // 14
    "function lib.never(ctx, ...)\n"         // 15
    "  local a, b = 1.5, 7\n"                // 16
    "  return a .. b .. select('#', ...)\n"  // 17
    "end\n"                                  // 18
    "return lib\n";                          // 19

}  // namespace

TEST_CASE("lua: coverage tells lines that were run from those that could have been", "[lua]") {
    rules::CoverageHost host;
    const auto set = set_of({{"scripts/a.lua", source}, {"scripts/b.lua", "ctx.log('never')\n", true}});
    REQUIRE(host.load(set).empty());
    auto files = host.coverage();
    REQUIRE(files.size() == 2);
    CHECK(files[0].lines == std::set<int>{1, 5, 6, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19});
    CHECK(files[0].missed == std::set<int>{5, 6, 8, 12, 13, 16, 17});
    CHECK(files[1].missed == std::set<int>{1});
    auto call = call_of("scripts/a.lua");
    call.function = "run";
    REQUIRE_FALSE(host.run(set, call).failure);
    files = host.coverage();
    CHECK(files[0].missed == std::set<int>{6, 16, 17});
}

TEST_CASE("lua: every line that is run is one that could be", "[lua]") {
    for (const auto& entry : std::filesystem::directory_iterator("tests/lua-attacks")) {
        if (entry.path().extension() != ".lua") continue;
        INFO(entry.path().filename().string());
        rules::CoverageHost host;
        const auto set = set_of({{"scripts/attack.lua", read_file(entry.path()), true}});
        if (!host.load(set).empty()) continue;
        (void)host.run(set, call_of("scripts/attack.lua"));
        const auto files = host.coverage();
        REQUIRE(files.size() == 1);
        CHECK_FALSE(files[0].lines.empty());
        // Lines outside would not show as missed fewer.
        CHECK(files[0].missed.size() <= files[0].lines.size());
        for (const int line : host.ran("scripts/attack.lua")) CHECK(files[0].lines.contains(line));
    }
}

}  // namespace lua_coverage
