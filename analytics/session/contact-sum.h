/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ContactSum: what is to be added to contact_hour, by its key.
 *
 * Sessions that are over add a start; hours of sessions add, and take back, octets.
 * Sums do not depend on how what is added is cut into pieces.  A start is kept with its
 * octets; starts of one group that come in one round, by time, also add to the sums of
 * local variation, for hours that have more starts than are kept. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/contact.h"

/* What a session adds to one hour of a group; differences may be below zero. */
typedef struct {
    int64_t n_records;
    int64_t out_octets;
    int64_t in_octets;
    int64_t out_packets;
    int64_t in_packets;
} ContactAmounts;

typedef struct {
    int32_t start_ms; /* within the hour */
    uint32_t next;    /* in ContactSum's starts, or UINT32_MAX */
    int64_t octets;   /* host to peer, of the whole session */
} ContactStart;

typedef struct {
    ContactKey key;
    uint32_t hour; /* since 1970 */
    ContactAmounts amounts;
    int64_t n_sessions;
    int64_t longest_ms;
    uint32_t sampling;   /* 0 = none */
    int32_t exporter_id; /* of the newest session; 0 = none told */
    uint32_t n_starts;
    uint32_t first_start; /* UINT32_MAX: none */
    uint32_t last_start;
    int64_t n_gaps;
    double lv_sum;
    int64_t previous_us[2]; /* the newest start of this round, and the gap before it */
    uint32_t round;
} ContactSumRow;

typedef struct ContactSum ContactSum;

ContactSum *contact_sum_new(void);
void contact_sum_free(ContactSum *self);
void contact_sum_clear(ContactSum *self);

/* Only hours of [from, to) count from now on; those before and after are ignored. */
void contact_sum_limit(ContactSum *self, uint32_t from_hour, uint32_t to_hour);

void contact_sum_add(ContactSum *self, const ContactKey *key, uint32_t hour,
                     const ContactAmounts *amounts);

/* Starts from here on are by time, within a group. */
void contact_sum_begin_round(ContactSum *self);

/* A session that is over. */
void contact_sum_add_start(ContactSum *self, const ContactKey *key, int64_t start_us,
                           uint64_t out_octets, int64_t duration_us);

/* Whose records were taken, of a session that is over, in one of its hours. */
void contact_sum_note(ContactSum *self, const ContactKey *key, uint32_t hour,
                      int32_t exporter_id, uint32_t sampling);

size_t contact_sum_len(const ContactSum *self);

/* In the order in which they were first added to. */
const ContactSumRow *contact_sum_at(const ContactSum *self, size_t i);
const ContactStart *contact_sum_start(const ContactSum *self, uint32_t start);

/* True for a row that changes nothing. */
bool contact_sum_is_nothing(const ContactSumRow *row);
