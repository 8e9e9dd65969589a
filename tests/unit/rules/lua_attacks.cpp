// Scripts that try to hang, bloat, poison or escape: each ends within its limits and leaves nothing behind.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <optional>
#include <vector>

#include "tests/unit/rules/lua_support.h"

namespace lua_attacks {

using namespace lua_testing;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr auto notice_max = std::chrono::milliseconds(1000);  // as slow as it is with sanitizers
#else
constexpr auto notice_max = std::chrono::milliseconds(100);
#endif

std::chrono::nanoseconds processor_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::vector<std::filesystem::path> scripts_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".lua") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

/// Sees what a script could have left: globals, libraries, methods of texts, what files return, random
/// numbers.
constexpr auto witness = R"lua(
local function sorted(t, depth)
  local out = {}
  for k, v in pairs(t) do
    local shown = tostring(v)
    if type(v) == "table" and depth > 0 and v ~= t then shown = sorted(v, depth - 1) end
    out[#out + 1] = tostring(k) .. "=" .. shown
  end
  return table.concat(out, ";")
end
local lib = require "lib"
local before = lib.count
lib.count = lib.count + 1
ctx.set("ticket.priority", ("abc"):upper():rep(2))
ctx.log(math.random(1, 1000000), ctx.get("ticket.subject"), before)
return { globals = sorted(_ENV, 3), methods = sorted({ u = ("x").upper, f = ("x").foo }, 1), n = #("x"):rep(10),
         missing = tostring(getmetatable) .. tostring(leftover) }
)lua";

void attack(const std::filesystem::path& path) {
    INFO(path.filename().string());
    const auto set = set_of({{"scripts/attack.lua", read_file(path), true},
                             {"scripts/witness.lua", witness, true},
                             {"scripts/lib.lua", "return { count = 0 }"}});
    const auto sandbox = opened(set);
    const auto fresh = opened(set)->run(call_of("scripts/witness.lua"));
    REQUIRE_FALSE(fresh.failure);
    const auto ends_by_clock = [](const ScriptOutcome& outcome) {
        return outcome.failure && outcome.failure->limit == "deadline";
    };
    const auto wears_out = [](const ScriptOutcome& outcome) {
        return outcome.failure &&
               (outcome.failure->limit == "memory_bytes_max" || outcome.failure->limit == "text_bytes_max" ||
                outcome.failure->limit == "keys_max");
    };
    std::optional<ScriptOutcome> first;
    for (int round = 0; round < 2; ++round) {
        const auto start = processor_time();
        const auto outcome = sandbox->run(call_of("scripts/attack.lua"));
        const auto took = processor_time() - start;
        INFO(told(outcome).substr(0, 2000));
        const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
        CHECK(milliseconds <= (set->limits.deadline + notice_max).count());
        // What is counted is more than what is held: a stack counts five times, for what its frames may take.
        CHECK(outcome.memory_bytes_peak <= 5 * set->limits.memory_bytes_max);
        CHECK(sandbox->bytes_peak() <= 2 * set->limits.memory_bytes_max);
        if (outcome.failure) CHECK(outcome.failure->message.find("0x") == std::string::npos);
        if (first && !ends_by_clock(*first) && !ends_by_clock(outcome)) {
            CHECK(told(outcome) == told(*first));
            // A new state has another seed of its hashes: when a table grows depends a little on it.
            const auto difference =
                static_cast<double>(outcome.fuel_used) - static_cast<double>(first->fuel_used);
            CHECK(std::abs(difference) <= (wears_out(*first) ? 100 : 0));
            if (!wears_out(*first)) CHECK(outcome.memory_bytes_peak == first->memory_bytes_peak);
        }
        if (!first) first = outcome;
        const auto after = sandbox->run(call_of("scripts/witness.lua"));
        CHECK(told(after) == told(fresh));
        CHECK(after.fuel_used == fresh.fuel_used);
        CHECK(after.memory_bytes_peak == fresh.memory_bytes_peak);
        if (std::getenv("SIGNALBOX_LUA_SHOW"))
            std::printf("%-40s %6lld ms %8zu KiB fuel %8llu %s\n", path.filename().c_str(),
                        static_cast<long long>(milliseconds), outcome.memory_bytes_peak >> 10U,
                        static_cast<unsigned long long>(outcome.fuel_used),
                        outcome.failure
                            ? (outcome.failure->limit + " " + outcome.failure->message).substr(0, 60).c_str()
                            : "ended");
    }
}

}  // namespace

TEST_CASE("lua: known attacks end within their limits and leave nothing behind", "[lua]") {
    const char* named = std::getenv("SIGNALBOX_SHARED");
    const auto folder = std::filesystem::path(named ? named : "../shared") / "lua-attacks";
    if (!std::filesystem::exists(folder)) {
        WARN("skipped: " + folder.string() + " is not there (set SIGNALBOX_SHARED)");
        return;
    }
    for (const auto& path : scripts_in(folder)) attack(path);
}

TEST_CASE("lua: attacks of our own end within their limits and leave nothing behind", "[lua]") {
    for (const auto& path : scripts_in("tests/lua-attacks")) attack(path);
}

}  // namespace lua_attacks
