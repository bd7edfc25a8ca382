-- 0006-contact.sql: sessions and contacts, what the detectors look at
--
-- Why:    routers cut sessions, report both directions and report twice; detectors
--         must see each session once.
-- Needs:  0002-exporter.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the four   -- the session job reads all of flow again
-- Twins:  analytics/session/contact-rows.c has the columns of contact_hour

CREATE TABLE flowkeep.contact_hour (
    hour         timestamptz      NOT NULL,
    host         inet             NOT NULL,
    peer         inet             NOT NULL,
    service_port integer          NOT NULL,
    protocol     smallint         NOT NULL,
    initiator    smallint         NOT NULL,
    sessions     bigint           NOT NULL DEFAULT 0,
    records      bigint           NOT NULL DEFAULT 0,
    out_octets   bigint           NOT NULL DEFAULT 0,
    in_octets    bigint           NOT NULL DEFAULT 0,
    out_packets  bigint           NOT NULL DEFAULT 0,
    in_packets   bigint           NOT NULL DEFAULT 0,
    longest_ms   bigint           NOT NULL DEFAULT 0,
    sampling     integer,
    exporter_id  integer,
    starts       integer[]        NOT NULL DEFAULT '{}',
    start_octets bigint[]         NOT NULL DEFAULT '{}',
    dense        boolean          NOT NULL DEFAULT false,
    gaps         bigint           NOT NULL DEFAULT 0,
    lv_sum       double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (host, peer, service_port, protocol, initiator, hour)
) PARTITION BY RANGE (hour);

COMMENT ON TABLE flowkeep.contact_hour
    IS 'one row per hour, watched host, peer, service port, protocol and initiator: the sessions between them';
COMMENT ON COLUMN flowkeep.contact_hour.hour
    IS 'start of the hour of the sessions'' starts; long sessions have their octets in every hour they span';
COMMENT ON COLUMN flowkeep.contact_hour.host
    IS 'the watched end; a session between two watched hosts has a row for each';
COMMENT ON COLUMN flowkeep.contact_hour.peer
    IS 'the other end';
COMMENT ON COLUMN flowkeep.contact_hour.service_port
    IS 'port of the end that was called; 0 = the protocol has none (ICMP: type * 256 + code of the first record)';
COMMENT ON COLUMN flowkeep.contact_hour.protocol
    IS 'IANA protocol number';
COMMENT ON COLUMN flowkeep.contact_hour.initiator
    IS 'who called: 1 host, 2 peer, 0 unknown';
COMMENT ON COLUMN flowkeep.contact_hour.sessions
    IS 'sessions that began in this hour and are over';
COMMENT ON COLUMN flowkeep.contact_hour.records
    IS 'flow records that were joined into them, duplicates left out';
COMMENT ON COLUMN flowkeep.contact_hour.out_octets
    IS 'octets from host to peer in this hour';
COMMENT ON COLUMN flowkeep.contact_hour.in_octets
    IS 'octets from peer to host in this hour';
COMMENT ON COLUMN flowkeep.contact_hour.out_packets
    IS 'packets from host to peer in this hour';
COMMENT ON COLUMN flowkeep.contact_hour.in_packets
    IS 'packets from peer to host in this hour';
COMMENT ON COLUMN flowkeep.contact_hour.longest_ms
    IS 'longest session that began in this hour and is over';
COMMENT ON COLUMN flowkeep.contact_hour.sampling
    IS 'largest sampling rate applied to its records; null = none';
COMMENT ON COLUMN flowkeep.contact_hour.exporter_id
    IS 'whose records were taken, of the newest session: exporter.id';
COMMENT ON COLUMN flowkeep.contact_hour.starts
    IS 'starts of the sessions, milliseconds within the hour, in no order; at most 3600';
COMMENT ON COLUMN flowkeep.contact_hour.start_octets
    IS 'octets from host to peer of the same sessions, all of each';
COMMENT ON COLUMN flowkeep.contact_hour.dense
    IS 'there were more sessions than starts are kept of';
COMMENT ON COLUMN flowkeep.contact_hour.gaps
    IS 'gaps between starts, of sessions that were over at the same time, that lv_sum is over: for dense hours';
COMMENT ON COLUMN flowkeep.contact_hour.lv_sum
    IS 'sum of ((b - a) / (b + a))^2 over such consecutive gaps a, b';

CREATE TABLE flowkeep.contact_hour_default PARTITION OF flowkeep.contact_hour DEFAULT;
CREATE INDEX contact_hour_peer ON flowkeep.contact_hour (peer, hour);

COMMENT ON TABLE flowkeep.contact_hour_default
    IS 'rows of contact_hour whose hour has no partition; normally empty';

CREATE TABLE flowkeep.session_open (
    id           bigint      NOT NULL PRIMARY KEY,
    stream       text        NOT NULL,
    host         inet,
    peer         inet,
    service_port integer,
    protocol     smallint    NOT NULL,
    initiator    smallint,
    start_at     timestamptz NOT NULL,
    end_at       timestamptz NOT NULL,
    out_octets   bigint      NOT NULL,
    in_octets    bigint      NOT NULL,
    records      integer     NOT NULL,
    exporters    integer[]   NOT NULL,
    is_over      boolean     NOT NULL,
    state        bytea       NOT NULL
);

COMMENT ON TABLE flowkeep.session_open
    IS 'one row per session that may still continue: where the session job goes on';
COMMENT ON COLUMN flowkeep.session_open.id
    IS 'number of the session, given by the job';
COMMENT ON COLUMN flowkeep.session_open.stream
    IS 'what it is read from: live';
COMMENT ON COLUMN flowkeep.session_open.host
    IS 'the watched end; of two, the one with the smaller address';
COMMENT ON COLUMN flowkeep.session_open.peer
    IS 'the other end';
COMMENT ON COLUMN flowkeep.session_open.service_port
    IS 'as far as is known now';
COMMENT ON COLUMN flowkeep.session_open.protocol
    IS 'IANA protocol number';
COMMENT ON COLUMN flowkeep.session_open.initiator
    IS 'as far as is known now: 1 host, 2 peer, 0 unknown';
COMMENT ON COLUMN flowkeep.session_open.start_at
    IS 'first packet';
COMMENT ON COLUMN flowkeep.session_open.end_at
    IS 'last packet so far';
COMMENT ON COLUMN flowkeep.session_open.out_octets
    IS 'octets from host to peer so far';
COMMENT ON COLUMN flowkeep.session_open.in_octets
    IS 'octets from peer to host so far';
COMMENT ON COLUMN flowkeep.session_open.records
    IS 'flow records joined so far';
COMMENT ON COLUMN flowkeep.session_open.exporters
    IS 'who reported it: exporter.id';
COMMENT ON COLUMN flowkeep.session_open.is_over
    IS 'it is counted in contact_hour, and remembered for records that come late';
COMMENT ON COLUMN flowkeep.session_open.state
    IS 'what the job knows besides, in its own form';

CREATE TABLE flowkeep.exporter_timeout (
    exporter_id        integer     NOT NULL PRIMARY KEY REFERENCES flowkeep.exporter (id) ON DELETE CASCADE,
    active_timeout_sec integer,
    evidence           bigint      NOT NULL DEFAULT 0,
    state              bytea       NOT NULL,
    event_at           timestamptz,
    updated_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE flowkeep.exporter_timeout
    IS 'one row per exporter: the active timeout that was learnt from its flows';
COMMENT ON COLUMN flowkeep.exporter_timeout.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.exporter_timeout.active_timeout_sec
    IS 'after so long it cuts a flow and goes on with a new record; null = not known yet';
COMMENT ON COLUMN flowkeep.exporter_timeout.evidence
    IS 'flows that were cut so, of those seen lately';
COMMENT ON COLUMN flowkeep.exporter_timeout.state
    IS 'counts by duration, in the job''s own form';
COMMENT ON COLUMN flowkeep.exporter_timeout.event_at
    IS 'newest end of a flow it reported';
COMMENT ON COLUMN flowkeep.exporter_timeout.updated_at
    IS 'when this row was last written';

CREATE TABLE flowkeep.session_stream (
    stream        text        NOT NULL PRIMARY KEY,
    services      bytea       NOT NULL,
    sessions_open bigint      NOT NULL,
    closed_early  bigint      NOT NULL,
    began_at      timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE flowkeep.session_stream
    IS 'one row per stream: what the session job keeps besides its sessions';
COMMENT ON COLUMN flowkeep.session_stream.stream
    IS 'what it reads: live';
COMMENT ON COLUMN flowkeep.session_stream.services
    IS 'ends that three and more peers talked to within 24 hours, in the job''s own form';
COMMENT ON COLUMN flowkeep.session_stream.sessions_open
    IS 'sessions in session_open, those that are over left out';
COMMENT ON COLUMN flowkeep.session_stream.closed_early
    IS 'sessions closed before their time because there were more than session.max_open, since ever';
COMMENT ON COLUMN flowkeep.session_stream.began_at
    IS 'received_at that it began with';
COMMENT ON COLUMN flowkeep.session_stream.updated_at
    IS 'when this row was last written';
