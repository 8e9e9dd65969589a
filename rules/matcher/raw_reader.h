#pragma once
/// RawReader: the values that rules ask for, taken straight from the bytes of a JSON document. The home of
/// simdjson.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "rules/matcher/slots.h"

namespace rules {

/// Finds them by the places of quotes, braces, brackets, colons and commas alone; what no rule asks for is
/// stepped over. One thread; borrows the slots.
class RawReader {
public:
    explicit RawReader(const Slots& slots);
    ~RawReader();

    /// So many bytes behind a document have to be readable.
    static std::size_t padding();

    /// Fills the slots of values below the document's members, which are the roots of paths (`ticket`); what
    /// is not there is absent. Nothing has changed, and what is asked of other roots is left as it is. Fails
    /// with invalid_input for what is no JSON object, as far as it was looked at: all of it is UTF-8 with
    /// closed strings then, but values that no rule asks for are not read.
    engine::Result<void> read(std::string_view event_type, std::string_view document, engine::Instant now,
                              Readings& readings);

private:
    struct Node;
    class Walk;

    void add(const std::vector<std::string>& path, const Slots::Field& field);

    const Slots& slots_;
    std::unique_ptr<Node> top_;
    Readings blank_;  ///< of a document with nothing in it
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace rules
