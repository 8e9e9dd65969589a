#pragma once
/// What a document says when it is read from its values: the measure of reading it from its bytes.

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "rules/matcher/raw_reader.h"

namespace rules::testing {

/// `event_type` is that of a document that is no envelope.
inline Readings read_from_values(const Slots& slots, std::string_view event_type,
                                 const engine::Json& document, RawReader::Layout layout,
                                 engine::Instant now) {
    const bool is_envelope = layout == RawReader::Layout::envelope;
    const auto* roots = is_envelope ? engine::find(document, "data") : &document;
    Scope scope;
    if (roots != nullptr && roots->is_object())
        for (const auto& [root, fields] : roots->items()) scope.set(root, &fields);
    if (is_envelope) scope.set("event", &document);
    scope.now = now;
    Readings readings;
    const auto type = is_envelope ? engine::text_or(document, "type", "") : std::string(event_type);
    slots.read(type, scope, readings);
    return readings;
}

}  // namespace rules::testing
