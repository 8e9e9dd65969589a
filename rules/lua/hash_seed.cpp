#include "rules/lua/hash_seed.h"

#include <atomic>
#include <cstddef>
#include <lua.hpp>

#include "engine/base/ensure.h"

namespace {

constexpr unsigned int seed = 0x5167'7A1B;
std::atomic<bool> was_asked{false};

}  // namespace

/// Lua's own function is called by this name from outside its own file only in lua_newstate, for the seed
/// (lstate.c of Lua 5.4, `luai_makeseed`); texts are hashed by the real one.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's word
extern "C" unsigned int __wrap_luaS_hash(const char* /*text*/, std::size_t /*size*/, unsigned int /*clock*/) {
    was_asked.store(true, std::memory_order_relaxed);
    return seed;
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's word
extern "C" unsigned int __real_luaS_hash(const char* text, std::size_t size, unsigned int seed);

namespace rules {

unsigned int hash_of(std::string_view text) {
    return __real_luaS_hash(text.data(), text.size(), seed);
}

bool has_own_hash_seed() {
    static const bool has = [] {
        auto* const state = luaL_newstate();
        ENSURE(state != nullptr);
        lua_close(state);
        return was_asked.load(std::memory_order_relaxed);
    }();
    return has;
}

}  // namespace rules
