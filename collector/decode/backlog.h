/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Backlog: the data sets that wait for their template, and their decoding when it
 * comes, in order of arrival, from their datagrams, which are fetched again.
 *
 * One template can set free very much.  So only so many records are decoded with
 * each datagram that comes in and with each tick; the rest stays in the list and
 * goes on next time. */

#include "decode/emitter.h"
#include "decode/message.h"
#include "decode/waiting.h"

typedef struct {
    Waiting *waiting;
    GQueue ready; /* of streams and ids whose template came: private */
    Tally *tally;
    Emitter *emitter;
    const TemplateBudget *templates;
    size_t max_sets;
    size_t max_sets_of_stream;
    uint64_t allowance;      /* records that may still be decoded now */
    const Datagram *feeding; /* the one that is being decoded, or NULL */
} Backlog;

void backlog_init(Backlog *self, const DecoderLimits *limits, Tally *tally,
                  Emitter *emitter, const TemplateBudget *templates);
void backlog_clear(Backlog *self);

/* Lets a set wait.  When there is no room the stream's oldest is given up. */
void backlog_add(Backlog *self, const WaitingSet *set, int64_t now_us);

/* @template has come for what waits in @stream. */
void backlog_release(Backlog *self, Stream *stream, Template *template, int64_t now_us);

/* Goes on where the allowance ended last time; @allowance records this time. */
void backlog_go_on(Backlog *self, uint64_t allowance, int64_t now_us);

/* Gives up what came before @before_us, but for what can be decoded after all. */
void backlog_expire(Backlog *self, int64_t before_us, int64_t now_us);

/* Gives up what came before @before_us in @stream: its templates will never come. */
void backlog_give_up_before(Backlog *self, const Stream *stream, int64_t before_us,
                            int64_t now_us);

/* Gives up all of @stream, which is about to go. */
void backlog_end_stream(Backlog *self, const Stream *stream, int64_t now_us);

/* Fetches the datagram of @where and reads the headers of message and set again.
 * Returns false when they are not there any more. */
bool backlog_find(const Backlog *self, const DecoderWaiting *where, Datagram *datagram,
                  Message *message, MessageStep *step);

/* The records of the set that @step describes. */
DataSet backlog_data_set(Stream *stream, const Datagram *datagram,
                         const Message *message, const MessageStep *step);
