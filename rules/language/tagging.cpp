#include "rules/language/tagging.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/base/text.h"
#include "rules/language/conditions.h"
#include "rules/language/reading.h"
#include "rules/language/rule_reader.h"
#include "rules/language/tagging_checks.h"
#include "rules/policies/tagging.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::Place;
using engine::YamlNode;
constexpr int patterns_most = 100'000;
constexpr int patterns_usual = 10'000;
constexpr std::size_t name_bytes_max = 200;

bool is_one_line(const std::string& text) {
    return text.size() <= name_bytes_max &&
           std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

class TaggingReader {
public:
    TaggingReader(RuleSet& rule_set, Problems& problems) : rule_set_(rule_set), problems_(problems) {}

    void read(const YamlNode& root) {
        check_keys(root, tagging_keys(), "tagging.yaml", problems_);
        if (const auto* limits = root.find("limits"); has_content(limits)) read_limits(*limits);
        if (const auto* fields = root.find("fields"); has_content(fields)) fields_ = read_fields(*fields);
        if (const auto* strip = root.find("strip_quotes"))
            strip_quotes_ = read_flag(*strip, "strip_quotes", problems_);
        if (const auto* from = root.find("language_from"); has_content(from)) read_language_from(*from);
        if (const auto* add = root.find("add"); has_content(add)) file_.add = read_entries(*add, "add", ids_);
        if (const auto* set = root.find("set"); has_content(set)) read_lists(*set);
        if (patterns_ > patterns_max_)
            problems_.error("limit", root.place,
                            "tagging.yaml looks for " + std::to_string(patterns_) + " things; the limit is " +
                                std::to_string(patterns_max_) + ": raise limits: { patterns_max: … }");
    }

    /// Nothing when it asks for more than it may.
    std::optional<TaggingFile> finish() {
        if (patterns_ > patterns_max_) return std::nullopt;
        return std::move(file_);
    }

private:
    using Ids = std::map<std::string, Place>;

    void read_limits(const YamlNode& node) {
        if (!expect_map(node, "limits", problems_)) return;
        check_keys(node, tagging_limit_keys(), "limits", problems_);
        if (const auto* patterns = node.find("patterns_max"))
            patterns_max_ =
                read_integer(*patterns, "patterns_max", 1, patterns_most, problems_).value_or(patterns_max_);
        if (const auto* bytes = node.find("text_bytes_max"))
            if (const auto most = read_integer(*bytes, "text_bytes_max", 1, text_bytes_most, problems_))
                file_.text_bytes_max = static_cast<std::size_t>(*most);
    }

    // ---- lists and entries ----

    void read_lists(const YamlNode& node) {
        if (!node.is_map()) {
            problems_.error("wrong-type", node.place,
                            "set takes a map, found " + description_of(node) +
                                ": write set: { <name of the list>: { entries: [ … ] } }");
            return;
        }
        for (const auto& entry : node.entries) read_list(entry);
    }

    void read_list(const YamlNode::Entry& entry) {
        TagList list;
        list.id = entry.key;
        list.place = entry.place;
        take_id(entry.key, entry.place, ids_);
        if (!expect_map(entry.value, "a list of tags", problems_)) return;
        check_keys(entry.value, tag_list_keys(), "a list of tags", problems_);
        if (const auto* first = entry.value.find("first_match"))
            list.first_match = read_flag(*first, "first_match", problems_).value_or(false);
        Ids ids;
        const auto* entries = entry.value.find("entries");
        if (has_content(entries))
            list.entries = read_entries(*entries, "entries", ids);
        else
            problems_.error("missing-key", entry.place,
                            "the list " + in_quotes(entry.key) + " has no entries");
        file_.set.push_back(std::move(list));
    }

    std::vector<TagEntry> read_entries(const YamlNode& node, const std::string& what, Ids& ids) {
        std::vector<TagEntry> entries;
        if (!expect_list(node, what, problems_)) return entries;
        for (const auto& item : node.items)
            if (auto entry = read_entry(item, ids)) entries.push_back(std::move(*entry));
        return entries;
    }

    std::optional<TagEntry> read_entry(const YamlNode& node, Ids& ids) {
        if (!expect_map(node, "an entry", problems_)) return std::nullopt;
        check_keys(node, tag_entry_keys(), "an entry", problems_);
        TagEntry entry;
        entry.place = node.place;
        read_tags(node, entry);
        read_id(node, entry, ids);
        if (const auto* on = node.find("on")) read_on(*on, entry);
        read_where(node, entry);
        read_when(node, entry);
        if (const auto* language = node.find("language"))
            entry.languages = read_texts(*language, "language", problems_).value_or(entry.languages);
        read_searches(node, entry);
        return entry;
    }

    void read_tags(const YamlNode& node, TagEntry& entry) {
        const auto* one = node.find("tag");
        const auto* more = node.find("tags");
        if (one != nullptr && more != nullptr)
            problems_.error("bad-value", more->place, "an entry has tag or tags, not both");
        const auto* tags = one != nullptr ? one : more;
        if (tags == nullptr) return problems_.error("missing-key", node.place, "the entry has no tag");
        if (one != nullptr && !one->is_scalar())
            return problems_.error("wrong-type", one->place, "tag takes a text: write tags for several");
        const auto texts = read_texts(*tags, one != nullptr ? "tag" : "tags", problems_);
        if (!texts) return;
        for (std::size_t i = 0; i < texts->size(); ++i)
            if (const auto& tag = (*texts)[i]; !is_one_line(tag) || engine::trim(tag) != tag)
                problems_.error("bad-value", tags->is_list() ? tags->items[i].place : tags->place,
                                "a tag is one line of at most " + std::to_string(name_bytes_max) +
                                    " bytes, without blanks at its ends");
        entry.tags = *texts;
    }

    void read_id(const YamlNode& node, TagEntry& entry, Ids& ids) {
        const auto* id = node.find("id");
        const auto text = id == nullptr ? std::nullopt : read_text(*id, "id", problems_);
        if (text && !is_one_line(*text))
            problems_.error("bad-value", id->place,
                            "an id is one line of at most " + std::to_string(name_bytes_max) + " bytes");
        if (!text && entry.tags.empty()) return;
        entry.id = text.value_or(entry.tags.empty() ? "" : entry.tags.front());
        take_id(entry.id, id == nullptr ? node.place : id->place, ids, id == nullptr);
    }

    void take_id(const std::string& id, const Place& place, Ids& ids, bool is_by_tag = false) {
        const auto [known, is_new] = ids.try_emplace(id, place);
        if (!is_new)
            problems_.error("duplicate-id", place,
                            in_quotes(id) + " is there already in line " +
                                std::to_string(known->second.line) +
                                (is_by_tag ? ": without an id an entry is called by its tag" : ""));
    }

    void read_on(const YamlNode& node, TagEntry& entry) {
        std::vector<AwaitedType> awaited;
        if (auto types = read_event_types(node, "on", awaited, problems_)) entry.on = *std::move(types);
    }

    void read_where(const YamlNode& node, TagEntry& entry) {
        const auto* fields = node.find("fields");
        if (has_content(fields))
            entry.fields = read_fields(*fields);
        else if (fields_)
            entry.fields = *fields_;
        else
            problems_.error("missing-key", node.place,
                            "the entry looks at no field: name some under fields, for it or for the whole "
                            "file, such as fields: [ticket.subject, message.text]");
        const auto* strip = node.find("strip_quotes");
        entry.strip_quotes = strip == nullptr ? strip_quotes_ : read_flag(*strip, "strip_quotes", problems_);
    }

    void read_when(const YamlNode& node, TagEntry& entry) {
        const auto* when = node.find("when");
        if (!has_content(when)) return;
        auto context = context_of();
        context.subject_kinds = subject_kinds_of(entry.on, rule_set_.catalogue);
        if (entry.on.empty())
            for (const auto& field : entry.fields)
                if (field.root != "message") context.subject_kinds.insert(field.root);
        context.events = engine::join(entry.on, ", ");
        entry.when = read_condition(*when, context);
    }

    // ---- fields ----

    RuleContext context_of() const {
        return {rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
    }

    std::vector<FieldPath> read_fields(const YamlNode& node) {
        std::vector<FieldPath> fields;
        const auto texts = read_texts(node, "fields", problems_);
        if (!texts) return fields;
        for (std::size_t i = 0; i < texts->size(); ++i) {
            const auto& place = node.is_list() ? node.items[i].place : node.place;
            auto field = read_text_field((*texts)[i], place);
            const auto is_same = [&](const FieldPath& one) { return one.text == (*texts)[i]; };
            if (field && std::none_of(fields.begin(), fields.end(), is_same))
                fields.push_back(std::move(*field));
        }
        return fields;
    }

    std::optional<FieldPath> read_text_field(const std::string& text, const Place& place) {
        auto context = context_of();
        auto field = read_path(text, place, context);
        if (!field) return std::nullopt;
        if (!rule_set_.catalogue.has_kind(field->root)) {
            problems_.error(
                "wrong-entity", place,
                in_quotes(text) + " is of no entity and of no message, whose texts tagging reads");
            return std::nullopt;
        }
        if (field->type == FieldType::text || field->type == FieldType::any) return field;
        problems_.error("wrong-type", place,
                        in_quotes(text) + " holds " + article_of(field->type) + "; tagging looks at texts");
        return std::nullopt;
    }

    void read_language_from(const YamlNode& node) {
        const auto text = read_text(node, "language_from", problems_);
        if (text) file_.language = read_text_field(*text, node.place);
    }

    // ---- what is looked for ----

    void read_searches(const YamlNode& node, TagEntry& entry) {
        const auto* flag = node.find("case");
        const bool keeps_case = flag != nullptr && read_flag(*flag, "case", problems_).value_or(false);
        const auto read = [&](const char* key, std::vector<TextSearch>& into) {
            if (const auto* list = node.find(key)) read_search_list(*list, key, keeps_case, into);
        };
        read("any", entry.any);
        read("all", entry.all);
        read("none", entry.none);
        if (const auto* chars = node.find("min_chars")) {
            TextSearch search;
            search.place = chars->place;
            if (read_pattern(*chars, TextPattern::Kind::min_chars, false, search))
                entry.all.push_back(std::move(search));
        }
        if (node.find("any") == nullptr && node.find("all") == nullptr && node.find("none") == nullptr &&
            node.find("min_chars") == nullptr)
            problems_.error("missing-key", node.place,
                            "the entry looks for nothing: write any: [ { word: … } ], all or none");
    }

    void read_search_list(const YamlNode& node, const std::string& key, bool keeps_case,
                          std::vector<TextSearch>& into) {
        // One search stands for a list of one.
        if (node.is_map()) return read_search(node, keeps_case, into);
        if (!expect_list(node, key, problems_)) return;
        if (node.items.empty()) problems_.error("bad-value", node.place, key + " is empty");
        for (const auto& item : node.items) read_search(item, keeps_case, into);
    }

    void read_search(const YamlNode& node, bool keeps_case, std::vector<TextSearch>& into) {
        if (!node.is_map()) {
            const auto written = node.is_scalar() ? node.text : "…";
            problems_.error("wrong-type", node.place,
                            "what is looked for is a map, found " + description_of(node) +
                                ": write { word: " + written + " }, { phrase: " + written +
                                " } or { contains: " + written + " }");
            return;
        }
        check_keys(node, text_search_keys(), "what is looked for", problems_);
        if (const auto* flag = node.find("case"))
            keeps_case = read_flag(*flag, "case", problems_).value_or(keeps_case);
        TextSearch search;
        search.place = node.place;
        int kinds = 0;
        for (const auto& entry : node.entries) {
            const auto& names = pattern_kind_names();
            const auto name = std::find(names.begin(), names.end(), entry.key);
            if (name == names.end()) continue;
            ++kinds;
            read_patterns(entry.value, static_cast<TextPattern::Kind>(name - names.begin()), keeps_case,
                          search);
        }
        if (kinds > 1)
            problems_.error("bad-value", node.place,
                            "one thing to look for has one of " + engine::join(pattern_kind_names(), ", ") +
                                ": write each in a { } of its own");
        else if (kinds == 0 && node.entries.empty())
            problems_.error("bad-value", node.place, "nothing to look for stands here");
        if (!search.patterns.empty()) into.push_back(std::move(search));
    }

    void read_patterns(const YamlNode& node, TextPattern::Kind kind, bool keeps_case, TextSearch& search) {
        if (!node.is_list()) {
            read_pattern(node, kind, keeps_case, search);
            return;
        }
        if (node.items.empty())
            problems_.error("bad-value", node.place, std::string(name_of(kind)) + " is empty");
        for (const auto& item : node.items) read_pattern(item, kind, keeps_case, search);
    }

    bool read_pattern(const YamlNode& node, TextPattern::Kind kind, bool keeps_case, TextSearch& search) {
        TextPattern pattern;
        pattern.kind = kind;
        pattern.case_sensitive = keeps_case && kind != TextPattern::Kind::min_chars;
        const std::string what(name_of(kind));
        if (kind == TextPattern::Kind::min_chars) {
            const auto chars = read_integer(node, what, 1, text_bytes_most, problems_);
            if (!chars) return false;
            pattern.chars = static_cast<std::size_t>(*chars);
            pattern.text = std::to_string(*chars);
        } else {
            const auto text = read_text(node, what, problems_);
            if (!text || !takes(*text, kind, node)) return false;
            pattern.text = *text;
        }
        if (kind == TextPattern::Kind::regex) {
            auto regex = Regex::compile(pattern.text, keeps_case);
            if (!regex) {
                problems_.error("bad-regex", node.place, regex.error().message);
                return false;
            }
            pattern.regex = std::move(*regex);
        }
        ++patterns_;
        search.patterns.push_back(std::move(pattern));
        return true;
    }

    /// A word with blanks around it is never bounded by anything but blanks.
    bool takes(const std::string& text, TextPattern::Kind kind, const YamlNode& node) {
        const bool is_bounded = kind == TextPattern::Kind::word || kind == TextPattern::Kind::phrase;
        if (!is_bounded || (engine::trim(text) == text)) return true;
        problems_.error("bad-value", node.place,
                        std::string(name_of(kind)) + " " + in_quotes(text) +
                            " has blanks at its ends: leave them out, or write contains");
        return false;
    }

    RuleSet& rule_set_;
    Problems& problems_;
    TaggingFile file_;
    std::optional<std::vector<FieldPath>> fields_;
    std::optional<bool> strip_quotes_;
    Ids ids_;  ///< of what adds, and of lists: they are called by them as rules are by theirs
    int patterns_ = 0;
    int patterns_max_ = patterns_usual;
};

}  // namespace

void read_tagging(const YamlNode& root, RuleSet& rule_set, Problems& problems) {
    if (root.is_null() || !expect_map(root, "tagging.yaml", problems)) return;
    TaggingReader reader(rule_set, problems);
    reader.read(root);
    auto file = reader.finish();
    if (!file) return;
    check_tagging(*file, rule_set.catalogue, problems);
    rule_set.tagging = std::make_shared<const Tagging>(std::move(*file), rule_set.catalogue);
}

std::vector<std::string> tagging_keys() {
    return {"fields", "strip_quotes", "language_from", "limits", "add", "set"};
}

std::vector<std::string> tagging_limit_keys() {
    return {"patterns_max", "text_bytes_max"};
}

std::vector<std::string> tag_entry_keys() {
    return {"id",           "description", "tag",       "tags",     "on",  "when", "fields",
            "strip_quotes", "case",        "min_chars", "language", "any", "all",  "none"};
}

std::vector<std::string> tag_list_keys() {
    return {"description", "first_match", "entries"};
}

std::vector<std::string> text_search_keys() {
    auto keys = pattern_kind_names();
    keys.emplace_back("case");
    return keys;
}

}  // namespace rules
