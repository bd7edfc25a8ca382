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
    ), part AS MATERIALIZED (
        SELECT date_bin(make_interval(secs => w.sec), t.start_at, 'epoch') AS at,
               t.exporter_id, sum(t.octets) AS octets, sum(t.flows) AS flows
          FROM width AS w
         CROSS JOIN flowkeep_view.traffic_part(
                   date_bin(make_interval(secs => flowkeep_view.width_sec(
                                in_from, in_interval_ms)), in_from, 'epoch'),
                   in_to, flowkeep_view.grain_sec(in_from, in_interval_ms)) AS t
         GROUP BY 1, 2
    ), top AS (
        SELECT p.exporter_id, flowkeep_view.exporter_label(p.exporter_id) AS exporter
          FROM part AS p
         GROUP BY p.exporter_id
         ORDER BY sum(p.octets) DESC, p.exporter_id
         LIMIT in_limit
    )
    SELECT p.at, coalesce(t.exporter, 'Other'),
           8 * sum(p.octets) / greatest(60, least(max(w.sec),
                                   extract(epoch FROM in_to - p.at)))::double precision,
           sum(p.flows) / greatest(60, least(max(w.sec),
                              extract(epoch FROM in_to - p.at)))::double precision
      FROM width AS w
     CROSS JOIN part AS p
      LEFT JOIN top AS t ON t.exporter_id = p.exporter_id
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.exporter_traffic
    IS 'rates over time of the exporters with the most octets, and of the others together';
