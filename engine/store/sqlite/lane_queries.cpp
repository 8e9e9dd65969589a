// Questions of the pipeline: known events, entities, and what waits in lanes.

#include <algorithm>

#include "engine/store/codec.h"
#include "engine/store/sqlite/backend.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

Result<SeenEvent> seen_from(const Rows& rows, const EventKey& key) {
    const auto digest = digest_from(rows.text(3), "the content of event " + key.id.text());
    if (!digest) return digest.error();
    return SeenEvent{key, *digest, std::string(rows.text(0)), rows.count(1), rows.count(2)};
}

std::uint64_t number_at(const Rows& rows) {
    return static_cast<std::uint64_t>(rows.integer(0) % positions_of_share);
}
int partition_at(const Rows& rows) {
    return static_cast<int>(rows.integer(0) / positions_of_share);
}

/// A place after which nothing can be: keeps the callers' "everything" within the key's range.
std::uint64_t bounded(std::uint64_t after) {
    return std::min(after, static_cast<std::uint64_t>(positions_of_share) - 1);
}

std::int64_t limit_of(std::size_t limit) {
    return static_cast<std::int64_t>(std::min<std::size_t>(limit, std::size_t{1} << 31));
}

}  // namespace

Result<std::optional<SeenEvent>> SqliteStore::seen(const EventKey& key) {
    auto rows = database_->query(sql::find_seen, Blob{event_key(key)});
    if (!rows) return rows.error();
    return first_of<SeenEvent>(*std::move(rows), [&key](const Rows& row) { return seen_from(row, key); });
}

Result<std::vector<SeenEvent>> SqliteStore::seen_by_id(const TenantName& tenant, const EventId& id) {
    const std::string prefix = id_key(tenant, id);
    const std::string last = prefix + std::string(16, '\xFF');
    auto rows = database_->query(sql::find_seen_by_id, Blob{prefix}, Blob{last});
    if (!rows) return rows.error();
    const EventKey key{tenant, {}, id};
    return all_of<SeenEvent>(*std::move(rows), [&key](const Rows& row) { return seen_from(row, key); });
}

Result<std::optional<Entity>> SqliteStore::entity(const TenantName& tenant, const Subject& subject) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::find_entity, *number, subject.text());
    if (!rows) return rows.error();
    return first_of<Entity>(*std::move(rows), [&](const Rows& row) {
        return entity_from(tenant, subject.text(), row.count(1), row.text(3), row.text(4));
    });
}

Result<std::optional<Entity>> SqliteStore::entity_by_email(const TenantName& tenant, std::string_view kind,
                                                           std::string_view email,
                                                           std::string_view after_subject) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    const std::string normal = normal_email(email);
    if (normal.empty()) return std::optional<Entity>();
    const std::string after = std::max(std::string(after_subject), first_subject(kind));
    auto rows = database_->query(sql::find_entity_by_email, *number, normal, after, end_of_subjects(kind));
    if (!rows) return rows.error();
    return first_of<Entity>(*std::move(rows), [&](const Rows& row) {
        return entity_from(tenant, row.text(0), row.count(1), row.text(2), row.text(3));
    });
}

Result<std::vector<Entity>> SqliteStore::entities(const TenantName& tenant, std::string_view kind,
                                                  std::string_view after_subject, std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    const auto after = std::max(first_subject(kind), std::string(after_subject));
    auto rows = database_->query(sql::list_entities, *number, after, end_of_subjects(kind), limit_of(limit));
    if (!rows) return rows.error();
    return all_of<Entity>(*std::move(rows), [&](const Rows& row) {
        return entity_from(tenant, row.text(0), row.count(1), row.text(2), row.text(3));
    });
}

Result<std::vector<Entity>> SqliteStore::watched(const TenantName& tenant, Instant after,
                                                 std::string_view after_subject, std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows =
        database_->query(sql::list_watched, *number, microseconds_of(after), after_subject, limit_of(limit));
    if (!rows) return rows.error();
    return all_of<Entity>(*std::move(rows), [&](const Rows& row) {
        return entity_from(tenant, row.text(0), row.count(1), row.text(2), row.text(3));
    });
}

Result<std::vector<PendingEvent>> SqliteStore::pending(int partition, std::uint64_t after_place,
                                                       std::size_t limit) {
    auto rows = database_->query(sql::list_pending, position_of(partition, bounded(after_place)),
                                 position_of(partition + 1, 0), limit_of(limit));
    if (!rows) return rows.error();
    return all_of<PendingEvent>(*std::move(rows), [this](const Rows& row) { return pending_from(row); });
}

Result<PendingEvent> SqliteStore::pending_from(const Rows& rows) {
    auto tenant = tenant_of(rows.integer(1));
    if (!tenant) return tenant.error();
    return engine::pending_from({partition_at(rows), number_at(rows), *std::move(tenant), rows.text(2),
                                 rows.text(3), rows.text(4), rows.count(5)});
}

Result<Delivery> SqliteStore::delivery_from(const Rows& rows) {
    auto tenant = tenant_of(rows.integer(1));
    if (!tenant) return tenant.error();
    return engine::delivery_from({partition_at(rows), number_at(rows), *std::move(tenant), rows.text(2),
                                  rows.integer(3), rows.integer(4), rows.integer(5), rows.text(6)});
}

Result<std::vector<Delivery>> SqliteStore::outbox(int partition, std::uint64_t after_number,
                                                  std::size_t limit) {
    auto rows = database_->query(sql::list_outbox, position_of(partition, bounded(after_number)),
                                 position_of(partition + 1, 0), limit_of(limit));
    if (!rows) return rows.error();
    return all_of<Delivery>(*std::move(rows), [this](const Rows& row) { return delivery_from(row); });
}

Result<std::pair<std::uint64_t, std::uint64_t>> SqliteStore::counters(int partition) {
    auto rows = database_->query(sql::read_counters, partition);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (!*found) return std::pair<std::uint64_t, std::uint64_t>();
    return std::pair(rows->count(0), rows->count(1));
}

Result<std::uint64_t> SqliteStore::outbox_size() {
    auto rows = database_->query(sql::count_outbox);
    if (!rows) return rows.error();
    if (const auto found = rows->next(); !found) return found.error();
    return rows->count(0);
}

Result<Timer> SqliteStore::timer_from(const Rows& rows) {
    auto tenant = tenant_of(rows.integer(0));
    if (!tenant) return tenant.error();
    return engine::timer_from(
        {*std::move(tenant), rows.text(1), rows.text(2), rows.integer(3), rows.integer(4), rows.text(5)});
}

Result<std::vector<Timer>> SqliteStore::next_timers(const Timer* after, std::size_t limit) {
    const auto tenant = after == nullptr ? Result<std::int64_t>(0) : tenants_.find(after->tenant.text());
    if (!tenant) return tenant.error();
    const auto due =
        after == nullptr ? std::numeric_limits<std::int64_t>::min() : microseconds_of(after->due);
    auto rows =
        database_->query(sql::list_next_timers, due, after == nullptr ? std::string() : after->subject.text(),
                         after == nullptr ? std::string() : after->name, *tenant, limit_of(limit));
    if (!rows) return rows.error();
    return all_of<Timer>(*std::move(rows), [this](const Rows& row) { return timer_from(row); });
}

Result<std::vector<Timer>> SqliteStore::timers_of(const TenantName& tenant, const Subject& subject) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_timers_of, *number, subject.text());
    if (!rows) return rows.error();
    return all_of<Timer>(*std::move(rows), [this](const Rows& row) { return timer_from(row); });
}

Result<std::vector<Timer>> SqliteStore::timers(const TenantName& tenant, std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_timers, *number, limit_of(limit));
    if (!rows) return rows.error();
    return all_of<Timer>(*std::move(rows), [this](const Rows& row) { return timer_from(row); });
}

Result<BlockedLane> SqliteStore::blocked_lane_from(const Rows& rows) {
    auto tenant = tenant_of(rows.integer(0));
    if (!tenant) return tenant.error();
    return engine::blocked_lane_from({*std::move(tenant), rows.text(1), rows.integer(2),
                                      std::string(rows.text(3)), std::string(rows.text(4)), rows.integer(5)});
}

Result<std::uint64_t> SqliteStore::waiting_in(const BlockedLane& lane) {
    const auto number = tenants_.find(lane.tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::count_pending_of_lane, position_of(lane.partition, 0),
                                 position_of(lane.partition + 1, 0), *number, lane.subject.text());
    if (!rows) return rows.error();
    if (const auto found = rows->next(); !found) return found.error();
    return rows->count(0);
}

Result<std::vector<BlockedLane>> SqliteStore::blocked_lanes(const TenantName& tenant) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = tenant.empty() ? database_->query(sql::list_blocked_lanes)
                               : database_->query(sql::list_blocked_lanes_of, *number);
    if (!rows) return rows.error();
    auto lanes =
        all_of<BlockedLane>(*std::move(rows), [this](const Rows& row) { return blocked_lane_from(row); });
    if (!lanes) return lanes;
    for (auto& lane : *lanes) {
        const auto waiting = waiting_in(lane);
        if (!waiting) return waiting.error();
        lane.waiting = *waiting;
    }
    return lanes;
}

Result<std::vector<StoredContinuation>> SqliteStore::continuations(const TenantName& tenant,
                                                                   const Subject& subject) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_continuations, *number, subject.text());
    if (!rows) return rows.error();
    return all_of<StoredContinuation>(*std::move(rows), [&](const Rows& row) {
        return continuation_from(
            {tenant, row.text(0), row.integer(1), subject.text(), row.text(2), row.text(3)});
    });
}

Result<std::vector<StoredContinuation>> SqliteStore::all_continuations(const TenantName& tenant,
                                                                       std::string_view after_id,
                                                                       std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_all_continuations, *number, after_id, limit_of(limit));
    if (!rows) return rows.error();
    return all_of<StoredContinuation>(*std::move(rows), [&](const Rows& row) {
        return continuation_from(
            {tenant, row.text(0), row.integer(1), row.text(4), row.text(2), row.text(3)});
    });
}

Result<DeadLetter> SqliteStore::dead_letter_from(const Rows& rows) {
    auto delivery = delivery_from(rows);
    if (!delivery) return delivery.error();
    return DeadLetter{*std::move(delivery), std::string(rows.text(7)), static_cast<int>(rows.integer(8)),
                      instant_of(rows.integer(9))};
}

Result<std::vector<DeadLetter>> SqliteStore::dead_letters(const TenantName& tenant, std::size_t limit) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_dead_letters, *number, limit_of(limit));
    if (!rows) return rows.error();
    return all_of<DeadLetter>(*std::move(rows), [this](const Rows& row) { return dead_letter_from(row); });
}

Result<std::optional<DeadLetter>> SqliteStore::dead_letter(const TenantName& tenant, const DeliveryKey& key) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::find_dead_letter, *number, key.text());
    if (!rows) return rows.error();
    return first_of<DeadLetter>(*std::move(rows), [this](const Rows& row) { return dead_letter_from(row); });
}

}  // namespace engine
