#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboards in a live Grafana: loaded through its API, every query run by it.

    GRAFANA_URL=http://admin:admin@127.0.0.1:3000 ./run-tests grafana

GRAFANA_TOKEN: a service account's token, instead of a name and password in the URL.
GRAFANA_DATASOURCE: uid of a data source with Flowkeep's data; without it the test adds
one for a database of its own, by unix socket, so Grafana must run on this machine.
What the test adds is named flowkeep-test, and is taken away again."""

import base64
import datetime
import json
import os
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import board  # noqa: E402
import interpolate  # noqa: E402
import made_up  # noqa: E402
import tap  # noqa: E402
from daemon import Collector, missing  # noqa: E402

URL = os.environ.get("GRAFANA_URL", "")
TEST = "flowkeep-test"


class Grafana:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.base = f"{parts.scheme}://{parts.hostname}:{parts.port or 80}{parts.path}"
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if os.environ.get("GRAFANA_TOKEN"):
            self.headers["Authorization"] = "Bearer " + os.environ["GRAFANA_TOKEN"]
        elif parts.username:
            pair = f"{parts.username}:{parts.password or ''}".encode()
            self.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()

    def call(self, method, path, body=None):
        """(status, answer)"""
        request = urllib.request.Request(
            self.base.rstrip("/") + path, method=method, headers=self.headers,
            data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def query(self, source, query, sql, begin, end):
        """Frames of one query, whose variables the browser has replaced."""
        interval = interpolate.interval_ms((end - begin).total_seconds(), query.points,
                                           query.min_interval)
        status, answer = self.call("POST", "/api/ds/query", {
            "from": str(int(begin.timestamp() * 1000)),
            "to": str(int(end.timestamp() * 1000)),
            "queries": [{"refId": "A", "datasource": {"type": "postgres", "uid": source},
                         "rawSql": sql, "format": query.format, "intervalMs": interval,
                         "maxDataPoints": query.points}]})
        result = (answer.get("results") or {}).get("A", {})
        if status != 200 or result.get("error"):
            raise AssertionError(f"{status}: {result.get('error') or answer}\nin: {sql}")
        return result["frames"]


@unittest.skipUnless(URL, "GRAFANA_URL is not set: no Grafana to load them into")
class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.grafana = Grafana(URL)
        status, health = cls.grafana.call("GET", "/api/health")
        assert status == 200, f"{URL}: {status}"
        tap.note(f"Grafana {health.get('version')}")
        cls.boards = board.load_all()
        cls.source = os.environ.get("GRAFANA_DATASOURCE") or cls.add_source()
        cls.end = datetime.datetime.now(datetime.timezone.utc)

    @classmethod
    def add_source(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.c = Collector("dashboards-live")
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()
        made_up.run(cls.c.sql, made_up.MadeUp(hours=30, flows_per_hour=3000, exporters=12,
                                              hosts=3000))
        cls.grafana.call("DELETE", f"/api/datasources/uid/{TEST}")
        status, answer = cls.grafana.call("POST", "/api/datasources", {
            "name": TEST, "uid": TEST, "type": "postgres", "access": "proxy",
            "url": cls.c.pg.socket, "user": "postgres",
            "jsonData": {"database": cls.c.database, "sslmode": "disable",
                         "postgresVersion": 1500}})
        assert status == 200, answer
        cls.addClassCleanup(cls.grafana.call, "DELETE", f"/api/datasources/uid/{TEST}")
        return TEST

    def window(self, each):
        return self.end - datetime.timedelta(seconds=board.range_sec(each)), self.end

    def choose(self, each):
        found = {"DS": self.source}
        for variable in board.variables(each):
            if variable["name"] == "DS":
                continue
            rows = []
            if variable["type"] == "query" and not variable.get("includeAll"):
                query = board.Query(each["uid"], variable["name"], "variable", "table", "")
                sql = interpolate.replace_variables(variable["query"], found)
                frames = self.grafana.query(self.source, query, sql, *self.window(each))
                values = frames[0]["data"]["values"] if frames else []
                rows = [[str(cell) for cell in row] for row in zip(*values)]
            found[variable["name"]] = board.chosen(variable, rows)
        return found

    def test_every_board_is_taken(self):
        for each in self.boards:
            uid = each["uid"].replace("flowkeep", TEST)
            copy = dict(each, uid=uid, title=f"{each['title']} ({TEST})")
            with self.subTest(board=each["uid"]):
                status, answer = self.grafana.call(
                    "POST", "/api/dashboards/db", {"dashboard": copy, "overwrite": True})
                self.addCleanup(self.grafana.call, "DELETE", f"/api/dashboards/uid/{uid}")
                self.assertEqual(status, 200, answer)
                status, answer = self.grafana.call("GET", f"/api/dashboards/uid/{uid}")
                self.assertEqual(status, 200, answer)
                self.assertEqual(
                    [panel["title"] for panel in answer["dashboard"]["panels"]],
                    [panel["title"] for panel in each["panels"]])

    def test_every_query_runs_and_has_rows(self):
        for each in self.boards:
            values = self.choose(each)
            for query in [*board.panel_queries(each), *board.other_queries(each)]:
                sql = interpolate.replace_variables(query.sql, values)
                with self.subTest(query=query.name()):
                    frames = self.grafana.query(self.source, query, sql,
                                                *self.window(each))
                    n_rows = sum(len(frame["data"]["values"][0]) for frame in frames
                                 if frame["data"]["values"])
                    self.assertGreater(n_rows, 0, sql)


if __name__ == "__main__":
    tap.main()
