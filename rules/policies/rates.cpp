#include "rules/policies/rates.h"

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "rules/evaluator/condition.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

using engine::Instant;
using engine::Json;

/// Longer texts are counted by their digest: an entity keeps its key once for each event.
constexpr std::size_t key_bytes_max = 256;

using RatesById = std::map<std::string, Rate>;

std::vector<std::string> types_of(const Comparison& comparison) {
    std::vector<std::string> types;
    if (const auto* on = engine::find(comparison.operand, "on"); on != nullptr && on->is_array())
        for (const auto& type : *on)
            if (type.is_string()) types.push_back(type.get<std::string>());
    return types;
}

void merge_rate(RatesById& rates, const Rate& rate) {
    auto& known = rates.try_emplace(rate.id, rate).first->second;
    known.within_max = std::max(known.within_max, rate.within_max);
    known.needed_max = std::max(known.needed_max, rate.needed_max);
}

void collect_rates(const Condition& condition, RatesById& rates) {
    for (const auto& child : condition.children) collect_rates(child, rates);
    const auto& comparison = condition.comparison;
    if (condition.kind != Condition::Kind::comparison || comparison.op != Operator::count_over) return;
    auto types = types_of(comparison);
    std::sort(types.begin(), types.end());
    merge_rate(rates,
               {comparison.rate, comparison.field, std::move(types), comparison.span, comparison.needed});
}

void collect_rates(const std::vector<Step>& steps, RatesById& rates) {
    for (const auto& step : steps) {
        if (const auto* wait = std::get_if<WaitForStep>(&step.what)) collect_rates(wait->otherwise, rates);
        if (const auto* choice = std::get_if<IfStep>(&step.what)) {
            collect_rates(choice->condition, rates);
            collect_rates(choice->then, rates);
            collect_rates(choice->otherwise, rates);
        }
    }
}

std::vector<Rate> listed_rates(RatesById rates) {
    std::vector<Rate> list;
    for (auto& [id, rate] : rates) list.push_back(std::move(rate));
    return list;
}

bool is_counted(const Rate& rate, std::string_view event_type) {
    return any_type_fits(rate.on, event_type);
}

std::optional<Instant> instant_in(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    const auto read = engine::parse_instant(value.get_ref<const std::string&>());
    return read ? std::optional(*read) : std::nullopt;
}

}  // namespace

std::string rate_id(const FieldPath& field, std::vector<std::string> on) {
    std::sort(on.begin(), on.end());
    return field.text + " on " + engine::join(on, " ");
}

std::vector<Rate> rates_of(const std::vector<Rule>& rules) {
    RatesById rates;
    for (const auto& rule : rules) {
        collect_rates(rule.when, rates);
        collect_rates(rule.then, rates);
    }
    return listed_rates(std::move(rates));
}

bool listens_to(const std::vector<Rate>& rates, std::string_view kind, std::string_view event_type) {
    return std::any_of(rates.begin(), rates.end(), [&](const Rate& rate) {
        return rate.field.root == kind && is_counted(rate, event_type);
    });
}

Json rate_key(const Json* value) {
    if (value == nullptr || value->is_structured()) return Json();
    const auto* text = value->get_ptr<const Json::string_t*>();
    if (text == nullptr || text->size() <= key_bytes_max) return *value;
    return "sha256:" + engine::to_hex(engine::bytes_of(engine::sha256(*text)));
}

RatedEvents rated_events_from(const Json& state) {
    RatedEvents counted;
    const auto* rates = engine::find(state, "counted");
    if (rates == nullptr || !rates->is_object()) return counted;
    for (const auto& [rate, events] : rates->items()) {
        if (!events.is_array()) continue;
        auto& kept = counted[rate];
        for (const auto& event : events) {
            const auto* key = engine::find(event, "key");
            const auto* at = engine::find(event, "at");
            if (key == nullptr || at == nullptr) continue;
            if (const auto instant = instant_in(*at)) kept.push_back({*key, *instant});
        }
    }
    return counted;
}

Json to_json(const CountedElsewhere& counted) {
    Json json;
    for (const auto& [rate, instants] : counted) {
        if (instants.empty()) continue;
        auto& list = json[rate] = Json::array();
        for (const auto& instant : instants) list.push_back(engine::to_text(instant));
    }
    return json;
}

std::vector<Instant> counted_in(const Json& json, const std::string& rate) {
    std::vector<Instant> instants;
    if (!json.is_object()) return instants;
    const auto list = json.find(rate);
    if (list == json.end() || !list->is_array()) return instants;
    for (const auto& one : *list)
        if (const auto instant = instant_in(one)) instants.push_back(*instant);
    return instants;
}

std::vector<Rate> rates_for(std::string_view kind, const RuleSet& active, const RuleSet* began_under) {
    RatesById rates;
    for (const auto* rule_set : {&active, began_under}) {
        if (rule_set == nullptr) continue;
        for (const auto& rate : rule_set->rates)
            if (rate.field.root == kind) merge_rate(rates, rate);
    }
    return listed_rates(std::move(rates));
}

std::vector<RateQuestion> rate_questions(const std::vector<Rate>& rates, const Json& document, Instant at) {
    std::vector<RateQuestion> questions;
    for (const auto& rate : rates) {
        auto key = rate_key(find_below(document, rate.field.keys));
        if (key.is_null()) continue;
        questions.push_back({rate.id, std::move(key), at - rate.within_max, at, rate.needed_max});
    }
    return questions;
}

RateCounts::RateCounts(std::vector<Rate> rates, const Json& document, Instant at, const Json& state,
                       CountedElsewhere elsewhere)
    : rates_(std::move(rates)),
      at_(at),
      counted_(rated_events_from(state)),
      elsewhere_(std::move(elsewhere)) {
    for (auto& question : rate_questions(rates_, document, at))
        keys_[question.rate] = std::move(question.key);
}

void RateCounts::count_event(std::string_view event_type) {
    for (const auto& rate : rates_) {
        const auto key = keys_.find(rate.id);
        if (key == keys_.end() || !is_counted(rate, event_type)) continue;
        auto& events = counted_[rate.id];
        const auto place =
            std::find_if(events.begin(), events.end(), [&](const RatedEvent& one) { return one.at <= at_; });
        events.insert(place, {key->second, at_});
    }
    // What nobody asks for any more goes as a whole.
    RatedEvents kept;
    for (const auto& rate : rates_) {
        const auto events = counted_.find(rate.id);
        if (events == counted_.end()) continue;
        trim(rate, events->second);
        if (!events->second.empty()) kept.insert(counted_.extract(events));
    }
    counted_ = std::move(kept);
}

/// Newest first, so what goes is at the end.
void RateCounts::trim(const Rate& rate, std::vector<RatedEvent>& events) const {
    std::map<Json, std::size_t> by_key;
    std::erase_if(events, [&](const RatedEvent& event) {
        return event.at <= at_ - rate.within_max || ++by_key[event.key] > rate.needed_max;
    });
    if (events.size() > rated_events_max) events.resize(rated_events_max);
}

Json RateCounts::key_of(const FieldPath& field) const {
    for (const auto& rate : rates_)
        if (const auto key = keys_.find(rate.id); key != keys_.end() && rate.field.text == field.text)
            return key->second;
    return Json();
}

std::size_t RateCounts::count(const Comparison& comparison) const {
    const auto rate = std::find_if(rates_.begin(), rates_.end(),
                                   [&](const Rate& one) { return one.id == comparison.rate; });
    const auto key = keys_.find(comparison.rate);
    if (rate == rates_.end() || key == keys_.end()) return 0;
    const auto is_in_time = [&](Instant at) { return at > at_ - comparison.span && at <= at_; };
    std::ptrdiff_t found = 0;
    if (const auto own = counted_.find(rate->id); own != counted_.end())
        found += std::count_if(own->second.begin(), own->second.end(), [&](const RatedEvent& event) {
            return event.key == key->second && is_in_time(event.at);
        });
    if (const auto others = elsewhere_.find(rate->id); others != elsewhere_.end())
        found += std::count_if(others->second.begin(), others->second.end(), is_in_time);
    return std::min(static_cast<std::size_t>(found), rate->needed_max);
}

Json RateCounts::state() const {
    Json state = Json::object();
    std::optional<Instant> until;
    for (const auto& rate : rates_) {
        const auto events = counted_.find(rate.id);
        if (events == counted_.end() || events->second.empty()) continue;
        auto& list = state["counted"][rate.id] = Json::array();
        for (const auto& event : events->second)
            list.push_back({{"key", event.key}, {"at", engine::to_text(event.at)}});
        const auto last = events->second.front().at + rate.within_max;
        if (!until || last > *until) until = last;
    }
    if (until) state["until"] = engine::to_text(*until);
    return state;
}

}  // namespace rules
