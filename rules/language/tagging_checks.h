#pragma once
/// What in tagging.yaml is probably not meant.

#include "rules/language/problems.h"
#include "rules/policies/tagging.h"

namespace rules {

/// Warns of entries that can never match, of those that are there twice, and of tags that a list takes away
/// while something else gives them.
void check_tagging(const TaggingFile& file, const Catalogue& catalogue, Problems& problems);

}  // namespace rules
