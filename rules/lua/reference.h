#pragma once
/// The reference page of what scripts can call, made from schema/signalbox.d.lua.

#include <string>

namespace rules {

/// docs/reference/lua.md.
std::string api_reference();

}  // namespace rules
