#include "engine/model/entity.h"

#include <algorithm>

namespace engine {
namespace {

Json time_json(const std::optional<Instant>& time) {
    return time ? Json(microseconds_of(*time)) : Json(nullptr);
}

std::optional<Instant> time_of(const Json& json) {
    if (!json.is_number_integer()) return std::nullopt;
    return instant_of(json.get<std::int64_t>());
}

std::optional<Instant> instant_in(const Json& json, const char* name) {
    const auto read = parse_instant(text_or(json, name, ""));
    return read ? std::optional(*read) : std::nullopt;
}

}  // namespace

std::optional<Instant> watched_until(const Entity& entity) {
    const auto rates = instant_in(entity.rates, "until");
    if (entity.routing.empty()) return rates;
    // What is escalated, or somebody's work, is looked at for as long as it is.
    const auto place = entity.routing.find("place");
    const bool is_only_placed = place != entity.routing.end() && entity.routing.size() == 1;
    const auto placed = is_only_placed ? instant_in(*place, "until") : std::nullopt;
    if (!placed) return Instant::max();
    return std::max(*placed, rates.value_or(*placed));
}

Json meta_to_json(const Entity& entity) {
    Json meta = Json::object();
    if (entity.deleted) meta["deleted"] = true;
    if (entity.times.base) meta["base"] = microseconds_of(*entity.times.base);
    if (!entity.times.others.empty()) {
        auto& times = meta["times"] = Json::object();
        for (const auto& [field, time] : entity.times.others) times[field] = time_json(time);
    }
    if (!entity.sla.empty()) meta["sla"] = entity.sla;
    if (!entity.scores.empty()) meta["scores"] = entity.scores;
    if (!entity.routing.empty()) meta["routing"] = entity.routing;
    if (!entity.rates.empty()) meta["rates"] = entity.rates;
    if (!entity.awaited.empty()) meta["awaited"] = entity.awaited;
    if (!entity.own_writes.empty()) {
        auto& writes = meta["own"] = Json::object();
        for (const auto& [field, write] : entity.own_writes)
            writes[field] = Json{{"before", write.before}, {"delivery", write.delivery.text()}};
    }
    return meta;
}

Result<void> meta_from_json(Entity& entity, const Json& meta) {
    if (!meta.is_object())
        return Error{Code::corrupt, "entity " + entity.subject.text() + ": meta is no object"};
    entity.deleted = meta.contains("deleted");
    entity.times = {};
    entity.own_writes.clear();
    entity.sla = Json::object();
    if (const auto sla = meta.find("sla"); sla != meta.end() && sla->is_object()) entity.sla = *sla;
    entity.scores = Json::object();
    if (const auto scores = meta.find("scores"); scores != meta.end() && scores->is_object())
        entity.scores = *scores;
    entity.routing = Json::object();
    if (const auto routing = meta.find("routing"); routing != meta.end() && routing->is_object())
        entity.routing = *routing;
    entity.rates = Json::object();
    if (const auto rates = meta.find("rates"); rates != meta.end() && rates->is_object())
        entity.rates = *rates;
    entity.awaited = Json::array();
    if (const auto awaited = meta.find("awaited"); awaited != meta.end() && awaited->is_array())
        entity.awaited = *awaited;
    if (const auto base = meta.find("base"); base != meta.end()) entity.times.base = time_of(*base);
    if (const auto times = meta.find("times"); times != meta.end() && times->is_object())
        for (const auto& [field, time] : times->items()) entity.times.others[field] = time_of(time);
    if (const auto writes = meta.find("own"); writes != meta.end() && writes->is_object())
        for (const auto& [field, write] : writes->items()) {
            const auto before = write.find("before");
            if (before == write.end() || !before->is_array())
                return Error{Code::corrupt,
                             "entity " + entity.subject.text() + ": own write without its values"};
            entity.own_writes[field] = {*before, DeliveryKey(text_or(write, "delivery", ""))};
        }
    return {};
}

}  // namespace engine
