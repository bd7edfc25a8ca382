-- 0003-ingest.sql: how far the collectors are, and what was lost on the way
--
-- Why:    the position is committed with the rows, which makes them exactly once;
--         what cannot be stored is counted.
-- Needs:  0002-exporter.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the four   -- collectors would store their journals again
-- Twins:  collector/store/position.c, collector/store/loss-rows.c

CREATE TABLE flowkeep.ingest_position (
    collector          text        NOT NULL,
    worker             integer     NOT NULL,
    journal_id         text        NOT NULL,
    segment            bigint      NOT NULL DEFAULT 0,
    segment_offset     bigint      NOT NULL DEFAULT 0,
    received_at        timestamptz,
    backlog_bytes      bigint      NOT NULL DEFAULT 0,
    counts             bigint[]    NOT NULL DEFAULT '{}',
    sequences_complete boolean     NOT NULL DEFAULT false,
    waiting            bytea,
    imports            boolean     NOT NULL DEFAULT false,
    rows_stored        numeric     NOT NULL DEFAULT 0,
    batches            bigint      NOT NULL DEFAULT 0,
    started_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (collector, worker)
) WITH (fillfactor = 10);

ALTER TABLE flowkeep.ingest_position ALTER COLUMN waiting SET STORAGE EXTERNAL;

COMMENT ON TABLE flowkeep.ingest_position
    IS 'one row per collector and worker: up to where its journal is stored';
COMMENT ON COLUMN flowkeep.ingest_position.collector
    IS 'name of the collector';
COMMENT ON COLUMN flowkeep.ingest_position.worker
    IS 'number of the worker, from 0';
COMMENT ON COLUMN flowkeep.ingest_position.journal_id
    IS 'identity of the journal that the position is of';
COMMENT ON COLUMN flowkeep.ingest_position.segment
    IS 'segment of the journal; all before (segment, segment_offset) is stored';
COMMENT ON COLUMN flowkeep.ingest_position.segment_offset
    IS 'bytes into the segment';
COMMENT ON COLUMN flowkeep.ingest_position.received_at
    IS 'receive time reached, also without traffic; null = nothing yet';
COMMENT ON COLUMN flowkeep.ingest_position.backlog_bytes
    IS 'bytes in the journal that were not stored yet';
COMMENT ON COLUMN flowkeep.ingest_position.counts
    IS 'totals of the journal that were turned into rows of loss: kernel drops, refused, journal full, malformed TCP sessions';
COMMENT ON COLUMN flowkeep.ingest_position.sequences_complete
    IS 'exporter_state.next_sequence of all exporters of this worker belongs to this position';
COMMENT ON COLUMN flowkeep.ingest_position.waiting
    IS 'references to data that waits for its template; null = none';
COMMENT ON COLUMN flowkeep.ingest_position.imports
    IS 'a replay that keeps its times: never holds other readers up';
COMMENT ON COLUMN flowkeep.ingest_position.rows_stored
    IS 'rows of flow that this worker stored, all in all';
COMMENT ON COLUMN flowkeep.ingest_position.batches
    IS 'transactions that this worker committed, all in all';
COMMENT ON COLUMN flowkeep.ingest_position.started_at
    IS 'when the worker last connected';
COMMENT ON COLUMN flowkeep.ingest_position.updated_at
    IS 'when it last committed; at least once a second while it lives';

CREATE TABLE flowkeep.loss (
    minute      timestamptz NOT NULL,
    collector   text        NOT NULL,
    exporter_id integer,
    reason      text        NOT NULL,
    class       text        NOT NULL,
    unit        text        NOT NULL,
    count       bigint      NOT NULL
);

CREATE INDEX loss_minute ON flowkeep.loss (minute);

COMMENT ON TABLE flowkeep.loss
    IS 'what was not stored, and why; append-only parts, to be summed by the reader';
COMMENT ON COLUMN flowkeep.loss.minute
    IS 'minute of the receive time when it was noticed';
COMMENT ON COLUMN flowkeep.loss.collector
    IS 'name of the collector that noticed';
COMMENT ON COLUMN flowkeep.loss.exporter_id
    IS 'exporter.id; null = no exporter in particular';
COMMENT ON COLUMN flowkeep.loss.reason
    IS 'sequence_gap, kernel_drop, journal_full, no_template, malformed, refused, rejected';
COMMENT ON COLUMN flowkeep.loss.class
    IS 'kind of the reason, for example which malformation; empty = the reason has no kinds';
COMMENT ON COLUMN flowkeep.loss.unit
    IS 'what is counted: flows, datagrams, messages, sets, templates, fields, bytes';
COMMENT ON COLUMN flowkeep.loss.count
    IS 'how many';

CREATE TABLE flowkeep.rejected_flow (
    received_at timestamptz,
    exporter_id integer,
    collector   text        NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sqlstate    text        NOT NULL,
    reason      text        NOT NULL,
    flow        text        NOT NULL
);

CREATE INDEX rejected_flow_rejected_at ON flowkeep.rejected_flow (rejected_at);

COMMENT ON TABLE flowkeep.rejected_flow
    IS 'one row per flow that the server refused to store';
COMMENT ON COLUMN flowkeep.rejected_flow.received_at
    IS 'as in flow; null when that is what cannot be stored';
COMMENT ON COLUMN flowkeep.rejected_flow.exporter_id
    IS 'exporter.id';
COMMENT ON COLUMN flowkeep.rejected_flow.collector
    IS 'name of the collector';
COMMENT ON COLUMN flowkeep.rejected_flow.rejected_at
    IS 'when the server refused it';
COMMENT ON COLUMN flowkeep.rejected_flow.sqlstate
    IS 'SQLSTATE of the refusal';
COMMENT ON COLUMN flowkeep.rejected_flow.reason
    IS 'what the server said';
COMMENT ON COLUMN flowkeep.rejected_flow.flow
    IS 'the row, as column=value for all that is not null';

CREATE TABLE flowkeep.backfill (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collector  text        NOT NULL,
    worker     integer     NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    state      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (from_at <= to_at),
    CHECK (state IN ('open', 'ready', 'done'))
);

CREATE UNIQUE INDEX backfill_open ON flowkeep.backfill (collector, worker)
    WHERE state = 'open';

COMMENT ON TABLE flowkeep.backfill
    IS 'ranges of receive times that were imported or brought late, for the jobs';
COMMENT ON COLUMN flowkeep.backfill.id
    IS 'identity';
COMMENT ON COLUMN flowkeep.backfill.collector
    IS 'collector that brought the rows';
COMMENT ON COLUMN flowkeep.backfill.worker
    IS 'its worker';
COMMENT ON COLUMN flowkeep.backfill.from_at
    IS 'oldest received_at of the rows';
COMMENT ON COLUMN flowkeep.backfill.to_at
    IS 'newest received_at of the rows';
COMMENT ON COLUMN flowkeep.backfill.state
    IS 'open: rows are still being brought; ready: complete; done: processed by the jobs';
COMMENT ON COLUMN flowkeep.backfill.created_at
    IS 'when the import began';
COMMENT ON COLUMN flowkeep.backfill.updated_at
    IS 'when it last grew or changed its state';
