// A whole store, read and written.

#include "engine/store/codec.h"
#include "engine/store/sqlite/backend.h"
#include "engine/store/sqlite/loader.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

constexpr const char* emptied_tables[] = {
    sql::empty_journal,       sql::empty_subjects,     sql::empty_streams,  sql::empty_words,
    sql::empty_seen,          sql::empty_entities,     sql::empty_counters, sql::empty_pending,
    sql::empty_outbox,        sql::empty_dead_letters, sql::empty_timers,   sql::empty_blocked_lanes,
    sql::empty_continuations, sql::empty_rule_sets,    sql::empty_keys,     sql::empty_requests,
    sql::empty_tenants};

}  // namespace

// ---- reading

Result<void> SqliteStore::dump(const std::function<Result<void>(StoredItem)>& each, bool with_journal) {
    if (const auto begun = begin_reading(); !begun) return begun;
    auto dumped = dump_all(each, with_journal);
    end_reading();
    return dumped;
}

Result<void> SqliteStore::dump_all(const Visit& each, bool with_journal) {
    if (auto done = dump_tenants(each); !done) return done;
    if (with_journal)
        if (auto done = dump_journal(each); !done) return done;
    if (auto done = dump_known(each); !done) return done;
    return dump_waiting(each);
}

/// Every row of the statement, read with `read`.
template <class Read>
Result<void> SqliteStore::dump_rows(const char* statement, const Visit& each, Read read) {
    auto rows = database_->query(statement);
    if (!rows) return rows.error();
    while (true) {
        const auto next = rows->next();
        if (!next) return next.error();
        if (!*next) return {};
        auto item = read(*rows);
        if (!item) return item.error();
        if (auto taken = each(StoredItem(*std::move(item))); !taken) return taken;
    }
}

Result<void> SqliteStore::dump_tenants(const Visit& each) {
    const auto tenants = dump_rows(sql::dump_tenants, each, [](const Rows& row) -> Result<TenantName> {
        return TenantName(std::string(row.text(0)));
    });
    if (!tenants) return tenants;
    const auto rules = dump_rows(sql::dump_rule_sets, each, [this](const Rows& row) -> Result<RuleSetRow> {
        auto tenant = tenant_of(row.integer(0));
        if (!tenant) return tenant.error();
        auto files = parse_stored(row.text(2), "rule set");
        if (!files) return files.error();
        return RuleSetRow{*std::move(tenant), std::string(row.text(1)), *std::move(files)};
    });
    if (!rules) return rules;
    return dump_rows(sql::dump_keys, each, [this](const Rows& row) { return key_from(row); });
}

Result<void> SqliteStore::dump_journal(const Visit& each) {
    const auto astray = strays();
    if (!astray) return astray.error();
    if (!astray->empty())
        return Error{Code::corrupt, "the journal has rows of no stream (" + astray->front() +
                                        "): signalbox audit verify names them"};
    std::vector<StreamRow> streams;
    const auto listed = dump_rows(
        sql::dump_streams,
        [&streams](StoredItem item) {
            streams.push_back(std::get<StreamRow>(std::move(item)));
            return Result<void>();
        },
        [this](const Rows& row) -> Result<StreamRow> {
            auto tenant = tenant_of(row.integer(0));
            if (!tenant) return tenant.error();
            const std::string name(row.text(1));
            const auto hash = digest_from(row.text(3), "the hash of stream " + name);
            if (!hash) return hash.error();
            const auto detached = digest_from(row.text(5), "the beginning of stream " + name);
            if (!detached) return detached.error();
            return StreamRow{*std::move(tenant), {name, row.count(2), *hash, row.count(4), *detached}};
        });
    if (!listed) return listed;
    for (auto& stream : streams) {
        Result<void> taken;
        const auto scanned = scan(stream.tenant, stream.head.stream, 0, [&](const JournalRecord& record) {
            taken = each(StoredItem(record));
            return bool(taken);
        });
        if (!scanned) return scanned;
        if (!taken) return taken;
        if (auto done = each(StoredItem(std::move(stream))); !done) return done;
    }
    return dump_rows(sql::dump_past_subjects, each, [this](const Rows& row) -> Result<PastSubject> {
        auto tenant = tenant_of(row.integer(0));
        if (!tenant) return tenant.error();
        return PastSubject{*std::move(tenant), std::string(row.text(1)), std::string(row.text(2)),
                           row.count(3)};
    });
}

Result<void> SqliteStore::dump_known(const Visit& each) {
    const auto seen = dump_rows(sql::dump_seen, each, [](const Rows& row) -> Result<SeenRow> {
        const auto digest = digest_from(row.text(5), "the content of an event");
        if (!digest) return digest.error();
        return SeenRow{std::string(row.text(0)),
                       TenantName(std::string(row.text(1))),
                       std::string(row.text(2)),
                       row.count(3),
                       row.count(4),
                       *digest};
    });
    if (!seen) return seen;
    return dump_rows(sql::dump_entities, each, [this](const Rows& row) -> Result<Entity> {
        const auto tenant = tenant_of(row.integer(0));
        if (!tenant) return tenant.error();
        return entity_from(*tenant, row.text(1), row.count(2), row.text(3), row.text(4));
    });
}

Result<void> SqliteStore::dump_waiting(const Visit& each) {
    if (auto done = dump_rows(sql::dump_pending, each, [this](const Rows& row) { return pending_from(row); });
        !done)
        return done;
    if (auto done = dump_rows(sql::dump_outbox, each, [this](const Rows& row) { return delivery_from(row); });
        !done)
        return done;
    if (auto done = dump_rows(sql::dump_dead_letters, each,
                              [this](const Rows& row) { return dead_letter_from(row); });
        !done)
        return done;
    if (auto done = dump_rows(sql::dump_timers, each, [this](const Rows& row) { return timer_from(row); });
        !done)
        return done;
    if (auto done = dump_rows(sql::list_blocked_lanes, each,
                              [this](const Rows& row) { return blocked_lane_from(row); });
        !done)
        return done;
    const auto continuations =
        dump_rows(sql::dump_continuations, each, [this](const Rows& row) -> Result<StoredContinuation> {
            auto tenant = tenant_of(row.integer(0));
            if (!tenant) return tenant.error();
            return continuation_from(
                {*std::move(tenant), row.text(1), row.integer(2), row.text(3), row.text(4), row.text(5)});
        });
    if (!continuations) return continuations;
    const auto counters = dump_rows(sql::dump_counters, each, [](const Rows& row) -> Result<CountersRow> {
        return CountersRow{static_cast<int>(row.integer(0)), row.count(1), row.count(2)};
    });
    if (!counters) return counters;
    return dump_rows(sql::dump_requests, each, [](const Rows& row) {
        return request_from(
            {row.count(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), std::nullopt});
    });
}

// ---- writing

Result<void> SqliteStore::begin_load(const StoreInfo& like) {
    if (!owned()) return denied("this process does not own the store");
    if (const auto checked = check_partitions(like.partitions); !checked) return checked;
    const auto begun = in_transaction([&]() -> Result<void> {
        if (auto ready = make_ready(); !ready) return ready;
        const auto set = database_->run(sql::set_info, like.partitions, like.simulated ? 1 : 0);
        if (!set) return set.error();
        return only_error(database_->run(sql::mark_loading));
    });
    if (!begun) return begun;
    forget_all();
    info_.partitions = like.partitions;
    info_.simulated = like.simulated;
    info_.loading = true;
    return {};
}

/// Empties what an interrupted load has left; of anything else there must be nothing.
Result<void> SqliteStore::make_ready() {
    if (info_.loading) {
        for (const auto* statement : emptied_tables)
            if (const auto emptied = database_->run(statement); !emptied) return emptied.error();
        return {};
    }
    auto rows = database_->query(sql::holds_anything);
    if (!rows) return rows.error();
    if (const auto row = rows->next(); !row) return row.error();
    if (rows->integer(0) != 0) return Error{Code::conflict, "the store is not empty"};
    return {};
}

Result<void> SqliteStore::load(std::span<const StoredItem> items) {
    if (!owned() || !info_.loading) return denied("no load into the store was begun");
    Loader loader(*database_, tenants_, words_);
    auto loaded = in_transaction([&]() -> Result<void> {
        for (const auto& item : items)
            if (auto added = loader.add(item); !added) return added;
        return loader.finish();
    });
    forget_all();
    if (loaded) write_back_if_due();
    return loaded;
}

Result<void> SqliteStore::finish_load() {
    if (!owned() || !info_.loading) return denied("no load into the store was begun");
    auto done = run_alone(sql::mark_loaded);
    if (!done) return done;
    info_.loading = false;
    if (database_->in_memory()) return done;
    const auto durable = database_->write_back_log();
    return durable ? done : durable.error();
}

void SqliteStore::forget_all() {
    forget_uncommitted();
    memory_.subjects.clear();
    memory_.entities.clear();
    memory_.unindexed_rows = 0;
    memory_.complete = false;
}

}  // namespace engine
