#include "engine/base/time.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace engine {
namespace {

using namespace std::chrono;

/// Reads text from the left, digit by digit.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool number(std::size_t digits, int& out) {
        if (text_.size() < digits) return false;
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (text_[i] < '0' || text_[i] > '9') return false;
            value = value * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(digits);
        out = value;
        return true;
    }
    bool one_of(std::string_view allowed, char& out) {
        if (text_.empty() || allowed.find(text_.front()) == std::string_view::npos) return false;
        out = text_.front();
        text_.remove_prefix(1);
        return true;
    }
    bool literal(char c) {
        char ignored;
        return one_of(std::string_view(&c, 1), ignored);
    }
    /// Digits after the point, cut to microseconds.
    bool fraction(std::int64_t& out) {
        std::int64_t value = 0;
        int digits = 0;
        while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
            if (digits < 6) value = value * 10 + (text_.front() - '0');
            ++digits;
            text_.remove_prefix(1);
        }
        for (int i = digits; i < 6; ++i) value *= 10;
        out = value;
        return digits >= 1 && digits <= 9;
    }
    bool at_end() const { return text_.empty(); }

private:
    std::string_view text_;
};

Error bad_instant(std::string_view text) {
    return invalid("\"" + std::string(text.substr(0, 60)) + "\" is not an RFC 3339 time");
}

bool read_offset(Reader& reader, minutes& offset) {
    char sign;
    if (!reader.one_of("Zz+-", sign)) return false;
    offset = minutes(0);
    if (sign == 'Z' || sign == 'z') return true;
    int hour, minute;
    if (!reader.number(2, hour) || !reader.literal(':') || !reader.number(2, minute)) return false;
    if (hour > 23 || minute > 59) return false;
    offset = hours(hour) + minutes(minute);
    if (sign == '-') offset = -offset;
    return true;
}

struct Unit {
    std::string_view name;
    std::int64_t microseconds;
};
// Longest names first, so that `ms` is not read as minutes.
constexpr std::array<Unit, 7> units{{{"ms", 1'000},
                                     {"us", 1},
                                     {"w", 604'800'000'000},
                                     {"d", 86'400'000'000},
                                     {"h", 3'600'000'000},
                                     {"m", 60'000'000},
                                     {"s", 1'000'000}}};

const Unit* unit_at(std::string_view text) {
    for (const auto& unit : units)
        if (text.starts_with(unit.name)) return &unit;
    return nullptr;
}

}  // namespace

Result<Instant> parse_instant(std::string_view text) {
    Reader reader(text);
    int y, mo, d, h, mi, s;
    char ignored;
    if (!reader.number(4, y) || !reader.literal('-') || !reader.number(2, mo) || !reader.literal('-') ||
        !reader.number(2, d) || !reader.one_of("Tt ", ignored) || !reader.number(2, h) ||
        !reader.literal(':') || !reader.number(2, mi) || !reader.literal(':') || !reader.number(2, s))
        return bad_instant(text);
    std::int64_t micro = 0;
    if (reader.literal('.') && !reader.fraction(micro)) return bad_instant(text);
    minutes offset;
    if (!read_offset(reader, offset) || !reader.at_end()) return bad_instant(text);
    const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
    if (!date.ok() || h > 23 || mi > 59 || s > 60) return bad_instant(text);
    const auto time = hours(h) + minutes(mi) + seconds(s) - offset + microseconds(micro);
    return Instant(sys_days(date)) + time;
}

namespace {

void append_digits(std::string& out, int value, int width) {
    std::array<char, 12> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const auto count = static_cast<int>(end - digits.data());
    if (count < width) out.append(static_cast<std::size_t>(width - count), '0');
    out.append(digits.data(), end);
}

}  // namespace

// Every journal row has several instants: a format string would be read for each.
std::string to_text(Instant instant) {
    const auto days_since = floor<days>(instant);
    const year_month_day date{days_since};
    const hh_mm_ss time{instant - days_since};
    std::string text;
    text.reserve(27);
    const int year = int(date.year());
    if (year < 0) text += '-';
    append_digits(text, year < 0 ? -year : year, year < 0 ? 3 : 4);
    append_digits(text += '-', int(unsigned(date.month())), 2);
    append_digits(text += '-', int(unsigned(date.day())), 2);
    append_digits(text += 'T', int(time.hours().count()), 2);
    append_digits(text += ':', int(time.minutes().count()), 2);
    append_digits(text += ':', int(time.seconds().count()), 2);
    const auto micro = static_cast<int>(time.subseconds().count());
    if (micro != 0) text += '.';
    if (micro != 0) append_digits(text, micro % 1000 == 0 ? micro / 1000 : micro, micro % 1000 == 0 ? 3 : 6);
    text += 'Z';
    return text;
}

Result<Duration> parse_duration(std::string_view text) {
    const auto bad = invalid("\"" + std::string(text.substr(0, 60)) +
                             "\" is not a span of time such as 30s, 15m, 1h30m or 2d");
    if (text == "0") return Duration(0);
    std::int64_t total = 0;
    auto rest = text;
    if (rest.empty()) return bad;
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (error != std::errc() || count < 0) return bad;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const Unit* unit = unit_at(rest);
        if (unit == nullptr) return bad;
        rest.remove_prefix(unit->name.size());
        std::int64_t part = 0;
        if (__builtin_mul_overflow(count, unit->microseconds, &part) ||
            __builtin_add_overflow(total, part, &total))
            return bad;
    }
    return Duration(total);
}

std::string to_text(Duration duration) {
    if (duration == Duration(0)) return "0";
    std::string text = duration < Duration(0) ? "-" : "";
    auto left = duration < Duration(0) ? -duration.count() : duration.count();
    constexpr std::array<Unit, 6> descending{{{"d", 86'400'000'000},
                                              {"h", 3'600'000'000},
                                              {"m", 60'000'000},
                                              {"s", 1'000'000},
                                              {"ms", 1'000},
                                              {"us", 1}}};
    for (const auto& unit : descending) {
        const auto count = left / unit.microseconds;
        left %= unit.microseconds;
        if (count > 0) text += std::to_string(count) + std::string(unit.name);
    }
    return text;
}

Instant SystemClock::now() const {
    return floor<microseconds>(system_clock::now());
}

}  // namespace engine
