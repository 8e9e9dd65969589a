#pragma once
/// The description of the API, embedded from schema/openapi when the build is configured.

#include <string_view>

namespace engine::http {

/// OpenAPI 3.1 as JSON.
std::string_view openapi_document();

}  // namespace engine::http
