-- Bodies of the journal can be erased: body and salt go, digest and hash stay, and nothing else may change.

CREATE OR REPLACE FUNCTION signalbox.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_LEVEL = 'ROW' THEN
        IF NEW.body IS NULL AND NEW.salt IS NULL
           AND (OLD.stream, OLD.seq, OLD.tenant, OLD.time, OLD.kind, OLD.subject, OLD.entity_version, OLD.cause_event,
                OLD.cause_rule, OLD.ruleset, OLD.actor, OLD.previous, OLD.body_digest, OLD.hash)
               IS NOT DISTINCT FROM
               (NEW.stream, NEW.seq, NEW.tenant, NEW.time, NEW.kind, NEW.subject, NEW.entity_version, NEW.cause_event,
                NEW.cause_rule, NEW.ruleset, NEW.actor, NEW.previous, NEW.body_digest, NEW.hash) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the journal is only added to: % is refused', TG_OP USING ERRCODE = 'SB003';
END $$;

-- The only way for the program's role to change a row of the journal, of the tenants that the transaction names. It
-- runs as the tables' owner, who may be a superuser, for whom row level security is not.
CREATE FUNCTION signalbox.erase_bodies(of_tenant bigint, of_subject text, row_streams text[], row_seqs bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint;
BEGIN
    UPDATE signalbox.journal j SET body = NULL, salt = NULL
    FROM unnest(row_streams, row_seqs) AS u (stream, seq)
    JOIN signalbox.streams s ON s.tenant = of_tenant AND s.name = u.stream
    WHERE j.stream = s.id AND j.seq = u.seq AND j.tenant = of_tenant AND j.subject = of_subject
      AND (signalbox.sees_all() OR of_tenant = ANY (signalbox.visible_tenants()));
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(row_seqs) THEN
        RAISE EXCEPTION 'rows to be erased are not about %', of_subject USING ERRCODE = 'SB001';
    END IF;
END $$;
REVOKE ALL ON FUNCTION signalbox.erase_bodies(bigint, text, text[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION signalbox.erase_bodies(bigint, text, text[], bigint[]) TO signalbox_app;
