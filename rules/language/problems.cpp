#include "rules/language/problems.h"

#include <algorithm>
#include <utility>

#include "engine/base/text.h"

namespace rules {
namespace {

using engine::Place;

// A file of nothing but mistakes must not cost more than a good one of the same size.
constexpr int problems_max = 500;
constexpr int hints_max = 200;
constexpr std::size_t searched_bytes = 16 * 1024;

/// What other programs call a thing, and what it is called here.
std::string_view our_word_for(std::string_view name) {
    constexpr std::pair<std::string_view, std::string_view> words[]{
        {"and", "all"},          {"or", "any"},       {"if", "when"},         {"conditions", "when"},
        {"actions", "then"},     {"do", "then"},      {"steps", "then"},      {"trigger", "on"},
        {"event", "on"},         {"events", "on"},    {"name", "id"},         {"priority", "order"},
        {"disabled", "enabled"}, {"remove", "unset"}, {"add_tag", "add_tags"}};
    for (const auto& [theirs, ours] : words)
        if (theirs == name) return ours;
    return "";
}

std::vector<std::size_t> starts_of_lines(std::string_view text) {
    std::vector<std::size_t> starts{0};
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\n') starts.push_back(i + 1);
    return starts;
}

Place moved(const Place& place, std::string_view over) {
    Place result = place;
    const auto last_break = over.rfind('\n');
    if (last_break == std::string_view::npos) {
        result.column += static_cast<int>(engine::length_of(over));
        return result;
    }
    result.line += static_cast<int>(std::count(over.begin(), over.end(), '\n'));
    result.column = static_cast<int>(engine::length_of(over.substr(last_break + 1))) + 1;
    return result;
}

}  // namespace

void Problems::error(const std::string& kind, const Place& place, std::string message) {
    add({engine::Severity::error, kind, place, std::move(message)});
}

void Problems::warning(const std::string& kind, const Place& place, std::string message) {
    add({engine::Severity::warning, kind, place, std::move(message)});
}

void Problems::take(const engine::Diagnostics& found) {
    const auto all = found.sorted();
    for (const auto& diagnostic : all) add(diagnostic);
    for (const auto& diagnostic : all) misread_.push_back(diagnostic.place);
}

void Problems::add(engine::Diagnostic diagnostic) {
    if (std::find(misread_.begin(), misread_.end(), diagnostic.place) != misread_.end()) return;
    if (++reported_ > problems_max + 1) return;
    if (reported_ == problems_max + 1) {
        diagnostic.severity = engine::Severity::error;
        diagnostic.kind = "limit";
        diagnostic.message =
            "more than " + std::to_string(problems_max) + " problems: the rest is not listed";
    }
    diagnostics_.add(std::move(diagnostic));
}

std::string Problems::hint(std::string_view name, const std::vector<std::string>& candidates) {
    constexpr std::size_t name_bytes_max = 80;
    if (name.size() > name_bytes_max || ++hints_ > hints_max) return "";
    const auto ours = our_word_for(name);
    const bool is_ours = std::find(candidates.begin(), candidates.end(), ours) != candidates.end();
    const auto near = is_ours ? std::string(ours) : engine::nearest(name, candidates);
    return engine::did_you_mean(near);
}

std::size_t Problems::offset_of(const Place& place, std::string_view text) const {
    auto known = lines_.find(place.file);
    if (known == lines_.end()) known = lines_.emplace(place.file, starts_of_lines(text)).first;
    const auto line = static_cast<std::size_t>(place.line) - 1;
    if (line >= known->second.size()) return text.size();
    const auto before = static_cast<std::size_t>(std::max(0, place.column - 1));
    const auto start = known->second[line];
    return start + engine::first_of(text.substr(start), before).size();
}

Place Problems::within(const engine::YamlNode& scalar, std::string_view token) const {
    const auto file = files_.find(scalar.place.file);
    if (file == files_.end() || token.empty() || scalar.place.line < 1) return scalar.place;
    const std::string_view text = file->second;
    const auto window = text.substr(offset_of(scalar.place, text), searched_bytes);
    const auto found = window.find(token);
    if (found == std::string_view::npos) return scalar.place;
    return moved(scalar.place, window.substr(0, found));
}

}  // namespace rules
