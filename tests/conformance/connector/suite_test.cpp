/// What every shipped connector must do, driven by the files of its folder: see fixtures/*.json there.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "connectors/kit/form.h"
#include "connectors/kit/url.h"
#include "engine/base/text.h"
#include "tests/unit/connectors/support.h"

namespace suite_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

const engine::Instant now = *engine::parse_instant("2026-05-04T08:00:00Z");

std::string folder_of(const std::string& connector) {
    return "connectors/" + connector + "/fixtures/";
}

Connection fixture_connection(const std::string& connector) {
    engine::Diagnostics diagnostics;
    auto connections = load_connections(read_file(folder_of(connector) + "connection.yaml"),
                                        Registry::shipped(), no_secrets(), true, diagnostics);
    INFO(all_of(diagnostics));
    REQUIRE_FALSE(diagnostics.has_errors());
    REQUIRE(connections.contains(connector));
    return connections.at(connector);
}

/// The webhook fixtures of a connector by file name.
std::map<std::string, Json> webhooks_of(const std::string& connector) {
    std::map<std::string, Json> fixtures;
    for (const auto& entry : std::filesystem::directory_iterator(folder_of(connector))) {
        if (entry.path().extension() != ".json" || entry.path().filename() == "actions.json") continue;
        fixtures[entry.path().filename().string()] = json(read_file(entry.path().string()));
    }
    return fixtures;
}

InboundMessage message_of_fixture(const Connection& connection, const Json& fixture) {
    const auto& body = fixture["body"];
    auto message = connectors::testing::message_of(body.is_string() ? body.get<std::string>() : body.dump(),
                                                   fixture["received"].get<std::string>());
    message.headers.clear();
    for (const auto& [name, value] : fixture["headers"].items()) message.headers.emplace_back(name, value);
    if (!fixture.contains("signed")) REQUIRE(sign(connection, message, message.received));
    return message;
}

void check_event(const Connection& connection, const engine::Event& event, const Json& wanted) {
    CHECK(event.type == wanted["type"].get<std::string>());
    CHECK(event.subject.text() == wanted["subject"].get<std::string>());
    CHECK(event.data == wanted["data"]);
    CHECK(event.connection == connection.name);
    CHECK(event.source == connection.connector->name + "/" + connection.name);
    CHECK_FALSE(event.id.empty());
    CHECK(event.tenant.empty());
    if (wanted.contains("id")) CHECK(event.id.text() == wanted["id"].get<std::string>());
    if (wanted.contains("actor")) CHECK(event.actor == wanted["actor"].get<std::string>());
    if (wanted.contains("time"))
        CHECK(engine::to_text(event.time.value()) == wanted["time"].get<std::string>());
    if (wanted.contains("urgent")) CHECK(event.urgent == wanted["urgent"].get<bool>());
}

void check_intake(const Connection& connection, const Intake& intake, const Json& expect) {
    const auto& events = expect["events"];
    REQUIRE(intake.events.size() == events.size());
    REQUIRE(intake.items.size() == events.size());
    for (std::size_t index = 0; index < events.size(); ++index) {
        check_event(connection, intake.events[index], events[index]);
        if (events[index].contains("item"))
            CHECK(intake.items[index] == events[index]["item"].get<std::size_t>());
    }
    Json refused = Json::array();
    for (const auto& item : intake.refused)
        refused.push_back({{"index", item.index}, {"reason", item.reason}});
    CHECK(refused == (expect.contains("refused") ? expect["refused"] : Json::array()));
    CHECK(intake.batch == expect.contains("batch"));
    CHECK(intake.ignored == engine::text_or(expect, "ignored", ""));
    CHECK(intake.challenge.value_or("") == engine::text_or(expect, "challenge", ""));
}

Json sample_of(const engine::Parameter& parameter) {
    if (!parameter.values.empty()) return parameter.values.front();
    switch (parameter.type) {
        case engine::Parameter::Type::text:
            return "a b/ü?&\"{}";
        case engine::Parameter::Type::number:
            return 3.5;
        case engine::Parameter::Type::boolean:
            return true;
        case engine::Parameter::Type::list:
            return Json::array({"x", 1, nullptr});
        case engine::Parameter::Type::object:
        case engine::Parameter::Type::any:
            return {{"k", Json::array({1, Json::object()})}};
    }
    return nullptr;
}

Json params_of(const Operation& operation, bool all) {
    Json params = Json::object();
    for (const auto& parameter : operation.signature.parameters)
        if (all || parameter.required) params[parameter.name] = sample_of(parameter);
    for (const auto& group : operation.signature.one_of)
        params[group.front()] = sample_of(*operation.signature.find(group.front()));
    return params;
}

void check_request(const HttpRequest& request) {
    INFO(request.url);
    CHECK(parse_url(request.url));
    for (const auto& [name, value] : request.headers) {
        INFO(name);
        CHECK(value.find_first_of("\r\n") == std::string::npos);
    }
    if (header_of(request, "Content-Type").starts_with("application/json")) json(request.body);
}

HttpResponse response_of(const Json& answer) {
    HttpResponse response;
    response.status = answer["status"].get<int>();
    response.body = answer["body"].get<std::string>();
    if (answer.contains("headers"))
        for (const auto& [name, value] : answer["headers"].items())
            response.headers.emplace_back(name, value);
    return response;
}

void check_answer(const Connection& connection, const engine::Action& action, const Json& answer) {
    INFO(answer.dump());
    const auto attempt = classify(connection, action, response_of(answer), now);
    CHECK(engine::name_of(attempt.kind) == answer["is"].get<std::string>());
    CHECK(attempt.status == answer["status"].get<int>());
    CHECK(attempt.answered);
    if (answer.contains("result")) CHECK(attempt.result == answer["result"]);
    if (answer.contains("reason")) CHECK(attempt.reason == answer["reason"].get<std::string>());
    const auto wait = engine::text_or(answer, "retry_after", "0");
    CHECK(attempt.retry_after == *engine::parse_duration(wait));
}

const std::vector<std::string>& connectors_shipped() {
    static const auto names = Registry::shipped().names();
    return names;
}

}  // namespace

TEST_CASE("conformance: everything that can be configured or asked for is described", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        INFO(name);
        const auto connector = Registry::shipped().find(name);
        CHECK(connector->description.size() > 20);
        for (const auto& setting : connector->settings) {
            INFO(setting.name);
            CHECK(setting.description.size() > 5);
            const bool sounds_secret = setting.name.find("secret") != std::string::npos ||
                                       setting.name.find("token") != std::string::npos ||
                                       setting.name.ends_with("key");
            CHECK(setting.secret >= sounds_secret);
        }
        for (const auto& [action, operation] : connector->actions) {
            INFO(action);
            CHECK(operation.signature.description.size() > 5);
            CHECK(operation.sandbox_result.has_value());
            for (const auto& parameter : operation.signature.parameters)
                CHECK(parameter.description.size() > 3);
        }
        if (!connector->webhook) continue;
        for (const auto& event : connector->webhook->events) CHECK(event.description.size() > 5);
    }
}

TEST_CASE("conformance: every address can be pointed elsewhere", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        INFO(name);
        for (const auto& [action, operation] : Registry::shipped().find(name)->actions)
            CHECK(operation.request.url->text().starts_with("{settings."));
    }
}

TEST_CASE("conformance: each webhook fixture verifies and becomes what it says", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        const auto fixtures = webhooks_of(name);
        CHECK(fixtures.size() >= 3);
        CHECK(std::any_of(fixtures.begin(), fixtures.end(),
                          [](const auto& fixture) { return fixture.second.contains("signed"); }));
        for (const auto& [file, fixture] : fixtures) {
            INFO(name << "/" << file);
            const auto intake = receive(connection, message_of_fixture(connection, fixture));
            const auto& expect = fixture["expect"];
            if (expect.contains("error")) {
                REQUIRE_FALSE(intake);
                CHECK(intake.error().code == engine::Code::invalid_input);
                CHECK(intake.error().message == expect["error"].get<std::string>());
                continue;
            }
            INFO((intake ? "" : intake.error().message));
            REQUIRE(intake);
            check_intake(connection, *intake, expect);
        }
    }
}

TEST_CASE("conformance: a webhook is the same event each time it comes", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& [file, fixture] : webhooks_of(name)) {
            INFO(name << "/" << file);
            auto message = message_of_fixture(connection, fixture);
            const auto first = receive(connection, message);
            message.peer = "198.51.100.1";
            const auto again = receive(connection, message);
            REQUIRE(static_cast<bool>(first) == static_cast<bool>(again));
            if (!first) continue;
            REQUIRE(first->events.size() == again->events.size());
            for (std::size_t index = 0; index < first->events.size(); ++index) {
                CHECK(first->events[index].id == again->events[index].id);
                CHECK(engine::envelope_of(first->events[index]) == engine::envelope_of(again->events[index]));
            }
        }
    }
}

TEST_CASE("conformance: one flipped bit, an old one, or none of the proof is denied", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& [file, fixture] : webhooks_of(name)) {
            INFO(name << "/" << file);
            const auto good = message_of_fixture(connection, fixture);
            for (std::size_t bit = 0; bit < good.body.size() * 8; bit += 37) {
                auto message = good;
                message.body[bit / 8] = static_cast<char>(message.body[bit / 8] ^ (1 << (bit % 8)));
                const auto intake = receive(connection, message);
                REQUIRE_FALSE(intake);
                CHECK(intake.error().code == engine::Code::denied);
            }
            auto bare = good;
            bare.headers = {{"Content-Type", "application/json"}};
            CHECK(receive(connection, bare).error().code == engine::Code::denied);
            const auto& ways = connection.connector->webhook->verify;
            if (!ways.front().timestamp) continue;
            auto old = good;
            old.received += std::chrono::hours(1);
            CHECK(receive(connection, old).error().code == engine::Code::denied);
        }
    }
}

TEST_CASE("conformance: signed rubbish is refused, never more", "[connectors]") {
    std::string deep(100'000, '[');
    const std::string bodies[] = {"",
                                  "null",
                                  "7",
                                  "\"x\"",
                                  "[",
                                  "{",
                                  "{}}",
                                  deep,
                                  "{\"a\":\xff}",
                                  "{\"a\":1e400}",
                                  std::string("{\"a\":\"\0\"}", 9),
                                  "\xEF\xBB\xBF{",
                                  "<html>",
                                  "a=1&b=%zz",
                                  "{\"type\":\"zen:event-type:ticket.created\",\"detail\":7}",
                                  "{\"event\":{\"event\":\"lead.qualified\"},\"data\":[]}"};
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& body : bodies) {
            INFO(name << " " << body.substr(0, 60));
            auto message = connectors::testing::message_of(body);
            REQUIRE(sign(connection, message, message.received));
            const auto intake = receive(connection, message);
            if (intake) CHECK(intake->events.empty());
            if (!intake) CHECK(intake.error().code != engine::Code::denied);
        }
        auto large = connectors::testing::message_of(std::string(connection.body_bytes_max + 1, ' '));
        CHECK(receive(connection, large).error().code == engine::Code::exhausted);
    }
}

namespace {

/// The same connection, which takes the whole of a body.
Connection reading_all(Connection connection) {
    auto connector = *connection.connector;
    connector.webhook->reads = nullptr;
    connection.connector = std::make_shared<const Connector>(std::move(connector));
    return connection;
}

void check_same(const engine::Result<Intake>& left, const engine::Result<Intake>& right) {
    REQUIRE(static_cast<bool>(left) == static_cast<bool>(right));
    if (!left) {
        CHECK(left.error().message == right.error().message);
        return;
    }
    CHECK(left->ignored == right->ignored);
    CHECK(left->challenge == right->challenge);
    CHECK(left->refused.size() == right->refused.size());
    REQUIRE(left->events.size() == right->events.size());
    for (std::size_t i = 0; i < left->events.size(); ++i)
        CHECK(engine::envelope_of(left->events[i]) == engine::envelope_of(right->events[i]));
}

}  // namespace

TEST_CASE("conformance: a fixture changed anywhere and signed again never breaks the reader",
          "[connectors]") {
    std::uint32_t state = 11;
    const auto next = [&] { return state = state * 1664525U + 1013904223U; };
    INFO("seed 11");
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        const auto all = connection.connector->webhook ? reading_all(connection) : connection;
        for (const auto& [file, fixture] : webhooks_of(name)) {
            const auto good = message_of_fixture(connection, fixture);
            check_same(receive(connection, good), receive(all, good));
            for (int round = 0; round < 150; ++round) {
                auto message = good;
                for (int edit = 0; edit < 4; ++edit) {
                    const auto place = (next() >> 6) % message.body.size();
                    if (next() % 3 == 0)
                        message.body.erase(place, (next() >> 9) % 20);
                    else
                        message.body[place] = static_cast<char>(next() >> 11);
                    if (message.body.empty()) message.body = "{";
                }
                REQUIRE(sign(connection, message, message.received));
                const auto intake = receive(connection, message);
                check_same(intake, receive(all, message));
                if (!intake) continue;
                for (const auto& event : intake->events) CHECK(engine::Subject::parse(event.subject.text()));
            }
        }
    }
}

TEST_CASE("conformance: each action renders with as little and as much as it takes", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        CHECK(connection.unusable.empty());
        for (const auto& [action, operation] : connection.connector->actions) {
            for (const bool all : {false, true}) {
                INFO(name << "." << action << " " << all);
                const auto delivery = delivery_of(action, params_of(operation, all));
                const auto request = render(connection, delivery, now);
                INFO((request ? "" : request.error().message));
                REQUIRE(request);
                check_request(*request);
                const auto again = render(connection, delivery, now);
                CHECK(again->body == request->body);
                CHECK(again->headers == request->headers);
            }
        }
    }
}

TEST_CASE("conformance: what an action needs is named when it is missing", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& [action, operation] : connection.connector->actions) {
            for (const auto& parameter : operation.signature.parameters) {
                if (!parameter.required) continue;
                INFO(name << "." << action << " " << parameter.name);
                auto params = params_of(operation, true);
                params.erase(parameter.name);
                const auto request = render(connection, delivery_of(action, params), now);
                REQUIRE_FALSE(request);
                CHECK(request.error().code == engine::Code::invalid_input);
                CHECK_THAT(request.error().message, Catch::Contains(parameter.name));
            }
            const auto odd = render(connection, delivery_of(action, {{"nobody_knows_this", 1}}), now);
            CHECK((operation.signature.free_form || !odd));
        }
    }
}

TEST_CASE("conformance: requests and what answers mean are as the fixtures say", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        const auto fixtures = json(read_file(folder_of(name) + "actions.json"));
        std::set<std::string> covered;
        for (const auto& fixture : fixtures["actions"]) {
            const auto action = fixture["action"].get<std::string>();
            covered.insert(action);
            INFO(name << "." << action);
            const auto delivery = delivery_of(action, fixture["params"]);
            const auto request = render(connection, delivery, now);
            INFO((request ? "" : request.error().message));
            REQUIRE(request);
            const auto& expect = fixture["expect"];
            CHECK(request->method == expect["method"].get<std::string>());
            CHECK(request->url == expect["url"].get<std::string>());
            CHECK(json(request->body) == expect["body"]);
            if (expect.contains("headers"))
                for (const auto& [header, value] : expect["headers"].items())
                    CHECK(header_of(*request, header) == value.get<std::string>());
            if (expect.contains("absent"))
                for (const auto& header : expect["absent"])
                    CHECK(header_of(*request, header.get<std::string>()).empty());
            for (const auto& answer : fixture["answers"]) check_answer(connection, delivery.action, answer);
        }
        for (const auto& [action, operation] : connection.connector->actions) {
            INFO(name << "." << action << " has no fixture");
            CHECK(covered.contains(action));
        }
    }
}

TEST_CASE("conformance: every answer means something, and only good ones are done", "[connectors]") {
    const std::string bodies[] = {"",
                                  "ok",
                                  "null",
                                  "[]",
                                  "{}",
                                  "{\"ok\":true}",
                                  "{\"ok\":false,\"error\":7}",
                                  "<html>",
                                  "\xff\xfe",
                                  "{\"error\":{\"message\":[1]}}",
                                  std::string(5000, 'x'),
                                  "{\"ticket\":{\"id\":{}}}",
                                  std::string("\0", 1)};
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& [action, operation] : connection.connector->actions) {
            engine::Action asked;
            asked.action = action;
            for (const int status : {0,   100, 200, 201, 202, 204, 301, 302, 307, 400, 401, 403, 404, 408,
                                     409, 410, 418, 422, 425, 429, 500, 501, 502, 503, 504, 520, 599, 999}) {
                for (const auto& body : bodies) {
                    INFO(name << "." << action << " " << status << " " << body.substr(0, 20));
                    HttpResponse response;
                    response.status = status;
                    response.body = body;
                    const auto attempt = classify(connection, asked, response, now);
                    const bool good = status >= 200 && status < 300;
                    using Kind = engine::Attempt::Kind;
                    if (!good) CHECK(attempt.kind != Kind::done);
                    if (status == 429 || status >= 500) CHECK(attempt.kind != Kind::done);
                    if (status >= 300 && status < 400) CHECK(attempt.kind == Kind::failed);
                    if (status == 429 && body.empty()) CHECK(attempt.kind == Kind::retry);
                    if (attempt.kind != Kind::done) CHECK_FALSE(attempt.reason.empty());
                    CHECK(attempt.reason.size() < 1000);
                    CHECK(engine::is_utf8(attempt.reason));
                    CHECK(attempt.answered);
                }
            }
        }
    }
}

TEST_CASE("conformance: a sandbox answers, the same each time, without credentials", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        const auto connection = connection_of(name + ": { sandbox: true }");
        for (const auto& [action, operation] : connection.connector->actions) {
            INFO(name << "." << action);
            const auto delivery = delivery_of(action, params_of(operation, true));
            const auto attempt = simulate(connection, delivery);
            CHECK(attempt.kind == engine::Attempt::Kind::done);
            CHECK(attempt.simulated);
            CHECK(attempt.result == simulate(connection, delivery).result);
            CHECK(attempt.result.is_object());
            if (!params_of(operation, false).empty())
                CHECK(simulate(connection, delivery_of(action, Json::object())).kind ==
                      engine::Attempt::Kind::failed);
        }
    }
}

TEST_CASE("conformance: write-back names parameters and fields that the action sends", "[connectors]") {
    for (const auto& name : connectors_shipped()) {
        auto connection = fixture_connection(name);
        for (const auto& [kind, rules] : connection.connector->write_back) {
            for (const auto& field : rules.fields) {
                INFO(name << " " << field.field);
                const auto star = field.field.ends_with(".*");
                const auto changed =
                    star ? field.field.substr(0, field.field.size() - 1) + "seats" : field.field;
                Json document = Json::object();
                const Json value = changed.ends_with("tags") ? Json{"a"} : Json("high");
                engine::put(document, engine::path_of(changed.substr(kind.size() + 1)), value);
                const auto action = write_back(connection, engine::Subject::of(kind, name, "17"),
                                               {{changed, nullptr, value, "r", ""}}, document);
                REQUIRE(action);
                CHECK(action->rule.empty());
                CHECK(action->params.contains(field.parameter));
                if (field.field.ends_with(".status") || field.field.ends_with(".type")) continue;
                engine::Delivery delivery;
                delivery.key = engine::DeliveryKey("k");
                delivery.action = *action;
                const auto request = render(connection, delivery, now);
                INFO((request ? "" : request.error().message));
                REQUIRE(request);
                CHECK_THAT(request->url, Catch::Contains("17"));
            }
        }
    }
}

TEST_CASE("conformance: recorded webhooks of many vendors never break a reader", "[connectors]") {
    const auto folder = shared_folder();
    if (!folder) return;
    std::size_t tried = 0;
    for (const auto& vendor : std::filesystem::directory_iterator(*folder + "/vendors/payloads")) {
        if (!vendor.is_directory()) continue;
        for (const auto& entry : std::filesystem::directory_iterator(vendor.path())) {
            if (entry.path().extension() != ".json") continue;
            const auto body = read_file(entry.path().string());
            for (const auto& name : connectors_shipped()) {
                const auto connection = fixture_connection(name);
                auto message = connectors::testing::message_of(body);
                if (entry.path().filename().string().starts_with("interactive__")) {
                    message.body = "payload=" + percent_encode(body);
                    message.headers[0].second = "application/x-www-form-urlencoded";
                }
                REQUIRE(sign(connection, message, message.received));
                INFO(name << " " << entry.path());
                const auto intake = receive(connection, message);
                if (!intake) CHECK(intake.error().code != engine::Code::denied);
                ++tried;
            }
        }
    }
    CHECK(tried > 100);
}

namespace {

/// The lines of a compressed file, or none when there is nothing to read it with.
std::vector<std::string> lines_of_gzip(const std::string& path) {
    std::vector<std::string> lines;
    std::FILE* pipe = ::popen(("gzip -dc " + path).c_str(), "r");
    if (pipe == nullptr) return lines;
    char* line = nullptr;
    std::size_t room = 0;
    while (::getline(&line, &room, pipe) > 0) lines.emplace_back(line);
    std::free(line);
    ::pclose(pipe);
    return lines;
}

}  // namespace

TEST_CASE("conformance: a recorded stream of foreign webhooks never breaks a reader", "[connectors]") {
    const auto folder = shared_folder();
    if (!folder) return;
    const auto lines = lines_of_gzip(*folder + "/data/webhooks.jsonl.gz");
    if (lines.empty()) WARN("skipped: gzip is not installed");
    for (const auto& name : connectors_shipped()) {
        const auto connection = fixture_connection(name);
        for (const auto& line : lines) {
            const auto envelope = json(line);
            const auto* payload = engine::find(envelope, "data.payload");
            REQUIRE(payload != nullptr);
            auto message = connectors::testing::message_of(payload->dump());
            REQUIRE(sign(connection, message, message.received));
            INFO(name << " " << envelope["id"]);
            const auto intake = receive(connection, message);
            if (!intake) CHECK(intake.error().code != engine::Code::denied);
        }
    }
}

}  // namespace suite_test
