#pragma once
/// Scripts for tests: a set of one file or several, and runs of it.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "rules/lua/sandbox.h"
#include "tests/support/catch.h"

namespace lua_testing {

using engine::Json;
using rules::Sandbox;
using rules::ScriptCall;
using rules::ScriptLimits;
using rules::ScriptOutcome;
using rules::ScriptSet;

inline const engine::Instant noon = engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z

inline std::shared_ptr<ScriptSet> set_of(std::vector<rules::ScriptFile> files, ScriptLimits limits = {}) {
    auto set = std::make_shared<ScriptSet>();
    set->tenant = "acme";
    set->version = "1";
    set->files = std::move(files);
    set->limits = limits;
    return set;
}

/// A file that is the function itself.
inline std::shared_ptr<ScriptSet> body(std::string source, ScriptLimits limits = {}) {
    return set_of({{"scripts/a.lua", std::move(source), true}}, limits);
}

inline std::unique_ptr<Sandbox> opened(std::shared_ptr<const ScriptSet> set) {
    auto opened = Sandbox::open(std::move(set));
    for (const auto& problem : opened.diagnostics) UNSCOPED_INFO(engine::to_text(problem));
    REQUIRE(opened.sandbox);
    return std::move(opened.sandbox);
}

inline ScriptCall call_of(std::string file, std::string function = "") {
    ScriptCall call;
    call.file = std::move(file);
    call.function = std::move(function);
    call.now = noon;
    call.seed = "seed";
    call.context = {
        {"kind", "ticket"},
        {"event", {{"type", "ticket.updated"}, {"id", "e1"}}},
        {"ticket", {{"id", "17"}, {"subject", "Refund"}, {"tags", {"vip"}}, {"custom", {{"seats", 3}}}}},
        {"contact", {{"name", "Ada"}, {"tier", nullptr}}},
        {"changes", Json::array({{{"field", "ticket.subject"}, {"to", "Refund"}}})}};
    return call;
}

inline ScriptOutcome run_body(const std::string& source, ScriptLimits limits = {}) {
    return opened(body(source, limits))->run(call_of("scripts/a.lua"));
}

/// All of an outcome but its costs.
inline std::string told(const ScriptOutcome& outcome) {
    auto text = outcome.result.dump(-1, ' ', false, Json::error_handler_t::replace) + outcome.effects.dump();
    for (const auto& line : outcome.log) text += "\nlog " + line;
    if (outcome.need) text += "\nneed " + outcome.need->key;
    if (outcome.failure) {
        text += "\nfailed " + outcome.failure->message + " [" + outcome.failure->limit + "] " +
                outcome.failure->place.file + ":" + std::to_string(outcome.failure->place.line);
        for (const auto& line : outcome.failure->traceback) text += "\n  " + line;
    }
    return text;
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace lua_testing
