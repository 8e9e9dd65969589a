#pragma once
/// The libraries that scripts have: tables that are made anew for every run when it first asks for them.

#include <string>
#include <string_view>
#include <vector>

#include "rules/script.h"

struct lua_State;

namespace rules {

/// One name that scripts know without asking: a function, or a table made by one.
struct LibraryEntry {
    const char* name;
    int (*function)(lua_State*);         ///< what it is, or null
    void (*push)(lua_State*) = nullptr;  ///< pushes it, where there is no function
};

/// The set's file that `require` means by a name, or null: `scripts/lib/words.lua`, `scripts/lib/words`,
/// `lib/words`, `lib.words`.
const ScriptFile* file_required(const ScriptSet& set, std::string_view name);

/// Sorted by name.
const std::vector<LibraryEntry>& library_entries();

/// The functions that are there without a module; see base_library.cpp.
int base_assert(lua_State* state);
int base_error(lua_State* state);
int base_ipairs(lua_State* state);
int base_next(lua_State* state);
int base_pairs(lua_State* state);
int base_pcall(lua_State* state);
int base_select(lua_State* state);
int base_tonumber(lua_State* state);
int base_tostring(lua_State* state);
int base_type(lua_State* state);
int base_xpcall(lua_State* state);
int base_require(lua_State* state);

void push_strings(lua_State* state);  ///< the one table of this run
void push_string_library(lua_State* state);
void push_table_library(lua_State* state);
void push_math_library(lua_State* state);
void push_utf8_library(lua_State* state);
void push_json_library(lua_State* state);
void push_text_library(lua_State* state);
void push_date_library(lua_State* state);

/// Pushes `ctx` of the run.
void push_ctx(lua_State* state);

/// The first time a name is asked for, what it is called is made. For the metatables of the globals and of
/// ctx, which no script can reach: `__index`, and `make_all` for who lists them.
int index_globals(lua_State* state);
int make_all_globals(lua_State* state);
int index_ctx(lua_State* state);
int make_all_ctx(lua_State* state);
/// The texts' `__index` until the table `string` is made.
int index_strings(lua_State* state);

/// Pushes a text for any value, never an address.
void push_text_of(lua_State* state, int index);
/// Pushes the file's function, with the globals of this run.
void push_file(lua_State* state, const std::string& name);
/// The files hold nothing of the run before, which would be kept alive by them.
void forget_globals_of_files(lua_State* state);

}  // namespace rules
