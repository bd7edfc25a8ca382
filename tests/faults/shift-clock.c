/* SPDX-License-Identifier: Apache-2.0 */

/* Shift-clock: the wall clock of a process, set ahead or back while it runs.
 *
 * To be preloaded (LD_PRELOAD).  SHIFT_CLOCK names a file of 8 bytes, an int64_t in the
 * byte order of the machine: microseconds to add to the wall clock from now on.  Clocks
 * that do not step are left alone, as a machine leaves them when its clock is set; the
 * kernel's times of received datagrams are shifted too. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC INT64_C(1000000000)

static _Atomic(int64_t) none;
static _Atomic(int64_t) *shift_us = &none;

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("SHIFT_CLOCK");
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return;

    void *map = mmap(NULL, sizeof(*shift_us), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        shift_us = map;
}

static struct timespec
shifted(struct timespec time)
{
    const int64_t ns = time.tv_nsec + *shift_us % 1000000 * 1000;

    time.tv_sec += *shift_us / 1000000 + ns / NS_PER_SEC;
    time.tv_nsec = ns % NS_PER_SEC;
    if (time.tv_nsec < 0) {
        time.tv_nsec += NS_PER_SEC;
        time.tv_sec--;
    }
    return time;
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
    static __typeof__(&clock_gettime) next;

    if (!next)
        next = REAL(clock_gettime);

    const int status = next(id, now);
    if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        *now = shifted(*now);
    return status;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void) zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t
time(time_t *also)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (also)
        *also = now.tv_sec;
    return now.tv_sec;
}

static void
shift_stamps(struct msghdr *header)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part;
         part = CMSG_NXTHDR(header, part)) {
        struct timespec stamp;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
        stamp = shifted(stamp);
        memcpy(CMSG_DATA(part), &stamp, sizeof(stamp));
    }
}

int
recvmmsg(int fd, struct mmsghdr *messages, unsigned n_messages, int flags,
         struct timespec *timeout)
{
    const int n = REAL(recvmmsg)(fd, messages, n_messages, flags, timeout);

    for (int i = 0; i < n; i++)
        shift_stamps(&messages[i].msg_hdr);
    return n;
}
