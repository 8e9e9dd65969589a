#include "rules/checker/finding.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace rules {
namespace {

using engine::Json;

std::string to_text(const engine::Place& place) {
    if (place.file.empty()) return "";
    if (place.line == 0) return place.file + ": ";
    return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

void put_place(Json& json, const engine::Place& place) {
    json["file"] = place.file;
    json["line"] = place.line;
    json["column"] = place.column;
}

}  // namespace

std::string to_text(const Finding& finding) {
    const auto severity = finding.accepted_because.empty() ? "warning: " : "accepted: ";
    auto text = to_text(finding.place) + severity + finding.message + " [" + finding.kind + "]\n";
    for (const auto& [place, what] : finding.related) text += "    " + to_text(place) + what + "\n";
    if (!finding.example.is_null()) text += "    example: " + engine::canonical_json(finding.example) + "\n";
    if (!finding.accepted_because.empty()) text += "    because: " + finding.accepted_because + "\n";
    return text;
}

Json to_json(const Finding& finding) {
    const bool is_accepted = !finding.accepted_because.empty();
    Json json{{"severity", is_accepted ? "accepted" : "warning"},
              {"class", finding.kind},
              {"message", finding.message},
              {"related", Json::array()}};
    put_place(json, finding.place);
    for (const auto& [place, what] : finding.related) {
        json["related"].push_back({{"what", what}});
        put_place(json["related"].back(), place);
    }
    if (!finding.rules.empty()) json["rules"] = finding.rules;
    if (!finding.example.is_null()) json["example"] = finding.example;
    if (!finding.path.empty()) json["path"] = finding.path;
    if (is_accepted) json["reason"] = finding.accepted_because;
    return json;
}

Report::Report(const std::vector<Rule>& rules, std::size_t findings_max) : findings_max_(findings_max) {
    for (const auto& rule : rules)
        for (const auto& acceptance : rule.accepts)
            acceptances_.emplace(rule.id, Accepting{&rule, &acceptance, false});
}

void Report::add(Finding finding) {
    accept(finding);
    if (finding.accepted_because.empty() && ++counts_[finding.kind] > findings_max_) return;
    findings_.push_back(std::move(finding));
}

/// Any of the rules a finding is about may say why it is meant.
void Report::accept(Finding& finding) {
    for (const auto& id : finding.rules) {
        const auto [from, to] = acceptances_.equal_range(id);
        for (auto entry = from; entry != to; ++entry) {
            const auto& acceptance = *entry->second.acceptance;
            const bool is_meant =
                acceptance.kind == finding.kind &&
                (acceptance.other.empty() || std::find(finding.rules.begin(), finding.rules.end(),
                                                       acceptance.other) != finding.rules.end());
            if (!is_meant) continue;
            entry->second.is_used = true;
            finding.accepted_because = acceptance.reason;
        }
    }
}

void Report::not_looked_at(const std::string& what) {
    is_complete_ = false;
    Finding finding;
    finding.kind = "check-limit";
    finding.message = what;
    findings_.push_back(std::move(finding));
}

/// What a limit kept from being found is not gone.
void Report::report_stale() {
    if (!is_complete_) return;
    for (const auto& [id, accepting] : acceptances_) {
        if (accepting.is_used) continue;
        Finding finding;
        finding.kind = "stale-acceptance";
        finding.place = accepting.acceptance->place;
        const auto& other = accepting.acceptance->other;
        finding.message = "rule " + engine::in_quotes(id) + " accepts a finding of the class " +
                          accepting.acceptance->kind +
                          (other.empty() ? "" : " with rule " + engine::in_quotes(other)) +
                          ", and there is none";
        findings_.push_back(std::move(finding));
    }
}

std::vector<Finding> Report::take() {
    for (const auto& [kind, count] : counts_)
        if (count > findings_max_)
            not_looked_at(std::to_string(count - findings_max_) + " more findings of the class " + kind +
                          " are not listed (--findings-max)");
    report_stale();
    std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& left, const Finding& right) {
        return std::tie(left.place.file, left.place.line, left.place.column) <
               std::tie(right.place.file, right.place.line, right.place.column);
    });
    return std::move(findings_);
}

}  // namespace rules
