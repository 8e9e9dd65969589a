// Questions of the pipeline: known events, entities, and what waits in lanes.

#include <algorithm>

#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/escape.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

Result<SeenEvent> seen_from(const Rows& rows, std::size_t row, const EventKey& key) {
    const auto digest = digest_from(rows.bytes(row, 3), "the content of event " + key.id.text());
    if (!digest) return digest.error();
    return SeenEvent{key, *digest, std::string(rows.text(row, 0)), rows.count(row, 1), rows.count(row, 2)};
}

}  // namespace

Result<void> PostgresStore::expect(std::span<const EventKey> events, std::span<const EntityKey> entities) {
    if (!reading_) return {};
    if (const auto read = expect_events(events); !read) return read;
    return expect_entities(entities);
}

Result<void> PostgresStore::expect_events(std::span<const EventKey> events) {
    auto column = bytes_column();
    std::vector<std::pair<std::string, const EventKey*>> asked;
    for (const auto& event : events) {
        auto key = event_key(event);
        if (!expected_events_.try_emplace(key).second) continue;
        column.add(key);
        asked.emplace_back(std::move(key), &event);
    }
    if (asked.empty()) return {};
    const auto rows = ask(all_tenants, sql::find_seen_events, values(column));
    if (!rows) return rows.error();
    for (std::size_t row = 0; row < rows->size(); ++row) {
        const auto& [key, event] = asked[rows->count(row, 4) - 1];
        auto seen = seen_from(*rows, row, *event);
        if (!seen) return seen.error();
        expected_events_[key] = *std::move(seen);
    }
    return {};
}

Result<void> PostgresStore::expect_entities(std::span<const EntityKey> entities) {
    auto tenants = number_column(), subjects = text_column();
    std::vector<const EntityKey*> asked;
    for (const auto& entity : entities) {
        const auto id = find_tenant(entity.tenant);
        if (!id) return id.error();
        if (!expected_entities_.try_emplace({*id, entity.subject.text()}).second) continue;
        tenants.add(*id);
        subjects.add(entity.subject.text());
        asked.push_back(&entity);
    }
    if (asked.empty()) return {};
    const auto rows = ask(all_tenants, sql::find_entities, values(tenants, subjects));
    if (!rows) return rows.error();
    for (std::size_t row = 0; row < rows->size(); ++row) {
        const auto& key = *asked[rows->count(row, 3) - 1];
        auto entity = entity_from(key.tenant, key.subject.text(), rows->count(row, 0), rows->text(row, 1),
                                  rows->text(row, 2));
        if (!entity) return entity.error();
        expected_entities_[{*find_tenant(key.tenant), key.subject.text()}] = *std::move(entity);
    }
    return {};
}

Result<std::optional<SeenEvent>> PostgresStore::seen(const EventKey& key) {
    const auto bytes = event_key(key);
    if (const auto expected = expected_events_.find(bytes); expected != expected_events_.end())
        return expected->second;
    return first_of<SeenEvent>(
        ask(all_tenants, sql::find_seen, values(bytes)),
        [&key](const Rows& rows, std::size_t row) { return seen_from(rows, row, key); });
}

Result<std::vector<SeenEvent>> PostgresStore::seen_by_id(const TenantName& tenant, const EventId& id) {
    const auto prefix = id_key(tenant, id);
    const EventKey key{tenant, {}, id};
    return all_of<SeenEvent>(
        ask(all_tenants, sql::find_seen_by_id, values(prefix, prefix + std::string(16, '\xFF'))),
        [&key](const Rows& rows, std::size_t row) { return seen_from(rows, row, key); });
}

Result<std::optional<Entity>> PostgresStore::entity(const TenantName& tenant, const Subject& subject) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto expected = expected_entities_.find({*id, subject.text()});
    if (expected != expected_entities_.end()) return expected->second;
    return first_of<Entity>(ask(*id, sql::find_entity, values(*id, subject.text())), [&](const Rows& rows,
                                                                                         std::size_t row) {
        return entity_from(tenant, subject.text(), rows.count(row, 0), rows.text(row, 1), rows.text(row, 2));
    });
}

Result<std::optional<Entity>> PostgresStore::entity_by_email(const TenantName& tenant, std::string_view kind,
                                                             std::string_view email,
                                                             std::string_view after_subject) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto normal = normal_email(email);
    if (normal.empty()) return std::optional<Entity>();
    const auto after = std::max(std::string(after_subject), first_subject(kind));
    return first_of<Entity>(
        ask(*id, sql::find_entity_by_email, values(*id, normal, after, end_of_subjects(kind))),
        [&](const Rows& rows, std::size_t row) {
            return entity_from(tenant, rows.text(row, 0), rows.count(row, 1), rows.text(row, 2),
                               rows.text(row, 3));
        });
}

Result<std::vector<Entity>> PostgresStore::entities(const TenantName& tenant, std::string_view kind,
                                                    std::string_view after_subject, std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    const auto after = std::max(first_subject(kind), std::string(after_subject));
    return all_of<Entity>(ask(*id, sql::list_entities, values(*id, after, end_of_subjects(kind), limit)),
                          [&](const Rows& rows, std::size_t row) {
                              return entity_from(tenant, rows.text(row, 0), rows.count(row, 1),
                                                 rows.text(row, 2), rows.text(row, 3));
                          });
}

Result<std::vector<Entity>> PostgresStore::watched(const TenantName& tenant, Instant after,
                                                   std::string_view after_subject, std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<Entity>(
        ask(*id, sql::list_watched, values(*id, microseconds_of(after), after_subject, limit)),
        [&](const Rows& rows, std::size_t row) {
            return entity_from(tenant, rows.text(row, 0), rows.count(row, 1), rows.text(row, 2),
                               rows.text(row, 3));
        });
}

Result<std::vector<PendingEvent>> PostgresStore::pending(int partition, std::uint64_t after_place,
                                                         std::size_t limit) {
    return all_of<PendingEvent>(
        ask(all_tenants, sql::list_pending, values(partition, after_place, limit)),
        [this](const Rows& rows, std::size_t row) { return pending_from(rows, row); });
}

Result<PendingEvent> PostgresStore::pending_from(const Rows& rows, std::size_t row) {
    auto tenant = tenant_of(rows.integer(row, 2));
    if (!tenant) return tenant.error();
    return engine::pending_from({static_cast<int>(rows.integer(row, 0)), rows.count(row, 1),
                                 *std::move(tenant), rows.text(row, 3), rows.text(row, 4), rows.text(row, 5),
                                 rows.count(row, 6)});
}

Result<Delivery> PostgresStore::delivery_from(const Rows& rows, std::size_t row) {
    auto tenant = tenant_of(rows.integer(row, 2));
    if (!tenant) return tenant.error();
    return engine::delivery_from({static_cast<int>(rows.integer(row, 0)), rows.count(row, 1),
                                  *std::move(tenant), rows.text(row, 3), rows.integer(row, 4),
                                  rows.integer(row, 5), rows.integer(row, 6), rows.text(row, 7)});
}

Result<std::vector<Delivery>> PostgresStore::outbox(int partition, std::uint64_t after_number,
                                                    std::size_t limit) {
    return all_of<Delivery>(ask(all_tenants, sql::list_outbox, values(partition, after_number, limit)),
                            [this](const Rows& rows, std::size_t row) { return delivery_from(rows, row); });
}

Result<std::pair<std::uint64_t, std::uint64_t>> PostgresStore::counters(int partition) {
    const auto rows = ask(0, sql::read_counters, values(partition));
    if (!rows) return rows.error();
    if (rows->empty()) return std::pair<std::uint64_t, std::uint64_t>();
    return std::pair(rows->count(0, 0), rows->count(0, 1));
}

Result<std::uint64_t> PostgresStore::outbox_size() {
    const auto rows = ask(all_tenants, sql::count_outbox, {});
    if (!rows) return rows.error();
    return rows->count(0, 0);
}

Result<Timer> PostgresStore::timer_from(const Rows& rows, std::size_t row) {
    auto tenant = tenant_of(rows.integer(row, 0));
    if (!tenant) return tenant.error();
    return engine::timer_from({*std::move(tenant), rows.text(row, 1), rows.text(row, 2), rows.integer(row, 3),
                               rows.integer(row, 4), rows.text(row, 5)});
}

Result<std::vector<Timer>> PostgresStore::next_timers(const Timer* after, std::size_t limit) {
    Timer first;
    first.due = Instant::min();
    const auto& from = after == nullptr ? first : *after;
    const auto tenant = after == nullptr ? Result<std::int64_t>(0) : find_tenant(after->tenant);
    if (!tenant) return tenant.error();
    return all_of<Timer>(
        ask(all_tenants, sql::list_next_timers,
            values(microseconds_of(from.due), from.subject.text(), from.name, *tenant, limit)),
        [this](const Rows& rows, std::size_t row) { return timer_from(rows, row); });
}

Result<std::vector<Timer>> PostgresStore::timers_of(const TenantName& tenant, const Subject& subject) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<Timer>(ask(*id, sql::list_timers_of, values(*id, subject.text())),
                         [this](const Rows& rows, std::size_t row) { return timer_from(rows, row); });
}

Result<std::vector<Timer>> PostgresStore::timers(const TenantName& tenant, std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<Timer>(ask(*id, sql::list_timers, values(*id, limit)),
                         [this](const Rows& rows, std::size_t row) { return timer_from(rows, row); });
}

Result<std::vector<BlockedLane>> PostgresStore::blocked_lanes(const TenantName& tenant) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<BlockedLane>(tenant.empty() ? ask(all_tenants, sql::list_blocked_lanes, {})
                                              : ask(*id, sql::list_blocked_lanes_of, values(*id)),
                               [this](const Rows& rows, std::size_t row) -> Result<BlockedLane> {
                                   auto lane = blocked_lane_from(rows, row);
                                   if (lane) lane->waiting = rows.count(row, 6);
                                   return lane;
                               });
}

Result<BlockedLane> PostgresStore::blocked_lane_from(const Rows& rows, std::size_t row) {
    auto tenant = tenant_of(rows.integer(row, 0));
    if (!tenant) return tenant.error();
    return engine::blocked_lane_from({*std::move(tenant), rows.text(row, 1), rows.integer(row, 2),
                                      unescaped(rows.text(row, 3)), unescaped(rows.text(row, 4)),
                                      rows.integer(row, 5)});
}

Result<std::vector<StoredContinuation>> PostgresStore::continuations(const TenantName& tenant,
                                                                     const Subject& subject) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<StoredContinuation>(
        ask(*id, sql::list_continuations, values(*id, subject.text())),
        [&](const Rows& rows, std::size_t row) {
            return continuation_from({tenant, rows.text(row, 0), rows.integer(row, 1), subject.text(),
                                      rows.text(row, 2), rows.text(row, 3)});
        });
}

Result<std::vector<StoredContinuation>> PostgresStore::all_continuations(const TenantName& tenant,
                                                                         std::string_view after_id,
                                                                         std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<StoredContinuation>(
        ask(*id, sql::list_all_continuations, values(*id, after_id, limit)),
        [&](const Rows& rows, std::size_t row) {
            return continuation_from({tenant, rows.text(row, 0), rows.integer(row, 1), rows.text(row, 4),
                                      rows.text(row, 2), rows.text(row, 3)});
        });
}

Result<DeadLetter> PostgresStore::dead_letter_from(const Rows& rows, std::size_t row) {
    auto delivery = delivery_from(rows, row);
    if (!delivery) return delivery.error();
    return DeadLetter{*std::move(delivery), unescaped(rows.text(row, 8)),
                      static_cast<int>(rows.integer(row, 9)), instant_of(rows.integer(row, 10))};
}

Result<std::vector<DeadLetter>> PostgresStore::dead_letters(const TenantName& tenant, std::size_t limit) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<DeadLetter>(
        ask(*id, sql::list_dead_letters, values(*id, limit)),
        [this](const Rows& rows, std::size_t row) { return dead_letter_from(rows, row); });
}

Result<std::optional<DeadLetter>> PostgresStore::dead_letter(const TenantName& tenant,
                                                             const DeliveryKey& key) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return first_of<DeadLetter>(
        ask(*id, sql::find_dead_letter, values(*id, key.text())),
        [this](const Rows& rows, std::size_t row) { return dead_letter_from(rows, row); });
}

}  // namespace engine::postgres
