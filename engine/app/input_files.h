#pragma once
/// Files that commands read beside a tenant's folder: events, entities, and what look-ups find.

#include <memory>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/answers.h"

namespace CLI {
class App;
}

namespace engine::app {

inline constexpr std::size_t event_bytes_max = 8 * 1024 * 1024;

/// One JSON value; `-` is standard input. Fails naming the file.
Result<Json> read_json(const std::string& path);
/// What scripts are told when they look something up, as in the cases of tests; empty path = nothing.
Result<Json> read_lookups(const std::string& path);
/// What an event meets that is only tried out, as options say; empty = nothing, and now.
struct Supposition {
    std::string entity;   ///< file
    std::string lookups;  ///< file
    std::string at;       ///< RFC 3339
};
void add_supposition(CLI::App& command, Supposition& supposed, const std::string& help_of_at);
/// The request of a dry run of the event in that file.
Result<Json> read_dry_run(const std::string& event, const Supposition& supposed);
/// Fails with invalid_input, naming the option.
Result<Instant> clock_of(const Supposition& supposed);
Result<std::shared_ptr<AnswerSource>> given_answers(const Json& lookups, const Tenant& tenant);

}  // namespace engine::app
