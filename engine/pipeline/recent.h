#pragma once
/// Recent: how long the last few of something took, for quantiles in metrics.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace engine {

/// One thread.
class Recent {
public:
    using Clock = std::chrono::steady_clock;

    void add(Clock::duration took) { took_[count_++ % took_.size()] = took; }

    /// In seconds; 0 while there is nothing.
    double quantile(double share) const {
        auto sorted = took_;
        const auto size = std::min<std::uint64_t>(count_, sorted.size());
        if (size == 0) return 0;
        const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(size - 1));
        std::nth_element(sorted.begin(), at, sorted.begin() + static_cast<std::ptrdiff_t>(size));
        return std::chrono::duration<double>(*at).count();
    }

private:
    std::array<Clock::duration, 256> took_{};
    std::uint64_t count_ = 0;
};

}  // namespace engine
