#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every query of the dashboards, as Grafana sends it: rows, columns and types that the
panel can draw, in time.

On two databases: made-up traffic, where every table has rows; and the demo, a day at
headquarters that flowgen plays and that went through collector and jobs."""

import datetime
import math
import os
import re
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import board  # noqa: E402
import interpolate  # noqa: E402
import made_up  # noqa: E402
import mailbox  # noqa: E402
import tap  # noqa: E402
from analytics import Watched  # noqa: E402
from daemon import FLOWGEN, ROOT, Collector, missing  # noqa: E402

NUMBERS = {"smallint", "integer", "bigint", "real", "double precision", "numeric"}
TIMES = {"timestamp with time zone", "timestamp without time zone", "date"}
TEXTS = {"text", "character varying"}
BUDGET_SEC = 1.0  # of any query on this little data, on a busy machine
DEMO_DAYS_BEFORE = 3
DEMO_JOBS = ("session", "baseline", "beacon", "exfil", "mail")
DEMO = os.path.join(ROOT, "tests", "demo")
RANGES_HOURS = (1, 24 * 7, 24 * 90)  # beside the default one: these must not fail


class Session:
    """psql as a reader, one query at a time."""

    def __init__(self, collector):
        self.collector = collector
        self.psql = os.path.join(collector.pg.bin, "psql")

    def run(self, text):
        done = subprocess.run(
            [self.psql, "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-v",
             "ON_ERROR_STOP=1", "-d", self.collector.pg.conninfo(self.collector.database),
             "-f", "-"],
            input="SET ROLE flowkeep_reader; SET timezone = 'UTC';\n" + text, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise AssertionError(f"{done.stderr.strip()}\nin: {text}")
        out = done.stdout.rstrip("\n")
        return [row.split("\x1f") for row in out.split("\x1e")] if out else []

    def columns(self, sql):
        """(name, type) of each column."""
        return [tuple(row[:2]) for row in self.run(f"{sql} \\gdesc")]


def timed_rows(session, sql):
    """Rows, and the least seconds of three runs at most: others use this machine too."""
    least = math.inf
    for _ in range(3):
        begin = time.monotonic()
        rows = session.run(sql + ";")
        least = min(least, time.monotonic() - begin)
        if least < BUDGET_SEC:
            break
    return rows, least


class OnDatabase(unittest.TestCase):
    """With a database; fill() makes it and says when its data ends."""

    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.end = cls.fill()
        cls.c.sql("ANALYZE")
        cls.session = Session(cls.c)
        cls.boards = board.load_all()
        cls.chosen = {each["uid"]: cls.choose(each) for each in cls.boards}

    @classmethod
    def window(cls, each, hours=None):
        sec = hours * 3600 if hours else board.range_sec(each)
        return cls.end - datetime.timedelta(seconds=sec), cls.end

    @classmethod
    def choose(cls, each):
        """Values of the variables when the dashboard opens; in order, since one may
        use those before it."""
        found = {}
        for variable in board.variables(each):
            rows = []
            if variable["type"] == "query" and not variable.get("includeAll"):
                sql = interpolate.interpolate(variable["query"], *cls.window(each), 60000,
                                              found)
                rows = cls.session.run(sql + ";")
            found[variable["name"]] = ("postgres" if variable["type"] == "datasource"
                                       else board.chosen(variable, rows))
        return found

    def each_query(self):
        for each in self.boards:
            for query in [*board.panel_queries(each), *board.other_queries(each)]:
                sql = query.interpolated(*self.window(each), self.chosen[each["uid"]])
                yield each, query, sql

    def check_rows(self):
        for _, query, sql in self.each_query():
            with self.subTest(query=query.name()):
                rows, seconds = timed_rows(self.session, sql)
                self.assertLess(seconds, BUDGET_SEC, sql)
                self.assertTrue(any(cell for row in rows for cell in row[1:] or row),
                                f"no rows of {sql}")


class Demo(OnDatabase):
    """What ./quickstart fills, with fewer days before."""

    @classmethod
    def fill(cls):
        if mailbox.missing():
            raise unittest.SkipTest(mailbox.missing())
        box = mailbox.Mailbox(security="none", login=False)
        cls.addClassCleanup(box.__exit__, None, None, None)
        box.start()
        cls.c = Watched("dashboards-demo", settings={
            "exporter edge": {"address": "127.1.0.1"},
            "smtp": {"server": "127.0.0.1", "port": box.port, "security": "none"},
            "mail": {"from": "flowkeep@example.org"},
            "recipient you": {"address": "you@example.org", "digest": "false"}})
        cls.addClassCleanup(cls.c.close)
        cls.c.__enter__()
        subprocess.run([os.path.join(DEMO, "play-day"), FLOWGEN, str(DEMO_DAYS_BEFORE),
                        cls.c.folder], check=True, stdout=subprocess.DEVNULL)
        cls.c.flowkeep("replay", "--keep-times",
                       *(os.path.join(cls.c.folder, f"{name}.pcap")
                         for name in ("day", "branch")))
        cls.c.flowkeep("mute", "--kind", "exfil", "--peer", "10.30.0.9", "--for", "365d",
                       "--reason", "the nightly backup of all servers")
        cls.c.start()
        subprocess.run([os.path.join(DEMO, "send-demo"), str(cls.c.port), str(cls.c.port),
                        os.path.join(DEMO, "nfreplay.pcap")],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([FLOWGEN, "play", "--with-as", "--speed", "0", "--target",
                        f"127.0.0.1:{cls.c.port}", os.path.join(DEMO, "minutes.scenario")],
                       check=True, stdout=subprocess.DEVNULL)
        cls.c.wait_idle()
        for job in DEMO_JOBS:
            cls.c.job(job)
        cls.subjects = [message["Subject"] for message in box.messages()]
        while cls.c.value("SELECT flowkeep.compact_next() IS NOT NULL") == "t":
            pass
        return datetime.datetime.now(datetime.timezone.utc)

    def test_no_panel_is_empty_on_the_demo(self):
        self.check_rows()

    def test_the_demo_mails_its_two_secrets_and_nothing_else(self):
        self.assertEqual(len(self.subjects), 2, self.subjects)
        self.assertEqual(sorted(self.c.sql("SELECT kind, host(host) FROM flowkeep.alert"
                                           " WHERE severity = 'mail'")),
                         [["beacon", "10.20.0.17"], ["exfil", "10.20.0.22"]])


class Queries(OnDatabase):
    @classmethod
    def fill(cls):
        cls.c = Collector("dashboards")
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()
        traffic = made_up.MadeUp(hours=30, flows_per_hour=3000, exporters=12, hosts=3000)
        made_up.run(cls.c.sql, traffic)
        return traffic.end

    def test_every_variable_has_a_value(self):
        for uid, values in self.chosen.items():
            with self.subTest(board=uid):
                self.assertEqual([name for name, value in values.items() if not value], [])

    def test_nothing_is_left_to_replace(self):
        for _, query, sql in self.each_query():
            with self.subTest(query=query.name()):
                self.assertNotRegex(sql, r"\$|\[\[")

    def test_every_query_has_rows_in_time(self):
        self.check_rows()

    def test_columns_are_what_the_format_wants(self):
        for _, query, sql in self.each_query():
            with self.subTest(query=query.name()):
                columns = self.session.columns(sql)
                names = [name for name, _ in columns]
                types = dict(columns)
                self.assertEqual(len(set(names)), len(names), "a column twice")
                self.assertNotIn("?column?", names)
                for name, kind in columns:
                    self.assertIn(kind.split("(")[0], NUMBERS | TIMES | TEXTS | {"boolean"},
                                  f"{name}: Grafana shows {kind} as text at best")
                if query.format == "time_series":
                    self.check_series(sql, names, types)
                if query.kind == "annotation":
                    self.assertEqual(names, ["time", "timeend", "text", "tags"])
                if query.kind == "variable":
                    self.assertLessEqual(len(names), 2)
                if query.kind == "stat":
                    self.assertLessEqual(set(types.values()), NUMBERS)

    def check_series(self, sql, names, types):
        self.assertEqual(names[0], "time")
        self.assertIn(types["time"], TIMES)
        texts = [name for name in names[1:] if types[name] in TEXTS]
        self.assertIn(texts, ([], ["metric"]), "a label that spoils the name of the series")
        if texts:
            self.assertEqual(len(names), 3, "time, metric and one value")
        self.assertTrue([name for name in names[1:] if types[name] in NUMBERS])
        # The plugin makes wide series of long ones only when they come in order.
        times = [row[0] for row in self.session.run(sql + ";")]
        self.assertEqual(times, sorted(times))
        self.assertNotIn("", times)
        keys = [tuple(row[:len(texts) + 1]) for row in self.session.run(sql + ";")]
        if "Octets out" not in names:  # contacts may begin in one millisecond
            self.assertEqual(len(set(keys)), len(keys), "two values for one point")

    def test_links_find_their_columns(self):
        for each in self.boards:
            for panel in board.panels(each):
                wanted = set(re.findall(r"__data\.fields\.(\w+)",
                                        str(panel.get("fieldConfig"))))
                for query in board.panel_queries({"uid": each["uid"], "panels": [panel]}):
                    sql = query.interpolated(*self.window(each), self.chosen[each["uid"]])
                    names = {name for name, _ in self.session.columns(sql)}
                    with self.subTest(query=query.name()):
                        self.assertEqual(wanted - names, set())

    def test_overrides_match_columns(self):
        """A column that an override names is there: a renamed one would lose its unit."""
        for each in self.boards:
            for panel in board.panels(each):
                series = {query.format for query in
                          board.panel_queries({"uid": each["uid"], "panels": [panel]})}
                if "table" not in series:
                    continue
                names = set()
                for query in board.panel_queries({"uid": each["uid"], "panels": [panel]}):
                    sql = query.interpolated(*self.window(each), self.chosen[each["uid"]])
                    names |= {name for name, _ in self.session.columns(sql)}
                named = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]
                         if o["matcher"]["id"] == "byName"}
                with self.subTest(panel=f"{each['uid']}, {panel['title']}"):
                    self.assertEqual(named - names, set())

    def test_other_ranges_work_too(self):
        for each in self.boards:
            for query in board.panel_queries(each):
                for hours in RANGES_HOURS:
                    sql = query.interpolated(*self.window(each, hours),
                                             self.chosen[each["uid"]])
                    with self.subTest(query=query.name(), hours=hours):
                        _, seconds = timed_rows(self.session, sql)
                        self.assertLess(seconds, BUDGET_SEC)

    def test_an_empty_database_gives_no_errors(self):
        with_nothing = Collector("dashboards-empty")
        self.addCleanup(with_nothing.close)
        with_nothing.create_database()
        session = Session(with_nothing)
        for each in self.boards:
            values = {name: value if isinstance(value, tuple) or name in ("DS", "state", "score")
                      else "" for name, value in self.chosen[each["uid"]].items()}
            for query in [*board.panel_queries(each), *board.other_queries(each)]:
                with self.subTest(query=query.name()):
                    session.run(query.interpolated(*self.window(each), values) + ";")


if __name__ == "__main__":
    tap.main()
