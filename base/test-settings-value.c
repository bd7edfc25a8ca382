/* SPDX-License-Identifier: Apache-2.0 */
#include "settings-value.h"

typedef struct {
    uint64_t size_bytes;
    uint32_t count;
    bool order;
} Item;

static const char *const orders[] = { "up", "down", NULL };

static const SettingsKey size_key = { .name = "size_bytes",
                                      .type = SETTINGS_UINT64,
                                      .offset = offsetof(Item, size_bytes),
                                      .max = UINT64_MAX };
static const SettingsKey count_key = { .name = "count",
                                       .type = SETTINGS_UINT32,
                                       .offset = offsetof(Item, count),
                                       .min = 3,
                                       .max = UINT32_MAX };
static const SettingsKey order_key = { .name = "order",
                                       .type = SETTINGS_BOOL,
                                       .offset = offsetof(Item, order),
                                       .choices = orders };

static void
test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        const char *formatted;
    } cases[] = {
        { "0", 0, "0" },
        { "1023", 1023, "1023" },
        { "1024", 1024, "1K" },
        { "1k", 1024, "1K" },
        { "1536K", 1536 << 10, "1536K" },
        { "64M", 64 << 20, "64M" },
        { "3G", UINT64_C(3) << 30, "3G" },
        { "17179869183G", UINT64_C(17179869183) << 30, "17179869183G" },
        { "18446744073709551615", UINT64_MAX, "18446744073709551615" },
    };
    Item item = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(settings_value_parse(&size_key, cases[i].text, &item, NULL));
        g_assert_cmpuint(item.size_bytes, ==, cases[i].bytes);

        g_autofree char *text = settings_value_format(&size_key, &item);
        g_assert_cmpstr(text, ==, cases[i].formatted);
    }
}

static void
test_what_is_not_a_number(void)
{
    static const char *const texts[] = {
        "",
        "G",
        "-1",
        "+1",
        "1 K",
        "1KB",
        "1e3",
        "0x10",
        "1.5G",
        "17179869184G",
        "18446744073709551616",
        " 1",
        "1 ",
    };
    Item item = { .size_bytes = 42 };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_test_message("%s", texts[i]);
        g_assert_false(settings_value_parse(&size_key, texts[i], &item, NULL));
        g_assert_cmpuint(item.size_bytes, ==, 42);
    }
}

static void
test_every_size_survives_its_text(void)
{
    for (int i = 0; i < 10000; i++) {
        const Item before = {
            .size_bytes =
                ((uint64_t) g_test_rand_int() << 32 | (uint32_t) g_test_rand_int())
                << g_test_rand_int_range(0, 64)
        };
        g_autofree char *text = settings_value_format(&size_key, &before);
        Item after = { 0 };

        g_assert_true(settings_value_parse(&size_key, text, &after, NULL));
        g_assert_cmpuint(after.size_bytes, ==, before.size_bytes);
    }
}

static void
test_ranges_and_choices_are_told(void)
{
    g_autoptr(GError) error = NULL;
    Item item = { .count = 42 };

    g_assert_false(settings_value_parse(&count_key, "2", &item, &error));
    g_assert_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE);
    g_assert_cmpstr(error->message, ==,
                    "\"2\" is not allowed: must be a number from 3 to 4294967295");
    g_assert_cmpuint(item.count, ==, 42);

    g_clear_error(&error);
    g_assert_false(settings_value_parse(&order_key, "left", &item, &error));
    g_assert_cmpstr(error->message, ==, "\"left\" is not allowed: must be up or down");
    g_assert_true(settings_value_parse(&order_key, "down", &item, NULL));
    g_assert_true(item.order);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings-value/sizes", test_sizes);
    g_test_add_func("/settings-value/what-is-not-a-number", test_what_is_not_a_number);
    g_test_add_func("/settings-value/every-size-survives-its-text",
                    test_every_size_survives_its_text);
    g_test_add_func("/settings-value/ranges-and-choices-are-told",
                    test_ranges_and_choices_are_told);
    return g_test_run();
}
