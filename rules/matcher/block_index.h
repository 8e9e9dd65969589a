#pragma once
/// BlockIndex: terms as bits. A block holds up to 512 of them; for each of its slots a row of bits for every
/// cell of codes says which terms that slot does not rule out. What an event may match is the intersection
/// of one row a slot, in the blocks that a summary leaves over. Cells are a slot's own or, where those are
/// too wide to tell a block's terms apart, the block's. Slots with few cells are looked up together.

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "rules/matcher/checked_terms.h"
#include "rules/matcher/constraints.h"
#include "rules/matcher/slots.h"

namespace rules {

/// Immutable; any thread.
class BlockIndex {
public:
    static constexpr std::size_t block_bits = 512;
    static constexpr std::size_t block_words = block_bits / 64;

    BlockIndex() = default;
    BlockIndex(std::vector<Constraints> terms, const Slots& slots);

    struct Matching {
        std::vector<Hit> hits;
        std::vector<std::uint32_t> cells;       ///< room for the search
        std::vector<std::uint32_t> candidates;  ///< the same: terms that rows did not rule out
    };
    /// Adds the rules that the readings do not rule out, one hit a term, in no order.
    void match(const Readings& readings, Matching& into) const;

    std::size_t bytes() const;

private:
    friend class BlockIndexBuilder;

    /// So few are taken sooner than looked up, and lie in a cache as they are.
    static constexpr std::size_t few_blocks = 2;
    /// Rows are intersected by fours: whether anything is left is asked in between only.
    static constexpr std::size_t rows_at_once = 4;

    /// As long as a cache line, and in the lists below on one.
    struct Row {
        std::uint64_t words[block_words] = {};
        bool operator==(const Row&) const = default;
    };
    /// Not the type itself is aligned: rows are also made on stacks, whose checkers keep to less.
    template <class Value>
    struct OnCacheLines {
        using value_type = Value;
        static constexpr std::align_val_t line{64};
        OnCacheLines() = default;
        template <class Other>
        explicit OnCacheLines(const OnCacheLines<Other>&) {}
        Value* allocate(std::size_t count) {
            return static_cast<Value*>(::operator new(count * sizeof(Value), line));
        }
        void deallocate(Value* values, std::size_t) { ::operator delete(values, line); }
        bool operator==(const OnCacheLines&) const { return true; }
    };
    using Rows = std::vector<Row, OnCacheLines<Row>>;

    /// Codes in a few cells of equal width. Codes before the first or after the last are taken for those.
    struct Cells {
        Code first = 0;
        Code span = 0;            ///< last - first
        std::uint64_t scale = 0;  ///< cells for a code, times 2^32
        std::size_t of(Code code) const {
            const Code above = code > first ? code - first : 0;
            return (above < span ? above : span) * scale >> 32;
        }
        std::size_t count() const { return of(first + span) + 1; }
    };
    /// Slots with few cells that are looked up together, in all pairs (or more) of these.
    struct Joined {
        std::uint32_t first_member = 0, members = 0;  ///< in members_
    };
    struct Member {
        std::uint32_t slot = 0;
        std::uint32_t weight = 0;  ///< what one of its cells counts
    };
    /// A code slot, or some that are joined, as a block's terms see them, in their common cells.
    struct SharedRows {
        std::uint32_t place = 0;      ///< of the cell in Matching::cells: slots in front, then those joined
        std::uint32_t first_row = 0;  ///< of the first cell; a row for each
    };
    /// In cells of the block's own.
    struct OwnRows {
        Cells cells;
        std::uint32_t slot = 0;
        std::uint32_t first_direct = 0;  ///< in direct_: the row of each cell
        std::uint32_t first_row = 0;
    };
    /// A set slot: terms want one of some ids, or none of some.
    struct IdRows {
        std::uint32_t slot = 0;
        std::uint32_t first_place = 0;  ///< in id_places_: a table of ids, with free places among them
        std::uint32_t last_place = 0;   ///< counted from the first
        std::uint32_t nothing = 0;      ///< the row of the terms that want nothing
        bool wanted = true;
    };
    struct IdPlace {
        Code id = 0;
        std::uint32_t row = 0;  ///< the first, which is empty, when the place is free
    };
    struct Block {
        // Those that rule out most in front.
        std::uint32_t first_shared_rows = 0, shared_rows = 0;  ///< fours
        std::uint32_t first_own_rows = 0, own_rows = 0;
        std::uint32_t first_id_rows = 0, id_rows = 0;
        std::uint32_t first_term = 0;
    };
    /// What blocks do about a code slot, or about a set slot.
    struct CodeSummary {
        Cells cells;
        std::uint32_t slot = 0;
        std::uint32_t first_word = 0;  ///< in summary_: a set of blocks for each cell
    };
    struct IdSummary {
        std::uint32_t slot = 0;
        std::uint32_t first_word = 0;  ///< the blocks that want nothing, then those of each id
    };
    struct Halves;

    /// Where the id is, or the free place where it would be.
    static std::uint32_t place_of(Code id, const IdPlace* places, std::uint32_t last) {
        // Neighbours lie far from each other, so that few have the same first place.
        auto place = id * 0x9E3779B9U & last;
        while (places[place].row != 0 && places[place].id != id) place = (place + 1) & last;
        return place;
    }
    void find_cells(const Readings& readings, Matching& into) const;
    void restrict_to(const IdRows& rows, const std::vector<Code>& found, Halves& left) const;
    /// What the rows leave is checked at once, or kept for check_candidates.
    template <bool is_for_later>
    void take(const Block& block, const Readings& readings, Matching& into) const;
    void take_all(std::size_t first, std::uint64_t active, const Readings& readings, Matching& into) const;
    void check_candidates(const Readings& readings, Matching& into) const;

    std::vector<Block> blocks_;
    Rows used_;                 ///< of each block: the bits that stand for terms
    std::vector<Cells> cells_;  ///< of each code slot
    std::vector<Joined> joined_;
    std::vector<Member> members_;
    std::vector<SharedRows> shared_rows_;
    std::vector<OwnRows> own_rows_;
    std::vector<IdRows> id_rows_;
    Rows rows_;
    std::vector<std::uint8_t> direct_;
    std::vector<IdPlace> id_places_;
    CheckedTerms terms_;  ///< checked is what cells are too wide to tell
    std::vector<CodeSummary> code_summaries_;
    std::vector<IdSummary> id_summaries_;
    std::vector<std::uint64_t> summary_;
    std::size_t summary_words_ = 0;  ///< of one set of blocks
};

}  // namespace rules
