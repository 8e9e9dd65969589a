#pragma once
/// Files that commands read beside a tenant's folder: events, entities, and what look-ups find.

#include <memory>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/pipeline/answers.h"

namespace engine::app {

inline constexpr std::size_t event_bytes_max = 8 * 1024 * 1024;

/// One JSON value; `-` is standard input. Fails naming the file.
Result<Json> read_json(const std::string& path);
/// What scripts are told when they look something up, as in the cases of tests; empty path = nothing.
Result<Json> read_lookups(const std::string& path);
/// The request of a dry run from files with an event, what was known before and what look-ups find; empty
/// paths but the first = nothing.
Result<Json> read_dry_run(const std::string& event, const std::string& entity, const std::string& lookups);
Result<std::shared_ptr<AnswerSource>> given_answers(const Json& lookups);

}  // namespace engine::app
