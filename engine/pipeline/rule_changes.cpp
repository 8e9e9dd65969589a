#include "engine/pipeline/rule_changes.h"

#include <map>

#include "engine/base/yaml.h"
#include "rules/script_rule.h"

namespace engine {
namespace {

bool is_case(const std::string& path) {
    return path.starts_with("tests/");
}

bool holds_rules(const std::string& path) {
    return path == "rules.yaml" || (path.starts_with("rules/") && path.ends_with(".yaml"));
}

std::map<std::string, std::string> by_path(const rules::Files& files) {
    std::map<std::string, std::string> kept;
    for (const auto& [path, bytes] : files)
        if (!is_case(path)) kept[path] = bytes;
    return kept;
}

/// The rule of a file in Lua: its words, without what stands between them.
void add_lua_rule(const std::string& source, std::map<std::string, std::string>& found) {
    const auto rule = rules::read_lua_rule(source);
    std::string words;
    for (const auto& token : rule.tokens)
        words += std::to_string(static_cast<int>(token.kind)) + std::string(token.words) + "\n";
    for (const auto& member : rule.members)
        if (member.name == "id" && rule.tokens[member.first].kind == rules::LuaToken::Kind::text)
            found[rules::value_of(rule.tokens[member.first]).value_or("")] = words;
}

/// Each rule as a value, by id: neither its place nor its layout counts.
std::map<std::string, std::string> by_rule(const rules::Files& files) {
    std::map<std::string, std::string> found;
    for (const auto& [path, bytes] : files) {
        if (rules::is_lua_rule(path)) add_lua_rule(bytes, found);
        if (!holds_rules(path)) continue;
        Diagnostics ignored;
        const auto root = parse_yaml(bytes, path, ignored);
        const auto* rules = root.find("rules");
        if (rules == nullptr) continue;
        for (const auto& rule : rules->items)
            if (const auto* id = rule.find("id")) found[id->text] = canonical_json(to_json(rule));
    }
    return found;
}

Changes changes_of(const std::map<std::string, std::string>& before,
                   const std::map<std::string, std::string>& after) {
    Changes changes;
    for (const auto& [name, value] : after) {
        const auto old = before.find(name);
        if (old == before.end())
            changes.added.insert(name);
        else if (old->second != value)
            changes.changed.insert(name);
    }
    for (const auto& [name, value] : before)
        if (!after.contains(name)) changes.removed.insert(name);
    return changes;
}

Json to_json(const Changes& changes) {
    Json json = Json::object();
    if (!changes.added.empty()) json["added"] = changes.added;
    if (!changes.removed.empty()) json["removed"] = changes.removed;
    if (!changes.changed.empty()) json["changed"] = changes.changed;
    return json;
}

}  // namespace

RuleChanges rule_changes(const rules::Files& before, const rules::Files& after) {
    return {changes_of(by_path(before), by_path(after)), changes_of(by_rule(before), by_rule(after))};
}

Json to_json(const RuleChanges& changes) {
    Json json = Json::object();
    if (!changes.files.empty()) json["files"] = to_json(changes.files);
    if (!changes.rules.empty()) json["rules"] = to_json(changes.rules);
    return json;
}

}  // namespace engine
