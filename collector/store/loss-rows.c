/* SPDX-License-Identifier: Apache-2.0 */
#include "store/loss-rows.h"

#include <string.h>

#include "clock.h"
#include "copy-field.h"

#define MINUTE_US (60 * US_PER_SEC)
#define FIELDS    7 /* of loss */

/* The longest text of a column; a class that is longer is cut. */
#define TEXT_MAX_BYTES 64

/* Which loss it is; no padding. */
typedef struct {
    const Exporter *exporter; /* NULL = see exporter_id */
    const char *class;        /* interned, so that equal ones are the same */
    int64_t minute_us;
    int32_t exporter_id; /* 0 = none in particular */
    uint16_t reason;
    uint16_t unit;
} Key;

typedef struct {
    Key key;
    uint64_t count;
} Sum;

struct LossRows {
    char *collector;
    GHashTable *sums; /* Key -> Sum that holds it */
};

static guint
hash_key(gconstpointer key)
{
    uint64_t words[sizeof(Key) / 8];
    uint64_t mixed = 0;

    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        mixed = (mixed ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ mixed >> 29;
    return (guint) (mixed >> 32);
}

static gboolean
equal_keys(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(Key)) == 0;
}

LossRows *
loss_rows_new(const char *collector)
{
    LossRows *self = g_new0(LossRows, 1);

    self->collector = g_strdup(collector);
    self->sums = g_hash_table_new_full(hash_key, equal_keys, NULL, g_free);
    return self;
}

void
loss_rows_free(LossRows *self)
{
    if (!self)
        return;

    g_free(self->collector);
    g_hash_table_unref(self->sums);
    g_free(self);
}

void
loss_rows_add_by_id(LossRows *self, const Loss *loss, int32_t exporter_id)
{
    const int64_t received_us = MAX(loss->received_us, 0);
    const Key key = {
        .exporter = loss->exporter,
        .class = g_intern_string(loss->class ?: ""),
        .minute_us = received_us - received_us % MINUTE_US,
        .exporter_id = exporter_id,
        .reason = loss->reason,
        .unit = loss->unit,
    };
    Sum *sum = g_hash_table_lookup(self->sums, &key);

    if (loss->count == 0)
        return;
    if (!sum) {
        sum = g_new0(Sum, 1);
        sum->key = key;
        g_hash_table_insert(self->sums, &sum->key, sum);
    }
    if (__builtin_add_overflow(sum->count, loss->count, &sum->count) ||
        sum->count > INT64_MAX)
        sum->count = INT64_MAX;
}

void
loss_rows_add(LossRows *self, const Loss *loss)
{
    loss_rows_add_by_id(self, loss, 0);
}

void
loss_rows_collect(const LossRows *self, GPtrArray *exporters)
{
    GHashTableIter iter;
    const Key *key;

    g_hash_table_iter_init(&iter, self->sums);
    while (g_hash_table_iter_next(&iter, (void **) &key, NULL)) {
        /* The table's exporters are not constant, only a loss may not change them. */
        if (key->exporter && key->exporter->id == 0)
            g_ptr_array_add(exporters, (void *) key->exporter);
    }
}

const char *
loss_rows_statement(void)
{
    return "COPY flowkeep.loss (minute, collector, exporter_id, reason, class, unit,"
           " count) FROM STDIN (FORMAT binary)";
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
    return copy_field_text(at, text, strnlen(text, TEXT_MAX_BYTES));
}

void
loss_rows_take(LossRows *self, GByteArray *rows)
{
    const size_t n_collector = strlen(self->collector);
    g_autofree uint8_t *row = g_malloc(n_collector + 8 * (TEXT_MAX_BYTES + 12));
    GHashTableIter iter;
    const Sum *sum;

    g_hash_table_iter_init(&iter, self->sums);
    while (g_hash_table_iter_next(&iter, NULL, (void **) &sum)) {
        const Key *key = &sum->key;
        const int32_t id = key->exporter ? key->exporter->id : key->exporter_id;
        uint8_t *at = copy_field_row(row, FIELDS);

        at = copy_field_timestamptz(at, key->minute_us);
        at = copy_field_text(at, self->collector, n_collector);
        at = id != 0 ? copy_field_int4(at, id) : copy_field_null(at);
        at = put_text(at, loss_reason_name(key->reason));
        at = put_text(at, key->class);
        at = put_text(at, loss_unit_name(key->unit));
        at = copy_field_int8(at, (int64_t) sum->count);
        g_byte_array_append(rows, row, (guint) (at - row));
    }
    g_hash_table_remove_all(self->sums);
}
