/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contact-sum.h"

#include <glib.h>
#include <string.h>

#include "clock.h"

#define FIRST_SLOTS 1024 /* a power of two */
#define NONE        UINT32_MAX
#define HOUR_US     INT64_C(3600000000)

/* Terms of lv_sum are whole multiples of 1 / this, so that their sums are exact and
 * the same in whatever order they are added. */
#define LV_UNIT 1048576

struct ContactSum {
    GArray *rows;    /* of ContactSumRow */
    GArray *starts;  /* of ContactStart */
    uint32_t *slots; /* row + 1; 0 = empty */
    uint32_t n_slots;
    uint32_t round;
    uint32_t from_hour;
    uint32_t to_hour;
};

ContactSum *
contact_sum_new(void)
{
    ContactSum *self = g_new0(ContactSum, 1);

    self->rows = g_array_new(FALSE, FALSE, sizeof(ContactSumRow));
    self->starts = g_array_new(FALSE, FALSE, sizeof(ContactStart));
    self->n_slots = FIRST_SLOTS;
    self->slots = g_new0(uint32_t, FIRST_SLOTS);
    self->to_hour = UINT32_MAX;
    self->round = 1;
    return self;
}

void
contact_sum_free(ContactSum *self)
{
    if (!self)
        return;
    g_array_unref(self->rows);
    g_array_unref(self->starts);
    g_free(self->slots);
    g_free(self);
}

void
contact_sum_clear(ContactSum *self)
{
    g_array_set_size(self->rows, 0);
    g_array_set_size(self->starts, 0);
    memset(self->slots, 0, self->n_slots * sizeof(*self->slots));
}

void
contact_sum_limit(ContactSum *self, uint32_t from_hour, uint32_t to_hour)
{
    self->from_hour = from_hour;
    self->to_hour = to_hour;
}

static uint32_t
hash_of(const ContactKey *key, uint32_t hour)
{
    uint64_t hash = ip_address_hash(&key->host);

    hash = (hash ^ ip_address_hash(&key->peer) << 1) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (uint64_t) key->service_port << 32 | (uint64_t) key->protocol << 16 |
            key->initiator;
    hash = (hash ^ hour) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t) (hash >> 32);
}

static inline ContactSumRow *
row_at(const ContactSum *self, uint32_t i)
{
    return &g_array_index(self->rows, ContactSumRow, i);
}

static bool
is_of(const ContactSumRow *row, const ContactKey *key, uint32_t hour)
{
    return row->hour == hour && row->key.service_port == key->service_port &&
           row->key.protocol == key->protocol && row->key.initiator == key->initiator &&
           ip_address_equal(&row->key.peer, &key->peer) &&
           ip_address_equal(&row->key.host, &key->host);
}

static void
grow(ContactSum *self)
{
    g_free(self->slots);
    self->n_slots *= 2;
    self->slots = g_new0(uint32_t, self->n_slots);
    for (uint32_t i = 0; i < self->rows->len; i++) {
        uint32_t at = hash_of(&row_at(self, i)->key, row_at(self, i)->hour);

        while (self->slots[at & (self->n_slots - 1)])
            at++;
        self->slots[at & (self->n_slots - 1)] = i + 1;
    }
}

/* Valid until the next. */
static ContactSumRow *
row_of(ContactSum *self, const ContactKey *key, uint32_t hour)
{
    uint32_t at = hash_of(key, hour);

    for (;; at++) {
        const uint32_t slot = self->slots[at & (self->n_slots - 1)];

        if (slot == 0)
            break;
        if (is_of(row_at(self, slot - 1), key, hour))
            return row_at(self, slot - 1);
    }

    const ContactSumRow row = {
        .key = *key, .hour = hour, .first_start = NONE, .last_start = NONE
    };
    g_array_append_val(self->rows, row);
    self->slots[at & (self->n_slots - 1)] = self->rows->len;
    if (self->rows->len > self->n_slots / 2)
        grow(self);
    return row_at(self, self->rows->len - 1);
}

static bool
counts(const ContactSum *self, uint32_t hour)
{
    return hour >= self->from_hour && hour < self->to_hour;
}

/* Sums of what is each below 2^63 may not be. */
static void
add(int64_t *sum, int64_t value)
{
    if (__builtin_add_overflow(*sum, value, sum))
        *sum = value > 0 ? INT64_MAX : INT64_MIN;
}

void
contact_sum_add(ContactSum *self, const ContactKey *key, uint32_t hour,
                const ContactAmounts *amounts)
{
    if (!counts(self, hour))
        return;

    ContactAmounts *sums = &row_of(self, key, hour)->amounts;
    add(&sums->n_records, amounts->n_records);
    add(&sums->out_octets, amounts->out_octets);
    add(&sums->in_octets, amounts->in_octets);
    add(&sums->out_packets, amounts->out_packets);
    add(&sums->in_packets, amounts->in_packets);
}

void
contact_sum_begin_round(ContactSum *self)
{
    self->round++;
}

/* The local variation of the gap before @start_us and that before it. */
static void
add_gap(ContactSumRow *row, int64_t start_us)
{
    const int64_t gap_us = start_us - row->previous_us[0];
    const int64_t before_us = row->previous_us[1];

    if (gap_us < CONTACT_BURST_US)
        return; /* one event */
    if (before_us > 0) {
        const double ratio =
            (double) (gap_us - before_us) / (double) (gap_us + before_us);

        row->lv_sum += (double) (int64_t) (ratio * ratio * LV_UNIT + 0.5) / LV_UNIT;
        row->n_gaps++;
    }
    row->previous_us[0] = start_us;
    row->previous_us[1] = gap_us;
}

static void
keep_start(ContactSum *self, ContactSumRow *row, int32_t start_ms, uint64_t octets)
{
    const ContactStart start = { start_ms, NONE, (int64_t) MIN(octets, INT64_MAX) };

    g_array_append_val(self->starts, start);
    if (row->last_start == NONE)
        row->first_start = self->starts->len - 1;
    else
        g_array_index(self->starts, ContactStart, row->last_start).next =
            self->starts->len - 1;
    row->last_start = self->starts->len - 1;
    row->n_starts++;
}

void
contact_sum_add_start(ContactSum *self, const ContactKey *key, int64_t start_us,
                      uint64_t out_octets, int64_t duration_us)
{
    const int64_t from_us = MAX(start_us, 0);
    const uint32_t hour = (uint32_t) (from_us / HOUR_US);

    if (!counts(self, hour))
        return;

    ContactSumRow *row = row_of(self, key, hour);
    add(&row->n_sessions, 1);
    row->longest_ms = MAX(row->longest_ms, duration_us / US_PER_MS);
    if (row->n_starts < CONTACT_MAX_STARTS_AN_HOUR + 1)
        keep_start(self, row, (int32_t) (from_us % HOUR_US / US_PER_MS), out_octets);

    if (row->round == self->round) {
        add_gap(row, start_us);
    } else {
        row->round = self->round;
        row->previous_us[0] = start_us;
        row->previous_us[1] = 0;
    }
}

void
contact_sum_note(ContactSum *self, const ContactKey *key, uint32_t hour,
                 int32_t exporter_id, uint32_t sampling)
{
    if (!counts(self, hour))
        return;

    ContactSumRow *row = row_of(self, key, hour);
    row->exporter_id = exporter_id;
    row->sampling = MAX(row->sampling, sampling);
}

size_t
contact_sum_len(const ContactSum *self)
{
    return self->rows->len;
}

const ContactSumRow *
contact_sum_at(const ContactSum *self, size_t i)
{
    return row_at(self, (uint32_t) i);
}

const ContactStart *
contact_sum_start(const ContactSum *self, uint32_t start)
{
    return &g_array_index(self->starts, ContactStart, start);
}

bool
contact_sum_is_nothing(const ContactSumRow *row)
{
    const ContactAmounts *sums = &row->amounts;

    return row->n_sessions == 0 && row->exporter_id == 0 && sums->n_records == 0 &&
           sums->out_octets == 0 && sums->in_octets == 0 && sums->out_packets == 0 &&
           sums->in_packets == 0;
}
