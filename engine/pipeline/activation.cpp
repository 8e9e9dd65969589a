#include "engine/pipeline/activation.h"

#include "engine/pipeline/tenant.h"

namespace engine {
namespace {

Result<std::uint64_t> control_head(Store& store, const TenantName& tenant) {
    const auto streams = store.streams(tenant);
    if (!streams) return streams.error();
    for (const auto& head : *streams)
        if (head.stream == control_stream) return head.seq;
    return std::uint64_t{0};
}

/// Cases beside the rules are not what runs.
rules::Files without_tests(const rules::Files& files) {
    rules::Files kept;
    for (const auto& [path, bytes] : files)
        if (!path.starts_with("tests/")) kept[path] = bytes;
    return kept;
}

Step activation_step(const Tenant& tenant, const std::string& previous, Instant now) {
    Step step;
    step.tenant = tenant.name;
    step.time = now;
    NewRecord record;
    record.stream = control_stream;
    record.kind = record_kind::activation;
    record.ruleset = tenant.rule_set->version;
    record.actor = "engine";
    record.body = canonical_json(Json{{"version", tenant.rule_set->version},
                                      {"previous", previous},
                                      {"rules", tenant.rule_set->rules.size()}});
    step.records.push_back(std::move(record));
    return step;
}

}  // namespace

Result<std::string> active_version(Store& store, const TenantName& tenant) {
    auto head = control_head(store, tenant);
    if (!head) return head.error();
    for (auto seq = *head; seq > 0; --seq) {
        auto record = store.record(tenant, control_stream, seq);
        if (!record) return record.error();
        if (*record && (*record)->kind == record_kind::activation) return (*record)->ruleset;
    }
    return std::string();
}

Result<void> activate_if_new(Store& store, const Tenant& tenant, Instant now) {
    auto previous = active_version(store, tenant.name);
    if (!previous) return previous.error();
    if (*previous == tenant.rule_set->version) return {};
    const auto files = files_to_json(without_tests(tenant.files));
    if (auto put = store.put_rule_set(tenant.name, tenant.rule_set->version, files); !put) return put.error();
    const Step step = activation_step(tenant, *previous, now);
    return store.commit(std::span(&step, 1));
}

}  // namespace engine
