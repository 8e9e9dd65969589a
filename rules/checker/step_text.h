#pragma once
/// Steps as a text that is the same for the same steps.

#include <string>
#include <vector>

#include "rules/rule_set.h"

namespace rules {

std::string text_of(const std::vector<Step>& steps);
std::string text_of(const Condition& condition);

}  // namespace rules
