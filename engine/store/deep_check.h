#pragma once
/// DeepCheck: what the rows of a stream say about each other, beyond their chain.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "engine/model/journal_record.h"

namespace engine {

/// Takes the rows of one stream in order.
class DeepCheck {
public:
    /// `detached`: rows up to there are gone by rule, and what leads to them cannot be followed.
    explicit DeepCheck(std::uint64_t detached) : detached_(detached) {}

    /// What is wrong with the row; nothing when it is right.
    std::optional<std::string> take(const JournalRecord& record);

private:
    /// Half a SHA-256: subjects and ids may be long, and there may be millions.
    using Key = std::array<std::uint64_t, 2>;
    struct KeyHash {
        std::size_t operator()(const Key& key) const { return key[0]; }
    };
    struct Last {
        std::uint64_t seq = 0;
        std::uint64_t version = 0;
        std::uint64_t open_erased = 0;  ///< events whose ids are gone, not decided yet as far as is known
    };
    static Key key_of(std::string_view first, std::string_view second = {});

    std::optional<std::string> follow_subject(const JournalRecord& record, Last& last) const;
    std::optional<std::string> follow_decision(const JournalRecord& record, Last& last);

    std::uint64_t detached_;
    std::unordered_map<Key, Last, KeyHash> subjects_;
    std::unordered_map<Key, std::uint64_t, KeyHash> open_events_;  ///< by subject and id: not decided yet
};

}  // namespace engine
