-- self.sql: how Flowkeep itself is
--
-- Why:    a watcher that stands still looks like a quiet network.
-- Needs:  0003-ingest.sql, 0007-alert.sql, functions/name.sql, views/exporter.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.worker AS
    SELECT p.collector,
           p.worker,
           p.received_at,
           p.updated_at,
           extract(epoch FROM p.updated_at - p.received_at)::double precision AS behind_sec,
           extract(epoch FROM now() - p.updated_at)::double precision AS silent_sec,
           p.backlog_bytes,
           p.rows_stored::double precision AS rows_stored,
           p.batches,
           p.rows_stored::double precision / nullif(p.batches, 0) AS rows_per_batch,
           p.started_at,
           CASE WHEN p.imports THEN 'import'
                WHEN p.updated_at < now() - interval '1 minute' THEN 'silent'
                ELSE 'live' END AS state
      FROM flowkeep.ingest_position AS p;

COMMENT ON VIEW flowkeep_view.worker
    IS 'workers of the collectors: how far they are';
COMMENT ON COLUMN flowkeep_view.worker.collector IS 'name of the collector';
COMMENT ON COLUMN flowkeep_view.worker.worker IS 'its number';
COMMENT ON COLUMN flowkeep_view.worker.received_at IS 'receive time reached';
COMMENT ON COLUMN flowkeep_view.worker.updated_at IS 'when it last committed';
COMMENT ON COLUMN flowkeep_view.worker.behind_sec IS 'how far it was behind then';
COMMENT ON COLUMN flowkeep_view.worker.silent_sec IS 'seconds since';
COMMENT ON COLUMN flowkeep_view.worker.backlog_bytes IS 'bytes in the journal that were not stored yet';
COMMENT ON COLUMN flowkeep_view.worker.rows_stored IS 'rows of flow, all in all';
COMMENT ON COLUMN flowkeep_view.worker.batches IS 'transactions, all in all';
COMMENT ON COLUMN flowkeep_view.worker.rows_per_batch IS 'their mean size';
COMMENT ON COLUMN flowkeep_view.worker.started_at IS 'when it last connected';
COMMENT ON COLUMN flowkeep_view.worker.state IS 'live, silent (for a minute) or import';

CREATE OR REPLACE VIEW flowkeep_view.job_run AS
    SELECT r.id,
           r.job,
           r.started_at AS "time",
           r.ended_at,
           extract(epoch FROM r.ended_at - r.started_at)::double precision AS took_sec,
           r.until_at,
           extract(epoch FROM r.started_at - r.until_at)::double precision AS behind_sec,
           r.rows_read,
           r.findings,
           r.error,
           CASE WHEN r.error IS NOT NULL THEN 'failed'
                WHEN r.ended_at IS NULL THEN 'running or killed'
                ELSE 'done' END AS state
      FROM flowkeep.job_run AS r;

COMMENT ON VIEW flowkeep_view.job_run
    IS 'runs of the analytics jobs that did something or failed';
COMMENT ON COLUMN flowkeep_view.job_run.id IS 'job_run.id';
COMMENT ON COLUMN flowkeep_view.job_run.job IS 'session, beacon, exfil ...';
COMMENT ON COLUMN flowkeep_view.job_run."time" IS 'when it began';
COMMENT ON COLUMN flowkeep_view.job_run.ended_at IS 'when it ended; null = it runs, or was killed';
COMMENT ON COLUMN flowkeep_view.job_run.took_sec IS 'seconds it took';
COMMENT ON COLUMN flowkeep_view.job_run.until_at IS 'up to where it has read; null = it reads no stream';
COMMENT ON COLUMN flowkeep_view.job_run.behind_sec IS 'how far that was behind';
COMMENT ON COLUMN flowkeep_view.job_run.rows_read IS 'rows it read';
COMMENT ON COLUMN flowkeep_view.job_run.findings IS 'findings, or messages sent';
COMMENT ON COLUMN flowkeep_view.job_run.error IS 'why it failed';
COMMENT ON COLUMN flowkeep_view.job_run.state IS 'done, failed, running or killed';

CREATE OR REPLACE VIEW flowkeep_view.job AS
    SELECT j.job,
           l.time AS last_at,
           l.state AS last_state,
           l.took_sec AS last_took_sec,
           l.until_at,
           l.behind_sec,
           (SELECT max(r.started_at) FROM flowkeep.job_run AS r
             WHERE r.job = j.job AND r.error IS NOT NULL) AS failed_at,
           (SELECT r.error FROM flowkeep.job_run AS r
             WHERE r.job = j.job AND r.error IS NOT NULL
             ORDER BY r.started_at DESC LIMIT 1) AS last_error,
           (SELECT count(*) FROM flowkeep.job_run AS r
             WHERE r.job = j.job AND r.started_at > now() - interval '1 day') AS runs_day,
           (SELECT count(*) FROM flowkeep.job_run AS r
             WHERE r.job = j.job AND r.started_at > now() - interval '1 day'
               AND r.error IS NOT NULL) AS failures_day
      FROM (SELECT DISTINCT r.job FROM flowkeep.job_run AS r) AS j
     CROSS JOIN LATERAL (
               SELECT r.*
                 FROM flowkeep_view.job_run AS r
                WHERE r.job = j.job
                ORDER BY r.time DESC
                LIMIT 1) AS l;

COMMENT ON VIEW flowkeep_view.job
    IS 'the analytics jobs, one row each';
COMMENT ON COLUMN flowkeep_view.job.job IS 'session, beacon, exfil ...';
COMMENT ON COLUMN flowkeep_view.job.last_at IS 'when it last began and had something to do';
COMMENT ON COLUMN flowkeep_view.job.last_state IS 'how that went';
COMMENT ON COLUMN flowkeep_view.job.last_took_sec IS 'how long it took';
COMMENT ON COLUMN flowkeep_view.job.until_at IS 'up to where it had read';
COMMENT ON COLUMN flowkeep_view.job.behind_sec IS 'how far that was behind';
COMMENT ON COLUMN flowkeep_view.job.failed_at IS 'when it last failed; null = never';
COMMENT ON COLUMN flowkeep_view.job.last_error IS 'why';
COMMENT ON COLUMN flowkeep_view.job.runs_day IS 'runs in the last 24 hours';
COMMENT ON COLUMN flowkeep_view.job.failures_day IS 'failures among them';

CREATE OR REPLACE VIEW flowkeep_view.disk AS
    SELECT r.name,
           count(*) AS tables,
           sum(r.bytes)::double precision AS bytes,
           sum(r.index_bytes)::double precision AS index_bytes,
           sum(greatest(r.rows, 0))::double precision AS rows_estimated,
           min(r.from_at) AS oldest_at,
           count(*) FILTER (WHERE r.sealed_at IS NOT NULL) AS sealed
      FROM (SELECT coalesce(t.parent, c.relname) AS name,
                   pg_total_relation_size(c.oid) AS bytes,
                   pg_indexes_size(c.oid) AS index_bytes,
                   c.reltuples AS rows, t.from_at, t.sealed_at
              FROM pg_class AS c
              JOIN pg_namespace AS n ON n.oid = c.relnamespace
              LEFT JOIN flowkeep.time_partition AS t ON t.name = c.relname
             WHERE n.nspname = 'flowkeep' AND c.relkind = 'r') AS r
     GROUP BY r.name;

COMMENT ON VIEW flowkeep_view.disk
    IS 'tables and what they take; partitions of one table together';
COMMENT ON COLUMN flowkeep_view.disk.name IS 'name of the table';
COMMENT ON COLUMN flowkeep_view.disk.tables IS 'partitions; 1 = it has none';
COMMENT ON COLUMN flowkeep_view.disk.bytes IS 'bytes on disk, indexes included';
COMMENT ON COLUMN flowkeep_view.disk.index_bytes IS 'bytes of the indexes';
COMMENT ON COLUMN flowkeep_view.disk.rows_estimated IS 'rows, as the planner believes';
COMMENT ON COLUMN flowkeep_view.disk.oldest_at IS 'start of the oldest partition';
COMMENT ON COLUMN flowkeep_view.disk.sealed IS 'partitions that are sealed';

CREATE OR REPLACE VIEW flowkeep_view.partition AS
    SELECT t.parent,
           t.name,
           t.from_at,
           t.to_at,
           CASE WHEN t.sealed_at IS NOT NULL THEN 'sealed'
                WHEN t.from_at > now() THEN 'ahead'
                WHEN t.to_at > now() THEN 'current'
                ELSE 'open' END AS state,
           t.imported,
           pg_total_relation_size(to_regclass('flowkeep.' || quote_ident(t.name)))
               ::double precision AS bytes
      FROM flowkeep.time_partition AS t;

COMMENT ON VIEW flowkeep_view.partition
    IS 'partitions by time';
COMMENT ON COLUMN flowkeep_view.partition.parent IS 'table it is a part of';
COMMENT ON COLUMN flowkeep_view.partition.name IS 'its name';
COMMENT ON COLUMN flowkeep_view.partition.from_at IS 'first time in it';
COMMENT ON COLUMN flowkeep_view.partition.to_at IS 'first time after it';
COMMENT ON COLUMN flowkeep_view.partition.state IS 'ahead, current, open (not sealed yet) or sealed';
COMMENT ON COLUMN flowkeep_view.partition.imported IS 'made for an import that kept its times; retention leaves it alone';
COMMENT ON COLUMN flowkeep_view.partition.bytes IS 'bytes on disk, indexes included';

CREATE OR REPLACE VIEW flowkeep_view.housekeeping AS
    SELECT h.task,
           h.done_until,
           h.updated_at
      FROM flowkeep.housekeeping AS h;

COMMENT ON VIEW flowkeep_view.housekeeping
    IS 'how far compacting, summing up and dropping are';
COMMENT ON COLUMN flowkeep_view.housekeeping.task IS 'traffic_summarised, traffic_compacted, hosts_summarised, traffic_1m_dropped';
COMMENT ON COLUMN flowkeep_view.housekeeping.done_until IS 'all before is done';
COMMENT ON COLUMN flowkeep_view.housekeeping.updated_at IS 'when that last changed';

-- What somebody should look at, whoever noticed it; losses are those of a day.  The
-- command `flowkeep status` says the same with advice (cli/status-problems.c).
CREATE OR REPLACE VIEW flowkeep_view.problem AS
    SELECT 'collector' AS kind,
           coalesce(a.collector || ', worker ' || a.worker, 'partitions') AS subject,
           a.problem AS problem,
           NULL::timestamptz AS since_at
      FROM flowkeep.audit_positions() AS a
    UNION ALL
    SELECT 'job', j.job, 'failed: ' || j.last_error, j.failed_at
      FROM flowkeep_view.job AS j
     WHERE j.last_state = 'failed'
    UNION ALL
    SELECT 'mail', o.recipient,
           CASE o.state WHEN 'refused' THEN 'refused for good: ' ELSE 'waits: ' END
           || coalesce(max(o.last_error), 'nobody has tried to send it'),
           min(o.created_at)
      FROM flowkeep.outbox AS o
     WHERE (o.state = 'refused' AND o.created_at > now() - interval '1 day')
        OR (o.state IN ('pending', 'sending')
            AND (o.last_error IS NOT NULL OR o.created_at < now() - interval '15 minutes'))
     GROUP BY o.recipient, o.state
    UNION ALL
    SELECT 'loss',
           coalesce(flowkeep_view.exporter_label(l.exporter_id), 'unknown senders'),
           replace(l.reason, '_', ' ') || ': ' || string_agg(l.count || ' ' || l.unit, ', '
                                                             ORDER BY l.unit),
           min(l.first_at)
      FROM (SELECT x.exporter_id, x.reason, x.unit, sum(x.count) AS count,
                   min(x.minute) AS first_at
              FROM flowkeep.loss AS x
             WHERE x.minute > now() - interval '1 day'
             GROUP BY x.exporter_id, x.reason, x.unit) AS l
     GROUP BY l.exporter_id, l.reason
    UNION ALL
    SELECT 'exporter', e.exporter, 'sends nothing any more', e.last_seen_at
      FROM flowkeep_view.exporter AS e
     WHERE e.state = 'silent' AND e.last_seen_at > now() - interval '7 days'
    UNION ALL
    SELECT 'exporter', e.exporter,
           'its clock is '
           || CASE WHEN s.sec < 7200 THEN s.sec / 60 || ' min'
                   WHEN s.sec < 172800 THEN s.sec / 3600 || ' h'
                   ELSE s.sec / 86400 || ' d' END
           || CASE WHEN e.clock_skew_ms > 0 THEN ' ahead of' ELSE ' behind' END || ' ours',
           e.last_seen_at
      FROM flowkeep_view.exporter AS e
     CROSS JOIN LATERAL (SELECT abs(e.clock_skew_ms) / 1000 AS sec) AS s
     WHERE abs(e.clock_skew_ms) > 60000 AND e.last_seen_at > now() - interval '7 days';

COMMENT ON VIEW flowkeep_view.problem
    IS 'what somebody should look at: collectors, jobs, mail, losses of a day, exporters; no rows when all is well';
COMMENT ON COLUMN flowkeep_view.problem.kind IS 'collector, job, mail, loss or exporter';
COMMENT ON COLUMN flowkeep_view.problem.subject IS 'which one';
COMMENT ON COLUMN flowkeep_view.problem.problem IS 'in words';
COMMENT ON COLUMN flowkeep_view.problem.since_at
    IS 'since when; of a loss: the first of the day; null = not known';

-- What was not taken at all.  Ordinary losses on the way are in flowkeep_view.loss.
CREATE OR REPLACE VIEW flowkeep_view.refusal AS
    SELECT l.minute AS "time",
           coalesce(flowkeep_view.exporter_label(l.exporter_id), 'unknown senders') AS sender,
           l.reason,
           replace(l.class, '_', ' ') AS why,
           l.count,
           l.unit,
           NULL::text AS flow
      FROM flowkeep.loss AS l
     WHERE l.reason IN ('refused', 'malformed')
    UNION ALL
    SELECT r.rejected_at,
           flowkeep_view.exporter_label(r.exporter_id),
           'rejected',
           r.reason || ' (' || r.sqlstate || ')',
           1,
           'flows',
           r.flow
      FROM flowkeep.rejected_flow AS r;

COMMENT ON VIEW flowkeep_view.refusal
    IS 'what was not taken: senders not allowed, what breaks the rules, flows the database refused';
COMMENT ON COLUMN flowkeep_view.refusal."time" IS 'when; the minute, where only that is known';
COMMENT ON COLUMN flowkeep_view.refusal.sender IS 'name of the exporter, or unknown senders';
COMMENT ON COLUMN flowkeep_view.refusal.reason IS 'refused, malformed or rejected (by the database)';
COMMENT ON COLUMN flowkeep_view.refusal.why IS 'which rule, which limit, or what the database said';
COMMENT ON COLUMN flowkeep_view.refusal.count IS 'how many; to be summed up';
COMMENT ON COLUMN flowkeep_view.refusal.unit IS 'of what';
COMMENT ON COLUMN flowkeep_view.refusal.flow IS 'a row that the database refused, as text';
