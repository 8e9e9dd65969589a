#pragma once
/// BlockIndex: terms as bits. A block holds up to 512 of them; for each of its slots and each stretch of
/// codes a row of bits says which terms that slot does not rule out. What an event may match is the
/// intersection of one row a slot, in the blocks that a summary leaves over.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/matcher/slots.h"

namespace rules {

/// A rule with several terms has several of these.
struct IndexedTerm {
    std::uint32_t rule = 0;
    std::vector<Demand> demands;
    bool exact = true;  ///< the rule holds if all demands do
};

/// Immutable; any thread.
class BlockIndex {
public:
    static constexpr std::size_t block_bits = 512;

    BlockIndex() = default;
    BlockIndex(std::vector<IndexedTerm> terms, const Slots& slots);

    struct Hit {
        std::uint32_t rule = 0;
        bool exact = false;  ///< it holds; else it may
        auto operator<=>(const Hit&) const = default;
    };
    /// Adds the rules that the readings do not rule out, one hit a term, in no order.
    void match(const Readings& readings, std::vector<Hit>& hits) const;

    std::size_t blocks() const { return blocks_.size(); }
    std::size_t bytes() const;

private:
    struct Row {
        std::uint64_t words[block_bits / 64] = {};
    };
    /// A code slot as a block's terms see it.
    struct CodeRows {
        std::uint32_t slot = 0;
        std::uint32_t first_row = 0;
        bool direct = false;  ///< the codes are few: each has its row in direct_
        std::uint32_t first_direct = 0;
        std::uint32_t first_bound = 0;  ///< in bounds_: all stretches but the first begin at these codes
        std::uint32_t bounds = 0;
    };
    /// A set slot: terms want one of some ids, or none of some.
    struct IdRows {
        std::uint32_t slot = 0;
        std::uint32_t first_id = 0;  ///< in ids_, sorted
        std::uint32_t ids = 0;
        std::uint32_t first_row = 0;  ///< the terms that want nothing, then those of each id
        bool wanted = true;
    };
    struct Block {
        std::uint32_t first_code_rows = 0, code_rows = 0;  ///< the one that rules out most in front
        std::uint32_t first_id_rows = 0, id_rows = 0;
        std::uint32_t first_bit = 0, bits = 0;  ///< in rule_of_bit_
        Row exact;
    };
    struct CodeSummary {
        std::uint32_t slot = 0;
        std::uint32_t cells = 0;
        std::uint32_t codes = 0;
        std::uint32_t first_word = 0;  ///< in summary_: a set of blocks for each cell
    };
    struct IdSummary {
        std::uint32_t slot = 0;
        std::uint32_t first_word = 0;  ///< the blocks that want nothing, then those of each id
    };

    class Builder;

    std::size_t cell_of(const CodeSummary& summary, Code code) const;
    const Row& row_of(const CodeRows& rows, Code code) const;
    bool restrict_to(const IdRows& rows, const std::vector<Code>& found, Row& left) const;
    void take(const Block& block, const Readings& readings, std::vector<Hit>& hits) const;

    std::vector<Block> blocks_;
    std::vector<CodeRows> code_rows_;
    std::vector<IdRows> id_rows_;
    std::vector<Row> rows_;
    std::vector<Code> bounds_;
    std::vector<std::uint8_t> direct_;
    std::vector<Code> ids_;
    std::vector<std::uint32_t> rule_of_bit_;
    std::vector<CodeSummary> code_summaries_;
    std::vector<IdSummary> id_summaries_;
    std::vector<std::uint64_t> summary_;
    std::size_t summary_words_ = 0;  ///< of one set of blocks
};

}  // namespace rules
