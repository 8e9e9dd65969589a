#include "engine/store/postgres/commit_columns.h"

namespace engine::postgres {
namespace {

template <class... Columns>
void give(Values& values, Columns&... columns) {
    (values.add(columns), ...);
}

}  // namespace

void CommitColumns::give_to(Values& values) {
    give(values, streams.ids, streams.from, streams.seqs, streams.hashes);
    give(values, rows.streams, rows.seqs, rows.tenants, rows.times, rows.kinds, rows.subjects, rows.versions,
         rows.events, rows.rules, rows.rulesets, rows.actors, rows.previous, rows.digests, rows.hashes,
         rows.salts, rows.bodies);
    give(values, subjects.tenants, subjects.names, subjects.streams, subjects.seqs);
    give(values, seen.keys, seen.tenants, seen.streams, seen.events, seen.decisions, seen.digests);
    give(values, decided.keys, decided.seqs);
    give(values, entities.tenants, entities.subjects, entities.first_versions, entities.first_fields,
         entities.versions, entities.emails, entities.fields, entities.metas, entities.watched);
    give(values, counters.partitions, counters.places, counters.numbers);
    give(values, gone.partitions, gone.places);
    give(values, pending.partitions, pending.places, pending.tenants, pending.subjects, pending.kinds,
         pending.events, pending.contexts, pending.seqs);
    give(values, done.partitions, done.numbers);
    give(values, moved.partitions, moved.numbers, moved.attempts, moved.next);
    give(values, outbox.partitions, outbox.numbers, outbox.tenants, outbox.lanes, outbox.attempts,
         outbox.created, outbox.next, outbox.bodies);
}

}  // namespace engine::postgres
