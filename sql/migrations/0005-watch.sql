-- 0005-watch.sql: what the configuration declares as watched
--
-- Why:    the jobs and the dashboards need the groups that the collector applied.
-- Needs:  bootstrap.sql
-- Locks:  none (new objects only)
-- Undo:   DROP TABLE of the two   -- comes back at the next start of the collector
-- Used:   collector/store/keeper.c

CREATE TABLE flowkeep.watch_group (
    name        text        NOT NULL PRIMARY KEY,
    description text        NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE flowkeep.watch_group
    IS 'one row per watched group of the configuration, as of the last start or reload';
COMMENT ON COLUMN flowkeep.watch_group.name
    IS 'of the section [watch NAME]';
COMMENT ON COLUMN flowkeep.watch_group.description
    IS 'description in the configuration; empty = none';
COMMENT ON COLUMN flowkeep.watch_group.updated_at
    IS 'when the row last changed';

CREATE TABLE flowkeep.watch_network (
    group_name text NOT NULL REFERENCES flowkeep.watch_group (name) ON DELETE CASCADE,
    network    cidr NOT NULL,
    PRIMARY KEY (group_name, network)
);

COMMENT ON TABLE flowkeep.watch_network
    IS 'one row per network of a watched group';
COMMENT ON COLUMN flowkeep.watch_network.group_name
    IS 'watch_group.name';
COMMENT ON COLUMN flowkeep.watch_network.network
    IS 'address prefix';
