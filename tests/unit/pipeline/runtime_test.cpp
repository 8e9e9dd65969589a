// The engine on its threads: what the sanitizers watch, and what only waiting shows.

#include "engine/pipeline/runtime.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/world.h"

namespace runtime_test {

using namespace engine;
using namespace engine::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

constexpr auto connections =
    "connections:\n"
    "  crm: { connector: webhook, url: \"http://127.0.0.1:1/\" }\n"
    "  slack: { connector: slack, sandbox: true }\n";

constexpr auto rules_text =
    "rules:\n"
    "  - id: tell\n"
    "    on: ticket.updated\n"
    "    then:\n"
    "      - crm.post: { body: { event: \"{{ event.id }}\" } }\n"
    "      - slack.post_message: { channel: C1, text: \"{{ event.id }}\" }\n";

/// Answers deliveries on a thread of its own, as told.
class Receiver final : public Outbound {
public:
    Receiver() : thread_([this] { run(); }) {}
    ~Receiver() override {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    void deliver(std::shared_ptr<const connectors::Connection>, Delivery delivery,
                 std::function<void(Attempt)> done) override {
        {
            const std::lock_guard lock(mutex_);
            arrived_[delivery.lane.text()].push_back(delivery.event.text());
            ++count_;
            waiting_.push_back(std::move(done));
        }
        changed_.notify_all();
    }
    void look_up(std::shared_ptr<const connectors::Connection>, connectors::Lookup,
                 std::function<void(Attempt)> done) override {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(done));
        }
        changed_.notify_all();
    }
    void answer_with(Attempt attempt) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(attempt);
    }
    std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    std::map<std::string, std::vector<std::string>> arrived() const {
        const std::lock_guard lock(mutex_);
        return arrived_;
    }

private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            auto done = std::move(waiting_.front());
            waiting_.pop_front();
            const auto answer = answer_;
            lock.unlock();
            done(answer);
            lock.lock();
        }
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void(Attempt)>> waiting_;
    std::map<std::string, std::vector<std::string>> arrived_;
    std::size_t count_ = 0;
    Attempt answer_;
    bool ended_ = false;
    std::thread thread_;
};

/// A runtime on a file. `gate` is its writing handle's.
struct Engine {
    explicit Engine(const testing_folder::Folder& folder, RuntimeOptions options = {}) {
        tenant = tenant_of(
            {{"tenant.yaml", "name: acme\n"}, {"connections.yaml", connections}, {"rules.yaml", rules_text}});
        Runtime::Handles handles;
        auto writer = std::make_unique<GatedStore>(handle(folder, false));
        gate = writer.get();
        handles.writer = std::move(writer);
        handles.view = handle(folder, true);
        handles.reader = handle(folder, true);
        runtime = std::make_unique<Runtime>(
            std::move(handles), Tenants{{tenant->name, tenant}}, receiver, clock, std::move(options),
            [this](const Event&, const Decision&) { ++decided; },
            [this](const Error& error) {
                const std::lock_guard lock(mutex);
                fatal = error.message;
            });
        ENSURE(runtime->start());
    }
    ~Engine() { runtime->stop(10s); }

    static std::unique_ptr<Store> handle(const testing_folder::Folder& folder, bool read_only) {
        auto opened = open_sqlite(folder.file("store.db"), {.read_only = read_only});
        ENSURE(opened);
        return std::move(*opened);
    }

    /// Submits and waits for the answers.
    std::vector<Ack::Kind> submit(std::vector<Event> events) {
        std::mutex answered;
        std::condition_variable changed;
        std::optional<std::vector<Ack>> acks;
        runtime->submit(std::move(events), [&](std::vector<Ack> given) {
            const std::lock_guard lock(answered);
            acks = std::move(given);
            changed.notify_one();
        });
        std::unique_lock lock(answered);
        ENSURE(changed.wait_for(lock, patience, [&] { return acks.has_value(); }));
        std::vector<Ack::Kind> kinds;
        for (const auto& ack : *acks) kinds.push_back(ack.kind);
        return kinds;
    }

    double gauge(const std::string& name) const {
        const auto health = runtime->health();
        const auto found = health.gauges.find(name);
        return found == health.gauges.end() ? 0 : found->second;
    }

    SystemClock clock;
    Receiver receiver;
    std::shared_ptr<const Tenant> tenant;
    GatedStore* gate = nullptr;
    std::atomic<std::size_t> decided{0};
    std::mutex mutex;
    std::optional<std::string> fatal;
    std::unique_ptr<Runtime> runtime;
};

template <class Condition>
void wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::sleep_for(1ms);
    }
}

Event update(const std::string& id, const std::string& subject) {
    return event(id, "ticket.updated", subject, Json{{"ticket", {{"subject", id}}}});
}

constexpr int senders = 4;
constexpr int events_each = 150;

void send_all(Engine& engine, int sender, std::atomic<int>& refused) {
    const auto lane = "ticket/" + std::to_string(sender);
    for (int i = 0; i < events_each; ++i) {
        const auto id = std::to_string(sender) + "-" + std::to_string(1'000 + i);
        while (engine.submit({update(id, lane)}).front() != Ack::Kind::accepted) ++refused;
    }
}

}  // namespace

TEST_CASE("runtime: many senders, questions and figures at once; each lane arrives in order", "[runtime]") {
    const testing_folder::Folder folder;
    std::atomic<int> refused{0};
    std::atomic<int> answered{0};
    {
        Engine engine(folder);
        std::vector<std::thread> threads;
        for (int sender = 0; sender < senders; ++sender)
            threads.emplace_back([&, sender] { send_all(engine, sender, refused); });
        for (int i = 0; i < 200; ++i) {
            engine.runtime->ask([&answered](Store& store) {
                ENSURE(store.entity(TenantName("acme"), *Subject::parse("ticket/1")));
                ++answered;
            });
            engine.runtime->health();
            std::this_thread::yield();
        }
        for (auto& thread : threads) thread.join();
        wait_until([&] { return engine.receiver.count() == senders * events_each && answered == 200; });
        CHECK(engine.decided == senders * events_each);
        for (const auto& [lane, events] : engine.receiver.arrived()) {
            INFO(lane);
            CHECK(std::is_sorted(events.begin(), events.end()));
        }
    }
    CHECK(refused == 0);
    const auto store = Engine::handle(folder, true);
    const auto report = verify(*store, TenantName());
    REQUIRE(report);
    CHECK(report->faults.empty());
    CHECK(*store->outbox_size() == 0);
}

TEST_CASE("runtime: a command left in the store is performed and what it starts is delivered", "[runtime]") {
    const testing_folder::Folder folder;
    Engine engine(folder);
    Attempt refusal;
    refusal.kind = Attempt::Kind::failed;
    refusal.reason = "no";
    engine.receiver.answer_with(refusal);
    REQUIRE(engine.submit({update("e1", "ticket/1")}).front() == Ack::Kind::accepted);
    const auto asker = Engine::handle(folder, false);
    std::vector<DeadLetter> letters;
    wait_until([&] {
        letters = *asker->dead_letters(TenantName("acme"), 10);
        return letters.size() == 1;
    });
    engine.receiver.answer_with({});
    Request request;
    request.tenant = TenantName("acme");
    request.command = "dead-letters.retry";
    request.arguments = Json{{"key", letters.front().delivery.key.text()}};
    request.actor = "operator:test";
    const auto number = asker->leave(request);
    REQUIRE(number);
    wait_until([&] { return (*asker->request(*number))->answer.has_value(); });
    CHECK((*asker->request(*number))->answer->contains("ok"));
    wait_until([&] { return engine.receiver.count() == 2; });
    wait_until([&] { return engine.gauge("outbox_depth") == 0; });
    CHECK(asker->dead_letters(TenantName("acme"), 10)->empty());
}

TEST_CASE("runtime: while the store refuses, senders are told so; afterwards all goes on", "[runtime]") {
    const testing_folder::Folder folder;
    Engine engine(folder);
    std::atomic<bool> full{true};
    engine.gate->before_commit = [&full](std::span<const Step>) -> Result<void> {
        if (full) return unavailable("the disk is full");
        return {};
    };
    CHECK(engine.submit({update("e1", "ticket/1")}).front() == Ack::Kind::unavailable);
    wait_until([&] { return !engine.runtime->health().ready; });
    full = false;
    CHECK(engine.submit({update("e1", "ticket/1")}).front() == Ack::Kind::accepted);
    wait_until([&] { return engine.runtime->health().ready && engine.receiver.count() == 1; });
}

TEST_CASE("runtime: readiness waits for the store, and needs no sender to come back", "[runtime]") {
    const testing_folder::Folder folder;
    Engine engine(folder);
    std::atomic<bool> full{true};
    std::atomic<int> refused{0};
    engine.gate->before_commit = [&](std::span<const Step>) -> Result<void> {
        if (!full) return {};
        ++refused;
        return unavailable("the disk is full");
    };
    CHECK(engine.submit({update("e1", "ticket/1")}).front() == Ack::Kind::unavailable);
    wait_until([&] { return !engine.runtime->health().ready; });
    for (const int more = refused + 4; refused < more;) REQUIRE_FALSE(engine.runtime->health().ready);
    full = false;
    wait_until([&] { return engine.runtime->health().ready; });
}

TEST_CASE("runtime: a store in doubt answers all who wait and says so once", "[runtime]") {
    const testing_folder::Folder folder;
    Engine engine(folder);
    engine.gate->before_commit = [](std::span<const Step>) -> Result<void> {
        return Error{Code::outcome_unknown, "the disk is gone"};
    };
    CHECK(engine.submit({update("e1", "ticket/1"), update("e2", "ticket/2")}) ==
          std::vector<Ack::Kind>(2, Ack::Kind::unavailable));
    wait_until([&] {
        const std::lock_guard lock(engine.mutex);
        return engine.fatal.has_value();
    });
    CHECK(*engine.fatal == "the disk is gone");
    CHECK(engine.submit({update("e3", "ticket/1")}).front() == Ack::Kind::unavailable);
}

TEST_CASE("runtime: operators and probes have their turn while more comes in than can be decided",
          "[runtime]") {
    const testing_folder::Folder folder;
    RuntimeOptions options;
    options.worker.batch_events_max = 1;
    options.request_poll = 1ms;
    Engine engine(folder, options);
    constexpr int many = 3'000;
    std::vector<Event> events;
    for (int i = 0; i < many; ++i)
        events.push_back(update(std::to_string(i), "ticket/" + std::to_string(i % 50)));
    std::atomic<bool> all{false};
    engine.runtime->submit(std::move(events), [&all](const std::vector<Ack>&) { all = true; });
    Request request;
    request.tenant = TenantName("acme");
    request.command = "lanes.release";
    request.arguments = Json{{"subject", "ticket/1"}, {"mode", "retry"}};
    request.actor = "operator:test";
    const auto asker = Engine::handle(folder, false);
    const auto number = asker->leave(request);
    REQUIRE(number);
    wait_until([&] { return (*asker->request(*number))->answer.has_value(); });
    CHECK_FALSE(all);
    wait_until([&] { return all.load(); });
}

TEST_CASE("runtime: a store in doubt during the stop is said, not passed over", "[runtime]") {
    const testing_folder::Folder folder;
    Engine engine(folder);
    engine.gate->close();
    engine.gate->before_commit = [](std::span<const Step>) -> Result<void> {
        return Error{Code::outcome_unknown, "the disk is gone"};
    };
    std::atomic<int> refused{0};
    for (int i = 0; i < 5; ++i)
        engine.runtime->submit({update(std::to_string(i), "ticket/" + std::to_string(i))},
                               [&refused](const std::vector<Ack>& acks) {
                                   refused += acks.front().kind == Ack::Kind::unavailable ? 1 : 0;
                               });
    std::thread opener([&engine] { engine.gate->open(); });
    engine.runtime->stop(10s);
    opener.join();
    CHECK(refused == 5);
    const std::lock_guard lock(engine.mutex);
    CHECK(engine.fatal == "the disk is gone");
}

TEST_CASE("runtime: a stop decides what was taken and lets what is under way come home", "[runtime]") {
    const testing_folder::Folder folder;
    std::atomic<int> accepted{0};
    {
        Engine engine(folder);
        for (int i = 0; i < 100; ++i)
            engine.runtime->submit({update(std::to_string(i), "ticket/" + std::to_string(i % 7))},
                                   [&accepted](const std::vector<Ack>& acks) {
                                       accepted += acks.front().kind == Ack::Kind::accepted ? 1 : 0;
                                   });
        engine.runtime->stop(10s);
        CHECK(engine.decided == 100);
        CHECK(engine.submit({update("late", "ticket/1")}).front() == Ack::Kind::unavailable);
    }
    CHECK(accepted == 100);
    // What was decided and not sent yet is sent after the next start.
    Engine again(folder);
    wait_until([&] { return again.gauge("outbox_depth") == 0 && again.runtime->health().ready; });
    const auto report = verify(*Engine::handle(folder, true), TenantName());
    REQUIRE(report);
    CHECK(report->faults.empty());
}

namespace {

std::shared_ptr<const Tenant> telling(const std::string& channel) {
    return tenant_of({{"tenant.yaml", "name: acme\n"},
                      {"connections.yaml", connections},
                      {"rules.yaml",
                       "rules:\n"
                       "  - id: tell\n"
                       "    on: ticket.updated\n"
                       "    then:\n"
                       "      - set: { ticket.queue: " +
                           channel + " }\n"}});
}

/// Leaves the command to make the version live; gives its answer.
Json push(Store& asker, const std::string& version) {
    Request request;
    request.tenant = TenantName("acme");
    request.command = activate_command;
    request.arguments = Json{{"version", version}, {"via", "push"}, {"message", "why not"}};
    request.actor = "operator:test";
    const auto number = asker.leave(request);
    REQUIRE(number);
    wait_until([&] { return (*asker.request(*number))->answer.has_value(); });
    return *(*asker.request(*number))->answer;
}

}  // namespace

TEST_CASE("runtime: a pushed rule set goes live between events, a bad one leaves all as it was",
          "[runtime]") {
    const testing_folder::Folder folder;
    RuntimeOptions options;
    options.request_poll = 1ms;
    Engine engine(folder, options);
    const auto asker = Engine::handle(folder, false);
    const auto retention = telling("retention");
    REQUIRE(keep_rule_set(*asker, *retention));
    CHECK(push(*asker, retention->rule_set->version).contains("ok"));
    CHECK(engine.runtime->tenant(TenantName("acme"))->rule_set->version == retention->rule_set->version);
    REQUIRE(engine.submit({update("e1", "ticket/1")}).front() == Ack::Kind::accepted);
    CHECK((*asker->entity(TenantName("acme"), *Subject::parse("ticket/1")))->fields["queue"] == "retention");

    REQUIRE(
        asker->put_rule_set(TenantName("acme"), "sha256:bad", Json{{"rules.yaml", "rules:\n  - id: 7\n"}}));
    CHECK(text_or(push(*asker, "sha256:bad"), "error", "").find("rules.yaml:2") != std::string::npos);
    CHECK(push(*asker, "sha256:nobody")["code"] == "not_found");
    CHECK(engine.runtime->tenant(TenantName("acme"))->rule_set->version == retention->rule_set->version);
    CHECK(activations(*asker, TenantName("acme"))->size() == 2);
}

TEST_CASE("runtime: folders read again go live unless they say nothing new since a push", "[runtime]") {
    const testing_folder::Folder folder;
    RuntimeOptions options;
    options.request_poll = 1ms;
    Engine engine(folder, options);
    const TenantName acme("acme");
    const auto is_live = [&](const std::shared_ptr<const Tenant>& tenant) {
        return [&engine, acme, tenant] {
            return engine.runtime->tenant(acme)->rule_set->version == tenant->rule_set->version;
        };
    };
    const auto asker = Engine::handle(folder, false);
    const auto billing = telling("billing");
    REQUIRE(keep_rule_set(*asker, *billing));
    REQUIRE(push(*asker, billing->rule_set->version).contains("ok"));
    engine.runtime->reload({{acme, engine.tenant}});
    const auto sales = telling("sales");
    // Performed after the reload: both are the worker's, in order.
    REQUIRE(keep_rule_set(*asker, *sales));
    REQUIRE(push(*asker, billing->rule_set->version).contains("ok"));
    CHECK(is_live(billing)());
    engine.runtime->reload({{acme, sales}});
    wait_until(is_live(sales));
    CHECK(activations(*asker, acme)->back().by.via == "folder");
}

TEST_CASE("runtime: rule sets change under load; no event is lost and versions follow each other",
          "[runtime]") {
    const testing_folder::Folder folder;
    std::vector<std::shared_ptr<const Tenant>> versions;
    for (int i = 0; i < 6; ++i) versions.push_back(telling("queue-" + std::to_string(i)));
    std::atomic<int> refused{0};
    {
        Engine engine(folder);
        std::vector<std::thread> threads;
        for (int sender = 0; sender < senders; ++sender)
            threads.emplace_back([&, sender] { send_all(engine, sender, refused); });
        for (const auto& version : versions) {
            engine.runtime->reload({{version->name, version}});
            wait_until([&] { return engine.runtime->tenant(version->name) == version; });
        }
        for (auto& thread : threads) thread.join();
        CHECK(engine.decided == senders * events_each);
    }
    CHECK(refused == 0);
    const auto store = Engine::handle(folder, true);
    const auto known = activations(*store, TenantName("acme"));
    REQUIRE(known->size() == versions.size() + 1);
    const auto heads = store->streams(TenantName("acme"));
    REQUIRE(heads);
    for (const auto& head : *heads) {
        if (head.stream == control_stream) continue;
        std::size_t at = 0;
        REQUIRE(store->scan(TenantName("acme"), head.stream, 0, [&](const JournalRecord& record) {
            if (record.kind != record_kind::decision) return true;
            while (at < known->size() && (*known)[at].version != record.ruleset) ++at;
            CHECK(at < known->size());
            return at < known->size();
        }));
    }
    CHECK(verify(*store, TenantName())->faults.empty());
}

}  // namespace runtime_test
