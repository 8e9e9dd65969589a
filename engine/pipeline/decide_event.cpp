#include "engine/pipeline/decide_event.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "engine/pipeline/merge.h"
#include "rules/evaluator/fit.h"

namespace engine {
namespace {

constexpr std::string_view own_source = "signalbox:";

/// A derived event's id is unique because its source tells whose id it continues.
std::string derived_source(const Event& event) {
    return event.source.starts_with(own_source) ? event.source : std::string(own_source) + event.source;
}

Event derived_from(const Event& event, const std::string& suffix, Instant now) {
    Event derived;
    derived.tenant = event.tenant;
    derived.id = EventId(event.id.text() + "~" + suffix);
    derived.source = derived_source(event);
    derived.time = event.time;
    derived.received = now;
    derived.connection = event.connection;
    derived.hops = event.hops + 1;
    derived.cause = event.id;
    return derived;
}

std::optional<std::string> id_text(const Json& object) {
    const auto id = object.find("id");
    if (id == object.end()) return std::nullopt;
    if (id->is_string() && !id->get_ref<const std::string&>().empty()) return id->get<std::string>();
    if (id->is_number_integer()) return number_text(*id);
    return std::nullopt;
}

/// The other entities the payload shows; each enters its own lane afterwards.
Result<std::vector<Event>> embedded(const Tenant& tenant, const Event& event, Snapshot& snapshot, Instant now,
                                    std::vector<std::string>& notes) {
    std::vector<Event> events;
    // The rest of a rule reads again what an older event brought: that is no news of other entities.
    if (event.type.starts_with("delivery.")) return events;
    for (const auto& [kind, value] : event.data.items()) {
        if (kind == event.subject.kind() || !value.is_object() || !tenant.rule_set->catalogue.is_entity(kind))
            continue;
        const auto id = id_text(value);
        if (!id) continue;
        auto derived = derived_from(event, kind, now);
        auto subject = Subject::parse(Subject::of(kind, event.connection, *id).text());
        if (!subject) {
            notes.push_back("the " + kind + " of the payload was left out: its id cannot be kept");
            continue;
        }
        derived.subject = std::move(*subject);
        derived.type = kind + ".updated";
        derived.actor = actor_of(event);
        derived.data = Json{{kind, value}};
        const auto before = snapshot.entity(event.tenant, derived.subject);
        if (!before) return before.error();
        // A payload that says nothing new would only make work.
        const auto merged = merge(*before, derived, tenant.rule_set->catalogue);
        if (merged.fields_differ) events.push_back(std::move(derived));
    }
    return events;
}

std::vector<Event> emitted_events(const Event& event, const Decision& decision, Instant now) {
    std::vector<Event> events;
    for (std::size_t i = 0; i < decision.emitted.size(); ++i) {
        const auto& emitted = decision.emitted[i];
        auto derived = derived_from(event, std::to_string(i), now);
        // A vendor's time is the vendor's: what a rule says happens now.
        derived.time = std::nullopt;
        derived.subject = emitted.subject;
        derived.type = emitted.type;
        derived.actor = "rule:" + emitted.rule;
        derived.data = emitted.data;
        events.push_back(std::move(derived));
    }
    return events;
}

/// Fills what rules can read of other kinds.
class Links {
public:
    Links(const Tenant& tenant, const Work& work, const Json& document, Snapshot& snapshot)
        : tenant_(tenant),
          began_under_(work.began_under.get()),
          event_(*work.event),
          document_(document),
          snapshot_(snapshot) {}

    Result<void> fill(rules::DecisionInput& input) {
        for (const auto& link : tenant_.rule_set->catalogue.links()) {
            if (auto done = follow(link, input); !done) return done.error();
        }
        for (const auto& [kind, value] : event_.data.items()) {
            if (kind == input.kind || !value.is_object() || !is_read(kind)) continue;
            auto& linked = input.linked[kind];
            if (!linked.is_object()) linked = Json::object();
            linked.merge_patch(value);
        }
        return {};
    }

private:
    bool is_read(const std::string& kind) const {
        return tenant_.kinds_read.contains(kind) ||
               (began_under_ != nullptr && began_under_->kinds_read.contains(kind));
    }

    Result<void> follow(const rules::Link& link, rules::DecisionInput& input) {
        const auto dot = link.field.find('.');
        if (link.field.substr(0, dot) != input.kind || !is_read(link.kind)) return {};
        if (input.linked.contains(link.kind)) return {};
        const Json* value = find(document_, std::string_view(link.field).substr(dot + 1));
        if (value == nullptr || !(value->is_string() || value->is_number_integer())) return {};
        auto found = look_up(link, value->is_string() ? value->get<std::string>() : number_text(*value));
        if (!found) return found.error();
        if (!*found || !(*found)->known() || (*found)->deleted) return {};
        input.linked_versions.push_back({(*found)->subject, (*found)->version});
        input.linked[link.kind] = std::move((*found)->fields);
        return {};
    }

    Result<std::optional<Entity>> look_up(const rules::Link& link, const std::string& value) {
        if (link.by_email) return snapshot_.by_email(event_.tenant, link.kind, fold_case(trim(value)));
        const auto subject = Subject::of(link.kind, event_.subject.connection(), value);
        auto entity = snapshot_.entity(event_.tenant, subject);
        if (!entity) return entity.error();
        return std::optional<Entity>(std::move(*entity));
    }

    const Tenant& tenant_;
    const Tenant* began_under_;
    const Event& event_;
    const Json& document_;
    Snapshot& snapshot_;
};

Decision bare_decision(const Tenant& tenant, const Event& event, Instant now) {
    Decision decision;
    decision.event_id = event.id;
    decision.event_type = event.type;
    decision.subject = event.subject;
    decision.event_time = event.occurred();
    decision.ruleset = tenant.rule_set->version;
    decision.now = now;
    return decision;
}

Decided too_many_hops(const Tenant& tenant, const Event& event, Entity before, Instant now) {
    Decided decided;
    decided.decision = bare_decision(tenant, event, now);
    decided.decision.outcome = Outcome::loop;
    decided.decision.notes.push_back("the event is " + std::to_string(event.hops) +
                                     " decisions away from an outside one; the limit is hops_max " +
                                     std::to_string(tenant.rule_set->options.hops_max));
    decided.decision.document = before.fields;
    decided.after = std::move(before);
    return decided;
}

Decided stale(const Tenant& tenant, const Event& event, Merged merged, Entity before, Instant now) {
    Decided decided;
    decided.decision = bare_decision(tenant, event, now);
    decided.decision.outcome = Outcome::stale;
    decided.decision.notes = std::move(merged.notes);
    decided.decision.document = before.fields;
    decided.after = std::move(before);
    return decided;
}

/// Remembers what the entity's owner does not know yet.
void note_own_writes(Entity& entity, const Decision& decision, const DeliveryKey& key) {
    const auto kind = entity.subject.kind();
    for (const auto& change : decision.changes) {
        auto& own = entity.own_writes[change.field.substr(kind.size() + 1)];
        own.before.push_back(change.from);
        own.delivery = key;
    }
}

void add_write_back(const Tenant& tenant, const Event& event, Decided& decided) {
    auto& decision = decided.decision;
    if (decision.changes.empty() || decided.after.deleted) return;
    const auto connection = tenant.connections.find(std::string(event.subject.connection()));
    if (connection == tenant.connections.end()) return;
    decision.write_back =
        connectors::write_back(connection->second, event.subject, decision.changes, decision.document);
    if (!decision.write_back) return;
    note_own_writes(decided.after, decision, delivery_key(event, 0));
    decided.outgoing.push_back(*decision.write_back);
}

constexpr std::size_t misfits_max = 20;

/// Names for one note, as many as one reads.
class NameList {
public:
    void add(const std::string& name) {
        if (++count_ <= shown_max) text_ += (text_.empty() ? "" : ", ") + name;
    }
    bool empty() const { return count_ == 0; }
    std::string text() const {
        return count_ > shown_max ? text_ + " and " + std::to_string(count_ - shown_max) + " more" : text_;
    }

private:
    static constexpr std::size_t shown_max = 10;
    std::string text_;
    std::size_t count_ = 0;
};

/// What came is kept as it is; what rules will not make sense of is said.
void note_oddities(const Tenant& tenant, const Event& event, Merged& merged) {
    const auto& catalogue = tenant.rule_set->catalogue;
    const std::string kind(event.subject.kind());
    if (!catalogue.is_entity(kind)) return;
    NameList unknown;
    NameList misplaced;
    std::size_t misfits = 0;
    for (const auto& change : merged.changes) {
        const auto* declared = catalogue.find(change.field);
        if (declared == nullptr) {
            unknown.add(change.field);
            continue;
        }
        auto oddity = rules::oddity_of(*declared, change.field, change.to);
        if (!oddity.empty() && ++misfits <= misfits_max) merged.notes.push_back(std::move(oddity));
    }
    for (const auto& [name, value] : event.data.items())
        if (!catalogue.has_kind(name) && catalogue.find(kind + "." + name) != nullptr) misplaced.add(name);
    if (!unknown.empty())
        merged.notes.push_back("kept, but no field that a rule can read: " + unknown.text());
    if (!misplaced.empty())
        merged.notes.push_back("not read: " + misplaced.text() + "; the fields of a " + kind +
                               " stand in data." + kind);
}

}  // namespace

Result<Decided> decide_event(const Tenant& tenant, const Work& work, Snapshot& snapshot,
                             const DecideOptions& options) {
    const Event& event = *work.event;
    auto before = snapshot.entity(event.tenant, event.subject);
    if (!before) return before.error();
    if (event.hops > tenant.rule_set->options.hops_max)
        return too_many_hops(tenant, event, std::move(*before), options.now);
    auto merged = merge(*before, event, tenant.rule_set->catalogue);
    if (merged.stale) return stale(tenant, event, std::move(merged), std::move(*before), options.now);

    note_oddities(tenant, event, merged);
    rules::DecisionInput input;
    input.event = &event;
    input.kind = std::string(event.subject.kind());
    input.document = merged.entity.fields;
    input.merged = work.retried_changes.empty() ? merged.changes : work.retried_changes;
    input.now = options.now;
    input.presets = work.presets;
    input.resume = work.resume;
    if (input.resume && work.began_under) input.resume->began_under = work.began_under->rule_set.get();
    input.trace = options.trace;
    Links links(tenant, work, merged.entity.fields, snapshot);
    if (auto filled = links.fill(input); !filled) return filled.error();

    Decided decided;
    decided.decision = rules::decide(*tenant.rule_set, std::move(input));
    auto& decision = decided.decision;
    decision.notes.insert(decision.notes.begin(), merged.notes.begin(), merged.notes.end());
    decided.after = std::move(merged.entity);
    for (const auto& change : decision.changes) apply(decided.after, change);
    const bool changed = merged.fields_differ || !decision.changes.empty();
    if (changed) decided.after.version = before->version + 1;
    add_write_back(tenant, event, decided);
    decided.store_entity = !(decided.after == *before);
    // Times of an entity without a version have nothing to be the times of.
    if (!decided.after.known()) decided.store_entity = false;

    decided.outgoing.insert(decided.outgoing.end(), decision.actions.begin(), decision.actions.end());
    auto others = embedded(tenant, event, snapshot, options.now, decision.notes);
    if (!others) return others.error();
    decided.derived = std::move(*others);
    auto emitted = emitted_events(event, decision, options.now);
    decided.derived.insert(decided.derived.end(), std::make_move_iterator(emitted.begin()),
                           std::make_move_iterator(emitted.end()));
    return decided;
}

DeliveryKey delivery_key(const Event& event, std::size_t index) {
    const std::string_view nul("\0", 1);
    const auto number = std::to_string(index);
    const auto digest = sha256({event.tenant.text(), nul, event.source, nul, event.id.text(), nul, number});
    return DeliveryKey(to_hex(bytes_of(digest).substr(0, 16)));
}

}  // namespace engine
