#include "rules/matcher/block_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "rules/matcher/block_index_builder.h"

// The rows are as wide as the widest registers of today's processors, so this file's loops are compiled for
// several kinds of them; which one is used is found out at start. Sanitizers cannot live with that.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define SIGNALBOX_WIDE [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define SIGNALBOX_WIDE
#endif

namespace rules {
namespace {

/// Half a row in one register, or in two narrower ones. A whole row as one value would lie on the stack where
/// registers are narrower than that. Rows lie on cache lines, but what is put on a stack need not.
using Half [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = std::uint64_t;

[[gnu::always_inline]] inline bool is_empty(const Half& low, const Half& high) {
    const Half either = low | high;
    const auto two =
        __builtin_shufflevector(either, either, 0, 1) | __builtin_shufflevector(either, either, 2, 3);
    return (two[0] | two[1]) == 0;
}

/// Rows of a block's own that are fetched before it is taken.
constexpr std::size_t rows_ahead = 2;

}  // namespace

struct BlockIndex::Halves {
    Half low, high;

    explicit Halves(const Row& row)
        : low(*reinterpret_cast<const Half*>(row.words)),
          high(*reinterpret_cast<const Half*>(row.words + 4)) {}
    [[gnu::always_inline]] void operator&=(const Halves& other) { low &= other.low, high &= other.high; }
    [[gnu::always_inline]] void operator|=(const Halves& other) { low |= other.low, high |= other.high; }
};

BlockIndex::BlockIndex(std::vector<Constraints> terms, const Slots& slots) {
    BlockIndexBuilder(*this, slots).build(std::move(terms));
}

[[gnu::always_inline]] inline void BlockIndex::restrict_to(const IdRows& rows, const std::vector<Code>& found,
                                                           Halves& left) const {
    const auto* all_rows = rows_.data();
    const auto* places = id_places_.data() + rows.first_place;
    Halves hit(all_rows[rows.wanted ? rows.nothing : 0]);
    for (const auto id : found) hit |= Halves(all_rows[places[place_of(id, places, rows.last_place)].row]);
    if (!rows.wanted) hit.low = ~hit.low, hit.high = ~hit.high;
    left &= hit;
}

template <bool is_for_later>
[[gnu::always_inline]] inline void BlockIndex::take(const Block& block, const Readings& readings,
                                                    Matching& into) const {
    const auto* codes = readings.codes.data();
    const auto* cells = into.cells.data();
    const auto* direct = direct_.data();
    const auto* all_rows = rows_.data();
    Halves lines(used_.data()[&block - blocks_.data()]);
    const auto* own = own_rows_.data() + block.first_own_rows;
    for (const auto* end = own + block.own_rows; own < end; ++own) {
        const auto row = direct[own->first_direct + own->cells.of(codes[own->slot])];
        lines &= Halves(all_rows[own->first_row + row]);
        if (is_empty(lines.low, lines.high)) return;
    }
    const auto* slot = shared_rows_.data() + block.first_shared_rows;
    for (const auto* end = slot + block.shared_rows; slot < end; slot += rows_at_once) {
        for (std::size_t i = 0; i < rows_at_once; ++i)
            lines &= Halves(all_rows[slot[i].first_row + cells[slot[i].place]]);
        if (is_empty(lines.low, lines.high)) return;
    }
    for (std::uint32_t i = 0; i < block.id_rows; ++i) {
        const auto& rows = id_rows_.data()[block.first_id_rows + i];
        restrict_to(rows, readings.found.data()[rows.slot], lines);
    }
    std::uint64_t left[block_words];
    std::memcpy(left, &lines, sizeof left);
    for (std::uint32_t word = 0; word < block_words; ++word)
        for (auto bits = left[word]; bits != 0; bits &= bits - 1) {
            const auto term =
                block.first_term + word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
            if constexpr (is_for_later) {
                terms_.fetch_term(term);
                into.candidates.push_back(term);
            } else if (terms_.passes(term, codes)) {
                into.hits.push_back(terms_.hit(term));
            }
        }
}

/// All that candidates lead to is on its way before the first is looked at.
[[gnu::always_inline]] inline void BlockIndex::check_candidates(const Readings& readings,
                                                                Matching& into) const {
    const auto* codes = readings.codes.data();
    if (into.candidates.size() > 1) {
        for (const auto candidate : into.candidates) terms_.fetch_checks(candidate);
        for (const auto candidate : into.candidates) terms_.fetch_ranges(candidate);
    }
    for (const auto candidate : into.candidates)
        if (terms_.passes(candidate, codes)) into.hits.push_back(terms_.hit(candidate));
    into.candidates.clear();
}

/// What rules out most of a block is two steps away: all blocks take the first before any takes the second.
[[gnu::always_inline]] inline void BlockIndex::take_all(std::size_t first, std::uint64_t active,
                                                        const Readings& readings, Matching& into) const {
    std::uint32_t blocks[64];
    std::uint32_t places[64][rows_ahead];
    std::size_t count = 0;
    for (; active != 0; active &= active - 1) {
        const auto block = first + static_cast<std::size_t>(std::countr_zero(active));
        __builtin_prefetch(own_rows_.data() + blocks_.data()[block].first_own_rows);
        __builtin_prefetch(used_.data() + block);
        blocks[count++] = static_cast<std::uint32_t>(block);
    }
    const auto* codes = readings.codes.data();
    for (std::size_t i = 0; i < count; ++i) {
        const auto& block = blocks_.data()[blocks[i]];
        const auto* own = own_rows_.data() + block.first_own_rows;
        for (std::size_t k = 0; k < rows_ahead && k < block.own_rows; ++k, ++own) {
            places[i][k] = own->first_direct + static_cast<std::uint32_t>(own->cells.of(codes[own->slot]));
            __builtin_prefetch(direct_.data() + places[i][k]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto& block = blocks_.data()[blocks[i]];
        const auto* own = own_rows_.data() + block.first_own_rows;
        for (std::size_t k = 0; k < rows_ahead && k < block.own_rows; ++k, ++own)
            __builtin_prefetch(rows_.data() + own->first_row + direct_.data()[places[i][k]]);
    }
    for (std::size_t i = 0; i < count; ++i) take<true>(blocks_.data()[blocks[i]], readings, into);
}

[[gnu::always_inline]] inline void BlockIndex::find_cells(const Readings& readings, Matching& into) const {
    into.cells.resize(cells_.size() + joined_.size());
    auto* cells = into.cells.data();
    for (std::size_t slot = 0; slot < cells_.size(); ++slot)
        cells[slot] = static_cast<std::uint32_t>(cells_.data()[slot].of(readings.codes.data()[slot]));
    auto* cell = cells + cells_.size();
    for (const auto& joined : joined_) {
        *cell = 0;
        const auto* member = members_.data() + joined.first_member;
        for (const auto* end = member + joined.members; member < end; ++member)
            *cell += cells[member->slot] * member->weight;
        ++cell;
    }
}

SIGNALBOX_WIDE
void BlockIndex::match(const Readings& readings, Matching& into) const {
    if (blocks_.empty()) return;
    find_cells(readings, into);
    if (blocks_.size() <= few_blocks) {
        for (const auto& block : blocks_) take<false>(block, readings, into);
        return;
    }
    // Sets of blocks are few words: 512 blocks are 262,144 terms.
    for (std::size_t word = 0; word < summary_words_; ++word) {
        const auto first = word * 64;
        const auto here = std::min<std::size_t>(blocks_.size() - first, 64);
        auto active = ~std::uint64_t{0} >> (64 - here);
        for (const auto& summary : code_summaries_) {
            const auto cell = summary.cells.of(readings.codes.data()[summary.slot]);
            active &= summary_.data()[summary.first_word + cell * summary_words_ + word];
        }
        for (const auto& summary : id_summaries_) {
            auto some = summary_.data()[summary.first_word + word];
            for (const auto id : readings.found.data()[summary.slot])
                some |= summary_.data()[summary.first_word + (1 + id) * summary_words_ + word];
            active &= some;
        }
        if (active != 0) take_all(first, active, readings, into);
    }
    check_candidates(readings, into);
}

std::size_t BlockIndex::bytes() const {
    const auto of = [](const auto& all) { return all.capacity() * sizeof(all[0]); };
    return of(blocks_) + of(used_) + of(cells_) + of(shared_rows_) + of(own_rows_) + of(id_rows_) +
           of(rows_) + of(direct_) + of(id_places_) + of(joined_) + of(members_) + terms_.bytes() +
           of(code_summaries_) + of(id_summaries_) + of(summary_);
}

}  // namespace rules
