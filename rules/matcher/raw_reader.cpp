#include "rules/matcher/raw_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/json.h"
#include "engine/base/text.h"

namespace rules {

using engine::Result;

/// One document. Everything fails by `broken_`, so that the way through needs no checks but the last.
class RawReader::Walk {
public:
    Walk(const RawReader& reader, std::string_view document, Scratch& scratch, engine::Instant now,
         Readings& readings, std::uint8_t* said)
        : slots_(reader.slots_),
          nodes_(reader.nodes_.data()),
          fields_(reader.slots_.value_fields().data()),
          visited_(scratch.visited_.data()),
          levels_(scratch.levels_.data()),
          document_(scratch.documents_),
          text_(document.data()),
          size_(document.size()),
          at_(scratch.bytes_.begin()),
          end_(scratch.bytes_.end()),
          now_(now),
          readings_(readings),
          said_(said),
          backslash_(first_backslash(document.data())) {}

    /// Of an envelope; empty for anything else.
    std::string_view event_type() const { return event_type_; }

    bool document() {
        if (here() != '{') return false;
        objects();
        return !broken_ && at_ == end_;
    }

private:
    char here() const { return at_ < end_ ? text_[*at_] : '\0'; }

    /// From the brace of the document to behind its end. Only known keys are followed, so it is no deeper
    /// than paths are. Behind the last place are some that point behind the document, so that single looks
    /// ahead need no check.
    void objects() {
        const auto* at = at_;
        const auto* node = nodes_;
        const auto** above = levels_;
        char next = begin_object(at);
        while (true) {
            for (; next == '}'; next = text_[*at++]) {
                if (above == levels_) return void(at_ = at);
                if (at >= end_) return fail();
                node = *--above;
            }
            if (next != ',') return fail();
            at = beyond_unasked(*node, at);
            if (end_ - at < member_places) return fail();
            const auto child = child_at(*node, text_ + at[0], text_ + at[1]);
            at += 2;
            const char first = text_[*at];
            if (child == 0 ? !is_mark(first) : gives_codes(child, first, at)) {
                ++at;
            } else if (first == '{' && child != 0 && nodes_[child].leads_on) {
                begin(child, RawValue::Kind::object);
                *above++ = std::exchange(node, nodes_ + child);
                next = begin_object(at);
                continue;
            } else {
                at = beyond_value(child, at);
                if (broken_) return;
            }
            next = text_[*at++];
        }
    }
    static constexpr std::ptrdiff_t member_places = 4;  // key, colon, value, comma or brace

    /// Most of the time is spent here: over members that nobody asks for, as most are written.
    const std::uint32_t* beyond_unasked(const Node& node, const std::uint32_t* at) const {
        const char* const text = text_;
        const char* const backslash = backslash_;
        const auto* const last = end_ - member_places;
        for (; at <= last; at += member_places) {
            const char* const quote = text + at[0];
            const char* const colon = text + at[1];
            if (!is_key(quote, colon) || colon > backslash) break;
            if (node.keys.may_have({quote + 1, colon - 1}) || is_mark(text[at[2]]) || text[at[3]] != ',')
                break;
        }
        return at;
    }

    /// From a brace: as if a member came behind a comma, unless there is none.
    char begin_object(const std::uint32_t*& at) const {
        ++at;
        return text_[*at] == '}' ? text_[*at++] : ',';
    }

    /// 0 for a key that nobody asks for.
    std::uint32_t child_at(const Node& node, const char* quote, const char* colon) {
        const bool is_usual = is_key(quote, colon) && !has_escape(quote, colon);
        return is_usual ? node.keys.find({quote + 1, colon - 1}) : child_of_unusual(node, quote, colon);
    }
    /// As most are written: with the colon right behind.
    static bool is_key(const char* quote, const char* colon) {
        return *quote == '"' && std::memcmp(colon - 1, "\":", 2) == 0;
    }
    /// Of a key with white space behind it, or with escapes, or of what is none.
    [[gnu::noinline]] std::uint32_t child_of_unusual(const Node& node, const char* quote, const char* colon) {
        const auto key = text_between(static_cast<std::uint32_t>(quote - text_),
                                      static_cast<std::uint32_t>(colon - text_));
        if (key.data() == nullptr || *colon != ':') return fail(), 0;
        const auto plain = unescaped(key);
        for (const auto& [name, child] : node.children)
            if (name == plain) return child;
        return 0;
    }

    /// Of two members with one name the last counts, and nothing that was below the first.
    void begin(std::uint32_t number, RawValue::Kind kind) {
        const auto& node = nodes_[number];
        if (visited_[number] == document_) forget(node);
        visited_[number] = document_;
        if (node.is_path) return;
        RawValue value;
        value.kind = kind;
        give(node, value);
    }

    [[gnu::noinline]] const std::uint32_t* beyond_value(std::uint32_t child, const std::uint32_t* at) {
        at_ = at;
        if (child == 0)
            skip();
        else
            value(child);
        return at_;
    }

    /// The bytes between the quotes of the string that begins there, as they are; null when none does. Only
    /// white space lies between the closing quote and what comes next, and most often nothing.
    std::string_view text_between(std::uint32_t quote, std::uint32_t next) const {
        auto end = next - 1;
        if (text_[end] != '"')
            while (end > quote && is_space(text_[end])) --end;
        if (text_[quote] != '"' || end <= quote || text_[end] != '"') return {};
        return {text_ + quote + 1, end - quote - 1};
    }

    /// The string here; the place is behind it then.
    std::string_view quoted() {
        const auto quote = *at_++;
        const auto bytes = text_between(quote, at_ < end_ ? *at_ : static_cast<std::uint32_t>(size_));
        if (bytes.data() == nullptr) fail();
        return bytes;
    }

    /// The most frequent cases by themselves: a text or a plain number of which only codes are asked. False
    /// for anything else.
    bool gives_codes(std::uint32_t number, char first, const std::uint32_t* at) {
        const auto& node = nodes_[number];
        if (node.askers.empty()) return false;
        if (first != '"') return gives_number(node, text_ + *at);
        const char* const begin = text_ + at[0] + 1;
        const char* const end = text_ + at[1] - 1;
        if (end < begin || *end != '"' || has_escape(begin, end)) return false;
        const auto& asker = node.askers.front();
        if (node.asks_for_text)
            give_code(node, asker.slot->code_of_padded({begin, end}));
        else
            give_text(node, {begin, end});
        return true;
    }
    void give_code(const Node& node, Code code) {
        readings_.codes.data()[node.askers.front().place] = code;
        if (said_ != nullptr) said_[node.asked_field] = 1;
    }
    [[gnu::noinline]] void give_text(const Node& node, std::string_view text) {
        RawValue value;
        value.kind = RawValue::Kind::text;
        value.is_padded = true;
        value.text = text;
        give_codes(node, value);
    }
    [[gnu::noinline]] bool gives_number(const Node& node, const char* at) {
        RawValue value;
        value.kind = RawValue::Kind::number;
        if (!plain(at, value.number)) return false;
        give_codes(node, value);
        return true;
    }
    void give_codes(const Node& node, const RawValue& value) {
        for (const auto& [slot, place] : node.askers)
            readings_.codes.data()[place] = slot->code_of(value, now_);
        if (said_ != nullptr) said_[node.asked_field] = 1;
    }

    void value(std::uint32_t number) {
        const auto& node = nodes_[number];
        if (node.leads_on) begin(number, RawValue::Kind::absent);
        const char first = here();
        if (first == '[' && node.wants_items) return list(node);
        RawValue value;
        if (first == '{' || first == '[') {
            value.kind = first == '{' ? RawValue::Kind::object : RawValue::Kind::list;
            give(node, value);
            return skip();
        }
        scalar(value);
        give(node, value);
    }

    void forget(const Node& node) {
        give(node, RawValue());
        for (const auto& [key, child] : node.children) forget(nodes_[child]);
    }

    void list(const Node& node) {
        items_.clear();
        ++at_;
        if (here() == ']') {
            ++at_;
        } else {
            while (!broken_) {
                const char first = here();
                if (first == '{' || first == '[')
                    skip();  // no rule compares items that are lists or objects in here
                else
                    scalar(items_.emplace_back());
                const char next = here();
                ++at_;
                if (next == ']') break;
                if (next != ',') return fail();
            }
        }
        RawValue value;
        value.kind = RawValue::Kind::list;
        value.items = items_;
        give(node, value);
    }

    /// Fills a value in which nothing is yet: copies would cost more than reading it.
    void scalar(RawValue& value) {
        switch (here()) {
            case '"':
                return text(value);
            case 't':
            case 'f':
                value.kind = RawValue::Kind::boolean;
                value.flag = here() == 't';
                return word(value.flag ? "true" : "false");
            case 'n':
                return word("null");
            default:
                number(value);
        }
    }

    void text(RawValue& value) {
        value.kind = RawValue::Kind::text;
        value.is_padded = true;
        value.text = quoted();
        if (!broken_ && has_escape(value.text.begin(), value.text.end()))
            value.text = keep(unescaped(value.text));
    }

    /// As the other reader takes them: what is seldom is given to it.
    void number(RawValue& value) {
        if (at_ >= end_) return fail();
        const char* first = text_ + *at_++;
        value.kind = RawValue::Kind::number;
        if (plain(first, value.number)) return;
        const char* last = first;
        while (!ends_scalar(last, text_ + size_)) ++last;
        const auto parsed =
            engine::parse_json(std::string_view(first, static_cast<std::size_t>(last - first)));
        if (!parsed || !parsed->is_number()) return fail();
        value.number = ExactNumber(*parsed);
    }

    /// A few digits, perhaps with a point among them: most numbers. A double holds all of them, and dividing
    /// one by a power of ten that it holds too rounds once, as it should. Padding ends the last.
    static bool plain(const char* at, ExactNumber& number) {
        constexpr std::ptrdiff_t digits_max = 15;
        static constexpr double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
        const bool negative = *at == '-';
        const char* first = at += negative ? 1 : 0;
        std::int64_t digits = 0;
        for (; is_digit(*at) && at - first <= digits_max; ++at) digits = digits * 10 + (*at - '0');
        const auto whole = at - first;
        if (whole == 0 || whole > digits_max || (*first == '0' && whole > 1)) return false;
        std::ptrdiff_t behind = 0;
        if (*at == '.') {
            const char* point = ++at;
            for (; is_digit(*at) && whole + (at - point) <= digits_max; ++at)
                digits = digits * 10 + (*at - '0');
            behind = at - point;
            if (behind == 0 || whole + behind > digits_max) return false;
        }
        if (!is_space(*at) && *at != ',' && *at != '}' && *at != ']') return false;
        if (negative && digits == 0) return false;  // minus zero is left to others
        const auto value = static_cast<double>(negative ? -digits : digits);
        number = ExactNumber(behind == 0 ? value : value / powers[behind]);
        return true;
    }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    void word(std::string_view wanted) {
        const auto rest = std::string_view(text_ + *at_, size_ - *at_);
        ++at_;
        if (!rest.starts_with(wanted) || !ends_scalar(rest.data() + wanted.size(), rest.data() + rest.size()))
            fail();
    }

    /// From there; the end of the document if there is none.
    const char* first_backslash(const char* from) const {
        const auto* end = text_ + size_;
        const auto* found = std::memchr(from, '\\', static_cast<std::size_t>(end - from));
        return found == nullptr ? end : static_cast<const char*>(found);
    }
    /// Texts are asked about in their order.
    bool has_escape(const char* first, const char* last) {
        if (last <= backslash_) return false;
        if (backslash_ < first) backslash_ = first_backslash(first);
        return backslash_ < last;
    }
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
    static bool ends_scalar(const char* at, const char* last) {
        return at == last || is_space(*at) || *at == ',' || *at == '}' || *at == ']';
    }

    /// No scalar begins like that.
    static bool is_mark(char c) {
        static constexpr auto marks = [] {
            std::array<bool, 256> all{};
            for (const char mark : {'{', '[', ',', ':', '}', ']'})
                all[static_cast<unsigned char>(mark)] = true;
            return all;
        }();
        return marks[static_cast<unsigned char>(c)];
    }

    /// Over a value, whatever is in it.
    void skip() {
        const auto* at = at_;
        const char first = at < end_ ? text_[*at] : '\0';
        if (at >= end_ || first == ',' || first == ':') return fail();
        int depth = 0;
        for (; at < end_; ++at) {
            const char what = text_[*at];
            // Both kinds of brackets differ by 2 from what closes them, and in one bit from each other.
            const char kind = static_cast<char>(what | 0x20);
            if (kind == '{') ++depth;
            if (kind == '}') --depth;
            if (depth <= 0) break;
        }
        if (at >= end_ || depth < 0) return fail();
        at_ = at + 1;
    }

    std::string unescaped(std::string_view bytes) {
        std::string plain;
        plain.reserve(bytes.size() + padding());
        for (std::size_t at = 0; at < bytes.size();) {
            const auto escape = std::min(bytes.find('\\', at), bytes.size());
            plain += bytes.substr(at, escape - at);
            at = escape;
            if (at < bytes.size() && !unescape(bytes, at, plain)) return fail(), std::string();
        }
        return plain;
    }

    /// One escape, and behind it.
    static bool unescape(std::string_view bytes, std::size_t& at, std::string& plain) {
        static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        if (++at == bytes.size()) return false;
        const char letter = bytes[at++];
        if (letter == 'u') return unescape_code(bytes, at, plain);
        const auto which = letters.find(letter);
        if (which == std::string_view::npos) return false;
        plain += meanings[which];
        return true;
    }

    /// Four digits, or twice four for what lies beyond 16 bits: a half by itself is no letter.
    static bool unescape_code(std::string_view bytes, std::size_t& at, std::string& plain) {
        auto code = hex(bytes, at);
        if (!code || (*code >= 0xDC00 && *code <= 0xDFFF)) return false;
        if (*code >= 0xD800 && *code < 0xDC00) {
            if (bytes.substr(at, 2) != "\\u") return false;
            at += 2;
            const auto low = hex(bytes, at);
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        }
        engine::append_utf8(plain, *code);
        return true;
    }
    static std::optional<std::uint32_t> hex(std::string_view bytes, std::size_t& at) {
        std::uint32_t code = 0;
        const auto digits = bytes.substr(std::min(at, bytes.size()), 4);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        at += 4;
        if (digits.size() != 4 || read.ptr != digits.data() + 4) return std::nullopt;
        return code;
    }
    std::string_view keep(std::string text) {
        const auto size = text.size();
        text.resize(size + padding());
        return std::string_view(*kept_.emplace_back(std::make_unique<std::string>(std::move(text))))
            .substr(0, size);
    }

    void give(const Node& node, const RawValue& value) {
        if (node.is_event_type) event_type_ = value.text;  // none of what is no text
        const bool is_said = value.kind != RawValue::Kind::absent && value.kind != RawValue::Kind::object;
        for (const auto* field : node.fields) {
            slots_.read(*field, value, now_, readings_);
            if (said_ != nullptr) said_[field - fields_] = is_said ? 1 : 0;
        }
    }

    void fail() { broken_ = true; }

    const Slots& slots_;
    const Node* nodes_;
    const Slots::Field* fields_;
    std::uint64_t* visited_;
    const Node** levels_;  ///< the objects around the one that is read
    std::uint64_t document_;
    const char* text_;
    std::size_t size_;
    const std::uint32_t* at_;
    const std::uint32_t* end_;
    engine::Instant now_;
    Readings& readings_;
    std::uint8_t* said_;  ///< null when nobody wants to know
    std::string_view event_type_;
    std::vector<RawValue> items_;
    std::vector<std::unique_ptr<std::string>> kept_;
    const char* backslash_;  ///< the first from some place before what is read, else the end
    bool broken_ = false;
};

RawReader::RawReader(const Slots& slots, Layout layout) : slots_(slots), layout_(layout) {
    for (const auto& field : slots.value_fields()) add(field);
    if (layout_ == Layout::envelope && slots.ask_for_type()) nodes_[child_of(0, "type")].is_event_type = true;
    for (auto& node : nodes_) finish(node);
    Scope nothing;
    slots.read("", nothing, blank_);
}

std::size_t RawReader::bytes() const {
    auto sum = sizeof *this + nodes_.capacity() * sizeof(Node);
    sum += blank_.codes.capacity() * sizeof(Code) + blank_.found.capacity() * sizeof(blank_.found[0]);
    for (const auto& node : nodes_)
        sum += node.keys.bytes() + node.children.capacity() * sizeof(node.children[0]) +
               node.fields.capacity() * sizeof(node.fields[0]) +
               node.askers.capacity() * sizeof(node.askers[0]);
    return sum;
}

void RawReader::add(const Slots::Field& field) {
    std::uint32_t node = 0;
    for (const auto& key : path_of(field.path)) node = child_of(node, key);
    nodes_[node].fields.push_back(&field);
    nodes_[node].wants_items = nodes_[node].wants_items || field.asks_for_items;
}

/// In no document the character stands for itself in a text.
bool RawReader::is_escaped(char c) {
    return c == '\\' || c == '"' || static_cast<unsigned char>(c) < 0x20;
}

void RawReader::finish(Node& node) const {
    KeyTable::Keys plain;
    for (const auto& child : node.children)
        if (std::none_of(child.first.begin(), child.first.end(), is_escaped)) plain.push_back(child);
    node.keys = KeyTable(std::move(plain));
    node.leads_on = !node.children.empty();
    node.is_path = node.fields.empty() && node.leads_on && !node.is_event_type;
    if (node.fields.size() != 1 || node.leads_on || node.is_event_type) return;
    const auto& field = *node.fields[0];
    if (!field.set_slots.empty()) return;
    for (const auto place : field.code_slots)
        node.askers.push_back({&slots_.code_slot(place), static_cast<std::uint32_t>(place)});
    node.asked_field = static_cast<std::uint32_t>(&field - slots_.value_fields().data());
    node.asks_for_text =
        node.askers.size() == 1 && node.askers.front().slot->coding == CodeSlot::Coding::text;
}

engine::Path RawReader::path_of(const FieldPath& field) const {
    if (layout_ == Layout::envelope && field.root == "event") return field.keys;
    engine::Path path;
    if (layout_ == Layout::envelope) path.push_back("data");
    path.push_back(field.root);
    path.insert(path.end(), field.keys.begin(), field.keys.end());
    return path;
}

std::uint32_t RawReader::child_of(std::uint32_t node, const std::string& key) {
    for (const auto& [name, child] : nodes_[node].children)
        if (name == key) return child;
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    nodes_[node].children.emplace_back(key, child);
    nodes_.emplace_back();
    return child;
}

Result<void> RawReader::read(std::string_view event_type, std::string_view document, engine::Instant now,
                             Scratch& scratch, Readings& readings, std::vector<std::uint8_t>* said) const {
    if (auto listed = scratch.bytes_.list_places(document); !listed) return listed;
    readings.codes = blank_.codes;
    readings.found.resize(blank_.found.size());
    for (auto& found : readings.found) found.clear();
    if (said != nullptr) said->assign(slots_.value_fields().size(), 0);
    if (scratch.visited_.size() < nodes_.size()) {
        scratch.visited_.resize(nodes_.size());
        scratch.levels_.resize(nodes_.size());
    }
    ++scratch.documents_;
    Walk walk(*this, document, scratch, now, readings, said == nullptr ? nullptr : said->data());
    if (!walk.document()) return engine::invalid("the document is no JSON object");
    slots_.read_type(layout_ == Layout::envelope ? walk.event_type() : event_type, readings);
    return {};
}

}  // namespace rules
