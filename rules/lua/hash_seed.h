#pragma once
/// The seed of the hashes of texts, which decides where they stand in a table and so when it grows, and by
/// that what `#` says of one with holes. Lua makes it from the clock and from addresses; ours is the same
/// everywhere, so that a run does the same in every process (docs/decisions/0051-one-seed-of-hashes.md).

#include <string_view>

namespace rules {

/// Of a text that Lua keeps once, in its table of texts: of those of 40 bytes at most.
unsigned int hash_of(std::string_view text);

/// Whether the states of this program get that seed. False when it was linked without `--wrap=luaS_hash`.
bool has_own_hash_seed();

}  // namespace rules
