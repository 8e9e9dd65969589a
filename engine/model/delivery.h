#pragma once
/// Delivery: one action on its way out, and what came of it.

#include <cstdint>
#include <string>

#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/subject.h"

namespace engine {

/// A row of the outbox. Rows of one (tenant, lane, connection) leave in the order of `number`.
struct Delivery {
    int partition = 0;
    std::uint64_t number = 0;  ///< grows within the partition
    DeliveryKey key;           ///< sent as Idempotency-Key; the same over all attempts
    TenantName tenant;
    Subject lane;
    EventId event;       ///< whose decision asked for it
    std::string source;  ///< of that event
    std::string ruleset;
    Action action;
    int hops = 0;
    int attempts = 0;  ///< made so far
    Instant created{};
    Instant next_attempt{};
};
/// What the store keeps of the action and its origin, read back by delivery_from_json.
Json to_json(const Delivery& delivery);
Result<Delivery> delivery_from_json(const Json& json);

/// What came of one attempt.
struct Attempt {
    enum class Kind {
        done,    ///< the receiver has it
        retry,   ///< it may work later
        failed,  ///< it never will
    };
    Kind kind = Kind::done;
    int status = 0;          ///< HTTP status; 0 when no answer came
    Json result;             ///< of a done one, as the connector maps it
    std::string reason;      ///< of the others, for people
    Duration retry_after{};  ///< what the receiver asked for; zero = nothing
    bool answered = false;   ///< an answer came; without one the outcome may be unknown
    bool simulated = false;  ///< sandbox: recorded, not sent
};
std::string_view name_of(Attempt::Kind kind);

/// An action given up on.
struct DeadLetter {
    Delivery delivery;
    std::string reason;
    int status = 0;
    Instant since{};
};

}  // namespace engine
