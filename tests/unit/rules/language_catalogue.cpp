#include <cstdlib>

#include "rules/catalogue.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_catalogue {

using rules::Catalogue;
using rules::FieldType;

namespace {

const char* const page_path = "docs/reference/fields.md";

std::string row(const rules::Field& field) {
    std::string values;
    for (const auto& value : field.values) values += (values.empty() ? ": `" : " `") + value + "`";
    return "| `" + field.path + "` | " + std::string(name_of(field.type)) + values + " | " +
           field.description + " |\n";
}

std::string section(const Catalogue& catalogue, const std::string& title, const std::string& root) {
    std::string text = "\n## " + title + "\n\n| field | type | what it is |\n|---|---|---|\n";
    for (const auto& path : catalogue.paths())
        if (path == root || path.starts_with(root + ".")) text += row(*catalogue.find(path));
    return text;
}

std::string links(const Catalogue& catalogue) {
    std::string text =
        "\n## Links\n\nWhere an entity points to another one, the other can be read by its kind. Of several "
        "with the same "
        "e-mail\naddress the one with the smallest subject is taken.\n\n"
        "| field | kind | found by |\n|---|---|---|\n";
    for (const auto& link : catalogue.links())
        text += "| `" + link.field + "` | " + link.kind + " | " + (link.by_email ? "e-mail" : "id") + " |\n";
    return text;
}

std::string reference_page() {
    const auto catalogue = Catalogue::shipped();
    std::string page =
        "# Field catalogue\n\n"
        "What rules can read and write. Fields under `<kind>.custom` are a tenant's own: any may be used, "
        "and those\n"
        "declared in `fields.yaml` are checked. `instant` is an RFC 3339 text, `tags` a list of texts "
        "compared as a\n"
        "set. A tenant may add fields and kinds, and give enums other values:\n\n"
        "```yaml\nkinds: [order]\nfields:\n  order.total: { type: number }\n"
        "  ticket.custom.plan: { type: text, values: [basic, plus], description: What they pay for }\n"
        "links:\n  ticket.custom.order_id: order\n  lead.custom.buyer: { kind: contact, by: email }\n```\n\n"
        "This page is made from `rules/catalogue.cpp`: `SIGNALBOX_UPDATE_GOLDEN=1 test_language` writes it "
        "anew.\n";
    for (const auto& kind : catalogue.kinds()) page += section(catalogue, kind, kind);
    return page + section(catalogue, "event", "event") + section(catalogue, "sla", "sla") +
           section(catalogue, "changes", "changes") + section(catalogue, "now", "now") + links(catalogue);
}

}  // namespace

TEST_CASE("catalogue: the reference page lists what the program knows", "[language]") {
    if (std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr) rules::write_file(page_path, reference_page());
    INFO("run test_language with SIGNALBOX_UPDATE_GOLDEN=1 from the project's root to write " << page_path);
    CHECK(rules::read_file(page_path) == reference_page());
}

TEST_CASE("catalogue: tickets have the canonical fields and enums", "[language]") {
    const auto catalogue = Catalogue::shipped();
    for (const char* name : {"id",       "subject",      "description",     "status",         "priority",
                             "type",     "channel",      "queue",           "group",          "assignee",
                             "tags",     "requester.id", "requester.email", "requester.name", "organization",
                             "language", "custom.any",   "created_at",      "updated_at",     "due_at"}) {
        INFO(name);
        CHECK(catalogue.find(std::string("ticket.") + name) != nullptr);
    }
    using Values = std::vector<std::string>;
    CHECK(catalogue.find("ticket.status")->values ==
          Values{"new", "open", "pending", "on_hold", "solved", "closed"});
    CHECK(catalogue.find("ticket.priority")->values == Values{"low", "normal", "high", "urgent"});
    CHECK(catalogue.find("ticket.queue")->values.empty());
    CHECK(catalogue.find("ticket.tags")->type == FieldType::tags);
    CHECK(catalogue.find("ticket.due_at")->type == FieldType::instant);
}

TEST_CASE("catalogue: every kind has an id, custom fields and tags or is a message", "[language]") {
    const auto catalogue = Catalogue::shipped();
    CHECK(catalogue.kinds() == std::vector<std::string>{"call", "company", "contact", "conversation", "lead",
                                                        "message", "schedule", "ticket"});
    for (const auto& kind : catalogue.kinds()) {
        INFO(kind);
        CHECK(catalogue.find(kind + ".id") != nullptr);
        CHECK(catalogue.find(kind + ".custom.anything.at.all")->type == FieldType::any);
        CHECK((catalogue.find(kind + ".tags") != nullptr) == catalogue.is_entity(kind));
    }
}

TEST_CASE("catalogue: an unknown field has no entry, a part of an open object has one", "[language]") {
    const auto catalogue = Catalogue::shipped();
    CHECK(catalogue.find("ticket.staus") == nullptr);
    CHECK(catalogue.find("ticket.requester.mail") == nullptr);
    CHECK(catalogue.find("ticket.status.inner") == nullptr);
    CHECK(catalogue.find("nobody.custom.x") == nullptr);
    CHECK(catalogue.find("event.data.ticket.anything")->path == "event.data.*");
    CHECK(catalogue.find("event.time")->type == FieldType::instant);
    CHECK(catalogue.find("") == nullptr);
}

TEST_CASE("catalogue: links point from shipped fields to shipped kinds", "[language]") {
    const auto catalogue = Catalogue::shipped();
    for (const auto& link : catalogue.links()) {
        INFO(link.field);
        REQUIRE(catalogue.find(link.field) != nullptr);
        CHECK(catalogue.is_entity(link.kind));
    }
}

TEST_CASE("catalogue: a tenant adds fields and enums, and cannot contradict a type", "[language]") {
    auto catalogue = Catalogue::shipped();
    CHECK(catalogue.add({"ticket.custom.seats", FieldType::number, {}, "", true}));
    CHECK(catalogue.find("ticket.custom.seats")->type == FieldType::number);
    CHECK(catalogue.find("ticket.custom.other")->type == FieldType::any);
    CHECK(catalogue.add({"ticket.status", FieldType::text, {"fresh", "done"}, "", true}));
    CHECK(catalogue.find("ticket.status")->values == std::vector<std::string>{"fresh", "done"});
    CHECK(catalogue.add({"ticket.priority", FieldType::text, {}, "how hot", true}));
    CHECK(catalogue.find("ticket.priority")->values.size() == 4);
    CHECK_FALSE(catalogue.add({"ticket.subject", FieldType::number, {}, "", true}));
    CHECK_FALSE(catalogue.add({"ticket.subject.short", FieldType::text, {}, "", true}));
    CHECK_FALSE(catalogue.add({"ticket.custom", FieldType::text, {}, "", true}));
    CHECK(catalogue.find("ticket.custom.seats.free") == nullptr);
    CHECK(catalogue.find("ticket.custom.other.free")->type == FieldType::any);
}

TEST_CASE("catalogue: a field of any type may be pinned down, what lay below it goes", "[language]") {
    auto catalogue = Catalogue::shipped();
    REQUIRE(catalogue.add({"ticket.requester", FieldType::text, {}, "", true}));
    CHECK(catalogue.find("ticket.requester")->type == FieldType::text);
    CHECK(catalogue.find("ticket.requester.email") == nullptr);
    for (const auto& link : catalogue.links()) CHECK(link.field != "ticket.requester.email");
}

TEST_CASE("catalogue: fields.yaml declares kinds, fields and links", "[language]") {
    const auto loaded = rules::load_files({{"fields.yaml", R"(
kinds: [order]
fields:
  order.total: { type: number, description: In euros }
  order.items: list
  order.address: { type: object }
  ticket.custom.plan: { type: text, values: [basic, 007] }
  ticket.custom.size: { type: number, values: [1, 2.5] }
links:
  ticket.custom.order_id: order
  order.buyer: { kind: contact, by: email }
)"}});
    CHECK(loaded.text() == "fields.yaml:11:3: error: unknown field \"order.buyer\" [unknown-field]\n");

    const auto good = rules::load_files({{"fields.yaml", R"(
kinds: [order]
fields:
  order.buyer: text
  order.address: object
  ticket.custom.plan: { type: text, values: [basic, 007] }
  ticket.custom.size: { type: number, values: [1, 2.50] }
links:
  ticket.custom.order_id: order
  order.buyer: { kind: contact, by: email }
)"}});
    REQUIRE(good.rule_set);
    const auto& catalogue = good.rule_set->catalogue;
    CHECK(catalogue.is_entity("order"));
    CHECK(catalogue.find("order.tags")->type == FieldType::tags);
    CHECK(catalogue.find("order.address.city")->type == FieldType::any);
    CHECK(catalogue.find("ticket.custom.plan")->values == std::vector<std::string>{"basic", "007"});
    CHECK(catalogue.find("ticket.custom.size")->values == std::vector<std::string>{"1", "2.5"});
    const auto& last = catalogue.links().back();
    CHECK((last.field == "order.buyer" && last.kind == "contact" && last.by_email));
}

TEST_CASE("catalogue: type names can be read back", "[language]") {
    for (const auto* name : {"text", "number", "boolean", "instant", "tags", "list", "object", "any"})
        CHECK(name_of(*rules::parse_field_type(name)) == name);
    CHECK_FALSE(rules::parse_field_type("string"));
}

}  // namespace language_catalogue
