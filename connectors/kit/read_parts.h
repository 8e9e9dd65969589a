#pragma once
/// The readers of a definition's large parts, one file each, and what they share.

#include <string>
#include <vector>

#include "connectors/kit/definition.h"
#include "connectors/kit/read.h"

namespace connectors {

/// Compiles the expressions of one part of a definition, which may read the same roots, and reports settings
/// and parameters that do not exist. Null nodes compile to nothing.
class Compiler {
public:
    Compiler(std::vector<std::string> roots, const Connector& connector, engine::Diagnostics& diagnostics);

    /// From now on `params.x` must be a parameter of this action; it must outlive the compiler.
    void check_params_of(const engine::ActionSignature& action) { action_ = &action; }
    /// From now on what is compiled notes there what it reads of an item or a body.
    void note_reads(std::shared_ptr<engine::JsonMask> reads) { names_.reads = std::move(reads); }
    /// From now on what is compiled may name functions of the connector's script.
    void note_functions(std::shared_ptr<FunctionUses> functions) { names_.functions = std::move(functions); }
    /// The same with other roots.
    Compiler with_roots(std::vector<std::string> roots) const;

    std::optional<Expression> expression(const engine::YamlNode* node) const;
    std::optional<Template> text(const engine::YamlNode* node) const;
    std::optional<Shape> shape(const engine::YamlNode* node) const;
    Condition condition(const engine::YamlNode* node) const;
    /// The templates of a map, in order.
    std::vector<std::pair<std::string, Template>> templates(const engine::YamlNode* node) const;

    engine::Diagnostics& diagnostics() const { return diagnostics_; }
    const Connector& connector() const { return connector_; }

private:
    template <class Compiled>
    void check(const Compiled& compiled, const engine::Place& place) const;

    Names names_;
    const Connector& connector_;
    const engine::ActionSignature* action_ = nullptr;
    engine::Diagnostics& diagnostics_;
};

/// The items of a list node; reports another kind of node. A missing node has none.
const std::vector<engine::YamlNode>& items_of(const engine::YamlNode* node, std::string_view what,
                                              engine::Diagnostics& diagnostics);
/// The entries of a map node, in the same way.
const std::vector<engine::YamlNode::Entry>& entries_of(const engine::YamlNode* node, std::string_view what,
                                                       engine::Diagnostics& diagnostics);
std::vector<std::vector<std::string>> groups_of(const engine::YamlNode* node,
                                                engine::Diagnostics& diagnostics);

void check_setting(const std::string& name, const engine::Place& place, const Connector& connector,
                   engine::Diagnostics& diagnostics);

std::vector<Auth> read_auth(const engine::YamlNode* list, const Connector& connector,
                            engine::Diagnostics& diagnostics);
Webhook read_webhook(const engine::YamlNode& node, const Connector& connector,
                     engine::Diagnostics& diagnostics);
/// With tables, settings and auth of the connector read.
Operation read_operation(const std::string& name, const engine::YamlNode& node, const Connector& connector,
                         engine::Diagnostics& diagnostics);
std::vector<AnswerRule> read_answers(const engine::YamlNode* list, const Compiler& compile);
std::vector<WaitHeader> read_wait_headers(const engine::YamlNode* list, engine::Diagnostics& diagnostics);
/// With the actions of the connector read.
WriteBack read_write_back(const engine::YamlNode& node, const Connector& connector,
                          engine::Diagnostics& diagnostics);

}  // namespace connectors
