#pragma once
/// Metrics: what the server counts, and all of it with the engine's gauges as Prometheus text.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "engine/base/time.h"

namespace engine::http {

/// The network thread's own. Labels come from fixed sets only: routes, methods, codes.
class Metrics {
public:
    /// `route` and `method` must be literals.
    void answered(std::string_view route, std::string_view method, int status, Duration took);
    /// A connection closed because of what came over it, or for want of room. `code` must be a literal.
    void refused(std::string_view code);
    void connection_opened() { ++connections_; }
    void connection_closed() { --connections_; }

    /// `gauges`: name without `signalbox_`, with or without labels in braces → value.
    std::string text(const std::map<std::string, double>& gauges) const;

private:
    static constexpr std::size_t bucket_count = 14;
    struct Histogram {
        std::array<std::uint64_t, bucket_count> buckets{};  ///< not cumulated
        std::uint64_t count = 0;
        double sum_seconds = 0;
    };

    void write_requests(std::string& out) const;
    void write_durations(std::string& out) const;
    void write_refusals(std::string& out) const;

    std::map<std::tuple<std::string_view, std::string_view, int>, std::uint64_t> requests_;
    std::map<std::string_view, Histogram> durations_;
    std::map<std::string_view, std::uint64_t> refusals_;
    std::int64_t connections_ = 0;
};

}  // namespace engine::http
