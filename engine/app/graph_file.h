#pragma once
/// Writes a Graphviz graph to a file, as it is or drawn by `dot`.

#include <string>

#include "engine/base/result.h"

namespace engine::app {

/// `path` ends with .dot or .svg, else invalid_input. Fails with unavailable when the file cannot be written,
/// or when an SVG is wanted and there is no `dot`, or it fails.
Result<void> write_graph(const std::string& path, const std::string& graph);

}  // namespace engine::app
