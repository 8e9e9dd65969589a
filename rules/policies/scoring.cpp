#include "rules/policies/scoring.h"

#include <algorithm>
#include <utility>

#include "rules/matcher/matcher.h"

namespace rules {
namespace {

using engine::Duration;
using engine::Instant;
using engine::Json;

constexpr Points hundredths = 100;
constexpr Points whole_share = 10'000;

bool listens_to(const ScoreEntry& entry, std::string_view event_type) {
    return any_type_fits(entry.on, event_type);
}

bool fits(const ScoreEntry& entry, const Scope& scope) {
    return !entry.when || holds(*entry.when, scope);
}

/// Its events keep their worth for good.
bool counts_for_good(const ScoreEntry& entry) {
    return !entry.lasting && !entry.decay;
}

/// So many steps of decay are over.
std::int64_t steps_at(const Decay& decay, Instant then, Instant now) {
    return now <= then ? 0 : (now - then) / decay.every;
}

/// One step after another, what is left cut off to hundredths: exact, and it comes to an end.
Points decayed(Points points, const Decay& decay, std::int64_t steps) {
    for (std::int64_t i = 0; i < steps && points != 0; ++i)
        points = points * (whole_share - decay.by) / whole_share;
    return points;
}

bool is_over(const ScoreEntry& entry, Instant then, Instant now) {
    return entry.lasting && now >= then + *entry.lasting;
}

Points worth(const ScoreEntry& entry, Instant then, Instant now) {
    if (is_over(entry, then, now)) return 0;
    return entry.decay ? decayed(entry.add, *entry.decay, steps_at(*entry.decay, then, now)) : entry.add;
}

/// When that event is worth something else.
std::optional<Instant> next_change(const ScoreEntry& entry, Instant then, Instant now) {
    if (worth(entry, then, now) == 0) return std::nullopt;
    std::optional<Instant> next;
    if (entry.lasting) next = then + *entry.lasting;
    if (entry.decay) {
        const auto step = then + entry.decay->every * (steps_at(*entry.decay, then, now) + 1);
        next = next ? std::min(*next, step) : step;
    }
    return next;
}

void soonest(std::optional<Instant>& next, const std::optional<Instant>& other) {
    if (other && (!next || *other < *next)) next = other;
}

/// The limit leaves no room for another at that time.
bool is_full(const ScoreEntry& entry, const std::vector<Instant>& at, Instant time) {
    if (!entry.at_most) return false;
    const auto within = [&](Instant other) { return other > time - entry.at_most->within && other <= time; };
    return std::count_if(at.begin(), at.end(), within) >= entry.at_most->times;
}

/// The points of one entry, and when they change.
struct Part {
    Points points = 0;
    std::uint64_t times = 0;
    std::optional<Instant> changes_at;
};

const CountedEvents* counted_by(const ScoreEntry& entry, const KeptScore* kept) {
    if (kept == nullptr) return nullptr;
    const auto found = kept->counted.find(entry.id);
    return found == kept->counted.end() ? nullptr : &found->second;
}

Part part_of(const ScoreEntry& entry, const ScoreMoment& moment, const KeptScore* kept) {
    Part part;
    if (entry.on.empty()) {
        if (fits(entry, moment.scope)) part.points = entry.add;
        return part;
    }
    const auto* counted = counted_by(entry, kept);
    if (counted == nullptr) return part;
    if (counts_for_good(entry)) {
        part.times = counted->times;
        part.points = entry.add * static_cast<Points>(counted->times);
        return part;
    }
    for (const auto then : counted->at) {
        const auto points = worth(entry, then, moment.now);
        if (points == 0) continue;
        ++part.times;
        part.points += points;
        soonest(part.changes_at, next_change(entry, then, moment.now));
    }
    return part;
}

/// Drops the entries that are gone, and the events that are worth nothing any more and limit nothing.
void forget(const Score& score, Instant now, KeptScore& kept) {
    auto before = std::exchange(kept.counted, {});
    for (const auto& entry : score.entries) {
        const auto found = before.find(entry.id);
        if (found == before.end() || entry.on.empty()) continue;
        auto& counted = found->second;
        if (!counts_for_good(entry)) counted.times = 0;
        // A limit looks back on the newest ones, whatever the clock says: history may be told late.
        const auto looked_back_on = entry.at_most ? static_cast<std::size_t>(entry.at_most->times) : 0;
        std::vector<Instant> left;
        for (std::size_t i = 0; i < counted.at.size(); ++i) {
            const bool counts = !counts_for_good(entry) && worth(entry, counted.at[i], now) != 0;
            if (counts || i + looked_back_on >= counted.at.size()) left.push_back(counted.at[i]);
        }
        counted.at = std::move(left);
        if (!counted.empty()) kept.counted[entry.id] = std::move(counted);
    }
}

Json times_json(const std::vector<Instant>& times) {
    Json list = Json::array();
    for (const auto time : times) list.push_back(engine::to_text(time));
    return list;
}

std::optional<Instant> instant_from(const Json& json) {
    const auto instant = json.is_string()
                             ? std::optional(engine::parse_instant(json.get_ref<const std::string&>()))
                             : std::nullopt;
    if (!instant || !*instant) return std::nullopt;
    return **instant;
}

CountedEvents counted_from(const Json& json) {
    CountedEvents counted;
    if (const auto times = json.find("times"); times != json.end() && times->is_number_unsigned())
        counted.times = times->get<std::uint64_t>();
    if (const auto at = json.find("at"); at != json.end() && at->is_array())
        for (const auto& one : *at)
            if (const auto instant = instant_from(one)) counted.at.push_back(*instant);
    return counted;
}

/// Whether the event was the timer of that time, or one that comes after it.
bool has_fired(Instant timer, const ScoreMoment& moment) {
    return moment.event_type == score_due_type(moment.kind) && timer <= moment.at;
}

/// Sets, moves or ends the timer, if it is not as it should be.
std::optional<engine::TimerChange> follow_timer(const Score& score, const ScoreMoment& moment,
                                                std::optional<Instant> due, KeptScore& kept) {
    if (kept.timer && has_fired(*kept.timer, moment)) kept.timer = std::nullopt;
    if (kept.timer == due) return std::nullopt;
    kept.timer = due;
    engine::TimerChange change;
    change.name = score_timer_name(score.id);
    change.due = due;
    change.rule = score.writer;
    if (due) change.type = score_due_type(score.kind);
    return change;
}

}  // namespace

Json json_of(Points points) {
    if (points % hundredths == 0) return points / hundredths;
    return static_cast<double>(points) / static_cast<double>(hundredths);
}

Points ScoreLimits::within(Points points) const {
    if (max) points = std::min(points, *max);
    if (min) points = std::max(points, *min);
    return points;
}

const ScoreBand* Score::band_of(Points points) const {
    const auto found = std::find_if(bands.begin(), bands.end(), [&](const ScoreBand& band) {
        return !band.from || points >= *band.from;
    });
    return found == bands.end() ? nullptr : &*found;
}

// ---- memory

Json to_json(const ScoreMemory& memory) {
    Json json = Json::object();
    for (const auto& [score, kept] : memory) {
        auto& one = json[score] = Json::object();
        if (kept.points) one["points"] = *kept.points;
        if (!kept.band.empty()) one["band"] = kept.band;
        if (kept.timer) one["timer"] = engine::to_text(*kept.timer);
        if (kept.gifts != 0) one["given"] = {{"points", kept.given}, {"times", kept.gifts}};
        for (const auto& [entry, counted] : kept.counted) {
            if (counted.empty()) continue;
            auto& part = one["counted"][entry] = Json::object();
            if (counted.times != 0) part["times"] = counted.times;
            if (!counted.at.empty()) part["at"] = times_json(counted.at);
        }
    }
    return json;
}

Json score_view(const ScoreMemory& memory) {
    auto view = to_json(memory);
    for (auto& [score, one] : view.items()) {
        if (one.contains("points")) one["points"] = json_of(one["points"].get<Points>());
        if (one.contains("given")) one["given"]["points"] = json_of(one["given"]["points"].get<Points>());
        if (!one.contains("timer")) continue;
        one["changes_at"] = one["timer"];
        one.erase("timer");
    }
    return view;
}

ScoreMemory score_memory_from(const Json& json) {
    ScoreMemory memory;
    if (!json.is_object()) return memory;
    for (const auto& [score, one] : json.items()) {
        if (!one.is_object()) continue;
        auto& kept = memory[score];
        if (const auto points = one.find("points"); points != one.end() && points->is_number_integer())
            kept.points = points->get<Points>();
        kept.band = engine::text_or(one, "band", "");
        if (const auto timer = one.find("timer"); timer != one.end()) kept.timer = instant_from(*timer);
        if (const auto given = one.find("given"); given != one.end() && given->is_object()) {
            kept.given = given->value("points", Points{0});
            kept.gifts = given->value("times", std::uint64_t{0});
        }
        if (const auto counted = one.find("counted"); counted != one.end() && counted->is_object())
            for (const auto& [entry, part] : counted->items())
                if (part.is_object()) kept.counted[entry] = counted_from(part);
    }
    return memory;
}

// ---- reckoning

bool listens_to(const Scores& scores, std::string_view kind, std::string_view event_type) {
    return std::any_of(scores.begin(), scores.end(), [&](const Score& score) {
        return score.kind == kind &&
               std::any_of(score.entries.begin(), score.entries.end(),
                           [&](const ScoreEntry& entry) { return listens_to(entry, event_type); });
    });
}

void count_event(const Scores& scores, const ScoreMoment& moment, ScoreMemory& memory) {
    for (const auto& score : scores) {
        if (score.kind != moment.kind) continue;
        for (const auto& entry : score.entries) {
            if (!listens_to(entry, moment.event_type) || !fits(entry, moment.scope)) continue;
            auto& counted = memory[score.id].counted[entry.id];
            if (is_full(entry, counted.at, moment.at)) continue;
            if (counts_for_good(entry)) ++counted.times;
            if (counts_for_good(entry) && !entry.at_most) continue;
            counted.at.insert(std::upper_bound(counted.at.begin(), counted.at.end(), moment.at), moment.at);
            if (counted.at.size() > score.remembered_max) counted.at.erase(counted.at.begin());
        }
    }
}

void give(ScoreMemory& memory, const std::string& score, Points points) {
    auto& kept = memory[score];
    kept.given += points;
    ++kept.gifts;
}

Scored score_of(const Score& score, const ScoreMoment& moment, const KeptScore* kept) {
    Scored scored;
    std::map<std::string, Points> by_group;
    for (const auto& entry : score.entries) {
        const auto part = part_of(entry, moment, kept);
        soonest(scored.changes_at, part.changes_at);
        if (part.points == 0 && part.times == 0) continue;
        Json json{{"id", entry.id}, {"points", json_of(part.points)}};
        if (!entry.group.empty()) json["group"] = entry.group;
        if (part.times != 0) json["times"] = part.times;
        scored.parts.push_back(std::move(json));
        by_group[entry.group] += part.points;
    }
    if (kept != nullptr && kept->gifts != 0) {
        scored.parts.push_back({{"given", json_of(kept->given)}, {"times", kept->gifts}});
        by_group[""] += kept->given;
    }
    for (const auto& [group, points] : by_group) {
        const auto limits = score.groups.find(group);
        const auto limited = limits == score.groups.end() ? points : limits->second.within(points);
        if (limited != points)
            scored.parts.push_back(
                {{"group", group}, {"points", json_of(limited)}, {"limited_from", json_of(points)}});
        scored.points += limited;
    }
    // A group whose least is more than nothing gives that also when nothing else does.
    for (const auto& [group, limits] : score.groups)
        if (!by_group.contains(group) && limits.within(0) != 0) {
            scored.parts.push_back(
                {{"group", group}, {"points", json_of(limits.within(0))}, {"limited_from", 0}});
            scored.points += limits.within(0);
        }
    const auto limited = score.limits.within(scored.points);
    if (limited != scored.points) scored.parts.push_back({{"limited_from", json_of(scored.points)}});
    scored.points = limited;
    scored.band = score.band_of(scored.points);
    return scored;
}

ScoreOutcome settle(const Scores& scores, const ScoreMoment& moment, ScoreMemory& memory) {
    ScoreOutcome outcome;
    auto before = std::exchange(memory, {});
    for (const auto& score : scores) {
        if (score.kind != moment.kind) continue;
        auto& kept = memory[score.id];
        if (const auto found = before.find(score.id); found != before.end()) kept = std::move(found->second);
        auto scored = score_of(score, moment, &kept);
        const std::string band = scored.band == nullptr ? "" : scored.band->id;
        if (kept.points != scored.points || kept.band != band) {
            engine::ScoreChange change;
            change.score = score.id;
            if (kept.points) change.from = json_of(*kept.points);
            change.to = json_of(scored.points);
            change.band_from = std::exchange(kept.band, band);
            change.band = band;
            change.parts = scored.parts;
            outcome.changes.push_back(std::move(change));
            kept.points = scored.points;
        }
        if (auto timer = follow_timer(score, moment, scored.changes_at, kept))
            outcome.timers.push_back(*std::move(timer));
        forget(score, moment.now, kept);
        outcome.scored.emplace_back(&score, std::move(scored));
    }
    for (const auto& [gone, kept] : before)
        if (kept.timer && !memory.contains(gone))
            outcome.timers.push_back(
                {score_timer_name(gone), std::nullopt, writer_of(gone), "", Json::object(), ""});
    return outcome;
}

std::string score_timer_name(const std::string& score) {
    return "score:" + score;
}

std::string writer_of(const std::string& score) {
    return "scoring:" + score;
}

bool is_writer_of_scores(std::string_view rule) {
    return rule.starts_with("scoring:");
}

std::string score_due_type(std::string_view kind) {
    return std::string(kind) + ".score_due";
}

std::string band_changed_type(std::string_view kind) {
    return std::string(kind) + ".band_changed";
}

}  // namespace rules
