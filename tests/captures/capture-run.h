/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CaptureRun: a capture put through the decoder, with all that came out. */

#include "decode/decoder.h"

typedef struct {
    GArray *flows; /* of Flow, as the decoder gave them: not normalised */
    DecoderCounters counters;
    ExporterTable *exporters; /* the flows point into it */
} CaptureRun;

/* The folder of captures: $FLOWKEEP_CAPTURES, else beside the project; NULL, and the
 * test is marked skipped, where there is none (transfer full). */
char *capture_run_folder(void);

/* Decodes the file, and gives up what waits at its end. */
CaptureRun *capture_run_new(const char *path, GError **error);
void capture_run_free(CaptureRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CaptureRun, capture_run_free)
