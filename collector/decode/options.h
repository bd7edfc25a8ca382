/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options: what one exporter told about itself: sampling, interface, VRF and
 * application names, the time of its boot.  Rows are found by kind and key; each
 * kind is bounded, and all options of a decoder share a budget of bytes. */

#include <glib.h>

#include "decode/plan.h"
#include "decode/record.h"
#include "flow/learnt.h"

typedef struct {
    size_t max_rows;  /* of one exporter and kind */
    size_t max_bytes; /* of all */
    size_t n_bytes;   /* held now */
    uint64_t seed;    /* keys come from the wire: hashed with a secret */
} OptionsBudget;

typedef struct {
    Exporter *exporter;
    GHashTable *rows[LEARNT_N_KINDS]; /* NULL = none yet */
    uint64_t boot_ms;                 /* element 160; 0 = not told */
    uint32_t exporter_rate;           /* without a sampler; 0 = not told */
    uint32_t newest_rate;   /* of the sampler told last; for those that say "0" */
    uint32_t override_rate; /* configured; 0 = none */
    uint64_t last_sampler;  /* cache of options_sampler_rate() */
    uint32_t last_rate;
    bool has_last;
} Options;

Options *options_new(Exporter *exporter);
void options_free(Options *self, OptionsBudget *budget);

/* What one options record says, as at most this many rows. */
#define OPTIONS_MAX_ROWS LEARNT_N_KINDS

/* Fills @rows (exporter and learnt_us included) from a record decoded by an options
 * template and returns how many.  @n_odd_texts counts texts that were not UTF-8. */
size_t options_rows(const Record *record, const Plan *plan, Exporter *exporter,
                    int64_t received_us, LearntOption rows[OPTIONS_MAX_ROWS],
                    size_t *n_odd_texts);

typedef enum { OPTION_SAME, OPTION_NEW, OPTION_NO_ROOM } OptionPut;

/* Keeps @row.  OPTION_SAME when it says what was known already. */
OptionPut options_put(Options *self, OptionsBudget *budget, const LearntOption *row);

/* The rate of sampler or selector @id; 0 = not known. */
uint32_t options_sampler_rate(Options *self, OptionsBudget *budget, uint64_t id);

/* Lent until the row changes; NULL = not told. */
const char *options_name(const Options *self, OptionsBudget *budget, LearntKind kind,
                         uint64_t key);
