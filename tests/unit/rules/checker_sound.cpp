// What the checker calls impossible, certain or shown, against what random events make of it.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "rules/checker/check.h"
#include "rules/checker/checks.h"
#include "rules/checker/event_types.h"
#include "rules/checker/supposition.h"
#include "rules/evaluator/decide.h"
#include "rules/evaluator/router.h"
#include "rules/matcher/matcher.h"
#include "rules/policies/routing.h"
#include "rules/policies/sla.h"
#include "tests/support/random.h"
#include "tests/support/random_conditions.h"
#include "tests/support/rules.h"

namespace checker_sound {

using namespace rules;
using namespace rules::random_conditions;
using namespace rules::testing;
using testing_random::Random;

namespace {

const std::vector<std::string> types{"ticket.created", "ticket.updated", "comment.added"};
const std::vector<std::string> patterns{"ticket.created", "ticket.updated", "ticket.*", "*", "*.added"};

std::size_t rounds(std::size_t usual) {
    const char* given = std::getenv("SIGNALBOX_CHECKER_ROUNDS");
    return given == nullptr ? usual : std::strtoul(given, nullptr, 10);
}

/// A scene in which conditions can be asked.
struct Scene {
    engine::Event source;
    EventView view;
    Json roots;
    std::vector<engine::Change> changes;
    Scope scope;

    Scene(Random& random, const std::string& type)
        : source(event(type)), view(source), roots(roots_of(random)), changes(changes_of(random)) {
        source.data = json(R"({"ticket":{"id":2}})");
        scope.event = &view;
        for (const auto& [root, fields] : roots.items()) scope.set(root, &fields);
        scope.changes = &changes;
        scope.now = noon;
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
};

Json count_of(Random& random) {
    return {{"count_over", {{"at_least", 1 + random.below(3)}, {"within", "1h"}, {"on", {"ticket.*"}}}}};
}

/// Conditions on few fields, so that they meet.
Json narrow_condition(Random& random, const std::vector<std::string>& fields, int depth) {
    Json result = Json::object();
    if (depth == 0 || random.chance(35)) {
        result[random.of(fields)] = random.chance(8) ? count_of(random) : comparison_of(random);
        return result;
    }
    Json children = Json::array();
    const auto count = 1 + random.below(3);
    for (std::size_t i = 0; i < count; ++i) children.push_back(narrow_condition(random, fields, depth - 1));
    result[random.of(std::vector<std::string>{"all", "all", "any", "none", "not"})] = children;
    return result;
}

std::vector<std::string> some_fields(Random& random) {
    std::vector<std::string> fields;
    for (int i = 0; i < 2; ++i) fields.push_back(random.of(paths));
    return fields;
}

Json random_step(Random& random) {
    const auto choice = random.below(10);
    if (choice < 4)
        return {{"set", {{"ticket.priority", random.of(std::vector<std::string>{"low", "a", "b"})}}}};
    if (choice < 6) return {{"set", {{"ticket.custom.a", scalar(random)}}}};
    if (choice < 7) return {{"unset", "ticket.custom.a"}};
    if (choice < 9)
        return {{random.chance(50) ? "add_tags" : "remove_tags",
                 Json::array({random.of(std::vector<std::string>{"a", "b", "vip"})})}};
    return {{"set", {{"ticket.subject", "{{ ticket.custom.a | upper }}"}}}};
}

Json random_rule(Random& random, std::size_t number, const std::vector<std::string>& fields) {
    Json rule{{"id", "r" + std::to_string(number)},
              {"on", random.of(patterns)},
              {"stop", random.chance(25)},
              {"repeat", random.chance(15)},
              {"then", Json::array()}};
    if (random.chance(25)) rule["group"] = "g";
    if (random.chance(85)) rule["when"] = narrow_condition(random, fields, static_cast<int>(random.below(3)));
    const auto steps = random.below(3);
    for (std::size_t i = 0; i < steps; ++i) rule["then"].push_back(random_step(random));
    return rule;
}

RuleSet random_set(Random& random, Json& source) {
    const auto fields = some_fields(random);
    source = Json::array();
    const auto count = 2 + random.below(5);
    for (std::size_t i = 0; i < count; ++i) source.push_back(random_rule(random, i, fields));
    auto set = rule_set(source.dump(), random.of(std::vector<Chaining>{Chaining::cascade, Chaining::restart,
                                                                       Chaining::snapshot, Chaining::none}));
    set.options.groups["g"] = {true};
    return set;
}

engine::Decision decide_at_random(const RuleSet& set, Random& random) {
    auto source = event(random.of(types));
    source.data = json(R"({"ticket":{"id":2}})");
    DecisionInput input;
    input.event = &source;
    input.kind = "ticket";
    const auto roots = roots_of(random);
    LinkedObjects linked;
    input.linked = &linked;
    for (const auto& [root, fields] : roots.items())
        if (root == "ticket")
            input.document = fields;
        else
            linked[root] = fields;
    if (!input.document.is_object()) input.document = Json::object();
    input.merged = changes_of(random);
    input.now = noon;
    for (const auto& rate : set.rates) input.counted_elsewhere[rate.id].assign(random.below(3), noon);
    return decide(set, std::move(input));
}

const Rule& rule_named(const RuleSet& set, const std::string& id) {
    return *std::find_if(set.rules.begin(), set.rules.end(), [&](const Rule& rule) { return rule.id == id; });
}

// ---- policies ----

/// Each at a line of its own, by which findings are told apart.
engine::Place line(const std::string& file, std::size_t number) {
    return {file, static_cast<int>(number) + 1, 1};
}

Condition placed(Condition condition, const engine::Place& place) {
    condition.place = place;
    return condition;
}

Condition random_condition(Random& random, const std::vector<std::string>& fields, Json& source) {
    const auto written = random.chance(90)
                             ? narrow_condition(random, fields, static_cast<int>(random.below(3)))
                             : Json::object();
    source.push_back(written);
    return condition(written);
}

/// Service levels and queues, with rules that choose among these.
RuleSet random_desk(Random& random, Json& source) {
    const auto fields = some_fields(random);
    source = Json::array();
    RuleSet set;
    set.version = "sha256:test";
    set.catalogue = Catalogue::shipped();
    for (std::size_t i = 0; i < 5; ++i) {
        SlaPolicy policy;
        policy.id = "p" + std::to_string(i);
        policy.kind = random.chance(90) ? "ticket" : "conversation";
        policy.place = line("sla.yaml", i);
        policy.when = placed(random_condition(random, fields, source), policy.place);
        policy.targets[SlaMetric::resolution].by_priority[""] = std::chrono::hours(1);
        set.sla.push_back(std::move(policy));
    }
    auto routing = std::make_shared<Routing>();
    for (std::size_t i = 0; i < 5; ++i) {
        Queue queue;
        queue.id = "q" + std::to_string(i);
        queue.kind = random.chance(90) ? "ticket" : "conversation";
        queue.place = line("routing.yaml", i);
        queue.when = placed(random_condition(random, fields, source), queue.place);
        routing->queues.push_back(std::move(queue));
    }
    if (random.chance(30)) routing->queues[0].overflow_to = "q4";
    for (std::size_t i = 0; i < 1 + random.below(2); ++i) {
        RouteStep route;
        route.asks_conditions = random.chance(85);
        const auto named = !route.asks_conditions ? 1 : random.chance(50) ? 0 : 2 + random.below(3);
        for (std::size_t name = 0; name < named; ++name)
            route.queues.push_back("q" + std::to_string(random.below(5)));
        source.push_back(route.queues);
        Rule rule;
        rule.id = "r" + std::to_string(i);
        rule.on = {"ticket.*"};
        rule.then.push_back({route, {}, {}});
        set.rules.push_back(std::move(rule));
    }
    set.routing = std::move(routing);
    return set;
}

/// The policy that the entity of the scene gets; empty = none.
std::string policy_in(const RuleSet& set, const Scene& scene) {
    SlaState state;
    const auto document = json(R"({"status":"open"})");
    follow(set, state, {"ticket", document, nullptr, false, noon, scene.scope});
    return state.clocks.empty() ? "" : state.clocks.begin()->second.policy;
}

/// The queues that the rules' steps lead to in the scene.
std::set<std::string> queues_in(const RuleSet& set, const Scene& scene) {
    std::set<std::string> queues;
    RecordingBoard board(nullptr, Json());
    const auto subject = *engine::Subject::parse("ticket/1");
    const Placement nowhere;
    Router router(set, subject, nowhere, noon, board);
    for (const auto& rule : set.rules)
        if (const auto to = router.route(std::get<RouteStep>(rule.then[0].what), rule.id, scene.scope))
            if (to->queue != nullptr) queues.insert(to->queue->id);
    return queues;
}

}  // namespace

TEST_CASE("checker: what cannot hold holds in no random world", "[checker]") {
    const auto seed = testing_random::seed_or(61);
    std::size_t impossible = 0, supposed = 0, worlds = 0;
    for (std::uint32_t round = 0; round < rounds(3'000); ++round) {
        Random random(seed + round);
        const auto written = narrow_condition(random, some_fields(random), 3);
        const auto compiled = condition(written);
        const TypePatterns on{random.of(patterns)};
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << written.dump());
        for (const auto& way : terms_of(compiled, 16).any) {
            const bool possible = can_hold(way.literals, on);
            impossible += possible ? 0 : 1;
            const auto holds_in = [&](const Scope& scope) {
                return std::all_of(way.literals.begin(), way.literals.end(), [&](const Literal& literal) {
                    return holds(*literal.comparison, scope) != literal.negated;
                });
            };
            if (possible) {
                supposed += suppose(way.literals, on, Catalogue::shipped()) ? 1 : 0;
                continue;
            }
            for (int i = 0; i < 200; ++i) {
                const auto& type = random.of(types);
                if (!type_fits(on[0], type)) continue;
                const Scene scene(random, type);
                ++worlds;
                INFO(scene.roots.dump());
                for (const auto& change : scene.changes) INFO(engine::to_json(change).dump());
                REQUIRE_FALSE(holds_in(scene.scope));
            }
        }
    }
    CHECK(impossible > rounds(3'000) / 20);
    CHECK(supposed > rounds(3'000) / 20);
    CHECK(worlds > impossible);
}

TEST_CASE("checker: what is supposed holds when it is supposed", "[checker]") {
    const auto seed = testing_random::seed_or(62);
    Random random(seed);
    std::size_t tried = 0;
    for (std::size_t round = 0; round < rounds(3'000); ++round) {
        const auto written = narrow_condition(random, some_fields(random), 3);
        const auto compiled = condition(written);
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << written.dump());
        for (const auto& way : terms_of(compiled, 16).any) {
            if (!can_hold(way.literals, {"ticket.*"})) continue;
            const auto world = suppose(way.literals, {"ticket.*"}, Catalogue::shipped());
            if (!world) continue;
            for (const auto& field : world->fields) {
                INFO(field.path.text);
                REQUIRE_FALSE(field.values.empty());
                for (const auto& literal : way.literals)
                    if (literal.comparison->field.text == field.path.text && !is_change_condition(literal))
                        REQUIRE(holds_for(literal, field.values.front()));
            }
            ++tried;
        }
    }
    CHECK(tried > rounds(3'000) / 4);
}

TEST_CASE("checker: what implies a rule's conditions does so in every random world", "[checker]") {
    const auto seed = testing_random::seed_or(63);
    std::size_t implied = 0, met = 0;
    for (std::uint32_t round = 0; round < rounds(2'000); ++round) {
        Random random(seed + round);
        Json source;
        const auto set = random_set(random, source);
        const Facts facts(set, 16);
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << source.dump());
        for (const auto& narrow : facts.rules())
            for (const auto& wide : facts.rules()) {
                if (&narrow == &wide || narrow.ways.empty() || !implies(narrow, wide)) continue;
                ++implied;
                for (int i = 0; i < 60; ++i) {
                    const auto& type = random.of(types);
                    const Scene scene(random, type);
                    if (!type_fits(*narrow.rule, type) || !holds(narrow.rule->when, scene.scope)) continue;
                    ++met;
                    INFO(narrow.rule->id << " and " << wide.rule->id << " on " << scene.roots.dump());
                    REQUIRE(type_fits(*wide.rule, type));
                    REQUIRE(holds(wide.rule->when, scene.scope));
                }
            }
    }
    CHECK(implied > rounds(2'000) / 4);
    CHECK(met > implied);
}

TEST_CASE("checker: what it finds in random rule sets is true of random events", "[checker]") {
    const auto seed = testing_random::seed_or(64);
    std::map<std::string, std::size_t> found;
    for (std::uint32_t round = 0; round < rounds(1'500); ++round) {
        Random random(seed + round);
        Json source;
        const auto set = random_set(random, source);
        const auto findings = check(set);
        if (findings.empty()) continue;
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << source.dump() << " chaining "
                                    << static_cast<int>(set.options.chaining));
        for (const auto& finding : findings) ++found[finding.kind];
        for (int i = 0; i < 60; ++i) {
            const auto decision = decide_at_random(set, random);
            const auto fired = [&](const std::string& rule) {
                return std::find(decision.fired.begin(), decision.fired.end(), rule) != decision.fired.end();
            };
            for (const auto& finding : findings) {
                const bool never = finding.message.find("can never fire") != std::string::npos;
                INFO(to_text(finding));
                if (never) REQUIRE_FALSE(fired(finding.rules[0]));
                // The other may only have failed.
                if (finding.message.find("can hardly fire") != std::string::npos && fired(finding.rules[0]))
                    REQUIRE(std::any_of(
                        decision.failures.begin(), decision.failures.end(),
                        [&](const engine::RuleFailure& one) { return one.rule == finding.rules[1]; }));
            }
        }
        for (const auto& finding : findings) {
            if (finding.kind != "subsumed-rule" && finding.kind != "duplicate-rule") continue;
            for (int i = 0; i < 40; ++i) {
                const auto& type = random.of(types);
                const Scene scene(random, type);
                const auto& narrow = rule_named(set, finding.rules[0]);
                const auto& wide = rule_named(set, finding.rules[1]);
                const bool narrow_fits = type_fits(narrow, type) && holds(narrow.when, scene.scope);
                const bool wide_fits = type_fits(wide, type) && holds(wide.when, scene.scope);
                INFO(to_text(finding) << scene.roots.dump());
                if (narrow_fits) REQUIRE(wide_fits);
                if (finding.kind == "duplicate-rule") REQUIRE(narrow_fits == wide_fits);
            }
        }
    }
    for (const char* kind : {"never-fires", "always-true", "shadowed-rule", "write-conflict"}) {
        INFO(kind);
        CHECK(found[kind] > rounds(1'500) / 100);
    }
}

TEST_CASE("checker: what it says of random service levels and queues is true of random entities",
          "[checker]") {
    const auto seed = testing_random::seed_or(66);
    std::map<std::string, std::size_t> found;
    for (std::uint32_t round = 0; round < rounds(1'500); ++round) {
        Random random(seed + round);
        Json source;
        const auto set = random_desk(random, source);
        const auto findings = check(set);
        for (const auto& finding : findings) ++found[finding.kind];
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ": " << source.dump());
        for (int i = 0; i < 60; ++i) {
            const Scene scene(random, random.of(types));
            const auto policy = policy_in(set, scene);
            const auto queues = queues_in(set, scene);
            INFO(scene.roots.dump());
            for (const auto& finding : findings) {
                if (finding.place.file.empty()) continue;  // of a rule
                INFO(to_text(finding));
                const auto number = static_cast<std::size_t>(finding.place.line) - 1;
                const bool is_policy = finding.place.file == "sla.yaml";
                if (is_policy) REQUIRE(set.sla[number].id != policy);
                if (finding.kind == "never-holds")
                    REQUIRE_FALSE(holds(is_policy ? set.sla[number].when : *set.routing->queues[number].when,
                                        scene.scope));
                else if (!is_policy)
                    REQUIRE_FALSE(queues.contains(set.routing->queues[number].id));
            }
        }
    }
    for (const char* kind : {"never-holds", "unreachable-policy", "unreachable-queue", "unused-queue"}) {
        INFO(kind);
        CHECK(found[kind] > rounds(1'500) / 20);
    }
}

TEST_CASE("checker: a type that fits the inner patterns fits the outer ones", "[checker]") {
    const auto seed = testing_random::seed_or(65);
    Random random(seed);
    const std::vector<std::string> parts{"a", "b", "*", ".", "ab"};
    const auto text = [&](bool stars) {
        std::string made;
        const auto count = 1 + random.below(4);
        for (std::size_t i = 0; i < count; ++i) {
            const auto& part = random.of(parts);
            made += part == "*" && !stars ? "a" : part;
        }
        return made;
    };
    for (int round = 0; round < 3'000; ++round) {
        const TypePatterns inner{text(true)}, outer{text(true), text(true)};
        const bool is_within = types_within(inner, outer);
        const bool are_apart = types_apart(inner, outer);
        INFO("SIGNALBOX_TEST_SEED=" << seed << ": " << inner[0] << " in " << outer[0] << ", " << outer[1]);
        for (int i = 0; i < 30; ++i) {
            const auto type = text(false);
            const bool fits_inner = type_fits(inner[0], type);
            const bool fits_outer = type_fits(outer[0], type) || type_fits(outer[1], type);
            INFO(type);
            if (is_within && fits_inner) REQUIRE(fits_outer);
            if (are_apart) REQUIRE_FALSE((fits_inner && fits_outer));
        }
        for (const auto& type : types_in_both(inner, outer)) REQUIRE(type_fits(inner[0], type));
    }
}

}  // namespace checker_sound
