// Scores by themselves: random points and events against the words of the guide.

#include <algorithm>
#include <map>

#include "engine/model/event.h"
#include "rules/policies/scoring.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/rules.h"

namespace evaluator_scoring {

using namespace rules;
using namespace testing_random;
using engine::Duration;
using engine::Instant;
using engine::test::at;
using std::chrono::hours;

namespace {

const auto begin = at("2026-03-02T00:00:00Z");

ScoreEntry random_entry(Random& random, int number) {
    ScoreEntry entry;
    entry.id = "e" + std::to_string(number);
    entry.on = {"lead.t" + std::to_string(random.below(3))};
    entry.add = static_cast<Points>(random.below(4000)) - 2000;
    if (random.below(2) == 0) entry.lasting = hours(1 + static_cast<int>(random.below(100)));
    if (random.below(2) == 0)
        entry.decay =
            Decay{hours(1 + static_cast<int>(random.below(40))), 1 + static_cast<int>(random.below(10'000))};
    if (random.below(3) == 0)
        entry.at_most = FrequencyLimit{1 + static_cast<int>(random.below(3)),
                                       hours(1 + static_cast<int>(random.below(50)))};
    return entry;
}

/// What the guide says, looked up from the whole history, an hour after the other.
class History {
public:
    explicit History(const ScoreEntry& entry) : entry_(entry) {}

    void take(Instant time) {
        int others = 0;
        for (const auto other : counted_)
            if (entry_.at_most && other > time - entry_.at_most->within && other <= time) ++others;
        if (!entry_.at_most || others < entry_.at_most->times) counted_.push_back(time);
    }
    Points points(Instant now) const {
        Points sum = 0;
        for (const auto time : counted_) sum += worth(time, now);
        return sum;
    }

private:
    Points worth(Instant time, Instant now) const {
        auto left = entry_.add;
        for (auto hour = time; hour < now; hour += hours(1)) {
            const auto age = hour + hours(1) - time;
            if (entry_.lasting && age >= *entry_.lasting) return 0;
            if (entry_.decay && age % entry_.decay->every == Duration(0))
                left = left * (10'000 - entry_.decay->by) / 10'000;
        }
        return left;
    }

    const ScoreEntry& entry_;
    std::vector<Instant> counted_;
};

struct Moment {
    engine::Event event;
    EventView view{event};
    Scope scope;
    explicit Moment(Instant now) { scope.event = &view, scope.now = now; }
    ScoreMoment of(std::string_view type, Instant at, Instant now) const {
        return {"lead", type, at, now, scope};
    }
};

}  // namespace

TEST_CASE("scoring: random points and events are worth what their history says", "[scoring]") {
    const auto seed = seed_or(20260302);
    INFO("seed " << seed);
    Random random(seed);
    for (int round = 0; round < 60; ++round) {
        Score score;
        score.id = "s";
        for (int i = 0; i < 4; ++i) score.entries.push_back(random_entry(random, i));
        const Scores scores{score};
        std::vector<History> histories(scores[0].entries.begin(), scores[0].entries.end());
        ScoreMemory memory;
        std::optional<Instant> announced;
        Points before = 0;
        for (int hour = 0; hour < 240; ++hour) {
            const auto now = begin + hours(hour);
            const bool comes = random.below(8) == 0;
            const auto type = "lead.t" + std::to_string(random.below(3));
            const Moment moment(now);
            if (comes) {
                for (std::size_t i = 0; i < histories.size(); ++i)
                    if (scores[0].entries[i].on[0] == type) histories[i].take(now);
                count_event(scores, moment.of(type, now, now), memory);
            }
            Points expected = 0;
            for (const auto& history : histories) expected += history.points(now);
            // Without an event nothing changes before the time that was announced.
            if (!comes && expected != before) REQUIRE(announced == now);
            const bool looks = comes || announced == now || random.below(10) == 0;
            if (looks) {
                memory = score_memory_from(to_json(memory));
                const auto outcome =
                    settle(scores, moment.of(comes ? type : "lead.score_due", now, now), memory);
                REQUIRE(outcome.scored[0].second.points == expected);
                announced = outcome.scored[0].second.changes_at;
                if (announced) REQUIRE(*announced > now);
                REQUIRE(memory.at("s").timer == announced);
            }
            before = expected;
        }
    }
}

TEST_CASE("scoring: the oldest events are forgotten first, beyond what is remembered", "[scoring]") {
    Score score;
    score.id = "s";
    score.remembered_max = 3;
    ScoreEntry entry;
    entry.id = "e";
    entry.on = {"lead.opened"};
    entry.add = 100;
    entry.lasting = hours(1000);
    score.entries.push_back(entry);
    const Scores scores{score};
    ScoreMemory memory;
    for (int i = 0; i < 5; ++i) {
        const auto now = begin + hours(i);
        const Moment moment(now);
        count_event(scores, moment.of("lead.opened", now, now), memory);
    }
    CHECK(memory.at("s").counted.at("e").at ==
          std::vector<Instant>{begin + hours(2), begin + hours(3), begin + hours(4)});
}

}  // namespace evaluator_scoring
