/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/exfil-window.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define V4_BITS 20
#define V6_BITS 48

#define PROTOCOL_ICMP   1
#define PROTOCOL_UDP    17
#define PROTOCOL_ICMPV6 58
#define PORT_DNS        53
#define PORT_NTP        123

/* More octets a packet than questions and times need. */
#define CHANNEL_PACKET_OCTETS 200

/* A network took something of a published service when it got so much in a day and so
 * much a session: those who only try passwords get 3 to 5 kB a session. */
#define TOOK_OCTETS         100000 /* sql/functions/baseline.sql has both */
#define TOOK_SESSION_OCTETS 8000

static uint64_t
add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void
exfil_window_sum(ExfilSum *sum, uint64_t out_octets, uint64_t in_octets)
{
    sum->out_octets = add(sum->out_octets, out_octets);
    sum->in_octets = add(sum->in_octets, in_octets);
}

double
exfil_window_pcr(const ExfilSum *sum)
{
    const double out = (double) sum->out_octets;
    const double in = (double) sum->in_octets;

    return out + in > 0 ? (out - in) / (out + in) : NAN;
}

int64_t
exfil_window_from_us(int64_t now_us)
{
    return now_us - now_us % EXFIL_HOUR_US - (EXFIL_HOURS - 1) * EXFIL_HOUR_US;
}

unsigned
exfil_window_network(const IpAddress *address, IpAddress *network)
{
    const unsigned bits = ip_address_is_v4(address) ? 96 + V4_BITS : V6_BITS;

    *network = *address;
    for (unsigned i = bits; i < 128; i++)
        network->bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return bits;
}

void
exfil_window_init(ExfilWindow *self, int64_t now_us, uint64_t min_octets,
                  uint64_t min_channel_octets)
{
    *self = (ExfilWindow){ .now_us = now_us,
                           .from_us = exfil_window_from_us(now_us),
                           .min_octets = min_octets,
                           .min_channel_octets = min_channel_octets };
}

static void
forget(ExfilWindow *self)
{
    for (size_t i = 0; i < self->n_groups; i++)
        g_free(self->groups[i]);
    self->n_groups = 0;
    g_clear_pointer(&self->open, g_free);
}

void
exfil_window_clear(ExfilWindow *self)
{
    forget(self);
}

void
exfil_window_begin(ExfilWindow *self, const IpAddress *host)
{
    forget(self);
    self->host = *host;
    self->n_rows = 0;
    self->n_services = 0;
    self->n_left_out = 0;
    memset(self->hours, 0, sizeof(self->hours));
}

/* --- one address, one network --- */

/* The port's place; the smallest gives way to a new one when all are taken. */
static ExfilPort *
port_of(ExfilSide *side, const ExfilRow *row)
{
    ExfilPort *smallest = &side->ports[0];

    for (size_t i = 0; i < side->n_ports; i++) {
        ExfilPort *port = &side->ports[i];

        if (port->port == row->key.service_port &&
            port->protocol == row->key.protocol &&
            port->initiator == row->key.initiator)
            return port;
        if (port->sum.out_octets < smallest->sum.out_octets)
            smallest = port;
    }
    if (side->n_ports < EXFIL_MAX_PORTS)
        smallest = &side->ports[side->n_ports++];
    else if (row->out_octets <= smallest->sum.out_octets)
        return NULL;

    *smallest = (ExfilPort){ .port = row->key.service_port,
                             .protocol = row->key.protocol,
                             .initiator = row->key.initiator };
    return smallest;
}

static void
add_to_side(ExfilSide *side, const ExfilRow *row, size_t hour)
{
    ExfilPort *port = port_of(side, row);

    side->out_octets = add(side->out_octets, row->out_octets);
    if (!port)
        return;
    port->n_sessions = add(port->n_sessions, row->n_sessions);
    exfil_window_sum(&port->sum, row->out_octets, row->in_octets);
    exfil_window_sum(&port->hours[hour], row->out_octets, row->in_octets);
}

static bool
is_narrow(const ContactKey *key)
{
    return key->protocol == PROTOCOL_ICMP || key->protocol == PROTOCOL_ICMPV6 ||
           (key->protocol == PROTOCOL_UDP &&
            (key->service_port == PORT_DNS || key->service_port == PORT_NTP));
}

static void
look_for_channel(const ExfilWindow *self, const ExfilRow *row)
{
    ExfilChannel *channel = &self->open->channel;

    /* Who is asked may answer at length. */
    if (!is_narrow(&row->key) || row->key.initiator == CONTACT_BY_PEER ||
        row->out_packets == 0 || row->out_octets < self->min_channel_octets ||
        row->out_octets / row->out_packets <= CHANNEL_PACKET_OCTETS ||
        row->out_octets <= channel->out_octets)
        return;
    *channel = (ExfilChannel){ row->key, row->hour_us, row->out_octets,
                               row->out_packets, row->is_infrastructure };
}

static void
add_uploads(const ExfilWindow *self, const ExfilRow *row)
{
    ExfilGroup *group = self->open;

    for (size_t i = 0; i < row->n_events; i++) {
        const ContactEvent *event = &row->events[i];

        if (event->out_octets > group->largest.event.out_octets)
            group->largest = (ExfilUpload){ *event, row->key };
        if (event->out_octets < EXFIL_MIN_UPLOAD_OCTETS ||
            row->key.initiator == CONTACT_BY_PEER)
            continue;
        group->uploads[group->n_uploads % EXFIL_MAX_UPLOADS] =
            (ExfilUpload){ *event, row->key };
        group->n_uploads++;
    }
}

static void
close_peer(ExfilWindow *self)
{
    ExfilGroup *group = self->open;

    if (self->side.n_ports == 0)
        return;
    group->n_peers++;
    if (group->n_peers == 1 || self->side.out_octets > group->top.out_octets) {
        group->top = self->side;
        group->top_peer = self->peer;
    }
    if (self->side.out_octets >= self->min_octets / 100)
        group->n_large_peers++;
    self->side = (ExfilSide){ 0 };
}

/* Counts the networks that took something from a port of ours. */
static void
count_services(ExfilWindow *self)
{
    for (size_t i = 0; i < self->open->all.n_ports; i++) {
        const ExfilPort *port = &self->open->all.ports[i];
        const uint32_t service = exfil_window_service(port->port, port->protocol);
        size_t at = 0;

        if (port->initiator != CONTACT_BY_PEER || port->sum.out_octets < TOOK_OCTETS ||
            port->sum.out_octets / MAX(port->n_sessions, 1) < TOOK_SESSION_OCTETS)
            continue;
        while (at < self->n_services && self->services[at].service != service)
            at++;
        if (at == EXFIL_MAX_PUBLISHED)
            continue;
        if (at == self->n_services)
            self->services[self->n_services++] = (ExfilService){ service, 0 };
        self->services[at].n_networks++;
    }
}

static void
keep(ExfilWindow *self, ExfilGroup *group)
{
    size_t smallest = 0;

    if (self->n_groups < EXFIL_MAX_GROUPS) {
        self->groups[self->n_groups++] = group;
        return;
    }
    self->n_left_out++;
    for (size_t i = 1; i < EXFIL_MAX_GROUPS; i++) {
        if (self->groups[i]->all.out_octets < self->groups[smallest]->all.out_octets)
            smallest = i;
    }
    if (self->groups[smallest]->all.out_octets < group->all.out_octets) {
        g_free(self->groups[smallest]);
        self->groups[smallest] = group;
    } else {
        g_free(group);
    }
}

static void
close_network(ExfilWindow *self)
{
    ExfilGroup *group = self->open;

    if (!group)
        return;
    close_peer(self);
    count_services(self);
    if (group->all.out_octets >= MAX(self->min_octets, group->usual_octets) ||
        group->channel.out_octets > 0 || group->may_drip)
        keep(self, g_steal_pointer(&self->open));
    g_clear_pointer(&self->open, g_free);
}

static void
open_network(ExfilWindow *self, const IpAddress *network, unsigned bits)
{
    close_network(self);
    self->open = g_new0(ExfilGroup, 1);
    self->open->network = *network;
    self->open->bits = bits;
}

/* --- rows --- */

static void
add_to_hours(ExfilWindow *self, const ExfilRow *row)
{
    const size_t hour = (size_t) ((row->hour_us - self->from_us) / EXFIL_HOUR_US);
    ExfilGroup *group = self->open;

    look_for_channel(self, row);
    if (row->is_infrastructure)
        return;
    exfil_window_sum(&self->hours[hour], row->out_octets, row->in_octets);
    add_to_side(&group->all, row, hour);
    add_to_side(&self->side, row, hour);
    add_uploads(self, row);
    if (group->first_us == 0 || row->hour_us < group->first_us)
        group->first_us = row->hour_us;
    group->last_us = MAX(group->last_us, row->hour_us);
}

void
exfil_window_add(ExfilWindow *self, const ExfilRow *row)
{
    const int64_t days =
        self->now_us / EXFIL_DAY_US - row->hour_us / EXFIL_DAY_US; /* back */
    IpAddress network;
    const unsigned bits = exfil_window_network(&row->key.peer, &network);

    self->n_rows++;
    if (row->peer_is_watched || row->hour_us > self->now_us || row->hour_us < 0)
        return;
    if (!self->open || self->open->bits != bits ||
        !ip_address_equal(&self->open->network, &network))
        open_network(self, &network, bits);
    if (!ip_address_equal(&self->peer, &row->key.peer)) {
        close_peer(self);
        self->peer = row->key.peer;
    }

    ExfilGroup *group = self->open;
    group->may_drip = group->may_drip || row->may_drip;
    group->usual_octets = MAX(group->usual_octets, row->usual_octets);
    if (group->pair_first_us == 0 || row->hour_us < group->pair_first_us)
        group->pair_first_us = row->hour_us;
    if (days < EXFIL_DAYS && !row->is_infrastructure)
        exfil_window_sum(row->key.initiator == CONTACT_BY_PEER ? &group->served[days]
                                                               : &group->days[days],
                         row->out_octets, row->in_octets);
    if (row->hour_us >= self->from_us)
        add_to_hours(self, row);
}

void
exfil_window_end(ExfilWindow *self)
{
    close_network(self);
}
