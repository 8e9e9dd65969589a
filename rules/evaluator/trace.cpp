#include "rules/evaluator/trace.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/ensure.h"

namespace rules {

using engine::Json;

void Trace::begin_pass(std::string_view event_type) {
    if (!on_) return;
    passes_.push_back({{"event_type", std::string(event_type)}, {"rules", Json::array()}});
    rules_of_pass_.clear();
}

void Trace::add(std::size_t rule, std::string_view status, const Scope& scope) {
    if (!on_) return;
    auto added = entry(rule_set_.rules[rule], status);
    added["when"] = explain(rule_set_.rules[rule].when, scope);
    passes_.back()["rules"].push_back(std::move(added));
    rules_of_pass_.push_back(rule);
}

void Trace::amend(std::size_t rule, std::string_view status, std::string_view error) {
    if (!on_) return;
    const auto added = std::find(rules_of_pass_.begin(), rules_of_pass_.end(), rule);
    ENSURE(added != rules_of_pass_.end());
    auto& amended = passes_.back()["rules"][static_cast<std::size_t>(added - rules_of_pass_.begin())];
    amended["status"] = std::string(status);
    if (!error.empty()) amended["error"] = std::string(error);
}

void Trace::resumed(std::string_view event_type, const Rule& rule, std::string_view status,
                    std::string_view error) {
    if (!on_) return;
    begin_pass(event_type);
    auto added = entry(rule, status);
    added["resumed"] = true;
    if (!error.empty()) added["error"] = std::string(error);
    passes_.back()["rules"].push_back(std::move(added));
}

void Trace::dropped(std::string_view event_type, const Rule& rule, const Scope& scope) {
    if (!on_) return;
    begin_pass(event_type);
    auto added = entry(rule, engine::skip_reason::conditions_changed);
    added["resumed"] = true;
    added["when"] = explain(rule.when, scope);
    passes_.back()["rules"].push_back(std::move(added));
}

void Trace::scored(const std::vector<std::pair<const Score*, Scored>>& scores) {
    if (!on_) return;
    for (const auto& [score, scored] : scores) {
        Json one{{"id", score->id}, {"points", json_of(scored.points)}, {"parts", scored.parts}};
        if (scored.band != nullptr) one["band"] = scored.band->id;
        scoring_.push_back(std::move(one));
    }
}

Json Trace::take() {
    if (!on_) return Json();
    Json trace{{"passes", std::move(passes_)}};
    if (!tagging_.is_null()) trace["tagging"] = std::move(tagging_);
    if (!scoring_.empty()) trace["scoring"] = std::move(scoring_);
    return trace;
}

Json Trace::entry(const Rule& rule, std::string_view status) const {
    return {{"id", rule.id},
            {"status", std::string(status)},
            {"when", nullptr},
            {"file", rule.place.file},
            {"line", rule.place.line}};
}

}  // namespace rules
