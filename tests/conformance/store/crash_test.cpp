// A process killed at any moment, and a disk that fails at any moment.

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>
#include <random>
#include <thread>

#include "engine/store/sqlite/checkpointer.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "tests/conformance/store/support.h"

namespace crash_test {

using namespace engine;
using namespace store_tests;

namespace {

constexpr int events_per_step_round = 3;

/// The steps of one commit: three events, each with an entity, a delivery, and what the one before left
/// behind.
std::vector<Step> steps_of_commit(int commit_number) {
    std::vector<Step> steps;
    for (int i = 0; i < events_per_step_round; ++i) {
        const int n = commit_number * events_per_step_round + i;
        const auto about = "ticket/" + std::to_string(n % 5);
        Step step = decided_step("e" + std::to_string(n), about, n);
        step.records[0].body.append(static_cast<std::size_t>(n % 7) * 900, ' ');
        step.entities = {entity_of(about, static_cast<std::uint64_t>(n / 5) + 1, {{"n", n}})};
        step.outbox_added = {
            delivery_of(3, static_cast<std::uint64_t>(n) + 1, "k" + std::to_string(n), about)};
        if (n > 0) step.outbox_removed = {{3, static_cast<std::uint64_t>(n)}};
        steps.push_back(std::move(step));
    }
    return steps;
}

/// Checks that the store holds exactly the first commits, each whole, and says how many.
int commits_held(Store& store) {
    CHECK(faults_of(store).empty());
    const auto heads = need(store.streams(acme));
    const auto rows = heads.empty() ? 0 : heads[0].seq;
    REQUIRE(rows % (2 * events_per_step_round) == 0);
    const int events = static_cast<int>(rows / 2);
    for (int n = 0; n < events + events_per_step_round; ++n) {
        const auto seen = need(store.seen(key_of("e" + std::to_string(n))));
        CHECK(seen.has_value() == (n < events));
    }
    for (int k = 0; k < 5; ++k) {
        const auto entity = need(store.entity(acme, subject("ticket/" + std::to_string(k))));
        const int versions = (events - k + 4) / 5;
        CHECK((entity ? static_cast<int>(entity->version) : 0) == versions);
        CHECK(need(store.history(acme, subject("ticket/" + std::to_string(k)), 1'000'000)).size() ==
              static_cast<std::size_t>(2 * versions));
    }
    CHECK(need(store.outbox_size()) == (events > 0 ? 1u : 0u));
    CHECK(need(store.counters(3)).second == static_cast<std::uint64_t>(events));
    return events / events_per_step_round;
}

/// In the child: commits for ever, telling each commit's number after it.
[[noreturn]] void commit_for_ever(const std::string& path, int from, int pipe) {
    auto store = open_sqlite(path);
    if (!store || !(*store)->own()) _exit(3);
    for (int n = from;; ++n) {
        if (!commit(**store, steps_of_commit(n))) _exit(4);
        if (write(pipe, &n, sizeof n) != sizeof n) _exit(5);
    }
}

struct Killed {
    int last_acknowledged = -1;
    int status = 0;
};

/// Kills the child that many microseconds after it has acknowledged that many commits.
Killed run_and_kill(const std::string& path, int from, unsigned acknowledgements, useconds_t later) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        close(ends[0]);
        commit_for_ever(path, from, ends[1]);
    }
    close(ends[1]);
    Killed killed;
    int n = 0;
    for (unsigned i = 0; i < acknowledgements && read(ends[0], &n, sizeof n) == sizeof n; ++i)
        killed.last_acknowledged = n;
    usleep(later);
    kill(child, SIGKILL);
    while (read(ends[0], &n, sizeof n) == sizeof n) killed.last_acknowledged = n;
    close(ends[0]);
    waitpid(child, &killed.status, 0);
    return killed;
}

// ---- a file system that fails

/// What the shim does to the next operations; a test sets it.
struct Fault {
    enum class On { nothing, write, sync };
    On on = On::nothing;
    int code = SQLITE_OK;
    int after = 0;               ///< operations that still succeed
    bool lasting = false;        ///< fails from then on, not once
    bool database_only = false;  ///< spares the log
};

/// The store's thread and its checkpointer's both ask.
class Disk {
public:
    void set(const Fault& fault) {
        const std::lock_guard lock(mutex_);
        fault_ = fault;
        hits_ = 0;
    }
    void heal() { set({}); }
    int hits() {
        const std::lock_guard lock(mutex_);
        return hits_;
    }
    /// The code to fail with, or SQLITE_OK.
    int strike(Fault::On operation, bool is_database) {
        const std::lock_guard lock(mutex_);
        if (fault_.on != operation || (fault_.database_only && !is_database)) return SQLITE_OK;
        if (fault_.after-- > 0) return SQLITE_OK;
        ++hits_;
        fault_.after = 0;
        if (!fault_.lasting) fault_.on = Fault::On::nothing;
        return fault_.code;
    }

private:
    std::mutex mutex_;
    Fault fault_;
    int hits_ = 0;
};
Disk disk;

/// SQLite's own file behind a table of methods of ours. Only reads, writes and syncs are looked at.
struct ShimFile {
    sqlite3_file base;
    bool is_database;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_vfs* real_system = nullptr;
sqlite3_io_methods shim_methods;
ShimFile* shim(sqlite3_file* file) {
    return reinterpret_cast<ShimFile*>(file);
}

template <auto Method, class... Arguments>
int pass(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* real = shim(file)->real();
    return (real->pMethods->*Method)(real, arguments...);
}

int shim_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    const int code = disk.strike(Fault::On::write, shim(file)->is_database);
    // A torn write: half of it is there.
    const int torn = code == SQLITE_OK ? size : size / 2;
    const int written = pass<&sqlite3_io_methods::xWrite>(file, bytes, torn, at);
    return code == SQLITE_OK ? written : code;
}

int shim_sync(sqlite3_file* file, int flags) {
    const int code = disk.strike(Fault::On::sync, shim(file)->is_database);
    if (code != SQLITE_OK) return code;
    return pass<&sqlite3_io_methods::xSync>(file, flags);
}

int shim_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    file->pMethods = nullptr;
    shim(file)->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    const int code = real_system->xOpen(real_system, name, shim(file)->real(), flags, out_flags);
    if (code == SQLITE_OK) file->pMethods = &shim_methods;
    return code;
}

void fill_shim_methods() {
    using M = sqlite3_io_methods;
    shim_methods = {};
    shim_methods.iVersion = 2;  // no memory-mapped pages; shared memory passes through
    shim_methods.xClose = pass<&M::xClose>;
    shim_methods.xRead = pass<&M::xRead, void*, int, sqlite3_int64>;
    shim_methods.xWrite = shim_write;
    shim_methods.xTruncate = pass<&M::xTruncate, sqlite3_int64>;
    shim_methods.xSync = shim_sync;
    shim_methods.xFileSize = pass<&M::xFileSize, sqlite3_int64*>;
    shim_methods.xLock = pass<&M::xLock, int>;
    shim_methods.xUnlock = pass<&M::xUnlock, int>;
    shim_methods.xCheckReservedLock = pass<&M::xCheckReservedLock, int*>;
    shim_methods.xFileControl = pass<&M::xFileControl, int, void*>;
    shim_methods.xSectorSize = pass<&M::xSectorSize>;
    shim_methods.xDeviceCharacteristics = pass<&M::xDeviceCharacteristics>;
    shim_methods.xShmMap = pass<&M::xShmMap, int, int, int, void volatile**>;
    shim_methods.xShmLock = pass<&M::xShmLock, int, int, int>;
    shim_methods.xShmBarrier = [](sqlite3_file* file) {
        sqlite3_file* real = shim(file)->real();
        real->pMethods->xShmBarrier(real);
    };
    shim_methods.xShmUnmap = pass<&M::xShmUnmap, int>;
}

/// While this lives, stores are opened over the shim.
class FaultySystem {
public:
    FaultySystem() {
        real_system = sqlite3_vfs_find(nullptr);
        fill_shim_methods();
        shim_ = *real_system;
        shim_.zName = "faulty";
        shim_.szOsFile += static_cast<int>(sizeof(ShimFile));
        shim_.xOpen = shim_open;
        sqlite3_vfs_register(&shim_, 1);
        disk.heal();
    }
    ~FaultySystem() {
        disk.heal();
        sqlite3_vfs_unregister(&shim_);
        sqlite3_vfs_register(real_system, 1);
    }
    FaultySystem(const FaultySystem&) = delete;
    FaultySystem& operator=(const FaultySystem&) = delete;

private:
    sqlite3_vfs shim_;
};

/// Commits until one fails; how many were acknowledged, and the error.
std::pair<int, std::optional<Error>> commit_until_failure(Store& store, int from, int commits) {
    for (int n = from; n < from + commits; ++n)
        if (const auto done = commit(store, steps_of_commit(n)); !done) return {n, done.error()};
    return {from + commits, std::nullopt};
}

}  // namespace

TEST_CASE("crash: a process killed at any moment leaves whole commits, and every acknowledged one",
          "[store][crash]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const unsigned seed = 5;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    int held = 0;
    for (int round = 0; round < 30; ++round) {
        const auto killed = run_and_kill(path, held, random() % 8, random() % 3'000);
        INFO("round " << round << ", acknowledged " << killed.last_acknowledged);
        REQUIRE(WIFSIGNALED(killed.status));
        const auto store = need(open_sqlite(path));
        CHECK_FALSE(need(store->has_owner()));
        held = commits_held(*store);
        CHECK(held >= killed.last_acknowledged + 1);
        if (killed.last_acknowledged >= 0) CHECK(held <= killed.last_acknowledged + 2);
    }
    CHECK(held > 30);
}

TEST_CASE("disk: a failed write keeps nothing of its commit, and the store goes on once there is space",
          "[store][crash]") {
    FaultySystem system;
    Folder folder;
    const auto path = folder.file("store.db");
    auto store = need(open_sqlite(path));
    need(store->own());
    int acknowledged = 0;
    int failures = 0;
    for (int n = 0; n < 60; ++n) {
        INFO("write " << n);
        disk.set({Fault::On::write, n % 2 == 0 ? SQLITE_FULL : SQLITE_IOERR_WRITE, n, n % 3 == 0});
        const auto [reached, error] = commit_until_failure(*store, acknowledged, 3);
        failures += error ? 1 : 0;
        if (error) CHECK(error->code == Code::unavailable);
        if (error) CHECK(disk.hits() > 0);
        if (error && n % 3 == 0) CHECK(store->probe().error().code == Code::unavailable);
        disk.heal();
        need(store->probe());
        acknowledged = reached;
        REQUIRE(commits_held(*store) == acknowledged);
        need(commit(*store, steps_of_commit(acknowledged++)));
    }
    CHECK(failures > 30);
    store.reset();
    CHECK(commits_held(*need(open_sqlite(path))) == acknowledged);
}

TEST_CASE("disk: after a failed fsync the store stops, and opened again has lost nothing it acknowledged",
          "[store][crash]") {
    FaultySystem system;
    Folder folder;
    const auto path = folder.file("store.db");
    int failures = 0;
    for (int n = 0; n < 24; ++n) {
        INFO("fsync " << n);
        auto store = need(open_sqlite(path));
        need(store->own());
        const int before = commits_held(*store);
        disk.set({Fault::On::sync, SQLITE_IOERR_FSYNC, n % 8, false});
        const auto [acknowledged, error] = commit_until_failure(*store, before, 10);
        disk.heal();
        REQUIRE(error);
        ++failures;
        CHECK(error->code == Code::outcome_unknown);
        CHECK(commit(*store, steps_of_commit(acknowledged)).error().code == Code::outcome_unknown);
        CHECK(store->seen(key_of("e0")).error().code == Code::outcome_unknown);
        CHECK(store->tenants().error().code == Code::outcome_unknown);
        CHECK(store->probe().error().code == Code::outcome_unknown);
        store.reset();
        const int held = commits_held(*need(open_sqlite(path)));
        CHECK(held >= acknowledged);
        CHECK(held <= acknowledged + 1);
    }
    CHECK(failures == 24);
}

TEST_CASE("disk: a store cannot be made or opened over a disk that does not sync or write",
          "[store][crash]") {
    FaultySystem system;
    const auto on = GENERATE(Fault::On::sync, Fault::On::write);
    for (int n = 0; n < 12; ++n) {
        INFO("operation " << n);
        Folder folder;
        const auto path = folder.file("store.db");
        disk.set({on, on == Fault::On::sync ? SQLITE_IOERR_FSYNC : SQLITE_FULL, n, true});
        const auto failed = open_sqlite(path);
        const bool struck = disk.hits() > 0;
        disk.heal();
        if (failed) continue;
        CHECK(struck);
        CHECK(failed.error().code != Code::corrupt);
        const auto store = need(open_sqlite(path));
        need(store->own());
        need(commit(*store, steps_of_commit(0)));
        CHECK(commits_held(*store) == 1);
    }
}

namespace {

/// Rows enough to make the log long.
Step large_step(int number) {
    Step step = step_at(number);
    step.records.assign(20, record_of("attempt", "ticket/1", std::string(1'000'000, 'x')));
    return step;
}

}  // namespace

TEST_CASE("checkpoint: a long log is written back beside the commits, and nothing is missing",
          "[store][crash]") {
    Folder folder;
    const auto path = folder.file("store.db");
    auto store = need(open_sqlite(path));
    need(store->own());
    for (int n = 0; n < 2; ++n) {
        need(commit(*store, large_step(n)));
        need(commit(*store, decided_step("e" + std::to_string(n), "ticket/1", n)));
    }
    CHECK(rows_of(*store, acme, "p3").size() == 2 * 22);
    CHECK(faults_of(*store).empty());
    store.reset();
    const auto again = need(open_sqlite(path));
    CHECK(rows_of(*again, acme, "p3").size() == 2 * 22);
    CHECK(faults_of(*again).empty());
}

TEST_CASE("checkpoint: when the database file does not sync, the store stops and has lost nothing",
          "[store][crash]") {
    FaultySystem system;
    Folder folder;
    const auto path = folder.file("store.db");
    auto store = need(open_sqlite(path));
    need(store->own());
    disk.set({Fault::On::sync, SQLITE_IOERR_FSYNC, 0, true, true});
    need(commit(*store, large_step(0)));
    int acknowledged = 0;
    Result<void> last;
    while (last && acknowledged < 100'000) {
        last = commit(*store, steps_of_commit(acknowledged));
        if (last) ++acknowledged;
    }
    disk.heal();
    REQUIRE(!last);
    CHECK(last.error().code == Code::outcome_unknown);
    store.reset();
    const auto again = need(open_sqlite(path));
    CHECK(need(again->streams(acme))[0].seq == static_cast<std::uint64_t>(20 + 6 * acknowledged));
    CHECK(faults_of(*again).empty());
}

}  // namespace crash_test
