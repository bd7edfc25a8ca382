-- flow.sql: flow records as people read them
--
-- Why:    what exactly was exported?
-- Needs:  0001-flow.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

-- The newest in_limit records that in_where (a condition on f) holds for; not meant for
-- dashboards.  It looks at half an hour before in_to, then at twice as much before that,
-- and so on: who is busy has its rows in the first look.  The condition holds values,
-- not parameters, since only then does the planner choose the best index of each
-- partition.  Sealed partitions have indexes of hosts, newer ones are read whole.
CREATE OR REPLACE FUNCTION flowkeep_view.newest_flow(
    in_from timestamptz,
    in_to timestamptz,
    in_where text,
    in_limit integer)
RETURNS SETOF flowkeep.flow
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0 -- starting workers takes longer than it saves
SET effective_io_concurrency = 128
AS $$
DECLARE
    before timestamptz := in_to + interval '1 microsecond';
    width interval := interval '30 minutes';
    wanted integer := in_limit;
    found_rows integer;
BEGIN
    WHILE wanted > 0 AND before > in_from LOOP
        RETURN QUERY EXECUTE format(
            'SELECT f.* FROM flowkeep.flow AS f'
            ' WHERE f.received_at >= %L AND f.received_at < %L AND (%s)'
            ' ORDER BY f.received_at DESC LIMIT %s',
            greatest(in_from, before - width), before, in_where, wanted);
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        wanted := wanted - found_rows;
        before := before - width;
        width := 2 * width;
    END LOOP;
END
$$;

COMMENT ON FUNCTION flowkeep_view.newest_flow
    IS 'the newest flow records that a condition holds for; not meant for dashboards';

-- Records with a host at either end; with a peer, only between the two.
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
               exporter_id integer, input_if text, output_if text, sampling integer)
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
           f.exporter_id,
           flowkeep_view.interface_label(f.exporter_id, f.input_if),
           flowkeep_view.interface_label(f.exporter_id, f.output_if),
           f.sampling
      FROM flowkeep_view.newest_flow(
               in_from, in_to,
               CASE WHEN in_peer IS NULL
                    THEN format('(f.src = %1$L OR f.dst = %1$L)', in_host)
                    ELSE format('(f.src = %1$L AND f.dst <<= %2$L'
                                ' OR f.dst = %1$L AND f.src <<= %2$L)', in_host, in_peer)
               END
               || CASE WHEN in_port <> 0
                       THEN format(' AND (f.src_port = %1$s OR f.dst_port = %1$s)', in_port)
                       ELSE '' END,
               in_limit) AS f
     ORDER BY f.received_at DESC
$$;

COMMENT ON FUNCTION flowkeep_view.flow_of
    IS 'the newest flow records of a host, with words for numbers';

-- The records behind an incident: between its host and its peers, on its port.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_flow(
    in_from timestamptz,
    in_to timestamptz,
    in_alert_id bigint,
    in_limit integer DEFAULT 500)
RETURNS TABLE (received_at timestamptz, start_at timestamptz, duration_sec double precision,
               src text, src_port integer, dst text, dst_port integer, protocol text,
               octets bigint, packets bigint, tcp_flags text, exporter text,
               exporter_id integer)
LANGUAGE sql STABLE
AS $$
    SELECT f.received_at, f.start_at, f.duration_sec, f.src, f.src_port, f.dst, f.dst_port,
           f.protocol, f.octets, f.packets, f.tcp_flags, f.exporter, f.exporter_id
      FROM flowkeep.alert AS a
     CROSS JOIN LATERAL flowkeep_view.flow_of(in_from, in_to, a.host, a.peer_network,
                                              a.service_port, in_limit) AS f
     WHERE a.id = in_alert_id
     ORDER BY f.received_at DESC
$$;

COMMENT ON FUNCTION flowkeep_view.alert_flow
    IS 'the newest flow records behind an incident';
