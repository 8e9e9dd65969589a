#pragma once
/// LoadColumns: items of a whole store as the columns of commit_steps and of the rarer statements.

#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/store/postgres/commit_columns.h"
#include "engine/store/postgres/step_columns.h"

namespace engine::postgres {

/// Of one transaction.
class LoadColumns {
public:
    /// `tenant` is the number of the item's tenant; `stream` that of a journal row, a known event or a
    /// stream, else null.
    void add(const StoredItem& item, std::int64_t tenant, OpenStream* stream);
    /// Adds everything to the values of commit_steps but its first three, which it begins with.
    void give_to(Values& values);
    /// `(statement, values)`, in order.
    const std::vector<std::pair<const char*, Values>>& rare() const { return rare_; }
    /// What the program's role may not write: requests under their numbers.
    const std::vector<const Request*>& requests() const { return requests_; }

private:
    struct Place {
        std::int64_t tenant;
        OpenStream* stream;
    };
    void write(const TenantName&, const Place&) {}
    void write(const RuleSetRow& rules, const Place& place);
    void write(const ApiKey& key, const Place& place);
    void write(const JournalRecord& record, const Place& place);
    void write(const StreamRow& row, const Place& place);
    void write(const PastSubject& past, const Place& place);
    void write(const SeenRow& seen, const Place& place);
    void write(const Entity& entity, const Place& place);
    void write(const PendingEvent& pending, const Place& place);
    void write(const Delivery& delivery, const Place& place);
    void write(const DeadLetter& letter, const Place& place);
    void write(const Timer& timer, const Place& place);
    void write(const BlockedLane& lane, const Place& place);
    void write(const StoredContinuation& stored, const Place& place);
    void write(const CountersRow& counters, const Place& place);
    void write(const Request& request, const Place&) { requests_.push_back(&request); }

    CommitColumns columns_;
    std::unordered_set<OpenStream*> moved_;
    std::unordered_map<SubjectKey, std::uint64_t, SubjectKeyHash> subjects_;  ///< seq of the last row
    std::vector<std::pair<const char*, Values>> rare_;
    std::vector<const Request*> requests_;
};

}  // namespace engine::postgres
