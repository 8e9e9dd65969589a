#pragma once
/// IndexPart: an index over the conditions of some rules (docs/decisions/0030-matching.md).

#include <cstddef>
#include <optional>
#include <vector>

#include "rules/matcher/block_index.h"
#include "rules/matcher/joint_keys.h"
#include "rules/matcher/raw_reader.h"
#include "rules/matcher/slots.h"
#include "rules/matcher/terms.h"

namespace rules {

/// Immutable; any thread. Numbers of rules are their places in the list it was made of, which is not kept.
class IndexPart {
public:
    explicit IndexPart(const std::vector<const Rule*>& rules);
    IndexPart(const IndexPart&) = delete;

    /// The rules that the readings do not rule out, sorted; a rule may come more than once.
    void match(const Readings& readings, BlockIndex::Matching& into) const;

    const Slots& slots() const { return slots_; }
    const JointKeys& joint_keys() const { return joint_keys_; }
    /// Of documents whose paths begin at their members.
    const RawReader& reader() const { return *reader_; }
    /// Memory, about.
    std::size_t bytes() const {
        return slots_.bytes() + reader_->bytes() + joint_keys_.bytes() + blocks_.bytes();
    }

private:
    IndexedTerm indexed_term(std::uint32_t number, const Rule& rule, const Term& term, bool exact) const;

    Slots slots_;
    std::optional<RawReader> reader_;  ///< once the slots are known
    JointKeys joint_keys_;
    BlockIndex blocks_;
};

}  // namespace rules
