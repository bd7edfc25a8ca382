#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs are built so that a mistake with memory is hard to use: read from the
programs themselves, with readelf, not from the build's options."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
import tap
from daemon import BUILD

PROGRAMS = ("collector/flowkeep-collector", "analytics/flowkeep-analytics",
            "cli/flowkeep")

# Functions of libc that are called with the size of what they write to: a program of
# this size that was compiled with _FORTIFY_SOURCE has some of them.
CHECKED = re.compile(r"__(memcpy|memmove|memset|snprintf|vsnprintf|read|recv|poll|realpath"
                     r"|fdelt|printf|fprintf|strcpy|longjmp)_chk")

# x86: what may be jumped to begins with endbr64; each page of a large frame is touched
# (by gcc: orq $0,(%rsp); by clang: movq $0,(%rsp)).
ENDBR64 = b"\xf3\x0f\x1e\xfa"
PROBES = (b"\x48\x83\x0c\x24\x00", b"\x48\xc7\x04\x24\x00\x00\x00\x00")


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=dict(os.environ, LC_ALL="C")).stdout


def code_of(path):
    """The bytes of section .text."""
    row = re.search(r"\s\.text\s+PROGBITS\s+\S+\s+(\S+)\s+(\S+)", readelf(path, "-S"))
    with open(path, "rb") as program:
        program.seek(int(row[1], 16))
        return program.read(int(row[2], 16))


def optimization():
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json"),
              encoding="utf-8") as options:
        return next(option["value"] for option in json.load(options)
                    if option["name"] == "optimization")


class Binaries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("readelf"):
            raise unittest.SkipTest("no readelf (package binutils)")
        cls.paths = [os.path.join(BUILD, program) for program in PROGRAMS]
        if re.search(r"__(asan|tsan|ubsan)_", readelf(cls.paths[0], "--dyn-syms", "-s")):
            raise unittest.SkipTest("built with sanitizers, which replace all this")

    def each(self, what):
        for path in self.paths:
            with self.subTest(os.path.basename(path)):
                what(path)

    def test_programs_are_loaded_anywhere(self):
        self.each(lambda path: (
            self.assertIn("DYN", readelf(path, "-h")),
            self.assertRegex(readelf(path, "-d"), r"FLAGS_1\).*\bPIE\b")))

    def test_what_the_loader_filled_in_is_read_only_afterwards(self):
        self.each(lambda path: (
            self.assertIn("GNU_RELRO", readelf(path, "-l")),
            self.assertRegex(readelf(path, "-d"), r"BIND_NOW|FLAGS_1\).*\bNOW\b")))

    def test_no_memory_is_both_written_and_run(self):
        def check(path):
            segments = readelf(path, "-l")
            self.assertRegex(segments, r"GNU_STACK .* RW +0x")
            self.assertNotRegex(segments, r"LOAD .* RWE")
            self.assertNotIn("TEXTREL", readelf(path, "-d"))
        self.each(check)

    def test_functions_with_arrays_check_their_frame(self):
        self.each(lambda path: self.assertIn("__stack_chk_fail",
                                             readelf(path, "--dyn-syms")))

    def test_copies_into_what_has_a_size_are_checked(self):
        if optimization() in ("0", "g"):
            self.skipTest("built without optimisation, which the checks need")

        def check(path):
            found = set(CHECKED.findall(readelf(path, "--dyn-syms")))
            self.assertIn("memcpy", found)
            self.assertGreaterEqual(len(found), 2, found)
        self.each(check)

    @unittest.skipUnless(platform.machine() == "x86_64", "looks for code of x86-64")
    def test_large_frames_touch_each_page(self):
        self.each(lambda path: self.assertTrue(
            any(probe in code_of(path) for probe in PROBES)))

    @unittest.skipUnless(platform.machine() == "x86_64", "looks for code of x86-64")
    def test_functions_mark_where_they_may_be_jumped_to(self):
        def check(path):
            n_functions = len(re.findall(r" FUNC .* (?!UND)\d+ ", readelf(path, "-s")))
            self.assertGreater(code_of(path).count(ENDBR64), n_functions / 2)
        self.each(check)

    def test_libraries_are_looked_for_in_the_systems_folders_only(self):
        self.each(lambda path: self.assertNotRegex(readelf(path, "-d"), r"R(UN)?PATH"))


if __name__ == "__main__":
    tap.main()
