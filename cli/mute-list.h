/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* MuteList: mutes as a table for people or as JSON, on standard output. */

#include <glib.h>
#include <stdint.h>

void mute_list_print(const GArray *mutes, int64_t now_us); /* of Mute */
void mute_list_print_json(const GArray *mutes);
