#pragma once
/// Pattern: Lua's patterns, as the manual describes them, with each step paid for.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct lua_State;

namespace rules {

/// One text and one pattern. Mistakes of a pattern are errors of the script, and a run out of fuel ends:
/// both jump out of the caller. Holds nothing that would have to be destroyed.
class Pattern {
public:
    static constexpr int captures_max = 32;

    Pattern(lua_State* state, std::string_view text, std::string_view pattern)
        : state_(state),
          begin_(text.data()),
          end_(text.data() + text.size()),
          pattern_end_(pattern.data() + pattern.size()) {}

    /// The end of the match that begins exactly at `from`, null = there is none.
    const char* match(const char* from, const char* pattern);

    int captures() const { return count_; }
    /// Pushes capture `index`, counted from 0; with no captures at all index 0 is the whole match.
    void push_capture(int index, const char* from, const char* to) const;
    /// Pushes all; `whole` = the match itself where there are none. Gives their number.
    int push_captures(const char* from, const char* to, bool whole) const;
    /// The same as bytes, for a replacement; a place is refused by the caller.
    bool is_place(int index) const { return captures_[static_cast<std::size_t>(index)].length == place; }
    std::string_view capture(int index, const char* from, const char* to) const;

private:
    static constexpr std::ptrdiff_t open = -1;
    static constexpr std::ptrdiff_t place = -2;
    static constexpr int depth_max = 200;
    struct Capture {
        const char* from;
        std::ptrdiff_t length;
    };

    const char* follow(const char* at, const char* pattern);
    const char* item_end(const char* pattern);
    bool matches_one(const char* at, const char* item, const char* item_end);
    bool in_set(unsigned char c, const char* set, const char* set_end);
    const char* balanced(const char* at, const char* pair);
    const char* most(const char* at, const char* item, const char* item_end);
    const char* fewest(const char* at, const char* item, const char* item_end);
    const char* open_capture(const char* at, const char* pattern, std::ptrdiff_t kind);
    const char* close_capture(const char* at, const char* pattern);
    const char* same_as_capture(const char* at, char digit);
    bool at_frontier(const char* at, const char* set, const char* set_end);
    int capture_to_close() const;

    lua_State* state_;
    const char* begin_;
    const char* end_;
    const char* pattern_end_;
    int count_ = 0;
    int depth_ = 0;
    std::array<Capture, captures_max> captures_;
};

}  // namespace rules
