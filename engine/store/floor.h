#pragma once
/// What the floors of all backends are told: the rows of an event, and how many.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/hash.h"

namespace engine {

/// Sizes in bytes of what an event leaves behind.
struct RowSizes {
    std::size_t event = 0;      ///< body of the event's journal row
    std::size_t decision = 0;   ///< of the decision's
    std::size_t delivered = 0;  ///< of the delivery's
    std::size_t outbox = 0;     ///< body of the outbox row
    std::size_t fields = 0;     ///< of the entity
    std::size_t meta = 0;
    std::size_t subject = 0;
    std::size_t event_id = 0;
};

struct FloorOptions {
    RowSizes sizes;
    std::size_t events = 0;
    std::size_t lanes = 1;
    std::size_t events_per_commit = 100;
    int partitions = 16;
    std::size_t cache_bytes = 16u * 1024 * 1024;
};

/// Texts and bytes like those of an event's rows, so that none has to be made while the time runs.
class FloorRows {
public:
    explicit FloorRows(const FloorOptions& options)
        : options_(options), noise_(random_bytes(noise_bytes)), text_(longest(options.sizes), 'x') {}

    std::string_view text(std::size_t length) const { return std::string_view(text_).substr(0, length); }
    /// At most 64 bytes.
    std::string_view noise(std::size_t event, std::size_t length) const {
        return std::string_view(noise_).substr(event * 61 % (noise_bytes - 64), length);
    }
    std::size_t partition_of(std::size_t lane) const {
        return lane % static_cast<std::size_t>(options_.partitions);
    }
    /// Spread, so that neighbours in time are not neighbours in the tables.
    std::size_t lane_of(std::size_t event) const { return event * 7919 % options_.lanes; }
    /// As long as a real one, and different for each lane.
    std::string subject_of(std::size_t lane) const {
        const auto number = std::to_string(lane);
        const auto length = options_.sizes.subject;
        return std::string(text(length > number.size() ? length - number.size() : 0)) + number;
    }
    /// Unique and without order, as digests are.
    std::string digest_like(std::size_t event) const {
        std::string key(noise(event * 31, 32));
        for (std::size_t i = 0; i < 8; ++i) key[16 + i] = static_cast<char>(event >> (8 * i));
        return key;
    }

private:
    static constexpr std::size_t noise_bytes = 1 << 20;
    static std::size_t longest(const RowSizes& sizes) {
        return std::max({sizes.event, sizes.decision, sizes.delivered, sizes.outbox, sizes.fields, sizes.meta,
                         sizes.subject, sizes.event_id});
    }

    const FloorOptions& options_;
    const std::string noise_;
    const std::string text_;
};

}  // namespace engine
