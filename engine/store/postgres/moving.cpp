// A whole store, read and written.

#include <algorithm>

#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/escape.h"
#include "engine/store/postgres/load_columns.h"
#include "engine/store/postgres/migrations.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

constexpr std::size_t rows_per_fetch = 512;

/// Nobody waits for a reader, but one that has fallen silent would keep the server from clearing up for ever.
constexpr auto begin_of_dump =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE signalbox_app;"
    " SET LOCAL idle_in_transaction_session_timeout = '5min'; SET LOCAL enable_seqscan = on;"
    " SET LOCAL enable_hashjoin = on; SELECT set_config('signalbox.tenants', '*', true)";

/// Whose the item is, and the stream it points at, which may be empty.
struct Origin {
    const TenantName* tenant = nullptr;
    const std::string* stream = nullptr;
};
Origin origin_of(const TenantName& tenant) {
    return {&tenant, nullptr};
}
Origin origin_of(const JournalRecord& record) {
    return {&record.tenant, &record.stream};
}
Origin origin_of(const StreamRow& row) {
    return {&row.tenant, &row.head.stream};
}
Origin origin_of(const PastSubject& past) {
    return {&past.tenant, &past.stream};
}
Origin origin_of(const SeenRow& seen) {
    return {seen.tenant.empty() ? nullptr : &seen.tenant, seen.stream.empty() ? nullptr : &seen.stream};
}
Origin origin_of(const PendingEvent& pending) {
    return {&pending.event.tenant, nullptr};
}
Origin origin_of(const DeadLetter& letter) {
    return {&letter.delivery.tenant, nullptr};
}
Origin origin_of(const CountersRow&) {
    return {};
}
/// It names its tenant, who needs not be there.
Origin origin_of(const Request&) {
    return {};
}
template <class Item>
Origin origin_of(const Item& item) {
    return {&item.tenant, nullptr};
}

}  // namespace

// ---- reading

Result<void> PostgresStore::dump(const std::function<Result<void>(StoredItem)>& each, bool with_journal) {
    end_reading();
    if (auto begun = begin(begin_of_dump); !begun) return begun;
    reading_ = true;
    auto dumped = dump_all(each, with_journal);
    // A connection that was lost and opened again sees another state of the store.
    if (dumped && (!reading_ || connection_->broken()))
        dumped = unavailable("the connection to the database was lost while the store was read");
    end_reading();
    return dumped;
}

Result<void> PostgresStore::dump_all(const Visit& each, bool with_journal) {
    if (auto done = dump_tenants(each); !done) return done;
    if (with_journal)
        if (auto done = dump_journal(each); !done) return done;
    if (auto done = dump_known(each); !done) return done;
    return dump_waiting(each);
}

/// Every row of the statement, read with `read`.
template <class Read>
Result<void> PostgresStore::dump_rows(const char* statement, const Visit& each, Read read) {
    const auto opened = connection_->run(std::string("DECLARE dump NO SCROLL CURSOR FOR ") + statement);
    if (!opened) return opened.error();
    const auto fetch = "FETCH " + std::to_string(rows_per_fetch) + " FROM dump";
    while (true) {
        const auto rows = connection_->run(fetch);
        if (!rows) return rows.error();
        for (std::size_t row = 0; row < rows->size(); ++row) {
            auto item = read(*rows, row);
            if (!item) return item.error();
            if (auto taken = each(StoredItem(*std::move(item))); !taken) return taken;
        }
        if (rows->size() < rows_per_fetch) break;
    }
    const auto closed = connection_->run("CLOSE dump");
    return closed ? Result<void>() : closed.error();
}

Result<void> PostgresStore::dump_tenants(const Visit& each) {
    const auto tenants =
        dump_rows(sql::dump_tenants, each, [](const Rows& rows, std::size_t row) -> Result<TenantName> {
            return TenantName(std::string(rows.text(row, 0)));
        });
    if (!tenants) return tenants;
    const auto rules =
        dump_rows(sql::dump_rule_sets, each, [this](const Rows& rows, std::size_t row) -> Result<RuleSetRow> {
            auto tenant = tenant_of(rows.integer(row, 0));
            if (!tenant) return tenant.error();
            auto files = parse_stored(rows.text(row, 2), "rule set");
            if (!files) return files.error();
            return RuleSetRow{*std::move(tenant), std::string(rows.text(row, 1)), *std::move(files)};
        });
    if (!rules) return rules;
    return dump_rows(sql::dump_keys, each,
                     [this](const Rows& rows, std::size_t row) { return key_from(rows, row); });
}

Result<void> PostgresStore::dump_journal(const Visit& each) {
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
        [this](const Rows& rows, std::size_t row) -> Result<StreamRow> {
            auto tenant = tenant_of(rows.integer(row, 0));
            if (!tenant) return tenant.error();
            const std::string name(rows.text(row, 1));
            const auto hash = digest_from(rows.bytes(row, 3), "the hash of stream " + name);
            if (!hash) return hash.error();
            const auto detached = digest_from(rows.bytes(row, 5), "the beginning of stream " + name);
            if (!detached) return detached.error();
            return StreamRow{*std::move(tenant),
                             {name, rows.count(row, 2), *hash, rows.count(row, 4), *detached}};
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
    return dump_rows(sql::dump_past_subjects, each,
                     [this](const Rows& rows, std::size_t row) -> Result<PastSubject> {
                         auto tenant = tenant_of(rows.integer(row, 0));
                         if (!tenant) return tenant.error();
                         return PastSubject{*std::move(tenant), std::string(rows.text(row, 1)),
                                            std::string(rows.text(row, 2)), rows.count(row, 3)};
                     });
}

Result<void> PostgresStore::dump_known(const Visit& each) {
    const auto seen =
        dump_rows(sql::dump_seen, each, [](const Rows& rows, std::size_t row) -> Result<SeenRow> {
            const auto digest = digest_from(rows.bytes(row, 5), "the content of an event");
            if (!digest) return digest.error();
            return SeenRow{rows.bytes(row, 0),
                           TenantName(std::string(rows.text(row, 1))),
                           std::string(rows.text(row, 2)),
                           rows.count(row, 3),
                           rows.count(row, 4),
                           *digest};
        });
    if (!seen) return seen;
    return dump_rows(sql::dump_entities, each, [this](const Rows& rows, std::size_t row) -> Result<Entity> {
        const auto tenant = tenant_of(rows.integer(row, 0));
        if (!tenant) return tenant.error();
        return entity_from(*tenant, rows.text(row, 1), rows.count(row, 2), rows.text(row, 3),
                           rows.text(row, 4));
    });
}

Result<void> PostgresStore::dump_waiting(const Visit& each) {
    const auto read = [this](auto method) {
        return [this, method](const Rows& rows, std::size_t row) { return (this->*method)(rows, row); };
    };
    if (auto done = dump_rows(sql::dump_pending, each, read(&PostgresStore::pending_from)); !done)
        return done;
    if (auto done = dump_rows(sql::dump_outbox, each, read(&PostgresStore::delivery_from)); !done)
        return done;
    if (auto done = dump_rows(sql::dump_dead_letters, each, read(&PostgresStore::dead_letter_from)); !done)
        return done;
    if (auto done = dump_rows(sql::dump_timers, each, read(&PostgresStore::timer_from)); !done) return done;
    if (auto done = dump_rows(sql::dump_blocked_lanes, each, read(&PostgresStore::blocked_lane_from)); !done)
        return done;
    const auto continuations =
        dump_rows(sql::dump_continuations, each,
                  [this](const Rows& rows, std::size_t row) -> Result<StoredContinuation> {
                      auto tenant = tenant_of(rows.integer(row, 0));
                      if (!tenant) return tenant.error();
                      return continuation_from({*std::move(tenant), rows.text(row, 1), rows.integer(row, 2),
                                                rows.text(row, 3), rows.text(row, 4), rows.text(row, 5)});
                  });
    if (!continuations) return continuations;
    const auto counters =
        dump_rows(sql::dump_counters, each, [](const Rows& rows, std::size_t row) -> Result<CountersRow> {
            return CountersRow{static_cast<int>(rows.integer(row, 0)), rows.count(row, 1),
                               rows.count(row, 2)};
        });
    if (!counters) return counters;
    return dump_rows(sql::dump_requests, each, [](const Rows& rows, std::size_t row) {
        return request_from({rows.count(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3),
                             rows.text(row, 4), rows.integer(row, 5), std::nullopt});
    });
}

// ---- writing

/// The program's role adds all rows, as in commits; only what it may not do is done in the login's own:
/// taking away the schema that an interrupted load has left, and giving requests their numbers.
Result<void> PostgresStore::begin_load(const StoreInfo& like) {
    if (!owned()) return denied("this process does not own the store");
    if (const auto checked = check_partitions(like.partitions); !checked) return checked;
    if (info_.loading)
        if (auto made = make_anew(like.partitions); !made) return made;
    auto begun = in_transaction([&](Connection& open) -> Result<void> {
        if (const auto empty = check_empty(open); !empty) return empty;
        const auto set = open.run(sql::set_info, values(like.partitions, like.simulated ? 1 : 0));
        if (!set) return set.error();
        const auto marked = open.run(sql::mark_loading, {});
        return marked ? Result<void>() : marked.error();
    });
    if (!begun) return begun;
    info_.partitions = like.partitions;
    info_.simulated = like.simulated;
    info_.loading = true;
    return {};
}

/// The journal's rows are never deleted, so what an interrupted load has left goes with its schema.
Result<void> PostgresStore::make_anew(int partitions) {
    if (auto begun = begin("BEGIN"); !begun) return begun;
    auto dropped = connection_->run(sql::renew, values(owner_, options_.lease.count(), ++commit_number_));
    if (dropped) dropped = connection_->run("DROP SCHEMA signalbox CASCADE");
    if (!dropped) {
        connection_->rollback();
        return dropped.error();
    }
    if (auto done = connection_->commit(); !done) return done;
    owner_ = 0;
    info_.loading = false;
    if (auto made = migrate(*connection_, partitions); !made) return made.error();
    return own();
}

Result<void> PostgresStore::check_empty(Connection& open) {
    const auto holds = open.run(sql::holds_anything, {});
    if (!holds) return holds.error();
    if (holds->boolean(0, 0)) return Error{Code::conflict, "the store is not empty"};
    return {};
}

Result<void> PostgresStore::load(std::span<const StoredItem> items) {
    if (!owned() || !info_.loading) return denied("no load into the store was begun");
    auto loaded = in_transaction([&](Connection& open) { return write_items(open, items); });
    if (!loaded && loaded.error().code == Code::outcome_unknown) loaded = settled(loaded.error());
    forget_uncommitted();
    memory_.subjects.clear();
    return loaded;
}

Result<void> PostgresStore::write_items(Connection& open, std::span<const StoredItem> items) {
    LoadColumns columns;
    for (const auto& item : items) {
        const auto origin = std::visit([](const auto& one) { return origin_of(one); }, item);
        std::int64_t tenant = 0;
        if (origin.tenant != nullptr) {
            const auto id = tenant_id(*origin.tenant);
            if (!id) return id.error();
            tenant = *id;
        }
        OpenStream* stream = nullptr;
        if (origin.stream != nullptr) {
            const auto known = learn_stream(open, tenant, *origin.stream);
            if (!known) return known.error();
            stream = *known;
        }
        columns.add(item, tenant, stream);
    }
    auto all = values(owner_, options_.lease.count(), ++commit_number_);
    columns.give_to(all);
    if (const auto done = open.run(sql::commit_steps, all); !done) return done.error();
    for (const auto& [statement, arguments] : columns.rare())
        if (const auto done = open.run(statement, arguments); !done) return done.error();
    if (columns.requests().empty()) return {};
    if (const auto own_role = open.run("SET LOCAL ROLE NONE"); !own_role) return own_role.error();
    std::uint64_t last = 0;
    for (const auto* request : columns.requests()) {
        const auto added =
            open.run(sql::add_numbered_request,
                     values(request->number, request->tenant.text(), request->command,
                            stored_text(request->arguments), request->actor, microseconds_of(request->made)));
        if (!added) return added.error();
        last = std::max(last, request->number);
    }
    const auto skipped = open.run(sql::skip_requests, values(last));
    return skipped ? Result<void>() : skipped.error();
}

Result<void> PostgresStore::finish_load() {
    if (!owned() || !info_.loading) return denied("no load into the store was begun");
    auto finished = in_transaction([this](Connection& open) -> Result<void> {
        const auto renewed = open.run(sql::renew, values(owner_, options_.lease.count(), ++commit_number_));
        if (!renewed) return renewed.error();
        const auto marked = open.run(sql::mark_loaded, {});
        return marked ? Result<void>() : marked.error();
    });
    if (!finished && finished.error().code == Code::outcome_unknown) finished = settled(finished.error());
    if (finished) info_.loading = false;
    return finished;
}

}  // namespace engine::postgres
