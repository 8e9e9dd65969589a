#include "rules/lua/reference.h"

#include <array>

#include "engine/base/text.h"
#include "rules/lua/api.h"
#include "rules/script.h"

namespace rules {

namespace {

std::string cell(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string signature(const ScriptFunction& function) {
    std::string text = function.name + "(";
    std::string closing;
    for (const auto& param : function.params) {
        const bool is_first = &param == &function.params.front();
        if (param.is_optional) {
            text += is_first ? "[" : " [";
            closing += ']';
        }
        text += (is_first ? "" : ", ") + param.name;
    }
    if (function.takes_more) text += function.params.empty() ? "..." : ", ...";
    return text + closing + ")";
}

std::string function_text(const ScriptFunction& function) {
    std::string text = "### `" + signature(function) + "`\n\n";
    if (!function.about.empty()) text += function.about + "\n\n";
    for (const auto& param : function.params)
        text += "- `" + param.name + "`: " + param.type + (param.is_optional ? ", may be left out" : "") +
                "." + (param.about.empty() ? "" : " " + param.about) + "\n";
    for (const auto& given : function.returns) text += "- gives " + given + "\n";
    if (!function.params.empty() || !function.returns.empty()) text += "\n";
    return text;
}

std::string class_text(const ScriptClass& type) {
    std::string text;
    if (type.fields.empty()) return text;
    text += "| member | type | meaning |\n|---|---|---|\n";
    for (const auto& field : type.fields)
        text += "| `" + field.name + "` | " + cell(field.type) +
                (field.is_optional ? ", may be left out" : "") + " | " + cell(field.about) + " |\n";
    return text + "\n";
}

template <class Number>
std::string limit(const char* name, Number value, const char* meaning) {
    return std::string("| `") + name + "` | " + std::to_string(value) + " | " + meaning + " |\n";
}

std::string limits_text() {
    const ScriptLimits limits;
    return "## Limits\n\nA run that reaches one ends there, and `pcall` does not catch that. They are set "
           "under `scripts` in `tenant.yaml`. Besides, a run that none of them has ended ends after " +
           std::to_string(limits.deadline.count()) +
           " milliseconds of processor time (`deadline`; `--script-deadline` of the daemon).\n\n"
           "| setting | without it | what is counted |\n|---|---|---|\n" +
           limit("fuel_max", limits.fuel_max,
                 "instructions, turns of loops in the libraries, and bytes made, 16 for one") +
           limit("memory_bytes_max", limits.memory_bytes_max, "bytes held at once") +
           limit("text_bytes_max", limits.text_bytes_max, "bytes of one text") +
           limit("keys_max", limits.keys_max, "keys of one table, the items of a list apart") +
           limit("result_bytes_max", limits.result_bytes_max,
                 "bytes of what a run returns and asks for, as JSON") +
           limit("depth_max", limits.depth_max, "values in values, as they come and go") +
           limit("calls_max", limits.calls_max, "look-ups of one run") +
           limit("log_lines_max", limits.log_lines_max, "lines of one run; more are left out") +
           limit("log_line_bytes_max", limits.log_line_bytes_max, "bytes of a line; more are cut off") +
           limit("source_bytes_max", limits.source_bytes_max, "bytes of one file") +
           limit("sources_bytes_max", limits.sources_bytes_max, "bytes of all files");
}

std::string problems_text() {
    constexpr std::array problems{
        std::array{"script-syntax", "The file does not compile, or is larger than it may be.",
                   "Correct it at the place; spread it over files that require each other."},
        std::array{"script-statements", "What stands outside the functions of the file fails.",
                   "Move what needs `ctx` into a function; look at the traceback."},
        std::array{"unknown-global", "A name is read that neither the libraries nor the file make.",
                   "Correct its spelling, or write `local` before its first use."},
        std::array{"unknown-script-function", "`ctx` or a library has no such member.",
                   "See the lists above; the message names the nearest."},
        std::array{"global-variable",
                   "A name is set without `local`: no other file sees it, the next run does not either.",
                   "Write `local` where it is first set, `local function` for a function."},
        std::array{
            "script-arguments",
            "A function is called with too few or too many arguments, or with a colon where a dot belongs.",
            "Give what the list above says; write `ctx.set(…)`, not `ctx:set(…)`."},
        std::array{"no-result",
                   "What is read is the result of a function that gives none, such as `ctx.action`.",
                   "Call it for itself; a later step of the rule reads an action's answer by its `as`."},
        std::array{"unused-result",
                   "A function that only gives something back, such as `ctx.call`, is called for itself.",
                   "Put what it gives into a variable, or leave the call out."},
        std::array{"lost-write", "Something below `ctx` is assigned to: it is the script's own copy.",
                   "Write a field by `ctx.set`; keep what the script needs in a local variable."},
        std::array{
            "dangling-script",
            "A rule names a file, or a function of one, that is not there, or a whole file that returns "
            "functions; or a script requires a file that is not there.",
            "Correct the reference; functions are members of the table that the file returns, and stand "
            "behind `#`."},
        std::array{
            "unknown-field",
            "`ctx.set`, `ctx.unset`, `ctx.get` or `ctx.<kind>.` name a field that is not in the catalogue.",
            "Correct it, with its kind before it, or declare it in fields.yaml."},
        std::array{"undeclared-field",
                   "A field under custom is not declared and its name is almost that of a declared one.",
                   "Correct its spelling, or declare it too."},
        std::array{"wrong-entity",
                   "`ctx.set` or `ctx.unset` name what no decision writes, such as `event.type`.",
                   "Write fields of the decision's own entity."},
        std::array{"unknown-enum-value",
                   "A field or parameter takes one of a list of values, and this is none of them.",
                   "Choose one of the list; a tenant's own values are declared in fields.yaml."},
        std::array{"wrong-type", "A constant does not fit the type of the field, parameter or argument.",
                   "Write a value of that type."},
        std::array{"bad-value", "A text is no span of time, or no time.",
                   "Write `10m`, or 2026-05-04T08:00:00Z."},
        std::array{"unknown-key", "The options of a function of `ctx` have no such key.",
                   "Correct its spelling."},
        std::array{"unknown-action", "`ctx.action` names a connection or an action that is not there.",
                   "Correct it, or add the connection to connections.yaml."},
        std::array{"dangling-connection", "`ctx.call` names a connection that is not there.",
                   "Correct it, or add the connection to connections.yaml."},
        std::array{"unknown-lookup", "The connection's connector has no such look-up.",
                   "Correct it; what it can be asked stands under `lookups` of its definition."},
        std::array{"unknown-parameter", "The action or look-up has no such parameter.",
                   "See the connector's page for those it has."},
        std::array{"missing-parameter",
                   "The action or look-up needs a parameter that the table written there has not.",
                   "Add it."},
        std::array{
            "script-worker",
            "The scripts could not be compiled or checked in a process of their own in time, or a process "
            "has less memory than their runs may take.",
            "Try again; if it stays so, look at the daemon's log, `--script-load-deadline` and "
            "`--script-memory-bytes-max`."},
    };
    std::string text = "## What `check` says of scripts\n\n| class | meaning | remedy |\n|---|---|---|\n";
    for (const auto& [name, meaning, remedy] : problems)
        text += std::string("| `") + name + "` | " + meaning + " | " + remedy + " |\n";
    return text + "\n";
}

}  // namespace

std::string api_reference() {
    const auto& api = script_api();
    std::string text =
        "# What scripts can call\n\nThis page is made from `schema/signalbox.d.lua`, which editors with "
        "LuaLS complete from and by which arguments "
        "are checked: `SIGNALBOX_UPDATE_GOLDEN=1 test_lua` writes it anew.\n\n" +
        engine::trim(api.about) + "\n\n";
    for (const auto* table : {"ctx", "ctx.kv", "json", "text", "date"}) {
        const auto* type = api.class_of(api.tables.at(table));
        text += std::string("## `") + table + "`\n\n" + (type->about.empty() ? "" : type->about + "\n\n") +
                class_text(*type);
        for (const auto& function : api.functions)
            if (function.name.substr(0, function.name.rfind('.')) == table) text += function_text(function);
    }
    text += "## Tables that are given and taken\n\n";
    for (const auto& type : api.classes) {
        const bool is_value =
            type.name.find("signalbox.") == 0 && type.name != "signalbox.Ctx" && !type.fields.empty();
        if (is_value)
            text += "### `" + type.name + "`\n\n" + (type.about.empty() ? "" : type.about + "\n\n") +
                    class_text(type);
    }
    return text + problems_text() + limits_text();
}

}  // namespace rules
