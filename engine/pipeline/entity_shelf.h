#pragma once
/// EntityShelf: a tenant's entities while its journal is gone through; what does not fit into memory waits in
/// a temporary file.

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>

#include "engine/base/result.h"
#include "engine/base/spill_file.h"
#include "engine/model/entity.h"

namespace engine {

/// Holds the documents of the entities used last, and some 100 bytes for every other one. One thread. Fails
/// with unavailable when the temporary file cannot be written or read.
class EntityShelf {
public:
    static constexpr std::size_t in_memory_default = 20'000;
    explicit EntityShelf(TenantName tenant, std::size_t in_memory_max = in_memory_default)
        : tenant_(std::move(tenant)), in_memory_max_(in_memory_max) {}

    /// The entity, version 0 when it was never seen; valid until the next call. `change` says that it will be
    /// changed.
    Result<const Entity*> find(const Subject& subject);
    Result<Entity*> change(const Subject& subject);

    /// Every entity that has a version, in no order.
    Result<void> for_each(const std::function<Result<void>(const Entity&)>& each);

    std::size_t size() const { return slots_.size(); }
    std::uint64_t spilled_bytes() const { return file_.size(); }

private:
    using Key = std::array<unsigned char, 16>;  ///< of SHA-256(subject)
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    struct Held {
        Key key;
        Entity entity;
        bool changed = false;
    };
    struct Slot {
        std::list<Held>::iterator held;
        std::uint64_t offset = 0;
        std::uint32_t length = 0;  ///< 0 = not in the file
        bool in_memory = false;
    };

    static Key key_of(const Subject& subject);
    Result<Held*> hold(const Subject& subject);
    Result<void> make_room();
    Result<void> spill(Held& held);
    Result<void> compact();
    Result<Entity> read(const Slot& slot) const;

    TenantName tenant_;
    std::size_t in_memory_max_;
    std::unordered_map<Key, Slot, KeyHash> slots_;
    std::list<Held> held_;  ///< the one used last first
    SpillFile file_;
    std::uint64_t bytes_in_use_ = 0;  ///< of the file
};

}  // namespace engine
