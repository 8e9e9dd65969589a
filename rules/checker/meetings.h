#pragma once
/// Meetings: the pairs of rules that can match one event, found without looking at every pair.

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/checker/rule_facts.h"

namespace rules {

/// What one way of one rule needs of fields, in a form that is quickly compared. Two ways whose needs of one
/// field exclude each other never match together.
struct Needs {
    /// A stretch of numbers or ages.
    struct Stretch {
        int field = 0;
        double low = 0, high = 0;
        bool open_below = false, open_above = false;  ///< the bound itself is left out
    };
    /// How a text begins or ends, in small letters.
    struct Edge {
        int field = 0;
        bool at_begin = false;
        std::string text;
    };

    std::size_t owner = 0;  ///< the caller's number
    std::size_t way = 0;    ///< the caller's number
    /// Sorted by field, then by value; all by number.
    std::vector<std::pair<int, std::vector<int>>> fields;
    std::vector<Stretch> stretches;
    std::vector<Edge> edges;
};

/// Gives fields and values numbers.
class NeedsReader {
public:
    /// Without `on`, of any type.
    Needs needs_of(std::size_t owner, std::size_t way, const Term& term, const std::vector<std::string>& on);
    /// The field has that value.
    void add_value(Needs& needs, const std::string& field, const engine::Json& value);

private:
    int number_of(const std::string& name);
    std::unordered_map<std::string, int> numbers_;
};

/// True when the callback may be given more pairs.
using OnPair = std::function<bool(const Needs&, const Needs&)>;

/// Calls for pairs of one list (of two different owners), or of two lists, that may meet; a pair may come
/// more than once. Looks at `pairs_left` pairs at most, and takes those it looked at off. False when it ended
/// early, for that or because the callback said so.
bool for_meetings(const std::vector<const Needs*>& all, std::size_t& pairs_left, const OnPair& on_pair);
bool for_meetings(const std::vector<const Needs*>& some, const std::vector<const Needs*>& others,
                  std::size_t& pairs_left, const OnPair& on_pair);

}  // namespace rules
