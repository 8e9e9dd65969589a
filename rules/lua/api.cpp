#include "rules/lua/api.h"

#include <algorithm>
#include <lua.hpp>

#include "engine/base/diagnostic.h"
#include "engine/base/ensure.h"
#include "engine/base/text.h"
#include "rules/lua/inside.h"
#include "rules/lua/keys.h"
#include "script_api.inc"

namespace rules {

namespace {

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

bool take_prefix(std::string_view& line, std::string_view prefix) {
    if (line.substr(0, prefix.size()) != prefix) return false;
    line.remove_prefix(prefix.size());
    return true;
}

/// `name? type about` as @param and @field have it.
ScriptParam read_param(std::string_view line) {
    ScriptParam param;
    param.name = next_word(line);
    param.is_optional = param.name.back() == '?';
    if (param.is_optional) param.name.pop_back();
    param.type = next_word(line);
    param.about = engine::trim(line);
    return param;
}

class StubReader {
public:
    ScriptApi read(std::string_view stub) {
        for (const auto& line : engine::split(stub, '\n')) read_line(line);
        return std::move(api_);
    }

private:
    void read_line(std::string_view line) {
        if (take_prefix(line, "---@param ")) return take_param(read_param(line));
        if (take_prefix(line, "---@return ")) return pending_.returns.emplace_back(line), void();
        if (take_prefix(line, "---@class ")) return begin_class(line);
        if (take_prefix(line, "---@field "))
            return in_class_ ? api_.classes.back().fields.push_back(read_param(line)) : void();
        if (take_prefix(line, "---@")) return;
        if (take_prefix(line, "---")) return add_about(line);
        if (take_prefix(line, "function ")) return end_function(line);
        if (take_prefix(line, "-- ") && api_.classes.empty()) api_.about.append(line).append(" ");
        const auto equals = line.find(" = {}");
        if (equals != std::string_view::npos && in_class_)
            api_.tables[std::string(line.substr(0, equals))] = api_.classes.back().name;
        pending_ = {};
        in_class_ = false;
    }
    void take_param(ScriptParam param) {
        if (param.name == "...")
            pending_.takes_more = true;
        else
            pending_.params.push_back(std::move(param));
    }
    void begin_class(std::string_view line) {
        api_.classes.push_back({std::string(next_word(line)), {}, pending_.about});
        in_class_ = true;
    }
    void add_about(std::string_view line) {
        if (!pending_.about.empty()) pending_.about += ' ';
        pending_.about += engine::trim(line);
    }
    void end_function(std::string_view line) {
        pending_.name = line.substr(0, line.find('('));
        api_.functions.push_back(std::move(pending_));
        pending_ = {};
    }

    ScriptApi api_;
    ScriptFunction pending_;
    bool in_class_ = false;
};

// ---- checks; nothing here may hold what would have to be destroyed while an error is raised

bool has_type(lua_State* state, int index, std::string_view type) {
    if (type == "any") return !lua_isnoneornil(state, index);
    if (type == "string") return lua_type(state, index) == LUA_TSTRING;
    if (type == "number") return lua_type(state, index) == LUA_TNUMBER;
    if (type == "boolean") return lua_type(state, index) == LUA_TBOOLEAN;
    if (type == "integer") {
        // Of a text it would be read, however long that is.
        int is_whole = 0;
        if (lua_type(state, index) == LUA_TNUMBER) lua_tointegerx(state, index, &is_whole);
        return is_whole != 0;
    }
    return lua_type(state, index) == LUA_TTABLE;
}

bool has_one_type(lua_State* state, int index, std::string_view types) {
    for (;;) {
        const auto bar = types.find('|');
        if (has_type(state, index, types.substr(0, bar))) return true;
        if (bar == std::string_view::npos) return false;
        types.remove_prefix(bar + 1);
    }
}

/// Where the type alone does not tell what to write.
const char* remedy_for(const ScriptFunction& function, const ScriptParam& param, bool is_nil) {
    if (function.name == "ctx.set" && param.name == "value" && is_nil) return ": ctx.unset removes a field";
    if (function.name == "ctx.kv.set" && param.name == "value" && is_nil)
        return ": ctx.kv.delete removes a value";
    if (function.name == "ctx.after" && param.name == "delay") return " such as \"30m\"";
    return "";
}

/// `ctx:set(…)` gives the table that the function stands in before all else.
void check_self(lua_State* state, const ScriptFunction& function) {
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_ctx);
    const bool is_self = lua_rawequal(state, 1, -1) != 0;
    lua_pop(state, 1);
    if (is_self)
        luaL_error(state, "%s takes no self: write %s(...) with a dot", function.name.c_str(),
                   function.name.c_str());
}

int wrong_type(lua_State* state, const ScriptFunction& function, const char* where, const ScriptParam& param,
               int index) {
    return luaL_error(state, "%s: %s%s: got %s, expected %s%s", function.name.c_str(), where,
                      param.name.c_str(), lua_isnone(state, index) ? "nothing" : luaL_typename(state, index),
                      param.type.c_str(), remedy_for(function, param, lua_isnoneornil(state, index)));
}

const ScriptParam* field_of(const ScriptClass& type, std::string_view name) {
    const auto found = std::find_if(type.fields.begin(), type.fields.end(),
                                    [&](const auto& field) { return field.name == name; });
    return found == type.fields.end() ? nullptr : &*found;
}

/// Leaves the words about an unknown key in `run.text`.
void describe_key(Inside& run, const ScriptClass& type, std::string_view name) {
    std::vector<std::string> names;
    for (const auto& field : type.fields) names.push_back(field.name);
    const auto near = engine::nearest(name, names);
    run.text = "\"" + on_one_line(name, 40) + "\" is not known";
    run.text += near.empty() ? ", only " + engine::join(names, ", ") : engine::did_you_mean(near);
}

/// Of several mistakes the one with the first name is told: Lua goes through the keys in any order.
void check_fields(lua_State* state, const ScriptFunction& function, const ScriptParam& param, int index,
                  const ScriptClass& type) {
    if (!shape_of(state, index).is_object)
        luaL_error(state, "%s: %s: keys have to be names", function.name.c_str(), param.name.c_str());
    std::string_view wrong;
    bool is_wrong = false;
    for (lua_pushnil(state); next_key(state, index); lua_pop(state, 1)) {
        const auto name = text_at(state, -2);
        const auto* field = field_of(type, name);
        if ((field && has_one_type(state, -1, field->type)) || (is_wrong && wrong < name)) continue;
        is_wrong = true;
        wrong = name;
    }
    if (!is_wrong) return;
    const auto* field = field_of(type, wrong);
    if (!field) {
        describe_key(inside(state), type, wrong);
        luaL_error(state, "%s: %s: %s", function.name.c_str(), param.name.c_str(),
                   inside(state).text.c_str());
    }
    lua_getfield(state, index, field->name.c_str());
    wrong_type(state, function, "options.", *field, -1);
}

}  // namespace

const ScriptFunction* ScriptApi::function(std::string_view name) const {
    const auto found =
        std::find_if(functions.begin(), functions.end(), [&](const auto& one) { return one.name == name; });
    return found == functions.end() ? nullptr : &*found;
}

const ScriptClass* ScriptApi::class_of(std::string_view name) const {
    const auto found =
        std::find_if(classes.begin(), classes.end(), [&](const auto& one) { return one.name == name; });
    return found == classes.end() ? nullptr : &*found;
}

ScriptApi read_script_api(std::string_view stub) {
    return StubReader().read(stub);
}

const ScriptApi& script_api() {
    static const ScriptApi api = read_script_api(script_api_stub);
    return api;
}

const ScriptFunction& script_function(std::string_view name) {
    const auto* found = script_api().function(name);
    ENSURE(found != nullptr);
    return *found;
}

void check_arguments(lua_State* state, const ScriptFunction& function) {
    const auto given = lua_gettop(state);
    const auto known = static_cast<int>(function.params.size());
    if (given > 0 && lua_istable(state, 1) && function.name.starts_with("ctx.")) check_self(state, function);
    if (given > known && !function.takes_more)
        luaL_error(state, "%s: got %d arguments, expected %s%d", function.name.c_str(), given,
                   known > 0 && function.params.back().is_optional ? "up to " : "", known);
    if (given < known) lua_settop(state, known);
    for (int i = 1; i <= known; ++i) {
        const auto& param = function.params[static_cast<std::size_t>(i - 1)];
        if (lua_isnil(state, i) && param.is_optional) continue;
        if (!has_one_type(state, i, param.type)) wrong_type(state, function, "", param, i);
        const auto* type = lua_type(state, i) == LUA_TTABLE ? script_api().class_of(param.type) : nullptr;
        if (type) check_fields(state, function, param, i, *type);
    }
}

}  // namespace rules
