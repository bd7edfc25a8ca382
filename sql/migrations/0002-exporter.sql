-- 0002-exporter.sql: who exports, and what exporters told about themselves
--
-- Why:    a restart must know templates, sampling and names without waiting for
--         the exporters to repeat them.
-- Needs:  0001-flow.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the six   -- flows lose the names of their exporters
-- Twins:  collector/store/learnt-rows.c, collector/store/exporter-rows.c

CREATE TABLE flowkeep.exporter (
    id              integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address         inet        NOT NULL,
    domain          bigint      NOT NULL,
    name            text,
    version         smallint,
    first_seen_at   timestamptz,
    last_seen_at    timestamptz,
    sampling        bigint,
    sampling_source text,
    clock_skew_ms   bigint,
    UNIQUE (address, domain)
) WITH (fillfactor = 50);

COMMENT ON TABLE flowkeep.exporter
    IS 'one row per exporting device and observation domain';
COMMENT ON COLUMN flowkeep.exporter.id
    IS 'what flow.exporter_id refers to';
COMMENT ON COLUMN flowkeep.exporter.address
    IS 'address of the device';
COMMENT ON COLUMN flowkeep.exporter.domain
    IS 'IPFIX observation domain, v9 source id, v5 engine type * 256 + engine id';
COMMENT ON COLUMN flowkeep.exporter.name
    IS 'name given in the configuration; null = none';
COMMENT ON COLUMN flowkeep.exporter.version
    IS 'of its newest message: 5, 9 or 10 (IPFIX)';
COMMENT ON COLUMN flowkeep.exporter.first_seen_at
    IS 'receive time of its first message';
COMMENT ON COLUMN flowkeep.exporter.last_seen_at
    IS 'receive time of its newest message; up to ten seconds old';
COMMENT ON COLUMN flowkeep.exporter.sampling
    IS 'newest rate that was applied, 1 in this many; null = none';
COMMENT ON COLUMN flowkeep.exporter.sampling_source
    IS 'where that rate comes from: header, exporter, selector, record, configured; null = there is none';
COMMENT ON COLUMN flowkeep.exporter.clock_skew_ms
    IS 'its export time minus our receive time, newest message';

CREATE TABLE flowkeep.exporter_state (
    collector     text    NOT NULL,
    exporter_id   integer NOT NULL REFERENCES flowkeep.exporter (id) ON DELETE CASCADE,
    worker        integer NOT NULL,
    next_sequence bigint,
    PRIMARY KEY (collector, exporter_id)
) WITH (fillfactor = 50);

COMMENT ON TABLE flowkeep.exporter_state
    IS 'one row per collector and exporter: sequence accounting, restored at start';
COMMENT ON COLUMN flowkeep.exporter_state.collector
    IS 'name of the collector';
COMMENT ON COLUMN flowkeep.exporter_state.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.exporter_state.worker
    IS 'worker of the collector that reads this exporter';
COMMENT ON COLUMN flowkeep.exporter_state.next_sequence
    IS 'sequence number expected next; null = none known; true only with ingest_position.sequences_complete';

CREATE TABLE flowkeep.exporter_name (
    address inet NOT NULL PRIMARY KEY,
    name    text NOT NULL
);

COMMENT ON TABLE flowkeep.exporter_name
    IS 'names of exporters in the configuration, for those that are yet to come';
COMMENT ON COLUMN flowkeep.exporter_name.address
    IS 'address of the device';
COMMENT ON COLUMN flowkeep.exporter_name.name
    IS 'copied to exporter.name of every domain of the device';

CREATE TABLE flowkeep.interface (
    exporter_id integer     NOT NULL REFERENCES flowkeep.exporter (id) ON DELETE CASCADE,
    if_index    bigint      NOT NULL,
    name        text,
    description text,
    speed_bps   numeric,
    learnt_at   timestamptz NOT NULL,
    PRIMARY KEY (exporter_id, if_index)
);

COMMENT ON TABLE flowkeep.interface
    IS 'one row per exporter and interface that it named';
COMMENT ON COLUMN flowkeep.interface.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.interface.if_index
    IS 'SNMP ifIndex, as in flow.input_if and output_if';
COMMENT ON COLUMN flowkeep.interface.name
    IS 'interface name, for example Gi0/1; null = not reported';
COMMENT ON COLUMN flowkeep.interface.description
    IS 'what its operator calls it; null = not reported';
COMMENT ON COLUMN flowkeep.interface.speed_bps
    IS 'bits per second; null = not reported';
COMMENT ON COLUMN flowkeep.interface.learnt_at
    IS 'when the exporter last told something new';

CREATE TABLE flowkeep.exporter_template (
    collector   text        NOT NULL,
    worker      integer     NOT NULL,
    exporter_id integer     NOT NULL REFERENCES flowkeep.exporter (id) ON DELETE CASCADE,
    version     smallint    NOT NULL,
    template_id integer     NOT NULL,
    peer_port   integer     NOT NULL,
    is_options  boolean     NOT NULL,
    body        bytea       NOT NULL,
    learnt_at   timestamptz NOT NULL,
    PRIMARY KEY (collector, exporter_id, version, template_id, peer_port)
);

COMMENT ON TABLE flowkeep.exporter_template
    IS 'one row per template in use (UDP only), restored at start';
COMMENT ON COLUMN flowkeep.exporter_template.collector
    IS 'name of the collector that learnt it';
COMMENT ON COLUMN flowkeep.exporter_template.worker
    IS 'its worker';
COMMENT ON COLUMN flowkeep.exporter_template.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.exporter_template.version
    IS '9 or 10 (IPFIX)';
COMMENT ON COLUMN flowkeep.exporter_template.template_id
    IS '256 to 65535';
COMMENT ON COLUMN flowkeep.exporter_template.peer_port
    IS 'UDP port it was announced from';
COMMENT ON COLUMN flowkeep.exporter_template.is_options
    IS 'true for an options template';
COMMENT ON COLUMN flowkeep.exporter_template.body
    IS 'the template record as it came';
COMMENT ON COLUMN flowkeep.exporter_template.learnt_at
    IS 'receive time when it was last announced (refreshed after half its lifetime)';

CREATE TABLE flowkeep.exporter_option (
    collector   text        NOT NULL,
    worker      integer     NOT NULL,
    exporter_id integer     NOT NULL REFERENCES flowkeep.exporter (id) ON DELETE CASCADE,
    kind        text        NOT NULL,
    key         numeric     NOT NULL,
    number      numeric,
    name        text,
    description text,
    learnt_at   timestamptz NOT NULL,
    PRIMARY KEY (collector, exporter_id, kind, key)
);

COMMENT ON TABLE flowkeep.exporter_option
    IS 'one row per thing an exporter told by options data, restored at start';
COMMENT ON COLUMN flowkeep.exporter_option.collector
    IS 'name of the collector that learnt it';
COMMENT ON COLUMN flowkeep.exporter_option.worker
    IS 'its worker';
COMMENT ON COLUMN flowkeep.exporter_option.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.exporter_option.kind
    IS 'what it is about: sampling, interface, vrf, app, system';
COMMENT ON COLUMN flowkeep.exporter_option.key
    IS 'by kind: sampler id (0 = the whole exporter), ifIndex, VRF id, applicationId, 0';
COMMENT ON COLUMN flowkeep.exporter_option.number
    IS 'by kind: rate, speed in bit/s, -, -, system start in ms since 1970; null = not reported';
COMMENT ON COLUMN flowkeep.exporter_option.name
    IS 'name of the interface, VRF or application; null = not reported';
COMMENT ON COLUMN flowkeep.exporter_option.description
    IS 'description of it; null = not reported';
COMMENT ON COLUMN flowkeep.exporter_option.learnt_at
    IS 'receive time when it was new';
