#include "engine/pipeline/fold.h"

#include <algorithm>
#include <limits>
#include <map>
#include <span>

#include "engine/model/event.h"
#include "engine/pipeline/decide_event.h"
#include "engine/pipeline/merge.h"
#include "engine/pipeline/tenant.h"

namespace engine {
namespace {

constexpr std::size_t history_rows_max = 100'000;

/// Bodies go by erasures only: `verify` finds others.
Error without_body(const JournalRecord& record) {
    return not_found("row " + std::to_string(record.seq) + " of stream " + record.stream + " was erased");
}

/// Takes the rows of one subject, oldest first.
class Folding {
public:
    Folding(const TenantName& tenant, const Subject& subject, const TenantAt& tenant_at)
        : tenant_at_(tenant_at) {
        entity_.tenant = tenant;
        entity_.subject = subject;
    }

    Result<void> take(const JournalRecord& record) {
        if (record.kind == record_kind::event) return take_event(record);
        if (record.kind == record_kind::decision) return take_decision(record);
        if (record.kind == record_kind::delivered) return take_delivered(record);
        if (record.kind == record_kind::erasure) take_erasure(record);
        return {};
    }
    const Entity& entity() const { return entity_; }

private:
    Result<Json> body_of(const JournalRecord& record) const {
        if (!record.body) return without_body(record);
        return parse_json(*record.body, {16u << 20, 256});
    }

    Result<void> take_event(const JournalRecord& record) {
        const auto body = body_of(record);
        if (!body) return body.error();
        auto event = event_from_envelope(entity_.tenant, *body, true);
        if (!event) return event.error();
        event_ = std::move(*event);
        return {};
    }

    Result<void> take_decision(const JournalRecord& record) {
        const auto decision = body_of(record);
        if (!decision) return decision.error();
        const auto outcome = text_or(*decision, "outcome", "");
        if (outcome == "stale" || !event_ || event_->id.text() != record.cause_event) return {};
        auto tenant = tenant_at_(record.ruleset);
        if (!tenant) return tenant.error();
        if (event_->hops > (*tenant)->rule_set->options.hops_max) return {};
        auto merged = merge(entity_, *event_, (*tenant)->rule_set->catalogue);
        entity_ = std::move(merged.entity);
        apply_changes(*decision);
        entity_.version = record.entity_version;
        return {};
    }

    /// Whatever was before, the entity is what the erasure left of it.
    void take_erasure(const JournalRecord& record) {
        Entity left;
        left.tenant = entity_.tenant;
        left.subject = entity_.subject;
        left.version = record.entity_version;
        left.deleted = left.version > 0;
        entity_ = std::move(left);
        event_.reset();
    }

    void apply_changes(const Json& decision) {
        const auto* changes = find(decision, "changes");
        if (changes == nullptr) return;
        const bool written_back = decision.contains("write_back");
        for (const auto& item : *changes) {
            const Change change{text_or(item, "field", ""), item["from"], item["to"],
                                text_or(item, "rule", ""), ""};
            apply(entity_, change);
            if (!written_back) continue;
            auto& own = entity_.own_writes[change.field.substr(entity_.subject.kind().size() + 1)];
            own.before.push_back(change.from);
            own.delivery = delivery_key(*event_, 0);
        }
    }

    Result<void> take_delivered(const JournalRecord& record) {
        if (!record.cause_rule.empty()) return {};
        const auto body = body_of(record);
        if (!body) return body.error();
        const auto key = text_or(*body, "delivery.key", "");
        std::erase_if(entity_.own_writes,
                      [&](const auto& entry) { return entry.second.delivery.text() == key; });
        return {};
    }

    const TenantAt& tenant_at_;
    Entity entity_;
    std::optional<Event> event_;
};

/// The place of the last erasure before the row `stream_seq`: what is before it is gone and not needed.
std::size_t after_erasure(const std::vector<JournalRecord>& rows, std::uint64_t stream_seq) {
    std::size_t place = 0;
    for (std::size_t i = 0; i < rows.size() && rows[i].seq < stream_seq; ++i)
        if (rows[i].kind == record_kind::erasure) place = i;
    return place;
}

/// Stops before the row `stream_seq`, or after the first one that leaves `version`.
Result<Entity> fold(Store& store, const TenantName& tenant, const Subject& subject, std::uint64_t stream_seq,
                    std::uint64_t version, const TenantAt& tenant_at) {
    auto rows = store.history(tenant, subject, history_rows_max);
    if (!rows) return rows.error();
    Folding folding(tenant, subject, tenant_at);
    std::reverse(rows->begin(), rows->end());
    const auto first = after_erasure(*rows, stream_seq);
    for (const auto& row : std::span(*rows).subspan(first)) {
        if (row.seq >= stream_seq) break;
        if (auto taken = folding.take(row); !taken) return taken.error();
        const bool makes_versions = row.kind == record_kind::decision || row.kind == record_kind::erasure;
        if (version > 0 && makes_versions && row.entity_version == version) return folding.entity();
    }
    if (version > 0 && first > 0)
        return not_found("version " + std::to_string(version) + " of " + subject.text() + " was erased");
    if (version > 0)
        return not_found("the journal has no version " + std::to_string(version) + " of " + subject.text());
    return folding.entity();
}

}  // namespace

TenantAt tenants_of(Store& store, const TenantName& name) {
    auto known = std::make_shared<std::map<std::string, std::shared_ptr<const Tenant>>>();
    return [&store, name, known](const std::string& version) -> Result<std::shared_ptr<const Tenant>> {
        auto& tenant = (*known)[version];
        if (tenant) return tenant;
        auto files = store.rule_set(name, version);
        if (!files) return files.error();
        if (!*files) return not_found("the store has no rule set " + version);
        auto loaded = tenant_of_files(name, files_from_json(**files));
        if (!loaded) return loaded.error();
        tenant = *loaded;
        return tenant;
    };
}

Result<Entity> entity_before(Store& store, const TenantName& tenant, const Subject& subject,
                             std::uint64_t stream_seq, const TenantAt& tenant_at) {
    return fold(store, tenant, subject, stream_seq, 0, tenant_at);
}

Result<Entity> entity_at(Store& store, const TenantName& tenant, const Subject& subject,
                         std::uint64_t version, const TenantAt& tenant_at) {
    return fold(store, tenant, subject, std::numeric_limits<std::uint64_t>::max(), version, tenant_at);
}

}  // namespace engine
