#include "engine/store/journal_query.h"

#include <algorithm>
#include <tuple>

#include "engine/base/json.h"

namespace engine {
namespace {

constexpr JsonLimits stored_body{16u << 20, 256};

bool fired(const JournalRecord& decision, const std::string& rule) {
    if (!decision.body || decision.body->find(canonical_json(Json(rule))) == std::string::npos) return false;
    const auto body = parse_json(*decision.body, stored_body);
    if (!body) return false;
    const auto* rules = find(*body, "fired");
    return rules != nullptr && std::find(rules->begin(), rules->end(), Json(rule)) != rules->end();
}

bool is_of_rule(const JournalRecord& record, const std::string& rule) {
    return record.cause_rule == rule || (record.kind == record_kind::decision && fired(record, rule));
}

}  // namespace

bool fits(const JournalRecord& record, const JournalQuery& query) {
    if (query.subject && record.subject != query.subject->text()) return false;
    if (!query.kind.empty() && record.kind != query.kind) return false;
    if (query.since && record.time < *query.since) return false;
    if (query.until && record.time >= *query.until) return false;
    return query.rule.empty() || is_of_rule(record, query.rule);
}

std::vector<JournalRecord> newest_of(std::vector<JournalRecord> records, std::size_t limit) {
    std::sort(records.begin(), records.end(), [](const auto& left, const auto& right) {
        return std::tie(right.time, left.stream, right.seq) < std::tie(left.time, right.stream, left.seq);
    });
    if (records.size() > limit) records.resize(limit);
    return records;
}

}  // namespace engine
