#include "engine/app/file_diff.h"

#include <dtl/dtl.hpp>
#include <set>
#include <sstream>
#include <vector>

namespace engine::app {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

const std::string* content_of(const rules::Files& files, const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : &found->second;
}

std::string head_of(const std::string& path, const std::string* before, const std::string* after) {
    return "--- " + (before != nullptr ? "a/" + path : std::string("/dev/null")) + "\n+++ " +
           (after != nullptr ? "b/" + path : std::string("/dev/null")) + "\n";
}

/// Of a file that is only on one side.
std::string whole(const Lines& lines, char sign) {
    const auto range = "1," + std::to_string(lines.size());
    std::string out = sign == '+' ? "@@ -0,0 +" + range + " @@\n" : "@@ -" + range + " +0,0 @@\n";
    for (const auto& line : lines) out += sign + line + "\n";
    return out;
}

std::string hunks_of(const Lines& before, const Lines& after) {
    dtl::Diff<std::string> diff(before, after);
    diff.compose();
    diff.composeUnifiedHunks();
    std::ostringstream out;
    diff.printUnifiedFormat(out);
    return out.str();
}

std::string diff_of(const std::string& path, const std::string* before, const std::string* after,
                    std::size_t lines_max) {
    const auto old_lines = lines_of(before != nullptr ? *before : "");
    const auto new_lines = lines_of(after != nullptr ? *after : "");
    if (old_lines.size() > lines_max || new_lines.size() > lines_max)
        return head_of(path, before, after) + "differs in more than " + std::to_string(lines_max) +
               " lines\n";
    const auto hunks = before == nullptr  ? whole(new_lines, '+')
                       : after == nullptr ? whole(old_lines, '-')
                                          : hunks_of(old_lines, new_lines);
    return head_of(path, before, after) + hunks;
}

}  // namespace

std::string unified_diff(const rules::Files& before, const rules::Files& after, std::size_t lines_max) {
    std::set<std::string> paths;
    for (const auto& [path, bytes] : before) paths.insert(path);
    for (const auto& [path, bytes] : after) paths.insert(path);
    std::string out;
    for (const auto& path : paths) {
        const auto* old_bytes = content_of(before, path);
        const auto* new_bytes = content_of(after, path);
        const bool same = old_bytes != nullptr && new_bytes != nullptr && *old_bytes == *new_bytes;
        if (!same && !path.starts_with("tests/")) out += diff_of(path, old_bytes, new_bytes, lines_max);
    }
    return out;
}

}  // namespace engine::app
