/* SPDX-License-Identifier: Apache-2.0 */

/* GLib's locks as the thread sanitizer sees them: linked into -Db_sanitize=thread
 * builds, and only these.
 *
 * GLib makes its mutexes and conditions of futexes, in a library that was not built
 * with the sanitizer, which therefore would take all that a GMutex guards for races.
 * What stands here takes the place of these functions (a program's own come first) and
 * does the same with pthread's, which the sanitizer knows; it is how GLib does it where
 * there are no futexes.  A lock that the code forgets is still forgotten. */

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "clock.h"

/* A GMutex or GCond that nobody initialised is all zero: the first to use it makes what
 * it points to. */
static void *
made_once(void *volatile *place, void *(*make)(void), void (*destroy)(void *))
{
    void *there = __atomic_load_n(place, __ATOMIC_ACQUIRE);

    if (there)
        return there;

    void *made = make();
    if (__atomic_compare_exchange_n(place, &there, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    destroy(made);
    return there;
}

static void *
make_mutex(void)
{
    pthread_mutex_t *mutex = g_new(pthread_mutex_t, 1);

    pthread_mutex_init(mutex, NULL);
    return mutex;
}

static void
destroy_mutex(void *mutex)
{
    pthread_mutex_destroy(mutex);
    g_free(mutex);
}

static pthread_mutex_t *
mutex_of(GMutex *mutex)
{
    return made_once((void *volatile *) &mutex->p, make_mutex, destroy_mutex);
}

static void *
make_cond(void)
{
    pthread_cond_t *cond = g_new(pthread_cond_t, 1);
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return cond;
}

static void
destroy_cond(void *cond)
{
    pthread_cond_destroy(cond);
    g_free(cond);
}

static pthread_cond_t *
cond_of(GCond *cond)
{
    return made_once((void *volatile *) &cond->p, make_cond, destroy_cond);
}

void
g_mutex_init(GMutex *mutex)
{
    mutex->p = NULL;
}

void
g_mutex_clear(GMutex *mutex)
{
    if (mutex->p)
        destroy_mutex(mutex->p);
    mutex->p = NULL;
}

void
g_mutex_lock(GMutex *mutex)
{
    g_assert(pthread_mutex_lock(mutex_of(mutex)) == 0);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
    return pthread_mutex_trylock(mutex_of(mutex)) == 0;
}

void
g_mutex_unlock(GMutex *mutex)
{
    g_assert(pthread_mutex_unlock(mutex_of(mutex)) == 0);
}

void
g_cond_init(GCond *cond)
{
    cond->p = NULL;
}

void
g_cond_clear(GCond *cond)
{
    if (cond->p)
        destroy_cond(cond->p);
    cond->p = NULL;
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    pthread_cond_wait(cond_of(cond), mutex_of(mutex));
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    const struct timespec until = { end_time / US_PER_SEC,
                                    end_time % US_PER_SEC * 1000 };

    return pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &until) == 0;
}

void
g_cond_signal(GCond *cond)
{
    pthread_cond_signal(cond_of(cond));
}

void
g_cond_broadcast(GCond *cond)
{
    pthread_cond_broadcast(cond_of(cond));
}
