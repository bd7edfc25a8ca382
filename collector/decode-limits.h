/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The section [decode] of the settings as the decoder knows it. */

#include "decode/decoder.h"
#include "settings.h"

DecoderLimits decode_limits_from_settings(const Settings *settings);
