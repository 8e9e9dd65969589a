#pragma once
/// Document: an entity's fields, changed in place with the way back remembered.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/json.h"

namespace rules {

/// One thread. The address of fields() never changes.
class Document {
public:
    explicit Document(engine::Json fields);

    const engine::Json& fields() const { return fields_; }
    const engine::Json* find(std::span<const std::string> keys) const;
    engine::Json take() { return std::move(fields_); }

    /// Sets the value, making objects on the way; null removes it. At least one key. The keys are borrowed
    /// for the document's life.
    void put(std::span<const std::string> keys, engine::Json value);

    std::size_t mark() const { return undo_.size(); }
    /// Takes back every put since the mark; the fields are then exactly as they were.
    void undo_to(std::size_t mark);

private:
    struct Replaced {
        std::span<const std::string> keys;
        std::optional<engine::Json> before;
    };

    void set(engine::Json& object, std::span<const std::string> keys, std::optional<engine::Json> value);

    engine::Json fields_;
    std::vector<Replaced> undo_;
};

}  // namespace rules
