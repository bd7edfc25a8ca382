#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints every header of ours, as it is written in an #include line.
cd "$(dirname "$0")/.." || exit 1
for root in base sql collector analytics cli tests/harness tests/tools tests/eval; do
    [ -d $root ] && (cd $root && find . -name '*.h' | sed 's|^\./||' | LC_ALL=C sort)
done
exit 0
