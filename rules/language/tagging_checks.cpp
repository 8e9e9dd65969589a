#include "rules/language/tagging_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "engine/base/text.h"
#include "rules/language/context.h"

namespace rules {
namespace {

using engine::in_quotes;

/// The text as the other pattern sees it, if that other one sees enough of it.
std::string seen_by(const TextPattern& other, const TextPattern& pattern) {
    auto plain = pattern;
    plain.case_sensitive = other.case_sensitive;
    return sought_text(plain);
}

/// Certain that whatever text `narrow` is found in, `wide` is found in it too.
bool implies(const TextPattern& narrow, const TextPattern& wide) {
    if (narrow.kind == TextPattern::Kind::min_chars && wide.kind == TextPattern::Kind::min_chars)
        return narrow.chars >= wide.chars;
    const bool is_looser = !wide.case_sensitive || narrow.case_sensitive;
    if (!is_looser) return false;
    if (narrow.kind == wide.kind && seen_by(wide, narrow) == sought_text(wide)) return true;
    // The blanks of a phrase may be others in the text.
    if (!is_literal(narrow.kind) || narrow.kind == TextPattern::Kind::phrase) return false;
    if (wide.kind == TextPattern::Kind::contains) return found_in(wide, narrow.text);
    // Inside a word's own text, ends and neighbours are known.
    if (wide.kind == TextPattern::Kind::word || wide.kind == TextPattern::Kind::phrase)
        return narrow.kind == TextPattern::Kind::word && found_in(wide, narrow.text);
    if (wide.kind == TextPattern::Kind::starts_with)
        return narrow.kind == TextPattern::Kind::starts_with && found_in(wide, narrow.text);
    return wide.kind == TextPattern::Kind::ends_with && narrow.kind == TextPattern::Kind::ends_with &&
           found_in(wide, narrow.text);
}

std::string words_of(const TextPattern& pattern) {
    return std::string(name_of(pattern.kind)) + ": " +
           (pattern.kind == TextPattern::Kind::min_chars ? pattern.text : in_quotes(pattern.text));
}

/// The pattern of `none` that is found whenever this one is.
const TextPattern* excluded_by(const TextPattern& pattern, const TagEntry& entry) {
    for (const auto& search : entry.none)
        for (const auto& excluded : search.patterns)
            if (implies(pattern, excluded)) return &excluded;
    return nullptr;
}

/// A pattern that is looked for, and the one under `none` that goes with it.
struct Exclusion {
    const TextPattern* wanted = nullptr;
    const TextPattern* excluded = nullptr;
};

/// None of them can be found without something of `none`; `shown` is one that shows it.
bool are_all_excluded(std::span<const TextSearch> searches, const TagEntry& entry, Exclusion& shown) {
    bool is_any = false;
    for (const auto& search : searches)
        for (const auto& pattern : search.patterns) {
            is_any = true;
            const auto* excluded = excluded_by(pattern, entry);
            if (excluded == nullptr) return false;
            shown = {&pattern, excluded};
        }
    return is_any;
}

class Checker {
public:
    Checker(const TaggingFile& file, const Catalogue& catalogue, Problems& problems)
        : file_(file), catalogue_(catalogue), problems_(problems) {}

    void check() {
        for (const auto& entry : file_.add) check_entry(entry);
        for (const auto& list : file_.set)
            for (const auto& entry : list.entries) check_entry(entry);
        check_shared();
        check_twice(file_.add, "add");
        for (const auto& list : file_.set) check_twice(list.entries, list.id);
    }

private:
    void check_entry(const TagEntry& entry) {
        check_exclusion(entry);
        check_kinds(entry);
    }

    void never(const engine::Place& place, const TagEntry& entry, const std::string& why) {
        problems_.warning("never-matches", place, in_quotes(entry.id) + " never matches: " + why);
    }

    void check_exclusion(const TagEntry& entry) {
        Exclusion shown;
        const auto report = [&](const engine::Place& place) {
            never(place, entry,
                  "where " + words_of(*shown.wanted) + " is found, so is " + words_of(*shown.excluded) +
                      " under none");
        };
        if (are_all_excluded(entry.any, entry, shown)) return report(entry.any.front().place);
        for (const auto& search : entry.all)
            if (are_all_excluded(std::span(&search, 1), entry, shown)) return report(search.place);
    }

    void check_kinds(const TagEntry& entry) {
        std::set<std::string> kinds;
        for (const auto& field : entry.fields) kinds.insert(field.root);
        const auto events = subject_kinds_of(entry.on, catalogue_);
        const bool is_known = !entry.on.empty() && !events.empty() && !kinds.contains("message");
        if (!is_known) return;
        const bool meet = std::any_of(kinds.begin(), kinds.end(),
                                      [&](const std::string& kind) { return events.contains(kind); });
        if (!meet)
            never(entry.place, entry,
                  "its events (" + engine::join(entry.on, ", ") + ") are about other kinds than its fields");
    }

    /// What one gives and another takes away.
    void check_shared() {
        std::map<std::string, const TagList*> owners;
        for (const auto& list : file_.set)
            for (const auto& entry : list.entries)
                for (const auto& tag : entry.tags) {
                    const auto owner = owners.try_emplace(tag, &list).first->second;
                    if (owner != &list) shared(entry, tag, *owner);
                }
        for (const auto& entry : file_.add)
            for (const auto& tag : entry.tags)
                if (const auto owner = owners.find(tag); owner != owners.end())
                    shared(entry, tag, *owner->second);
    }

    void shared(const TagEntry& entry, const std::string& tag, const TagList& owner) {
        problems_.warning("shared-tag", entry.place,
                          "the tag " + in_quotes(tag) + " is one of the list " + in_quotes(owner.id) +
                              " (line " + std::to_string(owner.place.line) +
                              "), which takes it away again where its own entries do not match");
    }

    void check_twice(const std::vector<TagEntry>& entries, const std::string& where) {
        std::map<std::string, const TagEntry*> known;
        for (const auto& entry : entries) {
            const auto [first, is_new] = known.try_emplace(text_of(entry), &entry);
            if (!is_new)
                problems_.warning("duplicate-entry", entry.place,
                                  in_quotes(entry.id) + " looks for the same as " +
                                      in_quotes(first->second->id) + " in line " +
                                      std::to_string(first->second->place.line) + ", both under " + where);
        }
    }

    static std::string text_of(const std::vector<TextSearch>& searches, bool together) {
        std::set<std::string> parts;
        for (const auto& search : searches) {
            std::set<std::string> patterns;
            for (const auto& pattern : search.patterns)
                patterns.insert(std::string(name_of(pattern.kind)) + (pattern.case_sensitive ? "!" : "?") +
                                sought_text(pattern));
            if (together)
                parts.insert(patterns.begin(), patterns.end());
            else
                parts.insert(engine::join({patterns.begin(), patterns.end()}, "\n"));
        }
        return engine::join({parts.begin(), parts.end()}, "\n\n");
    }

    /// What it does and when, but for conditions on other things: entries with some are told apart by place.
    static std::string text_of(const TagEntry& entry) {
        const std::set<std::string> tags(entry.tags.begin(), entry.tags.end());
        std::set<std::string> fields;
        for (const auto& field : entry.fields) fields.insert(field.text);
        std::vector<std::string> parts{engine::join({tags.begin(), tags.end()}, "\n"),
                                       engine::join({fields.begin(), fields.end()}, "\n"),
                                       engine::join(entry.on, "\n"),
                                       engine::join(entry.languages, "\n"),
                                       entry.strip_quotes ? (*entry.strip_quotes ? "strip" : "whole") : "",
                                       text_of(entry.any, true),
                                       text_of(entry.all, false),
                                       text_of(entry.none, true),
                                       entry.when ? std::to_string(entry.place.line) : ""};
        return engine::join(parts, "\n\n\n");
    }

    const TaggingFile& file_;
    const Catalogue& catalogue_;
    Problems& problems_;
};

}  // namespace

void check_tagging(const TaggingFile& file, const Catalogue& catalogue, Problems& problems) {
    Checker(file, catalogue, problems).check();
}

}  // namespace rules
