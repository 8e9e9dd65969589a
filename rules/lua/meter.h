#pragma once
/// Meter: what one Lua state may use of instructions, memory and time, and how a run that is over it ends.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "rules/script.h"

struct lua_State;
struct lua_Debug;

namespace rules {

/// Lines that were run, by file.
using ScriptLines = std::map<std::string, std::set<int>, std::less<>>;

/// Why a run ended that did not end by itself. No script can catch it.
enum class Ending : std::uint8_t { none, fuel, memory, text, keys, deadline, result, calls, need, fail };

/// The name of the limit, `fuel_max`, which is the setting that raises it; only `deadline` has none. Empty
/// for an ending that is no limit.
std::string_view setting_of(Ending ending);

/// Counts for one state; one thread. What it counts follows from what the script does and from nothing else:
/// neither from addresses nor from what an earlier run has left for the collector. That is why Lua's own pace
/// of collecting is off and the meter collects, at places that the count decides.
class Meter {
public:
    explicit Meter(const ScriptLimits& limits) : limits_(limits) {}
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    /// What Lua calls for memory; `self` is the meter.
    static void* allocate(void* self, void* block, std::size_t old_size, std::size_t size);

    /// Lines that are run are noted there, by file; null = nowhere. Before the first run.
    void note_lines(ScriptLines* lines) { lines_ = lines; }
    /// From here on what is held belongs to the state and not to a run.
    void loaded(lua_State* state);
    /// A run begins, with all of its fuel, and nothing of an earlier one that it could see or be counted for.
    /// Cheap when the run before was.
    void begin(lua_State* state);
    /// The run is over: nothing is counted or ended any more.
    void rest(lua_State* state);

    /// Turns of a loop in a library; may end the run, which is a jump out of the caller.
    void spend(lua_State* state, std::uint64_t turns) { spend_units(state, turns * units_of_a_turn); }
    /// Bytes that are looked at or copied; sixteen are one turn.
    void spend_bytes(lua_State* state, std::uint64_t bytes) { spend_units(state, bytes); }

    /// A turn that may take long, how long nothing tells: now and then it looks at the clock besides.
    void spend_slow_turn(lua_State* state) {
        spend(state, 1);
        if (++slow_turns_ % slow_turns_between_looks == 0) look(state);
    }

    /// Ends the run: jumps out of the caller, through every pcall.
    [[noreturn]] void end(lua_State* state, Ending ending);
    /// After a protected call: goes on ending if the run is ending.
    void pass_on(lua_State* state, int status);
    /// At the end of the run: if it is past its deadline and nobody has looked since, it has ended so.
    void note_late();
    /// At the end of the run: memory was refused, and nobody was left to pass it on.
    void note_refusal() { note(refusal_); }

    Ending ending() const { return ending_; }
    const ScriptFailure& where() const { return where_; }
    std::uint64_t fuel_used() const;
    std::size_t memory_bytes_peak() const { return peak_; }
    /// All that the state has from the system, rules or not.
    std::size_t bytes() const { return bytes_; }
    /// The most that it had at once during the run.
    std::size_t bytes_peak() const { return bytes_peak_; }
    /// What a run may bring that to, beside what was there when it was loaded.
    static std::size_t bytes_max(const ScriptLimits& limits) {
        constexpr std::size_t uncounted =
            8U << 20U;  // garbage of texts and the like, which small limits leave out
        return 3 * limits.memory_bytes_max + uncounted;
    }
    const ScriptLimits& limits() const { return limits_; }

private:
    static constexpr std::uint64_t units_of_a_turn = 16;
    static constexpr std::uint64_t slow_turns_between_looks = 16;
    enum class Kind : std::uint8_t { other, table, short_text, stack, text_table, small };
    struct Header {
        Kind kind;
        std::uint8_t rest[7];
    };

    void clear(lua_State* state);
    void collect_all(lua_State* state);
    int free_slots() const;
    void note(Ending refused);
    void* grow(void* block, std::size_t old_size, std::size_t size);
    Kind kind_of_new(std::size_t tag, std::size_t size);
    static std::size_t weight(Kind kind, std::size_t size);
    bool refuses(std::size_t size, std::size_t more, bool is_text);
    void charge(std::size_t weight);
    void note_peak();
    void watch();
    void take_for_stack();
    void settle();

    void spend_units(lua_State* state, std::uint64_t units) {
        left_ -= static_cast<std::int64_t>(units);
        if (left_ < look_at_) look(state);
    }
    static void tick(lua_State* state, lua_Debug* what);
    void look(lua_State* state);
    bool is_late() const;
    void collect(lua_State* state);
    [[noreturn]] static void jump(lua_State* state);

    int hooks() const;
    void note_line(lua_State* state, lua_Debug* at);

    const ScriptLimits& limits_;
    lua_State* state_ = nullptr;
    ScriptLines* lines_ = nullptr;
    bool counts_ = false;  ///< a run is on
    Ending ending_ = Ending::none;
    Ending refusal_ = Ending::none;  ///< why memory was last refused
    bool may_ask_again_ = false;     ///< Lua is collecting, and will ask for the same once more
    ScriptFailure where_;

    std::int64_t left_ = 0;  ///< units of fuel; a byte is one
    std::int64_t look_at_ = 0;
    std::int64_t left_at_collection_ = 0;
    std::uint64_t slow_turns_ = 0;
    int interval_ = 0;
    bool is_watchful_ = false;  ///< a single instruction may take long: look at every tick
    std::chrono::nanoseconds began_{};
    std::chrono::nanoseconds began_processor_{};

    std::size_t bytes_ = 0;  ///< as the system counts
    std::size_t bytes_peak_ = 0;
    std::size_t weight_ = 0;  ///< of all but short texts, as the rules count
    std::size_t short_texts_ = 0;
    std::size_t base_weight_ = 0;
    std::size_t live_short_texts_ = 0;  ///< of the run, as far as a collection has told
    std::size_t stack_bytes_ = 0;
    bool has_moved_stack_ = false;  ///< since the last run began
    bool has_text_table_ = false;
    Header* last_made_ = nullptr;
    std::size_t last_made_bytes_ = 0;
    std::size_t loaded_bytes_ = 0;
    std::size_t loaded_weight_ = 0;
    std::size_t loaded_short_texts_ = 0;
    std::size_t peak_ = 0;
    std::size_t held() const;
};

}  // namespace rules
