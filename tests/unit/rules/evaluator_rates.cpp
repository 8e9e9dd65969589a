// Rates by themselves: what is counted, by what, in what time, and what is kept of it.

#include <algorithm>

#include "rules/policies/rates.h"
#include "tests/support/rules.h"

namespace evaluator_rates {

using namespace rules;
using namespace rules::testing;
using engine::Duration;
using engine::Instant;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr auto three_an_hour =
    R"([{"id":"many","on":"ticket.*","when":{"ticket.requester.id":{"count_over":
        {"at_least":3,"within":"1h","on":["ticket.created"]}}},"then":[{"add_tags":["many"]}]}])";
constexpr auto rate = "ticket.requester.id on ticket.created";

/// One ticket after another, each with what its entity had kept, and what others had.
struct Desk {
    explicit Desk(const std::string& rules) : set(rule_set(rules)) {}

    engine::Decision take(Instant time, const std::string& ticket = R"({"requester":{"id":"ana"}})",
                          const std::string& type = "ticket.created") {
        Case one;
        one.type(type).ticket(ticket).traced();
        one.event.time = one.event.received = time;
        one.input.now = time;
        one.input.rates = state;
        one.input.counted_elsewhere = elsewhere;
        auto decision = one.decided_by(set);
        if (decision.rate_state) state = *decision.rate_state;
        return decision;
    }
    bool fires(Instant time, const std::string& ticket = R"({"requester":{"id":"ana"}})",
               const std::string& type = "ticket.created") {
        return !take(time, ticket, type).fired.empty();
    }
    std::size_t kept(const std::string& id = rate) const { return rated_events_from(state)[id].size(); }

    RuleSet set;
    Json state;
    CountedElsewhere elsewhere;
};

std::string limited(const std::string& limit) {
    return R"([{"id":"r","on":"ticket.*","when":{"ticket.requester.id":{"count_over":{)" + limit +
           R"(,"within":"1h","on":["ticket.created"]}}}}])";
}

}  // namespace

TEST_CASE("rates: so many in that time, up to the event itself", "[rates]") {
    Desk desk(three_an_hour);
    CHECK_FALSE(desk.fires(noon));
    CHECK_FALSE(desk.fires(noon + minutes(20)));
    CHECK(desk.fires(noon + minutes(40)));
    CHECK(desk.fires(noon + minutes(59)));
}

TEST_CASE("rates: what lies exactly so far back counts no more", "[rates]") {
    Desk late(three_an_hour), just(three_an_hour);
    for (auto* desk : {&late, &just}) {
        desk->take(noon);
        desk->take(noon + minutes(30));
    }
    CHECK_FALSE(late.fires(noon + hours(1)));
    CHECK(just.fires(noon + hours(1) - Duration(1)));
}

TEST_CASE("rates: events at one instant are several", "[rates]") {
    Desk desk(three_an_hour);
    CHECK_FALSE(desk.fires(noon));
    CHECK_FALSE(desk.fires(noon));
    CHECK(desk.fires(noon));
}

TEST_CASE("rates: at_least and more_than differ by one", "[rates]") {
    for (const auto& [limit, at] : std::vector<std::pair<std::string, int>>{{R"("at_least":1)", 1},
                                                                            {R"("at_least":3)", 3},
                                                                            {R"("more_than":0)", 1},
                                                                            {R"("more_than":2)", 3}}) {
        INFO(limit);
        Desk desk(limited(limit));
        for (int i = 1; i <= 4; ++i) CHECK(desk.fires(noon + minutes(i)) == (i >= at));
    }
}

TEST_CASE("rates: other entities count, as far as they are in time", "[rates]") {
    Desk desk(three_an_hour);
    desk.elsewhere[rate] = {noon, noon - hours(1) + Duration(1), noon - hours(1)};
    CHECK(desk.fires(noon));
    desk.state = Json();
    desk.elsewhere[rate] = {noon, noon - hours(1)};
    CHECK_FALSE(desk.fires(noon));
    desk.elsewhere = {{"ticket.status on ticket.created", {noon, noon, noon}}};
    CHECK(desk.fires(noon + minutes(1), R"({"requester":{"id":"bo"}})") == false);
}

TEST_CASE("rates: only events of these types count, and the others may ask", "[rates]") {
    Desk desk(three_an_hour);
    const std::string ana = R"({"requester":{"id":"ana"}})";
    for (int i = 0; i < 5; ++i) CHECK_FALSE(desk.fires(noon, ana, "ticket.updated"));
    for (int i = 0; i < 2; ++i) desk.take(noon);
    CHECK_FALSE(desk.fires(noon, ana, "ticket.updated"));
    desk.take(noon);
    CHECK(desk.fires(noon, ana, "ticket.updated"));
    CHECK_FALSE(desk.fires(noon + hours(1), ana, "ticket.updated"));
}

TEST_CASE("rates: globs are types, too", "[rates]") {
    Desk desk(R"([{"id":"r","on":"*","when":{"ticket.requester.id":{"count_over":
        {"at_least":2,"within":"1h","on":["ticket.comm*","mail.*"]}}}}])");
    const std::string ana = R"({"requester":{"id":"ana"}})";
    CHECK_FALSE(desk.fires(noon, ana, "ticket.created"));
    CHECK_FALSE(desk.fires(noon, ana, "ticket.commented"));
    CHECK(desk.fires(noon, ana, "mail.opened"));
}

TEST_CASE("rates: each value has a count of its own", "[rates]") {
    Desk desk(three_an_hour);
    for (int i = 0; i < 2; ++i)
        for (const auto* who : {R"({"requester":{"id":"ana"}})", R"({"requester":{"id":"bo"}})",
                                R"({"requester":{"id":7}})", R"({"requester":{"id":"7"}})"})
            CHECK_FALSE(desk.fires(noon, who));
    CHECK(desk.fires(noon, R"({"requester":{"id":7}})"));
    CHECK(desk.fires(noon, R"({"requester":{"id":"bo"}})"));
}

TEST_CASE("rates: long texts are counted by their digest", "[rates]") {
    Desk desk(three_an_hour);
    const auto one = Json{{"requester", {{"id", std::string(5'000, 'a')}}}}.dump();
    const auto other = Json{{"requester", {{"id", std::string(4'999, 'a') + "b"}}}}.dump();
    CHECK_FALSE(desk.fires(noon, one));
    CHECK_FALSE(desk.fires(noon, one));
    CHECK_FALSE(desk.fires(noon, other));
    CHECK(desk.fires(noon, one));
    CHECK(desk.state.dump().size() < 1'000);
}

TEST_CASE("rates: an absent field is not counted and makes it false, and so does a list", "[rates]") {
    Desk desk(R"([{"id":"r","on":"ticket.*","when":{"ticket.custom.a":{"count_over":
        {"more_than":0,"within":"1h","on":["ticket.created"]}}}}])");
    for (const auto* ticket :
         {"{}", R"({"custom":{"a":null}})", R"({"custom":{"a":["x"]}})", R"({"custom":{"a":{"b":1}}})"}) {
        INFO(ticket);
        CHECK_FALSE(desk.fires(noon, ticket));
        CHECK(desk.state.is_null());
    }
    CHECK(desk.fires(noon, R"({"custom":{"a":true}})"));
    const auto noted = [&](const std::string& ticket) {
        return engine::text_or(desk.take(noon, ticket).trace["passes"][0]["rules"][0]["when"], "note", "");
    };
    CHECK(noted("{}") == "the field is absent");
    CHECK(noted(R"({"custom":{"a":["x"]}})") ==
          "type clash: events are counted by a text, a number, true or false");
}

TEST_CASE("rates: not asks for fewer", "[rates]") {
    Desk desk(R"([{"id":"r","on":"ticket.*","when":{"not":{"ticket.requester.id":{"count_over":
        {"at_least":2,"within":"1h","on":["ticket.created"]}}}}}])");
    CHECK(desk.fires(noon));
    CHECK_FALSE(desk.fires(noon));
    CHECK(desk.fires(noon, "{}"));
}

TEST_CASE("rates: the trace shows what was found", "[rates]") {
    Desk desk(three_an_hour);
    desk.elsewhere[rate] = {noon};
    const auto decision = desk.take(noon);
    CHECK(decision.trace["passes"][0]["rules"][0]["when"] ==
          json(R"({"field":"ticket.requester.id","op":"count_over","value":2,"result":false,
                   "operand":{"at_least":3,"within":"1h","on":["ticket.created"]}})"));
    CHECK(decision.consulted == Json{{"rates", {{rate, {"2026-05-04T12:00:00Z"}}}}});
}

TEST_CASE("rates: what rules write changes no key", "[rates]") {
    const auto chaining = GENERATE(Chaining::cascade, Chaining::restart, Chaining::none);
    Desk desk(R"([
        {"id":"hand-over","on":"ticket.created","then":[{"set":{"ticket.requester.id":"bo"}}]},
        {"id":"many","on":"ticket.*","when":{"ticket.requester.id":{"count_over":
            {"at_least":2,"within":"1h","on":["ticket.created"]}}}}])");
    desk.set.options.chaining = chaining;
    CHECK(desk.take(noon).fired == names({"hand-over"}));
    CHECK(rated_events_from(desk.state)[rate][0].key == "ana");
    const auto fired = desk.take(noon).fired;
    CHECK(std::count(fired.begin(), fired.end(), "many") == 1);
}

TEST_CASE("rates: what is kept is what some condition can still ask for", "[rates]") {
    Desk desk(R"([
        {"id":"a","on":"ticket.*","when":{"ticket.requester.id":{"count_over":
            {"at_least":2,"within":"1h","on":["ticket.created"]}}}},
        {"id":"b","on":"ticket.*","then":[{"if":{"ticket.requester.id":{"count_over":
            {"more_than":3,"within":"10m","on":["ticket.created"]}}}}]}])");
    REQUIRE(desk.set.rates.size() == 1);
    CHECK(desk.set.rates[0].id == rate);
    CHECK(desk.set.rates[0].within_max == hours(1));
    CHECK(desk.set.rates[0].needed_max == 4);
    for (int i = 0; i < 9; ++i) desk.take(noon + minutes(i));
    CHECK(desk.kept() == 4);
    for (int i = 0; i < 9; ++i) desk.take(noon + minutes(i), R"({"requester":{"id":"bo"}})");
    CHECK(desk.kept() == 8);
    CHECK(desk.state["until"] == "2026-05-04T13:08:00Z");
    CHECK_FALSE(desk.take(noon + minutes(10), "{}").rate_state);
    CHECK(desk.take(noon + hours(1) + minutes(8), "{}").rate_state == Json::object());
    CHECK_FALSE(desk.take(noon + hours(2), "{}").rate_state);
}

TEST_CASE("rates: of one entity no more than so many are remembered", "[rates]") {
    Desk desk(limited(R"("at_least":1000)"));
    CountedElsewhere none;
    RateCounts counts(desk.set.rates, json(R"({"requester":{"id":"ana"}})"), noon, Json(), none);
    for (std::size_t i = 0; i < rated_events_max + 5; ++i) counts.count_event("ticket.created");
    CHECK(rated_events_from(counts.state())[rate].size() == rated_events_max);
    RateCounts other(desk.set.rates, json(R"({"requester":{"id":"bo"}})"), noon, counts.state(), none);
    other.count_event("ticket.created");
    CHECK(rated_events_from(other.state())[rate].size() == rated_events_max);
}

TEST_CASE("rates: an event that comes late is counted when it happened", "[rates]") {
    Desk desk(three_an_hour);
    desk.take(noon);
    desk.take(noon + minutes(50));
    CHECK_FALSE(desk.fires(noon + minutes(10)));  // the one behind it was not there yet
    CHECK(desk.fires(noon + minutes(55)));
    CHECK(desk.fires(noon + minutes(69)));  // 10, 50 and 55 past
}

TEST_CASE("rates: what says that it is still to come has come", "[rates]") {
    Desk desk(three_an_hour);
    Case one;
    one.ticket(R"({"requester":{"id":"ana"}})");
    one.event.time = noon + hours(5);
    const auto decision = one.decided_by(desk.set);
    REQUIRE(decision.rate_state);
    CHECK(rated_events_from(*decision.rate_state)[rate][0].at == noon);
}

TEST_CASE("rates: what goes on is not counted again", "[rates]") {
    Desk desk(R"([{"id":"r","on":"ticket.created","then":[{"wait":"1h"},{"if":{"ticket.requester.id":
        {"count_over":{"at_least":2,"within":"2h","on":["*"]}}},"then":[{"add_tags":["again"]}]}]}])");
    CHECK(desk.fires(noon));
    Case rest;
    rest.type("ticket.waited").ticket(R"({"requester":{"id":"ana"}})");
    rest.event.time = noon + hours(1);
    rest.input.now = noon + hours(1);
    rest.input.rates = desk.state;
    Resume resume;
    resume.continuation.rule = "r";
    resume.continuation.firing = "r#1";
    resume.continuation.resume_at = {1};
    rest.input.resume = resume;
    const auto alone = rest.decided_by(desk.set);
    CHECK_FALSE(alone.rate_state);
    CHECK(alone.changes.empty());
    rest.input.counted_elsewhere["ticket.requester.id on *"] = {noon};
    CHECK_FALSE(rest.decided_by(desk.set).changes.empty());
    rest.input.resume.reset();
    rest.input.is_silent = true;
    CHECK_FALSE(rest.decided_by(desk.set).rate_state);
}

TEST_CASE("rates: an event counts whatever becomes of the rules, but for one that is decided again",
          "[rates]") {
    const auto rules = [](const std::string& on_error) {
        return R"([{"id":"r","on":"ticket.created","on_error":")" + on_error +
               R"(","when":{"ticket.requester.id":{"count_over":{"at_least":1,"within":"1h",
                   "on":["ticket.created"]}}},"then":[{"set":{"ticket.priority":"{{ ticket.subject }}"}}]}])";
    };
    const std::string broken = R"({"requester":{"id":"ana"},"subject":"no such priority"})";
    for (const auto* on_error : {"rule", "event", "lane"}) {
        INFO(on_error);
        Desk desk(rules(on_error));
        const auto decision = desk.take(noon, broken);
        REQUIRE_FALSE(decision.failures.empty());
        CHECK(decision.rate_state.has_value() == (std::string(on_error) != "lane"));
    }
}

}  // namespace evaluator_rates
