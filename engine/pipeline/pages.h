#pragma once
/// Reads what a partition's pending events are, page by page.

#include <cstddef>
#include <utility>

#include "engine/store/store.h"

namespace engine {

inline constexpr std::size_t page_rows = 1'000;

inline bool is_of(const BlockedLane& lane, const Event& event) {
    return event.tenant == lane.tenant && event.subject == lane.subject;
}

/// Gives every pending event of the partition, in order of place; fails as the store fails.
template <class Each>
Result<void> for_each_pending(Store& store, int partition, Each each) {
    std::uint64_t after = 0;
    while (true) {
        auto page = store.pending(partition, after, page_rows);
        if (!page) return page.error();
        for (auto& pending : *page) {
            after = pending.place;
            each(std::move(pending));
        }
        if (page->size() < page_rows) return {};
    }
}

}  // namespace engine
