#include "engine/app/input_files.h"

#include <CLI/CLI.hpp>

#include "engine/app/support.h"
#include "engine/base/diagnostic.h"
#include "engine/base/yaml.h"

namespace engine::app {

Result<Json> read_json(const std::string& path) {
    const auto text = read_input(path, event_bytes_max);
    if (!text) return text.error();
    auto json = parse_json(*text, {event_bytes_max, 64});
    if (!json) return Error{json.error().code, path + ": " + json.error().message};
    return json;
}

Result<Json> read_lookups(const std::string& path) {
    if (path.empty()) return Json::object();
    const auto text = read_input(path, event_bytes_max);
    if (!text) return text.error();
    Diagnostics diagnostics;
    auto lookups = to_json(parse_yaml(*text, path, diagnostics));
    if (diagnostics.has_errors()) return invalid(to_text(diagnostics.sorted().front()));
    const auto good = GivenAnswers::read(lookups);
    return good ? Result<Json>(std::move(lookups)) : invalid(path + ": " + good.error().message);
}

void add_supposition(CLI::App& command, Supposition& supposed, const std::string& help_of_at) {
    command.add_option("--entity", supposed.entity,
                       "File with what was known before: {\"ticket\": {…}, \"contact\": {…}}");
    command.add_option("--lookups", supposed.lookups,
                       "File with what scripts find when they look something up, as in test cases");
    command.add_option("--at", supposed.at, help_of_at);
}

Result<Instant> clock_of(const Supposition& supposed) {
    if (supposed.at.empty()) return SystemClock().now();
    const auto at = parse_instant(supposed.at);
    return at ? at : invalid("--at: " + at.error().message);
}

Result<Json> read_dry_run(const std::string& event, const Supposition& supposed) {
    auto read = read_json(event);
    if (!read) return read.error();
    Json request{{"event", *std::move(read)}};
    if (!supposed.entity.empty()) {
        auto known = read_json(supposed.entity);
        if (!known) return known.error();
        request["entity"] = *std::move(known);
    }
    auto found = read_lookups(supposed.lookups);
    if (!found) return found.error();
    request["lookups"] = *std::move(found);
    return request;
}

Result<std::shared_ptr<AnswerSource>> given_answers(const Json& lookups, const Tenant& tenant) {
    auto answers = GivenAnswers::read(lookups);
    if (!answers) return answers.error();
    if (auto known = answers->check(tenant); !known) return known.error();
    return std::shared_ptr<AnswerSource>(std::make_shared<GivenAnswers>(*std::move(answers)));
}

}  // namespace engine::app
