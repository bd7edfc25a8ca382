# SPDX-License-Identifier: Apache-2.0
"""The table of all cases.  A file NAME_cases.py has a list CASES; the order here is
that of the table in docs/reliability.md."""

import clock_cases
import collector_cases
import disk_cases
import journal_cases
import name_cases
import network_cases
import nth_cases
import postgres_cases
import program_cases

PARTS = (collector_cases, postgres_cases, journal_cases, disk_cases, clock_cases,
         name_cases, network_cases, nth_cases, program_cases)
CASES = [case for part in PARTS for case in part.CASES]


def chosen(words):
    """Cases whose name is one of the words or, if none is, contains one."""
    exact = [case for case in CASES if case.name in words]
    return exact or [case for case in CASES
                     if not words or any(word in case.name for word in words)]
