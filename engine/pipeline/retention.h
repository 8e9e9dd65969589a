#pragma once
/// Retention: what is taken away from the journal, in words for operators and for the journal.

#include <string_view>

#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/store/store.h"

namespace engine {

/// `{"before": …, "partitions": [names], "rows": n, "kept_back"?: why others stay}`.
Json retention_json(const RetentionPlan& plan, Instant before);
/// The same for the tenant's journal, with its `"streams": [{"stream", "rows", "seq", "hash"}]`: the last row
/// of each that is gone.
Json retention_json(const RetentionPlan& plan, Instant before, const TenantName& tenant);

/// The last row of the tenant's stream that goes; 0 when none does.
std::uint64_t last_gone(const RetentionPlan& plan, const TenantName& tenant, std::string_view stream);

/// What an absent row means: not_found, naming retention, when that took it away; else corrupt.
Error absent_row(Store& store, const TenantName& tenant, const std::string& stream, std::uint64_t seq);

}  // namespace engine
