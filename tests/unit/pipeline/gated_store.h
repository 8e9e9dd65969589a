#pragma once
/// A store whose commits a test holds back or spoils; all else goes to the real one.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/store/store.h"

namespace engine::test {

class GatedStore final : public Store {
public:
    explicit GatedStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

    /// Commits wait until `open`. Any thread.
    void close() { set_closed(true); }
    void open() { set_closed(false); }
    /// Asked before each commit, on the committing thread: an error is what the commit fails with. Asked
    /// before a probe with no steps.
    class Gate {
    public:
        using Ask = std::function<Result<void>(std::span<const Step>)>;

        Gate& operator=(Ask ask) {
            const std::lock_guard lock(mutex_);
            ask_ = std::make_shared<Ask>(std::move(ask));
            return *this;
        }
        Result<void> operator()(std::span<const Step> steps) {
            std::shared_ptr<Ask> ask;
            {
                const std::lock_guard lock(mutex_);
                ask = ask_;
            }
            return ask && *ask ? (*ask)(steps) : Result<void>();
        }

    private:
        std::mutex mutex_;
        std::shared_ptr<Ask> ask_;
    };
    Gate before_commit;

    Result<void> commit(std::span<const Step> steps) override {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return !closed_; });
        }
        if (auto allowed = before_commit(steps); !allowed) return allowed;
        return store_->commit(steps);
    }

    Result<void> amend(const Amendment& amendment) override { return store_->amend(amendment); }

    Result<void> probe() override {
        if (auto allowed = before_commit({}); !allowed) return allowed;
        return store_->probe();
    }

    StoreInfo info() const override { return store_->info(); }
    Result<void> own() override { return store_->own(); }
    bool owned() const override { return store_->owned(); }
    Result<bool> has_owner() override { return store_->has_owner(); }
    Result<void> mark_simulated() override { return store_->mark_simulated(); }
    Result<void> begin_reading() override { return store_->begin_reading(); }
    void end_reading() override { store_->end_reading(); }
    Result<std::optional<SeenEvent>> seen(const EventKey& key) override { return store_->seen(key); }
    Result<std::vector<SeenEvent>> seen_by_id(const TenantName& tenant, const EventId& id) override {
        return store_->seen_by_id(tenant, id);
    }
    Result<std::optional<Entity>> entity(const TenantName& tenant, const Subject& subject) override {
        return store_->entity(tenant, subject);
    }
    Result<std::optional<Entity>> entity_by_email(const TenantName& tenant, std::string_view kind,
                                                  std::string_view email, std::string_view after) override {
        return store_->entity_by_email(tenant, kind, email, after);
    }
    Result<std::vector<Entity>> entities(const TenantName& tenant, std::string_view kind,
                                         std::string_view after, std::size_t limit) override {
        return store_->entities(tenant, kind, after, limit);
    }
    Result<std::vector<Entity>> watched(const TenantName& tenant, Instant after,
                                        std::string_view after_subject, std::size_t limit) override {
        return store_->watched(tenant, after, after_subject, limit);
    }
    Result<std::vector<PendingEvent>> pending(int partition, std::uint64_t after,
                                              std::size_t limit) override {
        return store_->pending(partition, after, limit);
    }
    Result<std::vector<Delivery>> outbox(int partition, std::uint64_t after, std::size_t limit) override {
        return store_->outbox(partition, after, limit);
    }
    Result<std::pair<std::uint64_t, std::uint64_t>> counters(int partition) override {
        return store_->counters(partition);
    }
    Result<std::uint64_t> outbox_size() override { return store_->outbox_size(); }
    /// Asked before timers are read: an error is what that fails with.
    std::function<Result<void>()> before_timers;
    Result<std::vector<Timer>> next_timers(const Timer* after, std::size_t limit) override {
        if (before_timers)
            if (auto allowed = before_timers(); !allowed) return allowed.error();
        return store_->next_timers(after, limit);
    }
    Result<std::vector<Timer>> timers_of(const TenantName& tenant, const Subject& subject) override {
        return store_->timers_of(tenant, subject);
    }
    Result<std::vector<Timer>> timers(const TenantName& tenant, std::size_t limit) override {
        return store_->timers(tenant, limit);
    }
    Result<std::vector<BlockedLane>> blocked_lanes(const TenantName& tenant) override {
        return store_->blocked_lanes(tenant);
    }
    Result<std::vector<StoredContinuation>> continuations(const TenantName& tenant,
                                                          const Subject& subject) override {
        return store_->continuations(tenant, subject);
    }
    Result<std::vector<StoredContinuation>> all_continuations(const TenantName& tenant,
                                                              std::string_view after_id,
                                                              std::size_t limit) override {
        return store_->all_continuations(tenant, after_id, limit);
    }
    Result<std::vector<DeadLetter>> dead_letters(const TenantName& tenant, std::size_t limit) override {
        return store_->dead_letters(tenant, limit);
    }
    Result<std::optional<DeadLetter>> dead_letter(const TenantName& tenant, const DeliveryKey& key) override {
        return store_->dead_letter(tenant, key);
    }
    Result<std::vector<TenantName>> tenants() override { return store_->tenants(); }
    Result<std::vector<StreamHead>> streams(const TenantName& tenant) override {
        return store_->streams(tenant);
    }
    Result<std::optional<JournalRecord>> record(const TenantName& tenant, std::string_view stream,
                                                std::uint64_t seq) override {
        return store_->record(tenant, stream, seq);
    }
    Result<void> scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                      const std::function<bool(const JournalRecord&)>& each) override {
        return store_->scan(tenant, stream, after_seq, each);
    }
    Result<std::vector<JournalPlace>> trail(const TenantName& tenant, const Subject& subject,
                                            std::size_t limit) override {
        return store_->trail(tenant, subject, limit);
    }
    Result<std::vector<JournalRecord>> history(const TenantName& tenant, const Subject& subject,
                                               std::size_t limit) override {
        return store_->history(tenant, subject, limit);
    }
    Result<std::vector<JournalRecord>> search(const TenantName& tenant, const JournalQuery& query) override {
        return store_->search(tenant, query);
    }
    Result<void> put_rule_set(const TenantName& tenant, std::string_view version,
                              const Json& files) override {
        return store_->put_rule_set(tenant, version, files);
    }
    Result<std::optional<Json>> rule_set(const TenantName& tenant, std::string_view version) override {
        return store_->rule_set(tenant, version);
    }
    Result<std::optional<ApiKey>> key(std::string_view id) override { return store_->key(id); }
    Result<std::vector<ApiKey>> keys(const TenantName& tenant) override { return store_->keys(tenant); }
    Result<std::uint64_t> leave(const Request& request) override { return store_->leave(request); }
    Result<std::vector<Request>> unanswered(std::size_t limit) override { return store_->unanswered(limit); }
    Result<void> answer(std::uint64_t number, const Json& answer) override {
        return store_->answer(number, answer);
    }
    Result<std::optional<Request>> request(std::uint64_t number) override { return store_->request(number); }

private:
    void set_closed(bool closed) {
        {
            const std::lock_guard lock(mutex_);
            closed_ = closed;
        }
        changed_.notify_all();
    }

    std::unique_ptr<Store> store_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool closed_ = false;
};

}  // namespace engine::test
