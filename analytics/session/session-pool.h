/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionPool: all sessions that are open or remembered, found by their key.
 *
 * Sessions and parts stand in blocks that never move and are used again when they are
 * free; a table of open addressing has, for each key, the first of its sessions.
 * Nothing is allocated for a row once the blocks are there.  No order of anything in
 * here may decide a result: it differs after a restart. */

#include <stddef.h>

#include "session/session.h"

#define SESSION_POOL_BLOCK_BITS 12
#define SESSION_POOL_BLOCK      (1u << SESSION_POOL_BLOCK_BITS)

typedef struct {
    uint32_t hash;
    uint32_t head; /* SESSION_NONE: empty */
} SessionPoolSlot;

/* To be looked into by the functions of this header only, which are called several
 * times for each row. */
typedef struct {
    SessionPoolSlot *slots;
    uint32_t n_slots; /* a power of two */
    uint32_t n_used;

    Session **sessions; /* blocks */
    uint32_t n_session_blocks;
    uint32_t n_sessions; /* ever used at a time */
    uint32_t free_session;
    uint32_t n_live;

    SessionPart **parts; /* blocks */
    uint32_t n_part_blocks;
    uint32_t n_parts;
    uint32_t free_part;
} SessionPool;

SessionPool *session_pool_new(void);
void session_pool_free(SessionPool *self);

static inline uint32_t
session_pool_hash(const SessionKey *key)
{
    return (uint32_t) (session_key_hash(key) >> 32);
}

/* The first session of @key, or SESSION_NONE; follow Session.next. */
uint32_t session_pool_find(const SessionPool *self, const SessionKey *key,
                           uint32_t hash);

/* A new open session of @key, all else zero and without parts. */
uint32_t session_pool_add(SessionPool *self, const SessionKey *key, uint32_t hash);

/* Forgets a session and its parts. */
void session_pool_remove(SessionPool *self, uint32_t index);

/* A new part of a session, all else zero. */
SessionPart *session_pool_add_part(SessionPool *self, uint32_t index);

/* Takes a part away from a session; @part is an index. */
void session_pool_remove_part(SessionPool *self, uint32_t index, uint32_t part);

/* Valid until it is removed. */
static inline Session *
session_pool_at(const SessionPool *self, uint32_t index)
{
    return self->sessions[index >> SESSION_POOL_BLOCK_BITS] +
           (index & (SESSION_POOL_BLOCK - 1));
}

static inline SessionPart *
session_pool_part(const SessionPool *self, uint32_t part)
{
    return self->parts[part >> SESSION_POOL_BLOCK_BITS] +
           (part & (SESSION_POOL_BLOCK - 1));
}

/* Hints of what will be asked for: the place of a key; then, when that is at hand, its
 * first session; a part of a session. */
static inline void
session_pool_expect_slot(const SessionPool *self, uint32_t hash)
{
    __builtin_prefetch(&self->slots[hash & (self->n_slots - 1)]);
}

static inline void
session_pool_expect_session(const SessionPool *self, uint32_t hash)
{
    const SessionPoolSlot *slot = &self->slots[hash & (self->n_slots - 1)];

    if (slot->head == SESSION_NONE || slot->hash != hash)
        return;

    const char *session = (const char *) session_pool_at(self, slot->head);
    __builtin_prefetch(session);
    __builtin_prefetch(session + 64);
}

static inline void
session_pool_expect_part(const SessionPool *self, uint32_t number)
{
    if (number == SESSION_NONE)
        return;

    const char *part = (const char *) session_pool_part(self, number);
    __builtin_prefetch(part);
    __builtin_prefetch(part + 64);
}

/* Indices are below this; those of free ones are SESSION_FREE. */
uint32_t session_pool_limit(const SessionPool *self);

size_t session_pool_len(const SessionPool *self);

/* Of its own, without the hours of long sessions. */
size_t session_pool_bytes(const SessionPool *self);
