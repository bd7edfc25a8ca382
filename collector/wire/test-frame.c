/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include <glib.h>
#include <string.h>

static const struct {
    const char *why;
    uint8_t bytes[24];
    size_t have;
    FrameVerdict verdict;
    size_t n_bytes;
} cases[] = {
    { "nothing yet", { 0 }, 0, FRAME_PART, 0 },
    { "half a version", { 0 }, 1, FRAME_PART, 0 },
    { "not even half a version", { 'G' }, 1, FRAME_BAD, 0 },
    { "version 9", { 0, 9 }, 2, FRAME_BAD, 0 },
    { "half a length", { 0, 10, 0 }, 3, FRAME_PART, 0 },
    { "a length of 0", { 0, 10, 0, 0 }, 4, FRAME_BAD, 0 },
    { "a length below its header", { 0, 10, 0, 15 }, 24, FRAME_BAD, 0 },
    { "the shortest", { 0, 10, 0, 16 }, 16, FRAME_WHOLE, 16 },
    { "the shortest, and more", { 0, 10, 0, 16 }, 24, FRAME_WHOLE, 16 },
    { "one octet is missing", { 0, 10, 0, 24 }, 23, FRAME_PART, 24 },
    { "the longest", { 0, 10, 0xff, 0xff }, 24, FRAME_PART, 65535 },
};

static void
test_looking(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t n_bytes = 0;

        g_test_message("%s", cases[i].why);
        g_assert_cmpint(frame_look(cases[i].bytes, cases[i].have, &n_bytes), ==,
                        cases[i].verdict);
        if (cases[i].verdict == FRAME_WHOLE)
            g_assert_cmpuint(n_bytes, ==, cases[i].n_bytes);
    }
}

/* A stream of messages comes out as it was, in whatever pieces it comes in. */
static void
test_any_pieces(void)
{
    uint8_t stream[3000];
    uint8_t scratch[256];

    for (size_t i = 0; i < sizeof(stream); i++)
        stream[i] = (uint8_t) (i * 7);
    for (size_t piece = 1; piece <= sizeof(scratch); piece++) {
        FrameBuffer buffer = { 0 };
        size_t out = 0;

        for (size_t at = 0; at < sizeof(stream);) {
            size_t room;
            size_t have;
            uint8_t *to = frame_buffer_room(&buffer, scratch, sizeof(scratch), &room);
            const size_t n = MIN(MIN(piece, room), sizeof(stream) - at);

            memcpy(to, stream + at, n);
            at += n;
            const uint8_t *all = frame_buffer_took(&buffer, to, n, room, &have);
            /* "Messages" of 100 octets. */
            const size_t used = have - have % 100;
            g_assert_cmpmem(all, used, stream + out, used);
            out += used;
            frame_buffer_keep(&buffer, all + used, have - used);
        }
        g_assert_cmpuint(out, ==, sizeof(stream));
        g_assert_null(buffer.bytes); /* an idle stream costs nothing */
        frame_buffer_clear(&buffer);
    }
}

/* Announced 65 535, come 5 000: the memory is that of what came. */
static void
test_grows_with_what_comes(void)
{
    g_autofree uint8_t *scratch = g_malloc0(FRAME_MAX_BYTES);
    FrameBuffer buffer = { 0 };
    size_t sent = 0;

    while (sent < 5000) {
        size_t room;
        size_t have;
        uint8_t *to = frame_buffer_room(&buffer, scratch, FRAME_MAX_BYTES, &room);
        const size_t n = MIN(room, 100);
        const uint8_t *all = frame_buffer_took(&buffer, to, n, room, &have);

        frame_buffer_keep(&buffer, all, have);
        sent += n;
    }
    g_assert_cmpuint(buffer.len, ==, sent);
    g_assert_cmpuint(buffer.capacity, <=, 16384);
    frame_buffer_clear(&buffer);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frame/looking", test_looking);
    g_test_add_func("/frame/any-pieces", test_any_pieces);
    g_test_add_func("/frame/grows-with-what-comes", test_grows_with_what_comes);
    return g_test_run();
}
