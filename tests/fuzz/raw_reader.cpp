// Bytes as a document, in both layouts: what is read from them has to be what is read from their values.
// Where parse_json refuses them the reader may accept them only for what nobody asks for.
#include "rules/matcher/raw_reader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/language/load.h"
#include "rules/matcher/indexed.h"
#include "tests/fuzz/finding.h"
#include "tests/support/raw_readings.h"

using namespace rules;
using engine::Json;
using Layout = RawReader::Layout;

namespace {

const engine::Instant noon = engine::instant_of(1'777'896'000'000'000);  // 2026-05-04T12:00:00Z
const std::string type_beside = "ticket.created";

/// Every kind of slot, alone on a field and with others, above and below one another.
const std::vector<std::string> conditions{
    "ticket.status: open",
    "ticket.priority: { in: [high, urgent] }",
    "ticket.message_count: { gt: 2 }",
    "ticket.satisfaction_score: { between: [0.1, 9007199254740993] }",
    "ticket.satisfaction_score: { eq: 1 }",
    "ticket.subject: { contains: [refund, \"\xC3\xA4\"] }",
    "ticket.subject: { starts_with: re }",
    "ticket.subject: { starts_with: Re, case: true }",
    "ticket.subject: { matches: \"a.b\" }",
    "ticket.subject: { exists: true }",
    "ticket.tags: { has: vip }",
    "ticket.tags: { has_none: [spam, a] }",
    "ticket.due_at: { older_than: 1h }",
    "ticket.due_at: { gt: 2026-05-04T12:00:00Z }",
    "ticket.custom: { exists: true }",
    "ticket.custom.a: { eq: 1 }",
    "ticket.custom.a: { eq: true }",
    "ticket.custom.a: { lt: 18446744073709551615 }",
    "ticket.custom.a.b: { exists: true }",
    "ticket.custom.list: { has_any: [1, 2.5, true, a] }",
    "contact.tier: gold",
    "event.type: { starts_with: ticket. }",
    "event.id: e1",
};

std::vector<Rule> rules_of_conditions() {
    const auto catalogue = Catalogue::shipped();
    std::vector<Rule> rules;
    for (const auto& text : conditions) {
        engine::Diagnostics diagnostics;
        auto condition = load_condition(text, catalogue, diagnostics);
        if (!condition) fuzz::finding("no condition: " + text);
        auto& rule = rules.emplace_back();
        rule.on = {rules.size() % 2 == 0 ? "*" : "ticket.*"};
        rule.when = std::move(*condition);
    }
    return rules;
}

/// A key that somebody asks for, or that leads there.
struct Key {
    std::map<std::string, Key> below;
    bool is_asked = false;
    bool wants_items = false;
};

Key keys_of(const Slots& slots, Layout layout) {
    Key top;
    for (const auto& field : slots.value_fields()) {
        auto* key = &top;
        const bool is_beside = layout == Layout::envelope && field.path.root == "event";
        if (layout == Layout::envelope && !is_beside) key = &key->below["data"];
        if (!is_beside) key = &key->below[field.path.root];
        for (const auto& name : field.path.keys) key = &key->below[name];
        key->is_asked = true;
        key->wants_items = key->wants_items || field.asks_for_items;
    }
    if (layout == Layout::envelope) top.below["type"].is_asked = true;
    return top;
}

/// The document with `null` for what nobody asks for, if brackets and quotes say where that is: made byte by
/// byte, so that nothing is shared with what it is held against.
class Cut {
public:
    explicit Cut(std::string_view text) : text_(text) {}

    std::optional<std::string> document(const Key& top) {
        space();
        if (here() != '{') return std::nullopt;
        object(top);
        space();
        return is_good_ && at_ == text_.size() ? std::optional(out_) : std::nullopt;
    }

private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
    static bool is_mark(char c) {
        return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == '"';
    }
    void space() {
        while (at_ < text_.size() && is_space(here())) ++at_;
    }
    void fail() {
        is_good_ = false;
        at_ = text_.size();
    }
    /// Over the mark, behind which there may be space.
    void mark(char wanted) {
        space();
        if (here() != wanted) return fail();
        ++at_;
        out_ += wanted;
        space();
    }

    void string() {
        for (++at_; at_ < text_.size() && here() != '"'; ++at_)
            if (here() == '\\') ++at_;
        if (at_ >= text_.size()) return fail();
        ++at_;
    }
    /// A quote begins nothing new in here, and behind a backslash it is none.
    void word() {
        for (bool escaped = false; at_ < text_.size() && !is_space(here()); ++at_) {
            if (is_mark(here()) && !(escaped && here() == '"')) break;
            escaped = here() == '\\' && !escaped;
        }
        if (here() == '"') string();
    }
    /// Over the string, word or number, or over whatever mark stands there.
    std::string_view token() {
        const auto begin = at_;
        if (here() == '"')
            string();
        else if (is_mark(here()))
            ++at_;
        else
            word();
        return text_.substr(begin, at_ - begin);
    }
    void skip() {
        int depth = 0;
        do {
            space();
            if (at_ >= text_.size()) return fail();
            const auto what = token();
            if (what == "{" || what == "[") ++depth;
            if (what == "}" || what == "]") --depth;
        } while (depth > 0);
    }

    void object(const Key& key) {
        mark('{');
        if (here() == '}') return mark('}');
        while (is_good_) {
            if (here() != '"') return fail();
            const auto name = token();
            out_ += name;
            const auto parsed = engine::parse_json(name);
            if (!parsed || !parsed->is_string()) return fail();
            mark(':');
            const auto child = key.below.find(parsed->get<std::string>());
            if (child == key.below.end())
                leave_out("null");
            else
                value(child->second);
            space();
            if (here() == '}') return mark('}');
            mark(',');
        }
    }
    void leave_out(const char* instead) {
        skip();
        out_ += instead;
    }

    void value(const Key& key) {
        switch (here()) {
            case '{':
                return key.below.empty() ? leave_out("{}") : object(key);
            case '[':
                return key.wants_items ? list() : leave_out("[]");
            default:
                out_ += token();
        }
    }
    void list() {
        mark('[');
        if (here() == ']') return mark(']');
        while (is_good_) {
            if (here() == '{' || here() == '[')
                leave_out("{}");
            else
                out_ += token();
            space();
            if (here() == ']') return mark(']');
            mark(',');
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
    bool is_good_ = true;
};

class Subject {
public:
    Subject(const Slots& slots, Layout layout)
        : slots_(slots), layout_(layout), keys_(keys_of(slots, layout)), reader_(slots, layout) {}

    void check(std::string_view bytes) {
        const bool is_read = read(bytes);
        auto document = engine::parse_json(bytes);
        if (document && is_read != document->is_object())
            fuzz::finding(is_read ? "read as an object, which it is not" : "refused, though it is an object");
        if (!is_read) return;
        if (!document) document = parsed_cut(bytes);
        const auto expected = rules::testing::read_from_values(slots_, type_beside, *document, layout_, noon);
        if (from_bytes_.codes != expected.codes || from_bytes_.found != expected.found)
            fuzz::finding("bytes and values are read differently");
    }

private:
    bool read(std::string_view bytes) {
        // What stands behind a document must not matter, so it is its beginning, or what looks like more of
        // it.
        padded_ = bytes;
        for (std::size_t i = 0; padded_.size() < bytes.size() + RawReader::padding(); ++i)
            padded_ += i < bytes.size() && bytes.size() % 2 == 0 ? bytes[i] : "}\"]0,"[i % 5];
        return static_cast<bool>(reader_.read(type_beside, std::string_view(padded_).substr(0, bytes.size()),
                                              noon, scratch_, from_bytes_));
    }

    engine::Result<Json> parsed_cut(std::string_view bytes) {
        const auto cut = Cut(bytes).document(keys_);
        if (!cut) fuzz::finding("read, though it falls apart");
        auto document = engine::parse_json(*cut);
        if (!document) fuzz::finding("read, though what is asked for is no JSON: " + *cut);
        return document;
    }

    const Slots& slots_;
    Layout layout_;
    Key keys_;
    RawReader reader_;
    RawReader::Scratch scratch_;
    std::string padded_;
    Readings from_bytes_;
};

/// parse_json, which the readings are held against, against nlohmann/json alone.
void check_values(std::string_view bytes) {
    const bool is_special = bytes.find('\0') != std::string_view::npos || bytes.starts_with("\xEF\xBB\xBF");
    const auto read = engine::parse_json(bytes);
    if (is_special || (!read && read.error().code == engine::Code::exhausted)) return;
    const auto expected = Json::parse(bytes, nullptr, false);
    if (static_cast<bool>(read) == expected.is_discarded())
        fuzz::finding(read ? "a value of what is no JSON" : "no value, though it is JSON");
    if (read && read->dump() != expected.dump()) fuzz::finding("another value than nlohmann/json's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto rules = rules_of_conditions();
    static const IndexedMatcher matcher(rules);
    static const auto& slots = matcher.parts().front().index->slots();
    static Subject roots(slots, Layout::roots);
    static Subject envelope(slots, Layout::envelope);
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_values(bytes);
    roots.check(bytes);
    envelope.check(bytes);
    return 0;
}
