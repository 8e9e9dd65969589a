#pragma once
/// Reads maps of a definition or of connections.yaml by a description of their keys, which docs are made from
/// too.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/time.h"
#include "engine/base/yaml.h"

namespace connectors {

struct KeySpec {
    std::string name;
    std::string type;  ///< for people: `text`, `list of texts`, or the section a map follows
    std::string meaning;
    bool required = false;
    std::string fallback;  ///< for people
};

/// The keys one kind of map may have.
struct Section {
    std::string name;
    std::string meaning;
    std::vector<KeySpec> keys;
};
/// All sections of a definition, and `connection`, in the order a reader wants to meet them.
const std::vector<Section>& sections();
const Section& section(std::string_view name);

/// One map, checked against its section when made: unknown and missing keys are reported then, wrong values
/// as they are read. Reading never fails; a value that is wrong reads as its fallback.
class MapReader {
public:
    MapReader(const engine::YamlNode& node, std::string_view section, engine::Diagnostics& diagnostics);
    /// Of a connection: `settings` are keys too, and what is neither is an unknown setting.
    MapReader(const engine::YamlNode& node, std::string_view section,
              const std::vector<std::string>& settings, engine::Diagnostics& diagnostics);

    const engine::YamlNode& node() const { return node_; }
    engine::Place place() const { return node_.place; }
    const engine::YamlNode* find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }
    std::string text(std::string_view key, std::string fallback = "") const;
    bool boolean(std::string_view key, bool fallback) const;
    long integer(std::string_view key, long fallback, long least, long most) const;
    engine::Duration duration(std::string_view key, engine::Duration fallback) const;
    /// A text, or a list of texts.
    std::vector<std::string> texts(std::string_view key) const;
    /// The position of the value among the allowed words; 0 when it is missing.
    std::size_t word(std::string_view key, std::initializer_list<std::string_view> allowed) const;

private:
    void check_keys(std::string_view section, const std::vector<std::string>& settings, std::string_view kind,
                    std::string_view what);

    const engine::YamlNode& node_;
    engine::Diagnostics& diagnostics_;
};

/// Reports an entry whose key is none of the known ones, with the nearest.
void report_unknown(std::string_view kind, std::string_view what, const std::string& name,
                    const engine::Place& place, const std::vector<std::string>& known,
                    engine::Diagnostics& diagnostics);
/// Lower-case words joined by `_`: names of settings, actions, parameters and tables.
bool is_name(std::string_view text);

}  // namespace connectors
