-- 0004-rollup.sql: traffic by minute and hour, the heaviest talkers
--
-- Why:    dashboards over a week must not read flow.
-- Needs:  0001-flow.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the five   -- loses no flow
-- Twins:  collector/store/rollup.c, collector/store/talker.c have the same columns
--         in the same order
-- Used:   sql/functions/compact.sql

CREATE TABLE flowkeep.traffic_1m (
    minute       timestamptz NOT NULL,
    exporter_id  integer     NOT NULL,
    input_if     integer,
    output_if    integer,
    protocol     smallint,
    service_port integer     NOT NULL,
    watched      smallint    NOT NULL,
    octets       numeric     NOT NULL,  -- a sum of bigints may not fit a bigint
    packets      numeric     NOT NULL,
    flows        bigint      NOT NULL
) PARTITION BY RANGE (minute);

CREATE TABLE flowkeep.traffic_1m_default PARTITION OF flowkeep.traffic_1m DEFAULT;
CREATE INDEX traffic_1m_minute ON flowkeep.traffic_1m (minute);

COMMENT ON TABLE flowkeep.traffic_1m
    IS 'traffic by minute; append-only parts, to be summed by the reader; rejected flows are counted too';
COMMENT ON COLUMN flowkeep.traffic_1m.minute
    IS 'start of the minute of received_at';
COMMENT ON COLUMN flowkeep.traffic_1m.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.traffic_1m.input_if
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1m.output_if
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1m.protocol
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1m.service_port
    IS 'port of a known service at either end; 0 = none known';
COMMENT ON COLUMN flowkeep.traffic_1m.watched
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1m.octets
    IS 'sum of flow.octets';
COMMENT ON COLUMN flowkeep.traffic_1m.packets
    IS 'sum of flow.packets';
COMMENT ON COLUMN flowkeep.traffic_1m.flows
    IS 'number of flow records';
COMMENT ON TABLE flowkeep.traffic_1m_default
    IS 'rows of traffic_1m whose minute has no partition; normally empty';

CREATE TABLE flowkeep.traffic_1h (
    hour         timestamptz NOT NULL,
    exporter_id  integer     NOT NULL,
    input_if     integer,
    output_if    integer,
    protocol     smallint,
    service_port integer     NOT NULL,
    watched      smallint    NOT NULL,
    octets       numeric     NOT NULL,
    packets      numeric     NOT NULL,
    flows        bigint      NOT NULL
);

CREATE INDEX traffic_1h_hour ON flowkeep.traffic_1h (hour);

COMMENT ON TABLE flowkeep.traffic_1h
    IS 'traffic by hour, compacted from traffic_1m some hours later; to be summed by the reader';
COMMENT ON COLUMN flowkeep.traffic_1h.hour
    IS 'start of the hour of received_at';
COMMENT ON COLUMN flowkeep.traffic_1h.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.traffic_1h.input_if
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1h.output_if
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1h.protocol
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1h.service_port
    IS 'as in traffic_1m';
COMMENT ON COLUMN flowkeep.traffic_1h.watched
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_1h.octets
    IS 'sum of flow.octets';
COMMENT ON COLUMN flowkeep.traffic_1h.packets
    IS 'sum of flow.packets';
COMMENT ON COLUMN flowkeep.traffic_1h.flows
    IS 'number of flow records';

CREATE TABLE flowkeep.traffic_late (
    hour timestamptz NOT NULL
);

COMMENT ON TABLE flowkeep.traffic_late
    IS 'hours of traffic_1m that got rows late and are to be compacted again';
COMMENT ON COLUMN flowkeep.traffic_late.hour
    IS 'start of the hour; may be there several times';

CREATE TABLE flowkeep.talker_5m (
    start_at     timestamptz NOT NULL,
    kind         text        NOT NULL,
    key          text        NOT NULL,
    octets       numeric     NOT NULL,
    packets      numeric     NOT NULL,
    flows        bigint      NOT NULL,
    error_octets numeric     NOT NULL
) PARTITION BY RANGE (start_at);

CREATE TABLE flowkeep.talker_5m_default PARTITION OF flowkeep.talker_5m DEFAULT;
CREATE INDEX talker_5m_start_at ON flowkeep.talker_5m (start_at, kind);

COMMENT ON TABLE flowkeep.talker_5m
    IS 'the heaviest hosts, pairs, ports and AS; append-only parts, to be summed by the reader';
COMMENT ON COLUMN flowkeep.talker_5m.start_at
    IS 'start of the five minutes of received_at';
COMMENT ON COLUMN flowkeep.talker_5m.kind
    IS 'host (either end), pair (unordered), port (protocol/port), as (either end)';
COMMENT ON COLUMN flowkeep.talker_5m.key
    IS 'address; two addresses with a space; tcp/443; AS number; or other: all the rest of the kind';
COMMENT ON COLUMN flowkeep.talker_5m.octets
    IS 'octets counted for the key; the truth is at most error_octets more';
COMMENT ON COLUMN flowkeep.talker_5m.packets
    IS 'packets counted for the key';
COMMENT ON COLUMN flowkeep.talker_5m.flows
    IS 'flow records counted for the key';
COMMENT ON COLUMN flowkeep.talker_5m.error_octets
    IS 'octets of the key that may have been counted under other instead; 0 for other';
COMMENT ON TABLE flowkeep.talker_5m_default
    IS 'rows of talker_5m whose start_at has no partition; normally empty';

CREATE TABLE flowkeep.housekeeping (
    task       text        NOT NULL PRIMARY KEY,
    done_until timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE flowkeep.housekeeping
    IS 'how far the keeper is with its tasks';
COMMENT ON COLUMN flowkeep.housekeeping.task
    IS 'traffic_compacted, traffic_1m_dropped';
COMMENT ON COLUMN flowkeep.housekeeping.done_until
    IS 'all before this time is done';
COMMENT ON COLUMN flowkeep.housekeeping.updated_at
    IS 'when that was last changed';
