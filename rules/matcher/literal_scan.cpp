#include "rules/matcher/literal_scan.h"

#include <hs/hs.h>

#include <algorithm>
#include <atomic>

#include "engine/base/ensure.h"

namespace rules {
namespace {

/// Fewer are found faster one by one.
constexpr std::size_t together_min = 4;
/// Hyperscan takes longer ones too, at a price; nobody looks for pages.
constexpr std::size_t literal_bytes_max = 512;

/// Vectorscan 5.4.9, which may stand in for Hyperscan, overlooks some of what ends among the last 30 bytes of
/// a text. Behind as many others they are not the last; no needle has this one, which is no UTF-8.
constexpr std::size_t padding_bytes = 64;
constexpr char padding = '\xFF';

std::atomic<std::uint64_t> databases_made{0};

/// What Hyperscan writes to while it scans: one for each thread, which must fit every database it is used
/// with. Not part of any state: what a scan finds never depends on it.
struct Scratch {
    hs_scratch_t* memory = nullptr;
    std::vector<std::uint64_t> fits;  ///< databases, by number
    std::string padded;               ///< the text and what stands behind it
    ~Scratch() { hs_free_scratch(memory); }
};
thread_local Scratch scratch;

}  // namespace

struct LiteralScan::Database {
    hs_database_t* compiled = nullptr;
    std::uint64_t number = 0;
    ~Database() { hs_free_database(compiled); }

    hs_scratch_t* scratch_of_thread() const {
        auto& fits = scratch.fits;
        if (std::find(fits.begin(), fits.end(), number) != fits.end()) return scratch.memory;
        ENSURE(hs_alloc_scratch(compiled, &scratch.memory) == HS_SUCCESS);
        // Databases come and go with rule sets; numbers of those that went do no harm.
        constexpr std::size_t remembered_max = 64;
        if (fits.size() == remembered_max) fits.clear();
        fits.push_back(number);
        return scratch.memory;
    }
};

LiteralScan::LiteralScan(std::vector<Needle> literals) : literals_(std::move(literals)) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    std::vector<unsigned> flags, numbers;
    for (std::uint32_t i = 0; i < literals_.size(); ++i) {
        const auto& [text, every_place] = literals_[i];
        if (text.size() > literal_bytes_max || literals_.size() < together_min) {
            apart_.push_back(i);
            continue;
        }
        texts.push_back(text.data());
        lengths.push_back(text.size());
        flags.push_back(every_place ? 0 : HS_FLAG_SINGLEMATCH);
        numbers.push_back(i);
    }
    if (texts.empty()) return;
    auto database = std::make_unique<Database>();
    hs_compile_error_t* error = nullptr;
    const auto outcome = hs_compile_lit_multi(texts.data(), flags.data(), numbers.data(), lengths.data(),
                                              static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr,
                                              &database->compiled, &error);
    hs_free_compile_error(error);
    if (outcome != HS_SUCCESS) {
        apart_.insert(apart_.end(), numbers.begin(), numbers.end());
        return;
    }
    database->number = ++databases_made;
    database_ = std::move(database);
}

LiteralScan::~LiteralScan() = default;

std::size_t LiteralScan::bytes() const {
    std::size_t sum = 0;
    if (database_) ENSURE(hs_database_size(database_->compiled, &sum) == HS_SUCCESS);
    for (const auto& needle : literals_) sum += sizeof(Needle) + needle.text.size();
    return sum;
}

void LiteralScan::scan(std::string_view text, Told told, void* context) const {
    for (const auto number : apart_) look_for(number, text, told, context);
    if (!database_ || text.empty()) return;
    struct Call {
        Told told;
        void* context;
        std::size_t end_max;
    } call{told, context, text.size()};
    const auto on_match = [](unsigned number, unsigned long long, unsigned long long end, unsigned,
                             void* of) {
        const auto& [function, argument, end_max] = *static_cast<Call*>(of);
        if (end <= end_max) function(argument, number, static_cast<std::size_t>(end));
        return 0;
    };
    auto& padded = scratch.padded;
    padded.assign(text).append(padding_bytes, padding);
    const auto outcome = hs_scan(database_->compiled, padded.data(), static_cast<unsigned>(padded.size()), 0,
                                 database_->scratch_of_thread(), on_match, &call);
    ENSURE(outcome == HS_SUCCESS);
}

void LiteralScan::look_for(std::uint32_t number, std::string_view text, Told told, void* context) const {
    const auto& [literal, every_place] = literals_[number];
    for (auto at = text.find(literal); at != std::string_view::npos; at = text.find(literal, at + 1)) {
        told(context, number, at + literal.size());
        if (!every_place) return;
    }
}

}  // namespace rules
