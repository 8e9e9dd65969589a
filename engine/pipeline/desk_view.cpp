#include "engine/pipeline/desk_view.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/pipeline/pages.h"

namespace engine {
namespace {

/// As the desk hands out what waits in one queue.
bool is_next(const DeskItem& one, const DeskItem& other) {
    const auto turn = [](const DeskItem& item) {
        return std::tuple(item.place.held, item.place.rank, *item.place.waits,
                          std::string_view(item.subject));
    };
    return turn(one) < turn(other);
}

/// What entities say, put together by whom they name.
class DeskReader {
public:
    explicit DeskReader(const rules::Routing* routing) {
        if (routing == nullptr) return;
        for (const auto& agent : routing->agents) agent_named(agent.id).agent = &agent;
        for (const auto& queue : routing->queues) queue_named(queue.id).queue = &queue;
        listed_agents_ = routing->agents.size();
        listed_queues_ = routing->queues.size();
    }

    void add(const Entity& entity) {
        auto place = rules::placement_from(entity.routing.value("place", Json()));
        const auto subject = entity.subject.text();
        if (place.waits) queue_named(place.queue).waiting.push_back({subject, place});
        if (place.agent.empty()) return;
        auto& agent = agent_named(place.agent);
        ++agent.load.open[place.channel];
        agent.open.push_back({subject, std::move(place)});
    }

    DeskView view(Instant now) && {
        const auto by_id = [](const auto& one, const auto& other) { return one.id < other.id; };
        std::sort(agents_.begin() + static_cast<std::ptrdiff_t>(listed_agents_), agents_.end(), by_id);
        std::sort(queues_.begin() + static_cast<std::ptrdiff_t>(listed_queues_), queues_.end(), by_id);
        for (auto& queue : queues_) std::sort(queue.waiting.begin(), queue.waiting.end(), is_next);
        return {now, std::move(agents_), std::move(queues_)};
    }

private:
    DeskAgent& agent_named(const std::string& id) {
        const auto [found, is_new] = agent_numbers_.try_emplace(id, agents_.size());
        if (is_new) agents_.emplace_back().id = id;
        return agents_[found->second];
    }

    DeskQueue& queue_named(const std::string& id) {
        const auto [found, is_new] = queue_numbers_.try_emplace(id, queues_.size());
        if (is_new) queues_.emplace_back().id = id;
        return queues_[found->second];
    }

    std::vector<DeskAgent> agents_;
    std::vector<DeskQueue> queues_;
    std::map<std::string, std::size_t> agent_numbers_, queue_numbers_;
    std::size_t listed_agents_ = 0, listed_queues_ = 0;
};

Result<void> read_places(Store& store, const TenantName& tenant, Instant now, DeskReader& reader) {
    std::string after;
    while (true) {
        const auto page = store.watched(tenant, now, after, page_rows);
        if (!page) return page.error();
        for (const auto& entity : *page) reader.add(entity);
        if (page->size() < page_rows) return {};
        after = page->back().subject.text();
    }
}

Json json_of(const rules::AgentLoad& load) {
    Json channels = Json::object();
    for (const auto& [channel, count] : load.open) channels[channel] = count;
    return {{"all", load.in_all()}, {"channels", std::move(channels)}};
}

/// What is not limited is left out.
Json json_of(const rules::Capacity& capacity) {
    Json json{{"channels", Json::object()}};
    if (capacity.in_all) json["all"] = *capacity.in_all;
    if (capacity.other_channels) json["other"] = *capacity.other_channels;
    for (const auto& [channel, count] : capacity.by_channel) json["channels"][channel] = count;
    return json;
}

template <class Describe>
Json first_of(const std::vector<DeskItem>& items, std::size_t items_max, Describe describe) {
    Json list = Json::array();
    for (std::size_t i = 0; i < std::min(items.size(), items_max); ++i) list.push_back(describe(items[i]));
    return list;
}

}  // namespace

Result<DeskView> desk_of(Store& store, const TenantName& tenant, const rules::Routing* routing, Instant now) {
    if (auto begun = store.begin_reading(); !begun) return begun.error();
    DeskReader reader(routing);
    const auto read = read_places(store, tenant, now, reader);
    store.end_reading();
    if (!read) return read.error();
    return std::move(reader).view(now);
}

Json describe_open(const DeskItem& item) {
    Json json{{"subject", item.subject}, {"channel", item.place.channel}};
    if (!item.place.queue.empty()) json["queue"] = item.place.queue;
    return json;
}

Json describe_waiting(const DeskItem& item) {
    Json json{{"subject", item.subject},
              {"channel", item.place.channel},
              {"since", to_text(*item.place.waits)},
              {"rank", item.place.rank},
              {"skills", item.place.skills}};
    if (item.place.due) json["due"] = to_text(*item.place.due);
    if (item.place.held) json["held"] = true;
    return json;
}

Json describe(const DeskAgent& agent, Instant now, std::size_t items_max) {
    Json json{{"id", agent.id},
              {"load", json_of(agent.load)},
              {"open", first_of(agent.open, items_max, describe_open)}};
    if (agent.agent == nullptr) {
        json["gone"] = true;
        return json;
    }
    if (!agent.agent->name.empty()) json["name"] = agent.agent->name;
    json["here"] = rules::is_there(*agent.agent, now);
    json["capacity"] = json_of(agent.agent->capacity);
    return json;
}

Json describe(const DeskQueue& queue, Instant now, std::size_t items_max) {
    Json json{{"id", queue.id},
              {"count", queue.waiting.size()},
              {"waiting", first_of(queue.waiting, items_max, describe_waiting)}};
    if (queue.queue == nullptr) {
        json["gone"] = true;
        return json;
    }
    json["kind"] = queue.queue->kind;
    json["priority"] = queue.queue->priority;
    json["open"] = rules::is_open(*queue.queue, now);
    return json;
}

Json describe(const DeskView& desk, std::size_t items_max) {
    Json agents = Json::array();
    for (const auto& agent : desk.agents) agents.push_back(describe(agent, desk.now, items_max));
    Json queues = Json::array();
    for (const auto& queue : desk.queues) queues.push_back(describe(queue, desk.now, items_max));
    return {{"agents", std::move(agents)}, {"queues", std::move(queues)}};
}

Json describe(const rules::OnCallSchedule& schedule, const rules::OnCallShift& shift) {
    return {{"schedule", schedule.id},
            {"from", to_text(shift.from)},
            {"until", to_text(shift.until)},
            {"who", shift.who},
            {"overridden", shift.overridden}};
}

}  // namespace engine
