#include "rules/language/schedules.h"

#include "engine/base/text.h"
#include "rules/calendar/schedule.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

std::optional<Zone> read_zone(const YamlNode& map, Problems& problems) {
    const auto* node = map.find("zone");
    if (node == nullptr) {
        problems.error("missing-key", map.place, "a cron schedule has no zone such as Europe/Berlin");
        return std::nullopt;
    }
    const auto name = read_text(*node, "zone", problems);
    if (!name) return std::nullopt;
    auto zone = Zone::named(*name);
    if (zone) return *std::move(zone);
    problems.error("unknown-zone", node->place, zone.error().message);
    return std::nullopt;
}

std::shared_ptr<const Schedule> read_cron(const YamlNode& map, const YamlNode& node, Problems& problems) {
    const auto text = read_text(node, "cron", problems);
    auto zone = read_zone(map, problems);
    if (!text || !zone) return nullptr;
    auto schedule = Schedule::cron(*text, *std::move(zone));
    if (!schedule) {
        problems.error("bad-value", node.place, "cron: " + schedule.error().message);
        return nullptr;
    }
    if (!schedule->next(engine::Instant())) {
        problems.error("bad-value", node.place, in_quotes(*text) + " never comes: no month has such a day");
        return nullptr;
    }
    return std::make_shared<const Schedule>(*std::move(schedule));
}

std::shared_ptr<const Schedule> read_every(const YamlNode& map, const YamlNode& node, Problems& problems) {
    if (const auto* zone = map.find("zone"))
        problems.error("unknown-key", zone->place, "every so often is the same in all zones: leave zone out");
    const auto text = read_text(node, "every", problems);
    if (!text) return nullptr;
    const auto span = engine::parse_duration(*text);
    if (!span || *span < Schedule::every_min || *span > timer_span_max) {
        problems.error("bad-value", node.place,
                       in_quotes(*text) + " is no span of at least a minute: write 15m, 4h or 1d");
        return nullptr;
    }
    return std::make_shared<const Schedule>(Schedule::every(*span));
}

void read_swept_kind(const YamlNode& node, const Catalogue& catalogue, Rule& rule, Problems& problems) {
    const auto kind = read_text(node, "for", problems);
    if (!kind) return;
    if (catalogue.is_entity(*kind) && *kind != on_schedule)
        rule.sweeps = *kind;
    else
        problems.error(
            "unknown-kind", node.place,
            "there is no kind of entity " + in_quotes(*kind) + problems.hint(*kind, catalogue.kinds()));
}

}  // namespace

std::string schedule_type(const std::string& rule_id) {
    return std::string(on_schedule) + "." + rule_id;
}

std::optional<engine::Instant> next_time(const Rule& rule, engine::Instant after) {
    return rule.schedule ? rule.schedule->next(after) : std::nullopt;
}

void read_schedule(const YamlNode& node, const Catalogue& catalogue, Rule& rule, Problems& problems) {
    if (!expect_map(node, "schedule", problems)) return;
    check_keys(node, {"cron", "every", "zone", "for"}, "schedule", problems);
    const auto* cron = node.find("cron");
    const auto* every = node.find("every");
    if ((cron == nullptr) == (every == nullptr))
        problems.error(cron == nullptr ? "missing-key" : "bad-value", node.place,
                       "a schedule has cron with its five fields, or every with a span");
    else if (cron != nullptr)
        rule.schedule = read_cron(node, *cron, problems);
    else
        rule.schedule = read_every(node, *every, problems);
    if (const auto* kind = node.find("for")) read_swept_kind(*kind, catalogue, rule, problems);
}

}  // namespace rules
