/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Stream: the messages of one version that one peer sends about one observation
 * domain over one transport session, and what must be remembered between them.
 *
 * StreamTable finds them, and the Options of their exporters.  Streams of UDP stay
 * for the life of the table, which is bounded by the exporters there may be. */

#include "decode/options.h"
#include "decode/restart.h"
#include "decode/template-store.h"

/* Messages remembered to know a repeated one, and for how long. */
#define STREAM_N_RECENT  32
#define STREAM_RECENT_US INT64_C(5000000)

/* Exporters that elements 130 and 131 may name behind one peer. */
#define STREAM_MAX_NAMED 16

typedef struct {
    IpAddress peer;
    uint64_t session; /* 0 for UDP */
    uint32_t domain;
    uint32_t version;
    uint64_t seed; /* of the table: peers must not choose their place in it */
} StreamKey;

typedef struct {
    uint16_t port;
    Options *options;
} StreamNamed;

/* An address that something well-formed came from, whatever its domains. */
typedef struct {
    IpAddress address;  /* first: it is found by it */
    Exporter *exporter; /* the first of it */
    int64_t heard_us;   /* receive time of its newest well-formed message */
} StreamPeer;

typedef struct Stream Stream;
struct Stream {
    StreamKey key; /* first: it is found by it */
    Exporter *exporter;
    StreamPeer *peer;
    Options *options;
    TemplateStore templates;
    Sequence sequence;
    Restart restart;        /* v9 */
    Stream *next_unsettled; /* in the decoder's list, when @is_unsettled */
    bool is_unsettled;

    /* IPFIX with uptimes and without element 160: the boot as the newest flow
     * suggests it. */
    bool has_boot;
    int64_t boot_us;

    StreamNamed *named; /* NULL = none */
    size_t n_named;

    uint64_t recent[STREAM_N_RECENT]; /* hashes of messages */
    int64_t recent_us[STREAM_N_RECENT];
    unsigned next_recent;
};

typedef struct StreamTable StreamTable;

StreamTable *stream_table_new(ExporterTable *exporters, size_t max_streams,
                              TemplateBudget *templates, OptionsBudget *options);
void stream_table_free(StreamTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StreamTable, stream_table_free)

/* NULL when there is none yet. */
Stream *stream_table_find(StreamTable *self, const IpAddress *peer, uint64_t session,
                          uint8_t version, uint32_t domain);

/* Adds the one that was not found; NULL when there is no room for it, or for its
 * exporter. */
Stream *stream_table_add(StreamTable *self, const IpAddress *peer, uint64_t session,
                         uint8_t version, uint32_t domain);

/* NULL = never met. */
const StreamPeer *stream_table_peer(StreamTable *self, const IpAddress *address);

/* Some exporter of @peer, of @domain if there is one; NULL = never met. */
Exporter *stream_table_exporter(StreamTable *self, const IpAddress *peer,
                                uint32_t domain);

/* Calls @each for all streams of @session (0: all of UDP). */
void stream_table_foreach(StreamTable *self, uint64_t session,
                          void (*each)(Stream *stream, void *user_data),
                          void *user_data);

/* Frees the streams of @session, which is not 0. */
void stream_table_end_session(StreamTable *self, uint64_t session);

/* The options of (@address, @domain), with their exporter, added when new; NULL when
 * there is no room. */
Options *stream_table_options(StreamTable *self, const IpAddress *address,
                              uint32_t domain);
Options *stream_table_options_of(StreamTable *self, Exporter *exporter);

/* The options of the whole device (domain 0), or NULL: where @options, of one of its
 * domains, say nothing. */
Options *stream_table_device(StreamTable *self, const Options *options);

/* From now on the UDP templates of @address stay what they are, or no longer. */
void stream_table_pin(StreamTable *self, const IpAddress *address, bool pins);

/* 0 removes it. */
void stream_table_override(StreamTable *self, const IpAddress *address, uint32_t rate);

/* The options for what comes from @port of the stream's peer: of the exporter that
 * was named there, or of the peer itself. */
Options *stream_options(const Stream *self, uint16_t port);

/* Notes that @options are of the device behind @port. */
void stream_name(Stream *self, uint16_t port, Options *options);

/* True when this very message came from @port moments ago; else remembers it. */
bool stream_is_repeat(Stream *self, const uint8_t *message, size_t n_bytes,
                      uint16_t port, int64_t received_us);
