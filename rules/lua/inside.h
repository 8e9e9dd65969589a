#pragma once
/// Inside: what the functions that scripts call share: the run, its meter, and texts in the making.

#include <array>
#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <optional>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "rules/lua/meter.h"
#include "rules/lua/place.h"
#include "rules/lua/random.h"
#include "rules/script.h"

namespace rules {

/// What the state keeps where no script can reach it, by places of the registry.
enum Kept : int {
    kept_files = 10,  ///< number of the file in the set, from 1 → the file as a function
    kept_globals,     ///< of the run
    kept_globals_meta,
    kept_required,  ///< of the run: name → what the file gave
    kept_strings,   ///< of the run: the table `string`
    kept_strings_meta,
    kept_ctx,  ///< of the run
    kept_ctx_meta,
    kept_list_meta,  ///< marks a table as a list, also when it is empty; holds nothing
};

/// One for each state, which knows it by its extra space. What a run fills in is of this run only.
struct Inside {
    explicit Inside(const ScriptSet& scripts) : set(scripts), meter(scripts.limits) {}

    const ScriptSet& set;
    Meter meter;
    /// The run.
    const ScriptCall* call = nullptr;
    ScriptOutcome* outcome = nullptr;
    engine::Place called;  ///< the file, and the line of the function that was called once it is known
    std::optional<ScriptRandom> random;
    std::uint64_t made_globals = 0;       ///< bits of library_entries()
    std::size_t asked_bytes = 0;          ///< of the effects so far, as JSON
    std::size_t result_bytes = 0;         ///< of what it returns and asks for, as JSON
    std::vector<std::string> requiring;   ///< files that are being required, the outermost first
    std::vector<lua_Integer> used_files;  ///< whose globals are those of this run
    std::vector<std::string> needs;       ///< keys of the look-ups of this run
    const engine::Json* context = nullptr;
    engine::Json no_context = engine::Json::object();
    engine::Json written;  ///< the entity with what this run has written, if it has
    bool has_written = false;
    engine::Json values = engine::Json::object();  ///< the tenant's own values as written by this run
    ScriptFailure failure;
    /// Of functions that have to be left by a jump: what they were making. They hold nothing else that would
    /// have to be destroyed.
    engine::Json scratch;
    engine::Json tags;
    std::string text;
    std::string asked;
    std::string log_line;
};

/// What it costs to make a text of a number.
constexpr std::uint64_t turns_of_a_shown_number = 16;

inline Inside& inside(lua_State* state) {
    return **static_cast<Inside**>(lua_getextraspace(state));
}
inline void spend(lua_State* state, std::uint64_t turns) {
    inside(state).meter.spend(state, turns);
}
inline void spend_bytes(lua_State* state, std::uint64_t bytes) {
    inside(state).meter.spend_bytes(state, bytes);
}

std::string_view text_at(lua_State* state, int index);
/// A text or a number as its text; an error that names the argument otherwise.
std::string_view check_text(lua_State* state, int argument);
std::string_view check_text(lua_State* state, int argument, std::string_view fallback);
void push_text(lua_State* state, std::string_view text);

/// Pays for reading what is there as a number: a text may be one, and reading it takes as long as it is.
/// Before every call of Lua's that does so.
void spend_for_number(lua_State* state, int index);
/// A number, or a text that is one, which is paid for; an error that names the argument otherwise.
lua_Number check_number(lua_State* state, int argument);
lua_Number check_number(lua_State* state, int argument, lua_Number fallback);
lua_Integer check_integer(lua_State* state, int argument);
lua_Integer check_integer(lua_State* state, int argument, lua_Integer fallback);

/// A text in the making, in one slot of the stack that it takes when it is made. Its memory is the script's;
/// nothing has to be destroyed, so it may be left by a jump.
class TextMaker {
public:
    explicit TextMaker(lua_State* state);
    TextMaker(const TextMaker&) = delete;
    TextMaker& operator=(const TextMaker&) = delete;

    void add(std::string_view text) {
        if (text.size() > capacity_ - size_) grow(text.size());
        text.copy(data_ + size_, text.size());
        size_ += text.size();
    }
    void add(char c) { add(std::string_view(&c, 1)); }
    /// Room for so many bytes more, to be filled by the caller and then counted with `added`.
    char* room(std::size_t bytes) {
        if (bytes > capacity_ - size_) grow(bytes);
        return data_ + size_;
    }
    void added(std::size_t bytes) { size_ += bytes; }
    std::size_t size() const { return size_; }
    /// Leaves the text in its slot, or on top.
    void finish();
    void push();

private:
    void grow(std::size_t more);
    lua_State* state_;
    int slot_;
    std::array<char, 256> small_{};
    char* data_;
    std::size_t size_ = 0;
    std::size_t capacity_;
};

/// No instant and no span is longer; what is would be read for as long as it is, unpaid.
inline constexpr std::size_t time_bytes_max = 64;
/// `10m`; nothing when it is no span.
std::optional<engine::Duration> read_short_span(std::string_view text);

}  // namespace rules
