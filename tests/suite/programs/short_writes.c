/* Preloaded: a slow disk that takes a few KiB at a time. write(2) and its like may always do less than they were asked
 * for; here they do, so that a process is often killed between two parts of one member or frame. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PART = 4096 };

/* Some time passes before a part, so that there is an instant between two of them. */
static size_t part(size_t length) {
    struct timespec pause = {0, 100000};
    if (length <= PART) return length;
    nanosleep(&pause, NULL);
    return PART;
}

ssize_t write(int file, const void *data, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "write");
    return real(file, data, part(length));
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    return real(file, data, part(length), at);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    for (int i = 0; i < count; ++i) {
        if (parts[i].iov_len != 0) return write(file, parts[i].iov_base, parts[i].iov_len);
    }
    return 0;
}
