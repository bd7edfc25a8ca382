/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *folder;
    char *path; /* of the main file */
} Files;

static void
files_clear(Files *files)
{
    const char *argv[] = { "rm", "-rf", files->folder, NULL };

    g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                               NULL, NULL, NULL, NULL, NULL));
    g_free(files->folder);
    g_free(files->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Files, files_clear)

static Files
files_new(const char *text)
{
    Files files = { .folder = g_dir_make_tmp("settings-XXXXXX", NULL) };

    files.path = g_build_filename(files.folder, "flowkeep.conf", NULL);
    g_assert_true(g_file_set_contents(files.path, text, -1, NULL));
    return files;
}

static void
add_snippet(const Files *files, const char *name, const char *text)
{
    g_autofree char *folder = g_build_filename(files->folder, "conf.d", NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_mkdir_with_parents(folder, 0700);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
test_defaults(void)
{
    g_auto(Files) files = files_new("");
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_load(files.path, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(settings->name, ==, g_get_host_name());
    g_assert_cmpuint(settings->n_listen, ==, 3);
    g_assert_cmpuint(settings->listen[0].port, ==, 2055);
    g_assert_cmpuint(settings->listen[1].port, ==, 4739);
    g_assert_cmpint(settings->listen[2].transport, ==, TRANSPORT_TCP);
    g_assert_cmpstr(settings->listen[2].address, ==, "::");
    g_assert_cmpuint(settings->listen[0].receive_buffer_bytes, ==, 64 << 20);
    g_assert_cmpuint(settings->journal_max_bytes, ==, UINT64_C(10) << 30);
    g_assert_cmpuint(settings->n_allow, ==, 0);
    g_assert_cmpint(settings->extra, ==, EXTRA_WATCHED);
    g_assert_true(settings->seal_hosts);
    g_assert_cmpuint(settings->batch_rows, ==, 50000);
    g_assert_cmpstr(settings->database.conninfo, ==, "dbname=flowkeep");
}

static const char everything[] = "# everything that can be said\n"
                                 "[collector]\n"
                                 "name = east\n"
                                 "workers = 4\n"
                                 "[listen lan]\n"
                                 "address = 192.0.2.1\n"
                                 "port = 9995\n"
                                 "receive_buffer_bytes = 8M\n"
                                 "trust_exporter_address = true\n"
                                 "[listen tcp]\n"
                                 "transport = tcp\n"
                                 "port = 4739\n"
                                 "[exporters]\n"
                                 "allow = 192.0.2.0/24, 2001:db8::/32;198.51.100.7\n"
                                 "[exporter Zürich core]\n"
                                 "address = 2001:DB8:0::1\n"
                                 "sampling = 1000\n"
                                 "[watch servers]\n"
                                 "description = \\sleading blank, \"quoted\"\n"
                                 "networks = 10.0.0.0/8\n"
                                 "[database]\n"
                                 "conninfo = service=flows\n"
                                 "[store]\n"
                                 "extra = none\n"
                                 "seal_index = none\n"
                                 "partition_minutes = 15\n"
                                 "[mail]\n"
                                 "whatever = it is not ours\n"
                                 "[recipient noc]\n"
                                 "address = noc@example.net\n";

static void
test_everything_is_read(void)
{
    g_auto(Files) files = files_new(everything);
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_load(files.path, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(settings->name, ==, "east");
    g_assert_cmpuint(settings->workers, ==, 4);
    g_assert_cmpuint(settings->n_listen, ==, 2);
    g_assert_cmpstr(settings->listen[0].name, ==, "lan");
    g_assert_cmpstr(settings->listen[0].address, ==, "192.0.2.1");
    g_assert_cmpuint(settings->listen[0].receive_buffer_bytes, ==, 8 << 20);
    g_assert_true(settings->listen[0].trust_exporter_address);
    g_assert_cmpint(settings->listen[1].transport, ==, TRANSPORT_TCP);
    g_assert_cmpuint(settings->n_allow, ==, 3);
    g_assert_cmpuint(settings->allow[2].bits, ==, 128);
    g_assert_cmpstr(settings->exporter[0].name, ==, "Zürich core");
    g_assert_cmpstr(settings->exporter[0].address, ==, "2001:db8::1");
    g_assert_cmphex(settings->exporter[0].parsed.bytes[15], ==, 1);
    g_assert_cmpuint(settings->exporter[0].sampling, ==, 1000);
    g_assert_cmpstr(settings->watch[0].name, ==, "servers");
    g_assert_cmpuint(settings->watch[0].n_networks, ==, 1);
    g_assert_cmpint(settings->extra, ==, EXTRA_NONE);
    g_assert_false(settings->seal_hosts);
}

/* Also of the defaults: what was dumped reads back and dumps to the same. */
static void
test_the_dump_reads_back(void)
{
    static const char *const texts[] = { "", everything };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(Files) files = files_new(texts[i]);
        g_autoptr(Settings) settings = settings_load(files.path, NULL);
        g_autofree char *dump = settings_dump(settings);
        g_auto(Files) again_files = files_new(dump);
        g_autoptr(GError) error = NULL;
        g_autoptr(Settings) again = settings_load(again_files.path, &error);

        g_assert_no_error(error);
        g_autofree char *again_dump = settings_dump(again);
        g_assert_cmpstr(again_dump, ==, dump);
        g_assert_nonnull(strstr(dump, "segment_bytes=16M\n"));
    }
}

static const struct {
    const char *text;
    const char *complaint;
} refusals[] = {
    { "port=1\n", "does not start with a group" },
    { "[store]\nrubbish\n", "not a key-value pair" },
    { "[\xff]\n", "not a text file in UTF-8" },
    { "[stroe]\n", "[stroe]: no such section; is [store] meant?" },
    { "[frobnicate]\n", "[frobnicate]: no such section" },
    { "[store]\nbatch_row=1\n", "[store] batch_row: no such key; is batch_rows" },
    { "[store]\nsync_ms=1\n", "[store] sync_ms: no such key here; it belongs to "
                              "[journal]" },
    { "[store]\ntalkers[de]=10\n", "[store] talkers[de]: no such key" },
    { "[store lan]\n", "[store lan]: takes no name" },
    { "[listen]\nport=1\n", "[listen]: needs a name" },
    { "[listen a]\n", "[listen a] port: missing: must be a number from 1 to 65535" },
    { "[listen a]\nport=0\n", "[listen a] port: \"0\" is not allowed: must be a number "
                              "from 1 to 65535" },
    { "[listen a]\nport=70000\n", "\"70000\" is not allowed" },
    { "[listen a]\nport=-1\n", "\"-1\" is not allowed" },
    { "[listen a]\nport=0x10\n", "\"0x10\" is not allowed" },
    { "[listen a]\nport=ftp\n", "\"ftp\" is not allowed" },
    { "[listen a]\nport=1K\n", "\"1K\" is not allowed" },
    { "[listen a]\nport=\n", "\"\" is not allowed" },
    { "[listen a]\nport=1\naddress=localhost\n",
      "[listen a] address: \"localhost\" is not allowed: must be an IPv4 or IPv6" },
    { "[listen a]\nport=1\ntransport=sctp\n",
      "[listen a] transport: \"sctp\" is not allowed: must be udp, tcp or tls" },
    { "[listen a]\ntransport=tls\n",
      "[listen a] tls_certificate: missing: transport = tls needs it" },
    { "[listen a]\ntransport=tls\ntls_certificate=/c\ntls_key=/k\ntls_client_ca=/a\n",
      "[listen a] tls_allowed_names: missing: transport = tls needs it" },
    { "[listen a]\ntransport=tls\ntls_certificate=/c\ntls_key=/k\ntls_client_ca=/a\n"
      "tls_allowed_names=a.example.net, *\n",
      "[listen a] tls_allowed_names: \"*\" is not allowed: must be a DNS name" },
    { "[listen a]\ntransport=tls\ntls_certificate=/c\ntls_key=/dev/null\n"
      "tls_client_ca=/a\ntls_allowed_names=a.example.net\n",
      "[listen a] tls_key: \"/dev/null\" can be used by others than its owner" },
    { "[listen a]\nport=1\ntransport=tcp\ntls_key=/k\n",
      "[listen a] tls_key: only with transport = tls" },
    { "[listen a]\nport=4740\ntransport=tcp\n[listen b]\ntransport=tls\n"
      "tls_certificate=/c\ntls_key=/k\ntls_client_ca=/a\ntls_allowed_names=a.net\n",
      "[listen b] port: \"4740\" at this address is already that of [listen a]" },
    { "[listen a]\nport=1\n[listen b]\nport=1\naddress=::0\n",
      "[listen b] port: \"1\" at this address is already that of [listen a]" },
    { "[listen a]\nport=1\n[listen  a]\n", "[listen  a]: stands here for the second" },
    { "[store]\ntalkers=10\ntalkers = 10\n",
      "[store] talkers: stands here for the second time (line 3)" },
    { "[listen a]\nport=1\ntrust_exporter_address=maybe\n",
      "\"maybe\" is not allowed: must be false or true" },
    { "[listen a]\nport=1\nreceive_buffer_bytes=1\n", "must be a size from 64K to 1G" },
    { "[journal]\nsegment_bytes=999999999999G\n", "must be a size from 1M to 1G" },
    { "[journal]\nsegment_bytes=16 M\n", "\"16 M\" is not allowed" },
    { "[journal]\ndirectory=here\n", "must be an absolute path" },
    { "[journal]\nmax_bytes=20M\n", "[journal] max_bytes: too little for two files" },
    { "[exporters]\nallow=10.0.0.1/8\n",
      "[exporters] allow: \"10.0.0.1/8\" has host bits set: is 10.0.0.0/8 or "
      "10.0.0.1/32 meant?" },
    { "[exporters]\nallow=10.0.0.0/33\n", "not from 0 to 32" },
    { "[exporters]\nallow=everybody\n", "\"everybody\" is not a network" },
    { "[exporter a]\n", "[exporter a] address: missing" },
    { "[exporter a]\naddress=192.0.2.1\n[exporter b]\naddress=::ffff:192.0.2.1\n",
      "[exporter b] address: \"192.0.2.1\" is already that of [exporter a]" },
    { "[exporter a]\naddress=192.0.2.1\nsampling=2000000\n",
      "\"2000000\" is above [decode] max_sampling, which is 1000000" },
    { "[watch a]\n", "[watch a] networks: missing" },
    { "[watch a]\nnetworks=\n", "must be one or more networks" },
    { "[watch a]\nnetworks=::/0\n[watch b]\nnetworks=10.0.0.0/8 ::/0\n",
      "[watch b] networks: \"::/0\" stands already in [watch a]" },
    { "[store]\npartition_minutes=7\n", "a day (1440) must be a multiple of it" },
    { "[store]\nextra=some\n", "must be watched, all or none" },
    { "[collector]\nname=a\\q\n", "[collector] name: a backslash must be followed" },
    { "[database]\nconninfo=host=db password=geheim\n",
      "[database] conninfo: a password does not belong here" },
    { "[database]\nconninfo=postgresql://u:geheim@db/flow\n", "does not belong here" },
    { "[database]\nadmin_conninfo=host=db pass word=geheim\n",
      "[database] admin_conninfo: not a connection string" },
    { "[database]\nconninfo=flowkeep\n", "missing \"=\" after \"flowkeep\"" },
};

static void
test_refusals(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_auto(Files) files = files_new(refusals[i].text);
        g_autoptr(GError) error = NULL;
        g_autoptr(Settings) settings = settings_load(files.path, &error);

        g_assert_null(settings);
        g_test_message("%s", error->message);
        g_assert_true(g_str_has_prefix(error->message, files.path));
        g_assert_nonnull(strstr(error->message, refusals[i].complaint));
        g_assert_null(strstr(error->message, "geheim"));
    }
}

static void
test_a_later_file_wins(void)
{
    g_auto(Files) files = files_new("[store]\ntalkers=100\nbatch_ms=50\n"
                                    "[listen lan]\nport=2055\n");
    g_autoptr(GError) error = NULL;

    add_snippet(&files, "20-b.conf", "[store]\ntalkers=300\n");
    add_snippet(&files, "10-a.conf",
                "[store]\ntalkers=200\n[listen lan]\nreceive_buffer_bytes=1M\n");
    add_snippet(&files, "README", "not read");
    add_snippet(&files, ".hidden.conf", "not read");
    g_autoptr(Settings) settings = settings_load(files.path, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(settings->talkers, ==, 300);
    g_assert_cmpuint(settings->batch_ms, ==, 50);
    g_assert_cmpuint(settings->n_listen, ==, 1);
    g_assert_cmpuint(settings->listen[0].port, ==, 2055);
    g_assert_cmpuint(settings->listen[0].receive_buffer_bytes, ==, 1 << 20);
}

static void
test_messages_name_the_file_at_fault(void)
{
    g_auto(Files) files = files_new("[watch a]\nnetworks=10.0.0.0/8\n");
    g_autoptr(GError) error = NULL;

    add_snippet(&files, "sites.conf", "[watch b]\nnetworks=10.0.0.0/8\n");
    g_assert_null(settings_load(files.path, &error));
    g_assert_nonnull(strstr(error->message, "/conf.d/sites.conf: [watch b] networks"));

    g_clear_error(&error);
    g_unlink(files.path);
    g_assert_null(settings_load(files.path, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, files.path));
}

static void
test_a_password_file_is_private(void)
{
    g_auto(Files) secret = files_new("*:*:*:*:geheim\n");
    g_autofree char *text =
        g_strdup_printf("[database]\npassword_file=%s\n", secret.path);
    g_auto(Files) files = files_new(text);
    g_autoptr(GError) error = NULL;

    g_chmod(secret.path, 0640);
    g_assert_null(settings_load(files.path, &error));
    g_assert_nonnull(strstr(error->message, "[database] password_file: "));

    g_chmod(secret.path, 0600);
    g_autoptr(Settings) settings = settings_load(files.path, NULL);
    g_assert_cmpstr(settings->database.password_file, ==, secret.path);
}

static void
test_the_manual_names_every_key(void)
{
    g_auto(Files) files = files_new("");
    g_autoptr(Settings) settings = settings_load(files.path, NULL);
    g_autofree char *dump = settings_dump(settings);
    g_autofree char *man = settings_man();
    g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (!strchr(*line, '='))
            continue;

        g_autofree char *key = g_strndup(*line, strcspn(*line, "="));
        g_autofree char *item = g_strdup_printf(".It Cm %s\n", key);
        g_assert_nonnull(strstr(man, item));
    }
    g_assert_nonnull(strstr(man, ".Ss [listen NAME]\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/defaults", test_defaults);
    g_test_add_func("/settings/everything-is-read", test_everything_is_read);
    g_test_add_func("/settings/the-dump-reads-back", test_the_dump_reads_back);
    g_test_add_func("/settings/refusals", test_refusals);
    g_test_add_func("/settings/a-later-file-wins", test_a_later_file_wins);
    g_test_add_func("/settings/messages-name-the-file-at-fault",
                    test_messages_name_the_file_at_fault);
    g_test_add_func("/settings/a-password-file-is-private",
                    test_a_password_file_is_private);
    g_test_add_func("/settings/the-manual-names-every-key",
                    test_the_manual_names_every_key);
    return g_test_run();
}
