// Scores through the pipeline: points that hold, events that count, bands that are entered and left.

#include "rules/policies/scoring.h"

#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace scoring_test {

using namespace engine;
using namespace engine::test;

namespace {

using std::chrono::hours;
using Names = std::vector<std::string>;

constexpr auto day = hours(24);

/// A desk with these scores, and rules.
struct Desk : World {
    explicit Desk(const std::string& scores, const std::string& rules = "", const std::string& settings = "")
        : World(tenant_of({{"tenant.yaml", "name: acme\n" + settings},
                           {"connections.yaml", sandbox_connections},
                           {"fields.yaml", "fields:\n  lead.seats: number\n  lead.trial: boolean\n"},
                           {"scoring.yaml", "scores:\n" + scores},
                           {"rules.yaml", "rules:\n" + rules}})) {}

    void take(const std::string& type, const Json& fields, Instant now = noon) {
        auto one = event("e" + std::to_string(++sent), type, "lead/1",
                         fields.is_null() ? Json::object() : Json{{"lead", fields}});
        one.received = now;
        one.time = now;
        submit(std::move(one), now);
    }
    Json field(const std::string& name) {
        const auto fields = entity("lead/1").fields;
        const auto found = fields.find(name);
        return found == fields.end() ? Json() : *found;
    }
    Json score() { return field("score"); }
    Json band() { return field("band"); }
    Json tags() { return field("tags"); }

    int sent = 0;
};

constexpr auto fit_and_interest =
    "  - id: worth\n"
    "    max: 100\n"
    "    points:\n"
    "      - { id: big, when: { lead.seats: { gte: 50 } }, add: 30 }\n"
    "      - { id: free-mail, when: { lead.email: { ends_with: gmail.com } }, add: -10 }\n"
    "    groups:\n"
    "      - id: interest\n"
    "        max: 25\n"
    "        points:\n"
    "          - { id: opened, on: lead.opened, add: 5 }\n"
    "          - { id: asked, on: lead.asked, when: { lead.seats: { gte: 10 } }, add: 12.5 }\n"
    "    bands:\n"
    "      - { id: hot, from: 50, enter: lead.qualified, leave: lead.cooled }\n"
    "      - { id: warm, from: 20 }\n"
    "      - { id: cold }\n";

constexpr auto hears =
    "  - id: hears\n"
    "    on: [lead.qualified, lead.cooled, lead.band_changed]\n"
    "    then: [ { add_tags: [\"{{ event.type }} {{ event.data.scoring.to }}\"] } ]\n";

}  // namespace

TEST_CASE("scoring: what holds gives points, and what does not any more takes them back", "[scoring]") {
    Desk desk(fit_and_interest);
    desk.take("lead.created", {{"email", "ana@gmail.com"}});
    CHECK(desk.score() == -10);
    CHECK(desk.band() == "cold");
    desk.take("lead.updated", {{"seats", 80}});
    CHECK(desk.score() == 20);
    CHECK(desk.band() == "warm");
    desk.take("lead.updated", {{"seats", 3}, {"email", "ana@acme.example"}});
    CHECK(desk.score() == 0);
    CHECK(desk.band() == "cold");
}

TEST_CASE("scoring: events count, groups have limits, and conditions are asked as they come", "[scoring]") {
    Desk desk(fit_and_interest);
    desk.take("lead.created", {{"seats", 5}});
    desk.take("lead.opened", Json());
    CHECK(desk.score() == 5);
    desk.take("lead.asked", Json());  // too small to count
    CHECK(desk.score() == 5);
    desk.take("lead.asked", {{"seats", 10}});  // the payload is part of what is asked
    CHECK(desk.score() == 17.5);
    for (int i = 0; i < 4; ++i) desk.take("lead.opened", Json());
    CHECK(desk.score() == 25);  // 37.5 limited
    const auto& change = desk.decisions.back().scores;
    CHECK(change.empty());  // limited before, too
    desk.take("lead.updated", {{"seats", 50}});
    CHECK(desk.score() == 55);
    REQUIRE(desk.decisions.back().scores.size() == 1);
    const auto& last = desk.decisions.back().scores[0];
    CHECK(last.from == 25);
    CHECK(last.band_from == "warm");
    CHECK(last.band == "hot");
    CHECK(last.parts == Json::parse(R"([{"id":"big","points":30},
        {"id":"opened","points":25,"group":"interest","times":5},
        {"id":"asked","points":12.5,"group":"interest","times":1},
        {"group":"interest","points":25,"limited_from":37.5}])"));
}

TEST_CASE("scoring: rules see the score in the decision that brings it", "[scoring]") {
    Desk desk(fit_and_interest,
              "  - id: sees\n    on: lead.*\n    when: { lead.band: { changed_to: hot } }\n"
              "    then: [ { add_tags: [\"at {{ lead.score }}\"] } ]\n");
    desk.take("lead.created", {{"seats", 50}});
    CHECK(desk.tags().is_null());
    desk.take("lead.asked", Json());
    desk.take("lead.asked", Json());
    CHECK(desk.tags() == Json{"at 55"});
    desk.take("lead.opened", Json());
    CHECK(desk.tags() == Json{"at 55"});  // it was hot already
}

TEST_CASE("scoring: who comes into a band or leaves it is told of once", "[scoring]") {
    Desk desk(fit_and_interest, hears);
    desk.take("lead.created", {{"seats", 50}});
    CHECK(desk.tags().is_null());  // a first score is no change
    desk.take("lead.asked", Json());
    desk.take("lead.asked", Json());
    CHECK(desk.tags() == Json{"lead.qualified 55", "lead.band_changed 55"});
    desk.take("lead.asked", Json());
    desk.take("lead.updated", {{"seats", 10}});
    CHECK(desk.band() == "warm");
    CHECK(desk.tags() ==
          Json{"lead.qualified 55", "lead.band_changed 55", "lead.cooled 25", "lead.band_changed 25"});
}

TEST_CASE("scoring: what nobody listens to stands in the decision and goes nowhere else", "[scoring]") {
    Desk desk(fit_and_interest);
    desk.take("lead.created", {{"seats", 80}});
    CHECK(desk.decisions.size() == 1);
    CHECK(desk.decisions[0].emitted.empty());
    CHECK(desk.decisions[0].scores.size() == 1);
}

TEST_CASE("scoring: what rules write changes the score, whatever the chaining", "[scoring]") {
    const auto* chaining = GENERATE("cascade", "none", "restart");
    Desk desk(fit_and_interest,
              "  - id: enriches\n    on: lead.created\n    then: [ { set: { lead.seats: 60 } } ]\n" +
                  std::string(hears),
              std::string("chaining: ") + chaining + "\n");
    desk.take("lead.created", {{"email", "ana@acme.example"}});
    INFO(chaining);
    CHECK(desk.score() == 30);
    CHECK(desk.band() == "warm");
    const auto& changes = desk.decisions[0].changes;
    CHECK(changes.back().rule == "scoring:worth");
    const auto proof = prove(desk);
    CHECK(proof.found == "");
}

TEST_CASE("scoring: what a rule or a payload writes to the score does not stand", "[scoring]") {
    Desk desk(fit_and_interest,
              "  - id: knows-better\n    on: lead.asked\n    then: [ { set: { lead.score: 99 } } ]\n");
    desk.take("lead.created", {{"score", 77}, {"seats", 50}});
    CHECK(desk.score() == 30);
    desk.take("lead.asked", Json());
    CHECK(desk.score() == 42.5);
}

TEST_CASE("scoring: a failed decision counts nothing", "[scoring]") {
    Desk desk(fit_and_interest,
              "  - id: breaks\n    on: lead.opened\n    on_error: event\n"
              "    when: { lead.trial: true }\n"
              "    then: [ { set: { lead.seats: \"{{ lead.custom.word }}\" } } ]\n");
    desk.take("lead.created", {{"custom", {{"word", "many"}}}, {"trial", true}});
    desk.take("lead.opened", Json());
    CHECK(desk.decisions.back().outcome == Outcome::error);
    CHECK(desk.score() == 0);
    desk.take("lead.opened", {{"trial", false}});
    CHECK(desk.score() == 5);
}

TEST_CASE("scoring: an event counts for so long, and its end is a timer", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 10, for: 3d } ]\n"
        "    bands: [ { id: awake, from: 10 }, { id: asleep } ]\n",
        "  - id: hears\n    on: lead.score_due\n    when: { lead.band: { changed_to: asleep } }\n"
        "    then: [ { add_tags: [asleep] } ]\n");
    desk.take("lead.created", Json::object());
    CHECK(timers_in(desk).empty());
    desk.take("lead.opened", Json(), noon);
    desk.take("lead.opened", Json(), noon + day);
    CHECK(desk.score() == 20);
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].name == "score:interest");
    CHECK(timers_in(desk)[0].due == noon + 3 * day);
    desk.run(noon + 3 * day);
    CHECK(desk.score() == 10);
    CHECK(desk.tags().is_null());
    desk.run(noon + 10 * day);
    CHECK(desk.score() == 0);
    CHECK(desk.band() == "asleep");
    CHECK(desk.tags() == Json{"asleep"});
    CHECK(timers_in(desk).empty());
    CHECK(desk.entity("lead/1").scores == Json::parse(R"({"interest":{"points":0,"band":"asleep"}})"));
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: what decays loses its share step by step", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 10, decay: { every: 1d, by: 50% } } ]\n");
    desk.take("lead.opened", Json(), noon);
    std::vector<double> points;
    for (int i = 0; i < 12; ++i) {
        points.push_back(desk.score().get<double>());
        desk.run(noon + day * (i + 1));
    }
    CHECK(points == std::vector<double>{10, 5, 2.5, 1.25, 0.62, 0.31, 0.15, 0.07, 0.03, 0.01, 0, 0});
    CHECK(timers_in(desk).empty());
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: no more than so many within a time count", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 1, at_most: { times: 2, within: 1d } } ]\n");
    for (int i = 0; i < 5; ++i) desk.take("lead.opened", Json(), noon + hours(i));
    CHECK(desk.score() == 2);
    desk.take("lead.opened", Json(), noon + day);  // the first has left the window
    CHECK(desk.score() == 3);
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: an event that comes twice counts once", "[scoring]") {
    Desk desk(fit_and_interest);
    for (int i = 0; i < 2; ++i) desk.submit(event("same", "lead.opened", "lead/1", Json::object()));
    CHECK(desk.score() == 5);
}

TEST_CASE("scoring: the rest of a wait is no event that counts", "[scoring]") {
    Desk desk(
        fit_and_interest,
        "  - id: waits\n    on: lead.opened\n    then: [ { wait: 1h }, { set: { lead.seats: 50 } } ]\n");
    desk.take("lead.opened", Json());
    CHECK(desk.score() == 5);
    desk.run(noon + hours(2));
    CHECK(desk.score() == 35);  // for what the rest wrote
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: rules give points and take them, for good", "[scoring]") {
    Desk desk(fit_and_interest,
              "  - id: praises\n    on: lead.praised\n    then: [ { score: { worth: 60 } } ]\n"
              "  - id: breaks\n    on: lead.praised\n    when: { lead.trial: true }\n"
              "    then: [ { score: { worth: 1 } }, { set: { lead.seats: \"{{ lead.custom.word }}\" } } ]\n"
              "  - id: blames\n    on: lead.blamed\n    then: [ { score: { worth: -12.5 } } ]\n" +
                  std::string(hears));
    desk.take("lead.created", {{"custom", {{"word", "many"}}}, {"trial", true}});
    desk.take("lead.praised", Json());
    CHECK(desk.score() == 60);  // what the failed rule gave is not there
    CHECK(desk.tags() == Json{"lead.qualified 60", "lead.band_changed 60"});
    desk.take("lead.blamed", Json());
    CHECK(desk.score() == 47.5);
    desk.take("lead.updated", {{"seats", 1}});
    CHECK(desk.score() == 47.5);
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: many ends that follow each other closely all come", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 1, for: 1d } ]\n");
    for (int i = 0; i < 40; ++i) desk.take("lead.opened", Json(), noon + std::chrono::seconds(20 * i));
    CHECK(desk.score() == 40);
    desk.run(noon + 3 * day);
    CHECK(desk.score() == 0);
    CHECK(timers_in(desk).empty());
}

TEST_CASE("scoring: what is deleted has no score, and what comes back begins anew", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 10, for: 3d } ]\n"
        "    bands: [ { id: awake, from: 10, enter: lead.woken, leave: lead.dozed }, { id: asleep } ]\n",
        hears);
    desk.take("lead.opened", Json());
    desk.take("lead.deleted", Json());
    CHECK(timers_in(desk).empty());
    CHECK(desk.entity("lead/1").scores == Json::object());
    desk.take("lead.restored", {{"email", "ana@acme.example"}});
    CHECK(desk.score() == 0);
    desk.take("lead.opened", Json(), noon + day);
    CHECK(desk.score() == 10);
    CHECK(timers_in(desk).size() == 1);
    desk.run(noon + 5 * day);
    CHECK(desk.score() == 0);
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: an event that says it is still to come counts now", "[scoring]") {
    Desk desk("  - id: interest\n    points: [ { id: opened, on: lead.opened, add: 10, for: 3d } ]\n");
    auto one = event("e1", "lead.opened", "lead/1", Json::object(), "9999-12-31T10:00:00Z");
    one.received = noon;
    desk.submit(std::move(one), noon);
    REQUIRE(timers_in(desk).size() == 1);
    CHECK(timers_in(desk)[0].due == noon + 3 * day);
    CHECK(found_in(desk) == "");
}

TEST_CASE("scoring: history that is told late is held to its limits", "[scoring]") {
    Desk desk(
        "  - id: interest\n"
        "    points: [ { id: opened, on: lead.opened, add: 1, at_most: { times: 2, within: 7d } } ]\n");
    for (int i = 0; i < 5; ++i) {
        auto one = event("h" + std::to_string(i), "lead.opened", "lead/1", Json::object(),
                         "2026-01-04T10:00:0" + std::to_string(i) + "Z");
        one.received = noon;
        desk.submit(std::move(one), noon);
    }
    CHECK(desk.score() == 2);
}

TEST_CASE("scoring: entries count the events of bands and of service levels, too", "[scoring]") {
    Desk desk(
        "  - id: worth\n"
        "    points:\n"
        "      - { id: big, when: { lead.seats: { gte: 50 } }, add: 30 }\n"
        "      - { id: came, on: lead.qualified, add: 5 }\n"
        "    bands: [ { id: hot, from: 30, enter: lead.qualified }, { id: cold } ]\n");
    desk.take("lead.created", {{"seats", 60}});
    CHECK(desk.score() == 35);
}

TEST_CASE("scoring: with the file go the timers and what was kept", "[scoring]") {
    Desk desk("  - id: interest\n    points: [ { id: opened, on: lead.opened, add: 10, for: 3d } ]\n");
    desk.take("lead.opened", Json());
    CHECK(timers_in(desk).size() == 1);
    desk.tenant = tenant_of({{"tenant.yaml", "name: acme\n"}, {"rules.yaml", "rules: []\n"}});
    REQUIRE(desk.worker->activate(desk.tenant, {}, noon));
    desk.take("lead.updated", {{"email", "ana@acme.example"}});
    CHECK(timers_in(desk).empty());
    CHECK(desk.entity("lead/1").scores == Json::object());
    CHECK(desk.score() == 10);  // a field like any other from now on
}

TEST_CASE("scoring: what an entity keeps reads back as it was written", "[scoring]") {
    const auto kept = Json::parse(R"({"worth":{"points":-150,"band":"warm","timer":"2026-03-05T12:00:00Z",
        "counted":{"opened":{"at":["2026-03-02T12:00:00Z","2026-03-02T12:00:00.5Z"]},"asked":{"times":3}}}})");
    const auto text = rules::to_json(rules::score_memory_from(kept)).dump();
    CHECK(rules::to_json(rules::score_memory_from(Json::parse(text))).dump() == text);
    CHECK(rules::score_memory_from(kept).at("worth").points == -150);
    CHECK(rules::score_memory_from(kept).at("worth").counted.at("opened").at.size() == 2);
    CHECK(rules::to_json(rules::score_memory_from(Json::parse(R"({"worth":7})"))) == Json::object());
}

}  // namespace scoring_test
