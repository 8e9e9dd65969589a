// Escalations through the pipeline: levels in time, who is told, acknowledgement, ends, what changes
// meanwhile.

#include "rules/policies/escalation.h"

#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace escalation_test {

using namespace engine;
using namespace engine::test;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Names = std::vector<std::string>;

constexpr auto people =
    "agents:\n"
    "  - { id: ana, name: Ana Lopez, notify: [ { slack.post_message: { channel: \"@ana\", text: "
    "\"{{ target.name }}: {{ ticket.subject }}, level {{ escalation.level }}\" } } ] }\n"
    "  - { id: ben, notify: [ { slack.post_message: { channel: \"@ben\", text: hello } } ] }\n"
    "  - { id: cora, notify: [ { slack.post_message: { channel: \"@cora\", text: hello } } ] }\n"
    "  - { id: silent }\n"
    "teams:\n"
    "  - { id: retention, members: [ben, cora] }\n"
    "channels:\n"
    "  - { id: room, notify: [ { slack.post_message: { channel: \"#room\", text: \"round {{ escalation.round "
    "}}\" } } ] }\n"
    "on_call:\n"
    "  - id: first-line\n"
    "    zone: Europe/Berlin\n"
    "    rotations:\n"
    "      - { turns: [ana, ben], every: 1w, starts: 2026-03-02, hand_over: \"09:00\" }\n";

constexpr auto chain =
    "escalations:\n"
    "  - id: chain\n"
    "    levels:\n"
    "      - notify: [ { on_call: first-line } ]\n"
    "      - { after: 15m, notify: [ { team: retention }, { channel: room } ] }\n"
    "      - { after: 1h, notify: [ { person: cora } ] }\n"
    "    acknowledged: { when: { ticket.assignee: { exists: true } } }\n";

constexpr auto begins =
    "  - { id: begins, on: ticket.created, then: [ { escalate: chain } ] }\n"
    "  - { id: taken, on: ticket.taken, then: [ { escalate: { acknowledge: chain } } ] }\n"
    "  - { id: over, on: ticket.over, then: [ { escalate: { end: chain } } ] }\n"
    "  - { id: again, on: ticket.again, then: [ { escalate: { restart: chain } } ] }\n";

rules::Files files_of(const std::string& escalations, const std::string& rules,
                      const std::string& settings = "") {
    return {{"tenant.yaml", "name: acme\n" + settings},
            {"connections.yaml", sandbox_connections},
            {"calendars.yaml",
             "calendars:\n  office:\n    zone: UTC\n    hours: { mon-fri: [\"09:00-17:00\"] }\n"},
            {"routing.yaml", people + escalations},
            {"rules.yaml", "rules:\n" + rules}};
}

struct Desk : World {
    explicit Desk(const std::string& escalations = chain, const std::string& rules = begins,
                  const std::string& settings = "")
        : World(tenant_of(files_of(escalations, rules, settings))) {}

    void take(const std::string& type, const Json& fields = Json(), Instant now = noon) {
        auto one = event("e" + std::to_string(++sent), type, "ticket/1",
                         fields.is_null() ? Json::object() : Json{{"ticket", fields}});
        one.received = now;
        one.time = now;
        submit(std::move(one), now);
    }
    /// What the decisions since the last call told, channel by channel.
    Names told() {
        Names all;
        for (; seen < decisions.size(); ++seen)
            for (const auto& action : decisions[seen].actions)
                all.push_back(text_or(action.params, "channel", ""));
        return all;
    }
    /// `chain started 0/1` and the like, of all decisions so far.
    Names changes() const {
        Names all;
        for (const auto& decision : decisions)
            for (const auto& one : decision.escalations)
                all.push_back(one.escalation + " " + one.change + " " + std::to_string(one.level) + "/" +
                              std::to_string(one.round));
        return all;
    }
    Json run_of(const std::string& id) {
        return entity("ticket/1").routing.value("escalations", Json::object()).value(id, Json());
    }

    int sent = 0;
    std::size_t seen = 0;
};

}  // namespace

TEST_CASE("escalation: one level after the other, and then it is exhausted", "[escalation]") {
    Desk desk;
    desk.take("ticket.created", {{"subject", "Leaving"}});
    CHECK(desk.told() == Names{"@ana"});
    CHECK(desk.decisions.back().actions[0].params["text"] == "Ana Lopez: Leaving, level 1");
    CHECK(desk.decisions.back().actions[0].rule == "escalation:chain");
    CHECK(desk.decisions.back().fired == Names{"begins"});
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].name == "escalation:chain");
    CHECK(timers_in(desk)[0].due == noon + minutes(15));
    desk.run(noon + minutes(14));
    CHECK(desk.told().empty());
    desk.run(noon + minutes(15));
    CHECK(desk.told() == Names{"@ben", "@cora", "#room"});
    const auto& stepped = desk.decisions.back().escalations;
    REQUIRE(stepped.size() == 1);
    CHECK(stepped[0].notified ==
          Names{"team retention: person ben", "team retention: person cora", "channel room"});
    desk.run(noon + minutes(75));
    CHECK(desk.told() == Names{"@cora"});
    CHECK(desk.changes() == Names{"chain started 0/1", "chain stepped 1/1", "chain stepped 2/1",
                                  "chain stepped 3/1", "chain exhausted 3/1"});
    CHECK(desk.run_of("chain")["state"] == "exhausted");
    CHECK(timers_in(desk).empty());
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: who takes it on stops it, and who is done ends it", "[escalation]") {
    Desk desk;
    desk.take("ticket.created");
    desk.take("ticket.updated", {{"assignee", "ana"}}, noon + minutes(5));
    CHECK(desk.run_of("chain")["state"] == "acknowledged");
    CHECK(timers_in(desk).empty());
    desk.take("ticket.updated", {{"status", "solved"}}, noon + minutes(6));
    CHECK(desk.run_of("chain").is_null());
    CHECK(desk.changes() ==
          Names{"chain started 0/1", "chain stepped 1/1", "chain acknowledged 1/1", "chain ended 1/1"});
    CHECK(desk.decisions.back().escalations[0].reason == "event ticket.updated");
    CHECK_FALSE(watched_until(desk.entity("ticket/1")));
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: what held when it began acknowledges nothing", "[escalation]") {
    Desk desk;
    desk.take("ticket.created", {{"assignee", "ana"}});
    CHECK(desk.run_of("chain")["state"] == "running");
    desk.take("ticket.updated", {{"priority", "high"}});
    CHECK(desk.run_of("chain")["state"] == "running");
    desk.take("ticket.updated", {{"assignee", nullptr}});
    desk.take("ticket.updated", {{"assignee", "ben"}});
    CHECK(desk.run_of("chain")["state"] == "acknowledged");
}

TEST_CASE("escalation: an acknowledgement lasts as long as it says", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    levels: [ { notify: [ { person: ana } ] }, { after: 30m, notify: [ { person: "
                    "ben } ] } ]\n"
                    "    acknowledged: { for: 2h }\n"));
    desk.take("ticket.created");
    desk.take("ticket.taken", Json(), noon + minutes(10));
    CHECK(desk.run_of("chain")["state"] == "acknowledged");
    CHECK(desk.told() == Names{"@ana"});
    desk.run(noon + minutes(10) + hours(2));
    CHECK(desk.told() == Names{"@ben"});
    CHECK(desk.changes() == Names{"chain started 0/1", "chain stepped 1/1", "chain acknowledged 1/1",
                                  "chain resumed 1/1", "chain stepped 2/1", "chain exhausted 2/1"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: levels are begun again as often as asked", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    levels: [ { notify: [ { channel: room } ] }, { after: 10m, notify: [ { "
                    "person: ben } ] } ]\n"
                    "    repeat: { times: 20, after: 5m }\n"));
    desk.take("ticket.created");
    for (int i = 1; i <= 100; ++i) desk.run(noon + minutes(5 * i));
    const auto told = desk.told();
    CHECK(told.size() == 42);  // more than events may follow from each other
    CHECK(desk.changes().back() == "chain exhausted 2/21");
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: its hours count, and a level outside of them waits", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    hours: office\n"
                    "    levels: [ { notify: [ { person: ana } ] }, { after: 1h, notify: [ { person: "
                    "ben } ] } ]\n"));
    const auto evening = at("2026-03-02T16:30:00Z");
    desk.take("ticket.created", Json(), evening);
    CHECK(desk.told() == Names{"@ana"});
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].due == at("2026-03-03T09:30:00Z"));
    Desk night(
        std::string("escalations:\n  - id: chain\n    hours: office\n    levels: [ { notify: [ { "
                    "person: ana } ] } ]\n"));
    night.take("ticket.created", Json(), at("2026-03-02T20:00:00Z"));
    CHECK(night.told().empty());
    night.run(at("2026-03-03T09:00:00Z"));
    CHECK(night.told() == Names{"@ana"});
}

TEST_CASE("escalation: a level whose conditions do not hold tells nobody and goes on", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    levels:\n"
                    "      - { when: { ticket.priority: urgent }, notify: [ { person: ana } ] }\n"
                    "      - { after: 10m, notify: [ { person: ben } ] }\n"));
    desk.take("ticket.created", {{"priority", "low"}});
    CHECK(desk.told().empty());
    CHECK(desk.decisions.back().escalations[1].reason == "conditions_changed");
    desk.run(noon + minutes(10));
    CHECK(desk.told() == Names{"@ben"});
}

TEST_CASE("escalation: asked for twice it goes on, restarted it begins anew", "[escalation]") {
    Desk desk;
    desk.take("ticket.created");
    desk.take("ticket.created", Json(), noon + minutes(5));
    CHECK(timers_in(desk)[0].due == noon + minutes(15));
    CHECK_THAT(
        desk.decisions.back().notes,
        Catch::Matchers::VectorContains(std::string("escalation chain was not begun again: it is running")));
    desk.take("ticket.again", Json(), noon + minutes(10));
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].due == noon + minutes(25));
    CHECK(desk.told() == Names{"@ana", "@ana"});
    desk.take("ticket.over", Json(), noon + minutes(11));
    CHECK(timers_in(desk).empty());
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: what ends it keeps it from beginning, and a deletion ends it", "[escalation]") {
    Desk desk;
    desk.take("ticket.created", {{"status", "closed"}});
    CHECK(desk.changes().empty());
    CHECK(desk.run_of("chain").is_null());
    Desk deleted;
    deleted.take("ticket.created");
    deleted.take("ticket.deleted", Json(), noon + minutes(1));
    CHECK(timers_in(deleted).empty());
    CHECK(deleted.changes().back() == "chain ended 1/1");
    CHECK(deleted.entity("ticket/1").routing.empty());
    CHECK(found_in(deleted) == "");
}

TEST_CASE("escalation: rules hear of its levels and read where it stands", "[escalation]") {
    Desk desk(chain, std::string(begins) +
                         "  - id: hears\n    on: escalation.stepped\n"
                         "    when: { escalations.chain.level: { gte: 2 } }\n"
                         "    then: [ { set: { ticket.priority: urgent } } ]\n");
    desk.take("ticket.created", {{"priority", "low"}});
    CHECK(desk.entity("ticket/1").fields["priority"] == "low");
    desk.run(noon + minutes(15));
    CHECK(desk.entity("ticket/1").fields["priority"] == "urgent");
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: it keeps the levels it began with, and tells people as they are now", "[escalation]") {
    Desk desk;
    desk.take("ticket.created");
    desk.told();
    auto files = files_of("escalations:\n  - id: other\n    levels: [ { notify: [ { person: ana } ] } ]\n",
                          "  - { id: begins, on: ticket.created, then: [ { escalate: other } ] }\n");
    auto& routing = files["routing.yaml"];
    routing.replace(routing.find("@ben"), 4, "@ben-new");
    const auto cora = routing.find("  - { id: cora");
    routing.erase(cora, routing.find("  - { id: silent") - cora);
    routing.replace(routing.find("[ben, cora]"), 11, "[ben]");
    const auto changed = tenant_of(files);
    REQUIRE(desk.worker->activate(changed, {}, noon + minutes(1)));
    desk.tenant = changed;
    desk.run(noon + minutes(15));
    CHECK(desk.told() == Names{"@ben-new", "#room"});
    desk.run(noon + minutes(75));
    CHECK(desk.told() == Names{"@cora"});  // gone since: told as she was then
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: a decision that fails does not stop it", "[escalation]") {
    Desk desk(
        chain,
        std::string(begins) +
            "  - { id: one, on: ticket.escalation_due, then: [ { set: { ticket.priority: low } } ] }\n"
            "  - { id: two, on: ticket.escalation_due, then: [ { set: { ticket.priority: high } } ] }\n",
        "on_conflict: fail\non_error: event\n");
    desk.take("ticket.created");
    desk.told();
    desk.run(noon + minutes(15));
    CHECK(desk.decisions.back().outcome == Outcome::error);
    CHECK(desk.told() == Names{"@ben", "@cora", "#room"});
    CHECK(timers_in(desk).size() == 1);
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: a rule that fails has begun nothing", "[escalation]") {
    Desk desk(chain,
              "  - { id: begins, on: ticket.created, then: [ { escalate: chain }, { add_tags: [ \"{{ "
              "ticket.custom.bag }}\" ] } ] }\n");
    desk.take("ticket.created", {{"custom", {{"bag", {{"a", 1}}}}}});
    REQUIRE(desk.decisions.back().failures.size() == 1);
    CHECK(desk.changes().empty());
    CHECK(timers_in(desk).empty());
}

TEST_CASE("escalation: rules that wait and other escalations hear of it", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - { id: chain, levels: [ { notify: [ { person: ana } ] } ] }\n"
                    "  - id: other\n"
                    "    levels: [ { after: 10m, notify: [ { person: ben } ] } ]\n"
                    "    ends: { on: escalation.exhausted }\n"),
        "  - id: waits\n    on: ticket.created\n    then:\n      - escalate: chain\n      - escalate: other\n"
        "      - wait_for: { on: escalation.exhausted, timeout: 10m }\n      - add_tags: [heard]\n");
    desk.take("ticket.created", {{"subject", "x"}});
    CHECK(desk.entity("ticket/1").fields["tags"] == Json{"heard"});
    CHECK(desk.run_of("other").is_null());
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: a level that is late waits for its hours", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    hours: office\n"
                    "    levels: [ { notify: [ { person: ana } ] }, { after: 20m, notify: [ { person: "
                    "ben } ] } ]\n"));
    desk.take("ticket.created", Json(), at("2026-03-02T16:30:00Z"));
    desk.told();
    desk.run(at("2026-03-02T20:00:00Z"));
    CHECK(desk.told().empty());
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].due == at("2026-03-03T09:00:00Z"));
    desk.run(at("2026-03-03T09:00:00Z"));
    CHECK(desk.told() == Names{"@ben"});
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: who took on the last level and did nothing is told again", "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    levels: [ { notify: [ { person: ana } ] }, { after: 30m, notify: [ { person: "
                    "ben } ] } ]\n"
                    "    repeat: { times: 1, after: 1h }\n"
                    "    acknowledged: { for: 10m }\n"));
    desk.take("ticket.created");
    desk.run(noon + minutes(30));
    desk.run(noon + minutes(90));
    desk.run(noon + minutes(119));
    CHECK(desk.told() == Names{"@ana", "@ben", "@ana"});
    desk.take("ticket.taken", Json(), noon + minutes(119));
    desk.run(noon + minutes(129));
    CHECK(desk.told() == Names{"@ben"});
    CHECK(desk.run_of("chain")["state"] == "exhausted");
    desk.take("ticket.taken", Json(), noon + minutes(130));
    CHECK(desk.run_of("chain")["state"] == "acknowledged");
    CHECK(timers_in(desk).empty());
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: what begins it anew does not acknowledge it, and nobody is told twice of a level",
          "[escalation]") {
    Desk desk(
        std::string("escalations:\n"
                    "  - id: chain\n"
                    "    levels: [ { notify: [ { person: ben }, { team: retention }, { person: cora } ] } ]\n"
                    "    acknowledged: { on: ticket.again }\n"));
    desk.take("ticket.created");
    CHECK(desk.told() == Names{"@ben", "@cora"});
    desk.take("ticket.again");
    CHECK(desk.run_of("chain")["state"] == "exhausted");
    CHECK(desk.told() == Names{"@ben", "@cora"});
}

TEST_CASE("escalation: it survives a restart, and late levels have their time", "[escalation]") {
    Desk desk;
    desk.take("ticket.created");
    desk.told();
    desk.start();
    desk.run(noon + hours(3));
    CHECK(desk.told() == Names{"@ben", "@cora", "#room"});
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].due == noon + hours(4));
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: what one decision begins and takes back again tells nobody", "[escalation]") {
    const auto then = [](const std::string& steps) {
        return "  - { id: r, on: ticket.updated, then: [ " + steps + " ] }\n";
    };
    SECTION("begun and ended") {
        Desk desk(chain, then("{ escalate: chain }, { escalate: { end: chain } }"));
        desk.take("ticket.updated", {{"subject", "x"}});
        CHECK(desk.told().empty());
        CHECK(desk.changes().empty());
        CHECK(timers_in(desk).empty());
        CHECK(desk.decisions.back().notes ==
              Names{"escalation chain was not begun by rule r: a later rule took that back",
                    "escalation chain has nothing to end"});
        CHECK(found_in(desk) == "");
    }
    SECTION("begun and begun anew: once") {
        Desk desk(chain, then("{ escalate: chain }, { escalate: { restart: chain } }"));
        desk.take("ticket.updated", {{"subject", "x"}});
        CHECK(desk.told() == Names{"@ana"});
        CHECK(desk.changes() == Names{"chain started 0/1", "chain stepped 1/1"});
        CHECK(timers_in(desk).size() == 1);
        CHECK(found_in(desk) == "");
    }
    SECTION("one that was there is ended, and nobody is told of it anew") {
        Desk desk(chain, std::string(begins) +
                             then("{ escalate: { restart: chain } }, { escalate: { end: chain } }"));
        desk.take("ticket.created", {{"subject", "x"}});
        CHECK(desk.told() == Names{"@ana"});
        desk.take("ticket.updated", {{"subject", "y"}}, noon + minutes(1));
        CHECK(desk.told().empty());
        CHECK(desk.decisions.back().escalations.size() == 1);
        CHECK(desk.decisions.back().escalations[0].change == "ended");
        CHECK(timers_in(desk).empty());
        CHECK(found_in(desk) == "");
    }
    SECTION("ended and begun: once") {
        Desk desk(chain, std::string(begins) + then("{ escalate: { end: chain } }, { escalate: chain }"));
        desk.take("ticket.created", {{"subject", "x"}});
        CHECK(desk.told() == Names{"@ana"});
        desk.take("ticket.updated", {{"subject", "y"}}, noon + minutes(1));
        CHECK(desk.told() == Names{"@ana"});
        CHECK(timers_in(desk).size() == 1);
        CHECK(found_in(desk) == "");
    }
}

TEST_CASE("escalation: its own clock is no event that a glob means", "[escalation]") {
    Desk desk(
        "escalations:\n  - id: chain\n    levels: [ { notify: [ { person: ana } ] }, { after: 15m, "
        "notify: [ { person: ben } ] } ]\n    ends: { on: \"ticket.e*\" }\n",
        "  - { id: begins, on: ticket.created, then: [ { escalate: chain } ] }\n"
        "  - { id: any, on: \"ticket.*\", then: [ { add_tags: [heard] } ] }\n");
    desk.take("ticket.created", {{"subject", "y"}});
    CHECK(desk.told() == Names{"@ana"});
    desk.run(noon + minutes(15));
    CHECK(desk.told() == Names{"@ben"});
    CHECK(desk.decisions.back().fired.empty());
    desk.take("ticket.ended", Json::object(), noon + minutes(16));
    CHECK(desk.changes().back() == "chain ended 2/1");
    CHECK(found_in(desk) == "");
}

TEST_CASE("escalation: one that is gone from the rules is not begun by a rule that has waited",
          "[escalation]") {
    Desk desk(chain, "  - { id: begins, on: ticket.created, then: [ { wait: 1h }, { escalate: chain } ] }\n");
    desk.take("ticket.created", {{"subject", "x"}});
    const auto changed = tenant_of(
        files_of("escalations: [ { id: other, levels: [ { notify: [ { person: ana } ] } ] } ]\n",
                 "  - { id: begins, on: ticket.created, then: [ { wait: 1h }, { escalate: other } ] }\n"));
    REQUIRE(desk.worker->activate(changed, {}, noon + minutes(1)));
    desk.tenant = changed;
    desk.run(noon + hours(1));
    CHECK(desk.told().empty());
    CHECK(desk.changes().empty());
    CHECK(desk.decisions.back().notes.back() == "escalation chain was not begun: it is gone from the rules");
    CHECK(found_in(desk) == "");
}

}  // namespace escalation_test
