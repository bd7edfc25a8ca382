/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include <glib.h>
#include <string.h>

#define IPFIX_VERSION      10
#define IPFIX_HEADER_BYTES 16
#define MIN_BUFFER_BYTES   4096

FrameVerdict
frame_look(const uint8_t *bytes, size_t have, size_t *n_bytes)
{
    if (have >= 1 && bytes[0] != 0)
        return FRAME_BAD;
    if (have >= 2 && bytes[1] != IPFIX_VERSION)
        return FRAME_BAD;
    if (have < 4)
        return FRAME_PART;

    *n_bytes = (size_t) bytes[2] << 8 | bytes[3];
    if (*n_bytes < IPFIX_HEADER_BYTES)
        return FRAME_BAD;
    return have < *n_bytes ? FRAME_PART : FRAME_WHOLE;
}

void
frame_buffer_clear(FrameBuffer *self)
{
    g_free(self->bytes);
    *self = (FrameBuffer){ 0 };
}

static void
make_room(FrameBuffer *self)
{
    if (self->len < self->capacity && !self->was_filled)
        return;

    self->capacity = MIN(2 * self->capacity, FRAME_MAX_BYTES);
    self->bytes = g_realloc(self->bytes, self->capacity);
}

uint8_t *
frame_buffer_room(FrameBuffer *self, uint8_t *scratch, size_t n_scratch, size_t *room)
{
    if (self->len == 0) {
        *room = n_scratch;
        return scratch;
    }
    make_room(self);
    *room = self->capacity - self->len;
    return self->bytes + self->len;
}

const uint8_t *
frame_buffer_took(FrameBuffer *self, const uint8_t *scratch, size_t n_bytes,
                  size_t room, size_t *have)
{
    self->was_filled = n_bytes == room;
    *have = self->len + n_bytes;
    return self->len > 0 ? self->bytes : scratch;
}

void
frame_buffer_keep(FrameBuffer *self, const uint8_t *rest, size_t n_bytes)
{
    if (n_bytes == 0) {
        g_clear_pointer(&self->bytes, g_free);
        self->capacity = 0;
    } else if (self->bytes) {
        memmove(self->bytes, rest, n_bytes);
    } else {
        self->capacity = MAX(n_bytes, MIN_BUFFER_BYTES);
        self->bytes = g_malloc(self->capacity);
        memcpy(self->bytes, rest, n_bytes);
    }
    self->len = n_bytes;
}
