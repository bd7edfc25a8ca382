-- summary-part.sql: traffic from whatever holds it in the fewest rows
--
-- Why:    one place knows the summaries, their grains, and the rest that is too new.
-- Needs:  0010-summary.sql, name.sql
-- Locks:  none
-- Used:   sql/views; not meant for dashboards
--
-- Each has three parts: full buckets of the grain; the newest five minutes that do not
-- fill one yet; what is newer than the summaries.  No SET search_path: see name.sql.

CREATE OR REPLACE FUNCTION flowkeep_view.traffic_part(
    in_from timestamptz,
    in_to timestamptz,
    in_grain_sec integer)
RETURNS TABLE (start_at timestamptz, exporter_id integer, watched smallint,
               octets double precision, packets double precision, flows double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.start_at, s.exporter_id, s.watched, s.octets, s.packets, s.flows
      FROM flowkeep.traffic_summary AS s
     WHERE s.grain_sec = in_grain_sec
       AND s.start_at >= in_from
       AND s.start_at < least(in_to, date_bin(make_interval(secs => in_grain_sec),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
    UNION ALL
    SELECT s.start_at, s.exporter_id, s.watched, s.octets, s.packets, s.flows
      FROM flowkeep.traffic_summary AS s
     WHERE in_grain_sec > 300
       AND s.grain_sec = 300
       AND s.start_at >= greatest(in_from, date_bin(make_interval(secs => in_grain_sec),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
       AND s.start_at < least(in_to, (SELECT flowkeep_view.summarised_until()))
    UNION ALL
    SELECT t.minute, t.exporter_id, t.watched, t.octets::double precision,
           t.packets::double precision, t.flows::double precision
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= greatest(in_from, (SELECT flowkeep_view.summarised_until()))
       AND t.minute < in_to
$$;

COMMENT ON FUNCTION flowkeep_view.traffic_part
    IS 'parts of traffic by exporter and watched, to be summed up';

CREATE OR REPLACE FUNCTION flowkeep_view.service_part(
    in_from timestamptz,
    in_to timestamptz,
    in_grain_sec integer)
RETURNS TABLE (start_at timestamptz, protocol smallint, service_port integer,
               watched smallint, octets double precision, packets double precision,
               flows double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.start_at, s.protocol, s.service_port, s.watched, s.octets, s.packets, s.flows
      FROM flowkeep.service_summary AS s
     WHERE s.grain_sec = greatest(in_grain_sec, 300)
       AND s.start_at >= in_from
       AND s.start_at < least(in_to, date_bin(
               make_interval(secs => greatest(in_grain_sec, 300)),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
    UNION ALL
    SELECT s.start_at, s.protocol, s.service_port, s.watched, s.octets, s.packets, s.flows
      FROM flowkeep.service_summary AS s
     WHERE in_grain_sec > 300
       AND s.grain_sec = 300
       AND s.start_at >= greatest(in_from, date_bin(make_interval(secs => in_grain_sec),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
       AND s.start_at < least(in_to, (SELECT flowkeep_view.summarised_until()))
    UNION ALL
    SELECT t.minute, t.protocol, t.service_port, t.watched, t.octets::double precision,
           t.packets::double precision, t.flows::double precision
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= greatest(in_from, (SELECT flowkeep_view.summarised_until()))
       AND t.minute < in_to
$$;

COMMENT ON FUNCTION flowkeep_view.service_part
    IS 'parts of traffic by protocol, service and watched, to be summed up';

CREATE OR REPLACE FUNCTION flowkeep_view.interface_part(
    in_from timestamptz,
    in_to timestamptz,
    in_grain_sec integer,
    in_exporter_id integer)
RETURNS TABLE (start_at timestamptz, if_index integer, in_octets double precision,
               out_octets double precision, flows double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.start_at, s.if_index, s.in_octets, s.out_octets, s.flows
      FROM flowkeep.interface_summary AS s
     WHERE s.exporter_id = in_exporter_id
       AND s.grain_sec = greatest(in_grain_sec, 300)
       AND s.start_at >= in_from
       AND s.start_at < least(in_to, date_bin(
               make_interval(secs => greatest(in_grain_sec, 300)),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
    UNION ALL
    SELECT s.start_at, s.if_index, s.in_octets, s.out_octets, s.flows
      FROM flowkeep.interface_summary AS s
     WHERE in_grain_sec > 300
       AND s.exporter_id = in_exporter_id
       AND s.grain_sec = 300
       AND s.start_at >= greatest(in_from, date_bin(make_interval(secs => in_grain_sec),
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
       AND s.start_at < least(in_to, (SELECT flowkeep_view.summarised_until()))
    UNION ALL
    SELECT t.minute, side.if_index,
           CASE WHEN side.is_input THEN t.octets::double precision ELSE 0 END,
           CASE WHEN side.is_input THEN 0 ELSE t.octets::double precision END,
           t.flows::double precision
      FROM flowkeep.traffic_1m AS t
     CROSS JOIN LATERAL (VALUES (t.input_if, true), (t.output_if, false))
                AS side (if_index, is_input)
     WHERE t.minute >= greatest(in_from, (SELECT flowkeep_view.summarised_until()))
       AND t.minute < in_to
       AND t.exporter_id = in_exporter_id
       AND side.if_index IS NOT NULL
$$;

COMMENT ON FUNCTION flowkeep_view.interface_part
    IS 'parts of traffic of an exporter by interface, to be summed up';

-- Traffic by watched: of all exporters (0 among them) from the summary by service, which
-- has the fewest rows; of some, or by the minute, from that by exporter.
CREATE OR REPLACE FUNCTION flowkeep_view.watched_part(
    in_from timestamptz,
    in_to timestamptz,
    in_grain_sec integer,
    in_exporters integer[])
RETURNS TABLE (start_at timestamptz, watched smallint, octets double precision,
               packets double precision, flows double precision)
LANGUAGE sql STABLE
AS $$
    SELECT p.start_at, p.watched, p.octets, p.packets, p.flows
      FROM flowkeep_view.service_part(in_from, in_to, in_grain_sec) AS p
     WHERE 0 = ANY (in_exporters) AND in_grain_sec >= 300
    UNION ALL
    SELECT p.start_at, p.watched, p.octets, p.packets, p.flows
      FROM flowkeep_view.traffic_part(in_from, in_to, in_grain_sec) AS p
     WHERE 0 = ANY (in_exporters) AND in_grain_sec < 300
    UNION ALL
    SELECT p.start_at, p.watched, p.octets, p.packets, p.flows
      FROM flowkeep_view.traffic_part(in_from, in_to, in_grain_sec) AS p
     WHERE NOT 0 = ANY (in_exporters) AND p.exporter_id = ANY (in_exporters)
$$;

COMMENT ON FUNCTION flowkeep_view.watched_part
    IS 'parts of traffic of some exporters by watched, to be summed up';

-- talker_5m for a few hours, hours of talker_summary for some days, then its days.
-- Where these end, talker_5m goes on.
CREATE OR REPLACE FUNCTION flowkeep_view.talker_part(
    in_from timestamptz,
    in_to timestamptz,
    in_kind text)
RETURNS TABLE (start_at timestamptz, key text, octets double precision,
               packets double precision, flows double precision)
LANGUAGE sql STABLE
AS $$
    SELECT s.start_at, s.key, s.octets, s.packets, s.flows
      FROM flowkeep.talker_summary AS s
     WHERE in_to - in_from > interval '15 days'
       AND s.kind = in_kind
       AND s.grain_sec = 86400
       AND s.start_at >= date_bin('1 day', in_from, 'epoch')
       AND s.start_at < least(in_to, date_bin('1 day',
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
    UNION ALL
    SELECT s.start_at, s.key, s.octets, s.packets, s.flows
      FROM flowkeep.talker_summary AS s
     WHERE in_to - in_from > interval '3 hours'
       AND s.kind = in_kind
       AND s.grain_sec = 3600
       AND s.start_at >= CASE
               WHEN in_to - in_from > interval '15 days'
               THEN greatest(in_from, date_bin('1 day',
                                 (SELECT flowkeep_view.summarised_until()), 'epoch'))
               ELSE date_bin('1 hour', in_from, 'epoch')
           END
       AND s.start_at < least(in_to, date_bin('1 hour',
               (SELECT flowkeep_view.summarised_until()), 'epoch'))
    UNION ALL
    SELECT t.start_at, t.key, t.octets::double precision, t.packets::double precision,
           t.flows::double precision
      FROM flowkeep.talker_5m AS t
     WHERE t.kind = in_kind
       AND t.start_at >= CASE
               WHEN in_to - in_from > interval '3 hours'
               THEN greatest(date_bin('1 hour', in_from, 'epoch'), date_bin('1 hour',
                                 (SELECT flowkeep_view.summarised_until()), 'epoch'))
               ELSE date_bin('5 minutes', in_from, 'epoch')
           END
       AND t.start_at < in_to
$$;

COMMENT ON FUNCTION flowkeep_view.talker_part
    IS 'parts of the heaviest talkers of a kind, to be summed up';
