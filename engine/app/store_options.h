#pragma once
/// The options that commands on a store share.

#include <string>

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

}  // namespace engine::app
