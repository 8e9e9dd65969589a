#include "engine/pipeline/entity_shelf.h"

#include <algorithm>
#include <cstring>

#include "engine/base/hash.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

/// The file is written anew when that much of it, and more than half, is no longer needed.
constexpr std::uint64_t waste_max = 64u * 1024 * 1024;

}  // namespace

std::size_t EntityShelf::KeyHash::operator()(const Key& key) const {
    std::size_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
}

EntityShelf::Key EntityShelf::key_of(const Subject& subject) {
    const auto digest = sha256(subject.text());
    Key key;
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

Result<const Entity*> EntityShelf::find(const Subject& subject) {
    const auto held = hold(subject);
    if (!held) return held.error();
    return static_cast<const Entity*>(&(*held)->entity);
}

Result<Entity*> EntityShelf::change(const Subject& subject) {
    const auto held = hold(subject);
    if (!held) return held.error();
    (*held)->changed = true;
    return &(*held)->entity;
}

Result<EntityShelf::Held*> EntityShelf::hold(const Subject& subject) {
    const auto key = key_of(subject);
    auto& slot = slots_[key];
    if (slot.in_memory) {
        held_.splice(held_.begin(), held_, slot.held);
        return &held_.front();
    }
    Entity entity;
    entity.tenant = tenant_;
    entity.subject = subject;
    if (slot.length > 0) {
        auto read_back = read(slot);
        if (!read_back) return read_back.error();
        entity = *std::move(read_back);
    }
    held_.push_front({key, std::move(entity), false});
    slot.held = held_.begin();
    slot.in_memory = true;
    if (auto room = make_room(); !room) return room.error();
    return &held_.front();
}

Result<void> EntityShelf::make_room() {
    while (held_.size() > std::max<std::size_t>(in_memory_max_, 1)) {
        auto& last = held_.back();
        auto& slot = slots_.at(last.key);
        if (last.changed)
            if (auto spilled = spill(last); !spilled) return spilled;
        slot.in_memory = false;
        const bool nothing_known = slot.length == 0;
        const auto key = last.key;
        held_.pop_back();
        if (nothing_known) slots_.erase(key);
    }
    if (file_.size() > waste_max && file_.size() - bytes_in_use_ > std::max(waste_max, bytes_in_use_))
        return compact();
    return {};
}

Result<void> EntityShelf::spill(Held& held) {
    const auto& entity = held.entity;
    const auto bytes = stored_text(Json{{"subject", entity.subject.text()},
                                        {"version", entity.version},
                                        {"fields", entity.fields},
                                        {"meta", meta_to_json(entity)}});
    const auto offset = file_.append(bytes);
    if (!offset) return offset.error();
    auto& slot = slots_.at(held.key);
    bytes_in_use_ += bytes.size() - slot.length;
    slot.offset = *offset;
    slot.length = static_cast<std::uint32_t>(bytes.size());
    held.changed = false;
    return {};
}

Result<Entity> EntityShelf::read(const Slot& slot) const {
    const auto bytes = file_.read(slot.offset, slot.length);
    if (!bytes) return bytes.error();
    auto json = parse_stored(*bytes, "entity in a temporary file");
    if (!json) return json.error();
    Entity entity;
    entity.tenant = tenant_;
    auto subject = subject_from(text_or(*json, "subject", ""));
    if (!subject) return subject.error();
    entity.subject = *std::move(subject);
    entity.version = (*json)["version"].get<std::uint64_t>();
    entity.fields = std::move((*json)["fields"]);
    if (auto meta = meta_from_json(entity, (*json)["meta"]); !meta) return meta.error();
    return entity;
}

Result<void> EntityShelf::compact() {
    SpillFile fresh;
    for (auto& [key, slot] : slots_) {
        if (slot.length == 0) continue;
        const auto bytes = file_.read(slot.offset, slot.length);
        if (!bytes) return bytes.error();
        const auto offset = fresh.append(*bytes);
        if (!offset) return offset.error();
        slot.offset = *offset;
    }
    file_ = std::move(fresh);
    return {};
}

Result<void> EntityShelf::for_each(const std::function<Result<void>(const Entity&)>& each) {
    for (const auto& [key, slot] : slots_) {
        if (slot.in_memory) {
            if (!slot.held->entity.known()) continue;
            if (auto done = each(slot.held->entity); !done) return done;
            continue;
        }
        const auto entity = read(slot);
        if (!entity) return entity.error();
        if (!entity->known()) continue;
        if (auto done = each(*entity); !done) return done;
    }
    return {};
}

}  // namespace engine
