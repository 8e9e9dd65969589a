#pragma once
/// What the tests of the rule language share: connections to call, and loading without a folder.

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "rules/language/load.h"

namespace rules {

inline engine::ActionSignature action(std::string name, std::vector<engine::Parameter> parameters) {
    engine::ActionSignature signature;
    signature.name = std::move(name);
    signature.parameters = std::move(parameters);
    return signature;
}

/// slack.post_message, zendesk.create_ticket and the free-form crm.upsert.
inline engine::ConnectionSignatures test_connections() {
    using Type = engine::Parameter::Type;
    auto post = action("post_message", {{"channel", Type::text, true, {}, ""},
                                        {"text", Type::text, false, {}, ""},
                                        {"blocks", Type::list, false, {}, ""},
                                        {"unfurl", Type::boolean, false, {}, ""}});
    post.one_of = {{"text", "blocks"}};
    auto create =
        action("create_ticket", {{"subject", Type::text, true, {}, ""},
                                 {"comment", Type::text, false, {}, ""},
                                 {"priority", Type::text, false, {"low", "normal", "high", "urgent"}, ""},
                                 {"tags", Type::list, false, {}, ""},
                                 {"weight", Type::number, false, {}, ""},
                                 {"custom", Type::object, false, {}, ""},
                                 {"extra", Type::any, false, {}, ""}});
    auto upsert = action("upsert", {{"email", Type::text, true, {}, ""}});
    upsert.free_form = true;
    return {{"slack", {"slack", "slack", {{"post_message", post}}, {{"post_webhook", "webhook_url"}}}},
            {"zendesk", {"zendesk", "zendesk", {{"create_ticket", create}}, {}}},
            {"crm", {"crm", "hubspot", {{"upsert", upsert}}, {}}}};
}

/// What loading some files gave.
struct Loaded {
    std::optional<RuleSet> rule_set;
    engine::Diagnostics diagnostics;

    /// All diagnostics, a line each.
    std::string text() const {
        std::string lines;
        for (const auto& diagnostic : diagnostics.sorted()) lines += engine::to_text(diagnostic) + "\n";
        return lines;
    }
    bool says(const std::string& words) const { return text().find(words) != std::string::npos; }
};

inline Loaded load_files(const Files& files) {
    Loaded loaded;
    loaded.rule_set = load_rule_set(files, test_connections(), loaded.diagnostics);
    return loaded;
}

inline constexpr auto test_calendars =
    "calendars:\n  support: { zone: Europe/Berlin, hours: { mon-fri: \"09:00-17:00\" } }\n";

inline Loaded load_text(const std::string& rules_yaml) {
    return load_files({{"rules.yaml", rules_yaml}, {"calendars.yaml", test_calendars}});
}

/// A rule set of one rule with this condition, in flow or block style.
inline Loaded load_when(const std::string& condition) {
    return load_text("rules:\n- id: r\n  on: ticket.updated\n  when: " + condition + "\n  then: []\n");
}

/// A rule set of one rule on tickets with these steps.
inline Loaded load_then(const std::string& steps) {
    return load_text("rules:\n- id: r\n  on: ticket.updated\n  then: " + steps + "\n");
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The files below a folder by relative path.
inline Files read_folder(const std::filesystem::path& folder) {
    Files files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file())
            files[entry.path().lexically_relative(folder).generic_string()] = read_file(entry.path());
    return files;
}

}  // namespace rules
