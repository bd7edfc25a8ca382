-- 0013-undecided.sql: gaps in sequence numbers that may still close survive a restart
--
-- Why:    a flow that is missing is counted as lost only when it has not come for two
--         seconds; a collector that was killed meanwhile, or lost its connection, went
--         on behind the gap and never counted it.
-- Needs:  0002-exporter.sql
-- Locks:  ACCESS EXCLUSIVE on exporter_state, for a moment
-- Undo:   ALTER TABLE flowkeep.exporter_state DROP COLUMN undecided
-- Used:   collector/store/exporter-rows.c

ALTER TABLE flowkeep.exporter_state
    ADD COLUMN undecided bytea;

COMMENT ON COLUMN flowkeep.exporter_state.undecided
    IS 'gaps that may still close and unusual ways of counting, as the collector keeps them; null = none; true only with ingest_position.sequences_complete';
