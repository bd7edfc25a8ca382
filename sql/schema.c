/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "sql-resources.h"

#define ROOT "/flowkeep/sql/"

/* What the database says of its migrations. */
typedef struct {
    PGresult *rows;      /* name, checksum; NULL = no schema at all */
    GHashTable *by_name; /* name -> checksum, both lent by rows */
} Record;

static void
record_clear(Record *self)
{
    PQclear(self->rows);
    g_clear_pointer(&self->by_name, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Record, record_clear)

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Any thread.  GLib prepares an embedded resource when it is first asked for, and tells
 * others who ask meanwhile that there is none (2.74): so the first asks alone. */
static GResource *
resource(void)
{
    static gsize prepared;

    if (g_once_init_enter(&prepared))
        g_once_init_leave(&prepared, (gsize) sql_get_resource());
    return (GResource *) prepared;
}

/* The embedded files of @folder in order; empty when there is no such folder. */
static GStrv
list(const char *folder)
{
    g_autofree char *path = g_strconcat(ROOT, folder, NULL);
    GStrv names = g_resource_enumerate_children(resource(), path, 0, NULL);

    if (!names)
        return g_new0(char *, 1);

    qsort(names, g_strv_length(names), sizeof(*names), compare_names);
    return names;
}

/* Text of an embedded file, NUL-terminated (transfer full). */
static char *
read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_strconcat(ROOT, folder, name, NULL);
    g_autoptr(GBytes) bytes = g_resource_lookup_data(resource(), path, 0, NULL);

    g_assert(bytes); /* it is in this very program */
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static char *
strip_suffix(const char *file_name)
{
    g_assert(g_str_has_suffix(file_name, ".sql"));
    return g_strndup(file_name, strlen(file_name) - strlen(".sql"));
}

const char *
schema_version(void)
{
    static char *version;

    if (g_once_init_enter(&version)) {
        g_auto(GStrv) names = list("migrations");

        g_once_init_leave(&version, strip_suffix(names[g_strv_length(names) - 1]));
    }
    return version;
}

static bool
read_record(PGconn *conn, Record *record, GError **error)
{
    g_autoptr(PGresult) there =
        db_query(conn, "looking for the schema",
                 "SELECT to_regclass('flowkeep.migration') IS NOT NULL", 0, NULL,
                 error);

    record->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    if (!there)
        return false;
    if (PQgetvalue(there, 0, 0)[0] != 't')
        return true;

    record->rows =
        db_query(conn, "reading flowkeep.migration",
                 "SELECT name, checksum FROM flowkeep.migration ORDER BY name", 0, NULL,
                 error);
    if (!record->rows)
        return false;

    for (int row = 0; row < PQntuples(record->rows); row++)
        g_hash_table_insert(record->by_name, PQgetvalue(record->rows, row, 0),
                            PQgetvalue(record->rows, row, 1));
    return true;
}

/* A migration we carry: is it recorded?  Fails when recorded as something else. */
static bool
is_applied(const Record *record, const char *name, const char *text, bool *applied,
           GError **error)
{
    g_autofree char *checksum =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    const char *recorded = g_hash_table_lookup(record->by_name, name);

    *applied = recorded != NULL;
    if (!recorded || strcmp(recorded, checksum) == 0)
        return true;

    g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                "schema flowkeep: migration %s was applied from another text than this "
                "program carries; use the programs of one release",
                name);
    return false;
}

/* Fails when the database has a migration that we do not carry. */
static bool
check_not_newer(const Record *record, GError **error)
{
    g_auto(GStrv) names = list("migrations");

    for (int row = 0; row < PQntuples(record->rows); row++) {
        g_autofree char *file_name =
            g_strconcat(PQgetvalue(record->rows, row, 0), ".sql", NULL);

        if (g_strv_contains((const char *const *) names, file_name))
            continue;

        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                    "schema flowkeep: it is newer (%s) than this program (%s); "
                    "upgrade the program",
                    PQgetvalue(record->rows, row, 0), schema_version());
        return false;
    }
    return true;
}

/* A whole file; errors begin with its @name, and not with its first line. */
static bool
run_text(PGconn *conn, const char *name, const char *text, GError **error)
{
    g_autoptr(PGresult) result = PQexec(conn, text);
    const ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           db_error_set(error, conn, result, name);
}

static bool
apply(PGconn *conn, const char *name, const char *text, GError **error)
{
    g_autofree char *checksum =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    const char *const params[] = { name, checksum };

    if (!db_exec(conn, "BEGIN", error))
        return false;

    if (run_text(conn, "applying", text, error)) {
        g_autoptr(PGresult) recorded =
            db_query(conn, "recording",
                     "INSERT INTO flowkeep.migration (name, checksum) VALUES ($1, $2)",
                     2, params, error);

        if (recorded)
            return db_exec(conn, "COMMIT", error);
    }

    g_prefix_error(error, "migration %s: ", name);
    db_exec(conn, "ROLLBACK", NULL);
    return false;
}

static bool
apply_missing(PGconn *conn, bool dry_run, SchemaProgress progress, void *user_data,
              GError **error)
{
    g_auto(Record) record = { 0 };
    g_auto(GStrv) names = list("migrations");

    if (!read_record(conn, &record, error) || !check_not_newer(&record, error))
        return false;

    for (size_t i = 0; names[i]; i++) {
        g_autofree char *name = strip_suffix(names[i]);
        g_autofree char *text = read_file("migrations/", names[i]);
        bool applied;

        if (!is_applied(&record, name, text, &applied, error))
            return false;
        if (applied)
            continue;
        if (progress)
            progress(name, user_data);
        if (!dry_run && !apply(conn, name, text, error))
            return false;
    }
    return true;
}

/* One file, or all of a folder, in one transaction. */
static bool
run_files(PGconn *conn, const char *folder, const char *const *names, GError **error)
{
    if (!db_exec(conn, "BEGIN", error))
        return false;

    for (size_t i = 0; names[i]; i++) {
        g_autofree char *text = read_file(folder, names[i]);

        if (!run_text(conn, names[i], text, error)) {
            db_exec(conn, "ROLLBACK", NULL);
            return false;
        }
    }
    return db_exec(conn, "COMMIT", error);
}

static bool
run_folder(PGconn *conn, const char *folder, GError **error)
{
    g_auto(GStrv) names = list(folder);

    return run_files(conn, folder, (const char *const *) names, error);
}

static bool
migrate_locked(PGconn *conn, SchemaProgress progress, void *user_data, GError **error)
{
    static const char *const before[] = { "bootstrap.sql", "roles.sql", NULL };
    static const char *const after[] = { "grants.sql", NULL };

    /* A newer schema must not even be touched by our functions. */
    return run_files(conn, "", before, error) &&
           apply_missing(conn, false, progress, user_data, error) &&
           run_folder(conn, "functions/", error) && run_folder(conn, "views/", error) &&
           run_files(conn, "", after, error);
}

gboolean
schema_migrate(PGconn *conn, gboolean dry_run, SchemaProgress progress, void *user_data,
               GError **error)
{
    if (dry_run)
        return apply_missing(conn, true, progress, user_data, error);

    if (!db_exec(conn,
                 "SET lock_timeout = '10s'; SET client_min_messages = warning;"
                 "SELECT pg_advisory_lock(hashtext('flowkeep.migrate'))",
                 error)) {
        g_prefix_error(error, "waiting for another migrate: ");
        return FALSE;
    }

    const bool ok = migrate_locked(conn, progress, user_data, error);

    db_exec(conn,
            "SELECT pg_advisory_unlock(hashtext('flowkeep.migrate'));"
            "RESET lock_timeout; RESET client_min_messages",
            NULL);
    return ok;
}

gboolean
schema_check(PGconn *conn, GError **error)
{
    g_auto(Record) record = { 0 };
    g_auto(GStrv) names = list("migrations");

    if (!read_record(conn, &record, error) || !check_not_newer(&record, error))
        return FALSE;

    for (size_t i = 0; names[i]; i++) {
        g_autofree char *name = strip_suffix(names[i]);
        g_autofree char *text = read_file("migrations/", names[i]);
        bool applied;

        if (!is_applied(&record, name, text, &applied, error))
            return FALSE;
        if (!applied) {
            g_set_error(error, DB_ERROR, DB_ERROR_REJECTED,
                        "schema flowkeep: %s %s; run `flowkeep migrate`",
                        record.rows ? "it is older than this program and lacks"
                                    : "it is not there, beginning with",
                        name);
            return FALSE;
        }
    }
    return TRUE;
}
