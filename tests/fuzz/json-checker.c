/* SPDX-License-Identifier: Apache-2.0 */
#include "json-checker.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define MAX_DEPTH 16 /* ours are two deep */

/* @fault is set once, and then nothing more is read. */
typedef struct {
    const char *at;
    const char *end;
    const char *fault;
    unsigned depth;
} Json;

static void
fail(Json *json, const char *fault)
{
    if (!json->fault)
        json->fault = fault;
    json->at = json->end;
}

static void
skip_blanks(Json *json)
{
    while (json->at < json->end && strchr(" \t\r\n", *json->at))
        json->at++;
}

static bool
take(Json *json, char c)
{
    if (json->at == json->end || *json->at != c)
        return false;
    json->at++;
    return true;
}

static unsigned
read_hex(Json *json)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        if (json->at == json->end || !g_ascii_isxdigit(*json->at)) {
            fail(json, "jsonb: \\u without four digits");
            return 0;
        }
        value = value << 4 | (unsigned) g_ascii_xdigit_value(*json->at++);
    }
    return value;
}

static void
read_unicode_escape(Json *json)
{
    const unsigned unit = read_hex(json);

    if (json->fault)
        return;
    if (unit == 0)
        fail(json, "jsonb: \\u0000");
    else if (unit >= 0xdc00 && unit <= 0xdfff)
        fail(json, "jsonb: second half of a pair");
    else if (unit >= 0xd800 && unit <= 0xdbff) {
        if (!take(json, '\\') || !take(json, 'u'))
            fail(json, "jsonb: first half of a pair");
        else if ((read_hex(json) & 0xfc00) != 0xdc00)
            fail(json, "jsonb: no second half");
    }
}

static void
read_string(Json *json)
{
    if (!take(json, '"')) {
        fail(json, "jsonb: no string");
        return;
    }
    while (json->at < json->end) {
        const unsigned char c = (unsigned char) *json->at++;

        if (c == '"')
            return;
        if (c < 0x20)
            fail(json, "jsonb: a control character");
        if (c != '\\' || json->at == json->end)
            continue;

        const char escaped = *json->at++;
        if (escaped == 'u')
            read_unicode_escape(json);
        else if (!strchr("\"\\/bfnrt", escaped) || !escaped)
            fail(json, "jsonb: no such escape");
    }
    fail(json, "jsonb: string without end");
}

static void
read_digits(Json *json)
{
    if (json->at == json->end || !g_ascii_isdigit(*json->at))
        fail(json, "jsonb: no number");
    while (json->at < json->end && g_ascii_isdigit(*json->at))
        json->at++;
}

static void
read_number(Json *json)
{
    take(json, '-');
    if (!take(json, '0'))
        read_digits(json);
    if (take(json, '.'))
        read_digits(json);
    if (take(json, 'e') || take(json, 'E')) {
        if (!take(json, '+'))
            take(json, '-');
        read_digits(json);
    }
}

static void read_value(Json *json);

/* Members or elements up to @close. */
static void
read_list(Json *json, char close, bool has_keys)
{
    json->at++;
    if (++json->depth > MAX_DEPTH)
        fail(json, "jsonb: too deep");
    skip_blanks(json);
    if (!take(json, close)) {
        do {
            skip_blanks(json);
            if (has_keys) {
                read_string(json);
                skip_blanks(json);
                if (!take(json, ':'))
                    fail(json, "jsonb: no colon");
            }
            read_value(json);
        } while (take(json, ','));
        if (!take(json, close))
            fail(json, "jsonb: no end of a list");
    }
    json->depth--;
}

static void
read_word(Json *json)
{
    static const char *const words[] = { "true", "false", "null" };
    const size_t left = (size_t) (json->end - json->at);

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        const size_t n = strlen(words[i]);

        if (left >= n && memcmp(json->at, words[i], n) == 0) {
            json->at += n;
            return;
        }
    }
    fail(json, "jsonb: no value");
}

static void
read_value(Json *json)
{
    skip_blanks(json);
    if (json->at == json->end)
        fail(json, "jsonb: no value");
    else if (*json->at == '{')
        read_list(json, '}', true);
    else if (*json->at == '[')
        read_list(json, ']', false);
    else if (*json->at == '"')
        read_string(json);
    else if (*json->at == '-' || g_ascii_isdigit(*json->at))
        read_number(json);
    else
        read_word(json);
    skip_blanks(json);
}

const char *
json_checker_fault(const char *text, size_t n_bytes)
{
    Json json = { .at = text, .end = text + n_bytes };

    if (!g_utf8_validate(text, (gssize) n_bytes, NULL) || memchr(text, 0, n_bytes))
        return "jsonb: not UTF-8";
    if (n_bytes == 0 || text[0] != '{')
        return "jsonb: not an object";
    read_value(&json);
    if (!json.fault && json.at != json.end)
        return "jsonb: more than one value";
    return json.fault;
}
