/// What of scripts goes over the wire, member by member.

#include <algorithm>
#include <array>
#include <limits>

#include "rules/lua/worker_wire.h"

namespace rules {

using engine::Json;

namespace {

constexpr std::array<std::string_view, 13> limit_names{
    "",          "fuel_max",         "memory_bytes_max",   "text_bytes_max",
    "keys_max",  "source_bytes_max", "sources_bytes_max",  "result_bytes_max",
    "depth_max", "log_lines_max",    "log_line_bytes_max", "calls_max",
    "deadline"};

// What is written is taken apart whole: a new member does not compile until it is written here.

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
    const auto& [file, line, column] = place;
    to.text(file);
    to.number(static_cast<std::uint64_t>(std::max(line, 0)));
    to.number(static_cast<std::uint64_t>(std::max(column, 0)));
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
    const auto& [fuel, memory, text, keys, source, sources, result, depth, lines, line, calls, deadline] =
        limits;
    to.number(fuel);
    for (const auto limit : {memory, text, keys, source, sources, result, depth, lines, line, calls})
        to.number(limit);
    to.number(static_cast<std::uint64_t>(deadline.count()));
}

ScriptLimits read_limits(WireReader& from) {
    ScriptLimits limits;
    auto& [fuel, memory, text, keys, source, sources, result, depth, lines, line, calls, deadline] = limits;
    fuel = from.number();
    for (auto* limit : {&memory, &text, &keys, &source, &sources, &result, &depth, &lines, &line, &calls})
        *limit = from.number();
    deadline = std::chrono::milliseconds(from.number());
    return limits;
}

void write_need(WireWriter& to, const ScriptNeed& need) {
    const auto& [key, what, params, cache, place] = need;
    to.text(key);
    to.text(what);
    to.value(params);
    write_signed(to, cache.count());
    write_place(to, place);
}

ScriptNeed read_need(WireReader& from) {
    ScriptNeed need;
    need.key = from.text();
    need.what = from.text();
    need.params = from.value();
    need.cache = engine::Duration(static_cast<std::int64_t>(from.number()));
    if (need.key.empty() || need.cache < engine::Duration::zero()) from.fail();
    need.place = read_place(from);
    return need;
}

void write_failure(WireWriter& to, const ScriptFailure& failure) {
    const auto& [message, place, traceback, limit, lost] = failure;
    to.text(message);
    write_place(to, place);
    write_texts(to, traceback);
    to.text(limit);
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

void write_lines(WireWriter& to, const std::set<int>& lines) {
    to.number(lines.size());
    for (const int line : lines) to.number(static_cast<std::uint64_t>(std::max(line, 0)));
}

std::set<int> read_lines(WireReader& from) {
    std::set<int> lines;
    const auto count = from.count();
    for (std::size_t i = 0; i < count; ++i) lines.insert(read_line(from));
    return lines;
}

bool are_objects(const Json& effects) {
    return effects.is_array() &&
           std::all_of(effects.begin(), effects.end(), [](const Json& effect) { return effect.is_object(); });
}

}  // namespace

void write(WireWriter& to, const ScriptSet& set) {
    const auto& [tenant, version, files, limits] = set;
    to.text(tenant);
    to.text(version);
    write_limits(to, limits);
    to.number(files.size());
    for (const auto& [name, source, is_function, code] : files) {
        to.text(name);
        to.bytes(source);
        to.number(is_function ? 1 : 0);
        to.bytes(code);
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
        file.is_function = from.flag();
        file.code = from.bytes();
    }
    return set;
}

void write(WireWriter& to, const ScriptCall& call) {
    const auto& [file, function, context, now, seed, answers] = call;
    to.text(file);
    to.text(function);
    to.value(context);
    write_signed(to, engine::microseconds_of(now));
    to.bytes(seed);
    to.value(answers);
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
    const auto& [result, effects, log, need, failure, fuel, memory] = outcome;
    to.value(result);
    to.value(effects);
    write_texts(to, log);
    to.number(need ? 1 : 0);
    if (need) write_need(to, *need);
    to.number(failure ? 1 : 0);
    if (failure) write_failure(to, *failure);
    to.number(fuel);
    to.number(memory);
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

void write(WireWriter& to, const ScriptCheck& asked) {
    const auto& [scripts, kinds, references] = asked;
    write(to, *scripts);
    write_texts(to, kinds);
    to.number(references.size());
    for (const auto& reference : references) {
        to.text(reference.file);
        to.text(reference.function);
        write_place(to, reference.place);
    }
}

ScriptCheck read_check(WireReader& from) {
    ScriptCheck asked;
    asked.scripts = std::make_shared<const ScriptSet>(read_set(from));
    asked.kinds = read_texts(from);
    const auto count = from.count();
    for (std::size_t i = 0; i < count; ++i) {
        ScriptRef reference;
        reference.file = from.text();
        reference.function = from.text();
        reference.place = read_place(from);
        asked.references.push_back(std::move(reference));
    }
    return asked;
}

void write(WireWriter& to, const std::vector<Coverage>& files) {
    to.number(files.size());
    for (const auto& [file, lines, missed] : files) {
        to.text(file);
        write_lines(to, lines);
        write_lines(to, missed);
    }
}

std::vector<Coverage> read_coverage(WireReader& from) {
    std::vector<Coverage> files;
    const auto count = from.count();
    for (std::size_t i = 0; i < count; ++i) {
        Coverage one;
        one.file = from.text();
        one.lines = read_lines(from);
        one.missed = read_lines(from);
        files.push_back(std::move(one));
    }
    return files;
}

void write(WireWriter& to, const std::vector<std::string>& code) {
    to.number(code.size());
    for (const auto& file : code) to.bytes(file);
}

std::vector<std::string> read_code(WireReader& from) {
    std::vector<std::string> code(from.count());
    for (auto& file : code) file = from.bytes();
    return code;
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
