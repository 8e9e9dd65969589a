/// What a connector definition and a connection may say: checks and docs/reference/connector-definition.md
/// are both made from this.

#include "connectors/kit/read.h"

namespace connectors {
namespace {

Section definition() {
    return {
        "definition",
        "The whole of `connectors/<name>/connector.yaml`.",
        {{"name", "text", "The connector's name; the same as its folder's.", true, ""},
         {"title", "text", "How people call the system.", true, ""},
         {"description", "text", "A sentence or two for the docs page.", true, ""},
         {"settings", "map of setting", "What a connection is configured with, by name.", false, ""},
         {"one_of", "list of lists of setting names", "Of each group at least one must be given.", false, ""},
         {"tables", "map of maps",
          "Translation tables by name, for the filter `table`. `*` is any other value.", false, ""},
         {"auth", "list of auth", "How requests prove who we are: the first whose settings are there.", false,
          "none"},
         {"webhook", "webhook", "How its webhooks are verified and normalised.", false, "none are taken"},
         {"actions", "map of action", "What it can be asked to do, by name.", false, ""},
         {"lookups", "map of action", "What it can be asked; read by scripts.", false, ""},
         {"health", "action", "A request that shows whether the connection works.", false, ""},
         {"write_back", "map of write_back",
          "By kind of entity: the call that carries a decision's changes back.", false, ""},
         {"answers", "list of answer", "What answers mean, for all actions, after an action's own.", false,
          ""},
         {"retry_after", "list of wait_header",
          "Headers that say how long to wait; the first readable one counts.", false, "`Retry-After`"},
         {"rate_limit", "map of texts", "The headers `limit`, `remaining` and `reset` of the vendor.", false,
          ""}}};
}

Section setting() {
    return {
        "setting",
        "One value of a connection.",
        {{"type", "text, url, number, boolean, duration, list or object", "What it must be.", false, "text"},
         {"description", "text", "What it is and where to find it.", true, ""},
         {"secret", "boolean", "Is never shown; belongs into `${env:…}` or `${file:…}`.", false, "false"},
         {"many", "boolean", "May be a list of which any one fits: old and new secret while it is replaced.",
          false, "false"},
         {"required", "boolean", "A connection without it is refused.", false, "false"},
         {"values", "list of texts", "The only values it may have.", false, ""},
         {"fallback", "value", "What it is when left out; may read other settings: `https://{settings.x}`.",
          false, ""}}};
}

Section auth() {
    return {"auth",
            "One way to prove who we are; exactly one key. Templates read `settings`.",
            {{"bearer", "template", "`Authorization: Bearer …`.", false, ""},
             {"basic", "map of user, password", "`Authorization: Basic …` from two templates.", false, ""},
             {"header", "map of name, value", "A header.", false, ""},
             {"query", "map of name, value", "A query parameter.", false, ""},
             {"none", "boolean", "No proof: the URL is the secret.", false, ""}}};
}

Section named_value() {
    return {"named value",
            "A header or a query parameter of `auth`.",
            {{"name", "text", "Its name.", true, ""}, {"value", "template", "Its value.", true, ""}}};
}

Section basic_auth() {
    return {
        "basic",
        "User and password of `auth`.",
        {{"user", "template", "The user.", true, ""}, {"password", "template", "The password.", true, ""}}};
}

Section webhook() {
    return {"webhook",
            "Expressions read `item` (one item), `body` (the whole body), `header`, `query`, `settings` and "
            "`delivery.id`.",
            {{"verify", "list of verify", "Ways to prove where it comes from; any one suffices.", true, ""},
             {"body", "json, form or any", "How the body is read; `any` goes by the content type.", false,
              "json"},
             {"payload", "text", "The form field that holds the JSON.", false, ""},
             {"id", "expression", "The delivery's id, by which a repeat is recognised.", false,
              "SHA-256 of the body; of the item when the body is a list"},
             {"items", "expression", "The list of items in the body.", false, "the body is the item"},
             {"lists", "boolean",
              "A body that is a list is a batch: good items are taken although others fail.", false, "false"},
             {"items_max", "integer", "The most items in one body.", false, "1000"},
             {"challenge", "challenge", "A proof of ownership that is answered at once.", false, ""},
             {"require", "list of require", "What every item must have.", false, ""},
             {"ignore", "list of ignore", "What is acknowledged and left.", false, ""},
             {"events", "list of event", "What becomes an event; the first that matches.", true, ""},
             {"otherwise", "event or map with reason", "What becomes of the rest.", false, "ignored"},
             {"urgent", "list of globs", "Event types taken first unless a connection says otherwise.", false,
              ""},
             {"maps", "map of maps", "Field maps by name, for use in several events.", false, ""}}};
}

Section verify() {
    return {"verify",
            "One way to prove where a webhook comes from; exactly one key.",
            {{"signature", "signature", "A keyed digest of the raw body.", false, ""},
             {"key", "key", "A shared key in a header or in the query.", false, ""},
             {"basic", "basic_verify", "User and password in `Authorization: Basic`.", false, ""}}};
}

Section signature() {
    return {
        "signature",
        "Compared in constant time with what the raw bytes give, before anything is parsed.",
        {{"method", "hmac or digest", "`digest` is a plain hash over content that holds the secret.", false,
          "hmac"},
         {"algorithm", "sha256, sha1 or sha512", "The hash.", false, "sha256"},
         {"encoding", "hex or base64", "How the digest is written.", false, "hex"},
         {"header", "text or list", "The header it stands in; of a list the first that is there.", true, ""},
         {"prefix", "text", "What stands before the digest, such as `sha256=`.", false, ""},
         {"separator", "text", "Between several signatures in one header; any of at most ten may fit.", false,
          ""},
         {"content", "text",
          "What is signed, from `{body}`, `{timestamp}`, `{id}`, `{method}`, `{url}` (as the vendor sees "
          "it), "
          "`{target}` (path and query), `{form}` (sorted fields and values, joined) and `{secret}`.",
          false, "{body}"},
         {"secret", "setting name", "The setting that holds the secret.", true, ""},
         {"key", "raw, base64 or whsec", "How the secret becomes the key; `whsec` is base64 after `whsec_`.",
          false, "raw"},
         {"timestamp", "timestamp", "When it was signed; outside the window it is refused.", false, ""},
         {"id", "header name", "The header that `{id}` stands for.", false, ""},
         {"body_digest", "query parameter", "Holds the SHA-256 of the body in hex; must fit too.", false,
          ""}}};
}

Section timestamp() {
    return {"timestamp",
            "The time in a signature.",
            {{"header", "text or list", "The header it stands in.", true, ""},
             {"prefix", "text", "What stands before it, such as `t=`.", false, ""},
             {"separator", "text", "Between elements of the header.", false, ""},
             {"unit", "s, ms or rfc3339", "How it is written.", false, "s"},
             {"tolerance", "duration", "The farthest it may be from now, both ways.", false, "5m"}}};
}

Section key() {
    return {"key",
            "A shared key; `header` or `query`.",
            {{"header", "text", "The header it comes in.", false, ""},
             {"query", "text", "The query parameter it comes in.", false, ""},
             {"prefix", "text", "What stands before it, such as `Bearer `.", false, ""},
             {"secret", "setting name", "The setting that holds it.", true, ""}}};
}

Section basic_verify() {
    return {"basic_verify",
            "User and password of a webhook.",
            {{"user", "template", "The user; reads `settings`.", true, ""},
             {"secret", "setting name", "The setting that holds the password.", true, ""}}};
}

Section challenge() {
    return {"challenge",
            "Answered with the rendered text, and no event.",
            {{"when", "condition", "Which bodies it is.", true, ""},
             {"answer", "template", "The text to answer with.", true, ""}}};
}

Section require() {
    return {"require",
            "Refuses an item that has none of these.",
            {{"any", "list of expressions", "One must be there and not be empty.", true, ""},
             {"message", "text", "What the sender is told.", true, ""}}};
}

Section ignore() {
    return {"ignore",
            "Acknowledged, without an event.",
            {{"when", "condition", "Which items it is.", true, ""},
             {"reason", "template", "Why, for the answer and the log.", true, ""}}};
}

Section event() {
    return {
        "event",
        "What an item becomes.",
        {{"match", "condition", "Which items it is.", false, "every item"},
         {"description", "text", "For the docs page.", false, ""},
         {"type", "template", "The event's type.", true, ""},
         {"subject", "subject", "What it is about.", true, ""},
         {"time", "expression", "When it happened at the vendor, as RFC 3339.", false,
          "none: then nothing of it is ever stale"},
         {"actor", "expression", "Who did it.", false, ""},
         {"merge", "patch or full", "`full`: what the payload leaves out is removed.", false, "patch"},
         {"require", "list of require", "What the item must have.", false, ""},
         {"map", "map, or list of maps, names of maps and expressions",
          "Canonical field ← expression. A value that is not there leaves the field as it was, null removes "
          "it. An expression with a filter, `item | lua:fields`, gives an object of fields.",
          true, ""},
         {"changes", "list of change", "What the item itself calls changed.", false, ""}}};
}

Section subject() {
    return {"subject",
            "The key of the entity: `kind/<connection>:<id>`.",
            {{"kind", "text", "The kind of entity.", true, ""},
             {"id", "expression", "The vendor's id.", true, ""}}};
}

Section change() {
    return {
        "change",
        "A change the vendor tells of; it counts when the entity was never seen before.",
        {{"field", "template", "The canonical field; one that renders to nothing is no change.", true, ""},
         {"from", "expression", "The value before.", true, ""},
         {"to", "expression", "The value after.", true, ""}}};
}

Section action() {
    return {"action",
            "Templates read `params`, `settings` and `key` (the delivery's idempotency key). Results and "
            "answers read "
            "`response.status`, `response.body` (JSON), `response.text` and `header` too.",
            {{"description", "text", "A sentence for the docs page.", true, ""},
             {"params", "map of parameter", "What it takes, by name.", false, ""},
             {"one_of", "list of lists of parameter names", "Of each group one must be given.", false, ""},
             {"free_form", "boolean", "Takes parameters that are not listed too.", false, "false"},
             {"request", "request", "The request it means.", true, ""},
             {"auth", "list of auth", "Instead of the definition's.", false, ""},
             {"idempotency", "header name or none", "The header that carries the delivery's key.", false,
              "Idempotency-Key"},
             {"sign", "setting name",
              "Signs as Standard Webhooks say (`webhook-id`, `webhook-timestamp`, `webhook-signature`) when "
              "the setting "
              "is there.",
              false, ""},
             {"answer", "any, json or text", "What a good answer's body is; another one is tried again.",
              false, "json with a result, else any"},
             {"result", "shape", "What rules see as `result`.", false, "{}"},
             {"answers", "list of answer", "What answers mean; the first that fits.", false,
              "2xx done · 408 425 429 5xx retry · the rest failed"},
             {"sandbox_result", "shape",
              "What a sandbox connection answers; reads `fake.id`, `fake.hex`, `fake.uuid`.", false, "{}"}}};
}

Section parameter() {
    return {"parameter",
            "One parameter of an action.",
            {{"type", "text, number, boolean, list, object or any", "What it must be.", false, "text"},
             {"required", "boolean", "An action without it is refused.", false, "false"},
             {"values", "list of texts", "The only values it may have.", false, ""},
             {"description", "text", "What it is.", true, ""},
             {"nullable", "boolean", "A null is sent as null instead of being left out.", false, "false"},
             {"default", "value", "What it is when left out.", false, ""}}};
}

Section request() {
    return {"request",
            "Members that render to nothing are left out. In `url`, all but settings is percent-encoded.",
            {{"method", "GET, POST, PUT, PATCH or DELETE", "The method.", false, "POST"},
             {"url", "template", "The absolute address.", true, ""},
             {"query", "map of templates", "Query parameters.", false, ""},
             {"headers", "map of templates", "Headers.", false, ""},
             {"json", "shape", "A JSON body.", false, ""},
             {"form", "map of templates", "A form body.", false, ""},
             {"text", "template", "A plain body.", false, ""}}};
}

Section answer() {
    return {
        "answer",
        "What an answer means.",
        {{"when", "condition", "Which answers it is.", true, ""},
         {"is", "done, retry or failed", "`retry`: it may work later; `failed`: it never will.", true, ""},
         {"reason", "template", "Why, for people.", false, "the status"}}};
}

Section wait_header() {
    return {"wait_header",
            "How long to wait; unreadable and negative values are left, and none is longer than an hour.",
            {{"header", "text", "Its name.", true, ""},
             {"unit", "http, s, ms, epoch_s, epoch_ms, rfc3339 or duration",
              "`http`: seconds or a date, as RFC 9110 says.", false, "http"}}};
}

Section write_back() {
    return {"write_back",
            "All changes of one decision leave as this one action.",
            {{"action", "action name", "The action.", true, ""},
             {"params", "map of templates",
              "Parameters that say which entity: they read `subject.id` and "
              "`subject.kind`.",
              false, ""},
             {"fields", "map of write_back_field", "Canonical field → parameter; the field may end in `.*`.",
              true, ""}}};
}

Section write_back_field() {
    return {"write_back_field",
            "Where a changed field goes. Just the parameter's name is enough.",
            {{"param", "parameter name", "The parameter.", true, ""},
             {"table", "table name", "Translates the value.", false, ""},
             {"key", "text", "The member of an object parameter.", false, "what `*` stands for"},
             {"ids", "setting name",
              "An object that gives the id for what `*` stands for; the parameter becomes a "
              "list of `{id, value}`, and names without an id are left.",
              false, ""}}};
}

Section connection() {
    return {"connection",
            "What every connection in `connections.yaml` may say, besides its connector's settings.",
            {{"connector", "text", "Which definition it follows.", false, "the connection's name"},
             {"sandbox", "boolean", "Deliveries are recorded, not sent; no credentials are needed.", false,
              "false"},
             {"write_back", "boolean", "Carry changes of entities it owns back.", false, "true"},
             {"urgent", "boolean or list of globs", "Event types whose lanes are taken first; `true` = all.",
              false, "the definition's"},
             {"concurrency", "integer", "Deliveries in flight, 1 to 64.", false, "8"},
             {"timeout", "duration", "The longest a delivery may take, at most 5m.", false, "10s"},
             {"retry", "list of durations",
              "Waits before the second attempt and those after it; then it is a dead "
              "letter.",
              false, "5s 30s 2m 10m 30m 2h 5h 10h 24h"},
             {"body_bytes_max", "integer", "The largest webhook body, at most 16777216.", false, "1048576"},
             {"allow_from", "list of addresses", "Where webhooks may come from, such as 192.0.2.0/24.", false,
              "anywhere"},
             {"public_url", "url", "The webhook's address as the vendor knows it, for signatures over it.",
              false, "https:// and the Host header"},
             {"verify", "none", "`none` takes webhooks unverified; only for closed networks.", false,
              "the definition's"},
             {"description", "text", "For people.", false, ""}}};
}

Section connections() {
    return {"connections.yaml",
            "The file that lists a tenant's connections.",
            {{"connections", "map of connection", "By name; events and actions use the name.", true, ""}}};
}

}  // namespace

const std::vector<Section>& sections() {
    static const std::vector<Section> all{
        definition(),  setting(),   auth(),      basic_auth(),  named_value(),  webhook(),
        verify(),      signature(), timestamp(), key(),         basic_verify(), challenge(),
        require(),     ignore(),    event(),     subject(),     change(),       action(),
        parameter(),   request(),   answer(),    wait_header(), write_back(),   write_back_field(),
        connections(), connection()};
    return all;
}

}  // namespace connectors
