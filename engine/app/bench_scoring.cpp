/// bench scoring: what a decision costs about an entity with a score of many entries.

#include "engine/app/bench_policies.h"
#include "engine/app/bench_world.h"

namespace engine::app {
namespace {

constexpr std::size_t leads = 100;
constexpr auto lead_fields = "fields:\n  lead.custom.seats: { type: number }\n";
constexpr auto lead_rules = "rules:\n  - { id: seen, on: lead.visited, then: [ { add_tags: [seen] } ] }\n";

/// Half give points for what a lead is, half for what it does; one in ten of these loses its worth.
std::string scoring_file(std::size_t entries) {
    std::string text = "scores:\n  - id: worth\n    kind: lead\n    points:\n";
    for (std::size_t i = 0; i < entries; ++i) {
        const auto number = std::to_string(i);
        text += "      - { id: e" + number + ", add: 1, ";
        if (i % 2 == 0)
            text += "when: { lead.custom.seats: { gte: " + number + " } }";
        else
            text += "on: lead.visited, when: { lead.custom.seats: { lt: " + number + " } }, for: 90d" +
                    std::string(i % 20 == 1 ? ", decay: { every: 30d, by: 50% }" : "");
        text += " }\n";
    }
    return text;
}

/// Leads with a past, by turns.
class ScoredLeads {
public:
    ScoredLeads(std::shared_ptr<const Tenant> tenant, std::size_t entries, std::size_t counted)
        : world_(std::move(tenant), *parse_instant("2026-05-04T08:00:00Z")) {
        for (std::size_t lead = 0; lead < leads; ++lead) {
            const auto seats = entries * lead / leads;
            world_.decide(world_.event("lead.created", name_of_lead(lead), {{"custom", {{"seats", seats}}}}));
            for (std::size_t i = 0; i < counted; ++i) visit(lead);
        }
    }

    /// What it counts beyond the past is forgotten again, so that all visits are alike.
    double visit_next() {
        const auto lead = turns_++ % leads;
        const auto before = *world_.find(name_of_lead(lead));
        const auto took = visit(lead);
        world_.put(before);
        return took;
    }
    std::size_t bytes() const { return bytes_; }

private:
    static std::string name_of_lead(std::size_t lead) { return "lead/" + std::to_string(lead); }

    double visit(std::size_t lead) {
        world_.advance(std::chrono::seconds(1));
        const auto before = world_.seconds();
        const auto decided = world_.decide(world_.event("lead.visited", name_of_lead(lead), Json::object()));
        bytes_ = canonical_text(decided.decision).size();
        return world_.seconds() - before;
    }

    BenchWorld world_;
    std::size_t turns_ = 0, bytes_ = 0;
};

}  // namespace

Result<void> run_scoring_bench(const ScoringBenchOptions& options, const EachPolicyRow& each) {
    const auto plain = made_up_tenant({{"fields.yaml", lead_fields}, {"rules.yaml", lead_rules}});
    if (!plain) return plain.error();
    for (const auto entries : options.entries) {
        const auto scored = made_up_tenant({{"fields.yaml", lead_fields},
                                            {"rules.yaml", lead_rules},
                                            {"scoring.yaml", scoring_file(entries)}});
        if (!scored) return scored.error();
        ScoredLeads with(*scored, entries, options.counted), without(*plain, entries, options.counted);
        PolicyBenchRow row;
        row.what = "an event that a score counts";
        row.floor = "the same decision without scores";
        row.sizes = Json{{"entries", entries}, {"counted", options.counted}};
        row.cost =
            measure_by_turns(timed([&] { return with.visit_next(); }),
                             timed([&] { return without.visit_next(); }), options.seconds, options.turns);
        row.more = Json{{"journal_bytes", with.bytes()}};
        each(row);
    }
    return {};
}

}  // namespace engine::app
