#pragma once
/// What a script worker takes from itself before it sees a script: everything but memory and its one socket.

#include <cstddef>

#include "engine/base/result.h"

namespace rules {

/// The worker's socket. There is no other descriptor.
inline constexpr int worker_socket = 0;

/// Confines this process for good: no descriptors but the socket, limits, and a filter of system calls under
/// which whatever is not allowed ends the process. It may have `memory_bytes_max` more than it has now. Fails
/// with unavailable, naming the step, where the kernel does not let it; then nothing may be run.
engine::Result<void> confine_worker(std::size_t memory_bytes_max);

}  // namespace rules
