#pragma once
/// RawReader: the values that rules ask for, taken straight from the bytes of a JSON document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json_bytes.h"
#include "engine/base/result.h"
#include "rules/matcher/key_table.h"
#include "rules/matcher/slots.h"

namespace rules {

/// Finds them by the places of quotes, braces, brackets, colons and commas alone; what no rule asks for is
/// stepped over. Immutable; any thread, each with a scratch of its own. Borrows the slots.
class RawReader {
    struct Node;

public:
    /// Where a document has what rules read: paths begin at its members (`ticket`), or it is a CloudEvents
    /// envelope, in which they begin below `data` and those of `event` beside it.
    enum class Layout { roots, envelope };

    explicit RawReader(const Slots& slots, Layout layout = Layout::roots);

    /// Room for one document at a time, of any readers by turns. One thread.
    class Scratch {
        friend class RawReader;
        engine::JsonBytes bytes_;
        std::vector<std::uint64_t> visited_;  ///< the document in which a node was last met
        std::uint64_t documents_ = 0;
        std::vector<const Node*> levels_;  ///< as many as nodes: paths cannot be deeper
    };

    /// So many bytes behind a document have to be readable.
    static std::size_t padding() { return engine::JsonBytes::padding(); }

    /// Fills the slots of all values that are asked for; what is not there is absent, and nothing has
    /// changed. The event's type is the envelope's, or `event_type`. `said` gets a 1 for each of the slots'
    /// value fields whose value is there and is neither null nor an object, else 0. Fails with invalid_input
    /// for what is no JSON object, as far as it was looked at: all of it is UTF-8 with closed strings then,
    /// but values that no rule asks for are not read.
    engine::Result<void> read(std::string_view event_type, std::string_view document, engine::Instant now,
                              Scratch& scratch, Readings& readings,
                              std::vector<std::uint8_t>* said = nullptr) const;

    /// Memory, about.
    std::size_t bytes() const;

private:
    /// A key on the way to a field.
    struct Node {
        struct Asker {
            const CodeSlot* slot;
            std::uint32_t place;
        };
        /// When a node has code slots of one field and nothing else, as most have: they are asked without
        /// detours.
        std::vector<Asker> askers;
        std::uint32_t asked_field = 0;
        bool asks_for_text = false;  ///< there is one asker, and it wants a text
        bool wants_items = false;
        bool is_event_type = false;
        bool leads_on = false;  ///< somebody asks for what is below
        bool is_path = false;   ///< and nobody for its value
        KeyTable keys;          ///< that are written as they are; others are written with escapes
        std::vector<std::pair<std::string, std::uint32_t>> children;
        std::vector<const Slots::Field*> fields;  ///< that end here
    };
    class Walk;

    std::uint32_t child_of(std::uint32_t node, const std::string& key);
    void add(const Slots::Field& field);
    engine::Path path_of(const FieldPath& field) const;
    void finish(Node& node) const;
    static bool is_escaped(char c);

    const Slots& slots_;
    Layout layout_;
    std::vector<Node> nodes_{1};  ///< the first stands for the document
    Readings blank_;              ///< of a document with nothing in it
};

}  // namespace rules
