#pragma once
/// JSON documents written as nobody would, but as everybody may.

#include <string>

#include "engine/base/json.h"
#include "tests/support/random.h"

namespace rules::testing {

/// The value, or one near it: numbers in other spellings, texts with escapes, white space, members that
/// nobody asks for, names that come twice.
std::string spelled(const engine::Json& value, testing_random::Random& random);

}  // namespace rules::testing
