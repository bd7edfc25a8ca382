/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Emitter: data records that were found whole, made into flows and options rows.
 *
 * Puts together what a record says and what its exporter told before: sampling,
 * the clock, who the exporter is. */

#include "decode/nsel.h"
#include "decode/stream.h"
#include "decode/tally.h"

typedef struct {
    Tally *tally;
    StreamTable *streams;
    OptionsBudget *options;
    Nsel *nsel; /* NULL until the first record that needs it */
} Emitter;

/* The records of one set; all lent. */
typedef struct {
    Stream *stream;
    const Template *template; /* has a plan */
    const uint8_t *content;
    size_t n_octets;
    uint32_t n_records; /* as message_count_records() found */
    uint32_t uptime_ms; /* of the message; v9 */
    uint32_t export_sec;
    int64_t received_us;
    int64_t shift_us;
    uint16_t peer_port;
    bool trust_exporter_address;
} DataSet;

void emitter_data(Emitter *self, const DataSet *set);

/* A flow with all that the records of a message have in common: exporter, receive
 * time, and the rate of the strongest source; @header_rate is v5's. */
Flow emitter_common(const Emitter *self, const Options *options, uint32_t header_rate,
                    int64_t received_us);
