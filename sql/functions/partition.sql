-- partition.sql: making, closing and dropping the time partitions
--
-- Why:    the collector may not own tables, but must make them ahead of need: these
--         functions run with the rights of the schema's owner.
-- Needs:  0001-flow.sql, 0003-ingest.sql, 0004-rollup.sql
-- Locks:  named at each function; all give up after a few seconds (lock_timeout)
-- Used:   collector/store/partition.c, collector/store/keeper.c

-- The column a table is partitioned by; an exception for a table that is not.
CREATE OR REPLACE FUNCTION flowkeep.partition_column(in_parent text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    CASE in_parent
        WHEN 'flow' THEN RETURN 'received_at';
        WHEN 'traffic_1m' THEN RETURN 'minute';
        WHEN 'talker_5m' THEN RETURN 'start_at';
        WHEN 'contact_hour' THEN RETURN 'hour';
        ELSE RAISE EXCEPTION 'table % has no time partitions', in_parent
            USING ERRCODE = 'invalid_parameter_value';
    END CASE;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_column
    IS 'the column that a table is partitioned by';

-- Makes one partition of exactly this range, moving what the default partition has
-- of it.  The caller holds the advisory lock.  CREATE and ATTACH instead of CREATE
-- ... PARTITION OF, which would lock the parent against everybody; ATTACH locks the
-- default partition only.
CREATE OR REPLACE FUNCTION flowkeep.partition_make(
    in_parent text,
    in_from timestamptz,
    in_to timestamptz,
    in_imported boolean)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    part text := in_parent || to_char(in_from, CASE in_parent
                     WHEN 'flow' THEN '_YYYYMMDD_HH24MI' ELSE '_YYYYMMDD' END);
    col text := flowkeep.partition_column(in_parent);
    found boolean;
BEGIN
    EXECUTE format('CREATE TABLE flowkeep.%I (LIKE flowkeep.%I INCLUDING DEFAULTS'
                   ' INCLUDING CONSTRAINTS INCLUDING STORAGE)', part, in_parent);
    -- A hot partition is only appended to: vacuum has its turn when it is sealed.
    IF in_parent = 'flow' THEN
        EXECUTE format('ALTER TABLE flowkeep.%I SET (autovacuum_enabled = false,'
                       ' toast.autovacuum_enabled = false)', part);
    END IF;

    EXECUTE format('SELECT EXISTS (SELECT FROM flowkeep.%I WHERE %I >= $1 AND %I < $2)',
                   in_parent || '_default', col, col)
       INTO found USING in_from, in_to;
    IF found THEN
        EXECUTE format('WITH moved AS (DELETE FROM flowkeep.%I'
                       ' WHERE %I >= $1 AND %I < $2 RETURNING *)'
                       ' INSERT INTO flowkeep.%I SELECT * FROM moved',
                       in_parent || '_default', col, col, part)
          USING in_from, in_to;
    END IF;

    EXECUTE format('ALTER TABLE flowkeep.%I ATTACH PARTITION flowkeep.%I'
                   ' FOR VALUES FROM (%L) TO (%L)', in_parent, part, in_from, in_to);
    EXECUTE format('GRANT SELECT ON flowkeep.%I TO flowkeep_collector,'
                   ' flowkeep_analytics, flowkeep_reader', part);
    EXECUTE format(CASE in_parent
                       WHEN 'contact_hour'
                       THEN 'GRANT INSERT, UPDATE, DELETE ON flowkeep.%I TO flowkeep_analytics'
                       ELSE 'GRANT INSERT ON flowkeep.%I TO flowkeep_collector' END,
                   part);

    -- The row of one that somebody dropped by hand gives way.
    DELETE FROM flowkeep.time_partition WHERE name = part;
    INSERT INTO flowkeep.time_partition (parent, name, from_at, to_at, imported)
    VALUES (in_parent, part, in_from, in_to, in_imported);
    RETURN part;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_make
    IS 'makes one time partition; for partition_ensure()';

-- Makes what is missing of [in_from, in_to), each in_width wide and aligned to it,
-- narrower where a partition of another width is in the way.  Returns how many.
CREATE OR REPLACE FUNCTION flowkeep.partition_ensure(
    in_parent text,
    in_from timestamptz,
    in_to timestamptz,
    in_width interval,
    in_imported boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
SET timezone = 'UTC'
AS $$
DECLARE
    origin constant timestamptz := timestamptz '1970-01-01 00:00+00';
    at_ timestamptz;
    known_to timestamptz;
    next_from timestamptz;
    made integer := 0;
    locked boolean := false;
BEGIN
    IF in_width < interval '1 minute' OR in_width > interval '31 days' THEN
        RAISE EXCEPTION 'partitions of % are not possible: 1 minute to 31 days',
            in_width USING ERRCODE = 'invalid_parameter_value';
    END IF;

    at_ := date_bin(in_width, in_from, origin);
    WHILE at_ < in_to LOOP
        SELECT p.to_at INTO known_to
          FROM flowkeep.time_partition AS p
         WHERE p.parent = in_parent AND p.from_at <= at_ AND p.to_at > at_
           AND to_regclass('flowkeep.' || quote_ident(p.name)) IS NOT NULL;
        IF FOUND THEN
            at_ := known_to;
            CONTINUE;
        END IF;

        IF NOT locked THEN
            PERFORM pg_advisory_xact_lock(hashtext('flowkeep.partition'));
            locked := true;
            CONTINUE; -- somebody may just have made it
        END IF;

        SELECT min(p.from_at) INTO next_from
          FROM flowkeep.time_partition AS p
         WHERE p.parent = in_parent AND p.from_at > at_
           AND to_regclass('flowkeep.' || quote_ident(p.name)) IS NOT NULL;
        known_to := least(date_bin(in_width, at_, origin) + in_width, next_from);
        PERFORM flowkeep.partition_make(in_parent, at_, known_to, in_imported);

        made := made + 1;
        IF made > 1000 THEN
            RAISE EXCEPTION 'more than 1000 partitions from % to %', in_from, in_to
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        at_ := known_to;
    END LOOP;

    RETURN made;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_ensure
    IS 'makes the missing partitions of a table in a range of time';

-- The partition that takes rows of in_at; no row when there is none.
CREATE OR REPLACE FUNCTION flowkeep.partition_of(in_parent text, in_at timestamptz)
RETURNS TABLE (name text, from_at timestamptz, to_at timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.name, p.from_at, p.to_at
      FROM flowkeep.time_partition AS p
     WHERE p.parent = in_parent AND p.from_at <= in_at AND p.to_at > in_at
       AND to_regclass('flowkeep.' || quote_ident(p.name)) IS NOT NULL
$$;

COMMENT ON FUNCTION flowkeep.partition_of
    IS 'the partition that takes rows of a time';

-- All that was received before this is stored: the oldest position of the workers
-- that are alive.  Now, when there are none.
CREATE OR REPLACE FUNCTION flowkeep.ingest_safe_at(
    in_stale interval DEFAULT interval '10 minutes')
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(min(p.received_at), now())
      FROM flowkeep.ingest_position AS p
     WHERE p.updated_at > now() - in_stale
       AND NOT p.imports
$$;

COMMENT ON FUNCTION flowkeep.ingest_safe_at
    IS 'all that was received before this time is stored';

-- Closes one partition of flow: indexes, statistics, vacuum allowed.  Locks it
-- against writing (not reading) meanwhile.
CREATE OR REPLACE FUNCTION flowkeep.partition_seal(in_name text, in_hosts boolean)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
SET maintenance_work_mem = '256MB'
AS $$
BEGIN
    PERFORM FROM flowkeep.time_partition AS p
      WHERE p.name = in_name AND p.parent = 'flow';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition of flow', in_name
            USING ERRCODE = 'undefined_table';
    END IF;

    EXECUTE format('LOCK TABLE flowkeep.%I IN SHARE MODE', in_name);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON flowkeep.%I'
                   ' USING brin (received_at)', in_name || '_received_at', in_name);
    IF in_hosts THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON flowkeep.%I (src)',
                       in_name || '_src', in_name);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON flowkeep.%I (dst)',
                       in_name || '_dst', in_name);
    END IF;
    EXECUTE format('ALTER TABLE flowkeep.%I RESET (autovacuum_enabled,'
                   ' toast.autovacuum_enabled)', in_name);
    EXECUTE format('ANALYZE flowkeep.%I', in_name);

    UPDATE flowkeep.time_partition AS p SET sealed_at = clock_timestamp()
     WHERE p.name = in_name;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_seal
    IS 'closes a partition of flow: BRIN on received_at, B-trees on src and dst';

-- Seals the oldest partition of flow that no live worker and no import writes to
-- any more.  Returns its name, or null when there is none or another does this.
CREATE OR REPLACE FUNCTION flowkeep.partition_seal_next(in_hosts boolean)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('flowkeep.seal')) THEN
        RETURN NULL;
    END IF;

    SELECT p.name INTO part
      FROM flowkeep.time_partition AS p
     WHERE p.parent = 'flow'
       AND p.sealed_at IS NULL
       AND p.to_at <= least(now(), flowkeep.ingest_safe_at()) - interval '5 minutes'
       AND to_regclass('flowkeep.' || quote_ident(p.name)) IS NOT NULL
       AND NOT EXISTS (
               SELECT FROM flowkeep.backfill AS b
                WHERE b.state = 'open'
                  AND b.updated_at > now() - interval '1 hour'
                  AND p.imported)
     ORDER BY p.from_at
     LIMIT 1;
    IF part IS NOT NULL THEN
        PERFORM flowkeep.partition_seal(part, in_hosts);
    END IF;
    RETURN part;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_seal_next
    IS 'seals the oldest partition that is ready for it';

-- Drops the oldest partition that is wholly older than what is kept (null = keep
-- all) and was not imported.  Time counts from the newest data when that is older
-- than now, so that a clock gone wrong does not empty the database.  Returns its
-- name or null.  Locks its table against everybody for a moment.
CREATE OR REPLACE FUNCTION flowkeep.partition_drop_next(
    in_keep_flow interval,
    in_keep_rollup interval)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s'
AS $$
DECLARE
    newest timestamptz;
    part flowkeep.time_partition;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('flowkeep.drop')) THEN
        RETURN NULL;
    END IF;

    SELECT least(now(), max(p.received_at)) INTO newest
      FROM flowkeep.ingest_position AS p
     WHERE NOT p.imports;
    SELECT p.* INTO part
      FROM flowkeep.time_partition AS p
     WHERE NOT p.imported
       AND p.to_at <= newest
                - CASE p.parent WHEN 'flow' THEN in_keep_flow ELSE in_keep_rollup END
       AND (p.parent <> 'traffic_1m'
            OR p.to_at <= (SELECT h.done_until FROM flowkeep.housekeeping AS h
                            WHERE h.task = 'traffic_compacted'))
     ORDER BY p.from_at
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    EXECUTE format('DROP TABLE IF EXISTS flowkeep.%I', part.name);
    DELETE FROM flowkeep.time_partition AS p WHERE p.name = part.name;
    IF part.parent = 'traffic_1m' THEN
        INSERT INTO flowkeep.housekeeping AS h (task, done_until)
        VALUES ('traffic_1m_dropped', part.to_at)
            ON CONFLICT (task) DO UPDATE
           SET done_until = greatest(h.done_until, excluded.done_until),
               updated_at = clock_timestamp();
    END IF;
    RETURN part.name;
END
$$;

COMMENT ON FUNCTION flowkeep.partition_drop_next
    IS 'drops the oldest partition that retention no longer keeps';

-- Deletes a bounded number of rows that are older than what is kept from the tables
-- without partitions.  Returns how many.
CREATE OR REPLACE FUNCTION flowkeep.retention_rows(
    in_keep_flow interval,
    in_keep_rollup interval)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch constant integer := 50000;
    gone bigint;
    total bigint := 0;
BEGIN
    DELETE FROM flowkeep.loss AS l
     WHERE l.ctid = ANY (ARRAY(SELECT o.ctid FROM flowkeep.loss AS o
                                WHERE o.minute < now() - in_keep_rollup LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    DELETE FROM flowkeep.rejected_flow AS r
     WHERE r.ctid = ANY (ARRAY(SELECT o.ctid FROM flowkeep.rejected_flow AS o
                                WHERE o.rejected_at < now() - in_keep_flow LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    RETURN total + flowkeep.summary_drop_rows(in_keep_rollup);
END
$$;

COMMENT ON FUNCTION flowkeep.retention_rows
    IS 'deletes old rows of loss and rejected_flow, some at a time';
