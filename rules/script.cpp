#include "rules/script.h"

#include <algorithm>

#include "rules/script_rule.h"

namespace rules {

std::vector<std::string> texts_in(const ScriptFile& file) {
    const auto rule =
        is_lua_rule(file.name) ? read_lua_rule(file.source) : LuaRule{tokens_of(file.source), {}, {}, {}, {}};
    const auto is_said = [&](std::size_t token) {
        return std::any_of(rule.members.begin(), rule.members.end(), [&](const LuaRuleMember& member) {
            return member.name != "run" && token >= member.key && token < member.last;
        });
    };
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < rule.tokens.size(); ++i)
        if (rule.tokens[i].kind == LuaToken::Kind::text && !is_said(i))
            texts.emplace_back(rule.tokens[i].words);
    return texts;
}

std::vector<ScriptOutcome> ScriptHost::run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                               std::span<const ScriptCall> calls,
                                               const std::function<void()>& meanwhile) {
    if (meanwhile) meanwhile();
    std::vector<ScriptOutcome> outcomes;
    outcomes.reserve(calls.size());
    for (const auto& call : calls) outcomes.push_back(run(scripts, call));
    return outcomes;
}

}  // namespace rules
