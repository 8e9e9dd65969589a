#include "engine/app/support.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "engine/app/cli.h"
#include "engine/app/script_hosts.h"
#include "engine/store/postgres/postgres_store.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/url.h"
#include "rules/language/load.h"

namespace engine::app {

Result<std::unique_ptr<Store>> open_store(const std::string& url, const OpenOptions& options) {
    const auto parsed = parse_store_url(url);
    if (!parsed) return parsed.error();
    const auto open = parsed->backend == StoreUrl::Backend::sqlite ? open_sqlite : open_postgres;
    auto store = open(parsed->location, options);
    if (!store && store.error().code == Code::not_found) return unavailable(store.error().message);
    return store;
}

Result<std::unique_ptr<Store>> open_for_reading(const std::string& url) {
    OpenOptions options;
    options.read_only = true;
    return open_store(url, options);
}

Result<std::unique_ptr<Store>> scratch_store() {
    return open_sqlite(":memory:");
}

int complain(int code, const std::string& message) {
    std::cerr << "signalbox: " << message << "\n";
    return code;
}

int complain(const Error& error) {
    switch (error.code) {
        case Code::unavailable:
        case Code::conflict:
            return complain(exit_code::unavailable, error.message);
        case Code::outcome_unknown:
            return complain(exit_code::input_output, error.message);
        case Code::not_found:
            return complain(exit_code::failed, error.message);
        default:
            return complain(exit_code::bad_data, error.message);
    }
}

namespace {

bool is_tenant(const rules::Files& files) {
    const auto names = rules::tenant_file_names();
    return std::any_of(files.begin(), files.end(), [&names](const auto& file) {
        return file.first.starts_with("rules/") ||
               std::find(names.begin(), names.end(), file.first) != names.end();
    });
}

std::string listed(const std::vector<TenantName>& tenants) {
    std::string names;
    for (const auto& tenant : tenants) names += (names.empty() ? "" : ", ") + tenant.text();
    return names;
}

}  // namespace

Loaded load_folder(const std::string& folder, const LoadOptions& options) {
    Loaded loaded;
    const auto files = read_folder(folder);
    if (!files) {
        loaded.error = files.error();
        return loaded;
    }
    if (!is_tenant(*files)) {
        loaded.error =
            invalid(folder + " is no tenant's folder: it has no tenant.yaml, rules.yaml or rules/*.yaml");
        return loaded;
    }
    auto with_scripts = options;
    if (!with_scripts.scripts) with_scripts.scripts = command_scripts();
    loaded.tenant = load_tenant(tenant_name_of(*files, folder), *files, with_scripts, loaded.diagnostics);
    return loaded;
}

void print_diagnostics(const Diagnostics& diagnostics, const std::string& folder) {
    static_cast<void>(folder);
    for (const auto& one : diagnostics.sorted()) std::cerr << to_text(one) << "\n";
}

Result<std::string> read_input(const std::string& path, std::size_t bytes_max) {
    std::ifstream file;
    if (path != "-") {
        file.open(path, std::ios::binary);
        if (!file) return not_found("cannot read " + path);
    }
    std::istream& in = path == "-" ? std::cin : file;
    std::string text;
    std::string chunk(64 * 1024, '\0');
    while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
        text.append(chunk, 0, static_cast<std::size_t>(in.gcount()));
        if (text.size() > bytes_max)
            return exhausted(path + " is larger than " + std::to_string(bytes_max) + " bytes");
    }
    return text;
}

Result<TenantName> choose_tenant(Store& store, const std::string& name) {
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    if (tenants->empty()) return not_found("the store is empty");
    if (!name.empty()) {
        if (std::find(tenants->begin(), tenants->end(), TenantName(name)) != tenants->end())
            return TenantName(name);
        return not_found("the store has no tenant " + name + "; it has " + listed(*tenants));
    }
    if (tenants->size() == 1) return tenants->front();
    return invalid("say the tenant with --tenant: " + listed(*tenants));
}

int verify_threads() {
    return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u));
}

bool colours_wanted(int descriptor) {
    const char* no_colour = std::getenv("NO_COLOR");
    return isatty(descriptor) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace engine::app
