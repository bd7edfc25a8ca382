/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Message: the framing of NetFlow v9 and IPFIX, and the first of the two passes.
 *
 * The first pass reads a message to its end: header, sets, templates, options, every
 * record and every variable length, also of data that uses a template defined
 * earlier in the same message.  It changes nothing; what it found is a list of
 * steps, which the second pass (decoder.c) takes in order.  A message that breaks
 * the rules anywhere gives no steps at all (RFC 7011 9.1). */

#include "decode/datagram.h"
#include "decode/template-store.h"

#define MESSAGE_MAX_OCTETS 65535

typedef struct {
    const uint8_t *bytes; /* from its header on */
    size_t n_bytes;       /* v9 does not say: what is left of the datagram */
    size_t n_header;
    uint8_t version;
    uint32_t uptime_ms; /* v9 */
    uint32_t export_sec;
    uint32_t sequence;
    uint32_t domain; /* or source id */
} Message;

/* Reads the header at @bytes; @version is its first two octets, 9 or 10. */
DecodeStatus message_read_header(Message *self, const uint8_t *bytes, size_t left);

typedef enum {
    STEP_TEMPLATE,     /* @template is announced */
    STEP_BAD_TEMPLATE, /* one was refused that cannot be remembered: @status */
    STEP_WITHDRAW,     /* @id is withdrawn */
    STEP_WITHDRAW_ALL, /* all options templates, or (not @is_options) all others */
    STEP_DATA,         /* @n_records for @template */
    STEP_REFUSED,      /* data for a refused @template */
    STEP_UNKNOWN,      /* data for nobody knows what */
    STEP_IGNORED,      /* a set with a reserved id, v9 */
} MessageStepKind;

typedef struct {
    Template *template; /* a reference of its own, or NULL */
    uint32_t at;        /* of the set, octets from the start of the message */
    uint32_t n_octets;  /* of the set's content */
    uint32_t n_records;
    uint16_t id;
    uint8_t kind;   /* a MessageStepKind */
    uint8_t status; /* a DecodeStatus */
    bool is_options;
} MessageStep;

/* Room for the steps of any message; used again and again. */
typedef struct MessageSteps MessageSteps;

MessageSteps *message_steps_new(void);
void message_steps_free(MessageSteps *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MessageSteps, message_steps_free)

/* What is known when the message arrives. */
typedef struct {
    const TemplateStore *store; /* NULL = nothing */
    const TemplateBudget *budget;
    int64_t received_us;
    uint16_t peer_port;
    bool can_withdraw; /* not over UDP (RFC 7011 8.4) */
} MessageView;

/* The first pass.  On success the steps are there until message_steps_clear(), and
 * n_bytes of @message is its true length.  On failure there are none. */
DecodeStatus message_check(Message *message, const MessageView *view,
                           MessageSteps *steps);
void message_steps_clear(MessageSteps *self);

const MessageStep *message_steps(const MessageSteps *self, size_t *n);

/* Data records in all sets that could be counted, @n_options of them options;
 * @is_vague: there are more. */
uint32_t message_steps_records(const MessageSteps *self, uint32_t *n_options,
                               bool *is_vague);

/* Counts the data records of one set; @template has a plan. */
DecodeStatus message_count_records(const Template *template, const uint8_t *content,
                                   size_t n_octets, uint32_t *n_records);

/* Reads the header of the message at @bytes again, and that of its set at @set_at
 * (octets from the message's start), into id, at and n_octets of @step.  Returns
 * false when they are not there: the bytes are not those they were. */
bool message_find_set(Message *self, const uint8_t *bytes, size_t left, size_t set_at,
                      MessageStep *step);
