#pragma once
/// The settings of one connection: types, secrets, fallbacks, what must be there.

#include "connectors/kit/connector.h"
#include "connectors/kit/read.h"

namespace connectors {

/// Fills `connection.settings` and `unusable` from the connection's map; its connector is known. Problems go
/// to `diagnostics` and never repeat what a setting holds when that may be a secret.
void read_settings(Connection& connection, const MapReader& reader, const SecretSource& secrets,
                   bool secrets_required, engine::Diagnostics& diagnostics);

}  // namespace connectors
