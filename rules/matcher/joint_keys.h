#pragma once
/// JointKeys: terms that each ask for one code of the same slots, as rows of a routing table do, found by all
/// these codes in one look-up (tuple space search: Srinivasan, Suri, Varghese, SIGCOMM 1999).

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rules/matcher/checked_terms.h"
#include "rules/matcher/constraints.h"
#include "rules/matcher/slots.h"

namespace rules {

/// Immutable; any thread.
class JointKeys {
public:
    JointKeys() = default;
    /// Takes those of the terms over that enough others are like, and leaves the rest in their order.
    JointKeys(std::vector<Constraints>& terms, const Slots& slots);

    /// Adds a hit for each term that the readings do not rule out, in no order.
    void match(const Readings& readings, std::vector<Hit>& hits) const;

    std::size_t tables() const { return tables_.size(); }
    /// Memory, about.
    std::size_t bytes() const;

private:
    /// What a code counts in the key: keys are the codes as digits, so that no two are alike.
    struct Digit {
        std::uint32_t slot = 0;
        std::uint64_t weight = 0;
    };
    struct Table {
        std::vector<Digit> digits;
        Constraints::Ids wanted;        ///< the same of all its terms
        std::uint32_t first_place = 0;  ///< in places_: as many as a power of two
        std::uint32_t last_place = 0;   ///< counted from the first
    };
    /// A key, and who asks for it. A look-up waits for memory, so one is all that most events need.
    struct Place {
        std::uint64_t key = 0;
        std::uint32_t first = 0;       ///< in terms_, or of the only term the rule
        std::uint32_t terms : 30 = 0;  ///< none when the place is free
        std::uint32_t is_rule : 1 = 0;
        std::uint32_t exact : 1 = 0;
    };
    /// Keys and the numbers of the terms that ask for them, sorted.
    using Keyed = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

    static std::vector<Digit> digits_of(const Constraints& term, const Slots& slots);
    static std::uint64_t key_of(const std::vector<Digit>& digits, const Constraints& term);
    static Keyed keyed(const std::vector<Digit>& digits, const std::vector<std::uint32_t>& members,
                       const std::vector<Constraints>& terms);
    /// Where the key is, or the free place where it would be.
    static std::size_t place_of(std::uint64_t key, const Place* places, std::uint32_t last) {
        // Keys differ in a few digits, anywhere: both halves have a part in the place.
        const auto mixed = (key ^ key >> 32) * 0x9E3779B97F4A7C15U;
        auto place = static_cast<std::uint32_t>(mixed >> 32) & last;
        while (places[place].terms != 0 && places[place].key != key) place = (place + 1) & last;
        return place;
    }
    void add_table(std::vector<Digit> digits, const Keyed& keys, const std::vector<Constraints>& terms);
    void add_term(const Constraints& term, const std::vector<Digit>& digits);

    std::vector<Table> tables_;
    std::vector<Place> places_;
    CheckedTerms terms_;
};

}  // namespace rules
