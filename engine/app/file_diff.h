#pragma once
/// What has changed between two sets of files, as a unified diff. The home of dtl.

#include <cstddef>
#include <string>

#include "rules/language/load.h"

namespace engine::app {

/// In the format of `diff -u`, three lines of context, files by path; cases in `tests/` are left out. Of a
/// file with more than `lines_max` lines it is only said that it differs. Empty when nothing differs.
std::string unified_diff(const rules::Files& before, const rules::Files& after,
                         std::size_t lines_max = 20'000);

}  // namespace engine::app
