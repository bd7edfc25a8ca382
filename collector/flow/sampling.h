/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sampling: one in how many packets a device looked at, from what it says about it.
 *
 * Rates are whole numbers: 1 = every packet, N = one in N, 0 = nothing was said,
 * SAMPLING_ABSURD = something was said that cannot be.  Absurd rates, and those
 * above decode.max_sampling, are passed on; normalise() marks their flows as
 * suspect and does not apply them.  Pure. */

#include <stdbool.h>
#include <stdint.h>

/* Where a rate comes from; the later one wins. */
typedef enum {
    SAMPLING_NONE,
    SAMPLING_HEADER,     /* of NetFlow v5 */
    SAMPLING_EXPORTER,   /* options without a sampler, for the whole exporter */
    SAMPLING_SELECTOR,   /* options for the sampler or selector the flow names */
    SAMPLING_RECORD,     /* the flow record itself */
    SAMPLING_CONFIGURED, /* [exporter NAME] sampling */
    SAMPLING_N_SOURCES
} SamplingSource;

#define SAMPLING_ABSURD UINT32_MAX

/* What a flow or options record reported of these elements.  A zeroed value is
 * valid and means "nothing". */
typedef struct {
    uint64_t interval;        /* 34, 50: one in this many; 0 = not reported */
    uint64_t packet_interval; /* 305: sampled in a row; 0 = not reported */
    uint64_t packet_space;    /* 306: then left out */
    uint64_t size;            /* 309: this many ... */
    uint64_t population;      /* 310: ... out of so many; 0 = not reported */
    double probability;       /* 311: of each packet */
    bool has_packet_space;    /* for 0 says something there */
    bool has_probability;
} SamplingReport;

/* The rate that @report means. */
uint32_t sampling_rate(const SamplingReport *report);

/* The rate in the sampling field of a v5 header: its low 14 bits, whatever mode the
 * other two say (most devices leave them 0). */
uint32_t sampling_from_v5(uint16_t field);

/* Takes the strongest source that says anything from @rates (by SamplingSource;
 * [SAMPLING_NONE] is not looked at), and returns its rate; 0 with SAMPLING_NONE
 * when all are 0. */
uint32_t sampling_choose(const uint32_t rates[SAMPLING_N_SOURCES],
                         SamplingSource *source);

/* As in the column exporter.sampling_source and in messages: "header" and so on. */
const char *sampling_source_name(SamplingSource source);
