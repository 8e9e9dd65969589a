#pragma once
/// Reading YAML nodes as what a key asks for; each reader reports what does not fit and returns nothing then.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/yaml.h"
#include "rules/catalogue.h"
#include "rules/language/problems.h"

namespace rules {

/// The longest text that a limit may be set to.
inline constexpr int text_bytes_most = 1024 * 1024;

/// What a value is for: its name in messages, its type, and what it may be.
struct Expected {
    std::string what;  ///< `ticket.priority`, `parameter "channel" of slack.post_message`
    FieldType type = FieldType::any;
    std::vector<std::string> values = {};  ///< of an enum; empty when any value will do
    bool prints = false;                   ///< a text that a rendered number or boolean is printed into
};

/// What the elements of a list have to be.
Expected element_of(const Expected& list);
bool has(const std::vector<std::string>& names, const std::string& name);

/// `a list`, `a map`, `nothing`, or the scalar in quotes.
std::string description_of(const engine::YamlNode& node);
/// `a text`, `true or false`, …
std::string article_of(FieldType type);

/// Whether the node is there and holds something: a section may be left empty.
inline bool has_content(const engine::YamlNode* node) {
    return node != nullptr && !node->is_null();
}
bool expect_map(const engine::YamlNode& node, const std::string& what, Problems& problems);
bool expect_list(const engine::YamlNode& node, const std::string& what, Problems& problems);
/// Reports `unknown-key` for every key that is not listed.
void check_keys(const engine::YamlNode& map, const std::vector<std::string>& known, const std::string& where,
                Problems& problems);

/// The values of two keys that need each other; null, and reported with the example, when one is missing.
std::pair<const engine::YamlNode*, const engine::YamlNode*> need_both(
    const engine::YamlNode& map, const std::string& one, const std::string& other, const std::string& where,
    const std::string& example, Problems& problems);

/// The scalar as it is written, not empty.
std::optional<std::string> read_text(const engine::YamlNode& node, const std::string& what,
                                     Problems& problems);
std::optional<bool> read_flag(const engine::YamlNode& node, const std::string& what, Problems& problems);
std::optional<int> read_integer(const engine::YamlNode& node, const std::string& what, int least, int most,
                                Problems& problems);
/// The index of the scalar in `names`; reports unknown-enum-value with the nearest one.
std::optional<std::size_t> read_choice(const engine::YamlNode& node, const std::string& what,
                                       const std::vector<std::string>& names, Problems& problems);
/// A list of texts; one text stands for a list of one.
std::optional<std::vector<std::string>> read_texts(const engine::YamlNode& node, const std::string& what,
                                                   Problems& problems);

/// An event type or glob that a rule waits for, and where that stands.
struct AwaitedType {
    std::string type;
    engine::Place place;
};
/// A type such as ticket.created, or a glob of one.
bool is_event_type(const std::string& text);
/// One or a list of them; those that are none are reported, the others are added to `awaited`.
std::optional<std::vector<std::string>> read_event_types(const engine::YamlNode& node,
                                                         const std::string& what,
                                                         std::vector<AwaitedType>& awaited,
                                                         Problems& problems);

/// A constant of the expected type. Scalars are read by that type: `012` is a text for a text.
std::optional<engine::Json> read_constant(const engine::YamlNode& node, const Expected& expected,
                                          Problems& problems);

}  // namespace rules
