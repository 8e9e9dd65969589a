// Bytes as a rule's conditions: read, compiled, and matched by index and by looking at every rule. Behind a
// line
// `---` there may be the JSON of what rules read; more events are derived from the conditions themselves.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "rules/evaluator/comparison.h"
#include "rules/language/load.h"
#include "rules/matcher/matcher.h"
#include "tests/fuzz/finding.h"
#include "tests/support/random.h"

using namespace rules;
using engine::Json;
using testing_random::Random;

namespace {

constexpr std::size_t rules_max = 40;
constexpr int derived_events = 4;
const engine::Instant noon = engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z

/// What rules read at one moment.
struct World {
    Json roots = Json::object();
    std::vector<engine::Change> changes;
};

std::vector<const Condition*> comparisons_of(const Condition& condition) {
    if (condition.kind == Condition::Kind::comparison) return {&condition};
    std::vector<const Condition*> all;
    for (const auto& child : condition.children)
        for (const auto* one : comparisons_of(child)) all.push_back(one);
    return all;
}

Rule rule_of(Condition when) {
    Rule rule;
    rule.on = {"*"};
    rule.when = std::move(when);
    return rule;
}

/// The conditions, their contrary, and each comparison alone.
RuleSet rule_set_of(const Condition& condition) {
    RuleSet set;
    Condition contrary;
    contrary.kind = Condition::Kind::negation;
    contrary.children = {condition};
    set.rules = {rule_of(condition), rule_of(contrary)};
    for (const auto* comparison : comparisons_of(condition))
        if (set.rules.size() < rules_max) set.rules.push_back(rule_of(*comparison));
    return set;
}

/// A value at which the comparison may tip.
Json value_near(const Comparison& comparison, Random& random) {
    const auto operands = operands_of(comparison.operand);
    if (operands.empty() || random.chance(10)) return random.chance(50) ? Json() : Json::array();
    auto value = operands[random.below(operands.size())];
    if (random.chance(10)) return comparison.operand;
    if (value.is_number_integer() && random.chance(30)) return value.get<double>() + 0.5;
    if (value.is_string() && random.chance(40)) {
        auto text = value.get<std::string>();
        if (random.chance(50)) text.insert(0, random.chance(50) ? "a " : "\xC3\xA4");
        if (random.chance(50)) text += random.chance(50) ? " b" : "k";
        value = text;
    }
    return random.chance(25) ? Json::array({value, 1, "a"}) : value;
}

World derived_world(const std::vector<const Condition*>& comparisons, Random& random) {
    World world;
    for (const auto* one : comparisons) {
        const auto& comparison = one->comparison;
        if (random.chance(80))
            engine::put(world.roots, engine::path_of(comparison.field.text), value_near(comparison, random));
        if (random.chance(30))
            world.changes.push_back({comparison.field.text, value_near(comparison, random),
                                     value_near(comparison, random), "", ""});
    }
    return world;
}

std::vector<std::size_t> found_by(const Matcher& matcher, const Scope& scope) {
    const auto cursor = matcher.open("ticket.created", scope);
    std::vector<std::size_t> found;
    for (auto rule = cursor->next(0); rule; rule = cursor->next(*rule + 1)) found.push_back(*rule);
    return found;
}

void compare(const RuleSet& set, const Matcher& indexed, const Matcher& naive, const World& world) {
    Scope scope;
    for (const auto& [root, fields] : world.roots.items()) scope.set(root, &fields);
    scope.changes = &world.changes;
    scope.now = noon;
    if (found_by(indexed, scope) != found_by(naive, scope))
        fuzz::finding("index and every rule differ on " + world.roots.dump());
    const auto& when = set.rules.front().when;
    if (explain(when, scope)["result"] != holds(when, scope))
        fuzz::finding("explained is not what holds on " + world.roots.dump());
}

/// The bytes say everything, also what is drawn by lot.
std::uint32_t seed_of(std::string_view bytes) {
    std::uint32_t seed = 2'166'136'261;
    for (const char byte : bytes) seed = (seed ^ static_cast<unsigned char>(byte)) * 16'777'619;
    return seed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto catalogue = Catalogue::shipped();
    constexpr std::string_view line = "\n---\n";
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto end = bytes.find(line);
    engine::Diagnostics diagnostics;
    const auto condition = load_condition(std::string(bytes.substr(0, end)), catalogue, diagnostics);
    if (!condition) return 0;

    const auto set = rule_set_of(*condition);
    const auto indexed = indexed_matcher(set);
    const auto naive = naive_matcher(set);
    if (end != std::string_view::npos) {
        auto roots = engine::parse_json(bytes.substr(end + line.size()));
        if (roots && roots->is_object()) compare(set, *indexed, *naive, {std::move(*roots), {}});
    }
    Random random(seed_of(bytes));
    const auto comparisons = comparisons_of(*condition);
    for (int i = 0; i < derived_events; ++i)
        compare(set, *indexed, *naive, derived_world(comparisons, random));
    return 0;
}
