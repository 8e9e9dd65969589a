-- The statements of the PostgreSQL store. Each becomes a constant of the name in its `-- name:` line. Values come in
-- binary, so each says its type.

-- name: find_migrations
SELECT number, name, encode(checksum, 'hex'), (extract(epoch FROM applied) * 1000000)::int8, program
FROM signalbox.migrations ORDER BY number;

-- name: newest_migration
SELECT coalesce(max(number), 0) FROM signalbox.migrations;

-- name: add_migration
INSERT INTO signalbox.migrations (number, name, checksum, program) VALUES ($1::int8, $2::text, $3::bytea, $4::text);

-- name: read_info
SELECT partitions, simulated, EXISTS (SELECT FROM signalbox.counters WHERE partition = -2 AND place > 0)
FROM signalbox.store;

-- name: set_info
UPDATE signalbox.store SET partitions = $1::int8, simulated = $2::int8 <> 0;

-- No partition has that number: its place says whether a load is under way.
-- name: mark_loading
INSERT INTO signalbox.counters (partition, place, number) VALUES (-2, 1, 0)
ON CONFLICT (partition) DO UPDATE SET place = 1;

-- name: mark_loaded
UPDATE signalbox.counters SET place = 0 WHERE partition = -2;

-- name: holds_anything
SELECT EXISTS (SELECT FROM signalbox.tenants) OR EXISTS (SELECT FROM signalbox.journal)
    OR EXISTS (SELECT FROM signalbox.requests);

-- name: add_store
INSERT INTO signalbox.store (partitions) VALUES ($1::int8);

-- name: set_simulated
UPDATE signalbox.store SET simulated = true;

-- name: find_tenant
SELECT id FROM signalbox.tenants WHERE name = $1::text;

-- name: add_tenant
INSERT INTO signalbox.tenants (name) VALUES ($1::text) RETURNING id;

-- name: tenant_text
SELECT name FROM signalbox.tenants WHERE id = $1::int8;

-- name: list_tenants
SELECT name FROM signalbox.tenants ORDER BY name;

-- name: find_live_owner
SELECT o.id, o.name,
       EXISTS (SELECT FROM pg_stat_activity a
               WHERE a.pid = o.backend AND coalesce(a.backend_start, o.backend_start) = o.backend_start)
FROM signalbox.owners o WHERE NOT o.fenced AND o.until > clock_timestamp() ORDER BY o.id DESC LIMIT 1;

-- name: fence_owners
UPDATE signalbox.owners SET fenced = true WHERE NOT fenced;

-- name: add_owner
INSERT INTO signalbox.owners (name, backend, backend_start, until)
SELECT $1::text, a.pid, a.backend_start, clock_timestamp() + $2::int8 * interval '1 microsecond'
FROM pg_stat_activity a WHERE a.pid = pg_backend_pid() RETURNING id;

-- name: move_owner
UPDATE signalbox.owners o SET backend = a.pid, backend_start = a.backend_start,
       until = clock_timestamp() + $2::int8 * interval '1 microsecond'
FROM pg_stat_activity a WHERE a.pid = pg_backend_pid() AND o.id = $1::int8 AND NOT o.fenced RETURNING o.id;

-- name: find_owner
SELECT last_commit, fenced FROM signalbox.owners WHERE id = $1::int8;

-- name: fence_owner
UPDATE signalbox.owners SET fenced = true WHERE id = $1::int8;

-- name: renew
SELECT signalbox.renew($1::int8, $2::int8, $3::int8);

-- name: commit_steps
SELECT signalbox.commit_steps($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44,
    $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68,
    $69, $70, $71);

-- name: add_stream
INSERT INTO signalbox.streams (tenant, name) VALUES ($1::int8, $2::text) RETURNING id;

-- name: find_stream
SELECT id, seq, hash FROM signalbox.streams WHERE tenant = $1::int8 AND name = $2::text;

-- name: set_detached
UPDATE signalbox.streams SET detached_seq = $2::int8, detached_hash = $3::bytea WHERE id = $1::int8;

-- name: list_streams
SELECT name, seq, hash, detached_seq, detached_hash FROM signalbox.streams WHERE tenant = $1::int8 ORDER BY name;

-- name: find_subjects
SELECT u.place, s.seq
FROM unnest($1::int8[], $2::text[], $3::int8[]) WITH ORDINALITY AS u (tenant, subject, stream, place)
JOIN signalbox.subjects s ON s.tenant = u.tenant AND s.subject = u.subject AND s.stream = u.stream;

-- name: list_subject_heads
SELECT s.stream, t.name, s.seq, t.detached_seq FROM signalbox.subjects s JOIN signalbox.streams t ON t.id = s.stream
WHERE s.tenant = $1::int8 AND s.subject = $2::text ORDER BY s.stream;

-- name: make_journal_partition
SELECT signalbox.make_journal_partition($1::text, $2::int8::int, $3::int8);

-- name: list_journal_bounds
SELECT b.name, b.upper, b.old, b.stream, b.first_seq, b.last_seq, b.last_hash, s.tenant, s.name, s.detached_seq
FROM signalbox.journal_bounds($1::int8) b LEFT JOIN signalbox.streams s ON s.id = b.stream
ORDER BY b.old DESC, b.lower, b.stream;

-- name: list_undecided
SELECT s.id, min(p.event_seq)
FROM signalbox.pending p JOIN signalbox.streams s ON s.tenant = p.tenant AND s.name = 'p' || p.partition
WHERE p.event_seq > 0 GROUP BY s.id;

-- name: detach_journal_partitions
SELECT signalbox.detach_journal_partitions($1::text[]);

-- name: read_records
SELECT seq, (extract(epoch FROM time) * 1000000)::int8, kind, subject, entity_version, cause_event, cause_rule, ruleset,
       actor, previous, body_digest, hash, salt, body
FROM signalbox.journal WHERE stream = $1::int8 AND seq >= $2::int8 ORDER BY seq LIMIT $3::int8;

-- What is no text comes as one value, so that a row has few; a body above $4 bytes is asked for alone.
-- name: scan_records
SELECT record_send(ROW(seq, time, entity_version, previous, body_digest, hash, salt, body IS NULL)),
       kind, subject, cause_event, cause_rule, ruleset, actor,
       CASE WHEN octet_length(body) <= $4::int8 THEN body END
FROM signalbox.journal WHERE stream = $1::int8 AND seq >= $2::int8 ORDER BY seq LIMIT $3::int8;

-- name: read_body
SELECT body FROM signalbox.journal WHERE stream = $1::int8 AND seq = $2::int8;

-- name: follow_records
WITH RECURSIVE chain AS (
    SELECT j.*, 1 AS step FROM signalbox.journal j WHERE j.stream = $1::int8 AND j.seq = $2::int8
    UNION ALL
    SELECT j.*, c.step + 1 FROM chain c JOIN signalbox.journal j ON j.stream = c.stream AND j.seq = c.previous
    WHERE c.previous BETWEEN 1 AND c.seq - 1 AND c.step < $3::int8
)
SELECT seq, (extract(epoch FROM time) * 1000000)::int8, kind, subject, entity_version, cause_event, cause_rule, ruleset,
       actor, previous, body_digest, hash, salt, body
FROM chain ORDER BY step;

-- The stream's name is looked up last: joined before, it would be the way to the rows, and lead to all of the tenant's.
-- name: search_records
SELECT j.seq, (extract(epoch FROM j.time) * 1000000)::int8, j.kind, j.subject, j.entity_version, j.cause_event, j.cause_rule,
       j.ruleset, j.actor, j.previous, j.body_digest, j.hash, j.salt, j.body, s.name, j.stream
FROM (SELECT * FROM signalbox.journal
      WHERE tenant = $1::int8
        AND time >= timestamptz 'epoch' + $2::int8 * interval '1 microsecond'
        AND time <= timestamptz 'epoch' + $3::int8 * interval '1 microsecond'
        AND (time, stream, seq) < (timestamptz 'epoch' + $3::int8 * interval '1 microsecond', $4::int8, $5::int8)
        AND ($6::text = '' OR kind = $6::text)
        AND ($7::text = '' OR cause_rule = $7::text OR (kind = 'decision' AND strpos(body, $8::text) > 0))
      ORDER BY time DESC, stream DESC, seq DESC LIMIT $9::int8) j
JOIN signalbox.streams s ON s.id = j.stream
ORDER BY j.time DESC, j.stream DESC, j.seq DESC;

-- name: follow_trail
WITH RECURSIVE chain AS (
    SELECT j.stream, j.seq, j.previous, j.subject, j.body IS NULL OR j.kind = 'erasure' AS kept
    FROM signalbox.journal j WHERE j.stream = $1::int8 AND j.seq = $2::int8
    UNION ALL
    SELECT j.stream, j.seq, j.previous, j.subject, j.body IS NULL OR j.kind = 'erasure'
    FROM chain c JOIN signalbox.journal j ON j.stream = c.stream AND j.seq = c.previous
    WHERE c.previous BETWEEN $4::int8 + 1 AND c.seq - 1
)
SELECT seq, previous, subject, kept FROM chain WHERE NOT kept OR previous <= $4::int8 LIMIT $3::int8;

-- name: erase_bodies
SELECT signalbox.erase_bodies($1::int8, $2::text, $3::text[], $4::int8[]);

-- name: forget_timers
DELETE FROM signalbox.timers WHERE tenant = $1::int8 AND subject = $2::text;

-- name: forget_continuations
DELETE FROM signalbox.continuations WHERE tenant = $1::int8 AND subject = $2::text;

-- name: forget_dead_letters
DELETE FROM signalbox.dead_letters WHERE tenant = $1::int8 AND lane = $2::text;

-- name: next_stream
SELECT j.stream, j.seq < 1, s.id IS NOT NULL AND s.tenant = j.tenant
FROM (SELECT stream, seq, tenant FROM signalbox.journal WHERE stream > $1::int8 ORDER BY stream, seq LIMIT 1) j
LEFT JOIN signalbox.streams s ON s.id = j.stream;

-- name: find_seen
SELECT s.name, e.event_seq, e.decision_seq, e.content_digest
FROM signalbox.seen e LEFT JOIN signalbox.streams s ON s.id = e.stream WHERE e.key = $1::bytea;

-- name: find_seen_events
SELECT s.name, e.event_seq, e.decision_seq, e.content_digest, u.place
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (key, place)
JOIN signalbox.seen e ON e.key = u.key LEFT JOIN signalbox.streams s ON s.id = e.stream;

-- name: find_seen_by_id
SELECT s.name, e.event_seq, e.decision_seq, e.content_digest
FROM signalbox.seen e
LEFT JOIN signalbox.streams s ON s.id = e.stream
LEFT JOIN signalbox.journal j ON j.stream = e.stream AND j.seq = e.event_seq
WHERE e.key BETWEEN $1::bytea AND $2::bytea ORDER BY j.time, e.stream, e.event_seq;

-- name: find_entity
SELECT version, fields, meta FROM signalbox.entities WHERE tenant = $1::int8 AND subject = $2::text;

-- name: find_entities
SELECT e.version, e.fields, e.meta, u.place
FROM unnest($1::int8[], $2::text[]) WITH ORDINALITY AS u (tenant, subject, place)
JOIN signalbox.entities e ON e.tenant = u.tenant AND e.subject = u.subject;

-- name: find_entity_by_email
SELECT subject, version, fields, meta FROM signalbox.entities
WHERE tenant = $1::int8 AND email = $2::bytea AND subject > $3::text AND subject < $4::text ORDER BY subject LIMIT 1;

-- name: list_entities
SELECT subject, version, fields, meta FROM signalbox.entities
WHERE tenant = $1::int8 AND subject > $2::text AND subject < $3::text ORDER BY subject LIMIT $4::int8;

-- name: list_watched
SELECT subject, version, fields, meta FROM signalbox.entities
WHERE tenant = $1::int8 AND watched_until > $2::int8 AND subject > $3::text ORDER BY subject LIMIT $4::int8;

-- name: put_entity
INSERT INTO signalbox.entities (tenant, subject, version, email, fields, meta, watched_until)
VALUES ($1::int8, $2::text, $3::int8, nullif($4::bytea, ''::bytea), $5::text, $6::text,
        nullif($7::int8, '-9223372036854775808'::int8))
ON CONFLICT (tenant, subject) DO UPDATE
SET version = excluded.version, email = excluded.email, fields = excluded.fields, meta = excluded.meta,
    watched_until = excluded.watched_until;

-- name: put_seen
INSERT INTO signalbox.seen (key, tenant, stream, event_seq, decision_seq, content_digest)
VALUES ($1::bytea, $2::int8, $3::int8, $4::int8, $5::int8, $6::bytea)
ON CONFLICT (key) DO UPDATE
SET stream = excluded.stream, event_seq = excluded.event_seq, decision_seq = excluded.decision_seq,
    content_digest = excluded.content_digest;

-- name: raise_counters
INSERT INTO signalbox.counters (partition, place, number) VALUES ($1::int8, $2::int8, $3::int8)
ON CONFLICT (partition) DO UPDATE
SET place = greatest(counters.place, excluded.place), number = greatest(counters.number, excluded.number);

-- name: read_counters
SELECT place, number FROM signalbox.counters WHERE partition = $1::int8;

-- name: count_outbox
SELECT count(*) FROM signalbox.outbox;

-- name: list_pending
SELECT partition, place, tenant, kind, event, context, event_seq
FROM signalbox.pending WHERE partition = $1::int8 AND place > $2::int8 ORDER BY place LIMIT $3::int8;

-- name: list_outbox
SELECT partition, number, tenant, lane, attempts, created, next_attempt, body
FROM signalbox.outbox WHERE partition = $1::int8 AND number > $2::int8 ORDER BY number LIMIT $3::int8;

-- name: add_dead_letter
INSERT INTO signalbox.dead_letters (partition, number, tenant, lane, attempts, created, next_attempt, body, key, reason,
                                    status, since)
VALUES ($1::int8, $2::int8, $3::int8, $4::text, $5::int8, $6::int8, $7::int8, $8::text, $9::text, $10::text, $11::int8,
        $12::int8)
ON CONFLICT (partition, number) DO UPDATE
SET tenant = excluded.tenant, lane = excluded.lane, attempts = excluded.attempts, created = excluded.created,
    next_attempt = excluded.next_attempt, body = excluded.body, key = excluded.key, reason = excluded.reason,
    status = excluded.status, since = excluded.since;

-- name: remove_dead_letter
DELETE FROM signalbox.dead_letters WHERE partition = $1::int8 AND number = $2::int8;

-- name: list_dead_letters
SELECT partition, number, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM signalbox.dead_letters WHERE tenant = $1::int8 ORDER BY since, partition, number LIMIT $2::int8;

-- name: find_dead_letter
SELECT partition, number, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM signalbox.dead_letters WHERE tenant = $1::int8 AND key = $2::text ORDER BY partition, number LIMIT 1;

-- name: put_timer
INSERT INTO signalbox.timers (tenant, subject, name, partition, due, body)
VALUES ($1::int8, $2::text, $3::text, $4::int8, $5::int8, $6::text)
ON CONFLICT (tenant, subject, name) DO UPDATE
SET partition = excluded.partition, due = excluded.due, body = excluded.body;

-- name: remove_timer
DELETE FROM signalbox.timers WHERE tenant = $1::int8 AND subject = $2::text AND name = $3::text;

-- name: list_next_timers
SELECT tenant, subject, name, partition, due, body
FROM signalbox.timers WHERE (due, subject, name, tenant) > ($1::int8, $2::text, $3::text, $4::int8)
ORDER BY due, subject, name, tenant LIMIT $5::int8;

-- name: list_timers
SELECT tenant, subject, name, partition, due, body
FROM signalbox.timers WHERE tenant = $1::int8 ORDER BY due, subject, name LIMIT $2::int8;

-- name: list_timers_of
SELECT tenant, subject, name, partition, due, body
FROM signalbox.timers WHERE tenant = $1::int8 AND subject = $2::text ORDER BY name;

-- name: put_blocked_lane
INSERT INTO signalbox.blocked_lanes (tenant, subject, partition, reason, event, since)
VALUES ($1::int8, $2::text, $3::int8, $4::text, $5::text, $6::int8)
ON CONFLICT (tenant, subject) DO UPDATE
SET partition = excluded.partition, reason = excluded.reason, event = excluded.event, since = excluded.since;

-- name: remove_blocked_lane
DELETE FROM signalbox.blocked_lanes WHERE tenant = $1::int8 AND subject = $2::text;

-- name: list_blocked_lanes
SELECT b.tenant, b.subject, b.partition, b.reason, b.event, b.since,
       (SELECT count(*) FROM signalbox.pending p
        WHERE p.partition = b.partition AND p.tenant = b.tenant AND p.subject = b.subject)
FROM signalbox.blocked_lanes b ORDER BY b.since, b.tenant, b.subject;

-- name: list_blocked_lanes_of
SELECT b.tenant, b.subject, b.partition, b.reason, b.event, b.since,
       (SELECT count(*) FROM signalbox.pending p
        WHERE p.partition = b.partition AND p.tenant = b.tenant AND p.subject = b.subject)
FROM signalbox.blocked_lanes b WHERE b.tenant = $1::int8 ORDER BY b.since, b.subject;

-- name: put_continuation
INSERT INTO signalbox.continuations (tenant, id, partition, subject, continuation, context)
VALUES ($1::int8, $2::text, $3::int8, $4::text, $5::text, $6::text)
ON CONFLICT (tenant, id) DO UPDATE
SET partition = excluded.partition, subject = excluded.subject, continuation = excluded.continuation,
    context = excluded.context;

-- name: remove_continuation
DELETE FROM signalbox.continuations WHERE tenant = $1::int8 AND id = $2::text;

-- name: list_continuations
SELECT id, partition, continuation, context
FROM signalbox.continuations WHERE tenant = $1::int8 AND subject = $2::text ORDER BY id;

-- name: list_all_continuations
SELECT id, partition, continuation, context, subject
FROM signalbox.continuations WHERE tenant = $1::int8 AND id > $2::text ORDER BY id LIMIT $3::int8;

-- name: put_rule_set
INSERT INTO signalbox.rule_sets (tenant, version, files) VALUES ($1::int8, $2::text, $3::text) ON CONFLICT DO NOTHING;

-- name: find_rule_set
SELECT files FROM signalbox.rule_sets WHERE tenant = $1::int8 AND version = $2::text;

-- name: put_key
INSERT INTO signalbox.keys (id, tenant, name, secret_digest, scopes, created, expires, revoked)
VALUES ($1::text, $2::int8, $3::text, $4::bytea, $5::text, $6::int8, nullif($7::int8, '-9223372036854775808'::int8),
        nullif($8::int8, '-9223372036854775808'::int8))
ON CONFLICT (id) DO UPDATE
SET tenant = excluded.tenant, name = excluded.name, secret_digest = excluded.secret_digest, scopes = excluded.scopes,
    created = excluded.created, expires = excluded.expires, revoked = excluded.revoked;

-- name: find_key
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked FROM signalbox.keys WHERE id = $1::text;

-- name: list_keys
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked
FROM signalbox.keys WHERE tenant = $1::int8 ORDER BY created, id;

-- name: add_request
INSERT INTO signalbox.requests (tenant, command, arguments, actor, made)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::int8) RETURNING number;

-- name: list_unanswered
SELECT number, tenant, command, arguments, actor, made, answer
FROM signalbox.requests WHERE answer IS NULL ORDER BY number LIMIT $1::int8;

-- name: set_answer
UPDATE signalbox.requests SET answer = $2::text WHERE number = $1::int8 AND answer IS NULL RETURNING number;

-- name: find_request
SELECT number, tenant, command, arguments, actor, made, answer FROM signalbox.requests WHERE number = $1::int8;

-- A whole store is read through cursors, in the order of the rows.
-- name: dump_tenants
SELECT name FROM signalbox.tenants ORDER BY id;

-- name: dump_rule_sets
SELECT tenant, version, files FROM signalbox.rule_sets ORDER BY tenant, version;

-- name: dump_keys
SELECT id, tenant, name, secret_digest, scopes, created, expires, revoked FROM signalbox.keys ORDER BY id;

-- name: dump_streams
SELECT tenant, name, seq, hash, detached_seq, detached_hash FROM signalbox.streams ORDER BY id;

-- name: dump_past_subjects
SELECT s.tenant, s.name, b.subject, b.seq
FROM signalbox.streams s JOIN signalbox.subjects b ON b.tenant = s.tenant AND b.stream = s.id
WHERE s.detached_seq > 0 AND b.seq <= s.detached_seq;

-- name: dump_seen
SELECT e.key, t.name, s.name, e.event_seq, e.decision_seq, e.content_digest
FROM signalbox.seen e LEFT JOIN signalbox.streams s ON s.id = e.stream LEFT JOIN signalbox.tenants t ON t.id = e.tenant
ORDER BY e.key;

-- name: dump_entities
SELECT tenant, subject, version, fields, meta FROM signalbox.entities ORDER BY tenant, subject;

-- name: dump_pending
SELECT partition, place, tenant, kind, event, context, event_seq
FROM signalbox.pending ORDER BY partition, place;

-- name: dump_outbox
SELECT partition, number, tenant, lane, attempts, created, next_attempt, body
FROM signalbox.outbox ORDER BY partition, number;

-- name: dump_dead_letters
SELECT partition, number, tenant, lane, attempts, created, next_attempt, body, reason, status, since
FROM signalbox.dead_letters ORDER BY partition, number;

-- name: dump_timers
SELECT tenant, subject, name, partition, due, body
FROM signalbox.timers ORDER BY tenant, subject, name;

-- name: dump_blocked_lanes
SELECT tenant, subject, partition, reason, event, since
FROM signalbox.blocked_lanes ORDER BY since, tenant, subject;

-- name: dump_continuations
SELECT tenant, id, partition, subject, continuation, context
FROM signalbox.continuations ORDER BY tenant, id;

-- name: dump_counters
SELECT partition, place, number FROM signalbox.counters WHERE partition >= 0 ORDER BY partition;

-- name: dump_requests
SELECT number, tenant, command, arguments, actor, made
FROM signalbox.requests WHERE answer IS NULL ORDER BY number;

-- name: add_rule_set
INSERT INTO signalbox.rule_sets (tenant, version, files) VALUES ($1::int8, $2::text, $3::text);

-- name: add_numbered_request
INSERT INTO signalbox.requests (number, tenant, command, arguments, actor, made) OVERRIDING SYSTEM VALUE
VALUES ($1::int8, $2::text, $3::text, $4::text, $5::text, $6::int8);

-- name: skip_requests
SELECT setval(pg_get_serial_sequence('signalbox.requests', 'number'), $1::int8);

-- What doctor asks. Each row is something that is wrong, but of the settings.
-- name: examine_settings
SELECT current_setting('fsync'), current_setting('full_page_writes'),
       (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), current_setting('data_checksums'),
       (SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'async');

-- name: examine_role
SELECT 'the role signalbox_app may do more than it should: ' || concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END,
       CASE WHEN rolbypassrls THEN 'bypassrls' END, CASE WHEN rolcanlogin THEN 'login' END)
FROM pg_roles WHERE rolname = 'signalbox_app' AND (rolsuper OR rolbypassrls OR rolcanlogin)
UNION ALL
SELECT 'there is no role signalbox_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'signalbox_app')
UNION ALL
SELECT 'signalbox_app may ' || p || ' the journal' FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) p
WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'signalbox_app')
  AND has_table_privilege('signalbox_app', 'signalbox.journal', p);

-- name: examine_row_security
SELECT c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'signalbox' AND c.relname IN ('streams', 'journal', 'subjects', 'seen', 'entities', 'pending', 'outbox',
      'dead_letters', 'timers', 'blocked_lanes', 'continuations', 'rule_sets', 'keys')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
ORDER BY c.relname;

-- name: examine_triggers
SELECT w.tab || ': ' || w.name
FROM (SELECT c.oid, c.relname AS tab, t.name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
           (VALUES ('only_added_to'), ('never_emptied')) t (name)
      WHERE n.nspname = 'signalbox' AND (c.relname = 'journal' OR EXISTS (
            SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = to_regclass('signalbox.journal')))) w
WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = w.oid AND g.tgname = w.name AND g.tgenabled IN ('O', 'A'))
ORDER BY 1;

-- name: examine_parts
SELECT (SELECT count(*) FROM pg_inherits i WHERE i.inhparent = to_regclass('signalbox.journal')),
       pg_relation_size('signalbox.journal_default') > 0,
       (SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz)
               < now() + interval '7 days'
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('signalbox.journal'));

-- name: examine_stale_owner
SELECT name, until::text FROM signalbox.owners WHERE NOT fenced AND until < clock_timestamp() ORDER BY id DESC LIMIT 1;
