#pragma once
/// JSON values: parsing with limits, canonical bytes, and reading by path. The home of nlohmann/json.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace engine {

using Json = nlohmann::json;

struct JsonLimits {
    std::size_t bytes_max = 1024 * 1024;
    std::size_t depth_max = 64;
};

/// What of a document somebody reads. Lists are looked through: what is wanted of them is wanted of each
/// item.
struct JsonMask {
    bool whole = false;  ///< all that is in it
    std::map<std::string, JsonMask, std::less<>> members;
};

/// Parses one UTF-8 document. Of duplicate keys the last wins. Fails with exhausted when a limit is
/// passed and with invalid_input (naming the byte) otherwise. Members that are not `wanted` (null: all are)
/// may be left out; that they are JSON is checked.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {},
                        const JsonMask* wanted = nullptr);

/// RFC 8785 bytes: keys in UTF-16 order, shortest numbers. Integers beyond 2^53 become strings, so that
/// any reader sees the same value. Text that is not UTF-8 has its bad bytes replaced by U+FFFD.
std::string canonical_json(const Json& value);

/// Turns the value into what its canonical bytes read back as: integers beyond 2^53 become texts, a number
/// without a fraction an integer. What was kept and what the journal says of it are then the same.
void make_plain(Json& value);

/// Writes what canonical_json would write of a value, without making the value. The caller gives the members
/// of an object in the order of their names, which are plain ASCII.
class CanonicalWriter {
public:
    void begin_object() { begin('{'); }
    void end_object() { out_ += '}'; }
    void begin_list() { begin('['); }
    void end_list() { out_ += ']'; }
    /// The next member's name; its value follows.
    void name(std::string_view name);
    void text(std::string_view value);
    void value(const Json& value);

    void text(std::string_view name, std::string_view value);
    void integer(std::string_view name, std::uint64_t value);
    void boolean(std::string_view name, bool value) { written(name, value ? "true" : "false"); }
    void value(std::string_view name, const Json& value);
    /// A value that is canonical already.
    void written(std::string_view name, std::string_view canonical);

    std::string take() { return std::move(out_); }

private:
    void begin(char bracket);
    void separate();
    std::string out_;
};

/// A number in its shortest exact text, as ECMAScript prints it.
std::string number_text(const Json& number);

/// About as many bytes as its text has; not looked at further than `most`, and then more than that.
std::size_t bytes_up_to(const Json& value, std::size_t most);

/// Whether lists and objects stand in each other further than so many levels.
bool is_deeper(const Json& value, std::size_t levels);

/// Keys from the outside in; `ticket.custom.seats` is {"ticket","custom","seats"}.
using Path = std::vector<std::string>;
Path path_of(std::string_view dotted);
std::string dotted(const Path& path);

inline Json value_or_null(const Json* value) {
    return value ? *value : Json();
}
/// The value at the path, or null when a step is missing or is no object. Owned by `root`.
const Json* find(const Json& root, const Path& path);
const Json* find(const Json& root, std::string_view dotted_path);
/// Sets the value, making objects on the way; what is on the way and is no object is replaced.
void put(Json& root, const Path& path, Json value);
/// Removes the value; objects left empty on the way stay.
void remove(Json& root, const Path& path);

/// The text at the path, or the fallback when it is missing or is no text.
std::string text_or(const Json& root, std::string_view dotted_path, std::string_view fallback);

}  // namespace engine
