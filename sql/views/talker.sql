-- talker.sql: the heaviest hosts, pairs, services and AS of a range, and the rest
--
-- Why:    who is it?
-- Needs:  functions/summary-part.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- tcp/443 -> https (443/tcp); a protocol without ports stays what it is.
CREATE OR REPLACE FUNCTION flowkeep_view.talker_port_name(in_key text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
               WHEN in_key !~ '^(tcp|udp|sctp|dccp)/[1-9][0-9]{0,4}$' THEN in_key
               WHEN n.service = n.port || '/' || n.protocol THEN n.service
               ELSE n.service || ' (' || n.port || '/' || n.protocol || ')'
           END
      FROM (SELECT split_part(in_key, '/', 1) AS protocol,
                   split_part(in_key, '/', 2) AS port,
                   flowkeep_view.service_name(
                       CASE split_part(in_key, '/', 1)
                           WHEN 'tcp' THEN 6 WHEN 'udp' THEN 17 WHEN 'sctp' THEN 132
                           WHEN 'dccp' THEN 33
                       END,
                       CASE WHEN split_part(in_key, '/', 2) ~ '^[0-9]{1,5}$'
                            THEN split_part(in_key, '/', 2)::integer END) AS service) AS n
$$;

COMMENT ON FUNCTION flowkeep_view.talker_port_name
    IS 'name of a key of kind port: https (443/tcp)';

-- in_kind: host, pair, port, as.  The row Other is last; its share counts.
CREATE OR REPLACE FUNCTION flowkeep_view.talker(
    in_from timestamptz,
    in_to timestamptz,
    in_kind text,
    in_limit integer DEFAULT 10)
RETURNS TABLE (rank integer, key text, name text, watched text, octets double precision,
               packets double precision, flows double precision,
               share_pct double precision, mean_bps double precision)
LANGUAGE sql STABLE
AS $$
    WITH total AS MATERIALIZED (
        SELECT p.key, sum(p.octets) AS octets, sum(p.packets) AS packets,
               sum(p.flows) AS flows,
               row_number() OVER (ORDER BY p.key = 'other', sum(p.octets) DESC, p.key)
                   AS rank
          FROM flowkeep_view.talker_part(in_from, in_to, in_kind) AS p
         GROUP BY p.key
    ), shown AS (
        SELECT least(t.rank, in_limit + 1)::integer AS rank,
               CASE WHEN t.rank <= in_limit AND t.key <> 'other' THEN t.key ELSE 'Other' END
                   AS key,
               sum(t.octets) AS octets, sum(t.packets) AS packets, sum(t.flows) AS flows
          FROM total AS t
         GROUP BY 1, 2
    )
    SELECT s.rank, s.key,
           CASE
               WHEN s.key = 'Other' THEN 'Other'
               WHEN in_kind = 'port' THEN flowkeep_view.talker_port_name(s.key)
               WHEN in_kind = 'as' THEN 'AS' || s.key
               WHEN in_kind = 'pair' THEN replace(s.key, ' ', ' - ')
               ELSE s.key
           END,
           CASE WHEN in_kind = 'host' AND s.key <> 'Other'
                THEN flowkeep_view.group_of(s.key::inet) END,
           s.octets, s.packets, s.flows,
           100 * s.octets / nullif(sum(s.octets) OVER (), 0),
           8 * s.octets / greatest(300, extract(epoch FROM in_to - in_from))
               ::double precision
      FROM shown AS s
     ORDER BY s.rank
$$;

COMMENT ON FUNCTION flowkeep_view.talker
    IS 'the heaviest talkers of a kind (host, pair, port, as), and Other';

-- Hosts to choose from: those of an open incident in the range first, then by octets.
CREATE OR REPLACE FUNCTION flowkeep_view.host_list(
    in_from timestamptz,
    in_to timestamptz,
    in_limit integer DEFAULT 200)
RETURNS TABLE (host text, alerts_open bigint, octets double precision)
LANGUAGE sql STABLE
AS $$
    SELECT t.key, a.n, t.octets
      FROM flowkeep_view.talker(in_from, in_to, 'host', in_limit) AS t
     CROSS JOIN LATERAL (SELECT count(*) AS n
                           FROM flowkeep.alert AS x
                          WHERE x.host = t.key::inet AND x.state = 'open'
                            AND x.last_contact_at >= in_from) AS a
     WHERE t.key <> 'Other'
     ORDER BY a.n > 0 DESC, t.rank
$$;

COMMENT ON FUNCTION flowkeep_view.host_list
    IS 'the busiest hosts, those of an open incident in the range first';
