/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SessionState: a session as the bytes of session_open.state, and back.
 *
 * Big-endian, with a version in front; parts and hours in order, so that a session has
 * one form only.  What was told of a long session is among it. */

#include <glib.h>

#include "reader.h"
#include "session/session-pool.h"

void session_state_encode(const SessionPool *pool, uint32_t index, GByteArray *bytes);

/* Adds the session to @pool, as one that is stored.  False when the bytes are not of
 * encode(), or of another version. */
bool session_state_decode(SessionPool *pool, uint64_t id, Reader *r);
