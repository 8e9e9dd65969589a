#pragma once
/// Slots: everything that a rule set's conditions ask, field by field, as numbers. An event's value becomes a
/// code; a comparison becomes the set of codes on which it holds.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/evaluator/condition.h"
#include "rules/matcher/code_slot.h"
#include "rules/matcher/set_slot.h"
#include "rules/matcher/type_slot.h"

namespace rules {

/// What an event says at one moment, slot by slot.
struct Readings {
    std::vector<Code> codes;               ///< of each code slot
    std::vector<std::vector<Code>> found;  ///< of each set slot: what was found, in no order
};

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
    const CodeSlot& code_slot(std::size_t place) const { return code_slots_[place]; }
    /// The first is that of the event's type.
    std::size_t set_slots() const { return 1 + set_slots_.size(); }
    /// Larger than every code of the slot.
    Code codes_of(std::size_t code_slot) const { return code_slots_[code_slot].codes(); }
    Code ids_of(std::size_t set_slot) const {
        return set_slot == 0 ? types_.ids() : set_slots_[set_slot - 1].ids();
    }
    /// Memory, about.
    std::size_t bytes() const;

    void read(std::string_view event_type, const Scope& scope, Readings& readings) const;
    /// The same; what a payload's readings said (by value field) is taken from there where its root is one of
    /// the scope's.
    void read(std::string_view event_type, const Scope& scope, const Readings& payload,
              const std::vector<std::uint8_t>& said, Readings& readings) const;
    void read_type(std::string_view event_type, Readings& readings) const;
    /// Else it is all the same to them.
    bool ask_for_type() const { return types_.asks(); }
    /// The type fits one of the patterns.
    bool knows_type(std::string_view event_type) const;

    /// A path whose value is asked for, and the slots that do.
    struct Field {
        FieldPath path;
        bool asks_for_items = false;
        bool asks_for_age = false;  ///< what is read depends on the time
        std::vector<std::size_t> code_slots;
        std::vector<std::size_t> set_slots;
    };
    const std::vector<Field>& value_fields() const { return value_fields_; }
    void read(const Field& field, const RawValue& value, engine::Instant now, Readings& readings) const {
        const auto* slots = code_slots_.data();
        for (const auto slot : field.code_slots)
            readings.codes.data()[slot] = slots[slot].code_of(value, now);
        for (const auto slot : field.set_slots) {
            auto& found = readings.found.data()[slot];
            found.clear();
            set_slots_.data()[slot - 1].find(value, found);
        }
    }
    /// Reads again what the field may have a part in; true when something is another now.
    bool read_changed(std::string_view dotted_field, const Scope& scope, Readings& readings) const;

private:
    using Source = CodeSlot::Source;
    using Coding = CodeSlot::Coding;
    using Listing = SetSlot::Listing;

    CodeSlot& slot_of(const FieldPath& field, Source source, Coding coding);
    SetSlot& slot_of(const FieldPath& field, Listing listing);

    Demands code_demands(const Comparison& comparison, std::size_t place, bool negated) const;
    Demands set_demands(const Comparison& comparison, bool negated) const;
    void list_value_fields();
    void read_changes(const Scope& scope, Readings& readings) const;
    void read(const Field& field, const Scope& scope, Readings& readings) const;
    static void copy(const Field& field, const Readings& from, Readings& to);
    static Code code_of(const CodeSlot& slot, const Scope& scope);

    std::vector<CodeSlot> code_slots_;
    std::vector<SetSlot> set_slots_;  ///< but for the first
    TypeSlot types_;
    std::vector<Field> value_fields_;
    std::map<std::tuple<std::string, Source, Coding>, std::size_t> code_places_;
    std::map<std::pair<std::string, Listing>, std::size_t> set_places_;
    std::map<std::string, FieldPath> presences_;  ///< fields of which only that is asked, perhaps
    std::map<std::string, std::size_t> presence_places_;
};

}  // namespace rules
