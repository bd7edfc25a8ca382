/* SPDX-License-Identifier: Apache-2.0 */
#include "export-writer.h"

#include <fixbuf/public.h>
#include <glib/gstdio.h>
#include <string.h>

/* What a reader of ours asks libfixbuf for. */
typedef struct {
    uint64_t start_ms;
    uint64_t octets;
    uint64_t reverse_octets;
    uint8_t src_v6[16];
    uint32_t src_v4;
    uint32_t exporter_v4;
    uint32_t domain;
    uint16_t dst_port;
    uint16_t icmp_v4;
    uint8_t protocol;
    uint8_t padding[3];
} Seen;

/* Twins: the members of Seen, in order. */
static const struct {
    const char *name;
    uint16_t n_bytes;
} seen_elements[] = {
    { "flowStartMilliseconds", 8 },
    { "octetDeltaCount", 8 },
    { "reverseOctetDeltaCount", 8 },
    { "sourceIPv6Address", 16 },
    { "sourceIPv4Address", 4 },
    { "exporterIPv4Address", 4 },
    { "originalObservationDomainId", 4 },
    { "destinationTransportPort", 2 },
    { "icmpTypeCodeIPv4", 2 },
    { "protocolIdentifier", 1 },
    { "paddingOctets", 3 },
};

typedef void (*SeenFunc)(const Seen *seen, uint32_t domain, void *user_data);

/* Reads @path back with libfixbuf's collector; returns the number of records. */
static unsigned
read_back(const char *path, SeenFunc func, void *user_data)
{
    g_autoptr(GError) error = NULL;
    fbInfoModel_t *model = fbInfoModelAlloc();
    fbSession_t *session = fbSessionAlloc(model);
    fbTemplate_t *template = fbTemplateAlloc(model);
    unsigned n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(seen_elements); i++) {
        fbInfoElementSpec_t spec = { (char *) seen_elements[i].name,
                                     seen_elements[i].n_bytes, 0 };

        g_assert_true(fbTemplateAppendSpec(template, &spec, 0, &error));
    }
    g_assert_true(fbSessionAddTemplate(session, TRUE, 999, template, &error));

    fBuf_t *buffer =
        fBufAllocForCollection(session, fbCollectorAllocFile(NULL, path, &error));
    g_assert_true(fBufSetInternalTemplate(buffer, 999, &error));
    for (;;) {
        Seen seen = { 0 };
        size_t n_bytes = sizeof(seen);

        if (!fBufNext(buffer, (uint8_t *) &seen, &n_bytes, &error))
            break;
        func(&seen, fbSessionGetDomain(session), user_data);
        n++;
    }
    g_assert_error(error, FB_ERROR_DOMAIN, FB_ERROR_EOF);
    fBufFree(buffer);
    fbInfoModelFree(model);
    return n;
}

static char *
temporary_path(void)
{
    g_autofree char *folder = g_dir_make_tmp("export-writer-XXXXXX", NULL);

    return g_build_filename(folder, "out.ipfix", NULL);
}

static void
remove_file(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);

    g_unlink(path);
    g_rmdir(folder);
}

static ExportRow
numbered_row(unsigned i, unsigned n_domains)
{
    return (ExportRow){
        .start_ms = UINT64_C(1709211909000) + i,
        .octets = i,
        .v4[0] = 0xc0000201,
        .v4[5] = 0xc6336401,
        .domain = i % n_domains,
        .dst_port = (uint16_t) i,
        .protocol = 6,
        .shape = EXPORT_BIT(EXPORT_START) | EXPORT_BIT(EXPORT_OCTETS) |
                 EXPORT_BIT(EXPORT_SRC_V4) | EXPORT_BIT(EXPORT_EXPORTER_V4) |
                 EXPORT_BIT(EXPORT_DOMAIN) | EXPORT_BIT(EXPORT_DST_PORT) |
                 EXPORT_BIT(EXPORT_PROTOCOL),
    };
}

static void
check_each_shape(const Seen *seen, uint32_t domain, void *user_data)
{
    unsigned *n = user_data;

    g_assert_cmpuint(seen->domain, ==, domain);
    g_assert_cmphex(seen->exporter_v4, ==, 0xc6336401);
    if (domain == 0) {
        g_assert_cmphex(seen->src_v4, ==, 0xc0000201);
        g_assert_cmpuint(seen->octets, ==, 0);
        g_assert_cmpuint(seen->reverse_octets, ==, 0);
    } else if (domain == 1) {
        g_assert_cmphex(seen->src_v4, ==, 0);
        g_assert_cmphex(seen->src_v6[15], ==, 7);
        g_assert_cmpuint(seen->reverse_octets, ==, UINT64_C(1) << 40);
    } else {
        g_assert_cmpuint(seen->icmp_v4, ==, 0x0800);
        g_assert_cmpuint(seen->dst_port, ==, 0);
    }
    (*n)++;
}

static void
test_shapes(void)
{
    g_autofree char *path = temporary_path();
    g_autoptr(GError) error = NULL;
    ExportWriter *writer = export_writer_new_file(path, &error);
    unsigned n = 0;

    g_assert_no_error(error);
    for (unsigned i = 0; i < 3; i++) {
        ExportRow row = numbered_row(i, 3);

        if (i == 1) {
            row.shape &= ~EXPORT_BIT(EXPORT_SRC_V4);
            row.shape |= EXPORT_BIT(EXPORT_SRC_V6) | EXPORT_BIT(EXPORT_REVERSE_OCTETS);
            row.v6[0][15] = 7;
            row.reverse_octets = UINT64_C(1) << 40;
        }
        if (i == 2) {
            row.shape &= ~EXPORT_BIT(EXPORT_DST_PORT);
            row.shape |= EXPORT_BIT(EXPORT_ICMP_V4);
            row.icmp_v4 = 0x0800;
        }
        g_assert_true(export_writer_add(writer, &row, &error));
    }
    g_assert_true(export_writer_flush(writer, &error));
    export_writer_free(writer);
    g_assert_cmpuint(read_back(path, check_each_shape, &n), ==, 3);
    remove_file(path);
}

#define N_DOMAINS 70
#define N_ROWS    100000

typedef struct {
    uint64_t sum;
    uint64_t last[N_DOMAINS];
} Order;

static void
check_order(const Seen *seen, uint32_t domain, void *user_data)
{
    Order *order = user_data;

    g_assert_cmpuint(domain, <, N_DOMAINS);
    g_assert_true(order->last[domain] == 0 || seen->octets > order->last[domain]);
    order->last[domain] = seen->octets;
    order->sum += seen->octets;
}

static void
test_interleaved(void)
{
    g_autofree char *path = temporary_path();
    g_autoptr(GError) error = NULL;
    ExportWriter *writer = export_writer_new_file(path, &error);
    g_autofree Order *order = g_new0(Order, 1);
    GStatBuf file;

    for (unsigned i = 0; i < N_ROWS; i++) {
        const ExportRow row = numbered_row(i, N_DOMAINS);

        g_assert_true(export_writer_add(writer, &row, &error));
    }
    g_assert_true(export_writer_flush(writer, &error));
    export_writer_free(writer);

    g_assert_cmpuint(read_back(path, check_order, order), ==, N_ROWS);
    g_assert_cmpuint(order->sum, ==, (uint64_t) N_ROWS * (N_ROWS - 1) / 2);

    /* 31 octets a record, and messages that are well filled. */
    g_assert_cmpint(g_stat(path, &file), ==, 0);
    g_assert_cmpint(file.st_size, <, N_ROWS * 32);
    remove_file(path);
}

static void
test_full_disk(void)
{
    g_autoptr(GError) error = NULL;
    ExportWriter *writer = export_writer_new_file("/dev/full", &error);
    bool ok = true;

    g_assert_no_error(error);
    for (unsigned i = 0; i < 50000 && ok; i++) {
        const ExportRow row = numbered_row(i, 1);

        ok = export_writer_add(writer, &row, &error);
    }
    ok = ok && export_writer_flush(writer, &error);
    g_assert_false(ok);
    g_assert_nonnull(error);
    export_writer_free(writer);

    g_clear_error(&error);
    g_assert_null(export_writer_new_file("/nonexistent/x", &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void
test_nobody_listens(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ExportWriter) writer = export_writer_new_tcp("127.0.0.1", "1", &error);
    const ExportRow row = numbered_row(1, 1);

    g_assert_nonnull(writer);
    g_assert_false(export_writer_add(writer, &row, &error) &&
                   export_writer_flush(writer, &error));
    g_assert_nonnull(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/export-writer/a-row-exports-what-it-has", test_shapes);
    g_test_add_func("/export-writer/domains-keep-their-order", test_interleaved);
    g_test_add_func("/export-writer/a-full-disk-is-an-error", test_full_disk);
    g_test_add_func("/export-writer/nobody-listening-is-an-error", test_nobody_listens);
    return g_test_run();
}
