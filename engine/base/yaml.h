#pragma once
/// YAML as a tree that remembers where everything stood. The home of yaml-cpp.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"

namespace engine {

struct YamlLimits {
    std::size_t bytes_max = 256 * 1024;
    std::size_t depth_max = 32;
    std::size_t nodes_max = 20'000;
};

/// One node; a value type. Scalars keep their text: the reader decides by the type it expects.
struct YamlNode {
    enum class Kind { null, scalar, list, map };
    struct Entry;

    Kind kind = Kind::null;
    Place place;
    std::string text;             ///< of a scalar
    bool quoted = false;          ///< a quoted or block scalar is text whatever it looks like
    std::vector<YamlNode> items;  ///< of a list
    std::vector<Entry> entries;   ///< of a map, in file order

    bool is_null() const { return kind == Kind::null; }
    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_list() const { return kind == Kind::list; }
    bool is_map() const { return kind == Kind::map; }
    /// The value under the key, or null. Owned by this node.
    const YamlNode* find(std::string_view key) const;
};

struct YamlNode::Entry {
    std::string key;
    Place place;  ///< of the key
    YamlNode value;
};

/// Reads one YAML 1.2 document. Anchors, aliases, merge keys, tags outside the core schema, duplicate keys, a
/// second document and passed limits are reported as diagnostics (`yaml-syntax`, `anchor`, `tag`,
/// `duplicate-key`, `limit`). What could be read before a syntax error is returned, its last parts possibly
/// cut short; a null node when nothing could. Columns count code points. Time and memory grow with the bytes,
/// whatever they say.
YamlNode parse_yaml(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                    const YamlLimits& limits = {});

/// The YAML 1.2 core schema: null, booleans, integers, floats by their look when not quoted, else text. What
/// JSON has no number for (`.inf`, `.nan`, integers beyond 64 bits) stays text.
Json to_json(const YamlNode& node);

}  // namespace engine
