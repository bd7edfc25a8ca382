-- baseline.sql: daily sums of contact_hour
--
-- Why:    what is usual is learned from days, not from hours.
-- Needs:  0006-contact.sql, 0008-baseline.sql
-- Locks:  rows only
-- Used:   analytics/job-baseline.c
-- Twins:  analytics/detect/exfil-window.c has the network of an address, and when a
--         port is published

-- Makes host_day and peer_day right for one day, whatever was there before.  The
-- arrays are the configured services: one element a network, 0 = any port, protocol.
CREATE OR REPLACE FUNCTION flowkeep.baseline_settle(
    in_day date,
    in_networks cidr[],
    in_ports integer[],
    in_protocols integer[])
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET work_mem = '64MB'
SET jit = off
AS $$
DECLARE
    n bigint;
BEGIN
    DELETE FROM flowkeep.host_day AS d WHERE d.day = in_day;
    DELETE FROM flowkeep.peer_day AS d WHERE d.day = in_day;

    INSERT INTO flowkeep.peer_day (
        day, host, network, out_octets, in_octets, served_out_octets,
        served_in_octets, first_hour)
    SELECT in_day, c.host,
           network(set_masklen(c.peer, CASE family(c.peer) WHEN 4 THEN 20 ELSE 48 END)),
           least(greatest(sum(c.out_octets) FILTER (WHERE c.initiator <> 2), 0),
                 9223372036854775807),
           least(greatest(sum(c.in_octets) FILTER (WHERE c.initiator <> 2), 0),
                 9223372036854775807),
           least(greatest(sum(c.out_octets) FILTER (WHERE c.initiator = 2), 0),
                 9223372036854775807),
           least(greatest(sum(c.in_octets) FILTER (WHERE c.initiator = 2), 0),
                 9223372036854775807),
           min(c.hour)
      FROM flowkeep.contact_hour AS c
     WHERE c.hour >= in_day::timestamptz
       AND c.hour < (in_day + 1)::timestamptz
       AND NOT EXISTS (SELECT FROM flowkeep.watch_network AS w
                        WHERE c.peer <<= w.network)
       AND NOT EXISTS (SELECT
                         FROM unnest(in_networks, in_ports, in_protocols)
                           AS s (network, port, protocol)
                        WHERE c.peer <<= s.network
                          AND s.port IN (0, c.service_port)
                          AND s.protocol IN (0, c.protocol))
     GROUP BY c.host, 3;
    GET DIAGNOSTICS n = ROW_COUNT;

    WITH contact AS MATERIALIZED (
        SELECT c.host, extract(hour FROM c.hour)::integer AS hour, c.protocol,
               c.service_port, c.initiator,
               network(set_masklen(c.peer,
                   CASE family(c.peer) WHEN 4 THEN 20 ELSE 48 END)) AS network,
               sum(c.out_octets) AS out_octets, sum(c.in_octets) AS in_octets,
               sum(c.sessions) AS sessions
          FROM flowkeep.contact_hour AS c
         WHERE c.hour >= in_day::timestamptz
           AND c.hour < (in_day + 1)::timestamptz
           AND NOT EXISTS (SELECT FROM flowkeep.watch_network AS w
                            WHERE c.peer <<= w.network)
           AND NOT EXISTS (SELECT
                             FROM unnest(in_networks, in_ports, in_protocols)
                               AS s (network, port, protocol)
                            WHERE c.peer <<= s.network
                              AND s.port IN (0, c.service_port)
                              AND s.protocol IN (0, c.protocol))
         GROUP BY c.host, 2, c.protocol, c.service_port, c.initiator, 6
    ), by_host AS (
        SELECT c.host,
               least(greatest(sum(c.out_octets), 0), 9223372036854775807)::bigint AS out_octets,
               least(greatest(sum(c.in_octets), 0), 9223372036854775807)::bigint AS in_octets,
               least(greatest(sum(c.sessions), 0), 9223372036854775807)::bigint AS sessions,
               least(greatest(sum(c.sessions) FILTER (WHERE c.initiator = 1), 0),
                     9223372036854775807)::bigint AS called,
               count(DISTINCT c.network) FILTER (WHERE c.initiator = 1) AS networks
          FROM contact AS c
         GROUP BY c.host
    ), by_hour AS (
        SELECT h.host,
               ARRAY[
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 0), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 1), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 2), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 3), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 4), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 5), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 6), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 7), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 8), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 9), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 10), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 11), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 12), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 13), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 14), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 15), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 16), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 17), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 18), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 19), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 20), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 21), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 22), 0),
               coalesce(sum(h.octets) FILTER (WHERE h.hour = 23), 0)
               ]::bigint[] AS octets
          FROM (SELECT c.host, c.hour,
                       least(greatest(sum(c.out_octets), 0), 9223372036854775807) AS octets
                  FROM contact AS c
                 GROUP BY c.host, c.hour) AS h
         GROUP BY h.host
    ), took AS (
        SELECT c.host, c.protocol, c.service_port
          FROM contact AS c
         WHERE c.initiator = 2
         GROUP BY c.host, c.protocol, c.service_port, c.network
        HAVING sum(c.out_octets) >= 100000
           AND sum(c.out_octets) / greatest(sum(c.sessions), 1) >= 8000
    ), published AS (
        SELECT p.host, array_agg(p.service ORDER BY p.service) AS services
          FROM (SELECT t.host, t.protocol * 65536 + t.service_port AS service
                  FROM took AS t
                 GROUP BY t.host, t.protocol, t.service_port
                HAVING count(*) >= 5) AS p
         GROUP BY p.host
    )
    INSERT INTO flowkeep.host_day (
        day, host, out_octets, in_octets, hour_octets, sessions, called, networks,
        published)
    SELECT in_day, b.host, b.out_octets, b.in_octets, h.octets, b.sessions, b.called,
           b.networks, coalesce(p.services, '{}')
      FROM by_host AS b
      JOIN by_hour AS h ON h.host = b.host
      LEFT JOIN published AS p ON p.host = b.host;
    RETURN n;
END
$$;

COMMENT ON FUNCTION flowkeep.baseline_settle
    IS 'makes host_day and peer_day right for one day';
