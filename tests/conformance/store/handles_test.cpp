#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "engine/store/sqlite/sqlite_store.h"
#include "tests/conformance/store/support.h"

namespace handles_test {

using namespace engine;
using namespace store_tests;

namespace {

Step step_with_everything() {
    Step step = decided_step("e1", "ticket/1", 1);
    step.records.push_back(record_of("activation", "", "{}", control_stream));
    step.entities = {entity_of("ticket/1", 1, {{"email", "a@example.com"}})};
    step.pending_added = {pending_of(3, 5, "p", "ticket/1")};
    step.outbox_added = {delivery_of(3, 9, "k9", "ticket/1")};
    step.dead_letters_added = {{delivery_of(3, 4, "k4", "ticket/1"), "gone", 410, at(3)}};
    step.timers_set = {timer_of("ticket/1", "sla", 60)};
    step.lanes_blocked = {blocked_of(3, "ticket/1", "p")};
    step.continuations_set = {continuation_of("c1", "ticket/1")};
    return step;
}

void run_sql(const std::string& path, const char* sql) {
    sqlite3* handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    CHECK(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(handle);
}

}  // namespace

TEST_CASE("restart: a store opened again says the same and goes on where it was", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, step_with_everything()));
    const std::string before = everything(*store, {"ticket/1"});

    store.reopen();

    CHECK(everything(*store, {"ticket/1"}) == before);
    CHECK(commit(*store, decided_step("e1", "ticket/1", 2)).error().code == Code::conflict);
    need(commit(*store, decided_step("e2", "ticket/1", 2)));
    CHECK(rows_of(*store, acme, "p3").size() == 4);
    CHECK(need(store->record(acme, "p3", 3))->previous == 2);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("restart: the number of partitions is that of the store, not of the opener", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenOptions four;
    four.partitions = 4;
    OpenStore store(backend, four);
    CHECK(store->info().partitions == 4);
    CHECK(store.another()->info().partitions == 4);
    CHECK(store->info().schema >= 1);
}

TEST_CASE("handles: a reader sees what is committed, and keeps up", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const auto reader = store.another();
    CHECK(need(reader->tenants()).empty());
    for (int i = 0; i < 5; ++i) {
        need(commit(*store, decided_step("e" + std::to_string(i), "ticket/1", i)));
        CHECK(rows_of(*reader, acme, "p3").size() == static_cast<std::size_t>(2 * i + 2));
        CHECK(need(reader->history(acme, subject("ticket/1"), 100)).size() ==
              static_cast<std::size_t>(2 * i + 2));
    }
    CHECK(everything(*reader, {"ticket/1"}) == everything(*store, {"ticket/1"}));
    CHECK(faults_of(*reader).empty());
}

TEST_CASE("handles: a reader on another thread always sees whole commits", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const auto reader = store.another();
    std::atomic<bool> done = false;
    std::string torn;
    std::thread watcher([&] {
        while (!done && torn.empty()) {
            const auto heads = reader->streams(acme);
            if (!heads) torn = heads.error().message;
            for (const auto& head : heads ? *heads : std::vector<StreamHead>{})
                if (head.seq % 2 != 0) torn = "half a step is readable";
            const auto report = verify(*reader, TenantName());
            if (!report) torn = report.error().message;
            if (report && !report->faults.empty()) torn = report->faults[0].what;
        }
    });
    for (int i = 0; i < 200; ++i) need(commit(*store, decided_step("e" + std::to_string(i), "ticket/1", i)));
    done = true;
    watcher.join();
    CHECK(torn.empty());
}

TEST_CASE("handles: between begin_reading and end_reading a handle sees one state", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    const auto reader = store.another();
    need(reader->begin_reading());
    need(reader->begin_reading());
    CHECK(need(reader->seen(key_of("e1"))));
    need(commit(*store, decided_step("e2", "ticket/1", 2)));
    CHECK_FALSE(need(reader->seen(key_of("e2"))));
    reader->end_reading();
    CHECK(need(reader->seen(key_of("e2"))));
    reader->end_reading();
}

TEST_CASE("handles: a commit ends its own handle's reading", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(store->begin_reading());
    CHECK_FALSE(need(store->seen(key_of("e1"))));
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    CHECK(need(store->seen(key_of("e1"))));
    need(commit(*store, decided_step("e2", "ticket/1", 2)));
    CHECK(faults_of(*store).empty());
}

TEST_CASE("ownership: one handle at a time has it, and closing gives it up", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const auto second = store.another();
    CHECK(need(second->has_owner()));
    CHECK_FALSE(second->owned());
    CHECK(second->own().error().code == Code::conflict);
    CHECK(commit(*second, decided_step("e1", "ticket/1", 1)).error().code == Code::denied);
    CHECK(second->probe().error().code == Code::denied);
    need(store->probe());
    need(commit(*store, decided_step("e1", "ticket/1", 1)));

    store.close();

    CHECK_FALSE(need(second->has_owner()));
    need(second->own());
    CHECK(need(second->has_owner()));
    need(commit(*second, decided_step("e2", "ticket/1", 2)));
    CHECK(rows_of(*second, acme, "p3").size() == 4);
    CHECK(faults_of(*second).empty());
}

TEST_CASE("ownership: whoever takes it over continues from what the other wrote last", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    auto other = store.another();
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    CHECK(rows_of(*other, acme, "p3").size() == 2);
    need(commit(*store, decided_step("e2", "ticket/1", 2)));
    store.close();
    need(other->own());
    need(commit(*other, decided_step("e3", "ticket/1", 3)));
    CHECK(need(other->history(acme, subject("ticket/1"), 100)).size() == 6);
    CHECK(faults_of(*other).empty());
}

TEST_CASE("read-only: everything can be asked and nothing written", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, step_with_everything()));
    OpenOptions options;
    options.read_only = true;
    const auto reader = store.another(options);
    CHECK(everything(*reader, {"ticket/1"}) == everything(*store, {"ticket/1"}));
    CHECK(reader->own().error().code == Code::denied);
    CHECK(reader->probe().error().code == Code::denied);
    CHECK(commit(*reader, decided_step("e2", "ticket/1", 2)).error().code == Code::denied);
    CHECK(reader->put_rule_set(acme, "v", Json::object()).error().code == Code::denied);
    CHECK(reader->leave({}).error().code == Code::denied);
    CHECK(reader->answer(1, Json()).error().code == Code::denied);
    CHECK(reader->mark_simulated().error().code == Code::denied);
    store.close();
    CHECK(reader->own().error().code == Code::denied);
    CHECK_FALSE(need(reader->has_owner()));
}

TEST_CASE("read-only: a store that does not exist is not made", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenOptions options;
    options.read_only = true;
    Folder folder;
    CHECK(backend.open(folder, options).error().code == Code::not_found);
}

TEST_CASE("requests: another handle leaves them while the store has an owner", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const auto operator_handle = store.another();
    Request request;
    request.tenant = acme;
    request.command = "lanes.release";
    const auto number = need(operator_handle->leave(request));
    REQUIRE(need(store->unanswered(10)).size() == 1);
    need(store->answer(number, Json("released")));
    CHECK(*need(operator_handle->request(number))->answer == "released");
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    CHECK(faults_of(*operator_handle).empty());
}

TEST_CASE("simulated: the mark lasts", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    CHECK_FALSE(store->info().simulated);
    need(store->mark_simulated());
    CHECK(store->info().simulated);
    if (!backend.lasting) return;
    store.reopen();
    CHECK(store->info().simulated);
}

TEST_CASE("SQLite: a store of a newer schema, another program's file and a text are refused", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    SECTION("newer schema") {
        need(open_sqlite(path));
        run_sql(path, "PRAGMA user_version = 999");
        const auto refused = open_sqlite(path);
        CHECK(refused.error().code == Code::invalid_input);
        CHECK(refused.error().message.find("999") != std::string::npos);
    }
    SECTION("another program's database") {
        run_sql(path, "CREATE TABLE notes (text)");
        CHECK(open_sqlite(path).error().code == Code::invalid_input);
    }
    SECTION("no database") {
        std::ofstream(path) << std::string(5000, 'x');
        CHECK(open_sqlite(path).error().code == Code::corrupt);
    }
    SECTION("a folder that does not exist") {
        CHECK(open_sqlite(folder.file("none/store.db")).error().code == Code::unavailable);
    }
    SECTION("a number of partitions that cannot be") {
        OpenOptions options;
        options.partitions = 0;
        CHECK(open_sqlite(path, options).error().code == Code::invalid_input);
    }
}

TEST_CASE("SQLite: the file is its user's alone and its name may look like a URI", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    for (const auto* part : {"", "-wal", "-shm", ".lock"}) {
        struct stat status {};
        INFO(part);
        REQUIRE(stat((path + part).c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }
}

TEST_CASE("SQLite: stores in memory know nothing of one another", "[store]") {
    const auto first = need(open_sqlite(":memory:"));
    const auto second = need(open_sqlite(":memory:"));
    need(first->own());
    need(second->own());
    need(commit(*first, decided_step("e1", "ticket/1", 1)));
    CHECK(need(second->tenants()).empty());
    CHECK_FALSE(need(second->seen(key_of("e1"))));
}

}  // namespace handles_test
