/* SPDX-License-Identifier: Apache-2.0 */
#include "decode/sequence.h"

#include <glib.h>
#include <string.h>

/* The first track must have been silent for so many of its usual intervals, at
 * least and at most so long, before another one can take its place. */
#define SILENT_INTERVALS 3
#define MIN_SILENCE_US   INT64_C(2000000)
#define MAX_SILENCE_US   INT64_C(600000000)

#define OWN 0 /* the stream's own track */

/* Another number when Sequence, or what it means, changes. */
#define KEPT_LAYOUT 1

typedef struct {
    uint32_t layout;
    Sequence sequence;
} Kept;

/* So many messages must speak against what was proven so far, and one more. */
#define MAX_VOTES 2

void
sequence_resume(Sequence *self, uint32_t next, int64_t last_seen_us)
{
    *self = (Sequence){ 0 };
    self->tracks[OWN] = (SequenceTrack){
        .next = next,
        .n_messages = 1,
        .first_us = last_seen_us,
        .last_us = last_seen_us,
        .boot_us = last_seen_us, /* it cannot have booted later */
        .is_used = true,
    };
}

bool
sequence_is_plain(const Sequence *self)
{
    return !self->is_open && self->votes >= 0;
}

GBytes *
sequence_keep(const Sequence *self)
{
    if (sequence_is_plain(self))
        return NULL;

    Kept kept;
    memset(&kept, 0, sizeof(kept));
    kept.layout = KEPT_LAYOUT;
    kept.sequence = *self;
    return g_bytes_new(&kept, sizeof(kept));
}

bool
sequence_restore(Sequence *self, GBytes *kept)
{
    Kept found;

    if (g_bytes_get_size(kept) != sizeof(found))
        return false;

    memcpy(&found, g_bytes_get_data(kept, NULL), sizeof(found));
    if (found.layout != KEPT_LAYOUT)
        return false;
    for (size_t i = 0; i < SEQUENCE_N_HOLES; i++) {
        if (found.sequence.holes[i].track >= SEQUENCE_N_TRACKS)
            return false;
    }

    *self = found.sequence;
    return true;
}

static void
start_track(SequenceTrack *track, const SequenceSeen *seen, uint32_t jump)
{
    *track = (SequenceTrack){
        .next = seen->number + seen->n_units,
        .slack = seen->n_options,
        .jump = jump,
        .n_messages = 1,
        .first_us = seen->received_us,
        .last_us = seen->received_us,
        .boot_us = seen->boot_us,
        .is_used = true,
        .is_vague = seen->is_vague,
    };
}

static void
advance(SequenceTrack *track, const SequenceSeen *seen)
{
    track->next = seen->number + seen->n_units;
    track->slack = seen->n_options;
    track->is_vague = seen->is_vague;
    track->n_messages += track->n_messages < UINT32_MAX;
    track->last_us = MAX(track->last_us, seen->received_us);
    track->boot_us = seen->boot_us;
}

static bool
is_restart(const SequenceTrack *track, const SequenceSeen *seen)
{
    return track->boot_us != SEQUENCE_UNKNOWN_BOOT &&
           seen->boot_us != SEQUENCE_UNKNOWN_BOOT && seen->boot_us > track->boot_us &&
           (uint64_t) seen->boot_us - (uint64_t) track->boot_us > SEQUENCE_REBOOT_US;
}

static void
free_holes(Sequence *self, unsigned track, bool are_lost)
{
    for (size_t i = 0; i < SEQUENCE_N_HOLES; i++) {
        SequenceHole *hole = &self->holes[i];

        if (hole->n_units == 0 || hole->track != track)
            continue;
        if (are_lost)
            self->n_lost += hole->n_units;
        hole->n_units = 0;
    }
}

/* A track of one or two messages proves nothing, neither do its holes. */
static bool
counts(const Sequence *self, unsigned track)
{
    return track == OWN || self->tracks[track].n_messages >= SEQUENCE_CONFIRMING;
}

static void
close_hole(Sequence *self, SequenceHole *hole)
{
    if (counts(self, hole->track))
        self->n_lost += hole->n_units;
    hole->n_units = 0;
}

static SequenceHole *
free_hole(Sequence *self)
{
    SequenceHole *oldest = &self->holes[0];

    for (size_t i = 0; i < SEQUENCE_N_HOLES; i++) {
        if (self->holes[i].n_units == 0)
            return &self->holes[i];
        if (self->holes[i].since_us < oldest->since_us)
            oldest = &self->holes[i];
    }
    close_hole(self, oldest);
    return oldest;
}

static void
open_hole(Sequence *self, unsigned track, uint32_t first, uint32_t n_units,
          int64_t now_us)
{
    if (n_units == 0)
        return;
    *free_hole(self) = (SequenceHole){
        .first = first, .n_units = n_units, .since_us = now_us, .track = track
    };
}

/* Takes the units of @seen out of the hole they were missing from. */
static bool
fill_hole(Sequence *self, const SequenceSeen *seen)
{
    for (size_t i = 0; i < SEQUENCE_N_HOLES; i++) {
        SequenceHole *hole = &self->holes[i];
        const uint32_t at = seen->number - hole->first;

        if (hole->n_units == 0 || at >= hole->n_units ||
            seen->n_units > hole->n_units - at)
            continue;
        if (seen->n_units == 0)
            return true;

        const SequenceHole before = *hole;
        const uint32_t done = at + seen->n_units;

        hole->n_units = at;
        open_hole(self, before.track, before.first + done, before.n_units - done,
                  before.since_us);
        return true;
    }
    return false;
}

/* The track that @seen continues exactly, or with the smallest step forward. */
static int
find_track(const Sequence *self, const SequenceSeen *seen)
{
    uint32_t smallest = SEQUENCE_WINDOW + 1;
    int best = -1;

    for (int i = 0; i < SEQUENCE_N_TRACKS; i++) {
        const SequenceTrack *track = &self->tracks[i];
        const uint32_t step = seen->number - track->next;

        if (!track->is_used || step >= smallest ||
            (step > 0 && is_restart(track, seen)))
            continue;
        smallest = step;
        best = i;
    }
    return best;
}

static int64_t
silence_needed_us(const SequenceTrack *track)
{
    const uint32_t n_intervals = MAX(track->n_messages, 2) - 1;
    const int64_t interval_us = (track->last_us - track->first_us) / n_intervals;

    return CLAMP(interval_us, MIN_SILENCE_US / SILENT_INTERVALS,
                 MAX_SILENCE_US / SILENT_INTERVALS) *
           SILENT_INTERVALS;
}

/* Lets track @i take the first one's place when that is dead and @i is alive. */
static void
promote(Sequence *self, unsigned i, int64_t now_us)
{
    SequenceTrack *own = &self->tracks[OWN], *other = &self->tracks[i];

    if (!other->is_used || other->n_messages < SEQUENCE_CONFIRMING ||
        own->last_us > other->first_us ||
        (now_us != INT64_MAX && now_us - own->last_us < silence_needed_us(own)))
        return;

    self->n_lost += other->jump;
    other->jump = 0;

    const SequenceTrack before = *own;
    *own = *other;
    *other = before;
    for (size_t h = 0; h < SEQUENCE_N_HOLES; h++) {
        SequenceHole *hole = &self->holes[h];

        if (hole->track == OWN)
            hole->track = i;
        else if (hole->track == i)
            hole->track = OWN;
    }
}

static void
open_track(Sequence *self, const SequenceSeen *seen)
{
    const SequenceTrack *own = &self->tracks[OWN];
    const int32_t step = seen->number - own->next;
    const bool is_jump = step > 0 && !own->is_vague && !is_restart(own, seen);
    unsigned slot = OWN + 1;

    for (unsigned i = slot; i < SEQUENCE_N_TRACKS; i++) {
        if (!self->tracks[i].is_used) {
            slot = i;
            break;
        }
        if (self->tracks[i].last_us < self->tracks[slot].last_us)
            slot = i;
    }
    free_holes(self, slot, counts(self, slot));
    start_track(&self->tracks[slot], seen, is_jump ? (uint32_t) step : 0);
    self->is_open = true;
}

/* A track just behind the first one is made of repeated messages, most likely: what
 * they leave out has been accounted for once. */
static bool
is_shadow(const Sequence *self, unsigned track)
{
    return track != OWN &&
           self->tracks[OWN].next - self->tracks[track].next <= SEQUENCE_WINDOW;
}

/* The numbers were read the wrong way: what was missing by them never was. */
static void
change_style(Sequence *self)
{
    SequenceTrack *own = &self->tracks[OWN];

    own->next = self->last_number + (self->votes < 0 ? 0 : self->last_units);
    for (unsigned i = OWN; i < SEQUENCE_N_TRACKS; i++) {
        free_holes(self, i, false);
        self->tracks[i].is_used = i == OWN;
    }
}

/* Finds out whether numbers include the message's own units. */
static void
vote(Sequence *self, const SequenceSeen *seen)
{
    const uint32_t step = seen->number - self->last_number;
    const bool was_included = self->votes < 0;

    if (self->has_last && seen->n_units != self->last_units) {
        /* A step that either way of counting explains says nothing. */
        const bool fits_own =
            step == seen->n_units || step == seen->n_units - seen->n_options;
        const bool fits_last = step == self->last_units;

        if (fits_own && !fits_last && self->votes > -MAX_VOTES)
            self->votes--;
        else if (fits_last && !fits_own && self->votes < MAX_VOTES)
            self->votes++;
        if (was_included != (self->votes < 0))
            change_style(self);
    }
    self->last_number = seen->number;
    self->last_units = seen->n_units;
    self->has_last = true;
}

static SequenceVerdict
see(Sequence *self, const SequenceSeen *seen)
{
    if (!self->tracks[OWN].is_used) {
        start_track(&self->tracks[OWN], seen, 0);
        return SEQUENCE_FIRST;
    }

    /* The options of the message before did not count. */
    SequenceTrack *own = &self->tracks[OWN];
    if (own->slack > 0 && seen->number + own->slack == own->next)
        own->next = seen->number;

    const int found = find_track(self, seen);

    if ((found < 0 || is_shadow(self, found)) && fill_hole(self, seen))
        return SEQUENCE_LATE;
    if (found >= 0) {
        SequenceTrack *track = &self->tracks[found];
        const uint32_t step = seen->number - track->next;

        if (step > 0 && !track->is_vague && !is_shadow(self, found)) {
            open_hole(self, found, track->next, step, seen->received_us);
            self->is_open = true;
        }
        advance(track, seen);
        if (found != OWN)
            promote(self, found, seen->received_us);
        return step == 0 ? SEQUENCE_NEXT : SEQUENCE_GAP;
    }

    open_track(self, seen);
    return SEQUENCE_ASTRAY;
}

/* Nobody has gone on with it for long. */
static void
drop_idle_track(Sequence *self, unsigned i, int64_t now_us)
{
    SequenceTrack *track = &self->tracks[i];

    if (!track->is_used || now_us - track->last_us < MAX_SILENCE_US)
        return;
    free_holes(self, i, counts(self, i));
    track->is_used = false;
}

SequenceVerdict
sequence_see(Sequence *self, const SequenceSeen *sent)
{
    SequenceSeen seen = *sent;

    if (!seen.is_vague)
        vote(self, &seen);
    else
        self->has_last = false;
    if (self->votes < 0) {
        seen.number -= seen.n_units;
        if (seen.number + seen.n_options == self->tracks[OWN].next) {
            seen.number += seen.n_options;
            seen.n_units -= seen.n_options;
        }
        seen.n_options = 0;
    }
    return see(self, &seen);
}

uint64_t
sequence_settle(Sequence *self, int64_t now_us)
{
    bool is_open = false;

    for (unsigned i = OWN + 1; self->is_open && i < SEQUENCE_N_TRACKS; i++) {
        promote(self, i, now_us);
        drop_idle_track(self, i, now_us);
        is_open |= self->tracks[i].is_used;
    }
    for (size_t i = 0; self->is_open && i < SEQUENCE_N_HOLES; i++) {
        SequenceHole *hole = &self->holes[i];

        if (hole->n_units == 0)
            continue;
        if (now_us == INT64_MAX || now_us - hole->since_us >= SEQUENCE_HOLE_US)
            close_hole(self, hole);
        else
            is_open = true;
    }
    self->is_open = is_open;

    const uint64_t n_lost = self->n_lost;
    self->n_lost = 0;
    return n_lost;
}

bool
sequence_went_back(const Sequence *self, const SequenceSeen *seen)
{
    const SequenceTrack *own = &self->tracks[OWN];

    return own->is_used && seen->number < own->next && is_restart(own, seen);
}

bool
sequence_next(const Sequence *self, uint32_t *next)
{
    *next = self->tracks[OWN].next;
    return self->tracks[OWN].is_used && !self->tracks[OWN].is_vague;
}
