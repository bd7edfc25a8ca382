/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* FlowPlay: flows of any values whatever, as the inputs of fuzz-copy describe them;
 * what no decoder makes yet is among them.
 *
 * An input is a list of flows.  Each is its members (see flow-play.c), then three
 * names, each an octet of length and its bytes (length 0: no name).  Bit 31 of the bits
 * that say what is present makes the times those of real traffic, near @now_us. */

#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"
#include "store/copy-extra.h"

typedef void (*FlowPlayFunc)(Flow *flow, int64_t shift_us, const CopyExtraNames *names,
                             void *user_data);

/* @exporter is that of all flows. */
void flow_play(const uint8_t *bytes, size_t n_bytes, int64_t now_us, Exporter *exporter,
               FlowPlayFunc func, void *user_data);
