#include "rules/calendar/schedule.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"

namespace rules {
namespace {

using engine::Duration;
using engine::in_quotes;
using engine::Instant;
using engine::Result;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;

/// A 29 February that is a Monday comes every 28 years, but for a turn of the century.
constexpr auto looked_at = days(30 * 366);
constexpr std::uint64_t all_hours = (std::uint64_t{1} << 24) - 1;

struct Field {
    const char* name;
    int least;
    int most;
    std::vector<std::string> names;  ///< of the values from `least` on
};

const std::vector<Field>& fields() {
    static const std::vector<Field> all{
        {"minute", 0, 59, {}},
        {"hour", 0, 23, {}},
        {"day of month", 1, 31, {}},
        {"month",
         1,
         12,
         {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
        // 7 is Sunday too.
        {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
    };
    return all;
}

std::optional<int> number_of(const std::string& text, int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

std::optional<int> value_of(const std::string& text, const Field& field) {
    const auto named = std::find(field.names.begin(), field.names.end(), engine::fold_case(text));
    if (named != field.names.end()) return field.least + static_cast<int>(named - field.names.begin());
    const auto number = number_of(text, field.most);
    return number && *number >= field.least ? number : std::nullopt;
}

/// `*`, `a`, `a-b`, each perhaps with `/step`.
std::optional<std::uint64_t> part_of(const std::string& text, const Field& field) {
    const auto slash = text.find('/');
    const auto range = text.substr(0, slash);
    const auto step =
        slash == std::string::npos ? std::optional(1) : number_of(text.substr(slash + 1), field.most);
    if (!step || *step == 0) return std::nullopt;
    auto from = std::optional(field.least), to = std::optional(field.most);
    if (range != "*") {
        const auto dash = range.find('-');
        from = value_of(range.substr(0, dash), field);
        if (dash != std::string::npos)
            to = value_of(range.substr(dash + 1), field);
        else if (slash == std::string::npos)
            to = from;
    }
    if (!from || !to || *to < *from) return std::nullopt;
    std::uint64_t bits = 0;
    for (int value = *from; value <= *to; value += *step) bits |= std::uint64_t{1} << value;
    return bits;
}

Result<std::uint64_t> bits_of(const std::string& text, const Field& field) {
    std::uint64_t bits = 0;
    for (const auto& part : engine::split(text, ',')) {
        const auto more = part_of(part, field);
        if (!more)
            return engine::invalid(in_quotes(text) + " is no " + field.name + ": write *, a number from " +
                                   std::to_string(field.least) + " to " + std::to_string(field.most) +
                                   (field.names.empty() ? "" : ", a name such as " + field.names[1]) +
                                   ", a range, a list or a step");
        bits |= *more;
    }
    return bits;
}

std::string meant_by(const std::string& text) {
    if (text == "@hourly") return "0 * * * *";
    if (text == "@daily" || text == "@midnight") return "0 0 * * *";
    if (text == "@weekly") return "0 0 * * 0";
    if (text == "@monthly") return "0 0 1 * *";
    return text;
}

std::vector<std::string> words_of(const std::string& text) {
    auto words = engine::split(text, ' ');
    std::erase(words, "");
    return words;
}

bool has(std::uint64_t bits, unsigned value) {
    return (bits >> value & 1) != 0;
}

}  // namespace

Result<Schedule> Schedule::cron(const std::string& text, Zone zone) {
    const auto words = words_of(meant_by(text));
    if (words.size() != fields().size())
        return engine::invalid(in_quotes(text) +
                               " is no schedule: write minute, hour, day of month, month and day of week, "
                               "such as \"0 9 * * mon-fri\"");
    std::vector<std::uint64_t> bits;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto read = bits_of(words[i], fields()[i]);
        if (!read) return read.error();
        bits.push_back(*read);
    }
    Schedule schedule(std::move(zone));
    schedule.minutes_ = bits[0];
    schedule.hours_ = bits[1];
    schedule.days_ = bits[2];
    schedule.months_ = bits[3];
    schedule.weekdays_ = bits[4] | (has(bits[4], 7) ? 1 : 0);
    schedule.any_day_ = words[2] == "*";
    schedule.any_weekday_ = words[4] == "*";
    return schedule;
}

Schedule Schedule::every(Duration span) {
    Schedule schedule(std::nullopt);
    schedule.every_ = std::max(span, every_min);
    return schedule;
}

std::optional<Instant> Schedule::next(Instant after) const {
    if (every_ > Duration(0)) {
        const auto since = after.time_since_epoch();
        const auto whole = since - (since % every_ + every_) % every_;
        return Instant(whole + every_);
    }
    // A skipped time is due on the day after when clocks go forward at midnight.
    const auto first = std::chrono::floor<days>(zone_->local(after)) - days(1);
    for (auto day = first; day < first + looked_at; day += days(1)) {
        if (!is_on(day)) continue;
        const auto found = hours_ == all_hours ? first_of_any_hour(day, after) : first_of(day, after);
        if (found) return found;
    }
    return std::nullopt;
}

bool Schedule::is_on(local_days day) const {
    const std::chrono::year_month_day date(day);
    const std::chrono::weekday weekday(day);
    if (!has(months_, static_cast<unsigned>(date.month()))) return false;
    const bool is_day = has(days_, static_cast<unsigned>(date.day()));
    const bool is_weekday = has(weekdays_, weekday.c_encoding());
    return any_day_ || any_weekday_ ? is_day && is_weekday : is_day || is_weekday;
}

/// Of the times that clocks are to show. Skipped ones are moved, so the earliest is not the first of them.
std::optional<Instant> Schedule::first_of(local_days day, Instant after) const {
    std::optional<Instant> first;
    for (unsigned hour = 0; hour < 24; ++hour) {
        if (!has(hours_, hour)) continue;
        for (unsigned minute = 0; minute < 60; ++minute) {
            if (!has(minutes_, minute)) continue;
            const auto time = zone_->utc(day + hours(hour) + minutes(minute), Skipped::first_instant);
            if (time > after && (!first || time < *first)) first = time;
        }
    }
    return first;
}

/// Minute by minute as they pass, until it is another day there.
std::optional<Instant> Schedule::first_of_any_hour(local_days day, Instant after) const {
    auto time = std::max<Instant>(zone_->utc(day, Skipped::first_instant),
                                  std::chrono::floor<minutes>(after) + minutes(1));
    while (true) {
        const auto local = zone_->local(time);
        if (std::chrono::floor<days>(local) != day) return std::nullopt;
        const auto minute = std::chrono::floor<minutes>(local).time_since_epoch().count() % 60;
        if (has(minutes_, static_cast<unsigned>((minute + 60) % 60))) return time;
        time += minutes(1);
    }
}

}  // namespace rules
