#include "engine/pipeline/work.h"

namespace engine {
namespace {

Json member(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? Json() : *found;
}

Json presets_json(const std::vector<rules::PresetWrite>& presets) {
    Json list = Json::array();
    for (const auto& preset : presets)
        list.push_back({{"field", preset.field}, {"value", preset.value}, {"rule", preset.rule}});
    return list;
}

Json changes_json(const std::vector<Change>& changes) {
    Json list = Json::array();
    for (const auto& change : changes)
        list.push_back(
            {{"field", change.field}, {"from", change.from}, {"to", change.to}, {"actor", change.actor}});
    return list;
}

}  // namespace

bool is_own_source(std::string_view source) {
    return source.starts_with(own_source);
}

Json context_of(const Work& work) {
    Json context = Json::object();
    if (!work.presets.empty()) context["presets"] = presets_json(work.presets);
    if (work.resume) context["resume"] = to_json(work.resume->continuation);
    if (!work.retried_changes.empty()) context["changes"] = changes_json(work.retried_changes);
    return context;
}

Work work_of(std::shared_ptr<const Event> shared) {
    Work work;
    work.event = std::move(shared);
    const Event& event = *work.event;
    const auto context = event.extensions.find(context_extension);
    if (context == event.extensions.end() || !context->is_object() || !is_own_source(event.source))
        return work;
    if (const auto presets = context->find("presets"); presets != context->end())
        for (const auto& preset : *presets)
            work.presets.push_back(
                {text_or(preset, "field", ""), member(preset, "value"), text_or(preset, "rule", "")});
    if (const auto resume = context->find("resume"); resume != context->end())
        if (auto continuation = continuation_from_json(*resume))
            work.resume = rules::Resume{std::move(*continuation)};
    if (const auto changes = context->find("changes"); changes != context->end())
        for (const auto& change : *changes)
            work.retried_changes.push_back({text_or(change, "field", ""), member(change, "from"),
                                            member(change, "to"), "", text_or(change, "actor", "")});
    return work;
}

}  // namespace engine
