#include "rules/lua/check.h"

#include <algorithm>
#include <lua.hpp>
#include <map>
#include <set>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "rules/lua/api.h"
#include "rules/lua/globals.h"
#include "rules/lua/sandbox.h"
#include "rules/script_tokens.h"

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

/// Functions of the table that a file returns, or of a table in it.
constexpr auto names_of_table = R"lua(
local value = require(ctx.args.file)
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

class FileCheck {
public:
    FileCheck(const ScriptFile& file, const KnownNames& known, const std::vector<std::string>& kinds,
              Diagnostics& found)
        : file_(file), known_(known), kinds_(kinds), found_(found), tokens_(tokens_of(file.source)) {}

    void check() {
        check_globals();
        for (std::size_t i = 0; i + 2 < tokens_.size(); ++i)
            if (is_library(i)) check_member(i);
    }

private:
    Place place(const LuaToken& token) const { return {file_.name, token.line, token.column}; }

    void check_globals() {
        const auto uses = globals_of(compiled(file_));
        std::set<std::string, std::less<>> written;
        for (const auto& use : uses)
            if (use.is_write) written.insert(use.name);
        if (file_.is_function) written.insert("ctx");
        for (const auto& use : uses) {
            if (use.is_write || written.count(use.name) != 0 ||
                (known_.count(use.name) != 0 && use.name != "ctx"))
                continue;
            std::vector<std::string> names(written.begin(), written.end());
            for (const auto& [name, members] : known_)
                if (name.find('.') == name.npos && (name != "ctx" || file_.is_function))
                    names.push_back(name);
            const auto remedy = instead_of(use.name);
            found_.error("unknown-global", place_of_name(use),
                         "unknown global \"" + use.name + "\"" +
                             (remedy.empty() ? engine::hint(use.name, names) : remedy));
        }
    }

    /// The compiler tells of lines alone.
    Place place_of_name(const GlobalUse& use) const {
        const auto token = std::find_if(tokens_.begin(), tokens_.end(), [&](const LuaToken& one) {
            return one.line == use.line && one.kind == Kind::name && one.words == use.name;
        });
        return {file_.name, use.line, token == tokens_.end() ? 1 : token->column};
    }

    bool is_mark(std::size_t i, std::string_view mark) const {
        return i < tokens_.size() && tokens_[i].kind == Kind::mark && tokens_[i].words == mark;
    }

    /// `ctx.`, `json.` and so on, and not what the file itself calls so.
    bool is_library(std::size_t i) const {
        if (tokens_[i].kind != Kind::name || !is_mark(i + 1, ".") || tokens_[i + 2].kind != Kind::name)
            return false;
        if (i > 0 && (is_mark(i - 1, ".") || is_mark(i - 1, ":"))) return false;
        const auto known = known_.find(tokens_[i].words);
        return known != known_.end() && !known->second.empty() &&
               (tokens_[i].words == "ctx" || !is_named_here(tokens_[i].words));
    }
    /// Declared by `local`, in a loop, as a parameter, or by an assignment.
    bool is_named_here(std::string_view name) const {
        for (std::size_t i = 1; i < tokens_.size(); ++i) {
            if (tokens_[i].kind != Kind::name || tokens_[i].words != name) continue;
            if (is_declared(i)) return true;
            const auto& before = tokens_[i - 1].words;
            if (is_mark(i + 1, "=") && before != "." && before != "{" && before != "," && before != ";")
                return true;
        }
        return false;
    }
    /// One of the names after `local`, `for` or `function f(`.
    bool is_declared(std::size_t i) const {
        while (i > 1 && is_mark(i - 1, ",") && tokens_[i - 2].kind == Kind::name) i -= 2;
        if (i == 0) return false;
        const auto& before = tokens_[i - 1].words;
        if (before == "local" || before == "for" || before == "function") return true;
        const bool is_list = before == "(";
        while (i > 1 && is_list &&
               (tokens_[i - 2].kind == Kind::name || is_mark(i - 2, ".") || is_mark(i - 2, ":"))) {
            if (tokens_[i - 2].words == "function") return true;
            --i;
        }
        return false;
    }

    void check_member(std::size_t i) {
        std::string table(tokens_[i].words);
        auto member = i + 2;
        if (table == "ctx" && tokens_[member].words == "kv" && is_mark(member + 1, ".") &&
            tokens_[member + 2].kind == Kind::name) {
            table = "ctx.kv";
            member += 2;
        }
        const auto& names = known_.find(table)->second;
        const auto name = tokens_[member].words;
        if (is_mark(member + 1, "=")) return;  // it is made here
        const bool is_known = std::find(names.begin(), names.end(), name) != names.end();
        if (is_known) return check_arguments_of(table + "." + std::string(name), member);
        if (table == "ctx" &&
            (kinds_.empty() || std::find(kinds_.begin(), kinds_.end(), name) != kinds_.end()) &&
            !is_call(member))
            return;
        auto candidates = names;
        if (table == "ctx") candidates.insert(candidates.end(), kinds_.begin(), kinds_.end());
        const auto near = engine::nearest(name, candidates);
        found_.error("unknown-script-function", place(tokens_[member]),
                     table + " has no \"" + std::string(name) + "\"" +
                         (near.empty() ? "" : engine::did_you_mean(table + "." + near)));
    }

    bool is_call(std::size_t member) const {
        return is_mark(member + 1, "(") || is_mark(member + 1, "{") || tokens_[member + 1].kind == Kind::text;
    }

    /// Counts what stands between the parentheses, if that says how many values come.
    void check_arguments_of(const std::string& name, std::size_t member) {
        const auto* function = script_api().function(name);
        if (!function || !is_mark(member + 1, "(")) return;
        std::size_t count = 0;
        int depth = 0;
        std::size_t i = member + 2;
        for (; tokens_[i].kind != Kind::end; ++i) {
            const auto words =
                tokens_[i].kind == Kind::mark || tokens_[i].kind == Kind::name ? tokens_[i].words : "";
            if (depth == 0 && words == ")") break;
            if (count == 0) count = 1;
            if (depth == 0 && words == ",") ++count;
            if (words == "(" || words == "{" || words == "[" || words == "function" || words == "do" ||
                words == "then" || words == "repeat")
                ++depth;
            if (words == ")" || words == "}" || words == "]" || words == "end" || words == "until" ||
                words == "elseif")
                --depth;
        }
        const bool is_open =
            is_mark(i - 1, "...") || is_mark(i - 1, ")");  // the last gives as many as it likes
        const auto least =
            static_cast<std::size_t>(std::count_if(function->params.begin(), function->params.end(),
                                                   [](const auto& param) { return !param.is_optional; }));
        const auto most = function->params.size();
        if (count > most && !function->takes_more)
            found_.error("script-arguments", place(tokens_[member]),
                         name + " takes " + std::to_string(most) + " arguments at most, here are " +
                             std::to_string(count));
        if (count < least && !is_open)
            found_.error("script-arguments", place(tokens_[member]),
                         name + ": \"" + function->params[count].name + "\" is missing");
    }

    const ScriptFile& file_;
    const KnownNames& known_;
    const std::vector<std::string>& kinds_;
    Diagnostics& found_;
    std::vector<LuaToken> tokens_;
};

/// Keys of the table constructor that begins at `i`, as far as they are written as names.
void read_params(const ScriptFile& file, const std::vector<LuaToken>& tokens, std::size_t i, ScriptUse& use) {
    use.has_all_params = true;
    int depth = 1;
    for (++i; depth > 0 && tokens[i].kind != Kind::end; ++i) {
        const auto& token = tokens[i];
        const bool is_first = depth == 1 && (tokens[i - 1].words == "{" || tokens[i - 1].words == "," ||
                                             tokens[i - 1].words == ";");
        if (is_first && token.kind == Kind::name && tokens[i + 1].words == "=")
            use.params.emplace_back(std::string(token.words), Place{file.name, token.line, token.column});
        if (is_first && token.words == "[") use.has_all_params = false;
        const bool is_word = token.kind == Kind::mark || token.kind == Kind::name;
        if (is_word &&
            (token.words == "{" || token.words == "(" || token.words == "[" || token.words == "function"))
            ++depth;
        if (is_word &&
            (token.words == "}" || token.words == ")" || token.words == "]" || token.words == "end"))
            --depth;
    }
}

}  // namespace

std::vector<Diagnostic> check_scripts(const ScriptSet& scripts, const std::vector<std::string>& kinds) {
    auto opened = Sandbox::open(std::make_shared<const ScriptSet>(scripts));
    Diagnostics found;
    for (auto& problem : opened.diagnostics) found.add(std::move(problem));
    const auto known = known_names();
    for (const auto& file : scripts.files) FileCheck(file, known, kinds, found).check();
    return found.sorted();
}

std::vector<Diagnostic> check_functions(const std::shared_ptr<const ScriptSet>& scripts,
                                        const std::vector<const ScriptRef*>& references) {
    auto set = std::make_shared<ScriptSet>(*scripts);
    const std::string probe = "names of functions";  // no file of a tenant is called so
    set->files.push_back({probe, names_of_table, true});
    auto opened = Sandbox::open(set);
    Diagnostics found;
    if (!opened.sandbox) return {};
    for (const auto* reference : references) {
        const auto dot = reference->function.rfind('.');
        ScriptCall call;
        call.file = probe;
        call.context = {{"args",
                         {{"file", reference->file},
                          {"table", dot == std::string::npos ? "" : reference->function.substr(0, dot)}}}};
        const auto name =
            dot == std::string::npos ? reference->function : reference->function.substr(dot + 1);
        const auto outcome = opened.sandbox->run(call);
        // A file that fails, or runs into a limit, is told of when it is loaded.
        if (outcome.failure || reference->function.empty()) continue;
        const auto names = outcome.result.get<std::vector<std::string>>();
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        found.error("dangling-script", reference->place,
                    reference->file + " has no function " + engine::in_quotes(reference->function) +
                        " in the table that it returns" + engine::hint(name, names));
    }
    return found.sorted();
}

std::vector<ScriptUse> uses_of(const ScriptFile& file) {
    std::vector<ScriptUse> uses;
    const auto tokens = tokens_of(file.source);
    for (std::size_t i = 0; i + 5 < tokens.size(); ++i) {
        const auto function = "ctx." + std::string(tokens[i + 2].words);
        const bool is_one = tokens[i].words == "ctx" && tokens[i + 1].words == "." &&
                            (function == "ctx.action" || function == "ctx.call" || function == "ctx.emit");
        const auto first = tokens[i + 3].words == "(" ? i + 4 : i + 3;
        if (!is_one || tokens[first].kind != Kind::text) continue;
        ScriptUse use{function,
                      std::string(tokens[first].words),
                      {},
                      false,
                      {file.name, tokens[first].line, tokens[first].column}};
        if (tokens[first + 1].words == ")" || first == i + 3)
            use.has_all_params = true;
        else if (tokens[first + 1].words == "," && tokens[first + 2].words == "{")
            read_params(file, tokens, first + 2, use);
        uses.push_back(std::move(use));
    }
    return uses;
}

}  // namespace rules
