/// What is on record, operators' commands, and pages.

#include "engine/model/journal_record.h"
#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace reading_test {

using namespace http_test;
using namespace http_test::as_acme;
using engine::Json;
using engine::Subject;
using engine::TenantName;
using namespace std::chrono_literals;

namespace {

const TenantName acme("acme");

engine::JournalRecord row(std::uint64_t seq, const std::string& subject, std::uint64_t previous,
                          const std::string& body) {
    engine::JournalRecord record;
    record.tenant = acme;
    record.stream = "p0";
    record.seq = seq;
    record.kind = engine::record_kind::decision;
    record.subject = subject;
    record.previous = previous;
    record.salt = "0123456789abcdef";
    record.body = body;
    return record;
}

/// Rows 1…5 of p0: about ticket/1 at 1, 3 and 5, about ticket/2 at 2 and 4.
void fill_journal(Running& running) {
    running.door.on_engine([&] {
        auto& records = running.door.store.records;
        for (std::uint64_t seq = 1; seq <= 5; ++seq)
            records.push_back(row(seq, seq % 2 ? "ticket/1" : "ticket/2", seq > 2 ? seq - 2 : 0,
                                  R"({"fired":[],"number":)" + std::to_string(seq) + R"(,"source":")" +
                                      (seq == 4 ? "/t" : "/s") + "\"}"));
        running.door.store.seen_events = {
            {{acme, "/s", engine::EventId("one")}, {}, "p0", 1, 1},
            {{acme, "/s", engine::EventId("two")}, {}, "p0", 2, 0},
            {{acme, "/s", engine::EventId("both")}, {}, "p0", 3, 3},
            {{acme, "/t", engine::EventId("both")}, {}, "p0", 4, 4},
        };
    });
}

}  // namespace

TEST_CASE("reading: a decision is found by its event and says where it is on record", "[http]") {
    Running running;
    fill_journal(running);
    const auto reply = get(running, "/v1/acme/decisions/one");
    CHECK(reply.status == 200);
    CHECK(reply.json() == Json{{"fired", Json::array()},
                               {"number", 1},
                               {"source", "/s"},
                               {"journal", {{"stream", "p0"}, {"seq", 1}}}});
    CHECK(get(running, "/v1/acme/decisions/one?source=%2Fs").status == 200);
    CHECK(get(running, "/v1/acme/decisions/one?source=%2Ft").status == 404);
    CHECK(get(running, "/v1/acme/decisions/none").status == 404);
}

TEST_CASE("reading: a pending event is no unknown event", "[http]") {
    Running running;
    fill_journal(running);
    const auto reply = get(running, "/v1/acme/decisions/two");
    CHECK(reply.status == 202);
    CHECK(reply.json()["status"] == "pending");
    CHECK(reply.json()["event"]["source"] == "/s");
}

TEST_CASE("reading: an id that two sources use must be told apart", "[http]") {
    Running running;
    fill_journal(running);
    const auto reply = get(running, "/v1/acme/decisions/both");
    CHECK(reply.status == 409);
    CHECK(reply.json()["sources"] == Json::array({"/s", "/t"}));
    CHECK(get(running, "/v1/acme/decisions/both?source=/t").json()["number"] == 4);
}

TEST_CASE("reading: an erased decision is gone, not unknown", "[http]") {
    Running running;
    fill_journal(running);
    running.door.on_engine([&] { running.door.store.records[0].body.reset(); });
    CHECK(get(running, "/v1/acme/decisions/one").status == 410);
}

TEST_CASE("reading: an entity is found by kind and id, escaped or not", "[http]") {
    Running running;
    running.door.on_engine([&] {
        for (const char* text : {"ticket/INC45", "ticket/zendesk:42", "ticket/a/b c"}) {
            engine::Entity entity;
            entity.tenant = acme;
            entity.subject = *Subject::parse(text);
            entity.version = 3;
            entity.fields = Json{{"status", "open"}};
            running.door.store.entity_list.push_back(entity);
        }
    });
    const auto reply = get(running, "/v1/acme/entities/ticket/zendesk:42");
    CHECK(reply.status == 200);
    CHECK(reply.json() == Json{{"subject", "ticket/zendesk:42"},
                               {"kind", "ticket"},
                               {"connection", "zendesk"},
                               {"id", "42"},
                               {"version", 3},
                               {"deleted", false},
                               {"fields", {{"status", "open"}}}});
    CHECK(get(running, "/v1/acme/entities/ticket/zendesk%3A42").status == 200);
    CHECK(get(running, "/v1/acme/entities/ticket/INC45").status == 200);
    CHECK(get(running, "/v1/acme/entities/ticket/a%2Fb%20c").json()["subject"] == "ticket/a/b c");
    CHECK(get(running, "/v1/acme/entities/ticket/a/b").status == 404);
    CHECK(get(running, "/v1/acme/entities/ticket/none").status == 404);
    CHECK(get(running, "/v1/acme/entities/Ticket/1").status == 400);
}

TEST_CASE("reading: history goes back page by page along the rows of one subject", "[http]") {
    Running running;
    fill_journal(running);
    for (const char* limit : {"1", "2", "3", "100"}) {
        const auto rows = all_pages(running, std::string("/v1/acme/entities/ticket/1/history?limit=") + limit,
                                    "records", static_cast<std::size_t>(std::stoi(limit)));
        REQUIRE(rows.size() == 3);
        CHECK(rows[0]["seq"] == 5);
        CHECK(rows[1]["seq"] == 3);
        CHECK(rows[2]["seq"] == 1);
        CHECK(rows[2]["body"]["number"] == 1);
    }
    CHECK(get(running, "/v1/acme/entities/ticket/none/history").status == 404);
    // A cursor that was made up shows nothing of others.
    CHECK(get(running, "/v1/acme/entities/ticket/1/history?after=2").status == 400);
}

TEST_CASE("reading: the journal is read stream by stream, in order, in pages", "[http]") {
    Running running;
    fill_journal(running);
    const auto streams = get(running, "/v1/acme/journal").json()["streams"];
    REQUIRE(streams.size() == 1);
    CHECK(streams[0]["stream"] == "p0");
    CHECK(streams[0]["seq"] == 5);
    const auto rows = all_pages(running, "/v1/acme/journal?stream=p0&limit=2", "records", 2);
    REQUIRE(rows.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(rows[i]["seq"] == i + 1);
    CHECK(rows[0]["salt"] == "30313233343536373839616263646566");
    CHECK(rows[0]["hash"].get<std::string>().size() == 64);
    CHECK(get(running, "/v1/acme/journal?stream=p0&after=5").json()["records"].empty());
    CHECK(get(running, "/v1/acme/journal?stream=p9").json()["records"].empty());
}

TEST_CASE("reading: parameters that cannot be read are refused", "[http]") {
    Running running;
    for (const char* query :
         {"limit=0", "limit=1001", "limit=x", "limit=-1", "after=x", "after=-1", "x=%zz"}) {
        INFO(query);
        const auto reply = get(running, std::string("/v1/acme/journal?stream=p0&") + query);
        CHECK(reply.status == 400);
        CHECK(reply.is_problem());
    }
}

TEST_CASE("reading: a store that is away is a 503 everywhere", "[http]") {
    Running running;
    CHECK(get(running, "/v1/acme/rules").status == 200);  // the key is remembered
    running.door.on_engine([&] { running.door.store.away = true; });
    for (const char* target :
         {"decisions/one", "entities/ticket/1", "entities/ticket/1/history", "journal", "journal?stream=p0",
          "dead-letters", "lanes", "timers", "escalations", "escalations/audit", "escalations/ticket/1",
          "desk", "desk/agents/ana", "desk/queues/general"}) {
        INFO(target);
        CHECK(get(running, std::string("/v1/acme/") + target).status == 503);
    }
}

TEST_CASE("operating: dead letters are listed in pages, oldest first", "[http]") {
    Running running;
    running.door.on_engine([&] {
        for (int i = 0; i < 5; ++i) {
            engine::DeadLetter letter;
            letter.delivery.tenant = TenantName(i == 4 ? "globex" : "acme");
            letter.delivery.key = engine::DeliveryKey("key-" + std::to_string(i));
            letter.delivery.lane = *Subject::parse("ticket/1");
            letter.delivery.action.connection = "slack";
            letter.reason = "gone";
            letter.status = 410;
            letter.since = running.clock.now() - std::chrono::seconds(i);
            running.door.store.dead_letter_list.push_back(letter);
        }
    });
    const auto letters = all_pages(running, "/v1/acme/dead-letters?limit=3", "dead_letters", 3);
    REQUIRE(letters.size() == 4);
    CHECK(letters[0]["key"] == "key-3");
    CHECK(letters[3]["key"] == "key-0");
    CHECK(letters[0]["reason"] == "gone");
    CHECK(letters[0]["action"]["connection"] == "slack");
}

TEST_CASE("operating: commands go to the engine with who gave them", "[http]") {
    Running running;
    CHECK(post(running, "/v1/acme/dead-letters/a%2Fb/retry").status == 200);
    CHECK(post(running, "/v1/acme/dead-letters/k/discard").json()["state"] == "queued");
    CHECK(post(running, "/v1/acme/lanes/ticket/zendesk:1/release", R"({"mode":"discard"})").status == 200);
    const auto done = running.door.performed();
    REQUIRE(done.size() == 3);
    CHECK(done[0].command == "dead-letters.retry");
    CHECK(done[0].arguments == Json{{"key", "a/b"}});
    CHECK(done[0].tenant == acme);
    CHECK(done[0].actor.starts_with("key:"));
    CHECK(done[1].command == "dead-letters.discard");
    CHECK(done[2].command == "lanes.release");
    CHECK(done[2].arguments == Json{{"subject", "ticket/zendesk:1"}, {"mode", "discard"}});
}

TEST_CASE("operating: a release must say what becomes of the event", "[http]") {
    Running running;
    for (const char* body : {"", "{}", R"({"mode":"forget"})", "7", "{"})
        CHECK(post(running, "/v1/acme/lanes/ticket/1/release", body).status == 400);
    CHECK(running.door.performed().empty());
}

TEST_CASE("operating: what the engine refuses is told as it is", "[http]") {
    Running running;
    running.door.perform_with = engine::not_found("no dead letter k");
    const auto reply = post(running, "/v1/acme/dead-letters/k/retry");
    CHECK(reply.status == 404);
    CHECK(reply.json()["detail"] == "no dead letter k");
    running.door.perform_with = engine::unavailable("the store is away");
    CHECK(post(running, "/v1/acme/dead-letters/k/retry").status == 503);
    running.door.perform_with = engine::Error{engine::Code::conflict, "somebody else did"};
    CHECK(post(running, "/v1/acme/dead-letters/k/retry").status == 409);
}

TEST_CASE("operating: lanes and timers are listed", "[http]") {
    Running running;
    running.door.on_engine([&] {
        auto& store = running.door.store;
        store.lane_list.push_back({acme, *Subject::parse("ticket/2"), 0, "rule r failed",
                                   engine::EventId("e"), running.clock.now(), 4});
        for (const auto& [name, due] : {std::pair{"late", 2h}, {"soon", 1h}}) {
            engine::Timer timer;
            timer.tenant = acme;
            timer.subject = *Subject::parse("ticket/1");
            timer.name = name;
            timer.due = running.clock.now() + due;
            store.timer_list.push_back(timer);
        }
    });
    const auto lanes = get(running, "/v1/acme/lanes").json()["lanes"];
    REQUIRE(lanes.size() == 1);
    CHECK(lanes[0]["waiting"] == 4);
    CHECK(lanes[0]["reason"] == "rule r failed");
    const auto timers = all_pages(running, "/v1/acme/timers?limit=1", "timers", 1);
    REQUIRE(timers.size() == 2);
    CHECK(timers[0]["name"] == "soon");
    CHECK(timers[0]["due"] == "2026-05-04T09:00:00Z");
}

TEST_CASE("operating: rules are listed with their place", "[http]") {
    Running running;
    const auto rules = get(running, "/v1/acme/rules").json();
    CHECK(rules["version"] == "sha256:0");
    CHECK(rules["rules"][0]["id"] == "greet");
    CHECK(rules["rules"][0]["file"] == "rules.yaml");
    CHECK(rules["rules"][0]["line"] == 3);
}

TEST_CASE("operating: a dry run is handed on and its answer comes back", "[http]") {
    Running running;
    const auto reply = post(running, "/v1/acme/dry-run", R"({"event":{"id":"x"},"explain":true})");
    CHECK(reply.status == 200);
    CHECK(reply.json()["outcome"] == "ok");
    CHECK(running.door.dry_runs().at(0)["explain"] == true);
    CHECK(post(running, "/v1/acme/dry-run", "{}").status == 400);
    CHECK(post(running, "/v1/acme/dry-run", "").status == 400);
    running.door.dry_run_with = engine::invalid("the event has no type");
    CHECK(post(running, "/v1/acme/dry-run", R"({"event":{}})").status == 400);
}

}  // namespace reading_test
