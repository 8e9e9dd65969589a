#include <functional>
#include <random>

#include "engine/base/yaml.h"
#include "rules/language/format.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_format {

using rules::format_rules;
namespace fs = std::filesystem;

namespace {

/// The tree as JSON, quotes and kinds included, places not.
std::string shape_of(const engine::YamlNode& node) {
    std::string shape = std::to_string(static_cast<int>(node.kind)) + (node.quoted ? "'" : "") + node.text;
    for (const auto& item : node.items) shape += "[" + shape_of(item) + "]";
    for (const auto& entry : node.entries) shape += "{" + entry.key + ":" + shape_of(entry.value) + "}";
    return shape;
}

struct Tree {
    std::string shape;
    bool good = false;
};
Tree tree_of(const std::string& text) {
    engine::Diagnostics diagnostics;
    const auto root = engine::parse_yaml(text, "", diagnostics);
    return {shape_of(root), !diagnostics.has_errors()};
}

std::vector<std::string> comments_of(const std::string& text) {
    std::vector<std::string> comments;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        const auto hash = line.find('#');
        if (hash == std::string::npos) continue;
        auto comment = line.substr(hash);
        comment.erase(comment.find_last_not_of(" \t\r") + 1);
        comments.push_back(comment);
    }
    return comments;
}

void check_laws(const std::string& text) {
    const auto formatted = format_rules(text);
    const auto before = tree_of(text);
    const auto after = tree_of(formatted);
    INFO("before:\n" << text << "\nafter:\n" << formatted);
    CHECK(before.good == after.good);
    CHECK(before.shape == after.shape);
    CHECK(comments_of(text) == comments_of(formatted));
    CHECK(format_rules(formatted) == formatted);
}

std::vector<fs::path> yaml_files() {
    std::vector<fs::path> files;
    for (const char* folder : {"tests/golden/diagnostics", "examples"})
        for (const auto& entry : fs::recursive_directory_iterator(folder))
            if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

TEST_CASE("format: indentation, spaces and blank lines become uniform", "[language]") {
    const std::string untidy = R"(

# the desk's rules


rules:
- id:   one   
  on: ticket.created
  when:
      all:
      -   ticket.priority:   high     # aligned
      - ticket.status:   { ne: solved }
  # about the steps
  then:
       - set:
             ticket.priority: low


       - add_tags: [a,
                    b]



)";
    CHECK(format_rules(untidy) == R"(# the desk's rules

rules:
  - id: one
    on: ticket.created
    when:
      all:
        - ticket.priority: high     # aligned
        - ticket.status: { ne: solved }
    # about the steps
    then:
      - set:
          ticket.priority: low

      - add_tags: [a,
                   b]
)");
}

TEST_CASE("format: what is uniform already stays byte for byte", "[language]") {
    const std::string tidy = R"(groups: { g: { first_match: true } }
rules:
  - id: one   # first
    on: [ticket.created, ticket.updated]

  # second
  - id: two
    description: |
      Two lines,
        the second indented.
    on: ticket.created
    then:
      - emit:
          type: a.b
)";
    CHECK(format_rules(tidy) == tidy);
}

TEST_CASE("format: texts over several lines keep every blank that counts", "[language]") {
    const std::string text = R"(rules:
- id: one
  description: |+
       kept   
         more

  text: >2-
       folded
       on

     end
  quoted: "one
     two  

     three"
  plain: four
    five

    six
)";
    const auto formatted = format_rules(text);
    CHECK(tree_of(formatted).shape == tree_of(text).shape);
    CHECK(formatted.starts_with("rules:\n  - id: one\n    description: |+\n      kept   \n        more\n\n"));
    CHECK(format_rules(formatted) == formatted);
}

TEST_CASE("format: comments stay with what follows them", "[language]") {
    CHECK(format_rules(
              "# head\nrules:\n# of one\n- id: a\n  # of on\n  on: x\n\n# of two\n- id: b\n# tail\n") ==
          "# head\nrules:\n  # of one\n  - id: a\n    # of on\n    on: x\n\n  # of two\n  - id: b\n# tail\n");
}

TEST_CASE("format: Windows line ends, a byte order mark and a missing last line end go", "[language]") {
    CHECK(format_rules("\xEF\xBB\xBF"
                       "rules:\r\n- id: a\r\n  on: b") == "rules:\n  - id: a\n    on: b\n");
}

TEST_CASE("format: dashes alone on a line and nested lists are kept as they are meant", "[language]") {
    check_laws("a:\n-\n  b: 1\n-\n  - c\n  -   d\n- - e\n  - f\n-\n");
    check_laws("-   a\n-     b: 1\n      c: 2\n");
    check_laws("a:\n    - b\n    -   - c\n        - d\ne: f\n");
}

TEST_CASE("format: what cannot be read is returned as it is", "[language]") {
    for (const std::string text :
         {"a: [1\n", "a:   1\na: 2\n", "a: &x 1   \n", "\tx\n", "", "just text   \n", "# only\n\n\n"})
        CHECK(format_rules(text) == text);
}

TEST_CASE("format: examples and golden files keep their meaning, and formatting twice is formatting once",
          "[language]") {
    for (const auto& path : yaml_files()) {
        INFO(path.string());
        check_laws(rules::read_file(path));
    }
}

TEST_CASE("format: random layouts of random trees keep their meaning", "[language]") {
    const unsigned seed = 20'260'505;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
    const std::vector<std::string> scalars{"x",        "'q  r'", "\"d e\"", "12", "{ a: 1,  b: [x,y] }",
                                           "[p,   q]", "~"};
    for (int round = 0; round < 300; ++round) {
        std::string text;
        const std::function<void(int, int, bool)> write = [&](int indent, int depth, bool in_line) {
            const int width = 1 + pick(4);
            const bool list = pick(3) == 0;
            for (int i = 0, count = 1 + pick(3); i < count; ++i) {
                if (pick(6) == 0 && !in_line)
                    text += std::string(static_cast<std::size_t>(pick(6)), ' ') + "# c\n";
                if (pick(6) == 0 && !in_line) text += std::string(static_cast<std::size_t>(pick(3)), '\n');
                if (!in_line) text += std::string(static_cast<std::size_t>(indent), ' ');
                in_line = false;
                text += list ? "-" : "k" + std::to_string(i) + ":";
                const int gap = 1 + pick(3);
                if (depth > 0 && pick(2) == 0 && list) {
                    text += std::string(static_cast<std::size_t>(gap), ' ');
                    write(indent + 1 + gap, depth - 1, true);
                } else if (depth > 0 && pick(2) == 0) {
                    text += "\n";
                    write(indent + width, depth - 1, false);
                } else if (pick(6) == 0) {
                    const auto inner = std::string(static_cast<std::size_t>(indent + width), ' ');
                    text += " |" + std::string(pick(2) == 0 ? "-" : "") + "\n" + inner + "one  \n\n" + inner +
                            "  two\n";
                } else {
                    text += std::string(static_cast<std::size_t>(gap), ' ') +
                            scalars[static_cast<std::size_t>(pick(static_cast<int>(scalars.size())))] +
                            (pick(5) == 0 ? "   # e\n" : "\n");
                }
            }
        };
        write(0, 3, false);
        check_laws(text);
    }
}

}  // namespace language_format
