#include "rules/calendar/holiday_file.h"

#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"

namespace rules {
namespace {

struct Free {
    void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};
using Component = std::unique_ptr<icalcomponent, Free>;

Calendar::Day day_at(time_t time) {
    return Calendar::Day(std::chrono::floor<std::chrono::days>(std::chrono::seconds(time)));
}

std::string name_of(icalcomponent* event) {
    const char* summary = icalcomponent_get_summary(event);
    return summary == nullptr ? "an event without a name" : engine::in_quotes(summary);
}

using Days = std::set<Calendar::Day>;

Calendar::Day day_of(const icaltimetype& time) {
    return day_at(icaltime_as_timet(time));
}

Days dates_of(icalcomponent* event, icalproperty_kind kind) {
    Days days;
    for (auto* property = icalcomponent_get_first_property(event, kind); property != nullptr;
         property = icalcomponent_get_next_property(event, kind))
        days.insert(day_of(kind == ICAL_EXDATE_PROPERTY ? icalproperty_get_exdate(property)
                                                        : icalproperty_get_rdate(property).time));
    return days;
}

/// Collected before anything else is asked of the event: it remembers one place among its properties, and
/// every question moves it.
std::vector<icalrecurrencetype> rules_of(icalcomponent* event) {
    std::vector<icalrecurrencetype> rules;
    for (auto* rule = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY); rule != nullptr;
         rule = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY))
        rules.push_back(icalproperty_get_rrule(rule));
    return rules;
}

struct FreeIterator {
    void operator()(icalrecur_iterator* iterator) const { icalrecur_iterator_free(iterator); }
};

/// Rules by the hour or faster say nothing of days, and would be followed for ever.
bool add_recurrences(const icalrecurrencetype& rule, const icaltimetype& start, Days& into) {
    if (rule.freq < ICAL_DAILY_RECURRENCE || rule.freq >= ICAL_NO_RECURRENCE) return false;
    const std::unique_ptr<icalrecur_iterator, FreeIterator> iterator(icalrecur_iterator_new(rule, start));
    if (!iterator) return false;
    for (std::size_t i = 0; i <= holidays_max; ++i) {
        const auto next = icalrecur_iterator_next(iterator.get());
        if (icaltime_is_null_time(next) || next.year >= holiday_years_end) break;
        into.insert(day_of(next));
    }
    return true;
}

/// By UID: the days whose occurrences other events stand for.
using Replaced = std::map<std::string, Days>;

std::string uid_of(icalcomponent* event) {
    const char* uid = icalcomponent_get_uid(event);
    return uid == nullptr ? "" : uid;
}

void note_replaced(icalcomponent* event, Replaced& replaced, HolidayFile& into) {
    auto* id = icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
    if (id == nullptr) return;
    const auto time = icalproperty_get_recurrenceid(id);
    if (icaltime_is_null_time(time)) return;
    replaced[uid_of(event)].insert(day_of(time));
    // From that day on everything is to be otherwise: more than one day of it is not read.
    if (icalproperty_get_first_parameter(id, ICAL_RANGE_PARAMETER) != nullptr)
        into.not_followed.push_back(name_of(event));
}

void read_event(icalcomponent* event, const Replaced& replaced, HolidayFile& into) {
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) return;
    const auto start = icalcomponent_get_dtstart(event);
    if (icaltime_is_null_time(start)) return into.left_out.push_back(name_of(event));
    if (!icaltime_is_date(start)) return into.left_out.push_back(name_of(event));
    auto starts = dates_of(event, ICAL_RDATE_PROPERTY);
    starts.insert(day_of(start));
    for (const auto& rule : rules_of(event))
        if (!add_recurrences(rule, start, starts)) into.not_followed.push_back(name_of(event));
    // A whole-day event ends before its end; without one it is of one day.
    const auto end = icalcomponent_get_dtend(event);
    const auto length = icaltime_is_null_time(end) ? std::chrono::days(1) : day_of(end) - day_of(start);
    auto excluded = dates_of(event, ICAL_EXDATE_PROPERTY);
    const bool stands_for_one =
        icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY) != nullptr;
    if (const auto others = replaced.find(uid_of(event)); others != replaced.end() && !stands_for_one)
        excluded.insert(others->second.begin(), others->second.end());
    for (const auto& first : starts) {
        if (excluded.contains(first)) continue;
        into.days.insert(first);
        for (auto day = first + std::chrono::days(1);
             day < first + length && into.days.size() <= holidays_max; day += std::chrono::days(1))
            into.days.insert(day);
    }
}

template <class Visit>
void each_event(icalcomponent* calendar, Visit visit) {
    for (auto* event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); event != nullptr;
         event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
        visit(event);
}

bool is_date(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto number = [&](std::size_t from, std::size_t size) {
        unsigned value = 0;
        for (const char digit : text.substr(from, size))
            value = value * 10 + static_cast<unsigned>(digit - '0');
        return value;
    };
    if (text.size() < 8 || !std::all_of(text.begin(), text.begin() + 8, is_digit)) return false;
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                           std::chrono::month(number(4, 2)), std::chrono::day(number(6, 2))};
    return date.ok() && (text.size() == 8 || text[8] == 'T');
}

/// libical leaves out what it cannot read and says nothing of where: dates are looked at line by line.
void look_at_dates(std::string_view text, HolidayFile& into) {
    constexpr std::size_t broken_max = 20;
    bool is_event = false;
    int number = 0;
    for (const auto& whole : engine::split(text, '\n')) {
        ++number;
        const auto line = engine::trim(whole);
        if (line == "BEGIN:VEVENT" || line == "END:VEVENT") is_event = line == "BEGIN:VEVENT";
        const auto colon = line.find(':');
        if (!is_event || colon == std::string_view::npos) continue;
        const auto name = line.substr(0, line.find_first_of(":;"));
        if (name != "DTSTART" && name != "DTEND" && name != "RDATE" && name != "EXDATE" &&
            name != "RECURRENCE-ID")
            continue;
        for (const auto& value : engine::split(line.substr(colon + 1), ','))
            if (!is_date(value) && into.broken.size() < broken_max)
                into.broken.push_back({number, engine::in_quotes(value) + " is no date for " +
                                                   std::string(name) + ": write one such as 20261224"});
    }
}

engine::Error no_calendar() {
    return engine::invalid("it is no iCalendar file: it has to begin with BEGIN:VCALENDAR");
}

}  // namespace

engine::Result<HolidayFile> read_holidays(std::string_view text) {
    if (!engine::is_utf8(text)) return engine::invalid("it is not UTF-8: save it as UTF-8");
    icalerror_set_errors_are_fatal(false);
    const std::string copy(text);
    const Component root(icalparser_parse_string(copy.c_str()));
    if (!root) return no_calendar();
    HolidayFile found;
    look_at_dates(text, found);
    // What libical makes of them is anything.
    if (!found.broken.empty()) return found;
    const auto read_calendar = [&](icalcomponent* calendar) {
        Replaced replaced;
        each_event(calendar, [&](icalcomponent* event) { note_replaced(event, replaced, found); });
        each_event(calendar, [&](icalcomponent* event) { read_event(event, replaced, found); });
    };
    // Several calendars in one file hang below a nameless one.
    const auto kind = icalcomponent_isa(root.get());
    if (kind == ICAL_VCALENDAR_COMPONENT)
        read_calendar(root.get());
    else if (kind == ICAL_XROOT_COMPONENT)
        for (auto* calendar = icalcomponent_get_first_component(root.get(), ICAL_VCALENDAR_COMPONENT);
             calendar != nullptr;
             calendar = icalcomponent_get_next_component(root.get(), ICAL_VCALENDAR_COMPONENT))
            read_calendar(calendar);
    else
        return no_calendar();
    if (found.days.size() > holidays_max)
        return engine::exhausted("it holds more than " + std::to_string(holidays_max) + " days");
    return found;
}

}  // namespace rules
