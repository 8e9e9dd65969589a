#include "rules/lua/code_limits.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_set>

#include "rules/lua/code_lines.h"
#include "rules/lua/hash_seed.h"

namespace rules {
namespace {

constexpr std::size_t code_per_source = 4;
constexpr std::size_t code_bytes_most = 8U << 20U;
constexpr std::size_t short_text_max = 40;  // longer ones are not kept in the table of texts
// Of thousands of texts that were not chosen for it, eight or nine meet.
constexpr std::size_t meeting_max = 32;

/// How many of the texts stand in one place of Lua's table of texts, which has as many places as texts at
/// least: each that is loaded is compared with all that stand in its place.
std::size_t most_that_meet(const std::vector<std::string>& code) {
    std::unordered_set<std::string_view> texts;
    for (const auto& file : code) add_code_texts(file, texts);
    std::erase_if(texts, [](std::string_view text) { return text.size() > short_text_max; });
    std::vector<std::size_t> places(std::bit_ceil(texts.size() + 1));
    for (const auto text : texts) ++places[hash_of(text) & (places.size() - 1)];
    return *std::max_element(places.begin(), places.end());
}

}  // namespace

std::size_t code_bytes_max(const ScriptLimits& limits) {
    return std::min(code_per_source * limits.sources_bytes_max, code_bytes_most);
}

std::string why_too_dear(const std::vector<std::string>& code, const ScriptLimits& limits) {
    const auto bytes =
        std::accumulate(code.begin(), code.end(), std::size_t{0},
                        [](std::size_t sum, const std::string& file) { return sum + file.size(); });
    if (bytes > code_bytes_max(limits))
        return "all scripts together are compiled to " + std::to_string(bytes) + " bytes, more than " +
               std::to_string(code_bytes_max(limits)) +
               " (four times sources_bytes_max, at most 8 MiB): functions in functions that use the same "
               "variables of those around them hold each name again";
    if (const auto meeting = most_that_meet(code); meeting > meeting_max)
        return std::to_string(meeting) +
               " of the texts and names in scripts have hashes that meet, more than " +
               std::to_string(meeting_max) + ": write some of them in another way";
    return "";
}

}  // namespace rules
