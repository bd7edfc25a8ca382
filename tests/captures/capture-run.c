/* SPDX-License-Identifier: Apache-2.0 */
#include "capture-run.h"

#include <string.h>

#include "capture-file.h"

/* Datagrams are kept in memory, so that those that wait can be fetched. */
typedef struct {
    CaptureRun *run;
    GPtrArray *datagrams; /* of Datagram, with their bytes behind them */
} Feed;

static const DecoderLimits limits = {
    .max_exporters = 1000,
    .max_templates = 10000,
    .max_fields = 1024,
    .max_template_bytes = 64 << 20,
    .max_options = 100000,
    .max_waiting = 10000,
    .max_waiting_per_exporter = 10000,
    .template_lifetime_sec = 0,
    .wait_sec = 1800,
};

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    Feed *feed = user_data;

    g_assert_cmpint(shift_us, ==, 0);
    g_array_append_val(feed->run->flows, *flow);
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    (void) learnt;
    (void) user_data;
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    (void) user_data;
    g_assert_true(g_utf8_validate(learnt->name, -1, NULL));
}

static void
on_loss(const Loss *loss, void *user_data)
{
    (void) user_data;
    g_assert_cmpuint(loss->count, >, 0);
}

static bool
on_fetch(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    Feed *feed = user_data;

    g_assert_cmpuint(ref->offset, <, feed->datagrams->len);
    *datagram = *(const Datagram *) g_ptr_array_index(feed->datagrams, ref->offset);
    return true;
}

static const Datagram *
keep_datagram(Feed *feed, const CapturePacket *packet, uint64_t session)
{
    Datagram *datagram = g_malloc0(sizeof(*datagram) + packet->n_bytes);
    uint8_t *bytes = (uint8_t *) (datagram + 1);

    if (packet->n_bytes > 0)
        memcpy(bytes, packet->bytes, packet->n_bytes);
    *datagram = (Datagram){ .bytes = bytes,
                            .n_bytes = packet->n_bytes,
                            .received_us = packet->time_us,
                            .peer = packet->peer,
                            .peer_port = packet->peer_port,
                            .session = session,
                            .ref = { 0, feed->datagrams->len } };
    g_ptr_array_add(feed->datagrams, datagram);
    return datagram;
}

const char *
capture_run_folder(void)
{
    const char *named = g_getenv("FLOWKEEP_CAPTURES");

    return named ? named : CAPTURES_FOLDER;
}

static void
skip(void)
{
    g_test_skip("no captures here: set FLOWKEEP_CAPTURES to their folder");
}

void
capture_run_add_skip(const char *skip_path)
{
    g_test_add_func(skip_path, skip);
}

void
capture_run_add_tests(CaptureRunAdd *add, const char *skip_path)
{
    const char *folder = capture_run_folder();
    g_autofree char *path = g_build_filename(folder, "expected.tsv", NULL);
    g_autofree char *table = NULL;

    if (!g_file_get_contents(path, &table, NULL, NULL)) {
        capture_run_add_skip(skip_path);
        return;
    }

    g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
    for (char **line = lines + 1; *line; line++)
        add(folder, *line);
}

static bool
feed_all(Decoder *decoder, CaptureFile *file, Feed *feed, int64_t *last_us,
         GError **error)
{
    CapturePacket packet;

    for (;;) {
        switch (capture_file_next(file, &packet, error)) {
        case CAPTURE_END:
            return true;
        case CAPTURE_ERROR:
            return false;
        case CAPTURE_PACKET:
            *last_us = packet.time_us;
            decoder_feed(decoder,
                         keep_datagram(feed, &packet, capture_file_is_stream(file)));
        }
    }
}

CaptureRun *
capture_run_new(const char *path, GError **error)
{
    static const DecoderSink sink = { on_flow, on_template, on_option, on_loss,
                                      on_fetch };
    const IpAddress stream_peer = ip_address_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
    g_autoptr(CaptureFile) file = capture_file_open(path, &stream_peer, error);
    int64_t last_us = 0;

    if (!file)
        return NULL;

    g_autoptr(CaptureRun) self = g_new0(CaptureRun, 1);
    self->flows = g_array_new(FALSE, FALSE, sizeof(Flow));
    self->exporters = exporter_table_new(limits.max_exporters);

    Feed feed = { self, g_ptr_array_new_with_free_func(g_free) };
    g_autoptr(Decoder) decoder = decoder_new(&limits, self->exporters, &sink, &feed);
    const bool ok = feed_all(decoder, file, &feed, &last_us, error);

    decoder_give_up(decoder, last_us);
    self->counters = *decoder_counters(decoder);
    g_ptr_array_unref(feed.datagrams);
    return ok ? g_steal_pointer(&self) : NULL;
}

void
capture_run_free(CaptureRun *self)
{
    if (!self)
        return;

    g_array_unref(self->flows);
    exporter_table_free(self->exporters);
    g_free(self);
}
