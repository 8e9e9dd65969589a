#pragma once
/// Problems: where the readers of rule files report to, with limits and nearest names.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/yaml.h"

namespace rules {

/// Lives as long as one load. One thread.
class Problems {
public:
    /// `files` are the sources that places point into; both outlive this.
    Problems(engine::Diagnostics& diagnostics, const std::map<std::string, std::string>& files)
        : diagnostics_(diagnostics), files_(files) {}

    void error(const std::string& kind, const engine::Place& place, std::string message);
    void warning(const std::string& kind, const engine::Place& place, std::string message);
    /// What parsing a file found. Nothing more is reported at those places: what was read there is not what
    /// was meant.
    void take(const engine::Diagnostics& found);

    /// `, did you mean "x"?` with the nearest of the candidates, or nothing.
    std::string hint(std::string_view name, const std::vector<std::string>& candidates);

    /// Where the token stands in the scalar's source; where the scalar begins when it cannot be found.
    engine::Place within(const engine::YamlNode& scalar, std::string_view token) const;

private:
    void add(engine::Diagnostic diagnostic);
    std::size_t offset_of(const engine::Place& place, std::string_view text) const;

    engine::Diagnostics& diagnostics_;
    const std::map<std::string, std::string>& files_;
    std::vector<engine::Place> misread_;
    /// By file, where its lines begin; filled when first asked for.
    mutable std::map<std::string, std::vector<std::size_t>> lines_;
    int reported_ = 0;
    int hints_ = 0;
};

}  // namespace rules
