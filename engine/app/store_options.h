#pragma once
/// The options that commands on a store share.

#include <functional>
#include <memory>
#include <string>

#include "engine/store/store.h"

namespace CLI {
class App;
}

namespace engine::app {

inline constexpr auto store_help =
    "Where the journal is: sqlite:///relative.db, sqlite:////absolute.db or postgresql://user@host/database";
inline constexpr auto store_env = "SIGNALBOX_STORE";
inline constexpr auto store_default = "sqlite:///signalbox.db";

/// Of commands on one tenant of a store.
struct StoreOptions {
    std::string store = store_default;
    std::string tenant;
    bool json = false;
};

/// The text stays where it is as long as the command.
void add_store_option(CLI::App& command, std::string& store);
void add_tenant_option(CLI::App& command, std::string& tenant);
void add_json_option(CLI::App& command, bool& json);
/// All three, in this order.
void add_store_options(CLI::App& command, StoreOptions& options);

/// How many rows a command lists at most.
inline constexpr std::size_t list_rows = 10'000;

/// Opens the store for reading and chooses the tenant; the exit code of `body`, or of what was wrong.
int with_tenant(const StoreOptions& options, const std::function<int(Store&, const TenantName&)>& body);

/// `command` as it is run once it is chosen.
template <class Options>
std::function<int()> on_tenant(std::shared_ptr<Options> options,
                               int (*command)(const Options&, Store&, const TenantName&)) {
    return [options = std::move(options), command] {
        return with_tenant(*options, [&](Store& store, const TenantName& tenant) {
            return command(*options, store, tenant);
        });
    };
}

}  // namespace engine::app
