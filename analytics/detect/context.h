/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Context: what is known of a pair besides its contacts.  Timing says that something
 * is regular; context says whether that matters.  A plain value, filled in by the
 * jobs from the database, so that detectors stay pure and a verdict can be replayed
 * from its numbers. */

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    /* Rarity: how many watched hosts are seen in the window at all, and how many of
     * them talk to this peer, and to its /24 (IPv4) or /48 (IPv6). */
    uint32_t n_hosts;
    uint32_t n_hosts_of_peer;
    uint32_t n_hosts_of_peer_net;

    /* Age: how far back stored contacts go, and when the peer (by any watched host),
     * its network and this pair were first seen.  0 = unknown. */
    int64_t history_from_us;
    int64_t peer_first_us;
    int64_t peer_net_first_us;
    int64_t pair_first_us;

    /* Role: of the last 14 days before the window, the share of this host's sessions
     * that it initiated itself, and the networks (/24, /48) it called a day at the
     * median.  NaN = no history. */
    double host_initiated_share;
    double host_new_nets_a_day;

    /* Learned automation: this pair was periodic on so many of the last 14 days, with
     * this period (0 = none learned). */
    uint32_t n_periodic_days;
    double learned_period_sec;

    /* Configured infrastructure (NTP, DNS, backup, monitoring): peer and port both
     * match a [service] section. */
    bool is_infrastructure;
    bool peer_is_watched; /* the peer is a watched host itself */
    bool peer_publishes;  /* reserved: the host publishes to many peers on this port */
    bool on_threat_list;

    /* Coverage: what the exporters lost in the window, 0..1, as far as is known. */
    double loss_share;
} Context;
