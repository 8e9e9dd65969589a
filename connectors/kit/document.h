#pragma once
/// Writes the docs that are made from definitions, so that they cannot differ from what runs.

#include <string>

#include "connectors/kit/connector.h"

namespace connectors {

/// `docs/connectors/<name>.md` of one connector, in Markdown.
std::string page_of(const Connector& connector);
/// `docs/connectors/README.md`: what the connectors are.
std::string overview_of(const Registry& registry);
/// `docs/reference/connector-definition.md`: the format, its language and its diagnostics.
std::string definition_reference();

}  // namespace connectors
