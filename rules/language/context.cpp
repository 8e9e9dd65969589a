#include "rules/language/context.h"

#include <algorithm>

#include "engine/base/text.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::Place;

bool has_empty_key(const engine::Path& keys) {
    return std::any_of(keys.begin(), keys.end(), [](const std::string& key) { return key.empty(); });
}

/// What a name without its kind most likely is: a field of the event's own entity, or a group of conditions.
std::string whole_name_of(const std::string& text, const RuleContext& context) {
    if (text == "or") return "any";
    if (text == "and") return "all";
    if (text.find('.') != std::string::npos) return "";
    for (const auto& kind : context.subject_kinds)
        if (context.catalogue.find(kind + "." + text) != nullptr) return kind + "." + text;
    return "";
}

std::nullopt_t unknown_field(const std::string& text, const Place& place, RuleContext& context) {
    const auto whole = whole_name_of(text, context);
    const auto hint = whole.empty() ? context.problems.hint(text, context.catalogue.paths_like(text))
                                    : engine::did_you_mean(whole);
    context.problems.error("unknown-field", place, "unknown field " + in_quotes(text) + hint);
    return std::nullopt;
}

/// An undeclared field of a tenant's own whose name is almost that of a declared one.
void warn_of_near_miss(const std::string& text, const Place& place, RuleContext& context) {
    const auto near = context.catalogue.near_miss(text);
    if (!near.empty())
        context.problems.warning(
            "undeclared-field", place,
            in_quotes(text) + " is not declared in fields.yaml" + engine::did_you_mean(near));
}

std::optional<FieldPath> read_result(FieldPath path, const Place& place, RuleContext& context) {
    const auto& keys = path.keys;
    if (keys.size() < 2 || keys[1] != "result") {
        context.problems.error("unknown-field", place,
                               "unknown field " + in_quotes(path.text) +
                                   ": an earlier step's result is read as steps.<as>.result");
        return std::nullopt;
    }
    if (!context.results.contains(keys[0])) {
        const std::vector<std::string> known(context.results.begin(), context.results.end());
        context.problems.error("dangling-step-result", place,
                               "no earlier step of this rule is named " + in_quotes(keys[0]) + " with as" +
                                   context.problems.hint(keys[0], known));
        return std::nullopt;
    }
    context.reads.insert(keys[0]);
    return path;
}

std::nullopt_t refuse_write(const std::string& text, const Place& place, const std::string& why,
                            RuleContext& context) {
    context.problems.error("wrong-entity", place, in_quotes(text) + " cannot be written here: " + why);
    return std::nullopt;
}

std::string names_of(const std::set<std::string>& kinds) {
    return engine::join({kinds.begin(), kinds.end()}, " or ");
}

}  // namespace

std::set<std::string> subject_kinds_of(const std::vector<std::string>& on, const Catalogue& catalogue) {
    std::set<std::string> kinds;
    for (const auto& type : on) {
        const auto kind = type.substr(0, type.find('.'));
        if (kind.size() == type.size() || !catalogue.is_entity(kind)) return {};
        kinds.insert(kind);
    }
    return kinds;
}

std::optional<FieldPath> read_path(const std::string& text, const Place& place, RuleContext& context) {
    auto keys = engine::path_of(text);
    if (keys.empty() || has_empty_key(keys)) return unknown_field(text, place, context);
    FieldPath path{text, keys.front(), {keys.begin() + 1, keys.end()}, FieldType::any};
    if (path.root == "steps") return read_result(std::move(path), place, context);
    if (context.further_roots.contains(path.root)) return path;
    if (path.keys.empty() && (path.root == "event" || context.catalogue.has_kind(path.root))) {
        path.type = FieldType::object;
        return path;
    }
    const Field* field = context.catalogue.find(text);
    if (field == nullptr) return unknown_field(text, place, context);
    path.type = field->type;
    warn_of_near_miss(text, place, context);
    return path;
}

std::optional<FieldPath> read_target(const std::string& text, const Place& place, RuleContext& context) {
    auto path = read_path(text, place, context);
    if (!path) return std::nullopt;
    if (!context.catalogue.is_entity(path->root))
        return refuse_write(text, place, "a decision writes only fields of its own entity", context);
    if (path->keys.empty()) return refuse_write(text, place, "name a field of it", context);
    if (path->keys == engine::Path{"id"}) return refuse_write(text, place, "an entity keeps its id", context);
    const auto& kinds = context.subject_kinds;
    if (!kinds.empty() && !kinds.contains(path->root))
        return refuse_write(text, place,
                            "a decision on " + context.events + " writes only its own " + names_of(kinds),
                            context);
    return path;
}

std::vector<std::string> kinds_with(const std::vector<std::string>& names, const Place& place,
                                    RuleContext& context) {
    const bool known = !context.subject_kinds.empty();
    const auto& own = context.subject_kinds;
    std::vector<std::string> found;
    for (const auto& kind :
         known ? std::vector<std::string>(own.begin(), own.end()) : context.catalogue.kinds()) {
        const auto lacks = [&](const std::string& name) {
            return !context.catalogue.is_entity(kind) || context.catalogue.find(kind + "." + name) == nullptr;
        };
        const auto missing = std::find_if(names.begin(), names.end(), lacks);
        if (missing == names.end())
            found.push_back(kind);
        else if (known)
            context.problems.error("unknown-field", place,
                                   "a " + kind + " has no field " + in_quotes(*missing));
    }
    return found;
}

}  // namespace rules
