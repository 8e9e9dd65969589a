#include "engine/model/journal_record.h"

#include <algorithm>
#include <charconv>

namespace engine {
namespace {

constexpr std::int64_t exact_integer_max = std::int64_t{1} << 53;

/// Integers that a reader with doubles would round are texts, as everywhere in canonical JSON.
bool is_exact(std::int64_t number) {
    return number >= -exact_integer_max && number <= exact_integer_max;
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

void append_text(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    if (is_plain(value)) {
        out += '"';
        out += value;
        out += '"';
    } else {
        out += canonical_json(Json(value));
    }
}

void append_number(std::string& out, std::string_view name, std::int64_t value) {
    char buffer[24];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    const bool exact = is_exact(value);
    out += name;
    if (!exact) out += '"';
    out.append(buffer, end);
    if (!exact) out += '"';
}

void append_hex(std::string& out, const Digest& digest) {
    static constexpr char digits[] = "0123456789abcdef";
    for (const auto byte : digest) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

Json number_of(std::int64_t value) {
    return is_exact(value) ? Json(value) : Json(std::to_string(value));
}

}  // namespace

bool is_new_beginning(const JournalRecord& record) {
    if (record.kind != record_kind::erasure || !record.body) return false;
    const auto body = parse_json(*record.body);
    const auto* goes_on = body ? find(*body, "goes_on") : nullptr;
    return goes_on == nullptr || *goes_on != Json(true);
}

void append_canonical_row(std::string& out, const JournalRecord& record) {
    append_text(out, "{\"actor\":", record.actor);
    out += ",\"body_digest\":\"";
    append_hex(out, record.body_digest);
    out += '"';
    append_text(out, ",\"cause_event\":", record.cause_event);
    append_text(out, ",\"cause_rule\":", record.cause_rule);
    append_number(out, ",\"entity_version\":", static_cast<std::int64_t>(record.entity_version));
    append_text(out, ",\"kind\":", record.kind);
    append_number(out, ",\"previous\":", static_cast<std::int64_t>(record.previous));
    append_text(out, ",\"ruleset\":", record.ruleset);
    append_number(out, ",\"seq\":", static_cast<std::int64_t>(record.seq));
    append_text(out, ",\"stream\":", record.stream);
    append_text(out, ",\"subject\":", record.subject);
    append_text(out, ",\"tenant\":", record.tenant.text());
    append_number(out, ",\"time\":", microseconds_of(record.time));
    out += '}';
}

std::string canonical_row(const JournalRecord& record) {
    std::string out;
    out.reserve(512);
    append_canonical_row(out, record);
    return out;
}

Digest digest_of_body(std::string_view salt, std::string_view body) {
    return sha256({salt, body});
}

Digest chain(const Digest& previous, const JournalRecord& record) {
    return sha256({bytes_of(previous), canonical_row(record)});
}

Json export_line(const JournalRecord& record) {
    return {{"actor", record.actor},
            {"body_digest", to_hex(bytes_of(record.body_digest))},
            {"cause_event", record.cause_event},
            {"cause_rule", record.cause_rule},
            {"entity_version", number_of(static_cast<std::int64_t>(record.entity_version))},
            {"kind", record.kind},
            {"previous", number_of(static_cast<std::int64_t>(record.previous))},
            {"ruleset", record.ruleset},
            {"seq", number_of(static_cast<std::int64_t>(record.seq))},
            {"stream", record.stream},
            {"subject", record.subject},
            {"tenant", record.tenant.text()},
            {"time", number_of(microseconds_of(record.time))},
            {"salt", to_hex(record.salt)},
            {"hash", to_hex(bytes_of(record.hash))},
            {"body", record.body ? Json(*record.body) : Json(nullptr)}};
}

}  // namespace engine
