// Whole decisions against a second, simple decider, on random rules and events, under every chaining mode.
#include <algorithm>
#include <string>

#include "tests/support/random.h"
#include "tests/support/reference_decide.h"
#include "tests/support/rules.h"

namespace chaining {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

const std::vector<std::string> fields{"ticket.priority", "ticket.custom.a", "ticket.custom.b",
                                      "ticket.custom.deep.c", "ticket.tags"};
const std::vector<std::string> priorities{"low", "normal", "high"};
const std::vector<std::string> tags{"x", "y", "z"};

Json tag_list(Random& random, std::size_t count_min) {
    Json list = Json::array();
    const auto count = count_min + random.below(3);
    for (std::size_t i = 0; i < count; ++i) list.push_back(random.of(tags));
    return list;
}

Json value_for(const std::string& field, Random& random) {
    if (field == "ticket.priority") return random.chance(97) ? random.of(priorities) : "no such priority";
    if (field == "ticket.tags") return tag_list(random, 0);
    if (random.chance(15))
        return "{{ " +
               random.of(std::vector<std::string>{"ticket.custom.a", "ticket.custom.b", "ticket.priority"}) +
               " }}";
    return random.below(3);
}

Json comparison_for(const std::string& field, Random& random) {
    if (field == "ticket.tags")
        return {{random.of(std::vector<std::string>{"has_any", "has_none", "has_all"}), tag_list(random, 1)}};
    if (random.chance(25)) return {{"exists", random.chance(50)}};
    if (random.chance(25)) return {{"changed", random.chance(70)}};
    const Json value = field == "ticket.priority" ? Json(random.of(priorities)) : Json(random.below(3));
    return {{random.of(std::vector<std::string>{"eq", "eq", "ne", "changed_to", "changed_from"}), value}};
}

Json condition_for(Random& random) {
    Json all = Json::object();
    const auto count = random.below(3);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& field = random.of(fields);
        all[field] = comparison_for(field, random);
    }
    return random.chance(10) ? Json{{"not", all}} : all;
}

Json steps_for(Random& random, int depth);

Json step_for(Random& random, int depth) {
    const auto kind = random.below(100);
    if (kind < 50) {
        Json set = Json::object();
        for (int i = random.chance(80) ? 1 : 2; i > 0; --i) {
            const auto& field = random.of(fields);
            set[field] = value_for(field, random);
        }
        return {{"set", set}};
    }
    if (kind < 60) return {{"unset", random.of(fields)}};
    if (kind < 72) return {{"add_tags", tag_list(random, 1)}};
    if (kind < 82) return {{"remove_tags", tag_list(random, 1)}};
    if (kind < 88) return {{"slack.post", {{"text", "{{ ticket.custom.a }}"}}}};
    if (kind < 90) return {{"stop", true}};
    if (depth == 0) return {{"add_tags", tag_list(random, 1)}};
    return {{"if", condition_for(random)},
            {"then", steps_for(random, depth - 1)},
            {"else", steps_for(random, depth - 1)}};
}

Json steps_for(Random& random, int depth) {
    Json steps = Json::array();
    const auto count = 1 + random.below(3);
    for (std::size_t i = 0; i < count; ++i) steps.push_back(step_for(random, depth));
    return steps;
}

Json rules_for(Random& random) {
    Json rules = Json::array();
    const auto count = 1 + random.below(8);
    for (std::size_t i = 0; i < count; ++i) {
        Json rule = {{"id", "r" + std::to_string(i)},
                     {"on", random.of(std::vector<std::string>{"ticket.*", "ticket.*", "ticket.created",
                                                               "ticket.updated"})},
                     {"when", condition_for(random)},
                     {"then", steps_for(random, 2)}};
        if (random.chance(8)) rule["stop"] = true;
        if (random.chance(20)) rule["repeat"] = true;
        if (random.chance(25)) rule["group"] = random.of(std::vector<std::string>{"g", "h", "free"});
        rules.push_back(rule);
    }
    return rules;
}

Json ticket_for(Random& random) {
    Json ticket = Json::object();
    if (random.chance(70)) ticket["priority"] = random.of(priorities);
    if (random.chance(60)) ticket["custom"]["a"] = random.below(3);
    if (random.chance(40)) ticket["custom"]["b"] = random.below(3);
    if (random.chance(20)) ticket["custom"]["deep"]["c"] = random.below(3);
    if (random.chance(60)) ticket["tags"] = reference::Decider::unique(tag_list(random, 0));
    return ticket;
}

std::vector<engine::Change> merged_for(const Json& ticket, Random& random) {
    std::vector<engine::Change> merged;
    for (const auto& field : fields) {
        const auto value = reference::Decider::at(ticket, field);
        if (!value.is_null() && random.chance(60))
            merged.push_back({field, random.chance(50) ? Json() : value_for(field, random), value, "", ""});
    }
    return merged;
}

/// One random situation, in both forms.
struct Situation {
    Json rules;
    reference::Options options;
    Json ticket;
    std::vector<engine::Change> merged;
    std::string type;

    explicit Situation(Random& random)
        : rules(rules_for(random)),
          ticket(ticket_for(random)),
          merged(merged_for(ticket, random)),
          type(random.of(std::vector<std::string>{"ticket.created", "ticket.updated"})) {
        options.on_conflict = random.of(std::vector<std::string>{"last", "last", "first", "fail"});
        options.on_error = random.chance(80) ? "rule" : "event";
        options.passes_max = random.chance(80) ? 16 : 3;
        options.first_match = {"g", "h"};
    }

    RuleSet rule_set(const std::string& chaining) const {
        auto set = testing::rule_set(rules.dump());
        set.options.chaining = chaining == "cascade"    ? Chaining::cascade
                               : chaining == "restart"  ? Chaining::restart
                               : chaining == "snapshot" ? Chaining::snapshot
                                                        : Chaining::none;
        set.options.on_conflict = options.on_conflict == "last"    ? OnConflict::last
                                  : options.on_conflict == "first" ? OnConflict::first
                                                                   : OnConflict::fail;
        set.options.on_error = options.on_error == "rule" ? OnError::rule : OnError::event;
        set.options.passes_max = options.passes_max;
        for (const auto& group : options.first_match) set.options.groups[group].first_match = true;
        set.options.groups["free"].first_match = false;
        return set;
    }

    engine::Decision decided(const RuleSet& set, bool trace = false) const {
        Case about;
        about.type(type);
        about.input.document = ticket;
        about.input.merged = merged;
        about.input.trace = trace;
        return about.decided_by(set);
    }

    std::string text() const {
        auto text = type + " on " + ticket.dump() + ", on_conflict " + options.on_conflict + ", on_error " +
                    options.on_error + ", passes_max " + std::to_string(options.passes_max);
        for (const auto& change : merged) text += "\nmerged " + engine::to_json(change).dump();
        for (const auto& rule : rules) text += "\n" + rule.dump();
        return text;
    }
};

// ---- the decision in the reference's words ----

std::vector<std::string> changes_of(const engine::Decision& decision) {
    std::vector<std::string> lines;
    for (const auto& change : decision.changes)
        lines.push_back(change.rule + " " + change.field + " " +
                        reference::Decider::ordered(change.field, change.from).dump() + " " +
                        reference::Decider::ordered(change.field, change.to).dump());
    return lines;
}

std::vector<std::string> conflicts_of(const engine::Decision& decision) {
    std::vector<std::string> lines;
    for (const auto& conflict : decision.conflicts)
        lines.push_back(Json({conflict.field, conflict.tag, conflict.first_rule, conflict.first_value,
                              conflict.second_rule, conflict.second_value,
                              conflict.kept.empty() ? "none" : conflict.kept})
                            .dump());
    return lines;
}

std::vector<std::string> actions_of(const engine::Decision& decision) {
    std::vector<std::string> lines;
    for (const auto& action : decision.actions)
        lines.push_back(action.rule + ":" + action.params.value("text", Json()).dump());
    return lines;
}

std::vector<std::string> failed_of(const engine::Decision& decision) {
    std::vector<std::string> ids;
    for (const auto& failure : decision.failures) ids.push_back(failure.rule);
    return ids;
}

/// Absent and null are one, objects without members are none, tags have no order.
Json plain(Json value) {
    if (!value.is_object()) return value;
    Json result = Json::object();
    for (auto& [key, member] : value.items()) {
        auto inner = plain(member);
        if (key == "tags") inner = reference::Decider::ordered("ticket.tags", inner);
        const bool is_nothing = inner.is_null() || (inner.is_structured() && inner.empty());
        if (!is_nothing) result[key] = inner;
    }
    return result;
}

const std::vector<std::string> modes{"cascade", "restart", "snapshot", "none"};

}  // namespace

TEST_CASE("chaining: decisions agree with the simple decider under every mode", "[differential]") {
    const auto seed = testing_random::seed_or(43);
    Random random(seed);
    std::map<std::string, int> outcomes;
    int conflicts = 0;
    int passes = 0;
    for (int round = 0; round < 1'000; ++round) {
        Situation situation(random);
        for (const auto& mode : modes) {
            INFO("seed " << seed << ", round " << round << ", " << mode << "\n" << situation.text());
            situation.options.chaining = mode;
            const auto decision = situation.decided(situation.rule_set(mode));
            const auto expected = reference::Decider(situation.rules, situation.options, situation.type,
                                                     situation.ticket, situation.merged)
                                      .decide();
            REQUIRE(std::string(engine::name_of(decision.outcome)) == expected.outcome);
            REQUIRE(decision.fired == expected.fired);
            REQUIRE(failed_of(decision) == expected.failed);
            REQUIRE(conflicts_of(decision) == expected.conflicts);
            REQUIRE(changes_of(decision) == expected.changes);
            REQUIRE(actions_of(decision) == expected.actions);
            REQUIRE(decision.cycle == expected.cycle);
            REQUIRE(plain(decision.document) == plain(expected.ticket));
            ++outcomes[expected.outcome];
            conflicts += expected.conflicts.empty() ? 0 : 1;
            passes += expected.fired.size() > 3 ? 1 : 0;
        }
    }
    // What matters came up often.
    CHECK(outcomes["ok"] > 1'200);
    CHECK(outcomes["error"] > 80);
    CHECK(outcomes["loop"] > 8);
    CHECK(conflicts > 400);
    CHECK(passes > 120);
}

TEST_CASE("chaining: a decision is its changes, applied in order to what came in", "[differential]") {
    const auto seed = testing_random::seed_or(44);
    Random random(seed);
    for (int round = 0; round < 400; ++round) {
        const Situation situation(random);
        for (const auto& mode : modes) {
            INFO("seed " << seed << ", round " << round << ", " << mode << "\n" << situation.text());
            const auto decision = situation.decided(situation.rule_set(mode));
            auto ticket = situation.ticket;
            for (const auto& change : decision.changes) {
                const auto before = reference::Decider::at(ticket, change.field);
                REQUIRE(before == change.from);
                REQUIRE(change.from != change.to);
                REQUIRE(std::count(decision.fired.begin(), decision.fired.end(), change.rule) > 0);
                reference::Decider::put(ticket, change.field, change.to);
            }
            auto document = decision.document;
            REQUIRE(document == ticket);
            if (decision.outcome != engine::Outcome::ok) REQUIRE(document == situation.ticket);
        }
    }
}

TEST_CASE("chaining: the same input gives the same decision, traced or not", "[differential]") {
    const auto seed = testing_random::seed_or(45);
    Random random(seed);
    for (int round = 0; round < 200; ++round) {
        const Situation situation(random);
        for (const auto& mode : modes) {
            INFO("seed " << seed << ", round " << round << ", " << mode << "\n" << situation.text());
            const auto set = situation.rule_set(mode);
            const auto once = situation.decided(set);
            const auto again = situation.decided(set);
            auto traced = situation.decided(set, true);
            REQUIRE(engine::to_json(once, true) == engine::to_json(again, true));
            REQUIRE(traced.trace.is_object());
            traced.trace = Json();
            REQUIRE(engine::to_json(traced, true) == engine::to_json(once, true));
            REQUIRE(traced.document == once.document);
        }
    }
}

namespace {

std::vector<std::string> with_status(const Json& trace, const std::string& status) {
    std::vector<std::string> ids;
    for (const auto& pass : trace["passes"])
        for (const auto& rule : pass["rules"])
            if (rule["status"] == status) ids.push_back(rule["id"].get<std::string>());
    return ids;
}

}  // namespace

TEST_CASE("chaining: the trace tells what the decision tells", "[differential]") {
    const auto seed = testing_random::seed_or(46);
    Random random(seed);
    for (int round = 0; round < 200; ++round) {
        const Situation situation(random);
        for (const auto& mode : modes) {
            INFO("seed " << seed << ", round " << round << ", " << mode << "\n" << situation.text());
            const auto decision = situation.decided(situation.rule_set(mode), true);
            if (decision.outcome == engine::Outcome::ok) {
                REQUIRE(with_status(decision.trace, "fired") == decision.fired);
                REQUIRE(with_status(decision.trace, "failed") == failed_of(decision));
            }
            for (const auto& pass : decision.trace["passes"])
                for (const auto& rule : pass["rules"]) {
                    if (rule["status"] == "fired") REQUIRE(rule["when"]["result"] == true);
                    if (rule["status"] == "conditions_not_met") REQUIRE(rule["when"]["result"] == false);
                }
        }
    }
}

}  // namespace chaining
