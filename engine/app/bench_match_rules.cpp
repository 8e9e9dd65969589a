/// A helpdesk's rules and events for `bench match`: fields with many and with few values, common and rare
/// ones.

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "engine/app/bench_match_set.h"
#include "engine/base/ensure.h"

namespace engine::app {
namespace {

using rules::Condition;
using rules::Operator;

/// mt19937's numbers are the same everywhere; the library's distributions are not.
class Dice {
public:
    explicit Dice(std::uint32_t seed) : numbers_(seed) {}
    std::size_t below(std::size_t limit) {
        return static_cast<std::size_t>(std::uint64_t{numbers_()} * limit >> 32);
    }
    double share() { return static_cast<double>(numbers_()) / 4294967296.0; }
    template <class Values>
    const auto& of(const Values& values) {
        return values[below(values.size())];
    }

private:
    std::mt19937 numbers_;
};

/// A field whose values come with falling frequency: the first most often.
struct Choice {
    std::string field;
    std::vector<std::string> values;
    double present = 1;
    std::vector<double> shares{};  ///< of each value where the field is there
};

std::vector<std::string> numbered(const std::string& name, std::size_t count) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(name + "-" + std::to_string(i + 1));
    return values;
}

std::vector<Choice> choices() {
    std::vector<Choice> all{
        {"ticket.status", {"open", "new", "pending", "solved", "on_hold", "closed"}},
        {"ticket.priority", {"normal", "low", "high", "urgent"}},
        {"ticket.channel", {"email", "chat", "web", "phone", "form", "sms", "api"}},
        {"ticket.group", numbered("group", 60), 0.9},
        {"ticket.assignee", numbered("agent", 200), 0.7},
        {"ticket.language", {"en", "de", "fr", "es", "nl", "it", "pt", "pl"}},
        {"ticket.requester.country", {"US", "DE", "GB", "FR", "NL", "ES", "IT", "PL", "SE", "CH",
                                      "AT", "BE", "PT", "CA", "AU", "IN", "BR", "JP", "MX", "IE"}},
        {"ticket.custom.product", numbered("product", 40)},
        {"ticket.custom.plan", {"free", "team", "business", "enterprise"}, 0.95},
        {"ticket.custom.region", {"eu", "us", "apac", "latam"}},
    };
    for (auto& choice : all) {
        double sum = 0;
        for (std::size_t i = 0; i < choice.values.size(); ++i)
            choice.shares.push_back(1 / std::pow(static_cast<double>(i) + 1, 0.7)),
                sum += choice.shares.back();
        for (auto& share : choice.shares) share /= sum;
    }
    return all;
}

const std::vector<std::string> types{"ticket.updated",  "ticket.created", "comment.added",
                                     "ticket.assigned", "ticket.solved",  "ticket.reopened"};
const std::vector<std::string> first_names{"ada",  "ben",  "cleo", "dan", "eva",  "finn", "gina", "hal",
                                           "iris", "jack", "kim",  "leo", "mona", "nils", "olga", "paul"};
const std::vector<std::string> words{
    "account",  "again",  "answer", "app",     "billing", "blank",   "broken", "button", "cancel",  "card",
    "change",   "charge", "client", "code",    "confirm", "contact", "copy",   "crash",  "damaged", "delay",
    "delivery", "double", "error",  "export",  "failed",  "file",    "filter", "gone",   "help",    "import",
    "invoice",  "late",   "login",  "lost",    "mail",    "missing", "month",  "open",   "order",   "page",
    "paid",     "parcel", "part",   "price",   "print",   "refund",  "report", "reset",  "return",  "screen",
    "search",   "seat",   "server", "setting", "slow",    "support", "table",  "update", "wrong",   "year"};
constexpr std::size_t seats_max = 1000;
constexpr std::size_t revenue_max = 100'000;

std::size_t picked(const Choice& choice, Dice& dice) {
    auto left = dice.share();
    for (std::size_t i = 0; i < choice.shares.size(); ++i)
        if ((left -= choice.shares[i]) < 0) return i;
    return choice.shares.size() - 1;
}

/// Small numbers more often: the square of an even share.
std::size_t skewed(std::size_t most, Dice& dice) {
    const auto share = dice.share();
    return static_cast<std::size_t>(share * share * static_cast<double>(most));
}
double share_above(std::size_t bound, std::size_t most) {
    return 1 - std::sqrt(static_cast<double>(bound) / static_cast<double>(most));
}

std::string sentence(std::size_t length, Dice& dice) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += (i == 0 ? "" : " ") + dice.of(words);
    return text;
}

std::string phrase(Dice& dice) {
    return sentence(2, dice);
}

Json event(std::size_t number, const std::vector<Choice>& fields, Dice& dice) {
    Json data = Json::object();
    const auto name = dice.of(first_names) + std::to_string(dice.below(100));
    put(data, path_of("ticket.id"), std::to_string(100'000 + number));
    put(data, path_of("ticket.subject"), sentence(3 + dice.below(5), dice));
    put(data, path_of("ticket.description"), sentence(30 + dice.below(50), dice));
    put(data, path_of("ticket.requester.email"), name + "@example.com");
    put(data, path_of("ticket.requester.name"), name);
    for (const auto& choice : fields)
        if (dice.share() < choice.present)
            put(data, path_of(choice.field), choice.values[picked(choice, dice)]);
    put(data, path_of("ticket.custom.seats"), skewed(seats_max, dice));
    put(data, path_of("ticket.custom.revenue"), skewed(revenue_max, dice));
    Json tags = Json::array();
    for (std::size_t i = dice.below(4); i > 0; --i) tags.push_back(dice.of(words));
    put(data, path_of("ticket.tags"), tags);
    return {{"specversion", "1.0"},
            {"id", "event-" + std::to_string(number)},
            {"source", "/helpdesk"},
            {"type", dice.of(types)},
            {"subject", "ticket/" + std::to_string(100'000 + number)},
            {"time", "2026-05-04T09:00:00Z"},
            {"data", std::move(data)}};
}

/// A condition and how often it holds.
struct Likely {
    Condition condition;
    double share = 1;
};

Likely of_choice(const Choice& choice, Dice& dice) {
    const auto kind = dice.share();
    if (kind < 0.05 && choice.present < 1)
        return {compared(choice.field, Operator::exists, false), 1 - choice.present};
    if (kind < 0.5) {
        const auto value = dice.below(choice.values.size());
        return {compared(choice.field, Operator::eq, choice.values[value]),
                choice.present * choice.shares[value]};
    }
    Json list = Json::array();
    double share = 0;
    const auto count = std::min<std::size_t>(2 + dice.below(3), choice.values.size() - 1);
    const auto first = dice.below(choice.values.size() - count + 1);
    for (auto i = first; i < first + count; ++i) list.push_back(choice.values[i]), share += choice.shares[i];
    if (kind < 0.85) return {compared(choice.field, Operator::in, list), choice.present * share};
    return {compared(choice.field, Operator::not_in, list), 1 - choice.present * share};
}

Likely of_number(const std::string& field, std::size_t most, Dice& dice) {
    const auto low = skewed(most, dice);
    if (dice.share() < 0.5) return {compared(field, Operator::gte, low), share_above(low, most)};
    const auto high = std::min(most, low + 1 + dice.below(most / 4));
    return {compared(field, Operator::between, Json::array({low, high})),
            share_above(low, most) - share_above(high, most)};
}

Likely one_condition(std::size_t which, const std::vector<Choice>& fields, Dice& dice) {
    if (which < fields.size()) return of_choice(fields[which], dice);
    switch (which - fields.size()) {
        case 0:
            return of_number("ticket.custom.seats", seats_max, dice);
        case 1:
            return of_number("ticket.custom.revenue", revenue_max, dice);
        case 2: {
            const auto prefix = dice.of(first_names) + std::to_string(1 + dice.below(9));
            return {compared("ticket.requester.email", Operator::starts_with, prefix), 0.11 / 16};
        }
        default:
            return {compared("ticket.tags", Operator::has_any, Json::array({dice.of(words), dice.of(words)})),
                    0.05};
    }
}

/// Two to five conditions on different fields that together hold about as often as wanted.
Condition mixed(double wanted, const std::vector<Choice>& fields, Dice& dice) {
    const auto kinds = fields.size() + 4;
    Condition best;
    double nearest = 1e9;
    for (int attempt = 0; attempt < 8; ++attempt) {
        std::vector<std::size_t> used;
        std::vector<Condition> conditions;
        double share = 1;
        while (conditions.size() < 5 && (conditions.size() < 2 || share > wanted * 2)) {
            const auto which = dice.below(kinds);
            if (std::find(used.begin(), used.end(), which) != used.end()) continue;
            used.push_back(which);
            auto likely = one_condition(which, fields, dice);
            share *= likely.share;
            conditions.push_back(std::move(likely.condition));
        }
        const auto distance = std::abs(std::log(share / wanted));
        if (distance >= nearest) continue;
        nearest = distance;
        best = all_of(std::move(conditions));
    }
    return best;
}

Condition router(const std::vector<Choice>& fields, Dice& dice) {
    std::vector<Condition> conditions;
    for (const auto* field :
         {"ticket.group", "ticket.requester.country", "ticket.channel", "ticket.custom.product"}) {
        const auto choice =
            std::find_if(fields.begin(), fields.end(), [&](const Choice& one) { return one.field == field; });
        conditions.push_back(compared(field, Operator::eq, dice.of(choice->values)));
    }
    return all_of(std::move(conditions));
}

Condition about_text(const std::vector<Choice>& fields, Dice& dice) {
    return all_of({compared("ticket.description", Operator::contains, phrase(dice)),
                   compared("ticket.status", Operator::eq, dice.of(fields[0].values))});
}

Condition of_profile(const std::string& profile, std::size_t rules, const std::vector<Choice>& fields,
                     Dice& dice) {
    constexpr double matches_wanted = 3;
    if (profile == "equality") return router(fields, dice);
    if (profile == "text") return about_text(fields, dice);
    if (profile == "selective") return mixed(0.001, fields, dice);
    ENSURE(profile == "mixed");
    return mixed(std::min(0.3, matches_wanted / static_cast<double>(rules)), fields, dice);
}

}  // namespace

const std::vector<std::string>& match_profiles() {
    static const std::vector<std::string> profiles{"mixed", "equality", "text", "selective"};
    return profiles;
}

MatchSet generated_match_set(const std::string& profile, std::size_t rules, std::size_t events,
                             std::uint32_t seed) {
    const auto fields = choices();
    MatchSet set;
    set.profile = profile;
    set.layout = rules::RawReader::Layout::envelope;
    set.rule_set.catalogue = rules::Catalogue::shipped();
    Dice rule_dice(seed + 1), event_dice(seed);
    for (std::size_t i = 0; i < rules; ++i) {
        rules::Rule rule;
        rule.id = std::to_string(i);
        rule.on = {"*"};
        rule.when = of_profile(profile, rules, fields, rule_dice);
        set.rule_set.rules.push_back(std::move(rule));
    }
    for (std::size_t i = 0; i < events; ++i) set.events.add(event(i, fields, event_dice).dump());
    return set;
}

}  // namespace engine::app
