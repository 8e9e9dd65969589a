#include "engine/model/delivery.h"

#include "engine/base/ensure.h"

namespace engine {

Json to_json(const Delivery& delivery) {
    const auto& action = delivery.action;
    return {{"key", delivery.key.text()},
            {"event", delivery.event.text()},
            {"source", delivery.source},
            {"ruleset", delivery.ruleset},
            {"rule", action.rule},
            {"connection", action.connection},
            {"action", action.action},
            {"params", action.params},
            {"as", action.as},
            {"save", action.save},
            {"relaxed", action.relaxed},
            {"firing", action.firing},
            {"hops", delivery.hops}};
}

Result<Delivery> delivery_from_json(const Json& json) {
    try {
        Delivery delivery;
        delivery.key = DeliveryKey(json.at("key").get<std::string>());
        delivery.event = EventId(json.at("event").get<std::string>());
        delivery.source = json.at("source").get<std::string>();
        delivery.ruleset = json.at("ruleset").get<std::string>();
        delivery.action.rule = json.at("rule").get<std::string>();
        delivery.action.connection = json.at("connection").get<std::string>();
        delivery.action.action = json.at("action").get<std::string>();
        delivery.action.params = json.at("params");
        delivery.action.as = json.at("as").get<std::string>();
        delivery.action.save = json.at("save");
        delivery.action.relaxed = json.at("relaxed").get<bool>();
        delivery.action.firing = json.at("firing").get<std::string>();
        delivery.hops = json.at("hops").get<int>();
        return delivery;
    } catch (const Json::exception& error) {
        return Error{Code::corrupt, std::string("stored delivery: ") + error.what()};
    }
}

std::string_view name_of(Attempt::Kind kind) {
    switch (kind) {
        case Attempt::Kind::done:
            return "done";
        case Attempt::Kind::retry:
            return "retry";
        case Attempt::Kind::failed:
            return "failed";
    }
    ensure_failed("a known Attempt::Kind", __FILE__, __LINE__);
}

}  // namespace engine
