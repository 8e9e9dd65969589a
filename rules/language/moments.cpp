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

/// A template, or a constant that `is_good`.
template <class IsGood>
std::optional<Template> read_constant(const YamlNode& node, const std::string& what, RuleContext& context,
                                      IsGood is_good, const std::string& remedy) {
    auto written = read_template(node, what, context);
    if (!written || !written->is_constant() || is_good(node.text)) return written;
    context.problems.error("bad-value", node.place, in_quotes(node.text) + " is no " + remedy);
    return std::nullopt;
}

std::optional<Template> read_span_text(const YamlNode& node, const std::string& what, RuleContext& context) {
    const auto is_span = [](const std::string& text) { return bool(engine::parse_duration(text)); };
    return read_constant(node, what, context, is_span, "span of time for " + what + ": write 30m, 4h or 2d");
}

std::optional<Template> read_time_text(const YamlNode& node, const std::string& what, RuleContext& context) {
    const auto is_time = [](const std::string& text) { return bool(engine::parse_instant(text)); };
    return read_constant(node, what, context, is_time,
                         "time for " + what + ": write 2026-05-04T08:00:00Z or a template");
}

}  // namespace

std::shared_ptr<const Calendar> read_calendar_name(const YamlNode& node, const std::string& what,
                                                   RuleContext& context) {
    return read_calendar_name(node, what, context.calendars, context.problems);
}

std::shared_ptr<const Calendar> read_calendar_name(const YamlNode& node, const std::string& what,
                                                   const Calendars& calendars, Problems& problems) {
    const auto name = read_text(node, what, problems);
    if (!name) return nullptr;
    const auto found = calendars.find(*name);
    if (found != calendars.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, calendar] : calendars) names.push_back(known);
    problems.error("dangling-calendar", node.place,
                   "calendars.yaml has no calendar " + in_quotes(*name) +
                       (names.empty() ? ", or there is no such file" : problems.hint(*name, names)));
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
