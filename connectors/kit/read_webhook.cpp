#include <algorithm>

#include "connectors/kit/read_parts.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Diagnostics;
using engine::YamlNode;

namespace {

const std::vector<std::pair<std::string, ContentPart::Kind>>& content_names() {
    using Kind = ContentPart::Kind;
    static const std::vector<std::pair<std::string, Kind>> names{
        {"timestamp", Kind::timestamp}, {"id", Kind::id},        {"body", Kind::body},
        {"method", Kind::method},       {"url", Kind::url},      {"target", Kind::target},
        {"form", Kind::form},           {"secret", Kind::secret}};
    return names;
}

void add_literal(std::vector<ContentPart>& parts, std::string_view text) {
    if (!text.empty()) parts.push_back({ContentPart::Kind::literal, std::string(text)});
}

std::vector<ContentPart> read_content(std::string_view text, const engine::Place& place,
                                      Diagnostics& diagnostics) {
    std::vector<ContentPart> parts;
    while (!text.empty()) {
        const auto open = text.find('{');
        add_literal(parts, text.substr(0, open));
        if (open == std::string_view::npos) return parts;
        const auto close = text.find('}', open);
        const auto name =
            std::string(text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1));
        const auto& known = content_names();
        const auto found =
            std::find_if(known.begin(), known.end(), [&](const auto& part) { return part.first == name; });
        if (close == std::string_view::npos || found == known.end()) {
            std::vector<std::string> names;
            for (const auto& part : known) names.push_back(part.first);
            report_unknown("bad-value", "part of what is signed", name, place, names, diagnostics);
            return parts;
        }
        parts.push_back({found->second, ""});
        text.remove_prefix(close + 1);
    }
    return parts;
}

std::string read_secret_name(const MapReader& reader, const Compiler& compile) {
    auto name = reader.text("secret");
    if (const auto* node = reader.find("secret"))
        check_setting(name, node->place, compile.connector(), compile.diagnostics());
    return name;
}

Located read_located(const MapReader& reader) {
    return {reader.texts("header"), reader.text("prefix"), reader.text("separator")};
}

Timestamp read_timestamp(const YamlNode& node, Diagnostics& diagnostics) {
    const MapReader reader(node, "timestamp", diagnostics);
    Timestamp timestamp;
    timestamp.at = read_located(reader);
    timestamp.unit = static_cast<Timestamp::Unit>(reader.word("unit", {"s", "ms", "rfc3339"}));
    timestamp.tolerance = reader.duration("tolerance", timestamp.tolerance);
    return timestamp;
}

bool signs(const Verification& verification, ContentPart::Kind kind) {
    return std::any_of(verification.content.begin(), verification.content.end(),
                       [&](const ContentPart& part) { return part.kind == kind; });
}

/// What is checked but not signed proves nothing, and the other way round.
void check_signed(const Verification& verification, const YamlNode& node, Diagnostics& diagnostics) {
    if (!signs(verification, ContentPart::Kind::body) && !signs(verification, ContentPart::Kind::form) &&
        verification.body_digest_query.empty())
        diagnostics.error("bad-definition", node.place, "the signature does not cover the body");
    if (verification.timestamp.has_value() != signs(verification, ContentPart::Kind::timestamp))
        diagnostics.error("bad-definition", node.place, "{timestamp} is signed and described, or neither");
    if (verification.id_header.empty() == signs(verification, ContentPart::Kind::id))
        diagnostics.error("bad-definition", node.place, "{id} is signed and its header named, or neither");
    if (!verification.keyed && !signs(verification, ContentPart::Kind::secret))
        diagnostics.error("bad-definition", node.place, "a plain digest proves nothing without {secret}");
}

Verification read_signature(const YamlNode& node, const Compiler& compile) {
    auto& diagnostics = compile.diagnostics();
    const MapReader reader(node, "signature", diagnostics);
    Verification verification;
    verification.keyed = reader.word("method", {"hmac", "digest"}) == 0;
    constexpr engine::Algorithm algorithms[] = {engine::Algorithm::sha256, engine::Algorithm::sha1,
                                                engine::Algorithm::sha512};
    verification.algorithm = algorithms[reader.word("algorithm", {"sha256", "sha1", "sha512"})];
    verification.encoding = static_cast<Verification::Encoding>(reader.word("encoding", {"hex", "base64"}));
    verification.at = read_located(reader);
    const auto* content = reader.find("content");
    verification.content = read_content(reader.text("content", "{body}"),
                                        content == nullptr ? node.place : content->place, diagnostics);
    verification.secret = read_secret_name(reader, compile);
    verification.key = static_cast<Verification::Key>(reader.word("key", {"raw", "base64", "whsec"}));
    if (const auto* timestamp = reader.find("timestamp"))
        verification.timestamp = read_timestamp(*timestamp, diagnostics);
    verification.id_header = reader.text("id");
    verification.body_digest_query = reader.text("body_digest");
    check_signed(verification, node, diagnostics);
    return verification;
}

Verification read_key(const YamlNode& node, const Compiler& compile) {
    const MapReader reader(node, "key", compile.diagnostics());
    Verification verification;
    verification.kind = Verification::Kind::key;
    verification.at = read_located(reader);
    verification.at.separator.clear();
    verification.query = reader.text("query");
    verification.secret = read_secret_name(reader, compile);
    if (verification.at.headers.empty() == verification.query.empty())
        compile.diagnostics().error("bad-value", node.place, "a key comes in a header or in the query");
    return verification;
}

Verification read_basic(const YamlNode& node, const Compiler& compile) {
    const MapReader reader(node, "basic_verify", compile.diagnostics());
    Verification verification;
    verification.kind = Verification::Kind::basic;
    verification.at.headers = {"Authorization"};
    verification.user = compile.with_roots({"settings"}).text(reader.find("user"));
    verification.secret = read_secret_name(reader, compile);
    return verification;
}

std::vector<Verification> read_verify(const YamlNode* list, const Compiler& compile) {
    std::vector<Verification> all;
    for (const auto& item : items_of(list, "verify", compile.diagnostics())) {
        const MapReader reader(item, "verify", compile.diagnostics());
        if (const auto* signature = reader.find("signature"))
            all.push_back(read_signature(*signature, compile));
        else if (const auto* key = reader.find("key"))
            all.push_back(read_key(*key, compile));
        else if (const auto* basic = reader.find("basic"))
            all.push_back(read_basic(*basic, compile));
    }
    if (all.empty() && list != nullptr)
        compile.diagnostics().error("bad-definition", list->place,
                                    "a webhook needs at least one way to verify it");
    return all;
}

std::vector<Requirement> read_require(const YamlNode* list, const Compiler& compile) {
    std::vector<Requirement> all;
    for (const auto& item : items_of(list, "require", compile.diagnostics())) {
        const MapReader reader(item, "require", compile.diagnostics());
        Requirement requirement;
        requirement.message = reader.text("message");
        for (const auto& node : items_of(reader.find("any"), "expressions", compile.diagnostics()))
            if (auto expression = compile.expression(&node))
                requirement.any.push_back(std::move(*expression));
        all.push_back(std::move(requirement));
    }
    return all;
}

std::vector<Ignore> read_ignore(const YamlNode* list, const Compiler& compile) {
    std::vector<Ignore> all;
    for (const auto& item : items_of(list, "ignore", compile.diagnostics())) {
        const MapReader reader(item, "ignore", compile.diagnostics());
        all.push_back({compile.condition(reader.find("when")), compile.text(reader.find("reason"))});
    }
    return all;
}

/// Maps are short lists of field ← expression, names of maps that stand under `maps`, or what a function
/// gives.
class MapCompiler {
public:
    MapCompiler(const YamlNode* named, const Compiler& compile) : named_(named), compile_(compile) {}

    std::vector<FieldMap> read(const YamlNode* node) const {
        std::vector<FieldMap> fields;
        if (node == nullptr) return fields;
        if (node->is_list())
            for (const auto& item : node->items) add(item, fields);
        else
            add(*node, fields);
        return fields;
    }

private:
    void add(const YamlNode& node, std::vector<FieldMap>& fields) const {
        // What a function makes is no name.
        if (node.is_scalar() && node.text.find('|') != std::string::npos) {
            if (auto value = compile_.expression(&node)) fields.push_back({{}, std::move(*value)});
            return;
        }
        const auto* entries = node.is_scalar() ? find_named(node) : &node;
        if (entries == nullptr) return;
        for (const auto& entry : entries_of(entries, "a map of fields", compile_.diagnostics())) {
            auto path = engine::path_of(entry.key);
            if (!is_field(path))
                compile_.diagnostics().error("bad-value", entry.place,
                                             "\"" + entry.key + "\" is no field such as ticket.subject");
            if (auto value = compile_.expression(&entry.value))
                put(fields, std::move(path), std::move(*value));
        }
    }

    /// A later map overrides an earlier one.
    static void put(std::vector<FieldMap>& fields, engine::Path path, Expression value) {
        const auto same = [&](const FieldMap& field) { return field.field == path; };
        const auto found = std::find_if(fields.begin(), fields.end(), same);
        if (found != fields.end())
            found->value = std::move(value);
        else
            fields.push_back({std::move(path), std::move(value)});
    }

    const YamlNode* find_named(const YamlNode& name) const {
        const auto* found = named_ != nullptr && named_->is_map() ? named_->find(name.text) : nullptr;
        if (found != nullptr) return found;
        std::vector<std::string> known;
        if (named_ != nullptr)
            for (const auto& entry : named_->entries) known.push_back(entry.key);
        report_unknown("bad-value", "map", name.text, name.place, known, compile_.diagnostics());
        return nullptr;
    }

    const YamlNode* named_;
    const Compiler& compile_;
};

std::vector<ChangeMap> read_changes(const YamlNode* list, const Compiler& compile) {
    std::vector<ChangeMap> all;
    for (const auto& item : items_of(list, "change", compile.diagnostics())) {
        const MapReader reader(item, "change", compile.diagnostics());
        auto field = compile.text(reader.find("field"));
        auto from = compile.expression(reader.find("from"));
        auto to = compile.expression(reader.find("to"));
        if (field && from && to) all.push_back({std::move(*field), std::move(*from), std::move(*to)});
    }
    return all;
}

EventMap read_event(const YamlNode& node, const MapCompiler& maps, const Compiler& compile) {
    const MapReader reader(node, "event", compile.diagnostics());
    EventMap event;
    event.match = compile.condition(reader.find("match"));
    event.description = reader.text("description");
    event.type = compile.text(reader.find("type"));
    if (const auto* subject = reader.find("subject")) {
        const MapReader about(*subject, "subject", compile.diagnostics());
        event.kind = about.text("kind");
        event.id = compile.expression(about.find("id"));
        if (!is_name(event.kind))
            compile.diagnostics().error("bad-value", subject->place,
                                        "\"" + event.kind + "\" is no kind of entity");
    }
    event.time = compile.expression(reader.find("time"));
    event.actor = compile.expression(reader.find("actor"));
    event.full_merge = reader.word("merge", {"patch", "full"}) == 1;
    event.require = read_require(reader.find("require"), compile);
    event.map = maps.read(reader.find("map"));
    event.changes = read_changes(reader.find("changes"), compile);
    return event;
}

std::optional<Challenge> read_challenge(const YamlNode* node, const Compiler& compile) {
    if (node == nullptr) return std::nullopt;
    const MapReader reader(*node, "challenge", compile.diagnostics());
    return Challenge{compile.condition(reader.find("when")), compile.text(reader.find("answer"))};
}

void read_otherwise(const YamlNode* node, const MapCompiler& maps, const Compiler& compile,
                    Webhook& webhook) {
    if (node == nullptr) return;
    if (node->is_map() && node->entries.size() == 1 && node->find("reason") != nullptr)
        webhook.otherwise_reason = compile.text(node->find("reason"));
    else
        webhook.otherwise = read_event(*node, maps, compile);
}

}  // namespace

bool is_field(const engine::Path& path) {
    return path.size() >= 2 && path.size() <= field_keys_max && is_name(path.front()) &&
           std::none_of(path.begin(), path.end(), [](const std::string& key) { return key.empty(); });
}

Webhook read_webhook(const YamlNode& node, const Connector& connector, Diagnostics& diagnostics) {
    const MapReader reader(node, "webhook", diagnostics);
    Compiler compile({"item", "body", "header", "query", "settings", "delivery"}, connector, diagnostics);
    const auto reads = std::make_shared<engine::JsonMask>();
    compile.note_reads(reads);
    const auto whole = compile.with_roots({"body", "header", "query", "settings"});
    const auto functions = std::make_shared<FunctionUses>();
    compile.note_functions(functions);
    const MapCompiler maps(reader.find("maps"), compile);
    Webhook webhook;
    webhook.verify = read_verify(reader.find("verify"), compile);
    webhook.body = static_cast<Webhook::Body>(reader.word("body", {"json", "form", "any"}));
    webhook.payload_field = reader.text("payload");
    webhook.id = compile.expression(reader.find("id"));
    webhook.items = whole.expression(reader.find("items"));
    webhook.lists = reader.boolean("lists", false);
    webhook.items_max = static_cast<std::size_t>(reader.integer("items_max", 1000, 1, 10'000));
    webhook.challenge = read_challenge(reader.find("challenge"), whole);
    webhook.require = read_require(reader.find("require"), compile);
    webhook.ignore = read_ignore(reader.find("ignore"), compile);
    for (const auto& item : items_of(reader.find("events"), "event", diagnostics))
        webhook.events.push_back(read_event(item, maps, compile));
    read_otherwise(reader.find("otherwise"), maps, compile, webhook);
    webhook.urgent = reader.texts("urgent");
    // Where items stand elsewhere in the body their paths are not those of the body.
    if (!webhook.items) webhook.reads = reads;
    webhook.functions = *functions;
    return webhook;
}

}  // namespace connectors
