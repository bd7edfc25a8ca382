/* SPDX-License-Identifier: Apache-2.0 */

/* misbehave WHAT: does what a sanitizer must notice, or (guarded, waited) what it must
 * not; test-sanitizer.py asks.  Built with sanitizers only. */

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static GMutex lock; /* all zero is a lock */
static GCond filled;
static volatile int shared;
static bool is_filled;

static gpointer
add_bare(gpointer unused)
{
    (void) unused;
    shared++;
    return NULL;
}

static gpointer
add_guarded(gpointer unused)
{
    (void) unused;
    g_mutex_lock(&lock);
    shared++;
    g_mutex_unlock(&lock);
    return NULL;
}

static gpointer
fill(gpointer unused)
{
    (void) unused;
    g_usleep(10000); /* the other waits by then */
    shared = 1;
    g_mutex_lock(&lock);
    is_filled = true;
    g_cond_signal(&filled);
    g_mutex_unlock(&lock);
    return NULL;
}

static void
run_two(GThreadFunc work)
{
    GThread *one = g_thread_new("one", work, NULL);
    GThread *other = g_thread_new("other", work, NULL);

    g_thread_join(one);
    g_thread_join(other);
}

static void
wait_for_other(void)
{
    GThread *other = g_thread_new("other", fill, NULL);

    g_mutex_lock(&lock);
    while (!is_filled)
        g_cond_wait_until(&filled, &lock, g_get_monotonic_time() + G_USEC_PER_SEC);
    g_mutex_unlock(&lock);
    shared++;
    g_thread_join(other);
}

static void
leak(void)
{
    void *volatile lost = g_malloc(100);

    lost = NULL;
    (void) lost;
}

static void
read_behind(void)
{
    char *volatile text = g_strdup("abc");

    printf("%d\n", text[4]);
    g_free(text);
}

static void
overflow(void)
{
    volatile int number = G_MAXINT;

    number++;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "race") == 0)
        run_two(add_bare);
    else if (strcmp(what, "guarded") == 0)
        run_two(add_guarded);
    else if (strcmp(what, "waited") == 0)
        wait_for_other();
    else if (strcmp(what, "leak") == 0)
        leak();
    else if (strcmp(what, "behind") == 0)
        read_behind();
    else if (strcmp(what, "overflow") == 0)
        overflow();
    else
        return 2;
    return 0;
}
