#pragma once
/// StepColumns: what the steps of one commit change, net, as the columns of commit_steps and of the rarer
/// statements.

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/store/journal_writer.h"
#include "engine/store/postgres/commit_columns.h"

namespace engine::postgres {

/// Where a stream stands.
struct OpenStream {
    std::int64_t id = 0;
    StreamHead head;
    std::uint64_t committed = 0;  ///< the seq that the database knows
};

using StreamKey = std::pair<std::int64_t, std::string>;                  ///< tenant, name
using SubjectKey = std::tuple<std::int64_t, std::string, std::int64_t>;  ///< tenant, subject, stream

/// Where the stream stands now, and which row is the last about the subject, as columns of a commit.
void add_head(CommitColumns& columns, const OpenStream& stream);
void add_subject_head(CommitColumns& columns, const SubjectKey& key, std::uint64_t seq);

struct SubjectKeyHash {
    std::size_t operator()(const SubjectKey& key) const {
        return std::hash<std::string>{}(std::get<1>(key)) * 31 + static_cast<std::size_t>(std::get<2>(key));
    }
};

/// What the owner remembers between commits; all of it is committed.
struct WriterMemory {
    std::map<StreamKey, OpenStream> streams;
    std::unordered_map<SubjectKey, std::uint64_t, SubjectKeyHash> subjects;  ///< seq of the last row
    JournalWriter journal;
};

// ---- single rows

void add_record(CommitColumns& columns, const JournalRecord& record, std::int64_t stream,
                std::int64_t tenant);
void add_pending_row(CommitColumns& columns, const PendingEvent& pending, std::int64_t tenant,
                     std::uint64_t event_seq);
void add_outbox_row(CommitColumns& columns, const Delivery& added, const Delivery& latest,
                    std::int64_t tenant);
/// The values of the statements that put one.
Values values_of(const DeadLetter& letter, std::int64_t tenant);
Values values_of(const Timer& timer, std::int64_t tenant);
Values values_of(const BlockedLane& lane, std::int64_t tenant);
Values values_of(const StoredContinuation& stored, std::int64_t tenant);
Values values_of(const ApiKey& key, std::int64_t tenant);

/// Fails with conflict when steps of one commit contradict each other; the database finds what contradicts
/// its rows.
class StepColumns {
public:
    explicit StepColumns(WriterMemory& memory) : memory_(memory) {}

    /// The streams and subjects of the step's records are known to the memory.
    Result<void> add(const Step& step, std::int64_t tenant);
    /// Adds everything to the values of commit_steps but its first three, which it begins with.
    void give_to(Values& values);
    /// Of the statements that few commits need: `(statement, values)`, in order.
    const std::vector<std::pair<const char*, Values>>& rare() const { return rare_; }
    /// The event that a key of the table `seen`, in hex, or an entity, as `tenant:subject`, stands for.
    std::string event_of(const std::string& what) const;
    /// After the commit.
    void remember();

private:
    using Place = std::pair<int, std::uint64_t>;
    struct PendingRow {
        std::int64_t tenant;
        const PendingEvent* pending;
        std::uint64_t event_seq;
    };
    struct OutboxRow {
        std::int64_t tenant;
        const Delivery* added;
        const Delivery* latest;  ///< has its attempts and the time of the next
    };
    struct EntityRow {
        const Entity* last = nullptr;
        std::uint64_t first_version = 0;
        std::string first_fields;
        std::string fields;
        std::string event;  ///< that wrote it first
    };
    struct Counters {
        std::uint64_t place = 0;
        std::uint64_t number = 0;
    };
    /// The records of the step now being added that others of its parts point at.
    struct Current {
        const Step* step = nullptr;
        std::int64_t tenant = 0;
        std::int64_t event_stream = 0;
        std::uint64_t event_seq = 0;
        std::uint64_t decision_seq = 0;
    };

    void add_erasures();
    void append(const NewRecord& record);
    Result<void> add_seen();
    Result<void> add_decided();
    Result<void> add_entity(const Entity& entity);
    Result<void> add_pending();
    Result<void> add_outbox();
    void add_dead_letters();
    void add_timers();
    void add_lanes();
    void add_continuations();
    void add_keys();
    void add_retention();
    void add_rare(const char* statement, Values values) { rare_.emplace_back(statement, std::move(values)); }
    void fill_journal();
    void fill_entities();
    void fill_pending();
    void fill_outbox();
    Error conflict(const std::string& what) const;

    WriterMemory& memory_;
    Current now_;
    std::map<StreamKey, OpenStream*> moved_;
    std::unordered_map<SubjectKey, std::uint64_t, SubjectKeyHash> subjects_;
    std::unordered_map<std::string, std::string> events_;  ///< by the key of `seen`: the event's id
    std::unordered_set<std::string> decided_keys_;
    std::map<std::pair<std::int64_t, std::string>, EntityRow> entities_;
    std::map<int, Counters> counters_;
    std::set<Place> gone_;  ///< pending rows that the database may have
    std::map<Place, PendingRow> pending_;
    std::set<Place> done_;                      ///< deliveries that the database may have
    std::map<Place, const Delivery*> updated_;  ///< of those it has
    std::map<Place, OutboxRow> outbox_;
    std::vector<std::pair<const char*, Values>> rare_;

    CommitColumns columns_;
};

}  // namespace engine::postgres
