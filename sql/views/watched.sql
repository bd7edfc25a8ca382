-- watched.sql: watched hosts, from their contacts
--
-- Why:    what does each of our hosts send, to whom, and is that usual?
-- Needs:  0006-contact.sql, 0010-summary.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards
--
-- Contacts are free of duplicates: a session that two routers report counts once.

-- host_summary, and contact_hour where that is newer.
CREATE OR REPLACE FUNCTION flowkeep_view.host_part(in_from timestamptz, in_to timestamptz)
RETURNS TABLE (hour timestamptz, host inet, out_octets double precision,
               in_octets double precision, sessions double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.hour, s.host, s.out_octets, s.in_octets, s.sessions
      FROM flowkeep.host_summary AS s
     WHERE s.hour >= in_from
       AND s.hour < least(in_to, (SELECT h.done_until FROM flowkeep.housekeeping AS h
                                   WHERE h.task = 'hosts_summarised'))
    UNION ALL
    SELECT c.hour, c.host, c.out_octets::double precision, c.in_octets::double precision,
           c.sessions::double precision
      FROM flowkeep.contact_hour AS c
     WHERE c.hour >= greatest(in_from, (SELECT h.done_until FROM flowkeep.housekeeping AS h
                                         WHERE h.task = 'hosts_summarised'))
       AND c.hour < in_to
$$;

COMMENT ON FUNCTION flowkeep_view.host_part
    IS 'parts of the traffic of watched hosts, to be summed up';

-- Mirrored traffic by watched group; hours are the finest there are.
CREATE OR REPLACE FUNCTION flowkeep_view.group_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint)
RETURNS TABLE ("time" timestamptz, watch_group text, out_bps double precision,
               in_bps double precision)
LANGUAGE sql STABLE
AS $$
    WITH part AS MATERIALIZED (
        SELECT date_bin(make_interval(
                            secs => ceil(greatest(in_interval_ms, 3600000) / 3600000.0) * 3600),
                        p.hour, 'epoch') AS at,
               p.host, sum(p.out_octets) AS out_octets, sum(p.in_octets) AS in_octets
          FROM flowkeep_view.host_part(date_bin('1 hour', in_from, 'epoch'), in_to) AS p
         GROUP BY 1, 2
    ), named AS (
        SELECT DISTINCT ON (h.host) h.host,
               coalesce(n.group_name, 'no longer watched') AS name
          FROM (SELECT DISTINCT p.host FROM part AS p) AS h
          LEFT JOIN flowkeep.watch_network AS n ON n.network >>= h.host
         ORDER BY h.host, masklen(n.network) DESC, n.group_name
    )
    SELECT p.at, n.name,
           8 * sum(p.out_octets) / w.sec, 8 * sum(p.in_octets) / w.sec
      FROM part AS p
      JOIN named AS n ON n.host = p.host
     CROSS JOIN LATERAL (SELECT greatest(60, least(
                   ceil(greatest(in_interval_ms, 3600000) / 3600000.0) * 3600,
                   extract(epoch FROM in_to - p.at)))::double precision AS sec) AS w
     GROUP BY p.at, n.name, w.sec
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.group_traffic
    IS 'rates over time out of and into watched groups, by hour or wider';

-- One row per watched host.  PCR, the producer-consumer ratio, is
-- (out - in) / (out + in): 1 only sends, -1 only receives.
CREATE OR REPLACE FUNCTION flowkeep_view.watched_host(
    in_from timestamptz,
    in_to timestamptz,
    in_groups text[] DEFAULT '{*}')
RETURNS TABLE (host text, host_group text, out_octets double precision,
               in_octets double precision, out_before double precision,
               out_change_pct double precision, pcr double precision,
               sessions double precision, alerts_open bigint)
LANGUAGE sql STABLE
AS $$
    WITH now_ AS (
        SELECT p.host, sum(p.out_octets) AS out_octets, sum(p.in_octets) AS in_octets,
               sum(p.sessions) AS sessions
          FROM flowkeep_view.host_part(date_bin('1 hour', in_from, 'epoch'), in_to) AS p
         GROUP BY p.host
    ), before AS (
        SELECT p.host, sum(p.out_octets) AS out_octets
          FROM flowkeep_view.host_part(
                   date_bin('1 hour', in_from, 'epoch') - (in_to - in_from),
                   date_bin('1 hour', in_from, 'epoch')) AS p
         GROUP BY p.host
    )
    SELECT host(n.host), g.name, n.out_octets, n.in_octets, b.out_octets,
           100 * (n.out_octets - b.out_octets) / nullif(b.out_octets, 0),
           (n.out_octets - n.in_octets) / nullif(n.out_octets + n.in_octets, 0),
           n.sessions,
           (SELECT count(*) FROM flowkeep.alert AS a
             WHERE a.host = n.host AND a.state = 'open')
      FROM now_ AS n
      LEFT JOIN before AS b ON b.host = n.host
     CROSS JOIN LATERAL (SELECT flowkeep_view.group_of(n.host) AS name) AS g
     WHERE '*' = ANY (in_groups) OR g.name = ANY (in_groups)
$$;

COMMENT ON FUNCTION flowkeep_view.watched_host
    IS 'watched hosts: octets each way, change against the period before, PCR, open incidents';

-- Hour by hour of one host, with the band of the same hour of the day over the 28 days
-- before: the 5th to 95th percentile.  No band from fewer than three such days.
CREATE OR REPLACE FUNCTION flowkeep_view.host_hour(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet)
RETURNS TABLE ("time" timestamptz, out_bps double precision, in_bps double precision,
               low_bps double precision, high_bps double precision, pcr double precision)
LANGUAGE sql STABLE
AS $$
    WITH hour AS MATERIALIZED (
        SELECT p.hour, sum(p.out_octets) AS out_octets, sum(p.in_octets) AS in_octets
          FROM flowkeep_view.host_part(
                   date_bin('1 hour', in_from, 'epoch') - interval '28 days', in_to) AS p
         WHERE p.host = in_host
         GROUP BY p.hour
    )
    SELECT g.at, 8 * coalesce(h.out_octets, 0) / w.sec, 8 * coalesce(h.in_octets, 0) / w.sec,
           CASE WHEN b.days >= 3 THEN 8 * b.low / 3600 END,
           CASE WHEN b.days >= 3 THEN 8 * b.high / 3600 END,
           (h.out_octets - h.in_octets) / nullif(h.out_octets + h.in_octets, 0)
      FROM generate_series(date_bin('1 hour', in_from, 'epoch'),
                           in_to - interval '1 microsecond', '1 hour') AS g (at)
      LEFT JOIN hour AS h ON h.hour = g.at
     CROSS JOIN LATERAL (SELECT greatest(60, least(3600,
                   extract(epoch FROM in_to - g.at)))::double precision AS sec) AS w
      LEFT JOIN LATERAL (
               SELECT count(*) AS days,
                      percentile_cont(0.05) WITHIN GROUP (ORDER BY o.out_octets) AS low,
                      percentile_cont(0.95) WITHIN GROUP (ORDER BY o.out_octets) AS high
                 FROM hour AS o
                WHERE o.hour < g.at AND o.hour >= g.at - interval '28 days'
                  AND extract(hour FROM o.hour AT TIME ZONE 'UTC')
                      = extract(hour FROM g.at AT TIME ZONE 'UTC')) AS b ON true
     ORDER BY 1
$$;

COMMENT ON FUNCTION flowkeep_view.host_hour
    IS 'traffic of a watched host by hour, with the usual band of that hour of the day';

-- Octets out by weekday and hour; means over the four weeks before.
CREATE OR REPLACE FUNCTION flowkeep_view.host_week(
    in_to timestamptz,
    in_host inet)
RETURNS TABLE (weekday text,
               "00" double precision, "01" double precision, "02" double precision,
               "03" double precision, "04" double precision, "05" double precision,
               "06" double precision, "07" double precision, "08" double precision,
               "09" double precision, "10" double precision, "11" double precision,
               "12" double precision, "13" double precision, "14" double precision,
               "15" double precision, "16" double precision, "17" double precision,
               "18" double precision, "19" double precision, "20" double precision,
               "21" double precision, "22" double precision, "23" double precision)
LANGUAGE sql STABLE
AS $$
    WITH mean AS MATERIALIZED (
        SELECT extract(isodow FROM o.hour AT TIME ZONE 'UTC')::integer AS weekday,
               extract(hour FROM o.hour AT TIME ZONE 'UTC')::integer AS hour,
               avg(o.out_octets) AS octets
          FROM (SELECT p.hour, sum(p.out_octets) AS out_octets
                  FROM flowkeep_view.host_part(
                           date_bin('1 hour', in_to, 'epoch') - interval '28 days', in_to)
                       AS p
                 WHERE p.host = in_host
                 GROUP BY p.hour) AS o
         GROUP BY 1, 2
    )
    SELECT d.name, d.n[1], d.n[2], d.n[3], d.n[4], d.n[5], d.n[6], d.n[7], d.n[8], d.n[9],
           d.n[10], d.n[11], d.n[12], d.n[13], d.n[14], d.n[15], d.n[16], d.n[17],
           d.n[18], d.n[19], d.n[20], d.n[21], d.n[22], d.n[23], d.n[24]
      FROM (SELECT w.weekday, w.name, array_agg(m.octets ORDER BY h.hour) AS n
              FROM (VALUES (1, 'Mon'), (2, 'Tue'), (3, 'Wed'), (4, 'Thu'), (5, 'Fri'),
                           (6, 'Sat'), (7, 'Sun')) AS w (weekday, name)
             CROSS JOIN generate_series(0, 23) AS h (hour)
              LEFT JOIN mean AS m ON m.weekday = w.weekday AND m.hour = h.hour
             GROUP BY w.weekday, w.name) AS d
     ORDER BY d.weekday
$$;

COMMENT ON FUNCTION flowkeep_view.host_week
    IS 'octets that a watched host sends, by weekday and hour of the day, UTC; means';

-- Conversations of a watched host, or of all in some groups.
CREATE OR REPLACE FUNCTION flowkeep_view.conversation(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 20)
RETURNS TABLE (host text, peer text, service text, initiator text,
               out_octets double precision, in_octets double precision,
               sessions double precision, longest_sec double precision,
               first_hour timestamptz, last_hour timestamptz, hours bigint)
LANGUAGE sql STABLE
AS $$
    SELECT host(c.host), host(c.peer),
           flowkeep_view.service_name(c.protocol, c.service_port),
           CASE c.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer' ELSE 'unknown' END,
           c.out_octets, c.in_octets, c.sessions, c.longest_sec, c.first_hour, c.last_hour,
           c.hours
      FROM (SELECT r.host, r.peer, r.protocol, r.service_port, r.initiator,
                   sum(r.out_octets)::double precision AS out_octets,
                   sum(r.in_octets)::double precision AS in_octets,
                   sum(r.sessions)::double precision AS sessions,
                   max(r.longest_ms) / 1000.0::double precision AS longest_sec,
                   min(r.hour) AS first_hour, max(r.hour) AS last_hour,
                   count(DISTINCT r.hour) AS hours
              FROM flowkeep.contact_hour AS r
             WHERE r.hour >= date_bin('1 hour', in_from, 'epoch') AND r.hour < in_to
               AND r.host = in_host
             GROUP BY r.host, r.peer, r.protocol, r.service_port, r.initiator
             ORDER BY sum(r.out_octets + r.in_octets) DESC
             LIMIT in_limit) AS c
     ORDER BY c.out_octets + c.in_octets DESC
$$;

COMMENT ON FUNCTION flowkeep_view.conversation
    IS 'conversations of a watched host with the most octets, sessions joined, duplicates out';

-- Peers of a watched host in the range that it had no contact with in the 30 days before.
CREATE OR REPLACE FUNCTION flowkeep_view.new_peer(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 50)
RETURNS TABLE (peer text, first_hour timestamptz, service text, initiator text,
               out_octets double precision, in_octets double precision,
               sessions double precision, other_hosts bigint)
LANGUAGE sql STABLE
AS $$
    WITH seen AS MATERIALIZED (
        SELECT c.peer, min(c.hour) AS first_hour,
               sum(c.out_octets)::double precision AS out_octets,
               sum(c.in_octets)::double precision AS in_octets,
               sum(c.sessions)::double precision AS sessions
          FROM flowkeep.contact_hour AS c
         WHERE c.host = in_host
           AND c.hour >= date_bin('1 hour', in_from, 'epoch') AND c.hour < in_to
         GROUP BY c.peer
    ), top AS MATERIALIZED (
        SELECT s.peer, s.first_hour, s.out_octets, s.in_octets, s.sessions
          FROM seen AS s
         WHERE NOT EXISTS (
                   SELECT FROM flowkeep.contact_hour AS o
                    WHERE o.host = in_host AND o.peer = s.peer
                      AND o.hour >= in_from - interval '30 days'
                      AND o.hour < date_bin('1 hour', in_from, 'epoch'))
         ORDER BY s.out_octets DESC
         LIMIT in_limit
    )
    SELECT host(t.peer), t.first_hour, w.service, w.initiator, t.out_octets, t.in_octets,
           t.sessions,
           (SELECT count(DISTINCT o.host) - 1 FROM flowkeep.contact_hour AS o
             WHERE o.peer = t.peer AND o.hour >= in_from - interval '30 days'
               AND o.hour < in_to)
      FROM top AS t
     CROSS JOIN LATERAL (
               SELECT flowkeep_view.service_name(c.protocol, c.service_port) AS service,
                      CASE c.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer'
                                       ELSE 'unknown' END AS initiator
                 FROM flowkeep.contact_hour AS c
                WHERE c.host = in_host AND c.peer = t.peer AND c.hour = t.first_hour
                ORDER BY c.out_octets + c.in_octets DESC
                LIMIT 1) AS w
     ORDER BY t.out_octets DESC
$$;

COMMENT ON FUNCTION flowkeep_view.new_peer
    IS 'peers that a watched host had no contact with in the 30 days before';

-- Watched hosts by octets, to choose from.
CREATE OR REPLACE FUNCTION flowkeep_view.watched_host_list(
    in_from timestamptz,
    in_to timestamptz,
    in_groups text[] DEFAULT '{*}')
RETURNS TABLE (host text, octets double precision)
LANGUAGE sql STABLE
AS $$
    SELECT host(h.host), h.octets
      FROM (SELECT p.host, sum(p.out_octets + p.in_octets) AS octets
              FROM flowkeep_view.host_part(date_bin('1 hour', in_from, 'epoch'), in_to) AS p
             GROUP BY p.host) AS h
     WHERE '*' = ANY (in_groups) OR flowkeep_view.group_of(h.host) = ANY (in_groups)
     ORDER BY h.octets DESC, h.host
     LIMIT 500
$$;

COMMENT ON FUNCTION flowkeep_view.watched_host_list
    IS 'watched hosts of some groups by octets, the busiest 500';

CREATE OR REPLACE VIEW flowkeep_view.watch_group AS
    SELECT g.name AS watch_group,
           g.description,
           (SELECT string_agg(n.network::text, ', ' ORDER BY n.network)
              FROM flowkeep.watch_network AS n
             WHERE n.group_name = g.name) AS networks
      FROM flowkeep.watch_group AS g;

COMMENT ON VIEW flowkeep_view.watch_group
    IS 'watched groups';
COMMENT ON COLUMN flowkeep_view.watch_group.watch_group IS 'its name';
COMMENT ON COLUMN flowkeep_view.watch_group.description IS 'description in the configuration';
COMMENT ON COLUMN flowkeep_view.watch_group.networks IS 'its networks';
