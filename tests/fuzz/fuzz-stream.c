/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzz target: a whole stream of datagrams through the real path, state kept, from
 * the wire to the bytes of a row.
 *
 * The input is a list of datagrams, each behind three octets: what it is (bits: 0-1
 * which of four exporters, 2 TCP session, 3 exporter address trusted, 4 a second
 * source port, 5 half an hour passes first) and its length.  Besides not crashing:
 * memory stays within the limits, and every row is one that PostgreSQL accepts. */

#include <string.h>

#include "clock.h"
#include "decode/decoder.h"
#include "flow/normalise.h"
#include "reader.h"
#include "store/copy-row.h"

#define START_US      (INT64_C(1700000000) * US_PER_SEC)
#define MAX_DATAGRAMS 4096
#define HALF_HOUR_US  (1800 * US_PER_SEC)
/* What the decoder may hold beside templates, as its limits below allow. */
#define MAX_BYTES (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    Decoder *decoder;
    Datagram datagrams[MAX_DATAGRAMS];
    size_t n_datagrams;
    Normaliser normaliser;
    uint8_t *row;
} Stream;

static const DecoderLimits limits = {
    .max_exporters = 16,
    .max_templates = 64,
    .max_fields = 256,
    .max_template_bytes = 1 << 20,
    .max_options = 64,
    .max_waiting = 64,
    .max_waiting_per_exporter = 32,
    .template_lifetime_sec = 3600,
    .wait_sec = 600,
};

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    Stream *stream = user_data;

    normalise(&stream->normaliser, flow, shift_us);
    g_assert_cmpint(flow->start_us, <=, flow->end_us);
    g_assert_cmpuint(flow->octets, <=, INT64_MAX);
    g_assert_cmpuint(flow->packets, <=, INT64_MAX);
    g_assert_cmpuint(flow->reverse_octets, <=, INT64_MAX);
    flow->exporter->id = 1;
    const CopyExtraNames names = {
        .app = decoder_app_name(stream->decoder, flow->exporter, flow->app),
        .vrf_in = decoder_vrf_name(stream->decoder, flow->exporter, flow->vrf_in),
    };
    const uint8_t *end = copy_row_put(stream->row, flow, &names, COPY_ROW_EXTRA_ALL);
    const size_t n_bytes = (size_t) (end - stream->row);
    g_autofree char *text = copy_row_text(stream->row, n_bytes);

    g_assert_cmpuint(n_bytes, <=, COPY_ROW_MAX_BYTES);
    g_assert_cmpuint(copy_row_len(stream->row, n_bytes), ==, n_bytes);
    g_assert_true(g_utf8_validate(text, -1, NULL));
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    Stream *stream = user_data;

    g_assert_nonnull(stream->decoder);
    g_assert_true((learnt->body == NULL) == (learnt->n_body == 0));
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    (void) user_data;
    g_assert_true(g_utf8_validate(learnt->name, -1, NULL));
    g_assert_true(g_utf8_validate(learnt->description, -1, NULL));
}

static void
on_loss(const Loss *loss, void *user_data)
{
    (void) user_data;
    g_assert_cmpuint(loss->count, >, 0);
    g_assert_nonnull(loss->class);
}

static bool
on_fetch(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    Stream *stream = user_data;

    if (ref->offset >= stream->n_datagrams)
        return false;
    *datagram = stream->datagrams[ref->offset];
    return true;
}

/* Each exporter has an address of its own; two of them differ in family only. */
static IpAddress
exporter_address(unsigned which)
{
    uint8_t bytes[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t) which };

    return which < 2 ? ip_address_from_v4(bytes + 12) : ip_address_from_v6(bytes);
}

static bool
read_datagram(Reader *r, size_t number, int64_t *now_us, Datagram *datagram)
{
    const unsigned what = (unsigned) reader_uint(r, 1);
    const size_t n_bytes = MIN(reader_uint(r, 2), r->left);
    const uint8_t *bytes = reader_bytes(r, n_bytes);

    if (!reader_ok(r))
        return false;

    *now_us += what & 0x20 ? HALF_HOUR_US : US_PER_SEC;
    *datagram = (Datagram){ .bytes = bytes,
                            .n_bytes = n_bytes,
                            .received_us = *now_us,
                            .peer = exporter_address(what & 3),
                            .peer_port = what & 0x10 ? 1001 : 1000,
                            .session = what & 4 ? 7 + (what & 3) : 0,
                            .trust_exporter_address = (what & 8) != 0,
                            .ref = { 1, number } };
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DecoderSink sink = { on_flow, on_template, on_option, on_loss,
                                      on_fetch };
    g_autofree Stream *stream = g_new0(Stream, 1);
    g_autoptr(ExporterTable) exporters = exporter_table_new(limits.max_exporters);
    g_autoptr(PrefixTable) watched = prefix_table_new();
    Reader r = reader_over(data, size);
    int64_t now_us = START_US;

    stream->row = g_malloc(COPY_ROW_MAX_BYTES);
    stream->normaliser = (Normaliser){ .watched = watched,
                                       .max_future_us = 3600 * US_PER_SEC,
                                       .max_past_us = 86400 * US_PER_SEC,
                                       .max_sampling = 1000000 };
    stream->decoder = decoder_new(&limits, exporters, &sink, stream);
    while (stream->n_datagrams < MAX_DATAGRAMS) {
        Datagram *datagram = &stream->datagrams[stream->n_datagrams];

        if (!read_datagram(&r, stream->n_datagrams, &now_us, datagram))
            break;
        stream->n_datagrams++;
        decoder_feed(stream->decoder, datagram);
        g_assert_cmpuint(decoder_bytes(stream->decoder), <=, MAX_BYTES);
    }
    decoder_tick(stream->decoder, now_us);
    decoder_end_session(stream->decoder, 7, now_us);
    decoder_give_up(stream->decoder, now_us);
    decoder_free(stream->decoder);
    g_free(stream->row);
    return 0;
}
