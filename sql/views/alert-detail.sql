-- alert-detail.sql: what stands behind an incident
--
-- Why:    is it real, and why do you think so?
-- Needs:  0007-alert.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.alert_finding AS
    SELECT f.alert_id,
           f.rule,
           f.peer_network::text AS peer_network,
           f.service_port,
           f.severity,
           f.score,
           f.magnitude,
           f.found_at,
           f.explanation
      FROM flowkeep.alert_finding AS f;

COMMENT ON VIEW flowkeep_view.alert_finding
    IS 'what found an incident: the newest finding of each rule and peer group';
COMMENT ON COLUMN flowkeep_view.alert_finding.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_finding.rule IS 'beacon, burst, drip ...';
COMMENT ON COLUMN flowkeep_view.alert_finding.peer_network IS 'the peers it is about';
COMMENT ON COLUMN flowkeep_view.alert_finding.service_port IS 'port; 0 = any or none';
COMMENT ON COLUMN flowkeep_view.alert_finding.severity IS 'listed, digest or mail';
COMMENT ON COLUMN flowkeep_view.alert_finding.score IS '0 to 100';
COMMENT ON COLUMN flowkeep_view.alert_finding.magnitude IS 'contacts or octets';
COMMENT ON COLUMN flowkeep_view.alert_finding.found_at IS 'when it was last found';
COMMENT ON COLUMN flowkeep_view.alert_finding.explanation IS 'in sentences';

CREATE OR REPLACE VIEW flowkeep_view.alert_term AS
    SELECT a.id AS alert_id,
           t.nth,
           t.term ->> 'name' AS name,
           (t.term ->> 'points')::double precision AS points,
           (t.term ->> 'max')::double precision AS max,
           t.term ->> 'why' AS why
      FROM flowkeep.alert AS a
     CROSS JOIN LATERAL jsonb_array_elements(a.evidence -> 'terms')
                WITH ORDINALITY AS t (term, nth);

COMMENT ON VIEW flowkeep_view.alert_term
    IS 'terms of the score of an incident';
COMMENT ON COLUMN flowkeep_view.alert_term.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_term.nth IS 'their order';
COMMENT ON COLUMN flowkeep_view.alert_term.name IS 'regularity, size, rarity ...';
COMMENT ON COLUMN flowkeep_view.alert_term.points IS 'points it gives';
COMMENT ON COLUMN flowkeep_view.alert_term.max IS 'points it can give; null = there is no limit';
COMMENT ON COLUMN flowkeep_view.alert_term.why IS 'in a sentence';

CREATE OR REPLACE VIEW flowkeep_view.alert_number AS
    SELECT a.id AS alert_id,
           n.key AS name,
           n.value #>> '{}' AS value
      FROM flowkeep.alert AS a
     CROSS JOIN LATERAL jsonb_each(a.evidence -> 'numbers') AS n;

COMMENT ON VIEW flowkeep_view.alert_number
    IS 'numbers that an incident rests on';
COMMENT ON COLUMN flowkeep_view.alert_number.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_number.name IS 'name of the number';
COMMENT ON COLUMN flowkeep_view.alert_number.value IS 'as text';

CREATE OR REPLACE VIEW flowkeep_view.alert_contact AS
    SELECT a.id AS alert_id,
           s.nth,
           (a.evidence ->> 'from')::timestamptz
               + (s.start_ms #>> '{}')::double precision * interval '1 ms' AS "time",
           ((s.start_ms #>> '{}')::double precision
                - lag((s.start_ms #>> '{}')::double precision)
                      OVER (PARTITION BY a.id ORDER BY s.nth)) / 1000 AS gap_sec,
           (a.evidence -> 'octets' ->> (s.nth - 1)::integer)::double precision AS octets
      FROM flowkeep.alert AS a
     CROSS JOIN LATERAL jsonb_array_elements(a.evidence -> 'starts_ms')
                WITH ORDINALITY AS s (start_ms, nth);

COMMENT ON VIEW flowkeep_view.alert_contact
    IS 'contacts of an incident, one row each; at most 4096 of it';
COMMENT ON COLUMN flowkeep_view.alert_contact.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_contact.nth IS 'their order';
COMMENT ON COLUMN flowkeep_view.alert_contact."time" IS 'when it began';
COMMENT ON COLUMN flowkeep_view.alert_contact.gap_sec IS 'seconds since the one before; null for the first';
COMMENT ON COLUMN flowkeep_view.alert_contact.octets IS 'octets from the host to the peer';

CREATE OR REPLACE VIEW flowkeep_view.alert_hour AS
    SELECT a.id AS alert_id,
           (h.hour ->> 'hour')::timestamptz AS "time",
           (h.hour ->> 'out')::double precision AS out_octets,
           (h.hour ->> 'in')::double precision AS in_octets,
           (h.hour ->> 'low')::double precision AS low_octets,
           (h.hour ->> 'high')::double precision AS high_octets
      FROM flowkeep.alert AS a
     CROSS JOIN LATERAL jsonb_array_elements(a.evidence -> 'hours') AS h (hour);

COMMENT ON VIEW flowkeep_view.alert_hour
    IS 'octets by hour of an incident, with the learnt band';
COMMENT ON COLUMN flowkeep_view.alert_hour.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_hour."time" IS 'start of the hour';
COMMENT ON COLUMN flowkeep_view.alert_hour.out_octets IS 'octets from the host to the peer';
COMMENT ON COLUMN flowkeep_view.alert_hour.in_octets IS 'octets from the peer to the host';
COMMENT ON COLUMN flowkeep_view.alert_hour.low_octets IS 'lower end of the learnt band; null = none';
COMMENT ON COLUMN flowkeep_view.alert_hour.high_octets IS 'upper end of it';

CREATE OR REPLACE VIEW flowkeep_view.alert_event AS
    SELECT e.id,
           e.alert_id,
           e.at AS "time",
           e.what,
           e.tell,
           e.severity,
           e.score,
           e.magnitude,
           coalesce(e.who, 'the job') AS who,
           e.note,
           (SELECT count(*) FROM flowkeep.outbox AS o
             WHERE o.alert_event_id = e.id AND o.state = 'sent') AS mails_sent
      FROM flowkeep.alert_event AS e;

COMMENT ON VIEW flowkeep_view.alert_event
    IS 'history of incidents';
COMMENT ON COLUMN flowkeep_view.alert_event.id IS 'alert_event.id';
COMMENT ON COLUMN flowkeep_view.alert_event.alert_id IS 'alert.id';
COMMENT ON COLUMN flowkeep_view.alert_event."time" IS 'when';
COMMENT ON COLUMN flowkeep_view.alert_event.what IS 'opened, grew, severity, resolved, reopened, acknowledged, muted, unmuted';
COMMENT ON COLUMN flowkeep_view.alert_event.tell IS 'whether people are told by mail';
COMMENT ON COLUMN flowkeep_view.alert_event.severity IS 'of the incident then';
COMMENT ON COLUMN flowkeep_view.alert_event.score IS 'of the incident then';
COMMENT ON COLUMN flowkeep_view.alert_event.magnitude IS 'of the incident then';
COMMENT ON COLUMN flowkeep_view.alert_event.who IS 'who did it';
COMMENT ON COLUMN flowkeep_view.alert_event.note IS 'what they said about it';
COMMENT ON COLUMN flowkeep_view.alert_event.mails_sent IS 'messages sent about it';

-- The hours that are stored with an incident; where there are none, those of contact_hour
-- in its window, without a band.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_volume(in_alert_id bigint)
RETURNS TABLE ("time" timestamptz, out_octets double precision, in_octets double precision,
               low_octets double precision, high_octets double precision)
LANGUAGE sql STABLE
AS $$
    SELECT h.time, h.out_octets, h.in_octets, h.low_octets, h.high_octets
      FROM flowkeep_view.alert_hour AS h
     WHERE h.alert_id = in_alert_id
    UNION ALL
    SELECT c.hour, sum(c.out_octets)::double precision, sum(c.in_octets)::double precision,
           NULL, NULL
      FROM flowkeep.alert AS a
      JOIN flowkeep.contact_hour AS c
        ON c.host = a.host
       AND c.peer <<= a.peer_network
       AND (a.service_port = 0 OR c.service_port = a.service_port)
       AND c.hour >= date_bin('1 hour', (a.evidence ->> 'from')::timestamptz, 'epoch')
       AND c.hour <= (a.evidence ->> 'to')::timestamptz
     WHERE a.id = in_alert_id
       AND NOT EXISTS (SELECT FROM flowkeep_view.alert_hour AS h
                        WHERE h.alert_id = in_alert_id)
     GROUP BY c.hour
     ORDER BY 1
$$;

COMMENT ON FUNCTION flowkeep_view.alert_volume
    IS 'octets by hour of an incident, with the learnt band if one is stored';

-- How often each gap between contacts: 60 bins up to the 99th percentile, one for more.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_gap(in_alert_id bigint)
RETURNS TABLE (gap text, contacts bigint, from_sec double precision)
LANGUAGE sql STABLE
AS $$
    WITH gap AS MATERIALIZED (
        SELECT c.gap_sec
          FROM flowkeep_view.alert_contact AS c
         WHERE c.alert_id = in_alert_id AND c.gap_sec >= 0
    ), reach AS (
        SELECT greatest(percentile_cont(0.99) WITHIN GROUP (ORDER BY g.gap_sec) * 1.2, 1)
                   AS until_sec,
               least(60, greatest(10, sqrt(count(*))::integer)) AS bins
          FROM gap AS g
    ), binned AS (
        SELECT least(floor(g.gap_sec * r.bins / r.until_sec), r.bins) AS bin,
               count(*) AS contacts
          FROM gap AS g
         CROSS JOIN reach AS r
         GROUP BY 1
    )
    SELECT CASE WHEN n.bin = r.bins THEN 'more'
                WHEN r.until_sec / r.bins >= 60
                THEN round((n.bin * r.until_sec / r.bins / 60)::numeric, 1) || ' min'
                ELSE round((n.bin * r.until_sec / r.bins)::numeric,
                           CASE WHEN r.until_sec / r.bins < 1 THEN 2 ELSE 0 END) || ' s'
           END,
           coalesce(b.contacts, 0),
           n.bin * r.until_sec / r.bins
      FROM reach AS r
     CROSS JOIN generate_series(0, r.bins) AS n (bin)
      LEFT JOIN binned AS b ON b.bin = n.bin
     WHERE EXISTS (SELECT FROM gap)
     ORDER BY n.bin
$$;

COMMENT ON FUNCTION flowkeep_view.alert_gap
    IS 'histogram of the gaps between the contacts of an incident';

-- Contacts per hour of the day, one row a day; the shape that a heat table needs.
CREATE OR REPLACE FUNCTION flowkeep_view.alert_by_hour(in_alert_id bigint)
RETURNS TABLE (day text, "00" bigint, "01" bigint, "02" bigint, "03" bigint, "04" bigint,
               "05" bigint, "06" bigint, "07" bigint, "08" bigint, "09" bigint,
               "10" bigint, "11" bigint, "12" bigint, "13" bigint, "14" bigint,
               "15" bigint, "16" bigint, "17" bigint, "18" bigint, "19" bigint,
               "20" bigint, "21" bigint, "22" bigint, "23" bigint)
LANGUAGE sql STABLE
AS $$
    WITH counted AS MATERIALIZED (
        SELECT date_trunc('day', c.time AT TIME ZONE 'UTC') AS day,
               extract(hour FROM c.time AT TIME ZONE 'UTC') AS hour,
               count(*) AS contacts
          FROM flowkeep_view.alert_contact AS c
         WHERE c.alert_id = in_alert_id
         GROUP BY 1, 2
    )
    SELECT to_char(d.day, 'YYYY-MM-DD Dy'),
           d.n[1], d.n[2], d.n[3], d.n[4], d.n[5], d.n[6], d.n[7], d.n[8], d.n[9],
           d.n[10], d.n[11], d.n[12], d.n[13], d.n[14], d.n[15], d.n[16], d.n[17],
           d.n[18], d.n[19], d.n[20], d.n[21], d.n[22], d.n[23], d.n[24]
      FROM (SELECT g.day, array_agg(coalesce(c.contacts, 0) ORDER BY h.hour) AS n
              FROM (SELECT DISTINCT counted.day FROM counted) AS g
             CROSS JOIN generate_series(0, 23) AS h (hour)
              LEFT JOIN counted AS c ON c.day = g.day AND c.hour = h.hour
             GROUP BY g.day) AS d
     ORDER BY d.day DESC
$$;

COMMENT ON FUNCTION flowkeep_view.alert_by_hour
    IS 'contacts of an incident by day and hour of the day, UTC';
