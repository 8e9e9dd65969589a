// Tags that texts call for, through the pipeline.

#include "rules/policies/tagging.h"

#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace tagging_test {

using namespace engine;
using namespace engine::test;

namespace {

using Names = std::vector<std::string>;

/// A desk with this tagging.yaml, and rules.
struct Desk : World {
    explicit Desk(const std::string& tagging, const std::string& rules = "",
                  const std::string& settings = "name: acme\n")
        : World(tenant_of({{"tenant.yaml", settings},
                           {"connections.yaml", sandbox_connections},
                           {"tagging.yaml", tagging},
                           {"rules.yaml", "rules:\n" + rules}})) {}

    /// The tags of ticket/1 after an event that brings this.
    Names take(const std::string& type, const Json& data, const std::string& subject = "ticket/1") {
        submit(event("e" + std::to_string(++sent), type, subject, data));
        Names tags;
        const auto fields = entity(subject).fields;
        if (const auto found = fields.find("tags"); found != fields.end())
            for (const auto& tag : *found) tags.push_back(tag.get<std::string>());
        return tags;
    }
    Names ticket(const Json& fields, const std::string& type = "ticket.updated") {
        return take(type, Json{{"ticket", fields}});
    }
    Names created(const Json& fields) { return ticket(fields, "ticket.created"); }
    Names message(const Json& fields) { return take("message.created", Json{{"message", fields}}); }
    const Decision& last() const { return decisions.back(); }
    /// The changes of the last decision, as `rule: to`.
    Names changes() const {
        Names lines;
        for (const auto& change : last().changes) lines.push_back(change.rule + ": " + change.to.dump());
        return lines;
    }

    int sent = 0;
};

constexpr auto refunds =
    "fields: [ticket.subject, ticket.description]\n"
    "add:\n"
    "  - { tag: refund, any: [ { word: refund } ] }\n"
    "  - { id: shouts, tags: [loud, refund], any: { regex: \"!!!\" } }\n";

constexpr auto topics =
    "fields: ticket.description\n"
    "set:\n"
    "  topic:\n"
    "    entries:\n"
    "      - { tag: billing, any: { word: [invoice, refund] } }\n"
    "      - { tag: product, any: { word: broken } }\n";

}  // namespace

TEST_CASE("tagging: what a new text calls for is added, in the name of its entry", "[tagging]") {
    Desk desk(refunds);
    CHECK(desk.created({{"subject", "Refund!!!"}, {"tags", {"vip"}}}) == Names{"vip", "refund", "loud"});
    CHECK(desk.changes() ==
          Names{R"(tagging:refund: ["vip","refund"])", R"(tagging:shouts: ["vip","refund","loud"])"});
    CHECK(desk.last().fired.empty());
    CHECK(desk.last().conflicts.empty());
}

TEST_CASE("tagging: what somebody took away does not come back before the text changes", "[tagging]") {
    Desk desk(refunds);
    desk.created({{"subject", "refund"}});
    CHECK(desk.ticket({{"tags", Json::array()}}).empty());
    CHECK(desk.ticket({{"status", "open"}}).empty());
    CHECK(desk.ticket({{"subject", "refund"}}).empty());
    CHECK(desk.ticket({{"subject", "refund, please"}}) == Names{"refund"});
    // What no longer matches stays.
    CHECK(desk.ticket({{"subject", "thanks"}}) == Names{"refund"});
    CHECK(desk.ticket({{"subject", nullptr}}) == Names{"refund"});
}

TEST_CASE("tagging: a list takes its own tags away again, and no others", "[tagging]") {
    Desk desk(topics);
    CHECK(desk.created({{"description", "The invoice is broken"}, {"tags", {"vip"}}}) ==
          Names{"vip", "billing", "product"});
    CHECK(desk.ticket({{"description", "It is broken"}}) == Names{"vip", "product"});
    CHECK(desk.changes() == Names{R"(tagging:topic: ["vip","product"])"});
    CHECK(desk.ticket({{"tags", {"vip", "billing", "product"}}}) == Names{"vip", "billing", "product"});
    CHECK(desk.ticket({{"description", nullptr}}) == Names{"vip"});
}

TEST_CASE("tagging: of a list's entries the first alone may count", "[tagging]") {
    Desk desk(
        std::string("fields: ticket.description\nset:\n  topic:\n    first_match: true\n    entries:\n") +
        "      - { tag: billing, any: { word: invoice } }\n"
        "      - { tag: product, any: { word: broken } }\n");
    CHECK(desk.created({{"description", "a broken invoice"}}) == Names{"billing"});
    CHECK(desk.ticket({{"description", "a broken chair"}}) == Names{"product"});
    CHECK(desk.ticket({{"description", "an invoice for a broken chair"}}) == Names{"billing"});
}

TEST_CASE("tagging: what a list could not ask about stays as it is", "[tagging]") {
    Desk desk(
        "set:\n  topic:\n    entries:\n"
        "      - { tag: billing, fields: message.text, any: { word: invoice } }\n"
        "      - { tag: product, fields: ticket.description, any: { word: broken } }\n"
        "      - { tag: first, on: ticket.created, fields: ticket.description, any: { word: broken } }\n");
    desk.created({{"description", "broken"}});
    CHECK(desk.message({{"text", "the invoice"}}) == Names{"product", "first", "billing"});
    // No message, no news of invoices; and `first` is asked at the beginning only.
    CHECK(desk.ticket({{"description", "whole"}}) == Names{"first", "billing"});
    CHECK(desk.message({{"text", "hello"}}) == Names{"first"});
}

TEST_CASE("tagging: rules of the same event read the tags, as news", "[tagging]") {
    const std::string rules =
        "  - id: has\n    on: ticket.created\n    when: { ticket.tags: { has: refund } }\n"
        "    then: [ { set: { ticket.group: billing } } ]\n"
        "  - id: changed\n    on: ticket.created\n    when: { ticket.tags: { changed: true } }\n"
        "    then: [ { set: { ticket.queue: tagged } } ]\n"
        "  - id: later\n    on: ticket.updated\n    when: { ticket.tags: { changed: true } }\n"
        "    then: [ { set: { ticket.assignee: ana } } ]\n";
    for (const char* chaining : {"cascade", "restart", "snapshot", "none"}) {
        INFO(chaining);
        Desk desk(refunds, rules, std::string("name: acme\nchaining: ") + chaining + "\n");
        CHECK(desk.created({{"subject", "refund"}}) == Names{"refund"});
        CHECK(desk.last().fired == Names{"has", "changed"});
        // They are news once, like what the payload brings.
        CHECK_FALSE(desk.entity("ticket/1").fields.contains("assignee"));
        desk.created({{"subject", "hello"}});
        CHECK(desk.last().fired == Names{"has"});
    }
}

TEST_CASE("tagging: a rule that takes a tag away again is in conflict with it", "[tagging]") {
    const std::string rules = "  - { id: no, on: ticket.created, then: [ { remove_tags: [refund] } ] }\n";
    Desk last(refunds, rules);
    CHECK(last.created({{"subject", "refund"}}).empty());
    REQUIRE(last.last().conflicts.size() == 1);
    CHECK(last.last().conflicts[0].first_rule == "tagging:refund");
    Desk first(refunds, rules, "name: acme\non_conflict: first\n");
    CHECK(first.created({{"subject", "refund"}}) == Names{"refund"});
    // A decision that fails keeps nothing but the merge.
    Desk fail(refunds, rules, "name: acme\non_conflict: fail\n");
    CHECK(fail.created({{"subject", "refund"}}).empty());
    CHECK(fail.last().outcome == Outcome::error);
}

TEST_CASE("tagging: a list that takes away what another entry gives is in conflict with it", "[tagging]") {
    Desk desk(
        "fields: ticket.description\n"
        "add: [ { tag: billing, any: { word: vat } } ]\n"
        "set: { topic: { entries: [ { tag: billing, any: { word: invoice } } ] } }\n");
    CHECK(desk.created({{"description", "vat"}}).empty());
    REQUIRE(desk.last().conflicts.size() == 1);
    CHECK(desk.last().conflicts[0].tag == "billing");
}

TEST_CASE("tagging: conditions, events and languages keep entries out", "[tagging]") {
    Desk desk(
        "fields: ticket.description\n"
        "add:\n"
        "  - { tag: at-first, on: ticket.created, any: { word: hello } }\n"
        "  - { tag: by-mail, when: { ticket.channel: email }, any: { word: hello } }\n"
        "  - { tag: english, language: en, any: { word: hello } }\n"
        "  - { tag: not-british, language: [en-US, de], any: { word: hello } }\n");
    CHECK(desk.created({{"description", "x"}}).empty());
    // An unknown language is whichever.
    CHECK(desk.ticket({{"description", "hello"}}) == Names{"english", "not-british"});
    Desk german(
        "fields: ticket.description\n"
        "add:\n"
        "  - { tag: english, language: en, any: { word: hello } }\n"
        "  - { tag: german, language: de, any: { word: hello } }\n");
    CHECK(german.created({{"description", "hello"}, {"language", "de_AT"}}) == Names{"german"});
    // Another language is news for entries that ask for it.
    CHECK(german.ticket({{"language", "en-GB"}}) == Names{"german", "english"});
}

TEST_CASE("tagging: what a message says, without what it quotes", "[tagging]") {
    Desk desk(
        "fields: [ticket.description, message.text]\n"
        "add:\n"
        "  - { tag: refund, any: { word: refund } }\n"
        "  - { tag: quoted, strip_quotes: false, any: { word: storno } }\n"
        "  - { tag: german, fields: message.text, language: de, any: { contains: danke } }\n");
    CHECK(desk.created({{"description", "> an old mail"}, {"language", "en"}}).empty());
    CHECK(desk.message({{"text", "Thanks!\n> refund or storno?"}}) == Names{"quoted"});
    CHECK(desk.message({{"text", "Danke"}}) == Names{"quoted"});
    // A message's own language goes before that of its ticket.
    CHECK(desk.message({{"text", "Danke"}, {"language", "de"}}) == Names{"quoted", "german"});
    CHECK(desk.message({{"text", "A refund, please"}}) == Names{"quoted", "german", "refund"});
    // Of the first text of a ticket nothing is left out: what was forwarded may be the matter.
    CHECK(desk.take("ticket.created", {{"ticket", {{"description", "> refund"}}}}, "ticket/2") ==
          Names{"refund"});
}

TEST_CASE("tagging: each kind of entity reads its own fields", "[tagging]") {
    Desk desk(
        "fields: [ticket.subject, conversation.initial_message, message.text]\n"
        "add: [ { tag: refund, any: { word: refund } } ]\n");
    CHECK(desk.take("conversation.created", {{"conversation", {{"initial_message", "refund"}}}},
                    "conversation/1") == Names{"refund"});
    CHECK(desk.take("ticket.created",
                    {{"ticket", {{"subject", "hello"}}}, {"conversation", {{"initial_message", "refund"}}}})
              .empty());
    CHECK(desk.take("contact.created", {{"contact", {{"name", "Ana"}}}}, "contact/1").empty());
}

TEST_CASE("tagging: of a long text the beginning is looked at, and that is said", "[tagging]") {
    Desk desk(
        "limits: { text_bytes_max: 20 }\nfields: ticket.description\n"
        "add: [ { tag: refund, any: { word: refund } } ]\n");
    CHECK(desk.created({{"description", "ééééééééé refund"}}).empty());
    REQUIRE(desk.last().notes.size() == 1);
    CHECK(desk.last().notes[0] ==
          "tagging looked at the first 20 bytes of ticket.description (text_bytes_max)");
    CHECK(desk.ticket({{"description", "refund ééééééééé"}}) == Names{"refund"});
}

TEST_CASE("tagging: what is deleted, and what goes on after a wait, gets no tags", "[tagging]") {
    Desk desk(
        "fields: [ticket.description, message.text]\nadd: [ { tag: refund, any: { word: refund } } ]\n",
        "  - { id: waits, on: message.created, then: [ { remove_tags: [refund] }, { wait: 1h }, { set: { "
        "ticket.queue: late } } ] }\n");
    desk.created({{"subject", "x"}});
    CHECK(desk.message({{"text", "refund"}}).empty());
    desk.run(noon + std::chrono::hours(2));
    CHECK(desk.entity("ticket/1").fields["queue"] == "late");
    CHECK_FALSE(desk.entity("ticket/1").fields.contains("refund"));
    CHECK(desk.ticket({{"description", "refund"}}, "ticket.deleted").empty());
}

TEST_CASE("tagging: decisions with tags are made again the same, and rebuilt", "[tagging]") {
    Desk desk(topics,
              "  - { id: r, on: ticket.*, when: { ticket.tags: { has: billing } }, then: [ { set: { "
              "ticket.group: billing } } ] }\n");
    desk.created({{"description", "invoice"}});
    desk.ticket({{"description", "broken"}});
    desk.ticket({{"description", "refund"}});
    CHECK(desk.ticket({{"status", "open"}}) == Names{"billing"});
    const auto proof = prove(desk);
    CHECK(proof.decisions == 4);
    CHECK(proof.found == "");
}

}  // namespace tagging_test
