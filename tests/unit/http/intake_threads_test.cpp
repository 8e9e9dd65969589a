/// Whose webhook is read next, who has no room, and what is not read at all.

#include "engine/http/intake_threads.h"

#include <condition_variable>
#include <future>
#include <vector>

#include "tests/support/catch.h"

namespace intake_threads_test {

using engine::TenantName;
using engine::http::IntakeLimits;
using engine::http::IntakeThreads;
using engine::http::IntakeWork;
using engine::http::Response;

namespace {

using Lines = std::vector<std::string>;

/// What became of webhooks, in order: `evil 1` was read, `evil 1: 503` was not.
class Waiting {
public:
    explicit Waiting(IntakeLimits limits) : threads_(limits) {
        std::promise<void> begun;
        threads_.post({TenantName("first"),
                       [&begun, busy = busy_.get_future().share()] {
                           begun.set_value();
                           busy.wait();
                       },
                       {},
                       nullptr},
                      true);
        begun.get_future().wait();
    }
    ~Waiting() { let_go(); }

    std::shared_ptr<std::atomic<bool>> post(const std::string& tenant, int number, bool several = true) {
        auto given_up = std::make_shared<std::atomic<bool>>(false);
        const auto name = tenant + " " + std::to_string(number);
        const auto answered = [this, name](const Response& response) {
            note(name + ": " + std::to_string(response.status));
            said = response.body;
        };
        threads_.post({TenantName(tenant), [this, name] { note(name); }, answered, given_up}, several);
        return given_up;
    }
    /// Until then the only thread is busy with somebody's webhook.
    void let_go() {
        if (!std::exchange(gone_, true)) busy_.set_value();
    }
    void close() { threads_.close(); }
    std::size_t waiting() const { return threads_.waiting(); }

    /// The next ones; waits for them.
    Lines next(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return done_.size() >= count; });
        return std::exchange(done_, {});
    }

    std::string said;  ///< the last answer

private:
    void note(const std::string& what) {
        const std::lock_guard lock(mutex_);
        done_.push_back(what);
        changed_.notify_all();
    }

    std::promise<void> busy_;
    bool gone_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    Lines done_;
    IntakeThreads threads_;
};

}  // namespace

TEST_CASE("intake threads: tenants are served by turns, and each in its order", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 100, .tenant_percent = 75});
    for (int number = 1; number <= 4; ++number) waiting.post("evil", number);
    for (int number = 1; number <= 2; ++number) waiting.post("good", number);
    waiting.post("other", 1);
    CHECK(waiting.waiting() == 7);
    waiting.let_go();
    CHECK(waiting.next(7) == Lines{"evil 1", "good 1", "other 1", "evil 2", "good 2", "evil 3", "evil 4"});
    CHECK(waiting.waiting() == 0);
}

TEST_CASE("intake threads: who comes while another one's is read is the next", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 100, .tenant_percent = 75});
    for (int number = 1; number <= 3; ++number) waiting.post("first", number);
    waiting.post("good", 1);
    waiting.let_go();
    CHECK(waiting.next(4) == Lines{"good 1", "first 1", "first 2", "first 3"});
}

TEST_CASE("intake threads: no tenant fills them where there are several", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 8, .tenant_percent = 75});
    for (int number = 1; number <= 7; ++number) waiting.post("evil", number);
    CHECK(waiting.next(1) == Lines{"evil 7: 503"});
    CHECK(waiting.said.find("of this tenant") != std::string::npos);
    for (int number = 1; number <= 3; ++number) waiting.post("good", number);
    CHECK(waiting.next(1) == Lines{"good 3: 503"});
    CHECK(waiting.said.find("of this tenant") == std::string::npos);
    waiting.let_go();
    CHECK(waiting.next(8).size() == 8);
}

TEST_CASE("intake threads: who is alone has all the room, and a share is never none", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 4, .tenant_percent = 1});
    for (int number = 1; number <= 5; ++number) waiting.post("only", number, false);
    CHECK(waiting.next(1) == Lines{"only 5: 503"});
    waiting.let_go();
    CHECK(waiting.next(4).size() == 4);
    waiting.post("one", 1);
    CHECK(waiting.next(1) == Lines{"one 1"});
}

TEST_CASE("intake threads: what nobody waits for is not read", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 4, .tenant_percent = 100});
    const auto first = waiting.post("evil", 1);
    waiting.post("evil", 2);
    const auto third = waiting.post("evil", 3);
    waiting.post("good", 1);
    first->store(true);
    third->store(true);

    SECTION("and it is another one's turn at once") {
        waiting.let_go();
        CHECK(waiting.next(4) == Lines{"evil 1: 503", "evil 2", "good 1", "evil 3: 503"});
    }
    SECTION("and it makes room") {
        waiting.post("good", 2);
        CHECK(waiting.next(2) == Lines{"evil 1: 503", "evil 3: 503"});
        waiting.post("good", 3);
        waiting.post("evil", 4);
        CHECK(waiting.next(1) == Lines{"evil 4: 503"});
        waiting.let_go();
        CHECK(waiting.next(4) == Lines{"evil 2", "good 1", "good 2", "good 3"});
    }
}

TEST_CASE("intake threads: at the end what has not begun is answered, not read", "[http]") {
    Waiting waiting({.threads = 1, .waiting_max = 100, .tenant_percent = 75});
    waiting.post("evil", 1);
    waiting.post("good", 1);
    waiting.close();
    CHECK(waiting.next(2) == Lines{"evil 1: 503", "good 1: 503"});
    waiting.post("good", 2);
    CHECK(waiting.next(1) == Lines{"good 2: 503"});
    CHECK(waiting.said.find("stopping") != std::string::npos);
}

}  // namespace intake_threads_test
