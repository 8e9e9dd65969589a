#include <algorithm>

#include "connectors/kit/read_parts.h"
#include "connectors/kit/words.h"
#include "engine/base/text.h"

namespace connectors {

using engine::Diagnostics;
using engine::in_quotes;
using engine::YamlNode;

namespace {

void read_parameter(const YamlNode::Entry& entry, Operation& operation, Diagnostics& diagnostics) {
    const MapReader reader(entry.value, "parameter", diagnostics);
    if (!is_name(entry.key))
        diagnostics.error("bad-value", entry.place, "a parameter's name is lower-case letters, digits and _");
    engine::Parameter parameter;
    parameter.name = entry.key;
    parameter.type = static_cast<engine::Parameter::Type>(
        reader.word("type", {"text", "number", "boolean", "list", "object", "any"}));
    parameter.required = reader.boolean("required", false);
    parameter.values = reader.texts("values");
    parameter.description = reader.text("description");
    if (reader.boolean("nullable", false)) operation.nullable.insert(entry.key);
    if (const auto* fallback = reader.find("default"))
        operation.defaults.emplace(entry.key, engine::to_json(*fallback));
    operation.signature.parameters.push_back(std::move(parameter));
}

void read_signature(const MapReader& reader, Operation& operation, Diagnostics& diagnostics) {
    operation.signature.description = reader.text("description");
    operation.signature.free_form = reader.boolean("free_form", false);
    for (const auto& entry : entries_of(reader.find("params"), "a map of parameters", diagnostics))
        read_parameter(entry, operation, diagnostics);
    const auto* groups = reader.find("one_of");
    operation.signature.one_of = groups_of(groups, diagnostics);
    std::vector<std::string> known;
    for (const auto& parameter : operation.signature.parameters) known.push_back(parameter.name);
    for (const auto& group : operation.signature.one_of)
        for (const auto& name : group)
            if (operation.signature.find(name) == nullptr)
                report_unknown("unknown-parameter", "parameter", name, groups->place, known, diagnostics);
}

/// A form body is a map whose members are templates; it is kept as a shape like JSON is.
void read_body(const MapReader& reader, const Compiler& compile, RequestTemplate& request) {
    using Body = RequestTemplate::Body;
    const std::pair<const char*, Body> kinds[] = {
        {"json", Body::json}, {"form", Body::form}, {"text", Body::text}};
    for (const auto& [key, kind] : kinds) {
        const auto* node = reader.find(key);
        if (node == nullptr) continue;
        if (request.body)
            compile.diagnostics().error("bad-value", node->place,
                                        "a request has one body: json, form or text");
        if (kind == Body::form) entries_of(node, "a map of templates", compile.diagnostics());
        request.body_kind = kind;
        request.body = compile.shape(node);
    }
}

RequestTemplate read_request(const YamlNode& node, const Compiler& compile) {
    const MapReader reader(node, "request", compile.diagnostics());
    constexpr const char* methods[] = {"POST", "GET", "PUT", "PATCH", "DELETE"};
    RequestTemplate request;
    request.method = methods[reader.word("method", {"POST", "GET", "PUT", "PATCH", "DELETE"})];
    request.url = compile.text(reader.find("url"));
    request.query = compile.templates(reader.find("query"));
    request.headers = compile.templates(reader.find("headers"));
    read_body(reader, compile, request);
    return request;
}

Operation::Answer answer_of(const MapReader& reader) {
    if (!reader.has("answer")) return reader.has("result") ? Operation::Answer::json : Operation::Answer::any;
    return static_cast<Operation::Answer>(reader.word("answer", {"any", "json", "text"}));
}

WriteBackField read_field(const YamlNode::Entry& entry, const Connector& connector,
                          Diagnostics& diagnostics) {
    WriteBackField field;
    field.field = entry.key;
    if (entry.value.is_scalar()) {
        field.parameter = entry.value.text;
        return field;
    }
    const MapReader reader(entry.value, "write_back_field", diagnostics);
    field.parameter = reader.text("param");
    field.key = reader.text("key");
    field.ids = reader.text("ids");
    if (!field.ids.empty()) check_setting(field.ids, entry.value.place, connector, diagnostics);
    const auto table = reader.text("table");
    if (table.empty()) return field;
    const auto found = connector.tables.find(table);
    if (found == connector.tables.end())
        diagnostics.error("bad-value", entry.value.place, "unknown table " + in_quotes(table));
    else
        field.table = found->second;
    return field;
}

void check_parameter(const std::string& name, const engine::Place& place, const Operation& action,
                     Diagnostics& diagnostics) {
    if (action.signature.find(name) != nullptr || action.signature.free_form) return;
    std::vector<std::string> known;
    for (const auto& parameter : action.signature.parameters) known.push_back(parameter.name);
    report_unknown("unknown-parameter", "parameter", name, place, known, diagnostics);
}

const Operation* find_action(const MapReader& reader, const std::string& name, const Connector& connector,
                             Diagnostics& diagnostics) {
    const auto found = connector.actions.find(name);
    if (found != connector.actions.end()) return &found->second;
    std::vector<std::string> known;
    for (const auto& [action, operation] : connector.actions) known.push_back(action);
    report_unknown("unknown-action", "action", name, reader.place(), known, diagnostics);
    return nullptr;
}

}  // namespace

std::vector<AnswerRule> read_answers(const YamlNode* list, const Compiler& compile) {
    using Kind = engine::Attempt::Kind;
    constexpr Kind kinds[] = {Kind::done, Kind::retry, Kind::failed};
    std::vector<AnswerRule> all;
    for (const auto& item : items_of(list, "answer", compile.diagnostics())) {
        const MapReader reader(item, "answer", compile.diagnostics());
        AnswerRule rule;
        rule.when = compile.condition(reader.find("when"));
        rule.kind = kinds[reader.word("is", {"done", "retry", "failed"})];
        rule.reason = compile.text(reader.find("reason"));
        all.push_back(std::move(rule));
    }
    return all;
}

std::vector<WaitHeader> read_wait_headers(const YamlNode* list, Diagnostics& diagnostics) {
    std::vector<WaitHeader> all;
    for (const auto& item : items_of(list, "wait_header", diagnostics)) {
        const MapReader reader(item, "wait_header", diagnostics);
        all.push_back({reader.text("header"),
                       static_cast<WaitHeader::Unit>(reader.word(
                           "unit", {"http", "s", "ms", "epoch_s", "epoch_ms", "rfc3339", "duration"}))});
    }
    if (all.empty()) all.push_back({"Retry-After", WaitHeader::Unit::http});
    return all;
}

Operation read_operation(const std::string& name, const YamlNode& node, const Connector& connector,
                         Diagnostics& diagnostics) {
    const MapReader reader(node, "action", diagnostics);
    Operation operation;
    operation.signature.name = name;
    read_signature(reader, operation, diagnostics);
    Compiler compile({"params", "settings", "key"}, connector, diagnostics);
    compile.check_params_of(operation.signature);
    if (const auto* request = reader.find("request")) operation.request = read_request(*request, compile);
    if (const auto* auth = reader.find("auth")) operation.auth = read_auth(auth, connector, diagnostics);
    operation.idempotency = reader.text("idempotency", "Idempotency-Key");
    if (operation.idempotency == "none") operation.idempotency.clear();
    operation.sign = reader.text("sign");
    if (!operation.sign.empty())
        check_setting(operation.sign, reader.find("sign")->place, connector, diagnostics);
    operation.answer = answer_of(reader);
    const auto answering = compile.with_roots({"response", "header", "params", "settings", "key"});
    operation.result = answering.shape(reader.find("result"));
    operation.answers = read_answers(reader.find("answers"), answering);
    operation.sandbox_result =
        compile.with_roots({"fake", "params", "settings", "key"}).shape(reader.find("sandbox_result"));
    return operation;
}

WriteBack read_write_back(const YamlNode& node, const Connector& connector, Diagnostics& diagnostics) {
    const MapReader reader(node, "write_back", diagnostics);
    WriteBack write_back;
    write_back.action = reader.text("action");
    const auto* action = find_action(reader, write_back.action, connector, diagnostics);
    const Compiler compile({"subject", "settings"}, connector, diagnostics);
    write_back.parameters = compile.templates(reader.find("params"));
    for (const auto& entry : entries_of(reader.find("fields"), "a map of fields", diagnostics)) {
        write_back.fields.push_back(read_field(entry, connector, diagnostics));
        if (action != nullptr)
            check_parameter(write_back.fields.back().parameter, entry.value.place, *action, diagnostics);
    }
    if (action == nullptr) return write_back;
    for (const auto& [name, value] : write_back.parameters)
        check_parameter(name, reader.place(), *action, diagnostics);
    return write_back;
}

}  // namespace connectors
