#include "rules/matcher/block_index_builder.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

namespace rules {
namespace {

/// Of a slot: each is a row in every block that asks about it.
constexpr std::size_t shared_cells_max = 64;
/// Of slots that are looked up together.
constexpr std::size_t joined_cells_max = 64;
constexpr std::size_t alone = ~std::size_t{0};
/// Of a block's own and of a summary; a cell's row is a byte.
constexpr std::size_t cells_max = 256;
/// A block gets cells of its own when that leaves so many terms less over.
constexpr double own_cells_gain = 2;

void set_bit(std::uint64_t* words, std::size_t bit) {
    words[bit / 64] |= std::uint64_t{1} << bit % 64;
}

bool is_empty(const std::uint64_t* words, std::size_t count) {
    return std::all_of(words, words + count, [](auto word) { return word == 0; });
}

}  // namespace

void BlockIndexBuilder::build(std::vector<Constraints> all) {
    std::stable_sort(all.begin(), all.end(), [](const Constraints& left, const Constraints& right) {
        return left.order < right.order;
    });
    const auto blocks = (all.size() + BlockIndex::block_bits - 1) / BlockIndex::block_bits;
    index_.summary_words_ = (blocks + 63) / 64;
    add_row(Row());  // the empty one
    divide_slots();
    if (blocks > BlockIndex::few_blocks) join_slots();
    begin_summaries();
    for (std::size_t block = 0; block < blocks; ++block) {
        const auto from = block * BlockIndex::block_bits;
        write(block, Terms(all).subspan(from, std::min(BlockIndex::block_bits, all.size() - from)));
    }
    index_.terms_.close();
    index_.rows_.shrink_to_fit();
    end_summaries();
}

BlockIndexBuilder::Cells BlockIndexBuilder::cells_for(Code first, Code last, std::size_t most) {
    Cells cells;
    cells.first = first;
    cells.span = last - first;
    const auto codes = std::uint64_t{cells.span} + 1;
    cells.scale = (std::min<std::uint64_t>(codes, most) << 32) / codes;
    return cells;
}

/// From the code before the first that makes a difference to the last that does.
BlockIndexBuilder::Cells BlockIndexBuilder::cells_of(const Asked& asked, Code domain) {
    Code first = domain - 1, last = 0;
    for (const auto& [bit, codes] : asked)
        for (const auto& range : codes->ranges()) {
            if (range.first > 0) first = std::min(first, range.first - 1), last = std::max(last, range.first);
            if (range.last < domain - 1)
                first = std::min(first, range.last), last = std::max(last, range.last + 1);
        }
    return first < last ? cells_for(first, last, cells_max) : cells_for(0, 0, 1);
}

void BlockIndexBuilder::divide_slots() {
    joined_with_.assign(slots_.code_slots(), alone);
    for (std::size_t slot = 0; slot < slots_.code_slots(); ++slot)
        index_.cells_.push_back(cells_for(0, slots_.codes_of(slot) - 1, shared_cells_max));
}

/// The largest first, each with as many others as fit.
void BlockIndexBuilder::join_slots() {
    const auto cells_in = [&](std::size_t slot) { return index_.cells_[slot].count(); };
    std::vector<std::size_t> slots(index_.cells_.size());
    std::iota(slots.begin(), slots.end(), std::size_t{0});
    std::stable_sort(slots.begin(), slots.end(),
                     [&](auto one, auto other) { return cells_in(one) > cells_in(other); });
    for (auto first = slots.begin(); first != slots.end(); ++first) {
        if (joined_with_[*first] != alone) continue;
        std::vector<BlockIndex::Member> members{{static_cast<std::uint32_t>(*first), 1}};
        auto cells = cells_in(*first);
        for (auto other = first + 1; other != slots.end(); ++other) {
            if (joined_with_[*other] != alone || cells * cells_in(*other) > joined_cells_max) continue;
            members.push_back({static_cast<std::uint32_t>(*other), static_cast<std::uint32_t>(cells)});
            cells *= cells_in(*other);
        }
        if (members.size() == 1) continue;
        for (const auto& member : members) joined_with_[member.slot] = index_.joined_.size();
        index_.joined_.push_back(
            {static_cast<std::uint32_t>(index_.members_.size()), static_cast<std::uint32_t>(members.size())});
        index_.members_.insert(index_.members_.end(), members.begin(), members.end());
    }
}

void BlockIndexBuilder::begin_summaries() {
    const auto words = index_.summary_words_;
    for (std::size_t slot = 0; slot < slots_.code_slots(); ++slot) {
        const auto cells = cells_for(0, slots_.codes_of(slot) - 1, cells_max);
        index_.code_summaries_.push_back(
            {cells, static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(index_.summary_.size())});
        index_.summary_.resize(index_.summary_.size() + cells.count() * words);
    }
    for (std::size_t slot = 0; slot < slots_.set_slots(); ++slot) {
        index_.id_summaries_.push_back(
            {static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(index_.summary_.size())});
        index_.summary_.resize(index_.summary_.size() + (1 + slots_.ids_of(slot)) * words);
    }
}

/// A slot that never rules a block out need not be asked.
void BlockIndexBuilder::end_summaries() {
    const auto words = index_.summary_words_;
    const auto all_blocks = [&](std::size_t first_word, std::size_t entries) {
        for (std::size_t i = 0; i < entries * words; ++i) {
            const auto first = i % words * 64;
            const auto blocks = std::min<std::size_t>(index_.blocks_.size() - first, 64);
            if (index_.summary_[first_word + i] != ~std::uint64_t{0} >> (64 - blocks)) return false;
        }
        return true;
    };
    std::erase_if(index_.code_summaries_,
                  [&](const auto& one) { return all_blocks(one.first_word, one.cells.count()); });
    std::erase_if(index_.id_summaries_, [&](const auto& one) { return all_blocks(one.first_word, 1); });
}

void BlockIndexBuilder::write(std::size_t number, Terms terms) {
    BlockIndex::Block block;
    block.first_term = static_cast<std::uint32_t>(index_.terms_.size());
    Row used;
    for (std::size_t bit = 0; bit < terms.size(); ++bit) set_bit(used.words, bit);
    index_.used_.push_back(used);
    unsure_.assign(terms.size(), {});
    write_code_slots(block, number, terms);
    block.first_id_rows = static_cast<std::uint32_t>(index_.id_rows_.size());
    write_set_slots(number, terms, true);
    write_set_slots(number, terms, false);
    block.id_rows = static_cast<std::uint32_t>(index_.id_rows_.size()) - block.first_id_rows;
    write_checks(terms);
    index_.blocks_.push_back(block);
}

void BlockIndexBuilder::write_code_slots(BlockIndex::Block& block, std::size_t number, Terms terms) {
    std::vector<Asked> asked(slots_.code_slots());
    for (std::size_t bit = 0; bit < terms.size(); ++bit)
        for (const auto& [slot, codes] : terms[bit].codes) asked[slot].emplace_back(bit, &codes);
    std::vector<Rows> shared, own;
    for (std::size_t slot = 0; slot < asked.size(); ++slot) {
        const auto& summary = index_.code_summaries_[slot];
        if (asked[slot].empty()) {
            for (std::size_t cell = 0; cell < summary.cells.count(); ++cell)
                mark(summary.first_word, cell, number);
            continue;
        }
        auto common = rows_in(slot, index_.cells_[slot], asked[slot], terms.size());
        auto narrow = rows_in(slot, cells_of(asked[slot], slots_.codes_of(slot)), asked[slot], terms.size());
        summarise(number, narrow);
        const bool wants_own = common.left_over > narrow.left_over + own_cells_gain;
        need_checks(slot, wants_own ? narrow.cells : common.cells, asked[slot]);
        (wants_own ? own : shared).push_back(std::move(wants_own ? narrow : common));
    }
    join(shared);
    std::vector<double> chances(terms.size(), 1);
    put_in_order(own, chances);
    put_in_order(shared, chances);
    write_own(block, own);
    write_shared(block, shared);
}

/// What the block asks of slots that are looked up together becomes one look-up.
void BlockIndexBuilder::join(std::vector<Rows>& all) const {
    std::vector<std::vector<Rows>> by_group(index_.joined_.size());
    std::vector<Rows> result;
    for (auto& rows : all) {
        const auto group = joined_with_[rows.place];
        (group == alone ? result : by_group[group]).push_back(std::move(rows));
    }
    for (std::size_t group = 0; group < by_group.size(); ++group) {
        auto& some = by_group[group];
        if (some.size() > 1)
            result.push_back(product(group, some));
        else
            std::move(some.begin(), some.end(), std::back_inserter(result));
    }
    all = std::move(result);
}

BlockIndexBuilder::Rows BlockIndexBuilder::product(std::size_t group, const std::vector<Rows>& some) const {
    const auto& joined = index_.joined_[group];
    const auto members = std::span(index_.members_).subspan(joined.first_member, joined.members);
    const auto cells_in = [&](const BlockIndex::Member& one) { return index_.cells_[one.slot].count(); };
    Rows made = some.front();
    made.place = index_.cells_.size() + group;
    made.rows.assign(members.back().weight * cells_in(members.back()), index_.used_.back());
    for (const auto& rows : some) {
        const auto member = std::find_if(members.begin(), members.end(),
                                         [&](const auto& one) { return one.slot == rows.place; });
        for (std::size_t cell = 0; cell < made.rows.size(); ++cell)
            for (std::size_t word = 0; word < BlockIndex::block_words; ++word)
                made.rows[cell].words[word] &=
                    rows.rows[cell / member->weight % cells_in(*member)].words[word];
        if (&rows == &some.front()) continue;
        for (std::size_t bit = 0; bit < made.shares.size(); ++bit) made.shares[bit] *= rows.shares[bit];
    }
    return made;
}

/// In front what leaves fewest terms over of those that the rows before it do, which left each with a chance.
void BlockIndexBuilder::put_in_order(std::vector<Rows>& all, std::vector<double>& chances) {
    for (auto place = all.begin(); place != all.end(); ++place) {
        const auto left = [&](const Rows& rows) {
            return std::inner_product(chances.begin(), chances.end(), rows.shares.begin(), 0.0);
        };
        std::iter_swap(place, std::min_element(place, all.end(), [&](const Rows& one, const Rows& other) {
                           return left(one) < left(other);
                       }));
        for (std::size_t bit = 0; bit < chances.size(); ++bit) chances[bit] *= place->shares[bit];
    }
}

BlockIndexBuilder::Rows BlockIndexBuilder::rows_in(std::size_t slot, const Cells& cells, const Asked& asked,
                                                   std::size_t bits) const {
    const auto last_cell = cells.count() - 1;
    // Each row first holds what turns at its cell.
    Rows made{slot, cells, std::vector<Row>(last_cell + 1), 0, {}};
    auto& rows = made.rows;
    const auto turn = [&](std::size_t cell, std::size_t bit) {
        rows[cell].words[bit / 64] ^= std::uint64_t{1} << bit % 64;
    };
    made.shares.assign(bits, 1);
    std::vector<bool> asks(bits);
    for (const auto& [bit, codes] : asked) {
        asks[bit] = true;
        made.shares[bit] = share_of(*codes, slots_.codes_of(slot));
        std::size_t next = 0;  // the first cell that the ranges so far do not reach
        for (const auto& range : codes->ranges()) {
            const auto from = std::max(cells.of(range.first), next);
            const auto to = cells.of(range.last);
            if (from > to) continue;
            turn(from, bit);
            if (to < last_cell) turn(to + 1, bit);
            next = to + 1;
        }
    }
    for (std::size_t bit = 0; bit < bits; ++bit)
        if (!asks[bit]) turn(0, bit);
    for (std::size_t cell = 1; cell <= last_cell; ++cell)
        for (std::size_t word = 0; word < BlockIndex::block_words; ++word)
            rows[cell].words[word] ^= rows[cell - 1].words[word];
    made.left_over = left_over(made, slots_.codes_of(slot));
    return made;
}

/// As if all codes were equally frequent: on a recorded day a sample of it served no better.
double BlockIndexBuilder::left_over(const Rows& rows, Code domain) {
    const auto& cells = rows.cells;
    const auto bits = [&](std::size_t cell) {
        double sum = 0;
        for (const auto word : rows.rows[cell].words) sum += std::popcount(word);
        return sum;
    };
    // The codes in front of the first and behind the last count as these do.
    const double in_front = cells.first, behind = domain - 1.0 - cells.first - cells.span;
    double inside = 0;
    for (std::size_t cell = 0; cell < rows.rows.size(); ++cell) inside += bits(cell);
    inside *= (cells.span + 1.0) / static_cast<double>(rows.rows.size());
    return (bits(0) * in_front + inside + bits(rows.rows.size() - 1) * behind) / domain;
}

void BlockIndexBuilder::write_shared(BlockIndex::Block& block, const std::vector<Rows>& all) {
    auto& shared = index_.shared_rows_;
    block.first_shared_rows = static_cast<std::uint32_t>(shared.size());
    for (const auto& one : all) {
        shared.push_back(
            {static_cast<std::uint32_t>(one.place), static_cast<std::uint32_t>(index_.rows_.size())});
        index_.rows_.insert(index_.rows_.end(), one.rows.begin(), one.rows.end());
    }
    while (shared.size() % BlockIndex::rows_at_once != 0)
        shared.push_back(shared.back());  // once more changes nothing
    block.shared_rows = static_cast<std::uint32_t>(shared.size()) - block.first_shared_rows;
}

/// Neighbours that are alike are kept once.
void BlockIndexBuilder::write_own(BlockIndex::Block& block, const std::vector<Rows>& all) {
    block.first_own_rows = static_cast<std::uint32_t>(index_.own_rows_.size());
    block.own_rows = static_cast<std::uint32_t>(all.size());
    for (const auto& [slot, cells, rows, left_over, shares] : all) {
        index_.own_rows_.push_back({cells, static_cast<std::uint32_t>(slot),
                                    static_cast<std::uint32_t>(index_.direct_.size()),
                                    static_cast<std::uint32_t>(index_.rows_.size())});
        std::uint8_t kept = 0;
        for (std::size_t cell = 0; cell < rows.size(); ++cell) {
            if (cell == 0 || rows[cell] != rows[cell - 1]) {
                if (cell > 0) ++kept;
                index_.rows_.push_back(rows[cell]);
            }
            index_.direct_.push_back(kept);
        }
    }
}

void BlockIndexBuilder::need_checks(std::size_t slot, const Cells& cells, const Asked& asked) {
    const auto domain = slots_.codes_of(slot);
    const auto splits = [&](Code before) { return cells.of(before) == cells.of(before + 1); };
    for (const auto& [bit, codes] : asked)
        for (const auto& range : codes->ranges()) {
            if ((range.first > 0 && splits(range.first - 1)) ||
                (range.last < domain - 1 && splits(range.last))) {
                unsure_[bit].push_back(slot);
                break;
            }
        }
}

void BlockIndexBuilder::write_checks(Terms terms) {
    std::vector<CheckedTerms::Asked> checks;
    for (std::size_t bit = 0; bit < terms.size(); ++bit) {
        checks.clear();
        for (const auto slot : unsure_[bit]) {
            const auto codes = std::find_if(terms[bit].codes.begin(), terms[bit].codes.end(),
                                            [slot](const auto& one) { return one.first == slot; });
            checks.emplace_back(slot, &codes->second);
        }
        index_.terms_.add(terms[bit].rule, terms[bit].exact, checks);
    }
}

/// Marks the block for every cell of the summary in which one of its rows is not empty.
void BlockIndexBuilder::summarise(std::size_t number, const Rows& narrow) {
    const auto& [slot, cells, rows, left_over, shares] = narrow;
    const auto& summary = index_.code_summaries_[slot];
    const auto cells_in_all = summary.cells.count();
    const std::uint64_t codes = std::uint64_t{summary.cells.span} + 1;
    std::vector<bool> lives(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        lives[i] = !is_empty(rows[i].words, BlockIndex::block_words);
    // The codes of a cell of the summary are a stretch; so are the block's cells that it reaches.
    Code from = 0;
    for (std::size_t cell = 0; cell < cells_in_all; ++cell) {
        auto to =
            static_cast<Code>(std::min<std::uint64_t>(((cell + 1) << 32) / summary.cells.scale, codes - 1));
        while (to > from && summary.cells.of(to) > cell) --to;
        while (to + std::uint64_t{1} < codes && summary.cells.of(to + 1) == cell) ++to;
        const auto first = cells.of(from), last = cells.of(to);
        if (std::find(lives.begin() + static_cast<std::ptrdiff_t>(first),
                      lives.begin() + static_cast<std::ptrdiff_t>(last) + 1,
                      true) != lives.begin() + static_cast<std::ptrdiff_t>(last) + 1)
            mark(summary.first_word, cell, number);
        from = to + 1;
    }
}

void BlockIndexBuilder::write_set_slots(std::size_t number, Terms terms, bool wanted) {
    std::vector<std::map<Code, Row>> by_id(slots_.set_slots());
    std::vector<Row> asks(slots_.set_slots());
    for (std::size_t bit = 0; bit < terms.size(); ++bit)
        for (const auto& [slot, ids] : wanted ? terms[bit].wanted : terms[bit].unwanted) {
            set_bit(asks[slot].words, bit);
            for (const auto id : ids) set_bit(by_id[slot][id].words, bit);
        }
    for (std::size_t slot = 0; slot < by_id.size(); ++slot) {
        Row nothing = index_.used_.back();
        for (std::size_t i = 0; i < BlockIndex::block_words; ++i) nothing.words[i] &= ~asks[slot].words[i];
        const auto first_word = index_.id_summaries_[slot].first_word;
        if (wanted && !is_empty(nothing.words, BlockIndex::block_words)) mark(first_word, 0, number);
        if (by_id[slot].empty()) continue;
        BlockIndex::IdRows rows;
        rows.slot = static_cast<std::uint32_t>(slot);
        rows.wanted = wanted;
        rows.nothing = add_row(nothing);
        rows.first_place = static_cast<std::uint32_t>(index_.id_places_.size());
        rows.last_place = static_cast<std::uint32_t>(std::bit_ceil(4 * by_id[slot].size())) - 1;
        index_.id_places_.resize(rows.first_place + rows.last_place + std::size_t{1});
        auto* places = index_.id_places_.data() + rows.first_place;
        for (const auto& [id, row] : by_id[slot]) {
            places[BlockIndex::place_of(id, places, rows.last_place)] = {id, add_row(row)};
            if (wanted) mark(first_word, 1 + id, number);
        }
        index_.id_rows_.push_back(rows);
    }
}

std::uint32_t BlockIndexBuilder::add_row(const Row& row) {
    index_.rows_.push_back(row);
    return static_cast<std::uint32_t>(index_.rows_.size()) - 1;
}

void BlockIndexBuilder::mark(std::size_t first_word, std::size_t entry, std::size_t block) {
    set_bit(&index_.summary_[first_word + entry * index_.summary_words_], block);
}

}  // namespace rules
