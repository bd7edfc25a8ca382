/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/tally.h"

static void
ignore_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    (void) flow, (void) shift_us, (void) user_data;
}

static void
ignore_template(const LearntTemplate *learnt, void *user_data)
{
    (void) learnt, (void) user_data;
}

static void
ignore_option(const LearntOption *learnt, void *user_data)
{
    (void) learnt, (void) user_data;
}

static void
ignore_loss(const Loss *loss, void *user_data)
{
    (void) loss, (void) user_data;
}

static bool
fetch_nothing(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    (void) ref, (void) datagram, (void) user_data;
    return false;
}

static void
ignore_quarantine(const DecoderQuarantine *quarantine, void *user_data)
{
    (void) quarantine, (void) user_data;
}

void
tally_init(Tally *self, const DecoderSink *sink, void *user_data)
{
    *self = (Tally){ .user_data = user_data };
    self->sink = (DecoderSink){
        .flow = sink->flow ? sink->flow : ignore_flow,
        .template = sink->template ? sink->template : ignore_template,
        .option = sink->option ? sink->option : ignore_option,
        .loss = sink->loss ? sink->loss : ignore_loss,
        .fetch = sink->fetch ? sink->fetch : fetch_nothing,
        .quarantine = sink->quarantine ? sink->quarantine : ignore_quarantine,
    };
}

void
tally_status(Tally *self, DecodeStatus status, const Exporter *exporter, LossUnit unit,
             uint64_t count, int64_t received_us)
{
    const Loss loss = { .exporter = exporter,
                        .reason = decode_status_reason(status),
                        .unit = unit,
                        .class = decode_status_class(status),
                        .count = count,
                        .received_us = received_us };

    if (count == 0 || status == DECODE_OK)
        return;
    self->counters.status[status] += count;
    self->sink.loss(&loss, self->user_data);
}

void
tally_gap(Tally *self, uint8_t version, const Exporter *exporter, uint64_t count,
          int64_t received_us)
{
    const Loss loss = { .exporter = exporter,
                        .reason = LOSS_SEQUENCE_GAP,
                        .unit = version == 9 ? LOSS_UNIT_DATAGRAMS : LOSS_UNIT_FLOWS,
                        .class = "",
                        .count = count,
                        .received_us = received_us };

    if (count > 0)
        self->sink.loss(&loss, self->user_data);
}

void
tally_given_up(Tally *self, DecodeStatus status, const Exporter *exporter,
               int64_t received_us)
{
    const Loss loss = { .exporter = exporter,
                        .reason = LOSS_NO_TEMPLATE,
                        .unit = LOSS_UNIT_SETS,
                        .class = decode_status_class(status),
                        .count = 1,
                        .received_us = received_us };

    self->counters.sets_given_up++;
    if (status != DECODE_OK)
        self->counters.status[status]++;
    self->sink.loss(&loss, self->user_data);
}
