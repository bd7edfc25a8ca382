/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session-pool.h"

#include <glib.h>

#define BLOCK       SESSION_POOL_BLOCK
#define FIRST_SLOTS (1u << 14)

static void
make_slots(SessionPool *self, uint32_t n_slots)
{
    self->n_slots = n_slots;
    self->slots = g_new(SessionPoolSlot, n_slots);
    memset(self->slots, 0xff, n_slots * sizeof(SessionPoolSlot));
}

SessionPool *
session_pool_new(void)
{
    SessionPool *self = g_new0(SessionPool, 1);

    make_slots(self, FIRST_SLOTS);
    self->free_session = SESSION_NONE;
    self->free_part = SESSION_NONE;
    return self;
}

void
session_pool_free(SessionPool *self)
{
    if (!self)
        return;

    for (uint32_t i = 0; i < self->n_sessions; i++) {
        if (session_pool_at(self, i)->state != SESSION_FREE)
            session_pool_remove(self, i);
    }
    for (uint32_t i = 0; i < self->n_session_blocks; i++)
        g_free(self->sessions[i]);
    for (uint32_t i = 0; i < self->n_part_blocks; i++)
        g_free(self->parts[i]);
    g_free(self->sessions);
    g_free(self->parts);
    g_free(self->slots);
    g_free(self);
}

/* --- the table --- */

/* Where @key is, or the empty slot where it would be. */
static uint32_t
slot_of(const SessionPool *self, const SessionKey *key, uint32_t hash)
{
    const uint32_t mask = self->n_slots - 1;
    uint32_t at = hash & mask;

    for (;; at = (at + 1) & mask) {
        const SessionPoolSlot *slot = &self->slots[at];

        if (slot->head == SESSION_NONE)
            return at;
        if (slot->hash == hash &&
            session_key_equal(&session_pool_at(self, slot->head)->key, key))
            return at;
    }
}

static void
grow(SessionPool *self)
{
    g_autofree SessionPoolSlot *old = self->slots;
    const uint32_t n_old = self->n_slots;

    make_slots(self, 2 * n_old);
    for (uint32_t i = 0; i < n_old; i++) {
        uint32_t at = old[i].hash & (self->n_slots - 1);

        if (old[i].head == SESSION_NONE)
            continue;
        while (self->slots[at].head != SESSION_NONE)
            at = (at + 1) & (self->n_slots - 1);
        self->slots[at] = old[i];
    }
}

/* Closes the hole, so that no search stops in front of what is behind it. */
static void
empty_slot(SessionPool *self, uint32_t hole)
{
    const uint32_t mask = self->n_slots - 1;

    for (uint32_t at = (hole + 1) & mask; self->slots[at].head != SESSION_NONE;
         at = (at + 1) & mask) {
        const uint32_t home = self->slots[at].hash & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole].head = SESSION_NONE;
    self->n_used--;
}

uint32_t
session_pool_find(const SessionPool *self, const SessionKey *key, uint32_t hash)
{
    return self->slots[slot_of(self, key, hash)].head;
}

/* --- sessions and parts --- */

static uint32_t
take_session(SessionPool *self)
{
    const uint32_t index = self->free_session;

    if (index != SESSION_NONE) {
        self->free_session = session_pool_at(self, index)->next;
        return index;
    }
    if (self->n_sessions >> SESSION_POOL_BLOCK_BITS == self->n_session_blocks) {
        self->sessions = g_renew(Session *, self->sessions, self->n_session_blocks + 1);
        self->sessions[self->n_session_blocks++] = g_new0(Session, BLOCK);
    }
    return self->n_sessions++;
}

uint32_t
session_pool_add(SessionPool *self, const SessionKey *key, uint32_t hash)
{
    if (self->n_used >= self->n_slots / 2)
        grow(self);

    const uint32_t index = take_session(self);
    SessionPoolSlot *slot = &self->slots[slot_of(self, key, hash)];

    *session_pool_at(self, index) = (Session){ .key = *key,
                                               .hash = hash,
                                               .state = SESSION_OPEN,
                                               .parts = SESSION_NONE,
                                               .next = slot->head };
    if (slot->head == SESSION_NONE)
        self->n_used++;
    *slot = (SessionPoolSlot){ hash, index };
    self->n_live++;
    return index;
}

SessionPart *
session_pool_add_part(SessionPool *self, uint32_t index)
{
    Session *session = session_pool_at(self, index);
    uint32_t number = self->free_part;

    if (number != SESSION_NONE) {
        self->free_part = session_pool_part(self, number)->next;
    } else {
        if (self->n_parts >> SESSION_POOL_BLOCK_BITS == self->n_part_blocks) {
            self->parts = g_renew(SessionPart *, self->parts, self->n_part_blocks + 1);
            self->parts[self->n_part_blocks++] = g_new0(SessionPart, BLOCK);
        }
        number = self->n_parts++;
    }

    SessionPart *part = session_pool_part(self, number);
    *part = (SessionPart){ .next = session->parts };
    session->parts = number;
    return part;
}

void
session_pool_remove_part(SessionPool *self, uint32_t index, uint32_t number)
{
    uint32_t *link = &session_pool_at(self, index)->parts;
    SessionPart *part = session_pool_part(self, number);

    while (*link != number)
        link = &session_pool_part(self, *link)->next;
    *link = part->next;

    session_hours_clear(&part->hours);
    part->next = self->free_part;
    self->free_part = number;
}

void
session_pool_remove(SessionPool *self, uint32_t index)
{
    Session *session = session_pool_at(self, index);
    const uint32_t at = slot_of(self, &session->key, session->hash);
    uint32_t *link = &self->slots[at].head;

    while (session->parts != SESSION_NONE)
        session_pool_remove_part(self, index, session->parts);
    while (*link != index)
        link = &session_pool_at(self, *link)->next;

    if (link == &self->slots[at].head && session->next == SESSION_NONE)
        empty_slot(self, at);
    else
        *link = session->next;

    g_free(session->account);
    *session = (Session){ .state = SESSION_FREE, .next = self->free_session };
    self->free_session = index;
    self->n_live--;
}

uint32_t
session_pool_limit(const SessionPool *self)
{
    return self->n_sessions;
}

size_t
session_pool_len(const SessionPool *self)
{
    return self->n_live;
}

size_t
session_pool_bytes(const SessionPool *self)
{
    return self->n_slots * sizeof(SessionPoolSlot) +
           (size_t) self->n_session_blocks * BLOCK * sizeof(Session) +
           (size_t) self->n_part_blocks * BLOCK * sizeof(SessionPart);
}
