#include "engine/store/transfer.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "engine/base/hash.h"

namespace engine {
namespace {

/// In the order of StoredItem.
constexpr std::array<const char*, std::variant_size_v<StoredItem>> kinds{
    "tenants",       "rule sets",     "keys",           "journal rows", "streams",      "past subjects",
    "known events",  "entities",      "pending events", "deliveries",   "dead letters", "timers",
    "blocked lanes", "continuations", "counters",       "requests"};

std::size_t bytes_of_item(const StoredItem& item) {
    constexpr std::size_t others = 1024;
    if (const auto* record = std::get_if<JournalRecord>(&item))
        return record->body ? record->body->size() : 0;
    if (const auto* rules = std::get_if<RuleSetRow>(&item)) {
        std::size_t bytes = 0;
        for (const auto& file : rules->files)
            bytes += file.is_string() ? file.get_ref<const std::string&>().size() : 0;
        return bytes;
    }
    return others;
}

std::string text_of(const StreamRow& row) {
    return row.tenant.text() + " " + row.head.stream + " at " + std::to_string(row.head.seq) + " " +
           to_hex(bytes_of(row.head.hash)) + " after " + std::to_string(row.head.detached_seq) + " " +
           to_hex(bytes_of(row.head.detached_hash));
}

/// Collects items and writes them when there are enough for a transaction.
class Writer {
public:
    Writer(Store& to, const TransferLimits& limits) : to_(to), limits_(limits) {}

    Result<void> take(StoredItem item) {
        bytes_ += bytes_of_item(item);
        census_.take(item);
        items_.push_back(std::move(item));
        return items_.size() >= limits_.items_max || bytes_ >= limits_.bytes_max ? flush() : Result<void>();
    }

    Result<void> flush() {
        if (items_.empty()) return {};
        auto loaded = to_.load(items_);
        if (!loaded) return loaded;
        written_ += items_.size();
        items_.clear();
        bytes_ = 0;
        if (limits_.progress) limits_.progress(written_);
        return loaded;
    }

    Census& census() { return census_; }

private:
    Store& to_;
    const TransferLimits& limits_;
    Census census_;
    std::vector<StoredItem> items_;
    std::size_t bytes_ = 0;
    std::uint64_t written_ = 0;
};

}  // namespace

void Census::take(const StoredItem& item) {
    ++counts[kinds[item.index()]];
    if (const auto* stream = std::get_if<StreamRow>(&item)) heads.push_back(*stream);
}

std::uint64_t Census::items() const {
    std::uint64_t all = 0;
    for (const auto& [kind, count] : counts) all += count;
    return all;
}

std::uint64_t Census::count(const std::string& kind) const {
    const auto found = counts.find(kind);
    return found == counts.end() ? 0 : found->second;
}

std::string Census::difference_to(const Census& other) const {
    for (const auto* kind : kinds)
        if (count(kind) != other.count(kind))
            return std::to_string(count(kind)) + " " + kind + " here, " + std::to_string(other.count(kind)) +
                   " there";
    const auto sorted = [](const std::vector<StreamRow>& heads) {
        std::vector<std::string> texts;
        for (const auto& head : heads) texts.push_back(text_of(head));
        std::sort(texts.begin(), texts.end());
        return texts;
    };
    const auto mine = sorted(heads), theirs = sorted(other.heads);
    for (std::size_t i = 0; i < mine.size(); ++i)
        if (mine[i] != theirs[i]) return "head " + mine[i] + " here, " + theirs[i] + " there";
    return "";
}

Result<Census> transfer(Store& from, Store& to, const TransferLimits& limits) {
    if (auto begun = to.begin_load(from.info()); !begun) return begun.error();
    Writer writer(to, limits);
    const auto dumped = from.dump([&writer](StoredItem item) { return writer.take(std::move(item)); });
    if (!dumped) return dumped.error();
    if (auto flushed = writer.flush(); !flushed) return flushed.error();
    return std::move(writer.census());
}

Result<Census> census_of(Store& store) {
    Census census;
    const auto dumped = store.dump([&census](const StoredItem& item) {
        census.take(item);
        return Result<void>();
    });
    if (!dumped) return dumped.error();
    return census;
}

}  // namespace engine
