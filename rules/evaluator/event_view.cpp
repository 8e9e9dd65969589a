#include "rules/evaluator/event_view.h"

#include <utility>

#include "rules/evaluator/condition.h"

namespace rules {

using engine::Json;

const Json* EventView::find(std::span<const std::string> keys) const {
    if (keys.empty()) return &whole();
    if (keys.front() == "data") return find_below(event_.data, keys.subspan(1));
    return find_below(attributes(), keys);
}

void EventView::set_type(std::string type) {
    type_ = std::move(type);
    attributes_ = Json();
    whole_ = Json();
}

const Json& EventView::attributes() const {
    if (!attributes_.is_null()) return attributes_;
    attributes_ = {{"id", event_.id.text()},
                   {"type", type_},
                   {"source", event_.source},
                   {"subject", event_.subject.text()},
                   {"time", engine::to_text(event_.occurred())}};
    if (!event_.connection.empty()) attributes_["connection"] = event_.connection;
    if (!event_.actor.empty()) attributes_["actor"] = event_.actor;
    return attributes_;
}

Json EventView::made() const {
    auto made = attributes();
    made["data"] = event_.data;
    return made;
}

const Json& EventView::whole() const {
    if (whole_.is_null()) whole_ = made();
    return whole_;
}

}  // namespace rules
