/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/waiting.h"

/* What the hash tables need for a stream and an id, about. */
#define STREAM_BYTES 512

typedef struct {
    WaitingSet *first;
    WaitingSet *last;
} Chain;

typedef struct {
    GHashTable *chains; /* id -> Chain */
    WaitingSet *oldest;
    WaitingSet *latest;
    size_t len;
} StreamSets;

struct Waiting {
    GHashTable *streams; /* stream -> StreamSets */
    WaitingSet *oldest;
    WaitingSet *latest;
    size_t len;
    uint64_t generation;
    GArray *list; /* DecoderWaiting, as of @list_generation */
    uint64_t list_generation;
};

static void
free_stream(gpointer data)
{
    StreamSets *sets = data;

    g_hash_table_unref(sets->chains);
    g_free(sets);
}

Waiting *
waiting_new(void)
{
    Waiting *self = g_new0(Waiting, 1);

    self->streams =
        g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_stream);
    self->list = g_array_new(FALSE, FALSE, sizeof(DecoderWaiting));
    return self;
}

void
waiting_free(Waiting *self)
{
    if (!self)
        return;

    while (self->oldest)
        g_free(waiting_take_oldest(self, NULL));
    g_hash_table_unref(self->streams);
    g_array_unref(self->list);
    g_free(self);
}

static StreamSets *
find_stream(const Waiting *self, const void *stream)
{
    return g_hash_table_lookup(self->streams, stream);
}

static StreamSets *
add_stream(Waiting *self, const void *stream)
{
    StreamSets *sets = g_new0(StreamSets, 1);

    sets->chains = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    g_hash_table_insert(self->streams, (gpointer) stream, sets);
    return sets;
}

static void
append_to_chain(StreamSets *sets, WaitingSet *set)
{
    const gpointer id = GUINT_TO_POINTER((guint) set->id);
    Chain *chain = g_hash_table_lookup(sets->chains, id);

    if (!chain) {
        chain = g_new0(Chain, 1);
        g_hash_table_insert(sets->chains, id, chain);
    }
    *(chain->last ? &chain->last->next_of_id : &chain->first) = set;
    chain->last = set;
}

void
waiting_add(Waiting *self, const WaitingSet *from)
{
    WaitingSet *set = g_memdup2(from, sizeof(*from));
    StreamSets *sets = find_stream(self, set->stream);

    if (!sets)
        sets = add_stream(self, set->stream);

    set->later = set->later_of_stream = set->next_of_id = NULL;
    set->earlier = self->latest;
    *(self->latest ? &self->latest->later : &self->oldest) = set;
    self->latest = set;
    self->len++;

    set->earlier_of_stream = sets->latest;
    *(sets->latest ? &sets->latest->later_of_stream : &sets->oldest) = set;
    sets->latest = set;
    sets->len++;

    append_to_chain(sets, set);
    self->generation++;
}

/* Out of both lists and, being the first of its id, out of its chain. */
static WaitingSet *
take(Waiting *self, StreamSets *sets, WaitingSet *set)
{
    const gpointer id = GUINT_TO_POINTER((guint) set->id);
    Chain *chain = g_hash_table_lookup(sets->chains, id);

    *(set->earlier ? &set->earlier->later : &self->oldest) = set->later;
    *(set->later ? &set->later->earlier : &self->latest) = set->earlier;
    self->len--;

    *(set->earlier_of_stream ? &set->earlier_of_stream->later_of_stream
                             : &sets->oldest) = set->later_of_stream;
    *(set->later_of_stream ? &set->later_of_stream->earlier_of_stream : &sets->latest) =
        set->earlier_of_stream;
    sets->len--;

    chain->first = set->next_of_id;
    if (!chain->first)
        g_hash_table_remove(sets->chains, id);
    if (sets->len == 0)
        g_hash_table_remove(self->streams, set->stream);
    self->generation++;
    return set;
}

static WaitingSet *
first_of(const Waiting *self, const void *stream, uint16_t id)
{
    const StreamSets *sets = find_stream(self, stream);
    const Chain *chain =
        sets ? g_hash_table_lookup(sets->chains, GUINT_TO_POINTER((guint) id)) : NULL;

    return chain ? chain->first : NULL;
}

bool
waiting_has(const Waiting *self, const void *stream, uint16_t id)
{
    return first_of(self, stream, id) != NULL;
}

WaitingSet *
waiting_take(Waiting *self, const void *stream, uint16_t id)
{
    WaitingSet *set = first_of(self, stream, id);

    return set ? take(self, find_stream(self, stream), set) : NULL;
}

const WaitingSet *
waiting_oldest(const Waiting *self, const void *stream)
{
    if (!stream)
        return self->oldest;

    const StreamSets *sets = find_stream(self, stream);
    return sets ? sets->oldest : NULL;
}

WaitingSet *
waiting_take_oldest(Waiting *self, const void *stream)
{
    WaitingSet *set = (WaitingSet *) waiting_oldest(self, stream);

    /* Being the oldest, it is the first of its id too. */
    return set ? take(self, find_stream(self, set->stream), set) : NULL;
}

size_t
waiting_len(const Waiting *self, const void *stream)
{
    if (!stream)
        return self->len;

    const StreamSets *sets = find_stream(self, stream);
    return sets ? sets->len : 0;
}

size_t
waiting_bytes(const Waiting *self)
{
    return self->len * sizeof(WaitingSet) +
           g_hash_table_size(self->streams) * STREAM_BYTES +
           self->list->len * sizeof(DecoderWaiting);
}

const DecoderWaiting *
waiting_list(Waiting *self, size_t *n, uint64_t *generation)
{
    if (self->list_generation != self->generation) {
        g_array_set_size(self->list, 0);
        for (const WaitingSet *set = self->oldest; set; set = set->later)
            g_array_append_val(self->list, set->where);
        self->list_generation = self->generation;
    }

    *n = self->list->len;
    if (generation)
        *generation = self->generation;
    return (const DecoderWaiting *) (gconstpointer) self->list->data;
}
