#include "rules/language/scripts.h"

#include <algorithm>
#include <cctype>

#include "engine/base/text.h"
#include "rules/language/reading.h"
#include "rules/language/values.h"
#include "rules/script_rule.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

struct ScriptLimit {
    const char* name;
    std::uint64_t (*get)(const ScriptLimits&);
    void (*set)(ScriptLimits&, std::uint64_t);
    int most;
};

template <auto Member>
constexpr ScriptLimit limit_of(const char* name, int most) {
    return {name, [](const ScriptLimits& limits) { return static_cast<std::uint64_t>(limits.*Member); },
            [](ScriptLimits& limits, std::uint64_t value) { limits.*Member = value; }, most};
}

/// What a tenant may ask for. How long a run may take is the installation's to say.
constexpr ScriptLimit script_limits[] = {
    limit_of<&ScriptLimits::fuel_max>("fuel_max", 100'000'000),
    limit_of<&ScriptLimits::memory_bytes_max>("memory_bytes_max", 64 * 1024 * 1024),
    limit_of<&ScriptLimits::text_bytes_max>("text_bytes_max", 4 * 1024 * 1024),
    limit_of<&ScriptLimits::keys_max>("keys_max", 1'000'000),
    limit_of<&ScriptLimits::source_bytes_max>("source_bytes_max", 256 * 1024),
    limit_of<&ScriptLimits::sources_bytes_max>("sources_bytes_max", 8 * 1024 * 1024),
    limit_of<&ScriptLimits::result_bytes_max>("result_bytes_max", 1024 * 1024),
    limit_of<&ScriptLimits::depth_max>("depth_max", 64),
    limit_of<&ScriptLimits::log_lines_max>("log_lines_max", 1'000),
    limit_of<&ScriptLimits::log_line_bytes_max>("log_line_bytes_max", 16 * 1024),
    limit_of<&ScriptLimits::calls_max>("calls_max", 64),
};

bool is_script(const std::string& name) {
    return (name.starts_with("scripts/") && name.ends_with(".lua")) || is_lua_rule(name) ||
           is_connector_script(name);
}

std::string version_of_scripts(const ScriptSet& scripts) {
    std::string limits;
    for (const auto& limit : script_limits) limits += std::to_string(limit.get(scripts.limits)) + " ";
    std::vector<std::string_view> parts{scripts.tenant, limits};
    for (const auto& file : scripts.files)
        parts.insert(parts.end(), {file.name, file.source, file.is_function ? "function" : "table"});
    return digest_of(parts);
}

void check_size(const std::string& what, std::size_t bytes, const char* limit, std::size_t most,
                const engine::Place& place, Problems& problems) {
    if (bytes <= most) return;
    problems.error("limit", place,
                   what + std::to_string(bytes) + " bytes; the limit is " + std::to_string(most) +
                       ": raise " + limit + " below scripts in tenant.yaml");
}

bool is_lua_name(const std::string& name) {
    const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

/// `run`, or `people.choose` of a table in the file's table.
bool is_function_name(const std::string& name) {
    const auto parts = engine::split(name, '.');
    return std::all_of(parts.begin(), parts.end(), is_lua_name);
}

/// Those that may be named in a file: a rule in Lua is nobody's but its own, and rules call no connector's.
std::vector<std::string> names_of_files(const ScriptSet* scripts, const std::string& named_in) {
    std::vector<std::string> names;
    if (scripts == nullptr) return names;
    for (const auto& file : scripts->files)
        if (!is_connector_script(file.name) && (!is_lua_rule(file.name) || file.name == named_in))
            names.push_back(file.name);
    return names;
}

std::string remedy_for(const std::string& file) {
    return is_lua_rule(file) ? ": what rules share stands in scripts/"
                             : ": it counts from the tenant's folder, such as scripts/route.lua";
}

}  // namespace

bool is_connector_script(const std::string& name) {
    const auto parts = engine::split(name, '/');
    return parts.size() == 3 && parts[0] == "connectors" && parts[2] == parts[1] + ".lua";
}

/// The journal keeps files as JSON, so another process would read another script.
void check_characters(const std::string& name, const std::string& source, Problems& problems) {
    if (engine::is_utf8(source)) return;
    int line = 1;
    for (std::size_t begin = 0, end = 0; end < source.size(); begin = end + 1, ++line) {
        end = std::min(source.find('\n', begin), source.size());
        if (engine::is_utf8(std::string_view(source).substr(begin, end - begin))) continue;
        problems.error(
            is_lua_rule(name) ? "lua-rule" : "script-syntax", {name, line, 0},
            "there are bytes on this line that are no UTF-8: save the file as UTF-8, and write such "
            "bytes of texts as \"\\xE9\"");
        return;
    }
}

std::shared_ptr<ScriptSet> read_scripts(const Files& files, const std::string& tenant,
                                        const ScriptLimits& limits, Problems& problems) {
    auto scripts = std::make_shared<ScriptSet>();
    scripts->tenant = tenant;
    scripts->limits = limits;
    std::size_t total = 0;
    for (const auto& [name, source] : files) {
        if (!is_script(name)) continue;
        check_characters(name, source, problems);
        check_size("the script has ", source.size(), "source_bytes_max", limits.source_bytes_max,
                   {name, 0, 0}, problems);
        total += source.size();
        scripts->files.push_back({name, source});
    }
    if (scripts->files.empty()) return nullptr;
    check_size("all scripts together have ", total, "sources_bytes_max", limits.sources_bytes_max,
               {scripts->files.front().name, 0, 0}, problems);
    return scripts;
}

void finish(ScriptSet& scripts) {
    scripts.version = version_of_scripts(scripts);
}

ScriptLimits read_script_limits(const YamlNode& node, Problems& problems) {
    ScriptLimits limits;
    if (!expect_map(node, "scripts", problems)) return limits;
    check_keys(node, script_limit_names(), "scripts", problems);
    for (const auto& limit : script_limits)
        if (const auto* value = node.find(limit.name))
            if (const auto read = read_integer(*value, limit.name, 1, limit.most, problems))
                limit.set(limits, static_cast<std::uint64_t>(*read));
    return limits;
}

std::vector<std::string> script_limit_names() {
    std::vector<std::string> names;
    for (const auto& limit : script_limits) names.emplace_back(limit.name);
    return names;
}

std::optional<ScriptRef> read_script_ref(const YamlNode& node, RuleContext& context) {
    auto& problems = context.problems;
    const auto text = read_text(node, "lua", problems);
    if (!text) return std::nullopt;
    const auto hash = text->find('#');
    ScriptRef script;
    script.scripts = context.scripts;
    script.file = text->substr(0, hash);
    script.function = hash == std::string::npos ? "" : text->substr(hash + 1);
    script.place = node.place;
    script.rule = context.rule;
    const auto names = names_of_files(context.scripts.get(), node.place.file);
    if (!has(names, script.file)) {
        const auto hint = problems.hint(script.file, names);
        problems.error(
            "dangling-script", node.place,
            "there is no script " + in_quotes(script.file) + (hint.empty() ? remedy_for(script.file) : hint));
        return std::nullopt;
    }
    auto& file = *std::find_if(context.scripts->files.begin(), context.scripts->files.end(),
                               [&](const ScriptFile& one) { return one.name == script.file; });
    if (hash == std::string::npos) file.is_function = true;
    if (hash != std::string::npos && !is_function_name(script.function)) {
        problems.error("bad-value", node.place,
                       in_quotes(script.function) + " is no name of a function: write scripts/route.lua#run");
        return std::nullopt;
    }
    return script;
}

std::optional<Comparison> read_script_condition(const YamlNode& node, RuleContext& context) {
    if (!context.asks_scripts) {
        context.problems.error("bad-value", node.place,
                               "lua is for the conditions of rules: when, and if among their steps");
        return std::nullopt;
    }
    auto script = read_script_ref(node, context);
    if (!script) return std::nullopt;
    Comparison comparison;
    comparison.op = Operator::lua;
    comparison.field.text = "lua";
    comparison.field.type = FieldType::any;
    comparison.operand = to_text(*script);
    comparison.script = std::make_shared<const ScriptRef>(*std::move(script));
    return comparison;
}

std::optional<LuaStep> read_lua_step(const YamlNode::Entry& entry, RuleContext& context) {
    LuaStep step;
    const auto* reference = &entry.value;
    if (entry.value.is_map()) {
        check_keys(entry.value, {"script", "with"}, "lua", context.problems);
        reference = entry.value.find("script");
        if (reference == nullptr) {
            context.problems.error("missing-key", entry.value.place,
                                   "lua has no script, such as scripts/route.lua#run");
            return std::nullopt;
        }
        if (const auto* with = entry.value.find("with")) {
            if (!expect_map(*with, "with", context.problems)) return std::nullopt;
            auto args = read_value(*with, {"with", FieldType::object, {}}, context);
            if (args) step.args = *std::move(args);
        }
    }
    auto script = read_script_ref(*reference, context);
    if (!script) return std::nullopt;
    step.script = *std::move(script);
    return step;
}

}  // namespace rules
