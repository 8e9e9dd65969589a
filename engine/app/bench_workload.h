#pragma once
/// The tenant and the events that `bench e2e` measures with.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace engine::app {

inline constexpr auto bench_tenant = "bench";

/// Writes a tenant's folder: signed chat webhooks in, one rule on a field that every event fits, one action
/// that posts to `destination_port` on this machine; and so many rules besides that no event fits. Fails with
/// unavailable.
Result<void> write_bench_tenant(const std::filesystem::path& folder, std::uint16_t destination_port,
                                std::size_t rules);

/// The lane of each event: all of them about equally often, in no order, always the same for the same
/// numbers.
std::vector<std::uint32_t> bench_lanes(std::size_t events, std::size_t lanes);

/// Each event as the whole request of its webhook, signed, with a body of about 700 bytes and so many besides
/// that nothing is made of. Their ids are new each time, so that a store can be measured again.
std::vector<std::string> bench_requests(const std::vector<std::uint32_t>& lane_of, std::size_t unread_bytes);

/// The number of the event whose action this is; too large for any when it is none.
std::size_t event_of_action(std::string_view body);

}  // namespace engine::app
