/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Terminal: what standard output can show. */

#include <stdbool.h>

/* COLUMNS of the environment, else of the terminal, else 80. */
unsigned terminal_columns(void);

/* Whether the locale's characters are UTF-8 (setlocale() was called). */
bool terminal_is_utf8(void);
