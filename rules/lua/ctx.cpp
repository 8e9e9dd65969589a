// ctx: what the decision knows, made when a script first asks for it, and what the script asks for, in its
// order. Functions here end by a jump when something is wrong: what they make stands in Inside until it is
// whole.
#include <algorithm>
#include <array>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "rules/lua/api.h"
#include "rules/lua/inside.h"
#include "rules/lua/keys.h"
#include "rules/lua/libraries.h"
#include "rules/lua/values.h"

namespace rules {

using engine::Json;

namespace {

constexpr std::size_t effect_bytes = 32;  // of an effect, besides what is in it
constexpr auto longest_delay = std::chrono::hours(24) * 3660;

JsonRoom room_for(Inside& run, const ScriptFunction& function, const char* what) {
    return {function.name.c_str(), what, run.result_bytes, run.meter.limits().result_bytes_max,
            Ending::result};
}

void take_room(lua_State* state, std::size_t bytes) {
    auto& run = inside(state);
    run.result_bytes += bytes;
    if (run.result_bytes > run.meter.limits().result_bytes_max) run.meter.end(state, Ending::result);
}

/// Where the script calls, as file and line of its own code.
void add_place(lua_State* state, Json& effect) {
    lua_Debug call{};
    for (int level = 1; lua_getstack(state, level, &call) != 0; ++level) {
        lua_getinfo(state, "Sl", &call);
        if (*call.what == 'C') continue;
        effect["file"] = call.source + 1;
        effect["line"] = call.currentline;
        return;
    }
}

/// The effect in the making; it counts when `done` says so, and not when an argument was wrong.
Json& begin_effect(lua_State* state, const char* what) {
    auto& run = inside(state);
    run.result_bytes = run.asked_bytes;  // what came to nothing before is not asked for
    take_room(state, effect_bytes);
    auto& effect = run.scratch;
    effect = Json::object();
    effect["do"] = what;
    return effect;
}

int done(lua_State* state) {
    auto& run = inside(state);
    add_place(state, run.scratch);
    run.outcome->effects.push_back(std::move(run.scratch));
    run.scratch = nullptr;
    run.asked_bytes = run.result_bytes;
    return 0;
}

void read_argument(lua_State* state, int index, const ScriptFunction& function, const char* name) {
    auto& run = inside(state);
    read_json(state, index, run.scratch[name], room_for(run, function, name));
}

void read_table(lua_State* state, int index, const ScriptFunction& function, const char* name) {
    if (lua_isnil(state, index))
        inside(state).scratch[name] = Json::object();
    else
        read_argument(state, index, function, name);
}

/// Members of the options, under their own names.
void read_options(lua_State* state, int index, const ScriptFunction& function) {
    if (lua_isnil(state, index)) return;
    for (lua_pushnil(state); next_key(state, index); lua_pop(state, 1))
        read_argument(state, -1, function, lua_tostring(state, -2));
}

// ---- the entity

const std::string* kind_of(const Inside& run) {
    const auto found = run.context->find("kind");
    return found == run.context->end() ? nullptr : found->get_ptr<const std::string*>();
}

/// Fails unless the argument names a field of the entity.
std::string_view check_field(lua_State* state, const ScriptFunction& function) {
    const auto field = text_at(state, 1);
    const auto* kind = kind_of(inside(state));
    if (!kind) luaL_error(state, "%s: there is no entity here", function.name.c_str());
    const bool is_own = field.size() > kind->size() + 1 && field.substr(0, kind->size()) == *kind &&
                        field[kind->size()] == '.' && field.back() != '.' && field.find("..") == field.npos;
    if (!is_own) {
        inside(state).text = on_one_line(field, 80);
        luaL_error(state, "%s: field: got \"%s\", expected a field of the entity, as in \"%s.subject\"",
                   function.name.c_str(), inside(state).text.c_str(), kind->c_str());
    }
    return field;
}

/// The entity's own: a copy from the first write on.
Json& written(Inside& run) {
    if (run.has_written) return run.written;
    const auto* entity = engine::find(*run.context, *kind_of(run));
    run.written = entity ? *entity : Json::object();
    run.has_written = true;
    return run.written;
}

/// A member of the context with what this run has written, or null.
const Json* member_of(const Inside& run, std::string_view name) {
    const auto* kind = kind_of(run);
    if (run.has_written && kind && name == *kind) return &run.written;
    const auto found = run.context->find(name);
    return found == run.context->end() || found->is_null() ? nullptr : &*found;
}

/// The value of a field, or null.
const Json* value_of(const Inside& run, std::string_view field) {
    const auto dot = field.find('.');
    const auto* member = member_of(run, field.substr(0, dot));
    return member && dot != field.npos ? engine::find(*member, field.substr(dot + 1)) : member;
}

/// The path of a field from the entity on.
engine::Path path_in_entity(std::string_view field) {
    return engine::path_of(field.substr(field.find('.') + 1));
}

/// The table of the entity follows what was written, if the script has asked for it and left it a table.
void follow(lua_State* state, std::string_view field, const Json* value) {
    const int top = lua_gettop(state);
    const int table = top + 1;
    const int key = top + 2;
    luaL_checkstack(state, 6, nullptr);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_ctx);
    for (bool is_entity = true;; is_entity = false) {
        const auto dot = field.find('.');
        lua_pushlstring(state, field.data(), std::min(dot, field.size()));
        if (dot == field.npos) break;
        field.remove_prefix(dot + 1);
        lua_pushvalue(state, key);
        if (lua_rawget(state, table) != LUA_TTABLE) {
            if (!value || is_entity) return lua_settop(state, top);
            lua_newtable(state);
            lua_pushvalue(state, key);
            lua_pushvalue(state, -2);
            lua_rawset(state, table);
        }
        lua_replace(state, table);
        lua_settop(state, table);
    }
    if (value)
        push_json(state, *value, Nulls::left_out);
    else
        lua_pushnil(state);
    lua_rawset(state, table);
    lua_settop(state, top);
}

void write(lua_State* state, std::string_view field, const Json* value) {
    auto& run = inside(state);
    spend(state, 8);
    if (value)
        engine::put(written(run), path_in_entity(field), *value);
    else
        engine::remove(written(run), path_in_entity(field));
    follow(state, field, value);
}

int ctx_get(lua_State* state) {
    static const auto& function = script_function("ctx.get");
    check_arguments(state, function);
    const auto field = text_at(state, 1);
    spend_bytes(state, 64 + field.size());
    const auto* found = value_of(inside(state), field);
    if (found && !found->is_null())
        push_json(state, *found, Nulls::left_out);
    else
        lua_pushnil(state);
    return 1;
}

int ctx_set(lua_State* state) {
    static const auto& function = script_function("ctx.set");
    check_arguments(state, function);
    const auto field = check_field(state, function);
    auto& effect = begin_effect(state, "set");
    take_room(state, field.size());
    effect["field"] = utf8_of(field);
    read_argument(state, 2, function, "value");
    if (effect["value"].is_null())
        luaL_error(state, "ctx.set: value: got json.null, expected a value; ctx.unset removes one");
    write(state, field, &effect["value"]);
    return done(state);
}

int ctx_unset(lua_State* state) {
    static const auto& function = script_function("ctx.unset");
    check_arguments(state, function);
    const auto field = check_field(state, function);
    auto& effect = begin_effect(state, "unset");
    take_room(state, field.size());
    effect["field"] = utf8_of(field);
    write(state, field, nullptr);
    return done(state);
}

/// Of the entity as written, with the tags of the effect added or taken away.
void write_tags(lua_State* state, const Json& tags, bool is_adding) {
    auto& run = inside(state);
    const auto* kind = kind_of(run);
    run.text = *kind + ".tags";
    const auto* now = value_of(run, run.text);
    auto& all = run.tags = now && now->is_array() ? *now : Json::array();
    spend(state, (all.size() + tags.size()) * (tags.size() + 4) * 2);
    for (const auto& tag : tags) {
        const auto found = std::find(all.begin(), all.end(), tag);
        if (is_adding && found == all.end()) all.push_back(tag);
        if (!is_adding && found != all.end()) all.erase(found);
    }
    write(state, run.text, &run.tags);
}

int change_tags(lua_State* state, const ScriptFunction& function, bool is_adding) {
    check_arguments(state, function);
    if (!kind_of(inside(state)))
        return luaL_error(state, "%s: there is no entity here", function.name.c_str());
    auto& tags = begin_effect(state, is_adding ? "add_tags" : "remove_tags")["tags"];
    read_argument(state, 1, function, "tags");
    if (tags.is_string()) {
        inside(state).text = tags.get_ref<const std::string&>();
        tags = Json::array();
        tags.push_back(inside(state).text);
    }
    if (tags.is_object() && tags.empty()) tags = Json::array();
    const bool is_good = tags.is_array() && std::all_of(tags.begin(), tags.end(),
                                                        [](const Json& tag) { return tag.is_string(); });
    if (!is_good)
        return luaL_error(state, "%s: tags: got other values in the table, expected a list of texts",
                          function.name.c_str());
    write_tags(state, tags, is_adding);
    return done(state);
}

int ctx_add_tags(lua_State* state) {
    static const auto& function = script_function("ctx.add_tags");
    return change_tags(state, function, true);
}
int ctx_remove_tags(lua_State* state) {
    static const auto& function = script_function("ctx.remove_tags");
    return change_tags(state, function, false);
}

// ---- what leaves the entity

/// `connection.action`.
void check_dotted(lua_State* state, const ScriptFunction& function, const char* param, const char* example) {
    const auto name = text_at(state, 1);
    const auto dot = name.find('.');
    // What is no text becomes another name on its way; and nobody sees a line's end in one.
    const bool is_plain = std::none_of(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
    if (dot != name.npos && dot > 0 && dot + 1 < name.size() && name.size() <= 200 && is_plain &&
        engine::is_utf8(name))
        return;
    inside(state).text = on_one_line(name, 80);
    luaL_error(state, "%s: %s: got \"%s\", expected a name as in \"%s\"", function.name.c_str(), param,
               inside(state).text.c_str(), example);
}

int ctx_action(lua_State* state) {
    static const auto& function = script_function("ctx.action");
    check_arguments(state, function);
    check_dotted(state, function, "action", "slack.post_message");
    begin_effect(state, "action");
    read_argument(state, 1, function, "action");
    read_table(state, 2, function, "params");
    read_options(state, 3, function);
    return done(state);
}

int ctx_emit(lua_State* state) {
    static const auto& function = script_function("ctx.emit");
    check_arguments(state, function);
    check_dotted(state, function, "type", "ticket.reviewed");
    begin_effect(state, "emit");
    read_argument(state, 1, function, "type");
    read_table(state, 2, function, "data");
    read_options(state, 3, function);
    return done(state);
}

bool is_delay(std::string_view text) {
    const auto delay = read_short_span(text);
    return delay && *delay >= engine::Duration::zero() && *delay <= longest_delay;
}

int ctx_after(lua_State* state) {
    static const auto& function = script_function("ctx.after");
    check_arguments(state, function);
    if (!is_delay(text_at(state, 1))) {
        inside(state).text = on_one_line(text_at(state, 1), 40);
        return luaL_error(
            state, "ctx.after: delay: got \"%s\", expected a span up to ten years, as in \"30m\" or \"2d\"",
            inside(state).text.c_str());
    }
    if (text_at(state, 2).empty()) return luaL_error(state, "ctx.after: name: got an empty text");
    begin_effect(state, "after");
    read_argument(state, 1, function, "delay");
    read_argument(state, 2, function, "name");
    read_options(state, 3, function);
    return done(state);
}

void add_log_value(lua_State* state, int index) {
    auto& run = inside(state);
    if (lua_type(state, index) != LUA_TTABLE) {
        push_text_of(state, index);
        run.log_line += text_at(state, -1).substr(0, run.meter.limits().log_line_bytes_max + 1);
        return lua_pop(state, 1);
    }
    std::size_t bytes = 0;
    read_json(state, index, run.scratch,
              {"ctx.log", "value", bytes, run.meter.limits().text_bytes_max, Ending::text});
    run.log_line += engine::canonical_json(run.scratch);
    run.scratch = nullptr;
}

int ctx_log(lua_State* state) {
    auto& run = inside(state);
    auto& log = run.outcome->log;
    const auto& limits = run.meter.limits();
    spend(state, 8);
    if (log.size() >= limits.log_lines_max) {
        if (log.size() == limits.log_lines_max) log.emplace_back("more lines were left out (log_lines_max)");
        return 0;
    }
    run.log_line.clear();
    for (int i = 1; i <= lua_gettop(state) && run.log_line.size() < limits.log_line_bytes_max; ++i) {
        if (i > 1) run.log_line += ' ';
        add_log_value(state, i);
    }
    log.push_back(on_one_line(run.log_line, limits.log_line_bytes_max));
    return 0;
}

int ctx_fail(lua_State* state) {
    static const auto& function = script_function("ctx.fail");
    check_arguments(state, function);
    auto& run = inside(state);
    run.failure = place_of(state);
    run.failure.message = on_one_line(text_at(state, 1), 1000);
    run.meter.end(state, Ending::fail);
}

// ---- what the run cannot know by itself

/// The answer, or null: `scratch` holds what is asked.
const Json* answer_for(lua_State* state, const std::string& what) {
    auto& run = inside(state);
    const auto& params = run.scratch["params"];
    const auto digest = engine::sha256({what, "\n", engine::canonical_json(params)});
    run.text = what + ":" + engine::to_hex(engine::bytes_of(digest)).substr(0, 32);
    const auto& answers = run.call->answers;
    const auto found = answers.find(run.text);
    return found == answers.end() ? nullptr : &*found;
}

/// Counts the look-up; ends the run when its answer is not known.
const Json& ask(lua_State* state, const char* what, engine::Duration cache) {
    auto& run = inside(state);
    run.asked = what;
    spend(state, 64);
    const auto* answer = answer_for(state, run.asked);
    if (std::find(run.needs.begin(), run.needs.end(), run.text) == run.needs.end()) {
        if (run.needs.size() >= run.meter.limits().calls_max) run.meter.end(state, Ending::calls);
        run.needs.push_back(run.text);
    }
    if (answer) return *answer;
    auto& need = run.outcome->need.emplace();
    need.key = run.text;
    need.what = run.asked;
    need.params = std::move(run.scratch["params"]);
    need.cache = cache;
    need.place = place_of(state).place;
    run.meter.end(state, Ending::need);
}

/// Of the options' `cache`; false when it is no span.
bool read_cache(lua_State* state, int options, engine::Duration& cache) {
    if (lua_isnil(state, options)) return true;
    lua_getfield(state, options, "cache");
    const bool is_given = !lua_isnil(state, -1);
    const auto span = is_given ? read_short_span(text_at(state, -1)) : engine::Duration::zero();
    lua_pop(state, 1);
    if (!span) return false;
    cache = *span;
    return true;
}

int ctx_call(lua_State* state) {
    static const auto& function = script_function("ctx.call");
    check_arguments(state, function);
    check_dotted(state, function, "lookup", "crm.find_contact");
    engine::Duration cache{};
    if (!read_cache(state, 3, cache))
        return luaL_error(state, "ctx.call: options.cache: expected a span, as in \"10m\"");
    inside(state).scratch = Json::object();
    inside(state).result_bytes = inside(state).asked_bytes;
    read_table(state, 2, function, "params");
    const auto& answer = ask(state, lua_tostring(state, 1), cache);
    const auto failed = answer.find("error");
    if (failed == answer.end()) {
        const auto value = answer.find("ok");
        if (value == answer.end() || value->is_null())
            lua_pushnil(state);
        else
            push_json(state, *value, Nulls::left_out);
        return 1;
    }
    lua_pushnil(state);
    push_json(state, *failed, Nulls::left_out);
    return 2;
}

void check_key(lua_State* state, const ScriptFunction& function) {
    const auto key = text_at(state, 1);
    if (key.empty() || key.size() > 256)
        luaL_error(state, "%s: key: expected 1 to 256 bytes", function.name.c_str());
}

int kv_get(lua_State* state) {
    static const auto& function = script_function("ctx.kv.get");
    check_arguments(state, function);
    check_key(state, function);
    auto& run = inside(state);
    run.scratch = Json::object();
    run.result_bytes = run.asked_bytes;
    read_argument(state, 1, function, "key");
    const auto own = run.values.find(run.scratch["key"].get_ref<const std::string&>());
    if (own != run.values.end()) {
        if (own->is_null())
            lua_pushnil(state);
        else
            push_json(state, *own, Nulls::left_out);
        lua_pushnil(state);
        return 2;
    }
    run.tags = std::move(run.scratch);
    run.scratch = Json::object();
    run.scratch["params"] = std::move(run.tags);
    const auto& answer = ask(state, "kv", engine::Duration::zero());
    const auto known = answer.find("ok");
    if (known == answer.end() || !known->is_object()) {
        lua_pushnil(state);
        lua_pushinteger(state, 0);
        return 2;
    }
    const auto* value = engine::find(*known, "value");
    const auto* version = engine::find(*known, "version");
    if (value)
        push_json(state, *value, Nulls::left_out);
    else
        lua_pushnil(state);
    if (version)
        push_json(state, *version, Nulls::left_out);
    else
        lua_pushinteger(state, 0);
    return 2;
}

int kv_set(lua_State* state) {
    static const auto& function = script_function("ctx.kv.set");
    check_arguments(state, function);
    check_key(state, function);
    auto& effect = begin_effect(state, "kv_set");
    read_argument(state, 1, function, "key");
    read_argument(state, 2, function, "value");
    read_options(state, 3, function);
    inside(state).values[effect["key"].get_ref<const std::string&>()] = effect["value"];
    return done(state);
}

int kv_delete(lua_State* state) {
    static const auto& function = script_function("ctx.kv.delete");
    check_arguments(state, function);
    check_key(state, function);
    auto& effect = begin_effect(state, "kv_delete");
    read_argument(state, 1, function, "key");
    read_options(state, 2, function);
    inside(state).values[effect["key"].get_ref<const std::string&>()] = nullptr;
    return done(state);
}

constexpr std::array<luaL_Reg, 11> ctx_functions{{{"action", ctx_action},
                                                  {"add_tags", ctx_add_tags},
                                                  {"after", ctx_after},
                                                  {"call", ctx_call},
                                                  {"emit", ctx_emit},
                                                  {"fail", ctx_fail},
                                                  {"get", ctx_get},
                                                  {"log", ctx_log},
                                                  {"remove_tags", ctx_remove_tags},
                                                  {"set", ctx_set},
                                                  {"unset", ctx_unset}}};
constexpr std::array<luaL_Reg, 4> kv_functions{
    {{"delete", kv_delete}, {"get", kv_get}, {"set", kv_set}, {nullptr, nullptr}}};

/// The member of that name on top, or false.
bool push_member(lua_State* state, std::string_view name) {
    auto& run = inside(state);
    if (name == "kv") {
        lua_createtable(state, 0, 3);
        luaL_setfuncs(state, kv_functions.data(), 0);
        return true;
    }
    if (name == "now") {
        run.text = engine::to_text(run.call->now);
        push_text(state, run.text);
        return true;
    }
    const auto function = std::find_if(ctx_functions.begin(), ctx_functions.end(),
                                       [&](const auto& one) { return one.name == name; });
    if (function != ctx_functions.end()) {
        lua_pushcfunction(state, function->func);
        return true;
    }
    const auto* member = member_of(run, name);
    if (!member) return false;
    push_json(state, *member, Nulls::left_out);
    return true;
}

/// `ctx.entity` and `ctx.<kind>` are one table.
bool push_entity(lua_State* state, int ctx) {
    const auto* kind = kind_of(inside(state));
    if (!kind) return false;
    lua_pushlstring(state, kind->data(), kind->size());
    if (lua_rawget(state, ctx) != LUA_TNIL) return true;
    lua_pop(state, 1);
    if (!push_member(state, *kind)) return false;
    lua_pushlstring(state, kind->data(), kind->size());
    lua_pushvalue(state, -2);
    lua_rawset(state, ctx);
    return true;
}

void make_ctx_member(lua_State* state, std::string_view name) {
    lua_pushlstring(state, name.data(), name.size());
    if (lua_rawget(state, 1) == LUA_TNIL) {
        lua_pushlstring(state, name.data(), name.size());
        if (name == "entity" ? push_entity(state, 1) : push_member(state, name)) lua_rawset(state, 1);
    }
    lua_settop(state, 1);
}

}  // namespace

int index_ctx(lua_State* state) {
    if (lua_type(state, 2) != LUA_TSTRING) return 0;
    const auto name = text_at(state, 2);
    if (!(name == "entity" ? push_entity(state, 1) : push_member(state, name))) return 0;
    lua_pushvalue(state, 2);
    lua_pushvalue(state, -2);
    lua_rawset(state, 1);
    return 1;
}

int make_all_ctx(lua_State* state) {
    for (const auto& function : ctx_functions) make_ctx_member(state, function.name);
    for (const auto* name : {"kv", "now", "entity"}) make_ctx_member(state, name);
    for (const auto& [name, value] : inside(state).context->get_ref<const Json::object_t&>())
        make_ctx_member(state, name);
    return 0;
}

void push_ctx(lua_State* state) {
    if (lua_rawgeti(state, LUA_REGISTRYINDEX, kept_ctx) == LUA_TTABLE) return;
    lua_pop(state, 1);
    lua_newtable(state);
    lua_rawgeti(state, LUA_REGISTRYINDEX, kept_ctx_meta);
    lua_setmetatable(state, -2);
    lua_pushvalue(state, -1);
    lua_rawseti(state, LUA_REGISTRYINDEX, kept_ctx);
}

}  // namespace rules
