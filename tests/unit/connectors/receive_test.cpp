#include "tests/unit/connectors/support.h"

namespace receive_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

/// A connector whose webhook holds the given lines; unverified, so that only reading is looked at.
Connection reader(const std::string& webhook, const std::string& settings = "verify: none") {
    const auto registry =
        registry_with("reader",
                      "name: reader\ntitle: R\ndescription: x\nsettings:\n"
                      "  secret: { secret: true, description: x }\n"
                      "tables: { word: { a: b } }\n"
                      "webhook:\n  verify:\n    - key: { header: X-Key, secret: secret }\n" +
                          webhook);
    return connection_of("reader: { " + settings + " }", registry);
}

const std::string one_event =
    "  events:\n    - type: ticket.created\n      subject: { kind: ticket, id: item.id }\n"
    "      map: { ticket.subject: item.subject }\n";

Intake taken(const Connection& connection, const std::string& body) {
    auto intake = receive(connection, message_of(body));
    INFO((intake ? "" : intake.error().message));
    REQUIRE(intake);
    return std::move(*intake);
}

engine::Error refusal(const Connection& connection, const std::string& body) {
    const auto intake = receive(connection, message_of(body));
    REQUIRE_FALSE(intake);
    return intake.error();
}

}  // namespace

TEST_CASE("receive: proof comes before reading", "[connectors]") {
    const auto connection = reader(one_event, "secret: s");
    CHECK(refusal(connection, "{ no json").code == engine::Code::denied);
    auto message = message_of("{ no json");
    message.headers.emplace_back("X-Key", "s");
    CHECK(receive(connection, message).error().code == engine::Code::invalid_input);
}

TEST_CASE("receive: only listed addresses may come", "[connectors]") {
    const auto connection = reader(one_event, "verify: none, allow_from: [198.51.100.0/24, \"2001:db8::1\"]");
    auto message = message_of(R"({"id":"1"})");
    CHECK(receive(connection, message).error().code == engine::Code::denied);
    for (const auto* peer : {"198.51.100.7", "2001:db8::1", "::ffff:198.51.100.9"}) {
        message.peer = peer;
        CHECK(receive(connection, message));
    }
    for (const auto* peer : {"198.51.101.7", "", "here", "2001:db8::2"}) {
        message.peer = peer;
        CHECK_FALSE(receive(connection, message));
    }
}

TEST_CASE("receive: the envelope says where an event came from", "[connectors]") {
    const auto intake = taken(reader(one_event), R"({"id":7,"subject":"x"})");
    REQUIRE(intake.events.size() == 1);
    const auto& event = intake.events[0];
    CHECK(event.source == "reader/reader");
    CHECK(event.connection == "reader");
    CHECK(event.subject.text() == "ticket/reader:7");
    CHECK(event.received == at("2026-05-04T08:00:00Z"));
    CHECK_FALSE(event.time.has_value());
    CHECK(event.data == json(R"({"ticket":{"subject":"x"}})"));
    CHECK(intake.items == std::vector<std::size_t>{0});
}

TEST_CASE("receive: a repeat has the same id, by the vendor's or by the bytes", "[connectors]") {
    const auto by_bytes = reader(one_event);
    CHECK(taken(by_bytes, R"({"id":1})").events[0].id == taken(by_bytes, R"({"id":1})").events[0].id);
    CHECK(taken(by_bytes, R"({"id":1})").events[0].id != taken(by_bytes, R"({"id": 1})").events[0].id);
    const auto by_header = reader("  id: header.x-delivery ?? item.delivery\n" + one_event);
    auto message = message_of(R"({"id":1,"delivery":"d2"})");
    CHECK(receive(by_header, message)->events[0].id.text() == "d2");
    message.headers.emplace_back("X-Delivery", "d1");
    CHECK(receive(by_header, message)->events[0].id.text() == "d1");
}

TEST_CASE("receive: an id that is too long or unclean is replaced by its digest", "[connectors]") {
    const auto connection = reader("  id: item.delivery\n" + one_event);
    const auto id = [&](const std::string& delivery) {
        return taken(connection, Json{{"id", 1}, {"delivery", delivery}}.dump()).events[0].id.text();
    };
    CHECK(id(std::string(500, 'x')).size() == 64);
    CHECK(id("a\nb").size() == 64);
    CHECK(id("ä b") == "ä b");
}

TEST_CASE("receive: items of one delivery are told apart", "[connectors]") {
    const auto connection = reader("  id: header.x-delivery\n  items: body.value\n" + one_event);
    auto message = message_of(R"({"value":[{"id":1},{"id":2}]})");
    message.headers.emplace_back("X-Delivery", "d");
    const auto intake = receive(connection, message);
    REQUIRE(intake);
    REQUIRE(intake->events.size() == 2);
    CHECK_FALSE(intake->batch);
    CHECK(intake->events[0].id.text() == "d#0");
    CHECK(intake->events[1].id.text() == "d#1");
    CHECK_THAT(refusal(connection, "{}").message, Catch::Contains("body.value"));
    CHECK(taken(connection, R"({"value":[]})").ignored == "the body holds no items");
}

TEST_CASE("receive: items without an id are known by their content, not their place", "[connectors]") {
    const auto connection = reader("  lists: true\n" + one_event);
    const auto both = taken(connection, R"([{"id":1},{"id":2}])");
    const auto second = taken(connection, R"([{"id": 2}])");
    CHECK(both.batch);
    CHECK(both.events[1].id == second.events[0].id);
}

TEST_CASE("receive: a list where none is expected, and too many items, are refused", "[connectors]") {
    CHECK_THAT(refusal(reader(one_event), "[]").message, Catch::Contains("no JSON object"));
    const auto error =
        refusal(reader("  lists: true\n  items_max: 2\n" + one_event), R"([{"id":1},{"id":2},{"id":3}])");
    CHECK(error.code == engine::Code::exhausted);
    CHECK_THAT(error.message, Catch::Contains("items_max = 2"));
}

TEST_CASE("receive: an item without what its key needs is refused by name", "[connectors]") {
    const auto error = refusal(reader(one_event), R"({"subject":"x"})");
    CHECK(error.code == engine::Code::invalid_input);
    CHECK(error.message == "item.id is missing");
    CHECK_FALSE(receive(reader(one_event), message_of(R"({"id":"a\nb"})")));
    CHECK_FALSE(receive(reader(one_event), message_of("{\"id\":\"" + std::string(600, 'x') + "\"}")));
}

TEST_CASE("receive: null removes a field, silence leaves it", "[connectors]") {
    const auto intake = taken(reader(one_event), R"({"id":1,"subject":null})");
    CHECK(intake.events[0].data == json(R"({"ticket":{"subject":null}})"));
    CHECK(taken(reader(one_event), R"({"id":1})").events[0].data == Json::object());
}

TEST_CASE("receive: the first event that matches is made, the rest is left with a reason", "[connectors]") {
    const std::string events =
        "  ignore:\n    - { when: { item.kind: ping }, reason: \"a {item.kind}\" }\n  events:\n"
        "    - { match: { item.kind: a.* }, type: \"t.{item.kind | after:'.'}\", subject: { kind: ticket, "
        "id: item.id }, map: {} }\n"
        "    - { match: { item.kind: [a.b, c] }, type: second, subject: { kind: ticket, id: item.id }, map: "
        "{}, merge: full }\n";
    const auto connection = reader(events);
    CHECK(taken(connection, R"({"id":1,"kind":"a.b"})").events[0].type == "t.b");
    CHECK(taken(connection, R"({"id":1,"kind":"c"})").events[0].type == "second");
    CHECK(taken(connection, R"({"id":1,"kind":"c"})").events[0].full_merge);
    CHECK(taken(connection, R"({"id":1,"kind":"ping"})").ignored == "a ping");
    CHECK(taken(connection, R"({"id":1,"kind":"z"})").ignored == "no event is made of it");
    const auto keeping = reader(
        events +
        "  otherwise: { type: \"other.{item.kind}\", subject: { kind: ticket, id: item.id }, map: {} }\n");
    CHECK(taken(keeping, R"({"id":1,"kind":"z"})").events[0].type == "other.z");
    CHECK_FALSE(receive(keeping, message_of(R"({"id":1,"kind":"Z Z"})")));
    CHECK_FALSE(receive(keeping, message_of(R"({"id":1})")));
}

TEST_CASE("receive: changes that the vendor tells of come with the event", "[connectors]") {
    const auto connection = reader(
        "  events:\n    - type: ticket.updated\n      subject: { kind: ticket, id: item.id }\n      map: "
        "{}\n      changes:\n"
        "        - { field: \"ticket.{item.name}\", from: item.old | table:word, to: item.new | table:word "
        "}\n");
    CHECK(taken(connection, R"({"id":1,"name":"x","old":"a","new":"c"})").events[0].data["changes"] ==
          json(R"({"ticket.x":["b","c"]})"));
    CHECK(taken(connection, R"({"id":1,"name":"x","new":"c"})").events[0].data["changes"] ==
          json(R"({"ticket.x":[null,"c"]})"));
    CHECK_FALSE(
        taken(connection, R"({"id":1,"name":"x","old":"c","new":"c"})").events[0].data.contains("changes"));
    CHECK_FALSE(taken(connection, R"({"id":1,"old":"c","new":"d"})").events[0].data.contains("changes"));
}

TEST_CASE("receive: time and actor are taken when they can be read", "[connectors]") {
    const auto connection = reader(
        "  events:\n    - { type: t, subject: { kind: ticket, id: item.id }, time: item.at, actor: item.by, "
        "map: {} }\n");
    const auto event = taken(connection, R"({"id":1,"at":"2026-05-04T10:00:00+02:00","by":7})").events[0];
    CHECK(event.time == at("2026-05-04T08:00:00Z"));
    CHECK(event.actor == "7");
    const auto odd = taken(connection, R"({"id":1,"at":"yesterday","by":{}})").events[0];
    CHECK_FALSE(odd.time.has_value());
    CHECK(odd.actor.empty());
}

TEST_CASE("receive: forms are read by their content type, or always", "[connectors]") {
    const auto connection = reader("  body: any\n  payload: payload\n" + one_event);
    auto message = message_of("id=7&subject=a+b");
    message.headers[0].second = "application/x-www-form-urlencoded; charset=utf-8";
    CHECK(receive(connection, message)->events[0].data["ticket"]["subject"] == "a b");
    message.body = "payload=%7B%22id%22%3A8%7D";
    CHECK(receive(connection, message)->events[0].subject.text() == "ticket/reader:8");
    message.body = "payload=%7B";
    CHECK_FALSE(receive(connection, message));
    message.body = "id=%FF";
    CHECK_FALSE(receive(connection, message));
    CHECK(receive(reader("  body: form\n" + one_event), message_of("id=7")));
}

TEST_CASE("receive: a challenge is answered and no event is made", "[connectors]") {
    const auto connection =
        reader("  challenge: { when: { body.type: hello }, answer: \"{body.word}\" }\n" + one_event);
    const auto intake = taken(connection, R"({"type":"hello","word":"w"})");
    CHECK(intake.challenge == "w");
    CHECK(intake.events.empty());
    CHECK_FALSE(receive(connection, message_of(R"({"type":"hello"})")));
}

TEST_CASE("receive: urgent types are marked", "[connectors]") {
    const auto urgent = reader(one_event, "verify: none, urgent: [\"ticket.*\"]");
    CHECK(taken(urgent, R"({"id":1})").events[0].urgent);
    CHECK_FALSE(taken(reader(one_event), R"({"id":1})").events[0].urgent);
}

TEST_CASE("receive: a connector without webhooks takes none", "[connectors]") {
    const auto registry = registry_with("mute", "name: mute\ntitle: M\ndescription: x\n");
    CHECK_FALSE(receive(connection_of("mute: { verify: none }", registry), message_of("{}")));
}

TEST_CASE("receive: the generic webhook fills in what the platforms leave out", "[connectors]") {
    const auto connection = connection_of("in: { connector: webhook, key: k }");
    const auto ticket = [&](const std::string& body) {
        auto message = message_of(body);
        message.headers.emplace_back("X-Api-Key", "k");
        const auto intake = receive(connection, message);
        INFO((intake ? "" : intake.error().message));
        REQUIRE(intake);
        return intake->events.at(0);
    };
    const auto bare = ticket(R"({"title":"T"})");
    CHECK(bare.data == json(R"({"ticket":{"subject":"T","custom":{"category":"general"}}})"));
    CHECK(bare.subject.text() == "ticket/in:" + bare.id.text());
    CHECK(
        ticket(R"({"subject":"S","title":"T","description":"D","body":"B"})").data["ticket"]["description"] ==
        "D");
    CHECK(ticket(R"({"subject":"S","priority":"URGENT"})").data["ticket"]["priority"] == "urgent");
    CHECK(ticket(R"({"subject":"S","category":""})").data["ticket"]["custom"]["category"] == "general");
    CHECK(ticket(R"({"subject":"S","id":5,"platform":"custom"})").subject.text() == "ticket/in:5");
    CHECK(ticket(R"({"subject":"S","id":5,"platform":"Jira"})").subject.text() == "ticket/in:jira:5");
    auto message = message_of(R"({"subject":" ","title":""})");
    message.headers.emplace_back("Authorization", "Bearer k");
    CHECK(receive(connection, message).error().message == "Title or subject is required");
}

TEST_CASE("receive: what no expression reads of a body is left out, what one reads is not", "[connectors]") {
    const auto connection = reader(
        "  id: body.delivery\n"
        "  ignore:\n    - when: { \"item.flags[*].kind\": { exists: false } }\n      reason: no flags\n"
        "  events:\n    - type: ticket.created\n"
        "      match: { \"item.meta['odd name']\": yes }\n"
        "      subject: { kind: ticket, id: \"item.ticket.ids[0].value\" }\n"
        "      time: item.at | epoch_s\n"
        "      map:\n"
        "        ticket.subject: \"(item.none ?? item.lines[kind='subject'].text) | trim\"\n"
        "        ticket.description: \"`{item.text.a}, {item.text.b[-1]}`\"\n"
        "        ticket.custom.all: item.keep\n"
        "      changes:\n        - { field: ticket.status, from: item.was, to: item.is }\n");
    const auto body = R"({"delivery":"d1","flags":[{"kind":1,"x":1}],"meta":{"odd name":"yes","x":1},"at":1,
        "ticket":{"ids":[{"value":"7","x":{}}],"x":1},"x":{"y":[1,2,{"z":3}]},
        "lines":[{"kind":"other","text":"no"},{"kind":"subject","text":" Help ","x":1}],
        "text":{"a":"one","b":[1,"two"],"x":1},"keep":{"all":[{"of":{"it":1}}]},"was":"new","is":"open"})";
    const auto& reads = *connection.connector->webhook->reads;
    CHECK_FALSE(reads.whole);
    CHECK(reads.members.at("keep").whole);
    CHECK_FALSE(reads.members.at("ticket").whole);
    const auto pruned = engine::parse_json(body, {}, &reads);
    REQUIRE(pruned);
    CHECK_FALSE(pruned->contains("x"));
    CHECK((*pruned)["ticket"] == json(R"({"ids":[{"value":"7"}]})"));
    const auto intake = taken(connection, body);
    REQUIRE(intake.events.size() == 1);
    const auto& event = intake.events[0];
    CHECK(event.id.text() == "d1");
    CHECK(event.subject.text() == "ticket/reader:7");
    CHECK(event.data == json(R"({"ticket":{"subject":"Help","description":"one, two",
        "custom":{"all":{"all":[{"of":{"it":1}}]}}},"changes":{"ticket.status":["new","open"]}})"));
}

TEST_CASE("receive: items are told apart by all they hold, also by what nobody reads", "[connectors]") {
    const auto connection = reader("  lists: true\n" + one_event);
    const auto intake = taken(connection, R"([{"id":"1","x":1},{"id":"1","x":2}])");
    REQUIRE(intake.events.size() == 2);
    CHECK(intake.events[0].id.text() != intake.events[1].id.text());
    const auto elsewhere = reader("  items: body.items\n" + one_event);
    CHECK(taken(elsewhere, R"({"items":[{"id":"1","subject":"a"}]})").events[0].data["ticket"]["subject"] ==
          "a");
}

namespace {

/// Does in C++ what a connector's script would do.
class Written final : public Functions {
public:
    engine::Result<Json> call(const std::string& script, const std::string& function, const Json& value,
                              engine::Instant now) override {
        ++calls;
        if (script != "connectors/reader/reader.lua" || now != at("2026-05-04T08:00:00Z"))
            return engine::invalid("called in another way");
        if (function == "phone") return Json("+49 " + value.get<std::string>());
        if (function == "nothing") return Json();
        if (function == "fields") return value.at("fields");
        return engine::invalid(function + " fails");
    }
    int calls = 0;
};

}  // namespace

TEST_CASE("receive: a function of the connector's script makes one value, or all fields", "[connectors]") {
    const auto connection = reader(
        "  events:\n    - type: ticket.created\n      subject: { kind: ticket, id: item.id }\n      map:\n"
        "        - { ticket.custom.phone: 'item.phone | trim | lua:phone', ticket.subject: item.subject,\n"
        "            ticket.custom.none: 'item.subject | lua:nothing' }\n"
        "        - item | lua:fields\n");
    Written functions;
    const auto body =
        R"({"id":7,"subject":"x","phone":" 30 ","fields":{"ticket.subject":"y","ticket.custom.a":[1]}})";
    const auto intake = receive(connection, message_of(body), &functions);
    INFO((intake ? "" : intake.error().message));
    REQUIRE(intake);
    CHECK(intake->events.at(0).data ==
          json(R"({"ticket":{"subject":"y","custom":{"phone":"+49 30","none":null,"a":[1]}}})"));
    CHECK(functions.calls == 3);

    SECTION("what is absent is not asked for") {
        const auto less = receive(connection, message_of(R"({"id":7,"fields":{}})"), &functions);
        REQUIRE(less);
        CHECK(functions.calls == 4);
        CHECK(less->events.at(0).data.value("ticket", Json::object()).empty());
    }
    SECTION("it may give no fields") {
        for (const auto* none : {"null", "[]", "{}"}) {
            const auto without =
                receive(connection, message_of(std::string(R"({"id":7,"fields":)") + none + "}"), &functions);
            CHECK(without);
        }
    }
    SECTION("no field is so deep that it could not be read again") {
        for (const std::size_t keys : {15U, 17U, 400U, 60'000U}) {
            std::string name = "ticket";
            for (std::size_t i = 1; i < keys; ++i) name += ".a";
            const auto made =
                receive(connection, message_of(R"({"id":7,"fields":{")" + name + R"(":1}})"), &functions);
            CAPTURE(keys);
            CHECK(bool(made) == (keys < 16));
            if (!made) CHECK(made.error().message.size() < 300);
        }
    }
    SECTION("what it gives has to be fields") {
        for (const auto* wrong : {"1", "[1]", R"({"subject":"y"})", R"({"ticket.":1})", R"({"":1})"}) {
            const auto refused = receive(
                connection, message_of(std::string(R"({"id":7,"fields":)") + wrong + "}"), &functions);
            INFO(wrong);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == engine::Code::invalid_input);
        }
    }
}

TEST_CASE("receive: an item whose function fails is refused, and others are taken", "[connectors]") {
    const auto connection = reader(
        "  lists: true\n  events:\n    - match: { \"item.kind | lua:broken\": { exists: true } }\n"
        "      type: ticket.updated\n      subject: { kind: ticket, id: item.id }\n      map: {}\n" +
        one_event.substr(one_event.find("    -")));
    Written functions;
    const auto body = R"([{"id":1,"subject":"a"},{"id":2,"kind":"k"},{"id":3,"subject":"c"}])";
    const auto intake = receive(connection, message_of(body), &functions);
    REQUIRE(intake);
    CHECK(intake->items == std::vector<std::size_t>{0, 2});
    REQUIRE(intake->refused.size() == 1);
    CHECK(intake->refused[0].index == 1);
    CHECK(intake->refused[0].reason == "broken fails");
    const auto nobody = receive(connection, message_of(R"({"id":2,"kind":"k"})"));
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().message == "nobody runs connectors/reader/reader.lua here");
}

TEST_CASE("receive: no function is called twice because an item has no id", "[connectors]") {
    const auto connection = reader(
        "  lists: true\n  id: item.id\n  events:\n    - type: ticket.created\n"
        "      subject: { kind: ticket, id: 'item.id ?? item.phone' }\n"
        "      map: { ticket.custom.phone: 'item.phone | lua:phone' }\n");
    REQUIRE(connection.connector->webhook->reads);
    Written functions;
    const auto body = R"([{"phone":"1","x":1},{"phone":"2","x":2}])";
    const auto intake = receive(connection, message_of(body), &functions);
    REQUIRE(intake);
    CHECK(intake->events.size() == 2);
    CHECK(functions.calls == 2);
}

TEST_CASE("receive: nothing runs for those who cannot prove who they are", "[connectors]") {
    const auto connection = reader("  id: item.id | lua:phone\n" + one_event, "secret: s");
    Written functions;
    auto message = message_of(R"({"id":"1"})");
    CHECK(prove(connection, message).error().code == engine::Code::denied);
    CHECK(receive(connection, message, &functions).error().code == engine::Code::denied);
    CHECK(functions.calls == 0);
    message.headers.emplace_back("X-Key", "s");
    CHECK(prove(connection, message));
    CHECK(receive(connection, message, &functions)->events.at(0).id.text() == "+49 1");
}

TEST_CASE("receive: a definition says which functions it needs, and only webhooks may", "[connectors]") {
    const auto connection = reader("  id: item.id | lua:phone\n" + one_event);
    const auto uses = functions_of(*connection.connector);
    REQUIRE(uses.size() == 1);
    CHECK(uses[0].script == "connectors/reader/reader.lua");
    CHECK(uses[0].function == "phone");
    CHECK(uses[0].place.line == 10);
    CHECK(functions_of(*reader(one_event).connector).empty());
    engine::Diagnostics diagnostics;
    Registry().with({{"connectors/a/connector.yaml",
                      "name: a\ntitle: A\ndescription: x\nactions:\n  go:\n    description: x\n    request: "
                      "{ url: \"https://{params.host | lua:f}\" }\n"}},
                    diagnostics);
    REQUIRE(diagnostics.has_errors());
    CHECK(diagnostics.sorted().front().message.find("functions are for what webhooks become") !=
          std::string::npos);
}

}  // namespace receive_test
