/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Smtp: hands single messages to one mail server (RFC 5321), by libcurl.
 *
 * Knows nothing of the outbox.  STARTTLS is insisted on, certificates are verified;
 * without encryption only when told so.  A message has one recipient, so an answer is
 * about that one.  The connection is kept for the next message.  Blocks, never longer
 * than the timeouts; one thread.  The password stands in no message and no dialogue. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { SMTP_STARTTLS, SMTP_TLS, SMTP_PLAIN } SmtpSecurity;

/* All lent until smtp_free(). */
typedef struct {
    const char *server;
    unsigned port;
    SmtpSecurity security;
    const char *user;          /* "" = no login */
    const char *password_file; /* "" = none */
    const char *ca_file;       /* "" = the system's */
    unsigned timeout_sec;      /* up to the last byte of a message */
} SmtpOptions;

/* The answer to the last byte may take so long (RFC 5321 4.5.3.2.6): who gives up
 * earlier sends twice. */
enum { SMTP_LAST_ANSWER_SEC = 600 };

typedef enum {
    SMTP_TAKEN,       /* the server answers for it now */
    SMTP_LATER,       /* not now: this message, 4xx */
    SMTP_REFUSED,     /* never: this message, 5xx */
    SMTP_BROKEN,      /* the conversation about this message broke off */
    SMTP_UNREACHABLE, /* no conversation about any message: down, certificate, login */
} SmtpResult;

typedef struct Smtp Smtp;

/* Reads the password file; error: G_FILE_ERROR. */
Smtp *smtp_new(const SmtpOptions *options, GError **error);
void smtp_free(Smtp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Smtp, smtp_free)

/* Called when the rest of the message is about to be sent: up to then the server
 * cannot have taken it, from then on it may have.  False gives up, SMTP_BROKEN. */
typedef bool (*SmtpBeforeEnd)(void *user_data);

/* @before_end may be NULL.  @said gets the server's last words, or what was wrong, in
 * one printable line (transfer full). */
SmtpResult smtp_send(Smtp *self, const char *from, const char *to, GBytes *message,
                     SmtpBeforeEnd before_end, void *user_data, char **said);

/* What was said from both sides in the last smtp_send(), a line each with "> " or
 * "< " before it, logins left out; lent until the next. */
const char *smtp_dialogue(const Smtp *self);
