-- flow.sql: flow records as people read them
--
-- Why:    what exactly was exported?
-- Needs:  0001-flow.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- Records with a host at either end; with a peer, only between the two.  The newest
-- in_limit of them.  Sealed partitions have indexes of hosts, newer ones are read whole.
CREATE OR REPLACE FUNCTION flowkeep_view.flow_of(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet,
    in_peer cidr DEFAULT NULL,
    in_port integer DEFAULT 0,
    in_limit integer DEFAULT 500)
RETURNS TABLE (received_at timestamptz, start_at timestamptz, duration_sec double precision,
               src text, src_port integer, dst text, dst_port integer, protocol text,
               service text, octets bigint, packets bigint, tcp_flags text, exporter text,
               input_if text, output_if text, sampling integer)
LANGUAGE sql STABLE
AS $$
    SELECT f.received_at, f.start_at,
           extract(epoch FROM f.end_at - f.start_at)::double precision,
           host(f.src), f.src_port, host(f.dst), f.dst_port,
           flowkeep_view.protocol_name(f.protocol),
           CASE WHEN f.src_port IS NULL OR f.dst_port IS NULL OR f.protocol IN (1, 58)
                THEN flowkeep_view.protocol_name(f.protocol)
                ELSE flowkeep_view.service_name(f.protocol, least(f.src_port, f.dst_port))
           END,
           f.octets, f.packets,
           flowkeep_view.tcp_flag_names(f.tcp_flags),
           flowkeep_view.exporter_label(f.exporter_id),
           flowkeep_view.interface_label(f.exporter_id, f.input_if),
           flowkeep_view.interface_label(f.exporter_id, f.output_if),
           f.sampling
      FROM (SELECT r.*
              FROM flowkeep.flow AS r
             WHERE r.received_at >= in_from AND r.received_at <= in_to
               AND (r.src = in_host OR r.dst = in_host)
               AND (in_peer IS NULL OR r.src <<= in_peer OR r.dst <<= in_peer)
               AND (in_port = 0 OR r.src_port = in_port OR r.dst_port = in_port)
             ORDER BY r.received_at DESC
             LIMIT in_limit) AS f
     ORDER BY f.received_at DESC
$$;

COMMENT ON FUNCTION flowkeep_view.flow_of
    IS 'the newest flow records of a host, with words for numbers';

-- The records behind an incident: its host, its peers, its port.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_flow(
    in_from timestamptz,
    in_to timestamptz,
    in_alert_id bigint,
    in_limit integer DEFAULT 500)
RETURNS TABLE (received_at timestamptz, start_at timestamptz, duration_sec double precision,
               src text, src_port integer, dst text, dst_port integer, protocol text,
               octets bigint, packets bigint, tcp_flags text, exporter text)
LANGUAGE sql STABLE
AS $$
    SELECT f.received_at, f.start_at,
           extract(epoch FROM f.end_at - f.start_at)::double precision,
           host(f.src), f.src_port, host(f.dst), f.dst_port,
           flowkeep_view.protocol_name(f.protocol), f.octets, f.packets,
           flowkeep_view.tcp_flag_names(f.tcp_flags),
           flowkeep_view.exporter_label(f.exporter_id)
      FROM (SELECT r.*
              FROM flowkeep.flow AS r
             CROSS JOIN (SELECT x.peer_network, x.service_port
                           FROM flowkeep.alert AS x WHERE x.id = in_alert_id) AS a
             WHERE r.received_at >= in_from AND r.received_at <= in_to
               AND (r.src = (SELECT x.host FROM flowkeep.alert AS x WHERE x.id = in_alert_id)
                    OR r.dst = (SELECT x.host FROM flowkeep.alert AS x
                                 WHERE x.id = in_alert_id))
               AND (r.src <<= a.peer_network OR r.dst <<= a.peer_network)
               AND (a.service_port = 0 OR r.src_port = a.service_port
                    OR r.dst_port = a.service_port)
             ORDER BY r.received_at DESC
             LIMIT in_limit) AS f
     ORDER BY f.received_at DESC
$$;

COMMENT ON FUNCTION flowkeep_view.alert_flow
    IS 'the newest flow records behind an incident';
