/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CaptureRun: a capture put through the decoder, with all that came out. */

#include "decode/decoder.h"

typedef struct {
    GArray *flows; /* of Flow, as the decoder gave them: not normalised */
    DecoderCounters counters;
    ExporterTable *exporters; /* the flows point into it */
} CaptureRun;

/* The folder of captures, there or not: $FLOWKEEP_CAPTURES, else beside the project. */
const char *capture_run_folder(void);

/* Adds the tests that one line of expected.tsv asks for. */
typedef void CaptureRunAdd(const char *folder, const char *line);

/* Calls @add for each line but the first; without captures adds @skip_path. */
void capture_run_add_tests(CaptureRunAdd *add, const char *skip_path);

/* Adds a test that skips and says that there are no captures. */
void capture_run_add_skip(const char *skip_path);

/* Decodes the file, and gives up what waits at its end. */
CaptureRun *capture_run_new(const char *path, GError **error);
void capture_run_free(CaptureRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureRun, capture_run_free)
