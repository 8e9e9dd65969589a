#pragma once
/// ConnectorFunctions: runs the functions of a tenant's connectors, `connectors/NAME/NAME.lua`, behind the
/// walls that its other scripts run behind (docs/decisions/0048-functions-of-connectors.md).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "connectors/kit/connector.h"
#include "engine/pipeline/engine.h"

namespace engine {

/// One thread, one webhook. A call takes as long as the script does, within its limits; all calls together
/// take the deadline and the rest of the one that goes beyond it, as others wait meanwhile.
class ConnectorFunctions final : public connectors::Functions {
public:
    using Now = std::function<std::chrono::steady_clock::time_point()>;
    ConnectorFunctions(std::shared_ptr<const Tenant> tenant, Duration deadline,
                       Now now = std::chrono::steady_clock::now)
        : tenant_(std::move(tenant)), deadline_(deadline), now_(std::move(now)) {}

    /// Fails with exhausted, too: when the deadline was reached before.
    Result<Json> call(const std::string& script, const std::string& function, const Json& value,
                      Instant now) override;
    /// How many calls were not made because of the deadline.
    std::uint64_t refused() const { return refused_; }

private:
    std::shared_ptr<const Tenant> tenant_;
    Duration deadline_;
    Now now_;
    std::chrono::steady_clock::duration used_{};
    std::uint64_t refused_ = 0;
};

/// What is wrong with the functions that the connectors of these connections name.
void check_connector_functions(const Tenant& tenant, Diagnostics& diagnostics);

}  // namespace engine
