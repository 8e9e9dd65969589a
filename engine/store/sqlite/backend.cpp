#include "engine/store/sqlite/backend.h"

#include "engine/store/sqlite/schema.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "sqlite/sql.inc"

namespace engine {

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const OpenOptions& options) {
    auto database = Database::open(
        path, {options.read_only, !options.read_only, options.cache_bytes, options.busy_timeout});
    if (!database) return database.error();
    const auto info = prepare_schema(**database, options);
    if (!info) return Error{info.error().code, "store " + path + ": " + info.error().message};
    return std::unique_ptr<Store>(new SqliteStore(*std::move(database), *info, options.read_only));
}

SqliteStore::SqliteStore(std::unique_ptr<Database> database, StoreInfo info, bool read_only)
    : database_(std::move(database)),
      info_(info),
      read_only_(read_only),
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
    forget_uncommitted();
    const auto durable = database_->write_back_log();
    if (!durable) lock_.release();
    return durable;
}

bool SqliteStore::owned() const {
    return owns_memory_ || lock_.held();
}

Result<bool> SqliteStore::has_owner() {
    if (database_->in_memory()) return owns_memory_;
    return lock_.taken_by_any();
}

Result<void> SqliteStore::mark_simulated() {
    const auto marked = in_transaction([this]() -> Result<void> {
        const auto set = database_->run(sql::set_simulated);
        if (!set) return set.error();
        return {};
    });
    if (marked) info_.simulated = true;
    return marked;
}

Result<void> SqliteStore::commit(std::span<const Step> steps) {
    if (!owned()) return denied("this process does not own the store");
    if (steps.empty()) return {};
    StepWriter writer(*database_, tenants_, words_, memory_);
    const auto committed = in_transaction([&]() -> Result<void> {
        if (auto begun = writer.begin(); !begun) return begun;
        for (const auto& step : steps)
            if (auto written = writer.write(step); !written) return written;
        return writer.finish();
    });
    if (!committed) return committed;
    writer.remember();
    database_->checkpoint_if_due();
    return {};
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
