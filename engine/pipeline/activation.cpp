#include "engine/pipeline/activation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/pipeline/rule_changes.h"

namespace engine {
namespace {

Result<StreamHead> control_head(Store& store, const TenantName& tenant) {
    const auto streams = store.streams(tenant);
    if (!streams) return streams.error();
    for (const auto& head : *streams)
        if (head.stream == control_stream) return head;
    return StreamHead();
}

/// Cases beside the rules are not what runs.
rules::Files without_tests(const rules::Files& files) {
    rules::Files kept;
    for (const auto& [path, bytes] : files)
        if (!path.starts_with("tests/")) kept[path] = bytes;
    return kept;
}

Activation activation_from(const JournalRecord& record) {
    Activation activation;
    activation.seq = record.seq;
    activation.time = record.time;
    activation.version = record.ruleset;
    activation.by.actor = record.actor;
    if (!record.body) return activation;
    const auto body = parse_json(*record.body, stored_json_limits);
    if (!body) return activation;
    activation.previous = text_or(*body, "previous", "");
    activation.by.via = text_or(*body, "via", activated_via::folder);
    activation.by.message = text_or(*body, "message", "");
    if (const auto* rules = find(*body, "rules"); rules != nullptr && rules->is_number_unsigned())
        activation.rules = rules->get<std::uint64_t>();
    if (const auto* changed = find(*body, "changed")) activation.changed = *changed;
    return activation;
}

Step activation_step(const Tenant& tenant, const std::string& previous, Json changed, const ActivatedBy& by,
                     Instant now) {
    Step step;
    step.tenant = tenant.name;
    step.time = now;
    NewRecord record;
    record.stream = control_stream;
    record.kind = record_kind::activation;
    record.ruleset = tenant.rule_set->version;
    record.actor = by.actor;
    Json body{{"version", tenant.rule_set->version},
              {"previous", previous},
              {"rules", tenant.rule_set->rules.size()},
              {"via", by.via},
              {"changed", std::move(changed)}};
    if (!by.message.empty()) body["message"] = by.message;
    record.body = canonical_json(body);
    step.records.push_back(std::move(record));
    return step;
}

/// The same again, and where it stood first.
NewRecord carried_record(const JournalRecord& activation) {
    NewRecord record;
    record.stream = control_stream;
    record.kind = record_kind::activation;
    record.ruleset = activation.ruleset;
    record.actor = activation.actor;
    auto body =
        activation.body ? parse_json(*activation.body, stored_json_limits) : Result<Json>(Json::object());
    if (!body || !body->is_object()) body = Json::object();
    if (!body->contains("carried"))
        (*body)["carried"] = Json{{"seq", activation.seq}, {"time", to_text(activation.time)}};
    record.body = canonical_json(*body);
    return record;
}

Result<rules::Files> stored_files(Store& store, const TenantName& tenant, const std::string& version) {
    if (version.empty()) return rules::Files();
    const auto files = store.rule_set(tenant, version);
    if (!files) return files.error();
    return *files ? files_from_json(**files) : rules::Files();
}

const Activation* last_of(const std::vector<Activation>& known) {
    return known.empty() ? nullptr : &known.back();
}

bool was_pushed(const Activation& activation) {
    return activation.by.via != activated_via::folder;
}

/// Whom to serve of those that have a folder.
Result<std::shared_ptr<const Tenant>> take_up_folder(Store& store, std::shared_ptr<const Tenant> folder,
                                                     const LoadOptions& load, Instant now) {
    const auto known = activations(store, folder->name);
    if (!known) return known.error();
    const auto& version = folder->rule_set->version;
    if (known->empty() || is_news(*known, version)) {
        if (const auto done = activate(store, *folder, {}, now); !done) return done.error();
        return folder;
    }
    if (known->back().version == version) return folder;
    return stored_tenant(store, folder->name, known->back().version, load);
}

}  // namespace

Result<std::vector<Activation>> activations(Store& store, const TenantName& tenant) {
    std::vector<Activation> found;
    const auto scanned = store.scan(tenant, control_stream, 0, [&found](const JournalRecord& record) {
        if (record.kind == record_kind::activation) found.push_back(activation_from(record));
        return true;
    });
    if (!scanned) return scanned.error();
    return found;
}

Result<std::string> active_version(Store& store, const TenantName& tenant) {
    auto head = control_head(store, tenant);
    if (!head) return head.error();
    for (auto seq = head->seq; seq > head->detached_seq; --seq) {
        auto record = store.record(tenant, control_stream, seq);
        if (!record) return record.error();
        if (*record && (*record)->kind == record_kind::activation) return (*record)->ruleset;
    }
    return std::string();
}

Result<std::vector<NewRecord>> carried_activations(Store& store, const TenantName& tenant,
                                                   std::uint64_t through_seq) {
    const auto known = activations(store, tenant);
    if (!known) return known.error();
    std::set<std::uint64_t> needed;
    const auto of_folder =
        std::find_if(known->rbegin(), known->rend(), [](const Activation& one) { return !was_pushed(one); });
    if (of_folder != known->rend()) needed.insert(of_folder->seq);
    if (!known->empty()) needed.insert(known->back().seq);
    std::vector<NewRecord> carried;
    for (const auto seq : needed) {
        if (seq > through_seq) continue;
        const auto record = store.record(tenant, control_stream, seq);
        if (!record) return record.error();
        if (*record) carried.push_back(carried_record(**record));
    }
    return carried;
}

Result<void> keep_rule_set(Store& store, const Tenant& tenant) {
    return store.put_rule_set(tenant.name, tenant.rule_set->version,
                              files_to_json(without_tests(tenant.files)));
}

Result<bool> activate(Store& store, const Tenant& tenant, const ActivatedBy& by, Instant now) {
    const auto previous = active_version(store, tenant.name);
    if (!previous) return previous.error();
    const auto& version = tenant.rule_set->version;
    if (*previous == version) return false;
    const auto before = stored_files(store, tenant.name, *previous);
    if (!before) return before.error();
    if (auto kept = keep_rule_set(store, tenant); !kept) return kept.error();
    pass(Failpoint::activation_kept);
    auto changed = to_json(rule_changes(*before, tenant.files));
    const Step step = activation_step(tenant, *previous, std::move(changed), by, now);
    if (const auto done = store.commit(std::span(&step, 1)); !done) return done.error();
    pass(Failpoint::activation_journaled);
    return true;
}

bool is_news(const std::vector<Activation>& known, std::string_view folder_version) {
    const auto last =
        std::find_if(known.rbegin(), known.rend(), [](const Activation& one) { return !was_pushed(one); });
    return last == known.rend() || last->version != folder_version;
}

Result<Tenants> take_up(Store& store, const Tenants& folders, const LoadOptions& load, Instant now) {
    Tenants served;
    for (const auto& [name, folder] : folders) {
        auto tenant = take_up_folder(store, folder, load, now);
        if (!tenant) return tenant.error();
        served[name] = *std::move(tenant);
    }
    const auto names = store.tenants();
    if (!names) return names.error();
    for (const auto& name : *names) {
        if (served.contains(name)) continue;
        const auto known = activations(store, name);
        if (!known) return known.error();
        const auto* last = last_of(*known);
        if (last == nullptr || !was_pushed(*last)) continue;
        auto tenant = stored_tenant(store, name, last->version, load);
        if (!tenant) return tenant.error();
        served[name] = *std::move(tenant);
    }
    return served;
}

Result<std::shared_ptr<const Tenant>> stored_tenant(Store& store, const TenantName& name,
                                                    const std::string& version, const LoadOptions& load) {
    const auto files = store.rule_set(name, version);
    if (!files) return files.error();
    if (!*files) return not_found("the store has no rule set " + version + " of tenant " + name.text());
    Diagnostics diagnostics;
    auto tenant = load_tenant(name, files_from_json(**files), load, diagnostics);
    if (tenant) return tenant;
    std::string errors;
    for (const auto& one : diagnostics.sorted())
        if (one.severity == Severity::error) errors += "\n  " + to_text(one);
    return invalid("rule set " + version + " of tenant " + name.text() + " does not compile here:" + errors);
}

Result<std::shared_ptr<const Tenant>> active_tenant(Store& store, const TenantName& name) {
    const auto version = active_version(store, name);
    if (!version) return version.error();
    if (version->empty()) return std::shared_ptr<const Tenant>();
    return stored_tenant(store, name, *version, {});
}

}  // namespace engine
