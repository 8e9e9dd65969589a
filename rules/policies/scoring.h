#pragma once
/// Scoring: the points that an entity has by what it is and by what has happened to it, and the band its
/// score is in. Pure: a score follows from the fields, from the events that were counted, and from the clock.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "rules/evaluator/condition.h"
#include "rules/rule_set.h"

namespace rules {

/// Hundredths of a point: sums are exact, and the same on every machine.
using Points = std::int64_t;
/// A whole number when it is one: 12, 7.25.
engine::Json json_of(Points points);

/// How what was counted loses its worth.
struct Decay {
    engine::Duration every{};  ///< positive
    int by = 0;                ///< hundredths of a percent that go at each step; 1 to 10,000
};

/// So many within that time count; further ones do not.
struct FrequencyLimit {
    int times = 0;
    engine::Duration within{};
};

/// Points for what holds now (without `on`), or for each event of those types that came while its conditions
/// held.
struct ScoreEntry {
    std::string id;
    std::string group;            ///< empty = of none
    std::vector<std::string> on;  ///< event types or globs
    std::optional<Condition> when;
    Points add = 0;
    std::optional<FrequencyLimit> at_most;
    std::optional<engine::Duration> lasting;  ///< `for`: an event counts so long
    std::optional<Decay> decay;
    engine::Place place;
};

struct ScoreLimits {
    std::optional<Points> min;
    std::optional<Points> max;
    Points within(Points points) const;
};

struct ScoreBand {
    std::string id;
    std::optional<Points> from;  ///< nothing = whatever no other band has
    std::string enter;           ///< event types; empty = none
    std::string leave;
    engine::Place place;
};

/// One score of the entities of one kind.
struct Score {
    std::string id;
    std::string kind = "lead";
    std::string writer;                   ///< `scoring:<id>`, in whose name it is written
    FieldPath field;                      ///< that it is written to
    std::optional<FieldPath> band_field;  ///< that the band's id is written to
    ScoreLimits limits;
    std::map<std::string, ScoreLimits> groups;
    std::vector<ScoreEntry> entries;
    std::vector<ScoreBand> bands;        ///< from the highest down
    std::size_t remembered_max = 1'000;  ///< events of one entry; the oldest are forgotten first
    engine::Place place;

    /// Null when no band has it.
    const ScoreBand* band_of(Points points) const;
};

/// The events that one entry has counted.
struct CountedEvents {
    std::uint64_t times = 0;          ///< of those that keep their worth for good
    std::vector<engine::Instant> at;  ///< in order: of the others, and of those that a limit looks back on
    bool empty() const { return times == 0 && at.empty(); }
};

/// What an entity keeps of one score between events.
struct KeptScore {
    std::optional<Points> points;
    std::string band;
    std::optional<engine::Instant> timer;          ///< that is set, for when the points change by themselves
    std::map<std::string, CountedEvents> counted;  ///< by entry
    Points given = 0;                              ///< by rules, with the step `score`
    std::uint64_t gifts = 0;                       ///< so many times
};

/// By score.
using ScoreMemory = std::map<std::string, KeptScore>;
/// An empty object for nothing.
engine::Json to_json(const ScoreMemory& memory);
/// Of what to_json wrote; what cannot be read is left out.
ScoreMemory score_memory_from(const engine::Json& json);

/// For people: by score `points band changes_at counted`.
engine::Json score_view(const ScoreMemory& memory);

/// What is at hand. Borrowed.
struct ScoreMoment {
    std::string_view kind;  ///< of the subject
    std::string_view event_type;
    engine::Instant at{};   ///< the event's time
    engine::Instant now{};  ///< the decision's clock
    const Scope& scope;
};

/// Whether an entry counts events of that type of entities of that kind.
bool listens_to(const Scores& scores, std::string_view kind, std::string_view event_type);

/// Counts the event for the entries that listen to it and whose conditions hold.
void count_event(const Scores& scores, const ScoreMoment& moment, ScoreMemory& memory);

/// Adds what a rule gives for good.
void give(ScoreMemory& memory, const std::string& score, Points points);

/// What one score is, and of what.
struct Scored {
    Points points = 0;
    const ScoreBand* band = nullptr;
    /// `[{"id","points","group"?,"times"?}]` of what gave points, in the order of the file; of groups that a
    /// limit has changed `{"group","points","limited_from"}`, and of the score `{"limited_from"}`. What rules
    /// gave is one part without an id, `{"given","times"}`.
    engine::Json parts = engine::Json::array();
    /// When it changes if nothing else happens; nothing = never.
    std::optional<engine::Instant> changes_at;
};
/// `kept` is null where nothing is.
Scored score_of(const Score& score, const ScoreMoment& moment, const KeptScore* kept);

/// What came of it.
struct ScoreOutcome {
    std::vector<std::pair<const Score*, Scored>> scored;  ///< those of the kind, in order
    std::vector<engine::ScoreChange> changes;
    std::vector<engine::TimerChange> timers;
};
/// On what the rules have left: the scores as they stand from now on. Takes what is gone or worth nothing any
/// more out of the memory.
ScoreOutcome settle(const Scores& scores, const ScoreMoment& moment, ScoreMemory& memory);

/// The timer of a score whose points change by themselves: `score:<id>`.
std::string score_timer_name(const std::string& score);
/// The type of the event it becomes: `<kind>.score_due`.
std::string score_due_type(std::string_view kind);
/// In whose name scores are written: `scoring:<id>`.
std::string writer_of(const std::string& score);
bool is_writer_of_scores(std::string_view rule);
/// `<kind>.band_changed`.
std::string band_changed_type(std::string_view kind);

}  // namespace rules
