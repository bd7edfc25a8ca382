/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ReplayReport: what a replay says at its end: what became of each file, of all
 * together, and what each exporter brought. */

#include <glib.h>
#include <stdbool.h>

#include "replay.h"

typedef struct ReplayReport ReplayReport;

/* @files: array of ReplayFile, as given on the command line; lent. */
ReplayReport *replay_report_new(const GArray *files);
void replay_report_free(ReplayReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReplayReport, replay_report_free)

/* @outcome is lent until the report is freed. */
void replay_report_add(ReplayReport *self, const ReplayOutcome *outcome);

/* (transfer full) */
char *replay_report_text(const ReplayReport *self);
char *replay_report_json(const ReplayReport *self);
