#include "connectors/kit/words.h"

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"

namespace connectors {

std::string hint(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t list_max = 24;
    const auto near = engine::nearest(name, known);
    if (!near.empty()) return engine::did_you_mean(near);
    return known.empty() || known.size() > list_max ? "" : " (there is " + engine::join(known, ", ") + ")";
}

}  // namespace connectors
