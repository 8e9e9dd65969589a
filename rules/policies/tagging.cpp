#include "rules/policies/tagging.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "rules/evaluator/compare.h"
#include "rules/matcher/matcher.h"
#include "rules/policies/own_words.h"

namespace rules {
namespace {

using engine::Json;

constexpr std::string_view message = "message";

FieldPath field_of(const std::string& kind, const char* name, FieldType type) {
    return {kind + "." + name, kind, {name}, type};
}

const std::string* text_at(const Scope& scope, const FieldPath& field) {
    const auto* value = scope.find(field);
    return value == nullptr ? nullptr : value->get_ptr<const Json::string_t*>();
}

/// Not in the middle of a code point.
std::string_view beginning_of(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
    return text.substr(0, bytes_max);
}

/// `pt_BR` is `pt-br`.
std::string plain_language(std::string_view language) {
    auto plain = engine::fold_case(engine::trim(language));
    std::replace(plain.begin(), plain.end(), '_', '-');
    return plain;
}

bool is_part(std::string_view narrow, std::string_view wide) {
    return narrow.starts_with(wide) && (narrow.size() == wide.size() || narrow[wide.size()] == '-');
}

/// `en` and `en-GB` may be one; `en-US` and `en-GB` are not.
bool may_be_one(std::string_view left, std::string_view right) {
    return is_part(left, right) || is_part(right, left);
}

bool has(const std::vector<std::string>& list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

struct Tagging::Source {
    FieldPath field;
    bool strips = false;
    bool of_message() const { return field.root == message; }
};

/// Entries that look at the same texts.
struct Tagging::Group {
    std::vector<Source> sources;
    PatternScan scan;
    std::vector<std::vector<std::uint32_t>> wakes;  ///< by pattern the entries that may match for it
    std::vector<std::uint32_t> unasked;             ///< entries that may match though nothing is found
    bool has_hints = false;                         ///< some entry is for one language
};

struct Tagging::Entry {
    const TagEntry* said = nullptr;
    std::string rule;
    std::size_t group = 0;
    std::optional<std::size_t> list;
    std::vector<std::uint32_t> any, none;         ///< numbers of patterns
    std::vector<std::vector<std::uint32_t>> all;  ///< of each search
    std::vector<std::string> languages;           ///< plain
};

struct Tagging::List {
    const TagList* said = nullptr;
    std::string rule;
    std::uint32_t first = 0;  ///< its entries
    std::uint32_t last = 0;   ///< one past them
    std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_tag;
    std::set<std::size_t> groups;
};

Tagging::Tagging(TaggingFile file, const Catalogue& catalogue) : file_(std::move(file)) {
    for (const auto& kind : catalogue.kinds()) {
        const auto* tags = catalogue.find(kind + ".tags");
        if (catalogue.is_entity(kind) && tags != nullptr && tags->type == FieldType::tags)
            tags_fields_[kind] = field_of(kind, "tags", FieldType::tags);
        if (catalogue.find(kind + ".language") != nullptr)
            language_fields_[kind] = field_of(kind, "language", FieldType::text);
    }
    for (const auto& entry : file_.add) add_entry(entry, std::nullopt);
    for (const auto& said : file_.set) {
        auto& list = lists_.emplace_back();
        list.said = &said;
        list.rule = "tagging:" + said.id;
        list.first = static_cast<std::uint32_t>(entries_.size());
        for (const auto& entry : said.entries) {
            for (const auto& tag : entry.tags)
                list.by_tag[tag].push_back(static_cast<std::uint32_t>(entries_.size()));
            add_entry(entry, lists_.size() - 1);
            list.groups.insert(entries_.back().group);
        }
        list.last = static_cast<std::uint32_t>(entries_.size());
    }
    for (auto& group : groups_) group.scan.freeze();
}

Tagging::~Tagging() = default;

void Tagging::add_entry(const TagEntry& said, std::optional<std::size_t> list) {
    const auto number = static_cast<std::uint32_t>(entries_.size());
    Entry entry;
    entry.said = &said;
    entry.rule = "tagging:" + said.id;
    entry.list = list;
    entry.group = group_of(said);
    for (const auto& language : said.languages) entry.languages.push_back(plain_language(language));
    auto& group = groups_[entry.group];
    group.has_hints = group.has_hints || !said.languages.empty();
    const auto number_of = [&](const TextSearch& search) {
        std::vector<std::uint32_t> numbers;
        for (const auto& pattern : search.patterns)
            numbers.push_back(static_cast<std::uint32_t>(group.scan.add(pattern)));
        return numbers;
    };
    const auto append = [&](const std::vector<TextSearch>& searches, std::vector<std::uint32_t>& into) {
        for (const auto& search : searches)
            for (const auto pattern : number_of(search)) into.push_back(pattern);
    };
    append(said.any, entry.any);
    append(said.none, entry.none);
    for (const auto& search : said.all) entry.all.push_back(number_of(search));
    group.wakes.resize(group.scan.size());
    // What must be found in any case says when to look at the entry.
    const std::vector<std::uint32_t>* needed = &entry.any;
    if (entry.any.empty()) needed = entry.all.empty() ? nullptr : &entry.all.front();
    if (needed == nullptr)
        group.unasked.push_back(number);
    else
        for (const auto pattern : *needed) group.wakes[pattern].push_back(number);
    entries_.push_back(std::move(entry));
}

std::size_t Tagging::group_of(const TagEntry& entry) {
    std::vector<Source> sources;
    std::string key;
    for (const auto& field : entry.fields) {
        const bool strips = entry.strip_quotes.value_or(field.root == message);
        sources.push_back({field, strips});
        key += field.text + (strips ? "\nstripped\n" : "\n\n");
    }
    const auto [known, is_new] = groups_by_fields_.try_emplace(key, groups_.size());
    if (is_new) groups_.emplace_back().sources = std::move(sources);
    return known->second;
}

std::size_t Tagging::pattern_count() const {
    std::size_t count = 0;
    for (const auto& group : groups_) count += group.scan.size();
    return count;
}

std::vector<std::string> Tagging::roots() const {
    std::set<std::string> roots;
    for (const auto& group : groups_)
        for (const auto& source : group.sources)
            if (source.of_message()) roots.insert(source.field.root);
    if (file_.language) roots.insert(file_.language->root);
    return {roots.begin(), roots.end()};
}

/// One decision's.
class Tagging::Run {
public:
    Run(const Tagging& tagging, const TagMoment& moment)
        : tagging_(tagging), moment_(moment), looked_(tagging.groups_.size()) {}

    TagOutcome run() {
        const auto field = tagging_.tags_fields_.find(moment_.kind);
        // What is deleted is not worked on.
        const bool is_deletion = moment_.event_type == std::string(moment_.kind) + ".deleted";
        if (field == tagging_.tags_fields_.end() || is_deletion) return {};
        field_ = &field->second;
        find_news();
        wake();
        judge();
        write();
        if (moment_.trace) explain_all();
        return std::move(outcome_);
    }

private:
    enum class Status {
        not_looked_at,
        other_event_type,
        not_matched,
        other_language,
        conditions_not_met,
        behind_first_match,
        matched
    };

    static const char* name_of(Status status) {
        switch (status) {
            case Status::other_event_type:
                return "other_event_type";
            case Status::not_matched:
                return "not_matched";
            case Status::other_language:
                return "other_language";
            case Status::conditions_not_met:
                return "conditions_not_met";
            case Status::behind_first_match:
                return "behind_first_match";
            case Status::matched:
                return "matched";
            default:
                return "not_looked_at";
        }
    }

    /// What is known of one group's texts.
    struct Looked {
        bool applies = false;  ///< the entity is of a kind of its fields, or the message at hand has one
        bool is_news = false;  ///< one of its texts
        bool is_awake = false;
        bool has_text = false;
        PatternScan::Found found;
    };

    // ---- what is news ----

    void find_news() {
        for (std::size_t i = 0; i < looked_.size(); ++i)
            for (const auto& source : tagging_.groups_[i].sources) look_at(source, looked_[i]);
        const auto* language = language_field(moment_.kind);
        language_changed_ = language != nullptr && language->root == moment_.kind && has_changed(*language);
    }

    void look_at(const Source& source, Looked& looked) const {
        const bool is_own = source.field.root == moment_.kind;
        const bool is_sent = source.of_message() && text_at(moment_.scope, source.field) != nullptr;
        looked.applies = looked.applies || is_own || is_sent;
        looked.is_news = looked.is_news || is_sent || (is_own && has_changed(source.field));
    }

    bool has_changed(const FieldPath& field) const {
        return std::any_of(moment_.merged.begin(), moment_.merged.end(),
                           [&](const auto& change) { return touches(change.field, field.text); });
    }

    bool is_news(const Entry& entry) const {
        const auto& looked = looked_[entry.group];
        return looked.is_news || (looked.applies && language_changed_ && !entry.languages.empty());
    }

    bool is_judged(const Entry& entry) const {
        const auto& on = entry.said->on;
        return looked_[entry.group].applies && (on.empty() || any_type_fits(on, moment_.event_type));
    }

    /// A list is looked at as a whole: what one entry has found can be what another one had.
    bool is_news(const List& list) const {
        const auto worth = [&](std::size_t group) {
            return looked_[group].is_news || (language_changed_ && tagging_.groups_[group].has_hints);
        };
        if (std::none_of(list.groups.begin(), list.groups.end(), worth)) return false;
        for (auto i = list.first; i < list.last; ++i)
            if (is_news(tagging_.entries_[i]) && is_judged(tagging_.entries_[i])) return true;
        return false;
    }

    // ---- looking ----

    void wake() {
        for (std::size_t i = 0; i < looked_.size(); ++i)
            if (looked_[i].is_news || (language_changed_ && tagging_.groups_[i].has_hints)) wake(i);
        for (const auto& list : tagging_.lists_) {
            lists_news_.push_back(is_news(list));
            if (!lists_news_.back()) continue;
            for (const auto group : list.groups) wake(group);
        }
        std::sort(awake_.begin(), awake_.end());
        awake_.erase(std::unique(awake_.begin(), awake_.end()), awake_.end());
    }

    void wake(std::size_t number) {
        const auto& group = tagging_.groups_[number];
        auto& looked = looked_[number];
        if (!looked.applies || looked.is_awake) return;
        looked.is_awake = true;
        looked.found = group.scan.nothing_found();
        for (const auto& source : group.sources)
            if (source.of_message() || source.field.root == moment_.kind) scan(source, group, looked);
        if (!looked.has_text) return;
        awake_.insert(awake_.end(), group.unasked.begin(), group.unasked.end());
        for (const auto pattern : looked.found.numbers)
            awake_.insert(awake_.end(), group.wakes[pattern].begin(), group.wakes[pattern].end());
    }

    void scan(const Source& source, const Group& group, Looked& looked) {
        const auto* whole = text_at(moment_.scope, source.field);
        if (whole == nullptr) return;
        looked.has_text = true;
        const auto own = source.strips ? own_words(*whole) : std::string();
        const std::string_view text = source.strips ? own : *whole;
        const auto beginning = beginning_of(text, tagging_.file_.text_bytes_max);
        if (beginning.size() < text.size()) note_cut(source.field.text);
        group.scan.find(beginning, looked.found);
    }

    void note_cut(const std::string& field) {
        auto note = "tagging looked at the first " + std::to_string(tagging_.file_.text_bytes_max) +
                    " bytes of " + field + " (text_bytes_max)";
        if (!has(outcome_.notes, note)) outcome_.notes.push_back(std::move(note));
    }

    // ---- judging ----

    void judge() {
        for (const auto number : awake_) {
            const auto& entry = tagging_.entries_[number];
            if (entry.list ? !lists_news_[*entry.list] : !is_news(entry)) continue;
            const bool is_late =
                entry.list && tagging_.lists_[*entry.list].said->first_match && taken_.contains(*entry.list);
            if (is_late || status_of(entry) != Status::matched) continue;
            matched_.push_back(number);
            if (entry.list) taken_.insert(*entry.list);
        }
    }

    Status status_of(const Entry& entry) const {
        if (!is_judged(entry)) return Status::other_event_type;
        if (!fits(entry)) return Status::not_matched;
        if (!may_be_its_language(entry)) return Status::other_language;
        if (entry.said->when && !holds(*entry.said->when, moment_.scope)) return Status::conditions_not_met;
        return Status::matched;
    }

    bool fits(const Entry& entry) const {
        const auto& looked = looked_[entry.group];
        const auto found = [&](std::uint32_t pattern) { return looked.found.is_found[pattern] != 0; };
        const auto any_found = [&](const auto& patterns) {
            return std::any_of(patterns.begin(), patterns.end(), found);
        };
        return looked.has_text && (entry.any.empty() || any_found(entry.any)) &&
               std::all_of(entry.all.begin(), entry.all.end(), any_found) && !any_found(entry.none);
    }

    const FieldPath* language_field(std::string_view root) const {
        if (tagging_.file_.language) return &*tagging_.file_.language;
        const auto found = tagging_.language_fields_.find(root);
        return found == tagging_.language_fields_.end() ? nullptr : &found->second;
    }

    bool may_be_its_language(const Entry& entry) const {
        if (entry.languages.empty()) return true;
        const auto known = language_of(tagging_.groups_[entry.group]);
        return known.empty() || std::any_of(entry.languages.begin(), entry.languages.end(),
                                            [&](const auto& one) { return may_be_one(one, known); });
    }

    /// What a message is said to be written in goes before what its conversation is.
    std::string language_of(const Group& group) const {
        const bool is_of_message = std::any_of(group.sources.begin(), group.sources.end(),
                                               [](const Source& source) { return source.of_message(); });
        for (const auto root : {is_of_message ? message : moment_.kind, moment_.kind}) {
            const auto* field = language_field(root);
            const auto* text = field == nullptr ? nullptr : text_at(moment_.scope, *field);
            if (text != nullptr && !text->empty()) return plain_language(*text);
        }
        return "";
    }

    // ---- writing ----

    void write() {
        present_ = tags_present();
        for (const auto number : matched_) {
            const auto& entry = tagging_.entries_[number];
            if (!entry.list) add(entry.rule, entry.said->tags);
        }
        for (std::size_t i = 0; i < tagging_.lists_.size(); ++i)
            if (lists_news_[i]) write(tagging_.lists_[i]);
    }

    void write(const List& list) {
        std::vector<std::string> wanted;
        for (const auto number : matched_) {
            if (number < list.first || number >= list.last) continue;
            for (const auto& tag : tagging_.entries_[number].said->tags)
                if (!has(wanted, tag)) wanted.push_back(tag);
        }
        std::vector<std::string> dropped;
        for (const auto& tag : present_)
            if (!has(wanted, tag) && !has(dropped, tag) && may_drop(list, tag)) dropped.push_back(tag);
        if (!dropped.empty()) outcome_.writes.push_back({field_, list.rule, std::move(dropped), false});
        add(list.rule, wanted);
    }

    /// The list has it, and every entry that could have called for it was asked.
    bool may_drop(const List& list, const std::string& tag) const {
        const auto entries = list.by_tag.find(tag);
        return entries != list.by_tag.end() &&
               std::all_of(entries->second.begin(), entries->second.end(),
                           [&](std::uint32_t number) { return is_judged(tagging_.entries_[number]); });
    }

    void add(std::string_view rule, const std::vector<std::string>& tags) {
        if (tags.empty()) return;
        outcome_.writes.push_back({field_, rule, tags, true});
        present_.insert(present_.end(), tags.begin(), tags.end());
    }

    std::vector<std::string> tags_present() const {
        std::vector<std::string> tags;
        const auto* value = moment_.scope.find(*field_);
        const auto items = value == nullptr ? std::nullopt : items_of(*value, FieldType::tags);
        if (!items) return tags;
        for (const auto& item : *items)
            if (item.is_string()) tags.push_back(item.get_ref<const std::string&>());
        return tags;
    }

    // ---- saying why ----

    void explain_all() {
        outcome_.trace = Json::array();
        for (std::uint32_t i = 0; i < tagging_.entries_.size(); ++i) outcome_.trace.push_back(explained(i));
    }

    Json explained(std::uint32_t number) const {
        const auto& entry = tagging_.entries_[number];
        const auto& looked = looked_[entry.group];
        const bool was_asked = looked.is_awake && (entry.list ? lists_news_[*entry.list] : is_news(entry));
        auto status = was_asked ? status_of(entry) : Status::not_looked_at;
        if (status == Status::matched && !std::binary_search(matched_.begin(), matched_.end(), number))
            status = Status::behind_first_match;
        Json json{{"id", entry.said->id},
                  {"status", name_of(status)},
                  {"tags", entry.said->tags},
                  {"file", entry.said->place.file},
                  {"line", entry.said->place.line}};
        if (entry.list) json["list"] = tagging_.lists_[*entry.list].said->id;
        if (status == Status::conditions_not_met) json["when"] = explain(*entry.said->when, moment_.scope);
        if (was_asked && looked.has_text) json["found"] = found_of(entry);
        return json;
    }

    /// What of the entry's patterns stands in the texts, of `none` too.
    Json found_of(const Entry& entry) const {
        Json found = Json::array();
        const auto add = [&](const std::vector<TextSearch>& searches, const auto& number_of) {
            std::size_t at = 0;
            for (const auto& search : searches)
                for (const auto& pattern : search.patterns)
                    if (looked_[entry.group].found.is_found[number_of(at++)] != 0)
                        found.push_back(std::string(rules::name_of(pattern.kind)) + " " +
                                        engine::in_quotes(pattern.text));
        };
        std::vector<std::uint32_t> all;
        for (const auto& numbers : entry.all) all.insert(all.end(), numbers.begin(), numbers.end());
        add(entry.said->any, [&](std::size_t at) { return entry.any[at]; });
        add(entry.said->all, [&](std::size_t at) { return all[at]; });
        add(entry.said->none, [&](std::size_t at) { return entry.none[at]; });
        return found;
    }

    const Tagging& tagging_;
    const TagMoment& moment_;
    const FieldPath* field_ = nullptr;
    std::vector<Looked> looked_;  ///< by group
    bool language_changed_ = false;
    std::vector<bool> lists_news_;
    std::vector<std::uint32_t> awake_;    ///< entries that may match, in order
    std::vector<std::uint32_t> matched_;  ///< in order
    std::set<std::size_t> taken_;         ///< lists of which an entry has matched
    std::vector<std::string> present_;    ///< tags, with those that were added
    TagOutcome outcome_;
};

TagOutcome Tagging::apply(const TagMoment& moment) const {
    return Run(*this, moment).run();
}

}  // namespace rules
