// Makes every synchronisation of the disk slower: loaded into the node with LD_PRELOAD, it waits
// SLOW_SYNC_MICROSECONDS more in fsync and fdatasync, as a slower disk would.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static long extra_microseconds;

__attribute__((constructor)) static void load(void) {
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    const char *text = getenv("SLOW_SYNC_MICROSECONDS");
    extra_microseconds = text ? atol(text) : 0;
}

static int after_wait(int result) {
    int error = errno;
    struct timespec rest = {extra_microseconds / 1000000, extra_microseconds % 1000000 * 1000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {}
    errno = error;
    return result;
}

int fdatasync(int descriptor) { return after_wait(real_fdatasync(descriptor)); }

int fsync(int descriptor) { return after_wait(real_fsync(descriptor)); }
