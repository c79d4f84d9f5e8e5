// Ends a process at a chosen write step, as a power cut or `kill -9` would: loaded into the shipped
// program with LD_PRELOAD, it stands between the program and the C library.
//
// A write step is a call that changes what is on the disk or what others see, named
// `MOMENT OPERATION FILE`: moment `before`, `torn` (half of the bytes are written) or `after`;
// operation `write`, `sync`, `truncate` or `remove`; file `chain`, `chain-wal`, `votes`,
// `votes-wal`, or `socket` for bytes to a peer.
//
//   KILL_AT    the step, e.g. `before sync votes-wal`; without it nothing is ended
//   KILL_COUNT the how manieth such step, from 1
//   KILL_LOG   a file to which the steps are appended, one line each, while they are counted
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *chosen_step;
static long chosen_count;
static atomic_long count;
static int log_descriptor = -1;

static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void load(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_writev = dlsym(RTLD_NEXT, "writev");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    chosen_step = getenv("KILL_AT");
    const char *number = getenv("KILL_COUNT");
    chosen_count = number ? atol(number) : 1;
    const char *path = getenv("KILL_LOG");
    if (path) log_descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// The name of a database's file, by the end of its path; null for files of no interest.
static const char *name_of_path(const char *path) {
    static const struct { const char *end, *name; } known[] = {
        {"/votes.sqlite", "votes"}, {"/votes.sqlite-wal", "votes-wal"},
        {"/chain.sqlite", "chain"}, {"/chain.sqlite-wal", "chain-wal"},
    };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t size = strlen(known[i].end);
        if (length >= size && strcmp(path + length - size, known[i].end) == 0) return known[i].name;
    }
    return NULL;
}

static const char *name_of(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return NULL;
    if (S_ISSOCK(status.st_mode)) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        if (getpeername(descriptor, (struct sockaddr *)&address, &size) != 0) return NULL;
        return address.ss_family == AF_INET || address.ss_family == AF_INET6 ? "socket" : NULL;
    }
    if (!S_ISREG(status.st_mode)) return NULL;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return name_of_path(path);
}

// Counts a step; true when the process is to end here.
static int is_chosen(const char *moment, const char *operation, const char *name) {
    char step[64];
    int length = snprintf(step, sizeof step, "%s %s %s\n", moment, operation, name);
    if (log_descriptor >= 0 && real_write(log_descriptor, step, (size_t)length) < 0) return 0;
    step[length - 1] = 0;
    if (!chosen_step || strcmp(step, chosen_step) != 0) return 0;
    return atomic_fetch_add(&count, 1) + 1 == chosen_count;
}

static void step(const char *moment, const char *operation, const char *name) {
    if (is_chosen(moment, operation, name)) kill(getpid(), SIGKILL);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) {
    const char *name = name_of(descriptor);
    if (!name) return real_pwrite(descriptor, bytes, size, offset);
    step("before", "write", name);
    if (is_chosen("torn", "write", name)) {
        real_pwrite(descriptor, bytes, size / 2, offset);
        kill(getpid(), SIGKILL);
    }
    ssize_t result = real_pwrite(descriptor, bytes, size, offset);
    step("after", "write", name);
    return result;
}

static int sync_with(int (*real)(int), int descriptor) {
    const char *name = name_of(descriptor);
    if (!name) return real(descriptor);
    step("before", "sync", name);
    int result = real(descriptor);
    step("after", "sync", name);
    return result;
}

int fdatasync(int descriptor) { return sync_with(real_fdatasync, descriptor); }

int fsync(int descriptor) { return sync_with(real_fsync, descriptor); }

int ftruncate64(int descriptor, off64_t size) {
    const char *name = name_of(descriptor);
    if (!name) return real_ftruncate(descriptor, size);
    step("before", "truncate", name);
    int result = real_ftruncate(descriptor, size);
    step("after", "truncate", name);
    return result;
}

int unlink(const char *path) {
    const char *name = name_of_path(path);
    if (!name) return real_unlink(path);
    step("before", "remove", name);
    int result = real_unlink(path);
    step("after", "remove", name);
    return result;
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    const char *name = name_of(descriptor);
    if (!name) return real_write(descriptor, bytes, size);
    step("before", "write", name);
    ssize_t result = real_write(descriptor, bytes, size);
    step("after", "write", name);
    return result;
}

ssize_t writev(int descriptor, const struct iovec *pieces, int number) {
    const char *name = name_of(descriptor);
    if (!name) return real_writev(descriptor, pieces, number);
    step("before", "write", name);
    ssize_t result = real_writev(descriptor, pieces, number);
    step("after", "write", name);
    return result;
}
