#pragma once
/// LuaRule: a rule file in Lua by its words alone. What the rule is stands in them and is read here, so that
/// it is known, and checked, before any of the file's code has run, and whatever that code does.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/script_tokens.h"

namespace rules {

/// `rules/96-vip.lua`, by its path below the tenant's folder.
bool is_lua_rule(std::string_view file);

/// What the file says of its rule: `rule.on = { … }`, `function rule.run(ctx) … end`, or the same between the
/// braces of `local rule = { … }`. Numbers are places among the tokens.
struct LuaRuleMember {
    enum class Kind {
        function,  ///< written here
        literal,   ///< a table, or a constant; what is in the table has not been looked at
        computed,  ///< anything else, so that nobody knows it before it runs
    } kind = Kind::computed;
    std::string name;
    std::size_t key = 0;    ///< the token that names it
    std::size_t first = 0;  ///< of the value
    std::size_t last = 0;   ///< behind the value, as far as it has been understood
};

/// What is wrong with the form of the file.
struct LuaRuleProblem {
    std::size_t token = 0;
    std::string message;
};

struct LuaRule {
    std::vector<LuaToken> tokens;        ///< views of the source
    std::vector<std::size_t> closing;    ///< by token: what closes the bracket or block that it opens, or 0
    std::size_t declared = 0;            ///< the token `rule` behind `local`
    std::vector<LuaRuleMember> members;  ///< in the order of the file
    std::vector<LuaRuleProblem> problems;
};

/// Borrows the source. Time and memory grow with its bytes.
LuaRule read_lua_rule(std::string_view source);

}  // namespace rules
