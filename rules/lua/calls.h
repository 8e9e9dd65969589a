#pragma once
/// ScriptCallUse: the calls of the API in a script, with what of their arguments is written there.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "rules/script.h"

namespace rules {

/// An argument, as far as it is a constant or a table of them.
struct WrittenValue {
    enum class Kind { computed, nil, constant, table } kind = Kind::computed;
    engine::Place place;
    engine::Json constant;  ///< a text, a number or a boolean
    std::vector<std::pair<std::string, WrittenValue>> members = {};
    std::vector<WrittenValue> items = {};
    bool has_all = false;  ///< a table that has no others

    const std::string* text() const { return constant.get_ptr<const std::string*>(); }
    const WrittenValue* member(const std::string& name) const;
};

/// `ctx.action("slack.post_message", { text = … })`.
struct WrittenCall {
    std::string function;  ///< `ctx.action`
    engine::Place place;   ///< of the function's last name
    std::vector<WrittenValue> arguments;
    bool is_open = false;  ///< the last argument may give more of them, or none

    /// The argument when it is written as a text.
    const std::string* text(std::size_t argument) const;
};

/// `ctx.ticket.priority` where it is read.
struct WrittenPath {
    std::vector<std::string> names;     ///< from behind `ctx` on
    std::vector<engine::Place> places;  ///< of each
    bool is_own = false;                ///< the script itself has put something there, or above

    /// It leads to the other, or is the same.
    bool is_above(const WrittenPath& other) const;
};

struct ScriptUses {
    std::vector<WrittenCall> calls;
    std::vector<WrittenPath> reads;
    std::vector<WrittenPath> writes;  ///< of assignments
};

/// In the order of the file. What the file itself calls `ctx`, `date` and so on is left out.
ScriptUses uses_of(const ScriptFile& file);

}  // namespace rules
