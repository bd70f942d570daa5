/* What a process holds, as /proc/self says. */
#ifndef OWN_H
#define OWN_H

#include "check.h"

#include <dirent.h>

typedef struct {
    long descriptors, threads, maps, resident; /* resident in KiB */
} Own;

static inline long own_entries(const char *directory) {
    DIR *open = opendir(directory);
    CHECK(open != NULL);
    long count = 0;
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) count += entry->d_name[0] != '.';
    closedir(open);
    return count - (strstr(directory, "/fd") != NULL); /* the directory itself is open */
}

/* How many threads of this process have the name. */
static inline long own_threads_named(const char *name) {
    DIR *open = opendir("/proc/self/task");
    CHECK(open != NULL);
    long count = 0;
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        char path[320], found[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(found, sizeof found, file) != NULL) found[strcspn(found, "\n")] = 0;
        fclose(file);
        count += strcmp(found, name) == 0;
    }
    closedir(open);
    return count;
}

static inline Own own(void) {
    Own now = {own_entries("/proc/self/fd"), own_entries("/proc/self/task"), 0, 0};
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r"), *status = fopen("/proc/self/status", "r");
    CHECK(maps != NULL && status != NULL);
    while (fgets(line, sizeof line, maps) != NULL) ++now.maps;
    while (fgets(line, sizeof line, status) != NULL) sscanf(line, "VmRSS: %ld", &now.resident);
    fclose(maps);
    fclose(status);
    return now;
}

static inline void print_own(const char *when, Own now) {
    fprintf(stderr, "%s: %ld descriptors, %ld threads, %ld maps, %ld KiB resident\n", when, now.descriptors,
            now.threads, now.maps, now.resident);
}
#endif
