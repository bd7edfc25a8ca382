# SPDX-License-Identifier: Apache-2.0
"""What Grafana (10 to 13) makes of a query before PostgreSQL sees it.

The browser replaces variables, $name, [[name]] and ${name:format}; then the server of
the PostgreSQL plugin replaces $__interval and the macros.  A macro's arguments end at
the first parenthesis and are split at commas; an unknown one is an error: both as in
the plugin, so that a query which it would break is broken here too."""

import datetime
import math
import re

ALL = "$__all"

# Intervals that Grafana rounds to: (limit, result) in milliseconds.
ROUND_INTERVAL_MS = [
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500),
    (1500, 1000), (3500, 2000), (7500, 5000), (12500, 10000), (17500, 15000),
    (25000, 20000), (45000, 30000), (90000, 60000), (210000, 120000), (450000, 300000),
    (750000, 600000), (1050000, 900000), (1500000, 1200000), (2700000, 1800000),
    (5400000, 3600000), (9000000, 7200000), (16200000, 10800000), (32400000, 21600000),
    (86400000, 43200000), (604800000, 86400000), (1814400000, 604800000),
    (3628800000, 2592000000)]
UNIT_MS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000, "w": 604800000}
VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?::([^}]+))?\}")
MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")


class MacroError(Exception):
    """The plugin would refuse this."""


def interval_ms(range_sec, max_points, min_interval=None):
    """The interval of a panel; @min_interval as in its JSON: 1m, 5m ..."""
    raw = range_sec * 1000 / max(max_points, 1)
    interval = next((result for limit, result in ROUND_INTERVAL_MS if raw < limit),
                    31536000000)
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d|w)", min_interval or "")
    least = int(found.group(1)) * UNIT_MS[found.group(2)] if found else 0
    return max(interval, least, 1)


def duration(ms):
    """As gtime.FormatInterval: the largest whole unit."""
    for unit in ("d", "h", "m", "s"):
        if ms >= UNIT_MS[unit]:
            return f"{math.floor(ms / UNIT_MS[unit] + 0.5)}{unit}"
    return f"{ms}ms"


def escaped(text):
    return str(text).replace("'", "''")


def formatted(value, how):
    """@value: text, or a list of them for a variable of several."""
    values = value if isinstance(value, list) else [value]
    if how == "sqlstring":
        return ",".join(f"'{escaped(item)}'" for item in values)
    if how == "csv":
        return ",".join(values)
    if how == "raw":
        return ",".join(values) if isinstance(value, list) else str(value)
    if how is None:  # the plugin's own way
        if isinstance(value, list):
            return ",".join(f"'{escaped(item)}'" for item in value)
        return escaped(value)
    raise MacroError(f"format {how} is not used here")


def replace_variables(text, variables):
    """@variables: name -> text, list, or (ALL, the variable's allValue)."""
    def one(found):
        name = found.group(1) or found.group(2) or found.group(4)
        how = found.group(3) or found.group(5)
        if name not in variables:
            return found.group(0)
        value = variables[name]
        if isinstance(value, tuple):  # a custom value for all is never formatted
            return value[1]
        return formatted(value, how)
    return VARIABLE.sub(one, text)


def rfc3339(when):
    text = when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    micros = f".{when.microsecond:06d}".rstrip("0") if when.microsecond else ""
    return f"'{text}{micros}Z'"


def seconds_of(interval):
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d|w)", interval.strip("'"))
    if not found:
        raise MacroError(f"interval {interval}")
    number = int(found.group(1)) * UNIT_MS[found.group(2)] / 1000
    return int(number) if number == int(number) else number


def macro(name, args, begin, end):
    first = args[0] if args else ""
    epoch = begin.timestamp(), end.timestamp()
    if name == "__time":
        return f'{first} AS "time"'
    if name == "__timeEpoch":
        return f'extract(epoch from {first}) as "time"'
    if name == "__timeFilter":
        return f"{first} BETWEEN {rfc3339(begin)} AND {rfc3339(end)}"
    if name == "__timeFrom":
        return rfc3339(begin)
    if name == "__timeTo":
        return rfc3339(end)
    if name in ("__timeGroup", "__timeGroupAlias"):
        if len(args) < 2:
            raise MacroError(f"{name} needs a column and an interval")
        sec = seconds_of(args[1])
        group = f"floor(extract(epoch from {first})/{sec})*{sec}"
        return group + (' AS "time"' if name.endswith("Alias") else "")
    if name == "__unixEpochFilter":
        return f"{first} >= {int(epoch[0])} AND {first} <= {int(epoch[1])}"
    if name in ("__unixEpochGroup", "__unixEpochGroupAlias"):
        sec = seconds_of(args[1])
        group = f"floor(({first})/{sec})*{sec}"
        return group + (' AS "time"' if name.endswith("Alias") else "")
    raise MacroError(f'unknown macro "{name}"')


def interpolate(sql, begin, end, interval, variables):
    """@interval: milliseconds."""
    known = dict(variables, __interval_ms=str(interval), __interval=duration(interval),
                 __from=str(int(begin.timestamp() * 1000)),
                 __to=str(int(end.timestamp() * 1000)))
    sql = replace_variables(sql, known)
    sql = sql.replace("$__interval_ms", str(interval))
    sql = sql.replace("$__interval", duration(interval))
    sql = sql.replace("$__unixEpochFrom()", str(int(begin.timestamp())))
    sql = sql.replace("$__unixEpochTo()", str(int(end.timestamp())))

    def one(found):
        args = [word.strip(" ") for word in found.group(2).split(",")]
        name = found.group(1)
        if name == "__timeGroup" and sql[found.end():found.end() + 1] == ",":
            name = "__timeGroupAlias"
        return macro(name, args, begin, end)
    return MACRO.sub(one, sql)
