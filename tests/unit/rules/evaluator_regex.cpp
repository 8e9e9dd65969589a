#include <string>

#include "rules/evaluator/regex.h"
#include "tests/support/catch.h"

namespace evaluator_regex {

using rules::Regex;

TEST_CASE("regex: a pattern is found anywhere", "[regex]") {
    const auto pattern = Regex::compile("ref[0-9]+", true);
    REQUIRE(pattern);
    CHECK(pattern->found_in("see ref42 please"));
    CHECK_FALSE(pattern->found_in("see REF42"));
    CHECK_FALSE(pattern->found_in(""));
    CHECK(pattern->pattern() == "ref[0-9]+");
}

TEST_CASE("regex: case folds unless it is asked for", "[regex]") {
    const auto pattern = Regex::compile("^äpfel$", false);
    REQUIRE(pattern);
    CHECK(pattern->found_in("ÄPFEL"));
    CHECK_FALSE(pattern->found_in("ÄPFEL "));
}

TEST_CASE("regex: copies share the program", "[regex]") {
    auto pattern = Regex::compile("a.c", true);
    REQUIRE(pattern);
    const Regex copy = *pattern;
    pattern = Regex::compile("zzz", true);
    CHECK(copy.found_in("xabcx"));
}

TEST_CASE("regex: a wrong pattern is refused with the reason", "[regex]") {
    for (const auto* wrong : {"(", "a{2,1}", "[z-a]", "(?<name>x", "\\8", "(?=look)"}) {
        const auto pattern = Regex::compile(wrong, true);
        INFO(wrong);
        REQUIRE_FALSE(pattern);
        CHECK(pattern.error().code == engine::Code::invalid_input);
        CHECK(pattern.error().message.find(wrong) != std::string::npos);
    }
}

TEST_CASE("regex: a program that is too large is refused", "[regex]") {
    for (const auto* large : {"(\\pL{100}){5}", "\\pL{900}", "(abc|\\pN){900}"}) {
        const auto pattern = Regex::compile(large, false);
        INFO(large);
        REQUIRE_FALSE(pattern);
        CHECK(pattern.error().code == engine::Code::exhausted);
    }
    CHECK_FALSE(Regex::compile("((a{100}){100}){100}", true));
}

TEST_CASE("regex: patterns that ruin backtracking engines stay linear", "[regex]") {
    const auto pattern = Regex::compile("^(a+)+$|(a|aa)+$|(.*a){12}b", true);
    REQUIRE(pattern);
    CHECK_FALSE(pattern->found_in(std::string(20'000, 'a') + "!"));
}

TEST_CASE("regex: bytes that are no UTF-8 do no harm", "[regex]") {
    const auto pattern = Regex::compile("x.z", true);
    REQUIRE(pattern);
    CHECK_FALSE(pattern->found_in("x\xFF\xFEz"));
    CHECK(pattern->found_in("\xFFxyz\xC3"));
}

}  // namespace evaluator_regex
