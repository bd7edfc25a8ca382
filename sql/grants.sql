-- grants.sql: who may do what
--
-- Why:    least privilege; a collector that was broken into cannot rewrite history.
-- Needs:  roles.sql, all migrations and functions
-- Locks:  none that last; applied at every migrate
-- Used:   sql/schema.c

GRANT USAGE ON SCHEMA flowkeep
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;

GRANT SELECT ON ALL TABLES IN SCHEMA flowkeep
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;

-- What a message says is for who sends it.
REVOKE SELECT ON flowkeep.outbox FROM flowkeep_collector, flowkeep_reader;
GRANT SELECT (id, message_id, kind, alert_id, alert_event_id, recipient, address, subject,
              state, attempts, next_attempt_at, last_error, created_at, sent_at)
   ON flowkeep.outbox TO flowkeep_collector, flowkeep_reader;

GRANT INSERT ON
    flowkeep.flow, flowkeep.flow_default,
    flowkeep.traffic_1m, flowkeep.traffic_1m_default, flowkeep.traffic_late,
    flowkeep.talker_5m, flowkeep.talker_5m_default,
    flowkeep.loss, flowkeep.rejected_flow
   TO flowkeep_collector;

GRANT INSERT, UPDATE ON
    flowkeep.exporter, flowkeep.exporter_state, flowkeep.interface,
    flowkeep.ingest_position, flowkeep.ingest_journal, flowkeep.backfill
   TO flowkeep_collector;

GRANT INSERT, UPDATE, DELETE ON
    flowkeep.exporter_name, flowkeep.exporter_template, flowkeep.exporter_option,
    flowkeep.watch_group, flowkeep.watch_network
   TO flowkeep_collector;

GRANT INSERT, UPDATE, DELETE ON
    flowkeep.contact_hour, flowkeep.contact_hour_default, flowkeep.session_open,
    flowkeep.exporter_timeout, flowkeep.session_stream, flowkeep.job_run,
    flowkeep.beacon_group, flowkeep.periodic_day, flowkeep.blind_spot,
    flowkeep.host_day, flowkeep.peer_day, flowkeep.peer_known, flowkeep.baseline,
    flowkeep.alert, flowkeep.alert_finding, flowkeep.alert_event, flowkeep.mute,
    flowkeep.outbox
   TO flowkeep_analytics;

GRANT INSERT, UPDATE ON flowkeep.housekeeping, flowkeep.backfill
   TO flowkeep_analytics;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA flowkeep FROM PUBLIC;

GRANT EXECUTE ON FUNCTION
    flowkeep.partition_column, flowkeep.partition_of, flowkeep.ingest_safe_at,
    flowkeep.audit_positions, flowkeep.audit_rows
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;

GRANT EXECUTE ON FUNCTION
    flowkeep.partition_ensure, flowkeep.partition_seal_next,
    flowkeep.partition_drop_next, flowkeep.retention_rows, flowkeep.compact_next,
    flowkeep.exporter_ids, flowkeep.collector_forget
   TO flowkeep_collector;

GRANT EXECUTE ON FUNCTION flowkeep.partition_ensure, flowkeep.baseline_settle
   TO flowkeep_analytics;

-- What dashboards read.
GRANT USAGE ON SCHEMA flowkeep_view
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA flowkeep_view
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA flowkeep_view FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA flowkeep_view
   TO flowkeep_collector, flowkeep_analytics, flowkeep_reader;
