/// The filters of the definition language, each with the sentence its documentation is made from.

#include <algorithm>
#include <charconv>
#include <cmath>

#include "connectors/kit/expression.h"
#include "connectors/kit/form.h"
#include "connectors/kit/url.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/base/time.h"

namespace connectors {
namespace {

using Argument = FilterSpec::Argument;

template <class Change>
Value on_text(const Json& value, Change change) {
    const auto text = as_text(value);
    if (!text) return std::nullopt;
    return Json(change(*text));
}

Value lower(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) { return engine::fold_case(text); });
}

Value upper(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) { return engine::to_upper(text); });
}

Value trim(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) { return engine::trim(text); });
}

Value filled(const Json& value, const Json&) {
    const bool empty = value.is_string() && engine::trim(value.get_ref<const std::string&>()).empty();
    return empty || (value.is_structured() && value.empty()) ? std::nullopt : Value(value);
}

Value text(const Json& value, const Json&) {
    if (!value.is_array()) return on_text(value, [](const std::string& text) { return text; });
    Json texts = Json::array();
    for (const auto& element : value)
        if (const auto text = as_text(element)) texts.push_back(*text);
    return texts;
}

Value number(const Json& value, const Json&) {
    if (value.is_number()) return value;
    if (!value.is_string()) return std::nullopt;
    const auto text = engine::trim(value.get_ref<const std::string&>());
    const char* end = text.data() + text.size();
    std::int64_t whole = 0;
    if (const auto read = std::from_chars(text.data(), end, whole); read.ec == std::errc() && read.ptr == end)
        return Json(whole);
    double real = 0;
    const auto read = std::from_chars(text.data(), end, real);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(real)) return std::nullopt;
    return Json(real);
}

Value boolean(const Json& value, const Json&) {
    if (value.is_boolean()) return value;
    const auto word = engine::fold_case(as_text(value).value_or(""));
    if (word == "true" || word == "1" || word == "yes") return Json(true);
    if (word == "false" || word == "0" || word == "no") return Json(false);
    return std::nullopt;
}

Value negate(const Json& value, const Json&) {
    if (!value.is_boolean()) return std::nullopt;
    return Json(!value.get<bool>());
}

Value list(const Json& value, const Json&) {
    return value.is_array() ? value : Json::array({value});
}

Value split(const Json& value, const Json& argument) {
    if (value.is_array()) return value;
    const auto text = as_text(value);
    const auto separator = argument.get<std::string>();
    if (!text || separator.empty()) return std::nullopt;
    Json parts = Json::array();
    std::string_view rest = *text;
    while (true) {
        const auto at = rest.find(separator);
        if (const auto part = engine::trim(rest.substr(0, at)); !part.empty()) parts.push_back(part);
        if (at == std::string_view::npos) return parts;
        rest.remove_prefix(at + separator.size());
    }
}

Value join(const Json& value, const Json& argument) {
    if (!value.is_array()) return as_text(value) ? Value(*as_text(value)) : std::nullopt;
    std::vector<std::string> parts;
    for (const auto& element : value)
        if (auto text = as_text(element)) parts.push_back(std::move(*text));
    return Json(engine::join(parts, argument.get<std::string>()));
}

Value first(const Json& value, const Json&) {
    if (!value.is_array() || value.empty()) return std::nullopt;
    return value.front();
}

Value last(const Json& value, const Json&) {
    if (!value.is_array() || value.empty()) return std::nullopt;
    return value.back();
}

Value size(const Json& value, const Json&) {
    if (value.is_string()) return Json(engine::length_of(value.get_ref<const std::string&>()));
    if (value.is_structured()) return Json(value.size());
    return std::nullopt;
}

Value after(const Json& value, const Json& argument) {
    return on_text(value, [&](const std::string& text) {
        const auto mark = argument.get<std::string>();
        const auto at = text.rfind(mark);
        return at == std::string::npos ? text : text.substr(at + mark.size());
    });
}

Value before(const Json& value, const Json& argument) {
    return on_text(value, [&](const std::string& text) {
        return text.substr(0, text.find(argument.get<std::string>()));
    });
}

Value truncate(const Json& value, const Json& argument) {
    return on_text(value, [&](const std::string& text) {
        const auto count = static_cast<std::size_t>(std::max(1.0, argument.get<double>()));
        if (engine::length_of(text) <= count) return text;
        return std::string(engine::first_of(text, count - 1)) + "…";
    });
}

Value json(const Json& value, const Json&) {
    return Json(engine::canonical_json(value));
}

Value url_encode(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) { return percent_encode(text); });
}

Value base64(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) { return engine::to_base64(text); });
}

Value digest(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) {
        return engine::to_hex(engine::bytes_of(engine::sha256(std::string_view(text))));
    });
}

Value host(const Json& value, const Json&) {
    const auto text = as_text(value);
    if (!text) return std::nullopt;
    const auto url = parse_url(text->find("://") == std::string::npos ? "https://" + *text : *text);
    return url ? Value(url->host) : std::nullopt;
}

/// The name's words but the last one; the only word of a single one.
Value first_name(const Json& value, const Json&) {
    return on_text(value, [](const std::string& text) {
        const auto name = engine::trim(text);
        return engine::trim(name.substr(0, name.rfind(' ')));
    });
}

Value last_name(const Json& value, const Json&) {
    const auto name = engine::trim(as_text(value).value_or(""));
    const auto space = name.rfind(' ');
    if (space == std::string::npos) return std::nullopt;
    return Json(name.substr(space + 1));
}

/// Reads `1777881600.0002` times 10^digits without losing any to binary fractions.
std::optional<std::int64_t> scaled(const std::string& text, int digits, std::int64_t whole_max) {
    std::int64_t whole = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, whole);
    if (read.ec != std::errc() || whole < 0 || whole > whole_max) return std::nullopt;
    if (read.ptr != end && *read.ptr != '.') return std::nullopt;
    const char* fraction = read.ptr == end ? end : read.ptr + 1;
    if (!std::all_of(fraction, end, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    for (int digit = 0; digit < digits; ++digit) {
        whole = whole * 10 + (fraction == end ? 0 : *fraction - '0');
        if (fraction != end) ++fraction;
    }
    return whole;
}

Value instant(const Json& value, int digits, std::int64_t whole_max) {
    const auto text = as_text(value);
    const auto microseconds = text ? scaled(*text, digits, whole_max) : std::nullopt;
    if (!microseconds) return std::nullopt;
    return Json(engine::to_text(engine::instant_of(*microseconds)));
}

/// What the map says for the value; the value itself when it says nothing.
Value id_of(const Json& value, const Json& names) {
    const auto name = as_text(value);
    const auto entry = name && names.is_object() ? names.find(*name) : names.end();
    return entry == names.end() ? value : *entry;
}

Value name_of(const Json& value, const Json& names) {
    const auto id = as_text(value);
    if (id && names.is_object())
        for (const auto& [name, known] : names.items())
            if (as_text(known) == id) return Json(name);
    return value;
}

/// The last second of the year 9999.
constexpr std::int64_t seconds_max = 253'402'300'799;

Value epoch_s(const Json& value, const Json&) {
    return instant(value, 6, seconds_max);
}

Value epoch_ms(const Json& value, const Json&) {
    return instant(value, 3, seconds_max * 1000 + 999);
}

}  // namespace

const std::vector<FilterSpec>& filters() {
    static const std::vector<FilterSpec> specs{
        {"lower", Argument::none, "Lower case.", lower},
        {"upper", Argument::none, "Upper case.", upper},
        {"trim", Argument::none, "Without white space at both ends.", trim},
        {"filled", Argument::none, "Nothing when the text, list or map is empty, so that `??` goes on.",
         filled},
        {"text", Argument::none,
         "A number or boolean as text; of a list, each element. Ids are always texts.", text},
        {"number", Argument::none, "A number read from text.", number},
        {"boolean", Argument::none, "`true yes 1` and `false no 0` as booleans.", boolean},
        {"not", Argument::none, "The opposite of a boolean.", negate},
        {"list", Argument::none, "A list of one, unless it is a list already.", list},
        {"split", Argument::text, "A list of the trimmed, non-empty parts between separators: `split:','`.",
         split},
        {"join", Argument::text, "A text of the list's elements: `join:', '`.", join},
        {"first", Argument::none, "The first element of a list.", first},
        {"last", Argument::none, "The last element of a list.", last},
        {"size", Argument::none, "The number of elements, or of characters of a text.", size},
        {"after", Argument::text, "What follows the last mark: `after:':'`; all of it when there is no mark.",
         after},
        {"before", Argument::text, "What stands before the first mark: `before:'@'`.", before},
        {"truncate", Argument::number, "At most so many characters, the last one `…`: `truncate:100`.",
         truncate},
        {"json", Argument::none, "Canonical JSON text.", json},
        {"url_encode", Argument::none, "Percent-encoded.", url_encode},
        {"base64", Argument::none, "Base64 with padding.", base64},
        {"digest", Argument::none, "SHA-256 in hexadecimal.", digest},
        {"host", Argument::none, "The host of a URL.", host},
        {"first_name", Argument::none, "The words of a name but the last.", first_name},
        {"last_name", Argument::none, "The last word of a name of two or more.", last_name},
        {"epoch_s", Argument::none, "Seconds since 1970 as an RFC 3339 time; fractions are kept.", epoch_s},
        {"epoch_ms", Argument::none, "Milliseconds since 1970 as an RFC 3339 time.", epoch_ms},
        {"id_of", Argument::setting,
         "The id that a setting of the connection has for a name, `id_of:groups`; the value as it is when it "
         "has none.",
         id_of},
        {"name_of", Argument::setting, "The other way round: the name of an id.", name_of},
        {"lua", Argument::function,
         "What a function of the connector's script makes of it: `item | lua:phone` calls `phone` of the "
         "table that "
         "`connectors/NAME/NAME.lua` returns, with the value as `ctx.value`. In what webhooks become only.",
         nullptr},
        {"table", Argument::table, "The entry of a translation table: `table:status`.", nullptr},
    };
    return specs;
}

std::optional<std::string> as_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
    if (value.is_number()) return engine::number_text(value);
    return std::nullopt;
}

}  // namespace connectors
