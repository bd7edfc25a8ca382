-- host.sql: any address, from its flow records
--
-- Why:    who is this, whom does it talk to, since when?
-- Needs:  0001-flow.sql, 0010-summary.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards
--
-- Where several exporters report the same traffic, the one that saw the most counts:
-- per point in time and peer, never the sum.

CREATE OR REPLACE FUNCTION flowkeep_view.host_flow(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet)
RETURNS TABLE (received_at timestamptz, exporter_id integer, is_out boolean, peer inet,
               host_port integer, peer_port integer, protocol smallint, octets bigint,
               packets bigint, start_at timestamptz, end_at timestamptz)
LANGUAGE sql STABLE
AS $$
    SELECT f.received_at, f.exporter_id, f.src = in_host,
           CASE WHEN f.src = in_host THEN f.dst ELSE f.src END,
           CASE WHEN f.src = in_host THEN f.src_port ELSE f.dst_port END,
           CASE WHEN f.src = in_host THEN f.dst_port ELSE f.src_port END,
           f.protocol, f.octets, f.packets, f.start_at, f.end_at
      FROM flowkeep.flow AS f
     WHERE f.received_at >= in_from AND f.received_at < in_to
       AND (f.src = in_host OR f.dst = in_host)
$$;

COMMENT ON FUNCTION flowkeep_view.host_flow
    IS 'flow records of a host, seen from it; not meant for dashboards';

CREATE OR REPLACE FUNCTION flowkeep_view.host_traffic(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_host inet)
RETURNS TABLE ("time" timestamptz, out_bps double precision, in_bps double precision,
               flows_per_sec double precision)
LANGUAGE sql STABLE
AS $$
    SELECT x.at,
           8 * coalesce(sum(x.octets) FILTER (WHERE x.is_out), 0) / w.sec,
           8 * coalesce(sum(x.octets) FILTER (WHERE NOT x.is_out), 0) / w.sec,
           sum(x.flows) / w.sec
      FROM (SELECT s.at, s.is_out, s.peer, max(s.octets) AS octets, max(s.flows) AS flows
              FROM (SELECT date_bin(make_interval(
                                        secs => greatest(60, in_interval_ms / 1000)),
                                    f.received_at, 'epoch') AS at,
                           f.is_out, f.peer, f.exporter_id,
                           sum(f.octets)::double precision AS octets, count(*) AS flows
                      FROM flowkeep_view.host_flow(in_from, in_to, in_host) AS f
                     GROUP BY 1, 2, 3, 4) AS s
             GROUP BY s.at, s.is_out, s.peer) AS x
     CROSS JOIN LATERAL (SELECT greatest(60, in_interval_ms / 1000)::double precision AS sec)
           AS w
     GROUP BY x.at, w.sec
     ORDER BY x.at
$$;

COMMENT ON FUNCTION flowkeep_view.host_traffic
    IS 'rates out of and into a host over time';

CREATE OR REPLACE FUNCTION flowkeep_view.host_peer(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 25)
RETURNS TABLE (peer text, watched text, services text, out_octets double precision,
               in_octets double precision, flows bigint, share_pct double precision,
               first_at timestamptz, last_at timestamptz)
LANGUAGE sql STABLE
AS $$
    WITH point AS MATERIALIZED (
        SELECT f.peer, f.exporter_id,
               coalesce(sum(f.octets) FILTER (WHERE f.is_out), 0)::double precision
                   AS out_octets,
               coalesce(sum(f.octets) FILTER (WHERE NOT f.is_out), 0)::double precision
                   AS in_octets,
               count(*) AS flows, min(f.received_at) AS first_at,
               max(f.received_at) AS last_at,
               mode() WITHIN GROUP (ORDER BY least(f.host_port, f.peer_port)) AS port,
               mode() WITHIN GROUP (ORDER BY f.protocol) AS protocol
          FROM flowkeep_view.host_flow(in_from, in_to, in_host) AS f
         GROUP BY f.peer, f.exporter_id
    ), peer AS (
        SELECT p.peer, max(p.out_octets) AS out_octets, max(p.in_octets) AS in_octets,
               max(p.flows) AS flows, min(p.first_at) AS first_at, max(p.last_at) AS last_at,
               min(p.port) AS port, min(p.protocol) AS protocol
          FROM point AS p
         GROUP BY p.peer
    ), ranked AS MATERIALIZED (
        SELECT p.*, row_number() OVER (ORDER BY p.out_octets + p.in_octets DESC, p.peer)
                        AS rank
          FROM peer AS p
    )
    SELECT CASE WHEN r.rank <= in_limit THEN host(r.peer) ELSE 'Other' END,
           CASE WHEN r.rank <= in_limit THEN flowkeep_view.group_of(r.peer) END,
           CASE WHEN r.rank <= in_limit
                THEN flowkeep_view.service_name(r.protocol, r.port) END,
           sum(r.out_octets), sum(r.in_octets), sum(r.flows)::bigint,
           100 * sum(r.out_octets + r.in_octets)
               / nullif(sum(sum(r.out_octets + r.in_octets)) OVER (), 0),
           min(r.first_at), max(r.last_at)
      FROM ranked AS r
     GROUP BY 1, 2, 3, least(r.rank, in_limit + 1)
     ORDER BY least(r.rank, in_limit + 1)
$$;

COMMENT ON FUNCTION flowkeep_view.host_peer
    IS 'peers of a host by octets, and Other';

-- The port that is a service: the lower of the two.  Where the peer has it, the host
-- called; where the host has it, it serves.
CREATE OR REPLACE FUNCTION flowkeep_view.host_service(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 15)
RETURNS TABLE (service text, role text, octets double precision, flows bigint,
               peers bigint, share_pct double precision)
LANGUAGE sql STABLE
AS $$
    WITH service AS MATERIALIZED (
        SELECT f.protocol,
               CASE WHEN f.protocol IN (6, 17, 33, 132, 136)
                    THEN coalesce(least(f.host_port, f.peer_port), 0) ELSE 0 END AS port,
               CASE WHEN f.protocol NOT IN (6, 17, 33, 132, 136) OR f.host_port = f.peer_port
                    THEN 'either'
                    WHEN f.host_port < f.peer_port THEN 'serves' ELSE 'calls' END AS role,
               sum(f.octets)::double precision AS octets, count(*) AS flows,
               count(DISTINCT f.peer) AS peers
          FROM flowkeep_view.host_flow(in_from, in_to, in_host) AS f
         GROUP BY 1, 2, 3
    ), ranked AS (
        SELECT s.*, row_number() OVER (ORDER BY s.octets DESC, s.protocol, s.port) AS rank
          FROM service AS s
    )
    SELECT CASE WHEN r.rank <= in_limit
                THEN flowkeep_view.service_name(r.protocol, r.port) ELSE 'Other' END,
           CASE WHEN r.rank <= in_limit THEN r.role END,
           sum(r.octets), sum(r.flows)::bigint,
           CASE WHEN min(r.rank) <= in_limit THEN sum(r.peers)::bigint END,
           100 * sum(r.octets) / nullif(sum(sum(r.octets)) OVER (), 0)
      FROM ranked AS r
     GROUP BY 1, 2, least(r.rank, in_limit + 1)
     ORDER BY least(r.rank, in_limit + 1)
$$;

COMMENT ON FUNCTION flowkeep_view.host_service
    IS 'services that a host calls and serves by octets, and Other; as exported';

-- One row: what is known of an address.
CREATE OR REPLACE FUNCTION flowkeep_view.host_fact(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet)
RETURNS TABLE (host text, kind text, out_octets double precision,
               in_octets double precision, pcr double precision, flows bigint,
               peers bigint, first_at timestamptz, last_at timestamptz,
               first_contact_at timestamptz, alerts bigint, alerts_open bigint)
LANGUAGE sql STABLE
AS $$
    WITH point AS (
        SELECT f.peer, f.exporter_id,
               coalesce(sum(f.octets) FILTER (WHERE f.is_out), 0)::double precision
                   AS out_octets,
               coalesce(sum(f.octets) FILTER (WHERE NOT f.is_out), 0)::double precision
                   AS in_octets,
               count(*) AS flows, min(f.received_at) AS first_at,
               max(f.received_at) AS last_at
          FROM flowkeep_view.host_flow(in_from, in_to, in_host) AS f
         GROUP BY f.peer, f.exporter_id
    ), peer AS (
        SELECT p.peer, max(p.out_octets) AS out_octets, max(p.in_octets) AS in_octets,
               max(p.flows) AS flows, min(p.first_at) AS first_at, max(p.last_at) AS last_at
          FROM point AS p
         GROUP BY p.peer
    )
    SELECT host(in_host),
           coalesce('watched: ' || flowkeep_view.group_of(in_host),
                    (SELECT 'exporter: ' || flowkeep_view.exporter_label(min(e.id))
                       FROM flowkeep.exporter AS e WHERE e.address = in_host
                     HAVING count(*) > 0),
                    'not watched'),
           sum(p.out_octets), sum(p.in_octets),
           (sum(p.out_octets) - sum(p.in_octets))
               / nullif(sum(p.out_octets) + sum(p.in_octets), 0),
           sum(p.flows)::bigint, count(*), min(p.first_at), max(p.last_at),
           -- Of a watched host from the hours that are summed up: few rows.
           least(coalesce((SELECT min(s.hour) FROM flowkeep.host_summary AS s
                            WHERE s.host = in_host),
                          (SELECT min(c.hour) FROM flowkeep.contact_hour AS c
                            WHERE c.host = in_host)),
                 (SELECT min(c.hour) FROM flowkeep.contact_hour AS c WHERE c.peer = in_host)),
           (SELECT count(*) FROM flowkeep.alert AS a
             WHERE a.host = in_host OR a.peer_network >>= in_host),
           (SELECT count(*) FROM flowkeep.alert AS a
             WHERE (a.host = in_host OR a.peer_network >>= in_host) AND a.state = 'open')
      FROM peer AS p
    HAVING count(*) > 0
$$;

COMMENT ON FUNCTION flowkeep_view.host_fact
    IS 'one row: octets, peers, first and last seen, incidents of a host';

-- Longest sessions: joined ones of watched hosts, both ways round; else flow records.
CREATE OR REPLACE FUNCTION flowkeep_view.host_session(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 50)
RETURNS TABLE (host text, peer text, service text, initiator text, sessions bigint,
               out_octets double precision, in_octets double precision,
               longest_sec double precision, first_hour timestamptz, last_hour timestamptz)
LANGUAGE sql STABLE
AS $$
    SELECT host(c.host), host(c.peer),
           flowkeep_view.service_name(c.protocol, c.service_port),
           CASE c.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer' ELSE 'unknown' END,
           c.sessions, c.out_octets, c.in_octets, c.longest_sec, c.first_hour, c.last_hour
      FROM (SELECT r.host, r.peer, r.protocol, r.service_port, r.initiator,
                   sum(r.sessions)::bigint AS sessions,
                   sum(r.out_octets)::double precision AS out_octets,
                   sum(r.in_octets)::double precision AS in_octets,
                   max(r.longest_ms) / 1000.0::double precision AS longest_sec,
                   min(r.hour) AS first_hour, max(r.hour) AS last_hour
              FROM flowkeep.contact_hour AS r
             WHERE r.hour >= date_bin('1 hour', in_from, 'epoch') AND r.hour < in_to
               AND (r.host = in_host OR r.peer = in_host)
             GROUP BY r.host, r.peer, r.protocol, r.service_port, r.initiator
             ORDER BY sum(r.out_octets + r.in_octets) DESC
             LIMIT in_limit) AS c
     ORDER BY c.out_octets + c.in_octets DESC
$$;

COMMENT ON FUNCTION flowkeep_view.host_session
    IS 'sessions of a host with watched hosts (or its own, when it is one), by peer and service';

-- For the node graph: the host, its heaviest peers.  host_edge has the same peers.
CREATE OR REPLACE FUNCTION flowkeep_view.host_node(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 15)
RETURNS TABLE (id text, title text, subtitle text, mainstat text, arc__out double precision,
               arc__in double precision)
LANGUAGE sql STABLE
AS $$
    WITH peer AS MATERIALIZED (
        SELECT p.peer, p.watched, p.services, p.out_octets, p.in_octets
          FROM flowkeep_view.host_peer(in_from, in_to, in_host, in_limit) AS p
         WHERE p.peer <> 'Other'
    )
    SELECT host(in_host), host(in_host), coalesce(flowkeep_view.group_of(in_host), ''),
           flowkeep_view.octets_text(sum(p.out_octets + p.in_octets)),
           coalesce(sum(p.out_octets) / nullif(sum(p.out_octets + p.in_octets), 0), 0),
           coalesce(sum(p.in_octets) / nullif(sum(p.out_octets + p.in_octets), 0), 1)
      FROM peer AS p
    HAVING count(*) > 0
    UNION ALL
    SELECT p.peer, p.peer, coalesce(p.watched, p.services, ''),
           flowkeep_view.octets_text(p.out_octets + p.in_octets),
           coalesce(p.in_octets / nullif(p.out_octets + p.in_octets, 0), 0),
           coalesce(p.out_octets / nullif(p.out_octets + p.in_octets, 0), 1)
      FROM peer AS p
     WHERE p.peer <> host(in_host)
$$;

COMMENT ON FUNCTION flowkeep_view.host_node
    IS 'nodes of a graph: a host and its heaviest peers';

CREATE OR REPLACE FUNCTION flowkeep_view.host_edge(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_limit integer DEFAULT 15)
RETURNS TABLE (id text, source text, target text, mainstat text, secondarystat text)
LANGUAGE sql STABLE
AS $$
    SELECT host(in_host) || ' ' || p.peer, host(in_host), p.peer,
           'out ' || flowkeep_view.octets_text(p.out_octets),
           'in ' || flowkeep_view.octets_text(p.in_octets)
      FROM flowkeep_view.host_peer(in_from, in_to, in_host, in_limit) AS p
     WHERE p.peer <> 'Other' AND p.peer <> host(in_host)
$$;

COMMENT ON FUNCTION flowkeep_view.host_edge
    IS 'edges of that graph';
