#include "tests/differential/walks.h"

#include <algorithm>

#include "tests/support/rules.h"

namespace rules::testing {
namespace {

bool differs(const RuleSet& set, const Walk& walk) {
    return found_by(*indexed_matcher(set), walk) != found_by(*naive_matcher(set), walk);
}

/// Leaves out of a list what does not matter, in ever smaller pieces.
template <class Item>
void leave_out(std::vector<Item>& items, const auto& still_differs) {
    for (std::size_t size = (items.size() + 1) / 2; size > 0; size /= 2)
        for (std::size_t from = 0; from < items.size();) {
            const auto all = items;
            const auto first = items.begin() + static_cast<std::ptrdiff_t>(from);
            items.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, items.size() - from)));
            if (still_differs()) continue;
            items = all;
            from += size;
        }
}

void leave_out_children(Condition& condition, const auto& still_differs) {
    leave_out(condition.children, still_differs);
    for (auto& child : condition.children) leave_out_children(child, still_differs);
}

/// What fields of tickets are counted by, and what was counted of others: the same for all of a walk.
RateCounts counts_of(const Walk& walk) {
    std::vector<Rate> rates;
    CountedElsewhere elsewhere;
    for (const auto* name : {"ticket.satisfaction_score", "ticket.due_at", "ticket.custom.a"}) {
        const auto counted = field(name);
        rates.push_back({rate_id(counted, {"ticket.*"}), counted, {"ticket.*"}, std::chrono::hours(1), 3});
        elsewhere[rates.back().id].assign(walk.changes.size() % 3, noon);
    }
    const auto* document = engine::find(walk.roots, "ticket");
    RateCounts counts(std::move(rates), engine::value_or_null(document), noon, Json(), std::move(elsewhere));
    counts.count_event(walk.type);
    return counts;
}

std::string list_of(const RuleSet& set, const Found& found) {
    std::string ids;
    for (const auto rule : found) ids += " " + set.rules[rule].id;
    return ids;
}

}  // namespace

Found found_by(const Matcher& matcher, const Walk& walk, const PayloadReadings* payload) {
    auto source = event(walk.type);
    source.data = Json{{"ticket", {{"id", 2}}}};
    const EventView view(source);
    auto roots = walk.roots;
    auto changes = walk.changes;
    Scope scope;
    scope.event = &view;
    for (const auto& [root, fields] : roots.items()) scope.set(root, &fields);
    scope.changes = &changes;
    scope.now = noon;
    const auto counts = counts_of(walk);
    scope.rates = &counts;
    const auto cursor = matcher.open(walk.type, scope, payload);
    Found found;
    std::size_t from = 0;
    while (const auto rule = cursor->next(from)) {
        found.push_back(*rule);
        from = *rule + 1;
        for (const auto& write : walk.writes) {
            if (write.after != found.size()) continue;
            const auto* before = engine::find(roots, write.field);
            changes.push_back({write.field, before ? *before : Json(), write.value, "", ""});
            engine::put(roots, engine::path_of(write.field), write.value);
            cursor->field_changed(write.field);
        }
    }
    return found;
}

void shorten(RuleSet& set, Walk& walk) {
    const auto still_differs = [&] { return differs(set, walk); };
    leave_out(set.rules, still_differs);
    for (auto& rule : set.rules) leave_out_children(rule.when, still_differs);
    leave_out(walk.writes, still_differs);
    leave_out(walk.changes, still_differs);
    for (auto& root : walk.roots) {
        const auto fields = root;
        for (const auto& [name, value] : fields.items()) {
            root.erase(name);
            if (!still_differs()) root[name] = value;
        }
    }
}

std::string told(const RuleSet& set, const Walk& walk) {
    std::string text = walk.type + " on " + walk.roots.dump() + "\n";
    for (const auto& change : walk.changes) text += "  changed " + engine::to_json(change).dump() + "\n";
    for (const auto& write : walk.writes)
        text +=
            "  after " + std::to_string(write.after) + ": " + write.field + " = " + write.value.dump() + "\n";
    const Scope scope;
    for (const auto& rule : set.rules) text += rule.id + " " + explain(rule.when, scope).dump() + "\n";
    return text + "index:" + list_of(set, found_by(*indexed_matcher(set), walk)) +
           "\nevery rule:" + list_of(set, found_by(*naive_matcher(set), walk));
}

}  // namespace rules::testing
