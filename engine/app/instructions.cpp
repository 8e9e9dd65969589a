#include "engine/app/instructions.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace engine::app {

std::optional<InstructionCounter> InstructionCounter::open() {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.disabled = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    const auto descriptor = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
    if (descriptor < 0) return std::nullopt;
    return InstructionCounter(descriptor);
}

InstructionCounter::InstructionCounter(InstructionCounter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

InstructionCounter::~InstructionCounter() {
    if (descriptor_ >= 0) close(descriptor_);
}

void InstructionCounter::start() {
    ioctl(descriptor_, PERF_EVENT_IOC_RESET, 0);
    ioctl(descriptor_, PERF_EVENT_IOC_ENABLE, 0);
}

std::uint64_t InstructionCounter::stop() {
    ioctl(descriptor_, PERF_EVENT_IOC_DISABLE, 0);
    std::uint64_t count = 0;
    return read(descriptor_, &count, sizeof count) == sizeof count ? count : 0;
}

}  // namespace engine::app
