/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-values.h"

#include <math.h>
#include <string.h>

#include "flowgen-random.h"

enum {
    N_CONVERSATIONS = 2048, /* of each family, watched and not; a power of 2 */
    N_SIZES = 4096,         /* likewise */
    MAX_PACKETS = 1000000,
    FLAGS_SESSION = 0x1b, /* FIN SYN PSH ACK */
    FLAGS_OPEN = 0x1a,
    FLAGS_SYN = 0x02,
    FLAGS_REFUSED = 0x14,
};

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

/* What a conversation is about: how likely, and how big each way. */
typedef struct {
    uint16_t port;
    uint8_t protocol;
    uint8_t weight;       /* of 100 */
    uint16_t packets;     /* median */
    uint16_t bytes_up;    /* of a packet from the client */
    uint16_t bytes_down;  /* of a packet from the server */
    uint32_t duration_ms; /* median */
} Service;

static const Service services[] = {
    { 443, TCP, 38, 18, 180, 980, 4000 }, { 53, UDP, 18, 1, 72, 190, 20 },
    { 80, TCP, 8, 12, 220, 1050, 2500 },  { 443, UDP, 8, 30, 160, 1180, 5000 },
    { 22, TCP, 5, 40, 110, 160, 20000 },  { 123, UDP, 4, 1, 76, 76, 10 },
    { 25, TCP, 3, 20, 700, 90, 1500 },    { 5432, TCP, 4, 60, 210, 640, 8000 },
    { 445, TCP, 4, 50, 400, 700, 9000 },  { 161, UDP, 2, 2, 90, 120, 30 },
    { 0, ICMP, 2, 4, 84, 84, 3000 },      { 8080, TCP, 4, 15, 240, 900, 2000 },
};

typedef struct {
    uint8_t client[16];
    uint8_t server[16];
    const Service *service;
    uint32_t client_if;
    uint32_t server_if;
    uint32_t client_as;
    uint32_t server_as;
    uint8_t tos;
} Conversation;

struct FlowgenValues {
    FlowgenRandom random;
    FlowgenValuesOptions options;
    uint64_t watched_below;                 /* of 2^32 */
    Conversation of[2][2][N_CONVERSATIONS]; /* [is v6][is watched] */
    float size_factor[N_SIZES];             /* log-normal, median 1 */
};

uint64_t
flowgen_values_random(FlowgenValues *self)
{
    return flowgen_random_next(&self->random);
}

static uint32_t
random_below(FlowgenValues *self, uint32_t n)
{
    return flowgen_random_below(&self->random, n);
}

bool
flowgen_values_chance(FlowgenValues *self, double share)
{
    return flowgen_random_chance(&self->random, share);
}

typedef enum { NET_WATCHED, NET_INSIDE, NET_OUTSIDE } Net;

/* A host of @net: of the inside ones few, of the outside ones many. */
static void
draw_host(FlowgenValues *self, Net net, bool v6, uint8_t *host)
{
    static const uint8_t prefix4[][2] = { { 10, 20 }, { 10, 30 }, { 198, 18 } };
    static const uint16_t subnet6[] = { 0x20, 0x30, 0xffff };
    const uint32_t n_hosts[] = { 200, 2000, 131072 };
    const uint32_t n = 1 + random_below(self, n_hosts[net] - 2);

    memset(host, 0, 16);
    if (v6) {
        host[0] = 0x20;
        host[1] = 0x01;
        host[2] = 0x0d;
        host[3] = 0xb8;
        host[4] = subnet6[net] >> 8;
        host[5] = subnet6[net] & 0xff;
        host[13] = n >> 16;
    } else {
        host[0] = prefix4[net][0];
        host[1] = prefix4[net][1] + (n >> 16);
        host[2] = n >> 8;
        host[3] = n;
        return;
    }
    host[14] = n >> 8;
    host[15] = n;
}

static const Service *
draw_service(FlowgenValues *self, bool numbered)
{
    int left = random_below(self, 100);

    for (size_t i = 0; i < G_N_ELEMENTS(services); i++) {
        left -= services[i].weight;
        if (left < 0 && !(numbered && services[i].protocol == ICMP))
            return &services[i];
    }
    return &services[0];
}

static void
draw_conversation(FlowgenValues *self, bool v6, bool watched, Conversation *c)
{
    /* A watched host serves the world more often than it asks. */
    const bool serves = random_below(self, 10) < 6;
    const Net far = random_below(self, 10) < 8 ? NET_OUTSIDE : NET_INSIDE;
    const Net client = !watched ? NET_INSIDE : serves ? far : NET_WATCHED;
    const Net server = !watched ? NET_OUTSIDE : serves ? NET_WATCHED : far;

    draw_host(self, client, v6, c->client);
    draw_host(self, server, v6, c->server);
    c->service = draw_service(self, self->options.numbered);
    c->client_if = client == NET_OUTSIDE ? 1 : 2 + random_below(self, 6);
    c->server_if = server == NET_OUTSIDE ? 1 : 2 + random_below(self, 6);
    c->client_as = client == NET_OUTSIDE ? 64496 + random_below(self, 16) : 0;
    c->server_as = server == NET_OUTSIDE ? 64496 + random_below(self, 16) : 0;
    c->tos = random_below(self, 20) ? 0 : 0xb8;
}

/* Box and Muller; heavy tail: one flow in 4000 has a hundred times the median. */
static float
draw_size_factor(FlowgenValues *self)
{
    const double u = (random_below(self, 1u << 30) + 1) / (double) (1u << 30);
    const double v = random_below(self, 1u << 30) / (double) (1u << 30);

    return exp(1.4 * sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

FlowgenValues *
flowgen_values_new(const FlowgenValuesOptions *options)
{
    FlowgenValues *self = g_new0(FlowgenValues, 1);

    self->options = *options;
    self->random = flowgen_random_new(options->seed);
    self->watched_below = options->watched_share * (UINT64_C(1) << 32);
    for (int v6 = 0; v6 < 2; v6++) {
        for (int watched = 0; watched < 2; watched++) {
            for (int i = 0; i < N_CONVERSATIONS; i++)
                draw_conversation(self, v6, watched, &self->of[v6][watched][i]);
        }
    }
    for (int i = 0; i < N_SIZES; i++)
        self->size_factor[i] = draw_size_factor(self);
    return self;
}

void
flowgen_values_free(FlowgenValues *self)
{
    g_free(self);
}

static const Conversation *
draw_talk(FlowgenValues *self, bool v6, uint64_t random)
{
    const bool watched = (random & UINT32_MAX) < self->watched_below;
    /* The square makes the first conversations the busy ones. */
    const uint32_t u = random >> 32 & 0xffff;
    const uint32_t i = (uint64_t) u * u / 65536 * N_CONVERSATIONS / 65536;

    return &self->of[v6][watched][i];
}

static uint8_t
draw_tcp_flags(uint32_t random)
{
    const uint32_t of_64 = random & 63;

    return of_64 < 2    ? FLAGS_SYN
           : of_64 < 3  ? FLAGS_REFUSED
           : of_64 < 12 ? FLAGS_OPEN
                        : FLAGS_SESSION;
}

static void
fill_counters(FlowgenValues *self, const Service *service, bool up, uint64_t random,
              FlowgenFlow *flow)
{
    const float factor = self->size_factor[random & (N_SIZES - 1)];
    const uint32_t bytes = up ? service->bytes_up : service->bytes_down;
    const float packets = service->packets * factor;

    flow->packets = packets < 1             ? 1
                    : packets > MAX_PACKETS ? MAX_PACKETS
                                            : (uint64_t) packets;
    flow->octets = flow->packets * bytes - (random >> 12 & 31);
    if (flow->tcp_flags == FLAGS_SYN || flow->tcp_flags == FLAGS_REFUSED) {
        flow->packets = 1;
        flow->octets = flow->v6 ? 60 : 40;
    }
}

static void
fill_times(FlowgenValues *self, const Service *service, uint64_t random, int64_t now_ms,
           FlowgenFlow *flow)
{
    const float factor = self->size_factor[random >> 24 & (N_SIZES - 1)];
    const float lasted_ms = service->duration_ms * factor;

    flow->end_ms = now_ms - (int64_t) (random & 0x3fff); /* up to 16 s ago */
    flow->start_ms =
        flow->end_ms - (int64_t) (lasted_ms > 1800000 ? 1800000 : lasted_ms);
    if (flow->packets == 1)
        flow->start_ms = flow->end_ms;
}

static void
fill_ends(const Conversation *talk, bool up, uint64_t random, FlowgenFlow *flow)
{
    const uint16_t ephemeral = 32768 + (random & 0x6fff);
    const Service *service = talk->service;

    memcpy(flow->src, up ? talk->client : talk->server, 16);
    memcpy(flow->dst, up ? talk->server : talk->client, 16);
    flow->src_port = up ? ephemeral : service->port;
    flow->dst_port = up ? service->port : ephemeral;
    flow->input_if = up ? talk->client_if : talk->server_if;
    flow->output_if = up ? talk->server_if : talk->client_if;
    flow->src_as = up ? talk->client_as : talk->server_as;
    flow->dst_as = up ? talk->server_as : talk->client_as;
    flow->protocol = service->protocol;
    flow->tcp_flags = 0;
    if (service->protocol == ICMP) {
        flow->protocol = flow->v6 ? ICMP6 : ICMP;
        flow->src_port = 0;
        flow->dst_port = (flow->v6 ? (up ? 128 : 129) : (up ? 8 : 0)) << 8;
    }
}

void
flowgen_values_next(FlowgenValues *self, uint64_t number, bool v6, int64_t now_ms,
                    FlowgenFlow *flow)
{
    const uint64_t random = flowgen_values_random(self);
    const uint64_t more = flowgen_values_random(self);
    const Conversation *talk = draw_talk(self, v6, random);
    const bool up = random >> 63;

    flow->number = number;
    flow->v6 = v6;
    flow->tos = talk->tos;
    fill_ends(talk, up, random >> 48, flow);
    if (flow->protocol == TCP)
        flow->tcp_flags = draw_tcp_flags(more >> 58);
    fill_counters(self, talk->service, up, more, flow);
    fill_times(self, talk->service, more >> 20, now_ms, flow);
    flow->end_reason = flow->tcp_flags & 1 ? FLOWGEN_ENDED : FLOWGEN_ENDED_IDLE;
    if (self->options.numbered) {
        flow->octets = number;
        flow->packets = number % 997 + 1;
        flow->src_port = number & 0xffff;
    }
}
