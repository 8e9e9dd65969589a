#include "connectors/kit/read.h"

#include <algorithm>
#include <charconv>

#include "connectors/kit/words.h"
#include "engine/base/ensure.h"

namespace connectors {

using engine::Diagnostics;
using engine::in_quotes;
using engine::Json;
using engine::YamlNode;

namespace {

std::vector<std::string> names_of(const Section& section) {
    std::vector<std::string> names;
    for (const auto& key : section.keys) names.push_back(key.name);
    return names;
}

}  // namespace

const Section& section(std::string_view name) {
    const auto& all = sections();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Section& section) { return section.name == name; });
    ENSURE(found != all.end());
    return *found;
}

void report_unknown(std::string_view kind, std::string_view what, const std::string& name,
                    const engine::Place& place, const std::vector<std::string>& known,
                    Diagnostics& diagnostics) {
    diagnostics.error(std::string(kind), place,
                      "unknown " + std::string(what) + " " + in_quotes(name) + hint(name, known));
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 64 || text.front() < 'a' || text.front() > 'z') return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

MapReader::MapReader(const YamlNode& node, std::string_view section_name, Diagnostics& diagnostics)
    : node_(node), diagnostics_(diagnostics) {
    check_keys(section_name, {}, "unknown-key", "key");
}

MapReader::MapReader(const YamlNode& node, std::string_view section_name,
                     const std::vector<std::string>& settings, Diagnostics& diagnostics)
    : node_(node), diagnostics_(diagnostics) {
    check_keys(section_name, settings, "unknown-setting", "setting");
}

void MapReader::check_keys(std::string_view section_name, const std::vector<std::string>& settings,
                           std::string_view kind, std::string_view what) {
    const auto& wanted = section(section_name);
    if (!node_.is_map()) {
        diagnostics_.error("wrong-type", node_.place, wanted.name + " is a map");
        return;
    }
    auto known = names_of(wanted);
    known.insert(known.begin(), settings.begin(), settings.end());
    for (const auto& entry : node_.entries)
        if (std::find(known.begin(), known.end(), entry.key) == known.end())
            report_unknown(kind, what, entry.key, entry.place, known, diagnostics_);
    for (const auto& key : wanted.keys)
        if (key.required && node_.find(key.name) == nullptr)
            diagnostics_.error("missing-key", node_.place,
                               wanted.name + " needs the key " + in_quotes(key.name));
}

const YamlNode* MapReader::find(std::string_view key) const {
    const auto* value = node_.is_map() ? node_.find(key) : nullptr;
    return value != nullptr && !value->is_null() ? value : nullptr;
}

std::string MapReader::text(std::string_view key, std::string fallback) const {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (value->is_scalar()) return value->text;
    diagnostics_.error("wrong-type", value->place, std::string(key) + " is a text");
    return fallback;
}

bool MapReader::boolean(std::string_view key, bool fallback) const {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    const auto json = value->is_scalar() ? engine::to_json(*value) : Json();
    if (json.is_boolean()) return json.get<bool>();
    diagnostics_.error("wrong-type", value->place, std::string(key) + " is true or false");
    return fallback;
}

long MapReader::integer(std::string_view key, long fallback, long least, long most) const {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    const auto json = value->is_scalar() ? engine::to_json(*value) : Json();
    if (json.is_number_integer() && json.get<long>() >= least && json.get<long>() <= most)
        return json.get<long>();
    diagnostics_.error(json.is_number_integer() ? "bad-value" : "wrong-type", value->place,
                       std::string(key) + " is a whole number from " + std::to_string(least) + " to " +
                           std::to_string(most));
    return fallback;
}

engine::Duration MapReader::duration(std::string_view key, engine::Duration fallback) const {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    const auto read = engine::parse_duration(value->text);
    if (value->is_scalar() && read && *read > engine::Duration::zero()) return *read;
    diagnostics_.error("bad-value", value->place,
                       std::string(key) + " is a span of time such as 90s, 5m or 2h");
    return fallback;
}

std::vector<std::string> MapReader::texts(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (value->is_scalar()) return {value->text};
    std::vector<std::string> texts;
    for (const auto& item : value->items) {
        if (item.is_scalar())
            texts.push_back(item.text);
        else
            diagnostics_.error("wrong-type", item.place, std::string(key) + " is a list of texts");
    }
    if (value->is_map())
        diagnostics_.error("wrong-type", value->place, std::string(key) + " is a list of texts");
    return texts;
}

std::size_t MapReader::word(std::string_view key, std::initializer_list<std::string_view> allowed) const {
    const auto* value = find(key);
    if (value == nullptr) return 0;
    const auto found = std::find(allowed.begin(), allowed.end(), value->text);
    if (value->is_scalar() && found != allowed.end())
        return static_cast<std::size_t>(found - allowed.begin());
    report_unknown("bad-value", "value of " + std::string(key), value->text, value->place,
                   {allowed.begin(), allowed.end()}, diagnostics_);
    return 0;
}

}  // namespace connectors
