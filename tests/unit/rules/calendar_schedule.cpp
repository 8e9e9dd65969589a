// Schedules: cron's fields, what clocks do at their changes, and a look at every minute as the oracle.
#include <cstdlib>

#include "rules/calendar/schedule.h"
#include "tests/support/calendars.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace calendar_schedule {

using namespace rules;
using namespace rules::testing;
using engine::Instant;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing_random::Random;

namespace {

Schedule cron(const std::string& text, const std::string& zone = "UTC") {
    const auto named = Zone::named(zone);
    REQUIRE(named);
    const auto schedule = Schedule::cron(text, *named);
    INFO((schedule ? "" : schedule.error().message));
    REQUIRE(schedule);
    return *schedule;
}

/// The next ones, one after another.
std::vector<std::string> times_of(const Schedule& schedule, const std::string& after, int count) {
    std::vector<std::string> times;
    auto at = *engine::parse_instant(after);
    for (int i = 0; i < count; ++i) {
        const auto next = schedule.next(at);
        if (!next) break;
        at = *next;
        times.push_back(engine::to_text(at));
    }
    return times;
}

std::string fault_of(const std::string& text) {
    const auto schedule = Schedule::cron(text, *Zone::named("UTC"));
    return schedule ? "" : schedule.error().message;
}

using Times = std::vector<std::string>;

/// Fields as sets, and as cron writes them.
struct Fields {
    std::set<int> minutes, hours, days, months, weekdays;
    std::string text;
};

std::string write(const std::set<int>& values, bool all) {
    if (all) return "*";
    std::string text;
    for (const auto value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
    return text;
}

Fields random_fields(Random& random) {
    Fields fields;
    const auto fill = [&](std::set<int>& values, int least, int most, int percent_all) {
        const bool all = random.chance(percent_all);
        const auto count = all ? 0 : 1 + static_cast<int>(random.below(3));
        for (int i = 0; i < count; ++i)
            values.insert(least + static_cast<int>(random.below(static_cast<std::size_t>(most - least + 1))));
        for (int value = least; all && value <= most; ++value) values.insert(value);
        fields.text += (fields.text.empty() ? "" : " ") + write(values, all);
    };
    fill(fields.minutes, 0, 59, 10);
    fill(fields.hours, 0, 4, 0);
    if (random.chance(30)) {
        fields.text.erase(fields.text.find(' '));
        fields.hours.clear();
        for (int hour = 0; hour < 24; ++hour) fields.hours.insert(hour);
        fields.text += " *";
    }
    fill(fields.days, 1, 31, 80);
    fill(fields.months, 1, 12, 90);
    fill(fields.weekdays, 0, 6, 70);
    return fields;
}

bool fits(const Fields& fields, std::chrono::local_seconds local) {
    const auto day = std::chrono::floor<days>(local);
    const std::chrono::year_month_day date(day);
    const auto minute = std::chrono::floor<minutes>(local - day).count();
    const bool is_day = fields.days.contains(static_cast<int>(static_cast<unsigned>(date.day())));
    const bool is_weekday =
        fields.weekdays.contains(static_cast<int>(std::chrono::weekday(day).c_encoding()));
    const bool either = fields.days.size() < 31 && fields.weekdays.size() < 7;
    return fields.minutes.contains(static_cast<int>(minute % 60)) &&
           fields.hours.contains(static_cast<int>(minute / 60)) &&
           fields.months.contains(static_cast<int>(static_cast<unsigned>(date.month()))) &&
           (either ? is_day || is_weekday : is_day && is_weekday);
}

/// Whether it comes at that minute, from nothing but what clocks show then and a minute before.
bool comes_at(const Fields& fields, const Zone& zone, Instant minute) {
    const auto shown = [&](Instant at) { return std::chrono::floor<std::chrono::seconds>(zone.local(at)); };
    const auto local = shown(minute), before = shown(minute - minutes(1));
    if (fields.hours.size() == 24) return fits(fields, local);
    // What was shown before is over.
    bool came_before = false;
    for (auto at = minute - hours(3); at < minute; at += minutes(1)) came_before |= shown(at) == local;
    if (fits(fields, local) && !came_before) return true;
    for (auto skipped = before + minutes(1); skipped < local; skipped += minutes(1))
        if (fits(fields, skipped)) return true;
    return false;
}

}  // namespace

TEST_CASE("schedule: the fields of cron", "[schedule]") {
    CHECK(times_of(cron("0 9 * * mon-fri"), "2026-05-07T12:00:00Z", 3) ==
          Times{"2026-05-08T09:00:00Z", "2026-05-11T09:00:00Z", "2026-05-12T09:00:00Z"});
    CHECK(times_of(cron("*/20 8-9 1,15 * *"), "2026-05-01T08:30:00Z", 4) ==
          Times{"2026-05-01T08:40:00Z", "2026-05-01T09:00:00Z", "2026-05-01T09:20:00Z",
                "2026-05-01T09:40:00Z"});
    CHECK(times_of(cron("0 0 29 feb *"), "2026-01-01T00:00:00Z", 1) == Times{"2028-02-29T00:00:00Z"});
    // Both days: either will do.
    CHECK(times_of(cron("0 0 13 * fri"), "2026-05-02T00:00:00Z", 3) ==
          Times{"2026-05-08T00:00:00Z", "2026-05-13T00:00:00Z", "2026-05-15T00:00:00Z"});
    CHECK(times_of(cron("@daily"), "2026-05-02T00:00:00Z", 1) == Times{"2026-05-03T00:00:00Z"});
    CHECK(times_of(cron("0 12 * * 7"), "2026-05-02T00:00:00Z", 1) == Times{"2026-05-03T12:00:00Z"});
    CHECK(times_of(cron("5/10 0 * * *"), "2026-05-02T00:00:30Z", 2) ==
          Times{"2026-05-02T00:05:00Z", "2026-05-02T00:15:00Z"});
    CHECK_FALSE(cron("0 0 31 feb *").next(*engine::parse_instant("2026-01-01T00:00:00Z")));
}

TEST_CASE("schedule: what is wrong with a field is said", "[schedule]") {
    CHECK_THAT(fault_of("0 9 * *"), Catch::Contains("minute, hour, day of month"));
    CHECK_THAT(fault_of("60 9 * * *"), Catch::Contains("\"60\" is no minute"));
    CHECK_THAT(fault_of("0 9-7 * * *"), Catch::Contains("\"9-7\" is no hour"));
    CHECK_THAT(fault_of("0 9 0 * *"), Catch::Contains("day of month"));
    CHECK_THAT(fault_of("0 9 * june *"), Catch::Contains("a name such as feb"));
    CHECK_THAT(fault_of("0 9 * * */0"), Catch::Contains("day of week"));
    CHECK_THAT(fault_of("0 9 * * ,"), Catch::Contains("day of week"));
    CHECK_FALSE(fault_of("").empty());
}

TEST_CASE("schedule: clocks that change", "[schedule]") {
    // 02:30 is skipped on 29 March and comes at 03:00, which is 01:00 UTC.
    CHECK(times_of(cron("30 2 * * *", "Europe/Berlin"), "2026-03-28T00:00:00Z", 3) ==
          Times{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
    // It comes twice on 25 October, and counts once.
    CHECK(times_of(cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", 2) ==
          Times{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
    // Every half hour passes as time does.
    CHECK(times_of(cron("*/30 * * * *", "Europe/Berlin"), "2026-10-25T00:00:00Z", 4) ==
          Times{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z"});
    // Lord Howe goes half an hour forward at 02:00: 02:15 is skipped.
    CHECK(times_of(cron("15 2 * * *", "Australia/Lord_Howe"), "2026-10-02T18:00:00Z", 2) ==
          Times{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"});
    // A day that Samoa never had.
    CHECK(times_of(cron("0 12 30 dec *", "Pacific/Apia"), "2011-12-01T00:00:00Z", 2) ==
          Times{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"});
}

TEST_CASE("schedule: every so often", "[schedule]") {
    CHECK(times_of(Schedule::every(minutes(15)), "2026-05-02T00:07:30Z", 2) ==
          Times{"2026-05-02T00:15:00Z", "2026-05-02T00:30:00Z"});
    CHECK(times_of(Schedule::every(minutes(15)), "1969-12-31T23:50:00Z", 1) == Times{"1970-01-01T00:00:00Z"});
    CHECK(times_of(Schedule::every(std::chrono::seconds(1)), "2026-05-02T00:00:00Z", 1) ==
          Times{"2026-05-02T00:01:00Z"});
}

TEST_CASE("schedule: as a look at every minute says, around changes of clocks", "[schedule]") {
    struct Change {
        const char* zone;
        const char* at;
    };
    const std::vector<Change> changes{
        {"UTC", "2026-03-01T00:00:00Z"},
        {"Europe/Berlin", "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-10-25T01:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"America/Sao_Paulo", "2015-10-18T03:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"},
    };
    const auto* wanted = std::getenv("SIGNALBOX_CALENDAR_ROUNDS");
    const auto rounds = wanted == nullptr ? 200 : std::atoi(wanted);
    const auto seed = testing_random::seed_or(20261122);
    Random random(seed);
    for (int round = 0; round < rounds; ++round) {
        const auto& change = changes[random.below(changes.size())];
        const auto zone = *Zone::named(change.zone);
        const auto fields = random_fields(random);
        const auto schedule = cron(fields.text, change.zone);
        const auto after = *engine::parse_instant(change.at) - minutes(random.below(36 * 60));
        const auto until = after + hours(60);
        std::optional<Instant> expected;
        for (auto minute = std::chrono::floor<minutes>(after) + minutes(1); minute < until && !expected;
             minute += minutes(1))
            if (comes_at(fields, zone, minute)) expected = minute;
        const auto found = schedule.next(after);
        INFO("seed " << seed << ": " << fields.text << " in " << change.zone << " after "
                     << engine::to_text(after));
        if (expected)
            CHECK((found && engine::to_text(*found) == engine::to_text(*expected)));
        else
            CHECK((!found || *found >= until));
    }
}

}  // namespace calendar_schedule
