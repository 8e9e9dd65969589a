#include "rules/language/on_call.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/moments.h"
#include "rules/language/reading.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;

constexpr std::size_t schedules_most = 1'000;
constexpr std::size_t rotations_most = 100;
constexpr std::size_t turns_most = 1'000;
constexpr std::size_t overrides_most = 10'000;
constexpr std::size_t schedule_id_bytes_max = 100;
constexpr days turn_longest{366};

/// `2026-12-24T09:00`, by whatever clock.
std::optional<local_seconds> local_time_of(std::string_view text) {
    constexpr std::string_view form = "2026-12-24T09:00";
    if (text.size() != form.size() || text[10] != 'T') return std::nullopt;
    const auto time = engine::parse_instant(std::string(text) + ":00Z");
    if (!time) return std::nullopt;
    return local_seconds(std::chrono::floor<std::chrono::seconds>(time->time_since_epoch()));
}

/// Whole days, or hours after which a day comes round.
bool is_turn_length(engine::Duration length) {
    if (length <= engine::Duration(0) || length > turn_longest) return false;
    return length % days(1) == engine::Duration(0) ||
           (length % hours(1) == engine::Duration(0) && days(1) % length == engine::Duration(0));
}

class OnCallReader {
public:
    OnCallReader(const Calendars& calendars, const std::vector<std::string>& people, Problems& problems)
        : calendars_(calendars), people_(people), known_(people.begin(), people.end()), problems_(problems) {}

    std::optional<OnCallSchedule> read(const YamlNode& node) {
        if (!expect_map(node, "a schedule", problems_)) return std::nullopt;
        check_keys(node, on_call_keys(), "a schedule", problems_);
        auto id = read_id(node);
        auto zone = read_zone(node);
        const bool good = id && zone;
        // Without its zone the rest is read for what is wrong with it.
        OnCallSchedule schedule{
            id.value_or(""), zone ? *std::move(zone) : *Zone::named("UTC"), {}, {}, node.place};
        const auto* rotations = node.find("rotations");
        const auto* overrides = node.find("overrides");
        if (!is_filled(rotations) && !is_filled(overrides))
            problems_.error("missing-key", node.place,
                            "the schedule has nobody: write rotations, or overrides");
        if (has_content(rotations)) read_rotations(*rotations, schedule);
        if (has_content(overrides)) read_overrides(*overrides, schedule);
        if (!good) return std::nullopt;
        return schedule;
    }

private:
    static bool is_filled(const YamlNode* node) {
        return has_content(node) && !(node->is_list() && node->items.empty());
    }

    std::optional<std::string> read_id(const YamlNode& node) {
        const auto* id = node.find("id");
        if (id == nullptr) problems_.error("missing-key", node.place, "the schedule has no id");
        auto text = id == nullptr ? std::nullopt : read_text(*id, "id", problems_);
        if (!text) return std::nullopt;
        const bool is_plain = std::all_of(text->begin(), text->end(), [](char c) {
            return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
        });
        if (!is_plain || text->size() > schedule_id_bytes_max)
            problems_.error(
                "bad-value", id->place,
                "an id is one line of at most " + std::to_string(schedule_id_bytes_max) + " bytes");
        const auto [known, is_new] = ids_.try_emplace(*text, id->place);
        if (!is_new)
            problems_.error("duplicate-id", id->place,
                            "schedule " + in_quotes(*text) + " is there already in line " +
                                std::to_string(known->second.line));
        return text;
    }

    std::optional<Zone> read_zone(const YamlNode& node) {
        const auto* name = node.find("zone");
        if (name == nullptr)
            problems_.error("missing-key", node.place, "the schedule has no zone such as Europe/Berlin");
        const auto text = name == nullptr ? std::nullopt : read_text(*name, "zone", problems_);
        if (!text) return std::nullopt;
        auto zone = Zone::named(*text);
        if (zone) return *std::move(zone);
        problems_.error("unknown-zone", name->place,
                        zone.error().message + problems_.hint(*text, Zone::names()));
        return std::nullopt;
    }

    // ---- people

    std::optional<std::string> read_person(const YamlNode& node) {
        auto id = read_text(node, "who is on call", problems_);
        if (!id || known_.contains(*id)) return id;
        problems_.error("dangling-person", node.place,
                        "there is no person " + in_quotes(*id) + problems_.hint(*id, people_));
        return std::nullopt;
    }

    /// One, or a list of those who are on call together.
    std::vector<std::string> read_people(const YamlNode& node) {
        std::vector<std::string> who;
        const auto take = [&](const YamlNode& one) {
            auto person = read_person(one);
            if (person && has(who, *person))
                problems_.error("duplicate-id", one.place, in_quotes(*person) + " is there already");
            else if (person)
                who.push_back(*std::move(person));
        };
        if (node.is_list())
            for (const auto& one : node.items) take(one);
        else
            take(node);
        return who;
    }

    // ---- rotations

    void read_rotations(const YamlNode& node, OnCallSchedule& schedule) {
        if (!expect_list(node, "rotations", problems_)) return;
        if (!is_within(node, rotations_most, "rotations")) return;
        for (const auto& item : node.items)
            if (auto rotation = read_rotation(item)) schedule.rotations.push_back(*std::move(rotation));
    }

    std::optional<OnCallRotation> read_rotation(const YamlNode& node) {
        if (!expect_map(node, "a rotation", problems_)) return std::nullopt;
        check_keys(node, on_call_rotation_keys(), "a rotation", problems_);
        OnCallRotation rotation;
        const auto* turns = read_required(node, "turns", "turns: [ana, ben]");
        if (turns != nullptr) read_turns(*turns, rotation);
        const auto* every = read_required(node, "every", "every: 1w");
        const auto length = every == nullptr ? std::nullopt : read_length(*every);
        const auto* starts = read_required(node, "starts", "starts: 2026-01-05");
        const auto day = starts == nullptr ? std::nullopt : read_day(*starts, "starts");
        if (const auto* hand_over = node.find("hand_over")) read_hand_over(*hand_over, rotation);
        bool good = !rotation.turns.empty() && length && day;
        if (const auto* calendar = node.find("hours"); has_content(calendar)) {
            rotation.hours = read_calendar_name(*calendar, "hours", calendars_, problems_);
            good = good && rotation.hours;
        }
        if (const auto* until = node.find("until"); has_content(until)) {
            rotation.until = read_day(*until, "until");
            good = good && rotation.until;
            if (day && rotation.until && *rotation.until <= *day)
                problems_.error("bad-value", until->place, "until is not after starts: nobody has a turn");
        }
        if (!good) return std::nullopt;
        rotation.every = *length;
        rotation.starts = *day;
        return rotation;
    }

    const YamlNode* read_required(const YamlNode& node, const std::string& key, const std::string& example) {
        const auto* found = node.find(key);
        if (found == nullptr)
            problems_.error("missing-key", node.place, "there is no " + key + ": write " + example);
        return found;
    }

    void read_turns(const YamlNode& node, OnCallRotation& rotation) {
        if (!expect_list(node, "turns", problems_) || !is_within(node, turns_most, "turns")) return;
        if (node.items.empty())
            problems_.error("bad-value", node.place, "turns is empty: say who is on call");
        for (const auto& item : node.items) {
            if (item.is_list() && item.items.empty())
                problems_.error("bad-value", item.place, "the turn is empty: say who is on call");
            rotation.turns.push_back(read_people(item));
        }
    }

    std::optional<hours> read_length(const YamlNode& node) {
        const auto text = read_text(node, "every", problems_);
        if (!text) return std::nullopt;
        const auto length = engine::parse_duration(*text);
        if (length && is_turn_length(*length)) return std::chrono::duration_cast<hours>(*length);
        problems_.error("bad-value", node.place,
                        in_quotes(*text) +
                            " is no length of a turn: write whole weeks or days such as 1w or 3d, at most "
                            "366d, or hours that a day can be divided into: 12h, 8h, 6h, 4h, 3h, 2h or 1h");
        return std::nullopt;
    }

    std::optional<local_days> read_day(const YamlNode& node, const std::string& what) {
        const auto text = read_text(node, what, problems_);
        if (!text) return std::nullopt;
        if (const auto midnight = local_time_of(*text + "T00:00")) return std::chrono::floor<days>(*midnight);
        problems_.error("bad-value", node.place, in_quotes(*text) + " is no date such as 2026-12-24");
        return std::nullopt;
    }

    void read_hand_over(const YamlNode& node, OnCallRotation& rotation) {
        const auto text = read_text(node, "hand_over", problems_);
        if (!text) return;
        if (const auto time = local_time_of("1970-01-01T" + *text))
            rotation.hand_over = time->time_since_epoch();
        else
            problems_.error("bad-value", node.place, in_quotes(*text) + " is no time of a day such as 09:00");
    }

    // ---- overrides

    struct PlacedOverride {
        OnCallOverride what;
        engine::Place place;
    };

    void read_overrides(const YamlNode& node, OnCallSchedule& schedule) {
        if (!expect_list(node, "overrides", problems_)) return;
        if (!is_within(node, overrides_most, "overrides")) return;
        std::vector<PlacedOverride> overrides;
        for (const auto& item : node.items)
            if (auto one = read_override(item, schedule.zone))
                overrides.push_back({*std::move(one), item.place});
        for (const auto& one : overrides) schedule.overrides.push_back(one.what);
        warn_of_overlaps(overrides);
    }

    std::optional<OnCallOverride> read_override(const YamlNode& node, const Zone& zone) {
        if (!expect_map(node, "an override", problems_)) return std::nullopt;
        check_keys(node, on_call_override_keys(), "an override", problems_);
        OnCallOverride one;
        if (const auto* who = read_required(node, "who", "who: ana, or who: [] for nobody"))
            one.who = read_people(*who);
        const auto* from = read_required(node, "from", "from: 2026-12-24T09:00");
        const auto* until = read_required(node, "until", "until: 2026-12-27T09:00");
        const auto begins = from == nullptr ? std::nullopt : read_local_time(*from, "from", zone);
        const auto ends = until == nullptr ? std::nullopt : read_local_time(*until, "until", zone);
        if (!begins || !ends) return std::nullopt;
        one.from = *begins;
        one.until = *ends;
        if (*begins < *ends) return one;
        problems_.error("bad-value", until->place, "the override does not end after it begins");
        return std::nullopt;
    }

    std::optional<engine::Instant> read_local_time(const YamlNode& node, const std::string& what,
                                                   const Zone& zone) {
        const auto text = read_text(node, what, problems_);
        if (!text) return std::nullopt;
        if (const auto local = local_time_of(*text)) return zone.utc(*local, Skipped::first_instant);
        problems_.error(
            "bad-value", node.place,
            in_quotes(*text) + " is no local time: write it as 2026-12-24T09:00, by the schedule's zone");
        return std::nullopt;
    }

    /// Each that overlaps with one that begins before it is told of, at the later of the two in the list.
    void warn_of_overlaps(std::vector<PlacedOverride>& overrides) {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < overrides.size(); ++i) order.push_back(i);
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return overrides[a].what.from < overrides[b].what.from;
        });
        for (std::size_t i = 1, longest = 0; i < order.size(); ++i) {
            const auto one = order[i], before = order[longest];
            if (overrides[one].what.from < overrides[before].what.until)
                problems_.warning("overlapping-override", overrides[std::max(one, before)].place,
                                  "the override overlaps with the one in line " +
                                      std::to_string(overrides[std::min(one, before)].place.line) +
                                      ", and wins over it");
            if (overrides[one].what.until > overrides[before].what.until) longest = i;
        }
    }

    bool is_within(const YamlNode& list, std::size_t most, const std::string& what) {
        if (list.items.size() <= most) return true;
        problems_.error("limit", list.place, "there are more than " + std::to_string(most) + " " + what);
        return false;
    }

    const Calendars& calendars_;
    const std::vector<std::string>& people_;
    std::set<std::string> known_;
    Problems& problems_;
    std::map<std::string, engine::Place> ids_;
};

}  // namespace

void read_on_call(const YamlNode& node, const Calendars& calendars, const std::vector<std::string>& people,
                  std::vector<OnCallSchedule>& schedules, Problems& problems) {
    if (node.is_null() || !expect_list(node, "on_call", problems)) return;
    if (node.items.size() > schedules_most) {
        problems.error("limit", node.place,
                       "there are more than " + std::to_string(schedules_most) + " schedules");
        return;
    }
    OnCallReader reader(calendars, people, problems);
    for (const auto& item : node.items)
        if (auto schedule = reader.read(item)) schedules.push_back(*std::move(schedule));
}

std::vector<std::string> on_call_keys() {
    return {"id", "description", "zone", "rotations", "overrides"};
}

std::vector<std::string> on_call_rotation_keys() {
    return {"turns", "every", "starts", "hand_over", "hours", "until"};
}

std::vector<std::string> on_call_override_keys() {
    return {"who", "from", "until"};
}

}  // namespace rules
