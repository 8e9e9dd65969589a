#include "rules/checker/never.h"

#include <algorithm>
#include <utility>

#include "rules/checker/supposition.h"
#include "rules/checker/wording.h"
#include "rules/matcher/terms.h"

namespace rules {
namespace {

/// As few of them as still exclude each other.
std::vector<Literal> fewest(std::vector<Literal> literals, const TypePatterns& types) {
    for (std::size_t i = literals.size(); i-- > 0;) {
        auto fewer = literals;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (!fewer.empty() && !can_hold(fewer, types)) literals = std::move(fewer);
    }
    return literals;
}

std::string why_one(const Literal& literal, const TypePatterns& types, const std::string& who) {
    const bool is_type = literal.comparison->field.text == "event.type";
    if (is_type && types != every_type()) return ", but " + who + " only sees " + listed(types, "or");
    return " holds for no value";
}

}  // namespace

std::optional<WhyNever> why_never(const Condition& condition, const TypePatterns& types,
                                  const std::string& who, std::size_t terms_max) {
    const auto terms = terms_of(condition, terms_max);
    const bool is_possible = std::any_of(terms.any.begin(), terms.any.end(),
                                         [&](const Term& way) { return can_hold(way.literals, types); });
    if (is_possible) return std::nullopt;
    if (terms.any.empty()) return WhyNever{"its conditions allow nothing", {}};
    WhyNever why;
    const auto literals = fewest(*contradiction_in(terms.any.front().literals, types), types);
    std::vector<std::string> words;
    for (const auto& literal : literals) {
        words.push_back(words_of(literal));
        why.excluded.push_back({place_of(condition, literal.comparison), words.back()});
    }
    why.words = words.size() == 1
                    ? words[0] + why_one(literals[0], types, who)
                    : listed(words) + (words.size() == 2 ? " cannot both hold" : " cannot hold together");
    if (terms.any.size() > 1) why.words += ", and its other alternatives cannot hold either";
    return why;
}

}  // namespace rules
