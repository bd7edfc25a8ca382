/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Message: one mail as it goes over the wire (RFC 5322, MIME), from its parts.
 *
 * Knows nothing of incidents and of servers.  multipart/alternative of plain text and
 * multipart/related (HTML and its pictures); texts are UTF-8 in quoted-printable,
 * headers are encoded as RFC 2047 says.  A header is one line whatever stands in its
 * text: control characters are made visible first, so nothing can be injected.
 * The same parts give the same message but for the boundaries between them. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name; /* "contacts"; static */
    GBytes *png;
    char *alt;
} MessagePicture;

enum { MESSAGE_MAX_PICTURES = 4 };

/* What is said. */
typedef struct {
    char *subject;
    char *text; /* lines of any length, which are wrapped here */
    char *html; /* a document; its pictures have sources of message_picture_source() */
    MessagePicture pictures[MESSAGE_MAX_PICTURES];
    size_t n_pictures;
} MessageBody;

void message_body_clear(MessageBody *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MessageBody, message_body_clear)

/* By whom and to whom.  Lent. */
typedef struct {
    const char *from_name; /* "Flowkeep at hq" */
    const char *from;      /* bare addresses */
    const char *to;
    const char *message_id; /* without < > */
    const char *thread_id;  /* Message-ID this one answers; NULL = none */
    int64_t date_us;
} MessageEnvelope;

/* An id is made from what a message is about, never from a clock or a random number:
 * "alert-12.5f0a3c19d2e84b71.hq@example.net".  @what is a literal such as "alert";
 * what does not fit into an id of @instance or @from's domain is replaced. */
char *message_id(const char *what, const char *number, const char *recipient,
                 const char *instance, const char *from); /* (transfer full) */

/* "cid:contacts.alert-12...." (transfer full). */
char *message_picture_source(const char *picture, const char *id);

/* All of it with CRLF line ends (transfer full). */
GBytes *message_format(const MessageEnvelope *envelope, const MessageBody *body);
