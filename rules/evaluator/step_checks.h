#pragma once
/// What steps of a rule and requests of a script are held to alike.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/action_signature.h"
#include "engine/model/subject.h"
#include "rules/rule_set.h"

namespace rules {

/// `actions_max (64), which `limits` in tenant.yaml raises`: of one of the limits that a rule set has.
std::string named_limit(const std::string& limit, std::size_t value);
engine::Error limit_reached(const std::string& limit, int value);
/// Names that a rule may give: short, printable, and none of those that waits and policies use.
bool is_timer_name(std::string_view name);
engine::Error no_timer_name(const std::string& what, const std::string& name);
/// An event that rules make: of a printable type without spaces, and none that writes a tenant's own value.
engine::Result<void> check_event(const std::string& type, const engine::Subject& subject);
/// A rule on several kinds of event may name a field that the entity at hand does not have. Fails with
/// invalid_input then.
engine::Result<void> check_own(const FieldPath& field, const engine::Subject& subject);
/// The field as the catalogue knows it; of type any when it does not.
FieldPath field_named(const Catalogue& catalogue, const std::string& text);

/// `slack.post_message` of the tenant's connections. Fails with invalid_input naming the nearest.
engine::Result<const engine::ActionSignature*> action_named(const engine::ConnectionSignatures& connections,
                                                            const std::string& call);
/// Whether the action takes a parameter of that name. Fails with invalid_input naming the nearest.
engine::Result<void> check_parameter(const std::string& call, const engine::ActionSignature& action,
                                     const std::string& name);

}  // namespace rules
