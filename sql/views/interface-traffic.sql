-- interface-traffic.sql: rates over time of an exporter's interfaces, and their sums
--
-- Why:    which line is full?
-- Needs:  functions/summary-part.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE FUNCTION flowkeep_view.interface_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_exporter_id integer,
    in_limit integer DEFAULT 8)
RETURNS TABLE ("time" timestamptz, interface text, in_bps double precision,
               out_bps double precision)
LANGUAGE sql STABLE
AS $$
    WITH width AS (
        SELECT flowkeep_view.width_sec(in_from, greatest(in_interval_ms, 300000)) AS sec
    ), part AS MATERIALIZED (
        SELECT date_bin(make_interval(secs => w.sec), t.start_at, 'epoch') AS at,
               t.if_index, sum(t.in_octets) AS in_octets, sum(t.out_octets) AS out_octets
          FROM width AS w
         CROSS JOIN flowkeep_view.interface_part(
                   date_bin(make_interval(secs => flowkeep_view.width_sec(
                                in_from, greatest(in_interval_ms, 300000))),
                            in_from, 'epoch'),
                   in_to,
                   flowkeep_view.grain_sec(in_from, greatest(in_interval_ms, 300000)),
                   in_exporter_id) AS t
         GROUP BY 1, 2
    ), top AS (
        SELECT p.if_index,
               flowkeep_view.interface_label(in_exporter_id, p.if_index) AS interface
          FROM part AS p
         GROUP BY p.if_index
         ORDER BY sum(p.in_octets + p.out_octets) DESC, p.if_index
         LIMIT in_limit
    )
    SELECT p.at, coalesce(t.interface, 'Other'),
           8 * sum(p.in_octets) / greatest(60, least(max(w.sec),
                                      extract(epoch FROM in_to - p.at)))::double precision,
           8 * sum(p.out_octets) / greatest(60, least(max(w.sec),
                                       extract(epoch FROM in_to - p.at)))::double precision
      FROM width AS w
     CROSS JOIN part AS p
      LEFT JOIN top AS t ON t.if_index = p.if_index
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.interface_traffic
    IS 'rates in and out over time of the busiest interfaces of an exporter, and of the others together';

-- One row per interface: what passed, and how full it was.
CREATE OR REPLACE FUNCTION flowkeep_view.interface_load(
    in_from timestamptz,
    in_to timestamptz,
    in_exporter_id integer)
RETURNS TABLE (if_index integer, interface text, description text,
               speed_bps double precision, in_octets double precision,
               out_octets double precision, in_bps_95 double precision,
               out_bps_95 double precision, load_pct double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.if_index, flowkeep_view.interface_label(in_exporter_id, s.if_index),
           i.description, i.speed_bps::double precision, s.in_octets, s.out_octets,
           s.in_bps_95, s.out_bps_95,
           100 * greatest(s.in_bps_95, s.out_bps_95)
               / nullif(i.speed_bps, 0)::double precision
      FROM (SELECT b.if_index, sum(b.in_octets) AS in_octets,
                   sum(b.out_octets) AS out_octets,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY b.in_octets * 8 / b.sec)
                       AS in_bps_95,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY b.out_octets * 8 / b.sec)
                       AS out_bps_95
              FROM (SELECT date_bin(make_interval(secs => g.sec), p.start_at, 'epoch') AS at,
                           p.if_index, g.sec, sum(p.in_octets) AS in_octets,
                           sum(p.out_octets) AS out_octets
                      FROM (SELECT flowkeep_view.width_sec(
                                       in_from,
                                       greatest(300, extract(epoch FROM in_to - in_from)
                                                     / 288)::bigint * 1000) AS sec) AS g
                     CROSS JOIN flowkeep_view.interface_part(
                               in_from, in_to,
                               flowkeep_view.grain_sec(
                                   in_from,
                                   greatest(300, extract(epoch FROM in_to - in_from) / 288)
                                       ::bigint * 1000),
                               in_exporter_id) AS p
                     GROUP BY 1, 2, 3) AS b
             GROUP BY b.if_index) AS s
      LEFT JOIN flowkeep.interface AS i
             ON i.exporter_id = in_exporter_id AND i.if_index = s.if_index
     ORDER BY s.in_octets + s.out_octets DESC
$$;

COMMENT ON FUNCTION flowkeep_view.interface_load
    IS 'interfaces of an exporter: octets, 95th percentiles, and these as a share of the speed';
