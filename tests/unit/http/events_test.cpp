/// The events API: CloudEvents in three modes.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/unit/http/running.h"

namespace events_test {

using namespace http_test;
using engine::Ack;
using engine::Json;

namespace {

Reply post(Running& running, const std::string& type, const std::string& body,
           std::vector<std::pair<std::string, std::string>> headers = {}) {
    Client client(running);
    if (!type.empty()) headers.emplace_back("Content-Type", type);
    return client.ask(authorised("POST", "/v1/acme/events", running.key, headers, body));
}

const std::string structured = "application/cloudevents+json";
const std::string batch = "application/cloudevents-batch+json";

std::vector<std::pair<std::string, std::string>> attributes() {
    return {{"ce-specversion", "1.0"},
            {"ce-id", "b-1"},
            {"ce-source", "/binary"},
            {"ce-type", "ticket.created"},
            {"CE-Subject", "ticket/7"}};
}

}  // namespace

TEST_CASE("events: a structured event arrives with all it says", "[http]") {
    Running running;
    const auto reply = post(running, structured + "; charset=UTF-8",
                            R"({"specversion":"1.0","id":"e1","source":"/s","type":"ticket.updated",
                                "subject":"ticket/zendesk:9","time":"2026-05-04T07:00:00+01:00","tenant":"globex",
                                "data":{"ticket":{"status":"open"}}})");
    CHECK(reply.status == 202);
    CHECK(reply.json() == Json{{"id", "e1"}, {"status", "accepted"}});
    REQUIRE(running.door.submitted().size() == 1);
    const auto event = running.door.submitted()[0];
    CHECK(event.tenant.text() == "acme");
    CHECK(event.subject.text() == "ticket/zendesk:9");
    CHECK(event.source == "/s");
    CHECK(engine::to_text(*event.time) == "2026-05-04T06:00:00Z");
    CHECK(event.received == running.clock.now());
    CHECK(event.data["ticket"]["status"] == "open");
    CHECK(event.extensions["tenant"] == "globex");
}

TEST_CASE("events: known, clashing and unkept events are told apart", "[http]") {
    Running running;
    CHECK(post(running, structured, cloud_event("a")).status == 202);
    const auto again = post(running, structured, cloud_event("a"));
    CHECK(again.status == 200);
    CHECK(again.json()["status"] == "duplicate");

    running.door.answer_with = Ack::Kind::clash;
    const auto clash = post(running, structured, cloud_event("a"));
    CHECK(clash.status == 409);
    CHECK(clash.code() == "clash");

    running.door.answer_with = Ack::Kind::overloaded;
    const auto full = post(running, structured, cloud_event("b"));
    CHECK(full.status == 503);
    CHECK(full.header("retry-after") == "1");

    running.door.answer_with = Ack::Kind::unavailable;
    const auto down = post(running, structured, cloud_event("c"));
    CHECK(down.status == 503);
    CHECK(down.code() == "unavailable");
}

TEST_CASE("events: binary mode reads attributes from headers, with one round of escapes", "[http]") {
    Running running;
    auto headers = attributes();
    headers.emplace_back("ce-actor2", "J%C3%BCrgen %2541");
    headers.emplace_back("ce-note", "\"said \\\"so\\\"\"");
    const auto reply = post(running, "application/json", R"({"ticket":{"status":"new"}})", headers);
    CHECK(reply.status == 202);
    const auto event = running.door.submitted().at(0);
    CHECK(event.id.text() == "b-1");
    CHECK(event.subject.text() == "ticket/7");
    CHECK(event.extensions["actor2"] == "J\xc3\xbcrgen %41");
    CHECK(event.extensions["note"] == "said \"so\"");
    CHECK(event.data["ticket"]["status"] == "new");
}

TEST_CASE("events: binary mode without data needs no Content-Type", "[http]") {
    Running running;
    CHECK(post(running, "", "", attributes()).status == 202);
}

TEST_CASE("events: binary headers that cannot be right are refused", "[http]") {
    Running running;
    const auto with = [&](const std::string& name, const std::string& value) {
        auto headers = attributes();
        headers.emplace_back(name, value);
        return post(running, "application/json", "{}", headers).status;
    };
    CHECK(with("ce-id", "second") == 400);
    CHECK(with("ce-datacontenttype", "application/json") == 400);
    CHECK(with("ce-data", "{}") == 400);
    CHECK(with("ce-bad_name", "x") == 400);
    CHECK(with("ce-x", "%") == 400);
    CHECK(with("ce-x", "%00") == 400);
    CHECK(with("ce-time", "noon") == 400);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("events: what is no JSON is not understood", "[http]") {
    Running running;
    CHECK(post(running, "application/json", cloud_event("a")).status == 415);
    CHECK(post(running, "", cloud_event("a")).status == 415);
    CHECK(post(running, "text/plain", cloud_event("a")).status == 415);
    CHECK(post(running, "application/cloudevents", cloud_event("a")).status == 415);
    CHECK(post(running, "application/cloudevents+avro", "Obj").status == 415);
    CHECK(post(running, structured + "; charset=utf-16", cloud_event("a")).status == 415);
    CHECK(post(running, "application/xml", "<a/>", attributes()).status == 415);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("events: JSON in base64 is data, other bytes are not", "[http]") {
    Running running;
    const auto with = [&](const std::string& members) {
        return post(
            running, structured,
            R"({"specversion":"1.0","id":"x","source":"s","type":"t","subject":"ticket/1",)" + members + "}");
    };
    CHECK(with(R"("data_base64":"eyJ0aWNrZXQiOnsiYSI6MX19")").status == 202);
    CHECK(running.door.submitted().at(0).data["ticket"]["a"] == 1);
    CHECK_FALSE(running.door.submitted().at(0).extensions.contains("data_base64"));
    CHECK(with(R"("data_base64":"eyJ0aWNrZXQiOnsiYSI6MX19","data":{})").status == 400);
    CHECK(with(R"("data_base64":"AAEC")").status == 400);
    CHECK(with(R"("data_base64":"!!")").status == 400);
    CHECK(with(R"("data_base64":7)").status == 400);
    CHECK(with(R"("datacontenttype":"image/png","data_base64":"e30=")").status == 400);
    CHECK(with(R"("extension":{"nested":1})").status == 400);
}

TEST_CASE("events: errors point at what is wrong", "[http]") {
    Running running;
    const auto reply = post(running, structured, R"({"specversion":"1.0","id":"x","source":"s","type":"t"})");
    CHECK(reply.status == 400);
    CHECK(reply.code() == "invalid-event");
    CHECK(reply.json()["errors"][0]["pointer"] == "");
    CHECK(reply.json()["detail"].get<std::string>().find("subject") != std::string::npos);
}

TEST_CASE("events: a batch is decided in its order and each item is answered", "[http]") {
    Running running;
    const auto reply =
        post(running, batch, "[" + cloud_event("1") + "," + cloud_event("2") + "," + cloud_event("1") + "]");
    CHECK(reply.status == 202);
    CHECK(reply.json()["results"] ==
          Json::array({Json{{"id", "1"}, {"status", "accepted"}}, Json{{"id", "2"}, {"status", "accepted"}},
                       Json{{"id", "1"}, {"status", "duplicate"}}}));
    const auto events = running.door.submitted();
    REQUIRE(events.size() == 3);
    CHECK(events[1].id.text() == "2");
}

TEST_CASE("events: good items of a batch are taken although others cannot be read", "[http]") {
    Running running;
    const auto reply =
        post(running, batch, "[" + cloud_event("1") + R"(,{"id":"bad"},7,)" + cloud_event("2") + "]");
    CHECK(reply.status == 207);
    const auto results = reply.json()["results"];
    REQUIRE(results.size() == 4);
    CHECK(results[0]["status"] == "accepted");
    CHECK(results[1]["status"] == "invalid");
    CHECK(results[1]["id"] == "bad");
    CHECK(results[2]["status"] == "invalid");
    CHECK(results[3]["status"] == "accepted");
    CHECK(running.door.submitted().size() == 2);
}

TEST_CASE("events: a batch may be empty, and one without any good item is refused", "[http]") {
    Running running;
    const auto empty = post(running, batch, "[]");
    CHECK(empty.status == 200);
    CHECK(empty.json() == Json{{"results", Json::array()}});
    const auto bad = post(running, batch, "[{},7]");
    CHECK(bad.status == 400);
    CHECK(bad.json()["errors"][1]["pointer"] == "/1");
    CHECK(post(running, batch, "{}").status == 400);
    CHECK(running.door.submitted().empty());
}

TEST_CASE("events: a clash in a batch does not hide behind its neighbours", "[http]") {
    Running running;
    running.door.answer_with = Ack::Kind::clash;
    const auto reply = post(running, batch, "[" + cloud_event("1") + "]");
    CHECK(reply.status == 207);
    CHECK(reply.json()["results"][0]["status"] == "clash");
}

TEST_CASE("events: nothing of a batch is acknowledged when part of it could not be kept", "[http]") {
    Running running;
    running.door.answer_with = Ack::Kind::unavailable;
    CHECK(post(running, batch, "[" + cloud_event("1") + "]").status == 503);
}

TEST_CASE("events: a batch has a largest size", "[http]") {
    Options options;
    options.api.batch_events_max = 2;
    Running running(options);
    const auto one = cloud_event("1");
    CHECK(post(running, batch, "[" + one + "," + one + "]").status == 202);
    const auto reply = post(running, batch, "[" + one + "," + one + "," + one + "]");
    CHECK(reply.status == 413);
    CHECK(reply.is_problem());
}

TEST_CASE("events: 64 KiB of data are taken", "[http]") {
    Running running;
    auto event = cloud_event("large");
    event.replace(event.find("Printer"), 7, std::string(70'000, 'x'));
    CHECK(post(running, structured, event).status == 202);
}

TEST_CASE("events: the specification's own examples are read or refused for what they lack", "[http]") {
    const char* setting = std::getenv("SIGNALBOX_SHARED");
    const auto folder =
        std::filesystem::path(setting ? setting : "../shared") / "vendors/payloads/cloudevents";
    if (!std::filesystem::exists(folder)) return;
    Running running;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        INFO(entry.path());
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        auto json = *engine::parse_json(text.str());
        const bool is_batch = json.is_array();
        CHECK(post(running, is_batch ? batch : structured, text.str()).status == 400);
        // With a subject and JSON data they are events of ours.
        for (auto* one : is_batch ? std::vector<Json*>{&json[0], &json[1]} : std::vector<Json*>{&json}) {
            (*one)["subject"] = "ticket/1";
            if (!one->contains("data") || !(*one)["data"].is_object()) (*one)["data"] = Json::object();
            one->erase("data_base64");
        }
        CHECK(post(running, is_batch ? batch : structured, json.dump()).status / 100 == 2);
    }
}

}  // namespace events_test
