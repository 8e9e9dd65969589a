#pragma once
/// Connector: how a kind of system signs and words its webhooks and which actions it takes, from its
/// definition.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/model/action_signature.h"
#include "engine/model/change.h"
#include "engine/model/delivery.h"
#include "engine/model/event.h"

namespace connectors {

/// A compiled definition (`connectors/<name>/connector.yaml`); immutable. Its inside belongs to the kit.
class Connector;

/// Definitions by name: the shipped ones, and over them a tenant's own.
class Registry {
public:
    /// The definitions embedded in the program.
    static const Registry& shipped();
    /// Adds `connectors/*/connector.yaml` from a tenant's files (relative path → bytes).
    Registry with(const std::map<std::string, std::string>& files, engine::Diagnostics& diagnostics) const;
    std::shared_ptr<const Connector> find(const std::string& name) const;
    std::vector<std::string> names() const;

private:
    std::map<std::string, std::shared_ptr<const Connector>> connectors_;
};

/// A configured instance of a connector in a tenant, from `connections.yaml`. Immutable once loaded.
struct Connection {
    std::string name;
    std::shared_ptr<const Connector> connector;
    engine::Json settings =
        engine::Json::object();  ///< values of the definition's settings, secrets included
    bool sandbox = false;        ///< deliveries are recorded, not sent; needs no credentials
    bool write_back = true;
    std::vector<std::string> urgent;  ///< event types (globs) that are taken first
    int concurrency = 8;              ///< deliveries in flight
    engine::Duration timeout = std::chrono::seconds(10);
    /// Waits before attempt 2, 3, …; after the last one the action is a dead letter.
    std::vector<engine::Duration> retry;
    std::size_t body_bytes_max = 1024 * 1024;
    std::vector<std::string> allow_from;  ///< addresses and networks that webhooks may come from; empty = any
    std::string public_url;   ///< the webhook's address as the vendor knows it; empty = from the Host header
    bool unverified = false;  ///< `verify: none`
    /// Actions that lack a setting, and which; rules may not name them.
    std::map<std::string, std::set<std::string>> unusable;
};
using Connections = std::map<std::string, Connection>;

/// Where secrets come from: `${env:NAME}` and `${file:/path}` in a setting. Returns nothing when there is
/// none.
using SecretSource =
    std::function<std::optional<std::string>(const std::string& kind, const std::string& name)>;
SecretSource system_secrets();

/// Reads `connections.yaml`; `text` empty = a tenant without connections. A missing secret of a connection
/// that is not `sandbox` is an error only when `secrets_required`: `check` runs without them.
Connections load_connections(const std::string& text, const Registry& registry, const SecretSource& secrets,
                             bool secrets_required, engine::Diagnostics& diagnostics);
engine::ConnectionSignatures signatures_of(const Connections& connections);

/// A webhook as it came. Header names as sent; look-ups ignore case.
struct InboundMessage {
    std::string method = "POST";
    std::string target;  ///< path and query
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;  ///< raw bytes: signatures are over these
    std::string peer;  ///< IP address
    engine::Instant received{};

    /// The value of the header, or null; ignores case.
    const std::string* header(std::string_view name) const;
};

/// One item of a batch that could not be taken.
struct RefusedItem {
    std::size_t index = 0;
    std::string reason;
};

/// What a webhook holds. Events have tenant empty; the caller fills it.
struct Intake {
    std::vector<engine::Event> events;
    /// Index of the item each event came from, parallel to `events`.
    std::vector<std::size_t> items;
    std::vector<RefusedItem> refused;
    bool batch = false;   ///< the body was a list; the answer names counts and failures
    std::string ignored;  ///< why there is no event (a ping, an unknown type); empty otherwise
    std::optional<std::string> challenge;  ///< body to answer with as it is (url_verification)
};

/// Runs the functions of connectors' scripts.
class Functions {
public:
    virtual ~Functions() = default;
    /// What the function returns for the value; null for nothing. Pure, though it may take a while. Fails
    /// with invalid_input saying what went wrong, and where in the script.
    virtual engine::Result<engine::Json> call(const std::string& script, const std::string& function,
                                              const engine::Json& value, engine::Instant now) = 0;
};

/// A function that a connector's definition names.
struct FunctionUse {
    std::string script;    ///< `connectors/forms/forms.lua`
    std::string function;  ///< of the table that it returns
    engine::Place place;   ///< of the definition
};
/// Empty for most: then receive() calls none.
std::vector<FunctionUse> functions_of(const Connector& connector);

/// Whether the message is from where it says: the first half of receive(), which takes no time. Fails as
/// that.
engine::Result<void> prove(const Connection& connection, const InboundMessage& message);
/// Verifies and normalises: pure. Fails with denied (signature, key, timestamp out of its window, address),
/// with invalid_input (body not readable, required field missing) or exhausted (limits). `functions` may be
/// null where the connector needs none.
engine::Result<Intake> receive(const Connection& connection, const InboundMessage& message,
                               Functions* functions = nullptr);

struct HttpRequest {
    std::string method = "POST";
    std::string url;  ///< absolute, http or https
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct HttpResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    const std::string* header(std::string_view name) const;
};

/// The request an action means: from its template, with auth and the idempotency key. `attempt_time` is what
/// a timestamped signature uses. Fails with invalid_input naming the parameter.
engine::Result<HttpRequest> render(const Connection& connection, const engine::Delivery& delivery,
                                   engine::Instant attempt_time);
/// What the answer means, from the definition's result and error mapping.
engine::Attempt classify(const Connection& connection, const engine::Action& action,
                         const HttpResponse& response, engine::Instant now);
/// What a sandbox connection answers: a made-up result that is the same for the same key.
engine::Attempt simulate(const Connection& connection, const engine::Delivery& delivery);

/// A question to a connection, which changes nothing there.
struct Lookup {
    std::string name;  ///< of one of the definition's `lookups`
    engine::Json params = engine::Json::object();
    std::string key;  ///< the same for the same question
};
/// Fails as `render` does, without a request: whether it makes sense to ask.
engine::Result<void> check(const Connection& connection, const Lookup& lookup);
/// Whether there are such a look-up and parameters of these names, be there others that it needs. Fails with
/// invalid_input naming the nearest.
engine::Result<void> check_names(const Connection& connection, const Lookup& lookup);
/// As for deliveries. What a sandbox connection answers is what the definition says, or a failure.
engine::Result<HttpRequest> render(const Connection& connection, const Lookup& lookup,
                                   engine::Instant attempt_time);
engine::Attempt classify(const Connection& connection, const Lookup& lookup, const HttpResponse& response,
                         engine::Instant now);
engine::Attempt simulate(const Connection& connection, const Lookup& lookup);

/// The one call that carries a decision's changes back to the owner of the entity; nothing when the connector
/// has no `write_back`, when none of the changed fields is one it knows, or when the connection has it off.
/// `action.rule` is empty.
std::optional<engine::Action> write_back(const Connection& connection, const engine::Subject& subject,
                                         const std::vector<engine::Change>& changes,
                                         const engine::Json& document);

}  // namespace connectors
