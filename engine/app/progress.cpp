#include "engine/app/progress.h"

#include <unistd.h>

#include <iostream>
#include <utility>

namespace engine::app {
namespace {

constexpr std::uint64_t steps_between_looks = 64;
constexpr auto refresh = std::chrono::milliseconds(200);

}  // namespace

Progress::Progress(std::string noun) : noun_(std::move(noun)), shown_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
    if (shown_ && count_ > 0) std::cerr << "\r\033[K";
}

void Progress::step() {
    ++count_;
    if (count_ % steps_between_looks == 0) show();
}

void Progress::reach(std::uint64_t count) {
    count_ = count;
    show();
}

void Progress::show() {
    if (!shown_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < refresh) return;
    last_ = now;
    std::cerr << "\r" << count_ << " " << noun_ << std::flush;
}

}  // namespace engine::app
