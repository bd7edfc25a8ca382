-- device.sql: traffic that ends on the network devices themselves
--
-- Why:    a router talks to few, and for few reasons; whoever else it talks to matters.
-- Needs:  0001-flow.sql, 0002-exporter.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards
--
-- A device is known by its exporters' addresses.  What is usual for a device: management,
-- routing, time, names, its own export.  What carries files, mail, web or tunnels, or has
-- no known port, is not.

CREATE OR REPLACE FUNCTION flowkeep_view.device_use(in_protocol integer, in_port integer)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
               WHEN in_protocol IN (1, 58) THEN 'icmp'
               WHEN in_protocol IN (2, 46, 88, 89, 103, 112) THEN 'routing'
               WHEN in_protocol IN (4, 41, 47, 50, 51, 97, 115) THEN 'tunnel'
               WHEN in_port = 179 OR in_port IN (520, 521, 646, 3784, 3785, 4784)
               THEN 'routing'
               WHEN in_port IN (22, 49, 161, 162, 514, 830, 1645, 1646, 1812, 1813, 6514)
               THEN 'management'
               WHEN in_port IN (53, 67, 68, 123, 546, 547) THEN 'names and time'
               WHEN in_port IN (2055, 2056, 4739, 6343, 9995, 9996) THEN 'flow export'
               WHEN in_port IN (20, 21, 69, 80, 443, 445, 873, 989, 990, 8080, 8443)
               THEN 'files and web'
               WHEN in_port = 23 THEN 'telnet'
               ELSE 'other'
           END
$$;

COMMENT ON FUNCTION flowkeep_view.device_use
    IS 'what traffic of a network device is for';

CREATE OR REPLACE FUNCTION flowkeep_view.device_usual(in_use text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT in_use IN ('icmp', 'routing', 'management', 'names and time', 'flow export')
$$;

COMMENT ON FUNCTION flowkeep_view.device_usual
    IS 'whether that is usual for a network device';

-- The statement is written out with its values: only then does the planner look the
-- addresses up in the indexes of sealed partitions, one by one, and each row's hosts in a
-- hash of the addresses where there are none.
CREATE OR REPLACE FUNCTION flowkeep_view.device_flow(in_from timestamptz, in_to timestamptz)
RETURNS TABLE (received_at timestamptz, device inet, peer inet, is_out boolean,
               protocol smallint, port integer, octets bigint, packets bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0 -- a dashboard asks for all its panels at once
SET effective_io_concurrency = 128 -- rows of a day lie in tens of thousands of pages
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT f.received_at, f.src, f.dst, true, f.protocol,'
        ' CASE WHEN f.protocol IN (6, 17, 132) THEN least(f.src_port, f.dst_port)'
        ' ELSE 0 END, f.octets, f.packets FROM flowkeep.flow AS f'
        ' WHERE f.received_at >= %1$L AND f.received_at < %2$L AND f.src = ANY (%3$L)'
        ' UNION ALL'
        ' SELECT f.received_at, f.dst, f.src, false, f.protocol,'
        ' CASE WHEN f.protocol IN (6, 17, 132) THEN least(f.src_port, f.dst_port)'
        ' ELSE 0 END, f.octets, f.packets FROM flowkeep.flow AS f'
        ' WHERE f.received_at >= %1$L AND f.received_at < %2$L AND f.dst = ANY (%3$L)',
        in_from, in_to, (SELECT array_agg(DISTINCT e.address) FROM flowkeep.exporter AS e));
END
$$;

COMMENT ON FUNCTION flowkeep_view.device_flow
    IS 'flow records with an exporter''s own address at an end; not meant for dashboards';

CREATE OR REPLACE FUNCTION flowkeep_view.device_peer(
    in_from timestamptz,
    in_to timestamptz,
    in_usual boolean,
    in_limit integer DEFAULT 200)
RETURNS TABLE (device text, device_address text, peer text, peer_is text, service text,
               use text, usual text, out_octets double precision, in_octets double precision,
               flows bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE
AS $$
    WITH name AS MATERIALIZED (
        SELECT e.address, coalesce(max(e.name), host(e.address)) AS name
          FROM flowkeep.exporter AS e
         GROUP BY e.address
    )
    SELECT d.name, host(g.device), host(g.peer),
           coalesce('exporter ' || o.name, w.group_name, 'unknown'),
           flowkeep_view.service_name(g.protocol, g.port),
           g.use,
           CASE WHEN flowkeep_view.device_usual(g.use) THEN 'usual' ELSE 'unusual' END,
           g.out_octets, g.in_octets, g.flows, g.first_at, g.last_at
      FROM (SELECT f.device, f.peer, f.protocol,
                   CASE WHEN flowkeep_view.device_use(f.protocol, f.port) = 'other'
                             AND f.port >= 1024 THEN 0 ELSE f.port END AS port,
                   flowkeep_view.device_use(f.protocol, f.port) AS use,
                   coalesce(sum(f.octets) FILTER (WHERE f.is_out), 0)::double precision
                       AS out_octets,
                   coalesce(sum(f.octets) FILTER (WHERE NOT f.is_out), 0)::double precision
                       AS in_octets,
                   count(*) AS flows, min(f.received_at) AS first_at,
                   max(f.received_at) AS last_at
              FROM flowkeep_view.device_flow(in_from, in_to) AS f
             WHERE flowkeep_view.device_usual(
                       flowkeep_view.device_use(f.protocol, f.port)) = in_usual
             GROUP BY 1, 2, 3, 4, 5
             ORDER BY sum(f.octets) DESC
             LIMIT in_limit) AS g
      JOIN name AS d ON d.address = g.device
      LEFT JOIN name AS o ON o.address = g.peer
      LEFT JOIN LATERAL (
               SELECT n.group_name
                 FROM flowkeep.watch_network AS n
                WHERE n.network >>= g.peer
                ORDER BY masklen(n.network) DESC, n.group_name
                LIMIT 1) AS w ON true
     ORDER BY g.out_octets + g.in_octets DESC
$$;

COMMENT ON FUNCTION flowkeep_view.device_peer
    IS 'whom network devices talk to, and what for: the usual or the unusual; as exported';

CREATE OR REPLACE FUNCTION flowkeep_view.device_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint)
RETURNS TABLE ("time" timestamptz, use text, bps double precision)
LANGUAGE sql STABLE
AS $$
    SELECT date_bin(make_interval(secs => greatest(60, in_interval_ms / 1000)),
                    f.received_at, 'epoch'),
           flowkeep_view.device_use(f.protocol, f.port),
           8 * sum(f.octets)::double precision / greatest(60, in_interval_ms / 1000)
      FROM flowkeep_view.device_flow(in_from, in_to) AS f
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.device_traffic
    IS 'rates of traffic that ends on network devices over time, by what it is for';

-- One row: how much of it there is.
CREATE OR REPLACE FUNCTION flowkeep_view.device_status(
    in_from timestamptz,
    in_to timestamptz)
RETURNS TABLE (devices bigint, unusual_peers bigint, unusual_octets double precision,
               usual_octets double precision, strangers bigint)
LANGUAGE sql STABLE
AS $$
    WITH peer AS MATERIALIZED (
        SELECT f.device, f.peer,
               flowkeep_view.device_usual(flowkeep_view.device_use(f.protocol, f.port))
                   AS is_usual,
               sum(f.octets)::double precision AS octets
          FROM flowkeep_view.device_flow(in_from, in_to) AS f
         GROUP BY 1, 2, 3
    )
    SELECT count(DISTINCT p.device), count(*) FILTER (WHERE NOT p.is_usual),
           coalesce(sum(p.octets) FILTER (WHERE NOT p.is_usual), 0),
           coalesce(sum(p.octets) FILTER (WHERE p.is_usual), 0),
           (SELECT count(*)
              FROM (SELECT DISTINCT x.peer FROM peer AS x) AS o
             WHERE NOT EXISTS (SELECT FROM flowkeep.watch_network AS n
                                WHERE n.network >>= o.peer)
               AND NOT EXISTS (SELECT FROM flowkeep.exporter AS e
                                WHERE e.address = o.peer))
      FROM peer AS p
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION flowkeep_view.device_status
    IS 'one row: devices with traffic of their own, how much of it is unusual, strangers among their peers';
