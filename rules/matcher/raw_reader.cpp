#include "rules/matcher/raw_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "engine/base/json.h"

namespace rules {

using engine::Result;

struct RawReader::Node {
    std::string key;
    std::vector<std::unique_ptr<Node>> children;
    std::vector<const Slots::Field*> fields;  ///< that end here

    Node* find(std::string_view name) const {
        for (const auto& child : children)
            if (child->key == name) return child.get();
        return nullptr;
    }
};

struct RawReader::Parser {
    simdjson::dom::parser parser;
};

/// One document. Everything fails by `broken_`, so that the way through needs no checks but the last.
class RawReader::Walk {
public:
    Walk(std::string_view document, const std::uint32_t* places, std::size_t count, const Slots& slots,
         engine::Instant now, Readings& readings)
        : text_(document), at_(places), end_(places + count), slots_(slots), now_(now), readings_(readings) {}

    bool document(const Node& top) {
        if (here() != '{') return false;
        object(top);
        return !broken_ && at_ == end_;
    }

private:
    char here() const { return at_ < end_ ? text_[*at_] : '\0'; }

    /// From the brace to behind its end.
    void object(const Node& node) {
        ++at_;
        if (here() == '}') {
            ++at_;
            return;
        }
        while (!broken_) {
            const auto key = quoted();
            if (here() != ':') return fail();
            ++at_;
            if (const auto* child = child_of(node, key))
                value(*child);
            else
                skip();
            const char next = here();
            ++at_;
            if (next == '}') return;
            if (next != ',') return fail();
        }
    }

    const Node* child_of(const Node& node, std::string_view key) {
        if (key.find('\\') == std::string_view::npos) return node.find(key);
        return node.find(unescaped(key));
    }

    /// The bytes between the quotes, as they are; the place is behind them then.
    std::string_view quoted() {
        if (here() != '"') return fail(), std::string_view();
        const auto begin = *at_ + 1;
        ++at_;
        // Only white space lies between the closing quote and what comes next.
        auto end = at_ < end_ ? *at_ : static_cast<std::uint32_t>(text_.size());
        do --end;
        while (end > begin && is_space(text_[end]));
        if (end < begin || text_[end] != '"') return fail(), std::string_view();
        return text_.substr(begin, end - begin);
    }

    void value(const Node& node) {
        RawValue value;
        switch (here()) {
            case '{':
                value.kind = RawValue::Kind::object;
                give(node, value);
                if (node.children.empty()) return skip();
                return object(node);
            case '[':
                return list(node);
            default:
                value = scalar();
                give(node, value);
        }
    }

    void list(const Node& node) {
        items_.clear();
        RawValue value;
        value.kind = RawValue::Kind::list;
        const bool wanted = std::any_of(node.fields.begin(), node.fields.end(),
                                        [](const Slots::Field* field) { return field->asks_for_items; });
        if (!wanted) {
            give(node, value);
            return skip();
        }
        ++at_;
        if (here() == ']') {
            ++at_;
        } else {
            while (!broken_) {
                const char first = here();
                if (first == '{' || first == '[')
                    skip();  // no rule compares items that are lists or objects in here
                else
                    items_.push_back(scalar());
                const char next = here();
                ++at_;
                if (next == ']') break;
                if (next != ',') return fail();
            }
        }
        value.items = items_;
        give(node, value);
    }

    RawValue scalar() {
        RawValue value;
        switch (here()) {
            case '"': {
                value.kind = RawValue::Kind::text;
                const auto bytes = quoted();
                value.text = bytes.find('\\') == std::string_view::npos
                                 ? bytes
                                 : std::string_view(keep(unescaped(bytes)));
                return value;
            }
            case 't':
            case 'f': {
                value.kind = RawValue::Kind::boolean;
                value.flag = here() == 't';
                word(value.flag ? "true" : "false");
                return value;
            }
            case 'n':
                word("null");
                return value;
            default:
                return number();
        }
    }

    RawValue number() {
        RawValue value;
        if (at_ >= end_) return fail(), value;
        const char* first = text_.data() + *at_;
        const char* last = text_.data() + text_.size();
        ++at_;
        value.kind = RawValue::Kind::number;
        std::int64_t whole = 0;
        auto read = std::from_chars(first, last, whole);
        if (read.ec == std::errc() && ends_scalar(read.ptr, last)) {
            value.number = static_cast<long double>(whole);
            return value;
        }
        // As the other reader takes them: whole numbers exactly as far as 64 bits go, all else as double.
        std::uint64_t large = 0;
        read = std::from_chars(first, last, large);
        if (read.ec == std::errc() && ends_scalar(read.ptr, last)) {
            value.number = static_cast<long double>(large);
            return value;
        }
        double real = 0;
        read = std::from_chars(first, last, real);
        if (read.ec != std::errc() || !ends_scalar(read.ptr, last)) return fail(), value;
        value.number = static_cast<long double>(real);
        return value;
    }

    void word(std::string_view wanted) {
        const auto rest = text_.substr(*at_);
        ++at_;
        if (!rest.starts_with(wanted) || !ends_scalar(rest.data() + wanted.size(), rest.data() + rest.size()))
            fail();
    }

    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
    static bool ends_scalar(const char* at, const char* last) {
        return at == last || is_space(*at) || *at == ',' || *at == '}' || *at == ']';
    }

    /// Over a value, whatever is in it.
    void skip() {
        int depth = 0;
        do {
            const char what = here();
            if (what == '{' || what == '[') ++depth;
            if (what == '}' || what == ']') --depth;
            if (what == '\0' && at_ >= end_) return fail();
            ++at_;
        } while (depth > 0);
        if (depth < 0) fail();
    }

    std::string unescaped(std::string_view bytes) {
        auto parsed = engine::parse_json('"' + std::string(bytes) + '"');
        if (!parsed || !parsed->is_string()) return fail(), std::string();
        return parsed->get<std::string>();
    }
    const std::string& keep(std::string text) {
        return *kept_.emplace_back(std::make_unique<std::string>(std::move(text)));
    }

    void give(const Node& node, const RawValue& value) {
        for (const auto* field : node.fields) slots_.read(*field, value, now_, readings_);
    }

    void fail() { broken_ = true; }

    std::string_view text_;
    const std::uint32_t* at_;
    const std::uint32_t* end_;
    const Slots& slots_;
    engine::Instant now_;
    Readings& readings_;
    std::vector<RawValue> items_;
    std::vector<std::unique_ptr<std::string>> kept_;
    bool broken_ = false;
};

RawReader::RawReader(const Slots& slots)
    : slots_(slots), top_(std::make_unique<Node>()), parser_(std::make_unique<Parser>()) {
    for (const auto& field : slots.value_fields()) {
        std::vector<std::string> path{field.path.root};
        path.insert(path.end(), field.path.keys.begin(), field.path.keys.end());
        add(path, field);
    }
    Scope nothing;
    slots.read("", nothing, blank_);
}

RawReader::~RawReader() = default;

std::size_t RawReader::padding() {
    return simdjson::SIMDJSON_PADDING;
}

void RawReader::add(const std::vector<std::string>& path, const Slots::Field& field) {
    auto* node = top_.get();
    for (const auto& key : path) {
        auto* child = node->find(key);
        if (child == nullptr) {
            child = node->children.emplace_back(std::make_unique<Node>()).get();
            child->key = key;
        }
        node = child;
    }
    node->fields.push_back(&field);
}

Result<void> RawReader::read(std::string_view event_type, std::string_view document, engine::Instant now,
                             Readings& readings) {
    auto& parser = parser_->parser;
    const auto broken = engine::invalid("the document is no JSON object");
    if (parser.capacity() < document.size() && parser.allocate(document.size()) != simdjson::SUCCESS)
        return engine::exhausted("the document is too large");
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(document.data());
    if (parser.implementation->stage1(bytes, document.size(), simdjson::stage1_mode::regular) !=
        simdjson::SUCCESS)
        return broken;
    readings = blank_;
    slots_.read_type(event_type, readings);
    Walk walk(document, parser.implementation->structural_indexes.get(),
              parser.implementation->n_structural_indexes, slots_, now, readings);
    return walk.document(*top_) ? Result<void>() : Result<void>(broken);
}

}  // namespace rules
