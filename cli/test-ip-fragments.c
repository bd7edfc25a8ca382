/* SPDX-License-Identifier: Apache-2.0 */
#include "ip-fragments.h"

#include <string.h>

#define N_BYTES 40 /* of the whole: blocks of 8, 16 and 16 */

static uint8_t whole[N_BYTES];

/* One fragment of datagram 7: octets @from up to @to of @whole. */
static const uint8_t *
add(IpFragments *fragments, size_t from, size_t to, bool more, size_t *n_bytes)
{
    static const uint8_t src[] = { 192, 0, 2, 1 }, dst[] = { 192, 0, 2, 2 };
    const IpFragment fragment = { .src = ip_address_from_v4(src),
                                  .dst = ip_address_from_v4(dst),
                                  .id = 7,
                                  .offset = from,
                                  .more = more,
                                  .bytes = whole + MIN(from, N_BYTES),
                                  .n_bytes = to - from };

    return ip_fragments_add(fragments, &fragment, n_bytes);
}

typedef struct {
    size_t from, to;
    bool more;
} Piece;

#define FIRST                                                                          \
    {                                                                                  \
        0, 8, true                                                                     \
    }
#define MIDDLE                                                                         \
    {                                                                                  \
        8, 24, true                                                                    \
    }
#define LAST                                                                           \
    {                                                                                  \
        24, N_BYTES, false                                                             \
    }
#define MAX_PIECE 6

static const struct {
    const char *why;
    Piece pieces[MAX_PIECE]; /* up to one that is all zero */
    bool is_whole;           /* with the last of them */
} cases[] = {
    { "in order", { FIRST, MIDDLE, LAST }, true },
    { "backwards", { LAST, MIDDLE, FIRST }, true },
    { "every fragment twice", { FIRST, FIRST, MIDDLE, MIDDLE, LAST }, true },
    { "one missing, and another twice", { MIDDLE, MIDDLE, LAST }, false },
    { "one missing, and all others twice", { FIRST, FIRST, FIRST, LAST }, false },
    { "the end missing", { FIRST, MIDDLE, MIDDLE, FIRST }, false },
    { "an end before what was there", { MIDDLE, FIRST, { 8, 16, false } }, false },
    { "two ends", { LAST, { 24, 32, false }, FIRST, MIDDLE }, false },
    { "a fragment in the middle of no block", { { 0, 7, true }, MIDDLE, LAST }, false },
    { "a whole datagram as a fragment", { { 0, N_BYTES, false } }, true },
    { "beyond any datagram", { { 65528, 65540, false } }, false },
};

static void
test_whole_when_all_is_there(void)
{
    for (size_t i = 0; i < N_BYTES; i++)
        whole[i] = (uint8_t) (i + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(IpFragments) fragments = ip_fragments_new();
        const uint8_t *bytes = NULL;
        size_t n_bytes = 0;

        g_test_message("%s", cases[i].why);
        for (const Piece *piece = cases[i].pieces; piece->to > 0; piece++) {
            g_assert_null(bytes);
            bytes = add(fragments, piece->from, piece->to, piece->more, &n_bytes);
        }
        g_assert_true((bytes != NULL) == cases[i].is_whole);
        if (bytes)
            g_assert_cmpmem(bytes, n_bytes, whole, N_BYTES);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ip-fragments/whole-when-all-is-there",
                    test_whole_when_all_is_there);
    return g_test_run();
}
