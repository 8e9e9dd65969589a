#include "rules/lua/sandbox.h"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <lua.hpp>
#include <string_view>

#include "engine/base/ensure.h"
#include "rules/lua/code_limits.h"
#include "rules/lua/code_lines.h"
#include "rules/lua/hash_seed.h"
#include "rules/lua/inside.h"
#include "rules/lua/libraries.h"
#include "rules/lua/syntax_words.h"
#include "rules/lua/values.h"

namespace rules {

using engine::Diagnostic;
using engine::Json;

struct Sandbox::State {
    explicit State(const ScriptSet& set) : inside(set), lua(lua_newstate(Meter::allocate, &inside.meter)) {
        ENSURE(lua != nullptr);
        ENSURE(has_own_hash_seed());
        // Lua compares texts by strcoll. With another locale than C it would not be by bytes, and with some
        // Lua 5.4.4 reads beyond a text.
        ENSURE(std::string_view(std::setlocale(LC_COLLATE, nullptr)) == "C");
        *static_cast<Inside**>(lua_getextraspace(lua)) = &inside;
    }
    ~State() { lua_close(lua); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Inside inside;
    lua_State* lua;
};

namespace {

constexpr std::size_t message_bytes_max = 1000;
constexpr std::size_t name_shown_max = 59;  // Lua cuts the names of files in messages
constexpr int levels_named_max = 201;       // up from an error, as far as `error` names places

Diagnostic script_error(const char* kind, engine::Place place, std::string message) {
    if (place.line > 0 && place.column == 0) place.column = 1;  // Lua tells of lines alone
    return {engine::Severity::error, kind, std::move(place), std::move(message)};
}

/// Takes "NAME:LINE: " away from the start of the message, if the name is that.
bool take_line(std::string& message, std::string_view name, int& line) {
    const std::string_view text = message;
    const auto shown = name.substr(0, name_shown_max);
    if (text.substr(0, shown.size()) != shown || text.substr(shown.size(), 1) != ":") return false;
    const auto* const end = text.data() + text.size();
    int found = 0;
    const auto [at, problem] = std::from_chars(text.data() + shown.size() + 1, end, found);
    const std::string_view left(at, static_cast<std::size_t>(end - at));
    if (problem != std::errc() || left.substr(0, 2) != ": ") return false;
    line = found;
    message = std::string(left.substr(2));
    return true;
}

/// "scripts/a.lua:3: what" becomes the place and "what", if one of the calls under way stands there. Anything
/// else may be what the script itself has written, and stays in the message.
void take_place(lua_State* state, ScriptFailure& failure) {
    lua_Debug call{};
    for (int level = 0; level <= levels_named_max && lua_getstack(state, level, &call) != 0; ++level) {
        lua_getinfo(state, "Sl", &call);
        if (*call.what == 'C') continue;
        auto message = failure.message;
        int line = 0;
        if (!take_line(message, call.source + 1, line) || line != call.currentline) continue;
        failure.place = {call.source + 1, line, 0};
        failure.message = std::move(message);
        return;
    }
}

/// What an error is that has no text.
std::string kind_of_error(lua_State* state, int index) {
    switch (lua_type(state, index)) {
        case LUA_TNIL:
            return "nil";
        case LUA_TLIGHTUSERDATA:
            return "json.null";
        case LUA_TTABLE:
            return "a table without a text `message`";
        default:
            return std::string("a ") + luaL_typename(state, index);
    }
}

std::string error_text(lua_State* state, int index) {
    if (lua_isstring(state, index) != 0) return std::string(text_at(state, index));
    if (lua_istable(state, index)) {
        lua_pushliteral(state, "message");
        lua_rawget(state, index);
        if (lua_isstring(state, -1) != 0) return std::string(text_at(state, -1));
    }
    return "an error without a message was raised: " + kind_of_error(state, index);
}

/// Sees an error that nobody caught, with the calls that led to it.
int note_error(lua_State* state) {
    auto& run = inside(state);
    if (run.meter.ending() != Ending::none) return 1;
    run.failure = place_of(state);
    run.failure.message = on_one_line(error_text(state, 1), message_bytes_max);
    take_place(state, run.failure);
    return 1;
}

/// Metatables and the places where each run puts what it makes.
int prepare(lua_State* state) {
    for (int place = kept_files; place <= kept_list_meta; ++place) {
        lua_pushboolean(state, 0);
        lua_rawseti(state, LUA_REGISTRYINDEX, place);
    }
    lua_newtable(state);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_files);
    lua_newtable(state);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_list_meta);
    const auto make_meta = [state](Kept place, lua_CFunction index, lua_CFunction all) {
        lua_newtable(state);
        lua_pushcfunction(state, index);
        lua_setfield(state, -2, "__index");
        lua_pushcfunction(state, all);
        lua_setfield(state, -2, "make_all");
        lua_rawseti(state, LUA_REGISTRYINDEX, place);
    };
    make_meta(kept_globals_meta, index_globals, make_all_globals);
    make_meta(kept_ctx_meta, index_ctx, make_all_ctx);
    lua_newtable(state);
    lua_pushcfunction(state, index_strings);
    lua_setfield(state, -2, "__index");
    lua_pushvalue(state, -1);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_strings_meta);
    lua_pushliteral(state, "");
    lua_insert(state, -2);
    lua_setmetatable(state, -2);
    return 0;
}

/// Everything a script can write to is new, or set back; see Sandbox.
void renew(lua_State* state) {
    auto& run = inside(state);
    run.made_globals = 0;
    forget_globals_of_files(state);
    lua_newtable(state);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_globals_meta);
    lua_setmetatable(state, -2);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_globals);
    lua_newtable(state);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_required);
    for (const auto place : {kept_strings, kept_ctx}) {
        lua_pushboolean(state, 0);
        lua_rawseti(state, LUA_REGISTRYINDEX, place);
    }
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_strings_meta);
    lua_pushcfunction(state, index_strings);
    lua_setfield(state, -2, "__index");
    lua_pop(state, 1);
}

void begin(Inside& run, const ScriptCall& call, ScriptOutcome& outcome) {
    run.call = &call;
    run.outcome = &outcome;
    run.called = {call.file, 0, 0};
    run.context = call.context.is_object() ? &call.context : &run.no_context;
    run.random.reset();
    run.result_bytes = run.asked_bytes = 0;
    run.requiring.clear();
    run.needs.clear();
    run.failure = {};
}

/// Large values are given back now, and not in the time of the next run.
void drop_what_was_made(Inside& run) {
    run.scratch = run.tags = run.written = nullptr;
    run.values = Json::object();
    run.has_written = false;
    run.context = &run.no_context;
}

/// Puts what the table on top has under the name in its place: `run`, or `when.lua` of a table in it.
void push_member(lua_State* state, std::string_view name) {
    for (bool is_more = true; is_more;) {
        const auto dot = name.find('.');
        if (lua_istable(state, -1)) {
            lua_pushlstring(state, name.data(), std::min(dot, name.size()));
            lua_rawget(state, -2);
        } else {
            lua_pushnil(state);
        }
        lua_remove(state, -2);
        is_more = dot != std::string_view::npos;
        if (is_more) name.remove_prefix(dot + 1);
    }
}

/// Pushes the function that is called for.
void push_called(lua_State* state) {
    const auto& call = *inside(state).call;
    push_file(state, call.file);
    if (call.function.empty()) {
        lua_rawgeti(state, LUA_REGISTRYINDEX, kept_globals);
        lua_pushliteral(state, "ctx");
        push_ctx(state);
        lua_rawset(state, -3);
        lua_pop(state, 1);
        return;
    }
    lua_call(state, 0, 1);
    if (!lua_istable(state, -1))
        luaL_error(state, "%s returns %s%s, not a table with the function %s", call.file.c_str(),
                   lua_isnil(state, -1) ? "" : "a ",
                   lua_isnil(state, -1) ? "nothing" : luaL_typename(state, -1), call.function.c_str());
    push_member(state, call.function);
    if (!lua_isfunction(state, -1))
        luaL_error(state, "%s has no function %s in the table that it returns", call.file.c_str(),
                   call.function.c_str());
}

/// The line of the function on top: the place of what is found when it has returned.
void note_called(lua_State* state) {
    lua_Debug function{};
    lua_pushvalue(state, -1);
    lua_getinfo(state, ">S", &function);
    if (*function.what == 'C') return;  // one of ours, in the table of the file
    inside(state).called = {function.source + 1, std::max(function.linedefined, 1), 0};
}

int call_function(lua_State* state) {
    renew(state);
    push_called(state);
    note_called(state);
    push_ctx(state);
    lua_call(state, 1, 1);
    auto& run = inside(state);
    run.result_bytes = run.asked_bytes;
    run.asked = run.call->function.empty() ? "return" : "return of " + run.call->function;
    const JsonRoom room{run.asked.c_str(), "result", run.result_bytes, run.meter.limits().result_bytes_max,
                        Ending::result};
    read_json(state, -1, run.outcome->result, room);
    return 0;
}

int run_statements(lua_State* state) {
    renew(state);
    push_file(state, inside(state).call->file);
    note_called(state);
    lua_call(state, 0, 0);
    return 0;
}

std::string limit_text(const ScriptLimits& limits, Ending ending) {
    const auto more_than = [](const char* what, auto value) {
        return std::string("the run ") + what + " than " + std::to_string(value);
    };
    switch (ending) {
        case Ending::fuel:
            return more_than("took more steps", limits.fuel_max) +
                   " (instructions, turns of loops in the libraries, and sixteenths of the bytes made)";
        case Ending::memory:
            return more_than("held more bytes", limits.memory_bytes_max);
        case Ending::text:
            return more_than("made a text of more bytes", limits.text_bytes_max);
        case Ending::keys:
            return more_than("made a table with more keys", limits.keys_max);
        case Ending::deadline:
            return more_than("took longer", limits.deadline.count()) + " ms of processor time";
        case Ending::result:
            return more_than("returned and asked for more bytes", limits.result_bytes_max);
        case Ending::calls:
            return more_than("looked up more", limits.calls_max);
        case Ending::none:
        case Ending::need:
        case Ending::fail:
            break;
    }
    return "";
}

/// How a run that was ended tells of it.
ScriptFailure failure_of(const Inside& run) {
    const auto ending = run.meter.ending();
    auto failure = run.meter.where();
    failure.limit = setting_of(ending);
    failure.message = limit_text(run.meter.limits(), ending);
    failure.message += ending == Ending::deadline
                           ? ": let one run do less, or raise --script-deadline for all tenants"
                           : ": " + failure.limit + " under `scripts` in tenant.yaml raises it";
    return failure;
}

/// An error that nobody caught, `ctx.fail`, or a limit.
ScriptFailure failure_of_run(Inside& run, int status) {
    const auto ending = run.meter.ending();
    auto failure =
        ending == Ending::none || ending == Ending::fail ? std::move(run.failure) : failure_of(run);
    if (status == LUA_ERRERR && failure.message.empty()) failure.message = "an error while handling an error";
    if (failure.place.file.empty()) failure.place = run.called;
    return failure;
}

void settle_outcome(Inside& run, int status, ScriptOutcome& outcome) {
    auto& meter = run.meter;
    if (status == LUA_ERRMEM && meter.ending() == Ending::none) meter.note_refusal();
    if (status == LUA_OK || meter.ending() == Ending::need) meter.note_late();
    outcome.fuel_used = meter.fuel_used();
    outcome.memory_bytes_peak = meter.memory_bytes_peak();
    if (status == LUA_OK && meter.ending() == Ending::none) return;
    outcome.result = nullptr;
    outcome.effects = Json::array();
    if (meter.ending() == Ending::need) return;
    outcome.need.reset();
    outcome.failure = failure_of_run(run, status);
}

int append_code(lua_State*, const void* bytes, std::size_t size, void* code) {
    static_cast<std::string*>(code)->append(static_cast<const char*>(bytes), size);
    return 0;
}

int protected_call(lua_State* state, lua_CFunction function) {
    lua_pushcfunction(state, note_error);
    lua_pushcfunction(state, function);
    return lua_pcall(state, 0, 0, 1);
}

}  // namespace

Sandbox::Sandbox(std::shared_ptr<const ScriptSet> scripts, ScriptLines* lines)
    : scripts_(std::move(scripts)), lines_(lines) {}
Sandbox::~Sandbox() = default;

std::set<int> Sandbox::lines_of(const std::string& file) const {
    for (std::size_t i = 0; i < compiled_.size(); ++i)
        if (scripts_->files[i].name == file) return code_lines(compiled_[i]);
    return {};
}

std::size_t Sandbox::bytes_peak() const {
    return state_->inside.meter.bytes_peak();
}

std::size_t Sandbox::bytes() const {
    return state_->inside.meter.bytes();
}

namespace {

/// A source, given line by line: how far the compiler has read is where it stands.
struct LinesRead {
    std::string_view left;
    int count = 0;
};

const char* read_line(lua_State*, void* read, std::size_t* size) {
    auto& lines = *static_cast<LinesRead*>(read);
    auto end = std::min(lines.left.find_first_of("\r\n"), lines.left.size());
    if (end < lines.left.size()) ++end;
    const bool is_pair = end > 0 && end < lines.left.size() && lines.left[end] != lines.left[end - 1] &&
                         (lines.left[end] == '\n' || lines.left[end] == '\r') &&
                         (lines.left[end - 1] == '\n' || lines.left[end - 1] == '\r');
    *size = is_pair ? end + 1 : end;
    const auto* const line = lines.left.data();
    lines.left.remove_prefix(*size);
    if (*size > 0) ++lines.count;
    return line;
}

std::string_view line_of(std::string_view source, int number) {
    LinesRead lines{source};
    std::string_view line;
    while (lines.count < number && !lines.left.empty()) {
        std::size_t size = 0;
        const auto* const begin = read_line(nullptr, &lines, &size);
        line = {begin, size};
    }
    return line;
}

/// Of the message on top. Lua says no line when it runs out of its own stack.
Diagnostic syntax_error(lua_State* state, const ScriptFile& file, const LinesRead& lines) {
    engine::Place place{file.name, std::max(lines.count, 1), 0};
    auto message = on_one_line(text_at(state, -1), message_bytes_max);
    take_line(message, file.name, place.line);
    message = in_our_words(std::move(message), line_of(file.source, place.line));
    return script_error("script-syntax", std::move(place), std::move(message));
}

/// Of the statements of all files, when they are loaded: a tenant with many files is loaded in some tenths of
/// a second, too.
std::uint64_t statements_fuel_max(const ScriptLimits& limits) {
    return 10 * limits.fuel_max;
}

}  // namespace

/// Of a set that was opened before without a problem; its statements have run then.
bool Sandbox::take_code() {
    const auto& files = scripts_->files;
    if (std::any_of(files.begin(), files.end(), [](const ScriptFile& file) { return file.code.empty(); }))
        return false;
    for (const auto& file : files) compiled_.push_back(file.code);
    return true;
}

/// In a state of its own, which is thrown away.
std::vector<Diagnostic> Sandbox::compile() {
    std::vector<Diagnostic> found;
    const State parsing(*scripts_);
    auto* const state = parsing.lua;
    for (const auto& file : scripts_->files) {
        const auto name = "=" + file.name;
        LinesRead lines{file.source};
        if (lua_load(state, read_line, &lines, name.c_str(), "t") == LUA_OK)
            ENSURE(lua_dump(state, append_code, &compiled_.emplace_back(), 0) == 0);
        else
            found.push_back(syntax_error(state, file, lines));
        lua_settop(state, 0);
    }
    if (!found.empty()) return found;
    if (auto why = why_too_dear(compiled_, scripts_->limits); !why.empty())
        found.push_back(script_error("script-syntax", {}, std::move(why)));
    return found;
}

/// A new state, in a fraction of the time that compiling takes: the run that comes next waits for it.
void Sandbox::open_state() {
    state_ = std::make_unique<State>(*scripts_);
    state_->inside.meter.note_lines(lines_);
    is_worn_ = false;
    auto* const state = state_->lua;
    lua_pushcfunction(state, prepare);
    ENSURE(lua_pcall(state, 0, 0, 0) == LUA_OK);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_files);
    for (std::size_t i = 0; i < compiled_.size(); ++i) {
        const auto& code = compiled_[i];
        const auto& name = scripts_->files[i].name;
        ENSURE(luaL_loadbufferx(state, code.data(), code.size(), name.c_str(), "b") == LUA_OK);
        lua_rawseti(state, -2, static_cast<lua_Integer>(i) + 1);
    }
    lua_settop(state, 0);
    state_->inside.meter.loaded(state);
}

Sandbox::Opened Sandbox::open(std::shared_ptr<const ScriptSet> scripts, ScriptLines* lines) {
    Opened opened;
    const auto& limits = scripts->limits;
    std::size_t all = 0;
    for (const auto& file : scripts->files) {
        all += file.source.size();
        if (file.source.size() > limits.source_bytes_max)
            opened.diagnostics.push_back(script_error(
                "script-syntax", {file.name, 0, 0},
                "more than " + std::to_string(limits.source_bytes_max) + " bytes (source_bytes_max)"));
    }
    if (all > limits.sources_bytes_max)
        opened.diagnostics.push_back(script_error("script-syntax", {},
                                                  "all scripts are more than " +
                                                      std::to_string(limits.sources_bytes_max) +
                                                      " bytes (sources_bytes_max)"));
    if (!opened.diagnostics.empty()) return opened;
    auto sandbox = std::unique_ptr<Sandbox>(new Sandbox(std::move(scripts), lines));
    if (sandbox->take_code()) {
        sandbox->open_state();
        opened.sandbox = std::move(sandbox);
        return opened;
    }
    opened.diagnostics = sandbox->compile();
    if (!opened.diagnostics.empty()) return opened;
    sandbox->open_state();
    std::uint64_t fuel = 0;
    for (const auto& file : sandbox->scripts_->files) {
        if (file.is_function) continue;
        ScriptCall call;
        call.file = file.name;
        const auto outcome = sandbox->perform(call, Part::statements);
        fuel += outcome.fuel_used;
        if (outcome.failure)
            opened.diagnostics.push_back(
                script_error("script-statements", outcome.failure->place, outcome.failure->message));
        if (fuel <= statements_fuel_max(limits)) continue;
        opened.diagnostics.push_back(script_error(
            "script-statements", {file.name, 0, 0},
            "what stands outside of functions took more than " + std::to_string(statements_fuel_max(limits)) +
                " steps in the files up to this one (ten times fuel_max): let functions do it"));
        break;
    }
    if (opened.diagnostics.empty()) opened.sandbox = std::move(sandbox);
    return opened;
}

ScriptOutcome Sandbox::perform(const ScriptCall& call, Part part) {
    if (is_worn_) open_state();
    ScriptOutcome outcome;
    auto& run = state_->inside;
    begin(run, call, outcome);
    const auto file = std::find_if(scripts_->files.begin(), scripts_->files.end(),
                                   [&](const ScriptFile& one) { return one.name == call.file; });
    if (file == scripts_->files.end()) {
        outcome.failure.emplace();
        outcome.failure->message = "there is no file \"" + call.file + "\" among the tenant's scripts";
        return outcome;
    }
    run.meter.begin(state_->lua);
    const int status = protected_call(state_->lua, part == Part::statements ? run_statements : call_function);
    run.meter.rest(state_->lua);
    settle_outcome(run, status, outcome);
    drop_what_was_made(run);
    is_worn_ = status == LUA_ERRMEM || status == LUA_ERRERR || run.meter.ending() == Ending::memory ||
               run.meter.ending() == Ending::text || run.meter.ending() == Ending::keys;
    lua_settop(state_->lua, 0);
    return outcome;
}

ScriptOutcome Sandbox::run(const ScriptCall& call) {
    return perform(call, Part::function);
}

}  // namespace rules
