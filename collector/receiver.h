/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Receiver: from sockets into a journal, in one thread, and nothing else.
 *
 * Datagrams land (wire/landing.h), are checked against the allow list and appended;
 * IPFIX messages over TCP likewise, and so are TLS handshakes that came to nothing.
 * What cannot be kept is counted, and the counts go into the journal too, at most once
 * a second.  When the journal is full, newest datagrams are refused and TCP connections
 * wait.  It is the journal's only writer. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"
#include "prefix-table.h"
#include "wire/tcp.h"

typedef struct {
    int fd;
    uint16_t listener; /* as it goes into the journal */
    bool is_tcp;
    TlsContext *tls; /* lent; NULL = plain */
} ReceiverSocket;

typedef struct {
    Journal *journal;         /* lent; must outlive the receiver */
    const char *landing_path; /* a file of this receiver's own, best on a tmpfs that
                               * outlives the process */
    const ReceiverSocket *sockets; /* their descriptors are transfer full */
    size_t n_sockets;
    PrefixTable *allow; /* transfer full; who is in it may send; NULL = everybody */
    TcpLimits tcp;
} ReceiverOptions;

/* Counts since the journal was created, but for the first three: since the start. */
typedef struct {
    uint64_t datagrams;    /* appended */
    uint64_t bytes;        /* of them */
    uint64_t tcp_messages; /* appended */
    uint64_t kernel_drops; /* datagrams the socket buffers had no room for */
    uint64_t refused;      /* datagrams and connections not on the allow list */
    uint64_t journal_full; /* datagrams there was no room for on disk */
    uint64_t tcp_malformed;
    uint64_t tls_refused; /* handshakes that came to nothing; since the start */
    uint64_t connections; /* now */
    int64_t beat_us;      /* monotonic time of the last sign of life */
} ReceiverStatus;

typedef struct Receiver Receiver;

/* Appends first what the landing still holds of the time before a kill.  Takes the
 * sockets and the allow list, also on failure.  Errors: G_FILE_ERROR. */
Receiver *receiver_start(const ReceiverOptions *options, GError **error);

/* Waits up to @drain_ms for TCP exporters to end, appends what the kernel had received
 * by then, and frees @self with its sockets. */
void receiver_stop(Receiver *self, unsigned drain_ms);

/* @allow (transfer full) is in force from the next batch of datagrams on. */
void receiver_reload_allow(Receiver *self, PrefixTable *allow);

/* @tls (transfer full) is that of the sessions of @listener from now on. */
void receiver_reload_tls(Receiver *self, uint16_t listener, TlsContext *tls);

/* Any thread; counts are at most a second old. */
ReceiverStatus receiver_status(const Receiver *self);
