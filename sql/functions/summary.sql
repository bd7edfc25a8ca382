-- summary.sql: keeps the sums that dashboards draw up to date
--
-- Why:    the rows that dashboards read must be few, and right whatever came late.
-- Needs:  0010-summary.sql
-- Locks:  rows only
-- Used:   sql/functions/compact.sql, which the keeper of the collector calls
--
-- Everything received before housekeeping.done_until of traffic_summarised is in the
-- summaries; readers take what is newer from traffic_1m.  A bucket is always made anew
-- from all its rows: run twice, it is the same.

-- The buckets of 1 and 5 minutes of a range of whole five minutes.
CREATE OR REPLACE FUNCTION flowkeep.summarise_minutes(
    in_from timestamptz,
    in_to timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    five constant interval := interval '5 minutes';
BEGIN
    DELETE FROM flowkeep.traffic_summary AS s
     WHERE s.grain_sec IN (60, 300) AND s.start_at >= in_from AND s.start_at < in_to;
    DELETE FROM flowkeep.service_summary AS s
     WHERE s.grain_sec = 300 AND s.start_at >= in_from AND s.start_at < in_to;
    DELETE FROM flowkeep.interface_summary AS s
     WHERE s.grain_sec = 300 AND s.start_at >= in_from AND s.start_at < in_to;

    INSERT INTO flowkeep.traffic_summary
    SELECT 60, t.minute, t.exporter_id, t.watched,
           sum(t.octets), sum(t.packets), sum(t.flows)
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= in_from AND t.minute < in_to
     GROUP BY t.minute, t.exporter_id, t.watched;

    INSERT INTO flowkeep.traffic_summary
    SELECT 300, date_bin(five, s.start_at, 'epoch'), s.exporter_id, s.watched,
           sum(s.octets), sum(s.packets), sum(s.flows)
      FROM flowkeep.traffic_summary AS s
     WHERE s.grain_sec = 60 AND s.start_at >= in_from AND s.start_at < in_to
     GROUP BY 2, 3, 4;

    INSERT INTO flowkeep.service_summary
    SELECT 300, date_bin(five, t.minute, 'epoch'), t.protocol, t.service_port, t.watched,
           sum(t.octets), sum(t.packets), sum(t.flows)
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= in_from AND t.minute < in_to
     GROUP BY 2, 3, 4, 5;

    -- A flow counts at the interface it came in by and at the one it went out by.
    INSERT INTO flowkeep.interface_summary
    SELECT 300, date_bin(five, t.minute, 'epoch'), t.exporter_id, side.if_index,
           coalesce(sum(t.octets) FILTER (WHERE side.is_input), 0),
           coalesce(sum(t.octets) FILTER (WHERE NOT side.is_input), 0),
           sum(t.flows)
      FROM flowkeep.traffic_1m AS t
     CROSS JOIN LATERAL (VALUES (t.input_if, true), (t.output_if, false))
                AS side (if_index, is_input)
     WHERE t.minute >= in_from AND t.minute < in_to
       AND side.if_index IS NOT NULL
     GROUP BY 2, 3, 4;
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_minutes
    IS 'makes the buckets of 1 and 5 minutes of a range anew';

-- Wider buckets of the summaries out of narrower ones.
CREATE OR REPLACE FUNCTION flowkeep.summarise_wider(
    in_narrow_sec integer,
    in_wide_sec integer,
    in_from timestamptz,
    in_to timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    width constant interval := make_interval(secs => in_wide_sec);
BEGIN
    DELETE FROM flowkeep.traffic_summary AS s
     WHERE s.grain_sec = in_wide_sec AND s.start_at >= in_from AND s.start_at < in_to;
    DELETE FROM flowkeep.service_summary AS s
     WHERE s.grain_sec = in_wide_sec AND s.start_at >= in_from AND s.start_at < in_to;
    DELETE FROM flowkeep.interface_summary AS s
     WHERE s.grain_sec = in_wide_sec AND s.start_at >= in_from AND s.start_at < in_to;

    INSERT INTO flowkeep.traffic_summary
    SELECT in_wide_sec, date_bin(width, s.start_at, 'epoch'), s.exporter_id, s.watched,
           sum(s.octets), sum(s.packets), sum(s.flows)
      FROM flowkeep.traffic_summary AS s
     WHERE s.grain_sec = in_narrow_sec AND s.start_at >= in_from AND s.start_at < in_to
     GROUP BY 2, 3, 4;

    INSERT INTO flowkeep.service_summary
    SELECT in_wide_sec, date_bin(width, s.start_at, 'epoch'), s.protocol,
           s.service_port, s.watched, sum(s.octets), sum(s.packets), sum(s.flows)
      FROM flowkeep.service_summary AS s
     WHERE s.grain_sec = in_narrow_sec AND s.start_at >= in_from AND s.start_at < in_to
     GROUP BY 2, 3, 4, 5;

    INSERT INTO flowkeep.interface_summary
    SELECT in_wide_sec, date_bin(width, s.start_at, 'epoch'), s.exporter_id, s.if_index,
           sum(s.in_octets), sum(s.out_octets), sum(s.flows)
      FROM flowkeep.interface_summary AS s
     WHERE s.grain_sec = in_narrow_sec AND s.start_at >= in_from AND s.start_at < in_to
     GROUP BY 2, 3, 4;
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_wider
    IS 'makes wider buckets of a range anew out of narrower ones';

-- All buckets that end within a range of whole five minutes.
CREATE OR REPLACE FUNCTION flowkeep.summarise(in_from timestamptz, in_to timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hour constant interval := interval '1 hour';
    six constant interval := interval '6 hours';
    from_hour timestamptz := date_bin(hour, in_from, 'epoch');
    to_hour timestamptz := date_bin(hour, in_to, 'epoch');
BEGIN
    PERFORM flowkeep.summarise_minutes(in_from, in_to);
    IF from_hour < to_hour THEN
        PERFORM flowkeep.summarise_wider(300, 3600, from_hour, to_hour);
        PERFORM flowkeep.summarise_wider(3600, 21600, date_bin(six, from_hour, 'epoch'),
                                         date_bin(six, to_hour, 'epoch'));
        PERFORM flowkeep.summarise_talkers(h.at)
           FROM generate_series(from_hour, to_hour - hour, hour) AS h (at);
    END IF;
END
$$;

COMMENT ON FUNCTION flowkeep.summarise
    IS 'makes the summaries of a range anew';

-- One hour that was compacted, from what is exact: the minutes if they are there, the
-- hour itself if the minutes were dropped.
CREATE OR REPLACE FUNCTION flowkeep.summarise_hour(in_hour timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    until constant timestamptz := in_hour + interval '1 hour';
    six constant interval := interval '6 hours';
BEGIN
    IF EXISTS (SELECT FROM flowkeep.traffic_1m AS t
                WHERE t.minute >= in_hour AND t.minute < until) THEN
        PERFORM flowkeep.summarise_minutes(in_hour, until);
        PERFORM flowkeep.summarise_wider(300, 3600, in_hour, until);
    ELSE
        DELETE FROM flowkeep.traffic_summary AS s
         WHERE s.grain_sec = 3600 AND s.start_at = in_hour;
        DELETE FROM flowkeep.service_summary AS s
         WHERE s.grain_sec = 3600 AND s.start_at = in_hour;

        INSERT INTO flowkeep.traffic_summary
        SELECT 3600, t.hour, t.exporter_id, t.watched,
               sum(t.octets), sum(t.packets), sum(t.flows)
          FROM flowkeep.traffic_1h AS t
         WHERE t.hour = in_hour
         GROUP BY t.hour, t.exporter_id, t.watched;

        INSERT INTO flowkeep.service_summary
        SELECT 3600, t.hour, t.protocol, t.service_port, t.watched,
               sum(t.octets), sum(t.packets), sum(t.flows)
          FROM flowkeep.traffic_1h AS t
         WHERE t.hour = in_hour
         GROUP BY t.hour, t.protocol, t.service_port, t.watched;
    END IF;

    -- The six hours around it, if they are over.
    IF date_bin(six, in_hour, 'epoch') + six
       <= (SELECT h.done_until FROM flowkeep.housekeeping AS h
            WHERE h.task = 'traffic_summarised') THEN
        PERFORM flowkeep.summarise_wider(3600, 21600, date_bin(six, in_hour, 'epoch'),
                                         date_bin(six, in_hour, 'epoch') + six);
    END IF;
    PERFORM flowkeep.summarise_talkers(in_hour);
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_hour
    IS 'makes the summaries of one compacted hour anew';

-- The heaviest of each kind in one hour; and of its day, when that is over.
CREATE OR REPLACE FUNCTION flowkeep.summarise_talkers(in_hour timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    day constant interval := interval '1 day';
    day_at constant timestamptz := date_bin(day, in_hour, 'epoch');
BEGIN
    -- Dropped, or not there yet: what was summed up before stays.
    IF NOT EXISTS (SELECT FROM flowkeep.talker_5m AS t
                    WHERE t.start_at >= in_hour
                      AND t.start_at < in_hour + interval '1 hour') THEN
        RETURN;
    END IF;

    DELETE FROM flowkeep.talker_summary AS s
     WHERE s.grain_sec = 3600 AND s.start_at = in_hour
       AND s.kind IN ('host', 'pair', 'port', 'as');
    INSERT INTO flowkeep.talker_summary
    SELECT 3600, in_hour, r.kind, CASE WHEN r.rank <= 200 THEN r.key ELSE 'other' END,
           sum(r.octets), sum(r.packets), sum(r.flows)
      FROM (SELECT t.kind, t.key, sum(t.octets) AS octets, sum(t.packets) AS packets,
                   sum(t.flows) AS flows,
                   row_number() OVER (PARTITION BY t.kind
                                      ORDER BY t.key = 'other', sum(t.octets) DESC)
                       AS rank
              FROM flowkeep.talker_5m AS t
             WHERE t.start_at >= in_hour AND t.start_at < in_hour + interval '1 hour'
             GROUP BY t.kind, t.key) AS r
     GROUP BY 3, 4;

    IF day_at + day > in_hour + interval '1 hour'
       AND NOT EXISTS (SELECT FROM flowkeep.talker_summary AS s
                        WHERE s.kind IN ('host', 'pair', 'port', 'as')
                          AND s.grain_sec = 3600 AND s.start_at >= day_at + day) THEN
        RETURN;
    END IF;

    DELETE FROM flowkeep.talker_summary AS s
     WHERE s.grain_sec = 86400 AND s.start_at = day_at
       AND s.kind IN ('host', 'pair', 'port', 'as');
    INSERT INTO flowkeep.talker_summary
    SELECT 86400, day_at, r.kind, CASE WHEN r.rank <= 200 THEN r.key ELSE 'other' END,
           sum(r.octets), sum(r.packets), sum(r.flows)
      FROM (SELECT s.kind, s.key, sum(s.octets) AS octets, sum(s.packets) AS packets,
                   sum(s.flows) AS flows,
                   row_number() OVER (PARTITION BY s.kind
                                      ORDER BY s.key = 'other', sum(s.octets) DESC)
                       AS rank
              FROM flowkeep.talker_summary AS s
             WHERE s.kind IN ('host', 'pair', 'port', 'as')
               AND s.grain_sec = 3600
               AND s.start_at >= day_at AND s.start_at < day_at + day
             GROUP BY s.kind, s.key) AS r
     GROUP BY 3, 4;
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_talkers
    IS 'the heaviest talkers of one hour and, when it is over, of its day';

-- Contacts by watched host, hour by hour.  Sessions that end late change the hours they
-- span: the last four hours are made anew every ten minutes, the last two days each hour.
CREATE OR REPLACE FUNCTION flowkeep.summarise_hosts(in_from timestamptz, in_to timestamptz)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM flowkeep.host_summary AS s
     WHERE s.hour >= in_from AND s.hour < in_to;
    INSERT INTO flowkeep.host_summary
    SELECT c.hour, c.host, sum(c.out_octets), sum(c.in_octets), sum(c.sessions)
      FROM flowkeep.contact_hour AS c
     WHERE c.hour >= in_from AND c.hour < in_to
     GROUP BY c.hour, c.host;
$$;

COMMENT ON FUNCTION flowkeep.summarise_hosts
    IS 'makes host_summary of a range of hours anew';

CREATE OR REPLACE FUNCTION flowkeep.summarise_hosts_next()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    until constant timestamptz := date_trunc('hour', now());
    done timestamptz;
    done_at timestamptz;
    import_from timestamptz;
    first timestamptz;
BEGIN
    SELECT h.done_until, h.updated_at INTO done, done_at
      FROM flowkeep.housekeeping AS h
     WHERE h.task = 'hosts_summarised';
    SELECT date_trunc('hour', min(b.from_at)) - interval '1 day' INTO import_from
      FROM flowkeep.backfill AS b
     WHERE b.state = 'done' AND b.updated_at > done_at;

    IF done >= until AND done_at > now() - interval '10 minutes'
       AND import_from IS NULL THEN
        RETURN;
    END IF;

    IF done IS NULL THEN
        SELECT min(c.hour) INTO first FROM flowkeep.contact_hour AS c;
        IF first IS NULL THEN
            RETURN;
        END IF;
    END IF;
    PERFORM flowkeep.summarise_hosts(
        least(coalesce(done, first), import_from,
              until - CASE WHEN done >= until THEN interval '4 hours'
                           ELSE interval '2 days' END),
        until);
    INSERT INTO flowkeep.housekeeping AS h (task, done_until)
    VALUES ('hosts_summarised', until)
        ON CONFLICT (task) DO UPDATE
       SET done_until = excluded.done_until, updated_at = clock_timestamp();
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_hosts_next
    IS 'makes host_summary anew where contacts may have changed';

-- Goes on by an hour at most.  Returns how far it is, or null when there is nothing to
-- do.  The caller holds the lock of compact_next().
CREATE OR REPLACE FUNCTION flowkeep.summarise_next()
RETURNS timestamptz
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    five constant interval := interval '5 minutes';
    until constant timestamptz :=
        date_bin(five, least(now(), flowkeep.ingest_safe_at()) - interval '30 seconds',
                 'epoch');
    done timestamptz;
    done_at timestamptz;
    again_from timestamptz;
    first timestamptz;
    next_at timestamptz;
BEGIN
    SELECT h.done_until, h.updated_at INTO done, done_at
      FROM flowkeep.housekeeping AS h
     WHERE h.task = 'traffic_summarised';

    -- What an import or a late worker brought since; hours that were compacted are
    -- told by traffic_late.
    SELECT min(greatest(b.from_at, h.done_until)) INTO again_from
      FROM flowkeep.backfill AS b
      LEFT JOIN flowkeep.housekeeping AS h ON h.task = 'traffic_compacted'
     WHERE b.updated_at > done_at;
    done := least(done, date_bin(five, again_from, 'epoch'));

    IF done >= until THEN
        RETURN NULL;
    END IF;

    SELECT date_bin(five, min(t.minute), 'epoch') INTO first
      FROM flowkeep.traffic_1m AS t
     WHERE t.minute >= coalesce(done, '-infinity');
    done := least(first, until);
    IF done IS NULL THEN
        done := until;
    END IF;

    next_at := least(date_trunc('hour', done) + interval '1 hour', until);
    IF done < next_at THEN
        PERFORM flowkeep.summarise(done, next_at);
    END IF;

    INSERT INTO flowkeep.housekeeping AS h (task, done_until)
    VALUES ('traffic_summarised', next_at)
        ON CONFLICT (task) DO UPDATE
       SET done_until = excluded.done_until, updated_at = clock_timestamp();
    RETURN next_at;
END
$$;

COMMENT ON FUNCTION flowkeep.summarise_next
    IS 'brings the summaries of traffic up to date, an hour at a time';

-- Deletes a bounded number of rows of the summaries that are older than what is kept.
CREATE OR REPLACE FUNCTION flowkeep.summary_drop_rows(in_keep interval)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch constant integer := 50000;
    minutes constant interval := interval '4 days';
    fives constant interval := interval '36 days';
    gone bigint;
    total bigint := 0;
BEGIN
    DELETE FROM flowkeep.traffic_summary AS s
     WHERE s.ctid = ANY (ARRAY(
               SELECT o.ctid FROM flowkeep.traffic_summary AS o
                WHERE (o.grain_sec = 60 AND o.start_at < now() - least(minutes, in_keep))
                   OR (o.grain_sec = 300 AND o.start_at < now() - least(fives, in_keep))
                   OR (o.grain_sec IN (3600, 21600) AND o.start_at < now() - in_keep)
                LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    DELETE FROM flowkeep.service_summary AS s
     WHERE s.ctid = ANY (ARRAY(
               SELECT o.ctid FROM flowkeep.service_summary AS o
                WHERE (o.grain_sec = 300 AND o.start_at < now() - least(fives, in_keep))
                   OR (o.grain_sec IN (3600, 21600) AND o.start_at < now() - in_keep)
                LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    DELETE FROM flowkeep.interface_summary AS s
     WHERE s.ctid = ANY (ARRAY(
               SELECT o.ctid FROM flowkeep.interface_summary AS o
                WHERE (o.grain_sec = 300 AND o.start_at < now() - least(fives, in_keep))
                   OR (o.grain_sec IN (3600, 21600) AND o.start_at < now() - in_keep)
                LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    DELETE FROM flowkeep.talker_summary AS s
     WHERE s.ctid = ANY (ARRAY(
               SELECT o.ctid FROM flowkeep.talker_summary AS o
                WHERE o.kind IN ('host', 'pair', 'port', 'as')
                  AND ((o.grain_sec = 3600 AND o.start_at < now() - least(fives, in_keep))
                       OR (o.grain_sec = 86400 AND o.start_at < now() - in_keep))
                LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;

    DELETE FROM flowkeep.host_summary AS s
     WHERE s.ctid = ANY (ARRAY(SELECT o.ctid FROM flowkeep.host_summary AS o
                                WHERE o.hour < now() - in_keep LIMIT batch));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN total + gone;
END
$$;

COMMENT ON FUNCTION flowkeep.summary_drop_rows
    IS 'deletes old rows of the summaries, some at a time';
