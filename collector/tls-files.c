/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-files.h"

static void
free_context(gpointer context)
{
    tls_context_unref(context);
}

GPtrArray *
tls_files_load(const Settings *settings, GError **error)
{
    g_autoptr(GPtrArray) contexts = g_ptr_array_new_with_free_func(free_context);

    for (size_t i = 0; i < settings->n_listen; i++) {
        const ListenSettings *listen = &settings->listen[i];
        const TlsFiles files = { .certificate = listen->tls_certificate,
                                 .key = listen->tls_key,
                                 .client_ca = listen->tls_client_ca,
                                 .client_crl = listen->tls_client_crl,
                                 .allowed_names = listen->tls_allowed_names };
        TlsContext *context = NULL;

        if (listen->transport == TRANSPORT_TLS) {
            context = tls_context_new(&files, error);
            if (!context) {
                g_prefix_error(error, "[listen %s]: ", listen->name);
                return NULL;
            }
        }
        g_ptr_array_add(contexts, context);
    }
    return g_steal_pointer(&contexts);
}
