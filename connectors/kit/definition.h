#pragma once
/// The compiled form of a connector definition. Immutable; made by read_definition().

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kit/connector.h"
#include "connectors/kit/expression.h"
#include "engine/base/hash.h"
#include "engine/base/yaml.h"

namespace connectors {

/// One value that a connection of this kind is configured with.
struct Setting {
    enum class Type { text, url, number, boolean, duration, list, object };
    std::string name;
    Type type = Type::text;
    bool secret = false;  ///< never shown; belongs into `${env:…}` or `${file:…}`
    bool many = false;    ///< may be a list: old and new secret while one is replaced
    bool required = false;
    std::vector<std::string> values;  ///< of an enum
    std::string description;
    std::optional<Shape> fallback;  ///< may read other settings
    std::string fallback_text;      ///< as written, for the docs
};

/// How a request proves who we are.
struct Auth {
    enum class Kind { none, basic, bearer, header, query };
    Kind kind = Kind::none;
    std::string name;               ///< of the header or the query parameter
    std::optional<Template> value;  ///< the token, or the user of `basic`
    std::optional<Template> password;
};

/// Where in a message a signature or a timestamp stands: in a header, or in one element of a list in it.
struct Located {
    std::vector<std::string> headers;  ///< the first that is there
    std::string prefix;                ///< what the text, or its element, starts with
    std::string separator;             ///< of a header that holds several elements
};

struct Timestamp {
    enum class Unit { seconds, milliseconds, rfc3339 };
    Located at;
    Unit unit = Unit::seconds;
    engine::Duration tolerance = std::chrono::minutes(5);
};

/// A piece of what is signed.
struct ContentPart {
    enum class Kind { literal, timestamp, id, body, method, url, target, form, secret };
    Kind kind = Kind::literal;
    std::string literal;
};

/// One way a webhook proves where it comes from.
struct Verification {
    enum class Kind { signature, key, basic };
    enum class Encoding { hex, base64 };
    enum class Key { raw, base64, whsec };
    Kind kind = Kind::signature;
    bool keyed = true;  ///< HMAC; else a plain digest whose content holds the secret
    engine::Algorithm algorithm = engine::Algorithm::sha256;
    Encoding encoding = Encoding::hex;
    Located at;
    std::string query;  ///< of a key that comes in the query
    std::vector<ContentPart> content;
    std::string secret;  ///< the setting that holds it
    Key key = Key::raw;
    std::optional<Timestamp> timestamp;
    std::string id_header;
    std::string body_digest_query;  ///< query parameter that holds the SHA-256 of the body in hex
    std::optional<Template> user;   ///< of `basic`
};

struct Requirement {
    std::vector<Expression> any;  ///< one of them must be there and not be empty
    std::string message;
};

struct FieldMap {
    engine::Path field;  ///< kind and keys; empty = the value is an object of fields
    Expression value;
};

/// It begins with a kind: `ticket.subject`.
/// Of a field in `map`: what is deeper could not be read again.
inline constexpr std::size_t field_keys_max = 16;
inline constexpr std::size_t field_bytes_max = 1024;
bool is_field(const engine::Path& path);

struct ChangeMap {
    Template field;  ///< renders to nothing when the item tells of no such change
    Expression from;
    Expression to;
};

/// What one kind of webhook becomes.
struct EventMap {
    Condition match;
    std::string description;
    std::optional<Template> type;
    std::string kind;  ///< of the subject
    std::optional<Expression> id;
    std::optional<Expression> time;
    std::optional<Expression> actor;
    bool full_merge = false;
    std::vector<Requirement> require;
    std::vector<FieldMap> map;
    std::vector<ChangeMap> changes;
};

struct Ignore {
    Condition when;
    std::optional<Template> reason;
};

struct Challenge {
    Condition when;
    std::optional<Template> answer;
};

struct Webhook {
    enum class Body { json, form, by_content_type };
    std::vector<Verification> verify;  ///< any one must hold
    Body body = Body::json;
    std::string payload_field;  ///< of a form: the field that holds the JSON
    std::optional<Expression> id;
    std::optional<Expression> items;
    bool lists = false;  ///< a body that is a list is a batch
    std::size_t items_max = 1000;
    std::optional<Challenge> challenge;
    std::vector<Requirement> require;
    std::vector<Ignore> ignore;
    std::vector<EventMap> events;
    std::optional<EventMap> otherwise;
    std::optional<Template> otherwise_reason;
    std::vector<std::string> urgent;
    /// What of a body is read by any of these; null when all of it may be.
    std::shared_ptr<const engine::JsonMask> reads;
    FunctionUses functions;  ///< of the connector's script
};

/// What an answer with these marks means.
struct AnswerRule {
    Condition when;
    engine::Attempt::Kind kind = engine::Attempt::Kind::failed;
    std::optional<Template> reason;
};

/// A header that says how long to wait.
struct WaitHeader {
    enum class Unit { http, seconds, milliseconds, epoch_seconds, epoch_milliseconds, rfc3339, duration };
    std::string name;
    Unit unit = Unit::http;
};

struct RequestTemplate {
    enum class Body { none, json, form, text };
    std::string method = "POST";
    std::optional<Template> url;
    std::vector<std::pair<std::string, Template>> query;
    std::vector<std::pair<std::string, Template>> headers;
    Body body_kind = Body::none;
    std::optional<Shape> body;
};

/// An action, a look-up or the health probe.
struct Operation {
    enum class Answer { any, json, text };
    engine::ActionSignature signature;
    std::set<std::string> nullable;        ///< parameters whose null is sent as null
    std::map<std::string, Json> defaults;  ///< of parameters that are left out
    RequestTemplate request;
    std::string idempotency;  ///< header that carries the delivery's key; empty = none
    std::string sign;         ///< setting with the secret of a Standard Webhooks signature; empty = unsigned
    std::optional<std::vector<Auth>> auth;
    Answer answer = Answer::any;
    std::optional<Shape> result;
    std::vector<AnswerRule> answers;
    std::optional<Shape> sandbox_result;
};

struct WriteBackField {
    std::string field;  ///< may end in `.*`
    std::string parameter;
    std::string key;  ///< the member of an object parameter; of a glob, what `*` stands for when empty
    std::string ids;  ///< setting (object) that translates what `*` stands for into ids: `[{id, value}]`
    std::shared_ptr<const Table> table;
};

struct WriteBack {
    std::string action;
    std::vector<std::pair<std::string, Template>> parameters;
    std::vector<WriteBackField> fields;
};

class Connector {
public:
    std::string name;
    std::string title;
    std::string description;
    std::vector<Setting> settings;
    std::vector<std::vector<std::string>> one_of;  ///< groups of settings of which one must be given
    Tables tables;
    std::vector<Auth> auth;  ///< the first one whose settings are there is used
    std::optional<Webhook> webhook;
    std::map<std::string, Operation> actions;
    std::map<std::string, Operation> lookups;     ///< kept for scripts
    std::optional<Operation> health;              ///< kept for the readiness of connections
    std::map<std::string, WriteBack> write_back;  ///< by the kind of entity
    std::vector<AnswerRule> answers;              ///< of all actions, after their own
    std::vector<WaitHeader> retry_after;
    std::map<std::string, std::string> rate_limit;  ///< what the vendor's limit headers are called

    const Setting* find_setting(std::string_view name) const;
};

/// Compiles one definition; `folder` is the name it must have. Nothing when an error was found.
std::shared_ptr<const Connector> read_definition(const std::string& text, const std::string& file,
                                                 const std::string& folder, engine::Diagnostics& diagnostics);

/// A class of diagnostic this library may report, with a sentence each; docs and tests are made from it.
struct DiagnosticClass {
    std::string kind;
    std::string meaning;
    std::string remedy;
};
const std::vector<DiagnosticClass>& diagnostic_classes();

}  // namespace connectors
