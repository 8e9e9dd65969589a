#include "engine/pipeline/retention.h"

#include "engine/base/hash.h"

namespace engine {
namespace {

Json names_of(const RetentionPlan& plan) {
    Json names = Json::array();
    for (const auto& partition : plan.partitions) names.push_back(partition.name);
    return names;
}

}  // namespace

Json retention_json(const RetentionPlan& plan, Instant before) {
    std::uint64_t rows = 0;
    for (const auto& stream : plan.streams) rows += stream.rows;
    Json json{{"before", to_text(before)}, {"partitions", names_of(plan)}, {"rows", rows}};
    if (!plan.kept_back.empty()) json["kept_back"] = plan.kept_back;
    return json;
}

Json retention_json(const RetentionPlan& plan, Instant before, const TenantName& tenant) {
    Json streams = Json::array();
    for (const auto& stream : plan.streams)
        if (stream.tenant == tenant)
            streams.push_back({{"stream", stream.stream},
                               {"rows", stream.rows},
                               {"seq", stream.seq},
                               {"hash", to_hex(bytes_of(stream.hash))}});
    return {{"before", to_text(before)}, {"partitions", names_of(plan)}, {"streams", std::move(streams)}};
}

std::uint64_t last_gone(const RetentionPlan& plan, const TenantName& tenant, std::string_view stream) {
    for (const auto& one : plan.streams)
        if (one.tenant == tenant && one.stream == stream) return one.seq;
    return 0;
}

Error absent_row(Store& store, const TenantName& tenant, const std::string& stream, std::uint64_t seq) {
    const auto where = "row " + std::to_string(seq) + " of stream " + stream;
    const auto heads = store.streams(tenant);
    if (!heads) return heads.error();
    for (const auto& head : *heads)
        if (head.stream == stream && seq <= head.detached_seq)
            return not_found(where + " was taken away by retention; it may be in an archive");
    return {Code::corrupt, where + " is missing"};
}

}  // namespace engine
