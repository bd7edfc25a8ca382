#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on calls that have no place here, each with the one to use instead."""

import re

import sources

BANNED = {
    "strcpy": "g_strdup, g_strlcpy",
    "strncpy": "g_strlcpy",
    "strcat": "GString",
    "strncat": "GString",
    "sprintf": "g_strdup_printf, g_snprintf",
    "vsprintf": "g_strdup_vprintf",
    "strtok": "g_strsplit, strcspn",
    "strtok_r": "g_strsplit, strcspn",
    "atoi": "g_ascii_string_to_unsigned",
    "atol": "g_ascii_string_to_signed",
    "atof": "g_ascii_strtod",
    "gets": "getline",
    "inet_addr": "ip_address_parse",
    "inet_ntoa": "ip_address_format",
    "inet_aton": "ip_address_parse",
    "gethostbyname": "addresses in numbers",
    "localtime": "gmtime_r: times are UTC",
    "localtime_r": "gmtime_r: times are UTC",
    "gmtime": "gmtime_r",
    "ctime": "strftime",
    "asctime": "strftime",
    "alloca": "g_autofree",
    "rand": "g_random_int",
    "system": "g_spawn_sync",
    "g_return_if_fail": "g_assert; it returns without having done its work",
    "g_return_val_if_fail": "g_assert; it returns failure without an error",
}

CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
EXIT = re.compile(r"(?<![\w.>])exit\s*\(")


def complaints():
    for path in sources.find(".c", ".h"):
        text = sources.code(path)
        has_main = re.search(r"^main\(", text, re.M)
        for number, line in enumerate(text.split("\n"), 1):
            for name in CALL.findall(line):
                yield f"{path}:{number}: {name}(): use {BANNED[name]}"
            if EXIT.search(line) and not has_main:
                yield f"{path}:{number}: exit() belongs into the file of main()"


sources.finish("banned", list(complaints()))
