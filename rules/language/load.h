#pragma once
/// Reads a tenant's rule files into a RuleSet, reporting every problem at once with its place.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/model/action_signature.h"
#include "rules/rule_set.h"

namespace rules {

class ScriptHost;

/// The files of a tenant folder by relative path (`rules/a.yaml`), as bytes: what a version is made of.
using Files = std::map<std::string, std::string>;

/// What loading needs besides the files.
struct LoadHelp {
    std::string tenant;             ///< whose scripts they are
    ScriptHost* scripts = nullptr;  ///< compiles them; borrowed, null = they are compiled when they run
};

/// Compiles `tenant.yaml rules.yaml rules/**.yaml rules/**.lua fields.yaml`; `connections` says which actions
/// exist. Problems go to `diagnostics`; with an error among them nothing is returned. Pure.
std::optional<RuleSet> load_rule_set(const Files& files, const engine::ConnectionSignatures& connections,
                                     engine::Diagnostics& diagnostics, const LoadHelp& help = {});

/// `sha256:<hex>` over sorted names and bytes of everything that takes part in decisions (tests/ is left
/// out).
std::string version_of(const Files& files);
/// The digest of the parts in their order, as hexadecimal digits: no other parts have it, however they are
/// cut.
std::string digest_of(const std::vector<std::string_view>& parts);

/// The classes of diagnostics this loader may report, with a sentence each; docs and tests are made from it.
struct DiagnosticClass {
    std::string kind;
    std::string meaning;
    std::string remedy;
};
const std::vector<DiagnosticClass>& diagnostic_classes();

/// The YAML files of a tenant's folder that this version reads, tests and rules/ aside.
std::vector<std::string> tenant_file_names();
/// The top-level keys of tenant.yaml, and of rules.yaml and the files of rules/; schemas are tested against
/// them.
std::vector<std::string> tenant_keys();
std::vector<std::string> rule_file_keys();

/// Parses one condition map (the value of `when`), for tests and tools.
std::optional<Condition> load_condition(const std::string& yaml, const Catalogue& catalogue,
                                        engine::Diagnostics& diagnostics);

}  // namespace rules
