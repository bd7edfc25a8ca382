-- status.sql: the few numbers at the top
--
-- Why:    is all well?
-- Needs:  functions/summary-part.sql, 0007-alert.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE FUNCTION flowkeep_view.status(in_from timestamptz, in_to timestamptz)
RETURNS TABLE (flows_per_sec double precision, exporters_up bigint,
               exporters_silent bigint, alerts_open bigint, alerts_to_mail bigint,
               lost_flows double precision, lost_datagrams double precision,
               lost_pct double precision, behind_sec double precision,
               backlog_bytes double precision, newest_at timestamptz,
               hosts_watched bigint)
LANGUAGE sql STABLE
AS $$
    WITH stored AS (
        SELECT coalesce(sum(p.flows), 0) AS flows
          FROM flowkeep_view.watched_part(
                   in_from, in_to,
                   flowkeep_view.grain_sec(
                       in_from,
                       (extract(epoch FROM in_to - in_from) / 24)::bigint * 1000),
                   '{0}') AS p
    ), lost AS (
        SELECT coalesce(sum(l.count) FILTER (WHERE l.unit = 'flows'), 0)::double precision
                   AS flows,
               coalesce(sum(l.count) FILTER (WHERE l.unit = 'datagrams'), 0)
                   ::double precision AS datagrams
          FROM flowkeep.loss AS l
         WHERE l.minute >= in_from AND l.minute < in_to
    ), position AS (
        SELECT min(p.received_at) FILTER (WHERE p.backlog_bytes > 0) AS oldest_at,
               max(p.received_at) AS newest_at, max(p.updated_at) AS updated_at,
               coalesce(sum(p.backlog_bytes), 0)::double precision AS backlog_bytes
          FROM flowkeep.ingest_position AS p
         WHERE NOT p.imports
    )
    SELECT s.flows / greatest(1, extract(epoch FROM in_to - in_from))::double precision,
           (SELECT count(*) FROM flowkeep_view.exporter AS e WHERE e.state = 'up'),
           (SELECT count(*) FROM flowkeep_view.exporter AS e WHERE e.state = 'silent'),
           (SELECT count(*) FROM flowkeep.alert AS a WHERE a.state = 'open'),
           (SELECT count(*) FROM flowkeep.alert AS a
             WHERE a.state = 'open' AND a.severity = 'mail'),
           l.flows, l.datagrams,
           100 * l.flows / nullif(s.flows + l.flows, 0),
           extract(epoch FROM p.updated_at - coalesce(p.oldest_at, p.newest_at))
               ::double precision,
           p.backlog_bytes, p.newest_at,
           (SELECT count(DISTINCT h.host) FROM flowkeep.host_summary AS h
             WHERE h.hour >= date_bin('1 hour', in_from, 'epoch') AND h.hour < in_to)
      FROM stored AS s
     CROSS JOIN lost AS l
     CROSS JOIN position AS p
$$;

COMMENT ON FUNCTION flowkeep_view.status
    IS 'one row: flows per second, exporters, open alerts, losses, how far behind';
