#include "engine/app/checkpoints.h"

#include <algorithm>
#include <span>

#include "engine/base/log.h"

namespace engine::app {

Result<int> make_checkpoints(Store& store, CheckpointSink& sink, const SigningKey& key, Instant now) {
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    int made = 0;
    for (const auto& tenant : *tenants) {
        const auto heads = store.streams(tenant);
        if (!heads) return heads.error();
        const auto appended = sink.append(tenant, *heads, false, now, key);
        if (!appended) return appended.error();
        made += *appended ? 1 : 0;
    }
    return made;
}

Result<void> accept_rollbacks(Store& store, const std::vector<Rollback>& rollbacks, CheckpointSink& sink,
                              const SigningKey& key, const std::string& actor, Instant now) {
    std::map<TenantName, Json> streams;
    for (const auto& one : rollbacks) {
        auto& list = streams.try_emplace(one.tenant, Json::array()).first->second;
        list.push_back({{"stream", one.stream}, {"signed", one.signed_seq}, {"stored", one.stored_seq}});
    }
    for (const auto& [tenant, list] : streams) {
        Step step;
        step.tenant = tenant;
        step.time = now;
        NewRecord record;
        record.stream = control_stream;
        record.kind = record_kind::operator_act;
        record.actor = actor;
        record.body =
            canonical_json(Json{{"command", "accept-rollback"}, {"arguments", {{"streams", list}}}});
        step.records.push_back(std::move(record));
        if (auto done = store.commit(std::span(&step, 1)); !done) return done;
        const auto heads = store.streams(tenant);
        if (!heads) return heads.error();
        if (auto done = sink.append(tenant, *heads, true, now, key); !done) return done.error();
    }
    return {};
}

Checkpoints::Checkpoints(std::unique_ptr<Store> store, CheckpointSink sink, SigningKey key,
                         CheckpointOptions options)
    : store_(std::move(store)),
      sink_(std::move(sink)),
      key_(std::move(key)),
      options_(std::move(options)),
      thread_([this] { run(); }) {}

Checkpoints::~Checkpoints() {
    stop();
}

void Checkpoints::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    woken_.notify_one();
    if (thread_.joinable()) thread_.join();
    // Whoever closes a SQLite store last writes its log back, and a handle that only reads cannot.
    store_.reset();
}

std::map<std::string, double> Checkpoints::gauges() const {
    const std::lock_guard lock(mutex_);
    return {{"checkpoints_total", made_},
            {"checkpoint_failures_total", failures_},
            {"checkpoint_failing", failing_ ? 1 : 0},
            {"checkpoint_unsigned_rows", unsigned_}};
}

void Checkpoints::run() {
    // What another run left unsigned is signed at once.
    make();
    std::unique_lock lock(mutex_);
    while (!woken_.wait_for(lock, options_.poll, [this] { return stopping_; })) {
        lock.unlock();
        if (const auto rows = rows_in_store(); !rows)
            note_failure(rows.error(), false);
        else if (is_due(*rows - std::min(*rows, signed_rows_)))
            make();
        lock.lock();
    }
    lock.unlock();
    make();
}

Result<std::uint64_t> Checkpoints::rows_in_store() {
    const auto tenants = store_->tenants();
    if (!tenants) return tenants.error();
    std::uint64_t rows = 0;
    for (const auto& tenant : *tenants) {
        const auto heads = store_->streams(tenant);
        if (!heads) return heads.error();
        for (const auto& head : *heads) rows += head.seq;
    }
    return rows;
}

bool Checkpoints::is_due(std::uint64_t unsigned_rows) {
    const auto now = std::chrono::steady_clock::now();
    if (unsigned_rows == 0) unsigned_since_ = now;
    const std::lock_guard lock(mutex_);
    unsigned_ = static_cast<double>(unsigned_rows);
    // A sink that failed is tried again as often as heads are looked at, but not more.
    return unsigned_rows >= options_.rows ||
           (unsigned_rows > 0 && (failing_ || now - unsigned_since_ >= options_.every));
}

/// However many rows have come, each tenant gets one line: under load checkpoints run together.
void Checkpoints::make() {
    const auto rows = rows_in_store();
    const auto made = rows ? make_checkpoints(*store_, sink_, key_, SystemClock().now()) : rows.error();
    // A store that is away comes back by itself, and meanwhile nothing is added that could be signed.
    if (!made) return note_failure(made.error(), bool(rows_in_store()));
    signed_rows_ = *rows;
    unsigned_since_ = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (failing_) log_info("checkpoints are made again");
    failing_ = false;
    made_ += *made;
    unsigned_ = 0;
}

void Checkpoints::note_failure(const Error& error, bool of_sink) {
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        is_new = !std::exchange(failing_, true);
        ++failures_;
    }
    if (is_new) log_error("no checkpoint could be made", {{"reason", error.message}});
    if (of_sink && options_.on_failure) options_.on_failure(error);
}

}  // namespace engine::app
