#include "engine/store/deep_check.h"

#include <cstring>

#include "engine/base/hash.h"
#include "engine/base/json.h"

namespace engine {
DeepCheck::Key DeepCheck::key_of(std::string_view first, std::string_view second) {
    const auto digest = sha256({first, std::string_view("\0", 1), second});
    Key key;
    std::memcpy(key.data(), digest.data(), sizeof key);
    return key;
}

std::optional<std::string> DeepCheck::take(const JournalRecord& record) {
    std::optional<Json> body;
    if (record.body) {
        auto parsed = parse_json(*record.body, stored_json_limits);
        if (!parsed) return "the body is no JSON: " + parsed.error().message;
        body = *std::move(parsed);
        if (canonical_json(*body) != *record.body) return "the body is not canonical";
    }
    if (record.subject.empty()) {
        if (record.previous != 0)
            return "previous is " + std::to_string(record.previous) + ", but no subject";
        return std::nullopt;
    }
    auto& last = subjects_[key_of(record.subject)];
    if (auto wrong = follow_subject(record, last)) return wrong;
    if (record.kind == record_kind::event) {
        if (body)
            ++open_events_[key_of(record.subject, text_or(*body, "id", ""))];
        else
            ++last.open_erased;
    }
    if (record.kind == record_kind::decision) return follow_decision(record, last);
    return std::nullopt;
}

std::optional<std::string> DeepCheck::follow_subject(const JournalRecord& record, Last& last) const {
    const bool is_first = last.seq == 0;
    const bool leads_away = is_first && record.previous != 0 && record.previous <= detached_;
    if (record.previous != last.seq && !leads_away)
        return "previous is " + std::to_string(record.previous) +
               ", but the row before about the subject is " + std::to_string(last.seq);
    last.seq = record.seq;
    if (record.entity_version == 0) return std::nullopt;
    const auto before = last.version;
    last.version = record.entity_version;
    if (leads_away || record.entity_version == before || record.entity_version == before + 1)
        return std::nullopt;
    return "the entity's version goes from " + std::to_string(before) + " to " +
           std::to_string(record.entity_version);
}

/// Event and decision are rows of one subject in one stream, and ids of different sources may be the same.
std::optional<std::string> DeepCheck::follow_decision(const JournalRecord& record, Last& last) {
    const auto open = open_events_.find(key_of(record.subject, record.cause_event));
    if (open != open_events_.end()) {
        if (--open->second == 0) open_events_.erase(open);
        return std::nullopt;
    }
    if (last.open_erased > 0) {
        --last.open_erased;
        return std::nullopt;
    }
    if (detached_ > 0) return std::nullopt;  // its event may be among the rows that are gone
    return "event " + record.cause_event + " is not there or is decided already";
}

}  // namespace engine
