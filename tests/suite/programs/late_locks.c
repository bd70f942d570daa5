/* Preloaded into a writer: some time passes between the making of a data file and its lock, in which a sync may look. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

int flock(int file, int operation) {
    static int (*next)(int, int);
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "flock");
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, sizeof path - 1) > 0 && (operation & LOCK_EX) && strstr(path, ".jsonl") != NULL) {
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return next(file, operation);
}
