/* SPDX-License-Identifier: Apache-2.0 */
#include "mute-list.h"

#include <stdio.h>

#include "alert/mute.h"
#include "human.h"
#include "json-writer.h"
#include "text-table.h"

static char *
end_text(const Mute *mute, int64_t now_us)
{
    if (mute->ended_us > 0)
        return g_strdup("lifted");
    if (mute->until_us == 0)
        return g_strdup("for ever");

    g_autofree char *until = human_time(mute->until_us);
    return mute->until_us > now_us ? g_strdup(until)
                                   : g_strdup_printf("over, %s", until);
}

void
mute_list_print(const GArray *mutes, int64_t now_us)
{
    static const TextColumn columns[] = {
        { "MUTE", TEXT_COLUMN_RIGHT },  { "KIND", TEXT_COLUMN_LEFT },
        { "HOST", TEXT_COLUMN_LEFT },   { "PEER", TEXT_COLUMN_LEFT },
        { "PORT", TEXT_COLUMN_RIGHT },  { "UNTIL", TEXT_COLUMN_LEFT },
        { "NOW", TEXT_COLUMN_RIGHT },   { "ALERT", TEXT_COLUMN_RIGHT },
        { "BY", TEXT_COLUMN_LEFT },     { "MADE", TEXT_COLUMN_LEFT },
        { "REASON", TEXT_COLUMN_LEFT },
    };
    g_autoptr(TextTable) table = text_table_new(columns, G_N_ELEMENTS(columns));

    for (unsigned i = 0; i < mutes->len; i++) {
        const Mute *mute = &g_array_index(mutes, Mute, i);

        text_table_add_take(table, g_strdup_printf("m%" G_GINT64_FORMAT, mute->id));
        text_table_add(table, mute->kind ? mute->kind : "any");
        text_table_add(table, mute->host_network ? mute->host_network : "any");
        text_table_add(table, mute->peer_network ? mute->peer_network : "any");
        text_table_add_take(table, mute->port ? g_strdup_printf("%d", mute->port)
                                              : g_strdup("any"));
        text_table_add_take(table, end_text(mute, now_us));
        text_table_add_take(table,
                            g_strdup_printf("%" G_GINT64_FORMAT, mute->n_silenced));
        text_table_add_take(table, mute->alert_id ? g_strdup_printf("%" G_GINT64_FORMAT,
                                                                    mute->alert_id)
                                                  : NULL);
        text_table_add(table, mute->who);
        text_table_add_take(table, human_time(mute->created_us));
        text_table_add(table, mute->reason);
    }
    if (mutes->len == 0) {
        puts("Nothing is muted.");
        return;
    }

    g_autofree char *text = text_table_format(table, 0);
    fputs(text, stdout);
    puts("\nNOW is how many incidents it silences; `flowkeep unmute MUTE` lifts it.");
}

void
mute_list_print_json(const GArray *mutes)
{
    g_autoptr(JsonWriter) json = json_writer_new();

    json_writer_begin_array(json, NULL);
    for (unsigned i = 0; i < mutes->len; i++) {
        const Mute *mute = &g_array_index(mutes, Mute, i);

        json_writer_begin_object(json, NULL);
        json_writer_int(json, "id", mute->id);
        json_writer_string(json, "kind", mute->kind);
        json_writer_string(json, "host_network", mute->host_network);
        json_writer_string(json, "peer_network", mute->peer_network);
        json_writer_int(json, "port", mute->port);
        json_writer_time(json, "until_at", mute->until_us);
        json_writer_time(json, "ended_at", mute->ended_us);
        json_writer_int(json, "silences", mute->n_silenced);
        json_writer_int(json, "alert_id", mute->alert_id);
        json_writer_string(json, "who", mute->who);
        json_writer_time(json, "created_at", mute->created_us);
        json_writer_string(json, "reason", mute->reason);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    fputs(json_writer_text(json), stdout);
}
