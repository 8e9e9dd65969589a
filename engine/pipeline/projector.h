#pragma once
/// Projector: applies journal rows, one after another, to what they made: the one reading of the journal.
/// Entities of the past, rebuilt projections and decisions made again all come from it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/base/result.h"
#include "engine/model/decision.h"
#include "engine/model/journal_record.h"
#include "engine/pipeline/derived.h"
#include "engine/pipeline/engine.h"
#include "engine/pipeline/entity_shelf.h"
#include "engine/store/store.h"

namespace engine {

/// Finds the tenant as it was at a rule set version.
using TenantAt = std::function<Result<std::shared_ptr<const Tenant>>(const std::string& version)>;

/// Everything of a tenant that waits; entities are on the shelf.
struct Projection {
    using Place = std::pair<int, std::uint64_t>;  ///< partition, and place or number
    std::map<Place, Delivery> outbox;
    std::map<Place, DeadLetter> dead_letters;
    std::map<Place, PendingEvent> pending;
    std::map<std::string, std::map<std::string, Timer>> timers;  ///< by subject and name
    std::map<std::string, BlockedLane> blocked;                  ///< by subject; `waiting` is left 0
    /// By subject and id.
    std::map<std::string, std::map<std::string, StoredContinuation>> continuations;
    /// The largest place and number the tenant's rows name, by partition.
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> counters;
};

/// Takes the rows of one tenant: those of a stream in order, streams in any order among each other. Rows of
/// one subject alone are enough for that subject's entity. One thread.
///
/// A row whose body is gone, or whose rule set cannot be had, makes its lane `lost`: what the lane holds
/// cannot be known any more. Later rows of the lane are passed over until an erasure begins it anew.
class Projector {
public:
    struct Options {
        int partitions = 16;
        bool delivers = true;  ///< false in a simulated store: its decisions leave no deliveries
    };
    /// `on_seen` hears of every event that is decided, as recognition knows it.
    Projector(TenantName tenant, Options options, TenantAt tenant_at, EntityShelf& entities,
              std::function<Result<void>(const SeenEvent&)> on_seen = {});

    /// Before the first row: by stream the last row that is gone. A lane that has rows there is lost.
    void begin_after(std::map<std::string, std::uint64_t> detached) { detached_ = std::move(detached); }
    /// Fails as the store behind `tenant_at` and the shelf fail.
    Result<void> take(const JournalRecord& record);
    /// The same for a decision's row that is read already.
    Result<void> take_decision(const JournalRecord& record, const Decision& decision);

    /// The event a decision is about, as journaled before it; null when it is not known.
    std::shared_ptr<const Event> event_of(const Decision& decision) const;
    /// Why nothing is known of the lane; null when it is not lost.
    const Error* lost(const Subject& subject) const;
    const std::map<std::string, Error>& lost_lanes() const { return lost_; }

    /// After the last row: moves what was accepted and never decided to what is pending.
    Result<void> finish();
    Projection& projection() { return projection_; }

private:
    /// A journaled event whose decision comes later.
    struct Open {
        std::shared_ptr<const Event> event;
        SeenEvent seen;
        std::uint64_t place = 0;           ///< of one that waits in its lane
        std::optional<PendingEvent> flow;  ///< what it was before it was journaled, when it flowed back
    };
    /// What the rest of a step is about.
    struct Decided {
        std::shared_ptr<const Event> event;
        std::vector<Change> merged;
        std::uint64_t event_seq = 0;  ///< of the event's row in that step; 0 when it is of an earlier one
    };
    using Key = std::string;  ///< of an event: subject, source, id

    Result<void> take_erasure(const JournalRecord& record);
    Result<void> take_event(const JournalRecord& record, const Json& body);
    Result<void> take_waiting(const JournalRecord& record, const Json& body);
    Result<void> take_clash(const JournalRecord& record, const Json& body);
    Result<void> take_attempt(const JournalRecord& record, const Json& body);
    Result<void> take_end(const JournalRecord& record, const Json& body);
    Result<void> take_operator_act(const JournalRecord& record, const Json& body);
    Result<void> take_blocked(const JournalRecord& record, const Json& body);
    Result<void> take_released(const JournalRecord& record, const Json& body);

    Result<void> change_entity(const JournalRecord& record, const Event& event, const Decision& decision);
    void add_consequences(const JournalRecord& record, const Event& event, const Decision& decision,
                          std::uint64_t event_seq);
    void add_pending(PendingEvent pending);
    std::optional<PendingEvent> take_pending(const Key& key);
    void remove_pending(const Key& key, const Projection::Place& place);
    void apply_origin(const Open& open);
    void apply_result(const PendingEvent& flow);
    void apply_timer(const Event& event);
    void change_timers(const JournalRecord& record, const Event& event, const Decision& decision);
    void apply_taken(const std::string& lane, const Taken& taken);
    std::vector<StoredContinuation> waiting_in(const std::string& lane) const;
    Result<void> confirm_own_writes(const JournalRecord& record, const std::string& key);
    void retry_dead_letter(const JournalRecord& record, const Json& body, const std::string& key);
    void discard_dead_letter(const std::string& key);
    void raise(int partition, std::uint64_t place, std::uint64_t number);
    std::uint64_t detached(const std::string& stream) const;
    void lose(const JournalRecord& record, Error why);
    int partition_of(const Subject& subject) const;

    TenantName tenant_;
    Options options_;
    std::map<std::string, std::uint64_t> detached_;
    TenantAt tenant_at_;
    EntityShelf& entities_;
    std::function<Result<void>(const SeenEvent&)> on_seen_;
    Projection projection_;
    std::map<Key, Open> open_;
    std::map<std::string, Decided> last_;                        ///< by stream
    std::map<Key, std::set<Projection::Place>> pending_by_key_;  ///< several when ids were made to clash
    /// Events that were journaled in one stream before the row of another stream that made them was taken.
    std::map<Key, std::uint64_t> owed_;
    std::map<std::string, Projection::Place> outbox_by_key_;
    std::map<std::string, Projection::Place> dead_by_key_;
    std::map<std::string, Error> lost_;
};

}  // namespace engine
