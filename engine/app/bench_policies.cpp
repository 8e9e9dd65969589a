#include "engine/app/bench_policies.h"

#include "engine/app/render.h"

namespace engine::app {
namespace {

std::string spread_text(const Spread& spread, int digits) {
    return rounded(spread.median, digits) + " (" + rounded(spread.from, digits) + " to " +
           rounded(spread.to, digits) + ")";
}

std::string pairs_text(const Json& values) {
    std::string text;
    for (const auto& [name, value] : values.items())
        text += (text.empty() ? "" : ", ") + name + " " +
                (value.is_number_float() ? rounded(value.get<double>(), 1) : value.dump());
    return text;
}

}  // namespace

Json to_json(const PolicyBenchRow& row) {
    Json json{{"what", row.what},
              {"floor", row.floor},
              {"sizes", row.sizes},
              {"us", row.cost.us.median},
              {"us_from", row.cost.us.from},
              {"us_to", row.cost.us.to},
              {"per_s", 1e6 / row.cost.us.median},
              {"floor_us", row.cost.floor_us.median},
              {"ratio", row.cost.ratio.median},
              {"ratio_from", row.cost.ratio.from},
              {"ratio_to", row.cost.ratio.to}};
    json.update(row.more);
    return json;
}

std::string render(const PolicyBenchRow& row) {
    auto text = row.what + "; " + pairs_text(row.sizes) + "\n  cost    " + spread_text(row.cost.us, 1) +
                " us, " + rounded(1e6 / row.cost.us.median, 0) + " a second\n  floor   " +
                spread_text(row.cost.floor_us, 1) + " us: " + row.floor + "\n  ratio   " +
                spread_text(row.cost.ratio, 2) + "\n";
    if (!row.more.empty()) text += "  " + pairs_text(row.more) + "\n";
    return text;
}

}  // namespace engine::app
