/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Decoder: datagrams of NetFlow v5, v9 and IPFIX in, flows out.
 *
 * One per worker; one thread; no sockets, no SQL, no clock of its own: time is the
 * receive time of the datagrams it is fed.  A message is validated to its end
 * before anything of it is emitted or learnt (RFC 7011 9.1), so a malformed message
 * leaves no trace but a count.  A datagram may hold several messages.
 *
 * Data sets whose template is unknown wait as references to their datagram, and
 * are decoded, in order of arrival, as soon as the template comes; what waits too
 * long or too much is counted as no_template.
 *
 * Everything a peer can grow is bounded by DecoderLimits. */

#include <glib.h>

#include "decode/datagram.h"
#include "decode/status.h"
#include "flow/flow.h"
#include "flow/learnt.h"
#include "flow/loss.h"

typedef struct {
    size_t max_exporters;      /* devices and domains */
    size_t max_templates;      /* per exporter */
    size_t max_fields;         /* per template */
    size_t max_template_bytes; /* all templates of this decoder together */
    size_t max_options;        /* rows kept per exporter and kind */
    size_t max_waiting;        /* data sets waiting, all exporters together */
    size_t max_waiting_per_exporter;
    uint32_t template_lifetime_sec; /* UDP; 0 = for ever */
    uint32_t wait_sec;              /* a set waits no longer than this */
    uint32_t template_hold_sec;     /* see decode/template-store.h; 0 = never */
    uint32_t quarantine_messages;   /* see decode/quarantine.h; 0 = never */
    uint32_t quarantine_sec;        /* the first; each time twice as long */
} DecoderLimits;

/* A sender that sends nothing but rubbish is refused until @until_us. */
typedef struct {
    IpAddress peer;
    uint16_t peer_port;
    uint32_t n_malformed; /* in a row */
    int64_t now_us;
    int64_t until_us;
} DecoderQuarantine;

/* Whom the decoder tells.  All are called from decoder_feed() and lend what they
 * show for the call only. */
typedef struct {
    /* A decoded flow, not normalised.  The callee may change it.  @shift_us is the
     * datagram's. */
    void (*flow)(Flow *flow, int64_t shift_us, void *user_data);
    /* A template is new, changed, refreshed after half its lifetime, or gone. */
    void (*template)(const LearntTemplate *learnt, void *user_data);
    /* An options row is new or says something else than before. */
    void (*option)(const LearntOption *learnt, void *user_data);
    void (*loss)(const Loss *loss, void *user_data);
    /* Fetches a waiting datagram again; false when it is gone. */
    bool (*fetch)(const DatagramRef *ref, Datagram *datagram, void *user_data);
    void (*quarantine)(const DecoderQuarantine *quarantine, void *user_data);
} DecoderSink;

typedef struct {
    uint64_t datagrams;
    uint64_t messages; /* well formed ones, of any version */
    uint64_t flow_records;
    uint64_t options_records;
    uint64_t template_records;    /* accepted, withdrawals not counted */
    uint64_t template_changes;    /* of these: their id meant something else before */
    uint64_t sets_waited;         /* had to wait, whatever became of them */
    uint64_t sets_given_up;       /* no_template */
    uint64_t withdrawals_unknown; /* of templates that nobody had announced */
    uint64_t templates_repeated;  /* in sessions, where once is enough */
    uint64_t restarts;            /* of v9 exporters, whose templates were forgotten */
    uint64_t status[DECODE_N_STATUS]; /* by class; [DECODE_OK] stays 0 */
} DecoderCounters;

typedef struct Decoder Decoder;

/* @limits and @sink are copied.  @exporters is lent and must outlive the decoder. */
Decoder *decoder_new(const DecoderLimits *limits, ExporterTable *exporters,
                     const DecoderSink *sink, void *user_data);
void decoder_free(Decoder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Decoder, decoder_free)

/* The bytes must stay where they are until it returns, whatever fetch() does. */
void decoder_feed(Decoder *self, const Datagram *datagram);

/* The TCP or TLS session ended: its templates and what waits for them go. */
void decoder_end_session(Decoder *self, uint64_t session, int64_t now_us);

/* Time passes without datagrams: gives up sets that waited too long.  Call about
 * once a second. */
void decoder_tick(Decoder *self, int64_t now_us);

/* Gives up all that waits, at the end of a file; also settles sequences. */
void decoder_give_up(Decoder *self, int64_t now_us);

/* Counts what is missing by sequence number and could still come late, at the end of
 * a run; decoder_tick() does so after some seconds. */
void decoder_settle(Decoder *self, int64_t now_us);

/* Sampling that the operator configured for a device (any domain); 0 removes it.
 * It wins over what the exporter says and marks flows as sampling assumed. */
void decoder_override_sampling(Decoder *self, const IpAddress *address, uint32_t rate);

/* Whether the UDP templates of a device (any domain) stay what they are. */
void decoder_pin_templates(Decoder *self, const IpAddress *address, bool pins);

/* Given back at start, before the first datagram.  A row that is no longer
 * acceptable is ignored. */
void decoder_restore_template(Decoder *self, const LearntTemplate *learnt);
void decoder_restore_option(Decoder *self, const LearntOption *learnt);
void decoder_restore_sequence(Decoder *self, const Exporter *exporter);
void decoder_restore_waiting(Decoder *self, const DecoderWaiting *waiting, size_t n);

/* Before the exporters' rows are written: what their sequence numbers leave open
 * becomes part of them. */
void decoder_keep_sequences(Decoder *self);

/* All sets that wait now, oldest first; lent until the next call on @self.
 * @generation (may be NULL) changes whenever the list does. */
const DecoderWaiting *decoder_waiting(Decoder *self, size_t *n, uint64_t *generation);

/* The name an options row gave to an application or a VRF, or NULL. */
const char *decoder_app_name(Decoder *self, const Exporter *exporter, uint64_t app);
const char *decoder_vrf_name(Decoder *self, const Exporter *exporter, uint32_t vrf);

const DecoderCounters *decoder_counters(const Decoder *self);

/* Bytes held for templates, options and waiting sets, as bounded by the limits. */
size_t decoder_bytes(const Decoder *self);
