#include "rules/lua/check.h"

#include <algorithm>
#include <lua.hpp>
#include <map>
#include <set>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "rules/lua/api.h"
#include "rules/lua/globals.h"
#include "rules/lua/mistakes.h"
#include "rules/lua/sandbox.h"
#include "rules/lua/script_words.h"

namespace rules {

using engine::Diagnostic;
using engine::Diagnostics;
using engine::Place;
using Kind = LuaToken::Kind;

namespace {

/// What scripts know: a name → its members, as a script itself sees them.
using KnownNames = std::map<std::string, std::vector<std::string>, std::less<>>;

KnownNames known_names() {
    auto set = std::make_shared<ScriptSet>();
    set->files.push_back({"names.lua", R"lua(
local function names(t) local n = json.list() for k in pairs(t) do n[#n + 1] = k end return n end
local known = { ctx = names(ctx), ["ctx.kv"] = names(ctx.kv) }
for name, value in pairs(_ENV) do
  if name ~= "ctx" then known[name] = type(value) == "table" and names(value) or json.list() end
end
return known)lua",
                          true});
    KnownNames known;
    auto opened = Sandbox::open(set);
    ScriptCall call;
    call.file = "names.lua";
    const auto outcome = opened.sandbox->run(call);
    for (const auto& [name, members] : outcome.result.items())
        for (auto& list = known[name]; const auto& member : members)
            list.push_back(member.get<std::string>());
    for (const auto& field : script_api().class_of("signalbox.Ctx")->fields)
        known["ctx"].push_back(field.name);
    return known;
}

/// What people look for and why it is not there.
std::string instead_of(std::string_view name) {
    static const std::map<std::string_view, std::string_view> remedies{
        {"print", "ctx.log writes into the decision's log"},
        {"os", "ctx.now is the time, and nothing else of the system can be reached"},
        {"io", "ctx.call asks a connection"},
        {"setmetatable", "there are no metatables"},
        {"getmetatable", "there are no metatables"},
        {"coroutine", "there are no coroutines; ctx.call waits for its answer"},
        {"load", "a script is what its file says"},
        {"_G", "_ENV is the table of globals"},
        {"rawget", "there are no metatables, so t[k] is raw"},
        {"rawset", "there are no metatables, so t[k] = v is raw"},
        {"unpack", "it is table.unpack"},
    };
    const auto found = remedies.find(name);
    return found == remedies.end() ? "" : ": " + std::string(found->second);
}

/// Functions of the table that a file returns, or of a table in it; false when the file returns nothing.
constexpr auto names_of_table = R"lua(
local value = require(ctx.args.file)
if value == true then return false end
for part in string.gmatch(ctx.args.table, "[^.]+") do
  value = type(value) == "table" and value[part] or nil
end
local names = json.list()
if type(value) == "table" then
  for name, member in pairs(value) do
    if type(name) == "string" and type(member) == "function" then names[#names + 1] = name end
  end
end
return names)lua";

int write_chunk(lua_State*, const void* bytes, std::size_t size, void* chunk) {
    static_cast<std::string*>(chunk)->append(static_cast<const char*>(bytes), size);
    return 0;
}

/// The file as lua_dump writes it; empty when it cannot be compiled, of which Sandbox tells.
std::string compiled(const ScriptFile& file) {
    std::string chunk;
    auto* const state = luaL_newstate();
    if (!state) return chunk;
    if (luaL_loadbufferx(state, file.source.data(), file.source.size(), "=file", "t") == LUA_OK)
        lua_dump(state, write_chunk, &chunk, 0);
    lua_close(state);
    return chunk;
}

/// Whoever writes thousands of unknown names has no use for the nearest of thousands to each.
constexpr std::size_t hints_max = 100;

class FileCheck {
public:
    FileCheck(const ScriptFile& file, const ScriptSet& scripts, const KnownNames& known,
              const std::vector<std::string>& kinds, Diagnostics& found)
        : file_(file), scripts_(scripts), known_(known), kinds_(kinds), found_(found), words_(file) {}

    void check() {
        const auto chunk = compiled(file_);
        const auto globals = globals_of(chunk);
        check_globals(globals);
        for (std::size_t i = 0; i + 2 < words_.size(); ++i)
            if (is_library(i)) check_member(i);
        if (!chunk.empty()) add_mistakes({file_, words_, scripts_, kinds_}, globals, found_);
    }

private:
    void check_globals(const std::vector<GlobalUse>& uses) {
        std::set<std::string, std::less<>> written;
        for (const auto& use : uses)
            if (use.is_write) written.insert(use.name);
        if (file_.is_function) written.insert("ctx");
        std::vector<std::string> names(written.begin(), written.end());
        for (const auto& [name, members] : known_)
            if (name.find('.') == name.npos && (name != "ctx" || file_.is_function)) names.push_back(name);
        std::size_t unknown = 0;
        for (const auto& use : uses) {
            if (use.is_write || written.count(use.name) != 0 ||
                (known_.count(use.name) != 0 && use.name != "ctx"))
                continue;
            auto remedy = instead_of(use.name);
            if (remedy.empty() && ++unknown <= hints_max) remedy = engine::hint(use.name, names);
            found_.error("unknown-global", place_of_name(use),
                         "unknown global \"" + use.name + "\"" + remedy);
        }
    }

    /// The compiler tells of lines alone.
    Place place_of_name(const GlobalUse& use) const {
        for (auto i = words_.first_of_line(use.line); i < words_.size() && words_.at(i).line == use.line; ++i)
            if (words_.is_word(i, use.name)) return words_.place(i);
        return {file_.name, use.line, 1};
    }

    /// `ctx.`, `json.` and so on, and not what the file itself calls so.
    bool is_library(std::size_t i) const {
        if (!words_.begins_chain(i) || !words_.is_mark(i + 1, ".") || !words_.is(i + 2, Kind::name))
            return false;
        const auto name = words_.at(i).words;
        const auto known = known_.find(name);
        return known != known_.end() && !known->second.empty() &&
               (name == "ctx" || !words_.is_named_here(name));
    }

    void check_member(std::size_t i) {
        std::string table(words_.at(i).words);
        auto member = i + 2;
        if (table == "ctx" && words_.at(member).words == "kv" && words_.is_mark(member + 1, ".") &&
            words_.at(member + 2).kind == Kind::name) {
            table = "ctx.kv";
            member += 2;
        }
        const auto& names = known_.find(table)->second;
        const auto name = words_.at(member).words;
        if (words_.is_mark(member + 1, "=")) return;  // it is made here
        const bool is_known = std::find(names.begin(), names.end(), name) != names.end();
        if (is_known) return check_arguments_of(table + "." + std::string(name), member);
        if (table == "ctx" &&
            (kinds_.empty() || std::find(kinds_.begin(), kinds_.end(), name) != kinds_.end()) &&
            !is_call(member))
            return;
        auto candidates = names;
        if (table == "ctx") candidates.insert(candidates.end(), kinds_.begin(), kinds_.end());
        const auto near = engine::nearest(name, candidates);
        found_.error("unknown-script-function", words_.place(member),
                     table + " has no \"" + std::string(name) + "\"" +
                         (near.empty() ? "" : engine::did_you_mean(table + "." + near)));
    }

    bool is_call(std::size_t member) const {
        return words_.is_mark(member + 1, "(") || words_.is_mark(member + 1, "{") ||
               words_.at(member + 1).kind == Kind::text;
    }

    /// Counts what stands between the parentheses, if that says how many values come.
    void check_arguments_of(const std::string& name, std::size_t member) {
        const auto* function = script_api().function(name);
        if (!function || !words_.is_mark(member + 1, "(") || words_.closing(member + 1) == 0) return;
        const auto close = words_.closing(member + 1);
        const auto count = words_.parts(member + 1).size();
        // The last gives as many as it likes.
        const bool is_open = words_.is_mark(close - 1, "...") || words_.is_mark(close - 1, ")");
        const auto least =
            static_cast<std::size_t>(std::count_if(function->params.begin(), function->params.end(),
                                                   [](const auto& param) { return !param.is_optional; }));
        const auto most = function->params.size();
        if (count > most && !function->takes_more)
            found_.error("script-arguments", words_.place(member),
                         name + " takes " + std::to_string(most) + " arguments at most, here are " +
                             std::to_string(count));
        if (count < least && !is_open)
            found_.error("script-arguments", words_.place(member),
                         name + ": \"" + function->params[count].name + "\" is missing");
    }

    const ScriptFile& file_;
    const ScriptSet& scripts_;
    const KnownNames& known_;
    const std::vector<std::string>& kinds_;
    Diagnostics& found_;
    ScriptWords words_;
};

/// Names of the functions in the table that the file's last statement returns, where they can be seen.
std::vector<std::string> functions_returned(const ScriptFile& file) {
    const ScriptWords words(file);
    std::size_t last = words.size();
    for (std::size_t i = 0; i < words.size(); ++i)
        if (words.is_outermost(i) && words.is_word(i, "return")) last = i;
    std::vector<std::string> names;
    const auto add_members = [&](std::size_t open) {
        for (const auto& [first, end] : words.parts(open))
            if (words.is_name(first) && words.is_mark(first + 1, "=") && words.is_word(first + 2, "function"))
                names.emplace_back(words.at(first).words);
    };
    if (words.is_mark(last + 1, "{")) add_members(last + 1);
    const auto behind = words.is_mark(last + 2, ";") ? last + 3 : last + 2;
    if (!words.is_name(last + 1) || !words.is(behind, Kind::end)) return names;
    const auto table = words.at(last + 1).words;
    for (std::size_t i = 0; i < last; ++i) {
        const bool is_defining = words.is_word(i - 1, "function");
        if (!words.is_outermost(is_defining ? i - 1 : i) || !words.begins_chain(i) ||
            words.at(i).words != table)
            continue;
        if (words.is_word(i - 1, "local") && words.is_mark(i + 1, "=") && words.is_mark(i + 2, "{"))
            add_members(i + 2);
        const bool is_assigned = words.is_mark(i + 3, "=") && words.is_word(i + 4, "function");
        const bool is_defined = is_defining && words.is_mark(i + 3, "(");
        if (words.is_mark(i + 1, ".") && (is_assigned || is_defined))
            names.emplace_back(words.at(i + 2).words);
    }
    return names;
}

/// Nothing of a file that is run whole calls the functions that it returns.
void check_whole(const ScriptSet& scripts, const ScriptRef& reference, Diagnostics& found) {
    for (const auto& file : scripts.files) {
        const auto names =
            file.name == reference.file ? functions_returned(file) : std::vector<std::string>();
        if (!names.empty())
            found.error(
                "dangling-script", reference.place,
                file.name + " returns functions: say which, as in " + file.name + "#" + names.front());
    }
}

}  // namespace

std::vector<Diagnostic> check_scripts(const ScriptSet& scripts, const std::vector<std::string>& kinds) {
    auto opened = Sandbox::open(std::make_shared<const ScriptSet>(scripts));
    Diagnostics found;
    for (auto& problem : opened.diagnostics) found.add(std::move(problem));
    const auto known = known_names();
    for (const auto& file : scripts.files) FileCheck(file, scripts, known, kinds, found).check();
    return found.sorted();
}

std::vector<Diagnostic> check_functions(const std::shared_ptr<const ScriptSet>& scripts,
                                        const std::vector<ScriptRef>& references) {
    auto set = std::make_shared<ScriptSet>(*scripts);
    const std::string probe = "names of functions";  // no file of a tenant is called so
    set->files.push_back({probe, names_of_table, true});
    auto opened = Sandbox::open(set);
    Diagnostics found;
    if (!opened.sandbox) return {};
    for (const auto& reference : references) {
        if (reference.function.empty()) {
            check_whole(*scripts, reference, found);
            continue;
        }
        const auto dot = reference.function.rfind('.');
        ScriptCall call;
        call.file = probe;
        call.context = {{"args",
                         {{"file", reference.file},
                          {"table", dot == std::string::npos ? "" : reference.function.substr(0, dot)}}}};
        const auto name = dot == std::string::npos ? reference.function : reference.function.substr(dot + 1);
        const auto outcome = opened.sandbox->run(call);
        // A file that fails, or runs into a limit, is told of when it is loaded.
        if (outcome.failure) continue;
        if (outcome.result.is_boolean()) {
            found.error("dangling-script", reference.place,
                        reference.file + " returns nothing: end it with return and the table that holds " +
                            engine::in_quotes(reference.function));
            continue;
        }
        const auto names = outcome.result.get<std::vector<std::string>>();
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        found.error("dangling-script", reference.place,
                    reference.file + " has no function " + engine::in_quotes(reference.function) +
                        " in the table that it returns" + engine::hint(name, names));
    }
    return found.sorted();
}

std::vector<Diagnostic> problems_of(const ScriptCheck& asked) {
    auto problems = check_scripts(*asked.scripts, asked.kinds);
    for (auto& problem : check_functions(asked.scripts, asked.references))
        problems.push_back(std::move(problem));
    return problems;
}

}  // namespace rules
