/// bench routing: what a decision costs that gives somebody work, or lets it wait, on a desk that is full.

#include <algorithm>
#include <limits>
#include <random>

#include "engine/app/bench_policies.h"
#include "engine/app/bench_world.h"
#include "rules/evaluator/router.h"
#include "rules/policies/queues.h"

namespace engine::app {
namespace {

constexpr int room_of_each = 5;
constexpr auto routed_fields = "fields:\n  ticket.custom.area: { type: text }\n";
const auto routed_now = *parse_instant("2026-05-04T08:00:00Z");

std::string agent_id(std::size_t number) {
    return "a" + std::to_string(number);
}

std::string queue_id(std::size_t number) {
    return "q" + std::to_string(number);
}

rules::Files routed_files(std::size_t agents, std::size_t queues) {
    std::string routing = "agents:\n";
    for (std::size_t i = 0; i < agents; ++i)
        routing += "  - { id: " + agent_id(i) + ", capacity: " + std::to_string(room_of_each) + " }\n";
    routing += "teams:\n";
    for (std::size_t queue = 0; queue < queues; ++queue) {
        routing += "  - { id: t" + std::to_string(queue) + ", members: [";
        for (std::size_t i = queue; i < agents; i += queues)
            routing += (i == queue ? "" : ", ") + agent_id(i);
        routing += "] }\n";
    }
    routing += "queues:\n";
    for (std::size_t queue = 0; queue < queues; ++queue)
        routing += "  - { id: " + queue_id(queue) + ", teams: [t" + std::to_string(queue) +
                   "], when: { ticket.custom.area: " + queue_id(queue) + " } }\n";
    return {{"fields.yaml", routed_fields},
            {"routing.yaml", routing},
            {"rules.yaml", "rules:\n  - { id: who, on: ticket.created, then: [ { route: true } ] }\n"}};
}

/// The same but for who gets it.
rules::Files unrouted_files() {
    return {{"fields.yaml", routed_fields},
            {"rules.yaml",
             "rules:\n  - id: who\n    on: ticket.created\n"
             "    then: [ { set: { ticket.queue: general, ticket.assignee: a1 } } ]\n"}};
}

/// A desk on which each agent has so much to do and so many wait.
class RoutedDesk {
public:
    RoutedDesk(std::shared_ptr<const Tenant> tenant, std::size_t agents, std::size_t queues)
        : tenant_(std::move(tenant)), world_(tenant_, routed_now), agents_(agents), queues_(queues) {}

    void fill(int of_each, std::size_t waiting) {
        for (std::size_t i = 0; i < agents_; ++i)
            for (int k = 0; k < of_each; ++k) give(i);
        for (std::size_t i = 0; i < waiting; ++i) let_wait(i % queues_);
    }

    /// Somebody's, or nobody's, and gone again.
    double arrive() {
        const auto subject = next_subject();
        const auto before = world_.seconds();
        const auto decided =
            world_.decide(world_.event("ticket.created", subject, opened(turns_++ % queues_)));
        bytes_ = canonical_text(decided.decision).size();
        found_ = text_or(decided.after.fields, "assignee", "");
        world_.forget(subject);
        return world_.seconds() - before;
    }

    /// Somebody is done with something, and gets what waits; as many wait again then.
    double hand_over() {
        const auto agent = turns_++ % agents_;
        auto& open = open_[agent_id(agent)];
        const auto subject = open.front();
        open.erase(open.begin());
        const auto before = world_.seconds();
        const auto done = world_.decide(world_.event("ticket.updated", subject, {{"status", "solved"}}));
        for (const auto& derived : done.derived) {
            const auto taken = world_.decide(derived);
            found_ = text_or(taken.after.fields, "assignee", "");
            bytes_ = canonical_text(done.decision).size() + canonical_text(taken.decision).size();
            open_[found_].push_back(taken.after.subject.text());
        }
        const auto took = world_.seconds() - before;
        world_.forget(subject);
        let_wait(agent % queues_);
        return took;
    }

    /// The two decisions of a hand-over where nobody routes.
    double change_twice() {
        const auto subject = next_subject();
        world_.put(plain(subject));
        const auto before = world_.seconds();
        world_.decide(world_.event("ticket.updated", subject, {{"status", "solved"}}));
        world_.decide(world_.event("ticket.updated", subject, {{"assignee", "a1"}, {"status", "open"}}));
        world_.forget(subject);
        return world_.seconds() - before;
    }

    const std::string& found() const { return found_; }
    std::size_t bytes() const { return bytes_; }

private:
    std::string next_subject() { return "ticket/" + std::to_string(++tickets_); }

    static Json opened(std::size_t queue) {
        return {{"status", "open"}, {"channel", "email"}, {"custom", {{"area", queue_id(queue)}}}};
    }

    static Entity plain(const std::string& subject) {
        Entity entity;
        entity.tenant = bench_tenant_name;
        entity.subject = *Subject::parse(subject);
        entity.version = 1;
        entity.fields = opened(0);
        return entity;
    }

    void give(std::size_t agent) {
        const auto subject = next_subject();
        auto entity = plain(subject);
        rules::Placement place;
        place.queue = queue_id(agent % queues_);
        place.agent = place.turn_agent = agent_id(agent);
        place.channel = "email";
        place.turn = ++given_;
        entity.fields["queue"] = place.queue;
        entity.fields["assignee"] = place.agent;
        entity.routing["place"] = rules::to_json(place);
        world_.put(std::move(entity));
        open_[place.agent].push_back(subject);
    }

    void let_wait(std::size_t queue) {
        auto entity = plain(next_subject());
        rules::Placement place;
        place.queue = queue_id(queue);
        place.channel = "email";
        place.waits = world_.now() + Duration(tickets_);
        entity.fields["queue"] = place.queue;
        entity.fields["custom"]["area"] = place.queue;
        rules::Scope scope;
        scope.set("ticket", &entity.fields);
        place.rank = rules::rank_of(tenant_->rule_set->catalogue, "ticket", scope);
        entity.routing["place"] = rules::to_json(place);
        world_.put(std::move(entity));
    }

    std::shared_ptr<const Tenant> tenant_;
    BenchWorld world_;
    std::size_t agents_, queues_;
    std::unordered_map<std::string, std::vector<std::string>> open_;
    std::uint64_t tickets_ = 0, given_ = 0;
    std::size_t turns_ = 0, bytes_ = 0;
    std::string found_;
};

/// A look at each agent for who has the least to do: what nobody who has to look at all can be faster than.
double scan_us(std::size_t agents, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<int> loads(agents);
    for (auto& load : loads) load = static_cast<int>(random() % 5);
    constexpr int scans = 2'000;
    std::size_t best = 0;
    const auto seconds = seconds_of([&] {
        for (int i = 0; i < scans; ++i) {
            ++loads[best];
            best = static_cast<std::size_t>(std::min_element(loads.begin(), loads.end()) - loads.begin());
        }
    });
    return seconds / scans * 1e6;
}

class RoutingBench {
public:
    RoutingBench(const RoutingBenchOptions& options, const EachPolicyRow& each)
        : options_(options), each_(each) {}

    Result<void> run(std::size_t queues) {
        const auto routed = made_up_tenant(routed_files(options_.agents, queues));
        if (!routed) return routed.error();
        const auto unrouted = made_up_tenant(unrouted_files());
        if (!unrouted) return unrouted.error();
        RoutedDesk floor(*unrouted, 1, 1);
        RoutedDesk free(*routed, options_.agents, queues);
        free.fill(room_of_each - 1, 0);
        if (auto done = arrivals(free, floor, queues, "a new ticket, everybody has room", 0, true); !done)
            return done;
        RoutedDesk full(*routed, options_.agents, queues);
        full.fill(room_of_each, options_.waiting);
        if (auto done =
                arrivals(full, floor, queues, "a new ticket, nobody has room", options_.waiting, false);
            !done)
            return done;
        PolicyBenchRow row =
            row_of("a ticket is done, the next that waits is given", queues, options_.waiting);
        row.floor = "two decisions without routing";
        row.cost =
            measure_by_turns(timed([&] { return full.hand_over(); }),
                             timed([&] { return floor.change_twice(); }), options_.seconds, options_.turns);
        return tell(std::move(row), full, true);
    }

private:
    PolicyBenchRow row_of(const std::string& what, std::size_t queues, std::size_t waiting) const {
        PolicyBenchRow row;
        row.what = what;
        row.sizes = Json{{"agents", options_.agents}, {"queues", queues}, {"waiting", waiting}};
        return row;
    }

    Result<void> arrivals(RoutedDesk& desk, RoutedDesk& floor, std::size_t queues, const std::string& what,
                          std::size_t waiting, bool is_given) {
        PolicyBenchRow row = row_of(what, queues, waiting);
        row.floor = "the same decision without routing";
        row.cost = measure_by_turns(timed([&] { return desk.arrive(); }),
                                    timed([&] { return floor.arrive(); }), options_.seconds, options_.turns);
        return tell(std::move(row), desk, is_given);
    }

    Result<void> tell(PolicyBenchRow row, const RoutedDesk& desk, bool is_given) {
        if (desk.found().empty() == is_given)
            return Error{Code::corrupt, "\"" + row.what + "\" was decided otherwise"};
        row.more =
            Json{{"scan_us", scan_us(options_.agents, options_.seed)}, {"journal_bytes", desk.bytes()}};
        each_(row);
        return {};
    }

    const RoutingBenchOptions& options_;
    const EachPolicyRow& each_;
};

}  // namespace

Result<void> run_routing_bench(const RoutingBenchOptions& options, const EachPolicyRow& each) {
    for (const auto queues : options.queues)
        if (auto done = RoutingBench(options, each).run(std::min(queues, options.agents)); !done) return done;
    return {};
}

}  // namespace engine::app
