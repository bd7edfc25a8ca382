-- service-traffic.sql: rates over time by service, the largest and the rest
--
-- Why:    what is the traffic?
-- Needs:  functions/summary-part.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- in_watched: only flows with an end in a watched network.
CREATE OR REPLACE FUNCTION flowkeep_view.service_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_limit integer DEFAULT 8,
    in_watched boolean DEFAULT false)
RETURNS TABLE ("time" timestamptz, service text, bps double precision)
LANGUAGE sql STABLE
AS $$
    WITH width AS (
        SELECT flowkeep_view.width_sec(in_from, greatest(in_interval_ms, 300000)) AS sec
    ), part AS MATERIALIZED (
        SELECT date_bin(make_interval(secs => w.sec), t.start_at, 'epoch') AS at,
               t.protocol, t.service_port, sum(t.octets) AS octets
          FROM width AS w
         CROSS JOIN flowkeep_view.service_part(
                   date_bin(make_interval(secs => flowkeep_view.width_sec(
                                in_from, greatest(in_interval_ms, 300000))),
                            in_from, 'epoch'),
                   in_to,
                   flowkeep_view.grain_sec(in_from, greatest(in_interval_ms, 300000))) AS t
         WHERE NOT in_watched OR t.watched <> 0
         GROUP BY 1, 2, 3
    ), named AS MATERIALIZED (
        SELECT p.protocol, p.service_port,
               flowkeep_view.service_name(p.protocol, p.service_port) AS service,
               sum(p.octets) AS octets
          FROM part AS p
         GROUP BY p.protocol, p.service_port
    ), top AS (
        SELECT n.service
          FROM named AS n
         GROUP BY n.service
         ORDER BY sum(n.octets) DESC, n.service
         LIMIT in_limit
    )
    SELECT p.at, coalesce(t.service, 'Other'),
           8 * sum(p.octets) / greatest(60, least(max(w.sec),
                                   extract(epoch FROM in_to - p.at)))::double precision
      FROM width AS w
     CROSS JOIN part AS p
      JOIN named AS n ON n.protocol IS NOT DISTINCT FROM p.protocol
                     AND n.service_port = p.service_port
      LEFT JOIN top AS t ON t.service = n.service
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.service_traffic
    IS 'rates over time of the services with the most octets, and of the others together';
