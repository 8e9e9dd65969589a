-- Until when decisions of other lanes look at an entity, in microseconds; NULL where they do not. What they look at is
-- found without reading all entities. No entity had anything of the kind before.

ALTER TABLE signalbox.entities ADD COLUMN watched_until bigint;
CREATE INDEX entities_watched ON signalbox.entities (tenant, subject, watched_until) WHERE watched_until IS NOT NULL;

-- As migration 0001 made it, and entity_watched besides.
DROP FUNCTION signalbox.commit_steps;
CREATE FUNCTION signalbox.commit_steps(
    owner bigint, lease_us bigint, commit_number bigint,
    stream_ids bigint[], stream_from bigint[], stream_seqs bigint[], stream_hashes bytea[],
    row_streams bigint[], row_seqs bigint[], row_tenants bigint[], row_times bigint[], row_kinds text[], row_subjects text[],
    row_versions bigint[], row_events text[], row_rules text[], row_rulesets text[], row_actors text[],
    row_previous bigint[], row_digests bytea[], row_hashes bytea[], row_salts bytea[], row_bodies text[],
    subject_tenants bigint[], subject_names text[], subject_streams bigint[], subject_seqs bigint[],
    seen_keys bytea[], seen_tenants bigint[], seen_streams bigint[], seen_events bigint[], seen_decisions bigint[],
    seen_digests bytea[],
    decided_keys bytea[], decided_seqs bigint[],
    entity_tenants bigint[], entity_subjects text[], entity_first_versions bigint[], entity_first_fields text[],
    entity_versions bigint[], entity_emails bytea[], entity_fields text[], entity_metas text[],
    entity_watched bigint[],
    counter_partitions bigint[], counter_places bigint[], counter_numbers bigint[],
    gone_partitions bigint[], gone_places bigint[],
    pending_partitions bigint[], pending_places bigint[], pending_tenants bigint[], pending_subjects text[],
    pending_kinds text[], pending_events text[], pending_contexts text[], pending_seqs bigint[],
    done_partitions bigint[], done_numbers bigint[],
    moved_partitions bigint[], moved_numbers bigint[], moved_attempts bigint[], moved_next bigint[],
    outbox_partitions bigint[], outbox_numbers bigint[], outbox_tenants bigint[], outbox_lanes text[],
    outbox_attempts bigint[], outbox_created bigint[], outbox_next bigint[], outbox_bodies text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
    wrong text;
    epoch constant timestamptz := 'epoch';
    tick constant interval := interval '1 microsecond';
BEGIN
    PERFORM signalbox.renew(owner, lease_us, commit_number);

    IF cardinality(stream_ids) > 0 THEN
        UPDATE signalbox.streams s SET seq = u.seq, hash = u.hash
        FROM unnest(stream_ids, stream_from, stream_seqs, stream_hashes) AS u (id, before, seq, hash)
        WHERE s.id = u.id AND s.seq = u.before;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> cardinality(stream_ids) THEN
            RAISE EXCEPTION 'the journal has grown without its owner' USING ERRCODE = 'SB004';
        END IF;
        INSERT INTO signalbox.journal (stream, seq, tenant, time, kind, subject, entity_version, cause_event, cause_rule,
                                       ruleset, actor, previous, body_digest, hash, salt, body)
        SELECT u.stream, u.seq, u.tenant, epoch + u.time * tick, u.kind, u.subject, u.version, u.event, u.rule, u.ruleset,
               u.actor, u.previous, u.digest, u.hash, u.salt, u.body
        FROM unnest(row_streams, row_seqs, row_tenants, row_times, row_kinds, row_subjects, row_versions, row_events,
                    row_rules, row_rulesets, row_actors, row_previous, row_digests, row_hashes, row_salts, row_bodies)
             AS u (stream, seq, tenant, time, kind, subject, version, event, rule, ruleset, actor, previous, digest, hash,
                   salt, body);
        INSERT INTO signalbox.subjects (tenant, subject, stream, seq)
        SELECT * FROM unnest(subject_tenants, subject_names, subject_streams, subject_seqs)
        ON CONFLICT (tenant, subject, stream) DO UPDATE SET seq = excluded.seq;
    END IF;

    IF cardinality(seen_keys) > 0 THEN
        INSERT INTO signalbox.seen (key, tenant, stream, event_seq, decision_seq, content_digest)
        SELECT * FROM unnest(seen_keys, seen_tenants, seen_streams, seen_events, seen_decisions, seen_digests)
        ON CONFLICT (key) DO NOTHING;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> cardinality(seen_keys) THEN
            SELECT encode(s.key, 'hex') INTO wrong
            FROM unnest(seen_keys, seen_streams, seen_events) AS u (key, stream, seq) JOIN signalbox.seen s ON s.key = u.key
            WHERE (s.stream, s.event_seq) IS DISTINCT FROM (u.stream, u.seq) LIMIT 1;
            RAISE EXCEPTION 'is known already' USING ERRCODE = 'SB001', DETAIL = 'event ' || coalesce(wrong, '');
        END IF;
    END IF;

    IF cardinality(decided_keys) > 0 THEN
        UPDATE signalbox.seen s SET decision_seq = u.seq
        FROM unnest(decided_keys, decided_seqs) AS u (key, seq) WHERE s.key = u.key AND s.decision_seq = 0;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> cardinality(decided_keys) THEN
            SELECT encode(u.key, 'hex') INTO wrong
            FROM unnest(decided_keys, decided_seqs) AS u (key, seq) LEFT JOIN signalbox.seen s ON s.key = u.key
            WHERE s.decision_seq IS DISTINCT FROM u.seq LIMIT 1;
            RAISE EXCEPTION 'is not pending' USING ERRCODE = 'SB001', DETAIL = 'event ' || coalesce(wrong, '');
        END IF;
    END IF;

    IF cardinality(entity_tenants) > 0 THEN
        SELECT format('%s %s finds entity %s at version %s, writing version %s', 'entity', u.tenant || ':' || u.subject,
                      u.subject, coalesce(e.version, 0), u.first_version) INTO wrong
        FROM unnest(entity_tenants, entity_subjects, entity_first_versions, entity_first_fields)
             AS u (tenant, subject, first_version, first_fields)
        LEFT JOIN signalbox.entities e ON e.tenant = u.tenant AND e.subject = u.subject
        WHERE u.first_version <> coalesce(e.version, 0) + 1
          AND NOT (u.first_version = coalesce(e.version, 0) AND u.first_fields = coalesce(e.fields, '{}'))
        LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION '%', substr(wrong, strpos(wrong, ' finds ') + 1)
                USING ERRCODE = 'SB001', DETAIL = left(wrong, strpos(wrong, ' finds ') - 1);
        END IF;
        INSERT INTO signalbox.entities (tenant, subject, version, email, fields, meta, watched_until)
        SELECT * FROM unnest(entity_tenants, entity_subjects, entity_versions, entity_emails, entity_fields, entity_metas,
                             entity_watched)
        ON CONFLICT (tenant, subject) DO UPDATE
        SET version = excluded.version, email = excluded.email, fields = excluded.fields, meta = excluded.meta,
            watched_until = excluded.watched_until;
    END IF;

    IF cardinality(gone_places) > 0 THEN
        DELETE FROM signalbox.pending p USING unnest(gone_partitions, gone_places) AS u (partition, place)
        WHERE p.partition = u.partition AND p.place = u.place;
    END IF;
    IF cardinality(pending_places) > 0 THEN
        INSERT INTO signalbox.pending (partition, place, tenant, subject, kind, event, context, event_seq)
        SELECT * FROM unnest(pending_partitions, pending_places, pending_tenants, pending_subjects, pending_kinds,
                             pending_events, pending_contexts, pending_seqs);
    END IF;

    IF cardinality(done_numbers) > 0 THEN
        DELETE FROM signalbox.outbox o USING unnest(done_partitions, done_numbers) AS u (partition, number)
        WHERE o.partition = u.partition AND o.number = u.number;
    END IF;
    IF cardinality(moved_numbers) > 0 THEN
        UPDATE signalbox.outbox o SET attempts = u.attempts, next_attempt = u.next_attempt
        FROM unnest(moved_partitions, moved_numbers, moved_attempts, moved_next)
             AS u (partition, number, attempts, next_attempt)
        WHERE o.partition = u.partition AND o.number = u.number;
    END IF;
    IF cardinality(outbox_numbers) > 0 THEN
        INSERT INTO signalbox.outbox (partition, number, tenant, lane, attempts, created, next_attempt, body)
        SELECT * FROM unnest(outbox_partitions, outbox_numbers, outbox_tenants, outbox_lanes, outbox_attempts,
                             outbox_created, outbox_next, outbox_bodies);
    END IF;

    IF cardinality(counter_partitions) > 0 THEN
        INSERT INTO signalbox.counters (partition, place, number)
        SELECT * FROM unnest(counter_partitions, counter_places, counter_numbers)
        ON CONFLICT (partition) DO UPDATE
        SET place = greatest(counters.place, excluded.place), number = greatest(counters.number, excluded.number);
    END IF;
END $$;
