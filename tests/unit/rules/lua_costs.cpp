// What a run costs: `test_lua "[lua-costs]"` prints microseconds. Not part of the tests, which say nothing of
// speed.
#include <chrono>
#include <cstdio>
#include <lua.hpp>

#include "tests/unit/rules/lua_support.h"

namespace lua_costs {

using namespace lua_testing;

namespace {

template <class Work>
double microseconds(int rounds, Work work) {
    double best = 1e9;
    for (int part = 0; part < 5; ++part) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < rounds; ++i) work();
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count() / rounds);
    }
    return best;
}

void plain_ctx(lua_State* state) {
    REQUIRE(luaL_dostring(state, R"lua(
local seen
ctx = { kind = "ticket", event = { type = "ticket.updated", id = "e1" }, ticket = { id = "17", subject = "Refund", tags = { "vip" }, custom = { seats = 3 } },
  contact = { name = "Ada" }, set = function(f, v) seen = v end, add_tags = function(t) seen = t end, action = function(a, p) seen = p end }
ctx.get = function(path) local v = ctx for k in path:gmatch("[^.]+") do v = v[k] end return v end)lua") ==
            LUA_OK);
}

void show(const char* name, const std::string& source) {
    const auto set = body(source);
    const auto sandbox = opened(set);
    const auto call = call_of("scripts/a.lua");
    REQUIRE_FALSE(sandbox->run(call).failure);
    const auto reset = microseconds(2000, [&] { sandbox->run(call); });
    const auto fresh = microseconds(300, [&] { Sandbox::open(set).sandbox->run(call); });
    auto* const state = luaL_newstate();
    luaL_openlibs(state);
    plain_ctx(state);
    REQUIRE(luaL_loadstring(state, source.c_str()) == LUA_OK);
    const auto plain = microseconds(2000, [&] {
        lua_pushvalue(state, -1);
        lua_pcall(state, 0, 1, 0);
        lua_pop(state, 1);
    });
    lua_close(state);
    std::printf("%-28s reset %8.2f us   fresh %8.2f us   plain lua_pcall %8.2f us   fuel %llu\n", name, reset,
                fresh, plain, static_cast<unsigned long long>(sandbox->run(call).fuel_used));
}

}  // namespace

TEST_CASE("lua: what a run costs", "[.][lua-costs]") {
    show("empty", "return 1");
    show("one condition", "return ctx.ticket.subject == 'Refund' and ctx.contact.name ~= nil");
    show("three effects",
         "if ctx.ticket.custom.seats > 2 then ctx.set('ticket.priority', 'high') ctx.add_tags('big') end "
         "ctx.action('slack.post_message', { channel = '#a', text = ('New: %s'):format(ctx.ticket.subject) "
         "})");
    show("score of 200 words",
         "local n, words = 0, { refund = 3, cancel = 5, urgent = 2 } local s = ('please refund my urgent "
         "order now '):rep(30) "
         "for w in s:gmatch('%a+') do n = n + (words[w] or 0) end return n");
    show("loop of 10000", "local n = 0 for i = 1, 10000 do n = n + i % 7 end return n");
    show("sort of 300",
         "local t = {} for i = 1, 300 do t[i] = (i * 7919) % 1009 end table.sort(t) return t[1]");
}

}  // namespace lua_costs
