#pragma once
/// Reads later moments, and the calendars that rules name.

#include <memory>
#include <optional>
#include <string>

#include "rules/language/context.h"

namespace rules {

/// The calendar that the node names; null, with dangling-calendar reported, when there is none.
std::shared_ptr<const Calendar> read_calendar_name(const engine::YamlNode& node, const std::string& what,
                                                   RuleContext& context);
std::shared_ptr<const Calendar> read_calendar_name(const engine::YamlNode& node, const std::string& what,
                                                   const Calendars& calendars, Problems& problems);

/// What the two keys are called.
struct MomentKeys {
    std::string after;
    std::string at;
};
/// Of a map that has one of the keys, and perhaps `calendar`; other keys are not looked at.
std::optional<Moment> read_moment(const engine::YamlNode& map, const std::string& what,
                                  const MomentKeys& keys, RuleContext& context);
/// A span alone: `30m`.
std::optional<Moment> read_span(const engine::YamlNode& node, const std::string& what, RuleContext& context);

}  // namespace rules
