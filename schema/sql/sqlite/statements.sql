-- The statements of the SQLite store. Each becomes a constant of the name in its `-- name:` line.

-- name: find_tenant
SELECT id FROM tenants WHERE name = ?;

-- name: add_tenant
INSERT INTO tenants (name) VALUES (?) RETURNING id;

-- name: tenant_text
SELECT name FROM tenants WHERE id = ?;

-- name: list_tenants
SELECT name FROM tenants ORDER BY name;

-- name: find_word
SELECT id FROM words WHERE text = ?;

-- name: add_word
INSERT INTO words (text) VALUES (?) RETURNING id;

-- name: word_text
SELECT text FROM words WHERE id = ?;

-- name: read_info
SELECT partitions, simulated, EXISTS (SELECT 1 FROM counters WHERE partition = -2 AND place > 0) FROM store;

-- name: set_info
UPDATE store SET partitions = ?, simulated = ?;

-- No partition has that number either: its place says whether a load is under way.
-- name: mark_loading
INSERT INTO counters (partition, place, number, outbox_rows) VALUES (-2, 1, 0, 0)
ON CONFLICT DO UPDATE SET place = 1;

-- name: mark_loaded
UPDATE counters SET place = 0 WHERE partition = -2;

-- name: holds_anything
SELECT EXISTS (SELECT 1 FROM tenants) OR EXISTS (SELECT 1 FROM journal) OR EXISTS (SELECT 1 FROM requests);

-- name: set_simulated
UPDATE store SET simulated = 1;

-- No partition has that number: its place counts the probes. A row that stays as it is would not be written.
-- name: probe
INSERT INTO counters (partition, place, number, outbox_rows) VALUES (-1, 1, 0, 0)
ON CONFLICT DO UPDATE SET place = place + 1;

-- name: find_stream
SELECT id, seq, hash, detached_seq FROM streams WHERE tenant = ? AND name = ?;

-- name: add_stream
INSERT INTO streams (tenant, name, seq, hash) VALUES (?, ?, 0, zeroblob(32)) RETURNING id;

-- name: move_stream
UPDATE streams SET seq = ?2, hash = ?3 WHERE id = ?1;

-- name: set_detached
UPDATE streams SET detached_seq = ?2, detached_hash = ?3 WHERE id = ?1;

-- name: list_streams
SELECT name, seq, hash, detached_seq, detached_hash FROM streams WHERE tenant = ? ORDER BY name;

-- name: stream_text
SELECT s.name, s.detached_seq FROM streams s JOIN tenants t ON t.id = s.tenant WHERE s.id = ?;

-- name: mark_indexed
UPDATE streams SET indexed = seq WHERE indexed < seq;

-- name: list_tails
SELECT id, tenant, indexed, seq FROM streams WHERE indexed < seq;

-- name: list_tails_of
SELECT id, indexed, seq FROM streams WHERE tenant = ? AND indexed < seq;

-- name: add_record
INSERT INTO journal (position, time, kind, subject, entity_version, cause_event, cause_rule, ruleset, actor,
                     previous, body_digest, hash, salt, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: read_records
SELECT position, time, kind, subject, entity_version, cause_event, cause_rule, ruleset, actor, previous,
       body_digest, hash, salt, body
FROM journal WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?;

-- name: search_records
SELECT position, time, kind, subject, entity_version, cause_event, cause_rule, ruleset, actor, previous,
       body_digest, hash, salt, body
FROM journal
WHERE position BETWEEN ?1 AND ?2 AND time >= ?3 AND time < ?4 AND (?5 = 0 OR kind = ?5)
  AND (?6 = '' OR (?7 <> 0 AND cause_rule = ?7)
       OR (kind = ?8 AND CASE WHEN instr(body, ?9) > 0
                              THEN EXISTS (SELECT 1 FROM json_each(body, '$.fired') WHERE value = ?6) END))
ORDER BY position DESC LIMIT ?10;

-- name: read_link
SELECT subject, previous, body IS NULL, kind FROM journal WHERE position = ?;

-- name: erase_body
UPDATE journal SET body = NULL, salt = NULL WHERE position = ? AND subject = ?;

-- name: list_subjects_between
SELECT position, subject FROM journal WHERE position > ? AND position <= ? AND subject <> '' ORDER BY position;

-- name: find_subject_between
SELECT position FROM journal WHERE position > ? AND position <= ? AND subject = ? ORDER BY position DESC LIMIT 1;

-- name: next_position
SELECT position FROM journal WHERE position >= ? ORDER BY position LIMIT 1;

-- name: find_subject_head
SELECT seq FROM subjects WHERE tenant = ? AND subject = ? AND stream = ?;

-- name: list_subject_heads
SELECT stream, seq FROM subjects WHERE tenant = ? AND subject = ?;

-- name: put_subject_head
INSERT INTO subjects (tenant, subject, stream, seq) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET seq = excluded.seq;

-- name: add_seen
INSERT INTO seen (key, stream, event_seq, decision_seq, content_digest) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: set_decided
UPDATE seen SET decision_seq = ?2 WHERE key = ?1 AND decision_seq = 0;

-- name: find_seen
SELECT s.name, e.event_seq, e.decision_seq, e.content_digest
FROM seen e LEFT JOIN streams s ON s.id = e.stream WHERE e.key = ?;

-- name: find_seen_by_id
SELECT s.name, e.event_seq, e.decision_seq, e.content_digest
FROM seen e
LEFT JOIN streams s ON s.id = e.stream
LEFT JOIN journal j ON j.position = (e.stream << 40) + e.event_seq
WHERE e.key BETWEEN ? AND ? ORDER BY j.time, e.stream, e.event_seq;

-- name: find_entity
SELECT id, version, email, fields, meta, watched_until FROM entities WHERE tenant = ? AND subject = ?;

-- name: find_entity_by_email
SELECT subject, version, fields, meta FROM entities
WHERE tenant = ? AND email = ? AND subject > ? AND subject < ? ORDER BY subject LIMIT 1;

-- name: list_entities
SELECT subject, version, fields, meta FROM entities
WHERE tenant = ? AND subject > ? AND subject < ? ORDER BY subject LIMIT ?;

-- name: list_watched
SELECT subject, version, fields, meta FROM entities INDEXED BY entities_watched
WHERE tenant = ? AND watched_until > ? AND subject > ? ORDER BY subject LIMIT ?;

-- name: add_entity
INSERT INTO entities (tenant, subject, version, email, fields, meta, watched_until) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: set_entity
UPDATE entities SET version = ?2, fields = ?3, meta = ?4 WHERE id = ?1;

-- Setting what stands in an index writes the index, be it the same.
-- name: set_indexed_entity
UPDATE entities SET version = ?2, fields = ?3, meta = ?4, email = ?5, watched_until = ?6 WHERE id = ?1;

-- name: put_entity
INSERT INTO entities (tenant, subject, version, email, fields, meta, watched_until) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, subject) DO UPDATE
SET version = excluded.version, email = excluded.email, fields = excluded.fields, meta = excluded.meta,
    watched_until = excluded.watched_until;

-- name: put_seen
INSERT INTO seen (key, stream, event_seq, decision_seq, content_digest) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE
SET stream = excluded.stream, event_seq = excluded.event_seq, decision_seq = excluded.decision_seq,
    content_digest = excluded.content_digest;

-- name: count_outbox_again
UPDATE counters SET outbox_rows = (SELECT count(*) FROM outbox WHERE position >= ?2 AND position < ?3)
WHERE partition = ?1;

-- name: raise_counters
INSERT INTO counters (partition, place, number, outbox_rows) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET place = max(place, excluded.place), number = max(number, excluded.number),
                          outbox_rows = outbox_rows + excluded.outbox_rows;

-- name: read_counters
SELECT place, number FROM counters WHERE partition = ?;

-- name: count_outbox
SELECT sum(outbox_rows) FROM counters;

-- name: add_pending
INSERT INTO pending (position, tenant, subject, kind, event, context, event_seq) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: remove_pending
DELETE FROM pending WHERE position = ?;

-- name: list_pending
SELECT position, tenant, kind, event, context, event_seq
FROM pending WHERE position > ? AND position < ? ORDER BY position LIMIT ?;

-- name: count_pending_of_lane
SELECT count(*) FROM pending WHERE position >= ? AND position < ? AND tenant = ? AND subject = ?;

-- name: add_delivery
INSERT INTO outbox (position, tenant, lane, attempts, created, next_attempt, body) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: set_delivery
UPDATE outbox SET attempts = ?2, next_attempt = ?3 WHERE position = ?1;

-- name: remove_delivery
DELETE FROM outbox WHERE position = ?;

-- name: list_outbox
SELECT position, tenant, lane, attempts, created, next_attempt, body
FROM outbox WHERE position > ? AND position < ? ORDER BY position LIMIT ?;

-- name: add_dead_letter
INSERT OR REPLACE INTO dead_letters (position, tenant, lane, attempts, created, next_attempt, body, key, reason,
                                     status, since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: remove_dead_letter
DELETE FROM dead_letters WHERE position = ?;

-- name: forget_dead_letters
DELETE FROM dead_letters WHERE tenant = ? AND lane = ?;

-- name: list_dead_letters
SELECT position, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM dead_letters WHERE tenant = ? ORDER BY since, position LIMIT ?;

-- name: find_dead_letter
SELECT position, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM dead_letters WHERE tenant = ? AND key = ? ORDER BY position LIMIT 1;

-- name: put_timer
INSERT INTO timers (tenant, subject, name, partition, due, body) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET partition = excluded.partition, due = excluded.due, body = excluded.body;

-- name: remove_timer
DELETE FROM timers WHERE tenant = ? AND subject = ? AND name = ?;

-- name: forget_timers
DELETE FROM timers WHERE tenant = ? AND subject = ?;

-- name: list_next_timers
SELECT tenant, subject, name, partition, due, body
FROM timers WHERE (due, subject, name, tenant) > (?, ?, ?, ?) ORDER BY due, subject, name, tenant LIMIT ?;

-- name: list_timers
SELECT tenant, subject, name, partition, due, body
FROM timers WHERE tenant = ? ORDER BY due, subject, name LIMIT ?;

-- name: list_timers_of
SELECT tenant, subject, name, partition, due, body FROM timers WHERE tenant = ? AND subject = ? ORDER BY name;

-- name: put_blocked_lane
INSERT OR REPLACE INTO blocked_lanes (tenant, subject, partition, reason, event, since) VALUES (?, ?, ?, ?, ?, ?);

-- name: remove_blocked_lane
DELETE FROM blocked_lanes WHERE tenant = ? AND subject = ?;

-- name: list_blocked_lanes
SELECT tenant, subject, partition, reason, event, since FROM blocked_lanes ORDER BY since, tenant, subject;

-- name: list_blocked_lanes_of
SELECT tenant, subject, partition, reason, event, since
FROM blocked_lanes WHERE tenant = ? ORDER BY since, subject;

-- name: put_continuation
INSERT OR REPLACE INTO continuations (tenant, id, partition, subject, continuation, context)
VALUES (?, ?, ?, ?, ?, ?);

-- name: remove_continuation
DELETE FROM continuations WHERE tenant = ? AND id = ?;

-- name: forget_continuations
DELETE FROM continuations WHERE tenant = ? AND subject = ?;

-- name: list_continuations
SELECT id, partition, continuation, context FROM continuations WHERE tenant = ? AND subject = ? ORDER BY id;

-- name: list_all_continuations
SELECT id, partition, continuation, context, subject
FROM continuations WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?;

-- name: put_rule_set
INSERT INTO rule_sets (tenant, version, files) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: find_rule_set
SELECT files FROM rule_sets WHERE tenant = ? AND version = ?;

-- name: put_key
INSERT OR REPLACE INTO keys (id, tenant, name, secret_digest, scopes, created, expires, revoked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: find_key
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked FROM keys WHERE id = ?;

-- name: list_keys
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked
FROM keys WHERE tenant = ? ORDER BY created, id;

-- name: add_request
INSERT INTO requests (tenant, command, arguments, actor, made) VALUES (?, ?, ?, ?, ?) RETURNING number;

-- name: list_unanswered
SELECT number, tenant, command, arguments, actor, made, answer
FROM requests WHERE answer IS NULL ORDER BY number LIMIT ?;

-- name: set_answer
UPDATE requests SET answer = ?2 WHERE number = ?1 AND answer IS NULL;

-- name: find_request
SELECT number, tenant, command, arguments, actor, made, answer FROM requests WHERE number = ?;

-- name: find_migrations
SELECT number, name, checksum, applied, program FROM migrations ORDER BY number;

-- name: add_migration
INSERT INTO migrations (number, name, checksum, applied, program) VALUES (?, ?, ?, ?, ?);

-- name: add_store
INSERT INTO store (id, partitions) VALUES (1, ?);

-- A whole store is read in the order of the rows.
-- name: dump_tenants
SELECT name FROM tenants ORDER BY id;

-- name: dump_rule_sets
SELECT tenant, version, files FROM rule_sets ORDER BY rowid;

-- name: dump_keys
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked FROM keys ORDER BY rowid;

-- name: dump_streams
SELECT tenant, name, seq, hash, detached_seq, detached_hash FROM streams ORDER BY id;

-- name: dump_past_subjects
SELECT s.tenant, s.name, b.subject, b.seq FROM streams s JOIN subjects b ON b.tenant = s.tenant AND b.stream = s.id
WHERE s.detached_seq > 0 AND b.seq <= s.detached_seq;

-- name: dump_seen
SELECT e.key, t.name, s.name, e.event_seq, e.decision_seq, e.content_digest
FROM seen e LEFT JOIN streams s ON s.id = e.stream LEFT JOIN tenants t ON t.id = s.tenant ORDER BY e.key;

-- name: dump_entities
SELECT tenant, subject, version, fields, meta FROM entities ORDER BY id;

-- name: dump_pending
SELECT position, tenant, kind, event, context, event_seq FROM pending ORDER BY position;

-- name: dump_outbox
SELECT position, tenant, lane, attempts, created, next_attempt, body FROM outbox ORDER BY position;

-- name: dump_dead_letters
SELECT position, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM dead_letters ORDER BY position;

-- name: dump_timers
SELECT tenant, subject, name, partition, due, body FROM timers ORDER BY tenant, subject, name;

-- name: dump_continuations
SELECT tenant, id, partition, subject, continuation, context FROM continuations ORDER BY rowid;

-- name: dump_counters
SELECT partition, place, number FROM counters WHERE partition >= 0 ORDER BY partition;

-- name: dump_requests
SELECT number, tenant, command, arguments, actor, made
FROM requests WHERE answer IS NULL ORDER BY number;

-- name: add_numbered_request
INSERT INTO requests (number, tenant, command, arguments, actor, made) VALUES (?, ?, ?, ?, ?, ?);

-- name: empty_journal
DELETE FROM journal;

-- name: empty_subjects
DELETE FROM subjects;

-- name: empty_streams
DELETE FROM streams;

-- name: empty_words
DELETE FROM words;

-- name: empty_seen
DELETE FROM seen;

-- name: empty_entities
DELETE FROM entities;

-- name: empty_counters
DELETE FROM counters;

-- name: empty_pending
DELETE FROM pending;

-- name: empty_outbox
DELETE FROM outbox;

-- name: empty_dead_letters
DELETE FROM dead_letters;

-- name: empty_timers
DELETE FROM timers;

-- name: empty_blocked_lanes
DELETE FROM blocked_lanes;

-- name: empty_continuations
DELETE FROM continuations;

-- name: empty_rule_sets
DELETE FROM rule_sets;

-- name: empty_keys
DELETE FROM keys;

-- name: empty_requests
DELETE FROM requests;

-- name: empty_tenants
DELETE FROM tenants;

-- name: journal_mode
PRAGMA journal_mode;

-- name: synchronous_level
PRAGMA synchronous;

-- name: quick_check
PRAGMA quick_check(5);
