-- exporter.sql: exporters, how they are and what is known of them
--
-- Why:    which are up, which fell silent, whose numbers are estimates?
-- Needs:  0002-exporter.sql, 0006-contact.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- Silent: nothing for ten minutes while collectors live.  When no collector does, the
-- age counts from the newest thing received at all.
CREATE OR REPLACE VIEW flowkeep_view.exporter AS
    SELECT e.id,
           flowkeep_view.exporter_label(e.id) AS exporter,
           host(e.address) AS address,
           e.domain,
           CASE e.version WHEN 5 THEN 'NetFlow v5' WHEN 9 THEN 'NetFlow v9'
                          WHEN 10 THEN 'IPFIX' END AS protocol,
           e.first_seen_at,
           e.last_seen_at,
           greatest(0, extract(epoch FROM c.reached_at - e.last_seen_at))::double precision
               AS silent_sec,
           CASE WHEN e.last_seen_at > c.reached_at - interval '10 minutes' THEN 'up'
                WHEN e.last_seen_at IS NULL THEN 'never heard'
                ELSE 'silent' END AS state,
           e.sampling,
           e.sampling_source,
           e.clock_skew_ms,
           t.active_timeout_sec,
           (SELECT count(DISTINCT x.template_id) FROM flowkeep.exporter_template AS x
             WHERE x.exporter_id = e.id) AS templates,
           (SELECT count(*) FROM flowkeep.interface AS i WHERE i.exporter_id = e.id)
               AS interfaces
      FROM flowkeep.exporter AS e
      LEFT JOIN flowkeep.exporter_timeout AS t ON t.exporter_id = e.id
     CROSS JOIN (SELECT greatest(
                            (SELECT max(p.received_at) FROM flowkeep.ingest_position AS p
                              WHERE NOT p.imports),
                            (SELECT max(x.last_seen_at) FROM flowkeep.exporter AS x))
                            AS reached_at) AS c;

COMMENT ON VIEW flowkeep_view.exporter
    IS 'exporters: name, state, sampling, clock, how many templates and interfaces';
COMMENT ON COLUMN flowkeep_view.exporter.id IS 'exporter.id';
COMMENT ON COLUMN flowkeep_view.exporter.exporter IS 'its name, or its address; with #domain if the device has several';
COMMENT ON COLUMN flowkeep_view.exporter.address IS 'address of the device';
COMMENT ON COLUMN flowkeep_view.exporter.domain IS 'observation domain';
COMMENT ON COLUMN flowkeep_view.exporter.protocol IS 'NetFlow v5, NetFlow v9 or IPFIX';
COMMENT ON COLUMN flowkeep_view.exporter.first_seen_at IS 'receive time of its first message';
COMMENT ON COLUMN flowkeep_view.exporter.last_seen_at IS 'receive time of its newest message';
COMMENT ON COLUMN flowkeep_view.exporter.silent_sec IS 'seconds since, up to where the collectors are';
COMMENT ON COLUMN flowkeep_view.exporter.state IS 'up, silent (for ten minutes), never heard';
COMMENT ON COLUMN flowkeep_view.exporter.sampling IS 'newest rate that was applied, 1 in this many; null = none';
COMMENT ON COLUMN flowkeep_view.exporter.sampling_source IS 'where that rate comes from';
COMMENT ON COLUMN flowkeep_view.exporter.clock_skew_ms IS 'its export time minus our receive time';
COMMENT ON COLUMN flowkeep_view.exporter.active_timeout_sec IS 'learnt active timeout; null = not known';
COMMENT ON COLUMN flowkeep_view.exporter.templates IS 'templates in use over UDP';
COMMENT ON COLUMN flowkeep_view.exporter.interfaces IS 'interfaces that it named';

-- The same, with what each sent and lost in a range.
CREATE OR REPLACE FUNCTION flowkeep_view.exporter_load(in_from timestamptz, in_to timestamptz)
RETURNS TABLE (id integer, exporter text, address text, domain bigint, protocol text,
               state text, octets double precision, flows double precision,
               lost_pct double precision, silent_sec double precision, sampling bigint,
               sampling_source text, clock_skew_ms bigint, active_timeout_sec integer,
               templates bigint, interfaces bigint, last_seen_at timestamptz)
LANGUAGE sql STABLE
AS $$
    WITH sent AS (
        SELECT p.exporter_id, sum(p.octets) AS octets, sum(p.flows) AS flows
          FROM flowkeep_view.traffic_part(
                   in_from, in_to,
                   flowkeep_view.grain_sec(
                       in_from, (extract(epoch FROM in_to - in_from) / 24)::bigint * 1000))
               AS p
         GROUP BY p.exporter_id
    ), lost AS (
        SELECT l.exporter_id, sum(l.count)::double precision AS flows
          FROM flowkeep.loss AS l
         WHERE l.minute >= in_from AND l.minute < in_to AND l.unit = 'flows'
         GROUP BY l.exporter_id
    )
    SELECT e.id, e.exporter, e.address, e.domain, e.protocol, e.state, s.octets, s.flows,
           100 * coalesce(l.flows, 0) / nullif(s.flows + coalesce(l.flows, 0), 0),
           e.silent_sec, e.sampling, e.sampling_source, e.clock_skew_ms,
           e.active_timeout_sec, e.templates, e.interfaces, e.last_seen_at
      FROM flowkeep_view.exporter AS e
      LEFT JOIN sent AS s ON s.exporter_id = e.id
      LEFT JOIN lost AS l ON l.exporter_id = e.id
$$;

COMMENT ON FUNCTION flowkeep_view.exporter_load
    IS 'exporters, with octets, flows and losses of a range';
