#include "connectors/kit/definition.h"
#include "connectors/kit/embedded.h"
#include "engine/base/ensure.h"
#include "engine/base/log.h"

namespace connectors {
namespace {

/// `connectors/<name>/connector.yaml` → `<name>`.
std::string folder_of(const std::string& path) {
    constexpr std::string_view before = "connectors/";
    constexpr std::string_view after = "/connector.yaml";
    if (!path.starts_with(before) || !path.ends_with(after) || path.size() <= before.size() + after.size())
        return "";
    const auto folder = path.substr(before.size(), path.size() - before.size() - after.size());
    return folder.find('/') == std::string::npos ? folder : "";
}

}  // namespace

const Registry& Registry::shipped() {
    static const Registry registry = [] {
        std::map<std::string, std::string> files;
        for (const auto& definition : embedded_definitions())
            files.emplace("connectors/" + std::string(definition.name) + "/connector.yaml", definition.text);
        engine::Diagnostics diagnostics;
        auto read = Registry().with(files, diagnostics);
        for (const auto& problem : diagnostics.sorted())
            engine::log_error("shipped connector", {{"problem", engine::to_text(problem)}});
        ENSURE(!diagnostics.has_errors());
        return read;
    }();
    return registry;
}

Registry Registry::with(const std::map<std::string, std::string>& files,
                        engine::Diagnostics& diagnostics) const {
    auto more = *this;
    for (const auto& [path, text] : files) {
        const auto folder = folder_of(path);
        if (folder.empty()) continue;
        if (auto connector = read_definition(text, path, folder, diagnostics))
            more.connectors_[folder] = std::move(connector);
    }
    return more;
}

std::shared_ptr<const Connector> Registry::find(const std::string& name) const {
    const auto found = connectors_.find(name);
    return found == connectors_.end() ? nullptr : found->second;
}

std::vector<std::string> Registry::names() const {
    std::vector<std::string> names;
    for (const auto& [name, connector] : connectors_) names.push_back(name);
    return names;
}

}  // namespace connectors
