/* SPDX-License-Identifier: Apache-2.0 */
#include "flowgen-session.h"

#include <string.h>

#include "flowgen-random.h"

/* Session times stay within the years 1970 to 2500: sums cannot overflow. */
#define LAST_US (INT64_C(530) * 366 * 86400 * 1000000)
#define LARGEST (UINT64_C(1) << 60)

enum { N_COLUMNS = 12, LABEL = 11 };

static bool
refuse(GError **error, const char *name, const char *text)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s is \"%.40s\"", name, text);
    return false;
}

static bool
parse_numbers(FlowgenSession *self, char *const *column, GError **error)
{
    uint64_t start_us, duration_us, initiator_port, responder_port, protocol;
    const struct {
        int column;
        const char *name;
        uint64_t *to;
        uint64_t max;
    } numbers[] = {
        { 0, "start_us", &start_us, LAST_US },
        { 1, "duration_us", &duration_us, LAST_US },
        { 3, "initiator_port", &initiator_port, 65535 },
        { 5, "responder_port", &responder_port, 65535 },
        { 6, "protocol", &protocol, 255 },
        { 7, "out_octets", &self->octets[FLOWGEN_OUT], LARGEST },
        { 8, "in_octets", &self->octets[FLOWGEN_IN], LARGEST },
        { 9, "out_packets", &self->packets[FLOWGEN_OUT], LARGEST },
        { 10, "in_packets", &self->packets[FLOWGEN_IN], LARGEST },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const char *text = column[numbers[i].column];
        if (!g_ascii_string_to_unsigned(text, 10, 0, numbers[i].max, numbers[i].to,
                                        NULL))
            return refuse(error, numbers[i].name, text);
    }
    self->start_us = start_us;
    self->duration_us = duration_us;
    self->initiator_port = initiator_port;
    self->responder_port = responder_port;
    self->protocol = protocol;
    return true;
}

bool
flowgen_session_parse(FlowgenSession *self, char *line, GError **error)
{
    char *column[N_COLUMNS] = { line };
    int n = 1;

    for (char *at = line; *at && n < N_COLUMNS; at++) {
        if (*at == ',') {
            *at = '\0';
            column[n++] = at + 1;
        }
    }
    if (n < N_COLUMNS) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%d columns where %d belong", n, N_COLUMNS);
        return false;
    }
    if (!ip_address_parse(column[2], &self->initiator))
        return refuse(error, "initiator", column[2]);
    if (!ip_address_parse(column[4], &self->responder))
        return refuse(error, "responder", column[4]);
    if (ip_address_is_v4(&self->initiator) != ip_address_is_v4(&self->responder))
        return refuse(error, "of another family: responder", column[4]);
    if (!parse_numbers(self, column, error))
        return false;
    for (int way = 0; way < FLOWGEN_N_WAYS; way++) {
        if (self->packets[way] == 0 && self->octets[way] > 0)
            return refuse(error, "octets without packets: packets", "0");
    }

    g_strlcpy(self->label, column[LABEL], sizeof(self->label));
    return true;
}

void
flowgen_session_format(const FlowgenSession *self,
                       char line[FLOWGEN_SESSION_LINE_BYTES])
{
    char initiator[IP_ADDRESS_TEXT_BYTES], responder[IP_ADDRESS_TEXT_BYTES];

    g_snprintf(line, FLOWGEN_SESSION_LINE_BYTES,
               "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%s,%u,%s,%u,%u,"
               "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
               ",%" G_GUINT64_FORMAT ",%s",
               self->start_us, self->duration_us,
               ip_address_format(&self->initiator, initiator), self->initiator_port,
               ip_address_format(&self->responder, responder), self->responder_port,
               self->protocol, self->octets[FLOWGEN_OUT], self->octets[FLOWGEN_IN],
               self->packets[FLOWGEN_OUT], self->packets[FLOWGEN_IN], self->label);
}

void
flowgen_session_mirror(FlowgenSession *self)
{
    if (self->packets[FLOWGEN_OUT] > 0 || self->packets[FLOWGEN_IN] == 0)
        return;

    const uint64_t who = ip_address_hash(&self->initiator) * 3 +
                         ip_address_hash(&self->responder) + self->responder_port;
    FlowgenRandom pair = flowgen_random_new(who);
    FlowgenRandom one = flowgen_random_new(flowgen_random_seed(who, self->start_us));
    const bool tcp = self->protocol == FLOWGEN_TCP;
    const uint64_t header =
        (ip_address_is_v4(&self->initiator) ? 20 : 40) + (tcp ? 20 : 8);
    const uint32_t request = tcp ? 120 + flowgen_random_below(&pair, 240)
                                 : 20 + flowgen_random_below(&pair, 40);
    const uint64_t n_packets = self->packets[FLOWGEN_IN];

    self->packets[FLOWGEN_OUT] = n_packets;
    self->octets[FLOWGEN_OUT] = n_packets * header;
    /* One TCP packet that was answered by one was no more than a SYN. */
    if (!tcp)
        self->octets[FLOWGEN_OUT] += n_packets * request;
    else if (n_packets > 2)
        self->octets[FLOWGEN_OUT] +=
            request * (98 + flowgen_random_share(&one) * 4) / 100;
}
