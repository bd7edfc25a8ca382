/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Netflow5: the fixed layout of NetFlow version 5. */

#include "decode/status.h"
#include "flow/flow.h"
#include "flow/uptime.h"

#define NETFLOW5_MAX_RECORDS 30

typedef struct {
    const uint8_t *records;
    uint32_t n_records; /* 1 to 30 */
    size_t n_bytes;     /* with the header */
    uint32_t export_sec;
    uint32_t sequence; /* of its first flow */
    uint32_t engine;   /* type and id: the observation domain */
    uint32_t rate;     /* sampling; 0 = none */
    Uptime uptime;
} Netflow5;

/* Reads the header at @bytes; a message has all its records within @left octets. */
DecodeStatus netflow5_read_header(Netflow5 *self, const uint8_t *bytes, size_t left,
                                  int64_t received_us);

/* Fills @flow, whose common members are set, from record @index. */
void netflow5_read_record(const Netflow5 *self, uint32_t index, Flow *flow);
