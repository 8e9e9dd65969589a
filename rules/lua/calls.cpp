#include "rules/lua/calls.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "rules/lua/api.h"
#include "rules/lua/script_words.h"

namespace rules {

using engine::Json;
using Kind = LuaToken::Kind;

namespace {

Json number_of(std::string_view words) {
    std::int64_t whole = 0;
    const auto read = std::from_chars(words.data(), words.data() + words.size(), whole);
    if (read.ec == std::errc() && read.ptr == words.data() + words.size()) return whole;
    return std::strtod(std::string(words).c_str(), nullptr);
}

class UseReader {
public:
    explicit UseReader(const ScriptFile& file) : words_(file) {}

    ScriptUses read() {
        const std::set<std::string_view> made = made_here();
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_.begins_chain(i) && words_.is_mark(i + 1, ".") && !made.contains(words_.at(i).words))
                read_chain(i);
        mark_own();
        return std::move(uses_);
    }

private:
    /// Of the names that the API has; a parameter named ctx is the engine's.
    std::set<std::string_view> made_here() const {
        std::set<std::string_view> made;
        for (const auto& [name, type] : script_api().tables)
            if (name == "ctx" ? words_.is_made_here(name) : words_.is_named_here(name)) made.insert(name);
        return made;
    }

    void read_chain(std::size_t i) {
        std::string name(words_.at(i).words);
        auto last = i;
        for (; words_.is_mark(last + 1, ".") && words_.is_name(last + 2); last += 2)
            name.append(".").append(words_.at(last + 2).words);
        if (script_api().function(name)) return read_call(name, last);
        if (words_.at(i).words == "ctx") read_path(i);
    }

    void read_path(std::size_t i) {
        WrittenPath path;
        auto at = i + 1;
        for (;;) {
            const bool is_index = words_.is_mark(at, "[") && words_.closing(at) == at + 2;
            const auto key =
                is_index && words_.is(at + 1, Kind::text) ? value_of(words_.at(at + 1)) : std::nullopt;
            if (!key && !(words_.is_mark(at, ".") && words_.is_name(at + 1))) break;
            path.names.push_back(key ? *key : std::string(words_.at(at + 1).words));
            path.places.push_back(words_.place(at + 1));
            at += key ? 3 : 2;
        }
        const bool is_write = words_.is_mark(words_.end_of_chain(i), "=");
        (is_write ? uses_.writes : uses_.reads).push_back(std::move(path));
    }

    void mark_own() {
        for (auto& read : uses_.reads)
            read.is_own = std::any_of(uses_.writes.begin(), uses_.writes.end(),
                                      [&](const WrittenPath& write) { return write.is_above(read); });
    }

    void read_call(const std::string& name, std::size_t last) {
        const auto open = last + 1;
        WrittenCall call{name, words_.place(last), {}};
        if (words_.is_mark(open, "(") && words_.closing(open) != 0) {
            for (const auto& part : words_.parts(open)) call.arguments.push_back(value_at(part));
            const auto close = words_.closing(open);
            call.is_open = words_.is_mark(close - 1, "...") || words_.is_mark(close - 1, ")");
        } else if (words_.is(open, Kind::text)) {
            call.arguments.push_back(value_at({open, open + 1}));
        } else if (words_.is_mark(open, "{") && words_.closing(open) != 0) {
            call.arguments.push_back(value_at({open, words_.closing(open) + 1}));
        } else {
            return;
        }
        uses_.calls.push_back(std::move(call));
    }

    WrittenValue value_at(ScriptWords::Range range) const {
        const auto [first, last] = range;
        WrittenValue value;
        value.place = words_.place(first);
        const auto& token = words_.at(first);
        if (words_.is_mark(first, "{") && words_.closing(first) + 1 == last) {
            read_table(first, value);
        } else if (words_.is_mark(first, "-") && words_.is(first + 1, Kind::number) && last == first + 2) {
            const auto number = number_of(words_.at(first + 1).words);
            set(value,
                number.is_number_integer() ? Json(-number.get<std::int64_t>()) : Json(-number.get<double>()));
        } else if (last == first + 1) {
            if (token.kind == Kind::number) set(value, number_of(token.words));
            if (token.kind == Kind::text)
                if (auto text = value_of(token)) set(value, *std::move(text));
            if (words_.is_word(first, "true") || words_.is_word(first, "false"))
                set(value, token.words == "true");
            if (words_.is_word(first, "nil")) value.kind = WrittenValue::Kind::nil;
        }
        return value;
    }
    static void set(WrittenValue& value, Json constant) {
        value.kind = WrittenValue::Kind::constant;
        value.constant = std::move(constant);
    }

    void read_table(std::size_t open, WrittenValue& table) const {
        table.kind = WrittenValue::Kind::table;
        table.has_all = true;
        for (const auto& [first, last] : words_.parts(open)) {
            if (first == last) continue;
            if (words_.is(first, Kind::name) && words_.is_mark(first + 1, "=")) {
                add(table, std::string(words_.at(first).words), first, {first + 2, last});
            } else if (words_.is_mark(first, "[")) {
                const auto key = words_.closing(first) == first + 2 && words_.is(first + 1, Kind::text)
                                     ? value_of(words_.at(first + 1))
                                     : std::nullopt;
                if (key)
                    add(table, *key, first + 1, {first + 4, last});
                else
                    table.has_all = false;
            } else {
                table.items.push_back(value_at({first, last}));
            }
        }
    }
    /// The place of a member is that of its name.
    void add(WrittenValue& table, std::string name, std::size_t key, ScriptWords::Range value) const {
        table.members.emplace_back(std::move(name), value_at(value));
        table.members.back().second.place = words_.place(key);
    }

    ScriptWords words_;
    ScriptUses uses_;
};

}  // namespace

const WrittenValue* WrittenValue::member(const std::string& name) const {
    const auto found =
        std::find_if(members.begin(), members.end(), [&](const auto& one) { return one.first == name; });
    return found == members.end() ? nullptr : &found->second;
}

bool WrittenPath::is_above(const WrittenPath& other) const {
    return names.size() <= other.names.size() && std::equal(names.begin(), names.end(), other.names.begin());
}

const std::string* WrittenCall::text(std::size_t argument) const {
    return argument < arguments.size() ? arguments[argument].text() : nullptr;
}

ScriptUses uses_of(const ScriptFile& file) {
    return UseReader(file).read();
}

}  // namespace rules
