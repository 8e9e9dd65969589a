#pragma once
/// ConnectorFunctions: runs the functions of a tenant's connectors, `connectors/NAME/NAME.lua`, behind the
/// walls that its other scripts run behind (docs/decisions/0048-functions-of-connectors.md).

#include <memory>
#include <string>

#include "connectors/kit/connector.h"
#include "engine/pipeline/engine.h"

namespace engine {

/// Any thread. A call takes as long as the script does, within its limits.
class ConnectorFunctions final : public connectors::Functions {
public:
    explicit ConnectorFunctions(std::shared_ptr<const Tenant> tenant) : tenant_(std::move(tenant)) {}

    Result<Json> call(const std::string& script, const std::string& function, const Json& value,
                      Instant now) override;

private:
    std::shared_ptr<const Tenant> tenant_;
};

/// What is wrong with the functions that the connectors of these connections name.
void check_connector_functions(const Tenant& tenant, Diagnostics& diagnostics);

}  // namespace engine
