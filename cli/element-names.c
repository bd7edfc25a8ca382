/* SPDX-License-Identifier: Apache-2.0 */
#include "element-names.h"

#include <fixbuf/public.h>

struct ElementNames {
    fbInfoModel_t *model;
};

ElementNames *
element_names_new(void)
{
    ElementNames *self = g_new0(ElementNames, 1);

    self->model = fbInfoModelAlloc();
    return self;
}

void
element_names_free(ElementNames *self)
{
    if (!self)
        return;

    fbInfoModelFree(self->model);
    g_free(self);
}

const char *
element_names_find(ElementNames *self, uint32_t pen, uint16_t id)
{
    const fbInfoElement_t *element = fbInfoModelGetElementByID(self->model, id, pen);

    return element ? element->ref.name : NULL;
}

uint16_t
element_names_octets(ElementNames *self, uint32_t pen, uint16_t id)
{
    const fbInfoElement_t *element = fbInfoModelGetElementByID(self->model, id, pen);

    return element && element->len != FB_IE_VARLEN ? element->len : 0;
}
