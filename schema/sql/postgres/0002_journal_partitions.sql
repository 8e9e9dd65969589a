-- The journal by time: partitions made ahead, and retention that takes old ones away. What the program may not do in its
-- role, functions of the tables' owner do for it.

SELECT set_config('signalbox.tenants', '*', true);

-- The last row that retention took away; the stream's rows begin after it.
ALTER TABLE signalbox.streams
    ADD COLUMN detached_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN detached_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex');

-- The partitions by time, those that retention took away included. upper is the first moment that is not the partition's.
CREATE TABLE signalbox.journal_partitions (
    name text PRIMARY KEY,
    lower timestamptz NOT NULL,
    upper timestamptz NOT NULL,
    made timestamptz NOT NULL DEFAULT clock_timestamp(),
    detached timestamptz
);
GRANT SELECT ON signalbox.journal_partitions TO signalbox_app;

-- What each stream had in a partition that was taken away, and what stood before it: attaching it again needs that.
CREATE TABLE signalbox.detached_rows (
    partition text NOT NULL,
    stream bigint NOT NULL,
    seq_before bigint NOT NULL,
    hash_before bytea NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (partition, stream)
);

-- What holds for the journal holds for each of its partitions, for whoever goes past the journal too.
CREATE FUNCTION signalbox.guard_journal_partition(name text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE signalbox.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE signalbox.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenants_of_the_transaction ON signalbox.%I USING ((SELECT signalbox.sees_all()) '
                   'OR tenant = ANY ((SELECT signalbox.visible_tenants())::bigint[]))', name);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON signalbox.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION signalbox.refuse_change()', name);
END $$;

-- What the journal holds becomes its first partition, to the next midnight. The default one is for rows that no partition
-- was made for in time: it stays nearly empty, so that making the next one need not look through much.
DO $$
DECLARE
    newest timestamptz;
    until timestamptz;
    first text;
BEGIN
    SET LOCAL TimeZone = 'UTC';
    SELECT max(time) INTO newest FROM signalbox.journal;
    until := date_trunc('day', greatest(clock_timestamp(), newest)) + interval '1 day';
    first := 'journal_until_' || to_char(until, 'YYYYMMDD');
    ALTER TABLE signalbox.journal DETACH PARTITION signalbox.journal_default;
    EXECUTE format('ALTER TABLE signalbox.journal_default RENAME TO %I', first);
    EXECUTE format('ALTER INDEX signalbox.journal_default_pkey RENAME TO %I', first || '_pkey');
    EXECUTE format('DROP TRIGGER never_emptied ON signalbox.%I', first);
    PERFORM signalbox.guard_journal_partition(first);
    EXECUTE format('ALTER TABLE signalbox.journal ATTACH PARTITION signalbox.%I FOR VALUES FROM (%L) TO (%L)',
                   first, '-infinity', until);
    INSERT INTO signalbox.journal_partitions (name, lower, upper) VALUES (first, '-infinity', until);
    CREATE TABLE signalbox.journal_default PARTITION OF signalbox.journal DEFAULT;
    PERFORM signalbox.guard_journal_partition('journal_default');
END $$;

-- Makes the next partition that is missing until `ahead` of them stand ready after the one of `now_us`; gives its name,
-- nothing when none is missing. It is made beside the journal and then attached: that takes a lock on the default
-- partition alone, and is given up rather than waited for. Rows that the default partition has already stay there: the
-- new one begins with the day after them.
CREATE FUNCTION signalbox.make_journal_partition(span text, ahead int, now_us bigint) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET TimeZone = 'UTC' AS $$
DECLARE
    step constant interval := ('1 ' || span)::interval;
    today constant timestamptz := date_trunc('day', timestamptz 'epoch' + now_us * interval '1 microsecond');
    horizon constant timestamptz := date_trunc(span, today) + (ahead + 1) * step;
    start timestamptz;
    finish timestamptz;
    held timestamptz;
    name text;
BEGIN
    -- By one program at a time.
    LOCK TABLE signalbox.journal_partitions IN SHARE ROW EXCLUSIVE MODE;
    SELECT greatest(max(p.upper), date_trunc(span, today)) INTO start FROM signalbox.journal_partitions p;
    LOOP
        IF start >= horizon THEN
            RETURN NULL;
        END IF;
        finish := date_trunc(span, start) + step;
        SELECT max(d.time) INTO held FROM signalbox.journal_default d WHERE d.time >= start AND d.time < finish;
        EXIT WHEN held IS NULL;
        start := date_trunc('day', held) + interval '1 day';
    END LOOP;
    name := 'journal_' || to_char(start, 'YYYYMMDD');
    EXECUTE format('CREATE TABLE signalbox.%I (LIKE signalbox.journal INCLUDING ALL)', name);
    PERFORM signalbox.guard_journal_partition(name);
    EXECUTE format('ALTER TABLE signalbox.journal ATTACH PARTITION signalbox.%I FOR VALUES FROM (%L) TO (%L)',
                   name, start, finish);
    INSERT INTO signalbox.journal_partitions (name, lower, upper) VALUES (name, start, finish);
    RETURN name;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'the journal is being read; its next partition is made later' USING ERRCODE = '55P03';
END $$;

-- First and last rows of the streams in every partition that is attached; `old`: it ends by `before_us`.
CREATE FUNCTION signalbox.journal_bounds(before_us bigint)
RETURNS TABLE (name text, lower timestamptz, upper bigint, old boolean, stream bigint, first_seq bigint, last_seq bigint,
               last_hash bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT p.name, p.lower, p.upper, p.upper <= timestamptz 'epoch' + before_us * interval '1 microsecond' AS old
        FROM signalbox.journal_partitions p WHERE p.detached IS NULL
        UNION ALL SELECT 'journal_default', 'infinity', 'infinity', false
    LOOP
        RETURN QUERY EXECUTE format(
            'SELECT $1, $2, CASE WHEN isfinite($3) THEN (extract(epoch FROM $3) * 1000000)::int8 END, $4, s.id, f.seq, '
            'l.seq, l.hash FROM signalbox.streams s '
            'CROSS JOIN LATERAL (SELECT j.seq FROM signalbox.%1$I j WHERE j.stream = s.id '
            '                    ORDER BY j.stream, j.seq LIMIT 1) f '
            'CROSS JOIN LATERAL (SELECT j.seq, j.hash FROM signalbox.%1$I j WHERE j.stream = s.id '
            '                    ORDER BY j.stream DESC, j.seq DESC LIMIT 1) l', part.name)
            USING part.name, part.lower, part.upper, part.old;
        IF part.old AND NOT FOUND THEN
            RETURN QUERY SELECT part.name, part.lower, (extract(epoch FROM part.upper) * 1000000)::int8, true,
                                NULL::bigint, NULL::bigint, NULL::bigint, NULL::bytea;
        END IF;
    END LOOP;
END $$;

-- The first stream whose rows do not begin right after what was taken away, in words.
CREATE FUNCTION signalbox.broken_beginning() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format('row %s of stream %s of tenant %s would stay, though row %s goes: the clock has gone back', j.seq,
                  s.name, s.tenant, s.detached_seq)
    FROM signalbox.streams s
    LEFT JOIN LATERAL (SELECT j.seq FROM signalbox.journal j WHERE j.stream = s.id ORDER BY j.stream, j.seq LIMIT 1) j ON true
    WHERE s.detached_seq > 0 AND coalesce(j.seq, s.seq + 1) <> s.detached_seq + 1 LIMIT 1
$$;

-- Takes partitions away. Their tables stay, under a name that says so, and are as unchangeable as before. Waits for
-- readers of the journal, but not for long: others wait behind it.
CREATE FUNCTION signalbox.detach_journal_partitions(names text[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    part record;
    kept text;
    broken text;
BEGIN
    FOR part IN SELECT p.name FROM signalbox.journal_partitions p
                WHERE p.name = ANY (names) AND p.detached IS NULL ORDER BY p.lower LOOP
        kept := part.name || '_detached';
        EXECUTE format('ALTER TABLE signalbox.journal DETACH PARTITION signalbox.%I', part.name);
        EXECUTE format('ALTER TABLE signalbox.%I RENAME TO %I', part.name, kept);
        EXECUTE format('CREATE TRIGGER kept_as_it_is BEFORE UPDATE OR DELETE ON signalbox.%I '
                       'FOR EACH ROW EXECUTE FUNCTION signalbox.refuse_change()', kept);
        EXECUTE format('INSERT INTO signalbox.detached_rows (partition, stream, seq_before, hash_before, seq, hash) '
                       'SELECT $1, s.id, s.detached_seq, s.detached_hash, l.seq, l.hash FROM signalbox.streams s '
                       'CROSS JOIN LATERAL (SELECT j.seq, j.hash FROM signalbox.%I j WHERE j.stream = s.id '
                       'ORDER BY j.stream DESC, j.seq DESC LIMIT 1) l', kept) USING part.name;
        UPDATE signalbox.streams s SET detached_seq = d.seq, detached_hash = d.hash
        FROM signalbox.detached_rows d WHERE d.partition = part.name AND d.stream = s.id AND d.seq > s.detached_seq;
        UPDATE signalbox.journal_partitions p SET detached = clock_timestamp() WHERE p.name = part.name;
    END LOOP;
    broken := signalbox.broken_beginning();
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', broken USING ERRCODE = 'SB004';
    END IF;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'the journal is being read; try again' USING ERRCODE = '55P03';
END $$;

-- For an administrator: puts the partition back that was taken away last, so that its rows can be asked about again.
CREATE FUNCTION signalbox.attach_journal_partition(wanted text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    part record;
    broken text;
BEGIN
    PERFORM set_config('signalbox.tenants', '*', true);
    SELECT * INTO part FROM signalbox.journal_partitions p WHERE p.detached IS NOT NULL ORDER BY p.lower DESC LIMIT 1;
    IF part.name IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'partition % is not the one taken away last; that is %', wanted, coalesce(part.name, 'none')
            USING ERRCODE = 'SB004';
    END IF;
    EXECUTE format('DROP TRIGGER kept_as_it_is ON signalbox.%I', wanted || '_detached');
    EXECUTE format('ALTER TABLE signalbox.%I RENAME TO %I', wanted || '_detached', wanted);
    EXECUTE format('ALTER TABLE signalbox.journal ATTACH PARTITION signalbox.%I FOR VALUES FROM (%L) TO (%L)',
                   wanted, part.lower, part.upper);
    UPDATE signalbox.streams s SET detached_seq = d.seq_before, detached_hash = d.hash_before
    FROM signalbox.detached_rows d WHERE d.partition = wanted AND d.stream = s.id;
    DELETE FROM signalbox.detached_rows d WHERE d.partition = wanted;
    UPDATE signalbox.journal_partitions p SET detached = NULL WHERE p.name = wanted;
    broken := signalbox.broken_beginning();
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', broken USING ERRCODE = 'SB004';
    END IF;
END $$;

REVOKE ALL ON FUNCTION signalbox.make_journal_partition(text, int, bigint), signalbox.journal_bounds(bigint),
    signalbox.detach_journal_partitions(text[]), signalbox.attach_journal_partition(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION signalbox.make_journal_partition(text, int, bigint), signalbox.journal_bounds(bigint),
    signalbox.detach_journal_partitions(text[]) TO signalbox_app;

-- Questions by time, and those by rule and kind within a time, look at the pages of that time alone: rows come in its order.
CREATE INDEX journal_by_time ON signalbox.journal USING brin (time) WITH (pages_per_range = 32);
