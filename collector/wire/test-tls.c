/* SPDX-License-Identifier: Apache-2.0 */

/* TLS through a Tcp: its peers are GnuTLS's client in the same thread.  Certificates of
 * all kinds are in tests/integration/test-tls.py. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "wire/tcp.h"

#define PATIENCE 3000 /* turns of a millisecond */

/* --- certificates --- */

static char *folder;
static gnutls_x509_privkey_t key; /* of everybody: whose it is does not matter here */

static char *
path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void
save(const char *name, const gnutls_datum_t *pem)
{
    g_autofree char *path = path_of(name);

    g_assert_true(g_file_set_contents(path, (const char *) pem->data, pem->size, NULL));
}

static gnutls_x509_crt_t
make_certificate(const char *file, const char *dns, gnutls_x509_crt_t ca)
{
    const unsigned char serial = (unsigned char) g_random_int_range(1, 127);
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;

    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, 1);
    gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
    gnutls_x509_crt_set_dn(crt, ca ? "CN=peer" : "CN=CA", NULL);
    gnutls_x509_crt_set_key(crt, key);
    gnutls_x509_crt_set_basic_constraints(crt, !ca, -1);
    gnutls_x509_crt_set_key_usage(crt, ca ? GNUTLS_KEY_DIGITAL_SIGNATURE
                                          : GNUTLS_KEY_KEY_CERT_SIGN);
    if (dns)
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, dns,
                                             (unsigned) strlen(dns), GNUTLS_FSAN_SET);
    g_assert_cmpint(gnutls_x509_crt_sign2(crt, ca ? ca : crt, key, GNUTLS_DIG_SHA256,
                                          0),
                    ==, 0);
    g_assert_cmpint(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
    save(file, &pem);
    gnutls_free(pem.data);
    return crt;
}

static void
make_all(void)
{
    gnutls_datum_t pem;

    folder = g_dir_make_tmp("tls-XXXXXX", NULL);
    gnutls_x509_privkey_init(&key);
    g_assert_cmpint(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                                 GNUTLS_CURVE_TO_BITS(
                                                     GNUTLS_ECC_CURVE_SECP256R1),
                                                 0),
                    ==, 0);
    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
    save("key.pem", &pem);
    gnutls_free(pem.data);

    gnutls_x509_crt_t ca = make_certificate("ca.pem", NULL, NULL);
    gnutls_x509_crt_deinit(make_certificate("server.pem", "collector.example.net", ca));
    gnutls_x509_crt_deinit(make_certificate("good.pem", "router.example.net", ca));
    gnutls_x509_crt_deinit(make_certificate("bad.pem", "stranger.example.net", ca));
    gnutls_x509_crt_deinit(ca);
}

static void
remove_all(void)
{
    static const char *const files[] = { "key.pem", "ca.pem", "server.pem", "good.pem",
                                         "bad.pem" };

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = path_of(files[i]);

        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    gnutls_x509_privkey_deinit(key);
}

/* --- both sides --- */

typedef struct {
    Tcp *tcp;
    uint16_t port;
    unsigned n_messages;
    unsigned n_ends;
    TcpEnd last_end;
    unsigned n_secured;
    unsigned n_without;
    TlsVerdict verdict;
    bool full;
    int64_t now_us;
} Fixture;

static bool
on_allow(const IpAddress *peer, void *user_data)
{
    (void) peer;
    (void) user_data;
    return true;
}

static bool
on_message(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
           const uint8_t *bytes, size_t n_bytes, void *user_data)
{
    Fixture *f = user_data;

    (void) session;
    (void) listener;
    (void) peer;
    (void) port;
    g_assert_cmpuint(f->n_secured, >, 0);
    if (f->full)
        return false;
    g_assert_cmpuint(bytes[n_bytes - 1], ==, f->n_messages % 256);
    f->n_messages++;
    return true;
}

static void
on_end(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
       TcpEnd how, void *user_data)
{
    Fixture *f = user_data;

    (void) session;
    (void) listener;
    (void) peer;
    (void) port;
    f->n_ends++;
    f->last_end = how;
}

static void
on_secured(uint64_t session, uint16_t listener, const IpAddress *peer, uint16_t port,
           const char *name, void *user_data)
{
    Fixture *f = user_data;

    (void) listener;
    (void) peer;
    (void) port;
    g_assert_cmpuint(session, !=, 0);
    g_assert_cmpstr(name, ==, "router.example.net");
    f->n_secured++;
}

static void
on_no_session(uint16_t listener, const IpAddress *peer, uint16_t port, TlsVerdict why,
              const char *name, const char *detail, void *user_data)
{
    Fixture *f = user_data;

    (void) listener;
    (void) peer;
    (void) port;
    (void) name;
    (void) detail;
    f->n_without++;
    f->verdict = why;
}

static TlsContext *
server_context(void)
{
    g_autofree char *certificate = path_of("server.pem");
    g_autofree char *key_file = path_of("key.pem");
    g_autofree char *ca = path_of("ca.pem");
    const TlsFiles files = { certificate, key_file, ca, "", "router.example.net" };
    g_autoptr(GError) error = NULL;
    TlsContext *context = tls_context_new(&files, &error);

    g_assert_no_error(error);
    return context;
}

static Fixture *
set_up(void)
{
    static const TcpSink sink = { on_allow, on_message, on_end, on_secured,
                                  on_no_session };
    const TcpLimits limits = { .max_connections = 100,
                               .max_connections_per_address = 100,
                               .message_timeout_sec = 30,
                               .handshake_timeout_sec = 5,
                               .max_handshakes = 3,
                               .handshakes_per_sec = 10,
                               .handshakes_per_sec_and_address = 10 };
    g_autoptr(TlsContext) context = server_context();
    Fixture *f = g_new0(Fixture, 1);
    struct sockaddr_in addr;
    socklen_t length = sizeof(addr);
    const int fd = tcp_listen_socket("127.0.0.1", 0, false, NULL);

    getsockname(fd, (struct sockaddr *) &addr, &length);
    f->port = ntohs(addr.sin_port);
    f->now_us = clock_mono_us();
    f->tcp = tcp_new(&limits, &sink, f, NULL);
    tcp_add_listener(f->tcp, fd, 3, context);
    return f;
}

static void
tear_down(Fixture *f)
{
    tcp_free(f->tcp);
    g_free(f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, tear_down)

static void
turn(Fixture *f)
{
    tcp_dispatch(f->tcp, f->now_us);
    g_usleep(1000);
}

#define WAIT_FOR(f, condition)                                                         \
    do {                                                                               \
        for (int i_ = 0; i_ < PATIENCE && !(condition); i_++)                          \
            turn(f);                                                                   \
        g_assert_true(condition);                                                      \
    } while (0)

typedef struct {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
} Client;

static int
dial(const Fixture *f)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(f->port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };

    g_assert_cmpint(connect(fd, (struct sockaddr *) &to, sizeof(to)), ==, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static Client
client_new(const Fixture *f, const char *certificate, const char *priority)
{
    g_autofree char *certificate_file = path_of(certificate);
    g_autofree char *key_file = path_of("key.pem");
    Client c = { .fd = dial(f) };

    gnutls_certificate_allocate_credentials(&c.credentials);
    g_assert_cmpint(gnutls_certificate_set_x509_key_file(c.credentials,
                                                         certificate_file, key_file,
                                                         GNUTLS_X509_FMT_PEM),
                    ==, 0);
    gnutls_init(&c.session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    g_assert_cmpint(gnutls_priority_set_direct(c.session, priority, NULL), ==, 0);
    gnutls_credentials_set(c.session, GNUTLS_CRD_CERTIFICATE, c.credentials);
    gnutls_transport_set_int(c.session, c.fd);
    return c;
}

static void
client_clear(Client *c)
{
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    close(c->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Client, client_clear)

static int
shake_hands(Fixture *f, Client *c)
{
    int status = GNUTLS_E_AGAIN;

    for (int i = 0; i < PATIENCE && status < 0 && !gnutls_error_is_fatal(status); i++) {
        status = gnutls_handshake(c->session);
        turn(f);
    }
    return status;
}

static void
send_all(Fixture *f, Client *c, const uint8_t *bytes, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes;) {
        const ssize_t n = gnutls_record_send(c->session, bytes + at, n_bytes - at);

        if (n > 0)
            at += (size_t) n;
        else
            g_assert_cmpint(n, ==, GNUTLS_E_AGAIN);
        turn(f);
    }
}

static size_t
make_message(uint8_t *bytes, size_t n_bytes, unsigned number)
{
    memset(bytes, (int) (number % 256), n_bytes);
    bytes[0] = 0;
    bytes[1] = 10;
    bytes[2] = (uint8_t) (n_bytes >> 8);
    bytes[3] = (uint8_t) n_bytes;
    return n_bytes;
}

/* --- tests --- */

/* More than one turn's share, so that some is inside while the socket has nothing. */
static void
test_messages_come_through(void)
{
    static const char *const priorities[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                              "NORMAL:-VERS-ALL:+VERS-TLS1.3" };
    const size_t n_stream = 2000 * 16 + 5 * 65535;

    for (size_t i = 0; i < G_N_ELEMENTS(priorities); i++) {
        g_autoptr(Fixture) f = set_up();
        g_autofree uint8_t *bytes = g_malloc(n_stream);
        size_t n_bytes = 0;
        g_auto(Client) c = client_new(f, "good.pem", priorities[i]);

        g_assert_cmpint(shake_hands(f, &c), ==, 0);
        WAIT_FOR(f, f->n_secured == 1);
        for (unsigned j = 0; j < 2005; j++)
            n_bytes += make_message(bytes + n_bytes, j < 2000 ? 16 : 65535, j);
        send_all(f, &c, bytes, n_bytes);
        WAIT_FOR(f, f->n_messages == 2005);
        gnutls_bye(c.session, GNUTLS_SHUT_WR);
        WAIT_FOR(f, f->n_ends == 1);
        g_assert_cmpint(f->last_end, ==, TCP_END_CLOSED);
    }
}

static void
test_back_pressure(void)
{
    g_autoptr(Fixture) f = set_up();
    g_autofree uint8_t *bytes = g_malloc(100 * 1000);
    g_auto(Client) c = client_new(f, "good.pem", "NORMAL");
    size_t n_bytes = 0;

    g_assert_cmpint(shake_hands(f, &c), ==, 0);
    for (unsigned i = 0; i < 100; i++)
        n_bytes += make_message(bytes + n_bytes, 1000, i);
    f->full = true;
    send_all(f, &c, bytes, n_bytes);
    for (int i = 0; i < 20; i++)
        turn(f);
    g_assert_cmpuint(f->n_messages, ==, 0);
    g_assert_true(tcp_is_blocked(f->tcp));
    f->full = false;
    WAIT_FOR(f, f->n_messages == 100);
    g_assert_false(tcp_is_blocked(f->tcp));
}

static void
test_a_stranger_gets_no_session(void)
{
    g_autoptr(Fixture) f = set_up();
    uint8_t bytes[16];
    g_auto(Client) c = client_new(f, "bad.pem", "NORMAL");

    shake_hands(f, &c);
    make_message(bytes, sizeof(bytes), 0);
    gnutls_record_send(c.session, bytes, sizeof(bytes));
    WAIT_FOR(f, f->n_without == 1);
    g_assert_cmpint(f->verdict, ==, TLS_VERDICT_NAME);
    g_assert_cmpuint(f->n_secured + f->n_messages + f->n_ends, ==, 0);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
}

static void
test_a_new_handshake_ends_the_session(void)
{
    g_autoptr(Fixture) f = set_up();
    g_auto(Client) c = client_new(f, "good.pem", "NORMAL:-VERS-ALL:+VERS-TLS1.2");

    g_assert_cmpint(shake_hands(f, &c), ==, 0);
    WAIT_FOR(f, f->n_secured == 1);
    gnutls_handshake(c.session); /* again */
    WAIT_FOR(f, f->n_ends == 1);
    g_assert_cmpint(f->last_end, ==, TCP_END_MALFORMED);
    g_assert_cmpuint(f->n_secured, ==, 1);
}

static void
test_handshakes_are_limited(void)
{
    g_autoptr(Fixture) f = set_up();
    int fds[12];

    for (size_t i = 0; i < 5; i++)
        fds[i] = dial(f);
    WAIT_FOR(f, f->n_ends == 2); /* three at a time */
    g_assert_cmpint(f->last_end, ==, TCP_END_REFUSED);
    f->now_us += 6 * US_PER_SEC;
    WAIT_FOR(f, f->n_without == 3);
    g_assert_cmpint(f->verdict, ==, TLS_VERDICT_TIMEOUT);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
    for (size_t i = 0; i < 5; i++)
        close(fds[i]);

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) { /* ten a second */
        fds[i] = dial(f);
        close(fds[i]);
        for (int j = 0; j < 5; j++)
            turn(f);
    }
    WAIT_FOR(f, f->n_ends + f->n_without == 5 + 12);
    g_assert_cmpuint(f->n_ends, ==, 2 + 2);
}

static void
test_shutdown_reads_to_the_end(void)
{
    g_autoptr(Fixture) f = set_up();
    uint8_t bytes[64];
    g_auto(Client) c = client_new(f, "good.pem", "NORMAL");
    const int silent = dial(f);

    g_assert_cmpint(shake_hands(f, &c), ==, 0);
    WAIT_FOR(f, f->n_secured == 1 && tcp_n_connections(f->tcp) == 2);
    tcp_shutdown(f->tcp);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 1);
    g_assert_cmpint(gnutls_record_recv(c.session, bytes, sizeof(bytes)), ==, 0);
    make_message(bytes, sizeof(bytes), 0);
    send_all(f, &c, bytes, sizeof(bytes));
    WAIT_FOR(f, f->n_messages == 1);
    tcp_end_all(f->tcp);
    g_assert_cmpint(f->last_end, ==, TCP_END_SHUTDOWN);
    g_assert_cmpuint(tcp_n_connections(f->tcp), ==, 0);
    close(silent);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_all();
    g_test_add_func("/tls/messages-come-through", test_messages_come_through);
    g_test_add_func("/tls/back-pressure", test_back_pressure);
    g_test_add_func("/tls/a-stranger-gets-no-session", test_a_stranger_gets_no_session);
    g_test_add_func("/tls/a-new-handshake-ends-the-session",
                    test_a_new_handshake_ends_the_session);
    g_test_add_func("/tls/handshakes-are-limited", test_handshakes_are_limited);
    g_test_add_func("/tls/shutdown-reads-to-the-end", test_shutdown_reads_to_the_end);
    const int status = g_test_run();
    remove_all();
    return status;
}
