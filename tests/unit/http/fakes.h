#pragma once
/// A door and a store that remember what they were asked, for tests of the HTTP layer.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/pipeline/engine.h"

namespace http_test {

/// Answers from what tests put into it; what HTTP never asks fails.
class FakeStore final : public engine::Store {
public:
    std::vector<engine::ApiKey> api_keys;
    std::vector<engine::SeenEvent> seen_events;
    std::vector<engine::JournalRecord> records;
    std::vector<engine::Entity> entity_list;
    std::vector<engine::DeadLetter> dead_letter_list;
    std::vector<engine::Timer> timer_list;
    std::vector<engine::BlockedLane> lane_list;
    bool away = false;  ///< every question fails with unavailable
    int key_questions = 0;

    engine::StoreInfo info() const override { return {.partitions = 1}; }
    engine::Result<void> own() override { return none(); }
    bool owned() const override { return false; }
    engine::Result<bool> has_owner() override { return none(); }
    engine::Result<void> mark_simulated() override { return none(); }
    engine::Result<void> begin_reading() override { return {}; }
    void end_reading() override {}
    engine::Result<void> commit(std::span<const engine::Step>) override { return none(); }
    engine::Result<void> amend(const engine::Amendment&) override { return none(); }
    engine::Result<void> probe() override { return none(); }
    engine::Result<std::optional<engine::SeenEvent>> seen(const engine::EventKey& key) override;
    engine::Result<std::vector<engine::SeenEvent>> seen_by_id(const engine::TenantName& tenant,
                                                              const engine::EventId& id) override;
    engine::Result<std::optional<engine::Entity>> entity(const engine::TenantName& tenant,
                                                         const engine::Subject& subject) override;
    engine::Result<std::optional<engine::Entity>> entity_by_email(const engine::TenantName&, std::string_view,
                                                                  std::string_view,
                                                                  std::string_view) override {
        return none();
    }
    engine::Result<std::vector<engine::Entity>> entities(const engine::TenantName&, std::string_view,
                                                         std::string_view, std::size_t) override {
        return none();
    }
    engine::Result<std::vector<engine::Entity>> watched(const engine::TenantName& tenant,
                                                        engine::Instant after, std::string_view after_subject,
                                                        std::size_t limit) override;
    engine::Result<std::vector<engine::PendingEvent>> pending(int, std::uint64_t, std::size_t) override {
        return none();
    }
    engine::Result<std::vector<engine::Delivery>> outbox(int, std::uint64_t, std::size_t) override {
        return none();
    }
    engine::Result<std::pair<std::uint64_t, std::uint64_t>> counters(int) override { return none(); }
    engine::Result<std::uint64_t> outbox_size() override { return none(); }
    engine::Result<std::vector<engine::Timer>> next_timers(const engine::Timer*, std::size_t) override {
        return none();
    }
    engine::Result<std::vector<engine::Timer>> timers_of(const engine::TenantName& tenant,
                                                         const engine::Subject& subject) override;
    engine::Result<std::vector<engine::Timer>> timers(const engine::TenantName& tenant, std::size_t) override;
    engine::Result<std::vector<engine::BlockedLane>> blocked_lanes(const engine::TenantName& tenant) override;
    engine::Result<std::vector<engine::StoredContinuation>> continuations(const engine::TenantName&,
                                                                          const engine::Subject&) override {
        return none();
    }
    engine::Result<std::vector<engine::StoredContinuation>> all_continuations(const engine::TenantName&,
                                                                              std::string_view,
                                                                              std::size_t) override {
        return none();
    }
    engine::Result<std::vector<engine::DeadLetter>> dead_letters(const engine::TenantName& tenant,
                                                                 std::size_t) override;
    engine::Result<std::optional<engine::DeadLetter>> dead_letter(const engine::TenantName&,
                                                                  const engine::DeliveryKey&) override {
        return none();
    }
    engine::Result<std::vector<engine::TenantName>> tenants() override { return none(); }
    engine::Result<std::vector<engine::StreamHead>> streams(const engine::TenantName& tenant) override;
    engine::Result<std::optional<engine::JournalRecord>> record(const engine::TenantName& tenant,
                                                                std::string_view stream,
                                                                std::uint64_t seq) override;
    engine::Result<void> scan(const engine::TenantName& tenant, std::string_view stream,
                              std::uint64_t after_seq,
                              const std::function<bool(const engine::JournalRecord&)>& each) override;
    engine::Result<std::vector<engine::JournalRecord>> search(const engine::TenantName&,
                                                              const engine::JournalQuery&) override {
        return none();
    }
    engine::Result<std::vector<engine::JournalPlace>> trail(const engine::TenantName&, const engine::Subject&,
                                                            std::size_t) override {
        return std::vector<engine::JournalPlace>();
    }
    engine::Result<std::vector<engine::JournalRecord>> history(const engine::TenantName& tenant,
                                                               const engine::Subject& subject,
                                                               std::size_t limit) override;
    engine::Result<void> put_rule_set(const engine::TenantName&, std::string_view,
                                      const engine::Json&) override {
        return none();
    }
    engine::Result<std::optional<engine::Json>> rule_set(const engine::TenantName&,
                                                         std::string_view) override {
        return none();
    }
    engine::Result<std::optional<engine::ApiKey>> key(std::string_view id) override;
    engine::Result<std::vector<engine::ApiKey>> keys(const engine::TenantName&) override { return none(); }
    engine::Result<std::uint64_t> leave(const engine::Request&) override { return none(); }
    engine::Result<std::vector<engine::Request>> unanswered(std::size_t) override { return none(); }
    engine::Result<void> answer(std::uint64_t, const engine::Json&) override { return none(); }
    engine::Result<std::optional<engine::Request>> request(std::uint64_t) override { return none(); }

private:
    static engine::Error none() { return engine::unavailable("not in this test"); }
};

/// One engine thread answers everything, as the real engine's threads do.
class FakeDoor final : public engine::EngineDoor {
public:
    FakeDoor();
    ~FakeDoor() override;

    FakeStore store;  ///< set up before the first request; afterwards through on_engine
    engine::Tenants tenants;
    engine::Ack::Kind answer_with = engine::Ack::Kind::accepted;
    engine::Health healthy{.ready = true, .reason = "", .gauges = {{"outbox_rows", 3}}};
    engine::Result<engine::Json> perform_with = engine::Json{{"state", "queued"}};
    engine::Result<engine::Json> dry_run_with = engine::Json{{"outcome", "ok"}};

    /// What came in so far.
    std::vector<engine::Event> submitted() const;
    std::vector<engine::Request> performed() const;
    std::vector<engine::Json> dry_runs() const;

    /// Acks are kept back until `release`.
    void hold();
    void release();
    /// Waits until that many events came in.
    void wait_for_events(std::size_t count);
    /// Runs the work on the engine thread and waits for its end.
    void on_engine(std::function<void()> work);

    std::shared_ptr<const engine::Tenant> tenant(const engine::TenantName& name) const override;
    bool serves_several() const override { return tenants.size() > 1; }
    void submit(std::vector<engine::Event> events,
                std::function<void(std::vector<engine::Ack>)> done) override;
    void ask(std::function<void(engine::Store&)> question) override;
    void perform(engine::Request request, std::function<void(engine::Result<engine::Json>)> done) override;
    engine::Result<engine::Json> dry_run(const engine::Tenant& tenant, const engine::Json& request,
                                         engine::Store& store) override;
    engine::Health health() const override { return healthy; }

private:
    void post(std::function<void()> work);
    void run();
    std::vector<engine::Ack> acks_of(const std::vector<engine::Event>& events);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> work_;
    std::vector<std::function<void()>> held_;
    bool holding_ = false;
    bool stopping_ = false;
    std::vector<engine::Event> submitted_;
    std::vector<engine::Request> performed_;
    std::vector<engine::Json> dry_runs_;
    std::map<std::string, bool> known_;
    std::thread thread_;
};

}  // namespace http_test
