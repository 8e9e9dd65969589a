#pragma once
/// Progress of a long run: a line that counts on a terminal, nothing in a pipe.

#include <chrono>
#include <cstdint>
#include <string>

namespace engine::app {

class Progress {
public:
    explicit Progress(std::string noun);
    ~Progress();
    void step();
    void reach(std::uint64_t count);

private:
    void show();
    std::string noun_;
    bool shown_;
    std::uint64_t count_ = 0;
    std::chrono::steady_clock::time_point last_{};
};

}  // namespace engine::app
