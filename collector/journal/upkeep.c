/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/upkeep.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

#define PAGE_BYTES ((uint64_t) 4096)
#define RETRY_US   (100 * US_PER_MS) /* after the disk refused a segment */
#define REST_US    (10 * US_PER_SEC) /* looks whether there is less to do */

typedef enum { PREPARER, SYNCER, N_THREADS } Role;

struct Upkeep {
    Shelf *shelf;
    char *directory;
    int directory_fd;
    uint32_t sync_ms;
    GThread *threads[N_THREADS];

    GMutex sync_lock; /* one sync at a time */
    GMutex lock;
    GCond poked;
    bool has_work[N_THREADS]; /* lock */
    bool is_stopping;         /* lock */

    _Atomic(bool) distrust;
    /* Interned texts, "" = none.  A failed allocation may be mended; a failed sync
     * leaves a doubt for as long as the process lives. */
    _Atomic(const char *) allocation_error;
    _Atomic(const char *) sync_error;
};

/* --- errors --- */

/* Texts are made of the directory and errno only, so there are few of them. */
static void
set_sync_error(Upkeep *self, int code)
{
    g_autofree char *text = g_strdup_printf("%s: cannot sync the journal: %s",
                                            self->directory, g_strerror(code));

    self->sync_error = g_intern_string(text);
}

void
upkeep_set_allocation_error(Upkeep *self, const GError *error)
{
    /* Without the segment's own name, which differs each time. */
    const char *what = strchr(error->message, ':');
    g_autofree char *text =
        g_strconcat(self->directory, what ? what : error->message, NULL);

    self->allocation_error = g_intern_string(text);
}

const char *
upkeep_error(const Upkeep *self)
{
    const char *sync_error = self->sync_error;

    return *sync_error ? sync_error : self->allocation_error;
}

bool
upkeep_take_distrust(Upkeep *self)
{
    return self->distrust && atomic_exchange(&self->distrust, false);
}

/* --- syncing --- */

/* Only a mapping can name a range; the rest of the file may be pages made ready, which
 * the disk need not see. */
static bool
sync_range(const SegmentFile *file, uint64_t from, uint64_t to)
{
    const uint64_t begin = from & ~(PAGE_BYTES - 1);
    void *map = mmap(NULL, to - begin, PROT_READ, MAP_SHARED, file->fd, (off_t) begin);

    if (map == MAP_FAILED)
        return false;

    const bool ok = msync(map, to - begin, MS_SYNC) == 0;
    const int saved = errno;
    munmap(map, to - begin);
    errno = saved;
    return ok;
}

/* How far to sync now: see the essay in the header. */
static uint64_t
sync_target(const SegmentFile *file, bool everything)
{
    const uint64_t end = file->end;
    const uint64_t whole_pages = end & ~(PAGE_BYTES - 1);

    return !everything && whole_pages > file->synced ? whole_pages : end;
}

static bool
sync_to(Upkeep *self, SegmentFile *file, uint64_t target)
{
    if (!file->is_named && fsync(self->directory_fd) != 0)
        return false;

    file->is_named = true;
    if (!sync_range(file, file->synced, target))
        return false;
    file->synced = target;
    return true;
}

/* A sync that failed may have thrown the pages away and will succeed when asked again:
 * it is not asked again. */
static bool
sync_file(Upkeep *self, SegmentFile *file, bool everything)
{
    const bool is_closed = file->closed_us != 0;
    const uint64_t target = sync_target(file, everything || is_closed);
    const bool ok =
        file->sync_failed || target <= file->synced || sync_to(self, file, target);

    if (!ok) {
        set_sync_error(self, errno);
        file->sync_failed = true;
        if (!is_closed)
            self->distrust = true;
    }
    if (is_closed)
        shelf_settle(self->shelf, file);
    return ok;
}

static bool
sync_files(Upkeep *self, bool everything, bool only_closed)
{
    bool ok = true;

    g_mutex_lock(&self->sync_lock);
    g_autoptr(GPtrArray) files = shelf_unsynced(self->shelf);
    for (guint i = 0; i < files->len; i++) {
        SegmentFile *file = g_ptr_array_index(files, i);

        if (!only_closed || file->closed_us != 0)
            ok = sync_file(self, file, everything) && ok;
    }
    g_mutex_unlock(&self->sync_lock);
    return ok;
}

bool
upkeep_sync(Upkeep *self)
{
    return sync_files(self, true, false);
}

/* --- threads --- */

/* Waits to be poked, or for @timeout_us (0 = for ever).  Returns false when the thread
 * is to end. */
static bool
wait_for_work(Upkeep *self, Role role, int64_t timeout_us)
{
    const gint64 until_us = g_get_monotonic_time() + timeout_us;

    g_mutex_lock(&self->lock);
    while (!self->has_work[role] && !self->is_stopping) {
        if (timeout_us == 0)
            g_cond_wait(&self->poked, &self->lock);
        else if (!g_cond_wait_until(&self->poked, &self->lock, until_us))
            break;
    }
    self->has_work[role] = false;
    const bool go_on = !self->is_stopping;
    g_mutex_unlock(&self->lock);
    return go_on;
}

static bool
make_spares(Upkeep *self)
{
    g_autoptr(GError) error = NULL;

    if (shelf_make_spares(self->shelf, &error)) {
        self->allocation_error = "";
        return true;
    }
    upkeep_set_allocation_error(self, error);
    return false;
}

static gpointer
preparer_main(gpointer user_data)
{
    Upkeep *self = user_data;
    bool ok;

    do {
        ok = make_spares(self);
        shelf_rest(self->shelf);
    } while (wait_for_work(self, PREPARER, ok ? REST_US : RETRY_US));
    return NULL;
}

/* A record in a page not full yet may have to wait for the second round. */
static gpointer
syncer_main(gpointer user_data)
{
    Upkeep *self = user_data;
    const int64_t round_us = self->sync_ms * US_PER_MS / 2;

    while (wait_for_work(self, SYNCER, round_us))
        sync_files(self, false, self->sync_ms == 0);
    return NULL;
}

void
upkeep_poke(Upkeep *self)
{
    g_mutex_lock(&self->lock);
    self->has_work[PREPARER] = true;
    self->has_work[SYNCER] = self->sync_ms == 0; /* else it looks often enough */
    g_cond_broadcast(&self->poked);
    g_mutex_unlock(&self->lock);
}

/* --- life --- */

Upkeep *
upkeep_new(Shelf *shelf, const char *directory, int directory_fd, uint32_t sync_ms)
{
    Upkeep *self = g_new0(Upkeep, 1);

    self->shelf = shelf;
    self->directory = g_strdup(directory);
    self->directory_fd = directory_fd;
    self->sync_ms = sync_ms;
    self->sync_error = self->allocation_error = "";
    g_mutex_init(&self->sync_lock);
    g_mutex_init(&self->lock);
    g_cond_init(&self->poked);
    return self;
}

void
upkeep_start(Upkeep *self)
{
    self->threads[PREPARER] = g_thread_new("journal-space", preparer_main, self);
    self->threads[SYNCER] = g_thread_new("journal-sync", syncer_main, self);
}

void
upkeep_free(Upkeep *self)
{
    if (!self)
        return;

    g_mutex_lock(&self->lock);
    self->is_stopping = true;
    g_cond_broadcast(&self->poked);
    g_mutex_unlock(&self->lock);
    for (size_t i = 0; i < N_THREADS; i++)
        g_clear_pointer(&self->threads[i], g_thread_join);
    g_mutex_clear(&self->sync_lock);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->poked);
    g_free(self->directory);
    g_free(self);
}
