// The index against looking at every rule, on random rule sets, documents and writes between two rules.
#include "rules/matcher/matcher.h"

#include <cstdlib>
#include <string>

#include "rules/matcher/indexed.h"
#include "rules/matcher/raw_reader.h"
#include "tests/support/random.h"
#include "tests/support/random_conditions.h"
#include "tests/support/rules.h"

using namespace rules;
using namespace rules::random_conditions;
using namespace rules::testing;
using testing_random::Random;

namespace {

using Found = std::vector<std::string>;

const std::vector<std::string> types{"ticket.created", "ticket.updated", "comment.added",
                                     "ticket.sla.breached"};
const std::vector<std::string> patterns{"ticket.created", "ticket.updated", "ticket.*", "*",
                                        "*.added",        "comment.*"};

Rule random_rule(Random& random, std::size_t number) {
    Rule rule;
    rule.id = "r" + std::to_string(number);
    const auto count = 1 + random.below(2);
    for (std::size_t i = 0; i < count; ++i) rule.on.push_back(random.of(patterns));
    rule.when = condition(condition_of_depth(random, static_cast<int>(random.below(3))));
    return rule;
}

/// What happens to a world: a walk over the rules, in which fields get other values.
struct Walk {
    std::string type;
    Json roots;
    std::vector<engine::Change> changes;
    struct Write {
        std::size_t after = 0;  ///< so many rules found
        std::string field;
        Json value;
    };
    std::vector<Write> writes;
};

Walk random_walk(Random& random) {
    Walk walk{random.of(types), roots_of(random), changes_of(random), {}};
    const auto count = random.below(3);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& field = random.of(paths);
        if (field.starts_with("ticket.")) walk.writes.push_back({random.below(6), field, value(random)});
    }
    return walk;
}

/// The rules that are found, each at its turn.
Found found_by(const Matcher& matcher, const RuleSet& set, const Walk& walk) {
    auto source = event(walk.type);
    source.data = json(R"({"ticket":{"id":2}})");
    const EventView view(source);
    auto roots = walk.roots;
    auto changes = walk.changes;
    Scope scope;
    scope.event = &view;
    for (const auto& [root, fields] : roots.items()) scope.set(root, &fields);
    scope.changes = &changes;
    scope.now = noon;
    const auto cursor = matcher.open(walk.type, scope);
    Found found;
    std::size_t from = 0;
    while (const auto rule = cursor->next(from)) {
        found.push_back(set.rules[*rule].id);
        from = *rule + 1;
        for (const auto& write : walk.writes) {
            if (write.after != found.size()) continue;
            const auto path = engine::path_of(write.field);
            const auto* before = engine::find(roots, write.field);
            changes.push_back({write.field, before ? *before : Json(), write.value, "", ""});
            engine::put(roots, path, write.value);
            cursor->field_changed(write.field);
        }
    }
    return found;
}

bool differs(const RuleSet& set, const Walk& walk) {
    return found_by(*indexed_matcher(set), set, walk) != found_by(*naive_matcher(set), set, walk);
}

/// The fewest rules and writes with which the two still differ.
void shorten(RuleSet& set, Walk& walk) {
    for (std::size_t size = set.rules.size() / 2; size > 0; size /= 2)
        for (std::size_t from = 0; from < set.rules.size();) {
            auto fewer = set;
            const auto first = fewer.rules.begin() + static_cast<std::ptrdiff_t>(from);
            const auto count = static_cast<std::ptrdiff_t>(std::min(size, set.rules.size() - from));
            fewer.rules.erase(first, first + count);
            if (differs(fewer, walk))
                set = std::move(fewer);
            else
                from += size;
        }
    while (!walk.writes.empty()) {
        auto fewer = walk;
        fewer.writes.pop_back();
        if (!differs(set, fewer)) return;
        walk = std::move(fewer);
    }
}

std::string told(const RuleSet& set, const Walk& walk) {
    std::string text = walk.type + " on " + walk.roots.dump() + "\n";
    for (const auto& change : walk.changes) text += "  changed " + engine::to_json(change).dump() + "\n";
    for (const auto& write : walk.writes)
        text +=
            "  after " + std::to_string(write.after) + ": " + write.field + " = " + write.value.dump() + "\n";
    const EventView view(event(walk.type));
    Scope scope;
    for (const auto& rule : set.rules) text += rule.id + " " + explain(rule.when, scope).dump() + "\n";
    const auto list = [](const Found& found) {
        std::string ids;
        for (const auto& id : found) ids += " " + id;
        return ids;
    };
    return text + "index:" + list(found_by(*indexed_matcher(set), set, walk)) +
           "\nevery rule:" + list(found_by(*naive_matcher(set), set, walk));
}

std::size_t rounds() {
    const char* given = std::getenv("SIGNALBOX_MATCHER_ROUNDS");
    return given == nullptr ? 300 : std::strtoul(given, nullptr, 10);
}

}  // namespace

TEST_CASE("matcher: the index finds what looking at every rule finds", "[differential]") {
    const auto seed = testing_random::seed_or(51);
    std::size_t found = 0, walks = 0;
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        Random random(seed + round);
        RuleSet set;
        set.catalogue = Catalogue::shipped();
        const auto count = random.chance(10) ? random.below(1'500) : random.below(40);
        for (std::size_t i = 0; i < count; ++i) set.rules.push_back(random_rule(random, i));
        const auto indexed = indexed_matcher(set);
        const auto naive = naive_matcher(set);
        for (int walk_number = 0; walk_number < 20; ++walk_number) {
            auto walk = random_walk(random);
            const auto expected = found_by(*naive, set, walk);
            found += expected.size();
            ++walks;
            if (found_by(*indexed, set, walk) == expected) continue;
            auto fewer = set;
            shorten(fewer, walk);
            FAIL("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << "\n" << told(fewer, walk));
        }
    }
    CHECK(found > walks);  // matches are common
}

TEST_CASE("matcher: what is read from the bytes is what is read from the values", "[differential]") {
    const auto seed = testing_random::seed_or(52);
    std::size_t read = 0;
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        Random random(seed + round);
        std::vector<Rule> rules;
        for (std::size_t i = 0; i < 30; ++i) rules.push_back(random_rule(random, i));
        const IndexedMatcher matcher(rules);
        RawReader reader(matcher.slots());
        for (int document = 0; document < 20; ++document) {
            const auto roots = roots_of(random);
            const auto& type = random.of(types);
            Scope scope;
            for (const auto& [root, fields] : roots.items()) scope.set(root, &fields);
            scope.now = noon;
            Readings from_values, from_bytes;
            matcher.slots().read(type, scope, from_values);
            auto bytes = roots.dump(random.chance(30) ? 2 : -1, ' ', random.chance(50));
            const auto size = bytes.size();
            bytes.resize(size + RawReader::padding());
            INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << roots.dump());
            REQUIRE(reader.read(type, std::string_view(bytes).substr(0, size), noon, from_bytes));
            REQUIRE(from_bytes.codes == from_values.codes);
            REQUIRE(from_bytes.found == from_values.found);
            read += size;
        }
    }
    CHECK(read > 0);
}
