#include "engine/store/migrations.h"

#include "engine/base/hash.h"
#include "engine/store/store.h"

namespace engine {
namespace {

template <class Any>
std::string name_of(const Any& migration) {
    return std::to_string(migration.number) + " (" + migration.name + ")";
}

}  // namespace

Migration migration(int number, const char* name, const char* script) {
    return {number, name, script, to_hex(bytes_of(sha256(script)))};
}

Result<MigrationStatus> compare_migrations(const std::vector<Migration>& known,
                                           std::vector<AppliedMigration> applied) {
    MigrationStatus status;
    status.applied = std::move(applied);
    for (std::size_t i = 0; i < status.applied.size(); ++i) {
        const auto& one = status.applied[i];
        if (i >= known.size())
            return invalid("the store has migration " + name_of(one) + "; this program knows up to " +
                           name_of(known.back()) + ": use the program that made it, or a newer one");
        if (one.number != known[i].number || one.checksum != known[i].checksum)
            return invalid("the store's migration " + name_of(one) + " is not this program's " +
                           name_of(known[i]) + ": another program has made this schema");
    }
    status.missing.assign(known.begin() + static_cast<std::ptrdiff_t>(status.applied.size()), known.end());
    return status;
}

Result<void> check_complete(const MigrationStatus& status) {
    if (status.empty() || status.missing.empty()) return {};
    return invalid("the store's schema is older than this program: it lacks migration " +
                   name_of(status.missing.front()) + ". Stop the daemon and run signalbox migrate up");
}

Result<void> check_wanted_partitions(const MigrationStatus& status, std::optional<int> wanted) {
    if (wanted)
        if (auto checked = check_partitions(*wanted); !checked) return checked;
    if (status.empty() || !wanted || *wanted == status.partitions) return {};
    return invalid("the store has " + std::to_string(status.partitions) +
                   " partitions; their number is fixed when it is made");
}

}  // namespace engine
