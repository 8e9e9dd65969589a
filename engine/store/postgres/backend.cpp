#include "engine/store/postgres/backend.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/store/codec.h"
#include "engine/store/postgres/migrations.h"
#include "engine/store/postgres/postgres_store.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

constexpr auto doubt_pause = std::chrono::milliseconds(50);

SessionLimits limits_of(const OpenOptions& options) {
    SessionLimits limits;
    limits.idle_in_transaction = options.lease;
    limits.lock = options.lease + std::chrono::seconds(5);
    return limits;
}

/// The server must keep what it says it has kept.
Result<void> check_durability(Connection& connection) {
    for (const std::string setting : {"fsync", "full_page_writes"}) {
        const auto value = connection.run("SHOW " + setting);
        if (!value) return value.error();
        if (value->text(0, 0) != "on")
            return invalid("the server runs with " + setting + " = " + std::string(value->text(0, 0)) +
                           ": what it has committed may be lost. Set " + setting + " = on");
    }
    const auto replicas = connection.run(
        "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'async'"
        " AND current_setting('synchronous_standby_names') = ''");
    if (replicas && replicas->integer(0, 0) > 0)
        log_warn("the server's replication is asynchronous: a fail-over may lose what was committed last",
                 {{"replicas", std::to_string(replicas->integer(0, 0))}});
    return {};
}

Result<void> check_schema(Connection& connection) {
    const auto newest = connection.run(sql::newest_migration, {});
    if (!newest) return newest.error();
    if (newest->integer(0, 0) == migrations().back().number) return {};
    return invalid("the store's schema has changed meanwhile: it is at migration " +
                   std::string(newest->text(0, 0)));
}

std::string begin_of_reading(std::int64_t tenant) {
    return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE signalbox_app;"
           " SELECT set_config('signalbox.tenants', '" +
           (tenant == all_tenants ? std::string("*") : std::to_string(tenant)) + "', true)";
}

}  // namespace

PostgresStore::PostgresStore(std::string url, std::unique_ptr<Connection> connection, StoreInfo info,
                             const OpenOptions& options)
    : url_(std::move(url)), connection_(std::move(connection)), info_(info), options_(options) {}

PostgresStore::~PostgresStore() {
    end_reading();
    if (owner_ == 0 || connection_->broken()) return;
    connection_->rollback();
    (void)connection_->run(sql::fence_owner, values(owner_));
}

// ---- the connection

Result<void> PostgresStore::connect() {
    auto opened = Connection::open(url_, limits_of(options_));
    if (!opened) return opened.error();
    connection_ = *std::move(opened);
    reading_ = false;
    expected_events_.clear();
    expected_entities_.clear();
    if (owner_ == 0) return {};
    // This waits for a commit of the lost connection that the server may still be at.
    const auto moved = connection_->run(sql::move_owner, values(owner_, options_.lease.count()));
    if (!moved) return moved.error();
    if (moved->empty()) return denied("another process has taken the store over");
    return {};
}

Result<Connection*> PostgresStore::connection() {
    if (!connection_->broken()) return connection_.get();
    if (auto connected = connect(); !connected) return connected.error();
    return connection_.get();
}

Result<void> PostgresStore::begin(const std::string& how) {
    for (const bool last : {false, true}) {
        const auto open = connection();
        if (!open) return open.error();
        auto begun = (*open)->begin(how);
        if (begun || last || !(*open)->broken()) return begun;
    }
    return unavailable("the connection to the database is lost");
}

Result<void> PostgresStore::begin_reading() {
    if (reading_) return {};
    auto begun = begin(begin_of_reading(all_tenants));
    reading_ = bool(begun);
    return begun;
}

void PostgresStore::end_reading() {
    if (!std::exchange(reading_, false)) return;
    expected_events_.clear();
    expected_entities_.clear();
    if (!connection_->commit()) connection_->rollback();
}

Result<Rows> PostgresStore::ask(std::int64_t tenant, const char* statement, const Values& values) {
    if (reading_ && !connection_->broken()) return connection_->run(statement, values);
    if (const auto begun = begin(begin_of_reading(tenant)); !begun) return begun.error();
    auto rows = connection_->run(statement, values);
    if (!rows || !connection_->commit()) connection_->rollback();
    return rows;
}

// ---- tenants

Result<std::int64_t> PostgresStore::find_tenant(const TenantName& tenant) {
    if (const auto known = tenant_ids_.find(tenant.text()); known != tenant_ids_.end()) return known->second;
    const auto rows = ask(0, sql::find_tenant, values(tenant.text()));
    if (!rows) return rows.error();
    if (rows->empty()) return std::int64_t{0};
    return tenant_ids_[tenant.text()] = rows->integer(0, 0);
}

/// Inside a transaction that writes.
Result<std::int64_t> PostgresStore::tenant_id(const TenantName& tenant) {
    if (const auto known = tenant_ids_.find(tenant.text()); known != tenant_ids_.end()) return known->second;
    auto rows = connection_->run(sql::find_tenant, values(tenant.text()));
    if (rows && rows->empty()) rows = connection_->run(sql::add_tenant, values(tenant.text()));
    if (!rows) return rows.error();
    return tenant_ids_[tenant.text()] = rows->integer(0, 0);
}

Result<TenantName> PostgresStore::tenant_of(std::int64_t id) {
    if (const auto known = tenant_names_.find(id); known != tenant_names_.end()) return known->second;
    const auto rows = ask(all_tenants, sql::tenant_text, values(id));
    if (!rows) return rows.error();
    // No tenant's name, so that a changed row is noticed.
    if (rows->empty()) return TenantName("?" + std::to_string(id));
    return tenant_names_[id] = TenantName(std::string(rows->text(0, 0)));
}

// ---- ownership

Result<void> PostgresStore::own() {
    if (options_.read_only) return denied("the store was opened for reading only");
    if (owned()) return {};
    end_reading();
    if (auto begun = begin("BEGIN"); !begun) return begun;
    const auto taken = take_over(*connection_);
    if (!taken) {
        connection_->rollback();
        return taken.error();
    }
    if (auto done = connection_->commit(); !done) return unavailable(done.error().message);
    forget_uncommitted();
    memory_.subjects.clear();
    commit_number_ = 0;
    owner_ = *taken;
    return {};
}

/// A load may have been begun since the store was opened.
Result<void> PostgresStore::learn_info(Connection& connection) {
    const auto info = connection.run(sql::read_info, {});
    if (!info) return info.error();
    if (info->empty()) return Error{Code::corrupt, "the store does not say how many partitions it has"};
    info_.partitions = static_cast<int>(info->integer(0, 0));
    info_.simulated = info->boolean(0, 1);
    info_.loading = info->boolean(0, 2);
    return info_.loading && !options_.also_loading ? Result<void>(loading_error()) : Result<void>();
}

/// In the login's own role: it sees whether the session of the owner before is still there.
Result<std::int64_t> PostgresStore::take_over(Connection& connection) {
    if (const auto locked = connection.run(take_owners_turn); !locked) return locked.error();
    // Whoever stood by may have been overtaken by a migration.
    if (const auto same = check_schema(connection); !same) return same.error();
    const auto live = connection.run(sql::find_live_owner, {});
    if (!live) return live.error();
    if (!live->empty() && live->boolean(0, 2))
        return Error{Code::conflict, "the store is owned by " + std::string(live->text(0, 1))};
    if (const auto learned = learn_info(connection); !learned) return learned.error();
    // Waits for what the owner before may still be committing.
    if (const auto fenced = connection.run(sql::fence_owners, {}); !fenced) return fenced.error();
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    const auto name = "process " + std::to_string(getpid()) + " on " + host;
    const auto added = connection.run(sql::add_owner, values(name, options_.lease.count()));
    if (!added) return added.error();
    return added->integer(0, 0);
}

Result<bool> PostgresStore::has_owner() {
    const auto rows = ask(0, sql::find_live_owner, {});
    if (!rows) return rows.error();
    return !rows->empty();
}

Result<void> PostgresStore::mark_simulated() {
    auto marked = in_transaction([](Connection& open) -> Result<void> {
        const auto set = open.run(sql::set_simulated, {});
        return set ? Result<void>() : set.error();
    });
    if (marked) info_.simulated = true;
    return marked;
}

// ---- commits

Result<void> PostgresStore::probe() {
    if (!owned()) return denied("this process does not own the store");
    auto probed = in_transaction([this](Connection& open) -> Result<void> {
        const auto renewed = open.run(sql::renew, values(owner_, options_.lease.count(), ++commit_number_));
        return renewed ? Result<void>() : renewed.error();
    });
    // Whether it was done matters to nobody.
    if (!probed && probed.error().code == Code::outcome_unknown) return unavailable(probed.error().message);
    return probed;
}

Result<void> PostgresStore::commit(std::span<const Step> steps) {
    if (!owned()) return denied("this process does not own the store");
    if (steps.empty()) return {};
    StepColumns columns(memory_);
    auto committed = in_transaction([&](Connection& open) -> Result<void> {
        if (auto written = write_steps(open, steps, columns); !written) return written;
        return failing_at(Failpoint::store_written);
    });
    if (committed) pass(Failpoint::store_committed);
    if (!committed && committed.error().code == Code::outcome_unknown) committed = settled(committed.error());
    if (committed) {
        columns.remember();
        return committed;
    }
    forget_uncommitted();
    const auto& error = committed.error();
    const auto detail = error.message.find("\nDETAIL:  ");
    if (error.code != Code::conflict || detail == std::string::npos) return committed;
    const auto what = error.message.substr(error.message.find_first_of(' ', detail + 10) + 1);
    return Error{Code::conflict, "event " + columns.event_of(what) + " " + error.message.substr(0, detail)};
}

Result<void> PostgresStore::write_steps(Connection& open, std::span<const Step> steps, StepColumns& columns) {
    if (auto known = learn_streams(open, steps); !known) return known;
    if (auto known = learn_subjects(open, steps); !known) return known;
    for (const auto& step : steps) {
        const auto tenant = tenant_id(step.tenant);
        if (!tenant) return tenant.error();
        if (auto added = columns.add(step, *tenant); !added) return added;
    }
    auto all = values(owner_, options_.lease.count(), ++commit_number_);
    columns.give_to(all);
    if (const auto done = open.run(sql::commit_steps, all); !done) return done.error();
    for (const auto& [statement, arguments] : columns.rare())
        if (const auto done = open.run(statement, arguments); !done) return done.error();
    return {};
}

Result<void> PostgresStore::learn_streams(Connection& open, std::span<const Step> steps) {
    for (const auto& step : steps) {
        const auto tenant = tenant_id(step.tenant);
        if (!tenant) return tenant.error();
        for (const auto& record : step.records) {
            const auto known = learn_stream(open, *tenant, record.stream);
            if (!known) return known.error();
        }
    }
    return {};
}

Result<OpenStream*> PostgresStore::learn_stream(Connection& open, std::int64_t tenant,
                                                const std::string& name) {
    const StreamKey key(tenant, name);
    const auto known = memory_.streams.find(key);
    if (known != memory_.streams.end()) return &known->second;
    const auto found = open.run(sql::find_stream, values(tenant, name));
    if (!found) return found.error();
    OpenStream stream;
    stream.head.stream = name;
    if (!found->empty()) {
        const auto hash = digest_from(found->bytes(0, 2), "the hash of stream " + name);
        if (!hash) return hash.error();
        stream.id = found->integer(0, 0);
        stream.committed = stream.head.seq = found->count(0, 1);
        stream.head.hash = *hash;
    } else {
        const auto added = open.run(sql::add_stream, values(tenant, name));
        if (!added) return added.error();
        stream.id = added->integer(0, 0);
    }
    return &memory_.streams.emplace(key, std::move(stream)).first->second;
}

/// One question for all that are not remembered.
Result<void> PostgresStore::learn_subjects(Connection& open, std::span<const Step> steps) {
    std::vector<SubjectKey> asked;
    auto tenants = number_column(), subjects = text_column(), streams = number_column();
    for (const auto& step : steps) {
        const auto tenant = tenant_ids_.at(step.tenant.text());
        for (const auto& record : step.records) {
            if (record.subject.empty()) continue;
            const auto stream = memory_.streams.at({tenant, record.stream}).id;
            SubjectKey key(tenant, record.subject, stream);
            // 0 until the answer comes, so that nothing is asked twice.
            if (!memory_.subjects.try_emplace(key, 0).second) continue;
            tenants.add(tenant);
            subjects.add(record.subject);
            streams.add(stream);
            asked.push_back(std::move(key));
        }
    }
    if (asked.empty()) return {};
    const auto rows = open.run(sql::find_subjects, values(tenants, subjects, streams));
    if (!rows) {
        for (const auto& key : asked) memory_.subjects.erase(key);
        return rows.error();
    }
    for (std::size_t row = 0; row < rows->size(); ++row)
        memory_.subjects[asked[rows->count(row, 0) - 1]] = rows->count(row, 1);
    return {};
}

/// The server did not say whether it committed: the owner's row does, once the lost connection's transaction
/// has ended.
Result<bool> PostgresStore::was_committed() {
    if (auto connected = connect(); !connected && connected.error().code != Code::denied)
        return connected.error();
    const auto rows = connection_->run(sql::find_owner, values(owner_));
    if (!rows) return rows.error();
    if (rows->empty()) return Error{Code::corrupt, "the store has forgotten its owner"};
    return rows->integer(0, 0) == commit_number_;
}

Result<void> PostgresStore::settled(const Error& error) {
    log_warn("a commit is in doubt", {{"reason", error.message}});
    const auto until = std::chrono::steady_clock::now() + options_.doubt_timeout;
    while (true) {
        const auto committed = was_committed();
        if (committed && *committed) return {};
        if (committed) return unavailable("the connection to the database was lost before the commit");
        if (std::chrono::steady_clock::now() >= until) return error;
        std::this_thread::sleep_for(doubt_pause);
    }
}

void PostgresStore::forget_uncommitted() {
    memory_.streams.clear();
    tenant_ids_.clear();
    tenant_names_.clear();
}

}  // namespace engine::postgres

namespace engine {

using namespace postgres;

Result<std::unique_ptr<Store>> open_postgres(const std::string& url, const OpenOptions& options) {
    if (const auto checked = check_partitions(options.partitions); !checked) return checked.error();
    auto connection = Connection::open(url, limits_of(options));
    if (!connection) return connection.error();
    if (const auto durable = check_durability(**connection); !durable) return durable.error();
    auto status = migration_status(**connection);
    if (!status) return status.error();
    if (status->empty() && options.read_only) return not_found("there is no store in the database");
    if (const auto complete = check_complete(*status); !complete) return complete.error();
    if (status->empty())
        if (const auto made = migrate(**connection, options.partitions); !made) return made.error();
    StoreInfo info;
    info.schema = migrations().back().number;
    info.lease = options.lease;
    auto store = std::make_unique<PostgresStore>(url, *std::move(connection), info, options);
    if (const auto learned = store->learn(); !learned) return learned.error();
    return std::unique_ptr<Store>(std::move(store));
}

}  // namespace engine
