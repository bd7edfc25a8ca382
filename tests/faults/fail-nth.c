/* SPDX-License-Identifier: Apache-2.0 */

/* Fail-nth: the n-th call of some functions fails, as SQLite's tests have it.
 *
 * To be preloaded (LD_PRELOAD).  What it does is in the environment:
 *
 *   FAIL_CALLS    names of calls, separated by commas, counted together
 *   FAIL_NTH      the first one that fails, from 1; 0 = none, they are only counted
 *   FAIL_TIMES    so many fail from there on (1); 0 = all
 *   FAIL_ERRNO    number of the error (5, EIO)
 *   FAIL_PROGRAM  the program it is for; others are left alone
 *   FAIL_WHILE    a file: calls count while it exists; none = always
 *   FAIL_REPORT   a file of 16 bytes to count in: calls so far, calls that failed
 *
 * A call fails in the way its manual page says, and does nothing.  Which calls there
 * are stands in CALLS below: those the collector makes to memory, disk and server. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLS(X)                                                                       \
    X(malloc)                                                                          \
    X(calloc)                                                                          \
    X(realloc)                                                                         \
    X(open)                                                                            \
    X(posix_fallocate)                                                                 \
    X(mmap)                                                                            \
    X(msync)                                                                           \
    X(fsync)                                                                           \
    X(fdatasync)                                                                       \
    X(truncate)                                                                        \
    X(ftruncate)                                                                       \
    X(pread)                                                                           \
    X(read)                                                                            \
    X(write)                                                                           \
    X(pwrite)                                                                          \
    X(unlink)                                                                          \
    X(rename)                                                                          \
    X(flock)                                                                           \
    X(send)                                                                            \
    X(recv)                                                                            \
    X(recvmmsg)                                                                        \
    X(PQconnectdbParams)                                                               \
    X(PQexec)                                                                          \
    X(PQexecParams)                                                                    \
    X(PQsendQuery)                                                                     \
    X(PQsendQueryParams)                                                               \
    X(PQputCopyData)                                                                   \
    X(PQputCopyEnd)                                                                    \
    X(PQescapeLiteral)                                                                 \
    X(PQunescapeBytea)

#define AS_MEMBER(name) CALL_##name,
#define AS_NAME(name)   #name,

typedef enum { CALLS(AS_MEMBER) N_CALLS } Call;

static const char *const names[N_CALLS] = { CALLS(AS_NAME) };

typedef struct {
    _Atomic(uint64_t) n_calls;
    _Atomic(uint64_t) n_failed;
} Report;

static Report own_report;
static Report *report = &own_report;
static bool counted[N_CALLS];
static bool is_ready;
static uint64_t nth;
static uint64_t times;
static int error_number;
static const char *condition;

extern void *__libc_malloc(size_t n_bytes);
extern void *__libc_calloc(size_t n, size_t n_bytes);
extern void *__libc_realloc(void *memory, size_t n_bytes);

/* The function of that name that would have been called without this library. */
#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void
choose_calls(const char *list)
{
    for (int call = 0; call < N_CALLS; call++) {
        const size_t n = strlen(names[call]);

        for (const char *at = list; at && *at; at += *at == ',') {
            const size_t length = strcspn(at, ",");

            if (length == n && strncmp(at, names[call], n) == 0)
                counted[call] = true;
            at += length;
        }
    }
}

static void
map_report(const char *path)
{
    const int fd = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map =
            REAL(mmap)(NULL, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (map != MAP_FAILED)
        report = map;
}

__attribute__((constructor)) static void
begin(void)
{
    const char *program = getenv("FAIL_PROGRAM");

    if (program && strcmp(program, program_invocation_short_name) != 0)
        return;

    nth = number_from("FAIL_NTH", 0);
    times = number_from("FAIL_TIMES", 1);
    error_number = (int) number_from("FAIL_ERRNO", EIO);
    condition = getenv("FAIL_WHILE");
    map_report(getenv("FAIL_REPORT"));
    choose_calls(getenv("FAIL_CALLS"));
    is_ready = true;
}

/* Counts a call, and tells whether it is one that fails. */
static bool
fails(Call call)
{
    if (!is_ready || !counted[call])
        return false;
    if (condition && access(condition, F_OK) != 0)
        return false;

    const uint64_t n = atomic_fetch_add(&report->n_calls, 1) + 1;
    if (nth == 0 || n < nth || (times > 0 && n - nth >= times))
        return false;
    atomic_fetch_add(&report->n_failed, 1);
    errno = error_number;
    return true;
}

/* --- memory --- */

static bool
is_out_of_memory(Call call)
{
    if (!fails(call))
        return false;
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t n_bytes)
{
    return is_out_of_memory(CALL_malloc) ? NULL : __libc_malloc(n_bytes);
}

void *
calloc(size_t n, size_t n_bytes)
{
    return is_out_of_memory(CALL_calloc) ? NULL : __libc_calloc(n, n_bytes);
}

void *
realloc(void *memory, size_t n_bytes)
{
    return is_out_of_memory(CALL_realloc) ? NULL : __libc_realloc(memory, n_bytes);
}

/* --- files; those with 64 in their name are the same --- */

static int
open_with(const char *path, int flags, mode_t mode)
{
    return fails(CALL_open) ? -1 : REAL(open)(path, flags, mode);
}

static mode_t
mode_from(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t) va_arg(arguments, int) : 0;
}

int
open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_with(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    const mode_t mode = mode_from(flags, arguments);
    va_end(arguments);
    return open_with(path, flags, mode);
}

/* A function that returns @failed by errno. */
#define WRAP(type, name, failed, parameters, arguments)                                \
    type name parameters                                                               \
    {                                                                                  \
        return fails(CALL_##name) ? (type) (failed) : REAL(name) arguments;            \
    }

/* The same under another name. */
#define WRAP64(type, name, failed, parameters, arguments)                              \
    WRAP(type, name, failed, parameters, arguments)                                    \
    type name##64 parameters                                                           \
    {                                                                                  \
        return name arguments;                                                         \
    }

/* clang-format off */
WRAP64(int, posix_fallocate, error_number, (int fd, off_t at, off_t n), (fd, at, n))
WRAP64(void *, mmap, MAP_FAILED,
       (void *at, size_t n, int protection, int flags, int fd, off_t offset),
       (at, n, protection, flags, fd, offset))
WRAP(int, msync, -1, (void *at, size_t n, int flags), (at, n, flags))
WRAP(int, fsync, -1, (int fd), (fd))
WRAP(int, fdatasync, -1, (int fd), (fd))
WRAP64(int, truncate, -1, (const char *path, off_t n), (path, n))
WRAP64(int, ftruncate, -1, (int fd, off_t n), (fd, n))
WRAP64(ssize_t, pread, -1, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
WRAP(ssize_t, read, -1, (int fd, void *to, size_t n), (fd, to, n))
WRAP(ssize_t, write, -1, (int fd, const void *from, size_t n), (fd, from, n))
WRAP64(ssize_t, pwrite, -1, (int fd, const void *from, size_t n, off_t at),
       (fd, from, n, at))
WRAP(int, unlink, -1, (const char *path), (path))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to))
WRAP(int, flock, -1, (int fd, int operation), (fd, operation))

/* --- sockets --- */

WRAP(ssize_t, send, -1, (int fd, const void *from, size_t n, int flags),
     (fd, from, n, flags))
WRAP(ssize_t, recv, -1, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
WRAP(int, recvmmsg, -1,
     (int fd, struct mmsghdr *to, unsigned n, int flags, struct timespec *timeout),
     (fd, to, n, flags, timeout))

/* --- the server --- */

WRAP(PGconn *, PQconnectdbParams, NULL,
     (const char *const *keywords, const char *const *values, int expand),
     (keywords, values, expand))
WRAP(PGresult *, PQexec, NULL, (PGconn *conn, const char *query), (conn, query))
WRAP(PGresult *, PQexecParams, NULL,
     (PGconn *conn, const char *command, int n, const Oid *types,
      const char *const *values, const int *lengths, const int *formats, int format),
     (conn, command, n, types, values, lengths, formats, format))
WRAP(int, PQsendQuery, 0, (PGconn *conn, const char *query), (conn, query))
WRAP(int, PQsendQueryParams, 0,
     (PGconn *conn, const char *command, int n, const Oid *types,
      const char *const *values, const int *lengths, const int *formats, int format),
     (conn, command, n, types, values, lengths, formats, format))
WRAP(int, PQputCopyData, -1, (PGconn *conn, const char *buffer, int n),
     (conn, buffer, n))
WRAP(int, PQputCopyEnd, -1, (PGconn *conn, const char *why), (conn, why))
WRAP(char *, PQescapeLiteral, NULL, (PGconn *conn, const char *text, size_t n),
     (conn, text, n))
WRAP(unsigned char *, PQunescapeBytea, NULL, (const unsigned char *text, size_t *n),
     (text, n))
/* clang-format on */
