#pragma once
/// TypeSlot: which of the patterns that rules have under `on` an event's type fits.

#include <string>
#include <string_view>
#include <vector>

#include "rules/matcher/code_set.h"
#include "rules/matcher/text_codes.h"

namespace rules {

class TypeSlot {
public:
    void learn(const std::string& pattern);
    /// Patterns are not learned after this.
    void freeze();

    /// Some type makes a difference: there are patterns beside `*`, which every type fits.
    bool asks() const { return !patterns_.empty(); }
    bool fits_all() const { return fits_all_; }
    Code ids() const { return static_cast<Code>(patterns_.size()); }
    std::vector<Code> ids_of(const std::vector<std::string>& patterns) const;
    std::size_t bytes() const { return ids_of_patterns_.bytes() + types_.bytes(); }

    /// Adds the ids of the patterns that the type fits; `*` has none.
    void find(std::string_view event_type, std::vector<Code>& found) const;

private:
    bool fits_all_ = false;              ///< `*` is one of the patterns
    std::vector<std::string> patterns_;  ///< the others, by id
    TextCodes ids_of_patterns_;
    TextCodes types_;  ///< those that are patterns themselves: what they fit is known
    std::vector<std::vector<Code>> ids_of_types_;
};

}  // namespace rules
