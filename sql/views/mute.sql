-- mute.sql: what is not to be told
--
-- Why:    a mute that nobody remembers is a hole.
-- Needs:  0007-alert.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.mute AS
    SELECT m.id,
           coalesce(m.kind, 'any') AS kind,
           coalesce(m.host_network::text, 'all') AS hosts,
           coalesce(m.peer_network::text, 'all') AS peers,
           coalesce(m.service_port::text, 'all') AS port,
           m.until_at,
           CASE WHEN m.ended_at IS NOT NULL THEN 'lifted'
                WHEN m.until_at <= now() THEN 'over'
                ELSE 'active' END AS state,
           m.reason,
           m.who,
           m.alert_id,
           m.created_at,
           (SELECT count(*) FROM flowkeep.alert AS a
             WHERE a.mute_id = m.id AND a.state = 'muted') AS alerts_muted
      FROM flowkeep.mute AS m;

COMMENT ON VIEW flowkeep_view.mute
    IS 'mutes, active ones and those that are over';
COMMENT ON COLUMN flowkeep_view.mute.id IS 'mute.id';
COMMENT ON COLUMN flowkeep_view.mute.kind IS 'kind of incident; any';
COMMENT ON COLUMN flowkeep_view.mute.hosts IS 'watched hosts it is for; all';
COMMENT ON COLUMN flowkeep_view.mute.peers IS 'peers it is for; all';
COMMENT ON COLUMN flowkeep_view.mute.port IS 'port it is for; all';
COMMENT ON COLUMN flowkeep_view.mute.until_at IS 'when it ends; null = never';
COMMENT ON COLUMN flowkeep_view.mute.state IS 'active, over or lifted';
COMMENT ON COLUMN flowkeep_view.mute.reason IS 'why';
COMMENT ON COLUMN flowkeep_view.mute.who IS 'who muted';
COMMENT ON COLUMN flowkeep_view.mute.alert_id IS 'incident it was made from';
COMMENT ON COLUMN flowkeep_view.mute.created_at IS 'when it was made';
COMMENT ON COLUMN flowkeep_view.mute.alerts_muted IS 'incidents that it silences now';
