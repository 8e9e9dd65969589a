#pragma once
/// ScriptPauses: which functions are not run for a while, because their runs have taken worker after worker.

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "rules/script.h"

namespace rules {

/// One thread. A lost worker costs a new process, a second try and the time of whoever waits; a function that
/// loses one every time would have all of that for each event.
class ScriptPauses {
public:
    using Clock = std::chrono::steady_clock;

    /// After so many lost runs in a row a function rests for so long. Then one more lost run is enough.
    ScriptPauses(std::size_t losses_max, Clock::duration pause) : losses_max_(losses_max), pause_(pause) {}

    /// Until when the function rests; nothing = it does not. Another version of the scripts begins anew.
    std::optional<Clock::time_point> until(const ScriptSet& scripts, const ScriptCall& call,
                                           Clock::time_point now) const;
    void lost(const ScriptSet& scripts, const ScriptCall& call, Clock::time_point now);
    void came_back(const ScriptSet& scripts, const ScriptCall& call);
    bool empty() const { return losses_.empty(); }

private:
    /// Tenant, version, file, function.
    using Key = std::tuple<std::string, std::string, std::string, std::string>;
    struct Losses {
        std::size_t count = 0;
        Clock::time_point until{};
    };
    /// Whoever makes up more functions than this that lose workers finds some of them forgotten.
    static constexpr std::size_t functions_max = 10'000;

    static Key key_of(const ScriptSet& scripts, const ScriptCall& call) {
        return {scripts.tenant, scripts.version, call.file, call.function};
    }

    std::size_t losses_max_;
    Clock::duration pause_;
    std::map<Key, Losses> losses_;
};

}  // namespace rules
