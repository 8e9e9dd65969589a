// Service levels by themselves: random policies and histories against the words of the guide. What is used,
// due and warned of is counted anew each time from the whole record of a clock.

#include <algorithm>
#include <array>
#include <map>

#include "rules/evaluator/condition.h"
#include "rules/policies/sla.h"
#include "tests/support/calendars.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/rules.h"

namespace evaluator_sla_oracle {

using namespace rules;
using engine::Duration;
using engine::Instant;
using engine::Json;
using engine::SlaChange;
using engine::TimerChange;
using rules::testing::at;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing_random::Random;

namespace {

// ---- what happens

enum class Author { nobody, agent, customer };

/// One event, or the timer of that name.
struct Moment {
    Instant at{};
    std::string timer;
    Json ticket = Json::object();  ///< as it is then
    bool deleted = false;
    Author author = Author::nobody;  ///< of a message that both can read
    Json message;

    std::string text_of(const char* field) const { return engine::text_or(ticket, field, ""); }
    bool is_done() const { return deleted || text_of("status") == "solved" || text_of("status") == "closed"; }
};

std::string told(const Moment& moment) {
    if (!moment.timer.empty()) return engine::to_text(moment.at) + " timer " + moment.timer;
    return engine::to_text(moment.at) + (moment.deleted ? " deleted " : " ") + moment.ticket.dump() +
           (moment.message.is_null() ? "" : " with " + moment.message.dump());
}

// ---- when it is open

constexpr minutes quarter{15};

/// Time as it counts by a calendar, a quarter of an hour after the other: at none but those do hours begin
/// and end here, and clocks change. That each instant is open or not as it should be is shown by
/// calendar_oracle.
class Hours {
public:
    static constexpr days looked{120};

    Hours(std::shared_ptr<const Calendar> calendar, Instant begin)
        : calendar_(std::move(calendar)), begin_(begin), known_(looked / quarter, Known::nothing) {}

    Duration between(Instant from, Instant to) {
        Duration sum{0};
        auto i = index_of(from);
        for (auto now = from; now < to; now = end_of(i++))
            if (is_open(i)) sum += std::min(end_of(i), to) - now;
        return sum;
    }

    /// When so much more than nothing has passed.
    std::optional<Instant> after(Instant from, Duration span) {
        auto i = index_of(from);
        for (auto now = from; i < known_.size(); now = end_of(i++)) {
            if (!is_open(i)) continue;
            if (span <= end_of(i) - now) return now + span;
            span -= end_of(i) - now;
        }
        return std::nullopt;
    }

    std::optional<Instant> opening(Instant from) {
        auto i = index_of(from);
        for (auto now = from; i < known_.size(); now = end_of(i++))
            if (is_open(i)) return now;
        return std::nullopt;
    }
    /// When they open or close next.
    std::optional<Instant> turn(Instant from) {
        const auto first = index_of(from);
        for (auto i = first; i < known_.size(); ++i)
            if (is_open(i) != is_open(first)) return begin_ + i * quarter;
        return std::nullopt;
    }

private:
    enum class Known : char { nothing, open, closed };

    std::size_t index_of(Instant instant) const {
        return static_cast<std::size_t>((instant - begin_) / quarter);
    }
    Instant end_of(std::size_t index) const { return begin_ + (index + 1) * quarter; }
    bool is_open(std::size_t index) {
        auto& known = known_.at(index);
        if (known == Known::nothing)
            known = !calendar_ || calendar_->is_open(begin_ + index * quarter) ? Known::open : Known::closed;
        return known == Known::open;
    }

    std::shared_ptr<const Calendar> calendar_;  ///< null = every hour counts
    Instant begin_;
    std::vector<Known> known_;
};

// ---- what the guide says

/// What holds for a clock until something else does.
struct Piece {
    Instant from{};
    bool runs = false;
    std::string policy;
    Duration target{};
    const SlaTarget* rules = nullptr;
};

/// One metric, from its beginning on.
struct Life {
    Instant started{};
    std::string group;
    std::vector<Piece> record;
    std::optional<Instant> late;
    std::size_t warned = 0;  ///< so many of its warnings have come, or were over when they were looked at
    std::string end;         ///< met, late, cancelled; empty = it has not ended
    bool lost = false;       ///< cancelled because no policy holds
};

class Guide {
public:
    Guide(const RuleSet& rule_set, Instant begin) : rule_set_(rule_set) {
        hours_.emplace("", Hours(nullptr, begin));
        for (const auto& [name, calendar] : rule_set.calendars) hours_.emplace(name, Hours(calendar, begin));
    }

    /// What happens to the clocks; `timers` is from then on what is to come.
    std::vector<SlaChange> decide(const Moment& moment) {
        moment_ = &moment;
        said_.clear();
        pass();
        // A timer changes nothing about the entity.
        if (moment.timer.empty()) follow();
        if (moment.timer.empty() && moment.author == Author::agent) {
            is_answered_ = true;
            for (auto& [metric, life] : lives_)
                if (is_response(metric)) life.lost = false;
        }
        if (moment.deleted) lives_.clear(), is_answered_ = false;
        timers.clear();
        for (auto& [metric, life] : lives_) expect_timer(metric, life);
        return said_;
    }

    std::map<std::string, SlaChange> timers;  ///< by name: what is told when it is due

    Json view(Instant now) {
        Json view = Json::object();
        for (const auto& [metric, life] : lives_) {
            const auto used = std::chrono::floor<seconds>(used_at(life, now)).count();
            const auto state = !life.end.empty() ? life.end : life.record.back().runs ? "running" : "paused";
            view[std::string(name_of(metric))] = {
                {"state", state}, {"used_seconds", used}, {"breached", life.late.has_value()}};
        }
        return view;
    }
    /// When hours open or close next.
    std::optional<Instant> turn(Random& random, Instant from) {
        auto hours = hours_.begin();
        std::advance(hours, random.below(hours_.size()));
        return hours->second.turn(from);
    }

private:
    Hours& hours_of(const Piece& piece) { return hours_.at(piece.rules->calendar_name); }

    /// From the whole record: what passed of the open time of each piece in which it ran.
    Duration used_at(const Life& life, Instant now) {
        Duration used{0};
        for (std::size_t i = 0; i < life.record.size() && life.record[i].from < now; ++i) {
            const auto& piece = life.record[i];
            const auto until = i + 1 < life.record.size() ? std::min(life.record[i + 1].from, now) : now;
            if (piece.runs) used += hours_of(piece).between(piece.from, until);
        }
        return used;
    }

    /// The first instant at which so much is used, if all goes on as it is.
    std::optional<Instant> used_up(const Life& life, Duration amount) {
        const auto& piece = life.record.back();
        const auto left = amount - used_at(life, piece.from);
        return left <= Duration(0) ? piece.from : hours_of(piece).after(piece.from, left);
    }

    std::optional<Instant> due(const Life& life) {
        const auto& piece = life.record.back();
        if (!piece.runs || life.late) return std::nullopt;
        const auto over = used_up(life, piece.target);
        const bool is_exact = over && used_at(life, *over) == piece.target;
        // Used up exactly as hours close, or while they are closed.
        return piece.rules->due_at_next_opening && is_exact ? hours_of(piece).opening(*over) : over;
    }

    /// Before anything else: what is over by now. Who is done at that very instant is in time, so it is over
    /// then when its own timer says so.
    void pass() {
        for (auto& [metric, life] : lives_) {
            const bool is_own = moment_->timer == sla_timer_name(metric);
            const bool warns = is_own && timers.at(moment_->timer).change == "warning";
            const auto over = due(life);
            if (!over) continue;
            if (*over < moment_->at || (is_own && !warns && *over == moment_->at)) {
                say(metric, life, "breached", *over, !is_own || warns);
                life.late = over;
            } else if (warns) {
                say(metric, life, "warning", moment_->at, false);
                ++life.warned;
            } else if (const auto next = timers.find(sla_timer_name(metric));
                       next != timers.end() && next->second.change == "warning" &&
                       next->second.at < moment_->at) {
                say(metric, life, "warning", next->second.at);
                ++life.warned;
            }
        }
    }

    void follow() {
        policy_ = moment_->deleted ? nullptr : policy();
        for (const auto metric : sla_metrics()) {
            target_ = policy_ ? target_of(metric) : std::nullopt;
            const bool goes_on = target_ && !moment_->is_done();
            if (has_ended(metric) && goes_on) reopen(metric);
            const bool is_active = lives_.contains(metric) && !has_ended(metric);
            if (is_active && !target_) lives_.at(metric).lost = true, end(metric, "cancelled");
            if (is_active && target_) go_on(metric);
            if (!is_active && goes_on && begins(metric)) begin(metric);
        }
    }

    const SlaPolicy* policy() const {
        Scope scope;
        scope.now = moment_->at;
        scope.set("ticket", &moment_->ticket);
        for (const auto& policy : rule_set_.sla)
            if (policy.kind == "ticket" && holds(policy.when, scope)) return &policy;
        return nullptr;
    }

    /// The span of the priority that it has, or of every other one.
    std::optional<Piece> target_of(SlaMetric metric) const {
        const auto found = policy_->targets.find(metric);
        if (found == policy_->targets.end()) return std::nullopt;
        for (const auto& priority : {moment_->text_of("priority"), std::string()})
            if (const auto span = found->second.by_priority.find(priority);
                span != found->second.by_priority.end())
                return Piece{moment_->at, runs(metric, found->second), policy_->id, span->second,
                             &found->second};
        return std::nullopt;
    }

    bool runs(SlaMetric metric, const SlaTarget& target) const {
        Scope scope;
        scope.now = moment_->at;
        scope.set("ticket", &moment_->ticket);
        if (target.pause) return !holds(*target.pause, scope);
        const auto status = moment_->text_of("status");
        if (metric == SlaMetric::requester_wait || metric == SlaMetric::pausable_update)
            return status != "pending";
        return metric != SlaMetric::agent_work || (status != "pending" && status != "on_hold");
    }

    static bool is_update(SlaMetric metric) {
        return metric == SlaMetric::periodic_update || metric == SlaMetric::pausable_update;
    }
    static bool is_response(SlaMetric metric) {
        return metric == SlaMetric::first_response || metric == SlaMetric::next_response;
    }
    bool has_ended(SlaMetric metric) const {
        const auto found = lives_.find(metric);
        return found != lives_.end() && !found->second.end.empty();
    }

    bool begins(SlaMetric metric) const {
        if (metric == SlaMetric::first_response) return !is_answered_;
        if (metric == SlaMetric::next_response) return is_answered_ && moment_->author == Author::customer;
        if (lives_.contains(metric)) return false;
        return metric != SlaMetric::ownership || !moment_->text_of("group").empty();
    }

    void begin(SlaMetric metric) {
        auto& life = lives_[metric] = Life();
        life.started = moment_->at;
        life.group = moment_->text_of("group");
        life.record.push_back(*target_);
        say(metric, life, "started", moment_->at);
        if (metric == SlaMetric::first_response && moment_->author == Author::agent) end(metric, "met");
    }

    /// The work goes on, or does so still.
    void reopen(SlaMetric metric) {
        auto& life = lives_.at(metric);
        const bool is_of_others = metric == SlaMetric::ownership && life.group != moment_->text_of("group");
        if (is_update(metric) || is_of_others) {
            lives_.erase(metric);
            return;
        }
        if (life.lost) {
            life.lost = false;
            life.end.clear();
            return;
        }
        if (is_response(metric) || life.end == "cancelled" || target_->rules->reopen == SlaReopen::ignore)
            return;
        if (target_->rules->reopen == SlaReopen::restart)
            lives_.erase(metric);
        else
            life.end.clear();
    }

    void go_on(SlaMetric metric) {
        auto& life = lives_.at(metric);
        if (ends(metric, life)) return end(metric, how_it_ends(metric));
        const auto before = life.record.back();
        const auto& now = *target_;
        const bool is_moved = now.policy != before.policy || now.target != before.target ||
                              now.rules->calendar_name != before.rules->calendar_name;
        if (!is_moved && now.runs == before.runs) return;
        life.record.push_back(now);
        if (is_moved) say(metric, life, "retargeted", now.from);
        if (now.runs != before.runs) say(metric, life, now.runs ? "resumed" : "paused", now.from);
        if (due(life) != now.from) return;
        say(metric, life, "breached", now.from);
        life.late = now.from;
    }

    bool ends(SlaMetric metric, const Life& life) const {
        if (moment_->is_done()) return true;
        if (metric == SlaMetric::ownership) return moment_->text_of("group") != life.group;
        return (is_response(metric) || is_update(metric)) && moment_->author == Author::agent;
    }
    const char* how_it_ends(SlaMetric metric) const {
        const bool waits_for_answer = is_response(metric) || is_update(metric);
        return waits_for_answer && moment_->author != Author::agent ? "cancelled" : "met";
    }

    void end(SlaMetric metric, const std::string& how) {
        auto& life = lives_.at(metric);
        auto piece = life.record.back();
        piece.from = moment_->at;
        piece.runs = false;
        life.record.push_back(piece);
        life.end = how == "met" && life.late ? "late" : how;
        say(metric, life, life.end == "late" ? "ended" : life.end, moment_->at);
        const bool comes_again = is_update(metric) || metric == SlaMetric::ownership;
        if (how != "met" || !comes_again || !target_ || moment_->is_done()) return;
        lives_.erase(metric);
        if (begins(metric)) begin(metric);
    }

    SlaChange change_of(SlaMetric metric, const Life& life, const std::string& what, Instant at) {
        SlaChange change;
        change.metric = name_of(metric);
        change.policy = life.record.back().policy;
        change.change = what;
        change.at = at;
        change.due = due(life);
        change.used = used_at(life, at);
        change.target = life.record.back().target;
        change.emitted = true;
        return change;
    }
    void say(SlaMetric metric, const Life& life, const std::string& what, Instant at, bool emitted = true) {
        said_.push_back(change_of(metric, life, what, at));
        said_.back().emitted = emitted;
    }

    /// How much is used when the warnings come; two at once are one.
    static std::vector<Duration> warnings_of(const Piece& piece) {
        std::vector<Duration> points;
        for (const auto& warning : piece.rules->warnings) {
            const auto percent = warning.share ? std::lround(*warning.share * 100) : 0;
            points.push_back(warning.share ? piece.target * percent / 100 : piece.target - warning.before);
        }
        std::sort(points.begin(), points.end());
        points.erase(std::unique(points.begin(), points.end()), points.end());
        std::erase_if(points, [](Duration point) { return point <= Duration(0); });
        return points;
    }

    void expect_timer(SlaMetric metric, Life& life) {
        const auto over = life.end.empty() ? due(life) : std::nullopt;
        if (!over) return;
        const auto points = warnings_of(life.record.back());
        while (life.warned < points.size() && points[life.warned] < used_at(life, moment_->at)) ++life.warned;
        auto change = change_of(metric, life, "breached", *over);
        if (life.warned < points.size())
            if (const auto warning = used_up(life, points[life.warned]); warning && *warning < *over)
                change = change_of(metric, life, "warning", *warning);
        timers[sla_timer_name(metric)] = change;
    }

    const RuleSet& rule_set_;
    std::map<std::string, Hours> hours_;
    std::map<SlaMetric, Life> lives_;
    bool is_answered_ = false;
    const Moment* moment_ = nullptr;
    const SlaPolicy* policy_ = nullptr;
    std::optional<Piece> target_;  ///< of the metric at hand, from this moment on
    std::vector<SlaChange> said_;
};

// ---- the clocks as decisions move them, with their timers

class Clocks {
public:
    explicit Clocks(const RuleSet& rule_set) : rule_set_(rule_set) {}

    std::vector<SlaChange> decide(const Moment& moment) {
        timers.erase(moment.timer);
        auto state = sla_state_from(kept_);
        auto changes = pass_time(rule_set_, state, moment.at, moment.timer).changes;
        Scope scope;
        scope.now = moment.at;
        scope.set("ticket", &moment.ticket);
        const auto* message = moment.message.is_null() ? nullptr : &moment.message;
        auto followed =
            follow(rule_set_, state, {"ticket", moment.ticket, message, moment.deleted, moment.at, scope});
        changes.insert(changes.end(), followed.changes.begin(), followed.changes.end());
        for (const auto& timer : followed.timers)
            if (timer.due)
                timers[timer.name] = timer;
            else
                timers.erase(timer.name);
        kept_ = to_json(state);
        return changes;
    }

    std::map<std::string, TimerChange> timers;

    Json view(Instant now) const {
        Json view = Json::object();
        const auto all = sla_view(sla_state_from(kept_), rule_set_.calendars, now);
        for (const auto& [metric, clock] : all.items())
            if (clock.is_object())
                view[metric] = {{"state", clock["state"]},
                                {"used_seconds", clock["used_seconds"]},
                                {"breached", clock["breached"]}};
        return view;
    }

private:
    const RuleSet& rule_set_;
    Json kept_ = Json::object();
};

// ---- random policies

struct Place {
    const char* zone;
    const char* around;  ///< a change of its clocks
};
const std::vector<Place> places{
    {"Europe/Berlin", "2026-03-29T01:00:00Z"},       {"Europe/Berlin", "2026-10-25T01:00:00Z"},
    {"America/New_York", "2026-03-08T07:00:00Z"},    {"America/New_York", "2026-11-01T06:00:00Z"},
    {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"}, {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
};

Calendar::Hours random_hours(Random& random, std::size_t count) {
    Calendar::Hours hours;
    for (; count > 0; --count) {
        const auto opens = quarter * random.below(90);
        hours.push_back({opens, opens + quarter * (16 + random.below(random.chance(10) ? 80 : 24))});
    }
    return hours;
}

std::shared_ptr<const Calendar> random_calendar(Random& random, const Place& place) {
    Calendar::Times times{rules::testing::zone_of(place.zone),
                          random.chance(50) ? Skipped::first_instant : Skipped::moved,
                          {},
                          {},
                          {},
                          {}};
    // Some are never open.
    if (random.chance(3)) return std::make_shared<const Calendar>(std::move(times));
    for (std::size_t i = 0; i < times.week.size(); ++i)
        times.week[i] = random_hours(random, i % 3 == 0 ? 1 : random.below(3));
    const auto middle = std::chrono::floor<days>(at(place.around)).time_since_epoch();
    for (int i = -6; i < 7; ++i) {
        const Calendar::Day day(middle + days(i));
        if (random.chance(10)) times.special[day] = random_hours(random, random.below(3));
        if (random.chance(10)) times.holidays.insert(day);
        if (random.chance(20)) {
            const auto begins = quarter * random.below(90);
            times.breaks[day] = {{begins, begins + quarter * (1 + random.below(8))}};
        }
    }
    return std::make_shared<const Calendar>(std::move(times));
}

Duration random_span(Random& random) {
    if (random.chance(20)) return seconds(1 + random.below(20'000));
    return random.chance(50) ? minutes(15 * (1 + random.below(24))) : hours(1 + random.below(10));
}

Json random_condition(Random& random) {
    static const std::vector<Json> all{
        {{"ticket.organization", "acme"}}, {{"ticket.status", {"new", "open", "pending"}}},
        {{"ticket.status", "on_hold"}},    {{"ticket.status", {"pending", "on_hold"}}},
        {{"ticket.group", "one"}},         {{"ticket.priority", {"urgent", "high"}}},
    };
    return random.of(all);
}

/// What was made by chance, with its words for who has to look at it.
struct Policies {
    RuleSet rule_set;
    std::string text;
};

SlaTarget random_target(Random& random, const Calendars& calendars, Json& said) {
    SlaTarget target;
    if (random.chance(60)) target.by_priority["urgent"] = random_span(random);
    if (random.chance(30)) target.by_priority["high"] = random_span(random);
    if (target.by_priority.empty() || random.chance(80)) target.by_priority[""] = random_span(random);
    if (random.chance(65)) {
        const auto& [name, calendar] = *std::next(calendars.begin(), random.chance(50) ? 0 : 1);
        target.calendar_name = name;
        target.calendar = calendar;
        said["calendar"] = name;
    }
    target.due_at_next_opening = random.chance(50);
    target.reopen = static_cast<SlaReopen>(random.below(3));
    if (random.chance(40)) {
        said["pause"] = random_condition(random);
        target.pause = rules::testing::condition(said["pause"]);
    }
    for (auto count = random.below(4); count > 0; --count) {
        SlaWarning warning;
        const auto percent = 1 + random.below(99);
        if (random.chance(50))
            warning.share = static_cast<double>(percent) / 100;
        else
            warning.before = random_span(random) / 2;
        said["warn"].push_back(warning.share ? std::to_string(percent) + "%"
                                             : engine::to_text(warning.before));
        target.warnings.push_back(warning);
    }
    for (const auto& [priority, span] : target.by_priority)
        said["target"][priority.empty() ? "else" : priority] = engine::to_text(span);
    if (target.due_at_next_opening) said["due_at"] = "next_opening";
    said["reopen"] = std::array{"resume", "ignore", "restart"}[static_cast<std::size_t>(target.reopen)];
    return target;
}

Policies random_policies(Random& random, const Place& place) {
    Policies made;
    auto& rule_set = made.rule_set;
    rule_set.catalogue = Catalogue::shipped();
    for (const auto* name : {"one", "two"}) rule_set.calendars[name] = random_calendar(random, place);
    const auto count = 1 + random.below(3);
    for (std::size_t i = 0; i < count; ++i) {
        SlaPolicy policy;
        Json said{{"id", "p" + std::to_string(i)}};
        policy.id = said["id"].get<std::string>();
        if (random.chance(5)) policy.kind = "conversation", said["kind"] = policy.kind;
        if (random.chance(i + 1 < count ? 90 : 30)) {
            said["when"] = random_condition(random);
            policy.when = rules::testing::condition(said["when"]);
        }
        // Some differ in little but their names.
        const bool is_like_other = i > 0 && random.chance(40);
        if (is_like_other) {
            policy.targets = rule_set.sla.back().targets;
            said["targets"] = "those of the one before";
        }
        for (const auto metric : sla_metrics())
            if (!is_like_other && random.chance(50))
                policy.targets[metric] =
                    random_target(random, rule_set.calendars, said["targets"][std::string(name_of(metric))]);
        made.text += said.dump() + "\n";
        rule_set.sla.push_back(std::move(policy));
    }
    return made;
}

// ---- random histories

/// Has an entity live, and looks whether its clocks are what the guide says.
class Round {
public:
    Round(Random& random, const Place& place, const Policies& policies)
        : random_(random),
          now_(std::chrono::floor<days>(at(place.around)) - days(3)),
          guide_(policies.rule_set, now_),
          clocks_(policies.rule_set) {
        now_ += minutes(random.below(4 * 24 * 60));
        const std::vector<Duration> grains{minutes(15), minutes(1), seconds(1), Duration(1)};
        grain_ = random.of(grains);
        is_late_ = random.chance(20);
    }

    /// The first difference; empty = none.
    std::string run() {
        for (auto count = 3 + random_.below(20); count > 0 && found_.empty(); --count) {
            const auto next = next_instant();
            if (!is_late_ || random_.chance(50)) fire_until(next);
            now_ = next;
            decide(random_event());
        }
        fire_until(now_ + days(60));
        return found_.empty() ? "" : found_ + "after\n" + history_;
    }
    const std::map<std::string, std::size_t>& counts() const { return counts_; }

private:
    Instant next_instant() {
        if (random_.chance(10)) return now_;
        const auto gap = grain_ * random_.below(hours(random_.chance(60) ? 4 : 30) / grain_);
        auto next = now_ + gap;
        if (random_.chance(40)) next = telling_instant().value_or(next);
        if (random_.chance(10)) next += random_.chance(50) ? grain_ : -grain_;
        return std::max<Instant>(now_, next);
    }

    /// One at which something is over, or hours begin or end.
    std::optional<Instant> telling_instant() {
        if (guide_.timers.empty() || random_.chance(30)) return guide_.turn(random_, now_);
        const auto next = next_timer();
        const auto any = std::next(guide_.timers.begin(),
                                   static_cast<std::ptrdiff_t>(random_.below(guide_.timers.size())));
        const auto chosen = random_.chance(50) ? next->second.at : any->second.at;
        return chosen < now_ + days(4) ? std::optional(chosen) : std::nullopt;
    }

    std::map<std::string, SlaChange>::const_iterator next_timer() const {
        return std::min_element(guide_.timers.begin(), guide_.timers.end(),
                                [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
    }

    /// Timers that are due by then, the first one first. One that is due at that very instant may have to
    /// wait for the event.
    void fire_until(Instant end) {
        while (!guide_.timers.empty() && found_.empty()) {
            const auto next = next_timer();
            const auto due = std::max(next->second.at, now_);
            if (due > end || (due == end && random_.chance(50))) return;
            Moment moment;
            moment.timer = next->first;
            moment.at = is_late_ ? std::min<Instant>(end, due + seconds(random_.below(1'200))) : due;
            moment.ticket = ticket_;
            now_ = moment.at;
            decide(moment);
        }
    }

    Moment random_event() {
        Moment moment;
        moment.at = now_;
        if (is_deleted_) ticket_ = Json::object();
        is_deleted_ = random_.chance(2);
        if (ticket_.empty() || random_.chance(45))
            set("status",
                {"new", "open", "open", "open", "pending", "pending", "on_hold", "solved", "closed"});
        if (random_.chance(20)) set("priority", {"urgent", "high", "normal", "low", Json()});
        if (random_.chance(20)) set("group", {"one", "two", "three", Json()});
        if (random_.chance(15)) set("organization", {"acme", "umbrella", Json()});
        moment.ticket = ticket_;
        moment.deleted = is_deleted_;
        if (random_.chance(50)) write(moment);
        return moment;
    }
    void set(const char* field, const std::vector<Json>& values) {
        ticket_.merge_patch(Json{{field, random_.of(values)}});
    }

    void write(Moment& moment) {
        static const std::vector<Json> from_agent{{{"author", {{"role", "agent"}}}},
                                                  {{"sender", "agent"}, {"public", true}},
                                                  {{"direction", "outbound"}}};
        static const std::vector<Json> from_customer{{{"author", {{"role", "customer"}}}},
                                                     {{"author", {{"role", "end-user"}}}},
                                                     {{"sender", "requester"}, {"direction", "outbound"}},
                                                     {{"direction", "inbound"}}};
        static const std::vector<Json> from_nobody{{{"author", {{"role", "agent"}}}, {"public", false}},
                                                   {{"direction", "inbound"}, {"public", false}},
                                                   {{"sender", "bot"}, {"direction", "outbound"}},
                                                   {{"body", "moved"}}};
        moment.author = random_.of<Author>({Author::nobody, Author::agent, Author::customer});
        moment.message = random_.of(moment.author == Author::agent      ? from_agent
                                    : moment.author == Author::customer ? from_customer
                                                                        : from_nobody);
    }

    void decide(const Moment& moment) {
        history_ += told(moment) + "\n";
        const auto expected = guide_.decide(moment), said = clocks_.decide(moment);
        for (const auto& change : said) ++counts_[change.change];
        if (expected != said) return differ("changes", lines_of(expected), lines_of(said));
        std::string expected_timers, timers;
        for (const auto& [name, change] : guide_.timers)
            expected_timers += line_of(name, change.at, Json{{"sla", to_json(change)}});
        for (const auto& [name, timer] : clocks_.timers) {
            timers += line_of(name, *timer.due, timer.data);
            if (timer.type != "sla." + engine::text_or(timer.data["sla"], "change", "")) timers += timer.type;
        }
        if (expected_timers != timers) return differ("timers", expected_timers, timers);
        const auto later = moment.at + grain_ * random_.below(hours(12) / grain_);
        const auto expected_view = guide_.view(later).dump(), view = clocks_.view(later).dump();
        if (expected_view != view)
            differ("clocks at " + engine::to_text(later), expected_view + "\n", view + "\n");
    }

    static std::string line_of(const std::string& name, Instant due, const Json& data) {
        return name + " " + engine::to_text(due) + " " + data.dump() + "\n";
    }
    static std::string lines_of(const std::vector<SlaChange>& changes) {
        std::string lines;
        for (const auto& change : changes)
            lines += to_json(change).dump() + (change.emitted ? "" : " by its timer") + "\n";
        return lines;
    }
    void differ(const std::string& what, const std::string& expected, const std::string& found) {
        found_ = what + " should be\n" + expected + "and are\n" + found;
    }

    Random& random_;
    Instant now_;
    Guide guide_;
    Clocks clocks_;
    Duration grain_{};
    bool is_late_ = false;  ///< timers fire late, and events are decided before them
    Json ticket_ = Json::object();
    bool is_deleted_ = false;
    std::string history_;
    std::string found_;
    std::map<std::string, std::size_t> counts_;
};

std::uint32_t rounds() {
    const char* given = std::getenv("SIGNALBOX_SLA_ROUNDS");
    return given ? static_cast<std::uint32_t>(std::stoul(given)) : 400;
}

}  // namespace

TEST_CASE("sla: clocks are what the guide makes of their whole history", "[sla]") {
    const auto seed = testing_random::seed_or(35);
    std::map<std::string, std::size_t> counts;
    for (std::uint32_t number = 0; number < rounds(); ++number) {
        Random random(seed + number);
        const auto& place = random.of(places);
        const auto policies = random_policies(random, place);
        Round round(random, place, policies);
        const auto difference = round.run();
        INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << number << ", " << place.zone << "\n"
                                    << policies.text << difference);
        REQUIRE(difference.empty());
        for (const auto& [change, count] : round.counts()) counts[change] += count;
    }
    // Nothing of it is shown by what never happens.
    for (const auto* change :
         {"started", "warning", "breached", "met", "paused", "resumed", "retargeted", "ended", "cancelled"})
        CHECK(counts[change] >= rounds() / 4);
}

}  // namespace evaluator_sla_oracle
