#include <chrono>
#include <random>
#include <set>

#include "engine/base/text.h"
#include "rules/language/format.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_fuzz {

namespace {

const std::string valid = R"(groups: { desk: { first_match: true } }
chaining: restart
rules:
  - id: one
    description: A rule with everything
    on: [ticket.created, ticket.*]
    order: 100
    group: desk
    stop: false
    on_error: event
    when:
      all:
        - ticket.priority: [high, urgent]
        - ticket.subject: { contains: [refund, "money back"], case: true }
        - ticket.description: { matches: "(?i)order #?[0-9]{4,}" }
        - ticket.tags: { has_any: [vip], has_none: [spam] }
        - ticket.created_at: { older_than: 1h30m }
        - ticket.custom.ip: { cidr: [10.0.0.0/8] }
        - ticket.message_count: { between: [1, 20] }
        - any: [ { ticket.status: { changed_to: open } }, { not: { ticket.assignee: { exists: true } } } ]
    then:
      - set: { ticket.priority: urgent, ticket.custom.x: "{{ contact.name | default: 'nobody' | truncate: 20 }}" }
      - unset: [ticket.due_at]
      - add_tags: [seen, "{{ ticket.type }}"]
      - remove_tags: new
      - assign: { group: desk, assignee: ana }
      - zendesk.create_ticket: { subject: "Copy: {{ ticket.subject }}", tags: [copy], weight: 5 }
        as: copy
        save: { ticket.custom.copy_id: result.id }
      - slack.post_message:
          channel: "#desk"
          text: |
            {{ ticket.subject | upper }}
            {{ steps.copy.result.id }}
        order: relaxed
      - if: { ticket.status: { ne: solved } }
        then: [ { emit: { type: ticket.checked, data: { a: [1, "{{ ticket.id }}"] } } } ]
        else: [ stop ]
)";

class Mutator {
public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    std::string mutated(std::string text) {
        for (auto count = 1 + random_() % 4; count > 0; --count) mutate(text);
        return text;
    }

private:
    std::size_t at(const std::string& text) { return text.empty() ? 0 : random_() % text.size(); }

    void mutate(std::string& text) {
        static const std::string bytes = " \n\t-:[]{},'\"|>&*!#?%@`~<.0x9aZ{{}}\xC3\x00";
        static const std::vector<std::string> words{"ticket.", "steps.", "null",   "- ",         ": ",  "{{ ",
                                                    " }}",     "| ",     "\n  ",   "on:",        "if:", "[]",
                                                    "{}",      "<<",     "!!str ", "99999999999"};
        switch (random_() % 7) {
            case 0:
                text.erase(at(text), 1 + random_() % 5);
                break;
            case 1:
                text.insert(at(text), 1, bytes[random_() % bytes.size()]);
                break;
            case 2:
                text.insert(at(text), words[random_() % words.size()]);
                break;
            case 3:
                text[at(text)] = bytes[random_() % bytes.size()];
                break;
            case 4:
                swap_lines(text);
                break;
            case 5:
                text.insert(at(text), text.substr(at(text), random_() % 40));
                break;
            case 6:
                text.resize(at(text) + 1);
                break;
        }
    }

    void swap_lines(std::string& text) {
        auto lines = engine::split(text, '\n');
        std::swap(lines[random_() % lines.size()], lines[random_() % lines.size()]);
        text = engine::join(lines, "\n");
    }

    std::mt19937 random_;
};

std::set<std::string> listed_classes() {
    std::set<std::string> names;
    for (const auto& entry : rules::diagnostic_classes()) names.insert(entry.kind);
    return names;
}

}  // namespace

TEST_CASE("fuzz: the file that is mutated is a good one", "[language]") {
    CHECK(rules::load_text(valid).text().empty());
}

TEST_CASE("fuzz: a mutated file gives a rule set or at least one error, of a listed class, in its file",
          "[language]") {
    const unsigned seed = 20'260'506;
    INFO("seed " << seed);
    const auto listed = listed_classes();
    Mutator mutator(seed);
    for (int round = 0; round < 600; ++round) {
        const auto text = mutator.mutated(valid);
        const auto loaded = rules::load_text(text);
        INFO("round " << round << "\n" << text << "\n" << loaded.text());
        REQUIRE(loaded.rule_set.has_value() != loaded.diagnostics.has_errors());
        for (const auto& diagnostic : loaded.diagnostics.sorted()) {
            REQUIRE(listed.contains(diagnostic.kind));
            REQUIRE(diagnostic.place.file == "rules.yaml");
            REQUIRE(diagnostic.message.find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("fuzz: formatting a mutated file changes neither its rules nor its problems", "[language]") {
    const unsigned seed = 20'260'507;
    INFO("seed " << seed);
    Mutator mutator(seed);
    const auto kinds = [](const rules::Loaded& loaded) {
        std::multiset<std::string> found;
        for (const auto& diagnostic : loaded.diagnostics.sorted()) found.insert(diagnostic.kind);
        return found;
    };
    for (int round = 0; round < 150; ++round) {
        const auto text = mutator.mutated(valid);
        const auto formatted = rules::format_rules(text);
        INFO("round " << round << "\n" << text << "\n----\n" << formatted);
        REQUIRE(kinds(rules::load_text(text)) == kinds(rules::load_text(formatted)));
        REQUIRE(rules::format_rules(formatted) == formatted);
    }
}

TEST_CASE("fuzz: a file of nothing but mistakes costs little more than a good one", "[language]") {
    std::string text = "rules:\n- id: a\n  on: ticket.created\n  then: []\n  when:\n    all:\n";
    for (int i = 0; i < 6000; ++i) text += "    - tickt.priorty" + std::to_string(i) + ": { equals: x }\n";
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(rules::load_text(text).rule_set);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(took.count() < 100);  // the machine may be busy and the build one with sanitizers
}

}  // namespace language_fuzz
