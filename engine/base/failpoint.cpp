#include "engine/base/failpoint.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/text.h"

namespace engine {
namespace failpoint_detail {
std::atomic<bool> armed{false};
}

namespace {

enum class Fault { kill, fail, doubt };

struct Armed {
    Fault fault = Fault::kill;
    std::int64_t at = 0;  ///< 0 = not armed
    std::atomic<std::int64_t> passed{0};
};

std::array<Armed, failpoint_names.size()>& points() {
    static std::array<Armed, failpoint_names.size()> all;
    return all;
}

std::optional<Fault> fault_of(std::string_view name) {
    if (name == "kill") return Fault::kill;
    if (name == "fail") return Fault::fail;
    if (name == "doubt") return Fault::doubt;
    return {};
}

Result<void> arm(const std::string& text) {
    const auto equals = text.find('=');
    const auto at = text.find('@');
    if (equals == std::string::npos || at == std::string::npos || at < equals)
        return invalid("\"" + text + "\" is no failpoint: write NAME=kill@N");
    const auto name = text.substr(0, equals);
    const auto found = std::find(failpoint_names.begin(), failpoint_names.end(), name);
    if (found == failpoint_names.end()) return invalid("there is no failpoint " + name);
    const auto fault = fault_of(std::string_view(text).substr(equals + 1, at - equals - 1));
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), number);
    if (!fault || error != std::errc() || end != text.data() + text.size() || number < 1)
        return invalid("\"" + text + "\": a failpoint takes kill@N, fail@N or doubt@N");
    auto& point = points()[static_cast<std::size_t>(found - failpoint_names.begin())];
    point.fault = *fault;
    point.at = number;
    return {};
}

}  // namespace

Result<void> arm_failpoints(std::string_view text) {
    for (const auto& one : split(text, ',')) {
        if (auto done = arm(std::string(one)); !done) return done;
        failpoint_detail::armed = true;
    }
    return {};
}

namespace failpoint_detail {

Result<void> hit(Failpoint which) {
    auto& point = points()[static_cast<std::size_t>(which)];
    if (point.at == 0 || ++point.passed != point.at) return {};
    const auto name = std::string(failpoint_names[static_cast<std::size_t>(which)]);
    if (point.fault == Fault::kill) (void)std::raise(SIGKILL);
    if (point.fault == Fault::fail) return unavailable("failpoint " + name);
    return Error{Code::outcome_unknown, "failpoint " + name};
}

}  // namespace failpoint_detail
}  // namespace engine
