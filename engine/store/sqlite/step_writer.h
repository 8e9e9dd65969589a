#pragma once
/// StepWriter: writes steps into an open transaction; what many of them touch is written once, at the end.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "engine/store/journal_writer.h"
#include "engine/store/sqlite/database.h"
#include "engine/store/sqlite/dictionary.h"
#include "engine/store/sqlite/row_writer.h"

namespace engine {

/// Where a stream stands.
struct OpenStream {
    std::int64_t id = 0;
    StreamHead head;
    bool moved = false;  ///< further than its row says
};

/// The last row about a subject in a stream.
struct SubjectHead {
    std::uint64_t seq = 0;
    bool unwritten = false;  ///< later than the table of subjects knows
};

/// What an entity's row holds besides the document.
struct EntityHead {
    std::int64_t id = 0;  ///< 0 until it has a row
    std::uint64_t version = 0;
    std::string email;
    std::optional<std::int64_t> watched_until;
};

/// The stream of the tenant with that number, made when there is none; inside a transaction. Fails as the
/// database does, and with corrupt.
Result<OpenStream> open_stream(Database& database, std::int64_t tenant, const std::string& name);

using StreamKey = std::pair<std::int64_t, std::string>;                  ///< tenant, name
using SubjectKey = std::tuple<std::int64_t, std::string, std::int64_t>;  ///< tenant, subject, stream
using EntityPlace = std::pair<std::int64_t, std::string>;                ///< tenant, subject

struct KeyHash {
    std::size_t operator()(const SubjectKey& key) const {
        return std::hash<std::string>{}(std::get<1>(key)) * 31 + static_cast<std::size_t>(std::get<2>(key));
    }
    std::size_t operator()(const EntityPlace& key) const {
        return std::hash<std::string>{}(key.second) * 31 + static_cast<std::size_t>(key.first);
    }
};

/// What the owner remembers between commits; all of it is committed, and some of it is not in its own table
/// yet but only in the journal.
struct WriterMemory {
    std::map<StreamKey, OpenStream> streams;
    std::unordered_map<SubjectKey, SubjectHead, KeyHash> subjects;
    std::unordered_map<EntityPlace, EntityHead, KeyHash> entities;
    std::uint64_t unindexed_rows = 0;
    bool complete = false;  ///< holds every subject of the rows that are not indexed
    JournalWriter journal;
};

class StepWriter {
public:
    StepWriter(Database& database, Dictionary& tenants, Dictionary& words, WriterMemory& memory)
        : database_(database), tenants_(tenants), row_(database, words), memory_(memory) {}

    /// Before the first step, inside the transaction.
    Result<void> begin();
    /// Fails with conflict as Store::commit says; the transaction must then be rolled back.
    Result<void> write(const Step& step);
    /// After the last step.
    Result<void> finish();
    /// After the transaction was committed: remembers what it changed.
    void remember();

private:
    /// The records of the step now being written that others of its parts point at.
    struct Current {
        const Step* step = nullptr;
        std::int64_t tenant = 0;
        std::int64_t event_stream = 0;
        std::uint64_t event_seq = 0;
        std::uint64_t decision_seq = 0;
    };
    struct EntityRow {
        EntityHead head;
        std::optional<std::string> fields;  ///< nothing while only the head is known
        std::string meta;
        bool index_changed = false;  ///< the address, or until when it is watched
    };
    struct Counters {
        std::uint64_t place = 0;
        std::uint64_t number = 0;
        std::int64_t outbox_rows = 0;
    };

    Result<void> erase(const Erasure& erasure);
    Result<void> append(const NewRecord& record);
    Result<OpenStream*> stream(const std::string& name);
    Result<SubjectHead*> subject_head(const std::string& subject, std::int64_t stream);

    Result<void> write_seen();
    Result<void> write_decided();
    Result<void> write_entity(const Entity& entity);
    Result<EntityRow*> entity_row(const Subject& subject);
    Result<void> read_entity(const std::string& subject, EntityRow& row);
    Result<bool> has_fields(const Subject& subject, EntityRow& row, const std::string& fields);
    Result<void> write_pending();
    Result<void> write_outbox();
    Result<void> write_dead_letters();
    Result<void> write_timers();
    Result<void> write_blocked_lanes();
    Result<void> write_continuations();
    Result<void> write_keys();

    Result<void> finish_streams();
    Result<void> index_subjects();
    Result<void> finish_entities();
    Result<void> finish_counters();

    Error conflict(const std::string& what) const;

    Database& database_;
    Dictionary& tenants_;
    RowWriter row_;
    WriterMemory& memory_;
    Current now_;
    // Sorted, so that neighbours are written one after another.
    std::map<EntityPlace, EntityRow> entities_;
    std::map<int, Counters> counters_;
    std::unordered_map<SubjectKey, SubjectHead, KeyHash> subjects_;
    std::uint64_t rows_ = 0;
    bool indexed_ = false;
};

}  // namespace engine
