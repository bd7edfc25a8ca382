/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Record: one data record while it is being decoded: the Flow it becomes, and what
 * must be looked at as a whole before the flow, or the options row, is complete.
 *
 * Plans write into its members; record.c and options.c read them.  Spans point
 * into the datagram and live no longer than it. */

#include "flow/flow.h"
#include "flow/sampling.h"
#include "flow/uptime.h"

/* What a template's records need after their fields were stored; bits of
 * Plan.needs.  A record that needs nothing is complete at once. */
enum {
    NEEDS_START_STAMP = 1 << 0, /* 22: uptime to UTC */
    NEEDS_END_STAMP = 1 << 1,   /* 21 */
    NEEDS_TWINS = 1 << 2,       /* addresses of both families: which one counts */
    NEEDS_OBSERVED = 1 << 3,    /* 258, 322-325: stands in for start and end */
    NEEDS_DURATION = 1 << 4,    /* 161: gives the time that is missing */
    NEEDS_SAMPLER = 1 << 5,     /* 48, 302: its rate came by options */
    NEEDS_REPORT = 1 << 6,      /* 34, 50, 305-311: a rate in the record */
    NEEDS_SPACE = 1 << 7,       /* has 306, so 0 says something */
    NEEDS_PROBABILITY = 1 << 8, /* has 311 */
    NEEDS_EXPORTER = 1 << 9,    /* 130, 131 */
    NEEDS_BOOT = 1 << 10,       /* 160 */
    NEEDS_INITIATOR = 1 << 11,  /* counters are 231, 298: maybe NSEL */
    NEEDS_STAMPS = NEEDS_START_STAMP | NEEDS_END_STAMP,
};

/* Text as it came off the wire, not checked. */
typedef struct {
    const uint8_t *at;
    size_t n_bytes; /* 0 = not reported */
} Span;

typedef struct {
    Flow flow;

    /* The IPv6 half of a record that has both; its IPv4 half is in the flow. */
    IpAddress src_twin;
    IpAddress dst_twin;
    IpAddress next_hop_twin;
    IpAddress nat_src_twin;
    IpAddress nat_dst_twin;
    IpAddress exporter_twin;
    IpAddress exporter_address; /* elements 130, 131 */

    uint64_t start_stamp; /* element 22 as it is */
    uint64_t end_stamp;   /* element 21 */
    uint64_t boot_ms;     /* element 160; 0 = not reported */
    uint64_t duration_ms; /* element 161 */
    int64_t observed_us;  /* 0 = not reported */
    uint64_t sampler;     /* element 302 or 48 */
    SamplingReport report;

    /* Only options have these. */
    Span if_name;         /* 82 */
    Span if_description;  /* 83 */
    Span vrf_name;        /* 236 */
    Span app_name;        /* 96 */
    Span app_description; /* 94 */
    Span sampler_name;    /* 84, 335 */
} Record;

/* Addresses of which a template has both families; bits of Plan.twins. */
enum {
    TWIN_SRC = 1 << 0,
    TWIN_DST = 1 << 1,
    TWIN_NEXT_HOP = 1 << 2,
    TWIN_NAT_SRC = 1 << 3,
    TWIN_NAT_DST = 1 << 4,
    TWIN_EXPORTER = 1 << 5,
};

/* Decides which family the addresses of @twins have. */
void record_settle_twins(Record *self, unsigned twins);

/* Fills start and end where the record has them as stamps of @uptime, as a duration
 * or as the time of observation only; @needs as in Plan. */
void record_settle_times(Record *self, unsigned needs, const Uptime *uptime);

/* The sampling rate the record reports, as sampling_rate(); @needs as in Plan. */
uint32_t record_rate(const Record *self, unsigned needs);
