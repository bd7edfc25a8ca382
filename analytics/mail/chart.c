/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/chart.h"

#include "mail/axis.h"
#include "mail/chart-private.h"

static char *
contacts_alt(const ChartData *data)
{
    g_autofree char *from = axis_moment(data->from_us);
    g_autofree char *to = axis_moment(data->to_us);

    return g_strdup_printf("Times of %" G_GSIZE_FORMAT " contacts from %s to %s UTC",
                           data->n_starts, from, to);
}

static char *
intervals_alt(const ChartData *data)
{
    g_autofree char *period = axis_span(data->period_sec);

    if (data->period_sec > 0)
        return g_strdup_printf("Time between contacts, with the period of %s marked",
                               period);
    return g_strdup("Time between contacts");
}

static char *
volumes_alt(const ChartData *data)
{
    double sum = 0;

    for (size_t i = 0; i < data->n_hours; i++)
        sum += data->hours[i].out_octets;

    g_autofree char *octets = axis_octets(sum);
    return g_strdup_printf("Sent per hour, %s in all", octets);
}

static const struct {
    const char *name;
    GBytes *(*draw)(const ChartData *data);
    char *(*alt)(const ChartData *data);
} charts[CHART_N_KINDS] = {
    [CHART_CONTACTS] = { "contacts", chart_contacts_draw, contacts_alt },
    [CHART_INTERVALS] = { "intervals", chart_intervals_draw, intervals_alt },
    [CHART_VOLUMES] = { "volumes", chart_volumes_draw, volumes_alt },
};

GBytes *
chart_draw(ChartKind kind, const ChartData *data)
{
    return charts[kind].draw(data);
}

const char *
chart_name(ChartKind kind)
{
    return charts[kind].name;
}

char *
chart_alt(ChartKind kind, const ChartData *data)
{
    return charts[kind].alt(data);
}
