/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frame: where one IPFIX message ends and the next begins in a stream of octets
 * (RFC 7011 10.4.2), and the buffer for one that has not come whole.
 *
 * Looks at version and length of the message header only.  Knows no sockets: the
 * octets may have come over TCP or out of TLS.  A buffer grows with what has come,
 * not with what was announced, and is never longer than a message. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_BYTES 65535

typedef enum {
    FRAME_WHOLE,
    FRAME_PART, /* so far nothing is wrong with it */
    FRAME_BAD,  /* not IPFIX, or a length below 16 */
} FrameVerdict;

/* Looks at the message that begins at @bytes, of which @have are there;
 * FRAME_WHOLE sets @n_bytes. */
FrameVerdict frame_look(const uint8_t *bytes, size_t have, size_t *n_bytes);

/* What is not handed out yet. */
typedef struct {
    uint8_t *bytes; /* NULL when there is nothing */
    size_t len;
    size_t capacity;
    bool was_filled; /* the last read took all the room there was */
} FrameBuffer;

void frame_buffer_clear(FrameBuffer *self);

/* Where to read to: behind what is in the buffer or, while it is empty, into
 * @scratch (lent, @n_scratch bytes), so that idle streams cost no memory. */
uint8_t *frame_buffer_room(FrameBuffer *self, uint8_t *scratch, size_t n_scratch,
                           size_t *room);

/* @n_bytes were read there.  Returns all that is not handed out yet and its length;
 * lent until the next call. */
const uint8_t *frame_buffer_took(FrameBuffer *self, const uint8_t *scratch,
                                 size_t n_bytes, size_t room, size_t *have);

/* Only @rest, the end of what frame_buffer_took() returned, is still to come. */
void frame_buffer_keep(FrameBuffer *self, const uint8_t *rest, size_t n_bytes);
