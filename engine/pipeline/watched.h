#pragma once
/// Watched: what decisions of one tenant look at of other lanes' work, in memory.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/entity.h"
#include "engine/pipeline/desk.h"
#include "engine/store/store.h"
#include "rules/policies/rates.h"
#include "rules/rule_set.h"

namespace engine {

/// So long what nobody looks at any more is still there, for events that come late.
inline constexpr Duration watched_late_max = std::chrono::hours(1);

/// Some of the rules look at other lanes' work.
bool looks_at_others(const rules::RuleSet& rule_set);

/// One thread. Says the same whatever the order in which it heard of entities.
class Watched {
public:
    /// Beyond `events_max` counted events those entities are forgotten whose last one is the oldest.
    explicit Watched(std::size_t events_max) : events_max_(events_max) {}
    Watched(const Watched&) = delete;  // `counted_` points into `entities_`
    Watched& operator=(const Watched&) = delete;
    Watched(Watched&&) = default;
    Watched& operator=(Watched&&) = default;

    /// All that is kept with the tenant's entities and still looked at. Fails as the store fails.
    static Result<Watched> read(Store& store, const TenantName& tenant, Instant now, std::size_t events_max);

    /// The entity is like this now, in place of what it was; may be told again.
    void changed(const Entity& after);
    /// A decision was made: what it offers is offered.
    void decided(const Decision& decision);
    void offered(const Subject& subject, const std::string& agent) { desk_.offered(subject, agent); }
    /// No decision comes before its lane is released.
    void held_up(const Subject& subject) { desk_.held_up(subject); }
    void released(const Subject& subject) { desk_.released(subject); }
    /// What was looked at until then, and no longer, is not asked for any more.
    void forget_before(Instant instant);

    /// When events of other entities than this one were counted, newest first.
    std::vector<Instant> counted(const rules::RateQuestion& question, const Subject& except) const;
    const Desk& desk() const { return desk_; }
    std::size_t events() const { return events_; }

private:
    /// Canonical text of rate and key.
    using CountKey = std::string;
    static CountKey count_key(const std::string& rate, const Json& key);

    /// What one entity has brought here.
    struct Brought {
        Instant until{};
        std::vector<std::pair<CountKey, Instant>> events;
    };
    using Entities = std::unordered_map<std::string, Brought>;  ///< by subject
    /// The subjects are those of `entities_`.
    using Counted = std::multiset<std::pair<Instant, const std::string*>>;

    void take_away(Entities::iterator entity);
    void forget_oldest();

    Desk desk_;
    std::size_t events_max_;
    std::size_t events_ = 0;
    bool warned_ = false;
    Entities entities_;
    std::set<std::pair<Instant, std::string>> ends_;  ///< until when each is looked at
    std::unordered_map<CountKey, Counted> counted_;
};
using WatchedTenants = std::map<TenantName, Watched>;

}  // namespace engine
