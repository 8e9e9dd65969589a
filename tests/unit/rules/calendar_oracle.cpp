// Business time against counting minutes one by one, on random calendars around changes of clocks.
#include "tests/support/calendars.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace calendar_oracle {

using namespace rules;
using namespace rules::testing;
using engine::Duration;
using engine::Instant;
using std::chrono::minutes;
using testing_random::Random;

namespace {

struct Place {
    const char* zone;
    const char* around;  ///< a change of its clocks
};

const std::vector<Place>& places() {
    static const std::vector<Place> all{
        {"UTC", "2026-01-01T00:00:00Z"},
        {"Europe/Berlin", "2026-03-29T01:00:00Z"},
        {"Europe/Berlin", "2026-10-25T01:00:00Z"},
        {"America/New_York", "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"America/Sao_Paulo", "2015-10-18T03:00:00Z"},
        {"Africa/Cairo", "2024-04-25T22:00:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"},
        {"Asia/Kolkata", "2026-05-04T00:00:00Z"},
        {"Antarctica/Troll", "2024-03-31T01:00:00Z"},
    };
    return all;
}

Calendar::Hours random_hours(Random& random) {
    Calendar::Hours hours;
    for (auto count = random.below(4); count > 0; --count) {
        const auto opens = minutes(15 * random.below(96));
        hours.push_back({opens, opens + minutes(15 * (1 + random.below(random.chance(20) ? 96 : 40)))});
    }
    return hours;
}

Calendar random_calendar(Random& random, const Place& place) {
    Calendar::Times times{
        zone_of(place.zone), random.chance(50) ? Skipped::first_instant : Skipped::moved, {}, {}, {}, {}};
    for (auto& day : times.week) day = random_hours(random);
    const auto middle = std::chrono::floor<std::chrono::days>(at(place.around)).time_since_epoch();
    for (int i = -6; i < 7; ++i) {
        const Calendar::Day day(middle + std::chrono::days(i));
        if (random.chance(10)) times.special[day] = random_hours(random);
        if (random.chance(10)) times.holidays.insert(day);
        if (random.chance(15)) times.breaks[day] = random_hours(random);
    }
    return Calendar(std::move(times));
}

/// By the description of a calendar, one instant at a time.
class Watch {
public:
    explicit Watch(const Calendar& calendar) : times_(calendar.times()) {}

    bool is_open(Instant instant) const {
        const auto today = std::chrono::floor<std::chrono::days>(times_.zone.local(instant));
        for (int back = -1; back <= 3; ++back) {
            const auto day = today - std::chrono::days(back);
            const auto special = times_.special.find(day);
            if (special == times_.special.end() && times_.holidays.contains(day)) continue;
            const auto weekday = std::chrono::weekday(day).iso_encoding() - 1;
            const auto& hours = special == times_.special.end() ? times_.week[weekday] : special->second;
            const auto breaks = times_.breaks.find(day);
            for (const auto& one : hours)
                if (is_within(day, one, breaks == times_.breaks.end() ? Calendar::Hours() : breaks->second,
                              instant))
                    return true;
        }
        return false;
    }

private:
    bool is_within(Calendar::Day day, const OpenHours& hours, const Calendar::Hours& breaks,
                   Instant instant) const {
        const auto covers = [&](const OpenHours& one) {
            return times_.zone.utc(day + one.opens, times_.skipped) <= instant &&
                   instant < times_.zone.utc(day + one.closes, times_.skipped);
        };
        return covers(hours) && std::none_of(breaks.begin(), breaks.end(), covers);
    }

    const Calendar::Times& times_;
};

std::uint32_t rounds() {
    const char* given = std::getenv("SIGNALBOX_CALENDAR_ROUNDS");
    return given ? static_cast<std::uint32_t>(std::stoul(given)) : 1'000;
}

std::string told(const std::optional<Instant>& instant) {
    return instant ? engine::to_text(*instant) : "never";
}

}  // namespace

TEST_CASE("calendar: arithmetic is what counting minutes gives", "[calendar]") {
    const auto seed = testing_random::seed_or(71);
    std::size_t open_minutes = 0;
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        Random random(seed + round);
        const auto& place = random.of(places());
        const auto calendar = random_calendar(random, place);
        const Watch watch(calendar);
        const auto from =
            at(place.around) + minutes(static_cast<int>(random.below(4 * 24 * 60)) - 3 * 24 * 60);
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ", " << place.zone << " from "
                                    << engine::to_text(from));
        const auto length = minutes(random.below(3 * 24 * 60));
        const auto span = minutes(random.below(random.chance(50) ? 300 : 2'000));
        minutes open{0};
        std::optional<Instant> first, next, at_first_opening;
        std::optional<bool> was_open;
        for (auto now = from; now < from + std::chrono::days(4); now += minutes(1)) {
            const bool is_open = watch.is_open(now);
            if (was_open != is_open) REQUIRE(calendar.is_open(now) == is_open);
            was_open = is_open;
            if (open == span && !first && (span > minutes(0) || is_open)) first = now;
            if (open == span && !next && is_open) next = now;
            if (is_open && !at_first_opening) at_first_opening = now;
            if (now == from + length) REQUIRE(calendar.between(from, now) == open);
            open += is_open ? minutes(1) : minutes(0);
        }
        open_minutes += static_cast<std::size_t>(open.count());
        if (first) CHECK(told(calendar.add(from, span, DueAt::first_instant)) == told(first));
        if (next) CHECK(told(calendar.add(from, span, DueAt::next_opening)) == told(next));
        if (at_first_opening) CHECK(told(calendar.next_opening(from)) == told(at_first_opening));
        // Backwards it is the latest instant from which so much is open.
        if (first && span > minutes(0)) {
            const auto since = calendar.subtract(*first, span);
            REQUIRE(since);
            CHECK(calendar.between(*since, *first) == span);
            CHECK(calendar.between(*since + minutes(1), *first) < span);
        }
    }
    CHECK(open_minutes > rounds() * 100);
}

}  // namespace calendar_oracle
