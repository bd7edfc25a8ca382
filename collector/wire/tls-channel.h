/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TlsChannel: one TLS session over a connected socket, the server's side.
 *
 * Passive: it is called when the socket is readable (or writable, if it asked for
 * that), does what can be done without blocking, and knows no messages.  Nothing comes
 * out of it before a handshake that went well, which includes the certificate.  A peer
 * that wants to negotiate anew later on has failed.
 *
 * GnuTLS without GIO around it: GIO would do each handshake in a thread of a shared
 * pool, which a few peers that say nothing hold up for all others; would negotiate
 * anew with whoever asks; and knows no revocation lists. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/tls-context.h"

typedef struct TlsChannel TlsChannel;

/* @fd: nonblocking, lent, as long as the channel lives.  Refers to @context.  Returns
 * NULL when GnuTLS cannot. */
TlsChannel *tls_channel_new(TlsContext *context, int fd);

/* Tells the peer nothing: see tls_channel_bye(). */
void tls_channel_free(TlsChannel *self);

typedef enum {
    TLS_SHAKE_DONE,
    TLS_SHAKE_WANTS_READ,
    TLS_SHAKE_WANTS_WRITE,
    TLS_SHAKE_FAILED, /* the peer was told; tls_channel_verdict() says why */
} TlsShake;

/* Goes on with the handshake. */
TlsShake tls_channel_shake_hands(TlsChannel *self);

TlsVerdict tls_channel_verdict(const TlsChannel *self);
const char *tls_channel_name(const TlsChannel *self);   /* see tls_trust_check() */
const char *tls_channel_detail(const TlsChannel *self); /* more of why; "" = nothing */

#define TLS_CHANNEL_AGAIN  (-1) /* nothing there now */
#define TLS_CHANNEL_FAILED (-2)

/* As recv(): how much was read; 0 at the end, which need not be a polite one.  There
 * may be more inside although the socket has nothing: read until AGAIN. */
ssize_t tls_channel_read(TlsChannel *self, uint8_t *to, size_t room);

/* Says that we shall send nothing any more (close_notify). */
void tls_channel_bye(TlsChannel *self);
