#include "rules/matcher/terms.h"

#include <algorithm>
#include <utility>

namespace rules {
namespace {

using Kind = Condition::Kind;

class Expansion {
public:
    explicit Expansion(std::size_t terms_max) : terms_max_(std::max<std::size_t>(terms_max, 1)) {}

    Terms of(const Condition& condition, bool negated) const {
        switch (condition.kind) {
            case Kind::comparison:
                return {{{{{&condition.comparison, negated}}}}, true};
            case Kind::any:
                return negated ? all_of(condition.children, true) : any_of(condition.children, false);
            case Kind::none:
                return negated ? any_of(condition.children, false) : all_of(condition.children, true);
            case Kind::negation:
                return negated ? all_of(condition.children, false) : any_of(condition.children, true);
            default:
                return negated ? any_of(condition.children, true) : all_of(condition.children, false);
        }
    }

private:
    static Terms anything(bool exact) { return {{Term()}, exact}; }

    Terms any_of(const std::vector<Condition>& children, bool negated) const {
        Terms sum;
        for (const auto& child : children) {
            auto terms = of(child, negated);
            sum.exact = sum.exact && terms.exact;
            if (sum.any.size() + terms.any.size() > terms_max_) return anything(false);
            std::move(terms.any.begin(), terms.any.end(), std::back_inserter(sum.any));
        }
        return sum;
    }

    /// What has the fewest terms comes first, so that what must be left out is what says least.
    Terms all_of(const std::vector<Condition>& children, bool negated) const {
        std::vector<Terms> factors;
        for (const auto& child : children) factors.push_back(of(child, negated));
        std::stable_sort(factors.begin(), factors.end(), [](const Terms& left, const Terms& right) {
            return left.any.size() < right.any.size();
        });
        Terms product = anything(true);
        for (const auto& factor : factors) {
            product.exact = product.exact && factor.exact;
            if (product.any.size() * factor.any.size() > terms_max_)
                product.exact = false;
            else
                product.any = crossed(product.any, factor.any);
        }
        return product;
    }

    static std::vector<Term> crossed(const std::vector<Term>& left, const std::vector<Term>& right) {
        std::vector<Term> all;
        all.reserve(left.size() * right.size());
        for (const auto& one : left)
            for (const auto& other : right) {
                all.push_back(one);
                all.back().literals.insert(all.back().literals.end(), other.literals.begin(),
                                           other.literals.end());
            }
        return all;
    }

    std::size_t terms_max_;
};

}  // namespace

Terms terms_of(const Condition& condition, std::size_t terms_max) {
    return Expansion(terms_max).of(condition, false);
}

}  // namespace rules
