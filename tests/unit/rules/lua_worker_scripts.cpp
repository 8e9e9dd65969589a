/// Lua in workers: the same as in this process, bit for bit, and attacks are over in time.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/base/hash.h"
#include "rules/lua/in_process_host.h"
#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_scripts {
namespace {

using engine::Json;
using rules::WorkerHost;

std::shared_ptr<rules::ScriptSet> scripts_of(const std::string& source) {
    auto set = std::make_shared<rules::ScriptSet>();
    set->tenant = "acme";
    set->version = "1";
    set->files = {{"scripts/a.lua", source, true},
                  {"scripts/next.lua", "return leftover == nil and 1 or 2", true}};
    return set;
}

rules::ScriptCall call_of(const std::string& file) {
    rules::ScriptCall call;
    call.file = file;
    call.now = engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z
    call.seed = "seed";
    call.context = {
        {"kind", "ticket"},
        {"ticket", {{"id", "1"}, {"subject", "Grüße"}, {"seats", 12}, {"share", 0.1}, {"tags", {"a", "b"}}}}};
    return call;
}

/// All that is said of a run, but what it cost.
std::string told(const rules::ScriptOutcome& outcome) {
    Json told{{"result", outcome.result}, {"effects", outcome.effects}, {"log", outcome.log}};
    if (outcome.need) told["need"] = {outcome.need->key, outcome.need->what, outcome.need->params};
    if (outcome.failure)
        told["failure"] = {outcome.failure->message, outcome.failure->limit, outcome.failure->place.file,
                           outcome.failure->place.line, outcome.failure->traceback};
    return told.dump();
}

std::vector<std::filesystem::path> attacks() {
    const char* named = std::getenv("SIGNALBOX_SHARED");
    std::vector<std::filesystem::path> found;
    for (const auto& folder : {std::filesystem::path(named ? named : "../shared") / "lua-attacks",
                               std::filesystem::path("tests/lua-attacks")}) {
        if (!std::filesystem::exists(folder)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            if (entry.path().extension() == ".lua") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<std::filesystem::path> own_attacks() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator("tests/lua-attacks"))
        if (entry.path().extension() == ".lua") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

constexpr auto at_deadline = "deadline";

/// Of effects, result, log and failure.
std::string digest_of(const rules::ScriptOutcome& outcome) {
    if (outcome.failure && outcome.failure->limit == at_deadline) return at_deadline;
    const auto digest = engine::sha256(told(outcome));
    return engine::to_hex(engine::bytes_of(digest)).substr(0, 32);
}

std::string text_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

constexpr const char* samples[] = {
    "return ctx.ticket",
    "return { 1, 2, { a = 'ä' } }",
    "ctx.set('ticket.priority', 'high') ctx.add_tags({ 'x' }) ctx.log('said', 1, nil) return "
    "math.random(1000)",
    "local t = {} for k, v in pairs({ a = 1, b = 2, c = 3, d = { 1 } }) do t[#t + 1] = k end return t",
    "return tostring({})",
    "error('no')",
    "local function f() return f() + 1 end return f()",
    "while true do end",
    "return string.rep('x', 10000000)",
    "return ctx.now",
};

}  // namespace

TEST_CASE("lua worker: a script gives the same in a worker as in this process", "[lua-worker]") {
    rules::InProcessHost inside;
    WorkerHost outside(worker_options({"scripts"}));
    for (const auto* sample : samples) {
        CAPTURE(sample);
        const auto set = scripts_of(sample);
        CHECK(inside.load(set).size() == outside.load(set).size());
        for (int round = 0; round < 3; ++round) {
            const auto here = inside.run(set, call_of("scripts/a.lua"));
            const auto there = outside.run(set, call_of("scripts/a.lua"));
            CHECK(told(there) == told(here));
        }
    }
    CHECK(outside.stats().crashes == 0);
}

TEST_CASE("lua worker: what scripts do is what is on record, whoever runs them and wherever",
          "[lua-worker]") {
    const std::string record = "tests/golden/lua-effects.txt";
    std::map<std::string, std::string> expected;
    std::ifstream file(record);
    for (std::string name, digest; file >> name >> digest;) expected[name] = digest;
    // So long that only what nothing else ends gets there, however slow the machine is or the sanitizer.
    constexpr milliseconds deadline{10'000};
    auto options = worker_options({"scripts"});
    options.deadline = deadline;
    options.patience = 2 * deadline;
    rules::InProcessHost inside;
    WorkerHost outside(options);
    std::map<std::string, std::string> found;
    for (const auto& path : own_attacks()) {
        const auto name = path.filename().string();
        CAPTURE(name);
        auto set = scripts_of(text_of(path));
        set->limits.deadline = deadline;
        const auto known = expected.find(name);
        if (known != expected.end() && known->second == at_deadline) {
            found[name] = known->second;
            continue;
        }
        const auto here = inside.run(set, call_of("scripts/a.lua"));
        const auto there = outside.run(set, call_of("scripts/a.lua"));
        CHECK(told(there) == told(here));
        found[name] = digest_of(here);
    }
    if (std::getenv("SIGNALBOX_UPDATE_GOLDEN") != nullptr) {
        std::ofstream out(record);
        for (const auto& [name, digest] : found) out << name << " " << digest << "\n";
        return;
    }
    INFO("if what they do now is right, run with SIGNALBOX_UPDATE_GOLDEN=1");
    for (const auto& [name, digest] : found) {
        CAPTURE(name);
        CHECK(digest == expected[name]);
    }
    CHECK(found.size() == expected.size());
}

TEST_CASE("lua worker: the next worker has what the one before has compiled", "[lua-worker]") {
    auto options = worker_options({"scripts"});
    options.code = std::make_shared<rules::ScriptCode>();
    WorkerHost host(options);
    auto several = *scripts_of("local n = 7 return require('scripts/b').double(n)");
    several.files.push_back({"scripts/b.lua", "return { double = function(n) return 2 * n end }"});
    const auto set = std::make_shared<const rules::ScriptSet>(several);
    REQUIRE(host.load(set).empty());
    const auto code = options.code->find(*set);
    REQUIRE(code);
    CHECK(code->size() == set->files.size());

    for (int round = 0; round < 2; ++round) {
        for (const auto worker : host.processes()) ::kill(worker, SIGKILL);
        const auto outcome = host.run(set, call_of("scripts/a.lua"));
        CHECK(outcome.result == 14);
        CHECK_FALSE(outcome.failure);
    }
    // Its errors have their lines, as code has.
    auto failing = *scripts_of("local t = {}\nreturn t.a.b");
    const auto other = std::make_shared<const rules::ScriptSet>(failing);
    REQUIRE(host.load(other).empty());
    for (const auto worker : host.processes()) ::kill(worker, SIGKILL);
    CHECK(host.run(other, call_of("scripts/a.lua")).failure->place.line == 2);
}

TEST_CASE("lua worker: code that a worker has forged costs that worker", "[lua-worker]") {
    auto options = worker_options({"scripts"});
    options.code = std::make_shared<rules::ScriptCode>();
    const auto set = scripts_of("return 'fine'");
    options.code->keep(*set, std::vector<std::string>(set->files.size(), "\x1bLua no such code"));
    WorkerHost host(options);
    CHECK(host.run(set, call_of("scripts/a.lua")).result == "fine");
    CHECK(host.stats().crashes == 1);
    REQUIRE(options.code->find(*set));
    CHECK(options.code->find(*set)->front().starts_with("\x1bLua"));
    CHECK(host.run(set, call_of("scripts/a.lua")).result == "fine");
}

TEST_CASE("lua worker: what does not compile is said with its place", "[lua-worker]") {
    WorkerHost host(worker_options({"scripts"}));
    const auto diagnostics = host.load(scripts_of("return 1 +\n+"));
    REQUIRE(diagnostics.size() == 1);
    CHECK(diagnostics[0].place == engine::Place{"scripts/a.lua", 2, 1});
    CHECK(host.run(scripts_of("return 1 +\n+"), call_of("scripts/a.lua")).failure->place.line == 2);
}

TEST_CASE("lua worker: known attacks are over in time, and the next run is as any other", "[lua-worker]") {
    WorkerHost host(worker_options({"scripts"}));
    auto bystander = *scripts_of("return 'fine'");
    bystander.tenant = "other";
    const auto other = std::make_shared<const rules::ScriptSet>(bystander);
    const auto paths = attacks();
    if (paths.empty()) WARN("skipped: there is no folder lua-attacks (set SIGNALBOX_SHARED)");
    std::vector<milliseconds> of_attacks, of_next, of_others;
    for (const auto& path : paths) {
        CAPTURE(path.filename().string());
        const auto set = scripts_of(text_of(path));
        host.load(set);
        of_attacks.push_back(time_of([&] { host.run(set, call_of("scripts/a.lua")); }));
        of_next.push_back(time_of([&] { host.run(set, call_of("scripts/next.lua")); }));
        of_others.push_back(
            time_of([&] { CHECK(host.run(other, call_of("scripts/a.lua")).result == "fine"); }));
    }
    if (paths.empty()) return;
    // The inner wall holds all of them; a worker is lost only where the machine kept it from its time.
    CHECK(host.stats().crashes + host.stats().forgeries == 0);
    CHECK(middle_of(of_attacks) < rules::ScriptLimits().deadline + over_limit_max);
    CHECK(middle_of(of_next) < next_call_max);
    CHECK(middle_of(of_others) < next_call_max);
    if (std::getenv("SIGNALBOX_LUA_SHOW"))
        WARN("attacks " << paths.size() << ", slowest "
                        << std::max_element(of_attacks.begin(), of_attacks.end())->count() << " ms, next "
                        << std::max_element(of_next.begin(), of_next.end())->count() << " ms, other tenant "
                        << std::max_element(of_others.begin(), of_others.end())->count()
                        << " ms, workers lost " << host.stats().restarts);
}

}  // namespace tests::lua_worker_scripts
