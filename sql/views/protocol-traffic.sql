-- protocol-traffic.sql: rates over time by IP protocol, the largest and the rest
--
-- Why:    tunnels, floods and oddities show as a protocol that was not there before.
-- Needs:  functions/summary-part.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE FUNCTION flowkeep_view.protocol_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_limit integer DEFAULT 6)
RETURNS TABLE ("time" timestamptz, protocol text, bps double precision)
LANGUAGE sql STABLE
AS $$
    WITH width AS (
        SELECT flowkeep_view.width_sec(in_from, greatest(in_interval_ms, 300000)) AS sec
    ), part AS MATERIALIZED (
        SELECT date_bin(make_interval(secs => w.sec), t.start_at, 'epoch') AS at,
               t.protocol, sum(t.octets) AS octets
          FROM width AS w
         CROSS JOIN flowkeep_view.service_part(
                   date_bin(make_interval(secs => flowkeep_view.width_sec(
                                in_from, greatest(in_interval_ms, 300000))),
                            in_from, 'epoch'),
                   in_to,
                   flowkeep_view.grain_sec(in_from, greatest(in_interval_ms, 300000))) AS t
         GROUP BY 1, 2
    ), top AS (
        SELECT p.protocol, true AS is_top
          FROM part AS p
         GROUP BY p.protocol
         ORDER BY sum(p.octets) DESC, p.protocol
         LIMIT in_limit
    )
    SELECT p.at,
           CASE WHEN t.is_top THEN flowkeep_view.protocol_name(p.protocol) ELSE 'Other' END,
           8 * sum(p.octets) / greatest(60, least(max(w.sec),
                                   extract(epoch FROM in_to - p.at)))::double precision
      FROM width AS w
     CROSS JOIN part AS p
      LEFT JOIN top AS t ON t.protocol IS NOT DISTINCT FROM p.protocol
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.protocol_traffic
    IS 'rates over time of the protocols with the most octets, and of the others together';
