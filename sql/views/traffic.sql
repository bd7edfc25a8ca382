-- traffic.sql: rates over time, split by the watched side
--
-- Why:    how much goes in and out, and is that more than before?
-- Needs:  functions/summary-part.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- in_exporters holds exporter.id; 0 among them means all.  in_shift moves what is read
-- into the past and what is drawn back into the range: the period before.
-- The first point is a whole one; the last is a rate over the part of it that is over.
CREATE OR REPLACE FUNCTION flowkeep_view.traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_exporters integer[] DEFAULT '{0}',
    in_shift interval DEFAULT '0')
RETURNS TABLE ("time" timestamptz, out_bps double precision, in_bps double precision,
               inside_bps double precision, other_bps double precision,
               total_bps double precision, packets_per_sec double precision,
               flows_per_sec double precision)
LANGUAGE sql STABLE
AS $$
    SELECT b.at + in_shift,
           8 * b.out_octets / b.seconds, 8 * b.in_octets / b.seconds,
           8 * b.inside_octets / b.seconds, 8 * b.other_octets / b.seconds,
           8 * b.octets / b.seconds, b.packets / b.seconds, b.flows / b.seconds
      FROM (SELECT p.at,
                   greatest(60, least(w.width_sec,
                            extract(epoch FROM in_to - in_shift - p.at)))
                       ::double precision AS seconds,
                   coalesce(sum(p.octets) FILTER (WHERE p.watched = 1), 0) AS out_octets,
                   coalesce(sum(p.octets) FILTER (WHERE p.watched = 2), 0) AS in_octets,
                   coalesce(sum(p.octets) FILTER (WHERE p.watched = 3), 0) AS inside_octets,
                   coalesce(sum(p.octets) FILTER (WHERE p.watched = 0), 0) AS other_octets,
                   sum(p.octets) AS octets,
                   sum(p.packets) AS packets,
                   sum(p.flows) AS flows
              FROM (SELECT flowkeep_view.width_sec(in_from - in_shift, in_interval_ms)
                               AS width_sec) AS w
             CROSS JOIN LATERAL
                   (SELECT date_bin(make_interval(secs => w.width_sec), t.start_at, 'epoch')
                               AS at,
                           t.watched, t.octets, t.packets, t.flows
                      FROM flowkeep_view.watched_part(
                               date_bin(make_interval(secs => flowkeep_view.width_sec(
                                            in_from - in_shift, in_interval_ms)),
                                        in_from - in_shift, 'epoch'),
                               in_to - in_shift,
                               flowkeep_view.grain_sec(in_from - in_shift, in_interval_ms),
                               in_exporters) AS t)
                   AS p
             GROUP BY p.at, w.width_sec) AS b
$$;

COMMENT ON FUNCTION flowkeep_view.traffic
    IS 'rates over time: out of and into watched networks, inside them, and other';
