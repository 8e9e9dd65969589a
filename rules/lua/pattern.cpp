#include "rules/lua/pattern.h"

#include <algorithm>
#include <cctype>
#include <lua.hpp>

#include "rules/lua/inside.h"

namespace rules {

namespace {

constexpr char escape = '%';

bool in_class(int c, int name) {
    bool is_in = false;
    switch (std::tolower(name)) {
        case 'a':
            is_in = std::isalpha(c) != 0;
            break;
        case 'c':
            is_in = std::iscntrl(c) != 0;
            break;
        case 'd':
            is_in = std::isdigit(c) != 0;
            break;
        case 'g':
            is_in = std::isgraph(c) != 0;
            break;
        case 'l':
            is_in = std::islower(c) != 0;
            break;
        case 'p':
            is_in = std::ispunct(c) != 0;
            break;
        case 's':
            is_in = std::isspace(c) != 0;
            break;
        case 'u':
            is_in = std::isupper(c) != 0;
            break;
        case 'w':
            is_in = std::isalnum(c) != 0;
            break;
        case 'x':
            is_in = std::isxdigit(c) != 0;
            break;
        default:
            return name == c;
    }
    return std::isupper(name) != 0 ? !is_in : is_in;
}

unsigned char byte(const char* at) {
    return static_cast<unsigned char>(*at);
}

}  // namespace

const char* Pattern::match(const char* from, const char* pattern) {
    count_ = 0;
    depth_ = 0;
    return follow(from, pattern);
}

const char* Pattern::item_end(const char* pattern) {
    const char first = *pattern++;
    if (first == escape) {
        if (pattern == pattern_end_) luaL_error(state_, "malformed pattern (ends with '%%')");
        return pattern + 1;
    }
    if (first != '[') return pattern;
    if (pattern != pattern_end_ && *pattern == '^') ++pattern;
    do {
        spend_bytes(state_, 1);
        if (pattern == pattern_end_) luaL_error(state_, "malformed pattern (missing ']')");
        if (*pattern++ == escape) {
            if (pattern == pattern_end_) luaL_error(state_, "malformed pattern (missing ']')");
            ++pattern;
            spend_bytes(state_, 1);
        }
    } while (pattern == pattern_end_ || *pattern != ']');
    return pattern + 1;
}

/// `set` is at '[', `set_end` at its ']'.
bool Pattern::in_set(unsigned char c, const char* set, const char* set_end) {
    spend_bytes(state_, static_cast<std::uint64_t>(set_end - set));
    const bool is_wanted = set[1] != '^';
    if (!is_wanted) ++set;
    while (++set < set_end) {
        if (*set == escape) {
            ++set;
            if (in_class(c, byte(set))) return is_wanted;
        } else if (set[1] == '-' && set + 2 < set_end) {
            set += 2;
            if (byte(set - 2) <= c && c <= byte(set)) return is_wanted;
        } else if (byte(set) == c) {
            return is_wanted;
        }
    }
    return !is_wanted;
}

bool Pattern::matches_one(const char* at, const char* item, const char* item_end) {
    if (at >= end_) return false;
    switch (*item) {
        case '.':
            return true;
        case escape:
            return in_class(byte(at), byte(item + 1));
        case '[':
            return in_set(byte(at), item, item_end - 1);
        default:
            return byte(item) == byte(at);
    }
}

const char* Pattern::balanced(const char* at, const char* pair) {
    if (pair + 1 >= pattern_end_) luaL_error(state_, "malformed pattern (missing arguments to '%%b')");
    if (at >= end_ || *at != *pair) return nullptr;
    const char closing = pair[1];
    int level = 1;
    for (const char* from = at++; at < end_; ++at) {
        if (((at - from) & 63) == 0) spend(state_, 8);
        if (*at == closing) {
            if (--level == 0) return at + 1;
        } else if (*at == *pair) {
            ++level;
        }
    }
    spend(state_, 8);
    return nullptr;
}

const char* Pattern::most(const char* at, const char* item, const char* item_end) {
    std::ptrdiff_t count = 0;
    while (matches_one(at + count, item, item_end)) {
        ++count;
        if ((count & 15) == 0) spend(state_, 4);
    }
    for (; count >= 0; --count) {
        const char* found = follow(at + count, item_end + 1);
        if (found) return found;
    }
    return nullptr;
}

const char* Pattern::fewest(const char* at, const char* item, const char* item_end) {
    for (;; ++at) {
        const char* found = follow(at, item_end + 1);
        if (found) return found;
        if (!matches_one(at, item, item_end)) return nullptr;
    }
}

const char* Pattern::open_capture(const char* at, const char* pattern, std::ptrdiff_t kind) {
    if (count_ >= captures_max) luaL_error(state_, "too many captures");
    captures_[static_cast<std::size_t>(count_++)] = {at, kind};
    const char* found = follow(at, pattern);
    if (!found) --count_;
    return found;
}

int Pattern::capture_to_close() const {
    for (int i = count_ - 1; i >= 0; --i)
        if (captures_[static_cast<std::size_t>(i)].length == open) return i;
    return luaL_error(state_, "invalid pattern capture");
}

const char* Pattern::close_capture(const char* at, const char* pattern) {
    auto& capture = captures_[static_cast<std::size_t>(capture_to_close())];
    capture.length = at - capture.from;
    const char* found = follow(at, pattern);
    if (!found) capture.length = open;
    return found;
}

const char* Pattern::same_as_capture(const char* at, char digit) {
    const int index = digit - '1';
    if (index < 0 || index >= count_ || captures_[static_cast<std::size_t>(index)].length == open)
        luaL_error(state_, "invalid capture index %%%d", index + 1);
    const auto& capture = captures_[static_cast<std::size_t>(index)];
    const auto length = static_cast<std::size_t>(capture.length);
    if (capture.length == place || static_cast<std::size_t>(end_ - at) < length) return nullptr;
    spend_bytes(state_, length);
    return std::equal(capture.from, capture.from + length, at) ? at + length : nullptr;
}

bool Pattern::at_frontier(const char* at, const char* set, const char* set_end) {
    const auto before = at == begin_ ? static_cast<unsigned char>(0) : byte(at - 1);
    const auto here = at == end_ ? static_cast<unsigned char>(0) : byte(at);
    return !in_set(before, set, set_end - 1) && in_set(here, set, set_end - 1);
}

/// Goes on along the pattern; what needs to come back to a place calls itself.
const char* Pattern::follow(const char* at, const char* pattern) {
    if (++depth_ > depth_max) luaL_error(state_, "pattern too complex");
    const char* found = nullptr;
    for (;;) {
        spend(state_, 1);
        if (pattern == pattern_end_) {
            found = at;
            break;
        }
        if (*pattern == '(') {
            const bool is_place = pattern + 1 != pattern_end_ && pattern[1] == ')';
            found = is_place ? open_capture(at, pattern + 2, place) : open_capture(at, pattern + 1, open);
            break;
        }
        if (*pattern == ')') {
            found = close_capture(at, pattern + 1);
            break;
        }
        if (*pattern == '$' && pattern + 1 == pattern_end_) {
            found = at == end_ ? at : nullptr;
            break;
        }
        if (*pattern == escape && pattern + 1 != pattern_end_) {
            const char next = pattern[1];
            if (next == 'b') {
                at = balanced(at, pattern + 2);
                if (!at) break;
                pattern += 4;
                continue;
            }
            if (next == 'f') {
                const char* const set = pattern + 2;
                if (set == pattern_end_ || *set != '[')
                    luaL_error(state_, "missing '[' after '%%f' in pattern");
                const char* const set_end = item_end(set);
                if (!at_frontier(at, set, set_end)) break;
                pattern = set_end;
                continue;
            }
            if (std::isdigit(byte(pattern + 1)) != 0) {
                at = same_as_capture(at, next);
                if (!at) break;
                pattern += 2;
                continue;
            }
        }
        const char* const end = item_end(pattern);
        const char how_often = end == pattern_end_ ? '\0' : *end;
        if (how_often == '*') {
            found = most(at, pattern, end);
            break;
        }
        if (how_often == '-') {
            found = fewest(at, pattern, end);
            break;
        }
        const bool is_one = matches_one(at, pattern, end);
        if (how_often == '+') {
            found = is_one ? most(at + 1, pattern, end) : nullptr;
            break;
        }
        if (how_often == '?') {
            if (is_one && (found = follow(at + 1, end + 1))) break;
            pattern = end + 1;
            continue;
        }
        if (!is_one) break;
        ++at;
        pattern = end;
    }
    --depth_;
    return found;
}

std::string_view Pattern::capture(int index, const char* from, const char* to) const {
    if (index >= count_) {
        if (index != 0) luaL_error(state_, "invalid capture index %%%d", index + 1);
        return {from, static_cast<std::size_t>(to - from)};
    }
    const auto& capture = captures_[static_cast<std::size_t>(index)];
    if (capture.length == open) luaL_error(state_, "unfinished capture");
    return {capture.from, capture.length == place ? 0 : static_cast<std::size_t>(capture.length)};
}

void Pattern::push_capture(int index, const char* from, const char* to) const {
    const auto text = capture(index, from, to);
    if (index < count_ && is_place(index))
        lua_pushinteger(state_, text.data() - begin_ + 1);
    else
        push_text(state_, text);
}

int Pattern::push_captures(const char* from, const char* to, bool whole) const {
    const int count = count_ == 0 && whole ? 1 : count_;
    luaL_checkstack(state_, count, "too many captures");
    for (int i = 0; i < count; ++i) push_capture(i, from, to);
    return count;
}

}  // namespace rules
