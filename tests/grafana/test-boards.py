#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboards as files: canonical, whole, and every link leads somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "harness")]
import board  # noqa: E402
import tap  # noqa: E402

NAMES = {"overview", "headquarters", "alerts", "incident", "host", "beacons", "exporters",
         "devices", "flowkeep"}
BUILT_IN = {"__value", "__data", "__url_time_range", "__from", "__to", "__interval_ms"}
GRID_WIDTH = 24
# Tables of the schema flowkeep, read past the views: only these may be named.
SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(?:LATERAL\s+)?([a-z_.0-9]+)", re.IGNORECASE)


def all_urls(node):
    """Every url of a link anywhere in a panel."""
    if isinstance(node, dict):
        if "url" in node and "title" in node:
            yield node["url"]
        for value in node.values():
            yield from all_urls(value)
    elif isinstance(node, list):
        for value in node:
            yield from all_urls(value)


class Boards(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.boards = board.load_all()
        cls.by_uid = {each["uid"]: each for each in cls.boards}

    def each_panel(self):
        for each in self.boards:
            for panel in board.panels(each):
                yield each, panel

    def test_the_nine_are_there(self):
        self.assertEqual({os.path.basename(path).removesuffix(".json")
                          for path in board.paths()}, NAMES)
        self.assertEqual(set(self.by_uid), {f"flowkeep-{name}" for name in NAMES})
        for path, each in zip(board.paths(), self.boards):
            self.assertEqual(f"flowkeep-{os.path.basename(path)}", each["uid"] + ".json")

    @unittest.skipUnless(shutil.which("jq"), "jq is not installed")
    def test_files_are_as_jq_sorts_them(self):
        for path in board.paths():
            with open(path, encoding="utf-8") as file:
                text = file.read()
            sorted_ = subprocess.run(["jq", "-S", "."], input=text, text=True,
                                     stdout=subprocess.PIPE, check=True).stdout
            with self.subTest(file=os.path.basename(path)):
                self.assertTrue(text == sorted_, f"jq -S . {path} gives other bytes")

    def test_nothing_of_one_grafana_is_in_them(self):
        for each in self.boards:
            with self.subTest(board=each["uid"]):
                self.assertIsNone(each["id"])
                self.assertEqual(each["version"], 1)
                self.assertIn(each["schemaVersion"], range(39, 43))
                self.assertIn("flowkeep", each["tags"])
                self.assertNotIn("__inputs", each)

    def test_panels_have_numbers_of_their_own_and_do_not_overlap(self):
        for each in self.boards:
            with self.subTest(board=each["uid"]):
                numbers = [panel["id"] for panel in board.panels(each)]
                self.assertEqual(len(numbers), len(set(numbers)))
                taken = set()
                for panel in each["panels"]:
                    at = panel["gridPos"]
                    self.assertLessEqual(at["x"] + at["w"], GRID_WIDTH, panel["title"])
                    cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                             for y in range(at["y"], at["y"] + at["h"])}
                    self.assertEqual(cells & taken, set(), panel["title"])
                    taken |= cells

    def test_every_panel_says_what_it_shows_and_which_view_it_reads(self):
        for each, panel in self.each_panel():
            if panel["type"] == "row":
                continue
            with self.subTest(board=each["uid"], panel=panel["title"]):
                description, _, reads = panel["description"].rpartition("\n\nReads ")
                self.assertGreater(len(description), 20)
                for query in board.panel_queries({"uid": "", "panels": [panel]}):
                    for name in re.findall(r"(flowkeep_view\.\w+)", query.sql):
                        if name != "flowkeep_view.address":
                            self.assertIn(name, reads)

    def test_an_empty_panel_says_why(self):
        for each, panel in self.each_panel():
            if panel["type"] not in ("row", "text"):
                with self.subTest(board=each["uid"], panel=panel["title"]):
                    self.assertTrue(panel["fieldConfig"]["defaults"].get("noValue"))

    def test_every_query_goes_through_the_variable(self):
        wanted = {"type": "postgres", "uid": "${DS}"}
        for each in self.boards:
            self.assertEqual([v["name"] for v in board.variables(each)
                              if v["type"] == "datasource"], ["DS"])
            for panel in board.panels(each):
                for node in [panel, *panel.get("targets", [])]:
                    if panel["type"] not in ("row", "text"):
                        self.assertEqual(node["datasource"], wanted)
            for node in board.variables(each):
                if node["type"] == "query":
                    self.assertEqual(node["datasource"], wanted)
            for node in each["annotations"]["list"]:
                if "target" in node:
                    self.assertEqual(node["datasource"], wanted)
                    self.assertEqual(node["target"]["datasource"], wanted)

    def test_every_board_draws_incidents(self):
        for each in self.boards:
            found = [node["name"] for node in each["annotations"]["list"]
                     if "alert_annotation" in node.get("target", {}).get("rawSql", "")
                     and node["enable"]]
            self.assertEqual(found, ["Incidents"], each["uid"])

    def test_queries_read_views_only(self):
        for each in self.boards:
            for query in [*board.panel_queries(each), *board.other_queries(each)]:
                with self.subTest(query=query.name()):
                    read = SOURCE.findall(query.sql)
                    self.assertTrue(read)
                    for name in read:
                        self.assertRegex(name, r"^flowkeep_view\.\w+$")

    def test_queries_use_known_variables(self):
        for each in self.boards:
            known = {v["name"] for v in board.variables(each)} | BUILT_IN
            for query in [*board.panel_queries(each), *board.other_queries(each)]:
                used = set(re.findall(r"\$\{(\w+)", query.sql))
                with self.subTest(query=query.name()):
                    self.assertEqual(used - known, set())

    def test_links_lead_to_a_board_and_set_variables_that_it_has(self):
        for each in self.boards:
            known = {v["name"] for v in board.variables(each)}
            for url in [*all_urls(each["panels"])]:
                with self.subTest(board=each["uid"], url=url):
                    path, _, query = url.partition("?")
                    uid = re.fullmatch(r"/d/([\w-]+)", path).group(1)
                    self.assertIn(uid, self.by_uid)
                    there = {v["name"] for v in board.variables(self.by_uid[uid])}
                    set_ = {name.removeprefix("var-") for name, _ in
                            urllib.parse.parse_qsl(query) if name.startswith("var-")}
                    carried = set(re.findall(r"\$\{(\w+):queryparam\}", query))
                    self.assertEqual((set_ | carried) - there, set())
                    self.assertIn("DS", carried, "the database is lost on the way")
                    self.assertEqual(carried - known, set())
                    self.assertRegex(query, r"__url_time_range|from=", "so is the time")

    def test_colours_are_for_meaning(self):
        """Red and orange are for what somebody should look at: in thresholds and
        mappings, never as the colour of a series."""
        for each, panel in self.each_panel():
            text = json.dumps([o["properties"] for o in
                               panel.get("fieldConfig", {}).get("overrides", [])])
            with self.subTest(board=each["uid"], panel=panel["title"]):
                self.assertNotRegex(text, r'"fixedColor": "(red|orange|dark-red)"')

    def test_every_number_that_has_a_unit_says_it(self):
        for each, panel in self.each_panel():
            config = panel.get("fieldConfig", {})
            units = {o["matcher"]["options"]: p["value"] for o in config.get("overrides", [])
                     for p in o["properties"] if p["id"] == "unit"}
            for query in board.panel_queries({"uid": each["uid"], "panels": [panel]}):
                if query.format != "table" or query.kind != "table":
                    continue
                columns = re.split(r"\bFROM\b", query.sql, maxsplit=1)[0]
                for name in re.findall(r"\b(\w+_(?:octets|bytes|bps|sec|pct|bps_95))\b",
                                       columns):
                    with self.subTest(board=each["uid"], panel=panel["title"]):
                        self.assertIn(name, units)


if __name__ == "__main__":
    tap.main()
