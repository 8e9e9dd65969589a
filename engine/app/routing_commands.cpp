/// escalations, desk, on-call: where escalations stand, who has what to do, and who is called when.

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/base/text.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/desk_view.h"
#include "engine/pipeline/escalation_audit.h"
#include "engine/pipeline/tenant.h"
#include "rules/policies/routing.h"

namespace engine::app {
namespace {

// ---- escalations

struct EscalationOptions : StoreOptions {
    std::string subject;
    std::string kind;
    std::string escalation;
    std::string state;
};

void print_stand(const StoreOptions& options, const EscalationStand& stand) {
    if (options.json) {
        std::cout << canonical_json(describe(stand)) << "\n";
        return;
    }
    const auto& run = stand.run;
    std::cout << stand.subject.text() << "  " << stand.escalation << ": " << name_of(run.state) << ", level "
              << run.level;
    if (run.round > 1) std::cout << " of round " << run.round;
    if (run.due) std::cout << ", goes on at " << to_text(*run.due);
    if (!stand.fault.empty()) std::cout << "\n  " << stand.fault;
    std::cout << "\n";
}

int print_stands(const StoreOptions& options, Store& store, const TenantName& tenant,
                 const EscalationQuery& query) {
    const auto stands = escalations_of(store, tenant, SystemClock().now(), query);
    if (!stands) return complain(stands.error());
    for (const auto& stand : *stands) print_stand(options, stand);
    return exit_code::ok;
}

int list_escalations(const EscalationOptions& options, Store& store, const TenantName& tenant) {
    EscalationQuery query;
    query.kind = options.kind;
    query.escalation = options.escalation;
    if (!options.state.empty()) {
        const auto state = parse_escalation_state(options.state);
        if (!state) return complain(exit_code::usage, "--state: " + state.error().message);
        query.state = *state;
    }
    return print_stands(options, store, tenant, query);
}

int show_escalations(const EscalationOptions& options, Store& store, const TenantName& tenant) {
    const auto subject = Subject::parse(options.subject);
    if (!subject) return complain(exit_code::usage, subject.error().message);
    const auto entity = store.entity(tenant, *subject);
    if (!entity) return complain(entity.error());
    if (!*entity) return complain(exit_code::failed, "no entity " + options.subject);
    EscalationQuery query;
    query.subject = *subject;
    return print_stands(options, store, tenant, query);
}

int audit_escalations(const StoreOptions& options, Store& store, const TenantName& tenant) {
    const auto stands = escalations_of(store, tenant, SystemClock().now());
    if (!stands) return complain(stands.error());
    std::size_t faults = 0;
    for (const auto& stand : *stands) {
        if (stand.fault.empty()) continue;
        ++faults;
        print_stand(options, stand);
    }
    std::cerr << stands->size() << " escalations, " << faults << " that should have gone on\n";
    return faults == 0 ? exit_code::ok : exit_code::failed;
}

// ---- the desk

std::string so_many(int count, const std::optional<int>& most) {
    return std::to_string(count) + (most ? " of " + std::to_string(*most) : "");
}

/// `3 of 12 open (chat 1 of 2, email 2)`
std::string load_text(const DeskAgent& agent) {
    const auto capacity = agent.agent == nullptr ? rules::Capacity() : agent.agent->capacity;
    auto channels = agent.load.open;
    for (const auto& [channel, most] : capacity.by_channel) channels.try_emplace(channel, 0);
    std::vector<std::string> parts;
    for (const auto& [channel, count] : channels) {
        const auto most = capacity.by_channel.find(channel);
        parts.push_back(
            (channel.empty() ? "no channel" : channel) + " " +
            so_many(count, most == capacity.by_channel.end() ? std::nullopt : std::optional(most->second)));
    }
    auto text = so_many(agent.load.in_all(), capacity.in_all) + " open";
    if (capacity.other_channels)
        parts.push_back("other channels at most " + std::to_string(*capacity.other_channels));
    if (!parts.empty()) text += " (" + join(parts, ", ") + ")";
    return text;
}

void print_agent(const DeskAgent& agent, Instant now) {
    std::cout << agent.id << ": " << load_text(agent);
    if (agent.agent == nullptr) std::cout << ", is not in routing.yaml any more";
    if (agent.agent != nullptr && !rules::is_there(*agent.agent, now)) std::cout << ", out of hours";
    if (!agent.open.empty()) std::cout << ":";
    for (const auto& item : agent.open) std::cout << " " << item.subject;
    std::cout << "\n";
}

void print_queue(const DeskQueue& queue) {
    for (const auto& item : queue.waiting)
        std::cout << "waits in " << queue.id << ": " << item.subject << " since "
                  << to_text(*item.place.waits) << (item.place.held ? ", offered to nobody" : "") << "\n";
}

int show_desk(const StoreOptions& options, Store& store, const TenantName& tenant) {
    const auto active = active_tenant(store, tenant);
    if (!active) return complain(active.error());
    const auto* routing = *active ? (*active)->rule_set->routing.get() : nullptr;
    const auto desk = desk_of(store, tenant, routing, SystemClock().now());
    if (!desk) return complain(desk.error());
    if (options.json) {
        std::cout << canonical_json(describe(*desk, std::numeric_limits<std::size_t>::max())) << "\n";
        return exit_code::ok;
    }
    for (const auto& agent : desk->agents) print_agent(agent, desk->now);
    for (const auto& queue : desk->queues) print_queue(queue);
    return exit_code::ok;
}

// ---- who is on call

struct OnCallOptions {
    std::string folder;
    std::string at;
    std::string span = "7d";
    bool json = false;
};

/// More than anybody reads.
constexpr std::size_t shifts_max = 1'000;

int list_shifts(const OnCallOptions& options) {
    const auto from = options.at.empty() ? Result<Instant>(SystemClock().now()) : parse_instant(options.at);
    if (!from) return complain(exit_code::usage, "--at: " + from.error().message);
    const auto span = parse_duration(options.span);
    if (!span) return complain(exit_code::usage, "--for: " + span.error().message);
    if (*span > rules::on_call_listed)
        return complain(exit_code::usage, "--for: five years are the most that is listed");
    const auto loaded = load_folder(options.folder);
    if (loaded.error) return complain(exit_code::bad_data, loaded.error->message);
    print_diagnostics(loaded.diagnostics, options.folder);
    if (!loaded.tenant) return exit_code::bad_data;
    const auto* routing = loaded.tenant->rule_set->routing.get();
    if (routing == nullptr || routing->on_call.empty())
        return complain(exit_code::failed, "routing.yaml has no on_call");
    for (const auto& schedule : routing->on_call)
        for (const auto& shift : rules::shifts_between(schedule, *from, *from + *span, shifts_max)) {
            if (options.json) {
                std::cout << canonical_json(describe(schedule, shift)) << "\n";
                continue;
            }
            std::cout << schedule.id << "  " << to_text(shift.from) << "  " << to_text(shift.until) << "  "
                      << (shift.who.empty() ? "nobody" : join(shift.who, ", "))
                      << (shift.overridden ? "  (overridden)" : "") << "\n";
        }
    return exit_code::ok;
}

}  // namespace

void add_routing_commands(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("escalations", "Where escalations stand");
    parent->require_subcommand(1);
    auto listed = std::make_shared<EscalationOptions>();
    auto* list_command = parent->add_subcommand("list", "Those that are under way");
    add_store_options(*list_command, *listed);
    list_command->add_option("--state", listed->state, "Only those: running, acknowledged or exhausted");
    list_command->add_option("--escalation", listed->escalation, "Only those of that id");
    list_command->add_option("--kind", listed->kind, "Only those of such entities");
    list_command->callback([listed, &chosen] { chosen = on_tenant(listed, list_escalations); });
    auto one = std::make_shared<EscalationOptions>();
    auto* show_command = parent->add_subcommand("show", "Those of one entity");
    add_store_options(*show_command, *one);
    show_command->add_option("SUBJECT", one->subject, "Such as ticket/42")->required();
    show_command->callback([one, &chosen] { chosen = on_tenant(one, show_escalations); });
    auto audited = std::make_shared<StoreOptions>();
    auto* audit_command =
        parent->add_subcommand("audit", "Those that should have gone on and did not; exit code 1 for some");
    add_store_options(*audit_command, *audited);
    audit_command->callback([audited, &chosen] { chosen = on_tenant(audited, audit_escalations); });

    auto shown = std::make_shared<StoreOptions>();
    auto* desk_command = app.add_subcommand("desk", "Who has what to do, and what waits in queues");
    add_store_options(*desk_command, *shown);
    desk_command->callback([shown, &chosen] { chosen = on_tenant(shown, show_desk); });

    auto called = std::make_shared<OnCallOptions>();
    auto* on_call_command = app.add_subcommand("on-call", "Who is on call, shift by shift");
    on_call_command->add_option("TENANT_DIR", called->folder, "The tenant's folder")->required();
    on_call_command->add_option("--at", called->at, "From then on; now when left out");
    on_call_command->add_option("--for", called->span, "For so long")->capture_default_str();
    add_json_option(*on_call_command, called->json);
    on_call_command->callback([called, &chosen] { chosen = [called] { return list_shifts(*called); }; });
}

}  // namespace engine::app
