-- alert.sql: incidents, with words for numbers
--
-- Why:    what was found, how bad is it, was somebody told?
-- Needs:  0007-alert.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.alert AS
    SELECT a.id,
           a.kind,
           a.rule,
           host(a.host) AS host,
           a.host_group,
           host(a.peer) AS peer,
           CASE WHEN masklen(a.peer_network) = CASE family(a.peer_network) WHEN 4 THEN 32
                                                                           ELSE 128 END
                THEN host(a.peer_network) ELSE a.peer_network::text END AS peer_network,
           CASE WHEN a.service_port = 0 AND a.protocol = 0 THEN 'any'
                ELSE flowkeep_view.service_name(a.protocol, a.service_port) END AS service,
           a.service_port,
           CASE a.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer' ELSE 'unknown' END
               AS initiator,
           a.state,
           a.severity,
           a.score,
           a.magnitude,
           a.first_contact_at,
           a.last_contact_at,
           a.opened_at,
           a.found_at,
           a.resolved_at,
           extract(epoch FROM a.opened_at - a.first_contact_at)::double precision
               AS found_after_sec,
           a.title,
           a.explanation,
           a.mute_id,
           (SELECT count(*) FROM flowkeep.outbox AS o
             WHERE o.alert_id = a.id AND o.state = 'sent') AS mails_sent,
           -- What a link to the incident takes as its range, with some air.
           (extract(epoch FROM coalesce((a.evidence ->> 'from')::timestamptz,
                                        a.first_contact_at, a.opened_at)
                               - interval '15 minutes') * 1000)::bigint AS from_ms,
           (extract(epoch FROM greatest((a.evidence ->> 'to')::timestamptz,
                                        a.last_contact_at, a.found_at)
                               + interval '15 minutes') * 1000)::bigint AS to_ms
      FROM flowkeep.alert AS a;

COMMENT ON VIEW flowkeep_view.alert
    IS 'incidents';
COMMENT ON COLUMN flowkeep_view.alert.id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert.kind IS 'beacon, exfil';
COMMENT ON COLUMN flowkeep_view.alert.rule IS 'what found it first';
COMMENT ON COLUMN flowkeep_view.alert.host IS 'the watched host';
COMMENT ON COLUMN flowkeep_view.alert.host_group IS 'watched group it is in';
COMMENT ON COLUMN flowkeep_view.alert.peer IS 'the peer, or one of its group';
COMMENT ON COLUMN flowkeep_view.alert.peer_network IS 'the peer, or the network of its group';
COMMENT ON COLUMN flowkeep_view.alert.service IS 'name of the service; any';
COMMENT ON COLUMN flowkeep_view.alert.service_port IS 'its port; 0 = any or none';
COMMENT ON COLUMN flowkeep_view.alert.initiator IS 'who called: host, peer, unknown';
COMMENT ON COLUMN flowkeep_view.alert.state IS 'open, acknowledged, muted or resolved';
COMMENT ON COLUMN flowkeep_view.alert.severity IS 'listed, digest or mail';
COMMENT ON COLUMN flowkeep_view.alert.score IS '0 to 100';
COMMENT ON COLUMN flowkeep_view.alert.magnitude IS 'contacts (beacon) or octets (exfil)';
COMMENT ON COLUMN flowkeep_view.alert.first_contact_at IS 'first contact known of';
COMMENT ON COLUMN flowkeep_view.alert.last_contact_at IS 'newest contact known of';
COMMENT ON COLUMN flowkeep_view.alert.opened_at IS 'when it was opened';
COMMENT ON COLUMN flowkeep_view.alert.found_at IS 'when it was last found';
COMMENT ON COLUMN flowkeep_view.alert.resolved_at IS 'when it was resolved; null = it is not';
COMMENT ON COLUMN flowkeep_view.alert.found_after_sec IS 'from its first contact to its opening';
COMMENT ON COLUMN flowkeep_view.alert.title IS 'one line';
COMMENT ON COLUMN flowkeep_view.alert.explanation IS 'the newest finding in sentences';
COMMENT ON COLUMN flowkeep_view.alert.mute_id IS 'mute.id that silences it';
COMMENT ON COLUMN flowkeep_view.alert.mails_sent IS 'messages sent about it';
COMMENT ON COLUMN flowkeep_view.alert.from_ms IS 'start of what it is about, ms since 1970, for links';
COMMENT ON COLUMN flowkeep_view.alert.to_ms IS 'end of it';

-- Regions on the time axis.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_annotation(
    in_from timestamptz,
    in_to timestamptz,
    in_host inet DEFAULT NULL)
RETURNS TABLE ("time" timestamptz, timeend timestamptz, text text, tags text)
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(a.first_contact_at, a.opened_at),
           coalesce(a.last_contact_at, a.found_at),
           a.title || ' (score ' || round(a.score) || ', incident ' || a.id || ')',
           a.kind || ',' || a.severity || ',' || a.state
      FROM flowkeep.alert AS a
     WHERE coalesce(a.first_contact_at, a.opened_at) < in_to
       AND coalesce(a.last_contact_at, a.found_at) >= in_from
       AND a.severity <> 'listed'
       AND (in_host IS NULL OR a.host = in_host OR a.peer_network >>= in_host)
     ORDER BY a.score DESC
     LIMIT 100
$$;

COMMENT ON FUNCTION flowkeep_view.alert_annotation
    IS 'incidents as annotations, the 100 highest of digest and mail';
