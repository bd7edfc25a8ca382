-- beacon.sql: groups of contacts that the beacon job scored
--
-- Why:    what is regular, and what speaks for or against it?
-- Needs:  0009-beacon.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.beacon AS
    SELECT host(b.host) AS host,
           flowkeep_view.group_of(b.host) AS host_group,
           host(b.peer) AS peer,
           CASE WHEN masklen(b.peer_network) = CASE family(b.peer_network) WHEN 4 THEN 32
                                                                           ELSE 128 END
                THEN host(b.peer_network) ELSE b.peer_network::text END AS peer_network,
           flowkeep_view.service_name(b.protocol, b.service_port) AS service,
           b.service_port,
           CASE b.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer' ELSE 'unknown' END
               AS initiator,
           b.contacts,
           b.period_sec,
           b.jitter_pct,
           b.lv,
           b.regularity,
           b.sparse,
           b.octets_median,
           b.octets_spread_pct,
           b.hosts_of_peer,
           extract(epoch FROM b.to_at - b.pair_first_at)::double precision AS pair_age_sec,
           b.score,
           b.severity,
           b.from_at,
           b.to_at,
           b.first_at,
           b.last_at,
           b.explanation,
           b.scored_at,
           extract(epoch FROM b.scored_at)::double precision AS scored_sec,
           (SELECT a.id FROM flowkeep.alert AS a
             WHERE a.kind = 'beacon' AND a.host = b.host
               AND a.peer_network = b.peer_network AND a.service_port = b.service_port
             ORDER BY a.id DESC
             LIMIT 1) AS alert_id
      FROM flowkeep.beacon_group AS b;

COMMENT ON VIEW flowkeep_view.beacon
    IS 'groups that the newest run of the beacon job scored';
COMMENT ON COLUMN flowkeep_view.beacon.host IS 'the watched host';
COMMENT ON COLUMN flowkeep_view.beacon.host_group IS 'watched group it is in';
COMMENT ON COLUMN flowkeep_view.beacon.peer IS 'the peer, or the first of its group';
COMMENT ON COLUMN flowkeep_view.beacon.peer_network IS 'the peer, or the network of its group';
COMMENT ON COLUMN flowkeep_view.beacon.service IS 'name of the service';
COMMENT ON COLUMN flowkeep_view.beacon.service_port IS 'its port; 0 = none';
COMMENT ON COLUMN flowkeep_view.beacon.initiator IS 'who called: host, peer, unknown';
COMMENT ON COLUMN flowkeep_view.beacon.contacts IS 'sessions in the window';
COMMENT ON COLUMN flowkeep_view.beacon.period_sec IS 'period T; null = none found';
COMMENT ON COLUMN flowkeep_view.beacon.jitter_pct IS 'jitter as a share of T';
COMMENT ON COLUMN flowkeep_view.beacon.lv IS 'local variation: near 0 a clock, 1 chance';
COMMENT ON COLUMN flowkeep_view.beacon.regularity IS 'rank among comparison pairs of this size; no probability';
COMMENT ON COLUMN flowkeep_view.beacon.sparse IS 'found in the last 30 days, not in the last 24 hours';
COMMENT ON COLUMN flowkeep_view.beacon.octets_median IS 'sent in a contact, at the median';
COMMENT ON COLUMN flowkeep_view.beacon.octets_spread_pct IS 'spread of that';
COMMENT ON COLUMN flowkeep_view.beacon.hosts_of_peer IS 'watched hosts that talk to the peer or its network';
COMMENT ON COLUMN flowkeep_view.beacon.pair_age_sec IS 'since the pair was first seen; null = not known';
COMMENT ON COLUMN flowkeep_view.beacon.score IS '0 to 100';
COMMENT ON COLUMN flowkeep_view.beacon.severity IS 'listed, digest or mail';
COMMENT ON COLUMN flowkeep_view.beacon.from_at IS 'the window that the verdict is about';
COMMENT ON COLUMN flowkeep_view.beacon.to_at IS 'its end';
COMMENT ON COLUMN flowkeep_view.beacon.first_at IS 'first contact in it';
COMMENT ON COLUMN flowkeep_view.beacon.last_at IS 'newest contact in it';
COMMENT ON COLUMN flowkeep_view.beacon.explanation IS 'in sentences';
COMMENT ON COLUMN flowkeep_view.beacon.scored_at IS 'when';
COMMENT ON COLUMN flowkeep_view.beacon.scored_sec IS 'the same, seconds since 1970';
COMMENT ON COLUMN flowkeep_view.beacon.alert_id IS 'newest incident of it; null = none';

CREATE OR REPLACE VIEW flowkeep_view.beacon_score AS
    SELECT lpad(b.low::text, 2, '0') || '-' || b.low + 9 + (b.low = 90)::integer AS score,
           count(g.score) AS groups
      FROM generate_series(0, 90, 10) AS b (low)
      LEFT JOIN flowkeep.beacon_group AS g
             ON g.score >= b.low AND (g.score < b.low + 10 OR b.low = 90)
     GROUP BY b.low;

COMMENT ON VIEW flowkeep_view.beacon_score
    IS 'how many scored groups have which score';
COMMENT ON COLUMN flowkeep_view.beacon_score.score IS 'ten points each: 00-09, 10-19, ... 90-100';
COMMENT ON COLUMN flowkeep_view.beacon_score.groups IS 'groups';

CREATE OR REPLACE VIEW flowkeep_view.automation AS
    SELECT host(p.host) AS host,
           host(p.peer) AS peer,
           flowkeep_view.service_name(p.protocol, p.service_port) AS service,
           CASE p.initiator WHEN 1 THEN 'host' WHEN 2 THEN 'peer' ELSE 'unknown' END
               AS initiator,
           count(*) AS days,
           max(p.day) AS last_day,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY p.period_sec) AS period_sec
      FROM flowkeep.periodic_day AS p
     WHERE p.day > (SELECT max(d.day) FROM flowkeep.periodic_day AS d) - 14
     GROUP BY p.host, p.peer, p.protocol, p.service_port, p.initiator;

COMMENT ON VIEW flowkeep_view.automation
    IS 'what was regular on how many of the last 14 days';
COMMENT ON COLUMN flowkeep_view.automation.host IS 'the watched host';
COMMENT ON COLUMN flowkeep_view.automation.peer IS 'the peer';
COMMENT ON COLUMN flowkeep_view.automation.service IS 'name of the service';
COMMENT ON COLUMN flowkeep_view.automation.initiator IS 'who called: host, peer, unknown';
COMMENT ON COLUMN flowkeep_view.automation.days IS 'days on which it was regular';
COMMENT ON COLUMN flowkeep_view.automation.last_day IS 'the newest of them';
COMMENT ON COLUMN flowkeep_view.automation.period_sec IS 'period at the median';

CREATE OR REPLACE VIEW flowkeep_view.blind_spot AS
    SELECT b.job,
           coalesce('exporter ' || flowkeep_view.exporter_label(b.exporter_id), b.subject)
               AS subject,
           b.exporter_id,
           b.reason,
           b.since_at,
           b.seen_at
      FROM flowkeep.blind_spot AS b;

COMMENT ON VIEW flowkeep_view.blind_spot
    IS 'what the jobs could not see, and why';
COMMENT ON COLUMN flowkeep_view.blind_spot.job IS 'the job that says so';
COMMENT ON COLUMN flowkeep_view.blind_spot.subject IS 'what it is about';
COMMENT ON COLUMN flowkeep_view.blind_spot.exporter_id IS 'exporter.id; null = no exporter';
COMMENT ON COLUMN flowkeep_view.blind_spot.reason IS 'in a sentence';
COMMENT ON COLUMN flowkeep_view.blind_spot.since_at IS 'since when';
COMMENT ON COLUMN flowkeep_view.blind_spot.seen_at IS 'when it was last so';
