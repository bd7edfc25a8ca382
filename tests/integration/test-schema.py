#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/schema.md and the catalog of a migrated database say the same."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import ROOT, Collector, missing

TABLES = """
SELECT CASE n.nspname WHEN 'flowkeep_view' THEN 'flowkeep_view.' ELSE '' END || c.relname,
       a.attname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname IN ('flowkeep', 'flowkeep_view')
   AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
 ORDER BY 1, a.attnum"""
UNCOMMENTED = """
SELECT c.relname, a.attname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname IN ('flowkeep', 'flowkeep_view') AND c.relkind IN ('r', 'p', 'v')
   AND NOT c.relispartition AND col_description(c.oid, a.attnum) IS NULL"""
FUNCTIONS = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'flowkeep_view' ORDER BY 1"""


def sections(text):
    """Name of a table in a heading -> the text below it."""
    found, names = {}, []
    for line in text.splitlines():
        if line.startswith("#"):
            names = re.findall(r"`(?:flowkeep\.)?((?:flowkeep_view\.)?\w+)`", line)
            for name in names:
                found.setdefault(name, "")
        else:
            for name in names:
                found[name] += line + "\n"
    return found


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.c = Collector("schema")
        cls.addClassCleanup(cls.c.close)
        cls.c.create_database()

    def test_schema_md_has_every_table_and_column_and_no_other(self):
        with open(os.path.join(ROOT, "docs", "schema.md"), encoding="utf-8") as doc:
            documented = sections(doc.read())
        columns = {}
        for table, column in self.c.sql(TABLES):
            columns.setdefault(table, []).append(column)
        absent = [f"{table}.{column}" for table, names in columns.items()
                  for column in names if f"`{column}`" not in documented.get(table, "")]
        self.assertEqual(absent, [], "not in docs/schema.md")
        self.assertEqual(sorted(set(documented) - set(columns)), [],
                         "in docs/schema.md but not in the database")

    def test_schema_md_has_every_function_that_dashboards_call(self):
        with open(os.path.join(ROOT, "docs", "schema.md"), encoding="utf-8") as doc:
            documented = re.findall(r"^\| `flowkeep_view\.(\w+)\(", doc.read(), re.MULTILINE)
        self.assertEqual(sorted(documented), [row[0] for row in self.c.sql(FUNCTIONS)])

    def test_every_column_has_a_comment(self):
        self.assertEqual(self.c.sql(UNCOMMENTED), [])

    def test_migrations_apply_twice(self):
        again = self.c.flowkeep("migrate")
        self.assertEqual(again.returncode, 0)


if __name__ == "__main__":
    tap.main()
