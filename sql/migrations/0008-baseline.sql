-- 0008-baseline.sql: what is usual for a watched host, and for it with a network
--
-- Why:    whether a volume is large depends on the host, the hour and the peer; 30 days
--         of contact_hour cannot be read every five minutes.
-- Needs:  0006-contact.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the four; DELETE FROM flowkeep.housekeeping WHERE task IN
--         ('baseline', 'exfil')   -- all is learned again
-- Twins:  analytics/baseline-rows.c, analytics/job-baseline.c, analytics/job-exfil.c

CREATE TABLE flowkeep.host_day (
    day         date NOT NULL,
    host        inet NOT NULL,
    out_octets  bigint NOT NULL,
    in_octets   bigint NOT NULL,
    hour_octets bigint[] NOT NULL,
    sessions    bigint NOT NULL,
    called      bigint NOT NULL,
    networks    integer NOT NULL,
    published   integer[] NOT NULL,
    PRIMARY KEY (host, day)
);

COMMENT ON TABLE flowkeep.host_day
    IS 'one row per day and watched host: what it exchanged with all outside; recomputed from contact_hour';
COMMENT ON COLUMN flowkeep.host_day.day
    IS 'UTC day';
COMMENT ON COLUMN flowkeep.host_day.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.host_day.out_octets
    IS 'octets it sent; configured services and watched peers are left out here and below';
COMMENT ON COLUMN flowkeep.host_day.in_octets
    IS 'octets it got';
COMMENT ON COLUMN flowkeep.host_day.hour_octets
    IS 'octets it sent in each of the 24 hours';
COMMENT ON COLUMN flowkeep.host_day.sessions
    IS 'sessions that began';
COMMENT ON COLUMN flowkeep.host_day.called
    IS 'those of them that the host began';
COMMENT ON COLUMN flowkeep.host_day.networks
    IS 'networks (/20, /48) that it called';
COMMENT ON COLUMN flowkeep.host_day.published
    IS 'ports that at least five networks called and took something of size from: protocol * 65536 + port';

CREATE TABLE flowkeep.peer_day (
    day               date NOT NULL,
    host              inet NOT NULL,
    network           cidr NOT NULL,
    out_octets        bigint NOT NULL,
    in_octets         bigint NOT NULL,
    served_out_octets bigint NOT NULL,
    served_in_octets  bigint NOT NULL,
    first_hour        timestamptz NOT NULL,
    PRIMARY KEY (host, network, day)
);

COMMENT ON TABLE flowkeep.peer_day
    IS 'one row per day, watched host and peer network: what they exchanged; recomputed from contact_hour';
COMMENT ON COLUMN flowkeep.peer_day.day
    IS 'UTC day';
COMMENT ON COLUMN flowkeep.peer_day.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.peer_day.network
    IS 'the peers /20 (IPv4) or /48 (IPv6)';
COMMENT ON COLUMN flowkeep.peer_day.out_octets
    IS 'octets the host sent in sessions that it began, or where it is not known who did';
COMMENT ON COLUMN flowkeep.peer_day.in_octets
    IS 'octets it got in these';
COMMENT ON COLUMN flowkeep.peer_day.served_out_octets
    IS 'octets the host sent in sessions that the peer began';
COMMENT ON COLUMN flowkeep.peer_day.served_in_octets
    IS 'octets it got in these';
COMMENT ON COLUMN flowkeep.peer_day.first_hour
    IS 'first hour of the day with a contact';

CREATE TABLE flowkeep.peer_known (
    host         inet NOT NULL,
    network      cidr NOT NULL,
    first_at     timestamptz NOT NULL,
    last_day     date NOT NULL,
    usual_octets bigint NOT NULL,
    may_drip     boolean NOT NULL,
    learned_at   timestamptz NOT NULL,
    PRIMARY KEY (host, network)
);

COMMENT ON TABLE flowkeep.peer_known
    IS 'one row per watched host and peer network of the last 60 days: what tells whether it need be looked at';
COMMENT ON COLUMN flowkeep.peer_known.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.peer_known.network
    IS 'the peers /20 (IPv4) or /48 (IPv6)';
COMMENT ON COLUMN flowkeep.peer_known.first_at
    IS 'first hour with a contact';
COMMENT ON COLUMN flowkeep.peer_known.last_day
    IS 'last day with a contact';
COMMENT ON COLUMN flowkeep.peer_known.usual_octets
    IS 'three times what it got at most on a day, beyond what it sent; 0 = known for less than a week';
COMMENT ON COLUMN flowkeep.peer_known.may_drip
    IS 'what it gets from day to day has risen';
COMMENT ON COLUMN flowkeep.peer_known.learned_at
    IS 'time of the run that wrote the row';

CREATE TABLE flowkeep.baseline (
    host               inet NOT NULL,
    from_at            timestamptz NOT NULL,
    learned_at         timestamptz NOT NULL,
    hour_usual         bigint[] NOT NULL,
    hour_high          bigint[] NOT NULL,
    day_usual          bigint[] NOT NULL,
    day_high           bigint[] NOT NULL,
    new_peer_octets    bigint NOT NULL,
    served_octets      bigint NOT NULL,
    network_day_octets bigint NOT NULL,
    pcr                double precision,
    initiated_share    double precision,
    networks_a_day     double precision,
    published          integer[] NOT NULL,
    PRIMARY KEY (host)
);

COMMENT ON TABLE flowkeep.baseline
    IS 'one row per watched host: what is usual for it, learned from its last 60 days';
COMMENT ON COLUMN flowkeep.baseline.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.baseline.from_at
    IS 'first day that is known of it';
COMMENT ON COLUMN flowkeep.baseline.learned_at
    IS 'time of the run that wrote the row';
COMMENT ON COLUMN flowkeep.baseline.hour_usual
    IS 'octets it sends in each hour of the week, Monday 0:00 UTC first: the median';
COMMENT ON COLUMN flowkeep.baseline.hour_high
    IS 'likewise, what it stays below 95 % of the time';
COMMENT ON COLUMN flowkeep.baseline.day_usual
    IS 'octets it sends on each day of the week, Monday first: the median';
COMMENT ON COLUMN flowkeep.baseline.day_high
    IS 'likewise, what it stays below 95 % of the time';
COMMENT ON COLUMN flowkeep.baseline.new_peer_octets
    IS 'what it sends at most to a new network in a day, beyond what it gets: the third largest day';
COMMENT ON COLUMN flowkeep.baseline.served_octets
    IS 'what one network of callers takes at most in a day: the third largest day';
COMMENT ON COLUMN flowkeep.baseline.network_day_octets
    IS 'what a tenth of its networks, and at least three, get a day, beyond what they send';
COMMENT ON COLUMN flowkeep.baseline.pcr
    IS '(out - in) / (out + in) of the last 14 days; null = nothing';
COMMENT ON COLUMN flowkeep.baseline.initiated_share
    IS 'share of its sessions that it began, 14 days; null = none';
COMMENT ON COLUMN flowkeep.baseline.networks_a_day
    IS 'networks that it called a day, median of 14 days; null = none';
COMMENT ON COLUMN flowkeep.baseline.published
    IS 'ports it published in the last 14 days: protocol * 65536 + port';

CREATE INDEX host_day_day ON flowkeep.host_day (day);
CREATE INDEX peer_day_day ON flowkeep.peer_day (day);
CREATE INDEX peer_known_network ON flowkeep.peer_known (network);
