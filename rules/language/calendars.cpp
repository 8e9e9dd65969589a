#include "rules/language/calendars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "engine/base/text.h"
#include "rules/calendar/calendar.h"
#include "rules/calendar/holiday_file.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;
using std::chrono::days;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> weekdays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/// Digits and nothing else.
std::optional<int> number_of(std::string_view digits) {
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool plain = !digits.empty() && digits.front() >= '0' && digits.front() <= '9';
    if (!plain || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

/// `09:30` or `09:30:15`; 24:00 is the end of the day.
std::optional<seconds> time_of_day(std::string_view text) {
    if ((text.size() != 5 && text.size() != 8) || text[2] != ':') return std::nullopt;
    const auto hours = number_of(text.substr(0, 2)), minutes = number_of(text.substr(3, 2));
    if (text.size() == 8 && text[5] != ':') return std::nullopt;
    const auto rest = text.size() == 8 ? number_of(text.substr(6, 2)) : std::optional(0);
    if (!hours || !minutes || !rest || *minutes > 59 || *rest > 59) return std::nullopt;
    const auto time = std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds(*rest);
    if (time > days(1)) return std::nullopt;
    return time;
}

/// `09:00-17:00`; hours that close at or before they open do so on the next day.
std::optional<OpenHours> hours_of(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto opens = time_of_day(engine::trim(text.substr(0, dash)));
    auto closes = time_of_day(engine::trim(text.substr(dash + 1)));
    if (!opens || !closes || *opens == days(1)) return std::nullopt;
    if (*closes <= *opens) *closes += days(1);
    return OpenHours{*opens, *closes};
}

std::optional<Calendar::Day> date_of(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = number_of(text.substr(0, 4)), month = number_of(text.substr(5, 2)),
               day = number_of(text.substr(8, 2));
    if (!year || !month || !day) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    return Calendar::Day(date);
}

std::optional<std::size_t> weekday_of(std::string_view name) {
    const auto found = std::find(weekdays.begin(), weekdays.end(), name);
    if (found == weekdays.end()) return std::nullopt;
    return static_cast<std::size_t>(found - weekdays.begin());
}

/// `fri`, or `mon-fri`, which may go over the week's end.
std::optional<std::vector<std::size_t>> days_of(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = weekday_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : weekday_of(text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    std::vector<std::size_t> found{*first};
    while (found.back() != *last) found.push_back((found.back() + 1) % weekdays.size());
    return found;
}

class CalendarReader {
public:
    CalendarReader(CalendarSource& source, Problems& problems) : source_(source), problems_(problems) {}

    std::shared_ptr<const Calendar> read(const YamlNode::Entry& entry) {
        const Zone utc = *Zone::named("UTC");
        if (!expect_map(entry.value, "calendar " + in_quotes(entry.key), problems_))
            return std::make_shared<const Calendar>(
                Calendar::Times{utc, Skipped::first_instant, {}, {}, {}, {}});
        check_keys(entry.value, calendar_keys(), "a calendar", problems_);
        const auto zone = read_zone(entry);
        // Without its zone the rest is read for what is wrong with it.
        Calendar::Times times{zone.value_or(utc), Skipped::first_instant, {}, {}, {}, {}};
        if (const auto* hours = entry.value.find("hours"); has_content(hours))
            read_week(*hours, times);
        else
            problems_.error("missing-key", entry.place,
                            "calendar " + in_quotes(entry.key) +
                                " has no hours: write hours: { mon-fri: \"09:00-17:00\" }");
        if (const auto* special = entry.value.find("special"); has_content(special))
            read_dates(*special, "special", times.special);
        if (const auto* breaks = entry.value.find("breaks"); has_content(breaks))
            read_dates(*breaks, "breaks", times.breaks);
        if (const auto* holidays = entry.value.find("holidays"); has_content(holidays))
            read_holiday_list(*holidays, times);
        if (const auto* skipped = entry.value.find("skipped"))
            if (read_choice(*skipped, "skipped", {"first_instant", "moved"}, problems_) == 1U)
                times.skipped = Skipped::moved;
        // Who names it is right, whatever is wrong with it.
        return std::make_shared<const Calendar>(std::move(times));
    }

private:
    std::optional<Zone> read_zone(const YamlNode::Entry& entry) {
        const auto* node = entry.value.find("zone");
        if (node == nullptr) {
            problems_.error("missing-key", entry.place,
                            "calendar " + in_quotes(entry.key) + " has no zone such as Europe/Berlin");
            return std::nullopt;
        }
        const auto name = read_text(*node, "zone", problems_);
        if (!name) return std::nullopt;
        auto zone = Zone::named(*name);
        if (zone) return *std::move(zone);
        problems_.error("unknown-zone", node->place,
                        zone.error().message + problems_.hint(*name, Zone::names()));
        return std::nullopt;
    }

    void read_week(const YamlNode& node, Calendar::Times& times) {
        if (!expect_map(node, "hours", problems_)) return;
        std::array<const YamlNode::Entry*, 7> given{};
        for (const auto& entry : node.entries) {
            const auto days = days_of(entry.key);
            if (!days)
                problems_.error("bad-value", entry.place,
                                in_quotes(entry.key) + " is no day or days such as mon or mon-fri");
            const auto hours = read_hours(entry.value, entry.key);
            for (const auto day : days.value_or(std::vector<std::size_t>())) {
                if (given[day] != nullptr)
                    problems_.error("duplicate-id", entry.place,
                                    std::string(weekdays[day]) + " has hours already, under " +
                                        in_quotes(given[day]->key));
                given[day] = &entry;
                times.week[day] = hours;
            }
        }
        check_nights(times, given);
    }

    /// Hours that go on into a day that has hours at that time already.
    void check_nights(const Calendar::Times& times, const std::array<const YamlNode::Entry*, 7>& given) {
        for (std::size_t day = 0; day < weekdays.size(); ++day) {
            const auto next = (day + 1) % weekdays.size();
            const auto& tomorrow = times.week[next];
            for (const auto& hours : times.week[day])
                if (std::any_of(tomorrow.begin(), tomorrow.end(),
                                [&](const OpenHours& one) { return one.opens + days(1) < hours.closes; }))
                    report_overlap(given[day]->place, "the night after " + std::string(weekdays[day]) +
                                                          " has hours that begin on " +
                                                          std::string(weekdays[next]) + " too");
        }
    }

    void report_overlap(const engine::Place& place, const std::string& what) {
        problems_.error("overlapping-hours", place, what);
    }

    /// One span, a list of them, or `closed`.
    Calendar::Hours read_hours(const YamlNode& node, const std::string& what) {
        Calendar::Hours hours;
        if (node.is_scalar() && node.text == "closed") return hours;
        if (node.is_list() && node.items.empty()) return hours;
        const auto texts = read_texts(node, what, problems_);
        if (!texts) return hours;
        for (std::size_t i = 0; i < texts->size(); ++i) {
            const auto& place = node.is_list() ? node.items[i].place : node.place;
            const auto one = hours_of((*texts)[i]);
            if (!one)
                problems_.error(
                    "bad-value", place,
                    in_quotes((*texts)[i]) + " are no hours: write them as 09:00-17:00, or closed for none");
            else if (std::any_of(hours.begin(), hours.end(), [&](const OpenHours& other) {
                         return one->opens < other.closes && other.opens < one->closes;
                     }))
                report_overlap(place, in_quotes((*texts)[i]) + " overlap with hours before");
            else
                hours.push_back(*one);
        }
        return hours;
    }

    std::optional<Calendar::Day> read_date(const std::string& text, const engine::Place& place) {
        const auto day = date_of(text);
        if (!day) problems_.error("bad-value", place, in_quotes(text) + " is no date such as 2026-12-24");
        return day;
    }

    void read_dates(const YamlNode& node, const std::string& what,
                    std::map<Calendar::Day, Calendar::Hours>& into) {
        if (!expect_map(node, what, problems_)) return;
        for (const auto& entry : node.entries) {
            const auto day = read_date(entry.key, entry.place);
            auto hours = read_hours(entry.value, entry.key);
            if (day) into[*day] = std::move(hours);
        }
    }

    void read_holiday_list(const YamlNode& node, Calendar::Times& times) {
        if (node.is_list() && node.items.empty()) return;
        const auto texts = read_texts(node, "holidays", problems_);
        if (!texts) return;
        for (std::size_t i = 0; i < texts->size(); ++i) {
            const auto& place = node.is_list() ? node.items[i].place : node.place;
            if ((*texts)[i].ends_with(".ics"))
                read_holiday_file((*texts)[i], place, times);
            else if (const auto day = read_date((*texts)[i], place))
                times.holidays.insert(*day);
        }
    }

    void read_holiday_file(const std::string& name, const engine::Place& place, Calendar::Times& times) {
        source_.read.insert(name);
        const auto file = source_.files.find(name);
        if (file == source_.files.end()) {
            problems_.error("dangling-file", place, "the folder has no file " + in_quotes(name) + near(name));
            return;
        }
        const auto found = read_holidays(file->second);
        if (!found) {
            problems_.error("bad-holidays", {name, 0, 0}, found.error().message);
            return;
        }
        for (const auto& one : found->broken) problems_.error("bad-holidays", {name, one.line, 1}, one.what);
        warn_of(name, found->left_out,
                "what does not take whole days closes nothing: ", "; write such hours under special");
        warn_of(name, found->not_followed, "the RRULE cannot be followed, so only its first day is closed: ",
                "; list the other days under holidays");
        if (found->days.empty() && found->left_out.empty() && found->broken.empty())
            problems_.warning("part-holiday", {name, 0, 0}, "there is no holiday in it");
        times.holidays.insert(found->days.begin(), found->days.end());
    }

    void warn_of(const std::string& file, const std::vector<std::string>& events, const std::string& what,
                 const std::string& remedy) {
        if (events.empty()) return;
        const auto more = events.size() > 1 ? " and " + std::to_string(events.size() - 1) + " more" : "";
        problems_.warning("part-holiday", {file, 0, 0}, what + events.front() + more + remedy);
    }

    std::string near(const std::string& name) {
        std::vector<std::string> names;
        for (const auto& [file, bytes] : source_.files)
            if (file.ends_with(".ics")) names.push_back(file);
        return problems_.hint(name, names);
    }

    CalendarSource& source_;
    Problems& problems_;
};

bool opens_ever(const Calendar& calendar) {
    const auto has_hours = [](const Calendar::Hours& hours) { return !hours.empty(); };
    const auto& times = calendar.times();
    return std::any_of(times.week.begin(), times.week.end(), has_hours) ||
           std::any_of(times.special.begin(), times.special.end(),
                       [&](const auto& one) { return has_hours(one.second); });
}

/// Hours are given, and each of them is none.
bool is_closed_on_purpose(const YamlNode& calendar) {
    const auto* hours = calendar.is_map() ? calendar.find("hours") : nullptr;
    return has_content(hours) && hours->is_map() &&
           std::all_of(hours->entries.begin(), hours->entries.end(), [](const YamlNode::Entry& entry) {
               return entry.value.text == "closed" || (entry.value.is_list() && entry.value.items.empty());
           });
}

}  // namespace

void read_calendars(const YamlNode& root, CalendarSource& source, Calendars& into, Problems& problems) {
    if (root.is_null() || !expect_map(root, "calendars.yaml", problems)) return;
    check_keys(root, {"calendars"}, "calendars.yaml", problems);
    const auto* calendars = root.find("calendars");
    if (!has_content(calendars) || !expect_map(*calendars, "calendars", problems)) return;
    CalendarReader reader(source, problems);
    for (const auto& entry : calendars->entries) {
        auto calendar = reader.read(entry);
        if (!opens_ever(*calendar) && is_closed_on_purpose(entry.value))
            problems.warning("never-open", entry.place, "calendar " + in_quotes(entry.key) + " never opens");
        into[entry.key] = std::move(calendar);
    }
}

std::vector<std::string> calendar_keys() {
    return {"zone", "hours", "holidays", "special", "breaks", "skipped"};
}

}  // namespace rules
