/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"

/* Enough for the writer while a slow sync keeps the other thread from making more. */
#define N_SPARES 2

/* While the disk refuses segments, so many may be in memory, where only the process
 * keeps them: enough to go on with a database that takes what comes. */
#define N_IN_MEMORY 4

/* A segment that lasts less than this is written too fast for the writer to wait for
 * the file system at each new page: the pages of the next ones are made ready. */
#define BUSY_US (5 * US_PER_SEC)

struct Shelf {
    char *directory;
    uint64_t segment_bytes;
    uint64_t max_bytes;

    GMutex lock; /* guards all below */
    GCond made;
    GPtrArray *files; /* by number */
    GQueue spares;    /* by number */
    bool is_making;
    bool is_busy;
    bool allows_memory;
    unsigned n_in_memory; /* of files */
    int64_t taken_us;     /* when the last spare was taken; monotonic */
    uint64_t last_number; /* of any file ever made here */
    uint64_t total_bytes; /* of all files */
    _Atomic(uint64_t) newest_number;
};

static void
unref_file(gpointer file)
{
    segment_file_unref(file);
}

static SegmentFile *
file_at(const Shelf *self, guint i)
{
    return g_ptr_array_index(self->files, i);
}

/* --- opening --- */

static int
compare_numbers(gconstpointer a, gconstpointer b)
{
    const uint64_t x = *(const uint64_t *) a;
    const uint64_t y = *(const uint64_t *) b;

    return x < y ? -1 : x > y;
}

/* Numbers of the files there are, bad ones too, newest first. */
static GArray *
list_numbers(Shelf *self, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(self->directory, 0, error);
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    const char *name;

    if (!dir)
        return NULL;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *stem = g_strdup(name);
        uint64_t number;

        if (g_str_has_suffix(stem, ".bad"))
            stem[strlen(stem) - strlen(".bad")] = '\0';
        if (!segment_parse_name(stem, &number))
            continue;

        self->last_number = MAX(self->last_number, number);
        if (segment_parse_name(name, &number))
            g_array_append_val(numbers, number);
    }
    g_array_sort(numbers, compare_numbers);
    return g_steal_pointer(&numbers);
}

static bool
remove_or_quarantine(const Shelf *self, uint64_t number, bool is_bad, GError **error)
{
    char name[SEGMENT_NAME_BYTES];

    segment_format_name(number, name);
    g_autofree char *path = g_build_filename(self->directory, name, NULL);
    g_autofree char *bad = g_strconcat(path, ".bad", NULL);

    if (is_bad ? rename(path, bad) == 0 : unlink(path) == 0)
        return true;

    segment_file_set_error(error, path, "cannot put a bad segment aside");
    return false;
}

/* From the newest down, since the newest good one says whose journal this is. */
static bool
load_file(Shelf *self, uint64_t number, uint8_t id[SEGMENT_ID_BYTES], GError **error)
{
    g_autoptr(SegmentFile) file = NULL;

    switch (segment_file_load(self->directory, number, &file, error)) {
    case SEGMENT_FILE_FAILED:
        return false;
    case SEGMENT_FILE_UNUSED:
        return remove_or_quarantine(self, number, false, error);
    case SEGMENT_FILE_BAD:
        return remove_or_quarantine(self, number, true, error);
    case SEGMENT_FILE_LOADED:
        break;
    }

    if (self->files->len == 0)
        memcpy(id, file->header.journal_id, SEGMENT_ID_BYTES);
    else if (memcmp(id, file->header.journal_id, SEGMENT_ID_BYTES) != 0)
        return remove_or_quarantine(self, number, true, error);

    self->total_bytes += file->n_bytes;
    g_ptr_array_insert(self->files, 0, g_steal_pointer(&file));
    return true;
}

static bool
load_all(Shelf *self, uint8_t id[SEGMENT_ID_BYTES], GError **error)
{
    g_autoptr(GArray) numbers = list_numbers(self, error);

    if (!numbers)
        return false;
    for (guint i = numbers->len; i > 0; i--) {
        if (!load_file(self, g_array_index(numbers, uint64_t, i - 1), id, error))
            return false;
    }

    if (self->files->len > 0) {
        self->newest_number = file_at(self, self->files->len - 1)->number;
        return true;
    }
    if (getrandom(id, SEGMENT_ID_BYTES, 0) == SEGMENT_ID_BYTES)
        return true;
    segment_file_set_error(error, self->directory, "no random numbers");
    return false;
}

Shelf *
shelf_open(const ShelfOptions *options, uint8_t id[SEGMENT_ID_BYTES], GError **error)
{
    g_autoptr(Shelf) self = g_new0(Shelf, 1);

    self->directory = g_strdup(options->directory);
    self->segment_bytes = options->segment_bytes;
    self->max_bytes = options->max_bytes;
    self->files = g_ptr_array_new_with_free_func(unref_file);
    g_queue_init(&self->spares);
    g_mutex_init(&self->lock);
    g_cond_init(&self->made);
    return load_all(self, id, error) ? g_steal_pointer(&self) : NULL;
}

void
shelf_free(Shelf *self)
{
    SegmentFile *spare;

    if (!self)
        return;

    while ((spare = g_queue_pop_head(&self->spares))) {
        segment_file_unlink(spare);
        segment_file_unref(spare);
    }
    g_ptr_array_unref(self->files);
    g_mutex_clear(&self->lock);
    g_cond_clear(&self->made);
    g_free(self->directory);
    g_free(self);
}

/* --- spares --- */

static bool
has_room(const Shelf *self)
{
    return self->total_bytes + self->segment_bytes <= self->max_bytes;
}

static uint64_t
next_number(const Shelf *self)
{
    return MAX(self->last_number + 1, (uint64_t) clock_wall_us() / 1000);
}

/* Makes one spare; called with the lock, which is let go of meanwhile. */
static bool
make_spare(Shelf *self, GError **error)
{
    const uint64_t number = next_number(self);

    self->is_making = true;
    self->last_number = number;
    self->total_bytes += self->segment_bytes;
    const bool is_busy = self->is_busy;
    g_mutex_unlock(&self->lock);
    SegmentFile *file =
        segment_file_make(self->directory, number, self->segment_bytes, error);
    if (file && is_busy)
        segment_file_make_ready(file);
    g_mutex_lock(&self->lock);
    if (file)
        g_queue_push_tail(&self->spares, file);
    else
        self->total_bytes -= self->segment_bytes;
    /* Or a disk that keeps refusing would have the numbers run ahead of the clock. */
    if (!file && self->last_number == number)
        self->last_number = number - 1;
    self->is_making = false;
    g_cond_broadcast(&self->made);
    return file != NULL;
}

/* Called with the lock: it is quickly made.  NULL = no more of them. */
static SegmentFile *
make_in_memory(Shelf *self)
{
    if (!self->allows_memory || self->n_in_memory == N_IN_MEMORY)
        return NULL;

    const uint64_t number = next_number(self);
    SegmentFile *file = segment_file_make_in_memory(number, self->segment_bytes, NULL);

    if (file) {
        self->last_number = number;
        self->total_bytes += self->segment_bytes;
        self->n_in_memory++;
    }
    return file;
}

void
shelf_allow_memory(Shelf *self)
{
    self->allows_memory = true;
}

bool
shelf_make_spares(Shelf *self, GError **error)
{
    bool ok = true;

    g_mutex_lock(&self->lock);
    while (ok && !self->is_making && self->spares.length < N_SPARES && has_room(self))
        ok = make_spare(self, error);
    g_mutex_unlock(&self->lock);
    return ok;
}

void
shelf_rest(Shelf *self)
{
    g_mutex_lock(&self->lock);
    if (self->is_busy && clock_mono_us() - self->taken_us >= BUSY_US) {
        self->is_busy = false;
        for (GList *link = self->spares.head; link; link = link->next)
            segment_file_make_unready(link->data);
    }
    g_mutex_unlock(&self->lock);
}

SegmentFile *
shelf_take_spare(Shelf *self, GError **error)
{
    const int64_t now_us = clock_mono_us();

    g_mutex_lock(&self->lock);
    while (self->spares.length == 0 && self->is_making)
        g_cond_wait(&self->made, &self->lock);
    const bool is_refused =
        self->spares.length == 0 && has_room(self) && !make_spare(self, error);
    SegmentFile *file =
        is_refused ? make_in_memory(self) : g_queue_pop_head(&self->spares);
    self->is_busy = now_us - self->taken_us < BUSY_US;
    self->taken_us = now_us;
    g_mutex_unlock(&self->lock);
    return file;
}

/* --- segments --- */

void
shelf_add(Shelf *self, SegmentFile *file)
{
    g_mutex_lock(&self->lock);
    g_ptr_array_add(self->files, segment_file_ref(file));
    g_mutex_unlock(&self->lock);
    self->newest_number = file->number;
}

/* Takes a file off the shelf; called with the lock.  The name goes when the lock is
 * free again. */
static SegmentFile *
steal_at(Shelf *self, guint i)
{
    SegmentFile *file = g_ptr_array_steal_index(self->files, i);

    self->total_bytes -= file->n_bytes;
    self->n_in_memory -= file->memory_fd >= 0;
    return file;
}

static void
unlink_file(SegmentFile *file)
{
    segment_file_unlink(file);
    segment_file_unref(file);
}

void
shelf_remove(Shelf *self, SegmentFile *file)
{
    guint i;

    g_mutex_lock(&self->lock);
    SegmentFile *stolen =
        g_ptr_array_find(self->files, file, &i) ? steal_at(self, i) : NULL;
    g_mutex_unlock(&self->lock);
    if (stolen)
        unlink_file(stolen);
}

SegmentFile *
shelf_find(Shelf *self, uint64_t number)
{
    SegmentFile *found = NULL;

    g_mutex_lock(&self->lock);
    for (guint i = 0; i < self->files->len && !found; i++) {
        if (file_at(self, i)->number >= number)
            found = segment_file_ref(file_at(self, i));
    }
    g_mutex_unlock(&self->lock);
    return found;
}

SegmentFile *
shelf_oldest(Shelf *self)
{
    return shelf_find(self, 0);
}

SegmentFile *
shelf_newest(Shelf *self)
{
    SegmentFile *newest = NULL;

    g_mutex_lock(&self->lock);
    if (self->files->len > 0)
        newest = segment_file_ref(file_at(self, self->files->len - 1));
    g_mutex_unlock(&self->lock);
    return newest;
}

uint64_t
shelf_newest_number(const Shelf *self)
{
    return self->newest_number;
}

uint64_t
shelf_first_seq(Shelf *self, SegmentFile *file)
{
    g_mutex_lock(&self->lock);
    const uint64_t first_seq = file->header.first_seq;
    g_mutex_unlock(&self->lock);
    return first_seq;
}

void
shelf_set_first_seq(Shelf *self, SegmentFile *file, uint64_t first_seq)
{
    g_mutex_lock(&self->lock);
    SegmentHeader header = file->header;
    header.first_seq = first_seq;
    segment_file_begin(file, &header);
    g_mutex_unlock(&self->lock);
}

GPtrArray *
shelf_unsynced(Shelf *self)
{
    GPtrArray *unsynced = g_ptr_array_new_with_free_func(unref_file);

    g_mutex_lock(&self->lock);
    for (guint i = 0; i < self->files->len; i++) {
        if (file_at(self, i)->fd >= 0)
            g_ptr_array_add(unsynced, segment_file_ref(file_at(self, i)));
    }
    g_mutex_unlock(&self->lock);
    return unsynced;
}

void
shelf_settle(Shelf *self, SegmentFile *file)
{
    const bool is_cut = segment_file_cut(file);
    const uint64_t end = file->end;
    const int fd = file->fd;

    segment_file_unmap(file);
    g_mutex_lock(&self->lock);
    if (is_cut && g_ptr_array_find(self->files, file, NULL))
        self->total_bytes -= file->n_bytes - end;
    if (is_cut)
        file->n_bytes = end;
    file->fd = -1;
    g_mutex_unlock(&self->lock);
    if (fd >= 0)
        close(fd);
}

uint64_t
shelf_bytes_after(Shelf *self, uint64_t number, uint64_t offset)
{
    uint64_t sum = 0;

    g_mutex_lock(&self->lock);
    for (guint i = 0; i < self->files->len; i++) {
        const SegmentFile *file = file_at(self, i);
        const uint64_t from = file->number == number ? MAX(offset, SEGMENT_HEADER_BYTES)
                                                     : SEGMENT_HEADER_BYTES;
        const uint64_t end = file->end;

        if (file->number >= number && end > from)
            sum += end - from;
    }
    g_mutex_unlock(&self->lock);
    return sum;
}

/* Whether only the first file is on disk: it stays, since it says whose journal this
 * is to the next process. */
static bool
is_rest_in_memory(const Shelf *self)
{
    return file_at(self, 0)->memory_fd < 0 && self->n_in_memory + 1 == self->files->len;
}

/* The oldest file that may go; called with the lock. */
static SegmentFile *
steal_releasable(Shelf *self, uint64_t number, uint32_t keep_sec)
{
    const guint oldest = self->files->len > 0 && is_rest_in_memory(self) ? 1 : 0;

    if (self->files->len < oldest + 2)
        return NULL;

    const int64_t young_us = clock_wall_us() - keep_sec * US_PER_SEC;
    const int64_t closed_us = file_at(self, oldest)->closed_us;

    if (file_at(self, oldest)->number >= number || closed_us == 0)
        return NULL;
    if (keep_sec > 0 && closed_us > young_us && has_room(self))
        return NULL;
    return steal_at(self, oldest);
}

void
shelf_release(Shelf *self, uint64_t number, uint32_t keep_sec)
{
    SegmentFile *file;

    do {
        g_mutex_lock(&self->lock);
        file = steal_releasable(self, number, keep_sec);
        g_mutex_unlock(&self->lock);
        if (file)
            unlink_file(file);
    } while (file);
}
