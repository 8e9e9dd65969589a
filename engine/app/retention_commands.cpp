/// retention: takes old partitions of the journal away.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/requests.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/pipeline/retention.h"

namespace engine::app {
namespace {

struct RetentionOptions {
    std::string store = store_default;
    std::string keep;
    bool dry_run = false;
    bool json = false;
};

void print(const RetentionOptions& options, const Json& answer) {
    if (options.json) {
        std::cout << canonical_json(answer) << "\n";
        return;
    }
    const auto* partitions = find(answer, "partitions");
    const char* done = options.dry_run ? " would be taken away" : " is taken away";
    if (partitions != nullptr)
        for (const auto& name : *partitions) std::cout << name.get<std::string>() << done << "\n";
    if (partitions == nullptr || partitions->empty())
        std::cout << "No partition is wholly older than " << text_or(answer, "before", "") << ".\n";
    if (const auto kept = text_or(answer, "kept_back", ""); !kept.empty()) std::cerr << kept << "\n";
}

Result<Json> plan(const RetentionOptions& options, Instant before) {
    auto store = open_for_reading(options.store);
    if (!store) return store.error();
    const auto plan = (*store)->plan_retention(before);
    if (!plan) return plan.error();
    return retention_json(*plan, before);
}

int retain(const RetentionOptions& options) {
    const auto keep = parse_duration(options.keep);
    if (!keep) return complain(exit_code::usage, "--keep: " + keep.error().message);
    const auto planned = plan(options, SystemClock().now() - *keep);
    if (!planned) return complain(planned.error());
    if (options.dry_run || find(*planned, "partitions")->empty()) {
        print(options, *planned);
        return exit_code::ok;
    }
    Request request;
    request.command = "retention";
    request.arguments = Json{{"keep", options.keep}};
    const auto answer = perform(options.store, std::move(request));
    if (!answer) return complain(answer.error());
    print(options, *answer);
    return exit_code::ok;
}

}  // namespace

void add_retention_command(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<RetentionOptions>();
    auto* command = app.add_subcommand(
        "retention",
        "Takes partitions of the journal away that are wholly older; their tables stay in the database");
    command->add_option("--keep", options->keep, "How long rows stay, such as 400d")->required();
    add_store_option(*command, options->store);
    command->add_flag("--dry-run", options->dry_run, "Only say what would be taken away");
    add_json_option(*command, options->json);
    command->callback([options, &chosen] { chosen = [options] { return retain(*options); }; });
}

}  // namespace engine::app
