#include "engine/app/bench_workload.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <random>

#include "engine/app/bench_wire.h"
#include "engine/base/hash.h"

namespace engine::app {
namespace {

constexpr auto secret = "bench-webhook-secret";
constexpr std::size_t content_bytes = 420;
constexpr std::string_view prose =
    "my last two invoices show a plan we left in march and the card on file is charged twice each month; the "
    "export page answers with an error since yesterday evening, and nobody of the team can open the report "
    "that the auditors wait for. please look at both, and say when the money comes back, or whom we can "
    "call. ";

/// The bytes of an action's body in front of the event's number.
constexpr std::string_view id_mark = "\"id\":\"m";

constexpr auto tenant_file = "name: bench\n";

constexpr auto workload_rules = R"(rules:
  - id: pass-it-on
    description: Every message of a customer goes to the destination
    on: message.created
    when:
      message.sender: customer
      conversation.channel: chat
    then:
      - destination.post:
          body:
            id: "{{ message.id }}"
            conversation: "{{ conversation.id }}"
            text: "{{ message.text | truncate: 120 }}"
)";

std::string connections_file(std::uint16_t port) {
    return std::string("connections:\n  chat:\n    connector: helpninja\n    webhook_secret: ") + secret +
           "\n  destination:\n    connector: webhook\n    concurrency: 64\n    url: http://127.0.0.1:" +
           std::to_string(port) + "/in\n";
}

/// Rules that ask about the message, the conversation and what is known of it, and fit no event: what is
/// measured is that they are there.
std::string more_rules(std::size_t first, std::size_t count) {
    static const char* topics[] = {"refund", "cancel", "outage", "invoice", "password", "delivery", "export"};
    std::string text = "rules:\n";
    for (auto i = first; i < first + count; ++i) {
        const auto number = std::to_string(i);
        text += "  - id: more-" + number +
                "\n    on: message.created\n    when:\n      message.sender: customer\n";
        text += "      conversation.custom.plan: plan-" + std::to_string(i % 97) + "\n";
        if (i % 3 == 0)
            text += "      conversation.confidence: { lt: 0." + std::to_string(1 + i % 80) + " }\n";
        if (i % 5 == 0)
            text +=
                std::string("      message.text: { contains: \"") + topics[i % 7] + " " + number + "\" }\n";
        if (i % 7 == 0)
            text += "      conversation.tags: { has_any: [t" + std::to_string(i % 31) + ", vip] }\n";
        if (i % 4 == 0) text += "      conversation.assignee: agent-" + std::to_string(i % 211) + "\n";
        text += "    then:\n      - add_tags: [more-" + number + "]\n";
    }
    return text;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) return unavailable("cannot write " + path.string());
    return {};
}

std::string content_of(std::size_t event) {
    std::string content = "message " + std::to_string(event) + ": ";
    while (content.size() < content_bytes) content += prose.substr(0, content_bytes - content.size());
    return content;
}

/// All carry one time: of events that overtake each other on their connections none is older than the other.
std::string body_of(std::size_t event, std::uint32_t lane, std::string_view run, std::string_view unread) {
    return R"({"event":"message.sent","tenant_id":"t-bench","timestamp":"2026-05-04T08:00:00.000Z","data":{)"
           R"("conversation_id":"c)" +
           std::to_string(lane) + R"(","message_id":"m)" + std::to_string(event) + "-" + std::string(run) +
           R"(","sender":"customer","content":")" + content_of(event) +
           R"(","confidence_score":0.82,"processing_time_ms":412,"tokens_used":96,"sources":["faq","guide"]})" +
           std::string(unread) + "}";
}

/// What vendors put in besides: fields of a customer's own, each an object.
std::string unread_members(std::size_t bytes) {
    if (bytes == 0) return "";
    std::string members = R"(,"extra":{"fields":[)";
    for (std::size_t i = 0; members.size() < bytes; ++i)
        members += std::string(i == 0 ? "" : ",") + R"({"id":)" + std::to_string(360'001'000 + i) +
                   R"(,"name":"field )" + std::to_string(i) +
                   R"(","value":"as it was last seen","changed":null,"system":false,"order":)" +
                   std::to_string(i) + ".5}";
    return members + "]}";
}

}  // namespace

Result<void> write_bench_tenant(const std::filesystem::path& folder, std::uint16_t destination_port,
                                std::size_t rules) {
    std::error_code error;
    std::filesystem::create_directories(folder / "rules", error);
    if (error) return unavailable("cannot make " + folder.string() + ": " + error.message());
    if (auto done = write_file(folder / "tenant.yaml", tenant_file); !done) return done;
    if (auto done = write_file(folder / "rules.yaml", workload_rules); !done) return done;
    constexpr std::size_t rules_of_a_file = 500;
    for (std::size_t first = 0; first < rules; first += rules_of_a_file) {
        const auto name = "more-" + std::to_string(first) + ".yaml";
        const auto text = more_rules(first, std::min(rules_of_a_file, rules - first));
        if (auto done = write_file(folder / "rules" / name, text); !done) return done;
    }
    return write_file(folder / "connections.yaml", connections_file(destination_port));
}

std::vector<std::uint32_t> bench_lanes(std::size_t events, std::size_t lanes) {
    std::mt19937 generator(20'260'504);
    std::vector<std::uint32_t> lane_of(events);
    for (auto& lane : lane_of) lane = static_cast<std::uint32_t>(generator() % lanes);
    return lane_of;
}

std::vector<std::string> bench_requests(const std::vector<std::uint32_t>& lane_of, std::size_t unread_bytes) {
    const auto unread = unread_members(unread_bytes);
    const auto run = to_hex(random_bytes(4));
    std::vector<std::string> requests;
    requests.reserve(lane_of.size());
    const std::string target = std::string("/v1/") + bench_tenant + "/hooks/chat";
    for (std::size_t event = 0; event < lane_of.size(); ++event) {
        const auto body = body_of(event, lane_of[event], run, unread);
        const auto signature = to_hex(hmac(Algorithm::sha256, secret, body));
        requests.push_back(post_request(target, "X-HelpNinja-Signature: sha256=" + signature, body));
    }
    return requests;
}

std::size_t event_of_action(std::string_view body) {
    auto event = std::numeric_limits<std::size_t>::max();
    const auto at = body.find(id_mark);
    if (at != std::string_view::npos)
        std::from_chars(body.data() + at + id_mark.size(), body.data() + body.size(), event);
    return event;
}

}  // namespace engine::app
