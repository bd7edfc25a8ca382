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

typedef struct SessionPool SessionPool;

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
Session *session_pool_at(const SessionPool *self, uint32_t index);
SessionPart *session_pool_part(const SessionPool *self, uint32_t part);

/* Indices are below this; those of free ones are SESSION_FREE. */
uint32_t session_pool_limit(const SessionPool *self);

size_t session_pool_len(const SessionPool *self);

/* Of its own, without the hours of long sessions. */
size_t session_pool_bytes(const SessionPool *self);
