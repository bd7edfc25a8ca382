# SPDX-License-Identifier: Apache-2.0
"""What runs left behind: one balance a line in FOLDER/results.jsonl, written as they
come, so that an interrupted run counts for what it did; and the tables made of them."""

import json
import os

from balance import Balance

FILE = "results.jsonl"
BEGIN = "<!-- begin: written by run-faults -->"
END = "<!-- end -->"
COLUMNS = ("case", "times", "sent", "stored", "lost", "duplicated", "waiting",
           "unexplained")


def save(folder, balance):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, FILE), "a", encoding="utf-8") as out:
        out.write(json.dumps(balance.as_dict()) + "\n")


def load(folder):
    with open(os.path.join(folder, FILE), encoding="utf-8") as lines:
        return [Balance.from_dict(json.loads(line)) for line in lines if line.strip()]


def summed(balances):
    """One for each case, in the order they first came."""
    sums = {}
    for one in balances:
        if one.case in sums:
            sums[one.case].add(one)
        else:
            sums[one.case] = Balance.from_dict(json.loads(json.dumps(one.as_dict())))
    return list(sums.values())


def number(n):
    if isinstance(n, float) and n < 1000:
        return f"{n:g}"
    return f"{round(n):,}".replace(",", " ")


def lost_text(balance):
    reasons = [f"{key}: {number(n)}" for key, n in balance.losses.items()]
    if not balance.lost and not reasons:
        return "0"
    return number(balance.lost) + (f" ({'; '.join(reasons)})" if reasons else "")


def cells(balance):
    unit = "" if balance.unit == "flows" else f" {balance.unit}"
    return (balance.case, number(balance.times), number(balance.sent) + unit,
            number(balance.stored), lost_text(balance), number(balance.duplicated),
            number(balance.waiting), number(balance.unexplained))


def as_text(balances):
    rows = [COLUMNS, *map(cells, balances)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(w) if i in (0, 4) else cell.rjust(w)
                       for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
             for row in rows]
    for one in balances:
        lines += [f"! {one.case}: {problem}" for problem in one.problems]
    return "\n".join(lines)


def line(balance):
    """One balance as a sentence."""
    return (f"{balance.case}: {balance.times} times, {balance.sent} {balance.unit} sent,"
            f" {balance.stored} stored, {lost_text(balance)} lost,"
            f" {balance.duplicated} duplicated, {balance.waiting} waiting,"
            f" {balance.unexplained} unexplained, {balance.seconds:.0f} s")


def measured(balances):
    """The days of the runs."""
    days = sorted({one.facts["at"][:10] for one in balances if "at" in one.facts})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else "?"


def as_markdown(balances, cases, machine):
    """@cases: name -> Case.  @machine: (name, value) pairs."""
    what = {name: case.what for name, case in cases.items()}
    order = {name: i for i, name in enumerate(cases)}
    balances = sorted(balances, key=lambda b: order.get(b.case.split()[0], len(order)))
    out = [f"Measured on {measured(balances)}:", ""]
    out += [f"- {name}: {value}" for name, value in machine]
    out += ["", "| fault | times | sent | stored | counted as lost | waiting | duplicated |"
           " unexplained |", "|---|---:|---:|---:|---|---:|---:|---:|"]
    for one in balances:
        name, times, sent, stored, lost, twice, waiting, unexplained = cells(one)
        out.append(f"| **{name}**: {what.get(name.split()[0], '')} | {times} | {sent} | {stored} |"
                   f" {lost} | {waiting} | {twice} | {unexplained} |")
    out += ["", "Counted or measured meanwhile:", ""]
    for one in balances:
        notes = "; ".join(f"{key}: {number(value)}" for key, value in one.notes.items())
        if notes:
            out.append(f"- {one.case}: {notes}.")
    for one in balances:
        out += [f"- **{one.case}: {problem.splitlines()[0]}**" for problem in one.problems]
    return "\n".join(out) + "\n"
