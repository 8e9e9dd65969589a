#pragma once
/// The definitions that are built into the program, generated when the build is configured.

#include <string_view>
#include <vector>

namespace connectors {

struct EmbeddedDefinition {
    std::string_view name;
    std::string_view text;
};
const std::vector<EmbeddedDefinition>& embedded_definitions();

}  // namespace connectors
