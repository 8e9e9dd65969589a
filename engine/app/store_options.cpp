#include "engine/app/store_options.h"

#include <CLI/CLI.hpp>

#include "engine/app/cli.h"
#include "engine/app/support.h"

namespace engine::app {

void add_store_option(CLI::App& command, std::string& store) {
    command.add_option("--store", store, store_help)->envname(store_env)->capture_default_str();
}

void add_tenant_option(CLI::App& command, std::string& tenant) {
    command.add_option("--tenant", tenant, "The tenant; may be left out when the store holds one");
}

void add_json_option(CLI::App& command, bool& json) {
    command.add_flag("--json", json, "JSON for programs");
}

void add_store_options(CLI::App& command, StoreOptions& options) {
    add_store_option(command, options.store);
    add_tenant_option(command, options.tenant);
    add_json_option(command, options.json);
}

int with_tenant(const StoreOptions& options, const std::function<int(Store&, const TenantName&)>& body) {
    const auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    return body(**store, *tenant);
}

}  // namespace engine::app
