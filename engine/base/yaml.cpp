#include "engine/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <sstream>
#include <unordered_map>

#include "engine/base/text.h"

namespace engine {
namespace {

// yaml-cpp reads a whole line before it says what is in it, so a line that only opens brackets would cost
// time and memory before the tree's own depth limit could stop it. No line that people write comes near this.
constexpr int brackets_open_max = 256;

/// The text with the offsets of its lines: turns offsets and marks into places.
class Source {
public:
    Source(std::string_view text, const std::string& file) : text_(text), file_(file) {
        lines_.push_back(0);
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '\n') lines_.push_back(i + 1);
    }

    std::string_view text() const { return text_; }
    Place whole() const { return {file_, 0, 0}; }
    Place at(std::size_t offset) const {
        offset = std::min(offset, text_.size());
        const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
        const auto line = static_cast<std::size_t>(next - lines_.begin()) - 1;
        const auto before = text_.substr(lines_[line], offset - lines_[line]);
        return {file_, static_cast<int>(line) + 1, static_cast<int>(length_of(before)) + 1};
    }
    Place at(const YAML::Mark& mark) const { return mark.pos < 0 ? whole() : at(offset_of(mark)); }
    /// What the text says from the mark on.
    std::string_view from(const YAML::Mark& mark) const {
        return mark.pos < 0 ? std::string_view() : text_.substr(std::min(offset_of(mark), text_.size()));
    }
    /// The mark's line and those before it, from the nearest on.
    std::vector<std::string_view> lines_up_to(const YAML::Mark& mark, std::size_t count) const {
        std::vector<std::string_view> lines;
        for (auto line = at(mark).line; line > 0 && lines.size() < count; --line) {
            const auto rest = text_.substr(lines_[static_cast<std::size_t>(line) - 1]);
            lines.push_back(rest.substr(0, std::min(rest.find('\n'), rest.size())));
        }
        return lines;
    }
    /// The blanks that the mark's line begins with.
    std::string_view indentation(const YAML::Mark& mark) const {
        if (mark.line < 0 || static_cast<std::size_t>(mark.line) >= lines_.size()) return {};
        const auto line = text_.substr(lines_[static_cast<std::size_t>(mark.line)]);
        return line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
    }

private:
    static std::size_t offset_of(const YAML::Mark& mark) { return static_cast<std::size_t>(mark.pos); }

    std::string_view text_;
    std::string file_;
    std::vector<std::size_t> lines_;
};

/// Ends the parse early; what ended it has been reported.
struct Stop : std::exception {};

std::string_view word_at(std::string_view text) {
    return text.substr(0, std::min(text.find_first_of(" \t\r\n,[]{}"), text.size()));
}

/// Where the closing quote is of the quoted scalar that begins the text; npos when it has none.
std::size_t closing_quote(std::string_view text) {
    const char quote = text.front();
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            const bool doubled = quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
            if (!doubled) return i;
            ++i;
        }
    }
    return std::string_view::npos;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}
std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    return text;
}

bool looks_null(std::string_view text) {
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}
bool looks_true(std::string_view text) {
    return text == "true" || text == "True" || text == "TRUE";
}
bool looks_false(std::string_view text) {
    return text == "false" || text == "False" || text == "FALSE";
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
bool looks_float(std::string_view text) {
    text = without_sign(text);
    const auto exponent = text.find_first_of("eE");
    if (exponent != std::string_view::npos) {
        if (!all_digits(without_sign(text.substr(exponent + 1)))) return false;
        text = text.substr(0, exponent);
    }
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    const auto fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
    if (whole.empty() && fraction.empty()) return false;
    return (whole.empty() || all_digits(whole)) && (fraction.empty() || all_digits(fraction));
}

template <class Number>
std::optional<Number> read_as(std::string_view text, int base) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Json> integer_of(std::string_view text, int base) {
    const bool negative = text.starts_with('-');
    const auto magnitude = read_as<std::uint64_t>(without_sign(text), base);
    if (!magnitude) return std::nullopt;
    constexpr std::uint64_t most = 0x7fff'ffff'ffff'ffff;
    if (!negative && *magnitude > most) return Json(*magnitude);
    if (*magnitude > most) return std::nullopt;
    const auto value = static_cast<std::int64_t>(*magnitude);
    return Json(negative ? -value : value);
}

std::optional<Json> float_of(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Json(value);
}

std::optional<Json> number_of(std::string_view text) {
    if (all_digits(without_sign(text))) return integer_of(text, 10);
    if (text.starts_with("0o")) return integer_of(text.substr(2), 8);
    if (text.starts_with("0x")) return integer_of(text.substr(2), 16);
    if (looks_float(text)) return float_of(text);
    return std::nullopt;
}

Json plain_to_json(const std::string& text) {
    if (looks_null(text)) return Json();
    if (looks_true(text)) return Json(true);
    if (looks_false(text)) return Json(false);
    if (const auto number = number_of(text)) return *number;
    return Json(text);
}

constexpr std::string_view core_prefix = "tag:yaml.org,2002:";

bool is_core_tag(std::string_view tag) {
    static constexpr std::array<std::string_view, 7> names{"map",  "seq", "str",  "null",
                                                           "bool", "int", "float"};
    if (!tag.starts_with(core_prefix)) return false;
    return std::find(names.begin(), names.end(), tag.substr(core_prefix.size())) != names.end();
}

/// Whether the core schema's tag and the node agree; a text tag makes a scalar text.
bool apply_core_tag(std::string_view name, YamlNode& node) {
    if (name == "map") return node.is_map();
    if (name == "seq") return node.is_list();
    if (!node.is_scalar() && !node.is_null()) return false;
    if (name == "str") {
        node.kind = YamlNode::Kind::scalar;
        node.quoted = true;
        return true;
    }
    const Json value = plain_to_json(node.text);
    node.quoted = false;
    if (name == "null") {
        node.kind = YamlNode::Kind::null;
        return value.is_null();
    }
    return (name == "int" && value.is_number_integer()) || (name == "float" && value.is_number()) ||
           (name == "bool" && value.is_boolean());
}

/// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(const Source& source, const YamlLimits& limits, Diagnostics& diagnostics)
        : source_(source), limits_(limits), diagnostics_(diagnostics) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
        diagnostics_.error("anchor", source_.at(mark),
                           "anchors are not read: write " + in_quotes("&" + name) + " out where it is used");
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        diagnostics_.error(
            "anchor", source_.at(mark),
            "aliases are not read: write out what " + in_quotes(word_at(source_.from(mark))) + " stands for");
        add(node_at(mark, YamlNode::Kind::null));
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node_at(mark, YamlNode::Kind::null)); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& value) override {
        YamlNode node = node_at(mark, YamlNode::Kind::scalar);
        node.text = value;
        node.quoted = tag == "!";
        check_quotes(mark);
        check_tag(mark, tag, node);
        add(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, YamlNode::Kind::list);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, YamlNode::Kind::map);
    }
    void OnMapEnd() override { close(); }

    /// The document; what is still open after an error is closed as it is.
    YamlNode take() {
        while (!open_.empty()) close();
        return std::move(root_);
    }

private:
    struct Frame {
        YamlNode node;
        bool has_key = false;
        std::string key;
        Place key_place;
        std::unordered_map<std::string, Place> seen;
    };

    YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind) {
        if (++nodes_ > limits_.nodes_max) {
            diagnostics_.error("limit", source_.at(mark),
                               "more than " + std::to_string(limits_.nodes_max) +
                                   " values in one file: spread them over several files");
            throw Stop();
        }
        YamlNode node;
        node.kind = kind;
        node.place = source_.at(mark);
        return node;
    }

    void open(const YAML::Mark& mark, const std::string& tag, YamlNode::Kind kind) {
        if (open_.size() >= limits_.depth_max) {
            diagnostics_.error("limit", source_.at(mark),
                               "nested deeper than " + std::to_string(limits_.depth_max) + " levels");
            throw Stop();
        }
        Frame frame;
        frame.node = node_at(mark, kind);
        check_tag(mark, tag, frame.node);
        open_.push_back(std::move(frame));
    }

    void close() {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node));
    }

    void add(YamlNode node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Frame& frame = open_.back();
        if (frame.node.is_list())
            frame.node.items.push_back(std::move(node));
        else if (frame.has_key)
            add_entry(frame, std::move(node));
        else
            begin_entry(frame, node);
    }

    void begin_entry(Frame& frame, const YamlNode& key) {
        --nodes_;  // keys are not counted: what they hold is
        frame.has_key = true;
        frame.key = key.text;
        frame.key_place = key.place;
        if (!key.is_scalar())
            diagnostics_.error("yaml-syntax", key.place,
                               key.is_map() ? "a key must be a text: put a text that holds {{ … }} in quotes"
                                            : "a key must be a text");
        if (key.text == "<<" && !key.quoted)
            diagnostics_.error("anchor", key.place,
                               "merge keys are not read: write out what \"<<\" brings in");
    }

    void add_entry(Frame& frame, YamlNode value) {
        frame.has_key = false;
        const auto [first, is_new] = frame.seen.emplace(frame.key, frame.key_place);
        if (!is_new) {
            diagnostics_.error("duplicate-key", frame.key_place,
                               "key " + in_quotes(frame.key) + " is given twice, first in line " +
                                   std::to_string(first->second.line));
            return;
        }
        // yaml-cpp puts a value that is not there at whatever comes next.
        if (value.is_null() && value.place.line != frame.key_place.line) value.place = frame.key_place;
        frame.node.entries.push_back({std::move(frame.key), frame.key_place, std::move(value)});
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag, YamlNode& node) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        const auto written = in_quotes(word_at(source_.from(mark)));
        if (!is_core_tag(tag))
            diagnostics_.error("tag", source_.at(mark), "tag " + written + " is not of the YAML core schema");
        else if (!apply_core_tag(std::string_view(tag).substr(core_prefix.size()), node))
            diagnostics_.error("tag", source_.at(mark), "tag " + written + " does not fit what follows it");
    }

    /// yaml-cpp takes the end of the file for the missing quote.
    void check_quotes(const YAML::Mark& mark) {
        const auto text = source_.from(mark);
        if (text.empty() || (text.front() != '"' && text.front() != '\'')) return;
        if (closing_quote(text) != std::string_view::npos) return;
        diagnostics_.error("yaml-syntax", source_.at(mark), "the quote is not closed");
        throw Stop();
    }

    const Source& source_;
    const YamlLimits& limits_;
    Diagnostics& diagnostics_;
    std::vector<Frame> open_;
    std::size_t nodes_ = 0;
    YamlNode root_;
};

/// Refuses whatever follows the first document.
class NoSecondDocument final : public YAML::EventHandler {
public:
    NoSecondDocument(const Source& source, Diagnostics& diagnostics)
        : source_(source), diagnostics_(diagnostics) {}
    void OnDocumentStart(const YAML::Mark& mark) override {
        diagnostics_.error("yaml-syntax", source_.at(mark),
                           "a file holds one document: nothing may follow it");
        throw Stop();
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

private:
    const Source& source_;
    Diagnostics& diagnostics_;
};

/// yaml-cpp's words for what went wrong, and what an author can do about it.
std::string remedy_for(const std::string& message) {
    static const std::array<std::pair<std::string_view, std::string_view>, 9> known{{
        {YAML::ErrorMsg::END_OF_MAP, "expected a key here: check the indentation and the quotes"},
        {YAML::ErrorMsg::END_OF_MAP_FLOW, "\"{\" is not closed by \"}\""},
        {YAML::ErrorMsg::END_OF_SEQ, "expected \"- \" here: check the indentation"},
        {YAML::ErrorMsg::END_OF_SEQ_FLOW, "\"[\" is not closed by \"]\""},
        {YAML::ErrorMsg::FLOW_END, "nothing is open that this bracket could close"},
        {YAML::ErrorMsg::MAP_VALUE, "a key cannot stand here: put a text that holds \": \" in quotes"},
        {YAML::ErrorMsg::MAP_KEY, "a key cannot stand here: check the indentation"},
        {YAML::ErrorMsg::BLOCK_ENTRY, "\"- \" cannot stand here: check the indentation"},
        {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text cannot begin like this: put it in quotes"},
    }};
    for (const auto& [words, remedy] : known)
        if (message == words) return std::string(remedy);
    return message;
}

/// What in the line would mean what its author wants only in quotes; empty when nothing does.
std::string wants_quotes(std::string_view line) {
    int open = 0;
    char before = ' ';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto rest = line.substr(i);
        const bool begins = before == ' ' || before == '[' || before == '{' || before == ',';
        if (begins && (rest.front() == '"' || rest.front() == '\'')) {
            const auto end = closing_quote(rest);
            if (end == std::string_view::npos) return "";
            i += end;
        } else if (rest.front() == '#' && before == ' ') {
            return open > 0 ? "\"#\" after a blank begins a comment: put a text that begins with it in quotes"
                            : "";
        } else if (rest.starts_with("${") && (begins || open > 0)) {
            return "put a text that holds ${…} in quotes";
        } else if (rest.starts_with("{{") && (begins || open > 0)) {
            return "put a text that holds {{ … }} in quotes";
        } else if (rest.front() == '{' || rest.front() == '[') {
            ++open;
        } else if (rest.front() == '}' || rest.front() == ']') {
            --open;
        }
        before = line[i];
    }
    return "";
}

/// The parser stumbles where it can no longer go on, often a line after what is wrong.
std::string likely_cause(const YAML::Mark& mark, const Source& source) {
    constexpr std::size_t lines_seen = 4;
    auto line = source.at(mark).line;
    for (const auto text : source.lines_up_to(mark, lines_seen)) {
        if (const auto cause = wants_quotes(text); !cause.empty())
            return " (line " + std::to_string(line) + ": " + cause + ")";
        --line;
    }
    return "";
}

void report(const YAML::ParserException& problem, const Source& source, Diagnostics& diagnostics) {
    const auto place = source.at(problem.mark);
    if (problem.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR)
        diagnostics.error("anchor", place,
                          "aliases are not read: write out what " +
                              in_quotes(word_at(source.from(problem.mark))) + " stands for");
    else if (source.indentation(problem.mark).find('\t') != std::string_view::npos)
        diagnostics.error("yaml-syntax", place, "the line is indented with a tab: use spaces");
    else
        diagnostics.error("yaml-syntax", place, remedy_for(problem.msg) + likely_cause(problem.mark, source));
}

YamlNode parse(const Source& source, const YamlLimits& limits, Diagnostics& diagnostics) {
    TreeBuilder builder(source, limits, diagnostics);
    try {
        std::istringstream in{std::string(source.text())};
        YAML::Parser parser(in);
        if (parser.HandleNextDocument(builder)) {
            NoSecondDocument nothing(source, diagnostics);
            parser.HandleNextDocument(nothing);
        }
    } catch (const Stop&) {
    } catch (const YAML::ParserException& problem) {
        report(problem, source, diagnostics);
    } catch (const std::exception& problem) {
        diagnostics.error("yaml-syntax", source.whole(), std::string("not readable: ") + problem.what());
    }
    return builder.take();
}

/// The length of the UTF-8 sequence at the front; 0 when it is none.
std::size_t sequence_at(std::string_view text) {
    for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length)
        if (is_utf8(text.substr(0, length))) return length;
    return 0;
}
bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

/// Bytes that no file of rules may hold. Says where the first one is.
bool bytes_are_good(const Source& source, Diagnostics& diagnostics) {
    const auto text = source.text();
    for (std::size_t at = 0; at < text.size();) {
        const bool ascii = static_cast<unsigned char>(text[at]) < 0x80;
        const auto length = ascii ? 1 : sequence_at(text.substr(at));
        if (length == 0 || is_control(text[at])) {
            const std::string what =
                length == 0 ? "the text is not UTF-8 here" : "a control character stands here";
            diagnostics.error("yaml-syntax", source.at(at), what);
            return false;
        }
        at += length;
    }
    return true;
}

/// Stops lines of nothing but opening brackets before they reach the parser.
bool brackets_are_few(const Source& source, const YamlLimits& limits, Diagnostics& diagnostics) {
    const auto text = source.text();
    int open = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\n') open = 0;
        if (text[at] == ']' || text[at] == '}') --open;
        if (text[at] != '[' && text[at] != '{') continue;
        if (++open <= brackets_open_max) continue;
        diagnostics.error("limit", source.at(at),
                          "nested deeper than " + std::to_string(limits.depth_max) + " levels");
        return false;
    }
    return true;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const auto& entry : entries)
        if (entry.key == key) return &entry.value;
    return nullptr;
}

YamlNode parse_yaml(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                    const YamlLimits& limits) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    YamlNode nothing;
    nothing.place = {file, 0, 0};
    if (text.size() > limits.bytes_max) {
        diagnostics.error("limit", nothing.place,
                          "the file has " + std::to_string(text.size()) + " bytes, at most " +
                              std::to_string(limits.bytes_max) + " are read: spread it over several files");
        return nothing;
    }
    const Source source(text, file);
    if (!bytes_are_good(source, diagnostics) || !brackets_are_few(source, limits, diagnostics))
        return nothing;
    YamlNode root = parse(source, limits, diagnostics);
    if (root.place.file.empty()) root.place = nothing.place;
    return root;
}

Json to_json(const YamlNode& node) {
    if (node.is_null()) return Json();
    if (node.is_scalar()) return node.quoted ? Json(node.text) : plain_to_json(node.text);
    if (node.is_list()) {
        Json list = Json::array();
        for (const auto& item : node.items) list.push_back(to_json(item));
        return list;
    }
    Json map = Json::object();
    for (const auto& entry : node.entries) map[entry.key] = to_json(entry.value);
    return map;
}

}  // namespace engine
