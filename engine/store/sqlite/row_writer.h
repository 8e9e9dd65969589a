#pragma once
/// RowWriter: writes single rows into an open transaction; whoever writes steps and whoever loads a whole
/// store use it.

#include <cstdint>
#include <optional>

#include "engine/store/sqlite/database.h"
#include "engine/store/sqlite/dictionary.h"
#include "engine/store/store.h"

namespace engine {

/// A key of the tables that are made of partition (or stream) and number.
std::int64_t position_of(std::int64_t share, std::uint64_t number);
inline constexpr std::int64_t positions_of_share = std::int64_t{1} << 40;

inline Result<void> only_error(const Result<int>& changed) {
    if (!changed) return changed.error();
    return {};
}

/// `tenant` is the number of the tenant. Adding fails with conflict when the place is taken; putting replaces
/// what is there.
class RowWriter {
public:
    RowWriter(Database& database, Dictionary& words) : database_(database), words_(words) {}

    Result<void> add_record(const JournalRecord& record, std::int64_t stream);
    Result<void> add_entity(std::int64_t tenant, std::string_view subject, std::uint64_t version,
                            std::string_view email, std::string_view fields, std::string_view meta,
                            std::optional<std::int64_t> watched_until);
    Result<void> add_pending(std::int64_t tenant, const PendingEvent& pending, std::uint64_t event_seq);
    Result<void> add_delivery(std::int64_t tenant, const Delivery& delivery);
    Result<void> put_dead_letter(std::int64_t tenant, const DeadLetter& letter);
    Result<void> put_timer(std::int64_t tenant, const Timer& timer);
    Result<void> put_blocked_lane(std::int64_t tenant, const BlockedLane& lane);
    Result<void> put_continuation(std::int64_t tenant, const StoredContinuation& stored);
    Result<void> put_key(std::int64_t tenant, const ApiKey& key);

private:
    Database& database_;
    Dictionary& words_;
};

}  // namespace engine
