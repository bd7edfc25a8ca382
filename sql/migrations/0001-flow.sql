-- 0001-flow.sql: the flow table and the record of time partitions
--
-- Why:    one row per flow as exported; everything else is derived from it.
-- Needs:  bootstrap.sql, PostgreSQL 15
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE flowkeep.flow, flowkeep.time_partition   -- loses every flow
-- Twins:  collector/store/copy-row.c has the same columns in the same order
-- Used:   sql/functions/partition.sql

CREATE TABLE flowkeep.flow (
    received_at timestamptz NOT NULL,
    start_at    timestamptz,
    end_at      timestamptz,
    exporter_id integer     NOT NULL,
    input_if    integer,
    output_if   integer,
    src         inet,
    dst         inet,
    src_port    integer,
    dst_port    integer,
    protocol    smallint,
    tcp_flags   smallint,
    octets      bigint,
    packets     bigint,
    sampling    integer,
    watched     smallint    NOT NULL,
    extra       jsonb
) PARTITION BY RANGE (received_at);

CREATE TABLE flowkeep.flow_default PARTITION OF flowkeep.flow DEFAULT;

COMMENT ON TABLE flowkeep.flow
    IS 'one row per exported flow record; partitioned by received_at';
COMMENT ON COLUMN flowkeep.flow.received_at
    IS 'when the collector received the datagram (at a replay: the time of replay, unless times are kept)';
COMMENT ON COLUMN flowkeep.flow.start_at
    IS 'time of the first packet';
COMMENT ON COLUMN flowkeep.flow.end_at
    IS 'time of the last packet; not before start_at';
COMMENT ON COLUMN flowkeep.flow.exporter_id
    IS 'who exported it: exporter.id';
COMMENT ON COLUMN flowkeep.flow.input_if
    IS 'SNMP ifIndex the packets came in by; null = not reported, or above 2^31-1 and then in extra';
COMMENT ON COLUMN flowkeep.flow.output_if
    IS 'SNMP ifIndex the packets went out by; null as for input_if';
COMMENT ON COLUMN flowkeep.flow.src
    IS 'source host';
COMMENT ON COLUMN flowkeep.flow.dst
    IS 'destination host';
COMMENT ON COLUMN flowkeep.flow.src_port
    IS 'source port; null where the protocol has none';
COMMENT ON COLUMN flowkeep.flow.dst_port
    IS 'destination port; for ICMP type * 256 + code; null where the protocol has none';
COMMENT ON COLUMN flowkeep.flow.protocol
    IS 'IANA protocol number: 6 TCP, 17 UDP, 1 ICMP';
COMMENT ON COLUMN flowkeep.flow.tcp_flags
    IS 'OR over the flags of all packets; null = not reported';
COMMENT ON COLUMN flowkeep.flow.octets
    IS 'layer 3 octets as the exporter counts them, sampling multiplied out; null = not reported';
COMMENT ON COLUMN flowkeep.flow.packets
    IS 'packets, sampling multiplied out; null = not reported';
COMMENT ON COLUMN flowkeep.flow.sampling
    IS 'one packet in this many was looked at, and the counters were multiplied by it; null = none';
COMMENT ON COLUMN flowkeep.flow.watched
    IS 'ends in a watched group: 0 neither, 1 src, 2 dst, 3 both';
COMMENT ON COLUMN flowkeep.flow.extra
    IS 'what few exporters report, by documented keys; null for most rows';
COMMENT ON TABLE flowkeep.flow_default
    IS 'rows of flow whose received_at has no partition; normally empty';

CREATE TABLE flowkeep.time_partition (
    parent     text        NOT NULL,
    name       text        NOT NULL PRIMARY KEY,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    imported   boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sealed_at  timestamptz,
    CHECK (from_at < to_at)
);

CREATE UNIQUE INDEX time_partition_from ON flowkeep.time_partition (parent, from_at);

COMMENT ON TABLE flowkeep.time_partition
    IS 'one row per partition of flow, traffic_1m and talker_5m, the default ones left out';
COMMENT ON COLUMN flowkeep.time_partition.parent
    IS 'table it is a partition of';
COMMENT ON COLUMN flowkeep.time_partition.name
    IS 'table name: parent_YYYYMMDD or parent_YYYYMMDD_HHMM, UTC, of from_at';
COMMENT ON COLUMN flowkeep.time_partition.from_at
    IS 'first time in it';
COMMENT ON COLUMN flowkeep.time_partition.to_at
    IS 'first time after it';
COMMENT ON COLUMN flowkeep.time_partition.imported
    IS 'made for a replay that kept its times: retention leaves it alone';
COMMENT ON COLUMN flowkeep.time_partition.created_at
    IS 'when it was made';
COMMENT ON COLUMN flowkeep.time_partition.sealed_at
    IS 'when a partition of flow was closed and got its indexes; null = not yet';
