-- 0014-held.sql: how much a worker remembers, of what it may
--
-- Why:    anybody can make up exporters and templates; status must show that a limit
--         is near, before an exporter of ours is refused.
-- Needs:  0003-ingest.sql
-- Locks:  ingest_position, for a moment
-- Undo:   ALTER TABLE flowkeep.ingest_position DROP COLUMN of the three
-- Twins:  collector/store/position.c

ALTER TABLE flowkeep.ingest_position
    ADD COLUMN exporters     bigint,
    ADD COLUMN max_exporters bigint,
    ADD COLUMN held_bytes    bigint;

COMMENT ON COLUMN flowkeep.ingest_position.exporters
    IS 'exporters that the worker knows; null = never told';
COMMENT ON COLUMN flowkeep.ingest_position.max_exporters
    IS 'how many it may know: [decode] max_exporters';
COMMENT ON COLUMN flowkeep.ingest_position.held_bytes
    IS 'bytes of templates, options and references to waiting data that it holds for them';
