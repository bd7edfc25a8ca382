#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each gate fails on what it is there for, and on nothing else."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def function(name, body, static=""):
    return f"\n{static}void\n{name}(void)\n{{\n{body}}}\n"


NEST = "".join(" " * 4 * i + "if (x)\n" for i in range(1, 6)) + " " * 24 + "y();\n"

# gate, file, its text after the licence line, what the gate must say ("" = nothing)
CASES = [
    ("layers", "collector/flow/a.c", '#include "reader.h"\n', ""),
    ("layers", "collector/flow/a.c", '#include "decode/b.h"\n', "may not include"),
    ("layers", "collector/decode/a.c", '#include "flow/c.h"\n', ""),
    ("layers", "collector/decode/a.c", '#include "db.h"\n', "must not know db.h"),
    ("layers", "collector/journal/a.c", "#include <sys/socket.h>\n", "must not know"),
    ("layers", "base/a.c", '#include "flow/c.h"\n', "may not include"),
    ("layers", "collector/flow/a.c", '#include "../base/reader.h"\n', "program's root"),
    ("layers", "collector/flow/a.c", '#include "lost.h"\n', "no header of ours"),
    ("layers", "cli/a.c", '#include "decode/b.h"\n', ""),
    ("shape", "base/a.c", function("a_b", "    x();\n" * 80), ""),
    ("shape", "base/a.c", function("a_b", "    x();\n" * 81), "81 lines"),
    ("shape", "base/a.c", function("a_b", NEST), "nests 5 deep"),
    ("shape", "base/a.c", "\n" * 600, "601 lines"),
    ("shape", "base/a.c", function("other", ""), "must begin with a_"),
    ("shape", "base/a.c", function("a_b", "", "static "), "needs no prefix"),
    ("shape", "base/a.c", function("other", "", "static "), ""),
    ("banned", "base/a.c", function("a", "    strcpy(x, y);\n"), "strcpy()"),
    ("banned", "base/a.c", function("a", "    exit(1);\n"), "exit()"),
    ("banned", "base/a.c", function("main", "    exit(1);\n"), ""),
    ("banned", "base/a.c", function("a", "    /* strcpy(x) */ f(\"exit(1)\");\n"), ""),
    ("words", "base/a.c", "x; // y\n", "// is for lines"),
    ("words", "base/a.c", 'char *x = "http://example.net"; /* // */\n', ""),
    ("words", "base/a.c", "/* ---- banner ---- */\n", "no banners"),
    ("words", "base/string-utils.c", "", "the name says nothing"),
    ("words", "base/a.h", "\n", "must be #pragma once"),
    ("words", "tests/a.py", "", ""),
]


def run(gate, path, text):
    with tempfile.TemporaryDirectory() as root:
        for name in ["base/reader.h", "base/db.h", "collector/decode/b.h",
                     "collector/flow/c.h", path]:
            file = pathlib.Path(root, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(HEAD + (text if name == path else "#pragma once\n"))
        return subprocess.run([sys.executable, HERE / f"check-{gate}.py"], cwd=root,
                              capture_output=True, text=True, check=False)


failed = 0
print(f"1..{len(CASES)}")
for number, (gate, path, text, complaint) in enumerate(CASES, 1):
    result = run(gate, path, text)
    good = (result.returncode != 0) == bool(complaint) and complaint in result.stdout
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {gate}: {complaint or 'nothing'}")
    if not good:
        print("# " + (result.stdout + result.stderr).replace("\n", "\n# "))
sys.exit(failed > 0)
