/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoder.h"

#include <string.h>

#include "clock.h"
#include "decode/intake.h"
#include "decode/quarantine.h"

#define SWEEP_US (30 * US_PER_SEC) /* between two searches for expired templates */

/* Records of waiting sets that are decoded at one go: some milliseconds' work. */
#define AT_ONE_GO 50000

struct Decoder {
    Intake intake;
    Quarantine *quarantine;
    int64_t swept_us;
};

Decoder *
decoder_new(const DecoderLimits *limits, ExporterTable *exporters,
            const DecoderSink *sink, void *user_data)
{
    Decoder *self = g_new0(Decoder, 1);

    intake_init(&self->intake, limits, exporters, sink, user_data);
    self->quarantine = quarantine_new(limits->quarantine_messages,
                                      limits->quarantine_sec * US_PER_SEC);
    return self;
}

void
decoder_free(Decoder *self)
{
    if (!self)
        return;

    intake_clear(&self->intake);
    quarantine_free(self->quarantine);
    g_free(self);
}

/* True when a message of a version we know could begin at @at. */
static bool
may_begin(const Datagram *datagram, size_t at)
{
    const uint8_t *bytes = datagram->bytes + at;

    return datagram->n_bytes - at >= 16 && bytes[0] == 0 &&
           (bytes[1] == 5 || bytes[1] == 9 || bytes[1] == 10);
}

static bool
is_zero_from(const Datagram *datagram, size_t at)
{
    const uint8_t *bytes = datagram->bytes + at;
    const size_t n = datagram->n_bytes - at;

    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* The functions that feed one message return the octets it has, or 0 when it has no
 * header to go by, so that nothing behind it can be read either; @status says what it
 * was worth. */

static size_t
feed_message(Decoder *self, const Datagram *datagram, size_t at, DecodeStatus *status)
{
    Message message;

    *status =
        message_read_header(&message, datagram->bytes + at, datagram->n_bytes - at);
    if (*status != DECODE_OK)
        return 0;

    *status = intake_message(&self->intake, datagram, &message);
    return message.n_bytes;
}

static size_t
feed_netflow5(Decoder *self, const Datagram *datagram, size_t at, DecodeStatus *status)
{
    Netflow5 message;

    *status =
        netflow5_read_header(&message, datagram->bytes + at, datagram->n_bytes - at,
                             datagram->received_us - datagram->shift_us);
    if (*status != DECODE_OK)
        return 0;

    /* v5 has no length: what follows must be nothing, or another message, or the
     * count is a lie. */
    const size_t next = at + message.n_bytes;
    if (!is_zero_from(datagram, next) && !may_begin(datagram, next)) {
        *status = DECODE_RECORD_COUNT;
        return 0;
    }

    intake_netflow5(&self->intake, datagram, datagram->bytes + at, &message);
    return message.n_bytes;
}

static size_t
feed_at(Decoder *self, const Datagram *datagram, size_t at, DecodeStatus *status)
{
    Reader r = reader_over(datagram->bytes + at, datagram->n_bytes - at);
    const uint16_t version = reader_uint(&r, 2);

    if (version == 5)
        return feed_netflow5(self, datagram, at, status);
    if (version == 9 || version == 10)
        return feed_message(self, datagram, at, status);
    *status = reader_ok(&r) ? DECODE_VERSION : DECODE_SHORT_HEADER;
    return 0;
}

/* Returns whether a message was good; @is_bad: one was not. */
static bool
feed_all(Decoder *self, const Datagram *datagram, bool *is_bad)
{
    bool is_good = false;
    size_t at = 0;

    do {
        DecodeStatus status;
        const size_t n = feed_at(self, datagram, at, &status);

        is_good |= status == DECODE_OK;
        *is_bad |= status != DECODE_OK;
        /* Whatever follows a whole message and is none itself is rubbish. */
        if (n == 0) {
            intake_count_malformed(&self->intake, at > 0 ? DECODE_TRAILING : status,
                                   datagram, 0);
            break;
        }
        at += n;
    } while (at < datagram->n_bytes && !is_zero_from(datagram, at));
    return is_good;
}

static void
note_malformed(Decoder *self, const Datagram *datagram, const QuarantineSender *sender)
{
    const StreamPeer *peer = stream_table_peer(self->intake.streams, &datagram->peer);
    const int64_t until_us =
        quarantine_note_malformed(self->quarantine, sender,
                                  peer ? peer->heard_us : INT64_MIN,
                                  datagram->received_us);
    const Tally *tally = &self->intake.tally;

    if (until_us == 0)
        return;
    if (peer) {
        peer->exporter->quarantined_until_us = until_us;
        peer->exporter->dirty = true;
    }
    tally->sink.quarantine(
        &(DecoderQuarantine){ .peer = datagram->peer,
                              .peer_port = datagram->peer_port,
                              .n_malformed = self->intake.limits.quarantine_messages,
                              .now_us = datagram->received_us,
                              .until_us = until_us },
        tally->user_data);
}

static void
refuse(Decoder *self, const Datagram *datagram)
{
    tally_status(&self->intake.tally, DECODE_QUARANTINED,
                 stream_table_exporter(self->intake.streams, &datagram->peer, 0),
                 LOSS_UNIT_DATAGRAMS, 1, datagram->received_us);
}

void
decoder_feed(Decoder *self, const Datagram *datagram)
{
    const QuarantineSender sender = { datagram->peer, datagram->peer_port };
    bool is_good = false, is_bad = false;

    self->intake.tally.counters.datagrams++;
    if (quarantine_refuses(self->quarantine, &sender, datagram->received_us)) {
        refuse(self, datagram);
        return;
    }

    if (datagram->n_bytes == 0) {
        intake_count_malformed(&self->intake, DECODE_EMPTY, datagram, 0);
        is_bad = true;
    } else {
        self->intake.backlog.feeding = datagram;
        backlog_go_on(&self->intake.backlog, AT_ONE_GO, datagram->received_us);
        is_good = feed_all(self, datagram, &is_bad);
        self->intake.backlog.feeding = NULL;
    }

    if (is_good)
        quarantine_note_good(self->quarantine, &sender);
    if (is_bad)
        note_malformed(self, datagram, &sender);
}

void
decoder_end_session(Decoder *self, uint64_t session, int64_t now_us)
{
    if (session != 0)
        intake_end_session(&self->intake, session, now_us);
}

void
decoder_tick(Decoder *self, int64_t now_us)
{
    Intake *intake = &self->intake;

    backlog_go_on(&intake->backlog, AT_ONE_GO, now_us);
    backlog_expire(&intake->backlog, now_us - intake->limits.wait_sec * US_PER_SEC,
                   now_us);
    intake_settle(intake, now_us, now_us);

    /* A clock that was set back is no reason to stop. */
    if (now_us - self->swept_us >= SWEEP_US || now_us < self->swept_us) {
        self->swept_us = now_us;
        intake_sweep(intake, now_us);
    }
}

void
decoder_settle(Decoder *self, int64_t now_us)
{
    intake_settle(&self->intake, INT64_MAX, now_us);
}

void
decoder_give_up(Decoder *self, int64_t now_us)
{
    Backlog *backlog = &self->intake.backlog;

    backlog_go_on(backlog, UINT64_MAX, now_us);
    backlog_expire(backlog, INT64_MAX, now_us);
    decoder_settle(self, now_us);
}

void
decoder_override_sampling(Decoder *self, const IpAddress *address, uint32_t rate)
{
    stream_table_override(self->intake.streams, address, rate);
}

void
decoder_restore_template(Decoder *self, const LearntTemplate *learnt)
{
    intake_restore_template(&self->intake, learnt);
}

void
decoder_pin_templates(Decoder *self, const IpAddress *address, bool pins)
{
    stream_table_pin(self->intake.streams, address, pins);
}

static Options *
options_of(Decoder *self, const Exporter *exporter)
{
    return stream_table_options_of(self->intake.streams, (Exporter *) exporter);
}

void
decoder_restore_option(Decoder *self, const LearntOption *learnt)
{
    if (learnt->kind < LEARNT_N_KINDS)
        options_put(options_of(self, learnt->exporter), &self->intake.options, learnt);
}

void
decoder_restore_sequence(Decoder *self, const Exporter *exporter)
{
    if (exporter->undecided)
        intake_restore_sequence(&self->intake, exporter);
}

void
decoder_keep_sequences(Decoder *self)
{
    intake_keep_sequences(&self->intake);
}

void
decoder_restore_waiting(Decoder *self, const DecoderWaiting *waiting, size_t n)
{
    for (size_t i = 0; i < n; i++)
        intake_restore_waiting(&self->intake, &waiting[i]);
}

const DecoderWaiting *
decoder_waiting(Decoder *self, size_t *n, uint64_t *generation)
{
    return waiting_list(self->intake.backlog.waiting, n, generation);
}

const char *
decoder_app_name(Decoder *self, const Exporter *exporter, uint64_t app)
{
    return options_name(options_of(self, exporter), &self->intake.options, LEARNT_APP,
                        app);
}

const char *
decoder_vrf_name(Decoder *self, const Exporter *exporter, uint32_t vrf)
{
    return options_name(options_of(self, exporter), &self->intake.options, LEARNT_VRF,
                        vrf);
}

const DecoderCounters *
decoder_counters(const Decoder *self)
{
    return &self->intake.tally.counters;
}

size_t
decoder_bytes(const Decoder *self)
{
    const Intake *intake = &self->intake;

    return intake->templates.n_bytes + intake->options.n_bytes +
           waiting_bytes(intake->backlog.waiting) + nsel_bytes(intake->emitter.nsel);
}
