# SPDX-License-Identifier: Apache-2.0
"""The dashboards in grafana/dashboards, and every query that is in them."""

import dataclasses
import glob
import json
import os
import re

import interpolate

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDER = os.path.join(ROOT, "grafana", "dashboards")
MAX_POINTS = 1200  # of a panel that says nothing: about its width on a screen


@dataclasses.dataclass
class Query:
    board: str  # uid
    where: str  # panel title, variable or annotation
    kind: str  # the panel's type, "variable" or "annotation"
    format: str  # table or time_series
    sql: str
    points: int = MAX_POINTS
    min_interval: str = ""

    def name(self):
        return f"{self.board}, {self.where}"

    def interpolated(self, begin, end, variables):
        interval = interpolate.interval_ms((end - begin).total_seconds(), self.points,
                                           self.min_interval)
        return interpolate.interpolate(self.sql, begin, end, interval, variables)


def paths():
    return sorted(glob.glob(os.path.join(FOLDER, "*.json")))


def load_all():
    boards = []
    for path in paths():
        with open(path, encoding="utf-8") as file:
            boards.append(json.load(file))
    return boards


def panels(board):
    """All panels, those inside collapsed rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def variables(board):
    return board["templating"]["list"]


def panel_queries(board):
    for panel in panels(board):
        for target in panel.get("targets", []):
            many = len(panel["targets"]) > 1
            yield Query(board["uid"], panel["title"] + many * f" {target['refId']}",
                        panel["type"], target["format"], target["rawSql"],
                        panel.get("maxDataPoints") or MAX_POINTS,
                        panel.get("interval") or "")


def other_queries(board):
    for variable in variables(board):
        if variable["type"] == "query":
            yield Query(board["uid"], f"variable {variable['name']}", "variable", "table",
                        variable["query"])
    for annotation in board["annotations"]["list"]:
        if "target" in annotation:
            yield Query(board["uid"], f"annotation {annotation['name']}", "annotation",
                        "table", annotation["target"]["rawSql"])


def range_sec(board):
    """Of its default time range, now-24h."""
    number, unit = re.fullmatch(r"now-(\d+)([hd])", board["time"]["from"]).groups()
    return int(number) * {"h": 3600, "d": 86400}[unit]


def chosen(variable, rows):
    """What Grafana chooses when it opens the dashboard: all, or the first option.
    @rows: of its query, as lists of texts."""
    if variable.get("includeAll"):
        return (interpolate.ALL, variable["allValue"])
    if variable["type"] == "query":
        return rows[0][-1] if rows else ""
    return variable["current"]["value"]
