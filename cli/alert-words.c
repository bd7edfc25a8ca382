/* SPDX-License-Identifier: Apache-2.0 */
#include "alert-words.h"

#include <string.h>
#include <unistd.h>

#include "db.h"
#include "detect/finding.h"

#define DENIED "(SQLSTATE 42501)" /* insufficient_privilege */

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

void
alert_words_explain_denied(GError **error, PGconn *conn)
{
    if (!error || !*error || !strstr((*error)->message, DENIED))
        return;

    char *role = PQescapeIdentifier(conn, PQuser(conn), strlen(PQuser(conn)));
    g_autofree char *message =
        g_strdup_printf("%s\nthe role may only read; as the owner of the schema:"
                        " GRANT flowkeep_analytics TO %s",
                        (*error)->message, role ? role : "it");

    PQfreemem(role);
    g_free((*error)->message);
    (*error)->message = g_steal_pointer(&message);
}

char *
alert_words_end(const char *address, int port)
{
    if (port == 0)
        return g_strdup(address);
    return g_strdup_printf(strchr(address, ':') ? "[%s]:%d" : "%s:%d", address, port);
}
