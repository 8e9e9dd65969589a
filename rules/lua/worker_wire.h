#pragma once
/// Values as bytes between the daemon and a script worker: tagged, in this machine's order of bytes, and read
/// as if an enemy had written them. Both ends are one program, so there is no older form to read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/lua/check.h"
#include "rules/lua/coverage.h"
#include "rules/script.h"

namespace rules {

/// Text that is not UTF-8 is written with U+FFFD for its bad bytes, numbers that JSON has not as null.
class WireWriter {
public:
    void number(std::uint64_t number);
    void text(std::string_view text);
    /// What need not be text, as it is.
    void bytes(std::string_view bytes);
    /// One that is too deep to be read is written as null, and `is_too_deep` says so.
    void value(const engine::Json& value);
    bool is_too_deep() const { return is_too_deep_; }
    std::string take() { return std::move(out_); }

private:
    void value_below(const engine::Json& value, std::size_t depth);

    std::string out_;
    bool is_too_deep_ = false;
};

/// Reads what a WireWriter wrote. Of anything else it reads zeros and empty texts from the first fault on,
/// and `is_done` says so; it makes no more than some hundred bytes of each that it was given, and no value
/// that JSON has not.
class WireReader {
public:
    explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

    std::uint64_t number();
    /// A number that counts things which follow, each of at least one byte.
    std::size_t count();
    std::string text();
    std::string bytes() { return std::string(taken(count())); }
    engine::Json value() { return value_below(0); }
    bool flag();

    void fail();
    /// All was read, and none of it was wrong.
    bool is_done() const { return good_ && bytes_.empty(); }

private:
    std::string_view taken(std::size_t bytes);
    engine::Json value_below(std::size_t depth);
    engine::Json list_below(std::size_t depth);
    engine::Json object_below(std::size_t depth);
    double fraction();

    std::string_view bytes_;
    bool good_ = true;
};

void write(WireWriter& to, const ScriptSet& set);
void write(WireWriter& to, const ScriptCall& call);
void write(WireWriter& to, const ScriptOutcome& outcome);
void write(WireWriter& to, const std::vector<engine::Diagnostic>& diagnostics);
void write(WireWriter& to, const ScriptCheck& asked);
void write(WireWriter& to, const std::vector<Coverage>& files);
/// Compiled code, by file.
void write(WireWriter& to, const std::vector<std::string>& code);

ScriptSet read_set(WireReader& from);
ScriptCall read_call(WireReader& from);
/// Fails, besides, when it says what no run within limits says.
ScriptOutcome read_outcome(WireReader& from);
std::vector<engine::Diagnostic> read_diagnostics(WireReader& from);
ScriptCheck read_check(WireReader& from);
std::vector<Coverage> read_coverage(WireReader& from);
std::vector<std::string> read_code(WireReader& from);

}  // namespace rules
