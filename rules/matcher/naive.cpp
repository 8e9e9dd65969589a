#include <algorithm>

#include "engine/base/text.h"
#include "rules/matcher/matcher.h"

namespace rules {
namespace {

class NaiveCursor final : public MatchCursor {
public:
    NaiveCursor(const std::vector<Rule>& rules, std::string_view event_type, const Scope& scope)
        : rules_(rules), event_type_(event_type), scope_(scope) {}

    std::optional<std::size_t> next(std::size_t from) override {
        for (auto i = from; i < rules_.size(); ++i)
            if (type_fits(rules_[i], event_type_) && holds(rules_[i].when, scope_)) return i;
        return std::nullopt;
    }

    void field_changed(std::string_view) override {}  // it looks at everything anew each time

private:
    const std::vector<Rule>& rules_;
    std::string event_type_;
    const Scope& scope_;
};

class NaiveMatcher final : public Matcher {
public:
    explicit NaiveMatcher(const std::vector<Rule>& rules) : rules_(rules) {}

    std::unique_ptr<MatchCursor> open(std::string_view event_type, const Scope& scope,
                                      const PayloadReadings*) const override {
        return naive_cursor(rules_, event_type, scope);
    }

    bool listens_to(std::string_view event_type) const override {
        return std::any_of(rules_.begin(), rules_.end(),
                           [&](const Rule& rule) { return type_fits(rule, event_type); });
    }

private:
    const std::vector<Rule>& rules_;
};

}  // namespace

std::unique_ptr<const Matcher> naive_matcher(const RuleSet& rule_set) {
    return std::make_unique<NaiveMatcher>(rule_set.rules);
}

std::unique_ptr<MatchCursor> naive_cursor(const std::vector<Rule>& rules, std::string_view event_type,
                                          const Scope& scope) {
    return std::make_unique<NaiveCursor>(rules, event_type, scope);
}

bool is_clock_type(std::string_view event_type) {
    return event_type.ends_with(".routing_due") || event_type.ends_with(".escalation_due") ||
           event_type.ends_with(".score_due");
}

bool type_fits(std::string_view pattern, std::string_view event_type) {
    return pattern == event_type || (pattern.find('*') != std::string_view::npos &&
                                     !is_clock_type(event_type) && engine::glob_matches(pattern, event_type));
}

bool any_type_fits(const std::vector<std::string>& patterns, std::string_view event_type) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return type_fits(pattern, event_type); });
}

bool type_fits(const Rule& rule, std::string_view event_type) {
    return any_type_fits(rule.on, event_type);
}

}  // namespace rules
