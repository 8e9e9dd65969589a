/// What a daemon gets from workers that behave, and what becomes of runs that do not end.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_runs {
namespace {

using engine::Json;
using rules::WorkerHost;

#ifdef __SANITIZE_ADDRESS__  // which keeps for a while what was freed
constexpr std::size_t growth_max = 512U << 20U;
#else
constexpr std::size_t growth_max = 8U << 20U;
#endif

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
}

std::size_t resident_bytes(pid_t process) {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/" + std::to_string(process) + "/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool has_children() {
    return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

}  // namespace

TEST_CASE("lua worker: a call comes back as it went", "[lua-worker]") {
    WorkerHost host(worker_options());
    const Json context{{"a", {1, -2, 0.5, true, nullptr, "ä\n\0x", Json::array(), Json::object()}},
                       {"large", 18'446'744'073'709'551'615U},
                       {"small", std::numeric_limits<std::int64_t>::min()}};
    CHECK(host.load(script_set()).empty());
    CHECK(host.run(script_set(), script_call("echo", context)).result == context);
}

TEST_CASE("lua worker: failures, needs and logs come back whole", "[lua-worker]") {
    WorkerHost host(worker_options());

    const auto failed = host.run(script_set(), script_call("fail"));
    REQUIRE(failed.failure);
    CHECK(failed.failure->message == "no");
    CHECK(failed.failure->place == engine::Place{"scripts/a.lua", 7, 0});
    CHECK(failed.failure->traceback == std::vector<std::string>{"a", "b"});
    CHECK(failed.failure->limit == "fuel_max");
    CHECK(host.stats().limits.at("fuel_max") == 1);

    const auto needed = host.run(script_set(), script_call("need", {{"id", 1}}));
    REQUIRE(needed.need);
    CHECK(needed.need->key == "key");
    CHECK(needed.need->what == "crm.find");
    CHECK(needed.need->params == Json{{"id", 1}});
    CHECK(needed.need->cache == engine::Duration(5));
    CHECK(needed.need->place.line == 3);
}

TEST_CASE("lua worker: text that is not UTF-8 is mended before it leaves the worker", "[lua-worker]") {
    WorkerHost host(worker_options());
    CHECK(host.run(script_set(), script_call("bad_text")).result == "a\xEF\xBF\xBD\xC3\xA4");
}

TEST_CASE("lua worker: many calls come back in their order", "[lua-worker]") {
    WorkerHost host(worker_options());
    std::vector<rules::ScriptCall> calls;
    for (int i = 0; i < 500; ++i)
        calls.push_back(script_call("echo", {{"i", i}, {"pad", std::string(5'000, 'x')}}));

    const auto outcomes = host.run_all(script_set(), calls);

    REQUIRE(outcomes.size() == calls.size());
    for (int i = 0; i < 500; ++i) CHECK(outcomes[static_cast<std::size_t>(i)].result["i"] == i);
    CHECK(host.stats().batch_calls_most == 64);
    CHECK(host.run_all(script_set(), {}).empty());
}

TEST_CASE("lua worker: what is wrong with files is said where the set is loaded", "[lua-worker]") {
    WorkerHost host(worker_options());
    const auto diagnostics = host.load(script_set("acme", "1", "wrong"));
    REQUIRE(diagnostics.size() == 1);
    CHECK(diagnostics[0].place == engine::Place{"scripts/a.lua", 1, 1});
    CHECK(diagnostics[0].message == "is wrong");
    CHECK(host.load(script_set("acme", "2")).empty());
    CHECK(host.stats().starts == 2);  // one of them stands ready
}

TEST_CASE("lua worker: a set that takes too long or crashes its compiler is refused", "[lua-worker]") {
    auto options = worker_options();
    options.load_deadline = milliseconds(100);
    WorkerHost host(options);

    const auto endless = host.load(script_set("acme", "1", "loop"));
    REQUIRE(endless.size() == 1);
    CHECK(endless[0].message == "the scripts of the rule set are not compiled within 100ms");

    const auto crashing = host.load(script_set("acme", "2", "crash"));
    REQUIRE(crashing.size() == 1);
    CHECK(crashing[0].message.starts_with("script_crashed: its worker was killed by signal"));

    CHECK(host.load(script_set("acme", "3")).empty());
}

TEST_CASE("lua worker: an endless run is killed at its deadline, and nobody else notices", "[lua-worker]") {
    WorkerHost host(worker_options());
    const auto acme = script_set("acme");
    const auto other = script_set("other");
    host.run(acme, script_call("echo"));
    host.run(other, script_call("echo"));
    const auto process = ::getpid();

    std::vector<milliseconds> of_runs, of_others, of_same;
    for (int round = 0; round < 5; ++round) {
        rules::ScriptOutcome outcome;
        of_runs.push_back(time_of([&] { outcome = host.run(acme, script_call("loop")); }));
        of_others.push_back(time_of([&] { CHECK(host.run(other, script_call("echo", 1)).result == 1); }));
        of_same.push_back(time_of([&] { CHECK(host.run(acme, script_call("echo", 2)).result == 2); }));
        REQUIRE(outcome.failure);
        CHECK(outcome.failure->limit == "deadline");
        CHECK(outcome.failure->place.file == "scripts/a.lua");
    }

    CHECK(middle_of(of_runs) < acme->limits.deadline + over_limit_max);
    CHECK(middle_of(of_others) < next_call_max);
    CHECK(middle_of(of_same) < next_call_max);
    CHECK(host.stats().limits.at("deadline") == 5);
    CHECK(::getpid() == process);
}

TEST_CASE("lua worker: of calls sent together only the one that does not end fails", "[lua-worker]") {
    WorkerHost host(worker_options());
    std::vector<rules::ScriptCall> calls(40, script_call("echo", "fine"));
    calls[17] = script_call("loop");
    calls[30] = script_call("crash");

    const auto outcomes = host.run_all(script_set(), calls);

    REQUIRE(outcomes.size() == 40);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        CAPTURE(i);
        if (i == 17)
            CHECK(outcomes[i].failure->limit == "deadline");
        else if (i == 30)
            CHECK(failure_of(outcomes[i]).starts_with("script_crashed: "));
        else
            CHECK(outcomes[i].result == "fine");
    }
    CHECK(host.stats().runs == 40);
}

TEST_CASE("lua worker: whatever ends a worker ends no more than the call", "[lua-worker]") {
    const auto ending = GENERATE(as<std::string>(), "crash", "segv", "throw", "exit", "hog");
    CAPTURE(ending);
    auto options = worker_options();
    options.memory_bytes_max = 64U << 20U;
    WorkerHost host(options);
    auto patient = *script_set();
    patient.limits.deadline = milliseconds(2'000);
    const auto scripts = std::make_shared<const rules::ScriptSet>(patient);

    const auto outcome = host.run(scripts, script_call(ending));

    CHECK(failure_of(outcome).starts_with("script_crashed: its worker "));
    CHECK(host.stats().crashes == 2);
    CHECK(host.stats().retries == 1);
    CHECK(host.stats().script_crashes == 1);
    CHECK(host.run(scripts, script_call("echo", 1)).result == 1);
}

TEST_CASE("lua worker: one killed between runs costs nothing but a retry", "[lua-worker]") {
    WorkerHost host(worker_options());
    for (int i = 0; i < 10; ++i) {
        CHECK(host.run(script_set(), script_call("echo", i)).result == i);
        ::kill(host.processes().front(), SIGKILL);
    }
    CHECK(host.stats().crashes == 9);
    CHECK(host.stats().script_crashes == 0);
}

TEST_CASE("lua worker: one killed during runs costs nothing but retries", "[lua-worker]") {
    WorkerHost host(worker_options());
    const auto scripts = script_set();
    host.run(scripts, script_call("echo"));
    std::vector<rules::ScriptCall> calls(64, script_call("echo", std::string(20'000, 'x')));
    const auto victim = host.processes().front();
    std::thread killer([victim] {
        std::this_thread::sleep_for(std::chrono::microseconds(300));
        ::kill(victim, SIGKILL);
    });

    for (int round = 0; round < 20; ++round)
        for (const auto& outcome : host.run_all(scripts, calls)) CHECK(!outcome.failure);

    killer.join();
    CHECK(host.stats().crashes == 1);
}

TEST_CASE("lua worker: no worker serves two tenants", "[lua-worker]") {
    auto options = worker_options();
    options.workers_max = 2;
    WorkerHost host(options);
    for (int round = 0; round < 3; ++round)
        for (const auto* tenant : {"a", "b", "c", "a"}) {
            const auto seen = host.run(script_set(tenant), script_call("seen")).result.get<std::string>();
            CAPTURE(tenant, seen);
            CHECK(seen.find_first_not_of(std::string(tenant) + ";") == std::string::npos);
            CHECK(host.stats().workers <= 2);
        }
}

TEST_CASE("lua worker: versions beyond those that are kept are compiled again", "[lua-worker]") {
    auto options = worker_options();
    options.sets_max = 2;
    WorkerHost host(options);
    for (int round = 0; round < 3; ++round)
        for (const auto* version : {"1", "2", "3"})
            CHECK(host.run(script_set("acme", version), script_call("version")).result == version);
    CHECK(host.stats().loads == 9);
    CHECK(host.run(script_set("acme", "2"), script_call("version")).result == "2");
    CHECK(host.stats().loads == 9);
}

TEST_CASE("lua worker: a worker that has worked long enough, or rested too long, is replaced",
          "[lua-worker]") {
    auto options = worker_options();
    options.busy_max = milliseconds(0);
    WorkerHost busy(options);
    busy.run(script_set(), script_call("echo"));
    const auto first = busy.processes();
    busy.run(script_set(), script_call("echo"));
    CHECK(busy.processes() != first);

    options = worker_options();
    options.idle_max = milliseconds(0);
    WorkerHost idle(options);
    idle.run(script_set(), script_call("echo"));
    idle.rest();
    CHECK(idle.processes().empty());
}

TEST_CASE("lua worker: what is too large is not sent", "[lua-worker]") {
    auto options = worker_options();
    options.call_bytes_max = 10'000;
    WorkerHost host(options);
    std::vector<rules::ScriptCall> calls(5, script_call("echo", "fine"));
    calls[2] = script_call("echo", std::string(20'000, 'x'));

    const auto outcomes = host.run_all(script_set(), calls);

    CHECK(failure_of(outcomes[2]) == "what is given to the script has more than 10000 bytes");
    for (const auto i : {0U, 1U, 3U, 4U}) CHECK(outcomes[i].result == "fine");
    const auto diagnostics = host.load(script_set("acme", "2", std::string(20'000, 'x')));
    REQUIRE(diagnostics.size() == 1);
    CHECK(diagnostics[0].message.starts_with("the scripts of the rule set have 20"));
}

TEST_CASE("lua worker: an answer longer than limits allow is none", "[lua-worker]") {
    WorkerHost host(worker_options());
    CHECK(host.run(script_set(), script_call("bytes", 200'000)).result.get<std::string>().size() == 200'000);
    CHECK(failure_of(host.run(script_set(), script_call("bytes", 2'000'000))) ==
          "script_crashed: its worker sent what is no answer");
}

TEST_CASE("lua worker: without a program there are failures, and no end of the daemon", "[lua-worker]") {
    rules::WorkerOptions options;
    options.command = {"/nowhere/signalbox", "script-worker"};
    WorkerHost host(options);
    CHECK(failure_of(host.run(script_set(), script_call("echo"))) ==
          "script_crashed: no script worker can be started: /nowhere/signalbox: No such file or directory");
    CHECK(host.load(script_set()).size() == 1);
}

TEST_CASE("lua worker: thousands of runs and hundreds of lost workers leave nothing behind", "[lua-worker]") {
    REQUIRE_FALSE(has_children());
    const auto descriptors = open_descriptors();
    {
        WorkerHost host(worker_options());
        const auto scripts = script_set();
        host.run(scripts, script_call("echo"));
        const auto resident = resident_bytes(host.processes().front());
        for (int i = 0; i < 5'000; ++i) host.run(scripts, script_call("echo", i));
        CHECK(resident_bytes(host.processes().front()) < resident + growth_max);
        for (int i = 0; i < 100; ++i) {
            host.run(scripts, script_call("exit"));
            host.run(scripts, script_call("echo", i));
        }
        CHECK(host.stats().script_crashes == 100);
        CHECK(open_descriptors() <= descriptors + 2);
    }
    CHECK_FALSE(has_children());
    CHECK(open_descriptors() == descriptors);
}

}  // namespace tests::lua_worker_runs
