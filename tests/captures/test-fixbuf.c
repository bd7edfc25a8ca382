/* SPDX-License-Identifier: Apache-2.0 */

/* A second opinion: libfixbuf decodes every valid IPFIX message of the captures, and
 * messages it has made itself, to the same values as our decoder. */

#include <fixbuf/public.h>
#include <stdlib.h>
#include <string.h>

#include "capture-file.h"
#include "capture-run.h"
#include "clock.h"
#include "flow-facts.h"

#define INTERNAL_TID   0x1000
#define N_GENERATED    3000
#define N_LAYOUTS      40
#define FIRST_LAYOUT   0x2000
#define MESSAGE_DOMAIN 7

/* What libfixbuf fills in, in this order and without gaps. */
typedef struct __attribute__((packed)) {
    uint64_t octets;
    uint64_t packets;
    uint64_t total_octets;
    uint64_t total_packets;
    uint64_t start_ms;
    uint64_t end_ms;
    uint8_t src6[16];
    uint8_t dst6[16];
    uint32_t src4;
    uint32_t dst4;
    uint32_t start_sec;
    uint32_t end_sec;
    uint32_t input_if;
    uint32_t output_if;
    uint32_t src_as;
    uint32_t dst_as;
    uint32_t vrf_in;
    uint32_t vrf_out;
    uint16_t src_port;
    uint16_t dst_port;
    uint16_t tcp_flags;
    uint16_t vlan;
    uint16_t customer_vlan;
    uint8_t protocol;
    uint8_t tos;
    uint8_t end_reason;
} Theirs;

/* The same as a template; spec_width[i] bytes each. */
static fbInfoElementSpec_t specs[] = {
    { (char *) "octetDeltaCount", 8, 0 },
    { (char *) "packetDeltaCount", 8, 0 },
    { (char *) "octetTotalCount", 8, 0 },
    { (char *) "packetTotalCount", 8, 0 },
    { (char *) "flowStartMilliseconds", 8, 0 },
    { (char *) "flowEndMilliseconds", 8, 0 },
    { (char *) "sourceIPv6Address", 16, 0 },
    { (char *) "destinationIPv6Address", 16, 0 },
    { (char *) "sourceIPv4Address", 4, 0 },
    { (char *) "destinationIPv4Address", 4, 0 },
    { (char *) "flowStartSeconds", 4, 0 },
    { (char *) "flowEndSeconds", 4, 0 },
    { (char *) "ingressInterface", 4, 0 },
    { (char *) "egressInterface", 4, 0 },
    { (char *) "bgpSourceAsNumber", 4, 0 },
    { (char *) "bgpDestinationAsNumber", 4, 0 },
    { (char *) "ingressVRFID", 4, 0 },
    { (char *) "egressVRFID", 4, 0 },
    { (char *) "sourceTransportPort", 2, 0 },
    { (char *) "destinationTransportPort", 2, 0 },
    { (char *) "tcpControlBits", 2, 0 },
    { (char *) "vlanId", 2, 0 },
    { (char *) "dot1qVlanId", 2, 0 },
    { (char *) "protocolIdentifier", 1, 0 },
    { (char *) "ipClassOfService", 1, 0 },
    { (char *) "flowEndReason", 1, 0 },
    FB_IESPEC_NULL,
};

#define N_SPECS (G_N_ELEMENTS(specs) - 1)

/* Last of the elements that a generated record can do without; addresses and times
 * come in kinds of which it takes one. */
enum { SPEC_START_MS = 4, SPEC_SRC6 = 6, SPEC_SRC4 = 8, SPEC_START_SEC = 10 };

static void
ignore_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    (void) domain;
    (void) level;
    (void) message;
    (void) data;
}

static IpAddress
address_of(uint32_t v4, const uint8_t *v6)
{
    const uint32_t big_endian = GUINT32_TO_BE(v4);
    const IpAddress six = ip_address_from_v6(v6);

    if (v4 == 0 && !ip_address_is_unspecified(&six))
        return six;
    return ip_address_from_v4((const uint8_t *) &big_endian);
}

/* Element 8 with the value 0.0.0.0 and no element at all look alike to libfixbuf. */
static IpAddress
zero_is_zero(const IpAddress *addr)
{
    const uint8_t zeros[4] = { 0 };

    return ip_address_is_unspecified(addr) ? ip_address_from_v4(zeros) : *addr;
}

/* Counters since the last record win over totals, also when they are 0. */
static bool
has_delta(fbTemplate_t *template, const char *name)
{
    fbInfoElementSpec_t spec = { (char *) name, 0, 0 };

    return fbTemplateContainsElementByName(template, &spec);
}

static char *
their_text(fbTemplate_t *template, const Theirs *theirs)
{
    const FlowFacts facts = {
        .src = address_of(theirs->src4, theirs->src6),
        .dst = address_of(theirs->dst4, theirs->dst6),
        .octets = has_delta(template, "octetDeltaCount") ? theirs->octets
                                                         : theirs->total_octets,
        .packets = has_delta(template, "packetDeltaCount") ? theirs->packets
                                                           : theirs->total_packets,
        .start_ms = theirs->start_ms ? theirs->start_ms : theirs->start_sec * 1000ULL,
        .end_ms = theirs->end_ms ? theirs->end_ms : theirs->end_sec * 1000ULL,
        .input_if = theirs->input_if,
        .output_if = theirs->output_if,
        .src_as = theirs->src_as,
        .dst_as = theirs->dst_as,
        .vrf_in = theirs->vrf_in,
        .vrf_out = theirs->vrf_out,
        .src_port = theirs->src_port,
        .dst_port = theirs->dst_port,
        .vlan = theirs->vlan ? theirs->vlan : theirs->customer_vlan,
        .tcp_flags = theirs->tcp_flags,
        .protocol = theirs->protocol,
        .tos = theirs->tos,
        .end_reason = theirs->end_reason,
    };

    return flow_facts_text(&facts);
}

/* @no_times: the file counts in uptime, which libfixbuf does not resolve. */
static char *
our_text(const Flow *flow, bool no_times)
{
    FlowFacts facts = flow_facts_from_flow(flow);

    facts.src = zero_is_zero(&facts.src);
    facts.dst = zero_is_zero(&facts.dst);
    if (no_times)
        facts.start_ms = facts.end_ms = 0;
    return flow_facts_text(&facts);
}

/* --- libfixbuf's side --- */

typedef struct {
    fbSession_t *session; /* owned by the buffer */
    fBuf_t *buffer;
} Collector;

static fbInfoModel_t *model;

static void
free_collector(gpointer data)
{
    Collector *self = data;

    fBufFree(self->buffer);
    g_free(self);
}

static Collector *
new_collector(void)
{
    Collector *self = g_new0(Collector, 1);
    GError *error = NULL;
    fbTemplate_t *template = fbTemplateAlloc(model);

    self->session = fbSessionAlloc(model);
    g_assert_true(fbTemplateAppendSpecArray(template, specs, 0, &error));
    g_assert_cmpuint(fbSessionAddTemplate(self->session, TRUE, INTERNAL_TID, template,
                                          &error),
                     ==, INTERNAL_TID);
    self->buffer = fBufAllocForCollection(self->session, NULL);
    fBufSetAutomaticMode(self->buffer, FALSE);
    return self;
}

/* All flow records of one message; data without template is left out by libfixbuf as
 * it would be by us at that moment. */
static void
collect(Collector *self, const uint8_t *bytes, size_t n_bytes, GPtrArray *texts)
{
    g_autofree uint8_t *copy = g_memdup2(bytes, n_bytes);

    fBufSetBuffer(self->buffer, copy, n_bytes);
    for (;;) {
        g_autoptr(GError) error = NULL;
        Theirs theirs = { 0 };
        size_t size = sizeof(theirs);
        uint16_t tid;
        fbTemplate_t *template = fBufNextCollectionTemplate(self->buffer, &tid, &error);

        if (!template)
            return;
        const bool is_options = fbTemplateGetOptionsScope(template) > 0;
        if (!fBufSetInternalTemplate(self->buffer, INTERNAL_TID, &error) ||
            !fBufNext(self->buffer, (uint8_t *) &theirs, &size, &error))
            return;
        if (!is_options)
            g_ptr_array_add(texts, their_text(template, &theirs));
    }
}

/* IPFIX messages of a datagram that libfixbuf can be trusted with: whole. */
static void
collect_datagram(GHashTable *collectors, const CapturePacket *packet, GPtrArray *texts)
{
    char addr[IP_ADDRESS_TEXT_BYTES];
    g_autofree char *key =
        g_strdup_printf("%s %u", ip_address_format(&packet->peer, addr),
                        packet->peer_port);
    Collector *collector = g_hash_table_lookup(collectors, key);
    const uint8_t *at = packet->bytes;
    size_t left = packet->n_bytes;

    if (!collector) {
        collector = new_collector();
        g_hash_table_insert(collectors, g_steal_pointer(&key), collector);
    }
    while (left >= 16 && at[0] == 0 && at[1] == 10) {
        const size_t length = (size_t) (at[2] << 8 | at[3]);

        if (length < 16 || length > left)
            return;
        collect(collector, at, length, texts);
        at += length;
        left -= length;
    }
}

static GPtrArray *
their_texts(const char *path)
{
    const IpAddress peer = ip_address_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
    g_autoptr(GError) error = NULL;
    g_autoptr(CaptureFile) file = capture_file_open(path, &peer, &error);
    g_autoptr(GHashTable) collectors =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_collector);
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    CapturePacket packet;

    g_assert_no_error(error);
    while (capture_file_next(file, &packet, &error) == CAPTURE_PACKET)
        collect_datagram(collectors, &packet, texts);
    g_assert_no_error(error);
    return texts;
}

static void
compare(const char *path, bool no_times)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CaptureRun) run = capture_run_new(path, &error);
    g_autoptr(GPtrArray) ours = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) theirs = their_texts(path);

    g_assert_no_error(error);
    for (guint i = 0; i < run->flows->len; i++)
        g_ptr_array_add(ours, our_text(&g_array_index(run->flows, Flow, i), no_times));
    flow_facts_assert_same(ours, theirs, "libfixbuf");
}

/* --- captures --- */

typedef struct {
    char *path;
    bool no_times;
} Case;

static void
test_capture(gconstpointer user_data)
{
    const Case *input = user_data;

    compare(input->path, input->no_times);
}

/* Lines of IPFIX that were not broken on purpose. */
static void
add_case(const char *folder, const char *line)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", 3);

    if (g_strv_length(columns) < 3 || !g_str_equal(columns[1], "IPFIX") ||
        strstr(line, "MALFORMED"))
        return;

    g_autofree char *name = g_strdup_printf("/fixbuf/%s", columns[0]);
    Case *input = g_new0(Case, 1);
    input->path = g_build_filename(folder, columns[0], NULL);
    input->no_times = strstr(line, "time=uptime") != NULL;
    g_test_add_data_func(name, input, test_capture);
}

/* --- messages made by libfixbuf --- */

static bool
takes(GRand *random, unsigned layout, size_t spec)
{
    switch (spec) {
    case SPEC_SRC6:
    case SPEC_SRC6 + 1:
        return layout % 2 == 1;
    case SPEC_SRC4:
    case SPEC_SRC4 + 1:
        return layout % 2 == 0;
    case SPEC_START_MS:
    case SPEC_START_MS + 1:
        return layout % 3 != 0;
    case SPEC_START_SEC:
    case SPEC_START_SEC + 1:
        return layout % 3 == 0;
    default:
        return g_rand_boolean(random);
    }
}

/* Counters and numbers may be sent in fewer octets (RFC 7011 6.2). */
static uint16_t
width_on_wire(GRand *random, size_t spec)
{
    const uint16_t width = specs[spec].len_override;
    const bool reducible =
        spec < SPEC_START_MS || (spec > SPEC_START_SEC + 1 && width == 4);

    return reducible && g_rand_boolean(random)
               ? (uint16_t) g_rand_int_range(random, 1, width + 1)
               : width;
}

static void
add_layouts(fbSession_t *session, GRand *random)
{
    for (unsigned layout = 0; layout < N_LAYOUTS; layout++) {
        fbTemplate_t *template = fbTemplateAlloc(model);
        GError *error = NULL;

        for (size_t i = 0; i < N_SPECS; i++) {
            fbInfoElementSpec_t spec = specs[i];

            if (!takes(random, layout, i))
                continue;
            spec.len_override = width_on_wire(random, i);
            g_assert_true(fbTemplateAppendSpec(template, &spec, 0, &error));
        }
        g_assert_cmpuint(fbSessionAddTemplate(session, FALSE,
                                              (uint16_t) (FIRST_LAYOUT + layout),
                                              template, &error),
                         !=, 0);
    }
}

static void
fill_random(GRand *random, Theirs *record)
{
    uint8_t *bytes = (uint8_t *) record;

    for (size_t i = 0; i < sizeof(*record); i++)
        bytes[i] = (uint8_t) g_rand_int(random);
    record->start_ms = record->start_ms >> 20 | 1;
    record->end_ms = record->end_ms >> 20 | 1;
    /* Far seconds are read as those of the other side of the wrap in 2106. */
    record->start_sec = 1700000000 + record->start_sec % 100000000;
    record->end_sec = 1700000000 + record->end_sec % 100000000;
    record->src6[0] = record->dst6[0] = 0x20;
    record->protocol = 6; /* ICMP says other things with its ports */
}

/* A file of messages with random templates and values. */
static void
test_generated(void)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GRand) random = g_rand_new_with_seed(7011);
    const int fd = g_file_open_tmp("fixbuf-XXXXXX.ipfix", &path, &error);
    FILE *file = fdopen(fd, "wb");
    fbSession_t *session = fbSessionAlloc(model);
    fbTemplate_t *internal = fbTemplateAlloc(model);

    g_assert_nonnull(file);
    g_assert_true(fbTemplateAppendSpecArray(internal, specs, 0, &error));
    g_assert_cmpuint(fbSessionAddTemplate(session, TRUE, INTERNAL_TID, internal,
                                          &error),
                     ==, INTERNAL_TID);
    fbSessionSetDomain(session, MESSAGE_DOMAIN); /* templates belong to one */
    add_layouts(session, random);

    fBuf_t *buffer = fBufAllocForExport(session, fbExporterAllocFP(file));
    g_assert_true(fbSessionExportTemplates(session, &error));
    g_assert_true(fBufSetInternalTemplate(buffer, INTERNAL_TID, &error));
    for (unsigned i = 0; i < N_GENERATED; i++) {
        const uint16_t layout = (uint16_t) g_rand_int_range(random, 0, N_LAYOUTS);
        Theirs record;

        fill_random(random, &record);
        g_assert_true(fBufSetExportTemplate(buffer, FIRST_LAYOUT + layout, &error));
        g_assert_true(fBufAppend(buffer, (uint8_t *) &record, sizeof(record), &error));
    }
    g_assert_true(fBufEmit(buffer, &error));
    fBufFree(buffer);
    fclose(file);

    compare(path, false);
    remove(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    /* It warns of sequence gaps, which captures have. */
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_log_set_default_handler(ignore_log, NULL);
    model = fbInfoModelAlloc();

    capture_run_add_tests(add_case, "/fixbuf/none-here");
    g_test_add_func("/fixbuf/generated", test_generated);

    const int status = g_test_run();
    fbInfoModelFree(model);
    return status;
}
