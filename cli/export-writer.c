/* SPDX-License-Identifier: Apache-2.0 */
#include "export-writer.h"

#include <errno.h>
#include <fixbuf/public.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_GATHERED      32768 /* rows, all domains together: about 10 MB */
#define ROWS_A_TURN       1024  /* a domain with so many is written */
#define INTERNAL_TEMPLATE FB_TID_MIN_DATA
/* Every combination of fields is a template; rows of whatever else somebody put into
 * a table must not make them without end, so further ones lose the rarer fields. */
#define MAX_SHAPES 4096

typedef struct {
    const char *element;
    uint16_t n_bytes;
} Field;

/* Twins: ExportField and the members of ExportRow, in the same order. */
static const Field fields[EXPORT_N_FIELDS] = {
    [EXPORT_START] = { "flowStartMilliseconds", 8 },
    [EXPORT_END] = { "flowEndMilliseconds", 8 },
    [EXPORT_RECEIVED] = { "collectionTimeMilliseconds", 8 },
    [EXPORT_OCTETS] = { "octetDeltaCount", 8 },
    [EXPORT_PACKETS] = { "packetDeltaCount", 8 },
    [EXPORT_REVERSE_OCTETS] = { "reverseOctetDeltaCount", 8 },
    [EXPORT_REVERSE_PACKETS] = { "reversePacketDeltaCount", 8 },
    [EXPORT_FLOW_ID] = { "flowId", 8 },
    [EXPORT_SRC_V6] = { "sourceIPv6Address", 16 },
    [EXPORT_DST_V6] = { "destinationIPv6Address", 16 },
    [EXPORT_NEXT_HOP_V6] = { "ipNextHopIPv6Address", 16 },
    [EXPORT_NAT_SRC_V6] = { "postNATSourceIPv6Address", 16 },
    [EXPORT_NAT_DST_V6] = { "postNATDestinationIPv6Address", 16 },
    [EXPORT_EXPORTER_V6] = { "exporterIPv6Address", 16 },
    [EXPORT_SRC_V4] = { "sourceIPv4Address", 4 },
    [EXPORT_DST_V4] = { "destinationIPv4Address", 4 },
    [EXPORT_NEXT_HOP_V4] = { "ipNextHopIPv4Address", 4 },
    [EXPORT_NAT_SRC_V4] = { "postNATSourceIPv4Address", 4 },
    [EXPORT_NAT_DST_V4] = { "postNATDestinationIPv4Address", 4 },
    [EXPORT_EXPORTER_V4] = { "exporterIPv4Address", 4 },
    [EXPORT_INPUT_IF] = { "ingressInterface", 4 },
    [EXPORT_OUTPUT_IF] = { "egressInterface", 4 },
    [EXPORT_SRC_AS] = { "bgpSourceAsNumber", 4 },
    [EXPORT_DST_AS] = { "bgpDestinationAsNumber", 4 },
    [EXPORT_DOMAIN] = { "originalObservationDomainId", 4 },
    [EXPORT_SRC_PORT] = { "sourceTransportPort", 2 },
    [EXPORT_DST_PORT] = { "destinationTransportPort", 2 },
    [EXPORT_ICMP_V4] = { "icmpTypeCodeIPv4", 2 },
    [EXPORT_ICMP_V6] = { "icmpTypeCodeIPv6", 2 },
    [EXPORT_VLAN] = { "vlanId", 2 },
    [EXPORT_NAT_SRC_PORT] = { "postNAPTSourceTransportPort", 2 },
    [EXPORT_NAT_DST_PORT] = { "postNAPTDestinationTransportPort", 2 },
    [EXPORT_TCP_FLAGS] = { "tcpControlBits", 2 },
    [EXPORT_PROTOCOL] = { "protocolIdentifier", 1 },
    [EXPORT_TOS] = { "ipClassOfService", 1 },
    [EXPORT_END_REASON] = { "flowEndReason", 1 },
    [EXPORT_EVENT] = { "firewallEvent", 1 },
    [EXPORT_DIRECTION] = { "flowDirection", 1 },
};

/* What libfixbuf sees of a row: a hole anywhere would shift the rest. */
#define ROW_BYTES (8 * 8 + EXPORT_N_ADDRESSES * 20 + 5 * 4 + 8 * 2 + 5)
G_STATIC_ASSERT(offsetof(ExportRow, direction) + 1 == ROW_BYTES);

#define COMMON_BITS                                                                    \
    ((EXPORT_BIT(EXPORT_REVERSE_OCTETS) - 1) | EXPORT_BIT(EXPORT_SRC_V4) |             \
     EXPORT_BIT(EXPORT_DST_V4) | EXPORT_BIT(EXPORT_SRC_V6) |                           \
     EXPORT_BIT(EXPORT_DST_V6) | EXPORT_BIT(EXPORT_EXPORTER_V4) |                      \
     EXPORT_BIT(EXPORT_EXPORTER_V6) | EXPORT_BIT(EXPORT_DOMAIN) |                      \
     EXPORT_BIT(EXPORT_SRC_PORT) | EXPORT_BIT(EXPORT_DST_PORT) |                       \
     EXPORT_BIT(EXPORT_PROTOCOL))

/* Rows of one observation domain that were not written yet. */
typedef struct {
    uint32_t id;
    GArray *rows;          /* of ExportRow; NULL = none */
    GHashTable *announced; /* set of Shapes whose template this domain has */
} Domain;

/* Rows with the same fields: one template, of the same id in every domain. */
typedef struct {
    uint64_t bits;
    uint16_t id;
    fbTemplate_t *template; /* owned by the session once it is in a domain */
    bool is_added;
} Shape;

struct ExportWriter {
    fbInfoModel_t *model;
    fBuf_t *buffer;
    fbSession_t *session; /* owned by buffer */
    FILE *file;           /* NULL for TCP */
    GHashTable *domains;  /* of Domain, by id */
    GHashTable *shapes;   /* of Shape, by bits */
    size_t n_gathered;
};

static void
domain_free(void *data)
{
    Domain *domain = data;

    g_clear_pointer(&domain->rows, g_array_unref);
    g_hash_table_unref(domain->announced);
    g_free(domain);
}

static void
shape_free(void *data)
{
    Shape *shape = data;

    if (!shape->is_added)
        fbTemplateFreeUnused(shape->template);
    g_free(shape);
}

static bool
append_field(fbTemplate_t *template, unsigned field, GError **error)
{
    fbInfoElementSpec_t spec = { .name = (char *) fields[field].element,
                                 .len_override = fields[field].n_bytes };

    return fbTemplateAppendSpec(template, &spec, 0, error);
}

/* @bits of ExportField. */
static fbTemplate_t *
build_template(fbInfoModel_t *model, uint64_t bits, GError **error)
{
    fbTemplate_t *template = fbTemplateAlloc(model);

    for (unsigned i = 0; i < EXPORT_N_FIELDS; i++) {
        if ((bits & EXPORT_BIT(i)) && !append_field(template, i, error)) {
            fbTemplateFreeUnused(template);
            return NULL;
        }
    }
    return template;
}

static bool
add_internal_template(ExportWriter *self, GError **error)
{
    fbTemplate_t *template =
        build_template(self->model, EXPORT_BIT(EXPORT_N_FIELDS) - 1, error);

    return template && fbSessionAddTemplate(self->session, TRUE, INTERNAL_TEMPLATE,
                                            template, error) != 0;
}

/* @exporter (transfer full); @file (transfer full) or NULL. */
static ExportWriter *
writer_new(fbInfoModel_t *model, fbExporter_t *exporter, FILE *file, GError **error)
{
    g_autoptr(ExportWriter) self = g_new0(ExportWriter, 1);

    self->model = model;
    self->file = file;
    self->session = fbSessionAlloc(model);
    self->buffer = fBufAllocForExport(self->session, exporter);
    self->domains = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, domain_free);
    self->shapes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, shape_free);
    return add_internal_template(self, error) ? g_steal_pointer(&self) : NULL;
}

ExportWriter *
export_writer_new_file(const char *path, GError **error)
{
    FILE *file = g_str_equal(path, "-") ? stdout : fopen(path, "wbe");

    if (!file) {
        const int why = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(why), "%s: %s", path,
                    g_strerror(why));
        return NULL;
    }
    return writer_new(fbInfoModelAlloc(), fbExporterAllocFP(file), file, error);
}

ExportWriter *
export_writer_new_tcp(const char *host, const char *port, GError **error)
{
    fbConnSpec_t peer = { .transport = FB_TCP,
                          .host = (char *) host,
                          .svc = (char *) port };

    return writer_new(fbInfoModelAlloc(), fbExporterAllocNet(&peer), NULL, error);
}

void
export_writer_free(ExportWriter *self)
{
    if (!self)
        return;

    g_hash_table_unref(self->shapes);
    g_hash_table_unref(self->domains);
    fBufFree(self->buffer);
    fbInfoModelFree(self->model);
    if (self->file && self->file != stdout)
        fclose(self->file);
    g_free(self);
}

static Domain *
find_domain(ExportWriter *self, uint32_t id)
{
    Domain *domain = g_hash_table_lookup(self->domains, &id);

    if (!domain) {
        domain = g_new0(Domain, 1);
        domain->id = id;
        domain->announced = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(self->domains, &domain->id, domain);
    }
    if (!domain->rows)
        domain->rows = g_array_new(FALSE, FALSE, sizeof(ExportRow));
    return domain;
}

static Shape *
find_shape(ExportWriter *self, uint64_t bits, GError **error)
{
    Shape *shape = g_hash_table_lookup(self->shapes, &bits);
    const unsigned n_shapes = g_hash_table_size(self->shapes);

    if (shape)
        return shape;
    if (n_shapes >= MAX_SHAPES && (bits & ~COMMON_BITS))
        return find_shape(self, bits & COMMON_BITS, error);

    fbTemplate_t *template = build_template(self->model, bits, error);
    if (!template)
        return NULL;

    shape = g_new0(Shape, 1);
    shape->bits = bits;
    shape->id = (uint16_t) (INTERNAL_TEMPLATE + 1 + n_shapes);
    shape->template = template;
    g_hash_table_insert(self->shapes, &shape->bits, shape);
    return shape;
}

/* A template is written into the domain's next message, before its first row. */
static bool
announce(ExportWriter *self, Domain *domain, Shape *shape, GError **error)
{
    if (!g_hash_table_add(domain->announced, shape))
        return true;
    if (!fbSessionAddTemplate(self->session, FALSE, shape->id, shape->template, error))
        return false;

    shape->is_added = true;
    return true;
}

static bool
write_row(ExportWriter *self, Domain *domain, ExportRow *row, GError **error)
{
    Shape *shape = find_shape(self, row->shape, error);

    return shape && announce(self, domain, shape, error) &&
           fBufSetInternalTemplate(self->buffer, INTERNAL_TEMPLATE, error) &&
           fBufSetExportTemplate(self->buffer, shape->id, error) &&
           fBufAppend(self->buffer, (uint8_t *) row, ROW_BYTES, error);
}

/* A message belongs to one domain: it ends with the domain's rows. */
static bool
write_domain(ExportWriter *self, Domain *domain, GError **error)
{
    g_autoptr(GArray) rows = g_steal_pointer(&domain->rows);

    if (!rows)
        return true;

    self->n_gathered -= rows->len;
    fbSessionSetDomain(self->session, domain->id);
    for (unsigned i = 0; i < rows->len; i++) {
        if (!write_row(self, domain, &g_array_index(rows, ExportRow, i), error))
            return false;
    }
    return fBufEmit(self->buffer, error);
}

static bool
write_all(ExportWriter *self, GError **error)
{
    GHashTableIter at;
    void *domain;

    g_hash_table_iter_init(&at, self->domains);
    while (g_hash_table_iter_next(&at, NULL, &domain)) {
        if (!write_domain(self, domain, error))
            return false;
    }
    return true;
}

bool
export_writer_add(ExportWriter *self, const ExportRow *row, GError **error)
{
    Domain *domain = find_domain(self, row->domain);

    g_array_append_val(domain->rows, *row);
    self->n_gathered++;
    if (domain->rows->len >= ROWS_A_TURN)
        return write_domain(self, domain, error);
    return self->n_gathered < MAX_GATHERED || write_all(self, error);
}

bool
export_writer_flush(ExportWriter *self, GError **error)
{
    if (!write_all(self, error))
        return false;
    if (!self->file || fflush(self->file) == 0)
        return true;

    const int why = errno;
    g_set_error_literal(error, G_FILE_ERROR, g_file_error_from_errno(why),
                        g_strerror(why));
    return false;
}
