/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ElementNames: what information elements are called, out of libfixbuf's
 * information model. */

#include <glib.h>
#include <stdint.h>

typedef struct ElementNames ElementNames;

ElementNames *element_names_new(void);
void element_names_free(ElementNames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ElementNames, element_names_free)

/* NULL for one that the model does not know.  @pen 0 = IANA's.  Lent. */
const char *element_names_find(ElementNames *self, uint32_t pen, uint16_t id);

/* The octets the element has when it is not reduced; 0 = not known or variable. */
uint16_t element_names_octets(ElementNames *self, uint32_t pen, uint16_t id);
