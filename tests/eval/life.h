/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Life: made-up weeks of one watched host, hour by hour, whose truth is known.
 *
 * Desktops browse by day, sync a little and meet new networks all the time; servers
 * talk to a few and send a backup each night; web servers answer callers from
 * everywhere.  Transfers of a known kind are put in on top.  What comes out goes
 * through the same code as contact_hour in the job exfil: daily sums, learning, the
 * window, the verdict.  The development set and the held-out set have other seeds and
 * other ranges.  A function of the Dice handed in. */

#include <glib.h>
#include <stdint.h>

#include "dice.h"
#include "generators.h"

typedef enum {
    LIFE_DESKTOP,
    LIFE_SENDER, /* a desktop that sends large files to new networks every other day */
    LIFE_SERVER,
    LIFE_WEB,
    LIFE_N_KINDS,
} LifeKind;

enum { LIFE_MAX_DAYS = 45 };

typedef struct Life Life;

Life *life_new(LifeKind kind, GeneratorsSet set, unsigned n_days, Dice *dice);
void life_free(Life *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Life, life_free)

/* A network that the host has not met (by number), and one that it meets every day. */
unsigned life_new_network(Life *self);
unsigned life_known_network(Life *self);

/* One hour of a transfer, called by the host. */
typedef struct {
    unsigned network;
    unsigned address; /* in it */
    uint16_t port;
    uint8_t protocol;
    double out_octets;
    double in_octets;
    double session_octets; /* of the session that begins in it; 0 = it is all in this
                            * hour, below 0 = none begins */
} LifeTransfer;

void life_add(Life *self, unsigned hour, const LifeTransfer *transfer);

/* What the job says at the end of @hour: the gravest about @network, or about any with
 * LIFE_ANY. */
typedef enum { LIFE_NOTHING, LIFE_DIGEST, LIFE_MAIL } LifeVerdict;
#define LIFE_ANY UINT_MAX

LifeVerdict life_judge(const Life *self, unsigned hour, unsigned network);
