#include "rules/calendar/calendar.h"
#include "rules/calendar/holiday_file.h"
#include "rules/language/calendars.h"
#include "tests/support/calendars.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_calendars {

using rules::Calendar;
using rules::load_files;
using rules::testing::at;
using rules::testing::day_of;

namespace {

/// The calendar `support` of a file with these lines below its name.
rules::Loaded load_calendar(const std::string& lines, const rules::Files& more = {}) {
    rules::Files files = more;
    files["calendars.yaml"] = "calendars:\n  support:\n    zone: Europe/Berlin\n" + lines;
    return load_files(files);
}

std::shared_ptr<const Calendar> calendar_of(const std::string& lines, const rules::Files& more = {}) {
    const auto loaded = load_calendar(lines, more);
    INFO(loaded.text());
    REQUIRE(loaded.rule_set);
    return loaded.rule_set->calendars.at("support");
}

std::string event(const std::string& lines) {
    return "BEGIN:VEVENT\r\nUID:1\r\n" + lines + "END:VEVENT\r\n";
}

std::string ical(const std::string& events) {
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\n" + events + "END:VCALENDAR\r\n";
}

rules::HolidayFile holidays_of(const std::string& text) {
    auto found = rules::read_holidays(text);
    REQUIRE(found);
    return *std::move(found);
}

std::set<Calendar::Day> days(std::initializer_list<std::string> dates) {
    std::set<Calendar::Day> found;
    for (const auto& date : dates) found.insert(day_of(date));
    return found;
}

}  // namespace

TEST_CASE("calendars: hours are given by days, several a day, past midnight and over the week's end",
          "[language]") {
    const auto calendar = calendar_of(R"(    hours:
      mon-thu: ["09:00-12:00", "13:00-17:30:30"]
      fri: 22:00-06:00
      sun: 00:00-24:00
)");
    CHECK(calendar->times().zone.name() == "Europe/Berlin");
    CHECK(calendar->is_open(at("2026-05-04T09:00:00+02:00")));
    CHECK_FALSE(calendar->is_open(at("2026-05-04T12:00:00+02:00")));
    CHECK(calendar->is_open(at("2026-05-04T17:30:29+02:00")));
    CHECK_FALSE(calendar->is_open(at("2026-05-04T17:30:30+02:00")));
    CHECK(calendar->is_open(at("2026-05-09T05:59:59+02:00")));  // the night after Friday
    CHECK_FALSE(calendar->is_open(at("2026-05-09T06:00:00+02:00")));
    CHECK(calendar->is_open(at("2026-05-10T23:59:59+02:00")));
    const auto over_the_end = calendar_of("    hours: { sat-mon: \"10:00-11:00\" }\n");
    for (const auto* open : {"2026-05-09", "2026-05-10", "2026-05-11"})
        CHECK(over_the_end->is_open(at(std::string(open) + "T10:30:00+02:00")));
    CHECK_FALSE(over_the_end->is_open(at("2026-05-12T10:30:00+02:00")));
}

TEST_CASE("calendars: holidays, special hours, breaks and what skipped times mean", "[language]") {
    const auto calendar = calendar_of(R"(    hours: { mon-fri: "09:00-17:00" }
    holidays: [2026-12-25, 2026-05-01]
    special: { 2026-12-24: "09:00-12:00", 2026-12-27: ["10:00-11:00"], 2026-12-28: closed }
    breaks: { 2026-05-04: "12:00-13:00" }
    skipped: moved
)");
    CHECK(calendar->times().skipped == rules::Skipped::moved);
    CHECK_FALSE(calendar->is_open(at("2026-05-01T10:00:00+02:00")));
    CHECK(calendar->is_open(at("2026-12-24T11:59:59+01:00")));
    CHECK_FALSE(calendar->is_open(at("2026-12-24T12:00:00+01:00")));
    CHECK(calendar->is_open(at("2026-12-27T10:30:00+01:00")));
    CHECK_FALSE(calendar->is_open(at("2026-12-28T10:30:00+01:00")));
    CHECK_FALSE(calendar->is_open(at("2026-05-04T12:30:00+02:00")));
    CHECK(calendar->is_open(at("2026-05-04T13:00:00+02:00")));
}

TEST_CASE("calendars: what is wrong with them is said where it stands", "[language]") {
    const std::string hours = "    hours: { mon-fri: \"09:00-17:00\" }\n";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "has no hours"},
        {"    hours: { mo: \"09:00-17:00\" }\n", "\"mo\" is no day"},
        {"    hours: { mon: \"9-17\" }\n", "\"9-17\" are no hours"},
        {"    hours: { mon: \"24:00-17:00\" }\n", "are no hours"},
        {"    hours: { mon: \"09:00-24:01\" }\n", "are no hours"},
        {"    hours: { mon: \"09:60-17:00\" }\n", "are no hours"},
        {"    hours: { mon: \"+9:00-17:00\" }\n", "are no hours"},
        {"    hours: { mon-fri: \"09:00-17:00\", fri: closed }\n",
         "fri has hours already, under \"mon-fri\""},
        {hours + "    holidays: [2026-02-29]\n", "\"2026-02-29\" is no date"},
        {hours + "    holidays: [25.12.2026]\n", "is no date"},
        {hours + "    special: { 2026-13-01: closed }\n", "is no date"},
        {hours + "    skipped: never\n", "first_instant"},
        {hours + "    timezone: UTC\n", "unknown key \"timezone\""},
    };
    for (const auto& [lines, words] : cases) {
        const auto loaded = load_calendar(lines);
        INFO(lines << "\n" << loaded.text());
        CHECK_FALSE(loaded.rule_set);
        CHECK(loaded.says(words));
        CHECK(loaded.text().starts_with("calendars.yaml:"));
    }
    CHECK(load_files({{"calendars.yaml", "calendars:\n  support: { hours: { mon: \"09:00-17:00\" } }\n"}})
              .says("has no zone"));
}

TEST_CASE("calendars: holidays come from iCalendar files of the folder", "[language]") {
    const auto file =
        ical(event("DTSTART;VALUE=DATE:20251225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas\r\n"));
    const std::string lines =
        "    hours: { mon-fri: \"09:00-17:00\" }\n    holidays: [holidays/de.ics, 2026-05-01]\n";
    const auto calendar = calendar_of(lines, {{"holidays/de.ics", file}});
    for (const auto* closed : {"2025-12-25", "2026-12-25", "2030-12-25", "2026-05-01"})
        CHECK_FALSE(calendar->is_open(at(std::string(closed) + "T10:00:00Z")));
    CHECK(calendar->is_open(at("2024-12-25T10:00:00Z")));
    CHECK(calendar->is_open(at("2026-12-24T10:00:00Z")));
    const auto unused = load_calendar("    hours: { mon-fri: \"09:00-17:00\" }\n", {{"de.ics", file}});
    REQUIRE(unused.rule_set);
    CHECK(unused.says("de.ics: warning: this file is not read: no calendar names it"));
}

TEST_CASE("holiday files: whole days, several of them, what recurs and what does not", "[language]") {
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20260101\r\n"))).days == days({"2026-01-01"}));
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\n"))).days ==
          days({"2026-12-24", "2026-12-25", "2026-12-26"}));
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20261224\r\nDURATION:P2D\r\n"))).days ==
          days({"2026-12-24", "2026-12-25"}));
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;COUNT=3\r\n"
                                 "EXDATE;VALUE=DATE:20270101\r\nRDATE;VALUE=DATE:20260702\r\n")))
              .days == days({"2026-01-01", "2026-07-02", "2028-01-01"}));
    // The last Monday of May.
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20260525\r\n"
                                 "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20280601\r\n")))
              .days == days({"2026-05-25", "2027-05-31", "2028-05-29"}));
    CHECK(holidays_of(ical(event("DTSTART;VALUE=DATE:20260101\r\nSTATUS:CANCELLED\r\n"))).days.empty());
    CHECK(holidays_of(ical(event("SUMMARY:without a day\r\n"))).days.empty());
    CHECK(holidays_of(ical("") + ical(event("DTSTART;VALUE=DATE:20260101\r\n"))).days ==
          days({"2026-01-01"}));
    const auto for_ever = holidays_of(ical(event("DTSTART;VALUE=DATE:20000101\r\nRRULE:FREQ=YEARLY\r\n")));
    CHECK(for_ever.days.size() == 101);
    const auto timed = holidays_of(ical(event("SUMMARY:party\r\nDTSTART:20260703T130000Z\r\n")));
    CHECK(timed.days.empty());
    CHECK(timed.left_out == std::vector<std::string>{"\"party\""});
}

TEST_CASE("calendars: hours that are named for a day stand over a holiday, whoever lists it", "[language]") {
    const auto file = ical(event("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\n"));
    const auto calendar = calendar_of(
        "    hours: { mon-fri: \"09:00-17:00\" }\n    holidays: [de.ics]\n"
        "    special: { 2026-12-24: \"09:00-12:00\" }\n",
        {{"de.ics", file}});
    CHECK(calendar->is_open(at("2026-12-24T10:00:00+01:00")));
    CHECK_FALSE(calendar->is_open(at("2026-12-24T12:00:00+01:00")));
    CHECK_FALSE(calendar->is_open(at("2026-12-25T10:00:00+01:00")));
    CHECK(
        calendar_of("    hours: { mon-fri: \"09:00-17:00\" }\n    holidays: []\n")->times().holidays.empty());
}

TEST_CASE("calendars: a date of a holiday file that is none is said with its line", "[language]") {
    const auto file = ical(event("DTSTART;VALUE=DATE:20261224\r\n") +
                           event("SUMMARY:X\r\nDTSTART;VALUE=DATE:20261341\r\n"));
    const auto loaded =
        load_calendar("    hours: { mon-fri: \"09:00-17:00\" }\n    holidays: de.ics\n", {{"de.ics", file}});
    CHECK(loaded.text().find("de.ics:11:1: error: \"20261341\" is no date for DTSTART") != std::string::npos);
}

TEST_CASE("calendars: a zone that is misspelt is told the nearest", "[language]") {
    const auto loaded = load_files({{"calendars.yaml",
                                     "calendars:\n  support:\n    zone: Europe/Berln\n"
                                     "    hours: { mon: \"09:00-17:00\" }\n"}});
    INFO(loaded.text());
    CHECK(loaded.text().find("did you mean \"Europe/Berlin\"?") != std::string::npos);
}

TEST_CASE("holiday files: an event that stands for one occurrence replaces it", "[language]") {
    const std::string yearly = event("DTSTART;VALUE=DATE:20260501\r\nRRULE:FREQ=YEARLY;COUNT=3\r\n");
    CHECK(holidays_of(
              ical(yearly + event("RECURRENCE-ID;VALUE=DATE:20270501\r\nDTSTART;VALUE=DATE:20270503\r\n")))
              .days == days({"2026-05-01", "2027-05-03", "2028-05-01"}));
    CHECK(holidays_of(ical(event("RECURRENCE-ID;VALUE=DATE:20270501\r\nDTSTART;VALUE=DATE:20270501\r\n"
                                 "STATUS:CANCELLED\r\n") +
                           yearly))
              .days == days({"2026-05-01", "2028-05-01"}));
    const auto future = holidays_of(ical(
        yearly +
        event("RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270501\r\nDTSTART;VALUE=DATE:20270503\r\n")));
    CHECK(future.not_followed.size() == 1);
}

TEST_CASE("holiday files: what is none, or has no end, is refused or cut", "[language]") {
    for (const auto* text :
         {"", "holidays", "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT\r\n"}) {
        INFO(text);
        const auto found = rules::read_holidays(text);
        REQUIRE_FALSE(found);
        CHECK(found.error().message.find("BEGIN:VCALENDAR") != std::string::npos);
    }
    const auto seconds = holidays_of(ical(event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=SECONDLY\r\n")));
    CHECK(seconds.days == days({"2026-01-01"}));
    CHECK(seconds.left_out.empty());
    CHECK(seconds.not_followed.size() == 1);
    // Whatever the rule, and wherever the name stands, there is an end.
    for (const auto* rule : {"FREQ=HOURLY", "FREQ=MINUTELY;COUNT=5", "FREQ=YEARLY;BYMONTH=13",
                             "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=53",
                             "FREQ=YEARLY;BYMONTH=5;BYDAY=6MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9"}) {
        INFO(rule);
        const auto found = holidays_of(
            ical(event("SUMMARY:X\r\nDTSTART;VALUE=DATE:20260620\r\nRRULE:" + std::string(rule) + "\r\n")));
        CHECK(found.days.contains(day_of("2026-06-20")));
    }
    const auto latin =
        rules::read_holidays(ical(event("SUMMARY:M\xe4rz\r\nDTSTART;VALUE=DATE:20260301\r\n")));
    REQUIRE_FALSE(latin);
    CHECK(latin.error().message.find("UTF-8") != std::string::npos);
    const auto daily =
        rules::read_holidays(ical(event("DTSTART;VALUE=DATE:19700101\r\nRRULE:FREQ=DAILY\r\n")));
    REQUIRE_FALSE(daily);
    CHECK(daily.error().code == engine::Code::exhausted);
    const auto endless =
        rules::read_holidays(ical(event("DTSTART;VALUE=DATE:19700101\r\nDTEND;VALUE=DATE:99990101\r\n")));
    REQUIRE_FALSE(endless);
    CHECK(endless.error().code == engine::Code::exhausted);
    // A date that does not exist is never reached.
    const auto never = rules::read_holidays(
        ical(event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31\r\n")));
    REQUIRE(never);
    CHECK(never->days == days({"2026-01-01"}));
}

}  // namespace language_calendars
