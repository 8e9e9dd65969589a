#pragma once
/// Finding: something in a rule set that is probably not meant, with every place it concerns.

#include <map>
#include <string>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "rules/rule_set.h"

namespace rules {

struct RelatedPlace {
    engine::Place place;
    std::string what;  ///< what stands there, in words
};

struct Finding {
    std::string kind;  ///< the class, such as `write-conflict`; one of finding_classes()
    engine::Place place;
    std::string message;
    std::vector<RelatedPlace> related;
    std::vector<std::string> rules;  ///< whom it is about; the first stands at the place
    engine::Json example;            ///< of a conflict: the request of a dry run that shows it
    std::vector<std::string> path;   ///< of a cycle: rules, and back to the first
    std::string accepted_because;    ///< not empty: a rule says why this is meant
};

/// As `check` prints it: a line like a diagnostic's, then one for each other place and for the example.
std::string to_text(const Finding& finding);
/// `{"severity","class","file","line","column","message","related","rules"?,"example"?,"path"?,"reason"?}`
engine::Json to_json(const Finding& finding);

/// The classes of findings with a sentence each; docs and tests are made from it.
struct FindingClass {
    std::string kind;
    std::string meaning;
    std::string remedy;
};
const std::vector<FindingClass>& finding_classes();

/// Collects findings, of each class at most so many; what is left out is counted. What a rule accepts is
/// marked and counts for nothing. Borrows the rules.
class Report {
public:
    Report(const std::vector<Rule>& rules, std::size_t findings_max);

    void add(Finding finding);
    /// Says that something was not looked at, and why.
    void not_looked_at(const std::string& what);
    /// In order of file, line, column.
    std::vector<Finding> take();

private:
    struct Accepting {
        const Rule* rule = nullptr;
        const Acceptance* acceptance = nullptr;
        bool is_used = false;
    };

    void accept(Finding& finding);
    void report_stale();

    std::size_t findings_max_;
    std::multimap<std::string, Accepting> acceptances_;  ///< by the rule's id
    std::map<std::string, std::size_t> counts_;
    std::vector<Finding> findings_;
    bool is_complete_ = true;
};

}  // namespace rules
