/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Volumes: what the volume rules say of recorded sessions, with nothing learned.
 *
 * The watched hosts of the recording are judged every six hours, as the job would on
 * its first day; peers inside the watched network are left out. */

#include "network.h"
#include "traffic.h"

typedef struct {
    unsigned n_hosts;
    unsigned n_digests; /* host and network, at the gravest */
    unsigned n_mails;
    uint64_t largest_octets; /* that a network got within 24 hours */
} Volumes;

/* @sessions: of TrafficSession. */
Volumes volumes_judge(const GArray *sessions, const Network *watched);
