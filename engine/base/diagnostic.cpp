#include "engine/base/diagnostic.h"

#include <algorithm>
#include <tuple>

#include "engine/base/text.h"

namespace engine {
namespace {

constexpr std::size_t shown_code_points = 80;

auto key_of(const Diagnostic& d) {
    return std::tie(d.place.file, d.place.line, d.place.column);
}
bool same(const Diagnostic& left, const Diagnostic& right) {
    return left.place == right.place && left.kind == right.kind && left.message == right.message;
}

std::string escaped(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') return "\\n";
    if (c == '\t') return "\\t";
    if (byte >= 0x20 && byte != 0x7f) return std::string(1, c);
    return std::string("\\x") + digits[byte >> 4] + digits[byte & 15];
}

}  // namespace

void Diagnostics::error(std::string kind, Place place, std::string message) {
    found_.push_back({Severity::error, std::move(kind), std::move(place), std::move(message)});
}

void Diagnostics::warning(std::string kind, Place place, std::string message) {
    found_.push_back({Severity::warning, std::move(kind), std::move(place), std::move(message)});
}

bool Diagnostics::has_errors() const {
    return std::any_of(found_.begin(), found_.end(),
                       [](const Diagnostic& d) { return d.severity == Severity::error; });
}

std::vector<Diagnostic> Diagnostics::sorted() const {
    auto list = found_;
    std::stable_sort(list.begin(), list.end(), [](const Diagnostic& left, const Diagnostic& right) {
        return key_of(left) < key_of(right);
    });
    std::vector<Diagnostic> once;
    for (auto& diagnostic : list) {
        const auto repeated = [&](const Diagnostic& earlier) { return same(earlier, diagnostic); };
        auto first_here = once.end();
        while (first_here != once.begin() && (first_here - 1)->place == diagnostic.place) --first_here;
        if (std::none_of(first_here, once.end(), repeated)) once.push_back(std::move(diagnostic));
    }
    return once;
}

std::string in_quotes(std::string_view text) {
    const auto shown = first_of(text, shown_code_points);
    std::string out = "\"";
    for (const char c : shown) out += escaped(c);
    if (shown.size() < text.size()) out += "…";
    return out + "\"";
}

std::string did_you_mean(std::string_view proposal) {
    return proposal.empty() ? "" : ", did you mean " + in_quotes(proposal) + "?";
}

std::string hint(std::string_view name, const std::vector<std::string>& candidates) {
    return did_you_mean(nearest(name, candidates));
}

std::string to_text(const Diagnostic& diagnostic) {
    std::string where = diagnostic.place.file;
    // Scripts are known by their lines.
    for (const int part : {diagnostic.place.line, diagnostic.place.column})
        if (part > 0) where += ":" + std::to_string(part);
    const std::string severity = diagnostic.severity == Severity::error ? "error" : "warning";
    if (!where.empty()) where += ": ";
    return where + severity + ": " + diagnostic.message + " [" + diagnostic.kind + "]";
}

}  // namespace engine
