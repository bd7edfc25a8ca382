#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./run-bench dashboards: how long the panels take on a large database.

Makes up the flows by SQL (tests/grafana/made_up.py), lets the keeper's functions sum
them up and seal the partitions, then runs each query of each dashboard, as Grafana
sends it, over its default range.  With --keep the database stays for another run."""

import argparse
import datetime
import os
import re
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "grafana"), os.path.join(HERE, "..", "harness")]
import board  # noqa: E402
import interpolate  # noqa: E402
import made_up  # noqa: E402
import tables  # noqa: E402
from cluster import Cluster  # noqa: E402
from tables import Table  # noqa: E402

FLOWKEEP = os.path.join(os.environ.get("FLOWKEEP_BUILD", os.path.join(ROOT, "build")),
                        "cli", "flowkeep")
DATABASE = "flowkeep_dashboards"
BUDGET_MS, LIMIT_MS, LOOKUP_LIMIT_MS = 300, 1000, 1000
BEGIN = "<!-- begin: dashboards, written by run-bench -->"
END = "<!-- end: dashboards -->"
# A server as docs/operations.md would have it on this machine; nothing is to survive.
SETTINGS = {"shared_buffers": "4GB", "effective_cache_size": "12GB", "work_mem": "64MB",
            "maintenance_work_mem": "512MB", "max_wal_size": "16GB", "wal_level": "minimal",
            "max_wal_senders": "0", "random_page_cost": "1.1", "jit": "off",
            "effective_io_concurrency": "128",
            "checkpoint_timeout": "30min", "synchronous_commit": "off"}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Session:
    """One psql that stays, as Grafana's connections do."""

    def __init__(self, pg, role=None):
        self.process = subprocess.Popen(
            [os.path.join(pg.bin, "psql"), "-X", "-q", "-A", "-t", "-d",
             pg.conninfo(DATABASE)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.send("\\pset footer off")
        if role:
            self.run(f"SET ROLE {role}; SET timezone = 'UTC';")

    def send(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def run(self, sql):
        """Lines that came, without those of the clock; and milliseconds."""
        self.send(f"\\timing on\n{sql.rstrip(';')};\n\\timing off\n\\echo ---done---")
        lines, took_ms = [], 0.0
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == "---done---":
                break
            found = re.match(r"Time: ([\d.]+) ms", line)
            if found:
                took_ms += float(found.group(1))
            else:
                lines.append(line)
        if any(line.startswith("ERROR:") for line in lines):
            raise RuntimeError("\n".join(lines) + f"\nin: {sql}")
        return lines, took_ms

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def migrate(pg, folder):
    path = os.path.join(folder, "flowkeep.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[collector]\nname = bench\n[journal]\ndirectory = {folder}/journal\n"
                   f"[database]\nconninfo = {pg.conninfo(DATABASE)}\n")
    subprocess.run([FLOWKEEP, "--config", path, "migrate"], check=True,
                   stdout=subprocess.DEVNULL)


def load(pg, statements, n_loaders, what):
    """Statements side by side, each a transaction of its own."""
    waiting = iter(enumerate(statements, 1))
    lock = threading.Lock()
    begin = time.monotonic()
    failures = []

    def work():
        while not failures:
            with lock:
                number, sql = next(waiting, (0, None))
            if sql is None:
                return
            try:
                pg.psql("BEGIN;" + sql + "; COMMIT;", DATABASE)
            except RuntimeError as error:
                failures.append(error)
            if number % 12 == 0:
                say(f"  {number} of {len(statements)} {what} in"
                    f" {time.monotonic() - begin:.0f} s")

    loaders = [threading.Thread(target=work) for _ in range(n_loaders)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    if failures:
        raise failures[0]


def make(pg, options, folder):
    """One day in full, by the keeper's own functions; the days before are copies."""
    traffic = made_up.MadeUp(24, options.flows // options.days // 24, options.exporters,
                             options.hosts, options.days - 1)
    say(f"making up {options.flows} flows of {options.days} days")
    pg.create_database(DATABASE)
    migrate(pg, folder)
    query = lambda sql: pg.psql(sql, DATABASE)  # noqa: E731
    query(traffic.prepare())
    load(pg, [traffic.hour(hour) for hour in range(24)], options.loaders, "hours")
    say("summing up, as the keeper does")
    begin = time.monotonic()
    made_up.settle(query, traffic, seal=False)
    say(f"  {time.monotonic() - begin:.0f} s")
    load(pg, [sql for day in range(1, options.days) for sql in traffic.day_before(day)],
         options.loaders, "copies")
    load(pg, [f"SELECT flowkeep.partition_seal('{row[0]}', true)" for row in query(
        "SELECT name FROM flowkeep.time_partition WHERE parent = 'flow'"
        " AND sealed_at IS NULL AND to_at < now() - interval '5 minutes'")],
         options.loaders, "partitions sealed")
    # Flow was analysed when it was sealed.
    query("VACUUM ANALYZE flowkeep.traffic_summary, flowkeep.service_summary,"
          " flowkeep.interface_summary, flowkeep.talker_summary, flowkeep.host_summary,"
          " flowkeep.contact_hour, flowkeep.talker_5m, flowkeep.traffic_1h")
    query("ANALYZE flowkeep.traffic_1m")
    query(f"CREATE TABLE public.made_up AS SELECT timestamptz '{traffic.end}' AS end_at")


def chosen(session, each, begin, end):
    found = {}
    for variable in board.variables(each):
        rows = []
        if variable["type"] == "query" and not variable.get("includeAll"):
            sql = interpolate.interpolate(variable["query"], begin, end, 60000, found)
            rows = [line.split("|") for line in session.run(sql)[0]]
        found[variable["name"]] = ("postgres" if variable["type"] == "datasource"
                                   else board.chosen(variable, rows))
    return found


def measure(session, sql, rounds):
    """(rows, median ms, longest ms); the first run warms up and counts as longest."""
    rows, times = 0, []
    for _ in range(rounds):
        lines, took = session.run(sql)
        rows = len(lines)
        times.append(took)
    return rows, statistics.median(times), max(times)


def panels(session, end, rounds, only, hours=0):
    over = f"{hours} hours" if hours else "their default range"
    table = Table(f"Panels over {over}, ms", "dashboard: panel", "rows",
                  "median", "longest")
    results = []
    for each in board.load_all():
        if only and only not in each["uid"]:
            continue
        begin = end - datetime.timedelta(seconds=hours * 3600 or board.range_sec(each))
        values = chosen(session, each, begin, end)
        for query in [*board.panel_queries(each), *board.other_queries(each)]:
            rows, median, longest = measure(
                session, query.interpolated(begin, end, values), rounds)
            name = f"{each['uid'].removeprefix('flowkeep-')}: {query.where}"
            results.append((median, longest, name, rows))
            if median > BUDGET_MS:
                say(f"  {name}: {median:.0f} ms")
    for median, longest, name, rows in sorted(results, reverse=True):
        table.add(name, rows, f"{median:.0f}", f"{longest:.0f}")
    over = [name for median, longest, name, _ in results if median > BUDGET_MS]
    slow = [name for median, longest, name, _ in results if longest > LIMIT_MS]
    table.note(f"{len(results)} queries; {len(over)} over {BUDGET_MS} ms at the median,"
               f" {len(slow)} ever over {LIMIT_MS} ms.")
    return table, over + slow


def lookups(session, end, rounds):
    table = Table("Raw flow records of a host over one day, ms", "host", "records", "median",
                  "longest")
    begin = end - datetime.timedelta(days=1)
    slow = []
    for rank in (1, 50, 200):
        host = session.run("SELECT key FROM flowkeep_view.talker("
                           f"'{begin}', '{end}', 'host', 400) WHERE rank = {rank}")[0][0]
        n_flows = session.run("SELECT count(*) FROM flowkeep_view.host_flow("
                              f"'{begin}', '{end}', '{host}')")[0][0]
        _, median, longest = measure(
            session, f"SELECT * FROM flowkeep_view.flow_of('{begin}', '{end}', '{host}')",
            rounds)
        table.add(f"the {rank}. by octets", n_flows, f"{median:.0f}", f"{longest:.0f}")
        if longest > LOOKUP_LIMIT_MS:
            slow.append(host)
    return table, slow


def sizes(session):
    table = Table("Size", "table", "rows, about", "MB", "of it indexes")
    for line in session.run("SELECT name, rows_estimated, bytes / 1e6, index_bytes / 1e6"
                            " FROM flowkeep_view.disk WHERE bytes > 1e6"
                            " ORDER BY bytes DESC")[0]:
        name, rows, megabytes, indexes = line.split("|")
        table.add(name, tables.count(float(rows)), f"{float(megabytes):.0f}",
                  f"{float(indexes):.0f}")
    return table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--flows", type=int, default=100_000_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--exporters", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loaders", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a dashboard's uid")
    parser.add_argument("--hours", type=int, default=0,
                        help="of every panel, instead of its default range")
    parser.add_argument("--keep", metavar="FOLDER",
                        help="the database stays there, and is used if it is there")
    parser.add_argument("--write", action="store_true",
                        help="put the tables into docs/performance.md")
    return parser.parse_args()


def main():
    options = arguments()
    with Cluster(options.keep, SETTINGS) as pg:
        there = pg.value(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")
        if not there or not pg.value("SELECT to_regclass('public.made_up')", DATABASE):
            make(pg, options, pg.directory)
        end = datetime.datetime.fromisoformat(
            pg.value("SELECT to_char(end_at AT TIME ZONE 'UTC',"
                     " 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') FROM public.made_up", DATABASE))
        session = Session(pg, "flowkeep_reader")
        table, over = panels(session, end, options.rounds, options.only,
                             options.hours)
        found = [sizes(session), table]
        if not options.only and not options.hours:
            lookup, slow = lookups(session, end, options.rounds)
            found.append(lookup)
            over += slow
        version = pg.value("SHOW server_version")
        session.close()
    for each in found:
        print(each.text())
    if options.write:
        head = [f"Measured on {datetime.date.today()}:", ""]
        head += [f"- {name}: {value.replace('fsync on', 'jit off')}"
                 for name, value in tables.machine(version) if name != "compiler"]
        text = "\n".join(head) + "\n\n" + "\n".join(each.markdown() for each in found)
        tables.write_between_marks(os.path.join(ROOT, "docs", "performance.md"), text,
                                   BEGIN, END)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
