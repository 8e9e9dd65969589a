#pragma once
/// Engine: the pipeline as its front doors see it: submit events, perform commands, ask questions.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connectors/kit/connector.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/strong.h"
#include "engine/model/event.h"
#include "engine/store/store.h"
#include "rules/language/load.h"
#include "rules/matcher/matcher.h"
#include "rules/rule_set.h"

namespace engine {

/// A tenant's folder, loaded: immutable, shared by all threads.
struct Tenant {
    TenantName name;
    std::shared_ptr<const rules::RuleSet> rule_set;
    std::shared_ptr<const rules::Matcher> matcher;  ///< over the rules of `rule_set`
    connectors::Connections connections;
    rules::Files files;                          ///< what the version is made of
    std::shared_ptr<rules::ScriptHost> scripts;  ///< runs its scripts, on any thread; null = they fail
    std::set<std::string> kinds_read;  ///< kinds that some rule reads; links to others are not followed

    /// The rules with their index, which shares what it can with that of `previous`.
    void set_rules(std::shared_ptr<const rules::RuleSet> compiled, const Tenant* previous = nullptr) {
        rule_set = std::move(compiled);
        matcher = rules::indexed_matcher(*rule_set, previous == nullptr ? nullptr : previous->matcher.get());
    }
};
using Tenants = std::map<TenantName, std::shared_ptr<const Tenant>>;

/// What became of one submitted event. All but `overloaded` and `unavailable` are durable facts.
struct Ack {
    enum class Kind {
        accepted,
        duplicate,    ///< known already; answered like the first time
        clash,        ///< known already with another content; the first one stands
        overloaded,   ///< a queue is full: nothing was kept
        unavailable,  ///< the store cannot: nothing was kept
    };
    Kind kind = Kind::accepted;
    EventId id;
    bool pending = false;  ///< accepted, decided later
    std::string detail;    ///< of clash, overloaded, unavailable
};

struct Health {
    bool ready = false;
    std::string reason;                    ///< why not
    std::map<std::string, double> gauges;  ///< metric name (without `signalbox_`) → value, for /metrics
};

/// All methods may be called from any thread. Callbacks run on an engine thread and must not block: hand the
/// work on.
class EngineDoor {
public:
    virtual ~EngineDoor() = default;

    virtual std::shared_ptr<const Tenant> tenant(const TenantName& name) const = 0;
    /// Whether there are more tenants than one, so that one might keep another waiting.
    virtual bool serves_several() const = 0;

    /// Decides the events in order; `done` gets one Ack for each, after the commit.
    virtual void submit(std::vector<Event> events, std::function<void(std::vector<Ack>)> done) = 0;

    /// Runs `question` on the reading thread, which has a Store of its own; it may block on that store.
    virtual void ask(std::function<void(Store&)> question) = 0;

    /// Performs an operator's command (`dead-letters.retry`, `keys.create`, …) and journals it.
    virtual void perform(Request request, std::function<void(Result<Json>)> done) = 0;

    /// One decision with nothing sent or stored: `{"event":…, "entity"?:…, "at"?:…, "explain"?:…}` → replay
    /// line. Part of a question: it reads that store.
    virtual Result<Json> dry_run(const Tenant& tenant, const Json& request, Store& store) = 0;

    virtual Health health() const = 0;
};

}  // namespace engine
