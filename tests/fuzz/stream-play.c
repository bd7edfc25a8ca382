/* SPDX-License-Identifier: Apache-2.0 */
#include "stream-play.h"

#include <string.h>

#include "clock.h"
#include "reader.h"

#define MAX_DATAGRAMS 4096
#define HALF_HOUR_US  (1800 * US_PER_SEC)
#define MAX_LEARNT    1024
/* What the decoder may hold beside templates, as its limits below allow. */
#define MAX_BYTES (8u << 20)

/* Bits of the octet before a datagram. */
enum {
    WHAT_EXPORTER = 0x03,
    WHAT_SESSION = 0x04,
    WHAT_TRUSTED = 0x08,
    WHAT_OTHER_PORT = 0x10,
    WHAT_LATER = 0x20,
    WHAT_RESTART = 0x40,
    WHAT_TEMPLATE_ROW = 0x80,
};

static const DecoderLimits limits = {
    .max_exporters = STREAM_PLAY_MAX_EXPORTERS,
    .max_templates = 64,
    .max_fields = 256,
    .max_template_bytes = 1 << 20,
    .max_options = 64,
    .max_waiting = 64,
    .max_waiting_per_exporter = 32,
    .template_lifetime_sec = 3600,
    .wait_sec = 600,
};

typedef struct {
    const StreamPlaySink *sink;
    void *user_data;
    ExporterTable *exporters;
    Decoder *decoder;
    GArray *datagrams; /* Datagram */
    int64_t now_us;
    GArray *templates; /* LearntTemplate, with bodies of their own: the database */
    GArray *options;   /* LearntOption */
    bool is_restoring;
    uint64_t n_told; /* flows, templates and options */
} Play;

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    Play *play = user_data;
    const CopyExtraNames names = {
        .app = decoder_app_name(play->decoder, flow->exporter, flow->app),
        .vrf_in = decoder_vrf_name(play->decoder, flow->exporter, flow->vrf_in),
        .vrf_out = decoder_vrf_name(play->decoder, flow->exporter, flow->vrf_out),
    };

    play->n_told++;
    play->sink->flow(flow, shift_us, &names, play->user_data);
}

/* As its primary key in the database. */
static bool
is_same_template(const LearntTemplate *a, const LearntTemplate *b)
{
    return a->exporter == b->exporter && a->version == b->version && a->id == b->id &&
           a->peer_port == b->peer_port;
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    Play *play = user_data;
    LearntTemplate copy = *learnt;

    g_assert_true((learnt->body == NULL) == (learnt->n_body == 0));
    g_assert_nonnull(learnt->exporter);
    g_assert_false(play->is_restoring);
    play->n_told++;
    for (guint i = 0; i < play->templates->len; i++) {
        LearntTemplate *have = &g_array_index(play->templates, LearntTemplate, i);

        if (!is_same_template(have, learnt))
            continue;
        g_free((gpointer) have->body);
        g_array_remove_index_fast(play->templates, i);
        break;
    }
    if (learnt->body && play->templates->len < MAX_LEARNT) {
        copy.body = g_memdup2(learnt->body, learnt->n_body);
        g_array_append_val(play->templates, copy);
    }
    if (play->sink->template)
        play->sink->template(learnt, play->user_data);
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    Play *play = user_data;
    guint at = 0;

    g_assert_true(g_utf8_validate(learnt->name, -1, NULL));
    g_assert_true(g_utf8_validate(learnt->description, -1, NULL));
    g_assert_cmpuint(learnt->kind, <, LEARNT_N_KINDS);
    g_assert_false(play->is_restoring);
    play->n_told++;
    for (; at < play->options->len; at++) {
        const LearntOption *have = &g_array_index(play->options, LearntOption, at);

        if (have->exporter == learnt->exporter && have->kind == learnt->kind &&
            have->key == learnt->key)
            break;
    }
    if (at < play->options->len)
        g_array_index(play->options, LearntOption, at) = *learnt;
    else if (at < MAX_LEARNT)
        g_array_append_val(play->options, *learnt);
    if (play->sink->option)
        play->sink->option(learnt, play->user_data);
}

static void
on_loss(const Loss *loss, void *user_data)
{
    const Play *play = user_data;

    g_assert_cmpuint(loss->count, >, 0);
    g_assert_cmpuint(loss->count, <=, INT64_MAX);
    g_assert_nonnull(loss->class);
    g_assert_nonnull(loss_reason_name(loss->reason));
    g_assert_nonnull(loss_unit_name(loss->unit));
    if (play->sink->loss)
        play->sink->loss(loss, play->user_data);
}

static bool
on_fetch(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    const Play *play = user_data;

    if (ref->offset >= play->datagrams->len)
        return false;
    *datagram = g_array_index(play->datagrams, Datagram, ref->offset);
    return true;
}

static const DecoderSink decoder_sink = { on_flow, on_template, on_option, on_loss,
                                          on_fetch };

/* Each exporter has an address of its own; two of them differ in family only. */
static IpAddress
exporter_address(unsigned which)
{
    uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t) which };

    return which < 2 ? ip_address_from_v4(bytes + 12) : ip_address_from_v6(bytes);
}

static void
restart(Play *play)
{
    size_t n_waiting;
    const DecoderWaiting *waiting = decoder_waiting(play->decoder, &n_waiting, NULL);
    g_autofree DecoderWaiting *kept = g_memdup2(waiting, n_waiting * sizeof(*waiting));

    decoder_free(play->decoder);
    play->decoder = decoder_new(&limits, play->exporters, &decoder_sink, play);
    play->is_restoring = true;
    for (guint i = 0; i < play->templates->len; i++)
        decoder_restore_template(play->decoder,
                                 &g_array_index(play->templates, LearntTemplate, i));
    for (guint i = 0; i < play->options->len; i++)
        decoder_restore_option(play->decoder,
                               &g_array_index(play->options, LearntOption, i));
    decoder_restore_waiting(play->decoder, kept, n_waiting);
    play->is_restoring = false;
}

/* A row that somebody wrote into the database. */
static void
restore_row(Play *play, unsigned what, const uint8_t *bytes, size_t n_bytes)
{
    const IpAddress peer = exporter_address(what & WHAT_EXPORTER);
    Exporter *exporter = exporter_table_get(play->exporters, &peer, 0);
    const LearntTemplate row = {
        .exporter = exporter,
        .version = what & WHAT_SESSION ? 9 : 10,
        .is_options = (what & WHAT_TRUSTED) != 0,
        .id = n_bytes >= 2 ? (uint16_t) (bytes[0] << 8 | bytes[1]) : 0,
        .peer_port = what & WHAT_OTHER_PORT ? 1001 : 1000,
        .body = bytes,
        .n_body = n_bytes,
        .learnt_us = play->now_us,
    };

    if (exporter)
        decoder_restore_template(play->decoder, &row);
}

/* RFC 7011 9.1: a message that breaks the rules is discarded whole. */
static void
feed(Play *play, const Datagram *datagram)
{
    const uint64_t n_messages = decoder_counters(play->decoder)->messages;
    const uint64_t n_told = play->n_told;

    decoder_feed(play->decoder, datagram);
    g_assert_cmpuint(decoder_bytes(play->decoder), <=, MAX_BYTES);
    if (decoder_counters(play->decoder)->messages == n_messages)
        g_assert_cmpuint(play->n_told, ==, n_told);
}

/* One entry of the input; false at its end. */
static bool
play_one(Play *play, Reader *r)
{
    const unsigned what = (unsigned) reader_uint(r, 1);
    const size_t n_said = reader_uint(r, 2); /* not in MIN(), which reads it twice */
    const size_t n_bytes = MIN(n_said, r->left);
    const uint8_t *bytes = reader_bytes(r, n_bytes);

    if (!reader_ok(r) || play->datagrams->len == MAX_DATAGRAMS)
        return false;

    play->now_us += what & WHAT_LATER ? HALF_HOUR_US : US_PER_SEC;
    if (what & WHAT_RESTART)
        restart(play);
    if (what & WHAT_TEMPLATE_ROW) {
        restore_row(play, what, bytes, n_bytes);
        return true;
    }

    const Datagram datagram = {
        .bytes = bytes,
        .n_bytes = n_bytes,
        .received_us = play->now_us,
        .peer = exporter_address(what & WHAT_EXPORTER),
        .peer_port = what & WHAT_OTHER_PORT ? 1001 : 1000,
        .session = what & WHAT_SESSION ? 7 + (what & WHAT_EXPORTER) : 0,
        .trust_exporter_address = (what & WHAT_TRUSTED) != 0,
        .ref = { 1, play->datagrams->len },
    };
    g_array_append_val(play->datagrams, datagram);
    feed(play, &datagram);
    return true;
}

void
stream_play(const uint8_t *bytes, size_t n_bytes, int64_t start_us,
            ExporterTable *exporters, const StreamPlaySink *sink, void *user_data)
{
    g_autoptr(GArray) datagrams = g_array_new(FALSE, FALSE, sizeof(Datagram));
    g_autoptr(GArray) templates = g_array_new(FALSE, FALSE, sizeof(LearntTemplate));
    g_autoptr(GArray) options = g_array_new(FALSE, FALSE, sizeof(LearntOption));
    Play play = { .sink = sink,
                  .user_data = user_data,
                  .exporters = exporters,
                  .datagrams = datagrams,
                  .now_us = start_us,
                  .templates = templates,
                  .options = options };
    Reader r = reader_over(bytes, n_bytes);

    play.decoder = decoder_new(&limits, exporters, &decoder_sink, &play);
    while (play_one(&play, &r))
        continue;

    decoder_tick(play.decoder, play.now_us);
    decoder_end_session(play.decoder, 7, play.now_us);
    decoder_give_up(play.decoder, play.now_us);
    decoder_free(play.decoder);
    for (guint i = 0; i < templates->len; i++)
        g_free((gpointer) g_array_index(templates, LearntTemplate, i).body);
}

void
stream_play_put(GByteArray *stream, uint8_t what, const uint8_t *bytes, size_t n_bytes)
{
    const uint8_t head[] = { what, (uint8_t) (n_bytes >> 8), (uint8_t) n_bytes };

    g_byte_array_append(stream, head, sizeof(head));
    g_byte_array_append(stream, bytes, (guint) n_bytes);
}
