/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Learnt: what exporters tell about themselves and must survive a restart:
 * templates and the rows of their options.  Plain values between the decoder,
 * which learns and is given them back, and the store, which keeps them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/exporter.h"

/* One template as it came off the wire (the template record without its set
 * header).  Only those of UDP: a TCP session's templates die with it (RFC 7011 8). */
typedef struct {
    Exporter *exporter;
    uint8_t version; /* 9 or 10 */
    bool is_options;
    uint16_t id;
    uint16_t peer_port;  /* who announced it */
    uint16_t listener;   /* where it came in, as the decoder was told */
    uint16_t local_port; /* of that listener, 0 = nobody said; and its address */
    IpAddress local_address;
    const uint8_t *body; /* lent for the call; NULL = forget it */
    size_t n_body;
    int64_t learnt_us; /* receive time when it was last announced */
} LearntTemplate;

typedef enum {
    LEARNT_SAMPLING,  /* key: sampler or selector id; 0 = the whole exporter */
    LEARNT_INTERFACE, /* key: ifIndex */
    LEARNT_VRF,       /* key: VRF id */
    LEARNT_APP,       /* key: applicationId */
    LEARNT_SYSTEM,    /* key 0: number = system init time in ms (element 160) */
    LEARNT_N_KINDS
} LearntKind;

#define LEARNT_TEXT_BYTES 256 /* longer names are cut at a character */

/* One row of options.  Text is valid UTF-8 without NUL; "" = not reported. */
typedef struct {
    Exporter *exporter;
    LearntKind kind;
    uint64_t key;
    uint64_t number; /* rate, speed in bit/s or time, by kind; 0 = not reported */
    char name[LEARNT_TEXT_BYTES];
    char description[LEARNT_TEXT_BYTES];
    int64_t learnt_us;
} LearntOption;

/* As in the column exporter_option.kind. */
const char *learnt_kind_name(LearntKind kind);
