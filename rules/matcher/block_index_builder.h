#pragma once
/// Makes a block index: one block after another.

#include <span>
#include <vector>

#include "rules/matcher/block_index.h"
#include "rules/matcher/constraints.h"

namespace rules {

class BlockIndexBuilder {
public:
    BlockIndexBuilder(BlockIndex& index, const Slots& slots) : index_(index), slots_(slots) {}
    void build(std::vector<Constraints> terms);

private:
    using Row = BlockIndex::Row;
    using Cells = BlockIndex::Cells;
    using Terms = std::span<const Constraints>;
    /// A term's bit, and the codes it asks for.
    using Asked = std::vector<std::pair<std::size_t, const CodeSet*>>;
    /// A slot's rows in some cells, one for each, or those of slots that are looked up together.
    struct Rows {
        std::size_t place = 0;  ///< of the slot, or behind all slots that of those joined
        Cells cells;
        std::vector<Row> rows;
        double left_over = 0;        ///< terms that they leave on the average over all codes
        std::vector<double> shares;  ///< of the codes, by the term's bit: those that leave it
    };

    static Cells cells_for(Code first, Code last, std::size_t cells_max);
    static Cells cells_of(const Asked& asked, Code domain);
    void divide_slots();
    void join_slots();
    void begin_summaries();
    void end_summaries();
    void write(std::size_t number, Terms terms);
    void write_code_slots(BlockIndex::Block& block, std::size_t number, Terms terms);
    Rows rows_in(std::size_t slot, const Cells& cells, const Asked& asked, std::size_t bits) const;
    static double left_over(const Rows& rows, Code domain);
    void join(std::vector<Rows>& all) const;
    Rows product(std::size_t group, const std::vector<Rows>& some) const;
    static void put_in_order(std::vector<Rows>& all, std::vector<double>& chances);
    void write_shared(BlockIndex::Block& block, const std::vector<Rows>& all);
    void write_own(BlockIndex::Block& block, const std::vector<Rows>& all);
    void need_checks(std::size_t slot, const Cells& cells, const Asked& asked);
    void write_checks(Terms terms);
    void summarise(std::size_t number, const Rows& rows);
    void write_set_slots(std::size_t number, Terms terms, bool wanted);
    std::uint32_t add_row(const Row& row);
    void mark(std::size_t first_word, std::size_t entry, std::size_t block);

    BlockIndex& index_;
    const Slots& slots_;
    std::vector<std::size_t> joined_with_;          ///< of each slot: the place in joined_
    std::vector<std::vector<std::size_t>> unsure_;  ///< of each bit of the block: slots with too wide cells
};

}  // namespace rules
