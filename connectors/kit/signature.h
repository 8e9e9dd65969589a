#pragma once
/// Proves where a webhook comes from, over its raw bytes. Pure.

#include "connectors/kit/connector.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace connectors {

/// Any one of the connector's ways suffices whose secret the connection has. Fails with denied; the message
/// says what was missing, old or different, never a secret. A connection with `verify: none` accepts
/// everything.
engine::Result<void> verify(const Connection& connection, const InboundMessage& message);

/// Adds what a vendor would: the headers of the first way whose secret the connection has, at that time. For
/// tests, benchmarks and trying out. Fails with invalid_input when the connection has no secret.
engine::Result<void> sign(const Connection& connection, InboundMessage& message, engine::Instant when);

}  // namespace connectors
