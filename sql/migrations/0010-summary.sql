-- 0010-summary.sql: sums that dashboards draw, and the schema of their views
--
-- Why:    traffic_1m has nearly as many rows as flow where many exporters send little
--         each; a picture of a day or a quarter must read thousands of rows, not
--         millions.
-- Needs:  0004-rollup.sql, 0006-contact.sql
-- Locks:  none (new objects only); indexes of traffic_1h and contact_hour
-- Undo:   DROP TABLE of the five; DROP SCHEMA flowkeep_view CASCADE   -- loses no flow
-- Used:   sql/functions/summary.sql, sql/views

CREATE SCHEMA IF NOT EXISTS flowkeep_view;

COMMENT ON SCHEMA flowkeep_view
    IS 'Flowkeep: what dashboards and reports read; names and columns here are kept';

CREATE TABLE flowkeep.traffic_summary (
    grain_sec   integer          NOT NULL,
    start_at    timestamptz      NOT NULL,
    exporter_id integer          NOT NULL,
    watched     smallint         NOT NULL,
    octets      double precision NOT NULL,
    packets     double precision NOT NULL,
    flows       double precision NOT NULL
);

CREATE INDEX traffic_summary_start_at ON flowkeep.traffic_summary (grain_sec, start_at);

COMMENT ON TABLE flowkeep.traffic_summary
    IS 'traffic by exporter in buckets of 1 minute, 5 minutes, 1 hour and 6 hours, for dashboards';
COMMENT ON COLUMN flowkeep.traffic_summary.grain_sec
    IS 'length of the bucket: 60 (kept for 4 days), 300 (36 days), 3600, 21600';
COMMENT ON COLUMN flowkeep.traffic_summary.start_at
    IS 'start of the bucket of received_at';
COMMENT ON COLUMN flowkeep.traffic_summary.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.traffic_summary.watched
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.traffic_summary.octets
    IS 'sum of flow.octets; exact up to 2^53';
COMMENT ON COLUMN flowkeep.traffic_summary.packets
    IS 'sum of flow.packets';
COMMENT ON COLUMN flowkeep.traffic_summary.flows
    IS 'number of flow records';

CREATE TABLE flowkeep.service_summary (
    grain_sec    integer          NOT NULL,
    start_at     timestamptz      NOT NULL,
    protocol     smallint,
    service_port integer          NOT NULL,
    watched      smallint         NOT NULL,
    octets       double precision NOT NULL,
    packets      double precision NOT NULL,
    flows        double precision NOT NULL
);

CREATE INDEX service_summary_start_at ON flowkeep.service_summary (grain_sec, start_at);

COMMENT ON TABLE flowkeep.service_summary
    IS 'traffic by protocol and service in buckets of 5 minutes, 1 hour and 6 hours, for dashboards';
COMMENT ON COLUMN flowkeep.service_summary.grain_sec
    IS 'length of the bucket: 300 (kept for 36 days), 3600, 21600';
COMMENT ON COLUMN flowkeep.service_summary.start_at
    IS 'start of the bucket of received_at';
COMMENT ON COLUMN flowkeep.service_summary.protocol
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.service_summary.service_port
    IS 'as in traffic_1m';
COMMENT ON COLUMN flowkeep.service_summary.watched
    IS 'as in flow';
COMMENT ON COLUMN flowkeep.service_summary.octets
    IS 'sum of flow.octets; exact up to 2^53';
COMMENT ON COLUMN flowkeep.service_summary.packets
    IS 'sum of flow.packets';
COMMENT ON COLUMN flowkeep.service_summary.flows
    IS 'number of flow records';

CREATE TABLE flowkeep.interface_summary (
    grain_sec   integer          NOT NULL,
    start_at    timestamptz      NOT NULL,
    exporter_id integer          NOT NULL,
    if_index    integer          NOT NULL,
    in_octets   double precision NOT NULL,
    out_octets  double precision NOT NULL,
    flows       double precision NOT NULL
);

CREATE INDEX interface_summary_exporter
    ON flowkeep.interface_summary (exporter_id, grain_sec, start_at);
CREATE INDEX interface_summary_start_at
    ON flowkeep.interface_summary (grain_sec, start_at);

COMMENT ON TABLE flowkeep.interface_summary
    IS 'traffic by interface in buckets of 5 minutes, 1 hour and 6 hours, for dashboards';
COMMENT ON COLUMN flowkeep.interface_summary.grain_sec
    IS 'length of the bucket: 300 (kept for 36 days), 3600, 21600';
COMMENT ON COLUMN flowkeep.interface_summary.start_at
    IS 'start of the bucket of received_at';
COMMENT ON COLUMN flowkeep.interface_summary.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.interface_summary.if_index
    IS 'SNMP ifIndex';
COMMENT ON COLUMN flowkeep.interface_summary.in_octets
    IS 'octets of flows that came in by it';
COMMENT ON COLUMN flowkeep.interface_summary.out_octets
    IS 'octets of flows that went out by it';
COMMENT ON COLUMN flowkeep.interface_summary.flows
    IS 'flow records, either way';

CREATE TABLE flowkeep.talker_summary (
    grain_sec integer          NOT NULL,
    start_at  timestamptz      NOT NULL,
    kind      text             NOT NULL,
    key       text             NOT NULL,
    octets    double precision NOT NULL,
    packets   double precision NOT NULL,
    flows     double precision NOT NULL
);

CREATE INDEX talker_summary_start_at
    ON flowkeep.talker_summary (kind, grain_sec, start_at);

COMMENT ON TABLE flowkeep.talker_summary
    IS 'the 200 heaviest of each kind of talker_5m by hour and day, and one row other';
COMMENT ON COLUMN flowkeep.talker_summary.grain_sec
    IS 'length of the bucket: 3600, 86400';
COMMENT ON COLUMN flowkeep.talker_summary.start_at
    IS 'start of the bucket of received_at';
COMMENT ON COLUMN flowkeep.talker_summary.kind
    IS 'as in talker_5m';
COMMENT ON COLUMN flowkeep.talker_summary.key
    IS 'as in talker_5m';
COMMENT ON COLUMN flowkeep.talker_summary.octets
    IS 'octets counted for the key';
COMMENT ON COLUMN flowkeep.talker_summary.packets
    IS 'packets counted for the key';
COMMENT ON COLUMN flowkeep.talker_summary.flows
    IS 'flow records counted for the key';

CREATE TABLE flowkeep.host_summary (
    hour       timestamptz      NOT NULL,
    host       inet             NOT NULL,
    out_octets double precision NOT NULL,
    in_octets  double precision NOT NULL,
    sessions   double precision NOT NULL
);

CREATE INDEX host_summary_hour ON flowkeep.host_summary (hour);
CREATE INDEX host_summary_host ON flowkeep.host_summary (host, hour);

COMMENT ON TABLE flowkeep.host_summary
    IS 'contact_hour summed up by watched host, for dashboards';
COMMENT ON COLUMN flowkeep.host_summary.hour
    IS 'as in contact_hour';
COMMENT ON COLUMN flowkeep.host_summary.host
    IS 'the watched host';
COMMENT ON COLUMN flowkeep.host_summary.out_octets
    IS 'octets it sent';
COMMENT ON COLUMN flowkeep.host_summary.in_octets
    IS 'octets it received';
COMMENT ON COLUMN flowkeep.host_summary.sessions
    IS 'sessions that began in this hour';

CREATE INDEX traffic_1h_exporter ON flowkeep.traffic_1h (exporter_id, hour);

-- The newest hours of all hosts, in partitions of a day; costs nearly nothing to keep.
CREATE INDEX contact_hour_hour ON flowkeep.contact_hour
 USING brin (hour) WITH (pages_per_range = 16, autosummarize = on);

COMMENT ON COLUMN flowkeep.housekeeping.task
    IS 'traffic_summarised, hosts_summarised, traffic_compacted, traffic_1m_dropped';
