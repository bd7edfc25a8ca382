-- traffic-peak.sql: averages and 95th percentiles of a range
--
-- Why:    lines are billed and sized by the 95th percentile of five minutes.
-- Needs:  functions/summary-part.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE FUNCTION flowkeep_view.traffic_peak(
    in_from timestamptz,
    in_to timestamptz,
    in_exporters integer[] DEFAULT '{0}')
RETURNS TABLE (out_bps_95 double precision, in_bps_95 double precision,
               total_bps_95 double precision, out_bps_mean double precision,
               in_bps_mean double precision, total_bps_mean double precision)
LANGUAGE sql STABLE
AS $$
    SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY b.out_octets * 8 / b.sec),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY b.in_octets * 8 / b.sec),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY b.octets * 8 / b.sec),
           avg(b.out_octets * 8 / b.sec),
           avg(b.in_octets * 8 / b.sec),
           avg(b.octets * 8 / b.sec)
      FROM (SELECT t.at, g.sec,
                   coalesce(sum(t.octets) FILTER (WHERE t.watched = 1), 0) AS out_octets,
                   coalesce(sum(t.octets) FILTER (WHERE t.watched = 2), 0) AS in_octets,
                   coalesce(sum(t.octets), 0) AS octets
              FROM (SELECT flowkeep_view.width_sec(
                               in_from,
                               greatest(300, extract(epoch FROM in_to - in_from) / 288)
                                   ::bigint * 1000) AS sec) AS g
             CROSS JOIN LATERAL
                   (SELECT date_bin(make_interval(secs => g.sec), p.start_at, 'epoch') AS at,
                           p.watched, p.octets
                      FROM flowkeep_view.watched_part(
                               in_from, in_to,
                               flowkeep_view.grain_sec(
                                   in_from,
                                   greatest(300, extract(epoch FROM in_to - in_from) / 288)
                                       ::bigint * 1000),
                               in_exporters) AS p)
                   AS t
             GROUP BY t.at, g.sec) AS b
$$;

COMMENT ON FUNCTION flowkeep_view.traffic_peak
    IS '95th percentile and mean of rates over at least five minutes each (at most some 290 of them)';
