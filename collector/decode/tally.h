/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tally: what became of the input, counted and told.  The one way from the decoder
 * to its sink and its counters. */

#include "decode/decoder.h"

typedef struct {
    DecoderSink sink; /* no member is NULL */
    void *user_data;
    DecoderCounters counters;
} Tally;

/* Missing members of @sink are replaced by ones that do nothing. */
void tally_init(Tally *self, const DecoderSink *sink, void *user_data);

/* @count messages, sets, templates or fields (@unit) ended as @status.  @exporter
 * may be NULL; nothing happens when @count is 0. */
void tally_status(Tally *self, DecodeStatus status, const Exporter *exporter,
                  LossUnit unit, uint64_t count, int64_t received_us);

/* Units of the sequence numbers of @version that never arrived. */
void tally_gap(Tally *self, uint8_t version, const Exporter *exporter, uint64_t count,
               int64_t received_us);

/* A set whose template never came, or (DECODE_MAX_WAITING) that could not wait. */
void tally_given_up(Tally *self, DecodeStatus status, const Exporter *exporter,
                    int64_t received_us);
