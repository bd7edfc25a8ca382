/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Landing: where recvmmsg() puts datagrams, in memory that outlives the process.
 *
 * A datagram that the kernel has handed over exists only in the receiver's memory.
 * So that memory, with the mmsghdr array, the peer addresses and the control
 * messages, is a shared mapping of a small file: whatever recvmmsg() had copied
 * when the process was killed is found again by landing_open().  The file is best
 * on a tmpfs that survives a restart of the service; any file system will do.
 *
 * Exactly once: before a datagram is appended to the journal its slot is marked with
 * the number (seq) its record is going to have; one whose number the journal has is
 * done.  Slots that were refused are marked as that, and the counts are made of the
 * marks, so that a kill at any instruction leaves nothing undone, done twice or
 * counted twice.
 *
 * Pages are touched before each call, since a fault with a fatal signal pending would
 * lose the datagram.  The file carries the boot id and its owner, a journal's id:
 * after a power cut, or with another journal, its contents mean nothing.
 *
 * Knows sockets, not the journal, and not what is in a datagram.  One thread. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip-address.h"

#define LANDING_SLOTS       64
#define LANDING_MAX_SOCKETS 256

typedef struct {
    const uint8_t *bytes; /* lent until the next landing_receive() */
    size_t n_bytes;
    IpAddress peer;
    uint16_t peer_port;
    uint16_t listener;
    int64_t received_us; /* SO_TIMESTAMPNS, else the clock at the call */
} Arrival;

/* Totals since the file was made. */
typedef struct {
    uint64_t kernel_drops;  /* datagrams */
    uint64_t refused;       /* datagrams and connections not on the allow list */
    uint64_t journal_full;  /* datagrams that there was no room for */
    uint64_t tcp_malformed; /* sessions */
    uint64_t truncated;     /* datagrams larger than any can be: always 0 */
} LandingCounts;

typedef struct Landing Landing;

/* Makes the file if there is none; @owner is any text up to 63 bytes.  After this,
 * landing_len() arrivals of the time before the restart are there.
 * Errors: G_FILE_ERROR. */
Landing *landing_open(const char *path, const char *owner, GError **error);
void landing_free(Landing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Landing, landing_free)

/* A socket to receive from (lent); the result names it to landing_receive().  Its
 * drops are known by SO_COOKIE across restarts. */
unsigned landing_add_socket(Landing *self, int fd, uint16_t listener);

/* Receives some datagrams without blocking, more at a time (up to LANDING_SLOTS) when
 * many come; they replace those there were.  Returns how many, 0 = none waiting,
 * -1 = errno. */
int landing_receive(Landing *self, unsigned socket);

size_t landing_len(const Landing *self);

/* The arrival in @slot, 0 <= slot < landing_len(). */
Arrival landing_at(const Landing *self, size_t slot);

/* --- what becomes of a slot --- */

/* False when it was marked before and, if as a record, @newest_seq or
 * landing_last_seq() says that the record was written. */
bool landing_is_pending(const Landing *self, size_t slot, uint64_t newest_seq);

/* To be called before it is appended, with the seq its record will have. */
void landing_mark_record(Landing *self, size_t slot, uint64_t seq);
void landing_mark_refused(Landing *self, size_t slot);
void landing_mark_full(Landing *self, size_t slot);

/* The newest seq known to have been written, of any kind of record. */
uint64_t landing_last_seq(const Landing *self);
void landing_set_last_seq(Landing *self, uint64_t seq);

/* --- counts --- */

LandingCounts landing_counts(const Landing *self);
void landing_raise_counts(Landing *self, const LandingCounts *least);
void landing_count_refused_connection(Landing *self);
void landing_count_malformed_session(Landing *self);

/* Looks for drops after which no datagram came to tell of them. */
void landing_read_drops(Landing *self);
