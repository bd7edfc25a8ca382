#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""grafana/start-grafana and the provisioning files, with a stand-in for Grafana that
answers its health check and writes down its environment; and the macros that the other
tests expand, against what Grafana's plugin makes of them."""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import interpolate  # noqa: E402
import tap  # noqa: E402
from board import ROOT  # noqa: E402

GRAFANA = os.path.join(ROOT, "grafana")
START = os.path.join(GRAFANA, "start-grafana")
STAND_IN = """#!/usr/bin/env python3
import http.server, json, os, sys
with open(os.path.join(os.environ["GF_PATHS_DATA"] + ".json"), "w") as file:
    json.dump({"env": dict(os.environ), "words": sys.argv[1:]}, file)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
http.server.HTTPServer((os.environ["GF_SERVER_HTTP_ADDR"],
                        int(os.environ["GF_SERVER_HTTP_PORT"])), Handler).serve_forever()
"""
# As pkg/tsdb/grafana-postgresql-datasource/macros.go of Grafana has it.
BEGIN = datetime.datetime(2018, 4, 12, 18, 0, tzinfo=datetime.timezone.utc)
END = BEGIN + datetime.timedelta(minutes=5)
EXPANSIONS = [
    ("$__time(at)", 'at AS "time"'),
    ("WHERE $__timeFilter(at)",
     "WHERE at BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'"),
    ("f($__timeFrom(), $__timeTo())", "f('2018-04-12T18:00:00Z', '2018-04-12T18:05:00Z')"),
    ("GROUP BY $__timeGroup(at,'5m')", "GROUP BY floor(extract(epoch from at)/300)*300"),
    ("$__timeGroup(at, '5m'), x", 'floor(extract(epoch from at)/300)*300 AS "time", x'),
    ("$__unixEpochFilter(n)", "n >= 1523556000 AND n <= 1523556300"),
    ("$__unixEpochFrom()", "1523556000"),
    ("f($__interval_ms, '$__interval', ${__interval_ms})", "f(60000, '1m', 60000)"),
    # An argument ends at the first parenthesis: what a view must be for.
    ("$__timeFilter(lower(at))",
     "lower(at BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z')"),
    ("a = ${one:sqlstring}", "a = 'O''Brien'"),
    ("a = '$one' OR a = '[[one]]'", "a = 'O''Brien' OR a = 'O''Brien'"),
    ("a IN (${many:sqlstring}) OR a IN ($many)", "a IN ('x','y') OR a IN ('x','y')"),
    ("ARRAY[${many:csv}]", "ARRAY[x,y]"),
    ("ARRAY[${all:csv}]", "ARRAY[0]"),
    ("$unknown ${unknown:csv}", "$unknown ${unknown:csv}"),
]
# rangeUtil.roundInterval of Grafana's browser side.
INTERVALS = [((86400, 288, "1m"), 300000), ((86400, 1200, ""), 60000),
             ((604800, 288, "1m"), 1800000), ((3600, 288, "1m"), 60000),
             ((3600, 288, ""), 15000), ((90 * 86400, 288, ""), 21600000),
             ((86400, 288, "1h"), 3600000)]


class Macros(unittest.TestCase):
    def test_macros_are_expanded_as_the_plugin_does(self):
        variables = {"one": "O'Brien", "many": ["x", "y"], "all": (interpolate.ALL, "0")}
        for text, wanted in EXPANSIONS:
            with self.subTest(text=text):
                self.assertEqual(interpolate.interpolate(text, BEGIN, END, 60000, variables),
                                 wanted)

    def test_an_unknown_macro_is_an_error(self):
        with self.assertRaises(interpolate.MacroError):
            interpolate.interpolate("$__timeShift(at)", BEGIN, END, 60000, {})

    def test_intervals_are_rounded_as_the_browser_does(self):
        for arguments, wanted in INTERVALS:
            with self.subTest(arguments=arguments):
                self.assertEqual(interpolate.interval_ms(*arguments), wanted)


class Start(unittest.TestCase):
    def run_script(self, *words, **env):
        return subprocess.run([START, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False,
                              env={"PATH": "/usr/bin:/bin", **env})

    def home(self, folder):
        for path in ("bin", "conf"):
            os.makedirs(os.path.join(folder, path))
        with open(os.path.join(folder, "conf", "defaults.ini"), "w", encoding="utf-8"):
            pass
        program = os.path.join(folder, "bin", "grafana")
        with open(program, "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(program, 0o755)
        return folder

    def test_a_provisioned_grafana_is_started_once_and_stopped(self):
        with tempfile.TemporaryDirectory(prefix="flowkeep-grafana-") as folder:
            home = self.home(os.path.join(folder, "home"))
            var = os.path.join(folder, "var")
            self.addCleanup(self.run_script, "stop", var)
            env = {"GRAFANA_HOME": home, "FLOWKEEP_DB_ADDRESS": "/run/pg:5433",
                   "FLOWKEEP_DB_PASSWORD": "secret"}
            first = self.run_script("start", var, **env)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertRegex(first.stdout, r"^http://127.0.0.1:\d+/d/flowkeep-overview\n$")
            self.assertNotIn("secret", first.stdout + first.stderr)
            with open(os.path.join(var, "data.json"), encoding="utf-8") as file:
                got = json.load(file)
            self.assertEqual(got["words"], ["server", "--homepath", home])
            self.assertEqual(got["env"]["GF_SERVER_HTTP_ADDR"], "127.0.0.1")
            self.assertEqual(got["env"]["GF_PATHS_PROVISIONING"],
                             os.path.join(GRAFANA, "provisioning"))
            self.assertEqual(got["env"]["FLOWKEEP_DB_ADDRESS"], "/run/pg")
            self.assertEqual(got["env"]["PGPORT"], "5433")
            for name in provisioned_names():
                self.assertTrue(got["env"].get(name), name)
            self.assertEqual(self.run_script("start", var, **env).stdout, first.stdout)
            self.assertEqual(self.run_script("status", var).stdout, first.stdout)
            self.assertEqual(self.run_script("stop", var).returncode, 0)
            self.assertNotEqual(self.run_script("status", var).returncode, 0)
            with self.assertRaises(OSError):
                urllib.request.urlopen(first.stdout.strip(), timeout=2)

    def test_without_a_grafana_it_says_so_by_its_exit_status(self):
        with tempfile.TemporaryDirectory(prefix="flowkeep-grafana-") as folder:
            if self.run_script("find").returncode == 0:
                self.skipTest("there is a Grafana on this machine")
            self.assertEqual(self.run_script("start", folder).returncode, 3)

    def test_wrong_use_is_told(self):
        self.assertEqual(self.run_script("sing", "/tmp").returncode, 2)
        self.assertEqual(self.run_script().returncode, 2)


def provisioned_names():
    """Variables that the provisioning files take from the environment."""
    names = set()
    for kind in ("datasources", "dashboards"):
        path = os.path.join(GRAFANA, "provisioning", kind, "flowkeep.yaml")
        with open(path, encoding="utf-8") as file:
            for line in file:
                names |= set(re.findall(r"\$(\w+)", line.partition("#")[0]))
    return names


class Provisioning(unittest.TestCase):
    def test_its_variables_are_in_the_readme(self):
        with open(os.path.join(GRAFANA, "README.md"), encoding="utf-8") as file:
            readme = file.read()
        self.assertGreater(len(provisioned_names()), 4)
        for name in provisioned_names():
            self.assertIn(f"`{name}`", readme)


if __name__ == "__main__":
    tap.main()
