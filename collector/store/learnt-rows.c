/* SPDX-License-Identifier: Apache-2.0 */
#include "store/learnt-rows.h"

#include <inttypes.h>
#include <string.h>

#include "db.h"
#include "store/exporter-rows.h"
#include "store/row-stream.h"
#include "store/sql-text.h"

#define ROWS_A_STATEMENT 500

/* What identifies a template or an options row in its table; no padding. */
typedef struct {
    Exporter *exporter;
    uint64_t number; /* template id, or key of the option */
    uint32_t kind;   /* protocol version, or LearntKind */
    uint32_t peer_port;
} Key;

typedef struct {
    Key key;
    LearntTemplate learnt; /* its body is our own */
} Template;

typedef struct {
    Key key;
    LearntOption learnt;
} Option;

struct LearntRows {
    char *collector;
    uint32_t worker;
    GHashTable *templates; /* Key -> Template that holds it */
    GHashTable *options;   /* Key -> Option that holds it */
};

static guint
hash_key(gconstpointer key)
{
    const Key *self = key;
    const uint64_t mixed = ((uintptr_t) self->exporter ^ self->number << 17 ^
                            (uint64_t) self->kind << 48 ^ self->peer_port) *
                           UINT64_C(0x9e3779b97f4a7c15);

    return (guint) (mixed >> 32);
}

static gboolean
equal_keys(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(Key)) == 0;
}

static void
free_template(void *template)
{
    g_free((void *) ((Template *) template)->learnt.body);
    g_free(template);
}

LearntRows *
learnt_rows_new(const char *collector, uint32_t worker)
{
    LearntRows *self = g_new0(LearntRows, 1);

    self->collector = g_strdup(collector);
    self->worker = worker;
    self->templates = g_hash_table_new_full(hash_key, equal_keys, NULL, free_template);
    self->options = g_hash_table_new_full(hash_key, equal_keys, NULL, g_free);
    return self;
}

void
learnt_rows_free(LearntRows *self)
{
    if (!self)
        return;

    g_free(self->collector);
    g_hash_table_unref(self->templates);
    g_hash_table_unref(self->options);
    g_free(self);
}

void
learnt_rows_add_template(LearntRows *self, const LearntTemplate *learnt)
{
    Template *row = g_new0(Template, 1);

    row->key = (Key){ .exporter = learnt->exporter,
                      .number = learnt->id,
                      .kind = learnt->version,
                      .peer_port = learnt->peer_port };
    row->learnt = *learnt;
    /* An empty body is a body: only NULL means that it is gone. */
    row->learnt.body = learnt->body ? g_malloc(learnt->n_body + 1) : NULL;
    if (learnt->body)
        memcpy((void *) row->learnt.body, learnt->body, learnt->n_body);
    g_hash_table_replace(self->templates, &row->key, row);
}

void
learnt_rows_add_option(LearntRows *self, const LearntOption *learnt)
{
    Option *row = g_new0(Option, 1);

    row->key = (Key){ .exporter = learnt->exporter,
                      .number = learnt->key,
                      .kind = learnt->kind };
    row->learnt = *learnt;
    g_hash_table_replace(self->options, &row->key, row);
}

static void
collect(GHashTable *rows, GPtrArray *exporters)
{
    GHashTableIter iter;
    const Key *key;

    g_hash_table_iter_init(&iter, rows);
    while (g_hash_table_iter_next(&iter, (void **) &key, NULL)) {
        if (key->exporter->id == 0)
            g_ptr_array_add(exporters, key->exporter);
    }
}

void
learnt_rows_collect(const LearntRows *self, GPtrArray *exporters)
{
    collect(self->templates, exporters);
    collect(self->options, exporters);
}

/* --- writing --- */

/* A statement of many rows that is run whenever it is full. */
typedef struct {
    PGconn *conn;
    const char *head;
    const char *tail;
    GString *sql;
    size_t n_rows;
} Statement;

static bool
statement_flush(Statement *self, GError **error)
{
    if (self->n_rows == 0)
        return true;

    g_string_append(self->sql, self->tail);
    self->n_rows = 0;

    const bool ok = db_exec(self->conn, self->sql->str, error);

    g_string_truncate(self->sql, 0);
    return ok;
}

/* Where the next row goes, after "VALUES" or a comma; NULL when flushing failed. */
static GString *
statement_row(Statement *self, GError **error)
{
    if (self->n_rows == ROWS_A_STATEMENT && !statement_flush(self, error))
        return NULL;
    g_string_append(self->sql, self->n_rows ? ", " : self->head);
    self->n_rows++;
    return self->sql;
}

/* "(collector, worker, exporter_id, " of a row. */
static void
append_owner(const LearntRows *self, Statement *statement, const Exporter *exporter)
{
    g_string_append_c(statement->sql, '(');
    sql_text_string(statement->sql, statement->conn, self->collector);
    g_string_append_printf(statement->sql, ", %" PRIu32 ", %" PRId32 ", ", self->worker,
                           exporter->id);
}

/* The last of a template's row. */
static void
append_local(GString *sql, const LearntTemplate *learnt)
{
    g_string_append(sql, ", ");
    if (learnt->local_port == 0) {
        g_string_append(sql, "NULL::inet, NULL::integer)");
        return;
    }
    sql_text_address(sql, &learnt->local_address);
    g_string_append_printf(sql, "::inet, %u)", learnt->local_port);
}

static bool
write_templates(LearntRows *self, PGconn *conn, GError **error)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    Statement statement = {
        .conn = conn,
        .sql = sql,
        .head =
            "INSERT INTO flowkeep.exporter_template (collector, worker, exporter_id,"
            " version, template_id, peer_port, is_options, body, learnt_at,"
            " local_address, local_port) VALUES ",
        .tail = " ON CONFLICT (collector, exporter_id, version, template_id, peer_port)"
                " DO UPDATE SET worker = excluded.worker,"
                " is_options = excluded.is_options, body = excluded.body,"
                " learnt_at = excluded.learnt_at,"
                " local_address = excluded.local_address,"
                " local_port = excluded.local_port",
    };
    GHashTableIter iter;
    Template *row;

    g_hash_table_iter_init(&iter, self->templates);
    while (g_hash_table_iter_next(&iter, NULL, (void **) &row)) {
        const LearntTemplate *learnt = &row->learnt;

        if (!learnt->body)
            continue;
        if (!statement_row(&statement, error))
            return false;
        append_owner(self, &statement, learnt->exporter);
        g_string_append_printf(sql, "%u, %u, %u, %s, ", learnt->version, learnt->id,
                               learnt->peer_port,
                               learnt->is_options ? "true" : "false");
        sql_text_bytes(sql, learnt->body, learnt->n_body);
        g_string_append(sql, ", ");
        sql_text_time(sql, MAX(learnt->learnt_us, 1));
        append_local(sql, learnt);
    }
    return statement_flush(&statement, error);
}

static bool
forget_templates(LearntRows *self, PGconn *conn, GError **error)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    Statement statement = {
        .conn = conn,
        .sql = sql,
        .head = "DELETE FROM flowkeep.exporter_template AS t USING (VALUES ",
        .tail = ") AS v (collector, worker, exporter_id, version, template_id,"
                " peer_port) WHERE t.collector = v.collector"
                " AND t.exporter_id = v.exporter_id AND t.version = v.version"
                " AND t.template_id = v.template_id AND t.peer_port = v.peer_port",
    };
    GHashTableIter iter;
    Template *row;

    g_hash_table_iter_init(&iter, self->templates);
    while (g_hash_table_iter_next(&iter, NULL, (void **) &row)) {
        if (row->learnt.body)
            continue;
        if (!statement_row(&statement, error))
            return false;
        append_owner(self, &statement, row->learnt.exporter);
        g_string_append_printf(sql, "%u, %u, %u)", row->learnt.version, row->learnt.id,
                               row->learnt.peer_port);
    }
    return statement_flush(&statement, error);
}

static bool
write_options(LearntRows *self, PGconn *conn, GError **error)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    Statement statement = {
        .conn = conn,
        .sql = sql,
        .head = "INSERT INTO flowkeep.exporter_option (collector, worker, exporter_id,"
                " kind, key, number, name, description, learnt_at) VALUES ",
        .tail = " ON CONFLICT (collector, exporter_id, kind, key) DO UPDATE"
                " SET worker = excluded.worker, number = excluded.number,"
                " name = excluded.name, description = excluded.description,"
                " learnt_at = excluded.learnt_at",
    };
    GHashTableIter iter;
    Option *row;

    g_hash_table_iter_init(&iter, self->options);
    while (g_hash_table_iter_next(&iter, NULL, (void **) &row)) {
        const LearntOption *learnt = &row->learnt;

        if (!statement_row(&statement, error))
            return false;
        append_owner(self, &statement, learnt->exporter);
        g_string_append_printf(sql, "'%s', %" PRIu64 ", ",
                               learnt_kind_name(learnt->kind), learnt->key);
        sql_text_number(sql, learnt->number);
        g_string_append(sql, ", ");
        sql_text_name(sql, conn, learnt->name);
        g_string_append(sql, ", ");
        sql_text_name(sql, conn, learnt->description);
        g_string_append(sql, ", ");
        sql_text_time(sql, MAX(learnt->learnt_us, 1));
        g_string_append_c(sql, ')');
    }
    return statement_flush(&statement, error);
}

static bool
write_interfaces(LearntRows *self, PGconn *conn, GError **error)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    Statement statement = {
        .conn = conn,
        .sql = sql,
        .head = "INSERT INTO flowkeep.interface (exporter_id, if_index, name,"
                " description, speed_bps, learnt_at) VALUES ",
        .tail =
            " ON CONFLICT (exporter_id, if_index) DO UPDATE SET name = excluded.name,"
            " description = excluded.description, speed_bps = excluded.speed_bps,"
            " learnt_at = excluded.learnt_at",
    };
    GHashTableIter iter;
    Option *row;

    g_hash_table_iter_init(&iter, self->options);
    while (g_hash_table_iter_next(&iter, NULL, (void **) &row)) {
        const LearntOption *learnt = &row->learnt;

        if (learnt->kind != LEARNT_INTERFACE || learnt->key > UINT32_MAX)
            continue;
        if (!statement_row(&statement, error))
            return false;
        g_string_append_printf(sql, "(%" PRId32 ", %" PRIu64 ", ", learnt->exporter->id,
                               learnt->key);
        sql_text_name(sql, conn, learnt->name);
        g_string_append(sql, ", ");
        sql_text_name(sql, conn, learnt->description);
        g_string_append(sql, ", ");
        sql_text_number(sql, learnt->number);
        g_string_append(sql, ", ");
        sql_text_time(sql, MAX(learnt->learnt_us, 1));
        g_string_append_c(sql, ')');
    }
    return statement_flush(&statement, error);
}

bool
learnt_rows_write(LearntRows *self, PGconn *conn, GError **error)
{
    if (!write_templates(self, conn, error) || !forget_templates(self, conn, error) ||
        !write_options(self, conn, error) || !write_interfaces(self, conn, error)) {
        g_prefix_error(error, "writing what exporters told: ");
        return false;
    }
    g_hash_table_remove_all(self->templates);
    g_hash_table_remove_all(self->options);
    return true;
}

/* --- back --- */

typedef struct {
    ExporterTable *table;
    const LearntRowsRestore *callbacks;
    void *user_data;
} Restore;

static uint64_t
number_of(const PGresult *result, int column)
{
    return g_ascii_strtoull(PQgetvalue(result, 0, column), NULL, 10);
}

static void
restore_template(const PGresult *result, void *user_data)
{
    const Restore *restore = user_data;
    size_t n_body;
    unsigned char *body =
        PQunescapeBytea((const unsigned char *) PQgetvalue(result, 0, 7), &n_body);
    LearntTemplate learnt = {
        .exporter = exporter_rows_find(restore->table, result, 0),
        .version = (uint8_t) number_of(result, 3),
        .id = (uint16_t) number_of(result, 4),
        .peer_port = (uint16_t) number_of(result, 5),
        .is_options = PQgetvalue(result, 0, 6)[0] == 't',
        .body = body,
        .n_body = n_body,
        .learnt_us = (int64_t) number_of(result, 8),
    };

    if (learnt.exporter && body)
        restore->callbacks->template(&learnt, restore->user_data);
    PQfreemem(body);
}

static void
restore_option(const PGresult *result, void *user_data)
{
    const Restore *restore = user_data;
    LearntOption learnt = {
        .exporter = exporter_rows_find(restore->table, result, 0),
        .kind = LEARNT_N_KINDS,
        .key = number_of(result, 4),
        .number = number_of(result, 5),
        .learnt_us = (int64_t) number_of(result, 8),
    };

    for (LearntKind kind = 0; kind < LEARNT_N_KINDS; kind++) {
        if (strcmp(learnt_kind_name(kind), PQgetvalue(result, 0, 3)) == 0)
            learnt.kind = kind;
    }
    g_strlcpy(learnt.name, PQgetvalue(result, 0, 6), sizeof(learnt.name));
    g_strlcpy(learnt.description, PQgetvalue(result, 0, 7), sizeof(learnt.description));
    if (learnt.exporter && learnt.kind != LEARNT_N_KINDS)
        restore->callbacks->option(&learnt, restore->user_data);
}

bool
learnt_rows_restore(LearntRows *self, PGconn *conn, ExporterTable *table,
                    const LearntRowsRestore *restore, void *user_data, GError **error)
{
    g_autofree char *worker = g_strdup_printf("%" PRIu32, self->worker);
    const char *const params[] = { self->collector, worker };
    Restore self_restore = { table, restore, user_data };

    if (restore->template &&
        !row_stream_each(
            conn, "restoring templates",
            "SELECT host(e.address), e.domain, e.id, t.version,"
            " t.template_id, t.peer_port, t.is_options, t.body, " SQL_TEXT_US(
                "t.learnt_at") " FROM flowkeep.exporter_template AS t"
                               " JOIN flowkeep.exporter AS e ON e.id = t.exporter_id"
                               " WHERE t.collector = $1 AND t.worker = $2::integer"
                               " ORDER BY t.learnt_at, t.exporter_id, t.template_id",
            2, params, restore_template, &self_restore, error))
        return false;

    return !restore->option ||
           row_stream_each(
               conn, "restoring options",
               "SELECT host(e.address), e.domain, e.id, o.kind, o.key,"
               " o.number, o.name, o.description, " SQL_TEXT_US(
                   "o.learnt_at") " FROM flowkeep.exporter_option AS o"
                                  " JOIN flowkeep.exporter AS e ON e.id = o.exporter_id"
                                  " WHERE o.collector = $1 AND o.worker = $2::integer"
                                  " ORDER BY o.learnt_at, o.exporter_id, o.kind, o.key",
               2, params, restore_option, &self_restore, error);
}
