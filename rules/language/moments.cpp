#include "rules/language/moments.h"

#include <vector>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/reading.h"
#include "rules/language/values.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

std::optional<Template> read_span_text(const YamlNode& node, const std::string& what, RuleContext& context) {
    auto span = read_template(node, what, context);
    if (!span || !span->is_constant() || engine::parse_duration(node.text)) return span;
    context.problems.error(
        "bad-value", node.place,
        in_quotes(node.text) + " is no span of time for " + what + ": write 30m, 4h or 2d");
    return std::nullopt;
}

std::optional<Template> read_time_text(const YamlNode& node, const std::string& what, RuleContext& context) {
    auto time = read_template(node, what, context);
    if (!time || !time->is_constant() || engine::parse_instant(node.text)) return time;
    context.problems.error(
        "bad-value", node.place,
        in_quotes(node.text) + " is no time for " + what + ": write 2026-05-04T08:00:00Z or a template");
    return std::nullopt;
}

}  // namespace

std::shared_ptr<const Calendar> read_calendar_name(const YamlNode& node, const std::string& what,
                                                   RuleContext& context) {
    const auto name = read_text(node, what, context.problems);
    if (!name) return nullptr;
    const auto found = context.calendars.find(*name);
    if (found != context.calendars.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, calendar] : context.calendars) names.push_back(known);
    context.problems.error(
        "dangling-calendar", node.place,
        "calendars.yaml has no calendar " + in_quotes(*name) +
            (names.empty() ? ", or there is no such file" : context.problems.hint(*name, names)));
    return nullptr;
}

std::optional<Moment> read_moment(const YamlNode& map, const std::string& what, const MomentKeys& keys,
                                  RuleContext& context) {
    const auto* after = map.find(keys.after);
    const auto* at = map.find(keys.at);
    if ((after == nullptr) == (at == nullptr)) {
        context.problems.error(after == nullptr ? "missing-key" : "bad-value", map.place,
                               what + " takes " + in_quotes(keys.after) + " with a span, or " +
                                   in_quotes(keys.at) + " with a time");
        return std::nullopt;
    }
    Moment moment;
    if (after != nullptr) moment.after = read_span_text(*after, what, context);
    if (at != nullptr) moment.at = read_time_text(*at, what, context);
    bool good = moment.after || moment.at;
    if (const auto* calendar = map.find("calendar")) {
        moment.calendar = read_calendar_name(*calendar, "calendar", context);
        moment.calendar_name = calendar->text;
        good = good && moment.calendar;
    }
    if (!good) return std::nullopt;
    return moment;
}

std::optional<Moment> read_span(const YamlNode& node, const std::string& what, RuleContext& context) {
    Moment moment;
    moment.after = read_span_text(node, what, context);
    if (!moment.after) return std::nullopt;
    return moment;
}

}  // namespace rules
