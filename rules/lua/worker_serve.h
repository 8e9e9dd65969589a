#pragma once
/// The worker's end: confines itself, then compiles and runs what the daemon sends until it hangs up.

#include <functional>
#include <memory>

#include "rules/script.h"

namespace rules {

/// Makes what runs the scripts of one set, in this process.
using MakeScriptHost = std::function<std::unique_ptr<ScriptHost>()>;

/// The whole life of a worker, on descriptor 0.
[[noreturn]] void serve_scripts(const MakeScriptHost& make_host, std::size_t memory_bytes_max);

}  // namespace rules
