-- The first schema of a PostgreSQL store. docs/reference/journal.md explains the journal's columns.
--
-- Rows are laid out so that an event costs few index entries: the journal has its place as its only key, and a
-- subject's history is found by pointers. What an ordinary commit changes goes through commit_steps in one call.

-- What the program does in the database it does in this role, by SET LOCAL ROLE in each transaction. It can add to the
-- journal and read it, and nothing else.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'signalbox_app') THEN
        CREATE ROLE signalbox_app NOLOGIN NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- made meanwhile for another database of the server
END $$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'signalbox_app', 'MEMBER') THEN
        EXECUTE format('GRANT signalbox_app TO %I', current_user);
    END IF;
END $$;

GRANT USAGE ON SCHEMA signalbox TO signalbox_app;

-- The tenants whose rows the transaction may see: their numbers with commas between, or * for the engine itself.
-- Set for a transaction only; without it nothing is seen.
CREATE FUNCTION signalbox.sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('signalbox.tenants', true), '') = '*' $$;
CREATE FUNCTION signalbox.visible_tenants() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(nullif(nullif(current_setting('signalbox.tenants', true), ''), '*'), ',')::bigint[] $$;

CREATE TABLE signalbox.store (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    partitions bigint NOT NULL,
    simulated boolean NOT NULL DEFAULT false
);

-- Who decides. The newest row that is not fenced is the owner's; a commit renews its lease and fails once it is fenced.
CREATE TABLE signalbox.owners (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    backend bigint NOT NULL,
    backend_start timestamptz NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL,
    last_commit bigint NOT NULL DEFAULT 0,
    fenced boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE INDEX owners_live ON signalbox.owners (id) WHERE NOT fenced;

CREATE TABLE signalbox.tenants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- seq and hash are those of the stream's last row.
CREATE TABLE signalbox.streams (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    UNIQUE (tenant, name)
) WITH (fillfactor = 50);

CREATE TABLE signalbox.journal (
    stream bigint NOT NULL,
    seq bigint NOT NULL,
    tenant bigint NOT NULL,
    time timestamptz NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    entity_version bigint NOT NULL,
    cause_event text NOT NULL,
    cause_rule text NOT NULL,
    ruleset text NOT NULL,
    actor text NOT NULL,
    previous bigint NOT NULL,
    body_digest bytea NOT NULL,
    hash bytea NOT NULL,
    salt bytea,
    body text,
    PRIMARY KEY (stream, seq, time)
) PARTITION BY RANGE (time);
CREATE TABLE signalbox.journal_default PARTITION OF signalbox.journal DEFAULT;

-- The last row about each subject in each stream; the journal's `previous` leads on from there.
CREATE TABLE signalbox.subjects (
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    stream bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (tenant, subject, stream)
) WITH (fillfactor = 80);

-- key = 16 bytes of SHA-256(tenant NUL id), then 16 of SHA-256(source): unique, and ordered by id.
CREATE TABLE signalbox.seen (
    key bytea PRIMARY KEY,
    tenant bigint NOT NULL,
    stream bigint NOT NULL,
    event_seq bigint NOT NULL,
    decision_seq bigint NOT NULL,
    content_digest bytea NOT NULL
);

-- email holds the bytes of the normalised address of a living entity that has the field, else NULL.
CREATE TABLE signalbox.entities (
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    email bytea,
    fields text NOT NULL,
    meta text NOT NULL,
    PRIMARY KEY (tenant, subject)
) WITH (fillfactor = 80);
CREATE INDEX entities_by_email ON signalbox.entities (tenant, email, subject) WHERE email IS NOT NULL;

-- The largest place and number ever used.
CREATE TABLE signalbox.counters (
    partition bigint PRIMARY KEY,
    place bigint NOT NULL,
    number bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE signalbox.pending (
    partition bigint NOT NULL,
    place bigint NOT NULL,
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    event text NOT NULL,
    context text NOT NULL,
    event_seq bigint NOT NULL,
    PRIMARY KEY (partition, place)
);

CREATE TABLE signalbox.outbox (
    partition bigint NOT NULL,
    number bigint NOT NULL,
    tenant bigint NOT NULL,
    lane text NOT NULL,
    attempts bigint NOT NULL,
    created bigint NOT NULL,
    next_attempt bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (partition, number)
);

CREATE TABLE signalbox.dead_letters (
    partition bigint NOT NULL,
    number bigint NOT NULL,
    tenant bigint NOT NULL,
    lane text NOT NULL,
    attempts bigint NOT NULL,
    created bigint NOT NULL,
    next_attempt bigint NOT NULL,
    body text NOT NULL,
    key text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    status bigint NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (partition, number)
);
CREATE INDEX dead_letters_by_key ON signalbox.dead_letters (tenant, key);

CREATE TABLE signalbox.timers (
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    partition bigint NOT NULL,
    due bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, subject, name)
);
CREATE INDEX timers_by_due ON signalbox.timers (due, subject, name);

CREATE TABLE signalbox.blocked_lanes (
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    partition bigint NOT NULL,
    reason text NOT NULL,
    event text NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (tenant, subject)
);

CREATE TABLE signalbox.continuations (
    tenant bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    partition bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    continuation text NOT NULL,
    context text NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX continuations_by_subject ON signalbox.continuations (tenant, subject);

CREATE TABLE signalbox.rule_sets (
    tenant bigint NOT NULL,
    version text COLLATE "C" NOT NULL,
    files text NOT NULL,
    PRIMARY KEY (tenant, version)
);

CREATE TABLE signalbox.keys (
    id text COLLATE "C" PRIMARY KEY,
    tenant bigint NOT NULL,
    name text NOT NULL,
    secret_digest bytea NOT NULL,
    scopes text NOT NULL,
    created bigint NOT NULL,
    expires bigint,
    revoked bigint
);

CREATE TABLE signalbox.requests (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    command text NOT NULL,
    arguments text NOT NULL,
    actor text NOT NULL,
    made bigint NOT NULL,
    answer text
);
CREATE INDEX requests_unanswered ON signalbox.requests (number) WHERE answer IS NULL;

-- Rows of other tenants are not there, for the tables' owner neither.
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['streams', 'journal', 'subjects', 'seen', 'entities', 'pending', 'outbox', 'dead_letters',
                               'timers', 'blocked_lanes', 'continuations', 'rule_sets', 'keys'] LOOP
        EXECUTE format('ALTER TABLE signalbox.%I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE signalbox.%I FORCE ROW LEVEL SECURITY', one);
        EXECUTE format('CREATE POLICY tenants_of_the_transaction ON signalbox.%I '
                       'USING ((SELECT signalbox.sees_all()) OR tenant = ANY ((SELECT signalbox.visible_tenants())::bigint[]))',
                       one);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON signalbox.streams, signalbox.subjects, signalbox.seen, signalbox.entities,
    signalbox.counters, signalbox.owners TO signalbox_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON signalbox.pending, signalbox.outbox, signalbox.dead_letters, signalbox.timers,
    signalbox.blocked_lanes, signalbox.continuations TO signalbox_app;
GRANT SELECT, INSERT ON signalbox.journal, signalbox.tenants, signalbox.rule_sets TO signalbox_app;
GRANT SELECT, INSERT, UPDATE ON signalbox.keys, signalbox.requests TO signalbox_app;
GRANT SELECT, UPDATE ON signalbox.store TO signalbox_app;

-- Not even who owns the tables changes what the journal says.
CREATE FUNCTION signalbox.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is only added to: % is refused', TG_OP USING ERRCODE = 'SB003';
END $$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON signalbox.journal
    FOR EACH ROW EXECUTE FUNCTION signalbox.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON signalbox.journal
    FOR EACH STATEMENT EXECUTE FUNCTION signalbox.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON signalbox.journal_default
    FOR EACH STATEMENT EXECUTE FUNCTION signalbox.refuse_change();

-- Renews the owner's lease, or says that somebody else has taken the store over. Whoever takes it over waits until the
-- transaction that did this has ended. An owner that did not hear whether its commit was done finds its number here.
CREATE FUNCTION signalbox.renew(owner bigint, lease_us bigint, commit_number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE signalbox.owners SET until = clock_timestamp() + lease_us * interval '1 microsecond', last_commit = commit_number
    WHERE id = owner AND NOT fenced;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process has taken the store over' USING ERRCODE = 'SB002';
    END IF;
END $$;

-- All that ordinary steps change, as columns: one call a commit.
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
        INSERT INTO signalbox.entities (tenant, subject, version, email, fields, meta)
        SELECT * FROM unnest(entity_tenants, entity_subjects, entity_versions, entity_emails, entity_fields, entity_metas)
        ON CONFLICT (tenant, subject) DO UPDATE
        SET version = excluded.version, email = excluded.email, fields = excluded.fields, meta = excluded.meta;
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
