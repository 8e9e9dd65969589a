// On-call schedules: known hand-overs around changes of clocks, and random schedules against a look at each
// minute by the words of the guide.

#include <cstdlib>

#include "rules/policies/on_call.h"
#include "tests/support/calendars.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace evaluator_on_call {

using namespace rules;
using namespace rules::testing;
using engine::Instant;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing_random::Random;
using Names = std::vector<std::string>;

namespace {

OnCallRotation rotation(std::vector<Names> turns, hours every, const std::string& starts,
                        const std::string& hand_over = "00:00") {
    OnCallRotation made;
    made.turns = std::move(turns);
    made.every = every;
    made.starts = day_of(starts);
    made.hand_over = time_of_day(hand_over);
    return made;
}

OnCallOverride instead(Names who, const char* from, const char* until) {
    return {std::move(who), at(from), at(until)};
}

OnCallSchedule schedule_in(const char* zone, std::vector<OnCallRotation> rotations,
                           std::vector<OnCallOverride> overrides = {}) {
    return {"first-line", zone_of(zone), std::move(rotations), std::move(overrides), {}};
}

std::string told(const Names& who) {
    std::string text;
    for (const auto& one : who) text += (text.empty() ? "" : "+") + one;
    return text.empty() ? "nobody" : text;
}

/// `2026-03-22T08:00:00Z ana`, with a star for what an override says.
std::string told(const OnCallShift& shift) {
    return engine::to_text(shift.from) + " " + told(shift.who) + (shift.overridden ? "*" : "");
}

/// All shifts; each begins where the one before ends, and all that they cover is what was asked for.
Names listed(const OnCallSchedule& schedule, const char* from, const char* to, std::size_t max = 100) {
    Names lines;
    auto end = at(from);
    for (const auto& shift : shifts_between(schedule, at(from), at(to), max)) {
        CHECK(shift.from == end);
        CHECK(shift.from < shift.until);
        end = shift.until;
        lines.push_back(told(shift));
    }
    if (lines.size() < max) CHECK(end == at(to));
    return lines;
}

std::string now_of(const OnCallSchedule& schedule, const char* now) {
    const auto shift = on_call_at(schedule, at(now));
    return told(shift) + " " + engine::to_text(shift.until);
}

}  // namespace

TEST_CASE("on call: a week is handed over at its local time when clocks change", "[on_call]") {
    const auto berlin =
        schedule_in("Europe/Berlin", {rotation({{"ana"}, {"ben"}}, days(7), "2026-01-05", "09:00")});
    // 167 hours, and 169.
    CHECK(now_of(berlin, "2026-03-25T12:00:00Z") == "2026-03-23T08:00:00Z ben 2026-03-30T07:00:00Z");
    CHECK(now_of(berlin, "2026-10-20T12:00:00Z") == "2026-10-19T07:00:00Z ben 2026-10-26T08:00:00Z");
    CHECK(listed(berlin, "2026-03-23T00:00:00Z", "2026-04-07T00:00:00Z") ==
          Names{"2026-03-23T00:00:00Z ana", "2026-03-23T08:00:00Z ben", "2026-03-30T07:00:00Z ana",
                "2026-04-06T07:00:00Z ben"});

    const auto new_york = schedule_in(
        "America/New_York", {rotation({{"ana"}, {"ben"}, {"cora"}}, days(7), "2026-01-05", "17:30")});
    CHECK(now_of(new_york, "2026-03-08T07:00:00Z") == "2026-03-02T22:30:00Z cora 2026-03-09T21:30:00Z");
    CHECK(now_of(new_york, "2026-11-01T06:00:00Z") == "2026-10-26T21:30:00Z ana 2026-11-02T22:30:00Z");

    const auto lord_howe =
        schedule_in("Australia/Lord_Howe", {rotation({{"ana"}, {"ben"}}, days(1), "2026-04-01", "02:00")});
    // At 02:00 clocks go back to 01:30: two in the morning comes after that, and half an hour later.
    CHECK(now_of(lord_howe, "2026-04-04T14:45:00Z") == "2026-04-03T15:00:00Z ben 2026-04-04T15:30:00Z");
    // In October they go forward to 02:30 then.
    CHECK(now_of(lord_howe, "2026-10-03T15:00:00Z") == "2026-10-02T15:30:00Z ben 2026-10-03T15:30:00Z");
    CHECK(now_of(lord_howe, "2026-10-03T15:30:00Z") == "2026-10-03T15:30:00Z ana 2026-10-04T15:00:00Z");
}

TEST_CASE("on call: a time that clocks skip is the first after it, one that comes twice the first",
          "[on_call]") {
    const auto daily =
        schedule_in("Europe/Berlin", {rotation({{"ana"}, {"ben"}}, days(1), "2026-03-02", "02:30")});
    CHECK(listed(daily, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z") ==
          Names{"2026-03-28T12:00:00Z ana", "2026-03-29T01:00:00Z ben", "2026-03-30T00:30:00Z ana"});
    CHECK(listed(daily, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z") ==
          Names{"2026-10-24T12:00:00Z ana", "2026-10-25T00:30:00Z ben", "2026-10-26T01:30:00Z ana"});
    // While it is 02:15 again, the turn has changed already.
    CHECK(told(on_call_at(daily, at("2026-10-25T01:15:00Z")).who) == "ben");
    // The first turn begins like any other.
    const auto first = schedule_in("Europe/Berlin", {rotation({{"ana"}}, days(1), "2026-10-25", "02:30")});
    CHECK(listed(first, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z") ==
          Names{"2026-10-25T00:00:00Z nobody", "2026-10-25T00:30:00Z ana"});
    // Of a day that Samoa never had there is no turn.
    const auto apia =
        schedule_in("Pacific/Apia", {rotation({{"ana"}, {"ben"}, {"cora"}}, days(1), "2011-12-29", "08:00")});
    CHECK(listed(apia, "2011-12-29T18:00:00Z", "2011-12-31T18:00:00Z") ==
          Names{"2011-12-29T18:00:00Z ana", "2011-12-30T10:00:00Z ben", "2011-12-30T18:00:00Z cora"});
}

TEST_CASE("on call: turns of hours hand over at the same local times each day", "[on_call]") {
    const auto halves =
        schedule_in("Europe/Berlin", {rotation({{"ana"}, {"ben"}}, hours(12), "2026-03-01", "08:00")});
    CHECK(listed(halves, "2026-03-28T07:00:00Z", "2026-03-30T06:00:00Z") ==
          Names{"2026-03-28T07:00:00Z ana", "2026-03-28T19:00:00Z ben", "2026-03-29T06:00:00Z ana",
                "2026-03-29T18:00:00Z ben"});
    CHECK(listed(halves, "2026-10-24T18:00:00Z", "2026-10-25T19:00:00Z") ==
          Names{"2026-10-24T18:00:00Z ben", "2026-10-25T07:00:00Z ana"});
    // With more people than turns of a day they go on from day to day.
    const auto thirds = schedule_in(
        "UTC", {rotation({{"ana"}, {"ben"}, {"cora"}, {"dan"}}, hours(8), "2026-05-04", "09:00")});
    CHECK(listed(thirds, "2026-05-04T09:00:00Z", "2026-05-05T18:00:00Z") ==
          Names{"2026-05-04T09:00:00Z ana", "2026-05-04T17:00:00Z ben", "2026-05-05T01:00:00Z cora",
                "2026-05-05T09:00:00Z dan", "2026-05-05T17:00:00Z ana"});
    // An hour that is skipped has no turn, one that comes twice a long one.
    const auto hourly =
        schedule_in("Europe/Berlin",
                    {rotation({{"h0"}, {"h1"}, {"h2"}, {"h3"}, {"h4"}, {"h5"}}, hours(1), "2026-03-01")});
    CHECK(listed(hourly, "2026-03-29T00:00:00Z", "2026-03-29T02:30:00Z") ==
          Names{"2026-03-29T00:00:00Z h1", "2026-03-29T01:00:00Z h3", "2026-03-29T02:00:00Z h4"});
    CHECK(listed(hourly, "2026-10-24T23:00:00Z", "2026-10-25T02:30:00Z") ==
          Names{"2026-10-24T23:00:00Z h1", "2026-10-25T00:00:00Z h2", "2026-10-25T02:00:00Z h3"});
}

TEST_CASE("on call: the last layer that has somebody says who", "[on_call]") {
    auto nights = rotation({{"cora", "dan"}, {"eve"}}, days(7), "2026-05-04");
    nights.hours = std::make_shared<const Calendar>(
        calendar_of(Json::parse(R"({"tz": "Europe/Berlin", "hours": {"mon": [["20:00", "30:00"]],
                                    "tue": [["20:00", "30:00"]]}})")));
    auto schedule =
        schedule_in("Europe/Berlin", {rotation({{"ana"}, {"ben"}}, days(7), "2026-05-04"), nights});
    CHECK(listed(schedule, "2026-05-04T12:00:00Z", "2026-05-06T12:00:00Z") ==
          Names{"2026-05-04T12:00:00Z ana", "2026-05-04T18:00:00Z cora+dan", "2026-05-05T04:00:00Z ana",
                "2026-05-05T18:00:00Z cora+dan", "2026-05-06T04:00:00Z ana"});
    CHECK(now_of(schedule, "2026-05-07T12:00:00Z") == "2026-05-06T04:00:00Z ana 2026-05-10T22:00:00Z");
    CHECK(told(on_call_at(schedule, at("2026-05-11T19:00:00Z")).who) == "eve");
    // With the layers the other way round nobody asks for those of the nights.
    std::swap(schedule.rotations[0], schedule.rotations[1]);
    CHECK(listed(schedule, "2026-05-04T12:00:00Z", "2026-05-06T12:00:00Z") ==
          Names{"2026-05-04T12:00:00Z ana"});
}

TEST_CASE("on call: a layer has nobody before it starts, nor from the day on which it ends", "[on_call]") {
    auto summer = rotation({{"ana"}, {"ben"}}, days(7), "2026-06-01", "09:00");
    summer.until = day_of("2026-06-12");
    auto schedule = schedule_in("Europe/Berlin", {summer});
    CHECK(listed(schedule, "2026-05-31T00:00:00Z", "2026-06-14T00:00:00Z") ==
          Names{"2026-05-31T00:00:00Z nobody", "2026-06-01T07:00:00Z ana", "2026-06-08T07:00:00Z ben",
                "2026-06-12T07:00:00Z nobody"});
    CHECK(now_of(schedule, "2026-06-20T00:00:00Z") == "2026-06-12T07:00:00Z nobody 2027-06-21T00:00:00Z");
    schedule.rotations.insert(schedule.rotations.begin(), rotation({{"boss"}}, days(7), "2020-01-01"));
    CHECK(listed(schedule, "2026-06-11T00:00:00Z", "2026-06-14T00:00:00Z") ==
          Names{"2026-06-11T00:00:00Z ben", "2026-06-12T07:00:00Z boss"});
    // Farther than a year nothing is looked for.
    CHECK(now_of(schedule, "2028-01-01T00:00:00Z") == "2026-12-31T00:00:00Z boss 2029-01-01T00:00:00Z");
}

TEST_CASE("on call: an override wins over all layers, a later one over an earlier", "[on_call]") {
    const std::vector<OnCallRotation> weekly{rotation({{"ana"}, {"ben"}}, days(7), "2026-05-04")};
    const auto within =
        schedule_in("UTC", weekly, {instead({"cora"}, "2026-05-06T09:00:00Z", "2026-05-07T09:00:00Z")});
    CHECK(listed(within, "2026-05-05T00:00:00Z", "2026-05-12T00:00:00Z") ==
          Names{"2026-05-05T00:00:00Z ana", "2026-05-06T09:00:00Z cora*", "2026-05-07T09:00:00Z ana",
                "2026-05-11T00:00:00Z ben"});
    CHECK(now_of(within, "2026-05-06T08:59:59Z") == "2026-05-04T00:00:00Z ana 2026-05-06T09:00:00Z");
    CHECK(now_of(within, "2026-05-06T09:00:00Z") == "2026-05-06T09:00:00Z cora* 2026-05-07T09:00:00Z");
    CHECK(now_of(within, "2026-05-07T09:00:00Z") == "2026-05-07T09:00:00Z ana 2026-05-11T00:00:00Z");

    const auto across = schedule_in("UTC", weekly,
                                    {instead({"cora"}, "2026-05-10T12:00:00Z", "2026-05-12T12:00:00Z"),
                                     instead({}, "2026-05-11T06:00:00Z", "2026-05-11T07:00:00Z"),
                                     instead({"dan"}, "2026-05-12T06:00:00Z", "2026-05-13T00:00:00Z")});
    CHECK(listed(across, "2026-05-10T00:00:00Z", "2026-05-14T00:00:00Z") ==
          Names{"2026-05-10T00:00:00Z ana", "2026-05-10T12:00:00Z cora*", "2026-05-11T06:00:00Z nobody*",
                "2026-05-11T07:00:00Z cora*", "2026-05-12T06:00:00Z dan*", "2026-05-13T00:00:00Z ben"});
}

TEST_CASE("on call: who stays on call beyond a hand-over has one shift", "[on_call]") {
    const auto schedule = schedule_in("UTC", {rotation({{"ana"}, {"ana"}, {"ben"}}, days(1), "2026-05-04")},
                                      {instead({"ana"}, "2026-05-06T00:00:00Z", "2026-05-06T12:00:00Z")});
    CHECK(listed(schedule, "2026-05-04T00:00:00Z", "2026-05-08T00:00:00Z") ==
          Names{"2026-05-04T00:00:00Z ana*", "2026-05-06T12:00:00Z ben", "2026-05-07T00:00:00Z ana"});
    CHECK(now_of(schedule, "2026-05-05T00:00:00Z") == "2026-05-04T00:00:00Z ana 2026-05-06T12:00:00Z");
    CHECK(now_of(schedule, "2026-05-06T00:00:00Z") == "2026-05-04T00:00:00Z ana* 2026-05-06T12:00:00Z");
}

TEST_CASE("on call: no more shifts are listed than were asked for, and none of no time", "[on_call]") {
    const auto schedule = schedule_in("UTC", {rotation({{"ana"}, {"ben"}}, days(1), "2026-05-04")});
    const auto from = at("2026-05-04T00:00:00Z");
    CHECK(shifts_between(schedule, from, from, 10).empty());
    CHECK(shifts_between(schedule, from, from - hours(1), 10).empty());
    CHECK(shifts_between(schedule, from, from + days(10), 0).empty());
    CHECK(listed(schedule, "2026-05-04T00:00:00Z", "2026-05-09T00:00:00Z", 2) ==
          Names{"2026-05-04T00:00:00Z ana", "2026-05-05T00:00:00Z ben"});
    const auto all = shifts_between(schedule, from, from + days(366 * 100), 10'000);
    CHECK(all.back().until == from + on_call_listed);
    const auto nobody = schedule_in("UTC", {});
    CHECK(listed(nobody, "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z") ==
          Names{"2026-05-04T00:00:00Z nobody"});
}

// ---- against a look at each minute

namespace {

struct Around {
    const char* zone;
    const char* change;  ///< of its clocks
};

const std::vector<Around>& changes() {
    static const std::vector<Around> all{
        {"UTC", "2026-03-01T00:00:00Z"},
        {"Europe/Berlin", "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-10-25T01:00:00Z"},
        {"America/New_York", "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"America/Sao_Paulo", "2015-10-18T03:00:00Z"},
        {"Africa/Cairo", "2024-04-25T22:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"},
        {"Antarctica/Troll", "2024-03-31T01:00:00Z"},
    };
    return all;
}

Names random_people(Random& random, std::size_t least) {
    static const Names all{"ana", "ben", "cora"};
    Names who;
    for (auto count = least + random.below(2); count > 0; --count) who.push_back(random.of(all));
    return who;
}

OnCallRotation random_rotation(Random& random, Calendar::Day middle) {
    static const std::vector<hours> lengths{hours(1),  hours(2), hours(3), hours(4), hours(6), hours(8),
                                            hours(12), days(1),  days(1),  days(2),  days(3),  days(7)};
    OnCallRotation made;
    for (auto count = 1 + random.below(5); count > 0; --count) made.turns.push_back(random_people(random, 1));
    made.every = random.of(lengths);
    made.starts = middle - days(random.below(random.chance(50) ? 4 : 100));
    made.hand_over = minutes(random.chance(50) ? 15 * random.below(16) : random.below(24 * 60));
    if (random.chance(30)) made.until = made.starts + days(1 + random.below(100));
    if (random.chance(40)) {
        Calendar::Times times{zone_of(random.of(changes()).zone), Skipped::first_instant, {}, {}, {}, {}};
        for (auto& day : times.week) {
            const auto opens = minutes(15 * random.below(96));
            if (random.chance(60)) day = {{opens, opens + minutes(15 * (1 + random.below(96)))}};
        }
        made.hours = std::make_shared<const Calendar>(std::move(times));
    }
    return made;
}

OnCallSchedule random_schedule(Random& random, const Around& around) {
    auto made = schedule_in(around.zone, {});
    const auto change = at(around.change);
    const Calendar::Day middle(std::chrono::floor<days>(change).time_since_epoch());
    for (auto count = random.below(4); count > 0; --count)
        made.rotations.push_back(random_rotation(random, middle));
    for (auto count = random.below(4); count > 0; --count) {
        const auto from = change + minutes(random.below(4 * 24 * 60)) - days(2);
        made.overrides.push_back({random_people(random, 0), from, from + minutes(1 + random.below(2'000))});
    }
    return made;
}

/// By clocks alone, a minute after the other: a turn begins in the first minute in which they show its time
/// or a later one for the first time.
class Wall {
public:
    Wall(const OnCallSchedule& schedule, Instant from) : schedule_(schedule), shown_(local(from)) {
        // What clocks showed at most before; they are never set back by more than three hours.
        for (auto before = from - hours(30); before < from; before += minutes(1))
            shown_ = std::max(shown_, local(before));
    }

    /// Minutes must be asked for in order.
    std::pair<Names, bool> who(Instant now) {
        shown_ = std::max(shown_, local(now));
        for (auto i = schedule_.overrides.size(); i > 0; --i) {
            const auto& one = schedule_.overrides[i - 1];
            if (one.from <= now && now < one.until) return {one.who, true};
        }
        for (auto i = schedule_.rotations.size(); i > 0; --i)
            if (const auto* turn = turn_of(schedule_.rotations[i - 1], now)) return {*turn, false};
        return {{}, false};
    }

private:
    std::chrono::local_time<minutes> local(Instant instant) const {
        return std::chrono::floor<minutes>(schedule_.zone.local(instant));
    }

    /// Day by day, as the guide counts.
    const Names* turn_of(const OnCallRotation& rotation, Instant now) const {
        if (rotation.until && shown_ >= *rotation.until + rotation.hand_over) return nullptr;
        if (rotation.hours && !rotation.hours->is_open(now)) return nullptr;
        std::optional<std::size_t> turn;
        for (std::size_t day = 0; rotation.starts + days(day) <= shown_; ++day) {
            const auto morning = rotation.starts + days(day) + rotation.hand_over;
            const auto length = static_cast<std::size_t>(rotation.every.count());
            if (length > 12) {
                if (day % (length / 24) == 0 && morning <= shown_) turn = day / (length / 24);
            } else
                for (std::size_t k = 0; k < 24 / length; ++k)
                    if (morning + k * rotation.every <= shown_) turn = day * (24 / length) + k;
        }
        return turn ? &rotation.turns[*turn % rotation.turns.size()] : nullptr;
    }

    const OnCallSchedule& schedule_;
    std::chrono::local_time<minutes> shown_;
};

int rounds() {
    const char* given = std::getenv("SIGNALBOX_ON_CALL_ROUNDS");
    return given ? std::atoi(given) : 300;
}

}  // namespace

TEST_CASE("on call: random schedules say what clocks on the wall say, minute by minute", "[on_call]") {
    const auto seed = testing_random::seed_or(20260105);
    std::size_t hand_overs = 0;
    for (int round = 0; round < rounds(); ++round) {
        Random random(seed + static_cast<std::uint32_t>(round));
        const auto& around = random.of(changes());
        const auto schedule = random_schedule(random, around);
        const auto from = at(around.change) + minutes(random.below(3 * 24 * 60)) - days(2);
        const auto to = from + minutes(1 + random.below(3 * 24 * 60));
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ", " << around.zone << " from "
                                    << engine::to_text(from) << " to " << engine::to_text(to));
        Wall wall(schedule, from);
        std::vector<OnCallShift> expected;
        std::vector<bool> overridden;
        for (auto now = from; now < to; now += minutes(1)) {
            auto [who, by_override] = wall.who(now);
            if (expected.empty() || expected.back().who != who)
                expected.push_back({now, now, std::move(who), false});
            expected.back().until = now + minutes(1);
            expected.back().overridden = expected.back().overridden || by_override;
            overridden.push_back(by_override);
        }
        const auto found = shifts_between(schedule, from, to, 10'000);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            INFO(told(expected[i]) << ", found " << told(found[i]));
            REQUIRE(found[i] == expected[i]);
        }
        hand_overs += expected.size() - 1;
        // In between, and at both ends of what is the same.
        for (const auto& shift : expected)
            for (const auto now :
                 {shift.from, shift.until - minutes(1),
                  shift.from + minutes(random.below(static_cast<std::size_t>(
                                   std::chrono::floor<minutes>(shift.until - shift.from).count())))}) {
                const auto shown = on_call_at(schedule, now);
                INFO(engine::to_text(now) << ": " << told(shown));
                REQUIRE(shown.who == shift.who);
                REQUIRE(shown.overridden == overridden[static_cast<std::size_t>((now - from) / minutes(1))]);
                REQUIRE((shift.from == from ? shown.from <= from : shown.from == shift.from));
                REQUIRE((shift.until == to ? shown.until >= to : shown.until == shift.until));
            }
    }
    CHECK(hand_overs > static_cast<std::size_t>(rounds()) * 2);
}

}  // namespace evaluator_on_call
