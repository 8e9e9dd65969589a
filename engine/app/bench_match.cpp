#include "engine/app/bench_match.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "engine/app/bench_tally.h"
#include "engine/app/instructions.h"
#include "engine/app/render.h"
#include "engine/base/ensure.h"
#include "engine/model/event.h"
#include "rules/evaluator/event_view.h"
#include "rules/matcher/indexed.h"

namespace engine::app {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Layout = rules::RawReader::Layout;

/// An event as a tree of values, for what needs one.
struct Tree {
    Json document;
    std::optional<Event> event;  ///< of an envelope
    std::optional<rules::EventView> view;
    rules::Scope scope;
    std::string type;

    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    Tree(std::string_view bytes, Layout layout, Instant now) {
        auto parsed = parse_json(bytes);
        ENSURE(parsed);
        document = std::move(*parsed);
        type = text_or(document, "type", "");
        const auto& roots = layout == Layout::envelope ? document["data"] : document;
        for (const auto& [root, value] : roots.items()) scope.set(root, &value);
        scope.now = now;
        if (layout == Layout::roots) return;
        if (auto read = event_from_envelope(TenantName("bench"), document)) {
            event = std::move(*read);
            scope.event = &view.emplace(*event);
        }
    }
};

/// From bytes to the numbers of rules, as the product finds them.
class FromBytes {
public:
    FromBytes(const rules::IndexedMatcher& matcher, Layout layout)
        : matcher_(matcher),
          index_(*matcher.parts().front().index),
          layout_(layout),
          reader_(index_.slots(), layout) {}

    const MatchedIds& match(std::string_view bytes) {
        ids_.clear();
        ENSURE(reader_.read("", bytes, now_, scratch_, readings_));
        index_.match(readings_, matching_);
        if (!matching_.hits.empty()) take_hits(bytes);
        return ids_;
    }

private:
    /// By itself: room for a document on the stack would cost every event a thirtieth of its time.
    [[gnu::noinline]] void take_hits(std::string_view bytes) {
        std::optional<Tree> tree;
        for (const auto& hit : matching_.hits) {
            if (!hit.exact) {
                if (!tree) tree.emplace(bytes, layout_, now_);
                if (!rules::holds(matcher_.rules()[hit.rule].when, tree->scope)) continue;
            }
            if (ids_.empty() || ids_.back() != hit.rule) ids_.push_back(hit.rule);
        }
    }

    const rules::IndexedMatcher& matcher_;
    const rules::IndexPart& index_;
    Layout layout_;
    rules::RawReader reader_;
    rules::RawReader::Scratch scratch_;
    rules::Readings readings_;
    rules::BlockIndex::Matching matching_;
    MatchedIds ids_;
    Instant now_{};
};

MatchedIds by_every_rule(const rules::Matcher& naive, std::string_view bytes, Layout layout) {
    const Tree tree(bytes, layout, Instant{});
    const auto cursor = naive.open(tree.type, tree.scope);
    MatchedIds ids;
    for (auto next = cursor->next(0); next; next = cursor->next(*next + 1))
        ids.push_back(static_cast<std::uint32_t>(*next));
    return ids;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return quantile(values, 0.5);
}

/// Passes over all events by turns, so that what disturbs the machine disturbs both.
void measure_rates(const EventBytes& events, FromBytes& from_bytes, double seconds,
                   MatchBenchResult& result) {
    constexpr std::size_t passes_min = 5;
    JsonBytes parser;
    std::vector<double> matching, parsing;
    const auto begin = SteadyClock::now();
    while (matching.size() < passes_min || seconds_since(begin) < 2 * seconds) {
        const auto first = SteadyClock::now();
        std::size_t found = 0;
        for (std::size_t i = 0; i < events.size(); ++i) found += from_bytes.match(events.at(i)).size();
        matching.push_back(static_cast<double>(events.size()) / seconds_since(first));
        result.matches_per_event = static_cast<double>(found) / static_cast<double>(events.size());
        const auto second = SteadyClock::now();
        for (std::size_t i = 0; i < events.size(); ++i) ENSURE(parser.parse(events.at(i)));
        parsing.push_back(static_cast<double>(events.size()) / seconds_since(second));
    }
    result.events_per_s = median(matching);
    result.parse_floor_events_per_s = median(parsing);
}

void measure_latency(const EventBytes& events, FromBytes& from_bytes, MatchBenchResult& result) {
    constexpr int passes = 5;
    std::vector<double> micros;
    for (int pass = 0; pass < passes; ++pass)
        for (std::size_t i = 0; i < events.size(); ++i) {
            const auto begin = SteadyClock::now();
            from_bytes.match(events.at(i));
            micros.push_back(seconds_since(begin) * 1e6);
        }
    std::sort(micros.begin(), micros.end());
    result.p50_us = quantile(micros, 0.5);
    result.p99_us = quantile(micros, 0.99);
}

void count_instructions(const EventBytes& events, FromBytes& from_bytes, MatchBenchResult& result) {
    auto counter = InstructionCounter::open();
    if (!counter) return;
    counter->start();
    for (std::size_t i = 0; i < events.size(); ++i) from_bytes.match(events.at(i));
    result.instructions_per_event = static_cast<double>(counter->stop()) / static_cast<double>(events.size());
}

/// As many events as the time allows, and at least a few.
void measure_every_rule(const MatchSet& set, FromBytes& from_bytes, double seconds,
                        MatchBenchResult& result) {
    constexpr std::size_t events_min = 20;
    const auto naive = rules::naive_matcher(set.rule_set);
    double spent = 0;
    std::size_t looked_at = 0;
    for (; looked_at < set.events.size() && (looked_at < events_min || spent < seconds); ++looked_at) {
        const auto bytes = set.events.at(looked_at);
        const auto begin = SteadyClock::now();
        const auto ids = by_every_rule(*naive, bytes, set.layout);
        spent += seconds_since(begin);
        if (set.expected) continue;
        ++result.compared;
        result.mismatches += ids != from_bytes.match(bytes) ? 1 : 0;
    }
    result.naive_events_per_s = static_cast<double>(looked_at) / spent;
}

void compare_with_expected(const MatchSet& set, FromBytes& from_bytes, MatchBenchResult& result) {
    for (std::size_t i = 0; i < set.events.size(); ++i) {
        ++result.compared;
        result.mismatches += from_bytes.match(set.events.at(i)) != (*set.expected)[i] ? 1 : 0;
    }
}

MatchBenchResult measure(const MatchSet& set, double seconds) {
    MatchBenchResult result;
    result.profile = set.profile;
    result.rules = set.rule_set.rules.size();
    const auto begin = SteadyClock::now();
    const rules::IndexedMatcher matcher(set.rule_set.rules);
    result.build_ms = seconds_since(begin) * 1e3;
    result.bytes_per_rule =
        static_cast<double>(matcher.bytes()) / static_cast<double>(std::max<std::size_t>(result.rules, 1));
    FromBytes from_bytes(matcher, set.layout);
    if (set.expected) compare_with_expected(set, from_bytes, result);
    measure_rates(set.events, from_bytes, seconds, result);
    measure_latency(set.events, from_bytes, result);
    count_instructions(set.events, from_bytes, result);
    measure_every_rule(set, from_bytes, seconds, result);
    return result;
}

Result<void> measure_workload(const MatchBenchOptions& options,
                              const std::function<void(const MatchBenchResult&)>& done) {
    const auto names = workload_names(options.workload);
    if (!names) return names.error();
    for (const auto& name : *names) {
        const auto set = read_workload(options.workload, name);
        if (!set) return set.error();
        done(measure(*set, options.seconds));
    }
    return {};
}

std::string in_columns(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t width = i == 0 ? 18 : 12;
        const auto gap = cells[i].size() < width ? width - cells[i].size() : 1;
        line += i == 0 ? cells[i] + std::string(gap, ' ') : std::string(gap, ' ') + cells[i];
    }
    return line + "\n";
}

}  // namespace

Result<void> run_match_bench(const MatchBenchOptions& options,
                             const std::function<void(const MatchBenchResult&)>& done) {
    if (!options.rules_folder.empty()) {
        const auto set = read_match_set(options.rules_folder, options.events_file);
        if (!set) return set.error();
        done(measure(*set, options.seconds));
        return {};
    }
    if (!options.workload.empty()) return measure_workload(options, done);
    for (const auto& profile : options.profiles.empty() ? match_profiles() : options.profiles)
        for (const auto count : options.counts)
            done(measure(generated_match_set(profile, count, options.events, options.seed), options.seconds));
    return {};
}

Json to_json(const MatchBenchResult& result) {
    return {{"profile", result.profile},
            {"rules", result.rules},
            {"events_per_s", result.events_per_s},
            {"p50_us", result.p50_us},
            {"p99_us", result.p99_us},
            {"build_ms", result.build_ms},
            {"bytes_per_rule", result.bytes_per_rule},
            {"naive_events_per_s", result.naive_events_per_s},
            {"parse_floor_events_per_s", result.parse_floor_events_per_s},
            {"matches_per_event", result.matches_per_event},
            {"instructions_per_event",
             result.instructions_per_event ? Json(*result.instructions_per_event) : Json()},
            {"compared", result.compared},
            {"mismatches", result.mismatches}};
}

std::string match_bench_head() {
    return in_columns({"profile", "rules", "events/s", "of floor", "floor", "every rule", "p50 µs", "p99 µs",
                       "build ms", "bytes/rule", "matches", "instr", "mismatches"});
}

std::string render(const MatchBenchResult& result) {
    return in_columns({result.profile, std::to_string(result.rules), rounded(result.events_per_s, 0),
                       rounded(result.events_per_s / result.parse_floor_events_per_s, 3),
                       rounded(result.parse_floor_events_per_s, 0), rounded(result.naive_events_per_s, 0),
                       rounded(result.p50_us, 2), rounded(result.p99_us, 2), rounded(result.build_ms, 1),
                       rounded(result.bytes_per_rule, 0), rounded(result.matches_per_event, 2),
                       result.instructions_per_event ? rounded(*result.instructions_per_event, 0) : "-",
                       std::to_string(result.mismatches) + "/" + std::to_string(result.compared)});
}

}  // namespace engine::app
