-- 0009-beacon.sql: what the beacon job scored, learnt and could not see
--
-- Why:    people want to look through all scored groups; automation is learnt by
--         days; what cannot be seen must be said.
-- Needs:  bootstrap.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the three   -- automation is learnt again
-- Twins:  analytics/beacon-rows.c

CREATE TABLE flowkeep.beacon_group (
    host              inet             NOT NULL,
    peer              inet             NOT NULL,
    peer_network      cidr             NOT NULL,
    service_port      integer          NOT NULL,
    protocol          smallint         NOT NULL,
    initiator         smallint         NOT NULL,
    contacts          bigint           NOT NULL,
    from_at           timestamptz      NOT NULL,
    to_at             timestamptz      NOT NULL,
    first_at          timestamptz      NOT NULL,
    last_at           timestamptz      NOT NULL,
    period_sec        double precision,
    jitter_pct        real,
    lv                real,
    regularity        real             NOT NULL,
    octets_median     bigint,
    octets_spread_pct real,
    hosts_of_peer     integer          NOT NULL,
    pair_first_at     timestamptz,
    score             real             NOT NULL,
    severity          text             NOT NULL,
    terms             jsonb            NOT NULL,
    explanation       text             NOT NULL,
    scored_at         timestamptz      NOT NULL,
    sparse            boolean          NOT NULL,
    PRIMARY KEY (host, peer_network, service_port, protocol, initiator)
);

COMMENT ON TABLE flowkeep.beacon_group
    IS 'one row per group of contacts that the newest run of the beacon job scored; at most 10 000, the highest';
COMMENT ON COLUMN flowkeep.beacon_group.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.beacon_group.peer
    IS 'the peer, or the first of its group';
COMMENT ON COLUMN flowkeep.beacon_group.peer_network
    IS 'the peer group: a network, or the peer alone';
COMMENT ON COLUMN flowkeep.beacon_group.service_port
    IS 'port; 0 = the protocol has none';
COMMENT ON COLUMN flowkeep.beacon_group.protocol
    IS 'IANA protocol number';
COMMENT ON COLUMN flowkeep.beacon_group.initiator
    IS 'who called: 1 host, 2 peer, 0 unknown';
COMMENT ON COLUMN flowkeep.beacon_group.contacts
    IS 'sessions in the window';
COMMENT ON COLUMN flowkeep.beacon_group.from_at
    IS 'the window that the verdict is about';
COMMENT ON COLUMN flowkeep.beacon_group.to_at
    IS 'its end';
COMMENT ON COLUMN flowkeep.beacon_group.first_at
    IS 'first contact in it';
COMMENT ON COLUMN flowkeep.beacon_group.last_at
    IS 'newest contact in it';
COMMENT ON COLUMN flowkeep.beacon_group.period_sec
    IS 'period; null = none found';
COMMENT ON COLUMN flowkeep.beacon_group.jitter_pct
    IS 'jitter as a share of the period; null = none found';
COMMENT ON COLUMN flowkeep.beacon_group.lv
    IS 'local variation: near 0 a clock, 1 chance';
COMMENT ON COLUMN flowkeep.beacon_group.regularity
    IS '-log10 of the share of comparison pairs of this size that are as regular: a rank, no probability';
COMMENT ON COLUMN flowkeep.beacon_group.octets_median
    IS 'sent in a contact, at the median';
COMMENT ON COLUMN flowkeep.beacon_group.octets_spread_pct
    IS 'spread of that around the median';
COMMENT ON COLUMN flowkeep.beacon_group.hosts_of_peer
    IS 'watched hosts that talk to the peer or its network';
COMMENT ON COLUMN flowkeep.beacon_group.pair_first_at
    IS 'when the pair was first seen; null = not known';
COMMENT ON COLUMN flowkeep.beacon_group.score
    IS '0 to 100';
COMMENT ON COLUMN flowkeep.beacon_group.severity
    IS 'listed, digest or mail';
COMMENT ON COLUMN flowkeep.beacon_group.terms
    IS 'terms of the score: objects with name, points, max and why';
COMMENT ON COLUMN flowkeep.beacon_group.explanation
    IS 'in sentences';
COMMENT ON COLUMN flowkeep.beacon_group.scored_at
    IS 'when, by the clock of the job';
COMMENT ON COLUMN flowkeep.beacon_group.sparse
    IS 'found in the last 30 days, which are looked at every six hours, not in the last 24 hours';

CREATE TABLE flowkeep.periodic_day (
    day          date             NOT NULL,
    host         inet             NOT NULL,
    peer         inet             NOT NULL,
    service_port integer          NOT NULL,
    protocol     smallint         NOT NULL,
    initiator    smallint         NOT NULL,
    period_sec   double precision NOT NULL,
    PRIMARY KEY (host, peer, service_port, protocol, initiator, day)
);

COMMENT ON TABLE flowkeep.periodic_day
    IS 'one row per day and group that was regular that day: learned automation';
COMMENT ON COLUMN flowkeep.periodic_day.day
    IS 'the day, UTC';
COMMENT ON COLUMN flowkeep.periodic_day.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.periodic_day.peer
    IS 'the peer';
COMMENT ON COLUMN flowkeep.periodic_day.service_port
    IS 'port; 0 = the protocol has none';
COMMENT ON COLUMN flowkeep.periodic_day.protocol
    IS 'IANA protocol number';
COMMENT ON COLUMN flowkeep.periodic_day.initiator
    IS 'who called: 1 host, 2 peer, 0 unknown';
COMMENT ON COLUMN flowkeep.periodic_day.period_sec
    IS 'period that day';

CREATE INDEX periodic_day_day ON flowkeep.periodic_day (day);

CREATE TABLE flowkeep.blind_spot (
    job         text        NOT NULL,
    subject     text        NOT NULL,
    exporter_id integer,
    reason      text        NOT NULL,
    since_at    timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (job, subject)
);

COMMENT ON TABLE flowkeep.blind_spot
    IS 'one row per thing that the newest runs of the jobs could not see';
COMMENT ON COLUMN flowkeep.blind_spot.job
    IS 'the job that says so';
COMMENT ON COLUMN flowkeep.blind_spot.subject
    IS 'exporter or group it is about';
COMMENT ON COLUMN flowkeep.blind_spot.exporter_id
    IS 'exporter.id; null = no exporter';
COMMENT ON COLUMN flowkeep.blind_spot.reason
    IS 'what is not seen, and why, in a sentence';
COMMENT ON COLUMN flowkeep.blind_spot.since_at
    IS 'since when';
COMMENT ON COLUMN flowkeep.blind_spot.seen_at
    IS 'when it was last so';
