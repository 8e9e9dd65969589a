#include "connectors/kit/document.h"

#include <sstream>

#include "connectors/kit/definition.h"
#include "connectors/kit/read.h"
#include "engine/base/text.h"
#include "engine/base/time.h"

namespace connectors {
namespace {

/// A cell of a table: one line, no bar that would end it.
std::string cell(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out.empty() ? " " : out;
}

std::string code(const std::string& text) {
    return text.empty() ? "" : "`" + text + "`";
}

std::string type_name(Setting::Type type) {
    constexpr const char* names[] = {"text", "URL", "number", "boolean", "duration", "list", "map"};
    return names[static_cast<int>(type)];
}

std::string type_name(engine::Parameter::Type type) {
    constexpr const char* names[] = {"text", "number", "boolean", "list", "map", "any"};
    return names[static_cast<int>(type)];
}

std::string words(const std::vector<std::string>& values) {
    std::vector<std::string> quoted;
    for (const auto& value : values) quoted.push_back(code(value));
    return engine::join(quoted, " ");
}

class Page {
public:
    explicit Page(const Connector& connector) : connector_(connector) {}

    std::string write() {
        out_ << "# " << connector_.title << " (`" << connector_.name << "`)\n\n";
        out_ << "Made from `connectors/" << connector_.name << "/connector.yaml`.\n\n"
             << connector_.description;
        out_ << "\n";
        write_settings();
        write_events();
        write_actions("Actions",
                      "A result is kept with `save`, or read by later steps as `steps.<as>.result.<name>`.",
                      connector_.actions);
        write_actions("Look-ups", "", connector_.lookups);
        write_write_back();
        write_tables();
        return out_.str();
    }

private:
    void write_settings() {
        out_ << "\n## Settings\n\nBesides those every connection has. Secrets belong into `${env:NAME}` or "
                "`${file:/path}`.\n\n| setting | type | | meaning |\n|---|---|---|---|\n";
        for (const auto& setting : connector_.settings) {
            std::string marks = setting.required ? "required" : "";
            if (setting.secret) marks += std::string(marks.empty() ? "" : ", ") + "secret";
            if (setting.many) marks += " (or a list)";
            auto meaning = setting.description;
            if (!setting.values.empty()) meaning += " One of " + words(setting.values) + ".";
            if (setting.fallback) meaning += " Otherwise `" + setting.fallback_text + "`.";
            out_ << "| `" << setting.name << "` | " << type_name(setting.type) << " | " << cell(marks)
                 << " | " << cell(meaning) << " |\n";
        }
        for (const auto& group : connector_.one_of)
            out_ << "\nAt least one of " << words(group) << " is needed.\n";
    }

    void write_events() {
        if (!connector_.webhook) return;
        const auto& webhook = *connector_.webhook;
        out_ << "\n## Webhooks\n\nPosted to `/v1/{tenant}/hooks/{connection}`. Proved by any one of:\n\n";
        for (const auto& way : webhook.verify) out_ << "- " << proof(way) << "\n";
        out_ << "\nA repeat is recognised by "
             << (webhook.id ? "`" + webhook.id->text() + "`, else by " : std::string(""))
             << "the SHA-256 of the " << (webhook.lists ? "body or item" : "body") << ".";
        if (webhook.lists) out_ << " The body may be a list; good items are taken although others fail.";
        if (!webhook.urgent.empty()) out_ << " Taken first: " << words(webhook.urgent) << ".";
        out_ << "\n";
        for (const auto& ignore : webhook.ignore)
            out_ << "\nLeft when " << ignore.when.words() << ": " << ignore.reason->text() << ".\n";
        for (const auto& event : webhook.events) write_event(event);
    }

    void write_tables() {
        if (connector_.tables.empty()) return;
        out_ << "\n## Translations\n\nOther values stay as they are, unless there is an entry for `*`.\n\n"
                "| table | entries |\n|---|---|\n";
        for (const auto& [name, table] : connector_.tables) {
            std::vector<std::string> entries;
            for (const auto& [from, to] : *table)
                entries.push_back(code(from.empty() ? "\"\"" : from) + " → " +
                                  code(as_text(to).value_or("null")));
            out_ << "| `" << name << "` | " << cell(engine::join(entries, ", ")) << " |\n";
        }
    }

    static std::string proof(const Verification& way) {
        const auto where =
            way.query.empty() ? "header " + words(way.at.headers) : "query parameter `" + way.query + "`";
        if (way.kind == Verification::Kind::basic) return "user and password of `" + way.secret + "`";
        if (way.kind == Verification::Kind::key)
            return "the key `" + way.secret + "` in " + where +
                   (way.at.prefix.empty() ? "" : " after `" + way.at.prefix + "`");
        std::string text = "a signature with `" + way.secret + "` in " + where;
        if (way.timestamp) text += ", at most " + engine::to_text(way.timestamp->tolerance) + " old";
        return text;
    }

    void write_event(const EventMap& event) {
        out_ << "\n### `" << event.type->text() << "`\n\n" << event.description;
        if (!event.match.empty()) out_ << " When " << event.match.words() << ".";
        out_ << " About a " << event.kind << ", by `" << event.id->text() << "`"
             << (event.full_merge ? "; the payload is the whole entity" : "")
             << ".\n\n| field | from |\n|---|---|\n";
        for (const auto& field : event.map)
            out_ << "| `" << engine::dotted(field.field) << "` | " << cell(code(field.value.text()))
                 << " |\n";
    }

    void write_actions(const char* heading, const std::string& about,
                       const std::map<std::string, Operation>& actions) {
        if (actions.empty()) return;
        out_ << "\n## " << heading << "\n";
        if (!about.empty()) out_ << "\n" << about << "\n";
        for (const auto& [name, action] : actions) write_action(name, action);
    }

    void write_action(const std::string& name, const Operation& action) {
        out_ << "\n### `" << name << "`\n\n"
             << action.signature.description << " `" << action.request.method << " "
             << action.request.url->text() << "`";
        out_ << (action.idempotency.empty() ? "" : "; a repeat is marked by `" + action.idempotency + "`")
             << ".\n";
        const auto results = action.result ? action.result->member_names() : std::vector<std::string>();
        if (!results.empty()) out_ << "\nIts result has " << words(results) << ".\n";
        if (action.signature.parameters.empty()) return;
        out_ << "\n| parameter | type | | meaning |\n|---|---|---|---|\n";
        for (const auto& parameter : action.signature.parameters) {
            auto meaning = parameter.description;
            if (!parameter.values.empty()) meaning += " One of " + words(parameter.values) + ".";
            const auto fallback = action.defaults.find(parameter.name);
            if (fallback != action.defaults.end())
                meaning += " Otherwise `" + engine::canonical_json(fallback->second) + "`.";
            out_ << "| `" << parameter.name << "` | " << type_name(parameter.type) << " | "
                 << (parameter.required ? "required" : " ") << " | " << cell(meaning) << " |\n";
        }
        for (const auto& group : action.signature.one_of)
            out_ << "\nAt least one of " << words(group) << " is needed.\n";
    }

    void write_write_back() {
        for (const auto& [kind, write_back] : connector_.write_back) {
            out_ << "\n## Write-back of a " << kind << "\n\nAll changes of one decision leave as one `"
                 << write_back.action << "`.\n\n| field | parameter |\n|---|---|\n";
            for (const auto& field : write_back.fields) {
                auto to = "`" + field.parameter + (field.key.empty() ? "" : "." + field.key) + "`";
                if (!field.ids.empty()) to += ", by the ids in the setting `" + field.ids + "`";
                out_ << "| `" << field.field << "` | " << to << " |\n";
            }
        }
    }

    const Connector& connector_;
    std::ostringstream out_;
};

void write_sections(std::ostream& out) {
    for (const auto& section : sections()) {
        out << "\n### " << section.name << "\n\n"
            << section.meaning << "\n\n| key | value | meaning |\n|---|---|---|\n";
        for (const auto& key : section.keys) {
            auto meaning = key.meaning;
            if (key.required) meaning += " Required.";
            if (!key.fallback.empty()) meaning += " Otherwise: " + key.fallback + ".";
            out << "| `" << key.name << "` | " << cell(key.type) << " | " << cell(meaning) << " |\n";
        }
    }
}

void write_filters(std::ostream& out) {
    out << "\n| filter | meaning |\n|---|---|\n";
    for (const auto& filter : filters())
        out << "| `" << filter.name << "` | " << cell(filter.meaning) << " |\n";
}

void write_diagnostics(std::ostream& out) {
    out << "\n| class | meaning | remedy |\n|---|---|---|\n";
    for (const auto& diagnostic : diagnostic_classes())
        out << "| `" << diagnostic.kind << "` | " << cell(diagnostic.meaning) << " | "
            << cell(diagnostic.remedy) << " |\n";
}

constexpr const char* reference_head = R"(# Connector definitions

A connector is one file, `connectors/<name>/connector.yaml`: how the webhooks of a kind of system are verified and
normalised, and what it can be asked to do. The shipped ones are built into the program; a tenant's own folder
`connectors/` adds to them, and one of the same name takes the place of a shipped one. Nothing is compiled, and a
definition runs no code: signatures, HTTP and mapping are the program's. What a map cannot say is said by a function of
the tenant's own script beside the definition, `connectors/NAME/NAME.lua`, named by the filter `lua`.

Everything is checked when a definition is loaded, with file, line and column: unknown keys, expressions that do not
parse, settings, parameters and tables that do not exist, signatures that do not cover the body.

A small one:

```yaml
name: parcels
title: Parcel desk
description: Delivery troubles in, replies out.
settings:
  url: { type: url, required: true, description: The desk's API. }
  token: { secret: true, description: API token. }
  secret: { secret: true, many: true, description: Signs its webhooks. }
auth:
  - bearer: "{settings.token}"
webhook:
  verify:
    - signature: { header: X-Desk-Signature, secret: secret }
  id: item.delivery
  events:
    - match: { item.kind: "trouble.*" }
      type: ticket.created
      subject: { kind: ticket, id: item.parcel.number }
      time: item.at | epoch_s
      map:
        ticket.subject: "`Parcel {item.parcel.number}: {item.trouble}`"
        ticket.requester.email: item.customer.email | trim | lower
        ticket.tags: item.labels[*].name
actions:
  reply:
    description: Answers the customer.
    params:
      parcel: { required: true, description: The parcel's number. }
      text: { required: true, description: The words. }
    request:
      url: "{settings.url}/parcels/{params.parcel}/replies"
      json: { text: "{params.text}" }
    result: { id: "{response.body.id | text}" }
    sandbox_result: { id: "{fake.id}" }
```

## The language

An **expression** reads a value: a path such as `item.customer.email`, `item.lines[0].name`, `item.lines[-1]`,
`item.tags[*].name` (a list of all), `item.fields[id='seats'].value` (the first such element) or `item['odd name']`; a
`'text'` (a quote in it is written twice), a number, `true`, `false`, `null`; an expression in parentheses; a template in
backquotes. `a ?? b` is the first of them that is there and not null. `| filter` passes the value of all that stands
before it on.

A **template** is text with `{expression}` in it; `{{` and `}}` are braces. A template that is nothing but one
expression keeps the value's type. A template one of whose parts is not there is not there either.

A **shape** is a JSON document in YAML whose texts are templates. Members and elements that are not there are left out,
and so is a map or list none of whose members are there.

A **condition** is a map of expression: value; all must hold. A value is a text (a glob: `*` is any run of characters),
a number, a boolean, or a list of them; or `{exists: true}`, `{not: value}`, `{same_as: expression}`.

Not there and null are two things: a payload that does not speak of a field leaves it, one that says null removes it.
In YAML, a colon before a space ends a key: write `table:status`, or quote the whole.

## Filters

A null passes through every filter but `json`. A filter that cannot take the value gives nothing.
)";

}  // namespace

std::string page_of(const Connector& connector) {
    return Page(connector).write();
}

std::string overview_of(const Registry& registry) {
    std::ostringstream out;
    out << "# Connectors\n\nWhat a tenant's `connections.yaml` can name. The format of their definitions is "
           "described "
           "in [the reference](../reference/connector-definition.md).\n\n| connector | events | actions | |\n"
           "|---|---|---|---|\n";
    for (const auto& name : registry.names()) {
        const auto connector = registry.find(name);
        std::vector<std::string> actions;
        for (const auto& [action, operation] : connector->actions) actions.push_back(action);
        out << "| [`" << name << "`](" << name << ".md) | " << (connector->webhook ? "in" : " ") << " | "
            << cell(words(actions)) << " | " << cell(connector->description) << " |\n";
    }
    return out.str();
}

std::string definition_reference() {
    std::ostringstream out;
    out << reference_head;
    write_filters(out);
    out << "\n## Keys\n";
    write_sections(out);
    out << "\n## Diagnostics\n\nBesides those of every YAML file (`yaml-syntax`, `anchor`, `tag`, "
           "`duplicate-key`, "
           "`limit`).\n";
    write_diagnostics(out);
    return out.str();
}

}  // namespace connectors
