/// Lines that were run in workers: the same as in this process, also when workers are lost on the way.

#include <csignal>
#include <set>

#include "rules/lua/coverage_in_worker.h"
#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_coverage {
namespace {

constexpr auto source =
    "local function inner(n)\n"  // 1
    "  if n > 1 then\n"          // 2
    "    return 'many'\n"        // 3
    "  end\n"                    // 4
    "  return 'one'\n"           // 5
    "end\n"                      // 6
    "return {\n"                 // 7
    "  run = function(ctx)\n"    // 8
    "    return inner(1)\n"      // 9
    "  end,\n"                   // 10
    "  many = function(ctx)\n"   // 11
    "    return inner(2)\n"      // 12
    "  end,\n"                   // 13
    "}\n";                       // 14

std::set<int> missed(const std::vector<rules::Coverage>& files) {
    REQUIRE(files.size() == 1);
    CHECK(files[0].file == "scripts/a.lua");
    return files[0].missed;
}

}  // namespace

TEST_CASE("lua worker: coverage there is that of this process", "[lua-worker]") {
    const auto set = script_set("acme", "1", source);
    rules::CoverageHost here;
    rules::CoverageWorker there(worker_options({"coverage"}));
    REQUIRE(here.load(set).empty());
    REQUIRE(there.load(set).empty());
    CHECK(missed(there.coverage()) == missed(here.coverage()));
    for (const auto* function : {"run", "many"}) {
        CHECK(there.run(set, script_call(function)).result == here.run(set, script_call(function)).result);
        CHECK(there.coverage().front().lines == here.coverage().front().lines);
        CHECK(missed(there.coverage()) == missed(here.coverage()));
    }
    CHECK(missed(there.coverage()).empty());
}

TEST_CASE("lua worker: what a lost worker has told is not forgotten", "[lua-worker]") {
    const auto set = script_set("acme", "1", source);
    auto options = worker_options({"coverage"});
    options.one_ready = false;
    rules::CoverageWorker host(options);
    REQUIRE(host.load(set).empty());
    host.run(set, script_call("run"));
    CHECK(missed(host.coverage()) == std::set<int>{3, 12});
    for (const auto process : host.processes()) ::kill(process, SIGKILL);
    CHECK(host.run(set, script_call("run")).result == "one");
    CHECK(missed(host.coverage()) == std::set<int>{3, 12});
    host.run(set, script_call("many"));
    CHECK(missed(host.coverage()).empty());
}

TEST_CASE("lua worker: one that notes no lines is not asked for them in vain", "[lua-worker]") {
    const auto mode = GENERATE(as<std::string>(), "scripts", "hostile");
    auto words = std::vector<std::string>{mode};
    if (mode == "hostile") words.emplace_back("garbage_frame");
    auto options = worker_options(words);
    options.load_deadline = milliseconds(500);
    rules::CoverageWorker host(options);
    (void)host.load(script_set("acme", "1", source));
    CHECK(host.coverage().empty());
}

}  // namespace tests::lua_worker_coverage
