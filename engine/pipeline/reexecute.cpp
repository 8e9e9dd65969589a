#include "engine/pipeline/reexecute.h"

#include <deque>
#include <map>
#include <set>
#include <utility>

#include "engine/pipeline/fold.h"
#include "engine/pipeline/journal_walk.h"
#include "engine/pipeline/projector.h"
#include "engine/pipeline/recorded.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

constexpr std::size_t shown_bytes_max = 200;

std::string shown(const Json& value) {
    auto text = canonical_json(value);
    if (text.size() > shown_bytes_max) text = text.substr(0, shown_bytes_max) + "…";
    return text;
}

/// The first place where the two part, by name.
std::string first_difference(const Json& journal, const Json& again, const std::string& path) {
    if (journal.is_object() && again.is_object()) {
        std::set<std::string> names;
        for (const auto& [name, value] : journal.items()) names.insert(name);
        for (const auto& [name, value] : again.items()) names.insert(name);
        for (const auto& name : names) {
            const auto left = journal.find(name);
            const auto right = again.find(name);
            const auto inner = path.empty() ? name : path + "." + name;
            if (left == journal.end()) return inner + " is not in the journal, and is now " + shown(*right);
            if (right == again.end())
                return inner + " is " + shown(*left) + " in the journal, and is not there now";
            if (*left != *right) return first_difference(*left, *right, inner);
        }
    }
    if (journal.is_array() && again.is_array()) {
        const auto both = std::min(journal.size(), again.size());
        for (std::size_t i = 0; i < both; ++i)
            if (journal[i] != again[i])
                return first_difference(journal[i], again[i], path + "[" + std::to_string(i) + "]");
    }
    return path + " is " + shown(journal) + " in the journal, and is now " + shown(again);
}

/// Versions of entities that are no longer the newest, as long as a stream may ask for them.
class Superseded {
public:
    void keep(const Entity& entity, Instant until) {
        by_subject_[entity.subject.text()][entity.version] = entity;
        order_.push_back({until, entity.subject.text(), entity.version});
    }
    const Entity* find(const Subject& subject, std::uint64_t version) const {
        const auto versions = by_subject_.find(subject.text());
        if (versions == by_subject_.end()) return nullptr;
        const auto found = versions->second.find(version);
        return found == versions->second.end() ? nullptr : &found->second;
    }
    /// No row before that time comes any more.
    void forget_before(Instant time) {
        while (!order_.empty() && order_.front().until < time) {
            const auto versions = by_subject_.find(order_.front().subject);
            versions->second.erase(order_.front().version);
            if (versions->second.empty()) by_subject_.erase(versions);
            order_.pop_front();
        }
    }

private:
    struct Kept {
        Instant until;  ///< when the next version was made
        std::string subject;
        std::uint64_t version;
    };
    std::map<std::string, std::map<std::uint64_t, Entity>> by_subject_;
    std::deque<Kept> order_;
};

class Reexecution {
public:
    Reexecution(Store& store, const TenantName& tenant, const ReexecuteOptions& options)
        : store_(store),
          tenant_(tenant),
          options_(options),
          partitions_(store.info().partitions),
          tenant_at_(tenants_of(store, tenant, options.scripts)),
          shelf_(tenant, options.entities_in_memory_max),
          projector_(tenant, {partitions_, !store.info().simulated}, tenant_at_, shelf_),
          rows_(store, tenant) {}

    Result<ReexecuteReport> run() {
        if (auto started = rows_.start(); !started) return started.error();
        projector_.begin_after(rows_.detached());
        while (true) {
            const auto stream = rows_.earliest();
            if (!stream) return stream.error();
            if (!*stream) return report_;
            const auto row = rows_.next(**stream);
            if (!row) return row.error();
            superseded_.forget_before((*row)->time);
            if (auto done = advance(**stream); !done) return done.error();
        }
    }

private:
    /// Takes the stream's next row. What it needs of other streams is taken before.
    Result<void> advance(std::size_t stream) {
        const auto row = rows_.next(stream);
        if (!row) return row.error();
        const auto& record = **row;
        if (record.kind != record_kind::decision) {
            if (auto taken = projector_.take(record); !taken) return taken;
        } else if (auto taken = take_decision(stream, record); !taken) {
            return taken;
        }
        rows_.move_on(stream);
        return {};
    }

    Result<void> take_decision(std::size_t stream, const JournalRecord& record) {
        const auto body = record.body ? parse_stored(*record.body, "decision") : Result<Json>(not_found(""));
        const auto decision = body ? decision_from_json(*body) : Result<Decision>(body.error());
        if (!decision) {
            // Erased is no fault; what cannot be read is one that the check of the chain names, too.
            if (record.body) find(record, decision.error().message);
            if (!record.body) ++report_.skipped;
            return projector_.take(record);
        }
        in_need_.insert(stream);
        auto reached = reach_links(*decision);
        in_need_.erase(stream);
        if (!reached) return reached;
        if (auto compared = decide_and_compare(record, *decision, *body); !compared) return compared;
        const auto before = shelf_.find(decision->subject);
        if (!before) return before.error();
        if ((*before)->known() && record.entity_version != (*before)->version)
            superseded_.keep(**before, record.time);
        return projector_.take_decision(record, *decision);
    }

    /// Moves the streams of linked entities on until they have the versions that were read. A stream that
    /// waits for this one cannot be moved on; no journal that was written by deciding is like that.
    Result<void> reach_links(const Decision& decision) {
        for (const auto& link : decision.linked) {
            const auto stream =
                rows_.stream_named(partition_stream(partition_of(tenant_, link.subject, partitions_)));
            while (stream && !in_need_.contains(*stream) && projector_.lost(link.subject) == nullptr) {
                const auto entity = shelf_.find(link.subject);
                if (!entity) return entity.error();
                if ((*entity)->version >= link.version) break;
                const auto row = rows_.next(*stream);
                if (!row) return row.error();
                if (*row == nullptr) break;
                if (auto advanced = advance(*stream); !advanced) return advanced;
            }
        }
        return {};
    }

    Result<Entity> linked_at(const Subject& subject, std::uint64_t version) {
        const auto entity = shelf_.find(subject);
        if (!entity) return entity.error();
        if ((*entity)->version == version) return **entity;
        if (const auto* kept = superseded_.find(subject, version)) return *kept;
        ++report_.looked_up;
        return entity_at(store_, tenant_, subject, version, tenant_at_);
    }

    Result<void> decide_and_compare(const JournalRecord& record, const Decision& decision, const Json& body) {
        const auto event = projector_.event_of(decision);
        const bool known = event != nullptr && projector_.lost(decision.subject) == nullptr;
        if (auto tenant = tenant_at_(decision.ruleset); !tenant) {
            if (tenant.error().code == Code::unavailable) return tenant.error();
            find(record, tenant.error().message);
            return {};
        }
        if (!known) {
            ++report_.skipped;
            return {};
        }
        const auto found = shelf_.find(decision.subject);
        if (!found) return found.error();
        const Entity before = **found;
        const auto again = decide_again(
            event, decision, before, tenant_at_,
            [this](const Subject& subject, std::uint64_t version) { return linked_at(subject, version); });
        if (!again && again.error().code == Code::unavailable) return again.error();
        ++report_.decisions;
        if (options_.on_decision) options_.on_decision();
        if (!again)
            find(record, "cannot be decided again: " + again.error().message);
        else if (const auto text = canonical_text(*again); text != *record.body)
            if (const auto json = parse_stored(text, "decision"))
                find(record, first_difference(body, *json, ""));
        return {};
    }

    void find(const JournalRecord& record, std::string what) {
        ++report_.findings;
        if (options_.on_finding)
            options_.on_finding({tenant_, record.stream, record.seq, record.cause_event, std::move(what)});
    }

    Store& store_;
    const TenantName& tenant_;
    const ReexecuteOptions& options_;
    const int partitions_;
    TenantAt tenant_at_;
    EntityShelf shelf_;
    Projector projector_;
    JournalWalk rows_;
    Superseded superseded_;
    std::set<std::size_t> in_need_;  ///< streams whose next row waits for others
    ReexecuteReport report_;
};

}  // namespace

Json to_json(const ReexecuteReport& report) {
    return {{"decisions", report.decisions},
            {"findings", report.findings},
            {"skipped", report.skipped},
            {"looked_up", report.looked_up}};
}

Result<ReexecuteReport> reexecute(Store& store, const TenantName& tenant, const ReexecuteOptions& options) {
    if (auto reading = store.begin_reading(); !reading) return reading.error();
    auto report = Reexecution(store, tenant, options).run();
    store.end_reading();
    return report;
}

}  // namespace engine
