// The metered functions against those of the stock libraries: the same random calls, the same results.
#include <lua.hpp>
#include <random>

#include "tests/unit/rules/lua_support.h"

namespace lua_stock {

using namespace lua_testing;

namespace {

/// Makes calls that follow from `ctx.event.seed`, in nothing but arithmetic of its own; returns one line for
/// each.
constexpr auto driver = R"lua(
local state = ctx.event.seed
local function below(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return (state // 65536) % n
end
local function one_of(list) return list[below(#list) + 1] end

local texts = { "", "a", "b", "ab", "aab", "xyz", "hello world", "  trim  ", "a,b,,c", "key = value", "(a(b)c)", "THE (quick) fox",
  "\0a\0", "äöü", "\xff\xfe", "%d", "10", "0x1F", " 12 ", "1e3", "-7.5", "nan", "]]", "--", "A1b2C3", ("ab"):rep(20), ("x"):rep(70), "\n\t" }
local items = { ".", "a", "b", "%a", "%d", "%s", "%w", "%l", "%u", "%p", "%x", "%c", "%g", "%A", "%S", "[ab]", "[^ab]", "[a-c]", "[%a_]", "[^%s]",
  "[]]", "[^]]", "[a-]", "[%-x]", "%%", "%.", "%(", "x", " ", "\0", "[\0-\31]", "[%a-z]" }
local marks = { "", "", "", "*", "+", "-", "?" }
local specials = { "()", "(", ")", "%b()", "%bxy", "%f[%a]", "%f[^%w]", "%1", "%2", "$", "^", "%", "[", "[^", "[a", "%f", "%b", "%bx", "." }
local function text()
  local s = one_of(texts)
  for i = 1, below(3) do s = s .. one_of(texts) end
  return s
end
local function pattern()
  local p = below(6) == 0 and "^" or ""
  local open = 0
  for i = 1, below(5) + 1 do
    local kind = below(12)
    if kind == 0 then p = p .. one_of(specials)
    elseif kind == 1 then p = p .. "(" open = open + 1
    elseif kind == 2 and open > 0 then p = p .. ")" open = open - 1
    else p = p .. one_of(items) .. one_of(marks) end
  end
  if below(5) > 0 then p = p .. (")"):rep(open) end
  if below(8) == 0 then p = p .. "$" end
  return p
end
local numbers = { 0, 1, 2, 3, -1, -2, 5, 10, 100, -100, 0.5, -0.0, 1e15, 1e100, 2^53, 1/3, 255, 256, 65, 0x10FFFF, math.maxinteger, math.mininteger, 3.0 }
local function number() return one_of(numbers) end
local function place() return below(3) == 0 and nil or below(30) - 12 end
local function any()
  local kind = below(8)
  if kind == 0 then return nil elseif kind == 1 then return true elseif kind < 4 then return number() else return text() end
end
local function list()
  local t = {}
  for i = 1, below(9) do t[i] = below(3) == 0 and text() or number() end
  return t
end
local function numbers_list()
  local t = {}
  for i = 1, below(40) do t[i] = below(50) / (below(2) + 1) end
  return t
end
local function texts_list()
  local t = {}
  for i = 1, below(20) do t[i] = text() end
  return t
end
local function form()
  local f = ""
  for i = 1, below(3) + 1 do
    f = f .. one_of { "", "x", " ", "%%" } .. "%" .. one_of { "", "", "-", "+", "#", "0", " ", "-0" } .. one_of { "", "", "5", "12", "1", "100" } ..
      one_of { "", "", ".3", ".0", ".", ".10", ".100" } .. one_of { "d", "i", "u", "c", "x", "X", "o", "e", "E", "f", "g", "G", "a", "A", "s", "q", "z", "" }
  end
  return f
end
local function show(v, depth)
  if type(v) == "number" then return math.type(v) == "integer" and ("i%d"):format(v) or ("f%.17g"):format(v) end
  if type(v) == "string" then return "s" .. v end
  if type(v) ~= "table" then return tostring(v) end
  local s = "{"
  for i = 1, 12 do s = s .. show(v[i], 1) .. "," end
  return s .. show(v.n) .. "}"
end
local function all(iterate, s, c)
  local t = {}
  for i = 1, 30 do
    local r = { iterate(s, c) }
    if r[1] == nil then break end
    c = r[1]
    t[#t + 1] = show(r[1]) .. show(r[2]) .. show(r[3])
  end
  return table.concat(t, ";")
end

local calls = {
  { "byte", function() return string.byte(text(), place(), place()) end },
  { "char", function() return string.char(below(300), below(256), below(256)) end },
  { "find", function() return string.find(text(), pattern(), place()) end },
  { "plain", function() return string.find(text(), text(), place(), true) end },
  { "match", function() return string.match(text(), pattern(), place()) end },
  { "gmatch", function() return all(string.gmatch(text(), pattern(), place())) end },
  { "gsub", function() return string.gsub(text(), pattern(), one_of { "", "x", "%0", "%1", "<%0%1>", "%%", "%2", "%", "%x" }, below(3) == 0 and below(4) or nil) end },
  { "gsub by function", function() local n = 0 return string.gsub(text(), pattern(), function(a, b) n = n + 1 if n % 3 == 0 then return nil elseif n % 3 == 1 then return show(a) .. show(b) else return n end end) end },
  { "gsub by table", function() return string.gsub(text(), pattern(), { a = "1", b = 2, ab = false, x = true }) end },
  { "format", function() local f = form() local ok, s = pcall(string.format, f, any(), any(), any()) return f, ok and s end },
  { "format numbers", function() local f = form() local ok, s = pcall(string.format, f, number(), number(), number()) return f, ok and s end },
  { "len", function() return string.len(text()), #text() end },
  { "lower", function() return string.lower(text()), string.upper(text()) end },
  { "rep", function() return string.rep(text(), below(6) - 1, below(2) == 0 and text() or nil) end },
  { "reverse", function() return string.reverse(text()) end },
  { "sub", function() return string.sub(text(), place() or 1, place()) end },
  { "concat", function() return table.concat(list(), below(2) == 0 and text() or nil, place(), place()) end },
  { "insert", function() local t = list() table.insert(t, place() or 1, 7) table.insert(t, "end") return t end },
  { "remove", function() local t = list() return table.remove(t, place()), t end },
  { "move", function() return table.move(list(), below(5), below(8), below(8) - 2, below(2) == 0 and list() or nil) end },
  { "unpack", function() return table.unpack(list(), place(), place()) end },
  { "pack", function() return table.pack(any(), any(), number()) end },
  { "sort numbers", function() local t = numbers_list() table.sort(t) return table.concat(t, " ") end },
  { "sort texts", function() local t = texts_list() table.sort(t) return table.concat(t, "|") end },
  { "sort down", function() local t = numbers_list() table.sort(t, function(a, b) return a > b end) return table.concat(t, " ") end },
  { "tonumber", function() return tonumber(text()), tonumber(text(), below(40)) end },
  { "tostring", function() return tostring(number()), tostring(any()) end },
  { "utf8.char", function() return utf8.char(below(200), below(70000), number()) end },
  { "utf8.codepoint", function() return utf8.codepoint(text(), place(), place(), below(2) == 0) end },
  { "utf8.len", function() return utf8.len(text(), place(), place(), below(2) == 0) end },
  { "utf8.offset", function() return utf8.offset(text(), below(9) - 4, place()) end },
  { "utf8.codes", function() return all(utf8.codes(text(), below(2) == 0)) end },
  { "math", function() return math.floor(number()), math.ceil(number()), math.abs(number()), math.fmod(number(), number()), math.modf(number()) end },
  { "math too", function() return math.max(number(), number()), math.min(number(), number()), math.tointeger(number()), math.type(number()), math.ult(below(9), -1) end },
  { "select", function() return select(below(6) - 3, any(), any(), any()) end },
  { "next", function() return next({ number() }), next({}) end },
  { "pcall", function() return pcall(error, any()) end },
  { "xpcall", function() return xpcall(function(a) if a then error(a, 0) end return a end, function(e) return show(e) end, any()) end },
}
local lines = {}
for i = 1, 250 do
  local call = one_of(calls)
  local before = state
  local r = table.pack(pcall(call[2]))
  local line = call[1] .. " " .. before .. ":"
  if r[1] then for j = 2, r.n do line = line .. " " .. show(r[j]) end else line = line .. " failed" end
  lines[i] = line:gsub("[^%w :]", function(c) return ("%%%02x"):format(c:byte()) end)
end
return table.concat(lines, "\n")
)lua";

std::string stock(lua_State* state, int seed) {
    lua_createtable(state, 0, 1);
    lua_createtable(state, 0, 1);
    lua_pushinteger(state, seed);
    lua_setfield(state, -2, "seed");
    lua_setfield(state, -2, "event");
    lua_setglobal(state, "ctx");
    REQUIRE(luaL_dostring(state, driver) == LUA_OK);
    const std::string lines = lua_tostring(state, -1);
    lua_settop(state, 0);
    return lines;
}

/// The first line that differs, of both.
std::string difference(const std::string& ours, const std::string& theirs) {
    std::istringstream left(ours);
    std::istringstream right(theirs);
    std::string one;
    std::string other;
    while (std::getline(left, one) && std::getline(right, other))
        if (one != other) return "ours:  " + one + "\nstock: " + other;
    return ours == theirs ? "" : "one has more lines";
}

}  // namespace

TEST_CASE("lua: the metered functions give what the stock ones give", "[lua]") {
    const char* wanted = std::getenv("SIGNALBOX_LUA_CALLS");
    const int rounds = (wanted ? std::atoi(wanted) : 25000) / 250;
    ScriptLimits limits;
    limits.fuel_max = 1'000'000'000;
    limits.deadline = std::chrono::seconds(30);
    limits.memory_bytes_max = 64U << 20U;
    limits.result_bytes_max = 1U << 20U;
    limits.text_bytes_max = 1U << 20U;
    const auto sandbox = opened(body(driver, limits));
    auto* const state = luaL_newstate();
    luaL_openlibs(state);
    const int first = wanted ? static_cast<int>(std::random_device()() & 0xFFFFFFU) : 1;
    INFO("first seed " + std::to_string(first));
    for (int seed = first; seed < first + rounds; ++seed) {
        auto call = call_of("scripts/a.lua");
        call.context = {{"event", {{"seed", seed}}}};
        const auto outcome = sandbox->run(call);
        INFO(told(outcome).substr(0, 300));
        REQUIRE(outcome.result.is_string());
        const auto found = difference(outcome.result.get<std::string>(), stock(state, seed));
        CHECK(found == "");
        if (!found.empty()) break;
    }
    lua_close(state);
}

}  // namespace lua_stock
