#include "rules/evaluator/working_state.h"

#include <algorithm>
#include <utility>

#include "rules/evaluator/compare.h"
#include "rules/evaluator/step_checks.h"

namespace rules {
namespace {

using engine::Json;

/// The texts of a tags field; what is no text is no tag.
std::vector<std::string> tags_of(const Json* value) {
    std::vector<std::string> tags;
    const auto items = value ? items_of(*value, FieldType::tags) : std::nullopt;
    if (!items) return tags;
    for (const auto& item : *items)
        if (item.is_string()) tags.push_back(item.get_ref<const std::string&>());
    return tags;
}

bool contains(const std::vector<std::string>& tags, const std::string& tag) {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::vector<std::string> with(std::vector<std::string> tags, const std::vector<std::string>& changed,
                              bool add) {
    for (const auto& tag : changed) {
        const auto found = std::find(tags.begin(), tags.end(), tag);
        if (add && found == tags.end()) tags.push_back(tag);
        if (!add && found != tags.end()) tags.erase(found);
    }
    return tags;
}

Claim value_claim(const FieldPath& field, std::string_view rule, const Json& value) {
    Claim claim;
    claim.field = field.text;
    claim.rule = rule;
    claim.value = value;
    claim.of_tags = field.type == FieldType::tags;
    return claim;
}

Claim tag_claim(const FieldPath& field, std::string_view rule, const std::string& tag, bool adds) {
    Claim claim;
    claim.on = Claim::On::tag;
    claim.field = field.text;
    claim.rule = rule;
    claim.tag = tag;
    claim.adds = adds;
    claim.of_tags = true;
    return claim;
}

/// Setting a whole list wants each of its tags there, and each that it drops gone.
std::vector<Claim> claims_of(const FieldPath& field, std::string_view rule, const Json& value,
                             const Json* before) {
    std::vector<Claim> claims{value_claim(field, rule, value)};
    if (field.type != FieldType::tags) return claims;
    const auto after = tags_of(&value);
    for (const auto& tag : after) claims.push_back(tag_claim(field, rule, tag, true));
    for (const auto& tag : tags_of(before))
        if (!contains(after, tag)) claims.push_back(tag_claim(field, rule, tag, false));
    for (std::size_t i = 1; i < claims.size(); ++i) claims[i].by_value = true;
    return claims;
}

/// Of tags the order does not matter, and none are the same as no list.
bool is_same(const FieldPath& field, const Json* before, const Json& after) {
    if (field.type != FieldType::tags) return same_value(before, &after);
    const auto was = before ? items_of(*before, FieldType::tags) : std::nullopt;
    const auto is = items_of(after, FieldType::tags);
    return same_set(was.value_or(std::span<const Json>()), is.value_or(std::span<const Json>()));
}

/// Waits have no names yet: each is of a run of its own.
std::vector<engine::TimerChange> last_of_each_name(std::vector<engine::TimerChange> timers) {
    std::vector<engine::TimerChange> last;
    for (auto& timer : timers) {
        if (!timer.name.empty())
            std::erase_if(last, [&](const engine::TimerChange& one) { return one.name == timer.name; });
        last.push_back(std::move(timer));
    }
    return last;
}

void apply(Json& document, const engine::Change& change) {
    auto keys = engine::path_of(change.field);
    keys.erase(keys.begin());  // the kind
    if (change.to.is_null())
        engine::remove(document, keys);
    else
        engine::put(document, keys, change.to);
}

}  // namespace

Ledger::Verdict WorkingState::set(const FieldPath& field, Json value, std::string_view rule) {
    const auto* before = result().find(field.keys);
    auto claims = claims_of(field, rule, value, before);
    const auto count = claims.size();
    const auto verdict = ledger_.claim(std::move(claims));
    if (verdict != Ledger::Verdict::stands) return verdict;
    if (isolated_ && !is_same(field, readable_.find(field.keys), value)) {
        // The rule sees its own write even where another rule's made it no change.
        if (!is_same(field, before, value)) write(field, engine::value_or_null(before), value, rule, count);
        show(field, std::move(value));
    } else if (!is_same(field, before, value)) {
        write(field, engine::value_or_null(before), std::move(value), rule, count);
    }
    return verdict;
}

Ledger::Verdict WorkingState::change_tags(const FieldPath& field, const std::vector<std::string>& tags,
                                          bool add, std::string_view rule) {
    std::vector<std::string> changed;
    for (const auto& tag : tags) {
        const auto verdict = ledger_.claim({tag_claim(field, rule, tag, add)});
        if (verdict == Ledger::Verdict::fails) return verdict;
        if (verdict == Ledger::Verdict::stands) changed.push_back(tag);
    }
    const auto* before = result().find(field.keys);
    Json after = with(tags_of(before), changed, add);
    Json shown = isolated_ ? Json(with(tags_of(readable_.find(field.keys)), changed, add)) : Json();
    if (!is_same(field, before, after))
        write(field, engine::value_or_null(before), std::move(after), rule, changed.size());
    if (isolated_ && !is_same(field, readable_.find(field.keys), shown)) show(field, std::move(shown));
    return Ledger::Verdict::stands;
}

void WorkingState::write(const FieldPath& field, Json before, Json after, std::string_view rule,
                         std::size_t claims) {
    if (isolated_ && !apart_) apart_.emplace(readable_.fields());
    result().put(field.keys, after);
    ledger_.wrote(field.text, rule, std::move(before), std::move(after), claims);
    if (cursor_ && !isolated_) cursor_->field_changed(field.text);
}

void WorkingState::show(const FieldPath& field, Json value) {
    readable_.put(field.keys, std::move(value));
}

WorkingState::Mark WorkingState::mark() const {
    return {readable_.mark(), apart_ ? apart_->mark() : 0, ledger_.mark(), actions.size(), emitted.size(),
            timers.size(),    continuations.size(),        gifts.size(),   wishes.size(),  routed.size()};
}

void WorkingState::undo_to(const Mark& mark) {
    readable_.undo_to(mark.readable);
    if (apart_) apart_->undo_to(mark.result);
    if (cursor_ && !isolated_)
        for (auto i = mark.ledger.writes; i < ledger_.write_count(); ++i)
            cursor_->field_changed(ledger_.field_of_write(i));
    ledger_.undo_to(mark.ledger);
    actions.resize(mark.actions);
    emitted.resize(mark.emitted);
    timers.resize(mark.timers);
    continuations.resize(mark.continuations);
    gifts.resize(mark.gifts);
    wishes.resize(mark.wishes);
    routed.resize(mark.routed);
}

Ledger::Verdict WorkingState::write(RoutedTo& to, std::string_view rule) {
    if (to.queue == nullptr) return Ledger::Verdict::stands;
    const auto& queue = *to.queue;
    auto verdict = set(queue.queue_field, queue.id, rule);
    to.overruled = verdict == Ledger::Verdict::refused;
    if (to.overruled) return verdict;
    if (verdict != Ledger::Verdict::fails && queue.group_field && !to.group.is_null())
        verdict = set(*queue.group_field, to.group, rule);
    if (verdict != Ledger::Verdict::fails) verdict = set(queue.assignee_field, to.assignee, rule);
    return verdict;
}

void WorkingState::end_rule() {
    if (isolated_) readable_.undo_to(kept_);
}

engine::Result<void> WorkingState::check_room_for_event(const RuleSetOptions& options) const {
    if (emitted.size() >= static_cast<std::size_t>(options.emits_max))
        return limit_reached("emits_max", options.emits_max);
    return check_breadth(options);
}

/// Hops bound how deep a chain of events is, and this how wide: an event's weight is shared among those that
/// it leads to. One that leads to one other does not branch.
engine::Result<void> WorkingState::check_breadth(const RuleSetOptions& options) const {
    const auto is_due = [](const engine::TimerChange& timer) { return timer.due.has_value(); };
    const auto set = std::count_if(timers.begin(), timers.end(), is_due);
    const auto branches = emitted.size() + static_cast<std::size_t>(set) + 1;
    const auto most = static_cast<std::size_t>(options.descendants_max);
    if (branches == 1 || branches * static_cast<std::size_t>(breadth) <= most) return {};
    return engine::exhausted("the events that the first one has led to have branched into " +
                             named_limit("descendants_max", most));
}

engine::Result<void> WorkingState::check_room_for_timer(std::string_view name, bool is_set,
                                                        const RuleSetOptions& options) {
    if (timers.size() >= static_cast<std::size_t>(options.timers_max))
        return limit_reached("timers_max", options.timers_max);
    if (!is_set) return {};
    if (auto room = check_breadth(options); !room) return room;
    if (timer_room == nullptr) return {};
    const auto number = asked_for_room_++;
    const auto most = static_cast<std::size_t>(options.lane_timers_max);
    if (timer_room->has_room(number, name, timers, most)) return {};
    timers_refused_.push_back(number);
    return engine::exhausted("the timers of the entity have reached " + named_limit("lane_timers_max", most));
}

void WorkingState::finish(engine::Decision& decision) {
    if (!timers_refused_.is_null()) decision.consulted["timers"]["refused"] = timers_refused_;
    decision.changes = ledger_.standing();
    // An overruled write may have left an empty object or another order of tags behind.
    const bool is_disputed = ledger_.is_disputed();
    if (is_disputed) result().undo_to(0);
    decision.document = result().take();
    if (is_disputed)
        for (const auto& change : decision.changes) apply(decision.document, change);
    decision.conflicts = ledger_.conflicts();
    decision.actions = std::move(actions);
    decision.emitted = std::move(emitted);
    decision.timers = last_of_each_name(std::move(timers));
    decision.continuations = std::move(continuations);
}

}  // namespace rules
