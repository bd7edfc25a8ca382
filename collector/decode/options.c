/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/options.h"

#include <string.h>

#include "decode/text.h"

/* One row; its key comes first, so that a pointer to it is one to the key, and with
 * it the seed that hashes it. */
typedef struct {
    uint64_t key;
    uint64_t seed;
} RowKey;

typedef struct {
    RowKey key;
    uint64_t number;
    size_t n_name; /* with its NUL; the description follows */
    size_t n_bytes;
    char text[];
} Row;

/* What a hash table needs for a row besides it. */
#define SLOT_BYTES 24

static guint
hash_key(gconstpointer at)
{
    const RowKey *key = at;
    const unsigned __int128 product =
        (unsigned __int128) (key->key ^ key->seed) * UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t mixed = (uint64_t) product ^ (uint64_t) (product >> 64);

    return mixed ^ mixed >> 32;
}

static gboolean
equal_keys(gconstpointer a, gconstpointer b)
{
    return ((const RowKey *) a)->key == ((const RowKey *) b)->key;
}

Options *
options_new(Exporter *exporter)
{
    Options *self = g_new0(Options, 1);

    self->exporter = exporter;
    return self;
}

void
options_free(Options *self, OptionsBudget *budget)
{
    if (!self)
        return;

    for (int kind = 0; kind < LEARNT_N_KINDS; kind++) {
        GHashTableIter rows;
        gpointer row;

        if (!self->rows[kind])
            continue;
        g_hash_table_iter_init(&rows, self->rows[kind]);
        while (g_hash_table_iter_next(&rows, NULL, &row))
            budget->n_bytes -= ((Row *) row)->n_bytes;
        g_hash_table_unref(self->rows[kind]);
    }
    g_free(self);
}

static Row *
find(const Options *self, const OptionsBudget *budget, LearntKind kind, uint64_t key)
{
    const RowKey wanted = { .key = key, .seed = budget->seed };

    return self->rows[kind] ? g_hash_table_lookup(self->rows[kind], &wanted) : NULL;
}

static Row *
make_row(const OptionsBudget *budget, const LearntOption *from)
{
    const size_t n_name = strlen(from->name) + 1;
    const size_t n_description = strlen(from->description) + 1;
    const size_t n_row = sizeof(Row) + n_name + n_description;
    Row *row = g_malloc(n_row);

    row->key = (RowKey){ .key = from->key, .seed = budget->seed };
    row->number = from->number;
    row->n_name = n_name;
    row->n_bytes = n_row + SLOT_BYTES;
    memcpy(row->text, from->name, n_name);
    memcpy(row->text + n_name, from->description, n_description);
    return row;
}

static bool
says_the_same(const Row *row, const LearntOption *option)
{
    return row->number == option->number && strcmp(row->text, option->name) == 0 &&
           strcmp(row->text + row->n_name, option->description) == 0;
}

/* What a later record leaves out (one gives the name, another the description) is
 * taken over from the row that is there. */
static void
complete(LearntOption *option, const Row *row)
{
    if (option->number == 0)
        option->number = row->number;
    if (option->name[0] == '\0')
        g_strlcpy(option->name, row->text, sizeof(option->name));
    if (option->description[0] == '\0')
        g_strlcpy(option->description, row->text + row->n_name,
                  sizeof(option->description));
}

/* The facts that are asked for with every flow. */
static void
note_fact(Options *self, const LearntOption *option)
{
    self->has_last = false;

    if (option->kind == LEARNT_SYSTEM)
        self->boot_ms = option->number;
    if (option->kind == LEARNT_SAMPLING && option->key == 0)
        self->exporter_rate = option->number;
    if (option->kind == LEARNT_SAMPLING && option->key != 0)
        self->newest_rate = option->number;
}

OptionPut
options_put(Options *self, OptionsBudget *budget, const LearntOption *option)
{
    Row *before = find(self, budget, option->kind, option->key);
    LearntOption whole;

    if (!before && self->rows[option->kind] &&
        g_hash_table_size(self->rows[option->kind]) >= budget->max_rows)
        return OPTION_NO_ROOM;

    if (before) {
        whole = *option;
        complete(&whole, before);
        option = &whole;
        if (says_the_same(before, option)) {
            note_fact(self, option);
            return OPTION_SAME;
        }
    }

    g_autofree Row *row = make_row(budget, option);
    if (row->n_bytes > budget->max_bytes ||
        budget->n_bytes > budget->max_bytes - row->n_bytes)
        return OPTION_NO_ROOM;

    note_fact(self, option);
    if (before)
        budget->n_bytes -= before->n_bytes;
    budget->n_bytes += row->n_bytes;
    if (!self->rows[option->kind])
        self->rows[option->kind] =
            g_hash_table_new_full(hash_key, equal_keys, NULL, g_free);
    /* Replaces the key too: it lies in the row that goes. */
    g_hash_table_replace(self->rows[option->kind], &row->key, row);
    row = NULL;
    return OPTION_NEW;
}

uint32_t
options_sampler_rate(Options *self, OptionsBudget *budget, uint64_t id)
{
    if (self->has_last && self->last_sampler == id)
        return self->last_rate;

    const Row *row = find(self, budget, LEARNT_SAMPLING, id);
    self->has_last = true;
    self->last_sampler = id;
    self->last_rate = row ? row->number : 0;

    /* Cisco C7600 has flows name sampler 0 and means the one there is. */
    if (!row && id == 0)
        self->last_rate = self->newest_rate;
    return self->last_rate;
}

const char *
options_name(const Options *self, OptionsBudget *budget, LearntKind kind, uint64_t key)
{
    const Row *row = find(self, budget, kind, key);

    return row && row->text[0] != '\0' ? row->text : NULL;
}

static void
add_text(char to[LEARNT_TEXT_BYTES], const Span *span, size_t *n_odd_texts)
{
    if (!text_copy(to, LEARNT_TEXT_BYTES, span->at, span->n_bytes))
        ++*n_odd_texts;
}

static void
start_row(LearntOption *row, LearntKind kind, uint64_t key)
{
    row->kind = kind;
    row->key = key;
    row->number = 0;
    row->name[0] = '\0';
    row->description[0] = '\0';
}

static size_t
sampling_row(const Record *record, const Plan *plan, LearntOption *row,
             size_t *n_odd_texts)
{
    const uint32_t rate = record_rate(record, plan->needs);

    if (rate == 0)
        return 0;

    start_row(row, LEARNT_SAMPLING, record->sampler);
    row->number = rate;
    add_text(row->name, &record->sampler_name, n_odd_texts);
    return 1;
}

static size_t
named_row(LearntOption *row, LearntKind kind, uint64_t key, const Span *name,
          const Span *description, size_t *n_odd_texts)
{
    start_row(row, kind, key);
    add_text(row->name, name, n_odd_texts);
    add_text(row->description, description, n_odd_texts);
    return row->name[0] != '\0' || row->description[0] != '\0';
}

size_t
options_rows(const Record *record, const Plan *plan, Exporter *exporter,
             int64_t received_us, LearntOption rows[OPTIONS_MAX_ROWS],
             size_t *n_odd_texts)
{
    static const Span none = { 0 };
    const Flow *flow = &record->flow;
    size_t n = 0;

    if (plan->needs & NEEDS_REPORT)
        n += sampling_row(record, plan, &rows[n], n_odd_texts);
    if (flow_has(flow, FLOW_INPUT_IF))
        n += named_row(&rows[n], LEARNT_INTERFACE, flow->input_if, &record->if_name,
                       &record->if_description, n_odd_texts);
    if (flow_has(flow, FLOW_VRF_IN) || flow_has(flow, FLOW_VRF_OUT))
        n += named_row(&rows[n], LEARNT_VRF,
                       flow_has(flow, FLOW_VRF_IN) ? flow->vrf_in : flow->vrf_out,
                       &record->vrf_name, &none, n_odd_texts);
    if (flow_has(flow, FLOW_APP))
        n += named_row(&rows[n], LEARNT_APP, flow->app, &record->app_name,
                       &record->app_description, n_odd_texts);
    if (record->boot_ms > 0) {
        start_row(&rows[n], LEARNT_SYSTEM, 0);
        rows[n++].number = record->boot_ms;
    }

    for (size_t i = 0; i < n; i++) {
        rows[i].exporter = exporter;
        rows[i].learnt_us = received_us;
    }
    return n;
}
