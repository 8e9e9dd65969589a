#pragma once
/// SqliteStore: the Store interface over one connection; its methods are spread over files by what they ask
/// about.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/sqlite/checkpointer.h"
#include "engine/store/sqlite/database.h"
#include "engine/store/sqlite/dictionary.h"
#include "engine/store/sqlite/owner_lock.h"
#include "engine/store/sqlite/step_writer.h"
#include "engine/store/store.h"

namespace engine {

class SqliteStore final : public Store {
public:
    SqliteStore(std::unique_ptr<Database> database, StoreInfo info, const OpenOptions& options);
    ~SqliteStore() override { clear_traces_if_due(); }

    StoreInfo info() const override { return info_; }
    Result<void> own() override;
    bool owned() const override;
    Result<bool> has_owner() override;
    Result<void> mark_simulated() override;
    Result<void> begin_reading() override;
    void end_reading() override;
    Result<void> commit(std::span<const Step> steps) override;
    Result<void> amend(const Amendment& amendment) override;
    Result<void> probe() override;

    Result<std::optional<SeenEvent>> seen(const EventKey& key) override;
    Result<std::vector<SeenEvent>> seen_by_id(const TenantName& tenant, const EventId& id) override;
    Result<std::optional<Entity>> entity(const TenantName& tenant, const Subject& subject) override;
    Result<std::optional<Entity>> entity_by_email(const TenantName& tenant, std::string_view kind,
                                                  std::string_view email,
                                                  std::string_view after_subject) override;
    Result<std::vector<Entity>> entities(const TenantName& tenant, std::string_view kind,
                                         std::string_view after_subject, std::size_t limit) override;
    Result<std::vector<Entity>> watched(const TenantName& tenant, Instant after,
                                        std::string_view after_subject, std::size_t limit) override;

    Result<std::vector<PendingEvent>> pending(int partition, std::uint64_t after_place,
                                              std::size_t limit) override;
    Result<std::vector<Delivery>> outbox(int partition, std::uint64_t after_number,
                                         std::size_t limit) override;
    Result<std::pair<std::uint64_t, std::uint64_t>> counters(int partition) override;
    Result<std::uint64_t> outbox_size() override;
    Result<std::vector<Timer>> next_timers(const Timer* after, std::size_t limit) override;
    Result<std::vector<Timer>> timers(const TenantName& tenant, std::size_t limit) override;
    Result<std::vector<Timer>> timers_of(const TenantName& tenant, const Subject& subject) override;
    Result<std::vector<BlockedLane>> blocked_lanes(const TenantName& tenant) override;
    Result<std::vector<StoredContinuation>> continuations(const TenantName& tenant,
                                                          const Subject& subject) override;
    Result<std::vector<StoredContinuation>> all_continuations(const TenantName& tenant,
                                                              std::string_view after_id,
                                                              std::size_t limit) override;
    Result<std::vector<DeadLetter>> dead_letters(const TenantName& tenant, std::size_t limit) override;
    Result<std::optional<DeadLetter>> dead_letter(const TenantName& tenant, const DeliveryKey& key) override;

    Result<std::vector<TenantName>> tenants() override;
    Result<std::vector<StreamHead>> streams(const TenantName& tenant) override;
    Result<std::optional<JournalRecord>> record(const TenantName& tenant, std::string_view stream,
                                                std::uint64_t seq) override;
    Result<void> scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                      const std::function<bool(const JournalRecord&)>& each) override;
    Result<std::vector<JournalRecord>> history(const TenantName& tenant, const Subject& subject,
                                               std::size_t limit) override;
    Result<std::vector<JournalRecord>> search(const TenantName& tenant, const JournalQuery& query) override;
    Result<std::vector<JournalPlace>> trail(const TenantName& tenant, const Subject& subject,
                                            std::size_t limit) override;
    Result<std::vector<std::string>> strays() override;

    Result<void> put_rule_set(const TenantName& tenant, std::string_view version, const Json& files) override;
    Result<std::optional<Json>> rule_set(const TenantName& tenant, std::string_view version) override;
    Result<std::optional<ApiKey>> key(std::string_view id) override;
    Result<std::vector<ApiKey>> keys(const TenantName& tenant) override;
    Result<std::uint64_t> leave(const Request& request) override;
    Result<std::vector<Request>> unanswered(std::size_t limit) override;
    Result<void> answer(std::uint64_t number, const Json& answer) override;
    Result<std::optional<Request>> request(std::uint64_t number) override;

    Result<void> dump(const std::function<Result<void>(StoredItem)>& each, bool with_journal) override;
    Result<void> begin_load(const StoreInfo& like) override;
    Result<void> load(std::span<const StoredItem> items) override;
    Result<void> finish_load() override;
    Result<std::vector<Finding>> examine() override;

private:
    using Visit = std::function<Result<void>(StoredItem)>;
    /// A stream of a tenant, found by name.
    struct FoundStream {
        TenantName tenant;
        std::string name;
        std::int64_t id = 0;
        std::uint64_t detached_seq = 0;  ///< the last row that retention took away
    };
    Result<void> amend_entity(std::int64_t tenant, const Entity& entity);
    Result<void> amend_seen(const SeenEvent& seen);
    void forget_uncommitted();
    void forget_all();
    void write_back_if_due();
    void clear_traces_if_due();
    /// `change` inside a transaction of its own.
    template <class Change>
    Result<void> in_transaction(Change change);
    Result<void> run_alone(const char* statement);

    Result<TenantName> tenant_of(std::int64_t number);
    Result<PendingEvent> pending_from(const Rows& rows);
    Result<Timer> timer_from(const Rows& rows);
    Result<Delivery> delivery_from(const Rows& rows);
    Result<DeadLetter> dead_letter_from(const Rows& rows);
    Result<BlockedLane> blocked_lane_from(const Rows& rows);
    Result<std::uint64_t> waiting_in(const BlockedLane& lane);
    Result<std::optional<FoundStream>> find_stream_of(const TenantName& tenant, std::string_view name);
    Result<void> read_record(const Rows& rows, const FoundStream& stream, JournalRecord& record);
    Result<std::optional<JournalRecord>> record_at(const FoundStream& stream, std::uint64_t seq);
    Result<std::size_t> read_batch(const FoundStream& stream, std::uint64_t after_seq,
                                   std::vector<JournalRecord>& batch);
    Result<void> follow(const FoundStream& stream, std::uint64_t seq, const Subject& subject,
                        const std::function<bool(JournalRecord&&)>& each);
    Result<std::vector<JournalRecord>> search_subject(const TenantName& tenant, const JournalQuery& query);
    Result<void> search_stream(const FoundStream& stream, const JournalQuery& query,
                               std::vector<JournalRecord>& out);
    Result<std::vector<JournalRecord>> search_streams(const TenantName& tenant, const JournalQuery& query);
    Result<void> follow_trail(const FoundStream& stream, std::uint64_t seq, const Subject& subject,
                              std::size_t limit, std::vector<JournalPlace>& out);
    Result<std::vector<JournalPlace>> read_trail(const TenantName& tenant, const Subject& subject,
                                                 std::size_t limit);
    Result<FoundStream> stream_of(const TenantName& tenant, std::int64_t id);
    /// `read` sees one state of the store, whether somebody is reading already or not.
    template <class Read>
    auto in_one_reading(Read read) -> decltype(read());
    Result<std::map<std::int64_t, std::uint64_t>> last_rows(std::int64_t tenant, const Subject& subject);
    Result<std::vector<JournalRecord>> read_history(const TenantName& tenant, const Subject& subject,
                                                    std::size_t limit);
    Result<ApiKey> key_from(const Rows& rows);

    Result<void> learn_info();
    Result<void> dump_all(const Visit& each, bool with_journal);
    Result<void> dump_tenants(const Visit& each);
    Result<void> dump_journal(const Visit& each);
    Result<void> dump_known(const Visit& each);
    Result<void> dump_waiting(const Visit& each);
    template <class Read>
    Result<void> dump_rows(const char* statement, const Visit& each, Read read);
    Result<void> make_ready();

    std::unique_ptr<Database> database_;
    StoreInfo info_;
    bool read_only_;
    bool also_loading_;
    bool reading_ = false;      ///< between begin_reading and end_reading
    bool owns_memory_ = false;  ///< the lock of a store in memory, which nobody else can see
    OwnerLock lock_;
    Dictionary tenants_;
    Dictionary words_;
    WriterMemory memory_;
    std::unique_ptr<Checkpointer> checkpointer_;  ///< of an owner of a file
    int pages_at_pass_ = 0;                       ///< the log's length when the last pass was asked for
    bool holds_traces_ = false;                   ///< of bodies that are erased, in the log or in pages
};

template <class Change>
Result<void> SqliteStore::in_transaction(Change change) {
    if (read_only_) return denied("the store was opened for reading only");
    end_reading();
    if (const auto begun = database_->begin(); !begun) return begun.error();
    Result<void> done = change();
    if (done) done = database_->commit();
    if (done) return done;
    database_->rollback();
    forget_uncommitted();
    return done;
}

template <class Read>
auto SqliteStore::in_one_reading(Read read) -> decltype(read()) {
    if (reading_) return read();
    if (const auto begun = database_->begin_reading(); !begun) return begun.error();
    auto found = read();
    database_->end_reading();
    return found;
}

/// Reads every row with `read`, which returns a Result of an element.
template <class Element, class Read>
Result<std::vector<Element>> all_of(Rows rows, Read read) {
    std::vector<Element> found;
    while (true) {
        const auto next = rows.next();
        if (!next) return next.error();
        if (!*next) return found;
        Result<Element> element = read(rows);
        if (!element) return element.error();
        found.push_back(*std::move(element));
    }
}

/// The first row read with `read`, or nothing.
template <class Element, class Read>
Result<std::optional<Element>> first_of(Rows rows, Read read) {
    const auto next = rows.next();
    if (!next) return next.error();
    if (!*next) return std::optional<Element>();
    Result<Element> element = read(rows);
    if (!element) return element.error();
    return std::optional<Element>(*std::move(element));
}

}  // namespace engine
