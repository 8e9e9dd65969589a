#pragma once
/// EventView: what rules read below `event`, made when it is first read.

#include <span>
#include <string>

#include "engine/base/json.h"
#include "engine/model/event.h"

namespace rules {

/// Borrows the event. One thread.
class EventView {
public:
    explicit EventView(const engine::Event& event) : event_(event), type_(event.type) {}

    /// `id type source connection time actor subject data`; null for anything else and for what is empty.
    const engine::Json* find(std::span<const std::string> keys) const;

    /// All of it, for whoever keeps it.
    engine::Json made() const;

    const std::string& type() const { return type_; }
    /// The derived event of a later pass has a type of its own; the rest stays readable.
    void set_type(std::string type);

private:
    const engine::Json& attributes() const;
    const engine::Json& whole() const;

    const engine::Event& event_;
    std::string type_;
    mutable engine::Json attributes_;  ///< all but data, which is read where it is
    mutable engine::Json whole_;
};

}  // namespace rules
