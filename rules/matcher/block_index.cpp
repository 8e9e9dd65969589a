#include "rules/matcher/block_index.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <utility>

#include "engine/base/ensure.h"

namespace rules {
namespace {

constexpr std::size_t bits_per_word = 64;
/// With so few codes each has a byte that says its row.
constexpr Code direct_codes_max = 256;
constexpr std::uint32_t cells_max = 1024;

void set_bit(std::uint64_t* words, std::size_t bit) {
    words[bit / bits_per_word] |= std::uint64_t{1} << bit % bits_per_word;
}

/// What a term asks, one constraint a slot.
struct Constraints {
    std::uint32_t rule = 0;
    bool exact = true;
    std::vector<std::pair<std::size_t, CodeSet>> codes;             ///< by slot
    std::vector<std::pair<std::size_t, std::vector<Code>>> wanted;  ///< by slot: one of the ids
    std::vector<std::pair<std::size_t, std::vector<Code>>> unwanted;
    std::vector<std::uint64_t> order;  ///< what the term is clustered by
};

/// The share of the codes that a set leaves, as if all were equally frequent.
double share_of(const CodeSet& codes, Code domain) {
    double count = 0;
    for (const auto& range : codes.ranges()) {
        const auto last = std::min(range.last, domain - 1);
        if (last >= range.first) count += last - range.first + 1.0;
    }
    return count / domain;
}

}  // namespace

/// Makes the index: one block after another.
class BlockIndex::Builder {
public:
    Builder(BlockIndex& index, const Slots& slots) : index_(index), slots_(slots) {}

    void build(std::vector<IndexedTerm> terms) {
        for (auto& term : terms) add(std::move(term));
        std::stable_sort(all_.begin(), all_.end(), [](const Constraints& left, const Constraints& right) {
            return left.order < right.order;
        });
        const auto blocks = (all_.size() + block_bits - 1) / block_bits;
        index_.summary_words_ = (blocks + bits_per_word - 1) / bits_per_word;
        begin_summaries();
        for (std::size_t block = 0; block < blocks; ++block) {
            const auto from = block * block_bits;
            const auto count = std::min(block_bits, all_.size() - from);
            write(block, std::span(all_).subspan(from, count));
        }
    }

private:
    void add(IndexedTerm term) {
        Constraints constraints{term.rule, term.exact, {}, {}, {}, {}};
        for (auto& demand : term.demands)
            if (!merge(constraints, std::move(demand))) return;  // it can never hold
        rank(constraints);
        all_.push_back(std::move(constraints));
    }

    static bool merge(Constraints& into, Demand demand) {
        if (demand.kind == Demand::Kind::codes) {
            const auto known = std::find_if(into.codes.begin(), into.codes.end(),
                                            [&](const auto& one) { return one.first == demand.slot; });
            if (known == into.codes.end()) {
                into.codes.emplace_back(demand.slot, std::move(demand.codes));
                return !into.codes.back().second.empty();
            }
            known->second = known->second.intersected(demand.codes);
            return !known->second.empty();
        }
        const bool wanted = demand.kind == Demand::Kind::found;
        auto& sets = wanted ? into.wanted : into.unwanted;
        const auto known =
            std::find_if(sets.begin(), sets.end(), [&](const auto& one) { return one.first == demand.slot; });
        if (known == sets.end()) {
            if (wanted && demand.ids.empty()) return false;
            sets.emplace_back(demand.slot, std::move(demand.ids));
        } else if (!wanted) {
            known->second.insert(known->second.end(), demand.ids.begin(), demand.ids.end());
        } else {
            // One of the two goes into the index; the other is looked at when it leads here.
            into.exact = false;
            if (demand.ids.size() < known->second.size()) known->second = std::move(demand.ids);
        }
        return true;
    }

    /// Terms that ask the same of what rules out most come to stand together.
    void rank(Constraints& term) const {
        struct Ranked {
            double share;
            std::uint64_t key;
        };
        std::vector<Ranked> ranked;
        const auto key = [](bool is_set, std::size_t slot, Code code) {
            return std::uint64_t{is_set} << 63 | std::uint64_t{slot} << 32 | code;
        };
        for (const auto& [slot, codes] : term.codes)
            ranked.push_back(
                {share_of(codes, slots_.codes_of(slot)), key(false, slot, codes.ranges()[0].first)});
        for (const auto& [slot, ids] : term.wanted)
            ranked.push_back({static_cast<double>(ids.size()) / slots_.ids_of(slot),
                              key(true, slot, *std::min_element(ids.begin(), ids.end()))});
        std::stable_sort(ranked.begin(), ranked.end(),
                         [](const Ranked& left, const Ranked& right) { return left.share < right.share; });
        constexpr std::size_t clustered_by = 3;
        for (std::size_t i = 0; i < std::min(clustered_by, ranked.size()); ++i)
            term.order.push_back(ranked[i].key);
    }

    void begin_summaries() {
        const auto words = index_.summary_words_;
        for (std::size_t slot = 0; slot < slots_.code_slots(); ++slot) {
            const auto codes = slots_.codes_of(slot);
            const auto cells = std::min<std::uint32_t>(codes, cells_max);
            index_.code_summaries_.push_back({static_cast<std::uint32_t>(slot), cells, codes,
                                              static_cast<std::uint32_t>(index_.summary_.size())});
            index_.summary_.resize(index_.summary_.size() + cells * words);
        }
        for (std::size_t slot = 0; slot < slots_.set_slots(); ++slot) {
            index_.id_summaries_.push_back(
                {static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(index_.summary_.size())});
            index_.summary_.resize(index_.summary_.size() + (1 + slots_.ids_of(slot)) * words);
        }
    }

    void write(std::size_t number, std::span<const Constraints> terms) {
        Block block;
        block.first_bit = static_cast<std::uint32_t>(index_.rule_of_bit_.size());
        block.bits = static_cast<std::uint32_t>(terms.size());
        for (std::size_t bit = 0; bit < terms.size(); ++bit) {
            index_.rule_of_bit_.push_back(terms[bit].rule);
            if (terms[bit].exact) set_bit(block.exact.words, bit);
        }
        block.first_code_rows = static_cast<std::uint32_t>(index_.code_rows_.size());
        write_code_slots(number, terms);
        block.code_rows = static_cast<std::uint32_t>(index_.code_rows_.size()) - block.first_code_rows;
        block.first_id_rows = static_cast<std::uint32_t>(index_.id_rows_.size());
        write_set_slots(number, terms, true);
        write_set_slots(number, terms, false);
        block.id_rows = static_cast<std::uint32_t>(index_.id_rows_.size()) - block.first_id_rows;
        index_.blocks_.push_back(block);
    }

    void write_code_slots(std::size_t number, std::span<const Constraints> terms) {
        struct Written {
            CodeRows rows;
            double share = 0;
        };
        std::vector<Written> written;
        for (std::size_t slot = 0; slot < slots_.code_slots(); ++slot) {
            std::vector<std::pair<std::size_t, const CodeSet*>> asked;  // bit, codes
            for (std::size_t bit = 0; bit < terms.size(); ++bit)
                for (const auto& [of, codes] : terms[bit].codes)
                    if (of == slot && !codes.is_all()) asked.emplace_back(bit, &codes);
            if (asked.empty()) {
                summarise_all(number, slot);
                continue;
            }
            double share = static_cast<double>(terms.size() - asked.size());
            for (const auto& [bit, codes] : asked) share += share_of(*codes, slots_.codes_of(slot));
            written.push_back({write_stretches(number, slot, asked, terms.size()), share});
        }
        std::stable_sort(written.begin(), written.end(),
                         [](const Written& left, const Written& right) { return left.share < right.share; });
        for (const auto& one : written) index_.code_rows_.push_back(one.rows);
    }

    /// A row for each stretch of codes on which the same terms are left.
    CodeRows write_stretches(std::size_t number, std::size_t slot,
                             const std::vector<std::pair<std::size_t, const CodeSet*>>& asked,
                             std::size_t bits) {
        const auto domain = slots_.codes_of(slot);
        std::vector<Code> starts;
        for (const auto& [bit, codes] : asked)
            for (const auto& range : codes->ranges()) {
                if (range.first > 0) starts.push_back(range.first);
                if (range.last < domain - 1) starts.push_back(range.last + 1);
            }
        std::sort(starts.begin(), starts.end());
        starts.erase(std::unique(starts.begin(), starts.end()), starts.end());

        CodeRows rows;
        rows.slot = static_cast<std::uint32_t>(slot);
        rows.first_row = static_cast<std::uint32_t>(index_.rows_.size());
        // Each row first holds what turns at its start.
        std::vector<Row> turns(starts.size() + 1);
        const auto stretch_at = [&](Code code) {
            return static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), code) -
                                            starts.begin());
        };
        const auto turn = [&](std::size_t stretch, std::size_t bit) {
            turns[stretch].words[bit / bits_per_word] ^= std::uint64_t{1} << bit % bits_per_word;
        };
        std::vector<bool> asks(bits);
        for (const auto& [bit, codes] : asked) {
            asks[bit] = true;
            for (const auto& range : codes->ranges()) {
                if (range.first >= domain) continue;
                turn(stretch_at(range.first), bit);
                if (range.last < domain - 1) turn(stretch_at(range.last + 1), bit);
            }
        }
        for (std::size_t bit = 0; bit < bits; ++bit)
            if (!asks[bit]) turn(0, bit);
        for (std::size_t i = 1; i < turns.size(); ++i)
            for (std::size_t word = 0; word < block_bits / bits_per_word; ++word)
                turns[i].words[word] ^= turns[i - 1].words[word];
        index_.rows_.insert(index_.rows_.end(), turns.begin(), turns.end());
        summarise(number, slot, starts, turns);

        rows.direct = domain <= direct_codes_max;
        if (rows.direct) {
            rows.first_direct = static_cast<std::uint32_t>(index_.direct_.size());
            for (Code code = 0; code < domain; ++code)
                index_.direct_.push_back(static_cast<std::uint8_t>(stretch_at(code)));
        } else {
            rows.first_bound = static_cast<std::uint32_t>(index_.bounds_.size());
            rows.bounds = static_cast<std::uint32_t>(starts.size());
            index_.bounds_.insert(index_.bounds_.end(), starts.begin(), starts.end());
        }
        return rows;
    }

    void summarise_all(std::size_t number, std::size_t slot) {
        const auto& summary = index_.code_summaries_[slot];
        for (std::uint32_t cell = 0; cell < summary.cells; ++cell) mark(summary.first_word, cell, number);
    }

    void summarise(std::size_t number, std::size_t slot, const std::vector<Code>& starts,
                   const std::vector<Row>& rows) {
        const auto& summary = index_.code_summaries_[slot];
        for (std::size_t stretch = 0; stretch < rows.size(); ++stretch) {
            const auto& words = rows[stretch].words;
            if (std::all_of(std::begin(words), std::end(words), [](auto word) { return word == 0; }))
                continue;
            const Code first = stretch == 0 ? 0 : starts[stretch - 1];
            const Code last = stretch < starts.size() ? starts[stretch] - 1 : summary.codes - 1;
            for (auto cell = index_.cell_of(summary, first); cell <= index_.cell_of(summary, last); ++cell)
                mark(summary.first_word, cell, number);
        }
    }

    void mark(std::size_t first_word, std::size_t entry, std::size_t block) {
        set_bit(&index_.summary_[first_word + entry * index_.summary_words_], block);
    }

    void write_set_slots(std::size_t number, std::span<const Constraints> terms, bool wanted) {
        for (std::size_t slot = 0; slot < slots_.set_slots(); ++slot) {
            std::map<Code, Row> by_id;
            Row nothing;
            bool asks_nothing = false;
            for (std::size_t bit = 0; bit < terms.size(); ++bit) {
                const auto& sets = wanted ? terms[bit].wanted : terms[bit].unwanted;
                const auto mine = std::find_if(sets.begin(), sets.end(),
                                               [slot](const auto& one) { return one.first == slot; });
                if (mine == sets.end()) {
                    asks_nothing = true;
                    set_bit(nothing.words, bit);
                    continue;
                }
                for (const auto id : mine->second) set_bit(by_id[id].words, bit);
            }
            const auto first_word = index_.id_summaries_[slot].first_word;
            if (wanted && asks_nothing) mark(first_word, 0, number);
            if (by_id.empty()) continue;
            IdRows rows;
            rows.slot = static_cast<std::uint32_t>(slot);
            rows.first_id = static_cast<std::uint32_t>(index_.ids_.size());
            rows.ids = static_cast<std::uint32_t>(by_id.size());
            rows.first_row = static_cast<std::uint32_t>(index_.rows_.size());
            rows.wanted = wanted;
            index_.rows_.push_back(nothing);
            for (const auto& [id, row] : by_id) {
                index_.ids_.push_back(id);
                index_.rows_.push_back(row);
                if (wanted) mark(first_word, 1 + id, number);
            }
            index_.id_rows_.push_back(rows);
        }
    }

    BlockIndex& index_;
    const Slots& slots_;
    std::vector<Constraints> all_;
};

BlockIndex::BlockIndex(std::vector<IndexedTerm> terms, const Slots& slots) {
    Builder(*this, slots).build(std::move(terms));
}

std::size_t BlockIndex::cell_of(const CodeSummary& summary, Code code) const {
    if (summary.cells == summary.codes) return code;
    return static_cast<std::size_t>(std::uint64_t{code} * summary.cells / summary.codes);
}

const BlockIndex::Row& BlockIndex::row_of(const CodeRows& rows, Code code) const {
    if (rows.direct) return rows_[rows.first_row + direct_[rows.first_direct + code]];
    const auto* bounds = bounds_.data() + rows.first_bound;
    return rows_[rows.first_row +
                 static_cast<std::size_t>(std::upper_bound(bounds, bounds + rows.bounds, code) - bounds)];
}

/// False when nothing is left.
bool BlockIndex::restrict_to(const IdRows& rows, const std::vector<Code>& found, Row& left) const {
    constexpr auto words = block_bits / bits_per_word;
    const auto* ids = &ids_[rows.first_id];
    Row hit = rows.wanted ? rows_[rows.first_row] : Row();
    for (const auto id : found) {
        const auto* place = std::lower_bound(ids, ids + rows.ids, id);
        if (place == ids + rows.ids || *place != id) continue;
        const auto& row = rows_[rows.first_row + 1 + static_cast<std::size_t>(place - ids)];
        for (std::size_t i = 0; i < words; ++i) hit.words[i] |= row.words[i];
    }
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < words; ++i) {
        left.words[i] &= rows.wanted ? hit.words[i] : ~hit.words[i];
        any |= left.words[i];
    }
    return any != 0;
}

void BlockIndex::take(const Block& block, const Readings& readings, std::vector<Hit>& hits) const {
    constexpr auto words = block_bits / bits_per_word;
    Row left;
    for (std::size_t i = 0; i < words; ++i) {
        const auto from = i * bits_per_word;
        if (block.bits >= from + bits_per_word)
            left.words[i] = ~std::uint64_t{0};
        else if (block.bits > from)
            left.words[i] = (std::uint64_t{1} << (block.bits - from)) - 1;
    }
    for (std::uint32_t i = 0; i < block.code_rows; ++i) {
        const auto& rows = code_rows_[block.first_code_rows + i];
        const auto& row = row_of(rows, readings.codes[rows.slot]);
        std::uint64_t any = 0;
        for (std::size_t word = 0; word < words; ++word) any |= left.words[word] &= row.words[word];
        if (any == 0) return;
    }
    for (std::uint32_t i = 0; i < block.id_rows; ++i) {
        const auto& rows = id_rows_[block.first_id_rows + i];
        if (!restrict_to(rows, readings.found[rows.slot], left)) return;
    }
    for (std::size_t word = 0; word < words; ++word)
        for (auto bits = left.words[word]; bits != 0; bits &= bits - 1) {
            const auto bit = word * bits_per_word + static_cast<std::size_t>(std::countr_zero(bits));
            const bool exact = (block.exact.words[word] & (bits & -bits)) != 0;
            hits.push_back({rule_of_bit_[block.first_bit + bit], exact});
        }
}

void BlockIndex::match(const Readings& readings, std::vector<Hit>& hits) const {
    // Sets of blocks are few words: 512 blocks are 262,144 terms.
    for (std::size_t word = 0; word < summary_words_; ++word) {
        auto active = ~std::uint64_t{0};
        for (const auto& summary : code_summaries_) {
            const auto cell = cell_of(summary, readings.codes[summary.slot]);
            active &= summary_[summary.first_word + cell * summary_words_ + word];
        }
        for (const auto& summary : id_summaries_) {
            auto some = summary_[summary.first_word + word];
            for (const auto id : readings.found[summary.slot])
                some |= summary_[summary.first_word + (1 + id) * summary_words_ + word];
            active &= some;
        }
        for (; active != 0; active &= active - 1)
            take(blocks_[word * bits_per_word + static_cast<std::size_t>(std::countr_zero(active))], readings,
                 hits);
    }
}

std::size_t BlockIndex::bytes() const {
    const auto of = [](const auto& all) { return all.capacity() * sizeof(all[0]); };
    return of(blocks_) + of(code_rows_) + of(id_rows_) + of(rows_) + of(bounds_) + of(direct_) + of(ids_) +
           of(rule_of_bit_) + of(code_summaries_) + of(id_summaries_) + of(summary_);
}

}  // namespace rules
