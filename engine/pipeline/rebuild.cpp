#include "engine/pipeline/rebuild.h"

#include <set>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/pipeline/derived.h"
#include "engine/pipeline/journal_walk.h"
#include "engine/pipeline/projector.h"
#include "engine/pipeline/recorded.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

constexpr std::size_t compared_rows = 500;
constexpr std::size_t shown_max = 300;
constexpr auto command_name = "rebuild";
constexpr auto rebuild_begun = "begun";
constexpr auto done = "done";

using LanePlace = Projection::Place;

std::string name_of_place(const LanePlace& place) {
    return partition_stream(place.first) + "/" + std::to_string(place.second);
}

// What is compared: all that is kept of a thing, in one text.

std::string text_of(const Entity& entity) {
    return Json{{"version", entity.version}, {"fields", entity.fields}, {"meta", meta_to_json(entity)}}
        .dump();
}
Json json_of(const Delivery& delivery) {
    auto json = to_json(delivery);
    json["lane"] = delivery.lane.text();
    json["attempts"] = delivery.attempts;
    json["created"] = to_text(delivery.created);
    json["next_attempt"] = to_text(delivery.next_attempt);
    return json;
}
std::string text_of(const Delivery& delivery) {
    return json_of(delivery).dump();
}
std::string text_of(const DeadLetter& letter) {
    auto json = json_of(letter.delivery);
    json["reason"] = letter.reason;
    json["status"] = letter.status;
    json["since"] = to_text(letter.since);
    return json.dump();
}
std::string text_of(const PendingEvent& pending) {
    return Json{{"kind", pending.kind},
                {"event", envelope_of(pending.event)},
                {"context", pending.context},
                {"event_seq", pending.event_seq}}
        .dump();
}
std::string text_of(const StoredContinuation& stored) {
    return Json{{"subject", stored.subject.text()},
                {"continuation", to_json(stored.continuation)},
                {"context", stored.context}}
        .dump();
}
std::string text_of(const Timer& timer) {
    return to_text(timer.due) + " " + canonical_json(timer.body);
}
std::string text_of(const BlockedLane& lane) {
    return Json{{"reason", lane.reason}, {"event", lane.event.text()}, {"since", to_text(lane.since)}}.dump();
}
std::string text_of(const SeenEvent& seen) {
    return Json{{"stream", seen.stream},
                {"event", seen.event_seq},
                {"decision", seen.decision_seq},
                {"content", to_hex(bytes_of(seen.content_digest))}}
        .dump();
}

/// Both texts from a little before they part.
std::string parting(std::string_view live, std::string_view journal) {
    std::size_t same = 0;
    while (same < live.size() && same < journal.size() && live[same] == journal[same]) ++same;
    const auto from = same > 40 ? same - 40 : 0;
    const auto cut = [from](std::string_view text) {
        return (from > 0 ? "…" : "") + std::string(text.substr(std::min(from, text.size()), shown_max));
    };
    return "is " + cut(live) + ", and by the journal " + cut(journal);
}

NewRecord act(const RebuildOptions& options, const char* state, Json did) {
    NewRecord record;
    record.stream = control_stream;
    record.kind = record_kind::operator_act;
    record.actor = options.actor;
    did["command"] = command_name;
    did["arguments"] = Json::object();
    did["state"] = state;
    record.body = canonical_json(did);
    return record;
}

class Rebuild {
public:
    Rebuild(Store& store, const TenantName& tenant, const RebuildOptions& options)
        : store_(store),
          tenant_(tenant),
          options_(options),
          shelf_(tenant, options.entities_in_memory_max),
          projector_(tenant, {store.info().partitions, !store.info().simulated}, tenants_of(store, tenant),
                     shelf_, [this](const SeenEvent& seen) { return take_seen(seen); }) {
        clear_changes();
    }

    Result<RebuildReport> run() {
        const auto unfinished = is_rebuild_unfinished(store_, tenant_);
        if (!unfinished) return unfinished.error();
        report_.unfinished = *unfinished;
        if (auto done = prepare(); !done) return done.error();
        if (auto done = walk(); !done) return done.error();
        count();
        if (auto done = compare_seen(); !done) return done.error();
        if (auto done = compare_all(); !done) return done.error();
        if (auto done = conclude(); !done) return done.error();
        return report_;
    }

private:
    Result<void> prepare() {
        if (!options_.replace) return store_.begin_reading();
        if (!store_.owned()) return denied("this process does not own the store");
        const auto streams = store_.streams(tenant_);
        if (!streams) return streams.error();
        for (const auto& head : *streams)
            if (head.detached_seq > 0) return cannot_replace(head);
        return journal(rebuild_begun, Json::object());
    }

    Result<void> journal(const char* state, Json did) {
        Step step;
        step.tenant = tenant_;
        step.time = options_.now;
        step.records.push_back(act(options_, state, std::move(did)));
        return store_.commit(std::span(&step, 1));
    }

    Result<void> walk() {
        JournalWalk rows(store_, tenant_);
        if (auto started = rows.start(); !started) return started;
        detached_ = rows.detached();
        projector_.begin_after(detached_);
        while (true) {
            const auto stream = rows.earliest();
            if (!stream) return stream.error();
            if (!*stream) break;
            const auto row = rows.next(**stream);
            if (!row) return row.error();
            if (auto taken = projector_.take(**row); !taken) return taken;
            rows.move_on(**stream);
        }
        report_.rows = rows.rows();
        return projector_.finish();
    }

    static Error cannot_replace(const StreamHead& cut) {
        return invalid("rows up to " + std::to_string(cut.detached_seq) + " of stream " + cut.stream +
                       " were taken away by retention, so not all that is stored follows from the journal; "
                       "attach them again, or only check");
    }

    /// Whether what is stored of the partition may come of rows that are gone.
    bool is_cut(int partition) const { return detached_.contains(partition_stream(partition)); }

    void count() {
        const auto& projection = projector_.projection();
        report_.deliveries = projection.outbox.size();
        report_.dead_letters = projection.dead_letters.size();
        report_.pending = projection.pending.size();
        report_.blocked_lanes = projection.blocked.size();
        for (const auto& [subject, all] : projection.continuations) report_.continuations += all.size();
        report_.lost_lanes = projector_.lost_lanes().size();
        if (options_.on_lost)
            for (const auto& [subject, why] : projector_.lost_lanes()) options_.on_lost(subject, why);
    }

    // ---- differences and what puts them right

    void differ(std::string what, std::string name, std::string detail) {
        ++report_.differences;
        if (options_.on_difference)
            options_.on_difference({std::move(what), std::move(name), std::move(detail)});
    }

    void clear_changes() {
        changes_ = 0;
        step_ = Step();
        step_.tenant = tenant_;
        step_.time = options_.now;
        amendment_ = Amendment();
        amendment_.tenant = tenant_;
    }

    /// After each change that was added.
    Result<void> changed() {
        return options_.replace && ++changes_ >= options_.changes_per_commit ? write() : Result<void>();
    }

    Result<void> write() {
        if (!options_.replace || changes_ == 0) return {};
        if (auto written = store_.amend(amendment_); !written) return written;
        if (auto written = store_.commit(std::span(&step_, 1)); !written) return written;
        clear_changes();
        return {};
    }

    bool is_lost(const Subject& subject) const { return projector_.lost(subject) != nullptr; }

    // ---- events as recognition knows them

    /// What is not in the journal is left: an event that was erased cannot be told from one that never was.
    Result<void> take_seen(const SeenEvent& seen) {
        seen_.push_back(seen);
        return seen_.size() < compared_rows ? Result<void>() : compare_seen();
    }

    Result<void> compare_seen() {
        const auto page = std::exchange(seen_, {});
        std::vector<EventKey> keys;
        for (const auto& seen : page) keys.push_back(seen.key);
        if (!options_.replace)
            if (auto expected = store_.expect(keys, {}); !expected) return expected;
        for (const auto& seen : page) {
            const auto live = store_.seen(seen.key);
            if (!live) return live.error();
            const auto journal = text_of(seen);
            const auto is = *live ? text_of(**live) : "missing";
            if (is == journal) continue;
            differ("seen", seen.key.source + " " + seen.key.id.text(), parting(is, journal));
            amendment_.seen.push_back(seen);
            if (auto kept = changed(); !kept) return kept;
        }
        return {};
    }

    // ---- projections

    Result<void> compare_all() {
        if (auto done = compare_entities(); !done) return done;
        for (int partition = 0; partition < store_.info().partitions; ++partition) {
            if (auto done = compare_pending(partition); !done) return done;
            if (auto done = compare_outbox(partition); !done) return done;
            if (auto done = compare_counters(partition); !done) return done;
        }
        if (auto done = compare_dead_letters(); !done) return done;
        if (auto done = compare_continuations(); !done) return done;
        if (auto done = compare_lanes(); !done) return done;
        if (auto done = compare_timers(); !done) return done;
        return write();
    }

    Result<void> compare_entities() {
        std::string after;
        while (true) {
            const auto page = store_.entities(tenant_, "", after, compared_rows);
            if (!page) return page.error();
            for (const auto& live : *page) {
                after = live.subject.text();
                if (auto compared = compare_entity(live); !compared) return compared;
            }
            if (page->size() < compared_rows) break;
        }
        return shelf_.for_each([this](const Entity& entity) -> Result<void> {
            ++report_.entities;
            if (is_lost(entity.subject)) return {};
            const auto live = store_.entity(tenant_, entity.subject);
            if (!live) return live.error();
            if (*live && (*live)->known()) return {};
            differ("entity", entity.subject.text(), "is missing");
            amendment_.entities.push_back(entity);
            return changed();
        });
    }

    Result<void> compare_entity(const Entity& live) {
        if (!live.known() || is_lost(live.subject)) return {};
        const auto entity = shelf_.find(live.subject);
        if (!entity) return entity.error();
        if (**entity == live) return {};
        const int partition = partition_of(tenant_, live.subject, store_.info().partitions);
        if (!(*entity)->known() && is_cut(partition)) return {};
        const auto journal = (*entity)->known() ? text_of(**entity) : "nothing";
        differ("entity", live.subject.text(), parting(text_of(live), journal));
        amendment_.entities.push_back(**entity);
        return changed();
    }

    /// Reads live rows page by page; `place_of` their places, `is` and `wanted` what is compared.
    template <class Value, class Read, class PlaceOf, class Subject_, class Remove, class Add>
    Result<void> compare_placed(const char* what, std::map<LanePlace, Value>& wanted, int partition,
                                Read read, PlaceOf place_of, Subject_ subject_of, Remove remove, Add add) {
        std::set<LanePlace> found;
        std::uint64_t after = 0;
        while (true) {
            const auto page = read(after);
            if (!page) return page.error();
            for (const auto& live : *page) {
                after = place_of(live).second;
                if (tenant_in(live) != tenant_ || is_lost(subject_of(live))) continue;
                const auto place = place_of(live);
                const auto kept = wanted.find(place);
                const auto journal = kept == wanted.end() ? std::string("nothing") : text_of(kept->second);
                if (kept != wanted.end()) found.insert(place);
                if (text_of(live) == journal) continue;
                if (kept == wanted.end() && (is_cut(partition) || may_be_of_a_lost_lane(live))) continue;
                differ(what, name_of_place(place), parting(text_of(live), journal));
                remove(place);
                if (kept != wanted.end()) add(kept->second);
                if (auto done = changed(); !done) return done;
            }
            if (page->size() < compared_rows) break;
        }
        for (const auto& [place, value] : wanted) {
            if (place.first != partition || found.contains(place) || is_lost(subject_of(value))) continue;
            differ(what, name_of_place(place), parting("missing", text_of(value)));
            add(value);
            if (auto done = changed(); !done) return done;
        }
        return {};
    }

    static const TenantName& tenant_in(const PendingEvent& pending) { return pending.event.tenant; }
    static const TenantName& tenant_in(const Delivery& delivery) { return delivery.tenant; }

    /// What a lane let flow into others is not known either, once the lane is lost.
    bool may_be_of_a_lost_lane(const PendingEvent& pending) const {
        return pending.kind == pending_kind::derived && !projector_.lost_lanes().empty();
    }
    bool may_be_of_a_lost_lane(const Delivery&) const { return false; }

    Result<void> compare_pending(int partition) {
        return compare_placed(
            "pending", projector_.projection().pending, partition,
            [&](std::uint64_t after) { return store_.pending(partition, after, compared_rows); },
            [](const PendingEvent& one) { return LanePlace(one.partition, one.place); },
            [](const PendingEvent& one) { return one.event.subject; },
            [&](const LanePlace& place) { step_.pending_removed.push_back(place); },
            [&](const PendingEvent& one) { step_.pending_added.push_back(one); });
    }

    Result<void> compare_outbox(int partition) {
        return compare_placed(
            "delivery", projector_.projection().outbox, partition,
            [&](std::uint64_t after) { return store_.outbox(partition, after, compared_rows); },
            [](const Delivery& one) { return LanePlace(one.partition, one.number); },
            [](const Delivery& one) { return one.lane; },
            [&](const LanePlace& place) { step_.outbox_removed.push_back(place); },
            [&](const Delivery& one) { step_.outbox_added.push_back(one); });
    }

    /// Other tenants' rows count in the partition, too.
    Result<void> compare_counters(int partition) {
        const auto live = store_.counters(partition);
        if (!live) return live.error();
        const auto wanted = projector_.projection().counters[partition];
        if (live->first < wanted.first || live->second < wanted.second)
            differ("counters", partition_stream(partition),
                   "are " + std::to_string(live->first) + " and " + std::to_string(live->second) +
                       ", and by the journal at least " + std::to_string(wanted.first) + " and " +
                       std::to_string(wanted.second));
        else if (!options_.replace)
            return {};
        amendment_.counters[partition] = wanted;
        return changed();
    }

    /// Dead letters, continuations, lanes: by name, all live ones in memory, as those by the journal are.
    template <class Value, class Remove, class Add>
    Result<void> compare_named(const char* what, const std::map<std::string, Value>& live,
                               const std::map<std::string, Value>& wanted, Remove remove, Add add) {
        for (const auto& [name, value] : live) {
            const auto kept = wanted.find(name);
            const auto journal = kept == wanted.end() ? std::string("nothing") : text_of(kept->second);
            if (text_of(value) == journal) continue;
            differ(what, name, parting(text_of(value), journal));
            remove(value);
            if (kept != wanted.end()) add(kept->second);
            if (auto done = changed(); !done) return done;
        }
        for (const auto& [name, value] : wanted) {
            if (live.contains(name)) continue;
            differ(what, name, parting("missing", text_of(value)));
            add(value);
            if (auto done = changed(); !done) return done;
        }
        return {};
    }

    Result<void> compare_dead_letters() {
        const auto letters = store_.dead_letters(tenant_, std::numeric_limits<std::int32_t>::max());
        if (!letters) return letters.error();
        std::map<std::string, DeadLetter> live;
        std::map<std::string, DeadLetter> wanted;
        const auto place_of = [](const DeadLetter& one) {
            return LanePlace(one.delivery.partition, one.delivery.number);
        };
        const auto put = [&](std::map<std::string, DeadLetter>& into, const DeadLetter& one) {
            if (!is_lost(one.delivery.lane) && !is_cut(one.delivery.partition))
                into[name_of_place(place_of(one))] = one;
        };
        for (const auto& one : *letters) put(live, one);
        for (const auto& [place, one] : projector_.projection().dead_letters) put(wanted, one);
        return compare_named(
            "dead_letter", live, wanted,
            [&](const DeadLetter& one) { step_.dead_letters_removed.push_back(place_of(one)); },
            [&](const DeadLetter& one) { step_.dead_letters_added.push_back(one); });
    }

    Result<void> compare_continuations() {
        std::map<std::string, StoredContinuation> live;
        std::map<std::string, StoredContinuation> wanted;
        std::string after;
        while (true) {
            const auto page = store_.all_continuations(tenant_, after, compared_rows);
            if (!page) return page.error();
            for (const auto& one : *page) {
                after = one.id;
                if (!is_lost(one.subject) && !is_cut(one.partition)) live[one.id] = one;
            }
            if (page->size() < compared_rows) break;
        }
        for (const auto& [subject, all] : projector_.projection().continuations)
            for (const auto& [id, one] : all)
                if (!is_lost(one.subject) && !is_cut(one.partition)) wanted[id] = one;
        return compare_named(
            "continuation", live, wanted,
            [&](const StoredContinuation& one) { step_.continuations_removed.push_back(one); },
            [&](const StoredContinuation& one) { step_.continuations_set.push_back(one); });
    }

    Result<void> compare_lanes() {
        const auto lanes = store_.blocked_lanes(tenant_);
        if (!lanes) return lanes.error();
        std::map<std::string, BlockedLane> live;
        std::map<std::string, BlockedLane> wanted;
        for (const auto& one : *lanes)
            if (!is_lost(one.subject) && !is_cut(one.partition)) live[one.subject.text()] = one;
        for (const auto& [subject, one] : projector_.projection().blocked)
            if (!is_lost(one.subject) && !is_cut(one.partition)) wanted[subject] = one;
        return compare_named(
            "blocked_lane", live, wanted,
            [&](const BlockedLane& one) { step_.lanes_released.push_back(one); },
            [&](const BlockedLane& one) { step_.lanes_blocked.push_back(one); });
    }

    Result<void> compare_timers() {
        const auto timers = store_.timers(tenant_, std::numeric_limits<std::int32_t>::max());
        if (!timers) return timers.error();
        std::map<std::string, Timer> live;
        std::map<std::string, Timer> wanted;
        const auto put = [&](std::map<std::string, Timer>& into, const Timer& one) {
            if (!is_lost(one.subject) && !is_cut(one.partition))
                into[one.subject.text() + '\n' + one.name] = one;
        };
        for (const auto& one : *timers) put(live, one);
        for (const auto& [subject, all] : projector_.projection().timers)
            for (const auto& [name, one] : all) put(wanted, one);
        return compare_named(
            "timer", live, wanted, [&](const Timer& one) { step_.timers_removed.push_back(one); },
            [&](const Timer& one) { step_.timers_set.push_back(one); });
    }

    Result<void> conclude() {
        if (options_.replace) return journal(done, Json{{"differences", report_.differences}});
        store_.end_reading();
        if (report_.unfinished)
            differ("rebuild", tenant_.text(), "was begun and not finished: run it with --replace again");
        return {};
    }

    Store& store_;
    const TenantName& tenant_;
    const RebuildOptions& options_;
    RebuildReport report_;
    EntityShelf shelf_;
    std::map<std::string, std::uint64_t> detached_;  ///< by stream: the last row that is gone
    Projector projector_;
    std::vector<SeenEvent> seen_;
    std::size_t changes_ = 0;
    Step step_;
    Amendment amendment_;
};

}  // namespace

Json to_json(const RebuildReport& report) {
    return {{"rows", report.rows},
            {"entities", report.entities},
            {"deliveries", report.deliveries},
            {"dead_letters", report.dead_letters},
            {"pending", report.pending},
            {"continuations", report.continuations},
            {"blocked_lanes", report.blocked_lanes},
            {"differences", report.differences},
            {"lost_lanes", report.lost_lanes}};
}

Result<RebuildReport> rebuild(Store& store, const TenantName& tenant, const RebuildOptions& options) {
    auto report = Rebuild(store, tenant, options).run();
    store.end_reading();
    return report;
}

Result<bool> is_rebuild_unfinished(Store& store, const TenantName& tenant) {
    bool unfinished = false;
    const auto scanned = store.scan(tenant, control_stream, 0, [&](const JournalRecord& record) {
        if (record.kind != record_kind::operator_act || !record.body) return true;
        const auto body = parse_stored(*record.body, "operator's act");
        if (body && text_or(*body, "command", "") == command_name)
            unfinished = text_or(*body, "state", "") == rebuild_begun;
        return true;
    });
    if (!scanned) return scanned.error();
    return unfinished;
}

}  // namespace engine
