-- bootstrap.sql: what `flowkeep migrate` itself needs
--
-- Why:    the record of migrations must exist before the first one is applied.
-- Needs:  PostgreSQL 15
-- Locks:  none once it is there; run at every migrate
-- Used:   sql/schema.c

CREATE SCHEMA IF NOT EXISTS flowkeep;

COMMENT ON SCHEMA flowkeep IS 'Flowkeep: the flows of the network, and what watches over them';

CREATE TABLE IF NOT EXISTS flowkeep.migration (
    name       text        NOT NULL PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE flowkeep.migration
    IS 'one row per migration that was applied; written by flowkeep migrate';
COMMENT ON COLUMN flowkeep.migration.name
    IS 'file name without .sql; its number gives the order';
COMMENT ON COLUMN flowkeep.migration.checksum
    IS 'SHA-256 of the file as it was applied, in hexadecimal';
COMMENT ON COLUMN flowkeep.migration.applied_at
    IS 'when it was applied';
