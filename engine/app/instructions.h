#pragma once
/// InstructionCounter: how many instructions this thread has executed, where the kernel lets a program ask.

#include <cstdint>
#include <optional>

namespace engine::app {

/// One thread. Owns the counter.
class InstructionCounter {
public:
    /// Nothing where there is no such counter, or no permission.
    static std::optional<InstructionCounter> open();
    InstructionCounter(InstructionCounter&& other) noexcept;
    InstructionCounter& operator=(InstructionCounter&&) = delete;
    ~InstructionCounter();

    void start();
    /// Instructions of user code since the start.
    std::uint64_t stop();

private:
    explicit InstructionCounter(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
};

}  // namespace engine::app
