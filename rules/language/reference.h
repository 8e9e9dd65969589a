#pragma once
/// The words of the rule language with a sentence each; the reference page is made from it, and a word that
/// is missing here fails the tests.

#include <string>
#include <vector>

namespace rules {

struct Word {
    std::string name;
    std::string takes;  ///< the operand, argument or value
    std::string meaning;
    std::string example;  ///< of what one writes; compiles, but for those of templates
};

const std::vector<Word>& rule_words();      ///< keys of a rule
const std::vector<Word>& group_words();     ///< groups of conditions
const std::vector<Word>& operator_words();  ///< examples are conditions
const std::vector<Word>& step_words();      ///< examples are steps
const std::vector<Word>& call_words();      ///< keys beside an action; examples are steps
const std::vector<Word>& filter_words();    ///< examples are templates
const std::vector<Word>& mode_words();      ///< of tenant.yaml or rules.yaml
const std::vector<Word>& limit_words();     ///< below `limits`

}  // namespace rules
