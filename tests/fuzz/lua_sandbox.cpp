// Scripts inside the inner wall: what behind a line `--lua` is a script as it stands, other bytes choose one
// from a grammar. Each run ends within its limits, a second run is the same as the first, and what comes
// after is as in a fresh state.
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "rules/lua/check.h"
#include "rules/lua/sandbox.h"
#include "tests/fuzz/finding.h"

using namespace rules;
using engine::Json;

namespace {

/// A script from bytes: each chooses what comes next, and none means the shortest.
class Grammar {
public:
    explicit Grammar(std::string_view bytes) : bytes_(bytes) {}

    std::string script() {
        while (!bytes_.empty()) statement(0);
        return std::move(out_);
    }

private:
    static constexpr int depth_max = 6;
    static constexpr std::size_t size_max = 16'000;

    unsigned next(unsigned count) {
        if (bytes_.empty() || out_.size() > size_max) {
            bytes_ = {};
            return 0;
        }
        const auto chosen = static_cast<unsigned char>(bytes_[0]) % count;
        bytes_.remove_prefix(1);
        return chosen;
    }
    template <std::size_t size>
    void one_of(const char* const (&words)[size]) {
        out_ += words[next(size)];
    }

    void name() { one_of({"a", "b", "c", "t", "s", "f", "i", "x"}); }
    void block(int depth) {
        for (auto left = next(4); left > 0; --left) statement(depth + 1);
    }
    void arguments(int depth) {
        for (auto left = next(4); left > 0; --left) {
            expression(depth + 1);
            if (left > 1) out_ += ", ";
        }
    }
    void function(int depth) {
        one_of({"function() ", "function(a) ", "function(a, b) ", "function(...) "});
        block(depth);
        out_ += " return ";
        expression(depth + 1);
        out_ += " end";
    }

    void statement(int depth) {
        switch (depth > depth_max ? 0 : next(16)) {
            case 0:
                name(), out_ += " = ", expression(depth + 1);
                break;
            case 1:
                out_ += "local ", name(), out_ += " = ", expression(depth + 1);
                break;
            case 2:
                name(), out_ += "[", expression(depth + 1), out_ += "] = ", expression(depth + 1);
                break;
            case 3:
                out_ += "if ", expression(depth + 1), out_ += " then ", block(depth), out_ += " else ",
                    block(depth), out_ += " end";
                break;
            case 4:
                out_ += "for i = 1, ", one_of({"3", "10", "1000", "1e9", "math.huge", "-1"}), out_ += " do ",
                    block(depth), out_ += " end";
                break;
            case 5:
                out_ += "for a, b in ",
                    one_of({"pairs(t)", "ipairs(t)", "pairs(_ENV)", "pairs(ctx)", "next, t",
                            "('a b'):gmatch('%a')", "pairs(string)"}),
                    out_ += " do ", block(depth), out_ += " end";
                break;
            case 6:
                out_ += "while ", expression(depth + 1), out_ += " do ", block(depth), out_ += " end";
                break;
            case 7:
                out_ += "do local x <", one_of({"const", "close"}),
                    out_ += "> = ", one_of({"nil", "false", "1", "{}"}), out_ += " ", block(depth),
                    out_ += " end";
                break;
            case 8:
                out_ += "pcall(", function(depth), out_ += ")";
                break;
            case 9:
                out_ += "xpcall(", function(depth), out_ += ", ", function(depth), out_ += ")";
                break;
            case 10:
                effect(depth);
                break;
            case 11:
                out_ += "error(", expression(depth + 1), out_ += ")";
                break;
            case 12:
                one_of({"string", "ctx.ticket", "ctx", "_ENV", "math", "table"}), out_ += ".", name(),
                    out_ += " = ", expression(depth + 1);
                break;
            case 13:
                out_ += "local function f(a, ...) ", block(depth), out_ += " return f(", arguments(depth),
                    out_ += ") end";
                break;
            default:
                call(depth);
        }
        out_ += bytes_.empty() ? "\n" : "; ";
    }

    void expression(int depth) {
        switch (depth > depth_max ? 0 : next(14)) {
            case 0:
                literal();
                break;
            case 1:
            case 2:
                name();
                break;
            case 3:
                out_ += "(", expression(depth + 1),
                    one_of({" + ", " - ", " * ", " / ", " // ", " % ", " ^ ", " & ", " | ", " ~ ", " << ",
                            " >> "}),
                    expression(depth + 1), out_ += ")";
                break;
            case 4:
                out_ += "(", expression(depth + 1), out_ += " .. ", expression(depth + 1), out_ += ")";
                break;
            case 5:
                out_ += "(", expression(depth + 1), one_of({" == ", " < ", " <= ", " ~= ", " and ", " or "}),
                    expression(depth + 1), out_ += ")";
                break;
            case 6:
                one_of({"#", "-", "not ", "~"}), expression(depth + 1);
                break;
            case 7:
                out_ += "{ ", arguments(depth), out_ += " }";
                break;
            case 8:
                out_ += "{ a = ", expression(depth + 1), out_ += ", [", expression(depth + 1),
                    out_ += "] = ", expression(depth + 1), out_ += " }";
                break;
            case 9:
                out_ += "(", function(depth), out_ += ")";
                break;
            case 10:
                out_ += "(", expression(depth + 1), out_ += ")[", expression(depth + 1), out_ += "]";
                break;
            default:
                call(depth);
        }
    }

    void literal() {
        one_of({"nil",
                "true",
                "0",
                "1",
                "-1",
                "0.5",
                "1e308",
                "0/0",
                "math.huge",
                "math.mininteger",
                "math.maxinteger",
                "2^53",
                "131071",
                "''",
                "'a'",
                "'a\\0b'",
                "'\\xff'",
                "'%a+'",
                "'(.-)%1'",
                "'%s %d %q'",
                "('x'):rep(1000)",
                "('\\0'):rep(60000)",
                "json.null",
                "'ticket.custom.a'",
                "'2026-05-04T08:00:00Z'",
                "'3d'",
                "ctx",
                "t"});
    }

    void call(int depth) {
        one_of({"string.find",   "string.gsub",
                "string.format", "string.rep",
                "string.sub",    "string.byte",
                "string.gmatch", "string.match",
                "string.upper",  "string.reverse",
                "string.char",   "table.concat",
                "table.insert",  "table.remove",
                "table.move",    "table.sort",
                "table.unpack",  "table.pack",
                "math.random",   "math.floor",
                "math.fmod",     "utf8.len",
                "utf8.char",     "utf8.codepoint",
                "utf8.offset",   "tostring",
                "tonumber",      "select",
                "next",          "type",
                "pairs",         "pcall",
                "json.encode",   "json.decode",
                "json.list",     "text.split",
                "text.words",    "text.fold",
                "text.truncate", "text.fingerprint",
                "date.add",      "date.parse",
                "date.format",   "date.diff",
                "require",       "f",
                "s.upper",       "t.a"});
        out_ += "(";
        arguments(depth);
        out_ += ")";
    }

    void effect(int depth) {
        one_of({"ctx.set", "ctx.get", "ctx.unset", "ctx.add_tags", "ctx.remove_tags", "ctx.action",
                "ctx.emit", "ctx.after", "ctx.log", "ctx.kv.set", "ctx.kv.get", "ctx.call", "ctx.fail"});
        out_ += "(";
        one_of({"'ticket.subject'", "'ticket.custom.a.b'", "'a.b'", "'1h'", "'k'", "{ 'x' }", "t"});
        out_ += ", ";
        expression(depth + 1);
        if (next(2) == 1) one_of({", {}", ", { as = 'x' }", ", { version = 1 }", ", 'x'", ", t"});
        out_ += ")";
    }

    std::string_view bytes_;
    std::string out_ =
        "local a, b, c, s, f, i, x = 1, 'b', 2.5, 'text', function(...) return ... end, 0\nlocal t = { 1, 2, "
        "3, a = 'x', n = { 4 } }\n";
};

std::string told(const ScriptOutcome& outcome) {
    auto text = engine::canonical_json(outcome.result) + engine::canonical_json(outcome.effects) +
                std::to_string(outcome.fuel_used) + " " + std::to_string(outcome.memory_bytes_peak);
    for (const auto& line : outcome.log) text += "\n" + line;
    if (outcome.need) text += "\nneeds " + outcome.need->key;
    if (outcome.failure)
        text += "\nfailed " + outcome.failure->limit + " " + outcome.failure->message + " " +
                std::to_string(outcome.failure->place.line);
    return text;
}

std::chrono::nanoseconds processor_time() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

ScriptCall call_of(const char* file) {
    ScriptCall call;
    call.file = file;
    call.seed = "seed";
    call.context = {{"kind", "ticket"},
                    {"ticket", {{"subject", "x"}, {"tags", {"a"}}, {"custom", {{"a", 1}}}}},
                    {"event", {{"type", "ticket.updated"}}}};
    return call;
}

constexpr auto witness = R"lua(
local out = {}
for name, value in pairs(_ENV) do
  out[#out + 1] = name
  if type(value) == "table" and name ~= "_ENV" then for member in pairs(value) do out[#out + 1] = tostring(member) end end
end
return { out, ("x"):upper(), tostring(("x").a), math.random(1, 1000), ctx.ticket }
)lua";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::string_view as_it_stands = "--lua";
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const bool is_source = bytes.substr(0, as_it_stands.size()) == as_it_stands;
    auto set = std::make_shared<ScriptSet>();
    set->files = {{"scripts/a.lua", is_source ? std::string(bytes) : Grammar(bytes).script(), true},
                  {"scripts/witness.lua", witness, true}};
    set->limits.fuel_max = 100'000;
    set->limits.memory_bytes_max = 2U << 20U;
    set->limits.text_bytes_max = 64U << 10U;
    set->limits.deadline = std::chrono::milliseconds(500);
    const auto opened = Sandbox::open(set);
    if (!opened.sandbox) return 0;
    if (is_source) check_scripts(*set, {"ticket"});

    static std::string fresh;
    if (fresh.empty()) fresh = told(Sandbox::open(set).sandbox->run(call_of("scripts/witness.lua")));
    std::string first;
    for (int round = 0; round < 2; ++round) {
        const auto start = processor_time();
        const auto outcome = opened.sandbox->run(call_of("scripts/a.lua"));
        if (processor_time() - start > set->limits.deadline + std::chrono::seconds(1))
            fuzz::finding("a run took too long");
        if (opened.sandbox->bytes_peak() > 3 * set->limits.memory_bytes_max + (16U << 20U))
            fuzz::finding("a run held too much");
        if (outcome.failure && outcome.failure->limit == "deadline") return 0;
        if (round == 0)
            first = told(outcome);
        else if (first != told(outcome))
            fuzz::finding("a second run differs:\n" + first + "\n" + told(outcome) + "\nof\n" +
                          set->files[0].source);
        const auto after = told(opened.sandbox->run(call_of("scripts/witness.lua")));
        if (after != fresh) fuzz::finding("a run left something:\n" + fresh + "\n" + after);
    }
    return 0;
}
