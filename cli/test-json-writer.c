/* SPDX-License-Identifier: Apache-2.0 */
#include "json-writer.h"

#include <math.h>

static void
test_document(void)
{
    g_autoptr(JsonWriter) w = json_writer_new();

    json_writer_begin_object(w, NULL);
    json_writer_string(w, "name", "edge");
    json_writer_begin_array(w, "list");
    json_writer_int(w, NULL, -1);
    json_writer_uint(w, NULL, UINT64_MAX);
    json_writer_double(w, NULL, 0.5);
    json_writer_double(w, NULL, NAN);
    json_writer_end_array(w);
    json_writer_begin_array(w, "empty");
    json_writer_end_array(w);
    json_writer_bool(w, "ok", true);
    json_writer_time(w, "never", 0);
    json_writer_end_object(w);
    g_assert_cmpstr(json_writer_text(w), ==,
                    "{\n  \"name\": \"edge\",\n  \"list\": [\n    -1,\n"
                    "    18446744073709551615,\n    0.5,\n    null\n  ],\n"
                    "  \"empty\": [],\n  \"ok\": true,\n  \"never\": null\n}\n");
}

static void
test_text(void)
{
    static const struct {
        const char *text;
        const char *written;
    } cases[] = {
        { "a\"b\\c", "\"a\\\"b\\\\c\"\n" },
        { "\x1b[2J\n", "\"\\u001b[2J\\u000a\"\n" },
        { "\xc2\x9b", "\"\\u009b\"\n" },
        { "\xe2\x80\xae", "\"\\u202e\"\n" },
        { "\xff", "\"\xef\xbf\xbd\"\n" },
        { "\xf3\xa0\x80\x81", "\"\\udb40\\udc01\"\n" },
        { "\xc3\xbc", "\"\xc3\xbc\"\n" },
        { NULL, "null\n" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonWriter) w = json_writer_new();

        json_writer_string(w, NULL, cases[i].text);
        g_assert_cmpstr(json_writer_text(w), ==, cases[i].written);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-writer/writes-one-document", test_document);
    g_test_add_func("/json-writer/text-cannot-break-out", test_text);
    return g_test_run();
}
