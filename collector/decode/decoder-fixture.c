/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/decoder-fixture.h"

#include <string.h>

const DecoderLimits decoder_fixture_limits = {
    .max_exporters = 1000,
    .max_templates = 1000,
    .max_fields = 1024,
    .max_template_bytes = 16 << 20,
    .max_options = 1000,
    .max_waiting = 1000,
    .max_waiting_per_exporter = 100,
    .template_lifetime_sec = 3600,
    .wait_sec = 600,
    .template_hold_sec = 300,
    .quarantine_sec = 60, /* never, unless a test asks for it */
};

static void
on_flow(Flow *flow, int64_t shift_us, void *user_data)
{
    const DecoderFixture *self = user_data;

    (void) shift_us;
    g_array_append_val(self->flows, *flow);
    memset(flow, 0xff, sizeof(*flow)); /* the callee may do what it likes */
}

static void
on_template(const LearntTemplate *learnt, void *user_data)
{
    const DecoderFixture *self = user_data;
    LearntTemplate copy = *learnt;

    copy.body = copy.body ? g_memdup2(copy.body, copy.n_body) : NULL;
    g_array_append_val(self->templates, copy);
}

static void
on_option(const LearntOption *learnt, void *user_data)
{
    const DecoderFixture *self = user_data;

    g_assert_true(g_utf8_validate(learnt->name, -1, NULL));
    g_assert_true(g_utf8_validate(learnt->description, -1, NULL));
    g_array_append_val(self->options, *learnt);
}

static void
on_loss(const Loss *loss, void *user_data)
{
    const DecoderFixture *self = user_data;

    g_assert_cmpuint(loss->count, >, 0);
    g_assert_nonnull(loss->class);
    g_array_append_val(self->losses, *loss);
}

static bool
on_fetch(const DatagramRef *ref, Datagram *datagram, void *user_data)
{
    const DecoderFixture *self = user_data;

    if (self->cannot_fetch)
        return false;
    g_assert_cmpuint(ref->segment, ==, 7);
    g_assert_cmpuint(ref->offset, <, self->datagrams->len);
    *datagram = *(const Datagram *) g_ptr_array_index(self->datagrams, ref->offset);
    return true;
}

static void
on_quarantine(const DecoderQuarantine *quarantine, void *user_data)
{
    DecoderFixture *self = user_data;

    self->n_quarantines++;
    self->quarantine = *quarantine;
}

static const DecoderSink sink = { on_flow, on_template, on_option,
                                  on_loss, on_fetch,    on_quarantine };

static void
free_template(gpointer at)
{
    g_free((gpointer) ((LearntTemplate *) at)->body);
}

static void
free_datagram(gpointer at)
{
    Datagram *datagram = at;

    g_free((gpointer) datagram->bytes);
    g_free(datagram);
}

DecoderFixture *
decoder_fixture_new(const DecoderLimits *limits)
{
    DecoderFixture *self = g_new0(DecoderFixture, 1);

    self->limits = limits ? *limits : decoder_fixture_limits;
    self->exporters = exporter_table_new(self->limits.max_exporters);
    self->flows = g_array_new(FALSE, FALSE, sizeof(Flow));
    self->losses = g_array_new(FALSE, FALSE, sizeof(Loss));
    self->options = g_array_new(FALSE, FALSE, sizeof(LearntOption));
    self->templates = g_array_new(FALSE, FALSE, sizeof(LearntTemplate));
    g_array_set_clear_func(self->templates, free_template);
    self->datagrams = g_ptr_array_new_with_free_func(free_datagram);
    self->decoder = decoder_new(&self->limits, self->exporters, &sink, self);
    self->peer = decoder_fixture_v4(192, 0, 2, 1);
    self->port = 2055;
    self->now_us = FIXTURE_US;
    return self;
}

void
decoder_fixture_free(DecoderFixture *self)
{
    if (!self)
        return;

    decoder_free(self->decoder);
    exporter_table_free(self->exporters);
    g_array_unref(self->flows);
    g_array_unref(self->losses);
    g_array_unref(self->options);
    g_array_unref(self->templates);
    g_ptr_array_unref(self->datagrams);
    g_free(self);
}

void
decoder_fixture_feed(DecoderFixture *self, const void *bytes, size_t n_bytes)
{
    Datagram *datagram = g_new0(Datagram, 1);

    *datagram = (Datagram){ .bytes = g_memdup2(bytes, n_bytes),
                            .n_bytes = n_bytes,
                            .received_us = self->now_us,
                            .shift_us = self->shift_us,
                            .peer = self->peer,
                            .peer_port = self->port,
                            .session = self->session,
                            .ref = { 7, self->datagrams->len },
                            .trust_exporter_address = self->trust_exporter_address };
    g_ptr_array_add(self->datagrams, datagram);
    decoder_feed(self->decoder, datagram);
}

void
decoder_fixture_send(DecoderFixture *self, PacketFixture *packet)
{
    decoder_fixture_feed(self, packet->bytes->data, packet->bytes->len);
    g_byte_array_set_size(packet->bytes, 0);
}

void
decoder_fixture_restart(DecoderFixture *self)
{
    size_t n_waiting;
    const DecoderWaiting *waiting = decoder_waiting(self->decoder, &n_waiting, NULL);
    g_autofree DecoderWaiting *copy = g_memdup2(waiting, n_waiting * sizeof(*waiting));
    const guint n_templates = self->templates->len, n_options = self->options->len;

    decoder_free(self->decoder);
    self->decoder = decoder_new(&self->limits, self->exporters, &sink, self);
    for (guint i = 0; i < n_templates; i++)
        decoder_restore_template(self->decoder,
                                 &g_array_index(self->templates, LearntTemplate, i));
    for (guint i = 0; i < n_options; i++)
        decoder_restore_option(self->decoder,
                               &g_array_index(self->options, LearntOption, i));
    decoder_restore_waiting(self->decoder, copy, n_waiting);
    g_assert_cmpuint(self->templates->len, ==, n_templates);
    g_assert_cmpuint(self->options->len, ==, n_options);
}

const Flow *
decoder_fixture_flow(const DecoderFixture *self, size_t index)
{
    g_assert_cmpuint(index, <, self->flows->len);
    return &g_array_index(self->flows, Flow, index);
}

uint64_t
decoder_fixture_lost(const DecoderFixture *self, LossReason reason, const char *class)
{
    uint64_t sum = 0;

    for (guint i = 0; i < self->losses->len; i++) {
        const Loss *loss = &g_array_index(self->losses, Loss, i);

        if (loss->reason == reason && (!class || strcmp(loss->class, class) == 0))
            sum += loss->count;
    }
    return sum;
}

uint64_t
decoder_fixture_status(const DecoderFixture *self, DecodeStatus status)
{
    return decoder_counters(self->decoder)->status[status];
}

uint64_t
decoder_fixture_n_bad(const DecoderFixture *self)
{
    uint64_t sum = 0;

    for (int i = 0; i < DECODE_N_STATUS; i++)
        sum += decoder_fixture_status(self, i);
    return sum;
}

IpAddress
decoder_fixture_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return ip_address_from_v4((const uint8_t[]){ a, b, c, d });
}

void
decoder_fixture_put(PacketFixture *packet, const PacketField *fields,
                    const FixtureValue *values)
{
    for (size_t i = 0; fields[i].element || fields[i].n_octets; i++) {
        if (values[i].octets)
            packet_fixture_bytes(packet, values[i].octets, fields[i].n_octets);
        else if (fields[i].n_octets <= 8)
            packet_fixture_uint(packet, values[i].value, fields[i].n_octets);
        else
            packet_fixture_fill(packet, 0, fields[i].n_octets);
    }
}

void
decoder_fixture_put_set(PacketFixture *packet, uint16_t id, const PacketField *fields,
                        const FixtureValue *values)
{
    packet_fixture_begin_set(packet, id);
    decoder_fixture_put(packet, fields, values);
    packet_fixture_end_set(packet);
}

/* Sends a template and one record of it. */
void
decoder_fixture_record(DecoderFixture *f, uint16_t version, uint16_t id,
                       const PacketField *fields, const FixtureValue *values)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, version, 1, f->datagrams->len);
    packet_fixture_template(packet, id, fields);
    decoder_fixture_put_set(packet, id, fields, values);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
}

void
decoder_fixture_options(DecoderFixture *f, uint16_t version, uint32_t domain,
                        uint16_t id, const PacketField *fields,
                        const FixtureValue *values)
{
    g_autoptr(PacketFixture) packet = packet_fixture_new();

    packet_fixture_begin(packet, version, domain, f->datagrams->len);
    packet_fixture_options(packet, id, 1, fields);
    decoder_fixture_put_set(packet, id, fields, values);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
}

const Flow *
decoder_fixture_last(const DecoderFixture *f)
{
    return decoder_fixture_flow(f, f->flows->len - 1);
}

const PacketField decoder_fixture_plain[] = {
    { 8, 4 }, { 12, 4 }, { 7, 2 }, { 11, 2 }, { 4, 1 }, { 2, 4 }, { 1, 8 }, { 0, 0 },
};

void
decoder_fixture_put_plain(PacketFixture *packet, uint32_t n_packets)
{
    packet_fixture_uint(packet, 0x0a000001, 4);
    packet_fixture_uint(packet, 0x0a000002, 4);
    packet_fixture_uint(packet, 1024, 2);
    packet_fixture_uint(packet, 443, 2);
    packet_fixture_uint(packet, 6, 1);
    packet_fixture_uint(packet, n_packets, 4);
    packet_fixture_uint(packet, UINT64_C(100) * n_packets, 8);
}

void
decoder_fixture_put_data(PacketFixture *packet, uint16_t id, uint32_t n_packets)
{
    packet_fixture_begin_set(packet, id);
    decoder_fixture_put_plain(packet, n_packets);
    packet_fixture_end_set(packet);
}

void
decoder_fixture_send_template(DecoderFixture *f, PacketFixture *packet,
                              uint16_t version, uint32_t sequence, uint16_t id,
                              const PacketField *fields)
{
    packet_fixture_begin(packet, version, 1, sequence);
    packet_fixture_template(packet, id, fields);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
}

void
decoder_fixture_send_data(DecoderFixture *f, PacketFixture *packet, uint16_t version,
                          uint32_t sequence, uint16_t id, uint32_t n_packets)
{
    packet_fixture_begin(packet, version, 1, sequence);
    decoder_fixture_put_data(packet, id, n_packets);
    packet_fixture_end(packet);
    decoder_fixture_send(f, packet);
}
