#include "engine/base/result.h"

#include <cstdio>
#include <cstdlib>

#include "engine/base/ensure.h"

namespace engine {

std::string_view name_of(Code code) {
    switch (code) {
        case Code::invalid_input:
            return "invalid_input";
        case Code::not_found:
            return "not_found";
        case Code::conflict:
            return "conflict";
        case Code::unavailable:
            return "unavailable";
        case Code::outcome_unknown:
            return "outcome_unknown";
        case Code::exhausted:
            return "exhausted";
        case Code::denied:
            return "denied";
        case Code::corrupt:
            return "corrupt";
    }
    ensure_failed("a known Code", __FILE__, __LINE__);
}

void ensure_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "signalbox: broken invariant: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace engine
