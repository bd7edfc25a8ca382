-- 0015-flow-exporter.sql: functions that change their columns
--
-- Why:    flow records name their exporter in a way that a link can use.  A function
--         cannot be replaced by one with other columns.
-- Needs:  0010-summary.sql
-- Locks:  none that last
-- Undo:   nothing: sql/views makes them anew at every migrate
-- Twins:  sql/views/flow.sql

DROP FUNCTION IF EXISTS flowkeep_view.flow_of(timestamptz, timestamptz, inet, cidr, integer,
                                              integer);
DROP FUNCTION IF EXISTS flowkeep_view.alert_flow(timestamptz, timestamptz, bigint, integer);
