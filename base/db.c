/* SPDX-License-Identifier: Apache-2.0 */
#include "db.h"

#include <string.h>

G_DEFINE_QUARK(db_error, db_error)

/* What the server may refuse today and take tomorrow, by SQLSTATE or its class
 * (two characters).  To a caller it is as good as a lost connection: wait, connect,
 * go on from the position.  Everything else is about what we sent. */
static const char *const passing[] = {
    "25006", /* read-only: a standby answered, or is being promoted */
    "40",    /* deadlock, serialization failure */
    "53",    /* disk full, out of memory, too many connections */
    "55006", /* object in use */
    "55P03", /* lock not available */
    "57",    /* shutting down, starting up, statement timeout */
    "58",    /* I/O error */
};

static bool
is_passing(const char *sqlstate)
{
    for (size_t i = 0; sqlstate && i < G_N_ELEMENTS(passing); i++) {
        if (g_str_has_prefix(sqlstate, passing[i]))
            return true;
    }
    return false;
}

/* What libpq itself has to say, as one line.  Its own messages go on in lines that
 * begin with a tab; other lines after the first are what the server said before the
 * connection broke, with contexts and row contents. */
static char *
libpq_message(const PGconn *conn)
{
    g_auto(GStrv) lines =
        g_strsplit(conn ? PQerrorMessage(conn) : "out of memory", "\n", -1);
    GString *text = g_string_new(lines[0] ? lines[0] : "");

    for (size_t i = 1; lines[0] && lines[i] && lines[i][0] == '\t'; i++)
        g_string_append_printf(text, " %s", g_strstrip(lines[i]));
    return g_string_free(text, FALSE);
}

bool
db_error_set(GError **error, PGconn *conn, const PGresult *result, const char *doing)
{
    const bool answers = conn && PQstatus(conn) == CONNECTION_OK;
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary =
        result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const bool lost = !answers || is_passing(sqlstate);

    if (primary) {
        g_set_error(error, DB_ERROR, lost ? DB_ERROR_LOST : DB_ERROR_REJECTED,
                    "%s: %s (SQLSTATE %s)", doing, primary, sqlstate ?: "unknown");
        return false;
    }

    g_autofree char *why = libpq_message(conn);
    g_set_error(error, DB_ERROR, lost ? DB_ERROR_LOST : DB_ERROR_REJECTED, "%s: %s",
                doing, why[0] ? why : "unexpected answer");
    return false;
}

PGconn *
db_connect(const char *conninfo, const char *program, bool async, unsigned timeout_sec,
           GError **error)
{
    g_autofree char *timeout = g_strdup_printf("%u", timeout_sec);
    /* What stands before dbname the connection string may override, what stands
     * behind it not.  The keepalives notice a server that vanished within a minute
     * instead of two hours. */
    const char *const words[][2] = {
        { "keepalives_idle", "30" },
        { "keepalives_interval", "10" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "60000" },
        { "dbname", conninfo },
        { "application_name", program },
        { "client_encoding", "UTF8" },
        { "connect_timeout", timeout },
        { NULL, NULL },
    };
    const char *keys[G_N_ELEMENTS(words)];
    const char *values[G_N_ELEMENTS(words)];

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        keys[i] = words[i][0];
        values[i] = words[i][1];
    }

    g_autoptr(PGconn) conn = PQconnectdbParams(keys, values, true);

    if (PQstatus(conn) != CONNECTION_OK) {
        db_error_set(error, conn, NULL, "connecting");
        return NULL;
    }

    /* Not in the parameter `options`, which would take the place of the operator's
     * own and which connection poolers refuse. */
    if (!db_exec(conn, "SET timezone = 'UTC'; SET search_path = flowkeep", error) ||
        (async && !db_exec(conn, "SET synchronous_commit = off", error))) {
        g_prefix_error(error, "connecting: ");
        if (error)
            (*error)->code = DB_ERROR_LOST;
        return NULL;
    }
    return g_steal_pointer(&conn);
}

static bool
is_good(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_EMPTY_QUERY;
}

bool
db_exec(PGconn *conn, const char *sql, GError **error)
{
    g_autoptr(PGresult) result = PQexec(conn, sql);

    if (is_good(result))
        return true;

    g_autofree char *doing = g_strndup(sql, MIN(strcspn(sql, "\n"), 60));
    return db_error_set(error, conn, result, doing);
}

PGresult *
db_query(PGconn *conn, const char *doing, const char *sql, int n_params,
         const char *const *params, GError **error)
{
    g_autoptr(PGresult) result =
        PQexecParams(conn, sql, n_params, NULL, params, NULL, NULL, 0);

    if (!is_good(result)) {
        db_error_set(error, conn, result, doing);
        return NULL;
    }
    return g_steal_pointer(&result);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PQconninfoOption, PQconninfoFree)

/* libpq marks them itself: password, sslpassword. */
static bool
is_secret(const PQconninfoOption *option)
{
    return option->dispchar[0] == '*' || g_str_has_suffix(option->keyword, "password");
}

bool
db_conninfo_check(const char *conninfo, bool *has_password, GError **error)
{
    char *message = NULL;
    g_autoptr(PQconninfoOption) options = PQconninfoParse(conninfo, &message);

    if (!options) {
        /* libpq quotes the word it stumbled over. */
        const bool may_tell =
            message && !strcasestr(conninfo, "pass") && !strstr(conninfo, "://");

        g_set_error(error, DB_ERROR, DB_ERROR_REJECTED, "%s",
                    may_tell ? g_strchomp(message) : "it cannot be read");
        PQfreemem(message);
        return false;
    }

    *has_password = false;
    for (const PQconninfoOption *option = options; option->keyword; option++)
        *has_password |= is_secret(option) && option->val && option->val[0];
    return true;
}

static void
append_quoted(GString *text, const char *value)
{
    g_string_append_c(text, '\'');
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *value);
    }
    g_string_append_c(text, '\'');
}

char *
db_conninfo_mask(const char *conninfo)
{
    g_autoptr(PQconninfoOption) options = PQconninfoParse(conninfo, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    bool has_secret = false;

    if (!options)
        return g_strdup(strcasestr(conninfo, "pass") || strstr(conninfo, "://")
                            ? "****"
                            : conninfo);

    for (const PQconninfoOption *option = options; option->keyword; option++) {
        if (!option->val)
            continue;
        has_secret |= is_secret(option);
        g_string_append_printf(text, "%s%s=", text->len > 0 ? " " : "",
                               option->keyword);
        append_quoted(text, is_secret(option) ? "****" : option->val);
    }
    return has_secret ? g_string_free(g_steal_pointer(&text), false)
                      : g_strdup(conninfo);
}
