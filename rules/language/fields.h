#pragma once
/// Reads fields.yaml: a tenant's own kinds, fields and links.

#include "rules/catalogue.h"
#include "rules/language/problems.h"

namespace rules {

/// `kinds: [order]`, `fields: { ticket.custom.seats: { type: number } }`, `links: { ticket.custom.order:
/// order }`.
void read_fields(const engine::YamlNode& root, Catalogue& catalogue, Problems& problems);

std::vector<std::string> field_type_names();

}  // namespace rules
