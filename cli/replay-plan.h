/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReplayPlan: in which order capture files are replayed, and how their times are
 * shifted.  Pure.
 *
 * Files that follow one another in time, as a capture program that starts a new file
 * every few minutes writes them, belong together: they are one run, read in the order
 * of their times, and templates of one serve the next.  Files that overlap, or that
 * have a long gap between them, have nothing to do with each other: each is a run of
 * its own, with its own state and its own shift. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;
    int64_t first_us; /* capture time of its first and last datagram */
    int64_t last_us;
    uint64_t n_datagrams; /* 0 = times mean nothing */
    uint64_t n_skipped;   /* packets that were none of ours */
    char *note;           /* what is wrong with the file's end; NULL = nothing */
} ReplayFile;

typedef struct {
    GPtrArray *files; /* of ReplayFile, in order; lent */
    int64_t first_us;
    int64_t last_us;
    uint64_t n_datagrams;
} ReplayRun;

/* The runs for @files, an array of ReplayFile (transfer full; of ReplayRun), in the
 * order of the first file of each as given.  Files without datagrams are left out.
 * @files is lent and must not change while the runs live. */
GPtrArray *replay_plan(GArray *files);

/* What to add to every time of a run that begins at @now_us and is played @speed
 * times as fast as it was captured (0 = as fast as possible), so that its last packet
 * is at the time it is played, and none is in the future. */
int64_t replay_plan_shift_us(const ReplayRun *run, double speed, int64_t now_us);
