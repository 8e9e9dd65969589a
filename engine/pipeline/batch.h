#pragma once
/// Batch: what one turn decides, as steps for one commit, each seeing what the ones before it would leave.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/pipeline/arrival.h"
#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/outbox.h"
#include "engine/pipeline/rule_set_cache.h"
#include "engine/pipeline/scripts_ahead.h"
#include "engine/pipeline/watched.h"
#include "engine/store/store.h"

namespace engine {

/// A lane whose next event waits for what a script has asked for. It and what came behind it are in the
/// store.
struct AskingLane {
    PendingEvent pending;           ///< is decided again when the answer is known
    Need need;                      ///< what is asked for now
    Json answers = Json::object();  ///< so far: key → answer
    int asked = 0;                  ///< how often something was
    bool is_answered = false;
    bool has_more = false;      ///< others wait behind it
    std::uint64_t waiting = 0;  ///< events from outside among them
};

/// What a worker remembers of its lanes between turns.
struct Lanes {
    using Key = std::pair<std::string, std::string>;  ///< tenant, subject
    static Key key_of(const TenantName& tenant, const Subject& subject) {
        return {tenant.text(), subject.text()};
    }
    static Key key_of(const Event& event) { return key_of(event.tenant, event.subject); }

    int partitions = 16;
    std::map<int, std::uint64_t> places;   ///< last used place of a partition
    std::map<int, std::uint64_t> numbers;  ///< last used number of a partition
    std::map<Key, BlockedLane> blocked;    ///< with the count of waiting events
    std::map<Key, AskingLane> asking;

    int partition_of(const TenantName& tenant, const Subject& subject) const {
        return engine::partition_of(tenant, subject, partitions);
    }
};

struct BatchOptions {
    Instant now{};
    bool deliver = true;
    std::size_t lane_waiting_max = 10'000;
    std::size_t erased_rows_max = 10'000;  ///< by one command, so that no other lane waits long
    std::size_t swept_entities_max = 500;  ///< looked at by one timer that fires, for the same reason
    AnswerSource* answers = nullptr;       ///< borrowed; null = scripts are told that nobody can be asked
    int lookups_per_event_max = 16;        ///< that an event waits for, one after another
    ScriptsAhead* ahead = nullptr;         ///< borrowed; null = scripts run when they are asked
};

/// One thread; nothing is durable before the steps are committed. `lanes` gets the used places and numbers,
/// which a failed commit leaves unused: they need not be dense.
class Batch final : public Snapshot {
public:
    struct Made {
        std::shared_ptr<const Event> event;
        Decision decision;
    };

    /// `store` shows what is committed. `before`, when there is one, is the batch whose commit is under way:
    /// it is seen as if it were committed, and outlives this one's planning. `watched` shows what is decided
    /// already, and hears of what this one decides.
    Batch(Store& store, const Tenants& tenants, RuleSetCache& older, Lanes& lanes, WatchedTenants& watched,
          BatchOptions options, const Batch* before = nullptr)
        : store_(store),
          tenants_(tenants),
          older_(older),
          lanes_(lanes),
          watched_(watched),
          options_(options),
          before_(before) {}
    /// The batch before is committed, or no more is planned.
    void forget_before() { before_ = nullptr; }
    /// What waits behind blocked lanes is counted there now.
    void count_no_waiting();
    /// The time of what is decided from now on.
    void set_now(Instant now) { options_.now = now; }

    /// Decides what comes later ahead, on what is there now, for what it asks scripts (see ScriptsAhead).
    /// Nothing is planned. What is known to be decided on something else by then is passed over.
    Result<void> foresee(const Arrival& arrival);
    Result<void> foresee(const PendingEvent& pending);
    Result<void> foresee(const Timer& timer);
    /// Recognises, lets wait, or decides an event from outside. The Ack counts once the batch is committed.
    Result<Ack> admit(const Arrival& arrival);
    /// Decides an event that flowed back or waited; leaves it where it is when its lane is blocked.
    Result<void> decide(const PendingEvent& pending);
    /// Decides what a timer of the store becomes now that it is due: nothing when what was decided before has
    /// ended or moved it, and nothing yet when its lane is blocked.
    Result<void> fire(const Timer& timer);
    /// Records what an attempt led to.
    Result<void> settle(const Settlement& settlement, const Attempt& attempt);
    /// Performs an operator's command. What is wrong with the command is an error in the answer.
    Result<Json> perform(const Request& request);

    const std::vector<Step>& steps() const { return steps_; }
    const std::vector<Made>& made() const { return made_; }
    /// Events to take in when the batch is committed: what waits for somebody who got free by a command.
    const std::vector<Event>& offers() const { return offers_; }
    /// Lanes that ask for something once the batch is committed, and those that have done with asking then.
    const std::vector<Lanes::Key>& asked() const { return asked_; }
    const std::vector<Lanes::Key>& answered() const { return answered_; }
    /// The batch is not committed: lanes ask for what they did before.
    void undo_asking();

    Result<Entity> entity(const TenantName& tenant, const Subject& subject) override;
    Result<std::optional<Entity>> by_email(const TenantName& tenant, std::string_view kind,
                                           std::string_view email) override;
    Result<std::vector<Timer>> timers(const TenantName& tenant, const Subject& subject) override;
    Result<std::shared_ptr<const Tenant>> tenant_under(const TenantName& tenant,
                                                       const std::string& version) override {
        return older_tenant(tenant, version);
    }
    Result<std::unique_ptr<rules::RoutingBoard>> desk(const TenantName& tenant, const rules::Routing& routing,
                                                      const Subject& subject) override {
        const auto board = watched_.find(tenant);
        return board == watched_.end() ? nullptr : board->second.desk().seen_by(subject, routing);
    }
    Json answers_said() override;
    Result<std::optional<Json>> look_up(const Tenant& tenant, const Need& need) override;
    Result<std::vector<Instant>> counted(const TenantName& tenant, const rules::RateQuestion& question,
                                         const Subject& except) override {
        const auto board = watched_.find(tenant);
        return board == watched_.end() ? std::vector<Instant>() : board->second.counted(question, except);
    }

private:
    struct Origin {
        std::optional<PendingEvent> pending;
        bool journal_event = true;
        const Arrival* arrival = nullptr;  ///< of an event from outside that did not wait
        const Timer* timer = nullptr;      ///< that it was
    };

    using TimerKey = std::tuple<std::string, std::string, std::string>;  ///< tenant, subject, name
    static TimerKey key_of(const Timer& timer) {
        return {timer.tenant.text(), timer.subject.text(), timer.name};
    }

    Step new_step(const TenantName& tenant) const;
    Result<std::optional<Ack>> recognise(const Event& event, const Digest& digest);
    Ack note_clash(const Event& event);
    bool is_blocked(const Event& event) const;
    Result<void> foresee(Work work);
    rules::ScriptHost* host_of(const Tenant& tenant) const;
    /// Whether what waits in the store has its turn; notes it when not.
    bool has_turn(const Event& event);
    const AskingLane* answered_lane(const Event& event) const;
    void ask(const Work& work, const Origin& origin, Need need);
    void journal_event(Step& step, const Event& event, const Origin& origin);
    Result<std::optional<Digest>> known_digest(const Event& event);
    Result<Ack> let_wait(const Event& event, std::string_view canonical_data);
    Result<void> decide(const Tenant& tenant, Work work, const Origin& origin);
    Result<void> decide_result(const Tenant& tenant, const PendingEvent& pending, const Origin& origin);
    void add_event_record(Step& step, const Event& event, std::string_view canonical_data) const;
    void add_entity(Step& step, Entity entity);
    void add_decision_record(Step& step, const Event& event, const Decided& decided) const;
    void add_waiting_record(Step& step, const Event& event, std::uint64_t place) const;
    void add_deliveries(Step& step, const Event& event, Decided& decided);
    void add_derived(Step& step, Decided& decided);
    void add_timers(Step& step, const Event& event, const Decided& decided, const Timer* fired);
    void add_continuations(Step& step, const Event& event, const Decided& decided);
    void block_lane(Step& step, const Event& event, const Decided& decided, const Origin& origin);
    PendingEvent next_pending(Event event, const char* kind);

    Result<std::shared_ptr<const Tenant>> older_tenant(const TenantName& name, const std::string& version);
    Result<Work> work_of_delivery(const PendingEvent& pending, Step& extra);
    Result<std::vector<StoredContinuation>> continuations_of(const TenantName& tenant,
                                                             const Subject& subject);
    Result<Work> resumed(Event event, Taken taken, Step& extra);
    /// The timer as this batch, or the one before it, leaves it; null when neither touched it.
    const std::optional<Timer>* planned_timer(const TimerKey& key) const;
    void change_timers(const TenantName& tenant, const Subject& subject,
                       std::map<std::string, Timer>& all) const;
    void change_continuations(const TenantName& tenant, const Subject& subject,
                              std::vector<StoredContinuation>& all) const;
    Result<void> confirm_own_writes(Step& step, const Delivery& delivery);
    /// The event's place, or 0 when nobody waits for the result.
    std::uint64_t add_result_event(Step& step, const Delivery& delivery, const Attempt& attempt, bool done);

    /// The timer of a wait that nobody waits for any more.
    void end_wait(Step& step, const StoredContinuation& stored);
    Result<Json> retry_dead_letter(const Request& request);
    Result<Json> discard_dead_letter(const Request& request);
    Result<Json> release_lane(const Request& request);
    Result<void> remove_retries(Step& step, const BlockedLane& lane);
    Result<Json> create_key(const Request& request);
    Result<Json> revoke_key(const Request& request);
    Result<Json> retain(const Request& request);
    Result<void> check_lane_is_quiet(const TenantName& tenant, const Subject& subject);
    Result<std::vector<JournalPlace>> rows_to_erase(const Request& request, const Subject& subject);
    Result<Json> erase(const Request& request);
    void offer_room_of(const Entity& erased);
    Result<DeadLetter> named_dead_letter(const Request& request);
    /// `did`: what the body says of the outcome besides command and arguments.
    void add_operator_record(Step& step, const Request& request, const std::string& stream,
                             const std::string& subject, Json did = Json::object()) const;

    /// The entity as this batch, or the one before it, leaves it.
    const Entity* planned(const Lanes::Key& key) const;
    /// The first entity of the kind after a subject, by subject, that a batch under way leaves with that
    /// e-mail.
    const Entity* planned_by_email(const TenantName& tenant, std::string_view kind,
                                   std::string_view email) const;

    Store& store_;
    const Tenants& tenants_;
    RuleSetCache& older_;
    Lanes& lanes_;
    WatchedTenants& watched_;
    BatchOptions options_;
    const Batch* before_;
    std::vector<Step> steps_;
    std::vector<Made> made_;
    std::vector<Event> offers_;
    const Event* deciding_ = nullptr;  ///< the event under decision
    std::vector<Lanes::Key> asked_;
    std::vector<Lanes::Key> answered_;
    /// Lanes whose asking this batch has begun or gone on with, as they were; the last one last.
    std::vector<std::pair<Lanes::Key, std::optional<AskingLane>>> asking_before_;
    std::map<Lanes::Key, std::size_t> entities_;  ///< the last step that wrote the lane's entity
    /// (tenant, e-mail) and the subjects of all that had it at some time in this batch.
    std::map<Lanes::Key, std::set<std::string>> emails_;
    std::map<std::pair<std::string, std::string>, Digest> seen_;  ///< tenant, source NUL id → content
    /// Lanes blocked in this batch, and how many more wait than `lanes` knows.
    std::map<Lanes::Key, std::uint64_t> waiting_;
    std::map<std::string, std::optional<StoredContinuation>> continuations_;
    std::map<TimerKey, std::optional<Timer>> timers_;  ///< nothing = ended
};

}  // namespace engine
