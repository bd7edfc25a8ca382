/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DigestLetter: sections of lines, as the body of a message.  Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/message.h"

typedef struct {
    int64_t alert_id; /* 0 = about no incident */
    char *text;
    char *detail; /* in a softer voice; NULL = none */
} DigestLine;

typedef struct {
    const char *heading; /* static */
    const char *noun;    /* "new"; in the subject; NULL = not there */
    GArray *lines;       /* of DigestLine */
    uint64_t n_left_out; /* that would not fit */
    bool is_news;        /* worth a digest */
} DigestSection;

enum { DIGEST_LETTER_MAX_LINES = 50 };

void digest_letter_begin(DigestSection *self, const char *heading, const char *noun,
                         bool is_news);
void digest_letter_end(DigestSection *self);

/* Takes @text and @detail (transfer full); counts what is beyond
 * DIGEST_LETTER_MAX_LINES. */
void digest_letter_add(DigestSection *self, int64_t alert_id, char *text, char *detail);

/* @day is "2026-11-24", @link as in alert-letter.h. */
void digest_letter_write(const DigestSection *sections, size_t n_sections,
                         const char *day, const char *instance, const char *link,
                         MessageBody *body);

/* Whether any section that is news has lines. */
bool digest_letter_is_worth(const DigestSection *sections, size_t n_sections);
