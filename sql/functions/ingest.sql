-- ingest.sql: what the collector asks and an operator audits
--
-- Why:    one round trip for many exporters; the promises can be checked.
-- Needs:  0002-exporter.sql, 0003-ingest.sql, 0004-rollup.sql
-- Locks:  rows only
-- Used:   collector/store/exporter-rows.c, cli

-- The ids of exporters, in the order of the arguments; new ones are added.
CREATE OR REPLACE FUNCTION flowkeep.exporter_ids(in_addresses inet[], in_domains bigint[])
RETURNS SETOF integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO flowkeep.exporter (address, domain, name)
    SELECT w.address, w.domain,
           (SELECT n.name FROM flowkeep.exporter_name AS n WHERE n.address = w.address)
      FROM unnest(in_addresses, in_domains) AS w (address, domain)
     WHERE NOT EXISTS (SELECT FROM flowkeep.exporter AS e
                        WHERE e.address = w.address AND e.domain = w.domain)
        ON CONFLICT DO NOTHING;

    RETURN QUERY
    SELECT e.id
      FROM unnest(in_addresses, in_domains) WITH ORDINALITY AS w (address, domain, nth)
      JOIN flowkeep.exporter AS e ON e.address = w.address AND e.domain = w.domain
     ORDER BY w.nth;
END
$$;

COMMENT ON FUNCTION flowkeep.exporter_ids
    IS 'ids of exporters, new ones added';

-- What is wrong with the collectors' positions; no rows when all is well.
CREATE OR REPLACE FUNCTION flowkeep.audit_positions(
    in_stale interval DEFAULT interval '10 minutes')
RETURNS TABLE (collector text, worker integer, problem text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.collector, p.worker,
           format('silent since %s with %s bytes in its journal', p.updated_at,
                  p.backlog_bytes)
      FROM flowkeep.ingest_position AS p
     WHERE NOT p.imports AND p.updated_at < now() - in_stale AND p.backlog_bytes > 0
    UNION ALL
    SELECT p.collector, p.worker,
           format('receive time %s is in the future', p.received_at)
      FROM flowkeep.ingest_position AS p
     WHERE p.received_at > now() + interval '5 minutes'
    UNION ALL
    SELECT p.collector, p.worker,
           format('backlog: stored up to %s, %s bytes to go', p.received_at,
                  p.backlog_bytes)
      FROM flowkeep.ingest_position AS p
     WHERE NOT p.imports AND p.updated_at >= now() - in_stale
       AND p.received_at < now() - in_stale
    UNION ALL
    SELECT b.collector, b.worker,
           format('import from %s to %s was never finished', b.from_at, b.to_at)
      FROM flowkeep.backfill AS b
     WHERE b.state = 'open' AND b.updated_at < now() - interval '1 hour'
    UNION ALL
    SELECT NULL, NULL, 'rows in flow_default: their time has no partition'
     WHERE EXISTS (SELECT FROM flowkeep.flow_default)
    UNION ALL
    SELECT NULL, NULL, 'no partition of flow for the next hour'
     WHERE NOT EXISTS (SELECT FROM flowkeep.time_partition AS t
                        WHERE t.parent = 'flow'
                          AND t.from_at <= now() + interval '1 hour'
                          AND t.to_at > now() + interval '1 hour')
$$;

COMMENT ON FUNCTION flowkeep.audit_positions
    IS 'what is wrong with the collectors'' positions; no rows when all is well';

-- Every stored or rejected flow was counted in traffic_1m once, in the same
-- transaction.  Exporters and minutes where that does not hold; minutes that retention
-- has taken from either side are left out.  Reads all of flow in the range.
CREATE OR REPLACE FUNCTION flowkeep.audit_rows(in_from timestamptz, in_to timestamptz)
RETURNS TABLE (minute timestamptz, exporter_id integer, stored bigint, rejected bigint,
               counted bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
    SELECT a.minute, a.exporter_id, sum(a.stored)::bigint, sum(a.rejected)::bigint,
           sum(a.counted)::bigint
      FROM (SELECT date_trunc('minute', f.received_at) AS minute, f.exporter_id,
                   count(*) AS stored, 0::bigint AS rejected, 0::bigint AS counted
              FROM flowkeep.flow AS f
             WHERE f.received_at >= in_from AND f.received_at < in_to
             GROUP BY 1, 2
            UNION ALL
            SELECT date_trunc('minute', r.received_at), r.exporter_id, 0, count(*), 0
              FROM flowkeep.rejected_flow AS r
             WHERE r.received_at >= in_from AND r.received_at < in_to
             GROUP BY 1, 2
            UNION ALL
            SELECT t.minute, t.exporter_id, 0, 0, sum(t.flows)
              FROM flowkeep.traffic_1m AS t
             WHERE t.minute >= in_from AND t.minute < in_to
             GROUP BY 1, 2) AS a
     WHERE a.minute >= coalesce((SELECT h.done_until FROM flowkeep.housekeeping AS h
                                  WHERE h.task = 'traffic_1m_dropped'), '-infinity')
       AND (a.stored > 0
            OR EXISTS (SELECT FROM flowkeep.time_partition AS p
                        WHERE p.parent = 'flow'
                          AND p.from_at <= a.minute AND p.to_at > a.minute)
            OR a.minute >= (SELECT max(p.to_at) FROM flowkeep.time_partition AS p
                             WHERE p.parent = 'flow'))
     GROUP BY a.minute, a.exporter_id
    HAVING sum(a.stored) + sum(a.rejected) <> sum(a.counted)
     ORDER BY a.minute, a.exporter_id
$$;

COMMENT ON FUNCTION flowkeep.audit_rows
    IS 'minutes and exporters whose rows and rollup differ; whole minutes, please';

-- Forgets a collector that will not come back (a finished replay): its position and
-- what it had learnt.  What it stored stays.
CREATE OR REPLACE FUNCTION flowkeep.collector_forget(in_collector text)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM flowkeep.exporter_state AS s WHERE s.collector = in_collector;
    DELETE FROM flowkeep.exporter_template AS t WHERE t.collector = in_collector;
    DELETE FROM flowkeep.exporter_option AS o WHERE o.collector = in_collector;
    DELETE FROM flowkeep.ingest_journal AS j WHERE j.collector = in_collector;
    DELETE FROM flowkeep.ingest_position AS p WHERE p.collector = in_collector;
$$;

COMMENT ON FUNCTION flowkeep.collector_forget
    IS 'forgets position and state of a collector that will not come back';
