#pragma once
/// Store: everything that must survive a crash, behind one interface with one conformance suite.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/delivery.h"
#include "engine/model/entity.h"
#include "engine/model/event.h"
#include "engine/model/journal_record.h"
#include "engine/model/timer.h"

namespace engine {

/// What makes two deliveries the same event.
struct EventKey {
    TenantName tenant;
    std::string source;
    EventId id;
};

struct EntityKey {
    TenantName tenant;
    Subject subject;
};

/// A known event: where it stands in the journal.
struct SeenEvent {
    EventKey key;             ///< source is empty when the look-up was by id alone
    Digest content_digest{};  ///< over what the sender said; another digest under one key is a clash
    std::string stream;
    std::uint64_t event_seq = 0;
    std::uint64_t decision_seq = 0;  ///< 0 while it is pending
};

/// An accepted event whose decision is not committed yet. Places of a partition grow in arrival order.
struct PendingEvent {
    int partition = 0;
    std::uint64_t place = 0;
    Event event;
    std::string kind;               ///< how it came: `event` from outside, or what the pipeline calls it
    Json context = Json::object();  ///< what the pipeline needs besides the event
    std::uint64_t event_seq = 0;    ///< its journal row when already journaled; 0 otherwise
};

/// A lane that waits for an operator.
struct BlockedLane {
    TenantName tenant;
    Subject subject;
    int partition = 0;
    std::string reason;
    EventId event;  ///< the one it stumbled over
    Instant since{};
    std::uint64_t waiting = 0;  ///< pending events of the lane, the stumbling one included; filled by lists
};

/// The rest of a rule, waiting for a delivery.
struct StoredContinuation {
    TenantName tenant;
    int partition = 0;
    Subject subject;
    std::string id;  ///< unique in the tenant
    Continuation continuation;
    Json context = Json::object();  ///< the event it began with
};

/// A row to append. The store gives seq, previous, salt, digests and hash.
struct NewRecord {
    std::string stream;
    std::string kind;
    std::string subject;
    std::uint64_t entity_version = 0;
    std::string cause_event;
    std::string cause_rule;
    std::string ruleset;
    std::string actor;
    std::string body;  ///< canonical JSON bytes
};

struct ApiKey {
    std::string id;  ///< shown in lists; part of the key
    TenantName tenant;
    std::string name;
    Digest secret_digest{};
    std::vector<std::string> scopes;
    Instant created{};
    std::optional<Instant> expires;
    std::optional<Instant> revoked;
};

/// A place in a tenant's journal.
struct JournalPlace {
    std::string stream;
    std::uint64_t seq = 0;
    friend bool operator==(const JournalPlace&, const JournalPlace&) = default;
};

/// A subject is forgotten: the bodies and salts of these rows about it go for good, and with them its timers,
/// its continuations and the dead letters of its lane. The rows stay, and their digests.
struct Erasure {
    Subject subject;
    std::vector<JournalPlace> rows;
    bool goes_on = false;  ///< with the rows an earlier one left: takes them only, and keeps what came since
};

/// What one step of the pipeline (one event decided, one delivery settled, one command) changes. All of it
/// becomes durable together or not at all. All of it is the step's tenant's. Within a step what is removed
/// goes before what is added or set; removing what is not there does nothing.
struct Step {
    TenantName tenant;
    Instant time{};
    std::vector<NewRecord> records;  ///< appended in this order
    /// A new event: recorded as seen, pointing at the first record of kind `event`, and at the first of kind
    /// `decision` when there is one.
    std::optional<EventKey> seen;
    Digest seen_digest{};
    /// A pending event is decided: its SeenEvent gets the seq of the first record of kind `decision`.
    std::optional<EventKey> decided;
    std::vector<Entity> entities;
    std::vector<PendingEvent>
        pending_added;  ///< event_seq 0 = take the seq of this step's first `event` record
    std::vector<std::pair<int, std::uint64_t>> pending_removed;  ///< (partition, place)
    std::vector<Delivery> outbox_added;
    std::vector<Delivery> outbox_updated;                       ///< attempts and next_attempt
    std::vector<std::pair<int, std::uint64_t>> outbox_removed;  ///< (partition, number)
    std::vector<DeadLetter> dead_letters_added;
    std::vector<std::pair<int, std::uint64_t>> dead_letters_removed;
    std::vector<Timer> timers_set;
    std::vector<Timer> timers_removed;  ///< by tenant, subject, name
    std::vector<BlockedLane> lanes_blocked;
    std::vector<BlockedLane> lanes_released;  ///< by tenant, subject
    std::vector<StoredContinuation> continuations_set;
    std::vector<StoredContinuation> continuations_removed;  ///< by tenant, id
    std::vector<ApiKey> keys_set;                           ///< made or changed, by id
    /// Partitions of the journal's time that retention takes away, by name, as `plan_retention` gave them.
    std::vector<std::string> journal_detached;
    /// Done before the step's records are appended. Fails with conflict when a row is not about the subject.
    std::vector<Erasure> erasures;
};

/// Projections put right, whatever is stored: what a walk over the journal says they are.
struct Amendment {
    TenantName tenant;
    std::vector<Entity> entities;  ///< one of version 0 is as if it were never seen
    std::vector<SeenEvent> seen;
    /// By partition: the largest place and number ever used are at least these; its outbox is counted anew.
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> counters;
};

/// A person's command for the owner of the store to perform.
struct Request {
    std::uint64_t number = 0;
    TenantName tenant;
    std::string command;  ///< such as `dead-letters.retry`
    Json arguments = Json::object();
    std::string actor;
    Instant made{};
    std::optional<Json> answer;  ///< nothing until performed
};

struct StreamHead {
    std::string stream;
    std::uint64_t seq = 0;
    Digest hash{};
    /// The last row that retention took away; the stream's rows begin after it.
    std::uint64_t detached_seq = 0;
    Digest detached_hash{};
};

/// What an auditor looks for. What is left empty is not asked.
struct JournalQuery {
    std::optional<Subject> subject;
    std::string rule;  ///< that fired in a decision, or led to another row
    std::string kind;
    std::optional<Instant> since;  ///< included
    std::optional<Instant> until;  ///< not included
    std::size_t limit = 100;
};

/// What retention would take away: whole partitions of the journal's time, oldest first.
struct RetentionPlan {
    struct Partition {
        std::string name;
        Instant until{};  ///< its rows are older
    };
    /// A stream's last row that goes, and how many go with it.
    struct Stream {
        TenantName tenant;
        std::string stream;
        std::uint64_t rows = 0;
        std::uint64_t seq = 0;
        Digest hash{};
    };
    std::vector<Partition> partitions;
    std::vector<Stream> streams;
    std::string kept_back;  ///< why others that are old enough stay; empty when none does
};

struct StoreInfo {
    int partitions = 16;
    bool simulated = false;  ///< filled by replay; `serve` refuses it
    int schema = 0;
    /// How long ownership lasts without a commit or a probe; nothing = until it is given up.
    std::optional<Duration> lease = {};
    /// A load into the store was begun and has not ended: it is no whole store.
    bool loading = false;
};

// ---- rows that are only moved from store to store

/// A known event as stored: of its id and source only the digests are kept.
struct SeenRow {
    std::string key;     ///< event_key
    TenantName tenant;   ///< empty when its row in the journal does not say
    std::string stream;  ///< empty when it has no row in the journal
    std::uint64_t event_seq = 0;
    std::uint64_t decision_seq = 0;
    Digest content_digest{};
};

struct StreamRow {
    TenantName tenant;
    StreamHead head;
};

/// A subject of a stream whose rows retention has taken away, all of them; the next one leads to the last.
struct PastSubject {
    TenantName tenant;
    std::string stream;
    std::string subject;
    std::uint64_t seq = 0;
};

struct RuleSetRow {
    TenantName tenant;
    std::string version;
    Json files;
};

/// The largest place and number ever used.
struct CountersRow {
    int partition = 0;
    std::uint64_t place = 0;
    std::uint64_t number = 0;
};

/// One thing that a store holds. The rows of a stream come in order and before the stream itself, which says
/// where it must end; a TenantName comes before all that is the tenant's.
using StoredItem = std::variant<TenantName, RuleSetRow, ApiKey, JournalRecord, StreamRow, PastSubject,
                                SeenRow, Entity, PendingEvent, Delivery, DeadLetter, Timer, BlockedLane,
                                StoredContinuation, CountersRow, Request>;

/// What `doctor` says of one thing it looked at.
struct Finding {
    enum class Level { ok, warning, error };
    Level level = Level::ok;
    std::string check;   ///< the name of what was looked at, for programs: `sqlite.journal_mode`
    std::string what;    ///< as it was found
    std::string where;   ///< a file, a table, a tenant and subject; empty for the store as a whole
    std::string remedy;  ///< what to do; empty when nothing is
};

/// All methods fail with unavailable (nothing was done, try later), outcome_unknown (a commit in doubt: ask
/// `seen` before doing it again) or corrupt. One thread at a time; open several for several threads.
class Store {
public:
    virtual ~Store() = default;
    virtual StoreInfo info() const = 0;

    /// Takes the right to write (one process at a time); fails with conflict while another has it. Given up
    /// by closing the store or by the process's end.
    virtual Result<void> own() = 0;
    virtual bool owned() const = 0;
    /// Whether some process, this one included, owns the store now.
    virtual Result<bool> has_owner() = 0;
    virtual Result<void> mark_simulated() = 0;

    /// What is asked between the two is asked of one state of the store, at less cost. A commit of this
    /// handle ends it.
    virtual Result<void> begin_reading() = 0;
    virtual void end_reading() = 0;
    /// Between the two: says which events and entities will be asked for, so that a server is asked once.
    /// What is asked for without it is answered as well.
    virtual Result<void> expect(std::span<const EventKey> /*events*/,
                                std::span<const EntityKey> /*entities*/) {
        return {};
    }
    /// One transaction for all steps, in order. Fails with denied without ownership. Fails with conflict,
    /// naming the event, when an event is seen already or is not pending, or when a version is not the
    /// successor of the stored one (nor equal to it with equal fields); nothing is kept then.
    virtual Result<void> commit(std::span<const Step> steps) = 0;
    /// One transaction, which may be done again. What waits is put right by `commit`. Fails with denied
    /// without ownership, with invalid_input for a seen event of a stream that is none.
    virtual Result<void> amend(const Amendment& amendment) = 0;
    /// Writes something that changes nothing and makes it durable: whether commits are taken. Fails as they
    /// do.
    virtual Result<void> probe() = 0;

    virtual Result<std::optional<SeenEvent>> seen(const EventKey& key) = 0;
    /// All events of that id, whatever their source, which their keys need not name; oldest first.
    virtual Result<std::vector<SeenEvent>> seen_by_id(const TenantName& tenant, const EventId& id) = 0;
    virtual Result<std::optional<Entity>> entity(const TenantName& tenant, const Subject& subject) = 0;
    /// The first entity of that kind, by subject and after `after_subject`, whose e-mail (trimmed, lower
    /// case) is this one.
    virtual Result<std::optional<Entity>> entity_by_email(const TenantName& tenant, std::string_view kind,
                                                          std::string_view email,
                                                          std::string_view after_subject = "") = 0;
    /// By subject; an empty kind is every kind.
    virtual Result<std::vector<Entity>> entities(const TenantName& tenant, std::string_view kind,
                                                 std::string_view after_subject, std::size_t limit) = 0;
    /// The entities that decisions of other lanes look at later than `after`, as `watched_until` says; by
    /// subject, those behind `after_subject`. Found without reading the others.
    virtual Result<std::vector<Entity>> watched(const TenantName& tenant, Instant after,
                                                std::string_view after_subject, std::size_t limit) = 0;

    /// What waits, in order of place / number; for start-up and for feeding bounded queues.
    virtual Result<std::vector<PendingEvent>> pending(int partition, std::uint64_t after_place,
                                                      std::size_t limit) = 0;
    virtual Result<std::vector<Delivery>> outbox(int partition, std::uint64_t after_number,
                                                 std::size_t limit) = 0;
    /// The largest place and number ever used in the partition, those of removed rows included.
    virtual Result<std::pair<std::uint64_t, std::uint64_t>> counters(int partition) = 0;
    virtual Result<std::uint64_t> outbox_size() = 0;
    /// Of all tenants, in the order in which timers fire: by due time, subject and name. Those behind
    /// `after`, which need not be there any more; null = from the first.
    virtual Result<std::vector<Timer>> next_timers(const Timer* after, std::size_t limit) = 0;
    /// Of one tenant, in that order.
    virtual Result<std::vector<Timer>> timers(const TenantName& tenant, std::size_t limit) = 0;
    /// Of one lane, by name.
    virtual Result<std::vector<Timer>> timers_of(const TenantName& tenant, const Subject& subject) = 0;
    /// Empty tenant = all.
    virtual Result<std::vector<BlockedLane>> blocked_lanes(const TenantName& tenant) = 0;
    virtual Result<std::vector<StoredContinuation>> continuations(const TenantName& tenant,
                                                                  const Subject& subject) = 0;
    /// All of the tenant's, by id.
    virtual Result<std::vector<StoredContinuation>> all_continuations(const TenantName& tenant,
                                                                      std::string_view after_id,
                                                                      std::size_t limit) = 0;
    virtual Result<std::vector<DeadLetter>> dead_letters(const TenantName& tenant, std::size_t limit) = 0;
    virtual Result<std::optional<DeadLetter>> dead_letter(const TenantName& tenant,
                                                          const DeliveryKey& key) = 0;

    virtual Result<std::vector<TenantName>> tenants() = 0;
    virtual Result<std::vector<StreamHead>> streams(const TenantName& tenant) = 0;
    virtual Result<std::optional<JournalRecord>> record(const TenantName& tenant, std::string_view stream,
                                                        std::uint64_t seq) = 0;
    /// Calls `each` for the rows after `after_seq` in order until it says false. The record is only valid in
    /// the call.
    virtual Result<void> scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                              const std::function<bool(const JournalRecord&)>& each) = 0;
    /// The rows about a subject, newest first, by the chain of `previous`.
    virtual Result<std::vector<JournalRecord>> history(const TenantName& tenant, const Subject& subject,
                                                       std::size_t limit) = 0;

    /// The newest rows that fit, newest first.
    virtual Result<std::vector<JournalRecord>> search(const TenantName& tenant,
                                                      const JournalQuery& query) = 0;

    /// What can be taken away of what is older than `before`: no row of a stream goes before an older one,
    /// none whose event waits for its decision. Fails with invalid_input when the store cannot part with
    /// rows.
    virtual Result<RetentionPlan> plan_retention(Instant /*before*/) {
        return invalid("a SQLite store keeps its journal whole: retention is for PostgreSQL");
    }
    /// Of the owner, at the start and every now and then: makes room ahead, so that no commit has to.
    virtual Result<void> tend(Instant /*now*/) { return {}; }

    /// The places of the rows about a subject whose bodies are still there, newest first, without the bodies;
    /// found by the chain of `previous`. Rows of kind `erasure` are left out.
    virtual Result<std::vector<JournalPlace>> trail(const TenantName& tenant, const Subject& subject,
                                                    std::size_t limit) = 0;

    /// Names journal rows that belong to no stream; `verify` reports them.
    virtual Result<std::vector<std::string>> strays() { return std::vector<std::string>(); }

    /// The files of a rule set by version, so that any decision can be explained later.
    virtual Result<void> put_rule_set(const TenantName& tenant, std::string_view version,
                                      const Json& files) = 0;
    virtual Result<std::optional<Json>> rule_set(const TenantName& tenant, std::string_view version) = 0;

    virtual Result<std::optional<ApiKey>> key(std::string_view id) = 0;
    virtual Result<std::vector<ApiKey>> keys(const TenantName& tenant) = 0;

    /// Leaves a command for the owner; any process may. Returns its number.
    virtual Result<std::uint64_t> leave(const Request& request) = 0;
    virtual Result<std::vector<Request>> unanswered(std::size_t limit) = 0;
    virtual Result<void> answer(std::uint64_t number, const Json& answer) = 0;
    virtual Result<std::optional<Request>> request(std::uint64_t number) = 0;

    /// Shows everything the store holds, of one state of it, while others read and write; requests that are
    /// answered are left out. Ends with the error that `each` returns. Nothing else may be asked of this
    /// handle meanwhile. Without the journal its rows and streams are left out. Fails with corrupt when the
    /// journal has rows of no stream.
    virtual Result<void> dump(const std::function<Result<void>(StoredItem)>& each, bool with_journal = true);

    /// Makes an owned store that holds nothing ready to take all that a `dump` shows; `like` says how many
    /// partitions it gets and whether it is simulated. From here on the store is `loading` and opened by
    /// nobody but who asks for that, until `finish_load`. What an interrupted load has left is removed. Fails
    /// with conflict when the store holds anything else, with denied when it is not owned or the login may
    /// not do that.
    virtual Result<void> begin_load(const StoreInfo& like);
    /// Adds the items as they are, journal rows with their hashes; one transaction. Fails with conflict when
    /// a journal row, an event, an entity or a place is there already.
    virtual Result<void> load(std::span<const StoredItem> items);
    /// All is there: the store is one like any other. Commits before this are taken too, and belong to what
    /// is thrown away when the load is interrupted.
    virtual Result<void> finish_load();

    /// How the backend keeps what it is given: settings that durability hangs on, room, damage. Reads only.
    virtual Result<std::vector<Finding>> examine() { return std::vector<Finding>(); }
};

/// The lane's partition: stable over versions and machines.
int partition_of(const TenantName& tenant, const Subject& subject, int partitions);
std::string partition_stream(int partition);
/// Fails with invalid_input unless a store may have that many.
Result<void> check_partitions(int partitions);
inline constexpr auto control_stream = "control";
/// What is wrong with a store that is loading and was not opened for that.
Error loading_error();

/// How long a time the rows of one journal partition span.
enum class JournalSpan { day, week, month };
std::string_view name_of(JournalSpan span);
/// Fails with invalid_input, naming those there are.
Result<JournalSpan> parse_journal_span(std::string_view text);

struct OpenOptions {
    int partitions = 16;  ///< used when the store is made; later ones are read from it
    bool read_only = false;
    std::size_t cache_bytes = 16u * 1024 * 1024;
    Duration busy_timeout = std::chrono::seconds(5);
    /// Of a server: how long an owner that has fallen silent keeps the store from others.
    Duration lease = std::chrono::seconds(10);
    /// Of a server: how long it is asked whether it committed, when it did not say so.
    Duration doubt_timeout = std::chrono::seconds(30);
    /// Of a server: the journal's partitions by time, and how many of them stand ready.
    JournalSpan journal_span = JournalSpan::month;
    int journal_ahead = 2;
    /// Opens a store that is loading, too; without it that fails with invalid_input. A SQLite file that is
    /// made now is loading from its first moment on.
    bool also_loading = false;
};

}  // namespace engine
