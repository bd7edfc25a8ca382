-- exporter-traffic.sql: rates over time by exporter, the largest and the rest
--
-- Why:    who sends the most, and did one fall silent?
-- Needs:  functions/summary-part.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE FUNCTION flowkeep_view.exporter_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_limit integer DEFAULT 8)
RETURNS TABLE ("time" timestamptz, exporter text, bps double precision,
               flows_per_sec double precision)
LANGUAGE sql STABLE
AS $$
    WITH width AS (
        SELECT flowkeep_view.width_sec(in_from, in_interval_ms) AS sec
    ), top AS MATERIALIZED (
        SELECT r.exporter_id, flowkeep_view.exporter_label(r.exporter_id) AS exporter
          FROM (SELECT t.exporter_id
                  FROM flowkeep_view.traffic_part(
                           date_bin(make_interval(secs => flowkeep_view.width_sec(
                                        in_from, in_interval_ms)), in_from, 'epoch'),
                           in_to,
                           flowkeep_view.grain_sec(in_from, (extract(epoch FROM in_to - in_from)
                                                             / 12)::bigint * 1000)) AS t
                 GROUP BY t.exporter_id
                 ORDER BY sum(t.octets) DESC, t.exporter_id
                 LIMIT in_limit) AS r
    )
    SELECT p.at, coalesce(p.exporter, 'Other'),
           8 * p.octets / greatest(60, least(p.sec, extract(epoch FROM in_to - p.at)))
               ::double precision,
           p.flows / greatest(60, least(p.sec, extract(epoch FROM in_to - p.at)))
               ::double precision
      FROM (SELECT date_bin(make_interval(secs => w.sec), t.start_at, 'epoch') AS at,
                   top.exporter, w.sec, sum(t.octets) AS octets, sum(t.flows) AS flows
              FROM width AS w
             CROSS JOIN flowkeep_view.traffic_part(
                       date_bin(make_interval(secs => flowkeep_view.width_sec(
                                    in_from, in_interval_ms)), in_from, 'epoch'),
                       in_to, flowkeep_view.grain_sec(in_from, in_interval_ms)) AS t
              LEFT JOIN top ON top.exporter_id = t.exporter_id
             GROUP BY 1, 2, 3) AS p
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.exporter_traffic
    IS 'rates over time of the exporters with the most octets, and of the others together';
