/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* AlertWords: what the commands about incidents have in common: how the operator
 * names an incident or a mute, who the operator is, what to do when the role may
 * not. */

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    ALERT_WORDS_EITHER, /* "4711" */
    ALERT_WORDS_ALERT,  /* "a4711" */
    ALERT_WORDS_MUTE,   /* "m3", as mutes are shown */
} AlertWordsKind;

/* Reads a number as it is shown; "#" may stand before it.  Errors:
 * G_OPTION_ERROR_BAD_VALUE. */
bool alert_words_parse(const char *text, AlertWordsKind *kind, int64_t *id,
                       GError **error);

/* The same, where only an incident will do. */
bool alert_words_parse_alert(const char *text, int64_t *id, GError **error);

/* Whether @kind (or NULL) is a kind of incident; errors as above. */
bool alert_words_check_kind(const char *kind, GError **error);

/* "alice@host": the user behind sudo, else the user (transfer full). */
char *alert_words_who(void);

/* Begins a transaction that changes incidents or mutes.  A job that raises incidents
 * now is waited for, not for ever. */
bool alert_words_begin(PGconn *conn, GError **error);

/* Adds to @error what to do about it: what to grant to the role of @conn when
 * permission was denied, to try again when a job kept us waiting. */
void alert_words_explain_error(GError **error, PGconn *conn);

/* "203.0.113.51:443", "[2001:db8::1]:53", "203.0.113.0/24": @port 0 is left out
 * (transfer full). */
char *alert_words_end(const char *address, int port);
