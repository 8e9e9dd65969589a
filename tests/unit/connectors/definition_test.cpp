#include <map>
#include <set>

#include "connectors/kit/document.h"
#include "connectors/kit/read.h"
#include "tests/unit/connectors/support.h"

namespace definition_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

/// A definition with one part replaced.
std::string definition(const std::string& more) {
    return "name: desk\ntitle: Desk\ndescription: A desk.\n"
           "settings:\n  secret: { secret: true, description: Signs. }\n  url: { type: url, description: "
           "Where. }\n" +
           more;
}

std::string problems(const std::string& more) {
    engine::Diagnostics diagnostics;
    const auto read =
        read_definition(definition(more), "connectors/desk/connector.yaml", "desk", diagnostics);
    CHECK(diagnostics.has_errors() == (read == nullptr));
    return all_of(diagnostics);
}

const std::string webhook_head =
    "webhook:\n  verify:\n    - signature: { header: X-Sig, secret: secret }\n  events:\n";

}  // namespace

TEST_CASE("definition: the shipped ones load", "[connectors]") {
    CHECK(Registry::shipped().names() ==
          std::vector<std::string>{"helpninja", "slack", "webhook", "zendesk"});
    CHECK(Registry::shipped().find("zendesk")->title == "Zendesk Support");
    CHECK(Registry::shipped().find("nobody") == nullptr);
}

TEST_CASE("definition: a tenant's own adds to the shipped ones and overrides them", "[connectors]") {
    engine::Diagnostics diagnostics;
    const auto registry = Registry::shipped().with(
        {{"connectors/desk/connector.yaml", definition("")},
         {"connectors/slack/connector.yaml", "name: slack\ntitle: Ours\ndescription: x\n"},
         {"connectors/desk/desk.lua", "return {}"},
         {"connectors/deep/er/connector.yaml", "nonsense"},
         {"rules.yaml", "rules: []"}},
        diagnostics);
    CHECK(all_of(diagnostics).empty());
    CHECK(registry.find("desk") != nullptr);
    CHECK(registry.find("slack")->title == "Ours");
    CHECK(Registry::shipped().find("slack")->title == "Slack");
}

TEST_CASE("definition: one that cannot be read leaves the shipped one in place", "[connectors]") {
    engine::Diagnostics diagnostics;
    const auto registry =
        Registry::shipped().with({{"connectors/slack/connector.yaml", "name: [\n"}}, diagnostics);
    CHECK(diagnostics.has_errors());
    CHECK(registry.find("slack")->title == "Slack");
}

TEST_CASE("definition: every mistake has its class and place", "[connectors]") {
    CHECK_THAT(problems("titel: x\n"), Catch::Contains("connectors/desk/connector.yaml:7:1") &&
                                           Catch::Contains("did you mean \"title\"?") &&
                                           Catch::Contains("[unknown-key]"));
    CHECK_THAT(problems("settings2: x\n"), Catch::Contains("[unknown-key]"));
    CHECK_THAT(problems("auth:\n  - bearer: \"{settings.tokn}\"\n"),
               Catch::Contains("unknown setting \"tokn\"") && Catch::Contains("[unknown-setting]"));
    CHECK_THAT(problems("auth:\n  - { bearer: x, none: true }\n"), Catch::Contains("exactly one key"));
    CHECK_THAT(problems("one_of: [[secret, urll]]\n"), Catch::Contains("did you mean \"url\"?"));
    CHECK_THAT(problems("actions:\n  post: { description: x }\n"),
               Catch::Contains("needs the key \"request\"") && Catch::Contains("[missing-key]"));
    CHECK_THAT(problems("actions:\n  post:\n    description: x\n    params: { a: { description: x } }\n"
                        "    request: { url: \"{settings.url}/{params.b}\" }\n"),
               Catch::Contains("unknown parameter \"b\"") && Catch::Contains("[unknown-parameter]"));
    CHECK_THAT(problems("actions:\n  post: { description: x, request: { url: \"{settings.url\" } }\n"),
               Catch::Contains("not closed") && Catch::Contains("[bad-expression]"));
    CHECK_THAT(problems("actions:\n  post: { description: x, request: { url: x, method: SEND } }\n"),
               Catch::Contains("unknown value of method \"SEND\"") && Catch::Contains("[bad-value]"));
    CHECK_THAT(problems("actions:\n  post: { description: x, request: { url: x, json: {}, form: {} } }\n"),
               Catch::Contains("one body"));
    CHECK_THAT(problems("actions:\n  post: { description: x, request: { url: x }, answers: [{ when: { "
                        "response.status: 4 }, is: lost }] }\n"),
               Catch::Contains("unknown value of is \"lost\""));
    CHECK_THAT(problems("write_back:\n  ticket: { action: update, fields: { ticket.status: status } }\n"),
               Catch::Contains("[unknown-action]"));
    CHECK_THAT(problems("settings: {}\n"), Catch::Contains("[duplicate-key]"));
}

TEST_CASE("definition: the name is the folder's", "[connectors]") {
    engine::Diagnostics diagnostics;
    CHECK_FALSE(read_definition("name: desc\ntitle: x\ndescription: x\n", "c.yaml", "desk", diagnostics));
    CHECK_THAT(all_of(diagnostics), Catch::Contains("[bad-definition]"));
}

TEST_CASE("definition: a webhook says how it is verified, over the body", "[connectors]") {
    const auto with = [](const std::string& verify) {
        return problems("webhook:\n  verify:\n" + verify + "  events: []\n");
    };
    CHECK_THAT(problems("webhook: { events: [] }\n"), Catch::Contains("needs the key \"verify\""));
    CHECK_THAT(problems("webhook: { verify: [], events: [] }\n"), Catch::Contains("at least one way"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, content: \"{timestamp}\" }\n"),
               Catch::Contains("does not cover the body"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, content: \"{timestamp}{body}\" }\n"),
               Catch::Contains("{timestamp} is signed and described, or neither"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, timestamp: { header: T } }\n"),
               Catch::Contains("{timestamp} is signed and described, or neither"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, content: \"{id}{body}\" }\n"),
               Catch::Contains("{id} is signed and its header named"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, method: digest }\n"),
               Catch::Contains("{secret}"));
    CHECK_THAT(with("    - signature: { header: X, secret: secret, content: \"{bdy}{body}\" }\n"),
               Catch::Contains("did you mean \"body\"?"));
    CHECK_THAT(with("    - signature: { header: X, secret: secrets }\n"),
               Catch::Contains("[unknown-setting]"));
    CHECK_THAT(with("    - key: { secret: secret }\n"), Catch::Contains("in a header or in the query"));
    CHECK_THAT(with("    - sig: { secret: secret }\n"), Catch::Contains("[unknown-key]"));
}

TEST_CASE("definition: events name fields, kinds and maps that can be", "[connectors]") {
    const auto with = [](const std::string& event) { return problems(webhook_head + event); };
    CHECK(with("    - { type: ticket.created, subject: { kind: ticket, id: item.id }, map: { ticket.a: "
               "item.a } }\n")
              .empty());
    CHECK_THAT(with("    - { type: t, subject: { kind: Ticket, id: item.id }, map: {} }\n"),
               Catch::Contains("\"Ticket\" is no kind"));
    CHECK_THAT(with("    - { type: t, subject: { kind: ticket, id: itm.id }, map: {} }\n"),
               Catch::Contains("did you mean \"item\"?"));
    CHECK_THAT(with("    - { type: t, subject: { kind: ticket, id: item.id }, map: { subject: item.a } }\n"),
               Catch::Contains("\"subject\" is no field"));
    CHECK_THAT(with("    - { type: t, subject: { kind: ticket, id: item.id }, map: [tickets] }\n  maps: { "
                    "ticket: {} }\n"),
               Catch::Contains("unknown map \"tickets\", did you mean \"ticket\"?"));
    CHECK_THAT(with("    - { type: t, subject: { kind: ticket, id: item.id }, map: {}, merge: whole }\n"),
               Catch::Contains("unknown value of merge"));
    CHECK_THAT(with("    - { match: { item.a: { is: 7 } }, type: t, subject: { kind: ticket, id: item.id }, "
                    "map: {} }\n"),
               Catch::Contains("unknown test \"is\""));
}

TEST_CASE("definition: anything at all ends with a definition or with reasons", "[connectors]") {
    const auto whole = read_file("connectors/zendesk/connector.yaml");
    REQUIRE(whole.size() > 1000);
    std::uint32_t state = 7;
    const auto next = [&] { return state = state * 1664525U + 1013904223U; };
    INFO("seed 7");
    for (int round = 0; round < 200; ++round) {
        auto text = whole;
        for (int edit = 0; edit < 3; ++edit) {
            const auto at = (next() >> 4) % text.size();
            if (next() % 2 == 0)
                text.erase(at, (next() >> 8) % 40);
            else
                text[at] = static_cast<char>(32 + (next() >> 8) % 90);
        }
        engine::Diagnostics diagnostics;
        const auto read = read_definition(text, "connectors/zendesk/connector.yaml", "zendesk", diagnostics);
        CHECK((read != nullptr) == !diagnostics.has_errors());
    }
}

TEST_CASE("definition: every class of diagnostic is described, and only those are used", "[connectors]") {
    std::set<std::string> described;
    for (const auto& known : diagnostic_classes()) {
        CHECK(described.insert(known.kind).second);
        CHECK_FALSE(known.meaning.empty());
        CHECK_FALSE(known.remedy.empty());
    }
    for (const auto* file : {"read", "read_definition", "read_webhook", "read_action", "compiler",
                             "connections", "settings", "template", "condition"}) {
        const auto source = read_file("connectors/kit/" + std::string(file) + ".cpp");
        REQUIRE_FALSE(source.empty());
        std::size_t at = 0;
        while ((at = source.find("diagnostics", at)) != std::string::npos) {
            at += 11;
            const auto open = source.find('(', at);
            if (open == std::string::npos || open > at + 12 || source[open + 1] != '"') continue;
            const auto kind = source.substr(open + 2, source.find('"', open + 2) - open - 2);
            INFO(file << ": " << kind);
            CHECK(described.contains(kind));
        }
    }
}

TEST_CASE("definition: the reference and the pages are what the definitions say", "[connectors]") {
    const bool write = std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr;
    std::map<std::string, std::string> pages{
        {"docs/reference/connector-definition.md", definition_reference()},
        {"docs/connectors/README.md", overview_of(Registry::shipped())}};
    for (const auto& name : Registry::shipped().names())
        pages["docs/connectors/" + name + ".md"] = page_of(*Registry::shipped().find(name));
    for (const auto& [path, text] : pages) {
        if (write) std::ofstream(path, std::ios::binary) << text;
        INFO(path << " is old: run this test with SIGNALBOX_UPDATE_GOLDEN=1");
        CHECK(read_file(path) == text);
    }
}

TEST_CASE("definition: the example of the reference works", "[connectors]") {
    const auto text = definition_reference();
    const auto open = text.find("```yaml\n") + 8;
    const auto registry = registry_with("parcels", text.substr(open, text.find("```", open) - open));
    const auto connection =
        connection_of("parcels: { url: \"http://127.0.0.1:1\", token: t, secret: s }", registry);
    const auto intake = receive(
        connection, signed_message(connection, R"({"delivery":"d1","kind":"trouble.lost","at":1777881600,
            "trouble":"lost","parcel":{"number":7},"customer":{"email":" A@B.c"},"labels":[{"name":"x"}]})"));
    REQUIRE(intake);
    REQUIRE(intake->events.size() == 1);
    CHECK(intake->events[0].subject.text() == "ticket/parcels:7");
    CHECK(intake->events[0].data["ticket"] ==
          json(R"({"subject":"Parcel 7: lost","requester":{"email":"a@b.c"},"tags":["x"]})"));
    const auto request = render(connection, delivery_of("reply", {{"parcel", 7}, {"text", "Sorry"}}),
                                at("2026-05-04T08:00:00Z"));
    REQUIRE(request);
    CHECK(request->url == "http://127.0.0.1:1/parcels/7/replies");
}

}  // namespace definition_test
