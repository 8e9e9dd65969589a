#include "rules/calendar/holiday_file.h"

#include <libical/ical.h>

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

void read_event(icalcomponent* event, HolidayFile& into) {
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) return;
    const auto start = icalcomponent_get_dtstart(event);
    if (icaltime_is_null_time(start)) return;
    if (!icaltime_is_date(start)) return into.left_out.push_back(name_of(event));
    auto starts = dates_of(event, ICAL_RDATE_PROPERTY);
    starts.insert(day_of(start));
    for (const auto& rule : rules_of(event))
        if (!add_recurrences(rule, start, starts)) into.not_followed.push_back(name_of(event));
    // A whole-day event ends before its end; without one it is of one day.
    const auto end = icalcomponent_get_dtend(event);
    const auto length = icaltime_is_null_time(end) ? std::chrono::days(1) : day_of(end) - day_of(start);
    const auto excluded = dates_of(event, ICAL_EXDATE_PROPERTY);
    for (const auto& first : starts) {
        if (excluded.contains(first)) continue;
        into.days.insert(first);
        for (auto day = first + std::chrono::days(1);
             day < first + length && into.days.size() <= holidays_max; day += std::chrono::days(1))
            into.days.insert(day);
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
    const auto read_calendar = [&](icalcomponent* calendar) {
        for (auto* event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
             event != nullptr; event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
            read_event(event, found);
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
