#include "engine/app/bench_scripts.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "engine/app/bench_tally.h"
#include "engine/app/render.h"
#include "rules/lua/in_process_host.h"
#include "rules/lua/plain_lua.h"
#include "rules/lua/worker.h"

namespace engine::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Nothing: the way there and back. Score: what a rule's script is usually like.
constexpr BenchedScript benched_scripts[] = {
    {"nothing", "return { run = function(ctx) end }\n"},
    {"score", R"lua(
local words = { "urgent", "outage", "refund", "invoice", "password", "broken" }
local points = { urgent = 5, outage = 8, refund = 3, invoice = 2, password = 1, broken = 2 }

local function text_score(text)
  local score, found = 0, {}
  local lower = string.lower(text)
  for i = 1, #words do
    if string.find(lower, words[i], 1, true) then
      score = score + points[words[i]]
      found[#found + 1] = words[i]
    end
  end
  return score, found
end

return {
  run = function(ctx)
    local ticket = ctx.ticket
    local score, found = text_score(ticket.subject .. " " .. ticket.text)
    if ticket.requester.plan == "enterprise" then score = score * 2 end
    local domain = string.match(ticket.requester.email, "@([%w.-]+)$")
    if score > 10 then ctx.set("ticket.priority", "high") end
    ctx.add_tags(found)
    return { score = score, domain = domain }
  end,
}
)lua"},
};

/// An event of usual size.
Json benched_context() {
    return {
        {"kind", "ticket"},
        {"event", {{"id", "01HZX3V9M1"}, {"type", "ticket.created"}, {"source", "helpninja"}}},
        {"ticket",
         {{"id", "4711"},
          {"status", "open"},
          {"priority", "normal"},
          {"subject", "Urgent: the invoice of May is broken"},
          {"text",
           "Hello, since the outage of this morning we cannot open the invoice of May. The page says that "
           "the "
           "document is broken, and asks for a password that none of us has ever set. Please look at it "
           "soon: "
           "our accounting closes the month tomorrow at noon, and without the document we cannot book it. A "
           "refund of the last month would be fine as well. Kind regards, Ada of Example Ltd."},
          {"tags", {"billing", "web"}},
          {"requester", {{"email", "ada@billing.example.com"}, {"plan", "enterprise"}, {"seats", 250}}},
          {"custom",
           {{"region", "eu"}, {"product", "ledger"}, {"renewal", "2026-09-01"}, {"arr", 48000.5}}}}}};
}

/// One way to run a script, `calls` at a time.
struct BenchedWay {
    ScriptsBenchResult result;
    std::function<std::uint64_t()> run;  ///< gives how many calls failed
    std::vector<double> rates;           ///< calls per second, of each round
    std::vector<double> micros;
    double cpu_us = 0;
    std::size_t turns = 0;
};

double micros_of(clockid_t clock) {
    timespec time{};
    return ::clock_gettime(clock, &time) == 0
               ? static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3
               : 0;
}

/// Of this thread and of workers.
double processor_micros(const rules::WorkerHost& workers) {
    double micros = micros_of(CLOCK_THREAD_CPUTIME_ID);
    for (const auto process : workers.processes()) {
        clockid_t clock{};
        if (::clock_getcpuclockid(process, &clock) == 0) micros += micros_of(clock);
    }
    return micros;
}

void measure_round(BenchedWay& way, double seconds, std::uint64_t& failures) {
    const auto begin = SteadyClock::now();
    std::size_t turns = 0;
    double spent = 0;
    do {
        const auto before = SteadyClock::now();
        failures += way.run();
        const auto after = SteadyClock::now();
        way.micros.push_back(std::chrono::duration<double, std::micro>(after - before).count());
        spent = std::chrono::duration<double>(after - begin).count();
        ++turns;
    } while (spent < seconds);
    way.rates.push_back(static_cast<double>(turns * way.result.batch) / spent);
    way.turns += turns;
}

void settle(BenchedWay& way) {
    std::sort(way.rates.begin(), way.rates.end());
    std::sort(way.micros.begin(), way.micros.end());
    way.result.calls_per_s = quantile(way.rates, 0.5);
    way.result.p50_us = quantile(way.micros, 0.5);
    way.result.p99_us = quantile(way.micros, 0.99);
    way.result.cpu_us = way.cpu_us / static_cast<double>(way.turns * way.result.batch);
}

/// All ways to run one script; what they run with lives as long.
class ScriptBench {
public:
    ScriptBench(const BenchedScript& script, const Json& context, const std::vector<std::size_t>& batches)
        : scripts_(std::make_shared<const rules::ScriptSet>(
              rules::ScriptSet{"bench", script.name, {{"scripts/bench.lua", script.source}}, {}})),
          plain_(script.source) {
        call_.file = "scripts/bench.lua";
        call_.function = "run";
        call_.context = context;
        add(script, "plain", 1, [this] { return plain_.run(call_.context).is_object() ? 0 : 1; });
        add(script, "in_process", 1, [this] { return in_process_.run(scripts_, call_).failure ? 1 : 0; });
        for (const auto batch : batches) add_batch(script, batch);
    }

    Result<void> load() {
        for (rules::ScriptHost* host :
             {static_cast<rules::ScriptHost*>(&in_process_), static_cast<rules::ScriptHost*>(&workers_)})
            for (const auto& wrong : host->load(scripts_)) return unavailable(to_text(wrong));
        return {};
    }

    bool differs() {
        const auto inside = in_process_.run(scripts_, call_);
        const auto outside = workers_.run(scripts_, call_);
        const auto plain = plain_.run(call_.context);
        return inside.result != outside.result || inside.effects != outside.effects ||
               inside.fuel_used != outside.fuel_used || inside.result != plain["result"] ||
               inside.effects.size() != plain["effects"].size();
    }

    void measure(const ScriptsBenchOptions& options, ScriptsBenchReport& report) {
        for (std::size_t round = 0; round < options.rounds; ++round)
            for (auto& way : ways_) {
                const auto before = processor_micros(workers_);
                measure_round(way, options.seconds / static_cast<double>(options.rounds), report.failures);
                way.cpu_us += processor_micros(workers_) - before;
            }
        for (auto& way : ways_) settle(way);
        for (auto& way : ways_) {
            way.result.to_plain = ways_[0].result.calls_per_s / way.result.calls_per_s;
            way.result.to_in_process = ways_[1].result.calls_per_s / way.result.calls_per_s;
            way.result.cpu_to_in_process = way.result.cpu_us / ways_[1].result.cpu_us;
            report.results.push_back(way.result);
        }
    }

private:
    void add(const BenchedScript& script, const char* host, std::size_t batch,
             std::function<std::uint64_t()> run) {
        BenchedWay way;
        way.result.script = script.name;
        way.result.host = host;
        way.result.batch = batch;
        way.run = std::move(run);
        ways_.push_back(std::move(way));
    }

    void add_batch(const BenchedScript& script, std::size_t batch) {
        const auto calls = std::make_shared<std::vector<rules::ScriptCall>>(batch, call_);
        add(script, "process", batch, [this, calls] {
            std::uint64_t failures = 0;
            for (const auto& outcome : workers_.run_all(scripts_, *calls))
                failures += outcome.failure ? 1 : 0;
            return failures;
        });
    }

    std::shared_ptr<const rules::ScriptSet> scripts_;
    rules::ScriptCall call_;
    rules::PlainLua plain_;
    rules::InProcessHost in_process_{1};
    rules::WorkerHost workers_;
    std::vector<BenchedWay> ways_;
};

std::string columns(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t width = i < 2 ? 12 : 11;
        const std::string gap(cells[i].size() < width ? width - cells[i].size() : 1, ' ');
        line += i < 2 ? cells[i] + gap : gap + cells[i];
    }
    return line + "\n";
}

}  // namespace

Result<ScriptsBenchReport> run_scripts_bench(const ScriptsBenchOptions& options) {
    ScriptsBenchReport report;
    const auto context = benched_context();
    report.context_bytes = context.dump().size();
    for (const auto& script : benched_scripts) {
        ScriptBench bench(script, context, options.batches);
        if (auto loaded = bench.load(); !loaded) return loaded.error();
        report.differences += bench.differs() ? 1 : 0;
        bench.measure(options, report);
        if (auto done = bench_decisions(script, context.at("ticket"), options, report); !done)
            return done.error();
    }
    return report;
}

Json to_json(const ScriptsBenchReport& report) {
    Json results = Json::array();
    for (const auto& one : report.results)
        results.push_back({{"script", one.script},
                           {"host", one.host},
                           {"batch", one.batch},
                           {"calls_per_s", one.calls_per_s},
                           {"p50_us", one.p50_us},
                           {"p99_us", one.p99_us},
                           {"cpu_us", one.cpu_us},
                           {"to_plain", one.to_plain},
                           {"to_in_process", one.to_in_process},
                           {"cpu_to_in_process", one.cpu_to_in_process}});
    Json decisions = Json::array();
    for (const auto& one : report.decisions)
        decisions.push_back({{"script", one.script},
                             {"host", one.host},
                             {"decisions_per_s", one.decisions_per_s},
                             {"p50_us", one.p50_us},
                             {"p99_us", one.p99_us},
                             {"to_in_process", one.to_in_process},
                             {"met", one.met}});
    return {{"context_bytes", report.context_bytes}, {"results", results},
            {"turn_events", report.turn_events},     {"decisions", decisions},
            {"failures", report.failures},           {"differences", report.differences}};
}

std::string render(const ScriptsBenchReport& report) {
    std::string text = columns({"script", "host", "batch", "calls/s", "p50 us", "p99 us", "cpu us", "x plain",
                                "x inside", "cpu x inside"});
    for (const auto& one : report.results)
        text += columns({one.script, one.host, std::to_string(one.batch), rounded(one.calls_per_s, 0),
                         rounded(one.p50_us, 1), rounded(one.p99_us, 1), rounded(one.cpu_us, 1),
                         rounded(one.to_plain, 2), rounded(one.to_in_process, 2),
                         rounded(one.cpu_to_in_process, 2)});
    text += "\nturns of " + std::to_string(report.turn_events) + " decisions that run one script each\n";
    text += columns({"script", "host", "decisions/s", "p50 us", "p99 us", "x inside", "met"});
    for (const auto& one : report.decisions)
        text += columns({one.script, one.host, rounded(one.decisions_per_s, 0), rounded(one.p50_us, 1),
                         rounded(one.p99_us, 1), rounded(one.to_in_process, 2), rounded(one.met, 2)});
    return text + "context " + std::to_string(report.context_bytes) + " bytes, failures " +
           std::to_string(report.failures) + ", differences " + std::to_string(report.differences) + "\n";
}

}  // namespace engine::app
