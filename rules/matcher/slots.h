#pragma once
/// Slots: everything that a rule set's conditions ask, field by field, as numbers. An event's value becomes a
/// code; a comparison becomes the set of codes on which it holds.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "rules/evaluator/condition.h"
#include "rules/matcher/code_set.h"
#include "rules/rule_set.h"

namespace rules {

/// What an event says at one moment, slot by slot.
struct Readings {
    std::vector<Code> codes;               ///< of each code slot
    std::vector<std::vector<Code>> found;  ///< of each set slot: what was found, in no order
};

/// A value wherever it comes from. Borrows texts and items.
struct RawValue {
    enum class Kind { absent, boolean, number, text, list, object };
    Kind kind = Kind::absent;
    bool flag = false;
    long double number = 0;  ///< exact for whatever JSON holds
    std::string_view text;
    std::span<const RawValue> items;
};

/// Of texts that are looked up by views.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// What a literal asks of one slot.
struct Demand {
    enum class Kind {
        codes,      ///< the code is one of `codes`
        found,      ///< one of `ids` is found
        not_found,  ///< none of `ids` is
    };
    Kind kind = Kind::codes;
    std::size_t slot = 0;
    CodeSet codes;
    std::vector<Code> ids;
};

/// All of a literal's demands hold when it does.
struct Demands {
    std::vector<Demand> all;
    bool exact = true;  ///< and it does when they hold
};

/// The texts that `contains` and its like look for, and the patterns of `matches`, by number.
class TextProbes {
public:
    Code add(Operator op, bool case_sensitive, const std::string& word);
    Code add(const Regex& pattern, bool case_sensitive);
    void find(std::string_view text, Code first_id, std::vector<Code>& found) const;
    /// One that was added.
    Code at(Operator op, bool case_sensitive, const std::string& text) const;
    Code count() const { return count_; }

private:
    struct Word {
        Operator op;
        bool case_sensitive;
        std::string text;
    };
    std::map<std::tuple<Operator, bool, std::string>, Code> known_;
    std::vector<std::pair<Code, Word>> words_;
    std::vector<std::pair<Code, Regex>> patterns_;
    Code count_ = 0;
};

/// Made in two steps: every comparison is learned, then each is asked for its demands. Borrows the rule set.
/// Immutable then; any thread.
class Slots {
public:
    void learn(const Comparison& comparison);
    void learn_type(const std::string& pattern);
    /// Nothing is learned after this.
    void freeze();

    Demands demands_of(const Comparison& comparison, bool negated) const;
    Demand type_demand(const std::vector<std::string>& patterns) const;

    std::size_t code_slots() const { return code_slots_.size(); }
    std::size_t set_slots() const { return set_slots_.size(); }
    /// Larger than every code of the slot.
    Code codes_of(std::size_t code_slot) const;
    Code ids_of(std::size_t set_slot) const;

    void read(std::string_view event_type, const Scope& scope, Readings& readings) const;
    void read_type(std::string_view event_type, Readings& readings) const;

    /// A path whose value is asked for, and the slots that do.
    struct Field {
        FieldPath path;
        bool asks_for_items = false;
        std::vector<std::size_t> code_slots;
        std::vector<std::size_t> set_slots;
    };
    const std::vector<Field>& value_fields() const { return value_fields_; }
    void read(const Field& field, const RawValue& value, engine::Instant now, Readings& readings) const;
    /// Reads again what the field may have a part in; true when something is another now.
    bool read_changed(std::string_view dotted_field, const Scope& scope, Readings& readings) const;

private:
    enum class Source { value, changed, from, to };
    enum class Coding { presence, text, number, boolean, order, instants, age };
    struct CodeSlot {
        FieldPath field;
        Source source = Source::value;
        Coding coding = Coding::presence;
        TextMap<Code> texts;               ///< of `text`
        std::vector<long double> numbers;  ///< of `number` and `order`, sorted
        std::vector<std::int64_t> ticks;   ///< of `instants` and `age`: microseconds, sorted
    };
    enum class Listing { types, items, probes };
    struct SetSlot {
        Listing listing = Listing::types;
        FieldPath field;
        TextMap<Code> texts;
        std::vector<long double> numbers;
        TextProbes probes;
        TextMap<std::vector<Code>> known_types;
    };

    static std::optional<Coding> equality_of(const engine::Json& operand);
    std::optional<std::pair<Source, Coding>> code_slot_for(const Comparison& comparison) const;
    CodeSlot& code_slot(const FieldPath& field, Source source, Coding coding);
    SetSlot& set_slot(const FieldPath& field, Listing listing);
    std::size_t place_of(const FieldPath& field, Source source, Coding coding) const;

    static void learn_operand(CodeSlot& slot, const engine::Json& operand);
    void learn_items(const Comparison& comparison);
    void learn_words(const Comparison& comparison);

    Demands code_demands(const Comparison& comparison, std::size_t place, bool negated) const;
    Demands set_demands(const Comparison& comparison, bool negated) const;
    static Code listed(const CodeSlot& slot, const engine::Json& operand);
    static CodeSet ordered(const CodeSlot& slot, Operator op, std::size_t bound);
    static std::optional<Code> item(const SetSlot& slot, const RawValue& value);
    void list_value_fields();

    Code code_of(const CodeSlot& slot, const Scope& scope) const;
    static Code code_of_value(const CodeSlot& slot, const RawValue& value, engine::Instant now);
    static void find(const SetSlot& slot, const RawValue& value, std::vector<Code>& found);
    static void find(const SetSlot& slot, const Scope& scope, std::vector<Code>& found);
    void find_types(std::string_view event_type, std::vector<Code>& found) const;

    std::vector<CodeSlot> code_slots_;
    std::vector<SetSlot> set_slots_{1};  ///< the first are the event types
    std::vector<Field> value_fields_;
    std::map<std::tuple<std::string, Source, Coding>, std::size_t> code_places_;
    std::map<std::pair<std::string, Listing>, std::size_t> set_places_;
    std::map<std::string, FieldPath> presences_;  ///< fields of which only that is asked, perhaps
    std::map<std::string, std::size_t> presence_places_;
    std::vector<std::string> types_;  ///< patterns by id
    std::map<std::string, Code, std::less<>> type_ids_;
};

}  // namespace rules
