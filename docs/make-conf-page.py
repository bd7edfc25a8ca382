#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make-conf-page.py FLOWKEEP TEMPLATE: the manual page of the configuration.

The keys come out of the program's own table, so that the page cannot lag behind."""

import re
import subprocess
import sys
import textwrap


def lines_of(text):
    """One of the program's lines as mdoc wants it: a sentence a line, none long."""
    if text.startswith("."):
        return [text]
    sentences = re.split(r"(?<=[.?!])  +", text)
    lines = [line for sentence in sentences
             for line in textwrap.wrap(sentence, 80, break_long_words=False,
                                       break_on_hyphens=False)]
    # What begins with a dot would be a macro.
    return [r"\&" + line if line[:1] in (".", "'") else line for line in lines]


def main():
    program, template = sys.argv[1:]
    keys = subprocess.run([program, "dump-config", "--man"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    tidy = "".join(line + "\n" for text in keys.splitlines() for line in lines_of(text))
    with open(template, encoding="utf-8") as page:
        sys.stdout.write(page.read().replace("@KEYS@\n", tidy))


if __name__ == "__main__":
    main()
