#pragma once
/// Instants from text, where a test would otherwise have to unwrap one.

#include <stdexcept>
#include <string>

#include "engine/base/time.h"

namespace engine::test {

inline Instant at(const std::string& text) {
    const auto instant = parse_instant(text);
    if (!instant) throw std::invalid_argument(text);
    return *instant;
}

}  // namespace engine::test
