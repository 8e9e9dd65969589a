#include "engine/pipeline/envelope.h"

#include "tests/support/catch.h"

namespace envelope_test {

using namespace engine;

namespace {

Event bare() {
    Event event;
    event.tenant = TenantName("acme");
    event.id = EventId("e1");
    event.source = "helpninja/chat";
    event.type = "message.created";
    event.subject = *Subject::parse("conversation/chat:c1");
    event.received = instant_of(1'790'000'000'123'456);
    return event;
}

Event full() {
    auto event = bare();
    event.actor = "customer";
    event.cause = EventId("e0");
    event.connection = "chat";
    event.data = Json{{"conversation", {{"id", "c1"}, {"score", 0.5}}}, {"list", {1, "two", nullptr}}};
    event.full_merge = true;
    event.hops = 3;
    event.time = instant_of(1'790'000'000'000'000);
    event.urgent = true;
    return event;
}

std::string written(const Event& event) {
    return canonical_envelope(event, canonical_json(event.data));
}

}  // namespace

TEST_CASE("envelope: the bytes are those of the envelope's JSON value", "[pipeline]") {
    CHECK(written(bare()) == canonical_json(envelope_of(bare())));
    CHECK(written(full()) == canonical_json(envelope_of(full())));
}

TEST_CASE("envelope: texts that need escapes are the same bytes too", "[pipeline]") {
    for (const std::string text :
         {"say \"no\"", "back\\slash", "line\nbreak", "\xC3\xA9t\xC3\xA9", "\x7F", "bad \xFF byte"}) {
        CAPTURE(text);
        auto event = full();
        event.actor = text;
        event.source = text;
        event.id = EventId(text);
        CHECK(written(event) == canonical_json(envelope_of(event)));
    }
}

TEST_CASE("envelope: extensions stand among the attributes, and none stands for one of ours", "[pipeline]") {
    auto event = full();
    event.extensions["partitionkey"] = "7";
    event.extensions["hops"] = 99;
    event.extensions["zone"] = "eu";
    CHECK(written(event) == canonical_json(envelope_of(event)));
}

}  // namespace envelope_test
