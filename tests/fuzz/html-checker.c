/* SPDX-License-Identifier: Apache-2.0 */
#include "html-checker.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define NAME_CHARS 16

static const char *const tags[] = { "a",     "b",     "body", "br",   "code", "dd",
                                    "div",   "dl",    "dt",   "h1",   "h2",   "h3",
                                    "head",  "html",  "li",   "meta", "p",    "img",
                                    "table", "title", "td",   "tr",   "ul",   NULL };
static const char *const empty_tags[] = { "br", "img", "meta", NULL };
static const char *const attributes[] = {
    "align",   "alt",    "cellpadding", "cellspacing", "charset", "colspan",
    "content", "href",   "lang",        "name",        "role",    "src",
    "style",   "valign", "width",       NULL
};

static bool
is_listed(const char *const *list, const char *name, size_t n)
{
    for (; *list; list++) {
        if (strlen(*list) == n && memcmp(*list, name, n) == 0)
            return true;
    }
    return false;
}

static bool
is_harmless_value(const char *name, size_t n, const char *value)
{
    if (is_listed((const char *const[]){ "href", NULL }, name, n))
        return g_str_has_prefix(value, "http://") ||
               g_str_has_prefix(value, "https://");
    if (is_listed((const char *const[]){ "src", NULL }, name, n))
        return g_str_has_prefix(value, "cid:");
    return true;
}

/* The attributes of a tag up to its ">" (@at is set behind it). */
static const char *
attributes_fault(const char **at)
{
    while (**at == ' ') {
        const char *name = *at + 1;
        const size_t n = strcspn(name, "= >\"");

        if (!is_listed(attributes, name, n))
            return "unknown attribute";
        if (name[n] != '=' || name[n + 1] != '"')
            return "attribute without a value in quotes";

        const char *value = name + n + 2;
        const size_t n_value = strcspn(value, "\"<>");
        if (value[n_value] != '"')
            return "value without an end";
        if (!is_harmless_value(name, n, value))
            return "a link to somewhere";
        *at = value + n_value + 1;
    }
    if (**at != '>')
        return "tag without an end";
    (*at)++;
    return NULL;
}

/* One tag; @open are the tags it is in. */
static const char *
tag_fault(const char **at, GPtrArray *open)
{
    const bool is_end = (*at)[1] == '/';
    const char *name = *at + (is_end ? 2 : 1);
    const size_t n = strcspn(name, " >");

    if (g_str_has_prefix(*at, "<!DOCTYPE html>")) {
        *at += strlen("<!DOCTYPE html>");
        return NULL;
    }
    if (!is_listed(tags, name, n))
        return "unknown tag";
    *at = name + n;
    if (is_end) {
        g_autofree char *begun =
            open->len > 0 ? g_ptr_array_steal_index(open, open->len - 1) : NULL;

        if (!begun || strlen(begun) != n || memcmp(begun, name, n) != 0)
            return "an end of what is not open";
    } else if (!is_listed(empty_tags, name, n)) {
        g_ptr_array_add(open, g_strndup(name, n));
    }
    return attributes_fault(at);
}

const char *
html_checker_fault(const char *html)
{
    g_autoptr(GPtrArray) open = g_ptr_array_new_with_free_func(g_free);

    if (!g_utf8_validate(html, -1, NULL))
        return "not UTF-8";
    for (const char *at = html; *at;) {
        const unsigned char c = (unsigned char) *at;

        if (c == '<') {
            const char *fault = tag_fault(&at, open);

            if (fault)
                return fault;
            continue;
        }
        if (c == '>')
            return "a bracket in a text";
        if ((c < 0x20 && c != '\n') || c == 0x7f)
            return "a control character";
        at++;
    }
    return open->len > 0 ? "something open at the end" : NULL;
}
