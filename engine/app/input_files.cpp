#include "engine/app/input_files.h"

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

Result<Json> read_dry_run(const std::string& event, const std::string& entity, const std::string& lookups) {
    auto read = read_json(event);
    if (!read) return read.error();
    Json request{{"event", *std::move(read)}};
    if (!entity.empty()) {
        auto known = read_json(entity);
        if (!known) return known.error();
        request["entity"] = *std::move(known);
    }
    auto found = read_lookups(lookups);
    if (!found) return found.error();
    request["lookups"] = *std::move(found);
    return request;
}

Result<std::shared_ptr<AnswerSource>> given_answers(const Json& lookups) {
    auto answers = GivenAnswers::read(lookups);
    if (!answers) return answers.error();
    return std::shared_ptr<AnswerSource>(std::make_shared<GivenAnswers>(*std::move(answers)));
}

}  // namespace engine::app
