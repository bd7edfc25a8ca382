/* SPDX-License-Identifier: Apache-2.0 */
#include "store/talker.h"

#include <math.h>
#include <string.h>

#include "reader.h"
#include "store/sketch.h"

#define N_KEYS 20000

static SketchKey
key_of(uint32_t number)
{
    SketchKey key = { 0 };

    memcpy(key.bytes + 3, &number, sizeof(number));
    return key;
}

static uint32_t
number_of(const SketchKey *key)
{
    uint32_t number;

    memcpy(&number, key->bytes + 3, sizeof(number));
    return number;
}

/* What the sketch must hold to, whatever the stream. */
static void
check_bounds(const Sketch *sketch, const uint64_t *exact, size_t n_room)
{
    g_autoptr(GArray) entries = sketch_heaviest(sketch, SIZE_MAX);
    g_autofree bool *is_listed = g_new0(bool, N_KEYS);
    const SketchTotal total = sketch_total(sketch);
    uint64_t sum = 0;

    for (guint i = 0; i < entries->len; i++) {
        const SketchEntry *entry = &g_array_index(entries, SketchEntry, i);
        const uint64_t truth = exact[number_of(&entry->key)];

        is_listed[number_of(&entry->key)] = true;
        g_assert_cmpuint(entry->octets, <=, truth);
        g_assert_cmpuint(truth, <=, entry->octets + entry->error);
        g_assert_cmpuint(entry->error, <=, sketch_error(sketch));
        if (i > 0)
            g_assert_cmpuint(entry->octets, <=, (entry - 1)->octets);
    }
    for (uint32_t i = 0; i < N_KEYS; i++) {
        sum += exact[i];
        if (!is_listed[i])
            g_assert_cmpuint(exact[i], <=, sketch_error(sketch));
    }
    g_assert_true(total.octets == sum);
    g_assert_cmpfloat((double) sketch_error(sketch), <=,
                      5.0 * (double) sum / (double) n_room);
}

static uint32_t
draw_key(GRand *rand, const char *shape, int i)
{
    if (strcmp(shape, "uniform") == 0)
        return (uint32_t) g_rand_int_range(rand, 0, N_KEYS);
    if (strcmp(shape, "rising") == 0)
        return (uint32_t) i % N_KEYS;
    /* Heavy-tailed. */
    return (uint32_t) (pow(N_KEYS, g_rand_double(rand)) - 1);
}

static void
test_error_bound(void)
{
    static const char *const shapes[] = { "heavy-tailed", "uniform", "rising" };
    static const size_t rooms[] = { 1, 100, 3000 };

    for (size_t i = 0; i < G_N_ELEMENTS(shapes) * G_N_ELEMENTS(rooms); i++) {
        const char *shape = shapes[i % 3];
        const size_t room = rooms[i / 3];
        g_autoptr(GRand) rand = g_rand_new_with_seed((guint32) i);
        g_autoptr(Sketch) sketch = sketch_new(room);
        g_autofree uint64_t *exact = g_new0(uint64_t, N_KEYS);

        g_test_message("%s, %zu keys of room", shape, room);
        for (int n = 0; n < 100000; n++) {
            const uint32_t number = draw_key(rand, shape, n);
            const SketchKey key = key_of(number);
            const uint64_t octets = (uint64_t) g_rand_int_range(rand, 0, 1500) * 10;

            sketch_add(sketch, &key, octets, 1);
            exact[number] += octets;
        }
        check_bounds(sketch, exact, room);
        sketch_reset(sketch);
        g_assert_cmpuint(sketch_error(sketch), ==, 0);
        g_assert_true(sketch_total(sketch).octets == 0);
    }
}

static void
test_exact_while_it_fits(void)
{
    g_autoptr(Sketch) sketch = sketch_new(50);

    for (uint32_t i = 0; i < 500; i++) {
        const SketchKey key = key_of(i % 50);

        sketch_add(sketch, &key, i % 50 + 1, 2);
    }

    g_autoptr(GArray) entries = sketch_heaviest(sketch, 3);

    g_assert_cmpuint(entries->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        const SketchEntry *entry = &g_array_index(entries, SketchEntry, i);

        g_assert_cmpuint(number_of(&entry->key), ==, 49 - i);
        g_assert_cmpuint(entry->octets, ==, 10 * (50 - i));
        g_assert_cmpuint(entry->packets, ==, 20);
        g_assert_cmpuint(entry->flows, ==, 10);
        g_assert_cmpuint(entry->error, ==, 0);
    }
}

static void
test_counters_saturate(void)
{
    g_autoptr(Sketch) sketch = sketch_new(1);
    const SketchKey key = key_of(1);

    for (int i = 0; i < 4; i++)
        sketch_add(sketch, &key, INT64_MAX, INT64_MAX);

    g_autoptr(GArray) entries = sketch_heaviest(sketch, 1);

    g_assert_cmpuint(g_array_index(entries, SketchEntry, 0).octets, ==, UINT64_MAX);
    g_assert_true(sketch_total(sketch).octets == (unsigned __int128) INT64_MAX * 4);
}

/* --- rows --- */

/* "window kind key octets flows" of each row, one a line. */
static char *
rows_text(GByteArray *rows)
{
    GString *text = g_string_new(NULL);
    Reader reader = reader_over(rows ? rows->data : NULL, rows ? rows->len : 0);

    while (reader.left > 0) {
        g_assert_cmpuint(reader_uint(&reader, 2), ==, 7);
        reader_uint(&reader, 4);

        const int64_t start_us =
            (int64_t) reader_uint(&reader, 8) + INT64_C(946684800000000);
        const uint64_t n_kind = reader_uint(&reader, 4);
        const char *kind = (const char *) reader_bytes(&reader, n_kind);
        const uint64_t n_key = reader_uint(&reader, 4);
        const char *key = (const char *) reader_bytes(&reader, n_key);

        g_string_append_printf(text, "%d %.*s %.*s", (int) (start_us / 1000000),
                               (int) n_kind, kind, (int) n_key, key);
        for (int i = 0; i < 2; i++) {
            uint64_t value = 0;

            for (uint64_t n = (reader_uint(&reader, 4), reader_uint(&reader, 2)),
                          skip = reader_uint(&reader, 6);
                 n > 0; n--, (void) skip)
                value = value * 10000 + reader_uint(&reader, 2);
            if (i == 0)
                g_string_append_printf(text, " %d", (int) value);
        }
        reader_uint(&reader, 4);
        g_string_append_printf(text, " %d\n", (int) reader_uint(&reader, 8));
        reader_bytes(&reader, reader_uint(&reader, 4)); /* error_octets */
        g_assert_true(reader_ok(&reader));
    }
    if (rows)
        g_byte_array_unref(rows);
    return g_string_free(text, FALSE);
}

static Flow
make_flow(uint8_t src, uint8_t dst, uint16_t dst_port, uint64_t octets, int sec)
{
    const uint8_t from[4] = { 10, 0, 0, src };
    const uint8_t to[4] = { 10, 0, 0, dst };

    return (Flow){ .received_us = sec * INT64_C(1000000),
                   .src = ip_address_from_v4(from),
                   .dst = ip_address_from_v4(to),
                   .src_port = 40000,
                   .dst_port = dst_port,
                   .protocol = 6,
                   .octets = octets,
                   .packets = 1,
                   .present = FLOW_SRC | FLOW_DST | FLOW_SRC_PORT | FLOW_DST_PORT |
                              FLOW_PROTOCOL };
}

static void
test_rows(void)
{
    g_autoptr(Talker) talker = talker_new(2);
    const Flow flows[] = {
        make_flow(1, 2, 443, 1000, 6000),
        make_flow(2, 1, 443, 200, 6001),
        make_flow(3, 4, 50000, 30, 6002),
        make_flow(5, 6, 50000, 4, 6003),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(flows); i++)
        talker_add(talker, &flows[i]);
    g_assert_null(talker_steal(talker));
    talker_flush(talker);

    g_autofree char *text = rows_text(talker_steal(talker));

    g_assert_cmpstr(text, ==,
                    "6000 host 10.0.0.1 1200 2\n"
                    "6000 host 10.0.0.2 1200 2\n"
                    "6000 host other 68 4\n"
                    "6000 pair 10.0.0.1 10.0.0.2 1200 2\n"
                    "6000 pair 10.0.0.3 10.0.0.4 30 1\n"
                    "6000 pair other 4 1\n"
                    "6000 port tcp/443 1200 2\n"
                    "6000 port tcp/40000 34 2\n");
}

static void
test_windows(void)
{
    static const struct {
        const char *why;
        int first_sec, second_sec;
        bool is_flushed;
    } cases[] = {
        { "within a minute", 6000, 6059, false },
        { "a minute is over", 6000, 6060, true },
        { "the window is over", 6290, 6300, true },
        { "a little late: counted with the others", 6300, 6299, false },
        { "from another time", 60000, 6000, true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Talker) talker = talker_new(2);
        const Flow first = make_flow(1, 2, 80, 1, cases[i].first_sec);
        const Flow second = make_flow(1, 2, 80, 1, cases[i].second_sec);

        g_test_message("%s", cases[i].why);
        talker_add(talker, &first);
        talker_add(talker, &second);

        g_autoptr(GByteArray) rows = talker_steal(talker);

        g_assert_cmpint(rows != NULL, ==, cases[i].is_flushed);
        talker_tick(talker, second.received_us + 59 * INT64_C(1000000));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sketch/error-bound", test_error_bound);
    g_test_add_func("/sketch/exact-while-it-fits", test_exact_while_it_fits);
    g_test_add_func("/sketch/counters-saturate", test_counters_saturate);
    g_test_add_func("/talker/rows", test_rows);
    g_test_add_func("/talker/windows", test_windows);
    return g_test_run();
}
