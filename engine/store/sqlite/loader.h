#pragma once
/// Loader: writes items of a whole store as they are into an open transaction.

#include <map>
#include <string>
#include <utility>

#include "engine/store/sqlite/row_writer.h"
#include "engine/store/sqlite/step_writer.h"

namespace engine {

/// Of one transaction.
class Loader {
public:
    Loader(Database& database, Dictionary& tenants, Dictionary& words)
        : database_(database), tenants_(tenants), row_(database, words) {}

    /// Fails with conflict when the thing is there already.
    Result<void> add(const StoredItem& item);
    /// After the last item.
    Result<void> finish();

private:
    Result<void> write(const TenantName& tenant);
    Result<void> write(const RuleSetRow& rules);
    Result<void> write(const ApiKey& key);
    Result<void> write(const JournalRecord& record);
    Result<void> write(const StreamRow& row);
    Result<void> write(const PastSubject& past);
    Result<void> write(const SeenRow& seen);
    Result<void> write(const Entity& entity);
    Result<void> write(const PendingEvent& pending);
    Result<void> write(const Delivery& delivery);
    Result<void> write(const DeadLetter& letter);
    Result<void> write(const Timer& timer);
    Result<void> write(const BlockedLane& lane);
    Result<void> write(const StoredContinuation& stored);
    Result<void> write(const CountersRow& counters);
    Result<void> write(const Request& request);
    /// Writes what the tenant has one of with `put(tenant's number)`.
    template <class Put>
    Result<void> of_tenant(const TenantName& tenant, Put put);
    Result<OpenStream*> stream(const TenantName& tenant, const std::string& name);

    Database& database_;
    Dictionary& tenants_;
    RowWriter row_;
    std::map<StreamKey, OpenStream> streams_;
    std::map<SubjectKey, std::uint64_t> subjects_;  ///< seq of the last row
    std::map<int, std::int64_t> outbox_rows_;       ///< added, by partition
};

}  // namespace engine
