-- 0016-journal.sql: what was destroyed in a journal is counted, and a journal that comes
-- back goes on where it was left
--
-- Why:    a position in a segment that is gone does not say how many records went with
--         it; and of two collectors with one name the second takes over when the first
--         ends, so that the first, coming back, would store its journal again.
-- Needs:  0003-ingest.sql
-- Locks:  ingest_position, for a moment
-- Undo:   DROP TABLE flowkeep.ingest_journal;
--         ALTER TABLE flowkeep.ingest_position DROP COLUMN journal_seq
-- Twins:  collector/store/position.c

ALTER TABLE flowkeep.ingest_position
    ADD COLUMN journal_seq bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN flowkeep.ingest_position.journal_seq
    IS 'number of the record of the journal that comes next; 0 = not known';

CREATE TABLE flowkeep.ingest_journal (
    collector      text        NOT NULL,
    worker         integer     NOT NULL,
    journal_id     text        NOT NULL,
    segment        bigint      NOT NULL,
    segment_offset bigint      NOT NULL,
    journal_seq    bigint      NOT NULL,
    counts         bigint[]    NOT NULL,
    waiting        bytea,
    left_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (collector, worker, journal_id)
);

COMMENT ON TABLE flowkeep.ingest_journal
    IS 'one row per journal that a worker left for another one: where it would go on';
COMMENT ON COLUMN flowkeep.ingest_journal.collector
    IS 'name of the collector';
COMMENT ON COLUMN flowkeep.ingest_journal.worker
    IS 'number of the worker, from 0';
COMMENT ON COLUMN flowkeep.ingest_journal.journal_id
    IS 'identity of the journal';
COMMENT ON COLUMN flowkeep.ingest_journal.segment
    IS 'as in ingest_position';
COMMENT ON COLUMN flowkeep.ingest_journal.segment_offset
    IS 'as in ingest_position';
COMMENT ON COLUMN flowkeep.ingest_journal.journal_seq
    IS 'as in ingest_position';
COMMENT ON COLUMN flowkeep.ingest_journal.counts
    IS 'as in ingest_position';
COMMENT ON COLUMN flowkeep.ingest_journal.waiting
    IS 'as in ingest_position';
COMMENT ON COLUMN flowkeep.ingest_journal.left_at
    IS 'when another journal took its place';
