#include "engine/store/sqlite/step_writer.h"

#include <algorithm>

#include "engine/store/codec.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

/// The table of subjects is brought up to date when that many rows are not in it. Whoever takes the store
/// over reads as many, and so does a history.
constexpr std::uint64_t unindexed_rows_max = 6144;
/// What is remembered only to save look-ups is forgotten beyond that.
constexpr std::size_t remembered_max = 32'768;

template <class List, class Write>
Result<void> each(const List& list, Write write) {
    for (const auto& item : list)
        if (const Result<void> written = write(item); !written) return written;
    return {};
}

}  // namespace

Result<void> StepWriter::begin() {
    if (memory_.complete) return {};
    memory_.unindexed_rows = 0;
    auto rows = database_.query(sql::list_tails);
    if (!rows) return rows.error();
    while (true) {
        const auto next = rows->next();
        if (!next) return next.error();
        if (!*next) break;
        const auto stream = rows->integer(0);
        const auto tenant = rows->integer(1);
        auto tail = database_.query(sql::list_subjects_between, position_of(stream, rows->count(2)),
                                    position_of(stream, rows->count(3)));
        if (!tail) return tail.error();
        while (true) {
            const auto row = tail->next();
            if (!row) return row.error();
            if (!*row) break;
            const auto seq = static_cast<std::uint64_t>(tail->integer(0) % positions_of_share);
            memory_.subjects[{tenant, std::string(tail->text(1)), stream}] = {seq, true};
        }
        memory_.unindexed_rows += rows->count(3) - rows->count(2);
    }
    memory_.complete = true;
    return {};
}

Result<void> StepWriter::write(const Step& step) {
    const auto tenant = tenants_.number_of(step.tenant.text());
    if (!tenant) return tenant.error();
    now_ = {&step, *tenant, 0, 0, 0};
    if (auto done = each(step.erasures, [this](const auto& erasure) { return erase(erasure); }); !done)
        return done;
    if (auto done = each(step.records, [this](const auto& record) { return append(record); }); !done)
        return done;
    if (auto done = write_seen(); !done) return done;
    if (auto done = write_decided(); !done) return done;
    if (auto done = each(step.entities, [this](const auto& entity) { return write_entity(entity); }); !done)
        return done;
    if (auto done = write_pending(); !done) return done;
    if (auto done = write_outbox(); !done) return done;
    if (auto done = write_dead_letters(); !done) return done;
    if (auto done = write_timers(); !done) return done;
    if (auto done = write_blocked_lanes(); !done) return done;
    if (auto done = write_continuations(); !done) return done;
    return write_keys();
}

Result<void> StepWriter::finish() {
    if (auto done = finish_streams(); !done) return done;
    if (auto done = finish_entities(); !done) return done;
    if (auto done = finish_counters(); !done) return done;
    return memory_.unindexed_rows + rows_ < unindexed_rows_max ? Result<void>() : index_subjects();
}

void StepWriter::remember() {
    memory_.unindexed_rows = indexed_ ? 0 : memory_.unindexed_rows + rows_;
    if (indexed_)
        for (auto& [key, head] : memory_.subjects) head.unwritten = false;
    if (indexed_ && memory_.subjects.size() > remembered_max) memory_.subjects.clear();
    for (const auto& [key, head] : subjects_) memory_.subjects[key] = {head.seq, head.unwritten && !indexed_};
    if (memory_.entities.size() > remembered_max) memory_.entities.clear();
    for (auto& [key, row] : entities_) memory_.entities[key] = std::move(row.head);
}

// ---- journal

Result<void> StepWriter::erase(const Erasure& erasure) {
    const auto& subject = erasure.subject.text();
    for (const auto& place : erasure.rows) {
        const auto open = stream(place.stream);
        if (!open) return open.error();
        const auto erased = database_.run(sql::erase_body, position_of((*open)->id, place.seq), subject);
        if (!erased) return erased.error();
        if (*erased == 0)
            return Error{Code::conflict, "row " + std::to_string(place.seq) + " of stream " + place.stream +
                                             " is not about " + subject};
    }
    if (erasure.goes_on) return {};
    for (const auto* statement : {sql::forget_timers, sql::forget_continuations, sql::forget_dead_letters})
        if (const auto done = database_.run(statement, now_.tenant, subject); !done) return done.error();
    return {};
}

Result<void> StepWriter::append(const NewRecord& record) {
    const auto open = stream(record.stream);
    if (!open) return open.error();
    SubjectHead none;
    SubjectHead* subject = &none;
    if (!record.subject.empty()) {
        const auto head = subject_head(record.subject, (*open)->id);
        if (!head) return head.error();
        subject = *head;
    }
    const auto& row = memory_.journal.append(*now_.step, record, (*open)->head, subject->seq);
    (*open)->moved = true;
    *subject = {row.seq, true};
    ++rows_;
    if (record.kind == record_kind::event && now_.event_seq == 0) {
        now_.event_seq = row.seq;
        now_.event_stream = (*open)->id;
    }
    if (record.kind == record_kind::decision && now_.decision_seq == 0) now_.decision_seq = row.seq;
    return row_.add_record(row, (*open)->id);
}

Result<OpenStream> open_stream(Database& database, std::int64_t tenant, const std::string& name) {
    OpenStream stream;
    stream.head.stream = name;
    auto rows = database.query(sql::find_stream, tenant, name);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (*found) {
        const auto hash = digest_from(rows->text(2), "the hash of stream " + name);
        if (!hash) return hash.error();
        stream.id = rows->integer(0);
        stream.head.seq = rows->count(1);
        stream.head.hash = *hash;
    } else {
        auto added = database.query(sql::add_stream, tenant, name);
        if (!added) return added.error();
        if (const auto row = added->next(); !row) return row.error();
        stream.id = added->integer(0);
    }
    return stream;
}

Result<OpenStream*> StepWriter::stream(const std::string& name) {
    const StreamKey key(now_.tenant, name);
    const auto known = memory_.streams.find(key);
    if (known != memory_.streams.end()) return &known->second;
    auto stream = open_stream(database_, now_.tenant, name);
    if (!stream) return stream.error();
    return &memory_.streams.emplace(key, *std::move(stream)).first->second;
}

Result<SubjectHead*> StepWriter::subject_head(const std::string& subject, std::int64_t stream) {
    const auto [place, added] = subjects_.try_emplace({now_.tenant, subject, stream});
    if (!added) return &place->second;
    if (const auto known = memory_.subjects.find(place->first); known != memory_.subjects.end()) {
        place->second = known->second;
        return &place->second;
    }
    auto rows = database_.query(sql::find_subject_head, now_.tenant, subject, stream);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (*found) place->second.seq = rows->count(0);
    return &place->second;
}

// ---- events and entities

Result<void> StepWriter::write_seen() {
    const Step& step = *now_.step;
    if (!step.seen) return {};
    const std::string key = event_key(*step.seen);
    const auto added = database_.run(sql::add_seen, Blob{key}, now_.event_stream, now_.event_seq,
                                     now_.decision_seq, Blob{bytes_of(step.seen_digest)});
    if (!added) return added.error();
    if (*added == 0) return conflict("is known already");
    return {};
}

Result<void> StepWriter::write_decided() {
    const Step& step = *now_.step;
    if (!step.decided) return {};
    if (now_.decision_seq == 0)
        return invalid("event " + step.decided->id.text() + ": decided without a decision record");
    const std::string key = event_key(*step.decided);
    const auto decided = database_.run(sql::set_decided, Blob{key}, now_.decision_seq);
    if (!decided) return decided.error();
    if (*decided == 0) return conflict("is not pending");
    return {};
}

Result<void> StepWriter::write_entity(const Entity& entity) {
    const auto found = entity_row(entity.subject);
    if (!found) return found.error();
    EntityRow& row = **found;
    std::string fields = stored_text(entity.fields);
    if (entity.version != row.head.version + 1) {
        const auto same = has_fields(entity.subject, row, fields);
        if (!same) return same.error();
        if (entity.version != row.head.version || !*same)
            return conflict("finds entity " + entity.subject.text() + " at version " +
                            std::to_string(row.head.version) + ", writing version " +
                            std::to_string(entity.version));
    }
    std::string email = email_of(entity);
    const auto watched_until = watched_microseconds(entity);
    row.index_changed =
        row.index_changed || email != row.head.email || watched_until != row.head.watched_until;
    row.head.version = entity.version;
    row.head.email = std::move(email);
    row.head.watched_until = watched_until;
    row.fields = std::move(fields);
    row.meta = stored_text(meta_to_json(entity));
    return {};
}

Result<StepWriter::EntityRow*> StepWriter::entity_row(const Subject& subject) {
    const auto [place, added] = entities_.try_emplace({now_.tenant, subject.text()});
    if (!added) return &place->second;
    if (const auto known = memory_.entities.find(place->first); known != memory_.entities.end()) {
        place->second.head = known->second;
        return &place->second;
    }
    if (const auto read = read_entity(subject.text(), place->second); !read) return read.error();
    return &place->second;
}

Result<void> StepWriter::read_entity(const std::string& subject, EntityRow& row) {
    auto rows = database_.query(sql::find_entity, now_.tenant, subject);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (*found) {
        row.head = {rows->integer(0), rows->count(1), std::string(rows->text(2)), std::nullopt};
        if (!rows->is_null(5)) row.head.watched_until = rows->integer(5);
        row.fields = rows->text(3);
    } else {
        row.fields = "{}";
    }
    return {};
}

Result<bool> StepWriter::has_fields(const Subject& subject, EntityRow& row, const std::string& fields) {
    if (!row.fields)
        if (const auto read = read_entity(subject.text(), row); !read) return read.error();
    return *row.fields == fields;
}

// ---- what waits

Result<void> StepWriter::write_pending() {
    const Step& step = *now_.step;
    const auto removed = each(step.pending_removed, [this](const auto& place) {
        return only_error(database_.run(sql::remove_pending, position_of(place.first, place.second)));
    });
    if (!removed) return removed;
    return each(step.pending_added, [this](const PendingEvent& added) {
        auto& counters = counters_[added.partition];
        counters.place = std::max(counters.place, added.place);
        return row_.add_pending(now_.tenant, added, added.event_seq == 0 ? now_.event_seq : added.event_seq);
    });
}

Result<void> StepWriter::write_outbox() {
    const Step& step = *now_.step;
    for (const auto& [partition, number] : step.outbox_removed) {
        const auto removed = database_.run(sql::remove_delivery, position_of(partition, number));
        if (!removed) return removed.error();
        counters_[partition].outbox_rows -= *removed;
    }
    const auto updated = each(step.outbox_updated, [this](const Delivery& delivery) {
        return only_error(database_.run(sql::set_delivery, position_of(delivery.partition, delivery.number),
                                        delivery.attempts, microseconds_of(delivery.next_attempt)));
    });
    if (!updated) return updated;
    return each(step.outbox_added, [this](const Delivery& delivery) {
        auto& counters = counters_[delivery.partition];
        counters.number = std::max(counters.number, delivery.number);
        ++counters.outbox_rows;
        return row_.add_delivery(now_.tenant, delivery);
    });
}

Result<void> StepWriter::write_dead_letters() {
    const Step& step = *now_.step;
    const auto removed = each(step.dead_letters_removed, [this](const auto& number) {
        return only_error(database_.run(sql::remove_dead_letter, position_of(number.first, number.second)));
    });
    if (!removed) return removed;
    return each(step.dead_letters_added, [this](const DeadLetter& letter) {
        auto& counters = counters_[letter.delivery.partition];
        counters.number = std::max(counters.number, letter.delivery.number);
        return row_.put_dead_letter(now_.tenant, letter);
    });
}

Result<void> StepWriter::write_timers() {
    const Step& step = *now_.step;
    const auto removed = each(step.timers_removed, [this](const Timer& timer) {
        return only_error(database_.run(sql::remove_timer, now_.tenant, timer.subject.text(), timer.name));
    });
    if (!removed) return removed;
    return each(step.timers_set, [this](const Timer& timer) { return row_.put_timer(now_.tenant, timer); });
}

Result<void> StepWriter::write_blocked_lanes() {
    const Step& step = *now_.step;
    const auto released = each(step.lanes_released, [this](const BlockedLane& lane) {
        return only_error(database_.run(sql::remove_blocked_lane, now_.tenant, lane.subject.text()));
    });
    if (!released) return released;
    return each(step.lanes_blocked,
                [this](const BlockedLane& lane) { return row_.put_blocked_lane(now_.tenant, lane); });
}

Result<void> StepWriter::write_continuations() {
    const Step& step = *now_.step;
    const auto removed = each(step.continuations_removed, [this](const StoredContinuation& stored) {
        return only_error(database_.run(sql::remove_continuation, now_.tenant, stored.id));
    });
    if (!removed) return removed;
    return each(step.continuations_set, [this](const StoredContinuation& stored) {
        return row_.put_continuation(now_.tenant, stored);
    });
}

Result<void> StepWriter::write_keys() {
    return each(now_.step->keys_set, [this](const ApiKey& key) { return row_.put_key(now_.tenant, key); });
}

// ---- once a transaction

Result<void> StepWriter::finish_streams() {
    for (auto& [key, stream] : memory_.streams) {
        if (!stream.moved) continue;
        const auto moved =
            database_.run(sql::move_stream, stream.id, stream.head.seq, Blob{bytes_of(stream.head.hash)});
        if (!moved) return moved.error();
        stream.moved = false;
    }
    return {};
}

/// In the order of the table, so that each of its pages is written once.
Result<void> StepWriter::index_subjects() {
    std::map<SubjectKey, std::uint64_t> unwritten;
    for (const auto& [key, head] : memory_.subjects)
        if (head.unwritten) unwritten[key] = head.seq;
    for (const auto& [key, head] : subjects_)
        if (head.unwritten) unwritten[key] = head.seq;
    const auto written = each(unwritten, [this](const auto& entry) {
        const auto& [tenant, subject, stream] = entry.first;
        return only_error(database_.run(sql::put_subject_head, tenant, subject, stream, entry.second));
    });
    if (!written) return written;
    indexed_ = true;
    return only_error(database_.run(sql::mark_indexed));
}

Result<void> StepWriter::finish_entities() {
    for (auto& [key, row] : entities_) {
        const EntityHead& head = row.head;
        std::optional<std::string_view> email;
        if (!head.email.empty()) email = head.email;
        const auto written =
            head.id == 0 ? row_.add_entity(key.first, key.second, head.version, head.email, *row.fields,
                                           row.meta, head.watched_until)
            : row.index_changed
                ? only_error(database_.run(sql::set_indexed_entity, head.id, head.version, *row.fields,
                                           row.meta, email, head.watched_until))
                : only_error(database_.run(sql::set_entity, head.id, head.version, *row.fields, row.meta));
        if (!written) return written.error();
        if (head.id == 0) row.head.id = database_.last_row();
    }
    return {};
}

Result<void> StepWriter::finish_counters() {
    return each(counters_, [this](const auto& entry) {
        const auto& [partition, counters] = entry;
        return only_error(database_.run(sql::raise_counters, partition, counters.place, counters.number,
                                        counters.outbox_rows));
    });
}

Error StepWriter::conflict(const std::string& what) const {
    return {Code::conflict, "event " + event_named_by(*now_.step) + " " + what};
}

}  // namespace engine
