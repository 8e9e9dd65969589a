#pragma once
/// What a fuzzer does with a finding.

#include <cstdio>
#include <cstdlib>
#include <string>

namespace fuzz {

/// Says what is wrong and ends the process, upon which libFuzzer keeps the input.
[[noreturn]] inline void finding(const std::string& what) {
    std::fprintf(stderr, "finding: %s\n", what.c_str());
    std::abort();
}

}  // namespace fuzz
