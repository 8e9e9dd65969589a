#include "engine/pipeline/tenant.h"

#include <fstream>
#include <set>
#include <sstream>

#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/pipeline/connector_functions.h"
#include "rules/policies/routing.h"
#include "rules/policies/scoring.h"
#include "rules/policies/tagging.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

bool takes_part(const fs::path& path) {
    const auto extension = path.extension();
    return extension == ".yaml" || extension == ".yml" || extension == ".lua" || extension == ".ics";
}

Result<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) return unavailable(path.string() + ": " + error.message());
    if (size > bytes_max)
        return exhausted(path.string() + " has " + std::to_string(size) + " bytes; the limit is " +
                         std::to_string(bytes_max));
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return unavailable(path.string() + " cannot be read");
    return text.str();
}

/// Collects the roots that conditions and templates read.
class Readers {
public:
    std::set<std::string> of(const rules::RuleSet& rule_set) {
        for (const auto& rule : rule_set.rules) {
            add(rule.when);
            for (const auto& step : rule.then) add(step);
        }
        for (const auto& policy : rule_set.sla) {
            add(policy.when);
            for (const auto& [metric, target] : policy.targets)
                if (target.pause) add(*target.pause);
        }
        if (rule_set.tagging) add(*rule_set.tagging);
        if (rule_set.scores)
            for (const auto& score : *rule_set.scores)
                for (const auto& entry : score.entries)
                    if (entry.when) add(*entry.when);
        if (rule_set.routing) add(*rule_set.routing);
        // Which of them a script looks at is known when it runs.
        if (rule_set.scripts)
            for (const auto& kind : rule_set.catalogue.kinds()) roots_.insert(kind);
        return std::move(roots_);
    }

private:
    void add(const rules::Tagging& tagging) {
        for (const auto& root : tagging.roots()) roots_.insert(root);
        const auto add_entry = [&](const rules::TagEntry& entry) {
            if (entry.when) add(*entry.when);
        };
        for (const auto& entry : tagging.file().add) add_entry(entry);
        for (const auto& list : tagging.file().set)
            for (const auto& entry : list.entries) add_entry(entry);
    }
    void add(const rules::Routing& routing) {
        const auto add_recipient = [&](const rules::Recipient& recipient) {
            for (const auto& step : recipient.notify) add(step);
        };
        for (const auto& agent : routing.agents) add_recipient(agent);
        for (const auto& team : routing.teams) add_recipient(team);
        for (const auto& channel : routing.channels) add_recipient(channel);
        for (const auto& queue : routing.queues) {
            if (queue.when) add(*queue.when);
            for (const auto& skill : queue.skills) read(skill);
        }
        for (const auto& [kind, condition] : routing.open_work) add(condition);
        for (const auto& escalation : routing.escalations) {
            if (escalation.ends.when) add(*escalation.ends.when);
            if (escalation.acknowledged && escalation.acknowledged->when) add(*escalation.acknowledged->when);
            for (const auto& level : escalation.levels)
                if (level.when) add(*level.when);
        }
    }
    void add(const rules::Condition& condition) {
        if (condition.kind == rules::Condition::Kind::comparison)
            roots_.insert(condition.comparison.field.root);
        for (const auto& child : condition.children) add(child);
    }
    template <class AnyTemplate>
    void read(const AnyTemplate& text) {
        for (const auto& expression : text.expressions())
            if (!expression.path.empty()) roots_.insert(expression.path.front());
    }
    void add(const rules::Step& step) {
        std::visit([this](const auto& what) { add_step(what); }, step.what);
    }
    void add_step(const rules::SetStep& step) {
        for (const auto& [field, value] : step.fields) read(value);
    }
    void add_step(const rules::AssignStep& step) {
        for (const auto& [field, value] : step.fields) read(value);
    }
    void add_step(const rules::TagsStep& step) {
        for (const auto& tag : step.tags) read(tag);
    }
    void add_step(const rules::EmitStep& step) {
        read(step.type);
        if (step.subject) read(*step.subject);
        if (step.when) read_moment(*step.when);
        if (step.name) read(*step.name);
        read(step.data);
    }
    void read_moment(const rules::Moment& moment) {
        if (moment.after) read(*moment.after);
        if (moment.at) read(*moment.at);
    }
    void add_step(const rules::WaitStep& step) { read_moment(step.until); }
    void add_step(const rules::WaitForStep& step) {
        read_moment(step.until);
        add(step.when);
        for (const auto& inner : step.otherwise) add(inner);
    }
    void add_step(const rules::CancelStep& step) {
        for (const auto& timer : step.timers) read(timer);
    }
    void add_step(const rules::IfStep& step) {
        add(step.condition);
        for (const auto& inner : step.then) add(inner);
        for (const auto& inner : step.otherwise) add(inner);
    }
    void add_step(const rules::CallStep& step) { read(step.params); }
    void add_step(const rules::LuaStep& step) { read(step.args); }
    void add_step(const rules::UnsetStep&) {}
    void add_step(const rules::StopStep&) {}
    void add_step(const rules::ScoreStep&) {}
    void add_step(const rules::EscalateStep&) {}
    void add_step(const rules::RouteStep&) {}

    std::set<std::string> roots_;
};

std::string first_error(const Diagnostics& diagnostics) {
    for (const auto& one : diagnostics.sorted())
        if (one.severity == Severity::error) return to_text(one);
    return "";
}

}  // namespace

Result<rules::Files> read_folder(const fs::path& folder, const FolderLimits& limits) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return not_found("no folder " + folder.string());
    rules::Files files;
    std::size_t total = 0;
    auto at = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        const auto& entry = *at;
        if (entry.is_symlink() || !entry.is_regular_file() || !takes_part(entry.path())) continue;
        if (files.size() >= limits.files_max)
            return exhausted(folder.string() + " holds more than " + std::to_string(limits.files_max) +
                             " files");
        const auto name = entry.path().lexically_relative(folder).generic_string();
        if (!is_utf8(name))
            return invalid(folder.string() + " holds a file whose name is no UTF-8: " + canonical_json(name));
        auto text = read_file(entry.path(), limits.file_bytes_max);
        if (!text) return text.error();
        total += text->size();
        if (total > limits.total_bytes_max)
            return exhausted(folder.string() + " holds more than " + std::to_string(limits.total_bytes_max) +
                             " bytes");
        files[name] = std::move(*text);
    }
    if (error) return unavailable(folder.string() + ": " + error.message());
    return files;
}

TenantName tenant_name_of(const rules::Files& files, const fs::path& folder) {
    if (const auto file = files.find("tenant.yaml"); file != files.end()) {
        Diagnostics ignored;
        const auto node = parse_yaml(file->second, "tenant.yaml", ignored);
        if (const auto* name = node.find("name"); name != nullptr && name->is_scalar())
            return TenantName(name->text);
    }
    const auto plain = fs::absolute(folder).lexically_normal();
    return TenantName((plain.has_filename() ? plain : plain.parent_path()).filename().string());
}

std::shared_ptr<const Tenant> load_tenant(const TenantName& name, const rules::Files& files,
                                          const LoadOptions& options, Diagnostics& diagnostics) {
    const auto registry = connectors::Registry::shipped().with(files, diagnostics);
    const auto text = files.find("connections.yaml");
    auto tenant = std::make_shared<Tenant>();
    tenant->name = name;
    tenant->connections =
        connectors::load_connections(text == files.end() ? "" : text->second, registry,
                                     options.secrets ? options.secrets : connectors::system_secrets(),
                                     options.secrets_required, diagnostics);
    auto rule_set = rules::load_rule_set(files, connectors::signatures_of(tenant->connections), diagnostics,
                                         {name.text(), options.scripts.get()});
    if (!rule_set || diagnostics.has_errors()) return nullptr;
    const auto previous = options.previous ? options.previous(name) : nullptr;
    tenant->set_rules(std::make_shared<const rules::RuleSet>(std::move(*rule_set)), previous.get());
    tenant->files = files;
    tenant->scripts = options.scripts;
    tenant->kinds_read = Readers().of(*tenant->rule_set);
    check_connector_functions(*tenant, diagnostics);
    if (diagnostics.has_errors()) return nullptr;
    return tenant;
}

Result<std::shared_ptr<const Tenant>> tenant_of_files(const TenantName& name, const rules::Files& files,
                                                      std::shared_ptr<rules::ScriptHost> scripts) {
    Diagnostics diagnostics;
    LoadOptions options;
    options.scripts = std::move(scripts);
    auto tenant = load_tenant(name, files, options, diagnostics);
    if (!tenant)
        return Error{Code::corrupt, "the stored rule set does not compile: " + first_error(diagnostics)};
    return tenant;
}

Json files_to_json(const rules::Files& files) {
    Json json = Json::object();
    for (const auto& [path, bytes] : files) json[path] = bytes;
    return json;
}

rules::Files files_from_json(const Json& json) {
    rules::Files files;
    if (!json.is_object()) return files;
    for (const auto& [path, bytes] : json.items())
        if (bytes.is_string()) files[path] = bytes.get<std::string>();
    return files;
}

}  // namespace engine
