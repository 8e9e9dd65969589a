#include <unistd.h>

#include <cstdio>

#include "tests/unit/connectors/support.h"

namespace connections_test {

using namespace connectors;
using namespace connectors::testing;

namespace {

struct Loaded {
    Connections connections;
    std::string problems;
    bool failed = false;
};

Loaded load(const std::string& text, const SecretSource& secrets = no_secrets(), bool required = true) {
    engine::Diagnostics diagnostics;
    Loaded loaded;
    loaded.connections = load_connections(text, Registry::shipped(), secrets, required, diagnostics);
    loaded.problems = all_of(diagnostics);
    loaded.failed = diagnostics.has_errors();
    return loaded;
}

}  // namespace

TEST_CASE("connections: without a file there are none", "[connectors]") {
    CHECK(load("").connections.empty());
    CHECK_FALSE(load("").failed);
}

TEST_CASE("connections: a sandbox needs no credentials and offers every action", "[connectors]") {
    const auto loaded =
        load("connections:\n  zendesk: { sandbox: true }\n  chat: { connector: slack, sandbox: true }\n");
    INFO(loaded.problems);
    REQUIRE_FALSE(loaded.failed);
    const auto signatures = signatures_of(loaded.connections);
    CHECK(signatures.at("zendesk").actions.contains("create_ticket"));
    CHECK(signatures.at("chat").connector == "slack");
    const auto& post = signatures.at("chat").actions.at("post_message");
    CHECK(post.find("channel")->required);
    CHECK(post.one_of == std::vector<std::vector<std::string>>{{"text", "blocks"}});
}

TEST_CASE("connections: common keys have defaults and are read", "[connectors]") {
    const auto plain = connection_of("slack: { token: t }");
    CHECK(plain.retry.size() == 9);
    CHECK(plain.retry.front() == std::chrono::seconds(5));
    CHECK(plain.retry.back() == std::chrono::hours(24));
    CHECK(plain.concurrency == 8);
    CHECK(plain.write_back);
    CHECK(plain.settings["base_url"] == "https://slack.com/api");
    const auto full = connection_of(
        "desk: { connector: zendesk, subdomain: acme, oauth_token: t, sandbox: false, write_back: false, "
        "urgent: true,\n"
        "  concurrency: 2, timeout: 3s, retry: [1s, 2m], body_bytes_max: 1000, allow_from: [192.0.2.0/24],\n"
        "  public_url: \"https://hooks.example.com/x\", verify: none, description: x }");
    CHECK(full.settings["base_url"] == "https://acme.zendesk.com");
    CHECK_FALSE(full.write_back);
    CHECK(full.urgent == std::vector<std::string>{"*"});
    CHECK(full.concurrency == 2);
    CHECK(full.timeout == std::chrono::seconds(3));
    CHECK(full.retry == std::vector<engine::Duration>{std::chrono::seconds(1), std::chrono::minutes(2)});
    CHECK(full.body_bytes_max == 1000);
    CHECK(full.unverified);
}

TEST_CASE("connections: the definition's urgent types are the default", "[connectors]") {
    CHECK(connection_of("helpninja: { sandbox: true }").urgent.size() == 2);
    CHECK(connection_of("helpninja: { sandbox: true, urgent: false }").urgent.empty());
    CHECK(connection_of("helpninja: { sandbox: true, urgent: [a.*] }").urgent ==
          std::vector<std::string>{"a.*"});
}

TEST_CASE("connections: every mistake has its class, place and nearest name", "[connectors]") {
    const auto problems = [](const std::string& text) { return load("connections:\n" + text).problems; };
    CHECK_THAT(problems("  x: { connector: slak }\n"), Catch::Contains("connections.yaml:2:19") &&
                                                           Catch::Contains("did you mean \"slack\"?") &&
                                                           Catch::Contains("[unknown-connector]"));
    CHECK_THAT(problems("  nothing: { sandbox: true }\n"), Catch::Contains("[unknown-connector]"));
    CHECK_THAT(problems("  slack: { tokn: x }\n"), Catch::Contains("connections.yaml:2:12") &&
                                                       Catch::Contains("did you mean \"token\"?") &&
                                                       Catch::Contains("[unknown-setting]"));
    CHECK_THAT(problems("  slack: {}\n"),
               Catch::Contains("token, webhook_url, signing_secret") && Catch::Contains("[missing-setting]"));
    CHECK_THAT(problems("  slack: { token: [a] }\n"), Catch::Contains("[wrong-type]"));
    CHECK_THAT(problems("  slack: { token: t, base_url: nowhere }\n"), Catch::Contains("[bad-value]"));
    CHECK_THAT(problems("  slack: { token: \"${vault:x}\" }\n"), Catch::Contains("[bad-secret]"));
    CHECK_THAT(problems("  slack: { token: \"${env:SLACK\" }\n"), Catch::Contains("[bad-secret]"));
    CHECK_THAT(problems("  slack: { token: $SLACK_TOKEN }\n"), Catch::Contains("[bad-secret]"));
    CHECK_THAT(problems("  slack: { token: \"{{ env.SLACK }}\" }\n"), Catch::Contains("[bad-secret]"));
    CHECK_THAT(problems("  slack: { token: \"\" }\n"), Catch::Contains("is empty"));
    CHECK_THAT(problems("  slack: { token: t, signing_secret: [] }\n"), Catch::Contains("an empty list"));
    CHECK_THAT(problems("  slack: { token: t, sandbox: maybe }\n"), Catch::Contains("[wrong-type]"));
    CHECK_THAT(problems("  slack: { token: t, concurrency: 0 }\n"), Catch::Contains("from 1 to 64"));
    CHECK_THAT(problems("  slack: { token: t, timeout: 1h }\n"), Catch::Contains("at most 5m"));
    CHECK_THAT(problems("  slack: { token: t, retry: [soon] }\n"), Catch::Contains("\"soon\""));
    CHECK_THAT(problems("  slack: { token: t, allow_from: [here] }\n"), Catch::Contains("\"here\""));
    CHECK_THAT(problems("  slack: { token: t, verify: maybe }\n"), Catch::Contains("[bad-value]"));
    CHECK_THAT(problems("  Slack: { connector: slack, token: t }\n"),
               Catch::Contains("no name of a connection"));
    CHECK_THAT(problems("  slack: 7\n"), Catch::Contains("is a map"));
    CHECK_THAT(problems("  slack:\n"), Catch::Contains("[missing-setting]"));
    CHECK_THAT(
        problems("  webhook:\n"),
        Catch::Contains("can neither receive nor send: it needs one of the settings key, secret, url"));
    CHECK(problems("  webhook: { verify: none }\n").empty());
    CHECK(problems("  webhook: { url: \"https://example.com/in\" }\n").empty());
    CHECK_THAT(load("connection:\n  slack: {}\n").problems, Catch::Contains("did you mean \"connections\"?"));
    CHECK_THAT(load("connections: [").problems, Catch::Contains("[yaml-syntax]"));
}

TEST_CASE("connections: an action that lacks its setting says which", "[connectors]") {
    const auto loaded = load("connections:\n  slack: { webhook_url: \"https://example.com/in\" }\n");
    CHECK(loaded.problems.empty());
    const auto signature = signatures_of(loaded.connections).at("slack");
    CHECK(signature.actions.contains("post_webhook"));
    CHECK(signature.unusable == std::map<std::string, std::string>{{"post_message", "token"}});
}

TEST_CASE("connections: what is missing is said once", "[connectors]") {
    const auto loaded = load("connections:\n  slack: {}\n");
    CHECK(loaded.failed);
    CHECK(signatures_of(loaded.connections).at("slack").unusable.empty());
}

TEST_CASE("connections: all mistakes of a file come at once", "[connectors]") {
    const auto loaded =
        load("connections:\n  a: { connector: slak }\n  slack: { tokn: x, concurrency: many }\n");
    CHECK_THAT(loaded.problems,
               Catch::Contains(":2:") && Catch::Contains(":3:12") && Catch::Contains(":3:34"));
}

TEST_CASE("connections: secrets come from where they are kept, and a missing one is named", "[connectors]") {
    const std::string text = "connections:\n  slack:\n    token: ${env:SLACK_TOKEN}\n";
    const SecretSource known = [](const std::string& kind,
                                  const std::string& name) -> std::optional<std::string> {
        return kind == "env" && name == "SLACK_TOKEN" ? std::optional<std::string>("xoxb-1") : std::nullopt;
    };
    CHECK(load(text, known).connections.at("slack").settings["token"] == "xoxb-1");
    const auto missing = load(text);
    CHECK_THAT(missing.problems, Catch::Contains("connections.yaml:3:12") && Catch::Contains("SLACK_TOKEN") &&
                                     Catch::Contains("[missing-secret]"));
    const auto tolerated = load(text, no_secrets(), false);
    CHECK_FALSE(tolerated.failed);
    CHECK(signatures_of(tolerated.connections).at("slack").actions.contains("post_message"));
    CHECK(load(text + "    sandbox: true\n").problems.empty());
}

TEST_CASE("connections: a sandbox that cannot prove its webhooks is warned of", "[connectors]") {
    const std::string text = "connections:\n  webhook: { sandbox: true, secret: \"${env:FORMS}\" }\n";
    const auto loaded = load(text);
    CHECK_FALSE(loaded.failed);
    CHECK_THAT(loaded.problems, Catch::Contains("warning: connection \"webhook\", setting \"secret\": the "
                                                "environment variable FORMS is not set, so its webhooks will "
                                                "be refused [missing-secret]"));
    CHECK(load(text, no_secrets(), false).problems.empty());
}

TEST_CASE("connections: a fallback over a secret that is not known here is no mistake", "[connectors]") {
    const auto loaded =
        load("connections:\n  zendesk: { subdomain: \"${env:SUB}\", oauth_token: t }\n", no_secrets(), false);
    INFO(loaded.problems);
    CHECK_FALSE(loaded.failed);
    CHECK(signatures_of(loaded.connections).at("zendesk").actions.contains("create_ticket"));
}

TEST_CASE("connections: messages never hold a secret", "[connectors]") {
    const SecretSource canary = [](const std::string&, const std::string&) { return "CANARY-7f3a"; };
    const auto loaded = load(
        "connections:\n  slack: { token: \"${env:A}\", webhook_url: \"${env:B}\", base_url: \"x ${env:C}\" "
        "}\n",
        canary);
    CHECK(loaded.failed);
    CHECK_THAT(loaded.problems, !Catch::Contains("CANARY"));
}

TEST_CASE("connections: an action whose settings are missing cannot be named by rules", "[connectors]") {
    const auto slack = connection_of("slack: { webhook_url: \"https://hooks.slack.com/services/x\" }");
    const auto actions = signatures_of({{"slack", slack}}).at("slack").actions;
    CHECK(actions.contains("post_webhook"));
    CHECK_FALSE(actions.contains("post_message"));
    const auto inbound = connection_of("zendesk: { signing_secret: s }");
    CHECK(signatures_of({{"zendesk", inbound}}).at("zendesk").actions.empty());
    CHECK_FALSE(write_back(inbound, *engine::Subject::parse("ticket/zendesk:1"),
                           {{"ticket.status", "open", "solved", "r", ""}}, {{"status", "solved"}}));
}

TEST_CASE("connections: the system's secrets are the environment and files", "[connectors]") {
    const auto secrets = system_secrets();
    ::setenv("SIGNALBOX_TEST_SECRET", "from-env", 1);
    CHECK(secrets("env", "SIGNALBOX_TEST_SECRET") == "from-env");
    ::unsetenv("SIGNALBOX_TEST_SECRET");
    CHECK_FALSE(secrets("env", "SIGNALBOX_TEST_SECRET"));
    char path[] = "/tmp/signalbox-secret-XXXXXX";
    const int file = ::mkstemp(path);
    REQUIRE(file >= 0);
    REQUIRE(::write(file, "from-file\n", 10) == 10);
    ::close(file);
    CHECK(secrets("file", path) == "from-file");
    std::remove(path);
    CHECK_FALSE(secrets("file", path));
}

}  // namespace connections_test
