/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/quarantine.h"

#include <string.h>

typedef struct {
    QuarantineSender sender; /* first: it is found by it */
    uint64_t seed;
    GList by_badness; /* link of the queue, newest last */
    uint32_t n_malformed;
    int64_t lasts_us; /* the last one; 0 = there was none */
    int64_t until_us; /* 0 = not in quarantine */
} Offender;

struct Quarantine {
    GHashTable *offenders; /* Offender, a set by its sender */
    GQueue by_badness;
    uint32_t n_malformed;
    int64_t first_us;
    uint64_t seed;
    uint64_t n_refused; /* chooses those to be read all the same */
};

static uint64_t
fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

static guint
hash_sender(gconstpointer at)
{
    const Offender *offender = at;
    uint64_t words[2];

    memcpy(words, offender->sender.address.bytes, sizeof(words));
    return (guint) (fold(words[0] ^ offender->seed,
                         words[1] ^ (uint64_t) offender->sender.port << 16 ^
                             UINT64_C(0x9e3779b97f4a7c15)) >>
                    32);
}

static gboolean
equal_senders(gconstpointer a, gconstpointer b)
{
    const Offender *left = a, *right = b;

    return left->sender.port == right->sender.port &&
           ip_address_equal(&left->sender.address, &right->sender.address);
}

Quarantine *
quarantine_new(uint32_t n_malformed, int64_t first_us)
{
    Quarantine *self = g_new0(Quarantine, 1);

    self->offenders = g_hash_table_new_full(hash_sender, equal_senders, g_free, NULL);
    g_queue_init(&self->by_badness);
    self->n_malformed = n_malformed;
    self->first_us = MIN(first_us, QUARANTINE_MAX_US);
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

void
quarantine_free(Quarantine *self)
{
    if (!self)
        return;

    g_hash_table_unref(self->offenders); /* the queue's links are in them */
    g_free(self);
}

static Offender *
find(const Quarantine *self, const QuarantineSender *sender)
{
    const Offender wanted = { .sender = *sender, .seed = self->seed };

    if (self->by_badness.length == 0)
        return NULL;
    return g_hash_table_lookup(self->offenders, &wanted);
}

static void
forget(Quarantine *self, Offender *offender)
{
    g_queue_unlink(&self->by_badness, &offender->by_badness);
    g_hash_table_remove(self->offenders, offender);
}

static Offender *
add(Quarantine *self, const QuarantineSender *sender)
{
    if (self->by_badness.length >= QUARANTINE_MAX_SENDERS)
        forget(self, self->by_badness.head->data);

    Offender *offender = g_new0(Offender, 1);
    offender->sender = *sender;
    offender->seed = self->seed;
    offender->by_badness.data = offender;
    g_hash_table_add(self->offenders, offender);
    g_queue_push_tail_link(&self->by_badness, &offender->by_badness);
    return offender;
}

/* A cheap choice that nobody outside can foresee. */
static bool
is_probe(Quarantine *self)
{
    uint64_t mixed = (self->seed ^ ++self->n_refused) * UINT64_C(0xbf58476d1ce4e5b9);

    mixed = (mixed ^ mixed >> 29) * UINT64_C(0x94d049bb133111eb);
    return (mixed >> 32) % QUARANTINE_PROBE == 0;
}

bool
quarantine_refuses(Quarantine *self, const QuarantineSender *sender, int64_t now_us)
{
    Offender *offender = find(self, sender);

    if (!offender || offender->until_us == 0)
        return false;

    /* A clock that was set back must not make it longer. */
    if (now_us >= offender->until_us ||
        offender->until_us - now_us > offender->lasts_us) {
        offender->until_us = 0;
        offender->n_malformed = 0;
        return false;
    }
    return !is_probe(self);
}

void
quarantine_note_good(Quarantine *self, const QuarantineSender *sender)
{
    Offender *offender = find(self, sender);

    if (offender)
        forget(self, offender);
}

int64_t
quarantine_note_malformed(Quarantine *self, const QuarantineSender *sender,
                          int64_t heard_us, int64_t now_us)
{
    if (self->n_malformed == 0)
        return 0;

    Offender *offender = find(self, sender);
    if (!offender)
        offender = add(self, sender);
    g_queue_unlink(&self->by_badness, &offender->by_badness);
    g_queue_push_tail_link(&self->by_badness, &offender->by_badness);

    offender->n_malformed += offender->n_malformed < UINT32_MAX;
    if (offender->until_us != 0 || offender->n_malformed < self->n_malformed ||
        (heard_us <= now_us && heard_us > now_us - QUARANTINE_QUIET_US))
        return 0;

    offender->lasts_us = offender->lasts_us == 0
                             ? self->first_us
                             : MIN(offender->lasts_us * 2, QUARANTINE_MAX_US);
    offender->until_us = now_us + offender->lasts_us;
    return offender->until_us;
}

size_t
quarantine_n_senders(const Quarantine *self)
{
    return self->by_badness.length;
}
