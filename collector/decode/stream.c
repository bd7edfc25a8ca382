/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/stream.h"

#include <string.h>

struct StreamTable {
    GHashTable *udp;       /* Stream, a set by its key */
    GHashTable *sessions;  /* likewise: the streams of TCP and TLS */
    GHashTable *options;   /* Exporter -> Options */
    GHashTable *devices;   /* IpAddress -> Options of domain 0, owned by @options */
    GHashTable *peers;     /* StreamPeer, a set by its address */
    GHashTable *overrides; /* IpAddress -> rate */
    GHashTable *pins;      /* IpAddress, a set */
    ExporterTable *exporters;
    size_t max_streams;
    TemplateBudget *template_budget;
    OptionsBudget *options_budget;
    uint64_t seed;
};

static uint64_t
fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}

static uint64_t
mix_address(const IpAddress *address, uint64_t seed)
{
    uint64_t high, low;

    memcpy(&high, address->bytes, sizeof(high));
    memcpy(&low, address->bytes + 8, sizeof(low));
    return fold(low ^ fold(high ^ seed, UINT64_C(0x9e3779b97f4a7c15)),
                UINT64_C(0xd6e8feb86659fd93) ^ seed);
}

static guint
hash_key(gconstpointer at)
{
    const StreamKey *key = at;
    uint64_t mixed = mix_address(&key->peer, key->seed);

    mixed = fold(mixed ^ key->session ^ key->seed, UINT64_C(0xa0761d6478bd642f));
    mixed = fold(mixed ^ ((uint64_t) key->domain << 8 | key->version) ^ key->seed,
                 UINT64_C(0xe7037ed1a0b428db));
    return mixed ^ mixed >> 32;
}

static gboolean
equal_keys(gconstpointer a, gconstpointer b)
{
    const StreamKey *left = a, *right = b;

    return left->domain == right->domain && left->version == right->version &&
           left->session == right->session &&
           ip_address_equal(&left->peer, &right->peer);
}

/* Only of exporters that were let in, which are bounded. */
static guint
hash_address(gconstpointer address)
{
    return ip_address_hash(address);
}

static gboolean
equal_addresses(gconstpointer a, gconstpointer b)
{
    return ip_address_equal(a, b);
}

StreamTable *
stream_table_new(ExporterTable *exporters, size_t max_streams,
                 TemplateBudget *templates, OptionsBudget *options)
{
    StreamTable *self = g_new0(StreamTable, 1);

    self->udp = g_hash_table_new(hash_key, equal_keys);
    self->sessions = g_hash_table_new(hash_key, equal_keys);
    self->options = g_hash_table_new(g_direct_hash, g_direct_equal);
    self->devices = g_hash_table_new(hash_address, equal_addresses);
    self->peers = g_hash_table_new_full(hash_address, equal_addresses, g_free, NULL);
    self->pins = g_hash_table_new_full(hash_address, equal_addresses, g_free, NULL);
    self->overrides =
        g_hash_table_new_full(hash_address, equal_addresses, g_free, NULL);
    self->exporters = exporters;
    self->max_streams = max_streams;
    self->template_budget = templates;
    self->options_budget = options;
    self->seed = (uint64_t) g_random_int() << 32 | g_random_int();
    return self;
}

static void
free_stream(StreamTable *self, Stream *stream)
{
    template_store_clear(&stream->templates, self->template_budget);
    g_free(stream->named);
    g_free(stream);
}

void
stream_table_free(StreamTable *self)
{
    GHashTableIter iter;
    gpointer value;

    if (!self)
        return;

    g_hash_table_iter_init(&iter, self->udp);
    while (g_hash_table_iter_next(&iter, &value, NULL))
        free_stream(self, value);
    g_hash_table_iter_init(&iter, self->sessions);
    while (g_hash_table_iter_next(&iter, &value, NULL))
        free_stream(self, value);
    g_hash_table_iter_init(&iter, self->options);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        options_free(value, self->options_budget);

    g_hash_table_unref(self->udp);
    g_hash_table_unref(self->sessions);
    g_hash_table_unref(self->devices);
    g_hash_table_unref(self->peers);
    g_hash_table_unref(self->options);
    g_hash_table_unref(self->overrides);
    g_hash_table_unref(self->pins);
    g_free(self);
}

static StreamKey
make_key(const StreamTable *self, const IpAddress *peer, uint64_t session,
         uint8_t version, uint32_t domain)
{
    return (StreamKey){ .peer = *peer,
                        .session = session,
                        .domain = domain,
                        .version = version,
                        .seed = self->seed };
}

static GHashTable *
table_of(const StreamTable *self, uint64_t session)
{
    return session == 0 ? self->udp : self->sessions;
}

Stream *
stream_table_find(StreamTable *self, const IpAddress *peer, uint64_t session,
                  uint8_t version, uint32_t domain)
{
    const StreamKey key = make_key(self, peer, session, version, domain);

    return g_hash_table_lookup(table_of(self, session), &key);
}

Stream *
stream_table_add(StreamTable *self, const IpAddress *peer, uint64_t session,
                 uint8_t version, uint32_t domain)
{
    if (g_hash_table_size(self->udp) + g_hash_table_size(self->sessions) >=
        self->max_streams)
        return NULL;

    Options *options = stream_table_options(self, peer, domain);
    if (!options)
        return NULL;

    Stream *stream = g_new0(Stream, 1);
    stream->key = make_key(self, peer, session, version, domain);
    stream->options = options;
    stream->exporter = options->exporter;
    stream->peer = g_hash_table_lookup(self->peers, peer);
    stream->templates.pins = session == 0 && g_hash_table_contains(self->pins, peer);
    stream->templates.is_udp = session == 0;
    if (session == 0 && options->exporter->has_sequence &&
        options->exporter->version == version)
        sequence_resume(&stream->sequence, options->exporter->next_sequence,
                        options->exporter->last_seen_us);
    g_hash_table_insert(table_of(self, session), stream, stream);
    return stream;
}

static void
note_peer(StreamTable *self, Exporter *exporter)
{
    StreamPeer *peer = g_hash_table_lookup(self->peers, &exporter->address);

    if (!peer) {
        peer = g_new0(StreamPeer, 1);
        peer->address = exporter->address;
        peer->exporter = exporter;
        g_hash_table_add(self->peers, peer);
    }
    peer->heard_us = MAX(peer->heard_us, exporter->last_seen_us);
}

Options *
stream_table_options_of(StreamTable *self, Exporter *exporter)
{
    Options *options = g_hash_table_lookup(self->options, exporter);

    if (options)
        return options;

    options = options_new(exporter);
    options->override_rate =
        GPOINTER_TO_UINT(g_hash_table_lookup(self->overrides, &exporter->address));
    g_hash_table_insert(self->options, exporter, options);
    if (exporter->domain == 0)
        g_hash_table_insert(self->devices, &exporter->address, options);
    note_peer(self, exporter);
    return options;
}

Options *
stream_table_options(StreamTable *self, const IpAddress *address, uint32_t domain)
{
    Exporter *exporter = exporter_table_get(self->exporters, address, domain);

    return exporter ? stream_table_options_of(self, exporter) : NULL;
}

const StreamPeer *
stream_table_peer(StreamTable *self, const IpAddress *address)
{
    return g_hash_table_lookup(self->peers, address);
}

Exporter *
stream_table_exporter(StreamTable *self, const IpAddress *peer, uint32_t domain)
{
    static const uint8_t versions[] = { 10, 9, 5 };

    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        const Stream *stream = stream_table_find(self, peer, 0, versions[i], domain);

        if (stream)
            return stream->exporter;
    }
    const StreamPeer *known = stream_table_peer(self, peer);

    return known ? known->exporter : NULL;
}

void
stream_table_foreach(StreamTable *self, uint64_t session,
                     void (*each)(Stream *stream, void *user_data), void *user_data)
{
    GHashTableIter iter;
    gpointer at;

    g_hash_table_iter_init(&iter, table_of(self, session));
    while (g_hash_table_iter_next(&iter, &at, NULL)) {
        Stream *stream = at;

        if (stream->key.session == session)
            each(stream, user_data);
    }
}

void
stream_table_end_session(StreamTable *self, uint64_t session)
{
    GHashTableIter iter;
    gpointer at;

    g_hash_table_iter_init(&iter, self->sessions);
    while (g_hash_table_iter_next(&iter, &at, NULL)) {
        Stream *stream = at;

        if (stream->key.session != session)
            continue;
        g_hash_table_iter_remove(&iter);
        free_stream(self, stream);
    }
}

Options *
stream_table_device(StreamTable *self, const Options *options)
{
    if (options->exporter->domain == 0)
        return NULL;
    return g_hash_table_lookup(self->devices, &options->exporter->address);
}

void
stream_table_pin(StreamTable *self, const IpAddress *address, bool pins)
{
    GHashTableIter iter;
    gpointer at;

    if (pins)
        g_hash_table_add(self->pins, g_memdup2(address, sizeof(*address)));
    else
        g_hash_table_remove(self->pins, address);

    g_hash_table_iter_init(&iter, self->udp);
    while (g_hash_table_iter_next(&iter, &at, NULL)) {
        Stream *stream = at;

        if (ip_address_equal(&stream->key.peer, address))
            stream->templates.pins = pins;
    }
}

void
stream_table_override(StreamTable *self, const IpAddress *address, uint32_t rate)
{
    GHashTableIter iter;
    gpointer at;

    if (rate > 0)
        g_hash_table_replace(self->overrides, g_memdup2(address, sizeof(*address)),
                             GUINT_TO_POINTER(rate));
    else
        g_hash_table_remove(self->overrides, address);

    g_hash_table_iter_init(&iter, self->options);
    while (g_hash_table_iter_next(&iter, NULL, &at)) {
        Options *options = at;

        if (ip_address_equal(&options->exporter->address, address))
            options->override_rate = rate;
    }
}

Options *
stream_options(const Stream *self, uint16_t port)
{
    for (size_t i = 0; i < self->n_named; i++) {
        if (self->named[i].port == port)
            return self->named[i].options;
    }
    /* Options may come from another port than data: then there must be but one. */
    for (size_t i = 1; i < self->n_named; i++) {
        if (self->named[i].options != self->named[0].options)
            return self->options;
    }
    return self->n_named > 0 ? self->named[0].options : self->options;
}

void
stream_name(Stream *self, uint16_t port, Options *options)
{
    for (size_t i = 0; i < self->n_named; i++) {
        if (self->named[i].port != port)
            continue;
        self->named[i].options = options;
        return;
    }

    if (!self->named)
        self->named = g_new0(StreamNamed, STREAM_MAX_NAMED);
    if (self->n_named == STREAM_MAX_NAMED) /* the oldest goes */
        memmove(self->named, self->named + 1, --self->n_named * sizeof(self->named[0]));
    self->named[self->n_named++] = (StreamNamed){ .port = port, .options = options };
}

static uint64_t
hash_message(const uint8_t *message, size_t n_bytes, uint16_t port, uint64_t seed)
{
    uint64_t mixed = seed ^ port ^ (uint64_t) n_bytes << 16;

    for (size_t i = 0; i < n_bytes; i += 16) {
        uint64_t words[2] = { 0 };

        memcpy(words, message + i, MIN(n_bytes - i, sizeof(words)));
        mixed = fold(words[0] ^ mixed, words[1] ^ seed ^ UINT64_C(0x9e3779b97f4a7c15));
    }
    return mixed;
}

bool
stream_is_repeat(Stream *self, const uint8_t *message, size_t n_bytes, uint16_t port,
                 int64_t received_us)
{
    const uint64_t hash = hash_message(message, n_bytes, port, self->key.seed);

    for (size_t i = 0; i < STREAM_N_RECENT; i++) {
        if (self->recent[i] == hash && self->recent_us[i] != 0 &&
            received_us - self->recent_us[i] <= STREAM_RECENT_US)
            return true;
    }

    self->recent[self->next_recent] = hash;
    self->recent_us[self->next_recent] = received_us;
    self->next_recent = (self->next_recent + 1) % STREAM_N_RECENT;
    return false;
}
