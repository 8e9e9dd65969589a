#pragma once
/// Worker hosts over tests/support/test_worker.cpp, and calls for them.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "rules/lua/worker.h"

namespace tests {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline rules::WorkerOptions worker_options(std::vector<std::string> words = {"honest"}) {
    rules::WorkerOptions options;
    words.insert(words.begin(), SIGNALBOX_TEST_WORKER);
    options.command = std::move(words);
    options.losses_max = 1'000'000;  // no function rests
    return options;
}

inline std::shared_ptr<const rules::ScriptSet> script_set(const std::string& tenant = "acme",
                                                          const std::string& version = "1",
                                                          const std::string& source = "") {
    rules::ScriptSet set;
    set.tenant = tenant;
    set.version = version;
    set.files = {{"scripts/a.lua", source}};
    return std::make_shared<const rules::ScriptSet>(std::move(set));
}

inline rules::ScriptCall script_call(const std::string& function, engine::Json context = nullptr) {
    rules::ScriptCall call;
    call.file = "scripts/a.lua";
    call.function = function;
    call.context = std::move(context);
    return call;
}

template <class Work>
milliseconds time_of(const Work& work) {
    const auto begin = SteadyClock::now();
    work();
    return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
}

/// What may pass after a limit, and until another call is answered.
inline constexpr milliseconds over_limit_max{100};
inline constexpr milliseconds next_call_max{50};

/// The machine may be busy with something else: what is promised is held against the middle of several times.
inline milliseconds middle_of(std::vector<milliseconds> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

/// The same where much else happens in between.
inline milliseconds least_of(const std::vector<milliseconds>& times) {
    return *std::min_element(times.begin(), times.end());
}

inline std::string failure_of(const rules::ScriptOutcome& outcome) {
    return outcome.failure ? outcome.failure->message : "";
}

}  // namespace tests
