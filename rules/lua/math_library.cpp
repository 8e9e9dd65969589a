// math: what the manual of Lua 5.4 says; its random numbers follow from the seed of the run.
#include <array>
#include <cmath>
#include <limits>

#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"

namespace rules {

namespace {

void push_whole(lua_State* state, double value) {
    lua_Integer whole = 0;
    if (lua_numbertointeger(value, &whole))
        lua_pushinteger(state, whole);
    else
        lua_pushnumber(state, value);
}

int math_abs(lua_State* state) {
    if (lua_isinteger(state, 1) != 0) {
        const auto value = lua_tointeger(state, 1);
        lua_pushinteger(state,
                        value < 0 ? static_cast<lua_Integer>(0U - static_cast<lua_Unsigned>(value)) : value);
    } else {
        lua_pushnumber(state, std::fabs(check_number(state, 1)));
    }
    return 1;
}

template <double (*function)(double)>
int math_of_one(lua_State* state) {
    lua_pushnumber(state, function(check_number(state, 1)));
    return 1;
}

template <double (*function)(double)>
int math_rounded(lua_State* state) {
    if (lua_isinteger(state, 1) != 0)
        lua_settop(state, 1);
    else
        push_whole(state, function(check_number(state, 1)));
    return 1;
}

int math_atan(lua_State* state) {
    lua_pushnumber(state, std::atan2(check_number(state, 1), check_number(state, 2, 1)));
    return 1;
}

int math_fmod(lua_State* state) {
    if (lua_isinteger(state, 1) != 0 && lua_isinteger(state, 2) != 0) {
        const auto by = lua_tointeger(state, 2);
        luaL_argcheck(state, by != 0, 2, "zero");
        lua_pushinteger(state, by == -1 ? 0 : lua_tointeger(state, 1) % by);
    } else {
        lua_pushnumber(state, std::fmod(check_number(state, 1), check_number(state, 2)));
    }
    return 1;
}

int math_modf(lua_State* state) {
    if (lua_isinteger(state, 1) != 0) {
        lua_settop(state, 1);
        lua_pushnumber(state, 0);
        return 2;
    }
    const auto value = check_number(state, 1);
    const auto whole = value < 0 ? std::ceil(value) : std::floor(value);
    push_whole(state, whole);
    lua_pushnumber(state, value == whole ? 0.0 : value - whole);
    return 2;
}

int math_log(lua_State* state) {
    const auto value = check_number(state, 1);
    if (lua_isnoneornil(state, 2)) {
        lua_pushnumber(state, std::log(value));
        return 1;
    }
    const auto base = check_number(state, 2);
    if (base == 2.0)
        lua_pushnumber(state, std::log2(value));
    else if (base == 10.0)
        lua_pushnumber(state, std::log10(value));
    else
        lua_pushnumber(state, std::log(value) / std::log(base));
    return 1;
}

int math_tointeger(lua_State* state) {
    int is_whole = 0;
    spend_for_number(state, 1);
    const auto value = lua_tointegerx(state, 1, &is_whole);
    luaL_checkany(state, 1);
    if (is_whole != 0)
        lua_pushinteger(state, value);
    else
        luaL_pushfail(state);
    return 1;
}

int math_type(lua_State* state) {
    luaL_checkany(state, 1);
    if (lua_type(state, 1) != LUA_TNUMBER)
        luaL_pushfail(state);
    else
        lua_pushstring(state, lua_isinteger(state, 1) != 0 ? "integer" : "float");
    return 1;
}

int math_ult(lua_State* state) {
    lua_pushboolean(state, static_cast<lua_Unsigned>(check_integer(state, 1)) <
                               static_cast<lua_Unsigned>(check_integer(state, 2)));
    return 1;
}

int math_extreme(lua_State* state, int comparison) {
    const int count = lua_gettop(state);
    check_number(state, 1);
    spend(state, static_cast<std::uint64_t>(count));
    int best = 1;
    for (int i = 2; i <= count; ++i) {
        check_number(state, i);
        // Two texts are compared as texts.
        if (lua_type(state, i) == LUA_TSTRING) spend_bytes(state, lua_rawlen(state, i));
        const bool is_better = comparison < 0 ? lua_compare(state, i, best, LUA_OPLT) != 0
                                              : lua_compare(state, best, i, LUA_OPLT) != 0;
        if (is_better) best = i;
    }
    lua_pushvalue(state, best);
    return 1;
}
int math_max(lua_State* state) {
    return math_extreme(state, 1);
}
int math_min(lua_State* state) {
    return math_extreme(state, -1);
}

int math_random(lua_State* state) {
    auto& run = inside(state);
    if (!run.random) run.random.emplace(run.call ? std::string_view(run.call->seed) : std::string_view());
    lua_Integer low = 1;
    lua_Integer high = 0;
    switch (lua_gettop(state)) {
        case 0:
            lua_pushnumber(state, run.random->fraction());
            return 1;
        case 1:
            high = check_integer(state, 1);
            if (high == 0) {
                lua_pushinteger(state, static_cast<lua_Integer>(run.random->next()));
                return 1;
            }
            break;
        case 2:
            low = check_integer(state, 1);
            high = check_integer(state, 2);
            break;
        default:
            return luaL_error(state, "wrong number of arguments");
    }
    luaL_argcheck(state, low <= high, lua_gettop(state), "interval is empty");
    const auto span = static_cast<lua_Unsigned>(high) - static_cast<lua_Unsigned>(low);
    lua_pushinteger(state,
                    static_cast<lua_Integer>(run.random->up_to(span) + static_cast<lua_Unsigned>(low)));
    return 1;
}

double math_sin(double x) {
    return std::sin(x);
}
double math_cos(double x) {
    return std::cos(x);
}
double math_tan(double x) {
    return std::tan(x);
}
double math_asin(double x) {
    return std::asin(x);
}
double math_acos(double x) {
    return std::acos(x);
}
double math_exp(double x) {
    return std::exp(x);
}
double math_sqrt(double x) {
    return std::sqrt(x);
}
double math_floor(double x) {
    return std::floor(x);
}
double math_ceil(double x) {
    return std::ceil(x);
}

constexpr std::array<luaL_Reg, 21> math_functions{{{"abs", math_abs},
                                                   {"acos", math_of_one<math_acos>},
                                                   {"asin", math_of_one<math_asin>},
                                                   {"atan", math_atan},
                                                   {"ceil", math_rounded<math_ceil>},
                                                   {"cos", math_of_one<math_cos>},
                                                   {"exp", math_of_one<math_exp>},
                                                   {"floor", math_rounded<math_floor>},
                                                   {"fmod", math_fmod},
                                                   {"log", math_log},
                                                   {"max", math_max},
                                                   {"min", math_min},
                                                   {"modf", math_modf},
                                                   {"random", math_random},
                                                   {"sin", math_of_one<math_sin>},
                                                   {"sqrt", math_of_one<math_sqrt>},
                                                   {"tan", math_of_one<math_tan>},
                                                   {"tointeger", math_tointeger},
                                                   {"type", math_type},
                                                   {"ult", math_ult},
                                                   {nullptr, nullptr}}};

}  // namespace

void push_math_library(lua_State* state) {
    lua_createtable(state, 0, static_cast<int>(math_functions.size()) + 4);
    luaL_setfuncs(state, math_functions.data(), 0);
    lua_pushnumber(state, 3.141592653589793238462643383279502884);
    lua_setfield(state, -2, "pi");
    lua_pushnumber(state, std::numeric_limits<double>::infinity());
    lua_setfield(state, -2, "huge");
    lua_pushinteger(state, std::numeric_limits<lua_Integer>::max());
    lua_setfield(state, -2, "maxinteger");
    lua_pushinteger(state, std::numeric_limits<lua_Integer>::min());
    lua_setfield(state, -2, "mininteger");
}

}  // namespace rules
