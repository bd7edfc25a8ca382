/* SPDX-License-Identifier: Apache-2.0 */
#include "template-fields.h"

#include "reader.h"

#define IPFIX           10
#define ENTERPRISE_BIT  0x8000
#define V9_FIELD_BYTES  4
#define V9_FIRST_VENDOR 32768

/* RFC 3954 6.1 */
static const char *const v9_scopes[] = {
    NULL, "System", "Interface", "LineCard", "Cache", "Template",
};

static void
name_ipfix(ElementNames *names, TemplateField *field)
{
    const char *name = element_names_find(names, field->pen, field->id);

    field->is_known = name != NULL;
    if (name)
        g_strlcpy(field->name, name, sizeof(field->name));
    else if (field->pen > 0)
        g_snprintf(field->name, sizeof(field->name), "%u/%u", field->pen, field->id);
    else
        g_snprintf(field->name, sizeof(field->name), "element %u", field->id);
}

static void
name_v9(ElementNames *names, TemplateField *field)
{
    if (field->is_scope && field->id > 0 && field->id < G_N_ELEMENTS(v9_scopes)) {
        g_strlcpy(field->name, v9_scopes[field->id], sizeof(field->name));
        field->is_known = true;
    } else if (field->id >= V9_FIRST_VENDOR) {
        g_snprintf(field->name, sizeof(field->name), "vendor type %u", field->id);
        field->is_known = true; /* it has no name, but is no mistake either */
    } else {
        name_ipfix(names, field);
    }
}

static TemplateField
read_field(Reader *r, ElementNames *names, int version, bool is_scope)
{
    TemplateField field = { .is_scope = is_scope };
    const uint16_t id = (uint16_t) reader_uint(r, 2);

    field.octets = (uint16_t) reader_uint(r, 2);
    field.id = id;
    if (version == IPFIX && (id & ENTERPRISE_BIT)) {
        field.id = id & ~ENTERPRISE_BIT;
        field.pen = (uint32_t) reader_uint(r, 4);
    }
    if (version == IPFIX)
        name_ipfix(names, &field);
    else
        name_v9(names, &field);
    return field;
}

/* How many fields follow, and how many of them, the first ones, are scopes. */
static void
read_counts(Reader *r, int version, bool is_options, size_t *n_fields, size_t *n_scope)
{
    const size_t first = reader_uint(r, 2);
    const size_t second = is_options ? reader_uint(r, 2) : 0;

    if (version != IPFIX && is_options) { /* lengths of both lists, in octets */
        *n_scope = first / V9_FIELD_BYTES;
        *n_fields = *n_scope + second / V9_FIELD_BYTES;
    } else {
        *n_fields = first;
        *n_scope = second;
    }
}

GArray *
template_fields_parse(ElementNames *names, const uint8_t *body, size_t n_body,
                      int version, bool is_options)
{
    GArray *fields = g_array_new(FALSE, FALSE, sizeof(TemplateField));
    Reader r = reader_over(body, n_body);
    size_t n_fields, n_scope;

    reader_uint(&r, 2); /* template id */
    read_counts(&r, version, is_options, &n_fields, &n_scope);
    for (size_t i = 0; i < n_fields && reader_ok(&r); i++) {
        const TemplateField field = read_field(&r, names, version, i < n_scope);

        if (reader_ok(&r))
            g_array_append_val(fields, field);
    }
    return fields;
}

char *
template_fields_text(ElementNames *names, const GArray *fields)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < fields->len; i++) {
        const TemplateField *field = &g_array_index(fields, TemplateField, i);
        const uint16_t own = element_names_octets(names, field->pen, field->id);

        g_string_append_printf(text, "%s%s%s%s", i > 0 ? ", " : "",
                               field->is_scope ? "{" : "", field->name,
                               field->is_scope ? "}" : "");
        if (field->octets != TEMPLATE_FIELD_VARIABLE && field->octets != own)
            g_string_append_printf(text, "(%u)", field->octets);
    }
    return g_string_free(text, FALSE);
}
