#include "engine/model/failure_text.h"

namespace engine {

std::string failure_text(const Json& failure) {
    auto text = text_or(failure, "rule", "") + ": ";
    const auto line = failure.value("line", 0);
    if (const auto file = text_or(failure, "file", ""); !file.empty())
        text += file + (line > 0 ? ":" + std::to_string(line) : "") + ": ";
    return text + text_or(failure, "message", "");
}

}  // namespace engine
