#include "engine/store/sqlite/backend.h"

#include <algorithm>

#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/store/sqlite/schema.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

/// The longer the log, the more changes of one page are written back as one; but a start after a crash reads
/// it all.
constexpr int pages_between_passes = 4'000;
/// A log that grows beyond this is written back by the commit itself: the writer is faster than the
/// checkpointer.
constexpr int pages_max = 16'000;

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const OpenOptions& options) {
    auto database = Database::open(
        path, {options.read_only, !options.read_only, options.cache_bytes, options.busy_timeout});
    if (!database) return database.error();
    const auto info = prepare_schema(**database, options);
    if (!info) return Error{info.error().code, "store " + path + ": " + info.error().message};
    if (info->loading && !options.also_loading)
        return Error{loading_error().code, "store " + path + ": " + loading_error().message};
    return std::unique_ptr<Store>(new SqliteStore(*std::move(database), *info, options));
}

SqliteStore::SqliteStore(std::unique_ptr<Database> database, StoreInfo info, const OpenOptions& options)
    : database_(std::move(database)),
      info_(info),
      read_only_(options.read_only),
      also_loading_(options.also_loading),
      lock_(database_->path() + ".lock"),
      tenants_(*database_, {sql::find_tenant, sql::add_tenant, sql::tenant_text}, false),
      words_(*database_, {sql::find_word, sql::add_word, sql::word_text}, true) {}

Result<void> SqliteStore::own() {
    if (read_only_) return denied("the store was opened for reading only");
    if (owned()) return {};
    if (database_->in_memory()) {
        owns_memory_ = true;
        return {};
    }
    if (const auto taken = lock_.take(); !taken) return taken;
    // Another process may have written since: what is remembered may be old. Its last commit may be in the
    // log without having reached the disk; nothing may be built on that.
    forget_all();
    auto ready = [this]() -> Result<void> {
        // Whoever stood by may have been overtaken by a migration.
        if (const auto same = check_schema(*database_, info_.schema); !same) return same;
        if (const auto learned = learn_info(); !learned) return learned;
        if (const auto durable = database_->write_back_log(); !durable) return durable.error();
        auto checkpointer = Checkpointer::start(database_->path());
        if (!checkpointer) return checkpointer.error();
        checkpointer_ = *std::move(checkpointer);
        return {};
    }();
    if (!ready) lock_.release();
    return ready;
}

/// A load may have been begun since the store was opened.
Result<void> SqliteStore::learn_info() {
    const auto info = read_info(*database_);
    if (!info) return info.error();
    info_ = *info;
    return info_.loading && !also_loading_ ? Result<void>(loading_error()) : Result<void>();
}

bool SqliteStore::owned() const {
    return owns_memory_ || lock_.held();
}

Result<bool> SqliteStore::has_owner() {
    if (database_->in_memory()) return owns_memory_;
    return lock_.taken_by_any();
}

Result<void> SqliteStore::mark_simulated() {
    auto marked = run_alone(sql::set_simulated);
    if (marked) info_.simulated = true;
    return marked;
}

Result<void> SqliteStore::probe() {
    if (!owned()) return denied("this process does not own the store");
    if (checkpointer_ && checkpointer_->failed()) database_->stop();
    return run_alone(sql::probe);
}

Result<void> SqliteStore::run_alone(const char* statement) {
    return in_transaction([&]() -> Result<void> {
        const auto done = database_->run(statement);
        if (!done) return done.error();
        return {};
    });
}

Result<void> SqliteStore::begin_reading() {
    if (reading_) return {};
    const auto begun = database_->begin_reading();
    reading_ = bool(begun);
    return begun;
}

void SqliteStore::end_reading() {
    if (std::exchange(reading_, false)) database_->end_reading();
}

Result<void> SqliteStore::commit(std::span<const Step> steps) {
    if (!owned()) return denied("this process does not own the store");
    if (checkpointer_ && checkpointer_->failed()) database_->stop();
    if (steps.empty()) return {};
    const bool erases =
        std::any_of(steps.begin(), steps.end(), [](const Step& step) { return !step.erasures.empty(); });
    if (auto set = database_->overwrite_freed_pages(erases); !set) return set;
    StepWriter writer(*database_, tenants_, words_, memory_);
    const auto committed = in_transaction([&]() -> Result<void> {
        if (auto begun = writer.begin(); !begun) return begun;
        for (const auto& step : steps)
            if (auto written = writer.write(step); !written) return written;
        if (auto finished = writer.finish(); !finished) return finished;
        return failing_at(Failpoint::store_written);
    });
    if (!committed) return committed;
    pass(Failpoint::store_committed);
    writer.remember();
    holds_traces_ = holds_traces_ || erases;
    clear_traces_if_due();
    write_back_if_due();
    return {};
}

/// While a reader needs the log, later commits try again, and the end does.
void SqliteStore::clear_traces_if_due() {
    if (!holds_traces_) return;
    const auto cleared = database_->clear_traces();
    holds_traces_ = !cleared || !*cleared;
    if (holds_traces_)
        log_warn("traces of what was erased are in the store's files still",
                 {{"reason", cleared ? "a reader holds the log" : cleared.error().message}});
}

void SqliteStore::write_back_if_due() {
    if (!checkpointer_) return;
    const int pages = database_->log_pages();
    if (pages < pages_at_pass_) pages_at_pass_ = 0;  // the log has begun anew
    if (pages >= pages_at_pass_ + pages_between_passes) {
        pages_at_pass_ = pages;
        checkpointer_->wake();
    }
    database_->checkpoint_if_due(pages_max);
}

void SqliteStore::forget_uncommitted() {
    tenants_.forget();
    words_.forget();
    memory_.streams.clear();
}

Result<TenantName> SqliteStore::tenant_of(std::int64_t number) {
    const auto name = tenants_.text_of(number);
    if (!name) return name.error();
    return TenantName(std::string(*name));
}

}  // namespace engine
