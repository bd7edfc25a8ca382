-- compact.sql: traffic_1m into traffic_1h, and fewer parts in both
--
-- Why:    a batch appends its own part of every sum; an hour later thousands of
--         parts are one row.
-- Needs:  0004-rollup.sql, summary.sql
-- Locks:  rows only
-- Used:   collector/store/keeper.c

-- Makes traffic_1h right for one hour, whatever was there before.  Marks of late rows
-- are taken away first: rows whose mark was seen are seen by the statements after it.
CREATE OR REPLACE FUNCTION flowkeep.traffic_compact_hour(in_hour timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    dropped_until timestamptz;
BEGIN
    DELETE FROM flowkeep.traffic_late AS l WHERE l.hour = in_hour;

    SELECT h.done_until INTO dropped_until
      FROM flowkeep.housekeeping AS h
     WHERE h.task = 'traffic_1m_dropped';

    IF in_hour < dropped_until THEN
        -- The minutes behind traffic_1h are gone, and only late ones are here: add.
        WITH gone AS (
            DELETE FROM flowkeep.traffic_1m AS t
             WHERE t.minute >= in_hour AND t.minute < in_hour + interval '1 hour'
            RETURNING t.*
        )
        INSERT INTO flowkeep.traffic_1h
        SELECT in_hour, g.exporter_id, g.input_if, g.output_if, g.protocol,
               g.service_port, g.watched, sum(g.octets), sum(g.packets), sum(g.flows)
          FROM gone AS g
         GROUP BY g.exporter_id, g.input_if, g.output_if, g.protocol,
                  g.service_port, g.watched;
        PERFORM flowkeep.summarise_hour(in_hour);
        RETURN;
    END IF;

    WITH gone AS (
        DELETE FROM flowkeep.traffic_1m AS t
         WHERE t.minute >= in_hour AND t.minute < in_hour + interval '1 hour'
        RETURNING t.*
    )
    INSERT INTO flowkeep.traffic_1m
    SELECT g.minute, g.exporter_id, g.input_if, g.output_if, g.protocol,
           g.service_port, g.watched, sum(g.octets), sum(g.packets), sum(g.flows)
      FROM gone AS g
     GROUP BY g.minute, g.exporter_id, g.input_if, g.output_if, g.protocol,
              g.service_port, g.watched;

    DELETE FROM flowkeep.traffic_1h AS t WHERE t.hour = in_hour;
    INSERT INTO flowkeep.traffic_1h
    SELECT in_hour, t.exporter_id, t.input_if, t.output_if, t.protocol,
           t.service_port, t.watched, sum(t.octets), sum(t.packets), sum(t.flows)
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= in_hour AND t.minute < in_hour + interval '1 hour'
     GROUP BY t.exporter_id, t.input_if, t.output_if, t.protocol,
              t.service_port, t.watched;
    PERFORM flowkeep.summarise_hour(in_hour);
END
$$;

COMMENT ON FUNCTION flowkeep.traffic_compact_hour
    IS 'makes traffic_1h and the summaries right for one hour';

-- The same for the parts of loss.
CREATE OR REPLACE FUNCTION flowkeep.loss_compact_hour(in_hour timestamptz)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM flowkeep.loss AS l
         WHERE l.minute >= in_hour AND l.minute < in_hour + interval '1 hour'
        RETURNING l.*
    )
    INSERT INTO flowkeep.loss
    SELECT g.minute, g.collector, g.exporter_id, g.reason, g.class, g.unit,
           least(sum(g.count), 9223372036854775807)::bigint
      FROM gone AS g
     GROUP BY g.minute, g.collector, g.exporter_id, g.reason, g.class, g.unit;
$$;

COMMENT ON FUNCTION flowkeep.loss_compact_hour
    IS 'joins the parts of loss of one hour';

-- Brings the summaries of dashboards up to date; then compacts one hour: the next that
-- is three hours behind, or one that got rows late.  Collectors mark as late as late what is two hours behind; the hour between
-- allows for clocks that differ.  Returns an hour, or null when there is nothing to do.
CREATE OR REPLACE FUNCTION flowkeep.compact_next()
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s'
SET timezone = 'UTC'
AS $$
DECLARE
    until timestamptz := date_trunc('hour', now() - interval '3 hours');
    next_hour timestamptz;
    late timestamptz;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('flowkeep.compact')) THEN
        RETURN NULL;
    END IF;

    late := flowkeep.summarise_next();
    IF late IS NOT NULL THEN
        RETURN late;
    END IF;
    PERFORM flowkeep.summarise_hosts_next();

    SELECT h.done_until INTO next_hour
      FROM flowkeep.housekeeping AS h
     WHERE h.task = 'traffic_compacted';
    SELECT min(l.hour) INTO late
      FROM flowkeep.traffic_late AS l
     WHERE l.hour < next_hour;
    IF late IS NOT NULL THEN
        PERFORM flowkeep.traffic_compact_hour(late);
        RETURN late;
    END IF;

    SELECT date_trunc('hour', min(t.minute)) INTO next_hour
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= coalesce(next_hour, '-infinity');
    -- Nothing older than this is there: the hours up to it are done.
    next_hour := least(next_hour, until);
    IF next_hour IS NULL THEN
        next_hour := until;
    END IF;

    IF next_hour < until THEN
        PERFORM flowkeep.traffic_compact_hour(next_hour);
        PERFORM flowkeep.loss_compact_hour(next_hour);
        next_hour := next_hour + interval '1 hour';
    END IF;

    INSERT INTO flowkeep.housekeeping AS h (task, done_until)
    VALUES ('traffic_compacted', next_hour)
        ON CONFLICT (task) DO UPDATE
       SET done_until = excluded.done_until, updated_at = clock_timestamp()
     WHERE h.done_until < excluded.done_until;
    IF NOT FOUND OR next_hour >= until THEN
        RETURN NULL;
    END IF;
    RETURN next_hour - interval '1 hour';
END
$$;

COMMENT ON FUNCTION flowkeep.compact_next
    IS 'brings summaries up to date, compacts one hour of traffic_1m and loss';
