// Differences of rule files as people read them.

#include "engine/app/file_diff.h"

#include "tests/support/catch.h"

namespace file_diff_test {

using engine::app::unified_diff;

TEST_CASE("file diff: changed, added and removed files as diff -u writes them, cases left out", "[diff]") {
    const rules::Files before{{"a.yaml", "one\ntwo\nthree\n"}, {"gone.yaml", "x\n"}, {"same.yaml", "s\n"}};
    const rules::Files after{{"a.yaml", "one\n2\nthree\n"},
                             {"new.yaml", "y\n"},
                             {"same.yaml", "s\n"},
                             {"tests/a.yaml", "cases: []\n"}};
    CHECK(unified_diff(before, after) ==
          "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
          "--- a/gone.yaml\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n"
          "--- /dev/null\n+++ b/new.yaml\n@@ -0,0 +1,1 @@\n+y\n");
    CHECK(unified_diff(after, after).empty());
}

TEST_CASE("file diff: of a file that is too long it is said that it differs", "[diff]") {
    CHECK(unified_diff({{"a.yaml", "1\n2\n3\n"}}, {{"a.yaml", "1\n"}}, 2) ==
          "--- a/a.yaml\n+++ b/a.yaml\ndiffers in more than 2 lines\n");
}

}  // namespace file_diff_test
