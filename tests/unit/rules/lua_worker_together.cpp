// Calls that go to a worker together, what is done meanwhile, and functions that rest.

#include <thread>

#include "rules/lua/hosts_by_thread.h"
#include "rules/lua/script_pauses.h"
#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace lua_worker_together {

using namespace tests;
using engine::Json;
using rules::ScriptCall;
using rules::WorkerHost;

namespace {

std::vector<ScriptCall> echoes(int count, int from = 0) {
    std::vector<ScriptCall> calls;
    for (int i = 0; i < count; ++i) calls.push_back(script_call("echo", from + i));
    return calls;
}

std::vector<int> results(const std::vector<rules::ScriptOutcome>& outcomes) {
    std::vector<int> all;
    for (const auto& one : outcomes) all.push_back(one.failure ? -1 : one.result.get<int>());
    return all;
}

std::string message_of(const rules::ScriptOutcome& outcome) {
    return outcome.failure ? outcome.failure->message : "";
}

}  // namespace

TEST_CASE("lua worker: what is done meanwhile is done once, and may run others", "[lua-worker]") {
    WorkerHost host(worker_options());
    int times = 0;
    const auto outcomes = host.run_all(script_set(), echoes(200), [&] {
        ++times;
        CHECK(host.run(script_set(), script_call("echo", 1'000)).result == 1'000);
        CHECK(host.run(script_set("other"), script_call("echo", 2'000)).result == 2'000);
        CHECK(results(host.run_all(script_set(), echoes(3, 500))) == std::vector<int>{500, 501, 502});
        CHECK(host.load(script_set("acme", "2")).empty());
    });
    CHECK(times == 1);
    REQUIRE(outcomes.size() == 200);
    for (int i = 0; i < 200; ++i) CHECK(outcomes[static_cast<std::size_t>(i)].result == i);

    CHECK(host.run_all(script_set(), {}, [&] { ++times; }).empty());
    CHECK(times == 2);
    CHECK(results(host.run_all(script_set(), echoes(1), [&] { ++times; })) == std::vector<int>{0});
    CHECK(times == 3);
    CHECK(host.stats().restarts == 0);
}

TEST_CASE("lua worker: one that is lost meanwhile costs nobody else's outcome", "[lua-worker]") {
    WorkerHost host(worker_options());
    const std::string lost_last = GENERATE(as<std::string>(), "same", "other", "both");
    CAPTURE(lost_last);
    auto calls = echoes(10);
    if (lost_last != "other") calls[4] = script_call("crash");
    const auto outcomes = host.run_all(script_set(), calls, [&] {
        const auto whose = script_set(lost_last == "same" ? "acme" : "other");
        if (lost_last != "same")
            CHECK(message_of(host.run(whose, script_call("crash"))).starts_with("script_crashed"));
        CHECK(host.run(whose, script_call("echo", 7)).result == 7);
    });
    auto expected = std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    if (lost_last != "other") expected[4] = -1;
    CHECK(results(outcomes) == expected);
}

TEST_CASE("lua worker: calls are under way before what is done meanwhile", "[lua-worker]") {
    WorkerHost host(worker_options());
    host.run(script_set(), script_call("echo"));
    rules::ScriptOutcome outcome;
    const auto took = time_of([&] {
        // Ends at its deadline of 50 ms, which passes here.
        outcome = host.run_all(script_set(), std::vector{script_call("loop"), script_call("echo", 1)},
                               [] { std::this_thread::sleep_for(milliseconds(300)); })[0];
    });
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->limit == "deadline");
    CHECK(took >= milliseconds(300));
    CHECK(host.stats().restarts >= 1);
}

TEST_CASE("lua worker: a function that loses every worker rests, and the others do not", "[lua-worker]") {
    auto options = worker_options();
    options.losses_max = 3;
    options.pause = milliseconds(60'000);
    WorkerHost host(options);
    for (int i = 0; i < 3; ++i)
        CHECK(message_of(host.run(script_set(), script_call("crash"))).starts_with("script_crashed: "));
    const auto starts = host.stats().starts;

    const auto outcome = host.run(script_set(), script_call("crash"));
    CHECK(message_of(outcome) ==
          "script_paused: its last runs lost their workers, so it rests for 1m (--script-pause)");
    CHECK(outcome.failure->lost);
    CHECK(outcome.failure->place.file == "scripts/a.lua");
    auto calls = echoes(6);
    calls[2] = calls[5] = script_call("crash");
    CHECK(results(host.run_all(script_set(), calls)) == std::vector<int>{0, 1, -1, 3, 4, -1});
    CHECK(host.stats().starts <= starts + 1);  // the one that echoes
    CHECK(host.stats().paused == 3);
    CHECK(host.figures().at("script_paused_total") == 3);

    // Who has mended it need not wait.
    CHECK(
        message_of(host.run(script_set("acme", "2"), script_call("crash"))).starts_with("script_crashed: "));
    CHECK(message_of(host.run(script_set("other"), script_call("crash"))).starts_with("script_crashed: "));
}

TEST_CASE("lua worker: what is nested too deep is that call's failure, and no worker's", "[lua-worker]") {
    WorkerHost host(worker_options());
    const auto nested = [](int levels) {
        Json value = 1;
        for (int i = 0; i < levels; ++i) value = Json{{"a", std::move(value)}};
        return script_call("echo", std::move(value));
    };
    CHECK_FALSE(host.run(script_set(), nested(90)).failure);
    const auto outcomes =
        host.run_all(script_set(), std::vector{nested(1), nested(150), nested(2), nested(1'000)});
    CHECK_FALSE(outcomes[0].failure);
    CHECK_FALSE(outcomes[2].failure);
    for (const auto i : {1U, 3U}) {
        CHECK(message_of(outcomes[i]) == "what is given to the script is nested too deep");
        CHECK_FALSE(outcomes[i].failure->lost);
    }
    CHECK(host.stats().restarts == 0);
}

TEST_CASE("lua worker: a run that is made again may take longer", "[lua-worker]") {
    rules::ScriptSet set;
    set.tenant = "acme";
    set.version = "1";
    set.files = {{"scripts/a.lua", "local n = 0 for i = 1, 20000000 do n = n + i % 7 end return n", true}};
    set.limits.fuel_max = 10'000'000'000;
    set.limits.deadline = milliseconds(5);
    const auto scripts = std::make_shared<const rules::ScriptSet>(set);
    ScriptCall call;
    call.file = "scripts/a.lua";
    auto options = worker_options({"scripts"});
    WorkerHost host(options);
    const auto ended = host.run(scripts, call);
    REQUIRE(ended.failure);
    CHECK(ended.failure->limit == "deadline");

    options.deadline = milliseconds(60'000);
    options.patience = *options.deadline;
    WorkerHost patient(options);
    CHECK(message_of(patient.run(scripts, call)) == "");
}

TEST_CASE("lua worker: a program that cannot be started is no script's fault", "[lua-worker]") {
    auto options = worker_options();
    options.command = {"/nowhere/signalbox", "script-worker"};
    options.losses_max = 1;
    WorkerHost host(options);
    for (int i = 0; i < 3; ++i)
        CHECK(
            message_of(host.run(script_set(), script_call("echo"))).starts_with("script_crashed: no script"));
    CHECK(host.stats().paused == 0);
}

TEST_CASE("script pauses: after so many losses in a row, and after one more when it has rested",
          "[lua-worker]") {
    using Clock = rules::ScriptPauses::Clock;
    rules::ScriptPauses pauses(2, std::chrono::seconds(10));
    const auto set = script_set();
    const auto call = script_call("run");
    const Clock::time_point start{std::chrono::hours(1)};
    const auto after = [&](int seconds) { return start + std::chrono::seconds(seconds); };

    pauses.lost(*set, call, start);
    CHECK_FALSE(pauses.until(*set, call, start));
    pauses.came_back(*set, call);
    CHECK(pauses.empty());
    pauses.lost(*set, call, start);
    pauses.lost(*set, call, start);
    CHECK(pauses.until(*set, call, after(9)) == after(10));
    CHECK_FALSE(pauses.until(*set, script_call("other"), after(9)));
    CHECK_FALSE(pauses.until(*script_set("acme", "2"), call, after(9)));
    CHECK_FALSE(pauses.until(*set, call, after(10)));
    pauses.lost(*set, call, after(12));
    CHECK(pauses.until(*set, call, after(13)) == after(22));
    pauses.came_back(*set, call);
    pauses.lost(*set, call, after(30));
    CHECK_FALSE(pauses.until(*set, call, after(30)));
}

TEST_CASE("hosts by thread: figures are those of all threads", "[lua-worker]") {
    rules::HostsByThread hosts([] { return std::make_unique<WorkerHost>(worker_options()); });
    for (int i = 0; i < 3; ++i) hosts.run(script_set(), script_call("echo", i));
    CHECK(hosts.figures().at("script_runs_total") == 3);
    std::thread([&] {
        hosts.run(script_set(), script_call("echo", 1));
        hosts.run_all(script_set(), echoes(2), [&] { hosts.run(script_set(), script_call("echo", 5)); });
    }).join();
    CHECK(hosts.figures().at("script_runs_total") == 7);
    CHECK(hosts.together_max() == 64);

    // Whoever asks while one runs something is not kept waiting.
    std::thread busy([&] {
        hosts.run_all(script_set(), echoes(1), [&] {
            std::map<std::string, double> figures;
            std::thread([&] { figures = hosts.figures(); }).join();
            CHECK(figures.at("script_runs_total") == 7);
        });
    });
    busy.join();
    CHECK(hosts.figures().at("script_runs_total") == 8);
}

}  // namespace lua_worker_together
