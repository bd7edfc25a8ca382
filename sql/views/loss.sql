-- loss.sql: what was not stored, and why
--
-- Why:    whoever trusts the pictures must see what is missing in them.
-- Needs:  0003-ingest.sql, functions/name.sql
-- Locks:  none
-- Used:   grafana/dashboards

CREATE OR REPLACE VIEW flowkeep_view.loss AS
    SELECT l.minute AS "time",
           l.exporter_id,
           coalesce(flowkeep_view.exporter_label(l.exporter_id), 'collector ' || l.collector)
               AS exporter,
           l.reason,
           l.class,
           l.unit,
           l.count
      FROM flowkeep.loss AS l;

COMMENT ON VIEW flowkeep_view.loss
    IS 'what was not stored, by minute, exporter and reason; to be summed up';
COMMENT ON COLUMN flowkeep_view.loss."time" IS 'the minute';
COMMENT ON COLUMN flowkeep_view.loss.exporter_id IS 'exporter.id; null = of no known exporter';
COMMENT ON COLUMN flowkeep_view.loss.exporter IS 'its name, or the collector''s';
COMMENT ON COLUMN flowkeep_view.loss.reason IS 'sequence_gap, kernel_drop, journal_full, no_template, malformed, refused, rejected';
COMMENT ON COLUMN flowkeep_view.loss.class IS 'more exactly; empty = nothing more is known';
COMMENT ON COLUMN flowkeep_view.loss.unit IS 'what was counted: datagrams, flows, sets, ...';
COMMENT ON COLUMN flowkeep_view.loss.count IS 'how many';

-- One row per minute or more, reason and unit; the rest of a dashboard's interval logic.
CREATE OR REPLACE FUNCTION flowkeep_view.loss_over_time(
    in_from timestamptz,
    in_to timestamptz,
    in_interval_ms bigint,
    in_exporters integer[] DEFAULT '{0}')
RETURNS TABLE ("time" timestamptz, reason text, count double precision)
LANGUAGE sql STABLE
AS $$
    SELECT date_bin(make_interval(secs => greatest(60, ceil(in_interval_ms / 60000.0) * 60)),
                    l.minute, 'epoch'),
           replace(l.reason, '_', ' ') || ' (' || l.unit || ')',
           sum(l.count)::double precision
      FROM flowkeep.loss AS l
     WHERE l.minute >= in_from AND l.minute < in_to
       AND (0 = ANY (in_exporters) OR l.exporter_id = ANY (in_exporters))
     GROUP BY 1, 2
     ORDER BY 1, 2
$$;

COMMENT ON FUNCTION flowkeep_view.loss_over_time
    IS 'what was not stored over time, by reason';
