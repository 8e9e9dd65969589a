/// erase: takes a subject's data away for good, and leaves the proof that the rows were there.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/requests.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"

namespace engine::app {
namespace {

struct EraseOptions : StoreOptions {
    std::string subject;
    std::string reason;
};

std::uint64_t count_in(const Json& answer, const char* name) {
    const auto* value = find(answer, name);
    return value != nullptr && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

/// One request erases so many rows at most, so that no other lane waits long; the next one goes on before
/// the last.
Result<Json> erase_all(const EraseOptions& options, const TenantName& tenant) {
    Json arguments{{"subject", options.subject}, {"reason", options.reason}};
    std::uint64_t rows = 0;
    while (true) {
        Request request;
        request.tenant = tenant;
        request.command = "erase";
        request.arguments = arguments;
        auto answer = perform(options.store, std::move(request), std::chrono::seconds(60));
        if (!answer) return answer;
        rows += count_in(*answer, "rows");
        const auto* before = find(*answer, "before");
        if (before != nullptr) {
            arguments["before"] = *before;
            continue;
        }
        (*answer)["rows"] = rows;
        return answer;
    }
}

int erase_command(const EraseOptions& options) {
    if (const auto subject = Subject::parse(options.subject); !subject)
        return complain(exit_code::usage, subject.error().message);
    const auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    const auto answer = erase_all(options, *tenant);
    if (!answer) return complain(answer.error());
    if (options.json)
        std::cout << canonical_json(*answer) << "\n";
    else
        std::cout << "erased " << count_in(*answer, "rows") << " rows about " << options.subject << "\n";
    return exit_code::ok;
}

}  // namespace

void add_erase_command(CLI::App& app, Chosen& chosen) {
    auto options = std::make_shared<EraseOptions>();
    auto* command = app.add_subcommand("erase", "Takes away for good what the store knows about a subject");
    command->add_option("--subject", options->subject, "Such as contact/zendesk:35436")->required();
    command->add_option("--reason", options->reason, "Why, for the journal; no personal data");
    add_store_options(*command, *options);
    command->callback([options, &chosen] { chosen = [options] { return erase_command(*options); }; });
}

}  // namespace engine::app
