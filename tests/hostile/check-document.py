#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/hostile-input.md is what the catalogue says, and the seeds of the fuzz corpus are
its packets.  --update writes both."""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, HERE)
import catalogue
import tap

DOCUMENT = os.path.join(ROOT, "docs", "hostile-input.md")
CORPUS = os.path.join(ROOT, "tests", "fuzz", "stream")


def contents(folder):
    """Name -> bytes of the seeds there that are small enough to be kept."""
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        if name.startswith("class-") and len(data) < 4096:
            found[name] = data
    return found


class Document(unittest.TestCase):
    def test_the_document_is_what_the_catalogue_says(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            self.assertEqual(file.read(), catalogue.document(),
                             "tests/hostile/check-document.py --update")

    def test_all_82_classes_are_there_in_order(self):
        numbers = [hostile.number for hostile in catalogue.load()]
        self.assertEqual(numbers, list(range(1, catalogue.N_CLASSES + 1)))

    def test_the_seeds_of_the_fuzz_corpus_are_the_packets_of_the_catalogue(self):
        with tempfile.TemporaryDirectory() as folder:
            catalogue.write_seeds(folder)
            made = contents(folder)
        kept = contents(CORPUS)
        self.assertGreater(len(made), 70)
        self.assertEqual([name for name in sorted(made) if kept.get(name) != made[name]],
                         [], "tests/hostile/check-document.py --update")


def update():
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(catalogue.document())
    with tempfile.TemporaryDirectory() as folder:
        catalogue.write_seeds(folder)
        for name, data in contents(folder).items():
            with open(os.path.join(CORPUS, name), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        tap.main()
