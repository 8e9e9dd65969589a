#include "engine/model/change.h"

namespace engine {

Json to_json(const Change& change) {
    Json json{{"field", change.field}, {"from", change.from}, {"to", change.to}};
    if (!change.rule.empty()) json["rule"] = change.rule;
    return json;
}

}  // namespace engine
