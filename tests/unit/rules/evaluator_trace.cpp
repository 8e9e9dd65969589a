// The trace: every rule of every pass with its fate and its conditions' values.
#include <string>

#include "rules/matcher/matcher.h"
#include "tests/support/rules.h"

namespace evaluator_trace {

using namespace rules;
using namespace rules::testing;

namespace {

/// Each pass as `type: rule=status …`.
std::vector<std::string> passes_of(const engine::Decision& decision) {
    std::vector<std::string> lines;
    for (const auto& pass : decision.trace["passes"]) {
        auto line = pass["event_type"].get<std::string>() + ":";
        for (const auto& rule : pass["rules"])
            line += " " + rule["id"].get<std::string>() + "=" + rule["status"].get<std::string>();
        lines.push_back(line);
    }
    return lines;
}

const std::string rules_of_all_fates = R"([
    {"id":"fires","on":"ticket.created","line":3,"when":{"ticket.status":"new"},"then":[{"set":{"ticket.status":"open"}}]},
    {"id":"unmet","when":{"ticket.priority":"high"},"then":[]},
    {"id":"other","on":"conversation.*","then":[]},
    {"id":"taken","group":"g","then":[]},
    {"id":"late","group":"g","then":[]},
    {"id":"fails","then":[{"set":{"ticket.status":"no such"}}]},
    {"id":"waits","then":[{"a.x":{},"as":"one"},{"set":{"ticket.queue":"{{ steps.one.result }}"}}]}])";

RuleSet all_fates(Chaining chaining = Chaining::cascade) {
    auto set = rule_set(rules_of_all_fates, chaining);
    set.options.groups["g"].first_match = true;
    return set;
}

}  // namespace

TEST_CASE("trace: says of every rule in every pass what became of it", "[trace]") {
    const auto decision = Case().ticket(R"({"status":"new"})").traced().decided_by(all_fates());
    CHECK(passes_of(decision) ==
          names({"ticket.created: fires=fired unmet=conditions_not_met other=type_not_matched taken=fired "
                 "late=group_taken fails=failed waits=suspended",
                 "ticket.updated: fires=type_not_matched unmet=conditions_not_met other=type_not_matched "
                 "taken=already_fired late=fired "
                 "fails=already_fired waits=already_fired"}));
}

TEST_CASE("trace: an entry has the rule's place, its conditions and its error", "[trace]") {
    const auto decision = Case().ticket(R"({"status":"new"})").traced().decided_by(all_fates());
    const auto& rules = decision.trace["passes"][0]["rules"];
    CHECK(rules[0] == json(R"({"id":"fires","status":"fired","file":"rules.yaml","line":3,
        "when":{"field":"ticket.status","op":"eq","operand":"new","value":"new","result":true}})"));
    CHECK(rules[1]["when"]["note"] == "the field is absent");
    CHECK(rules[3]["when"] == json(R"({"all":[],"result":true})"));
    CHECK(rules[5]["error"].get<std::string>().find("ticket.status takes one of") == 0);
    // The rule had its turn on the state before it wrote.
    CHECK(decision.trace["passes"][1]["rules"][0]["when"]["value"] == "open");
}

TEST_CASE("trace: after a stop the rules below are stopped", "[trace]") {
    for (const auto chaining : {Chaining::cascade, Chaining::restart, Chaining::snapshot, Chaining::none}) {
        const auto set = rule_set(
            R"([{"id":"a","then":[]},{"id":"b","stop":true,"then":[]},{"id":"c","then":[]},{"id":"d","on":"x","then":[]}])",
            chaining);
        const auto passes = passes_of(Case().traced().decided_by(set));
        REQUIRE(passes.size() == 1);
        CHECK(passes[0].find("a=fired b=fired c=stopped") != std::string::npos);
    }
}

TEST_CASE("trace: under restart each walk is a pass", "[trace]") {
    const auto set = rule_set(R"([
        {"id":"a","when":{"ticket.status":"open"},"then":[]},
        {"id":"b","then":[{"set":{"ticket.status":"open"}}]},
        {"id":"c","then":[]}])",
                              Chaining::restart);
    CHECK(passes_of(Case().traced().decided_by(set)) ==
          names({"ticket.created: a=conditions_not_met b=fired",
                 "ticket.created: a=fired b=already_fired c=fired"}));
}

TEST_CASE("trace: under snapshot conditions are shown as they were before", "[trace]") {
    const auto decision =
        Case().ticket(R"({"status":"new"})").traced().decided_by(all_fates(Chaining::snapshot));
    REQUIRE(decision.trace["passes"].size() == 1);
    CHECK(passes_of(decision)[0] ==
          "ticket.created: fires=fired unmet=conditions_not_met other=type_not_matched taken=fired "
          "late=group_taken fails=failed waits=suspended");
}

TEST_CASE("trace: a decision that fails still tells how it came to that", "[trace]") {
    auto set = all_fates();
    set.options.on_error = OnError::event;
    const auto decision = Case().ticket(R"({"status":"new"})").traced().decided_by(set);
    CHECK(decision.outcome == engine::Outcome::error);
    CHECK(passes_of(decision)[0].find("fails=failed waits=stopped") != std::string::npos);
    set.options.chaining = Chaining::snapshot;
    CHECK(passes_of(Case().ticket(R"({"status":"new"})").traced().decided_by(set))[0].find(
              "fails=failed waits=stopped") != std::string::npos);
}

TEST_CASE("trace: a rule that goes on has a pass of its own", "[trace]") {
    const auto set = all_fates();
    const auto first = Case().ticket(R"({"status":"new"})").decided_by(set);
    Case next;
    next.type("delivery.done").traced();
    next.input.resume = Resume{first.continuations[0], nullptr};
    next.input.resume->continuation.results = json(R"({"one":{"result":"q"}})");
    const auto decision = next.decided_by(set);
    CHECK(passes_of(decision)[0] == "delivery.done: waits=fired");
    CHECK(decision.trace["passes"][0]["rules"][0]["resumed"] == true);
    CHECK(passes_of(decision)[1].find("ticket.updated: ") == 0);
}

TEST_CASE("matcher: the cursor finds the rules that fit from where it is told", "[matcher]") {
    const auto set = rule_set(R"([
        {"id":"a","on":"ticket.created","when":{"ticket.status":"new"},"then":[]},
        {"id":"b","on":"ticket.updated","then":[]},
        {"id":"c","on":"ticket.*","when":{"ticket.status":["new","open"]},"then":[]}])");
    auto document = json(R"({"status":"new"})");
    Scope scope;
    scope.set("ticket", &document);
    const auto matcher = naive_matcher(set);
    const auto cursor = matcher->open("ticket.created", scope);
    CHECK(cursor->next(0) == 0);
    CHECK(cursor->next(1) == 2);
    CHECK(cursor->next(3) == std::nullopt);
    document["status"] = "open";
    cursor->field_changed("ticket.status");
    CHECK(cursor->next(0) == 2);
}

namespace {

/// Finds what the naive one finds, and listens.
class ListeningMatcher final : public Matcher {
public:
    explicit ListeningMatcher(const RuleSet& set) : naive_(naive_matcher(set)) {}

    std::unique_ptr<MatchCursor> open(std::string_view type, const Scope& scope,
                                      const PayloadReadings*) const override {
        return std::make_unique<Cursor>(naive_->open(type, scope), heard);
    }
    bool listens_to(std::string_view type) const override { return naive_->listens_to(type); }

    mutable std::vector<std::string> heard;

private:
    class Cursor final : public MatchCursor {
    public:
        Cursor(std::unique_ptr<MatchCursor> naive, std::vector<std::string>& heard)
            : naive_(std::move(naive)), heard_(heard) {}
        std::optional<std::size_t> next(std::size_t from) override { return naive_->next(from); }
        void field_changed(std::string_view field) override { heard_.emplace_back(field); }

    private:
        std::unique_ptr<MatchCursor> naive_;
        std::vector<std::string>& heard_;
    };

    std::unique_ptr<const Matcher> naive_;
};

}  // namespace

TEST_CASE("matcher: the cursor is told of every write and of every write taken back", "[matcher]") {
    const auto set = rule_set(R"([
        {"id":"a","on":"ticket.created","then":[{"set":{"ticket.status":"open"}},{"add_tags":["x"]},{"set":{"ticket.status":"open"}}]},
        {"id":"b","on":"ticket.created","then":[{"set":{"ticket.queue":"q"}},{"set":{"ticket.status":"no such"}}]}])");
    const ListeningMatcher matcher(set);
    const auto source = event("ticket.created");
    DecisionInput input;
    input.event = &source;
    input.kind = "ticket";
    input.document = Json::object();
    CHECK(decide(set, matcher, input).fired == names({"a"}));
    CHECK(matcher.heard == names({"ticket.status", "ticket.tags", "ticket.queue", "ticket.queue"}));
}

}  // namespace evaluator_trace
