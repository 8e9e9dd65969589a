#pragma once
/// IndexedMatcher: finds rules in an index over all their conditions. A change of few rules makes an index of
/// those few only.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/matcher/index_part.h"
#include "rules/matcher/matcher.h"

namespace rules {

/// Borrows the rules.
class IndexedMatcher final : public Matcher {
public:
    explicit IndexedMatcher(const std::vector<Rule>& rules);
    /// Shares what `previous`, whose rules still exist, knows of rules that stayed as they were.
    IndexedMatcher(const std::vector<Rule>& rules, const IndexedMatcher& previous);

    std::unique_ptr<MatchCursor> open(std::string_view event_type, const Scope& scope,
                                      const PayloadReadings* payload = nullptr) const override;
    std::shared_ptr<const PayloadReadings> read_payload(std::string_view bytes) const override;
    bool listens_to(std::string_view event_type) const override;

    static constexpr std::uint32_t no_rule = ~std::uint32_t{0};
    /// An index, and which rule each of its rules is now.
    struct Part {
        std::shared_ptr<const IndexPart> index;
        std::vector<std::uint32_t> rule;  ///< by its number in the index; no_rule for one that is gone
    };
    const std::vector<Part>& parts() const { return parts_; }
    const std::vector<Rule>& rules() const { return rules_; }
    /// Memory, without the rules themselves.
    std::size_t bytes() const;

private:
    void index_rest(const std::vector<bool>& known);

    const std::vector<Rule>& rules_;
    std::vector<Part> parts_;
};

}  // namespace rules
