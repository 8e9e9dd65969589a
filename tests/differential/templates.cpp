// Templates against a second, simple renderer, on random templates and documents.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>
#include <string>

#include "tests/support/random.h"
#include "tests/support/rules.h"

namespace templates {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

struct Filter {
    std::string name;
    Json argument;  ///< null = none
};

/// A piece of a template: constant text, or a path with filters.
struct Piece {
    std::string constant;
    std::string path;
    std::vector<Filter> filters;
};

const Json document = json(
    R"({"a":{"text":"Hello, World","blank":"  x y ","empty":"","html":"<a&b>","n":3,"half":2.5,"whole":4.0,"neg":-1.25,
    "yes":true,"null":null,"list":["p","q",1],"none":[],"object":{"k":"v"}}})");
const std::vector<std::string> paths{"a.text", "a.blank", "a.empty",  "a.html", "a.n",
                                     "a.half", "a.whole", "a.neg",    "a.yes",  "a.null",
                                     "a.list", "a.none",  "a.object", "a.gone", "a.text.deeper"};
const std::vector<std::string> constants{"", "x", " ", "{ ", "} ", "é", "$", "%", "'", "\"", "|", ": ", "\n"};

// ---- writing a template ----

Filter filter(Random& random) {
    static const std::vector<Filter> all{
        {"default", "d"},   {"default", 5},       {"default", "it's"}, {"default", "a }} b"}, {"upper", {}},
        {"lower", {}},      {"trim", {}},         {"truncate", 3},     {"truncate", 1},       {"json", {}},
        {"url_encode", {}}, {"slack_escape", {}}, {"round", {}},       {"round", 1},          {"join", {}},
        {"join", "-"},      {"first", {}},        {"last", {}},        {"size", {}}};
    return random.of(all);
}

std::string space(Random& random) {
    return std::string(random.below(3), ' ');
}

std::string quoted(const Json& argument, Random& random) {
    if (!argument.is_string()) return argument.dump();
    const auto text = argument.get<std::string>();
    const char quote = text.find('\'') != std::string::npos || random.chance(50) ? '"' : '\'';
    return quote + text + quote;
}

std::string written(const Piece& piece, Random& random) {
    if (piece.path.empty()) return piece.constant;
    auto text = "{{" + space(random) + piece.path + space(random);
    for (const auto& call : piece.filters) {
        text += "|" + space(random) + call.name + space(random);
        if (!call.argument.is_null())
            text += ":" + space(random) + quoted(call.argument, random) + space(random);
    }
    return text + "}}";
}

std::vector<Piece> pieces(Random& random) {
    std::vector<Piece> result;
    const auto count = 1 + random.below(4);
    for (std::size_t i = 0; i < count; ++i) {
        Piece piece;
        if (random.chance(40)) {
            piece.constant = random.of(constants);
        } else {
            piece.path = random.of(paths);
            for (auto filters = random.below(4); filters > 0; --filters)
                piece.filters.push_back(filter(random));
        }
        result.push_back(piece);
    }
    return result;
}

// ---- the simple renderer; nothing = it fails ----

using Value = std::optional<Json>;

std::string shown(const Json& value) {
    if (value.is_null()) return "";
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float() && value.get<double>() == static_cast<int>(value.get<double>()))
        return std::to_string(static_cast<int>(value.get<double>()));
    if (value.is_structured()) return value.dump();
    return value.dump();
}

/// Bytes of each character; the texts here are ASCII, é and ….
std::vector<std::string> characters(const std::string& text) {
    std::vector<std::string> result;
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) & 0xC0) == 0x80)
            result.back() += c;
        else
            result.emplace_back(1, c);
    }
    return result;
}

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? between : "") + parts[i];
    return text;
}

std::string mapped(const std::string& text, int (*convert)(int)) {
    auto result = text;
    for (auto& c : result)
        if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(convert(c));
    return result;
}

std::string encoded(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const bool plain =
            std::isalnum(static_cast<unsigned char>(c)) || std::string("-._~").find(c) != std::string::npos;
        char hex[4];
        std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
        result += plain && static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : hex;
    }
    return result;
}

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text)
        result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return result;
}

Value text_filter(const std::string& name, const Json& argument, const std::string& text) {
    const auto all = characters(text);
    if (name == "upper") return mapped(text, std::toupper);
    if (name == "lower") return mapped(text, std::tolower);
    if (name == "trim") {
        const auto first = text.find_first_not_of(" \n");
        return first == std::string::npos
                   ? Json("")
                   : Json(text.substr(first, text.find_last_not_of(" \n") - first + 1));
    }
    if (name == "truncate") {
        const auto length = argument.get<std::size_t>();
        if (all.size() <= length) return text;
        return joined({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length) - 1}, "") + "…";
    }
    if (name == "first") return all.empty() ? "" : all.front();
    if (name == "last") return all.empty() ? "" : all.back();
    if (name == "size") return all.size();
    return std::nullopt;
}

Value list_filter(const std::string& name, const Json& argument, const Json& list) {
    if (name == "size") return list.size();
    if (name == "first") return list.empty() ? Json() : list.front();
    if (name == "last") return list.empty() ? Json() : list.back();
    if (name != "join") return std::nullopt;
    std::vector<std::string> parts;
    for (const auto& item : list) parts.push_back(shown(item));
    return joined(parts, argument.is_null() ? ", " : argument.get<std::string>());
}

Value number_filter(const Json& argument, const Json& value) {
    const double scale = argument.is_null() ? 1 : 10;
    const double scaled = value.get<double>() * scale;
    const auto rounded = static_cast<int>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return Json(rounded / scale);
}

Value filtered(const Filter& call, const Json& value) {
    const auto& [name, argument] = call;
    if (name == "default") return value.is_null() || value == "" ? argument : value;
    if (name == "json") {
        if (value.is_number()) return shown(value);
        return value.dump();
    }
    if (value.is_null()) return name == "size" ? Json(0) : Json();
    const bool is_scalar = !value.is_structured();
    if (name == "url_encode") return is_scalar ? Value(encoded(shown(value))) : std::nullopt;
    if (name == "slack_escape") return is_scalar ? Value(escaped(shown(value))) : std::nullopt;
    if (value.is_string()) return text_filter(name, argument, value.get<std::string>());
    if (value.is_array()) return list_filter(name, argument, value);
    if (value.is_object() && name == "size") return value.size();
    if (value.is_number() && name == "round") return number_filter(argument, value);
    return std::nullopt;
}

Json found(const std::string& path) {
    Json at = document;
    for (const auto& key : engine::path_of(path)) {
        if (!at.is_object() || !at.contains(key)) return Json();
        at = Json(at[key]);
    }
    return at;
}

Value evaluated(const Piece& piece) {
    if (piece.path.empty()) return piece.constant;
    Value value = found(piece.path);
    for (const auto& call : piece.filters)
        if (value) value = filtered(call, *value);
    return value;
}

Value rendered(const std::vector<Piece>& all) {
    std::vector<Piece> pieces;
    for (const auto& piece : all)
        if (!piece.path.empty() || !piece.constant.empty()) pieces.push_back(piece);
    if (pieces.size() == 1 && !pieces[0].path.empty()) return evaluated(pieces[0]);
    std::string text;
    for (const auto& piece : pieces) {
        const auto value = evaluated(piece);
        if (!value) return std::nullopt;
        text += shown(*value);
    }
    return text;
}

}  // namespace

TEST_CASE("templates: the renderer and the simple one agree", "[differential]") {
    const auto seed = testing_random::seed_or(47);
    Random random(seed);
    int failed = 0;
    for (int round = 0; round < 20'000; ++round) {
        const auto all = pieces(random);
        std::string text;
        for (const auto& piece : all) text += written(piece, random);
        INFO("seed " << seed << ", round " << round << ": " << text);
        const auto result = text_template(text).render(
            [](const engine::Path& path) { return engine::find(document, path); }, 4096);
        const auto expected = rendered(all);
        REQUIRE(static_cast<bool>(result) == expected.has_value());
        if (expected) REQUIRE(*result == *expected);
        failed += expected ? 0 : 1;
    }
    CHECK(failed > 2'000);
    CHECK(failed < 15'000);
}

TEST_CASE("templates: whatever the text, reading it ends in a template or an error inside the text",
          "[differential]") {
    const auto seed = testing_random::seed_or(48);
    Random random(seed);
    const std::vector<std::string> tokens{"{{",       "}}",      "{", "}",  "|", ":",   ",",
                                          ".",        " ",       "'", "\"", "a", "a.b", "upper",
                                          "truncate", "default", "5", "-",  "é", "\n",  "\xFF"};
    int read = 0;
    for (int round = 0; round < 50'000; ++round) {
        std::string text;
        for (auto count = random.below(12); count > 0; --count) text += random.of(tokens);
        INFO("seed " << seed << ", round " << round << ": " << text);
        const auto parsed = Template::parse(text);
        if (const auto* error = std::get_if<TemplateError>(&parsed)) {
            REQUIRE(error->offset < text.size());
            REQUIRE_FALSE(error->message.empty());
        } else {
            ++read;
            const auto& whole = std::get<Template>(parsed);
            REQUIRE(whole.source() == text);
            if (whole.is_constant())
                REQUIRE(*whole.render([](const engine::Path&) { return nullptr; }, 4096) == text);
        }
    }
    CHECK(read > 1'000);
}

}  // namespace templates
