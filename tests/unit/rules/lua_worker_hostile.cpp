/// A worker that was taken over says what it likes, and the daemon believes none of it.

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_hostile {
namespace {

using rules::WorkerHost;

// These are found at once; the others by the clock.
const std::vector<std::string> seen_at_once{"short_and_gone",
                                            "long_body",
                                            "huge_length",
                                            "wrong_id",
                                            "wrong_kind",
                                            "wrong_version",
                                            "unknown_kind",
                                            "garbage",
                                            "garbage_frame",
                                            "empty_body",
                                            "twice",
                                            "stream",
                                            "deep",
                                            "count",
                                            "bad_text",
                                            "effects",
                                            "effect",
                                            "limit",
                                            "need_and_failure",
                                            "shut",
                                            "short_body",
                                            "unasked"};
const std::vector<std::string> seen_by_the_clock{"short_and_silent", "large_length", "silent", "slow",
                                                 "stopped"};

}  // namespace

TEST_CASE("lua worker: forged answers cost one retry, then the call and nothing else", "[lua-worker]") {
    const auto time_of_all = [](const std::vector<std::string>& modes) {
        std::vector<milliseconds> times;
        for (const auto& mode : modes) {
            CAPTURE(mode);
            WorkerHost host(worker_options({"hostile", mode}));
            rules::ScriptOutcome outcome;
            times.push_back(time_of([&] { outcome = host.run(script_set(), script_call("echo")); }));
            CHECK(failure_of(outcome).starts_with("script_crashed: its worker "));
            CHECK(outcome.result.is_null());
            CHECK(outcome.effects.empty());
            CHECK(host.stats().retries == 1);
            CHECK(host.stats().crashes + host.stats().forgeries + host.stats().deadlines == 2);
        }
        return times;
    };
    // Two tries, each with its start.
    CHECK(middle_of(time_of_all(seen_at_once)) < 2 * next_call_max);
    CHECK(least_of(time_of_all(seen_by_the_clock)) <
          2 * (script_set()->limits.deadline + over_limit_max) + next_call_max);
}

TEST_CASE("lua worker: forged answers to many calls cost those calls", "[lua-worker]") {
    const auto mode = GENERATE(as<std::string>(), "wrong_id", "twice", "stream", "short_and_gone");
    CAPTURE(mode);
    WorkerHost host(worker_options({"hostile", mode}));
    const std::vector<rules::ScriptCall> calls(5, script_call("echo"));

    const auto outcomes = host.run_all(script_set(), calls);

    REQUIRE(outcomes.size() == 5);
    for (const auto& outcome : outcomes) {
        // The first of two answers may have been a good one.
        const bool good = mode == "twice" && outcome.result == "good";
        CHECK((good || failure_of(outcome).starts_with("script_crashed: its worker ")));
    }
}

TEST_CASE("lua worker: answers nobody asked for are found by the next call at the latest", "[lua-worker]") {
    WorkerHost host(worker_options({"hostile", "stream_of_answers"}));
    for (int i = 0; i < 2; ++i) host.run(script_set(), script_call("echo"));
    CHECK(host.stats().forgeries > 0);
}

TEST_CASE("lua worker: what one worker got wrong, the next gets right", "[lua-worker]") {
    const testing_folder::Folder folder;
    for (const auto& mode : {"garbage", "silent", "twice", "short_and_gone", "stream"}) {
        CAPTURE(mode);
        const auto mark = folder.file(mode);
        WorkerHost host(worker_options({"hostile", mode, mark}));
        const auto outcome = host.run(script_set(), script_call("echo"));
        CHECK(outcome.result == "good");
        CHECK(host.stats().retries == 1);
    }
}

TEST_CASE("lua worker: one that cannot confine itself runs nothing", "[lua-worker]") {
    auto options = worker_options({"hostile", "unconfined"});
    WorkerHost unconfined(options);
    CHECK(failure_of(unconfined.run(script_set(), script_call("echo"))) ==
          "script_crashed: no script worker can be started: no");

    options = worker_options({"hostile", "no_hello"});
    options.start_deadline = milliseconds(100);
    WorkerHost silent(options);
    CHECK(failure_of(silent.run(script_set(), script_call("echo"))) ==
          "script_crashed: no script worker can be started: it says nothing within 100ms");

    WorkerHost wrong(worker_options({"hostile", "wrong_hello"}));
    CHECK(failure_of(wrong.run(script_set(), script_call("echo"))) ==
          "script_crashed: no script worker can be started: it does not say hello");
}

TEST_CASE("lua worker: one that does not read is killed in time, however much there is to send",
          "[lua-worker]") {
    WorkerHost host(worker_options({"hostile", "silent"}));
    const std::vector<rules::ScriptCall> calls(3, script_call("echo", std::string(2'000'000, 'x')));
    const auto outcomes = host.run_all(script_set(), calls);
    for (const auto& outcome : outcomes)
        CHECK(failure_of(outcome).starts_with("script_crashed: its worker "));
}

TEST_CASE("lua worker: nothing of the daemon is handed down", "[lua-worker]") {
    std::vector<int> opened;
    for (int i = 0; i < 200; ++i) opened.push_back(::dup(2));
    ::setenv("SIGNALBOX_TEST_SECRET", "x", 1);
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &usr1, nullptr);
    ::signal(SIGPIPE, SIG_IGN);

    WorkerHost host(worker_options({"hostile", "surroundings"}));
    const auto seen = host.run(script_set(), script_call("echo")).result;

    ::sigprocmask(SIG_UNBLOCK, &usr1, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    for (const int one : opened) ::close(one);
    CHECK(seen["variables"] == 0);
    CHECK(seen["leads_session"] == true);
    CHECK(seen["blocks_usr1"] == false);
    CHECK(seen["ignores_pipe"] == false);
    CHECK(seen["descriptors"].size() == 2);  // the socket, and the look at them
}

}  // namespace tests::lua_worker_hostile
