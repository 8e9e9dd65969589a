#include "tests/differential/families.h"

#include <cstdlib>
#include <limits>

#include "tests/support/random_conditions.h"

namespace rules::testing {
namespace {

using testing_random::Random;
using Texts = std::vector<std::string>;

/// About so many values a rule set needs several blocks and cells of their own.
constexpr Variety variety_of_many = 3'000;

const Texts types{"ticket.created", "ticket.updated", "comment.added", "ticket.sla.breached"};
const Texts patterns{"ticket.created", "ticket.updated", "ticket.*", "*", "*.added", "comment.*"};

/// Most values come from the many, where there are many.
bool is_one_of_many(Random& random, Variety variety) {
    return variety > 0 && random.chance(85);
}

Json some(Random& random, Variety variety, std::size_t count_max,
          Json (*one)(Random& random, Variety variety)) {
    Json list = Json::array();
    const auto count = 1 + random.below(random.chance(5) ? 10 * count_max : count_max);
    for (std::size_t i = 0; i < count; ++i) list.push_back(one(random, variety));
    return list;
}

Json one_or_some(Random& random, Variety variety, Json (*one)(Random& random, Variety variety)) {
    return random.chance(60) ? one(random, variety) : some(random, variety, 3, one);
}

// ---- equality

/// Texts that differ in one byte, at the lengths at which they are stored in other ways.
std::string nearly_equal_text(Random& random) {
    static const std::vector<std::size_t> lengths{1, 7, 8, 9, 15, 16, 17, 31, 64, 600};
    std::string text(random.of(lengths), 'a');
    if (random.chance(60)) text[random.below(text.size())] = random.chance(30) ? '\0' : 'b';
    return text;
}

std::string text_of_many(Random& random, Variety variety) {
    const auto number = std::to_string(random.below(variety));
    switch (number.back() % 3) {
        case 0:
            return "q" + number;
        case 1:
            return "queue-" + number + "-europe";
        default:
            return "a text with a long common beginning, number " + number;
    }
}

Json equal_value(Random& random, Variety variety) {
    if (is_one_of_many(random, variety))
        return random.chance(70) ? Json(text_of_many(random, variety)) : Json(random.below(variety));
    if (random.chance(30)) return nearly_equal_text(random);
    return random.chance(20) ? random_conditions::value(random) : random_conditions::scalar(random);
}

Json equality(Random& random, Variety variety) {
    const auto scalar = [](Random& from, Variety among) {
        auto value = equal_value(from, among);
        return value.is_primitive() && !value.is_null() ? value : Json("a");
    };
    switch (random.below(8)) {
        case 0:
            return scalar(random, variety);
        case 1:
            return some(random, variety, 3, scalar);
        case 2:
            return {{"exists", random.chance(50)}};
        case 3:
            return {{"ne", scalar(random, variety)}};
        case 4:
            return {{"not_in", some(random, variety, 4, scalar)}};
        case 5:
            return {{"in", some(random, variety, 4, scalar)}};
        case 6:
            return {{random.chance(50) ? "eq" : "ne", some(random, variety, 2, scalar)}};
        default:
            return {{"eq", scalar(random, variety)}};
    }
}

// ---- order

std::string instant_text(Random& random, Variety variety) {
    if (is_one_of_many(random, variety))
        return engine::to_text(noon - std::chrono::seconds(random.below(variety) * 60));
    static const Texts odd{
        "2026-05-04T12:00:00Z",        "2026-05-04T14:00:00+02:00",   "2026-05-04T11:00:00Z",
        "2026-05-04T11:00:00.000001Z", "2026-05-04T11:59:59.999999Z", "2026-05-04T10:00:00Z",
        "2026-05-04T09:30:00-00:30",   "1970-01-01T00:00:00Z",        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",        "0001-01-01T00:00:00Z",        "2026-05-03T12:00:00Z"};
    return random.of(odd);
}

Json number(Random& random, Variety variety) {
    if (!is_one_of_many(random, variety)) return static_cast<double>(random.below(9)) / 2 - 2;
    const auto whole = static_cast<std::int64_t>(random.below(variety)) - 100;
    return random.chance(50) ? Json(whole) : Json(static_cast<double>(whole) + 0.25);
}

Json bound(Random& random, Variety variety) {
    return random.chance(55) ? number(random, variety) : Json(instant_text(random, variety));
}

Json order(Random& random, Variety variety) {
    static const Texts bounded{"gt", "gte", "lt", "lte"};
    static const Texts spans{"0s", "1s", "30m", "1h", "1h30m", "2h", "1d", "365d"};
    if (random.chance(20)) {
        const auto span = variety > 0 ? std::to_string(random.below(variety)) + "m" : random.of(spans);
        return {{random.chance(50) ? "older_than" : "newer_than", span}};
    }
    if (random.chance(5)) return {{"within_hours", "office"}};
    if (random.chance(5))
        return {{"count_over", {{"at_least", 1 + random.below(3)}, {"within", "1h"}, {"on", {"ticket.*"}}}}};
    if (random.chance(30)) return {{"between", {bound(random, variety), bound(random, variety)}}};
    Json comparison = {{random.of(bounded), bound(random, variety)}};
    if (random.chance(20)) comparison[random.of(bounded)] = bound(random, variety);
    return comparison;
}

Json ordered_value(Random& random, Variety variety) {
    static const Texts no_times{"", "2026-05-04", "noon", "2026-13-04T12:00:00Z", "2026-05-04T12:00:00"};
    if (random.chance(5)) return random.of(no_times);
    return random.chance(5) ? random_conditions::value(random) : bound(random, variety);
}

// ---- text

const Texts& odd_words() {
    static const Texts words{"a",      "b",  "aa",    "aaa", "ab",  "aba",  "abab",   "refund",  "fund",
                             "Refund", "re", "REF",   "u n", "n-d", "v.i.", "Straße", "STRASSE", "straße",
                             "ß",      "ss", "ẞ",     "Ä",   "ä",   "İ",    "i",      "ı",       "I",
                             "ſ",      "s",  "S",     "K",   "k",   "K",    "Å",      "å",       "Å",
                             "Σ",      "ς",  "σ",     "ﬁ",   "fi",  "é",    "é",      "日",      "本語",
                             "😀",      "ǅ",  "ÄRGER", "é!",  "🇩🇪",  "1",    "12",     "_",       ".",
                             "-",      " ",  ""};
    return words;
}

std::string word(Random& random, Variety variety) {
    if (!is_one_of_many(random, variety)) return random.of(odd_words());
    const auto number = std::to_string(random.below(variety));
    if (random.chance(40)) return "prefix of some length " + number;
    return random.chance(50) ? "Word" + number : "ä" + number;
}

Json word_operand(Random& random, Variety variety) {
    auto text = word(random, variety);
    if (random.chance(30)) text += random.chance(50) ? " " + word(random, variety) : word(random, variety);
    return text;
}

Json pattern(Random& random, Variety variety) {
    static const Texts odd{
        "a",      "^a",      "b$",       "r.f",   "[xy]",      "a{2,3}",    "^$",        "(re|ma)",
        "\\d+",   "\\bre",   "straße",   "Ä",     "[äÖ]",      "k",         "(?i)K",     "ſ",
        "^ref",   "\\pL\\d", "s$",       "(?i)İ", "ärger|aba", "refund.*k", "(?s)a.*b$", "a*?b+",
        "(a|b)*", "\\x{4B}", "[^a-z ]+", "ab.?a", "(?-i)REF",  "fu(?i)ND",  "q{0}fun",   "\\Qn-d\\E"};
    if (!is_one_of_many(random, variety)) return random.of(odd);
    return "word" + std::to_string(random.below(variety)) + (random.chance(50) ? "$" : "[ -]");
}

Json text_search(Random& random, Variety variety) {
    static const Texts operators{"contains", "not_contains", "starts_with", "ends_with", "any_word"};
    Json comparison = Json::object();
    const auto count = random.chance(80) ? 1 : 2;
    for (int i = 0; i < count; ++i) {
        if (random.chance(25))
            comparison["matches"] = one_or_some(random, variety, pattern);
        else
            comparison[random.of(operators)] = one_or_some(random, variety, word_operand);
    }
    if (random.chance(30)) comparison["case"] = true;
    return comparison;
}

Json text_value(Random& random, Variety variety) {
    if (random.chance(5)) return random_conditions::value(random);
    static const Texts between{"", "", " ", " ", " ", "-", ",", "\n", "\t", "\u00a0", "."};
    std::string text;
    const auto words = random.below(7);
    for (std::size_t i = 0; i < words; ++i) text += random.of(between) + word(random, variety);
    // Behind the place at which folding needs memory of its own, and before it.
    if (random.chance(10))
        text.insert(random.chance(50) ? 0 : text.size(),
                    std::string(480 + random.below(64), random.chance(50) ? 'x' : 'R'));
    if (random.chance(3)) text += std::string("\0fund", 5);
    return text;
}

// ---- lists

Json item(Random& random, Variety variety) {
    if (is_one_of_many(random, variety)) return "tag-" + std::to_string(random.below(variety));
    static const Texts tags{"vip", "VIP", "spam", "", "a", "b", "new", "a long tag that is kept elsewhere"};
    return random.chance(75) ? Json(random.of(tags)) : random_conditions::scalar(random);
}

Json list_search(Random& random, Variety variety) {
    static const Texts operators{"has_any", "has_all", "has_none"};
    if (random.chance(10)) return {{random.chance(50) ? "eq" : "ne", some(random, variety, 3, item)}};
    Json comparison = Json::object();
    const auto count = random.chance(75) ? 1 : 2;
    for (int i = 0; i < count; ++i) {
        if (random.chance(25))
            comparison["has"] = item(random, variety);
        else
            comparison[random.of(operators)] = some(random, variety, 3, item);
    }
    return comparison;
}

Json list_value(Random& random, Variety variety) {
    if (random.chance(10)) return random_conditions::value(random);
    if (random.chance(10)) return item(random, variety);
    if (random.chance(8)) return Json::array();
    auto list = some(random, variety, 6, item);
    if (random.chance(10)) list.push_back(random_conditions::value(random));
    return list;
}

// ---- changes

Json change(Random& random, Variety variety) {
    const auto scalar = [](Random& from, Variety among) {
        return among > 0 ? Json(text_of_many(from, among)) : random_conditions::scalar(from);
    };
    if (random.chance(30)) return {{"changed", random.chance(70)}};
    Json comparison = {
        {random.chance(50) ? "changed_from" : "changed_to", one_or_some(random, variety, scalar)}};
    if (random.chance(30)) comparison["changed_to"] = one_or_some(random, variety, scalar);
    if (random.chance(20)) comparison["eq"] = scalar(random, variety);
    return comparison;
}

Json changed_value(Random& random, Variety variety) {
    if (is_one_of_many(random, variety)) return text_of_many(random, variety);
    return random_conditions::value(random);
}

// ---- networks

std::string address(Random& random, Variety variety) {
    static const Texts odd{"10.0.0.1", "10.0.0.255", "10.1.2.3",    "192.168.1.1",      "0.0.0.0",
                           "::1",      "::",         "2001:db8::1", "::ffff:10.0.0.1",  "255.255.255.255",
                           "fe80::1",  "FE80::1",    "2001:DB8::",  "2001:db8:0:1::ff", "::ffff:0:0"};
    if (!is_one_of_many(random, variety)) return random.of(odd);
    const auto number = random.below(variety);
    return "10." + std::to_string(number % 3) + "." + std::to_string(number / 256) + "." +
           std::to_string(number % 256);
}

Json network(Random& random, Variety variety) {
    const auto text = address(random, variety);
    if (random.chance(30)) return text;
    const auto bits_max = text.find(':') == std::string::npos ? 32U : 128U;
    const auto bits = random.chance(50) ? bits_max - random.below(9) : random.below(bits_max + 1);
    return text + "/" + std::to_string(bits);
}

Json in_network(Random& random, Variety variety) {
    Json comparison = {{"cidr", one_or_some(random, variety, network)}};
    if (random.chance(20)) comparison["ne"] = address(random, variety);
    if (random.chance(20)) comparison["starts_with"] = "10.";
    return comparison;
}

Json address_value(Random& random, Variety variety) {
    static const Texts no_addresses{"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "host", ":::", "1"};
    if (random.chance(5)) return random_conditions::value(random);
    return random.chance(8) ? random.of(no_addresses) : address(random, variety);
}

// ---- numbers at the limits

Json extreme_number(Random& random, Variety variety) {
    using Signed = std::numeric_limits<std::int64_t>;
    using Double = std::numeric_limits<double>;
    constexpr std::int64_t exact_max = std::int64_t{1} << 53;
    static const std::vector<Json> odd{exact_max - 1,
                                       exact_max,
                                       exact_max + 1,
                                       -exact_max,
                                       -exact_max - 1,
                                       static_cast<double>(exact_max),
                                       Signed::max(),
                                       Signed::min(),
                                       0.1,
                                       -0.0,
                                       0,
                                       0.0,
                                       1,
                                       1.0,
                                       0.1 + 0.2,
                                       0.3,
                                       1e300,
                                       -1e300,
                                       1e-300,
                                       2e-308,
                                       Double::max(),
                                       -Double::max(),
                                       Double::denorm_min(),
                                       Double::epsilon(),
                                       1 + Double::epsilon(),
                                       9223372036854775808.0,
                                       -9223372036854775808.0,
                                       18446744073709551616.0,
                                       std::numeric_limits<std::uint64_t>::max(),
                                       std::numeric_limits<std::uint64_t>::max() - 1,
                                       std::uint64_t{1} << 63,
                                       (std::uint64_t{1} << 63) + 1,
                                       Signed::max() - 1};
    if (!is_one_of_many(random, variety)) return random.of(odd);
    const auto above = static_cast<std::int64_t>(random.below(variety));
    if (random.chance(30)) return static_cast<double>(exact_max + above);
    return random.chance(50) ? Json(exact_max + above)
                             : Json(std::numeric_limits<std::uint64_t>::max() - random.below(variety));
}

Json number_comparison(Random& random, Variety variety) {
    static const Texts operators{"eq", "ne", "gt", "gte", "lt", "lte"};
    switch (random.below(6)) {
        case 0:
            return {{"between", {extreme_number(random, variety), extreme_number(random, variety)}}};
        case 1:
            return {{random.chance(50) ? "in" : "not_in", some(random, variety, 4, extreme_number)}};
        case 2:
            return {{random.chance(50) ? "has_any" : "has_none", some(random, variety, 3, extreme_number)}};
        default:
            return {{random.of(operators), extreme_number(random, variety)}};
    }
}

Json number_value(Random& random, Variety variety) {
    if (random.chance(4)) return random_conditions::value(random);
    if (random.chance(15)) return some(random, variety, 3, extreme_number);
    return extreme_number(random, variety);
}

// ---- everything

Json any_comparison(Random& random, Variety variety) {
    static Json (*const all[])(Random&, Variety) = {equality, order,      text_search,      list_search,
                                                    change,   in_network, number_comparison};
    return all[random.below(std::size(all))](random, variety);
}

Json any_value(Random& random, Variety variety) {
    static Json (*const all[])(Random&, Variety) = {equal_value,   ordered_value, text_value,  list_value,
                                                    changed_value, address_value, number_value};
    return all[random.below(std::size(all))](random, variety);
}

// ---- rules and walks

Json random_condition(const Family& family, Random& random, Variety variety, std::size_t depth) {
    static const Texts groups{"all", "any", "none", "not"};
    Json result = Json::object();
    const auto entries = 1 + random.below(random.chance(40) ? 3 : 1);
    for (std::size_t i = 0; i < entries; ++i) {
        if (depth == 0 || random.chance(60)) {
            result[random.of(family.fields)] = family.comparison(random, variety);
            continue;
        }
        Json children = Json::array();
        // More than 16 are more than a rule's conditions are taken apart into.
        const auto count = random.chance(4) ? 14 + random.below(8) : random.below(4);
        for (std::size_t child = 0; child < count; ++child)
            children.push_back(random_condition(family, random, variety, depth - 1));
        result[random.of(groups)] = children;
    }
    return result;
}

Rule random_rule(const Family& family, Random& random, Variety variety, std::size_t number) {
    Rule rule;
    rule.id = "r" + std::to_string(number);
    const auto count = 1 + random.below(2);
    for (std::size_t i = 0; i < count; ++i) rule.on.push_back(random.of(patterns));
    rule.when = condition(random_condition(family, random, variety, random.below(family.depth + 1)));
    return rule;
}

}  // namespace

const std::vector<Family>& families() {
    static const std::vector<Family> all{
        {"equality",
         {"ticket.subject", "ticket.priority", "ticket.escalated", "ticket.tags", "ticket.custom.a",
          "contact.tier"},
         equality,
         equal_value},
        {"order",
         {"ticket.satisfaction_score", "ticket.due_at", "ticket.created_at", "ticket.custom.a"},
         order,
         ordered_value},
        {"text", {"ticket.subject", "ticket.description", "ticket.custom.a"}, text_search, text_value},
        {"lists", {"ticket.tags", "ticket.custom.list", "contact.tags"}, list_search, list_value},
        {"change",
         {"ticket.status", "ticket.tags", "ticket.custom", "ticket.custom.a", "ticket.custom.b.c"},
         change,
         changed_value},
        {"nested",
         {"ticket.subject", "ticket.priority", "ticket.tags", "ticket.due_at", "ticket.custom",
          "ticket.custom.a", "contact.tier", "event.type", "event.data.ticket.id"},
         any_comparison,
         any_value,
         4},
        {"networks", {"ticket.custom.ip", "ticket.custom.a"}, in_network, address_value},
        {"limits",
         {"ticket.satisfaction_score", "ticket.custom.a", "ticket.custom.list"},
         number_comparison,
         number_value},
    };
    return all;
}

std::uint32_t rounds() {
    const char* given = std::getenv("SIGNALBOX_MATCHER_ROUNDS");
    return given == nullptr ? 1'000 : static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
}

RuleSet random_rule_set(const Family& family, Random& random, Variety variety) {
    RuleSet set;
    set.catalogue = Catalogue::shipped();
    set.rules = random_rules(family, random, variety);
    return set;
}

Variety random_variety(Random& random) {
    if (random.chance(1)) return variety_of_many;
    return random.chance(30) ? 2 + random.below(60) : 0;
}

std::vector<Rule> random_rules(const Family& family, Random& random, Variety variety) {
    const auto count = variety == variety_of_many ? 600 + random.below(1'400) : 1 + random.below(40);
    std::vector<Rule> rules;
    for (std::size_t i = 0; i < count; ++i) rules.push_back(random_rule(family, random, variety, i));
    return rules;
}

Walk random_walk(const Family& family, Random& random, Variety variety) {
    const auto is_field = [](const std::string& field) { return !field.starts_with("event."); };
    Walk walk{random.of(types), {{"ticket", Json::object()}}, {}, {}};
    for (const auto& field : family.fields)
        if (is_field(field) && random.chance(75))
            engine::put(walk.roots, engine::path_of(field), family.value(random, variety));
    const auto changes = random.chance(family.name == "change" ? 80 : 20) ? random.below(5) : 0;
    for (std::size_t i = 0; i < changes; ++i)
        walk.changes.push_back(
            {random.of(family.fields), family.value(random, variety), family.value(random, variety), "", ""});
    const auto writes = random.chance(40) ? random.below(4) : 0;
    for (std::size_t i = 0; i < writes; ++i) {
        const auto& field = random.of(family.fields);
        if (is_field(field))
            walk.writes.push_back({1 + random.below(5), field, family.value(random, variety)});
    }
    return walk;
}

}  // namespace rules::testing
