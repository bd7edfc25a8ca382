/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* StreamPlay: a stream of datagrams, as the inputs of fuzz-stream describe one, through
 * a decoder that keeps its state.
 *
 * An input is a list of datagrams, each behind an octet that says what it is and two of
 * its length.  Bits of the first: 0-1 which of four exporters, 2 a message of a TCP
 * session, 3 the exporter's address in records is trusted, 4 a second source port, 5
 * half an hour passes first (else a second), 6 the collector is killed and started
 * again first (what it learnt comes back, as from the database), 7 no datagram but an
 * arbitrary row of exporter_template that is given back.
 *
 * Asserts what must hold of any stream: limits of memory and time, losses and names
 * that can be stored, nothing of a message that breaks the rules, and that a restart
 * tells nothing new. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "decode/decoder.h"
#include "store/copy-extra.h"

typedef struct {
    void (*flow)(Flow *flow, int64_t shift_us, const CopyExtraNames *names,
                 void *user_data);
    /* May be NULL. */
    void (*template)(const LearntTemplate *learnt, void *user_data);
    void (*option)(const LearntOption *learnt, void *user_data);
    void (*loss)(const Loss *loss, void *user_data);
} StreamPlaySink;

#define STREAM_PLAY_START_US (INT64_C(1700000000) * 1000000)

#define STREAM_PLAY_MAX_EXPORTERS 16

/* Plays the @n_bytes at @bytes; the clock begins at @start_us.  @exporters is empty. */
void stream_play(const uint8_t *bytes, size_t n_bytes, int64_t start_us,
                 ExporterTable *exporters, const StreamPlaySink *sink, void *user_data);

/* Appends a datagram to a stream; @what as above. */
void stream_play_put(GByteArray *stream, uint8_t what, const uint8_t *bytes,
                     size_t n_bytes);
