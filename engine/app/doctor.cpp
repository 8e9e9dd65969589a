#include "engine/app/doctor.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "engine/pipeline/activation.h"
#include "engine/pipeline/escalation_audit.h"
#include "engine/pipeline/tenant.h"
#include "engine/store/verify.h"

namespace engine::app {
namespace {

using Level = Finding::Level;

/// Of known events and entities: the first ones, then one in so many.
constexpr std::uint64_t looked_at_first = 200;
constexpr std::uint64_t one_in = 100;
/// Of findings of one kind; the rest is counted.
constexpr std::uint64_t named_max = 5;
constexpr std::size_t history_rows_at_first = 64;
constexpr std::size_t list_rows = 10'000;

std::string ago(Instant now, Instant then) {
    return to_text(std::chrono::duration_cast<Duration>(
        std::chrono::floor<std::chrono::seconds>(std::max(now - then, Duration(0)))));
}

/// Findings of one kind: good news when there is none.
class Kind {
public:
    Kind(std::string check, std::string good, Level level, std::string remedy)
        : check_(std::move(check)), good_(std::move(good)), level_(level), remedy_(std::move(remedy)) {}

    void bad(std::string what, std::string where) {
        if (++count_ <= named_max)
            named_.push_back({level_, check_, std::move(what), std::move(where), remedy_});
    }
    void give_to(std::vector<Finding>& found) {
        if (count_ == 0) found.push_back({Level::ok, check_, good_, "", ""});
        std::move(named_.begin(), named_.end(), std::back_inserter(found));
        if (count_ > named_max)
            found.push_back(
                {level_, check_, std::to_string(count_ - named_max) + " more of this kind", "", remedy_});
    }

private:
    std::string check_;
    std::string good_;
    Level level_;
    std::string remedy_;
    std::uint64_t count_ = 0;
    std::vector<Finding> named_;
};

class Examination {
public:
    Examination(Store& store, Store& look, const DoctorOptions& options)
        : store_(store), look_(look), options_(options) {}

    std::vector<Finding> run() {
        look_at_store();
        if (store_.info().loading) return std::move(found_);  // nothing in it has to fit yet
        note(look_at_owner(), "store.owner");
        note(look_at_chain(), "journal.chain");
        note(look_at_rule_sets(), "rules.active");
        note(look_at_requests(), "requests.unanswered");
        look_at_content();
        return std::move(found_);
    }

private:
    /// What could not be looked at is wrong as well.
    void note(const Result<void>& looked, const std::string& check) {
        if (!looked)
            found_.push_back({Level::error, check, looked.error().message, "",
                              "make the store readable, then run signalbox doctor again"});
    }

    void look_at_store() {
        const auto info = store_.info();
        if (info.loading)
            found_.push_back({Level::error, "store.whole", loading_error().message, "",
                              "run the same signalbox restore or signalbox copy again"});
        else
            found_.push_back({Level::ok, "store.whole", "nothing is being loaded into it", "", ""});
        found_.push_back({Level::ok, "store.schema", "the schema is " + std::to_string(info.schema), "", ""});
        if (info.simulated)
            found_.push_back({Level::warning, "store.simulated", "the store was filled by replay", "",
                              "serve refuses it; use another one for live events"});
        auto examined = store_.examine();
        if (!examined)
            found_.push_back({Level::error, "store.examine", examined.error().message, "",
                              "see whether the database is damaged; signalbox restore brings a backup back"});
        else
            std::move(examined->begin(), examined->end(), std::back_inserter(found_));
    }

    Result<void> look_at_owner() {
        const auto owned = store_.has_owner();
        if (!owned) return owned.error();
        owned_ = *owned;
        found_.push_back({Level::ok, "store.owner",
                          owned_ ? "a process owns the store" : "nobody owns the store", "", ""});
        return {};
    }

    // ---- the journal

    Result<void> look_at_chain() {
        Kind faults("journal.chain", options_.deep ? "every row, digest and hash fits" : "the heads fit",
                    Level::error,
                    "keep the store as evidence; signalbox audit verify names the rows, a backup has them");
        const auto looked = options_.deep ? verify_all(faults) : compare_heads(faults);
        faults.give_to(found_);
        return looked;
    }

    Result<void> verify_all(Kind& faults) {
        const auto report = verify(look_, TenantName());
        if (!report) return report.error();
        for (const auto& fault : report->faults)
            faults.bad(fault.what,
                       fault.tenant.text() + " " + fault.stream + "#" + std::to_string(fault.seq));
        return {};
    }

    Result<void> compare_heads(Kind& faults) {
        if (auto begun = look_.begin_reading(); !begun) return begun;
        auto compared = compare_heads_of_all(faults);
        look_.end_reading();
        return compared;
    }

    Result<void> compare_heads_of_all(Kind& faults) {
        const auto tenants = look_.tenants();
        if (!tenants) return tenants.error();
        for (const auto& tenant : *tenants) {
            const auto heads = look_.streams(tenant);
            if (!heads) return heads.error();
            for (const auto& head : *heads)
                if (auto compared = compare_head(tenant, head, faults); !compared) return compared;
        }
        const auto strays = look_.strays();
        if (!strays) return strays.error();
        for (const auto& stray : *strays) faults.bad("rows of no stream", stray);
        return {};
    }

    Result<void> compare_head(const TenantName& tenant, const StreamHead& head, Kind& faults) {
        const auto where = tenant.text() + " " + head.stream + "#" + std::to_string(head.seq);
        if (head.seq > 0) {
            const auto last = look_.record(tenant, head.stream, head.seq);
            if (!last) return last.error();
            if (!*last)
                faults.bad("the last row is missing", where);
            else if ((*last)->hash != head.hash)
                faults.bad("the last row's hash is not the stored head's", where);
        }
        const auto beyond = look_.record(tenant, head.stream, head.seq + 1);
        if (!beyond) return beyond.error();
        if (*beyond) faults.bad("a row is beyond the stored head", where);
        return {};
    }

    // ---- rules

    Result<void> look_at_rule_sets() {
        Kind faults("rules.active", "the active rule sets are stored and compile", Level::error,
                    "start the daemon with the tenant's folder once: it stores what it activates");
        const auto looked = check_rule_sets(faults);
        faults.give_to(found_);
        return looked;
    }

    Result<void> check_rule_sets(Kind& faults) {
        const auto tenants = look_.tenants();
        if (!tenants) return tenants.error();
        for (const auto& name : *tenants) {
            const auto version = active_version(look_, name);
            if (!version) return version.error();
            if (version->empty()) continue;
            const auto files = look_.rule_set(name, *version);
            if (!files) return files.error();
            if (!*files) {
                faults.bad("rule set " + *version + " is active and not stored", name.text());
                continue;
            }
            const auto tenant = tenant_of_files(name, files_from_json(**files));
            if (!tenant)
                faults.bad("rule set " + *version + ": " + tenant.error().message, name.text());
            else
                active_[name] = *tenant;
        }
        for (const auto& [name, tenant] : options_.tenants) active_[name] = tenant;
        return {};
    }

    Result<void> look_at_requests() {
        const auto requests = look_.unanswered(list_rows);
        if (!requests) return requests.error();
        if (requests->empty()) {
            found_.push_back({Level::ok, "requests.unanswered", "no command waits for an answer", "", ""});
            return {};
        }
        const auto& oldest = requests->front();
        const bool old = options_.now - oldest.made > options_.waits_long;
        found_.push_back({old ? Level::warning : Level::ok, "requests.unanswered",
                          std::to_string(requests->size()) + " commands wait, the oldest (" + oldest.command +
                              ") for " + ago(options_.now, oldest.made),
                          oldest.tenant.text(),
                          old ? "start the daemon, or see in its log why it does not answer" : ""});
        return {};
    }

    // ---- what is stored

    void look_at_content() {
        const auto dumped = store_.dump(
            [this](const StoredItem& item) {
                return std::visit([this](const auto& one) { return take(one); }, item);
            },
            false);
        note(dumped, "store.content");
        report_waiting();
        note(look_at_escalations(), "escalations.stuck");
        connections_.give_to(found_);
        report_continuations();
        seen_.give_to(found_);
        entities_.give_to(found_);
    }

    template <class Other>
    Result<void> take(const Other&) {
        return {};
    }

    Result<void> take(const PendingEvent& pending) {
        ++pending_;
        oldest_pending_ = std::min(oldest_pending_, pending.event.received);
        lanes_with_pending_.emplace(pending.event.tenant.text(), pending.event.subject.text());
        return {};
    }

    Result<void> take(const Delivery& delivery) {
        ++outbox_;
        oldest_delivery_ = std::min(oldest_delivery_, delivery.created);
        remember(delivery);
        return {};
    }

    Result<void> take(const DeadLetter& letter) {
        ++dead_letters_;
        remember(letter.delivery);
        return {};
    }

    void remember(const Delivery& delivery) {
        awaited_.emplace(delivery.tenant.text(), delivery.lane.text(), delivery.action.firing,
                         delivery.action.as);
        const auto tenant = active_.find(delivery.tenant);
        if (tenant == active_.end() || tenant->second->connections.contains(delivery.action.connection))
            return;
        connections_.bad("delivery " + delivery.key.text() + " is for the connection " +
                             delivery.action.connection + ", which the tenant does not have",
                         delivery.tenant.text() + " " + delivery.lane.text());
    }

    Result<void> take(const BlockedLane& lane) {
        ++blocked_;
        blocked_lane_ = lane.tenant.text() + " " + lane.subject.text();
        return {};
    }

    Result<void> take(const StoredContinuation& stored) {
        continuations_.push_back(stored);
        return {};
    }

    bool is_looked_at(std::uint64_t number) const {
        return options_.deep || number <= looked_at_first || number % one_in == 0;
    }

    Result<void> take(const SeenRow& seen) {
        if (!is_looked_at(++seen_count_)) return {};
        for (const auto seq : {seen.event_seq, seen.decision_seq}) {
            if (seq == 0 && seq == seen.decision_seq) continue;
            const auto row = look_.record(seen.tenant, seen.stream, seq);
            if (!row) return row.error();
            if (!*row)
                seen_.bad("a known event points at row " + std::to_string(seq) + ", which is not there",
                          seen.tenant.text() + " " + seen.stream);
        }
        return {};
    }

    /// Entity and journal of one moment: a daemon may have gone on since the dump began.
    Result<void> take(const Entity& entity) {
        if (!is_looked_at(++entity_count_)) return {};
        if (auto begun = look_.begin_reading(); !begun) return begun;
        const auto compared = compare_version(entity.tenant, entity.subject);
        look_.end_reading();
        return compared;
    }

    Result<void> compare_version(const TenantName& tenant, const Subject& subject) {
        const auto entity = look_.entity(tenant, subject);
        if (!entity) return entity.error();
        for (auto limit = history_rows_at_first;; limit = std::numeric_limits<std::size_t>::max()) {
            const auto rows = look_.history(tenant, subject, limit);
            if (!rows) return rows.error();
            std::uint64_t version = 0;
            for (const auto& row : *rows) version = std::max(version, row.entity_version);
            if (version == 0 && rows->size() == limit) continue;
            const auto stored = *entity ? (*entity)->version : 0;
            if (stored != version)
                entities_.bad("the entity is at version " + std::to_string(stored) + ", the journal at " +
                                  std::to_string(version),
                              tenant.text() + " " + subject.text());
            return {};
        }
    }

    // ---- what waits

    void report_waiting() {
        const auto is_old = [this](Instant since) { return options_.now - since > options_.waits_long; };
        const std::string start = owned_ ? "see in the daemon's log why it does not go on"
                                         : "start the daemon: nobody owns the store";
        const bool pending_old = pending_ > 0 && is_old(oldest_pending_);
        found_.push_back(
            {pending_old ? Level::warning : Level::ok, "pending.age",
             std::to_string(pending_) + " events wait" +
                 (pending_ > 0 ? ", the oldest for " + ago(options_.now, oldest_pending_) : ""),
             "", pending_old ? start + "; lanes that are blocked wait for signalbox lanes release" : ""});
        const bool outbox_old = outbox_ > 0 && is_old(oldest_delivery_);
        found_.push_back({outbox_old ? Level::warning : Level::ok, "outbox.age",
                          std::to_string(outbox_) + " deliveries wait" +
                              (outbox_ > 0 ? ", the oldest for " + ago(options_.now, oldest_delivery_) : ""),
                          "", outbox_old ? start + "; or a destination is away" : ""});
        const bool large = outbox_ > options_.outbox_long;
        found_.push_back(
            {large ? Level::warning : Level::ok, "outbox.size", std::to_string(outbox_) + " deliveries wait",
             "",
             large ? "a destination is slower than the events: see signalbox_deliveries in /metrics" : ""});
        found_.push_back({dead_letters_ > 0 ? Level::warning : Level::ok, "dead_letters",
                          std::to_string(dead_letters_) + " actions were given up", "",
                          dead_letters_ > 0 ? "signalbox dead-letters list, then retry or discard" : ""});
        found_.push_back({blocked_ > 0 ? Level::warning : Level::ok, "lanes.blocked",
                          std::to_string(blocked_) + " lanes wait for an operator", blocked_lane_,
                          blocked_ > 0 ? "signalbox lanes list, then release" : ""});
    }

    Result<void> look_at_escalations() {
        Kind stuck(
            "escalations.stuck", "escalations go on when they should", Level::error,
            owned_ ? "see in the daemon's log why it does not go on; signalbox escalations audit names all"
                   : "start the daemon: nobody owns the store");
        Result<void> looked;
        for (const auto& [name, tenant] : active_) {
            const auto stands = escalations_of(look_, name, options_.now);
            if (!stands) {
                looked = stands.error();
                break;
            }
            for (const auto& stand : *stands)
                if (!stand.fault.empty())
                    stuck.bad("escalation " + stand.escalation + ": " + stand.fault,
                              name.text() + " " + stand.subject.text());
        }
        stuck.give_to(found_);
        return looked;
    }

    /// What a rule waits for is in the outbox, a dead letter, or on its way back as an event of the lane.
    void report_continuations() {
        Kind lost("continuations.lost", "what rules wait for is on its way", Level::error,
                  "the rest of the rule will not run: do by hand what it would have done");
        for (const auto& stored : continuations_) {
            const auto lane = std::pair(stored.tenant.text(), stored.subject.text());
            if (lanes_with_pending_.contains(lane)) continue;
            for (const auto& as : stored.continuation.awaits)
                if (!awaited_.contains({lane.first, lane.second, stored.continuation.firing, as})) {
                    lost.bad("rule " + stored.continuation.rule + " waits for the result of " + as +
                                 ", and no delivery will bring it",
                             lane.first + " " + lane.second);
                    break;
                }
        }
        lost.give_to(found_);
    }

    Store& store_;
    Store& look_;
    const DoctorOptions& options_;
    std::vector<Finding> found_;
    Tenants active_;
    bool owned_ = false;
    std::uint64_t pending_ = 0;
    std::uint64_t outbox_ = 0;
    std::uint64_t dead_letters_ = 0;
    std::uint64_t blocked_ = 0;
    std::uint64_t seen_count_ = 0;
    std::uint64_t entity_count_ = 0;
    std::string blocked_lane_;
    Instant oldest_pending_ = Instant::max();
    Instant oldest_delivery_ = Instant::max();
    std::set<std::pair<std::string, std::string>> lanes_with_pending_;                  ///< tenant, subject
    std::set<std::tuple<std::string, std::string, std::string, std::string>> awaited_;  ///< lane, firing, as
    std::vector<StoredContinuation> continuations_;
    Kind connections_{
        "deliveries.connection", "every delivery has its connection", Level::error,
        "bring the connection back in the tenant's folder, or discard the delivery once it is a "
        "dead letter"};
    Kind seen_{"seen.rows", "known events point at their rows", Level::error,
               "the store was changed from outside or damaged: restore a backup"};
    Kind entities_{"entities.version", "entities are at the versions of the journal", Level::error,
                   "the store was changed from outside or damaged: restore a backup"};
};

}  // namespace

std::vector<Finding> examine(Store& store, Store& look, const DoctorOptions& options) {
    return Examination(store, look, options).run();
}

std::string_view name_of(Finding::Level level) {
    switch (level) {
        case Level::ok:
            return "ok";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
    }
    return "error";
}

Finding::Level worst_of(const std::vector<Finding>& findings) {
    Level worst = Level::ok;
    for (const auto& finding : findings) worst = std::max(worst, finding.level);
    return worst;
}

}  // namespace engine::app
