/* Logs while the wall clock is set to other times (clock_shim.c). Arguments: the offline directory, the file of the
 * offset, "finish" or "leave", and offsets in seconds, one after the other. */
#define _DEFAULT_SOURCE
#include "told.h"

#include <time.h>

static void set_clock(const char *path, const char *seconds) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(seconds, file) >= 0 && fclose(file) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc > 4);
    alarm(60);
    set_clock(argv[2], argv[4]);
    weave_client *client = offline_client(argv[1], "clock");
    for (int i = 4; i < argc; ++i) {
        time_t before = time(NULL);
        set_clock(argv[2], argv[i]);
        fprintf(stderr, "the clock goes from %ld to %ld\n", (long)before, (long)time(NULL));
        for (int record = 0; record < 30; ++record) {
            log_told(client, "timed");
            live_told(client, "timed", record % 2);
        }
        if (i % 2 == 0) CHECK(weave_flush(client, 10000, NULL) == WEAVE_OK);
        usleep(250000); /* the packer looks at the clock meanwhile */
    }
    if (strcmp(argv[3], "finish") == 0) CHECK(weave_finish(client, 10000, NULL) == WEAVE_OK);
    _exit(0);
}
