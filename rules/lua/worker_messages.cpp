/// What of scripts goes over the wire, member by member.

#include <algorithm>
#include <array>
#include <limits>

#include "rules/lua/worker_wire.h"

namespace rules {

using engine::Json;

namespace {

constexpr std::array<std::string_view, 12> limit_names{"",
                                                       "fuel_max",
                                                       "memory_bytes_max",
                                                       "text_bytes_max",
                                                       "source_bytes_max",
                                                       "sources_bytes_max",
                                                       "result_bytes_max",
                                                       "depth_max",
                                                       "log_lines_max",
                                                       "log_line_bytes_max",
                                                       "calls_max",
                                                       "deadline"};

/// Numbers of either sign, as the same 64 bits.
void write_signed(WireWriter& to, std::int64_t number) {
    to.number(static_cast<std::uint64_t>(number));
}

void write_texts(WireWriter& to, const std::vector<std::string>& texts) {
    to.number(texts.size());
    for (const auto& text : texts) to.text(text);
}

std::vector<std::string> read_texts(WireReader& from) {
    std::vector<std::string> texts(from.count());
    for (auto& text : texts) text = from.text();
    return texts;
}

void write_place(WireWriter& to, const engine::Place& place) {
    to.text(place.file);
    to.number(static_cast<std::uint64_t>(std::max(place.line, 0)));
    to.number(static_cast<std::uint64_t>(std::max(place.column, 0)));
}

int read_line(WireReader& from) {
    const auto line = from.number();
    if (line > std::numeric_limits<int>::max()) from.fail();
    return static_cast<int>(line);
}

engine::Place read_place(WireReader& from) {
    engine::Place place;
    place.file = from.text();
    place.line = read_line(from);
    place.column = read_line(from);
    return place;
}

void write_limits(WireWriter& to, const ScriptLimits& limits) {
    to.number(limits.fuel_max);
    for (const auto limit : {limits.memory_bytes_max, limits.text_bytes_max, limits.source_bytes_max,
                             limits.sources_bytes_max, limits.result_bytes_max, limits.depth_max,
                             limits.log_lines_max, limits.log_line_bytes_max, limits.calls_max})
        to.number(limit);
    to.number(static_cast<std::uint64_t>(limits.deadline.count()));
}

ScriptLimits read_limits(WireReader& from) {
    ScriptLimits limits;
    limits.fuel_max = from.number();
    for (auto* limit : {&limits.memory_bytes_max, &limits.text_bytes_max, &limits.source_bytes_max,
                        &limits.sources_bytes_max, &limits.result_bytes_max, &limits.depth_max,
                        &limits.log_lines_max, &limits.log_line_bytes_max, &limits.calls_max})
        *limit = from.number();
    limits.deadline = std::chrono::milliseconds(from.number());
    return limits;
}

void write_need(WireWriter& to, const ScriptNeed& need) {
    to.text(need.key);
    to.text(need.what);
    to.value(need.params);
    write_signed(to, need.cache.count());
    write_place(to, need.place);
}

ScriptNeed read_need(WireReader& from) {
    ScriptNeed need;
    need.key = from.text();
    need.what = from.text();
    need.params = from.value();
    need.cache = engine::Duration(static_cast<std::int64_t>(from.number()));
    if (need.cache < engine::Duration::zero()) from.fail();
    need.place = read_place(from);
    return need;
}

void write_failure(WireWriter& to, const ScriptFailure& failure) {
    to.text(failure.message);
    write_place(to, failure.place);
    write_texts(to, failure.traceback);
    to.text(failure.limit);
}

ScriptFailure read_failure(WireReader& from) {
    ScriptFailure failure;
    failure.message = from.text();
    failure.place = read_place(from);
    failure.traceback = read_texts(from);
    failure.limit = from.text();
    // Limits become names of counters: nobody makes up others.
    if (std::find(limit_names.begin(), limit_names.end(), failure.limit) == limit_names.end()) from.fail();
    return failure;
}

bool are_objects(const Json& effects) {
    return effects.is_array() &&
           std::all_of(effects.begin(), effects.end(), [](const Json& effect) { return effect.is_object(); });
}

}  // namespace

void write(WireWriter& to, const ScriptSet& set) {
    to.text(set.tenant);
    to.text(set.version);
    write_limits(to, set.limits);
    to.number(set.files.size());
    for (const auto& file : set.files) {
        to.text(file.name);
        to.bytes(file.source);
    }
}

ScriptSet read_set(WireReader& from) {
    ScriptSet set;
    set.tenant = from.text();
    set.version = from.text();
    set.limits = read_limits(from);
    set.files.resize(from.count());
    for (auto& file : set.files) {
        file.name = from.text();
        file.source = from.bytes();
    }
    return set;
}

void write(WireWriter& to, const ScriptCall& call) {
    to.text(call.file);
    to.text(call.function);
    to.value(call.context);
    write_signed(to, engine::microseconds_of(call.now));
    to.bytes(call.seed);
    to.value(call.answers);
}

ScriptCall read_call(WireReader& from) {
    ScriptCall call;
    call.file = from.text();
    call.function = from.text();
    call.context = from.value();
    call.now = engine::instant_of(static_cast<std::int64_t>(from.number()));
    call.seed = from.bytes();
    call.answers = from.value();
    return call;
}

void write(WireWriter& to, const ScriptOutcome& outcome) {
    to.value(outcome.result);
    to.value(outcome.effects);
    write_texts(to, outcome.log);
    to.number(outcome.need ? 1 : 0);
    if (outcome.need) write_need(to, *outcome.need);
    to.number(outcome.failure ? 1 : 0);
    if (outcome.failure) write_failure(to, *outcome.failure);
    to.number(outcome.fuel_used);
    to.number(outcome.memory_bytes_peak);
}

ScriptOutcome read_outcome(WireReader& from) {
    ScriptOutcome outcome;
    outcome.result = from.value();
    outcome.effects = from.value();
    outcome.log = read_texts(from);
    if (from.flag()) outcome.need = read_need(from);
    if (from.flag()) outcome.failure = read_failure(from);
    outcome.fuel_used = from.number();
    outcome.memory_bytes_peak = from.number();
    const bool ended_early = outcome.need || outcome.failure;
    if (!are_objects(outcome.effects) || (outcome.need && outcome.failure) ||
        (ended_early && !outcome.effects.empty()))
        from.fail();
    return outcome;
}

void write(WireWriter& to, const std::vector<engine::Diagnostic>& diagnostics) {
    to.number(diagnostics.size());
    for (const auto& one : diagnostics) {
        to.number(one.severity == engine::Severity::error ? 0 : 1);
        to.text(one.kind);
        write_place(to, one.place);
        to.text(one.message);
    }
}

std::vector<engine::Diagnostic> read_diagnostics(WireReader& from) {
    std::vector<engine::Diagnostic> diagnostics;
    const auto count = from.count();
    for (std::size_t i = 0; i < count; ++i) {
        engine::Diagnostic one;
        one.severity = from.flag() ? engine::Severity::warning : engine::Severity::error;
        one.kind = from.text();
        one.place = read_place(from);
        one.message = from.text();
        diagnostics.push_back(std::move(one));
    }
    return diagnostics;
}

}  // namespace rules
