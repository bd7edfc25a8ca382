# SPDX-License-Identifier: Apache-2.0
"""The table of all cases.  A file NAME_cases.py has a list CASES; the order here is
that of the table in docs/reliability.md."""

import collector_cases
import disk_cases
import journal_cases
import network_cases
import postgres_cases

CASES = [*collector_cases.CASES, *postgres_cases.CASES, *journal_cases.CASES,
         *disk_cases.CASES, *network_cases.CASES]


def chosen(words):
    """Cases whose name is one of the words or, if none is, contains one."""
    exact = [case for case in CASES if case.name in words]
    return exact or [case for case in CASES
                     if not words or any(word in case.name for word in words)]
