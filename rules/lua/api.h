#pragma once
/// ScriptApi: what schema/signalbox.d.lua says scripts can call, read once; arguments are checked by it.

#include <map>
#include <string>
#include <string_view>
#include <vector>

struct lua_State;

namespace rules {

struct ScriptParam {
    std::string name;
    std::string type;  ///< as written, `string|string[]`
    bool is_optional = false;
    std::string about;
};

struct ScriptFunction {
    std::string name;  ///< `ctx.kv.get`
    std::vector<ScriptParam> params;
    bool takes_more = false;  ///< `...`
    std::vector<std::string> returns;
    std::string about;
};

struct ScriptClass {
    std::string name;
    std::vector<ScriptParam> fields;
    std::string about;
};

struct ScriptApi {
    std::vector<ScriptFunction> functions;  ///< in the order of the file
    std::vector<ScriptClass> classes;
    std::map<std::string, std::string> tables;  ///< `ctx` → its class
    std::string about;                          ///< what is said before all of it

    const ScriptFunction* function(std::string_view name) const;
    const ScriptClass* class_of(std::string_view name) const;
};

/// Of the file that was there at build time.
const ScriptApi& script_api();
/// Reads a stub. What it does not understand it leaves out.
ScriptApi read_script_api(std::string_view stub);

/// Raises an error that names function, parameter, what came and what was expected.
void check_arguments(lua_State* state, const ScriptFunction& function);
/// The function of the API by its name, which has to be there.
const ScriptFunction& script_function(std::string_view name);

}  // namespace rules
