#pragma once
/// ScriptsAhead: runs the scripts of several decisions together, before the decisions are made.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/result.h"
#include "engine/model/event.h"
#include "rules/script.h"

namespace engine {

/// One thread. The way to a worker process and back costs as much as a usual script, and the thread that
/// decides would wait for it each time. So events that come soon are decided ahead, on what is there by now,
/// only to see what they ask a script first: such a decision is thrown away. What they ask goes to the worker
/// together, and while it works, the events before them are decided. A run depends on nothing but its call:
/// a decision that makes the very same call takes its outcome, one that finds something else by then has its
/// own run.
class ScriptsAhead final : public rules::ScriptHost {
public:
    struct Counts {
        std::uint64_t runs = 0;  ///< done ahead
        std::uint64_t used = 0;  ///< of them
    };
    using Each = std::function<Result<void>(std::size_t)>;
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    /// Runs are done ahead when that takes less time than to wait for each, by this clock.
    explicit ScriptsAhead(Now now = Clock::now) : now_(std::move(now)) {}

    /// Decides the events in their order, each by its number, until one fails. `foresee` decides one with
    /// this as the host and leaves nothing behind. `host` runs the scripts; borrowed meanwhile.
    Result<void> decide_all(rules::ScriptHost& host, const std::vector<const Event*>& events,
                            const Each& foresee, const Each& decide);
    /// Decisions whose scripts that host runs are made with this one now.
    bool stands_for(const rules::ScriptHost* host) const { return host_ != nullptr && host == host_; }

    std::vector<Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>& scripts) override;
    /// A decision ahead that asks for what is not known yet ends with a need that has no key.
    rules::ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>& scripts,
                             const rules::ScriptCall& call) override;

    std::chrono::milliseconds decision_time_max() const override { return host_->decision_time_max(); }

    const Counts& counts() const { return counts_; }

private:
    using Scripts = std::shared_ptr<const rules::ScriptSet>;
    struct Known {
        Scripts scripts;
        rules::ScriptCall call;
        rules::ScriptOutcome outcome;
    };
    /// What some events ask.
    struct Questions {
        std::map<Scripts, std::vector<rules::ScriptCall>> calls;
        std::vector<std::size_t> events;  ///< by their numbers
    };
    /// What was seen of one event.
    struct Seen {
        std::size_t asked = 0;      ///< runs of its decision
        std::size_t met = 0;        ///< of them, those that were known
        Clock::duration waited{};   ///< for the others
        std::size_t looks = 0;      ///< ahead, that found something to ask
        Clock::duration looking{};  ///< how long they took
    };
    /// What events of one type do.
    struct Habit {
        int surety = 0;          ///< that they run scripts, and those that are foreseen
        std::size_t runs = 0;    ///< of the one decided last
        Clock::duration run{};   ///< how long a run is waited for that was not done ahead
        Clock::duration look{};  ///< how long it takes to decide one ahead
        std::size_t met = 0;     ///< since one was waited for
    };
    /// Events that are looked at together: the first, and one past the last.
    struct Part {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    class Turn;

    void forget();
    void note(const Scripts& scripts, const rules::ScriptCall& call);
    const Known* known(const Scripts& scripts, const rules::ScriptCall& call) const;
    void run_together(Questions questions, const std::function<void()>& meanwhile);
    /// How many of the scripts that it will run are worth a look ahead.
    std::size_t looks_worth(const Event& event) const;
    void bar_if_dear(const Scripts& scripts, const rules::ScriptOutcome& outcome);
    void learn(const Event& event, const Seen& seen);

    Now now_;
    rules::ScriptHost* host_ = nullptr;
    Questions* looking_ = nullptr;             ///< set: decisions are made ahead, and their calls go here
    std::multimap<std::string, Known> known_;  ///< by the seed of the call
    Seen* deciding_ = nullptr;                 ///< set: a decision is made that counts
    std::map<std::pair<std::string, std::string>, Habit> habits_;  ///< by tenant and type of event
    std::map<std::string, std::size_t> barred_;                    ///< tenants, and for how many decisions
    Counts counts_;
};

}  // namespace engine
