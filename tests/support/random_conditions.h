#pragma once
/// Random conditions over a few fields, and documents, events and changes that they are about.

#include <string>
#include <vector>

#include "engine/model/change.h"
#include "tests/support/random.h"
#include "tests/support/rules.h"

namespace rules::random_conditions {

using engine::Json;
using testing::json;
using testing_random::Random;

inline const std::vector<std::string> paths{
    "ticket.subject",      "ticket.priority", "ticket.satisfaction_score",
    "ticket.escalated",    "ticket.due_at",   "ticket.tags",
    "ticket.custom",       "ticket.custom.a", "ticket.custom.b.c",
    "ticket.custom.list",  "contact.tier",    "event.type",
    "event.data.ticket.id"};

inline const std::vector<std::string> scalars{R"("")",
                                              R"("a")",
                                              R"("A")",
                                              R"("b")",
                                              R"("a b")",
                                              R"("B-a x")",
                                              R"("cancel my order")",
                                              R"("Cancel!")",
                                              R"("vip")",
                                              "0",
                                              "1",
                                              "2",
                                              "2.0",
                                              "2.5",
                                              "-1",
                                              "true",
                                              "false",
                                              R"("2026-05-04T09:00:00Z")",
                                              R"("2026-05-04T11:00:00Z")",
                                              R"("2026-05-04T12:00:00Z")",
                                              R"("ticket.created")"};
inline const std::vector<std::string> others{
    "null",    "[]", R"(["a"])",   R"(["b","a"])",         R"(["a","b","vip"])",
    "[1,2.0]", "{}", R"({"c":1})", R"({"c":"a","d":null})"};
inline const std::vector<std::string> texts{"a", "b", "A", "cancel", "my", "order", "x", "vip", "ticket"};

inline Json value(Random& random) {
    return json(random.chance(75) ? random.of(scalars) : random.of(others));
}
inline Json scalar(Random& random) {
    return json(random.of(scalars));
}

inline Json list_of(Random& random, const auto& one) {
    Json list = Json::array();
    const auto count = 1 + random.below(3);
    for (std::size_t i = 0; i < count; ++i) list.push_back(one(random));
    return list;
}

inline Json text(Random& random) {
    return random.of(texts);
}
inline Json one_or_more(Random& random, const auto& one) {
    return random.chance(60) ? one(random) : list_of(random, one);
}

inline Json bound(Random& random) {
    return json(random.of(std::vector<std::string>{"0", "1", "2", "2.5", R"("2026-05-04T09:00:00Z")",
                                                   R"("2026-05-04T11:30:00Z")"}));
}

inline Json pattern(Random& random) {
    return random.of(
        std::vector<std::string>{"a", "^a", "b$", "c.n", "[xy]", "or?d", "^$", "(vip|my)", "\\d+", "o{1,2}"});
}

inline Json operand_for(const std::string& op, Random& random) {
    if (op == "eq" || op == "ne") return random.chance(80) ? scalar(random) : json(R"(["a","b"])");
    if (op == "in" || op == "not_in") return list_of(random, scalar);
    if (op == "between") return Json::array({bound(random), bound(random)});
    if (op == "gt" || op == "gte" || op == "lt" || op == "lte") return bound(random);
    if (op == "matches") return one_or_more(random, pattern);
    if (op == "has") return scalar(random);
    if (op.starts_with("has")) return list_of(random, scalar);
    if (op == "exists" || op == "changed") return random.chance(50);
    if (op == "changed_from" || op == "changed_to") return one_or_more(random, scalar);
    if (op.ends_with("er_than")) return std::to_string(random.below(5)) + "h";
    return one_or_more(random, text);
}

inline std::vector<std::string> compared_operators() {
    auto names = operator_names();
    // The reference knows no networks, no calendars and no other events.
    std::erase(names, "cidr");
    std::erase(names, "within_hours");
    std::erase(names, "count_over");
    return names;
}

inline Json comparison_of(Random& random) {
    static const auto operators = compared_operators();
    if (random.chance(20)) return scalar(random);
    if (random.chance(10)) return list_of(random, scalar);
    Json comparison = Json::object();
    const auto count = random.chance(80) ? 1 : 2;
    for (int i = 0; i < count; ++i) {
        const auto& op = random.of(operators);
        comparison[op] = operand_for(op, random);
    }
    if (random.chance(15)) comparison["case"] = true;
    return comparison;
}

inline Json condition_of_depth(Random& random, int depth) {
    Json result = Json::object();
    const auto entries = random.chance(80) ? 1 : 2;
    for (int i = 0; i < entries; ++i) {
        if (depth == 0 || random.chance(40)) {
            result[random.of(paths)] = comparison_of(random);
            continue;
        }
        Json children = Json::array();
        const auto count = random.below(4);
        for (std::size_t child = 0; child < count; ++child)
            children.push_back(condition_of_depth(random, depth - 1));
        result[random.of(std::vector<std::string>{"all", "any", "none", "not"})] = children;
    }
    return result;
}

inline Json roots_of(Random& random) {
    Json roots = {{"ticket", Json::object()}};
    for (const auto& path : paths)
        if (!path.starts_with("event") && random.chance(60))
            engine::put(roots, engine::path_of(path), value(random));
    return roots;
}

inline std::vector<engine::Change> changes_of(Random& random) {
    std::vector<engine::Change> changes;
    const auto count = random.below(4);
    for (std::size_t i = 0; i < count; ++i)
        changes.push_back({random.of(paths), value(random), value(random), "", ""});
    return changes;
}

}  // namespace rules::random_conditions
