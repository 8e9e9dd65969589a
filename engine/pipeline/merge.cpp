#include "engine/pipeline/merge.h"

#include <algorithm>
#include <set>

#include "engine/base/ensure.h"

namespace engine {
namespace {

/// A value of the payload where no further object goes down.
struct Leaf {
    Path path;  ///< without the kind
    const Json* value;
};

void collect(const Json& object, Path& path, std::vector<Leaf>& leaves) {
    for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) {
        path.push_back(key);
        if (value.is_object() && !value.empty())
            collect(value, path, leaves);
        else if (!value.is_object())
            leaves.push_back({path, &value});
        path.pop_back();
    }
}

std::vector<Leaf> leaves_of(const Json& object) {
    std::vector<Leaf> leaves;
    Path path;
    if (object.is_object()) collect(object, path, leaves);
    return leaves;
}

/// The base stands for fields that are there; one that is absent has a time only when it is listed.
std::optional<Instant> time_of(const Entity& entity, const Path& path, const std::string& field) {
    const auto listed = entity.times.others.find(field);
    if (listed != entity.times.others.end()) return listed->second;
    return find(entity.fields, path) == nullptr ? std::nullopt : entity.times.base;
}

const Json& or_null(const Json* value) {
    static const Json null;
    return value == nullptr ? null : *value;
}

/// One merge at work.
class Merge {
public:
    Merge(const Entity& before, const Event& event, const rules::Catalogue& catalogue)
        : before_(before),
          event_(event),
          catalogue_(catalogue),
          kind_(event.subject.kind()),
          actor_(actor_of(event)) {
        out_.entity = before;
        out_.entity.tenant = event.tenant;
        out_.entity.subject = event.subject;
    }

    Merged run() {
        const auto payload = event_.data.find(kind_);
        if (is("deleted"))
            bury();
        else if (before_.deleted && is_news(payload))
            revive();
        if (payload != event_.data.end() && payload->is_object()) take(*payload);
        if (!out_.stale && !before_.known() && !is("created")) out_.changes = declared();
        return std::move(out_);
    }

private:
    bool is(std::string_view what) const { return event_.type == kind_ + "." + std::string(what); }

    /// What was said before the deletion does not undo it.
    bool is_news(Json::const_iterator payload) const {
        if (payload == event_.data.end()) return false;
        return !event_.time || !before_.times.base || *event_.time >= *before_.times.base;
    }

    /// A tombstone keeps its fields for the rules that look at the deletion, and the time, so that what was
    /// said before it is stale.
    void bury() {
        out_.entity.deleted = true;
        out_.fields_differ = !before_.deleted;
        if (event_.time) out_.entity.times = {event_.time, {}};
    }

    void revive() {
        out_.entity.deleted = false;
        out_.entity.fields = Json::object();
        out_.entity.times = {};
        out_.entity.own_writes.clear();
        out_.fields_differ = true;
    }

    void take(const Json& payload) {
        const auto leaves = leaves_of(payload);
        std::vector<const Leaf*> current;
        for (const auto& leaf : leaves)
            if (!is_older(leaf.path, dotted(leaf.path))) current.push_back(&leaf);
        if (!leaves.empty() && current.empty()) {
            // Nothing is taken; a deletion stands whatever its payload says.
            out_.stale = !is("deleted");
            return;
        }
        out_.as_said = current.size() == leaves.size();
        for (const auto* leaf : current) write(leaf->path, dotted(leaf->path), *leaf->value);
        if (current.size() < leaves.size())
            out_.notes.push_back(std::to_string(leaves.size() - current.size()) + " older values left out");
        if (event_.full_merge) remove_all_but(leaves);
        share_time(current.size());
    }

    bool is_older(const Path& path, const std::string& field) const {
        if (!event_.time) return false;
        const auto buried = before_.deleted ? before_.times.base : std::nullopt;
        if (buried && *event_.time < *buried) return true;
        const auto last = time_of(before_, path, field);
        return last && *event_.time < *last;
    }

    void write(const Path& path, const std::string& field, const Json& value) {
        const Json& current = or_null(find(out_.entity.fields, path));
        const bool as_set = is_tags(field);
        if (event_.time)
            out_.entity.times.others[field] = event_.time;
        else  // what comes without a time leaves the field the one it had
            out_.entity.times.others.try_emplace(field, time_of(out_.entity, path, field));
        if (same_value(current, value, as_set)) {
            // A set keeps the order it had.
            out_.as_said = out_.as_said && (!as_set || current == value);
            return;
        }
        if (is_echo(field, value, as_set)) {
            out_.as_said = false;
            out_.notes.push_back(kind_ + "." + field +
                                 ": the payload repeats the value from before our own write");
            return;
        }
        out_.changes.push_back({kind_ + "." + field, current, value, "", actor_});
        if (value.is_null())
            engine::remove(out_.entity.fields, path);
        else
            put(out_.entity.fields, path, value);
        out_.fields_differ = true;
    }

    bool is_tags(const std::string& field) const {
        const auto* declared = catalogue_.find(kind_ + "." + field);
        return declared != nullptr && declared->type == rules::FieldType::tags;
    }

    bool is_echo(const std::string& field, const Json& value, bool as_set) const {
        const auto own = before_.own_writes.find(field);
        if (own == before_.own_writes.end()) return false;
        return std::any_of(own->second.before.begin(), own->second.before.end(),
                           [&](const Json& earlier) { return same_value(value, earlier, as_set); });
    }

    void remove_all_but(const std::vector<Leaf>& kept) {
        std::set<Path> covered;
        for (const auto& leaf : kept) covered.insert(leaf.path);
        const Json before = out_.entity.fields;
        for (const auto& leaf : leaves_of(before)) {
            const auto field = dotted(leaf.path);
            if (!covered.contains(leaf.path) && !is_older(leaf.path, field)) write(leaf.path, field, Json());
        }
    }

    /// Where the payload covers most of the entity, its time becomes the base and only the others are listed.
    void share_time(std::size_t written) {
        auto& entity = out_.entity;
        if (!event_.time || entity.times.base == event_.time) return drop_listed();
        const auto present = leaves_of(entity.fields);
        if (written * 2 < present.size()) return;
        for (const auto& leaf : present) {
            const auto field = dotted(leaf.path);
            entity.times.others.try_emplace(field, time_of(entity, leaf.path, field));
        }
        entity.times.base = event_.time;
        drop_listed();
    }

    /// Leaves out of the list what the base says already.
    void drop_listed() {
        auto& entity = out_.entity;
        std::erase_if(entity.times.others, [&](const auto& entry) {
            return entry.second && entry.second == entity.times.base &&
                   find(entity.fields, entry.first) != nullptr;
        });
    }

    /// `data.changes`: what the source itself calls changed, `{"status": ["new", "open"]}`.
    std::vector<Change> declared() const {
        std::vector<Change> changes;
        const auto found = event_.data.find("changes");
        if (found == event_.data.end() || !found->is_object()) return changes;
        for (const auto& [name, pair] : found->items()) {
            if (!pair.is_array() || pair.size() != 2) continue;
            const auto field = name.starts_with(kind_ + ".") ? name : kind_ + "." + name;
            changes.push_back({field, pair[0], pair[1], "", actor_});
        }
        return changes;
    }

    const Entity& before_;
    const Event& event_;
    const rules::Catalogue& catalogue_;
    const std::string kind_;
    const std::string actor_;
    Merged out_;
};

}  // namespace

Merged merge(const Entity& before, const Event& event, const rules::Catalogue& catalogue) {
    return Merge(before, event, catalogue).run();
}

bool same_value(const Json& left, const Json& right, bool as_set) {
    if (!as_set || !left.is_array() || !right.is_array()) return left == right;
    const std::set<Json> left_set(left.begin(), left.end());
    const std::set<Json> right_set(right.begin(), right.end());
    return left_set == right_set;
}

void apply(Entity& entity, const Change& change) {
    const auto kind = entity.subject.kind();
    ENSURE(change.field.starts_with(std::string(kind) + "."));
    const auto field = change.field.substr(kind.size() + 1);
    const auto path = path_of(field);
    // The vendor's time is of the vendor's write: ours must neither take nor lose one.
    entity.times.others.try_emplace(field, time_of(entity, path, field));
    if (change.to.is_null())
        engine::remove(entity.fields, path);
    else
        put(entity.fields, path, change.to);
}

void note_own_writes(Entity& entity, const Decision& decision, const DeliveryKey& key) {
    const auto kind = entity.subject.kind();
    for (const auto& change : decision.changes) {
        auto& own = entity.own_writes[change.field.substr(kind.size() + 1)];
        own.before.push_back(change.from);
        own.delivery = key;
    }
}

std::string actor_of(const Event& event) {
    if (!event.actor.empty()) return event.actor;
    return text_or(event.data, "actor", "");
}

}  // namespace engine
