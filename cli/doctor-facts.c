/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor-facts.h"

#include "db.h"
#include "ip-address.h"
#include "pg-cell.h"
#include "template-fields.h"

#define FIND_SQL                                                                       \
    "SELECT id FROM flowkeep.exporter"                                                 \
    " WHERE $1::text IS NULL OR name = $1 OR address = $2::inet"                       \
    " ORDER BY address, domain"

#define EXPORTER_SQL                                                                   \
    "SELECT extract(epoch FROM now()) * 1000000, host(e.address), e.name,"             \
    "       e.domain, e.version, extract(epoch FROM e.first_seen_at) * 1000000,"       \
    "       extract(epoch FROM e.last_seen_at) * 1000000,"                             \
    "       e.sampling, e.sampling_source, e.clock_skew_ms,"                           \
    "       (SELECT sum(t.flows) FROM flowkeep.traffic_1m AS t"                        \
    "         WHERE t.exporter_id = e.id AND t.minute > now() - interval '1 day'),"    \
    "       s.template_changes, s.restarts,"                                           \
    "       extract(epoch FROM s.quarantined_until) * 1000000"                         \
    "  FROM flowkeep.exporter AS e"                                                    \
    " CROSS JOIN LATERAL ("                                                            \
    "       SELECT sum(template_changes) AS template_changes,"                         \
    "              sum(restarts) AS restarts,"                                         \
    "              max(quarantined_until) AS quarantined_until"                        \
    "         FROM flowkeep.exporter_state WHERE exporter_id = e.id) AS s"             \
    " WHERE e.id = $1"

#define TEMPLATES_SQL                                                                  \
    "SELECT collector, version, template_id, is_options, peer_port,"                   \
    "       extract(epoch FROM learnt_at) * 1000000, body, host(local_address),"       \
    "       local_port"                                                                \
    "  FROM flowkeep.exporter_template"                                                \
    " WHERE exporter_id = $1"                                                          \
    " ORDER BY collector, version, template_id, peer_port"

#define OPTIONS_SQL                                                                    \
    "SELECT kind, key, number, name, description,"                                     \
    "       extract(epoch FROM learnt_at) * 1000000"                                   \
    "  FROM flowkeep.exporter_option"                                                  \
    " WHERE exporter_id = $1"                                                          \
    " ORDER BY kind, exporter_option.key, collector"

#define LOSSES_SQL                                                                     \
    "SELECT reason, class, unit, sum(count)"                                           \
    "  FROM flowkeep.loss"                                                             \
    " WHERE exporter_id = $1 AND minute > now() - interval '1 day'"                    \
    " GROUP BY reason, class, unit"                                                    \
    " ORDER BY sum(count) DESC, reason, class, unit"

static void
clear_template(void *data)
{
    DoctorTemplate *template = data;

    g_free(template->collector);
    g_free(template->local_address);
    g_array_unref(template->fields);
}

static void
clear_option(void *data)
{
    DoctorOption *option = data;

    g_free(option->kind);
    g_free(option->key);
    g_free(option->number);
    g_free(option->name);
    g_free(option->description);
}

static void
clear_loss(void *data)
{
    DoctorLoss *loss = data;

    g_free(loss->reason);
    g_free(loss->class);
    g_free(loss->unit);
}

DoctorFacts *
doctor_facts_new(void)
{
    DoctorFacts *self = g_new0(DoctorFacts, 1);

    self->templates = g_array_new(FALSE, TRUE, sizeof(DoctorTemplate));
    self->options = g_array_new(FALSE, TRUE, sizeof(DoctorOption));
    self->losses = g_array_new(FALSE, TRUE, sizeof(DoctorLoss));
    g_array_set_clear_func(self->templates, clear_template);
    g_array_set_clear_func(self->options, clear_option);
    g_array_set_clear_func(self->losses, clear_loss);
    return self;
}

void
doctor_facts_free(DoctorFacts *self)
{
    if (!self)
        return;

    g_array_unref(self->templates);
    g_array_unref(self->options);
    g_array_unref(self->losses);
    g_free(self->address);
    g_free(self->name);
    g_free(self->sampling_source);
    g_free(self);
}

GArray *
doctor_facts_find(PGconn *conn, const char *which, GError **error)
{
    char address[IP_ADDRESS_TEXT_BYTES];
    IpAddress parsed;
    const bool is_address = which && ip_address_parse(which, &parsed);
    const char *const params[] = { which, is_address
                                              ? ip_address_format(&parsed, address)
                                              : NULL };
    g_autoptr(PGresult) rows =
        db_query(conn, "looking for exporters", FIND_SQL, 2, params, error);

    if (!rows)
        return NULL;

    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int i = 0; i < PQntuples(rows); i++) {
        const int64_t id = pg_cell_int(rows, i, 0);

        g_array_append_val(ids, id);
    }
    return ids;
}

static bool
read_exporter(DoctorFacts *self, PGconn *conn, const char *id, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading the exporter", EXPORTER_SQL, 1, &id, error);

    if (rows && PQntuples(rows) == 1) {
        self->id = g_ascii_strtoll(id, NULL, 10);
        self->now_us = pg_cell_int(rows, 0, 0);
        self->address = g_strdup(pg_cell_text(rows, 0, 1));
        self->name = g_strdup(pg_cell_text(rows, 0, 2));
        self->domain = pg_cell_int(rows, 0, 3);
        self->version = (int) pg_cell_int(rows, 0, 4);
        self->first_seen_us = pg_cell_int(rows, 0, 5);
        self->last_seen_us = pg_cell_int(rows, 0, 6);
        self->sampling = pg_cell_int(rows, 0, 7);
        self->sampling_source = g_strdup(pg_cell_text(rows, 0, 8));
        self->clock_skew_ms = pg_cell_int(rows, 0, 9);
        self->flows = pg_cell_uint(rows, 0, 10);
        self->template_changes = pg_cell_uint(rows, 0, 11);
        self->restarts = pg_cell_uint(rows, 0, 12);
        self->quarantined_until_us = pg_cell_int(rows, 0, 13);
    }
    return rows != NULL;
}

static GArray *
parse_body(const PGresult *rows, int row, int column, ElementNames *names, int version,
           bool is_options)
{
    const char *text = PQgetvalue(rows, row, column);
    size_t n_bytes = 0;
    unsigned char *body = PQunescapeBytea((const unsigned char *) text, &n_bytes);
    GArray *fields = template_fields_parse(names, body, n_bytes, version, is_options);

    PQfreemem(body);
    return fields;
}

static bool
read_templates(DoctorFacts *self, PGconn *conn, const char *id, ElementNames *names,
               GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading templates", TEMPLATES_SQL, 1, &id, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const int version = (int) pg_cell_int(rows, i, 1);
        const bool is_options = pg_cell_bool(rows, i, 3);
        const DoctorTemplate template = {
            .collector = g_strdup(pg_cell_text(rows, i, 0)),
            .version = version,
            .id = (uint16_t) pg_cell_uint(rows, i, 2),
            .is_options = is_options,
            .peer_port = (uint16_t) pg_cell_uint(rows, i, 4),
            .learnt_us = pg_cell_int(rows, i, 5),
            .fields = parse_body(rows, i, 6, names, version, is_options),
            .local_address = g_strdup(pg_cell_text(rows, i, 7)),
            .local_port = (uint16_t) pg_cell_uint(rows, i, 8),
        };

        g_array_append_val(self->templates, template);
    }
    return rows != NULL;
}

static bool
read_options(DoctorFacts *self, PGconn *conn, const char *id, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading options", OPTIONS_SQL, 1, &id, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const DoctorOption option = {
            .kind = g_strdup(pg_cell_text(rows, i, 0)),
            .key = g_strdup(pg_cell_text(rows, i, 1)),
            .number = g_strdup(pg_cell_text(rows, i, 2)),
            .name = g_strdup(pg_cell_text(rows, i, 3)),
            .description = g_strdup(pg_cell_text(rows, i, 4)),
            .learnt_us = pg_cell_int(rows, i, 5),
        };

        g_array_append_val(self->options, option);
    }
    return rows != NULL;
}

static bool
read_losses(DoctorFacts *self, PGconn *conn, const char *id, GError **error)
{
    g_autoptr(PGresult) rows =
        db_query(conn, "reading losses", LOSSES_SQL, 1, &id, error);

    for (int i = 0; rows && i < PQntuples(rows); i++) {
        const DoctorLoss loss = {
            .reason = g_strdup(pg_cell_text(rows, i, 0)),
            .class = g_strdup(pg_cell_text(rows, i, 1)),
            .unit = g_strdup(pg_cell_text(rows, i, 2)),
            .count = pg_cell_uint(rows, i, 3),
        };

        g_array_append_val(self->losses, loss);
    }
    return rows != NULL;
}

DoctorFacts *
doctor_facts_read(PGconn *conn, ElementNames *names, int64_t id, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, id);
    g_autoptr(DoctorFacts) self = doctor_facts_new();

    if (!read_exporter(self, conn, text, error) ||
        !read_templates(self, conn, text, names, error) ||
        !read_options(self, conn, text, error) || !read_losses(self, conn, text, error))
        return NULL;
    return g_steal_pointer(&self);
}
