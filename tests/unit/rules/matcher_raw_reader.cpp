#include "rules/matcher/indexed.h"
#include "rules/matcher/raw_reader.h"
#include "tests/support/rules.h"

namespace matcher_raw_reader {

using namespace rules;
using namespace rules::testing;
using Layout = RawReader::Layout;

namespace {

/// Reads documents for the rules of a few conditions, each a rule.
class Reading {
public:
    explicit Reading(const std::string& conditions, Layout layout = Layout::roots)
        : rules_(rules_of(conditions)), matcher_(rules_), reader_(slots(), layout) {}

    bool accepts(std::string document) {
        const auto size = document.size();
        document.resize(size + RawReader::padding());
        return static_cast<bool>(reader_.read("ticket.created", std::string_view(document).substr(0, size),
                                              noon, scratch_, readings_));
    }
    /// Whether that reads as the other document does from its values.
    bool reads_as(const std::string& document, const std::string& other) {
        const auto roots = json(other);
        Scope scope;
        for (const auto& [root, fields] : roots.items()) scope.set(root, &fields);
        scope.now = noon;
        Readings expected;
        slots().read("ticket.created", scope, expected);
        return accepts(document) && readings_.codes == expected.codes && readings_.found == expected.found;
    }
    const Readings& readings() const { return readings_; }

private:
    static std::vector<Rule> rules_of(const std::string& conditions) {
        std::vector<Rule> rules;
        for (const auto& when : json(conditions)) {
            auto& rule = rules.emplace_back();
            rule.on = {"ticket.*"};
            rule.when = condition(when);
        }
        return rules;
    }
    const Slots& slots() const { return matcher_.parts().front().index->slots(); }

    std::vector<Rule> rules_;
    IndexedMatcher matcher_;
    RawReader reader_;
    RawReader::Scratch scratch_;
    Readings readings_;
};

}  // namespace

TEST_CASE("raw reader: the empty document is refused, also as the first", "[matcher]") {
    Reading reading(R"([{"ticket.status":"open"}])");
    CHECK_FALSE(reading.accepts(""));
    CHECK(reading.accepts("{}"));
    CHECK_FALSE(reading.accepts(""));
}

TEST_CASE("raw reader: numbers are those of JSON", "[matcher]") {
    Reading reading(R"([{"ticket.custom.a":{"gt":0}},{"ticket.custom.a":0}])");
    for (const std::string number :
         {"01",  "-01",  "1.",       ".5",  "-.5",    "-",     "+1",     "1e",  "1e+", "1.e5", "0x10",
          "inf", "-inf", "infinity", "nan", "nan(1)", "1e400", "-1e400", "1_0", "1a",  "1\x01"}) {
        INFO(number);
        CHECK_FALSE(reading.accepts(R"({"ticket":{"custom":{"a":)" + number + "}}}"));
    }
    for (const std::string number : {"-0", "-0.0", "0e5", "1e-400", "-1e-400", "2.4e-324", "4.9e-324"}) {
        INFO(number);
        const auto document = R"({"ticket":{"custom":{"a":)" + number + "}}}";
        CHECK(reading.reads_as(document, document));
    }
}

TEST_CASE("raw reader: of two types of an envelope the last counts, also when it is no text", "[matcher]") {
    Reading reading(R"([{"ticket.status":"open"}])", Layout::envelope);
    constexpr std::size_t types = 0;
    REQUIRE(reading.accepts(R"({"type":"ticket.created"})"));
    CHECK(reading.readings().found[types].size() == 1);
    for (const std::string last : {"5", "null", "{}", "[]", R"("comment.added")"}) {
        INFO(last);
        REQUIRE(reading.accepts(R"({"type":"ticket.created","type":)" + last + "}"));
        CHECK(reading.readings().found[types].empty());
    }
}

TEST_CASE("raw reader: a lone mark is no value, asked for or not", "[matcher]") {
    Reading reading(R"([{"ticket.status":"open"}])");
    for (const std::string document :
         {R"({"x":,})", R"({"x":})", R"({"x"::1})", R"({"ticket":{"a":,"status":"open"}})",
          R"({"ticket":{"status":,"a":1}})", R"({"ticket":{"status":}})", R"({"x":]})"}) {
        INFO(document);
        CHECK_FALSE(reading.accepts(document));
    }
}

TEST_CASE("raw reader: a key is what its escapes stand for", "[matcher]") {
    Reading reading(R"([{"ticket.custom.a\\\\b":"x"},{"ticket.custom.c\\d":"x"},{"ticket.custom.e\"f":"x"},
                        {"ticket.custom.plain":"x"}])");
    for (const std::string key : {R"(a\\b)", R"(a\\\\b)", R"(c\\d)", R"(c\d)", R"(c\\\\d)", R"(e\"f)",
                                  R"(e\\\"f)", R"(pl\u0061in)", R"(plain)"}) {
        const auto document = R"({"ticket":{"custom":{")" + key + R"(":"x"}}})";
        INFO(document);
        if (engine::parse_json(document)) CHECK(reading.reads_as(document, document));
    }
}

TEST_CASE("raw reader: what is below a key that nobody asks for is nobody's, whatever its name",
          "[matcher]") {
    Reading reading(R"([{"ticket.status":"open"}])");
    const std::string document =
        R"({"ticket":{"status":"open"},"copy":{"ticket":{"status":"new"}},"list":[{"ticket":{}}]})";
    CHECK(reading.reads_as(document, document));
}

TEST_CASE("raw reader: a document may have escapes in front of what is asked for and behind it",
          "[matcher]") {
    Reading reading(R"([{"ticket.status":"open"},{"ticket.group":"a\nb"}])");
    for (const std::string document :
         {R"({"ticket":{"note":"\\","status":"open","group":"a\nb","other":"\n\n"}})",
          R"({"\"ticket":{"status":"new"},"ticket":{"gr\u006fup":"a\nb","status":"op\u0065n","x":"\t"}})",
          R"({"ticket":{"group":"a\nb","status":"open","status":"\"","a\\":"\\"},"ticket\n":{}})"}) {
        INFO(document);
        CHECK(reading.reads_as(document, document));
    }
}

}  // namespace matcher_raw_reader
