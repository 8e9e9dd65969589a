#include "engine/base/diagnostic.h"
#include "tests/support/catch.h"

namespace diagnostic_tests {

using engine::Diagnostics;
using engine::in_quotes;
using engine::Place;

TEST_CASE("diagnostics: a problem is one line with place, severity, message and class", "[base]") {
    Diagnostics found;
    found.error("unknown-field", {"rules/a.yaml", 3, 7}, "unknown field \"ticket.staus\"");
    found.warning("unknown-file", {"rule.yaml", 0, 0}, "this file is not read");
    const auto list = found.sorted();
    CHECK(to_text(list[0]) == "rule.yaml: warning: this file is not read [unknown-file]");
    CHECK(to_text(list[1]) == "rules/a.yaml:3:7: error: unknown field \"ticket.staus\" [unknown-field]");
}

TEST_CASE("diagnostics: they come in the order of the files, repeats once", "[base]") {
    Diagnostics found;
    found.error("a", {"b.yaml", 2, 1}, "third");
    found.error("a", {"b.yaml", 1, 9}, "second");
    found.error("a", {"a.yaml", 9, 9}, "first");
    found.error("a", {"b.yaml", 2, 1}, "fourth");
    found.error("a", {"b.yaml", 2, 1}, "third");
    std::string order;
    for (const auto& diagnostic : found.sorted()) order += diagnostic.message + " ";
    CHECK(order == "first second third fourth ");
    CHECK(found.size() == 5);
}

TEST_CASE("diagnostics: only errors count as errors", "[base]") {
    Diagnostics found;
    CHECK(found.empty());
    found.warning("a", {}, "odd");
    CHECK_FALSE(found.has_errors());
    found.error("a", {}, "wrong");
    CHECK(found.has_errors());
}

TEST_CASE("diagnostics: words of a file are shown on one line and cut", "[base]") {
    CHECK(in_quotes("plain é") == "\"plain é\"");
    CHECK(in_quotes("a\nb\tc\x1b[31m") == "\"a\\nb\\tc\\x1b[31m\"");
    CHECK(in_quotes(std::string(200, 'x')) == "\"" + std::string(80, 'x') + "…\"");
    CHECK(in_quotes("") == "\"\"");
}

}  // namespace diagnostic_tests
