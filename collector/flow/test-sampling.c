/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sampling.h"

#include <glib.h>
#include <math.h>

static void
test_rates(void)
{
    static const struct {
        const char *why;
        SamplingReport report;
        uint32_t rate;
    } cases[] = {
        { "nothing said", { 0 }, 0 },
        { "every packet", { .interval = 1 }, 1 },
        { "one in a thousand", { .interval = 1000 }, 1000 },
        { "all ones", { .interval = UINT32_MAX }, SAMPLING_ABSURD },
        { "more than 32 bits", { .interval = UINT64_MAX }, SAMPLING_ABSURD },
        { "MikroTik's byte order", { .interval = 0xe8030000 }, 1000 },
        { "large in either order", { .interval = 0xfffffffe }, 0xfffffffe },
        { "one, then 999 not",
          { .packet_interval = 1, .packet_space = 999, .has_packet_space = true },
          1000 },
        { "ten, then 990 not",
          { .packet_interval = 10, .packet_space = 990, .has_packet_space = true },
          100 },
        { "swapped, as Nokia did",
          { .packet_interval = 999, .packet_space = 1, .has_packet_space = true },
          1000 },
        { "none left out", { .packet_interval = 1, .has_packet_space = true }, 1 },
        { "no gap reported", { .packet_interval = 512 }, 512 },
        { "a gap alone", { .packet_space = 99, .has_packet_space = true }, 0 },
        { "a run of all ones",
          { .packet_interval = 1,
            .packet_space = UINT64_MAX,
            .has_packet_space = true },
          SAMPLING_ABSURD },
        { "one out of 512", { .size = 1, .population = 512 }, 512 },
        { "one out of 256, and a run of one without a gap (IOS-XR)",
          { .packet_interval = 1, .size = 1, .population = 256 },
          256 },
        { "three out of 1000", { .size = 3, .population = 1000 }, 333 },
        { "none out of 512", { .population = 512 }, SAMPLING_ABSURD },
        { "nine out of three", { .size = 9, .population = 3 }, SAMPLING_ABSURD },
        { "a probability", { .probability = 0.001, .has_probability = true }, 1000 },
        { "certainty", { .probability = 1, .has_probability = true }, 1 },
        { "zero", { .probability = 0, .has_probability = true }, SAMPLING_ABSURD },
        { "negative", { .probability = -1, .has_probability = true }, SAMPLING_ABSURD },
        { "above one", { .probability = 2, .has_probability = true }, SAMPLING_ABSURD },
        { "tiny", { .probability = 1e-300, .has_probability = true }, SAMPLING_ABSURD },
        { "infinite",
          { .probability = INFINITY, .has_probability = true },
          SAMPLING_ABSURD },
        { "no number",
          { .probability = NAN, .has_probability = true },
          SAMPLING_ABSURD },
        { "the interval wins", { .interval = 10, .size = 1, .population = 512 }, 10 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].why);
        g_assert_cmpuint(sampling_rate(&cases[i].report), ==, cases[i].rate);
    }
}

static void
test_v5_ignores_the_mode(void)
{
    g_assert_cmpuint(sampling_from_v5(0x43e8), ==, 1000);
    g_assert_cmpuint(sampling_from_v5(0x03e8), ==, 1000);
    g_assert_cmpuint(sampling_from_v5(0xffff), ==, 16383);
    g_assert_cmpuint(sampling_from_v5(0), ==, 0);
}

static void
test_the_strongest_source_wins(void)
{
    uint32_t rates[SAMPLING_N_SOURCES] = { 0 };
    SamplingSource source;

    g_assert_cmpuint(sampling_choose(rates, &source), ==, 0);
    g_assert_cmpint(source, ==, SAMPLING_NONE);

    for (int i = SAMPLING_HEADER; i < SAMPLING_N_SOURCES; i++) {
        rates[i] = 100 + i;
        g_assert_cmpuint(sampling_choose(rates, &source), ==, 100 + i);
        g_assert_cmpint(source, ==, i);
        g_assert_nonnull(sampling_source_name(source));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sampling/rates", test_rates);
    g_test_add_func("/sampling/v5-ignores-the-mode", test_v5_ignores_the_mode);
    g_test_add_func("/sampling/the-strongest-source-wins",
                    test_the_strongest_source_wins);
    return g_test_run();
}
