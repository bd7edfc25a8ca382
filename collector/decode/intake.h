/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Intake: the second pass.  Takes messages that were found well formed into what is
 * known: streams, sequence numbers, templates, and data, which is emitted or waits.
 * All state of a decoder is here; decoder.c splits datagrams and keeps the time. */

#include "decode/backlog.h"
#include "decode/netflow5.h"

typedef struct {
    DecoderLimits limits;
    Tally tally;
    TemplateBudget templates;
    OptionsBudget options;
    StreamTable *streams;
    Emitter emitter;
    Backlog backlog;
    MessageSteps *steps;
    Stream *unsettled; /* linked by next_unsettled */
} Intake;

void intake_init(Intake *self, const DecoderLimits *limits, ExporterTable *exporters,
                 const DecoderSink *sink, void *user_data);
void intake_clear(Intake *self);

/* A message at @bytes of @datagram: one of v9 or IPFIX whose header was read, or one
 * of v5.  Returns DECODE_OK, or why it was discarded, which is counted already.
 * n_bytes of @message is then its true length. */
DecodeStatus intake_message(Intake *self, const Datagram *datagram, Message *message);
void intake_netflow5(Intake *self, const Datagram *datagram, const uint8_t *bytes,
                     const Netflow5 *message);

/* Counts a message that was discarded.  No exporter is made for it, anybody could
 * fill the table: it is put to the account of one that is known, if any. */
void intake_count_malformed(Intake *self, DecodeStatus status, const Datagram *datagram,
                            uint32_t domain);

/* Settles sequences as of @settle_us (INT64_MAX: for good). */
void intake_settle(Intake *self, int64_t settle_us, int64_t now_us);

/* Notes at each exporter what is not decided yet of its sequence, for the store to
 * write, and the other way. */
void intake_keep_sequences(Intake *self);
void intake_restore_sequence(Intake *self, const Exporter *exporter);

/* Forgets templates that have expired. */
void intake_sweep(Intake *self, int64_t now_us);

void intake_end_session(Intake *self, uint64_t session, int64_t now_us);

void intake_restore_template(Intake *self, const LearntTemplate *learnt);
void intake_restore_waiting(Intake *self, const DecoderWaiting *waiting);
