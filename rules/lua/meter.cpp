#include "rules/lua/meter.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <lua.hpp>

#include "rules/lua/inside.h"
#include "rules/lua/place.h"

namespace rules {

namespace {

// What Lua 5.4 asks of its allocator: the type of a new object, and the first sizes of two blocks that grow
// with the whole state and say nothing about the script.
constexpr std::size_t first_stack_bytes = 720;
constexpr std::size_t first_text_table_bytes = 1024;
constexpr std::size_t call_bytes = 64;  // a frame; also a list of four values, so neither is counted alone
constexpr std::size_t text_header_bytes = 25;
constexpr std::size_t short_text_max = 40;
constexpr std::size_t key_bytes = 24;

constexpr int usual_interval = 100;
constexpr int watchful_interval = 10;
constexpr std::size_t long_text_bytes = 16U << 10U;    // an instruction that compares two takes microseconds
constexpr std::size_t large_stack_bytes = 64U << 10U;  // so does one that copies all of it
constexpr std::int64_t units_between_looks = std::int64_t{2048} * 16;
constexpr std::size_t units_between_collections = 1U << 20U;
constexpr std::size_t garbage_kept_max = 256U << 10U;

std::chrono::nanoseconds clock_time(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// The size of a table's keys is this times a power of two; a list's never is, but for a few.
bool holds_more_keys(std::size_t bytes, std::size_t keys_max) {
    if (bytes <= keys_max * key_bytes || bytes % key_bytes != 0) return false;
    const auto keys = bytes / key_bytes;
    return (keys & (keys - 1)) == 0;
}

}  // namespace

std::string_view setting_of(Ending ending) {
    switch (ending) {
        case Ending::fuel:
            return "fuel_max";
        case Ending::memory:
            return "memory_bytes_max";
        case Ending::text:
            return "text_bytes_max";
        case Ending::keys:
            return "keys_max";
        case Ending::deadline:
            return "deadline";
        case Ending::result:
            return "result_bytes_max";
        case Ending::calls:
            return "calls_max";
        case Ending::none:
        case Ending::need:
        case Ending::fail:
            break;
    }
    return "";
}

void* Meter::allocate(void* self, void* block, std::size_t old_size, std::size_t size) {
    auto& meter = *static_cast<Meter*>(self);
    if (size > 0) return meter.grow(block, old_size, size);
    if (!block) return nullptr;
    auto* header = static_cast<Header*>(block) - 1;
    if (header->kind == Kind::stack) meter.take_for_stack();
    if (header == meter.last_made_) meter.last_made_ = nullptr;
    (header->kind == Kind::short_text ? meter.short_texts_ : meter.weight_) -= weight(header->kind, old_size);
    if (header->kind == Kind::stack) meter.note_peak();
    meter.bytes_ -= old_size + sizeof(Header);
    std::free(header);
    return nullptr;
}

Meter::Kind Meter::kind_of_new(std::size_t tag, std::size_t size) {
    if (tag == LUA_TSTRING)
        return size <= short_text_max + text_header_bytes ? Kind::short_text : Kind::other;
    if (tag == 0 && size == first_stack_bytes && stack_bytes_ == 0) return Kind::stack;
    if (tag == 0 && size == first_text_table_bytes && !has_text_table_) {
        has_text_table_ = true;
        return Kind::text_table;
    }
    if (tag == LUA_TTABLE) return Kind::table;
    return size == call_bytes && tag == 0 ? Kind::small : Kind::other;
}

/// A frame of a call costs four slots of the stack, and a stack of one slot a call is possible: the stack
/// weighs what its frames may. What is not counted is paid by what comes with it.
std::size_t Meter::weight(Kind kind, std::size_t size) {
    switch (kind) {
        case Kind::stack:
            return size * 5;
        case Kind::short_text:
            return size + 16;
        case Kind::text_table:
        case Kind::small:
            return 0;
        case Kind::table:
            return size + 24 + call_bytes;
        case Kind::other:
            break;
    }
    return size + 24;
}

std::size_t Meter::held() const {
    const auto all = weight_ + live_short_texts_;
    return all > base_weight_ ? all - base_weight_ : 0;
}

/// A collection has just ended: what there is of short texts is alive.
void Meter::settle() {
    base_weight_ = loaded_weight_;
    live_short_texts_ = short_texts_ > loaded_short_texts_ ? short_texts_ - loaded_short_texts_ : 0;
    left_at_collection_ = left_;
    left_ -= static_cast<std::int64_t>(held() / 8);
    note_peak();
}

/// Whenever more is held, and not only when the next block is asked for: whether one is asked for may depend
/// on what the state has kept.
void Meter::note_peak() {
    if (counts_) peak_ = std::max(peak_, held());
}

/// What weighs nothing may be there from an earlier run: only what the system gives is its limit.
bool Meter::refuses(std::size_t size, std::size_t more, bool is_text) {
    if (!counts_) return false;
    auto reason = Ending::none;
    if (is_text && size > limits_.text_bytes_max + text_header_bytes) reason = Ending::text;
    if (may_ask_again_ && reason == Ending::none) settle();
    if (reason == Ending::none && more > 0 && held() + more > limits_.memory_bytes_max)
        reason = Ending::memory;
    // By far more than what weighs: of garbage of texts, which weighs nothing, nobody knows how much there
    // is.
    if (reason == Ending::none && bytes_ + size > loaded_bytes_ + bytes_max(limits_)) reason = Ending::memory;
    const bool is_first = !may_ask_again_;
    may_ask_again_ = is_first && reason != Ending::none;
    if (reason == Ending::none) return false;
    refusal_ = reason;
    if (!is_first) where_ = place_of(state_);
    return true;
}

void Meter::charge(std::size_t weight) {
    if (!counts_) return;
    left_ -= static_cast<std::int64_t>(weight);
    note_peak();
}

/// From here on a single instruction may take microseconds.
void Meter::watch() {
    if (is_watchful_ || !counts_) return;
    is_watchful_ = true;
    interval_ = watchful_interval;
    if (ending_ == Ending::none) lua_sethook(state_, tick, hooks(), interval_);
}

/// Lua gives the old stack back right after it has made the new one, which was asked for like any block. What
/// its frames may take besides is known only now: the next block that is asked for finds that it is too much.
void Meter::take_for_stack() {
    if (!last_made_) return;
    weight_ += weight(Kind::stack, last_made_bytes_);
    weight_ -= weight(last_made_->kind, last_made_bytes_);
    last_made_->kind = Kind::stack;
    stack_bytes_ = last_made_bytes_;
    if (counts_) has_moved_stack_ = true;
    if (stack_bytes_ >= large_stack_bytes) watch();
}

void* Meter::grow(void* block, std::size_t old_size, std::size_t size) {
    const auto tag = block ? 0 : old_size;
    auto* header = block ? static_cast<Header*>(block) - 1 : nullptr;
    const auto old_kind = header ? header->kind : Kind::other;
    const auto kept = header && (old_kind == Kind::stack || old_kind == Kind::text_table);
    const auto kind = kept ? old_kind : kind_of_new(tag, size);
    const auto before = header ? weight(old_kind, old_size) : 0;
    const auto after = weight(kind, size);
    const auto more = after > before ? after - before : 0;
    const bool is_larger = !block || size > old_size;

    if (is_larger && counts_ && tag == 0 && !block && holds_more_keys(size, limits_.keys_max)) {
        refusal_ = Ending::keys;
        where_ = place_of(state_);
        return nullptr;
    }
    if (is_larger && refuses(size, more, tag == LUA_TSTRING)) return nullptr;
    auto* made = static_cast<Header*>(std::realloc(header, size + sizeof(Header)));
    if (!made) return nullptr;
    made->kind = kind;
    bytes_ += size;
    bytes_ -= block ? old_size : 0;
    if (!block) bytes_ += sizeof(Header);
    bytes_peak_ = std::max(bytes_peak_, bytes_);
    if (kind == Kind::short_text) {
        short_texts_ += after;
    } else {
        weight_ += after;
        weight_ -= before;
    }
    if (kind == Kind::stack) stack_bytes_ = size;
    if (is_larger) charge(kind == Kind::short_text ? 0 : after);
    if (tag == LUA_TSTRING && size >= long_text_bytes) watch();
    if (!block || header == last_made_) {
        last_made_ = made;
        last_made_bytes_ = size;
    }
    return made + 1;
}

/// Grown and then shrunk by the collector, the stack has the one size to which it brings back a large one.
void Meter::collect_all(lua_State* state) {
    lua_pushcfunction(state, [](lua_State* grown) { return lua_checkstack(grown, 10 * LUA_MINSTACK) * 0; });
    lua_call(state, 0, 0);
    lua_gc(state, LUA_GCCOLLECT);
}

void Meter::loaded(lua_State* state) {
    counts_ = false;
    state_ = state;
    lua_gc(state, LUA_GCSTOP);
    collect_all(state);
    lua_gc(state, LUA_GCCOLLECT);
    loaded_bytes_ = bytes_;
    loaded_weight_ = weight_;
    loaded_short_texts_ = short_texts_;
}

void Meter::clear(lua_State* state) {
    counts_ = false;
    lua_settop(state, 0);
    // One that has moved may hold values of the run behind its end, where nothing but a collection clears
    // them.
    if (has_moved_stack_ || bytes_ > loaded_bytes_ + garbage_kept_max) collect_all(state);
    has_moved_stack_ = false;
    // No slot shows the collector what an earlier run has left in it.
    lua_pushcfunction(state, [](lua_State* shown) {
        lua_settop(shown, 0);
        const int slots = inside(shown).meter.free_slots();
        if (lua_checkstack(shown, slots) != 0) lua_settop(shown, slots);
        return 0;
    });
    lua_call(state, 0, 0);
}

int Meter::free_slots() const {
    constexpr std::size_t slot_bytes = 16;
    constexpr int kept_by_lua = 5;
    constexpr int in_use = 3;
    return static_cast<int>(stack_bytes_ / slot_bytes) - kept_by_lua - in_use;
}

void Meter::begin(lua_State* state) {
    clear(state);
    ending_ = refusal_ = Ending::none;
    may_ask_again_ = false;
    where_ = {};
    left_ = static_cast<std::int64_t>(limits_.fuel_max * units_of_a_turn);
    look_at_ = std::max<std::int64_t>(0, left_ - units_between_looks);
    left_at_collection_ = left_;
    is_watchful_ = false;
    interval_ = usual_interval;
    base_weight_ = weight_;  // with what a run before has left: it goes at the first collection
    live_short_texts_ = 0;
    peak_ = 0;
    bytes_peak_ = bytes_;
    began_ = clock_time(CLOCK_MONOTONIC);
    began_processor_ = clock_time(CLOCK_THREAD_CPUTIME_ID);
    counts_ = true;
    lua_sethook(state, tick, hooks(), interval_);
}

void Meter::rest(lua_State* state) {
    counts_ = false;
    lua_sethook(state, nullptr, 0, 0);
}

std::uint64_t Meter::fuel_used() const {
    const auto all = static_cast<std::int64_t>(limits_.fuel_max * units_of_a_turn);
    return static_cast<std::uint64_t>(all - (left_ < 0 ? 0 : left_)) / units_of_a_turn;
}

int Meter::hooks() const {
    return LUA_MASKCOUNT | (lines_ == nullptr ? 0 : LUA_MASKLINE);
}

void Meter::note_line(lua_State* state, lua_Debug* at) {
    lua_getinfo(state, "S", at);
    (*lines_)[at->source + 1].insert(at->currentline);
}

void Meter::tick(lua_State* state, lua_Debug* at) {
    auto& meter = inside(state).meter;
    if (meter.ending_ != Ending::none) jump(state);
    if (at->event == LUA_HOOKLINE) return meter.note_line(state, at);
    meter.left_ -= static_cast<std::int64_t>(units_of_a_turn) * meter.interval_;
    if (meter.is_watchful_ || meter.left_ < meter.look_at_) meter.look(state);
    const auto due = std::max<std::size_t>(units_between_collections, meter.held() / 2);
    if (meter.left_at_collection_ - meter.left_ > static_cast<std::int64_t>(due)) meter.collect(state);
}

void Meter::look(lua_State* state) {
    if (ending_ != Ending::none) jump(state);
    if (left_ < 0) end(state, Ending::fuel);
    look_at_ = std::max<std::int64_t>(0, left_ - units_between_looks);
    if (is_late()) end(state, Ending::deadline);
}

/// The clock that costs less is asked first.
bool Meter::is_late() const {
    return clock_time(CLOCK_MONOTONIC) - began_ >= limits_.deadline &&
           clock_time(CLOCK_THREAD_CPUTIME_ID) - began_processor_ > limits_.deadline;
}

void Meter::note_late() {
    if (!is_late()) return;
    ending_ = Ending::deadline;
    where_ = {};
}

void Meter::collect(lua_State* state) {
    lua_gc(state, LUA_GCCOLLECT);
    settle();
    if (held() > limits_.memory_bytes_max) end(state, Ending::memory);
}

/// What is thrown nobody sees, so it is made of nothing that could be refused.
void Meter::jump(lua_State* state) {
    lua_sethook(state, tick, LUA_MASKCOUNT, 1);
    lua_pushboolean(state, 0);
    lua_error(state);
    std::abort();
}

void Meter::end(lua_State* state, Ending ending) {
    if (ending_ == Ending::none) {
        ending_ = ending;
        where_ = place_of(state);
    }
    jump(state);
}

void Meter::note(Ending refused) {
    ending_ = refused == Ending::none ? Ending::memory : refused;
}

void Meter::pass_on(lua_State* state, int status) {
    if (status == LUA_ERRMEM && ending_ == Ending::none) note(refusal_);
    if (ending_ != Ending::none) jump(state);
}

}  // namespace rules
