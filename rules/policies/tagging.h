#pragma once
/// Tagging: gives an entity the tags that its texts call for, before rules run. Pure.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/model/change.h"
#include "rules/evaluator/condition.h"
#include "rules/policies/pattern_scan.h"
#include "rules/rule_set.h"

namespace rules {

/// Found when one of its patterns is.
struct TextSearch {
    std::vector<TextPattern> patterns;
    engine::Place place;
};

/// Gives its tags to an entity of whose texts one holds something of `any` (if there is any), one something
/// of each of `all`, and none anything of `none`. What is no text is not there; where none is, it never
/// matches.
struct TagEntry {
    std::string id;
    std::vector<std::string> tags;
    std::vector<std::string> on;  ///< event types or globs; empty = all that bring a text of its fields
    std::optional<Condition> when;
    std::vector<FieldPath> fields;     ///< of entities, of which only the subject's count, and of the message
    std::optional<bool> strip_quotes;  ///< nothing = of texts of the message
    std::vector<std::string> languages;  ///< empty = of whichever language
    std::vector<TextSearch> any;
    std::vector<TextSearch> all;
    std::vector<TextSearch> none;
    engine::Place place;
};

/// Owns the tags of its entries: takes away those whose entries do not match any more, and no others.
struct TagList {
    std::string id;
    bool first_match = false;  ///< only the first entry that matches counts
    std::vector<TagEntry> entries;
    engine::Place place;
};

struct TaggingFile {
    std::vector<TagEntry> add;
    std::vector<TagList> set;
    std::optional<FieldPath> language;       ///< nothing = the message's, else that of the subject's kind
    std::size_t text_bytes_max = 64 * 1024;  ///< of a longer text the beginning is looked at
};

/// What is at hand as a decision begins. Borrowed.
struct TagMoment {
    std::string_view event_type;
    std::string_view kind;                      ///< of the subject
    const std::vector<engine::Change>& merged;  ///< what is news
    const Scope& scope;                         ///< has `message` if the event brings one
    bool trace = false;
};

/// One write of one entry or list. Borrows from the Tagging.
struct TagWrite {
    const FieldPath* field = nullptr;
    std::string_view rule;  ///< `tagging:<id>`
    std::vector<std::string> tags;
    bool add = true;
};

struct TagOutcome {
    std::vector<TagWrite> writes;  ///< in order: what is added, then list by list what goes and what comes
    std::vector<std::string> notes;
    /// `[{"id","list"?,"status","found"?,"tags","file","line"}]`; null unless asked for.
    engine::Json trace;
};

/// Immutable; any thread. Entries that look at the same fields are looked for in one pass over each text.
class Tagging {
public:
    Tagging(TaggingFile file, const Catalogue& catalogue);
    ~Tagging();
    Tagging(const Tagging&) = delete;
    Tagging& operator=(const Tagging&) = delete;

    TagOutcome apply(const TagMoment& moment) const;

    const TaggingFile& file() const { return file_; }
    std::size_t pattern_count() const;
    /// What entries read beside the event's own entity: the message, and where the language stands.
    std::vector<std::string> roots() const;

private:
    class Run;
    struct Source;
    struct Group;
    struct Entry;
    struct List;

    void add_entry(const TagEntry& entry, std::optional<std::size_t> list);
    std::size_t group_of(const TagEntry& entry);

    TaggingFile file_;
    std::map<std::string, FieldPath, std::less<>> tags_fields_;      ///< by kind
    std::map<std::string, FieldPath, std::less<>> language_fields_;  ///< by kind, and of `message`
    std::vector<Group> groups_;
    std::map<std::string, std::size_t> groups_by_fields_;
    std::vector<Entry> entries_;  ///< of `add`, then of each list
    std::vector<List> lists_;
};

}  // namespace rules
