#pragma once
/// PostgresStore: Store over a PostgreSQL database. The server may go away and come back: calls fail with
/// unavailable meanwhile.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/store/postgres/connection.h"
#include "engine/store/postgres/step_columns.h"
#include "engine/store/store.h"

namespace engine::postgres {

class PostgresStore final : public Store {
public:
    PostgresStore(std::string url, std::unique_ptr<Connection> connection, StoreInfo info,
                  const OpenOptions& options);
    /// Reads what the store says of itself; once, after it was opened. Fails with invalid_input when it is
    /// loading and the options do not allow that.
    Result<void> learn() { return learn_info(*connection_); }
    /// Gives the ownership up.
    ~PostgresStore() override;

    StoreInfo info() const override { return info_; }
    Result<void> own() override;
    bool owned() const override { return owner_ != 0; }
    Result<bool> has_owner() override;
    Result<void> mark_simulated() override;
    Result<void> begin_reading() override;
    void end_reading() override;
    Result<void> expect(std::span<const EventKey> events, std::span<const EntityKey> entities) override;
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
    Result<RetentionPlan> plan_retention(Instant before) override;
    Result<void> tend(Instant now) override;
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
    struct FoundStream {
        TenantName tenant;
        std::int64_t tenant_id = 0;
        std::string name;
        std::int64_t id = 0;
    };
    /// Where the rows about a subject end in a stream, and before which row there are none any more.
    struct SubjectHead {
        FoundStream stream;
        std::uint64_t seq = 0;
        std::uint64_t detached_seq = 0;
    };

    /// The connection, opened again when it was lost; an owner's lease is moved to it.
    Result<Connection*> connection();
    Result<void> connect();
    /// On a connection that is there: one that was lost while nobody used it shows so only now.
    Result<void> begin(const std::string& how);
    Result<Rows> ask(std::int64_t tenant, const char* statement, const Values& values);
    /// `change` inside a transaction of its own, that sees all tenants.
    template <class Change>
    Result<void> in_transaction(Change change);

    Result<void> expect_events(std::span<const EventKey> events);
    Result<void> expect_entities(std::span<const EntityKey> entities);

    /// 0 when the store has no such tenant.
    Result<std::int64_t> find_tenant(const TenantName& tenant);
    Result<std::int64_t> tenant_id(const TenantName& tenant);
    Result<TenantName> tenant_of(std::int64_t id);

    Result<std::int64_t> take_over(Connection& connection);
    Result<void> learn_info(Connection& connection);
    Result<void> write_steps(Connection& connection, std::span<const Step> steps, StepColumns& columns);
    Result<void> learn_streams(Connection& connection, std::span<const Step> steps);
    Result<OpenStream*> learn_stream(Connection& connection, std::int64_t tenant, const std::string& name);
    Result<void> learn_subjects(Connection& connection, std::span<const Step> steps);
    Result<bool> was_committed();
    Result<void> settled(const Error& error);
    Result<void> amend_seen(Connection& open, std::int64_t tenant, const SeenEvent& seen);
    void forget_uncommitted();

    Result<PendingEvent> pending_from(const Rows& rows, std::size_t row);
    Result<BlockedLane> blocked_lane_from(const Rows& rows, std::size_t row);
    Result<Delivery> delivery_from(const Rows& rows, std::size_t row);
    Result<DeadLetter> dead_letter_from(const Rows& rows, std::size_t row);
    Result<Timer> timer_from(const Rows& rows, std::size_t row);
    Result<ApiKey> key_from(const Rows& rows, std::size_t row);
    Result<std::optional<FoundStream>> find_stream_of(const TenantName& tenant, std::string_view name);
    Result<std::vector<SubjectHead>> subject_heads(const TenantName& tenant, const Subject& subject);
    Result<void> follow(const SubjectHead& head, const Subject& subject, std::size_t rows_at_once,
                        const std::function<bool(JournalRecord&&)>& each);
    Result<std::vector<JournalRecord>> search_subject(const TenantName& tenant, const JournalQuery& query);
    Result<void> search_stretch(std::int64_t tenant, const TenantName& name, const JournalQuery& query,
                                std::int64_t from, std::int64_t to, std::vector<JournalRecord>& found);
    Result<std::vector<JournalRecord>> search_times(const TenantName& tenant, const JournalQuery& query);
    Result<void> read_body(const FoundStream& stream, JournalRecord& record);

    Result<void> dump_all(const Visit& each, bool with_journal);
    Result<void> dump_tenants(const Visit& each);
    Result<void> dump_journal(const Visit& each);
    Result<void> dump_known(const Visit& each);
    Result<void> dump_waiting(const Visit& each);
    template <class Read>
    Result<void> dump_rows(const char* statement, const Visit& each, Read read);
    Result<std::vector<Finding>> examine_server();
    Result<void> make_anew(int partitions);
    Result<void> check_empty(Connection& connection);
    Result<void> write_items(Connection& connection, std::span<const StoredItem> items);

    std::string url_;
    std::unique_ptr<Connection> connection_;
    StoreInfo info_;
    OpenOptions options_;
    bool reading_ = false;
    // What was expected, while it is read: by the key of `seen`, and by tenant and subject.
    std::unordered_map<std::string, std::optional<SeenEvent>> expected_events_;
    std::map<std::pair<std::int64_t, std::string>, std::optional<Entity>> expected_entities_;
    std::int64_t owner_ = 0;  ///< of the table of owners; 0 = this handle is none
    std::int64_t commit_number_ = 0;
    std::unordered_map<std::string, std::int64_t> tenant_ids_;
    std::unordered_map<std::int64_t, TenantName> tenant_names_;
    WriterMemory memory_;
};

/// Ownership is taken by one program at a time. The number is ours alone: "SBoxOwnr".
inline constexpr auto take_owners_turn = "SELECT pg_advisory_xact_lock(6003110293969397362)";
inline constexpr std::int64_t all_tenants = -1;
inline constexpr auto begin_of_writing =
    "BEGIN; SET LOCAL ROLE signalbox_app; SELECT set_config('signalbox.tenants', '*', true)";

template <class Change>
Result<void> PostgresStore::in_transaction(Change change) {
    if (options_.read_only) return denied("the store was opened for reading only");
    end_reading();
    if (auto begun = begin(begin_of_writing); !begun) return begun;
    Result<void> done = change(*connection_);
    if (done) return connection_->commit();
    connection_->rollback();
    return done;
}

/// Reads every row with `read`, which returns a Result of an element.
template <class Element, class Read>
Result<std::vector<Element>> all_of(const Result<Rows>& rows, Read read) {
    if (!rows) return rows.error();
    std::vector<Element> found;
    found.reserve(rows->size());
    for (std::size_t row = 0; row < rows->size(); ++row) {
        Result<Element> element = read(*rows, row);
        if (!element) return element.error();
        found.push_back(*std::move(element));
    }
    return found;
}

/// The first row read with `read`, or nothing.
template <class Element, class Read>
Result<std::optional<Element>> first_of(const Result<Rows>& rows, Read read) {
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<Element>();
    Result<Element> element = read(*rows, std::size_t{0});
    if (!element) return element.error();
    return std::optional<Element>(*std::move(element));
}

}  // namespace engine::postgres
