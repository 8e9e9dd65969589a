// Erasing: bodies go for good, rows and proof stay, and nothing else of the journal can be changed.

#include <fstream>
#include <pqxx/pqxx>
#include <random>
#include <sstream>

#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "tests/conformance/store/support.h"
#include "tests/support/postgres.h"

namespace erasure_test {

using namespace engine;
using namespace store_tests;

namespace {

constexpr auto about = "contact/desk:7";

/// What an erasure of the subject is: its bodies, a row that says so, a tombstone.
Step erasure_of(Store& store, std::uint64_t version) {
    Step step = step_at(100);
    step.erasures.push_back({subject(about), need(store.trail(acme, subject(about), 1000))});
    step.records.push_back(record_of(record_kind::erasure, about, R"({"rows":4})"));
    step.records.back().entity_version = version;
    auto tombstone = entity_of(about, version, Json::object());
    tombstone.deleted = true;
    step.entities.push_back(tombstone);
    return step;
}

void fill(Store& store) {
    for (int i = 0; i < 2; ++i) {
        need(commit(store, decided_step("mine" + std::to_string(i), about, i)));
        need(commit(store, decided_step("other" + std::to_string(i), "contact/desk:8", i)));
    }
    Step step = step_at(3);
    step.entities.push_back(entity_of(about, 1, {{"email", "canary@example.com"}}));
    step.timers_set = {timer_of(about, "sla", 50), timer_of("contact/desk:8", "sla", 50)};
    step.continuations_set = {continuation_of("c1", about), continuation_of("c2", "contact/desk:8")};
    for (std::uint64_t number = 1; number <= 2; ++number) {
        DeadLetter letter;
        letter.delivery =
            delivery_of(3, number, "k" + std::to_string(number), number == 1 ? about : "contact/desk:8");
        letter.since = at(4);
        step.dead_letters_added.push_back(letter);
    }
    need(commit(store, step));
}

std::string bytes_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("erasure: bodies, timers, continuations and dead letters of the subject go, and of nobody else",
          "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    fill(*store);
    REQUIRE(need(store->trail(acme, subject(about), 1000)).size() == 4);
    CHECK(need(store->trail(acme, subject(about), 3)).size() == 3);
    need(commit(*store, erasure_of(*store, 2)));

    CHECK(need(store->trail(acme, subject(about), 1000)).empty());
    const auto history = need(store->history(acme, subject(about), 1000));
    REQUIRE(history.size() == 5);
    CHECK(history[0].body == R"({"rows":4})");
    for (std::size_t i = 1; i < history.size(); ++i) {
        CHECK_FALSE(history[i].body);
        CHECK(history[i].salt.empty());
        CHECK(history[i].body_digest != Digest{});
    }
    CHECK(need(store->trail(acme, subject("contact/desk:8"), 1000)).size() == 4);
    CHECK(need(store->timers(acme, 10)).size() == 1);
    CHECK(need(store->continuations(acme, subject(about))).empty());
    CHECK(need(store->continuations(acme, subject("contact/desk:8"))).size() == 1);
    CHECK(need(store->dead_letters(acme, 10)).size() == 1);
    CHECK(need(store->entity(acme, subject(about)))->deleted);
    const auto report = need(verify(*store, acme));
    CHECK(report.faults.empty());
    CHECK(report.erased_bodies == 4);

    // What comes after it stays.
    need(commit(*store, decided_step("later", about, 200)));
    CHECK(need(store->trail(acme, subject(about), 1000)).size() == 2);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("erasure: one that goes on takes its rows only", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    fill(*store);
    const auto timers = need(store->timers(acme, 10));
    const auto waiting = need(store->continuations(acme, subject(about)));
    const auto failed = need(store->dead_letters(acme, 10));
    auto first = erasure_of(*store, 2);
    auto rest = first;
    first.erasures[0].rows.resize(2);
    rest.erasures[0].rows.erase(rest.erasures[0].rows.begin(), rest.erasures[0].rows.begin() + 2);
    rest.erasures[0].goes_on = true;
    rest.records[0].body = R"({"goes_on":true,"rows":2})";
    rest.entities.clear();
    need(commit(*store, first));
    CHECK(need(store->continuations(acme, subject(about))).empty());
    Step since = step_at(150);
    since.timers_set = timers;
    since.continuations_set = waiting;
    since.dead_letters_added = failed;
    need(commit(*store, decided_step("since", about, 151)));
    need(commit(*store, since));
    need(commit(*store, rest));
    CHECK(need(store->timers(acme, 10)).size() == timers.size());
    CHECK(need(store->continuations(acme, subject(about))).size() == waiting.size());
    CHECK(need(store->dead_letters(acme, 10)).size() == failed.size());
    CHECK(need(store->trail(acme, subject(about), 1000)).size() == 2);
    CHECK(need(verify(*store, acme)).erased_bodies == 4);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("erasure: rows about somebody else are refused, and nothing is erased", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    fill(*store);
    Step step = erasure_of(*store, 2);
    step.erasures[0].rows.push_back(need(store->trail(acme, subject("contact/desk:8"), 1)).front());
    CHECK(commit(*store, step).error().code == Code::conflict);
    CHECK(need(store->trail(acme, subject(about), 1000)).size() == 4);
    CHECK(need(verify(*store, acme)).erased_bodies == 0);
    need(commit(*store, decided_step("later", about, 200)));
    CHECK(faults_of(*store).empty());
}

TEST_CASE("erasure: in SQLite the bytes are gone from the files", "[store]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    const std::string canary = "CANARY-4711-of-a-person";
    // In pages of its own, among others in one page, and in many streams, so that pages are split.
    for (int i = 0; i < 60; ++i) {
        std::vector<Step> steps;
        for (int other = 0; other < 20; ++other) {
            Step step = step_at(i);
            step.records.push_back(record_of("event", "ticket/" + std::to_string(other),
                                             "\"" + std::string(200, 'x') + "\"",
                                             "p" + std::to_string(other % 16)));
            steps.push_back(step);
        }
        Step mine = step_at(i);
        mine.records.push_back(
            record_of("event", about, "\"" + canary + std::string(i % 7 == 0 ? 9000 : 50, 'c') + "\""));
        auto delivery = delivery_of(3, static_cast<std::uint64_t>(i + 1), "k" + std::to_string(i), about);
        delivery.action.params = {{"text", canary}};
        mine.outbox_added.push_back(delivery);
        if (i > 0) mine.outbox_removed.emplace_back(3, static_cast<std::uint64_t>(i));
        mine.entities.push_back(
            entity_of(about, static_cast<std::uint64_t>(i + 1), {{"name", canary + std::to_string(i)}}));
        steps.push_back(mine);
        need(commit(*store, steps));
    }
    Step last = step_at(99);
    last.outbox_removed.emplace_back(3, 60);
    need(commit(*store, last));
    REQUIRE((bytes_of_file(path) + bytes_of_file(path + "-wal")).find(canary) != std::string::npos);

    need(commit(*store, erasure_of(*store, 61)));
    CHECK(bytes_of_file(path).find(canary) == std::string::npos);
    CHECK(bytes_of_file(path + "-wal").find(canary) == std::string::npos);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("erasure: in SQLite no copy is left where pages were split or freed", "[store][random]") {
    Folder folder;
    const auto path = folder.file("store.db");
    const auto store = need(open_sqlite(path));
    need(store->own());
    const unsigned seed = 5;
    std::mt19937 random(seed);
    INFO("seed " << seed);
    std::vector<std::string> tokens;
    for (int commits = 0; commits < 300; ++commits) {
        std::vector<Step> steps;
        for (int i = 0; i < 25; ++i) {
            const auto name = "contact/desk:" + std::to_string(random() % 40);
            std::string body = "\"" + std::string(random() % 1500, 'y') + "\"";
            if (name == about) {
                tokens.push_back("TOKEN" + std::to_string(1'000'000 + tokens.size()));
                body.insert(1, tokens.back());
            }
            Step step = step_at(commits);
            step.records.push_back(record_of("event", name, body, "p" + std::to_string(random() % 16)));
            steps.push_back(std::move(step));
        }
        need(commit(*store, steps));
    }
    Step erasing = step_at(1000);
    erasing.erasures.push_back({subject(about), need(store->trail(acme, subject(about), 10'000))});
    REQUIRE(erasing.erasures[0].rows.size() == tokens.size());
    for (int stream = 0; stream < 16; ++stream)
        erasing.records.push_back(record_of(record_kind::erasure, about, "{}", "p" + std::to_string(stream)));
    need(commit(*store, erasing));
    const auto check = [&] {
        const auto bytes = bytes_of_file(path) + bytes_of_file(path + "-wal");
        std::size_t left = 0;
        for (const auto& token : tokens) left += bytes.find(token) == std::string::npos ? 0 : 1;
        CHECK(left == 0);
        CHECK(faults_of(*store).empty());
    };
    check();
    // Nor does what is written next bring any back.
    for (int i = 0; i < 200; ++i)
        need(commit(*store, decided_step("later" + std::to_string(i), "contact/desk:1", 2000 + i)));
    check();
}

TEST_CASE("erasure: PostgreSQL allows that and no other change of the journal", "[store]") {
    if (!has_postgres()) {
        WARN("skipped: SIGNALBOX_TEST_POSTGRES names no server");
        return;
    }
    const Folder folder;
    auto store = need(open_postgres(database_of(folder)));
    need(store->own());
    fill(*store);
    const std::string as_program =
        "BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '*', true); ";
    const auto refusal = [&](const std::string& sql) -> std::string {
        try {
            run_in_database(folder, sql);
        } catch (const pqxx::failure& problem) {
            return problem.what();
        }
        return "";
    };
    // The tables' owner may take body and salt away, both, and change nothing with it.
    for (const std::string change :
         {"body = NULL", "salt = NULL", "body = 'x', salt = NULL", "body = NULL, salt = NULL, kind = 'x'",
          "body = NULL, salt = NULL, hash = body_digest", "body = NULL, salt = NULL, seq = seq + 1000",
          "body = NULL, salt = NULL, time = time + interval '1 day'", "actor = actor || 'x'"}) {
        INFO(change);
        CHECK_THAT(refusal("UPDATE signalbox.journal SET " + change),
                   Catch::Contains("the journal is only added to"));
    }
    // The program's role has no way but the function.
    CHECK_THAT(refusal(as_program + "UPDATE signalbox.journal SET body = NULL, salt = NULL"),
               Catch::Contains("permission denied"));
    CHECK_THAT(refusal("DELETE FROM signalbox.journal"), Catch::Contains("the journal is only added to"));
    CHECK_THAT(refusal("SET ROLE signalbox_app; SELECT signalbox.erase_bodies(1, 'contact/desk:7', "
                       "ARRAY['p3'], ARRAY[1])"),
               Catch::Contains("are not about"));  // no tenant is named, so none is seen
    CHECK_THAT(
        refusal(as_program + "SELECT signalbox.erase_bodies(1, 'contact/desk:8', ARRAY['p3'], ARRAY[1])"),
        Catch::Contains("are not about"));
    CHECK(need(verify(*store, acme)).erased_bodies == 0);
    CHECK(refusal(as_program + "SELECT signalbox.erase_bodies(1, 'contact/desk:7', ARRAY['p3'], ARRAY[1]); "
                               "COMMIT")
              .empty());
    CHECK(need(verify(*store, acme)).erased_bodies == 1);
    // An erased row cannot be filled again.
    CHECK_THAT(refusal("UPDATE signalbox.journal SET body = 'x', salt = 'y' WHERE body IS NULL"),
               Catch::Contains("the journal is only added to"));
    store.reset();
    drop_database(folder);
}

}  // namespace erasure_test
