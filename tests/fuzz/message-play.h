/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* MessagePlay: one datagram as a stream for stream-play.h: to a decoder that knows some
 * templates (of each length of field, of options, of variable length), twice over UDP
 * and once over TCP. */

#include <glib.h>
#include <stdint.h>

/* Templates that come before it, and are told of: those of UDP, twice. */
#define MESSAGE_PLAY_N_TEMPLATES 14

/* (transfer full) */
GByteArray *message_play_stream(const uint8_t *bytes, size_t n_bytes);
