#include "engine/app/support.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "engine/app/cli.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "engine/store/url.h"

namespace engine::app {

Result<std::unique_ptr<Store>> open_store(const std::string& url, const OpenOptions& options) {
    const auto parsed = parse_store_url(url);
    if (!parsed) return parsed.error();
    if (parsed->backend != StoreUrl::Backend::sqlite)
        return invalid("this version keeps its journal in SQLite only: use sqlite:///file.db");
    return open_sqlite(parsed->location, options);
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

Loaded load_folder(const std::string& folder, const LoadOptions& options) {
    Loaded loaded;
    const auto files = read_folder(folder);
    if (!files) {
        loaded.error = files.error();
        return loaded;
    }
    loaded.tenant = load_tenant(tenant_name_of(*files, folder), *files, options, loaded.diagnostics);
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
    if (!name.empty()) return TenantName(name);
    const auto tenants = store.tenants();
    if (!tenants) return tenants.error();
    if (tenants->size() == 1) return tenants->front();
    if (tenants->empty()) return not_found("the store is empty");
    std::string names;
    for (const auto& tenant : *tenants) names += (names.empty() ? "" : ", ") + tenant.text();
    return invalid("say the tenant with --tenant: " + names);
}

bool colours_wanted(int descriptor) {
    const char* no_colour = std::getenv("NO_COLOR");
    return isatty(descriptor) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace engine::app
