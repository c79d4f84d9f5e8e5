// Gives a process a wrong clock or a socket that accepts nothing: to be loaded into it with LD_PRELOAD.
//
//   CLOCK_OFFSET   a file of 8 bytes, a signed integer of this machine: milliseconds to be added to
//                  the time of day. It may change while the process runs. Monotonic clocks stay right.
//   ACCEPT_ERRNO   accepting a connection fails with this error number
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_accept)(int, struct sockaddr *, socklen_t *);
static const volatile int64_t *offset;
static int accept_error;

__attribute__((constructor)) static void load(void) {
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    real_accept = dlsym(RTLD_NEXT, "accept");
    const char *number = getenv("ACCEPT_ERRNO");
    if (number) accept_error = atoi(number);
    const char *path = getenv("CLOCK_OFFSET");
    if (!path) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) abort();
    void *page = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) abort();
    offset = page;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    // Before this library is loaded others may ask.
    if (!real_clock_gettime) real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real_clock_gettime(clock, time);
    if (result != 0 || !offset || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    int64_t nanoseconds = time->tv_nsec + *offset % 1000 * 1000000;
    time->tv_sec += *offset / 1000;
    if (nanoseconds < 0) {
        time->tv_sec -= 1;
        nanoseconds += 1000000000;
    }
    time->tv_sec += nanoseconds / 1000000000;
    time->tv_nsec = nanoseconds % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *time, void *zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int accept(int socket, struct sockaddr *address, socklen_t *size) {
    if (accept_error) {
        errno = accept_error;
        return -1;
    }
    return real_accept(socket, address, size);
}
