#include "rules/language/load.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "rules/language/calendars.h"
#include "rules/language/conditions.h"
#include "rules/language/fields.h"
#include "rules/language/lua_rules.h"
#include "rules/language/options.h"
#include "rules/language/reading.h"
#include "rules/language/routing.h"
#include "rules/language/rule_reader.h"
#include "rules/language/scoring.h"
#include "rules/language/scripts.h"
#include "rules/language/sla.h"
#include "rules/language/tagging.h"
#include "rules/policies/rates.h"
#include "rules/script_rule.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

bool is_rule_file(const std::string& name) {
    return name == "rules.yaml" || (name.starts_with("rules/") && name.ends_with(".yaml")) ||
           is_lua_rule(name);
}

/// A file as a tree; after a syntax error, without the rule that it cut short.
YamlNode parse_file(const Files::value_type& file, Problems& problems,
                    const engine::YamlLimits& limits = {}) {
    engine::Diagnostics found;
    auto root = engine::parse_yaml(file.second, file.first, found, limits);
    problems.take(found);
    const auto all = found.sorted();
    const bool cut = std::any_of(all.begin(), all.end(), [](const engine::Diagnostic& diagnostic) {
        return diagnostic.kind == "yaml-syntax" || diagnostic.kind == "limit";
    });
    if (!cut) return root;
    for (auto& entry : root.entries)
        if (!entry.value.items.empty()) entry.value.items.pop_back();
    return root;
}

class Loader {
public:
    Loader(const Files& files, const engine::ConnectionSignatures& connections,
           engine::Diagnostics& diagnostics, const LoadHelp& help)
        : files_(files), help_(help), problems_(diagnostics, files), options_(rule_set_.options, problems_) {
        rule_set_.version = version_of(files);
        rule_set_.connections = connections;
        rule_set_.catalogue = Catalogue::shipped();
    }

    RuleSet load() {
        read_catalogue();
        read_calendar_file();
        read_tenant();
        read_script_files();
        read_sla_file();
        read_tagging_file();
        read_scoring_file();
        read_routing_file();
        read_rule_files();
        compile_scripts();
        warn_of_unread_files();
        return std::move(rule_set_);
    }

private:
    void read_catalogue() {
        const auto file = files_.find("fields.yaml");
        if (file != files_.end()) read_fields(parse_file(*file, problems_), rule_set_.catalogue, problems_);
    }

    void read_calendar_file() {
        const auto file = files_.find("calendars.yaml");
        if (file == files_.end()) return;
        CalendarSource source{files_};
        read_calendars(parse_file(*file, problems_), source, rule_set_.calendars, problems_);
        holiday_files_ = std::move(source.read);
    }

    void read_sla_file() {
        const auto file = files_.find("sla.yaml");
        if (file != files_.end()) read_sla(parse_file(*file, problems_), rule_set_, problems_);
    }

    void read_scoring_file() {
        const auto file = files_.find("scoring.yaml");
        if (file != files_.end()) read_scoring(parse_file(*file, problems_), rule_set_, problems_);
    }

    void read_routing_file() {
        const auto file = files_.find("routing.yaml");
        if (file != files_.end()) read_routing(parse_file(*file, problems_), rule_set_, problems_);
    }

    void read_tagging_file() {
        const auto file = files_.find("tagging.yaml");
        if (file == files_.end()) return;
        read_tagging(parse_file(*file, problems_, tagging_yaml_limits), rule_set_, problems_);
    }

    void read_tenant() {
        const auto file = files_.find("tenant.yaml");
        if (file == files_.end()) return;
        const auto root = parse_file(*file, problems_);
        if (root.is_null() || !expect_map(root, file->first, problems_)) return;
        check_keys(root, tenant_keys(), file->first, problems_);
        if (const auto* name = root.find("name")) read_text(*name, "name", problems_);
        if (const auto* text = root.find("description")) read_text(*text, "description", problems_);
        if (const auto* scripts = root.find("scripts"); has_content(scripts))
            script_limits_ = read_script_limits(*scripts, problems_);
        read_head(root);
    }

    void read_script_files() {
        scripts_ = read_scripts(files_, help_.tenant, script_limits_, problems_);
        rule_set_.scripts = scripts_;
    }

    /// Once rules have said what they are.
    void compile_scripts() {
        if (!scripts_) return;
        finish(*scripts_);
        if (help_.scripts == nullptr) return;
        engine::Diagnostics found;
        for (auto& problem : help_.scripts->load(rule_set_.scripts)) found.add(std::move(problem));
        problems_.take(found);
    }

    /// Modes and groups: what rules refer to.
    void read_head(const YamlNode& root) {
        options_.read_modes(root);
        const auto* groups = root.find("groups");
        if (has_content(groups)) options_.read_groups(*groups);
    }

    void read_rule_files() {
        std::vector<YamlNode> roots;
        for (const auto& file : files_) {
            if (!is_rule_file(file.first)) continue;
            auto root = is_lua_rule(file.first) ? read_lua_rule_file(file.first, file.second, problems_)
                                                : parse_file(file, problems_);
            if (root.is_null() || !expect_map(root, file.first, problems_)) continue;
            check_keys(root, rule_file_keys(), file.first, problems_);
            read_head(root);
            roots.push_back(std::move(root));
        }
        StepLists lists;
        for (const auto& root : roots) collect_step_lists(root, lists);
        RuleReader reader(rule_set_, lists, scripts_, problems_);
        for (const auto& root : roots) read_rules(root, reader);
        rule_set_.rules = reader.finish();
        rule_set_.awaited = reader.awaited();
        rule_set_.rates = rates_of(rule_set_.rules);
    }

    /// `steps: { name: [step, …] }`: any rule may run them.
    void collect_step_lists(const YamlNode& root, StepLists& lists) {
        const auto* steps = root.find("steps");
        if (!has_content(steps) || !expect_map(*steps, "steps", problems_)) return;
        for (const auto& entry : steps->entries) {
            const auto [known, is_new] = lists.emplace(entry.key, &entry.value);
            if (!is_new)
                problems_.error("duplicate-id", entry.place,
                                "a list of steps is named " + in_quotes(entry.key) + " already in " +
                                    known->second->place.file + ":" +
                                    std::to_string(known->second->place.line));
        }
    }

    void read_rules(const YamlNode& root, RuleReader& reader) {
        const auto* rules = root.find("rules");
        if (!has_content(rules) || !expect_list(*rules, "rules", problems_)) return;
        for (const auto& rule : rules->items) reader.read(rule);
    }

    void warn_of_unread_files() {
        for (const auto& [name, bytes] : files_)
            if (const auto why = why_unread(name); !why.empty())
                problems_.warning("unknown-file", {name, 0, 0}, "this file is not read" + why);
    }

    /// With what could be done about it; empty when the file is read, or is no YAML.
    std::string why_unread(const std::string& name) {
        static const std::vector<std::string> folders{"rules", "tests", "connectors", "scripts"};
        if (name.ends_with(".ics"))
            return holiday_files_.contains(name) ? "" : ": no calendar names it under holidays";
        if (name.ends_with(".lua")) return why_unread_script(name);
        if (!name.ends_with(".yaml") && !name.ends_with(".yml")) return "";
        const auto slash = name.find('/');
        if (slash == std::string::npos) {
            const auto known = tenant_file_names();
            if (known_file(name, known)) return "";
            const auto hint = problems_.hint(name, known);
            return hint.empty() ? ": it is none of a tenant's files" : hint;
        }
        const auto folder = name.substr(0, slash);
        if (!known_file(folder, folders)) {
            const auto hint = problems_.hint(folder, folders);
            return hint.empty() ? ": nothing is read in the folder " + in_quotes(folder) : hint;
        }
        return folder == "rules" && name.ends_with(".yml") ? ": name it .yaml" : "";
    }

    static std::string why_unread_script(const std::string& name) {
        static const std::vector<std::string> folders{"rules/", "scripts/", "tests/"};
        if (is_connector_script(name)) return "";
        if (name.starts_with("connectors/"))
            return ": a connector's functions stand in connectors/NAME/NAME.lua";
        const bool is_known = std::any_of(folders.begin(), folders.end(),
                                          [&](const auto& folder) { return name.starts_with(folder); });
        return is_known ? "" : ": rules in Lua stand in rules/, functions for rules in scripts/";
    }

    static bool known_file(const std::string& name, const std::vector<std::string>& known) {
        return std::find(known.begin(), known.end(), name) != known.end();
    }

    const Files& files_;
    const LoadHelp& help_;
    ScriptLimits script_limits_;
    std::shared_ptr<ScriptSet> scripts_;
    RuleSet rule_set_;
    Problems problems_;
    OptionsReader options_;
    std::set<std::string> holiday_files_;  ///< those that calendars name
};

}  // namespace

std::vector<std::string> tenant_file_names() {
    return {"tenant.yaml", "rules.yaml",   "fields.yaml",  "connections.yaml", "calendars.yaml",
            "sla.yaml",    "tagging.yaml", "scoring.yaml", "routing.yaml"};
}

std::vector<std::string> tenant_keys() {
    auto keys = OptionsReader::mode_names();
    keys.insert(keys.begin(), {"name", "description"});
    keys.push_back("scripts");
    keys.push_back("groups");
    return keys;
}

std::vector<std::string> rule_file_keys() {
    auto keys = OptionsReader::mode_names();
    keys.insert(keys.begin(), {"rules", "groups", "steps"});
    return keys;
}

std::optional<RuleSet> load_rule_set(const Files& files, const engine::ConnectionSignatures& connections,
                                     engine::Diagnostics& diagnostics, const LoadHelp& help) {
    auto rule_set = Loader(files, connections, diagnostics, help).load();
    if (diagnostics.has_errors()) return std::nullopt;
    return rule_set;
}

std::string version_of(const Files& files) {
    std::vector<std::string_view> parts;
    for (const auto& [name, bytes] : files) {
        if (name.starts_with("tests/")) continue;
        parts.push_back(name);
        parts.push_back(bytes);
    }
    return "sha256:" + digest_of(parts);
}

std::string digest_of(const std::vector<std::string_view>& parts) {
    std::string all;
    // The length before each part: no bytes of one can pass for another.
    for (const auto part : parts) all.append(std::to_string(part.size())).append(":").append(part);
    const auto digest = engine::sha256(all);
    return engine::to_hex(engine::bytes_of(digest));
}

std::optional<Condition> load_condition(const std::string& yaml, const Catalogue& catalogue,
                                        engine::Diagnostics& diagnostics) {
    const Files files{{"condition.yaml", yaml}};
    Problems problems(diagnostics, files);
    const engine::ConnectionSignatures connections;
    const Calendars calendars;
    RuleContext context{catalogue, connections, calendars, problems};
    context.counts = true;
    const auto root = engine::parse_yaml(yaml, "condition.yaml", diagnostics);
    auto condition = read_condition(root, context);
    if (diagnostics.has_errors()) return std::nullopt;
    return condition;
}

}  // namespace rules
