/* SPDX-License-Identifier: Apache-2.0 */
#include "alert-words.h"

#include <string.h>
#include <unistd.h>

#include "db.h"
#include "detect/finding.h"

#define DENIED       "(SQLSTATE 42501)" /* insufficient_privilege */
#define KEPT_WAITING "(SQLSTATE 55P03)" /* lock_not_available */

bool
alert_words_parse(const char *text, AlertWordsKind *kind, int64_t *id, GError **error)
{
    const char *digits = text + (text[0] == '#');
    guint64 number;

    *kind = digits[0] == 'a'   ? ALERT_WORDS_ALERT
            : digits[0] == 'm' ? ALERT_WORDS_MUTE
                               : ALERT_WORDS_EITHER;
    digits += *kind != ALERT_WORDS_EITHER;
    if (g_ascii_string_to_unsigned(digits, 10, 1, G_MAXINT64, &number, NULL)) {
        *id = (int64_t) number;
        return true;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is no number of an incident; `flowkeep alerts` lists them",
                text);
    return false;
}

bool
alert_words_parse_alert(const char *text, int64_t *id, GError **error)
{
    AlertWordsKind kind;

    if (!alert_words_parse(text, &kind, id, error))
        return false;
    if (kind != ALERT_WORDS_MUTE)
        return true;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is a mute; the number of an incident is wanted", text);
    return false;
}

bool
alert_words_check_kind(const char *kind, GError **error)
{
    for (int i = 0; kind && i < FINDING_N_KINDS; i++) {
        if (g_str_equal(kind, finding_kind_name((FindingKind) i)))
            return true;
    }
    if (!kind)
        return true;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "there is no kind \"%s\"; there are %s and %s", kind,
                finding_kind_name(FINDING_BEACON), finding_kind_name(FINDING_EXFIL));
    return false;
}

char *
alert_words_who(void)
{
    /* Anybody may set it; behind sudo it was set by sudo. */
    const char *behind = geteuid() == 0 ? g_getenv("SUDO_USER") : NULL;

    return g_strdup_printf("%s@%s", behind && *behind ? behind : g_get_user_name(),
                           g_get_host_name());
}

bool
alert_words_begin(PGconn *conn, GError **error)
{
    return db_exec(conn, "BEGIN; SET LOCAL lock_timeout = '60s'", error);
}

static void
append_to_error(GError *error, const char *advice)
{
    char *message = g_strconcat(error->message, "\n", advice, NULL);

    g_free(error->message);
    error->message = message;
}

static void
advise_grant(GError *error, PGconn *conn)
{
    char *role = PQescapeIdentifier(conn, PQuser(conn), strlen(PQuser(conn)));
    g_autofree char *advice =
        g_strdup_printf("the role may only read; as the owner of the schema:"
                        " GRANT flowkeep_analytics TO %s",
                        role ? role : "it");

    PQfreemem(role);
    append_to_error(error, advice);
}

void
alert_words_explain_error(GError **error, PGconn *conn)
{
    if (!error || !*error)
        return;
    if (strstr((*error)->message, DENIED))
        advise_grant(*error, conn);
    else if (strstr((*error)->message, KEPT_WAITING))
        append_to_error(*error, "a job is writing incidents, or somebody keeps them "
                                "locked; try again");
}

char *
alert_words_end(const char *address, int port)
{
    if (port == 0)
        return g_strdup(address);
    return g_strdup_printf(strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port);
}
