# SPDX-License-Identifier: Apache-2.0
"""Made-up traffic of any size, written by SQL: as if collectors and jobs had stored it.

    traffic = MadeUp(hours=168, flows_per_hour=600_000, exporters=200, hosts=50_000)
    run(query, traffic)

Two fifths of the hosts are inside; the first 512 of them at most are watched.  Each
inside host talks to some 300 outside, a few much and most little; one flow in 500 ends
on an exporter.  Sums (traffic_1m, talker_5m, contact_hour) are made of the flows
themselves, so they agree.  Times end now."""

import datetime

SERVICES = ("443,443,443,443,443,443,80,80,80,53,53,53,53,123,25,22,22,3389,445,445,"
            "993,587,161,389,636,5060,8080,3306,5432,1433,0,0,0,0,0,0")
UDP = "53,123,161,5060"
N_WATCHED = 512
DETAILED_HOURS = 4  # of talker_5m; before that only its sums by hour

COPIED = [("traffic_1m", "minute"), ("traffic_1h", "hour"), ("contact_hour", "hour"),
          ("host_summary", "hour"), ("traffic_summary", "start_at"),
          ("service_summary", "start_at"), ("interface_summary", "start_at"),
          ("talker_summary", "start_at")]
COPY = """
DO $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(CASE WHEN attname IN ('{column}', 'start_at', 'end_at')
                           THEN attname || ' - interval ''{day} days''' ELSE attname END,
                      ', ' ORDER BY attnum) INTO columns
      FROM pg_attribute
     WHERE attrelid = 'flowkeep.{table}'::regclass AND attnum > 0 AND NOT attisdropped;
    EXECUTE 'INSERT INTO flowkeep.{table} SELECT ' || columns || ' FROM flowkeep.{table}'
            ' WHERE {column} >= ''{first}'' AND {column} < ''{until}''';
END
$$"""


class MadeUp:
    def __init__(self, hours, flows_per_hour, exporters, hosts, days_before=0, seed=0.5):
        self.hours = hours
        self.days_before = days_before
        self.flows_per_hour = flows_per_hour
        self.exporters = exporters
        self.inside = hosts * 2 // 5
        self.outside = hosts - self.inside
        self.seed = seed
        self.end = datetime.datetime.now(datetime.timezone.utc)
        self.first = (self.end.replace(minute=0, second=0, microsecond=0)
                      - datetime.timedelta(hours=hours - 1))

        self.oldest = self.first - datetime.timedelta(days=days_before)

    def at(self, hour):
        return self.first + datetime.timedelta(hours=hour)

    def share(self, hour):
        """Of the hour that is over; the last one is not full."""
        begin = self.at(hour)
        return min(1.0, (self.end - begin).total_seconds() / 3600)

    def prepare(self):
        return f"""
        INSERT INTO flowkeep.exporter (address, domain, name, version, first_seen_at,
                                       last_seen_at, sampling, sampling_source,
                                       clock_skew_ms)
        SELECT inet '10.255.0.0' + n, n % 3, 'router-' || to_char(n, 'FM000'),
               (ARRAY[5, 9, 10])[n % 3 + 1], '{self.oldest}', '{self.end}',
               CASE WHEN n % 10 = 0 THEN 100 END, CASE WHEN n % 10 = 0 THEN 'exporter' END,
               n * 7 % 50 - 25
          FROM generate_series(1, {self.exporters}) AS n;
        INSERT INTO flowkeep.interface (exporter_id, if_index, name, description, speed_bps,
                                        learnt_at)
        SELECT e.id, n, 'Gi0/' || n, CASE n WHEN 1 THEN 'uplink' END, 1e9, '{self.oldest}'
          FROM flowkeep.exporter AS e CROSS JOIN generate_series(1, 6) AS n;
        INSERT INTO flowkeep.exporter_template (collector, worker, exporter_id, version,
                                                template_id, peer_port, is_options, body,
                                                learnt_at)
        SELECT 'made-up', 0, e.id, e.version, 256 + n, 2055, n = 2,
               '\\x01000004000800040007000200010004', '{self.end}'
          FROM flowkeep.exporter AS e CROSS JOIN generate_series(0, 2) AS n
         WHERE e.version > 5;
        INSERT INTO flowkeep.watch_group VALUES ('hq-servers', 'servers', now()),
                                                ('hq-desks', 'desks', now());
        INSERT INTO flowkeep.watch_network VALUES ('hq-servers', '10.0.0.0/24'),
                                                  ('hq-desks', '10.0.1.0/24');
        INSERT INTO flowkeep.ingest_position (collector, worker, journal_id, segment,
               segment_offset, received_at, backlog_bytes, rows_stored, batches, updated_at)
        VALUES ('made-up', 0, 'none', 1, 1, '{self.end}', 0,
                {self.hours * self.flows_per_hour}, {self.hours * 3600}, '{self.end}');
        SELECT flowkeep.partition_ensure('flow', '{self.oldest}',
                   '{self.end}'::timestamptz + interval '2 hours', '1 hour'),
               flowkeep.partition_ensure('traffic_1m', '{self.oldest}', '{self.end}', '1 day'),
               flowkeep.partition_ensure('talker_5m', '{self.oldest}', '{self.end}', '1 day'),
               flowkeep.partition_ensure('contact_hour', '{self.oldest}', '{self.end}',
                                         '1 day');
        """

    def flows(self, hour):
        """Rows of flow; the server has the watched rows already classified."""
        share = self.share(hour)
        n_flows = max(1, int(self.flows_per_hour * share))
        return f"""
        SELECT setseed({(self.seed + hour / 1000) % 1});
        INSERT INTO flowkeep.flow (received_at, start_at, end_at, exporter_id, input_if,
               output_if, src, dst, src_port, dst_port, protocol, tcp_flags, octets, packets,
               watched)
        SELECT r.at, r.at - r.lasted * interval '1 s', r.at - interval '20 ms', r.exporter_id,
               CASE WHEN r.is_out THEN r.interface ELSE 1 END,
               CASE WHEN r.is_out THEN 1 ELSE r.interface END,
               CASE WHEN r.is_out THEN r.host ELSE r.peer END,
               CASE WHEN r.is_out THEN r.peer ELSE r.host END,
               CASE WHEN r.is_out THEN r.client_port ELSE r.port END,
               CASE WHEN r.is_out THEN r.port ELSE r.client_port END,
               CASE WHEN r.port IN ({UDP}) THEN 17 ELSE 6 END,
               CASE WHEN r.port IN ({UDP}) THEN NULL ELSE 27 END,
               r.octets, 1 + r.octets / 700,
               CASE WHEN r.host_number >= {N_WATCHED} THEN 0 WHEN r.is_out THEN 1 ELSE 2 END
          FROM (SELECT q.at, q.exporter_id, q.host_number, q.is_out, q.interface, q.lasted,
                       q.octets, 32768 + q.ephemeral AS client_port,
                       CASE q.port WHEN 0 THEN 10240 + q.ephemeral / 2 ELSE q.port END
                           AS port,
                       inet '10.0.0.0' + q.host_number AS host,
                       CASE WHEN q.dice < 0.002
                            THEN inet '10.255.0.0' + 1 + q.ephemeral % {self.exporters}
                            ELSE inet '100.64.0.0' + (q.host_number * 7919 + q.peer)
                                                     % {self.outside}
                       END AS peer
                  FROM (SELECT timestamptz '{self.at(hour)}' + n * {3600.0 * share / n_flows}
                                   * interval '1 s' AS at,
                               1 + floor({self.exporters} * random() ^ 1.5)::integer
                                   AS exporter_id,
                               floor({self.inside} * random() ^ 2)::bigint AS host_number,
                               floor(300 * random() ^ 2)::bigint AS peer,
                               random() < 0.5 AS is_out,
                               2 + floor(5 * random())::integer AS interface,
                               random() * 30 AS lasted,
                               (40 + 10 ^ (5.5 * random()))::bigint AS octets,
                               floor(28000 * random())::integer AS ephemeral,
                               random() AS dice,
                               (ARRAY[{SERVICES}])[1 + floor(36 * random())::integer] AS port
                          FROM generate_series(0, {n_flows - 1}) AS n) AS q) AS r;
        """

    def range(self, hour):
        return (f"received_at >= '{self.at(hour)}' AND"
                f" received_at < '{self.at(hour + 1)}'")

    def sums(self, hour):
        known = "CASE WHEN least(src_port, dst_port) < 10240" \
                " THEN least(src_port, dst_port) ELSE 0 END"
        return f"""
        INSERT INTO flowkeep.traffic_1m
        SELECT date_trunc('minute', received_at), exporter_id, input_if, output_if, protocol,
               {known}, watched, sum(octets), sum(packets), count(*)
          FROM flowkeep.flow
         WHERE {self.range(hour)}
         GROUP BY 1, 2, 3, 4, 5, 6, 7;
        INSERT INTO flowkeep.contact_hour (hour, host, peer, service_port, protocol,
               initiator, sessions, records, out_octets, in_octets, out_packets, in_packets,
               longest_ms, exporter_id)
        SELECT '{self.at(hour)}', CASE watched WHEN 1 THEN src ELSE dst END,
               CASE watched WHEN 1 THEN dst ELSE src END, {known}, protocol, 1, count(*),
               count(*), coalesce(sum(octets) FILTER (WHERE watched = 1), 0),
               coalesce(sum(octets) FILTER (WHERE watched = 2), 0),
               coalesce(sum(packets) FILTER (WHERE watched = 1), 0),
               coalesce(sum(packets) FILTER (WHERE watched = 2), 0),
               max(extract(epoch FROM end_at - start_at) * 1000)::bigint, min(exporter_id)
          FROM flowkeep.flow
         WHERE {self.range(hour)} AND watched > 0
         GROUP BY 2, 3, 4, 5;
        {self.talkers(hour)}
        """

    def talkers(self, hour):
        detailed = hour >= self.hours - DETAILED_HOURS
        bucket = "date_trunc('minute', f.received_at)" if detailed else "f.hour"
        keep = 500 if detailed else 200
        into = ("flowkeep.talker_5m SELECT date_bin('5 minutes', r.bucket, 'epoch'), r.kind,"
                if detailed else "flowkeep.talker_summary SELECT 3600, r.bucket, r.kind,")
        error = ", 0" if detailed else ""
        return f"""
        WITH f AS MATERIALIZED (
            SELECT {bucket} AS bucket, f.src, f.dst, f.src_port, f.dst_port, f.protocol,
                   sum(f.octets) AS octets, sum(f.packets) AS packets, count(*) AS flows
              FROM (SELECT *, timestamptz '{self.at(hour)}' AS hour FROM flowkeep.flow) AS f
             WHERE {self.range(hour)}
             GROUP BY 1, 2, 3, 4, 5, 6
        ), k AS (
            SELECT bucket, 'host' AS kind, host(src) AS key, octets, packets, flows FROM f
            UNION ALL SELECT bucket, 'host', host(dst), octets, packets, flows FROM f
            UNION ALL SELECT bucket, 'pair', host(least(src, dst)) || ' ' ||
                             host(greatest(src, dst)), octets, packets, flows FROM f
            UNION ALL SELECT bucket, 'port', CASE protocol WHEN 17 THEN 'udp/' ELSE 'tcp/' END
                             || least(src_port, dst_port), octets, packets, flows FROM f
            UNION ALL SELECT bucket, 'as', (64500 + hashtext(host(greatest(src, dst))) % 50)
                             ::text, octets, packets, flows FROM f
        ), r AS (
            SELECT bucket, kind, key, sum(octets) AS octets, sum(packets) AS packets,
                   sum(flows) AS flows,
                   row_number() OVER (PARTITION BY bucket, kind ORDER BY sum(octets) DESC)
                       AS rank
              FROM k GROUP BY 1, 2, 3
        )
        INSERT INTO {into} CASE WHEN r.rank <= {keep} THEN r.key ELSE 'other' END,
               sum(r.octets), sum(r.packets), sum(r.flows){error}
          FROM r GROUP BY r.bucket, r.kind, 3{' + 1' if not detailed else ''};
        """.replace("GROUP BY r.bucket, r.kind, 3 + 1", "GROUP BY r.bucket, r.kind, 4")

    def hour(self, hour):
        return self.flows(hour) + self.sums(hour)

    def day_before(self, day):
        """Statements that write the last 24 hours once more, so many days earlier, with
        all that was made of them: faster than making them anew."""
        first = self.hours - 24
        return [COPY.format(table="flow", column="received_at", day=day,
                            first=self.at(hour), until=self.at(hour + 1))
                for hour in range(first, self.hours)] + [
            COPY.format(table=table, column=column, day=day, first=self.at(first),
                        until=self.at(self.hours)) for table, column in COPIED]

    def finish(self):
        """Then call flowkeep.compact_next() until it returns null, and seal."""
        days = f"generate_series(date_trunc('day', timestamptz '{self.oldest}')," \
               f" '{self.end}', '1 day') AS d (day)"
        return f"""
        INSERT INTO flowkeep.loss (minute, collector, exporter_id, reason, class, unit, count)
        SELECT '{self.end}'::timestamptz - n * interval '7 minutes', 'made-up',
               1 + n % {self.exporters}, (ARRAY['sequence_gap', 'no_template'])[1 + n % 2], '',
               (ARRAY['flows', 'sets'])[1 + n % 2], 1 + n % 9
          FROM generate_series(1, 200) AS n;
        INSERT INTO flowkeep.exporter_timeout (exporter_id, active_timeout_sec, evidence,
                                               state)
        SELECT id, 60, 100, '' FROM flowkeep.exporter;
        INSERT INTO flowkeep.job_run (job, started_at, ended_at, until_at, rows_read,
                                      findings, error)
        SELECT j.job, '{self.end}'::timestamptz - n * interval '10 minutes',
               '{self.end}'::timestamptz - n * interval '10 minutes'
                   + (1 + n % 5) * interval '300 ms',
               '{self.end}'::timestamptz - n * interval '10 minutes' - interval '40 s',
               1000 * n, n % 3, CASE WHEN n % 40 = 0 THEN 'connection lost' END
          FROM generate_series(0, 140) AS n
         CROSS JOIN (VALUES ('session'), ('beacon'), ('exfil'), ('mail')) AS j (job);
        INSERT INTO flowkeep.periodic_day
        SELECT d.day::date, inet '10.0.0.0' + n, '100.64.1.1', 123, 17, 1, 64
          FROM {days} CROSS JOIN generate_series(1, 5) AS n;
        INSERT INTO flowkeep.rejected_flow (received_at, exporter_id, collector, rejected_at,
                                            sqlstate, reason, flow)
        VALUES ('{self.end}', 1, 'made-up', '{self.end}'::timestamptz - interval '1 hour',
                '22003', 'bigint out of range', 'octets=99999999999999999999');
        """

    def incidents(self, n_incidents=6):
        """Beacons and exfiltrations as the jobs would raise them, and what hangs on
        them."""
        from_ = f"'{self.end}'::timestamptz - interval '24 hours'"
        return f"""
        INSERT INTO flowkeep.mute (kind, host_network, until_at, reason, who)
        VALUES ('exfil', '10.0.1.0/24', '{self.end}'::timestamptz + interval '30 days',
                'backup of desks', 'operator');
        INSERT INTO flowkeep.alert (kind, rule, host, host_group, peer, peer_network,
               service_port, protocol, initiator, state, severity, score, magnitude,
               first_contact_at, last_contact_at, opened_at, found_at,
               resolved_at, title, explanation, evidence, mute_id)
        SELECT k.kind, k.rule, p.host, 'hq-servers', p.peer, p.peer::cidr, 443, 6, 1, k.state,
               k.severity, 95 - 5 * n, 280, {from_}, '{self.end}',
               {from_} + interval '2 hours', '{self.end}',
               CASE k.state WHEN 'resolved' THEN '{self.end}'::timestamptz END,
               host(p.host) || ' -> ' || host(p.peer) || ':443 every 300 s',
               'It calls every 300 s (jitter about 20 %), 280 contacts in 24 h.',
               jsonb_build_object(
                   'from', to_char({from_}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'to', to_char('{self.end}'::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'rule', k.rule,
                   'terms', '[{{"name": "regularity", "points": 40, "max": 45, "why": "a clock"}},
                              {{"name": "rarity", "points": 20, "max": 20, "why": "nobody else"}}]'
                            ::jsonb,
                   'numbers', '{{"period_sec": 300.1, "lv": 0.02}}'::jsonb,
                   'starts_ms', (SELECT jsonb_agg(300000 * i + i * 7919 % 20000)
                                   FROM generate_series(0, 279) AS i),
                   'octets', (SELECT jsonb_agg(340 + i % 9)
                                FROM generate_series(0, 279) AS i),
                   'hours', (SELECT jsonb_agg(jsonb_build_object(
                                        'hour', to_char({from_} + i * interval '1 hour',
                                                        'YYYY-MM-DD"T"HH24:00:00"Z"'),
                                        'out', 4000 + i * 10, 'in', 9000, 'low', 100,
                                        'high', 3000))
                               FROM generate_series(0, 23) AS i)),
               CASE k.state WHEN 'muted' THEN 1 END
          FROM generate_series(1, {n_incidents}) AS n
         CROSS JOIN LATERAL (SELECT inet '10.0.0.0' + n - 1 AS host, inet '100.64.0.0'
                                    + (n - 1) * 7919 % {self.outside} AS peer) AS p
         CROSS JOIN LATERAL (VALUES
               (1, 'beacon', 'beacon', 'open', 'mail'), (2, 'exfil', 'burst', 'open', 'mail'),
               (3, 'exfil', 'drip', 'muted', 'digest'),
               (4, 'beacon', 'beacon', 'open', 'digest'),
               (5, 'exfil', 'channel', 'resolved', 'mail'),
               (0, 'beacon', 'beacon', 'acknowledged', 'listed'))
               AS k (nth, kind, rule, state, severity)
         WHERE k.nth = n % 6;
        INSERT INTO flowkeep.alert_event (alert_id, at, what, tell, severity, score,
                                          magnitude, explanation, composed)
        SELECT a.id, a.opened_at, 'opened', true, a.severity, a.score, 28, 'It calls.', true
          FROM flowkeep.alert AS a
        UNION ALL
        SELECT a.id, a.found_at, 'grew', true, a.severity, a.score, 280, 'Still.', true
          FROM flowkeep.alert AS a;
        INSERT INTO flowkeep.outbox (message_id, kind, alert_id, alert_event_id, recipient,
               address, subject, message, state, attempts, next_attempt_at, last_error,
               created_at, sent_at)
        SELECT e.id || '@made-up', 'alert', e.alert_id, e.id, 'soc', 'soc@example.org',
               'incident ' || e.alert_id, '',
               CASE WHEN e.id % 4 = 0 THEN 'pending' ELSE 'sent' END, 1, e.at,
               CASE WHEN e.id % 4 = 0 THEN '451 try again later' END, e.at,
               CASE WHEN e.id % 4 > 0 THEN e.at + interval '2 s' END
          FROM flowkeep.alert_event AS e;
        INSERT INTO flowkeep.alert_finding
        SELECT a.id, a.rule, a.peer_network, a.service_port, a.severity, a.score,
               a.magnitude, a.magnitude, a.found_at, a.explanation
          FROM flowkeep.alert AS a;
        INSERT INTO flowkeep.beacon_group (host, peer, peer_network, service_port, protocol,
               initiator, contacts, from_at, to_at, first_at, last_at, period_sec,
               jitter_pct, lv, regularity, octets_median, octets_spread_pct, hosts_of_peer,
               pair_first_at, score, severity, terms, explanation, scored_at, sparse)
        SELECT inet '10.0.0.10' + n, inet '100.64.1.0' + n, (inet '100.64.1.0' + n)::cidr,
               443, 6, 1, 280, {from_}, '{self.end}', {from_}, '{self.end}', 60 * n, n, 0.05 * n,
               3.0 / n, 340, 1, n, '{self.first}', greatest(5, 95 - 5 * n),
               CASE WHEN n < 5 THEN 'mail' WHEN n < 10 THEN 'digest' ELSE 'listed' END, '[]',
               'It calls every so often.', '{self.end}', n % 7 = 0
          FROM generate_series(1, 40) AS n;
        INSERT INTO flowkeep.blind_spot
        VALUES ('beacon', 'router-010', 10, 'no beacon detection on this exporter: sampled 1:100',
                '{self.first}', '{self.end}');
        """


def run(query, traffic, say=lambda text: None):
    """All of it, through @query(sql), which returns rows."""
    query(traffic.prepare())
    for hour in range(traffic.hours):
        query(traffic.hour(hour))
        say(f"hour {hour + 1} of {traffic.hours}")
    settle(query, traffic)


def settle(query, traffic, seal=True):
    """What jobs and keeper make of it; @seal: partitions of flow that are over."""
    query(traffic.finish() + traffic.incidents())
    while query("SELECT flowkeep.compact_next() IS NOT NULL")[0][0] == "t":
        pass
    while seal and query("SELECT flowkeep.partition_seal_next(true) IS NOT NULL")[0][0] == "t":
        pass
